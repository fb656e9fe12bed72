#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that what came in comes out, octet for octet and with the right sizes,
# by POP3 (RETR) and by IMAP (BODY.PEEK[]): messages sent by IMAP APPEND, and
# files that other programs left in the Maildir, whatever their line ends are
# and whatever their names say of their size.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail;

Stdmail::need(qw(pop3d imapd));

my $s = Stdmail->new(users => { alice => 'open-sesame' });
my $long = "Subject: long\n\n" . (('x' x 76 . "\n") x 2000);

# What, the file, and how much its name errs in ,S= and ,W= (undef: it says
# nothing).
my @files = (
	['a file as we write it', "Subject: a\n\nb\n.c\n", 0, 0],
	['a digit more on the wire', "A: b\n\nc\n", 0, 0],
	['from two digits to three', "A: b\n\n" . "c\n" x 45 . "d", 0, 0],
	['dots at every line', "A: b\n\n" . ".\n" x 500, 0, 0],
	['a block to the octet', 'A: b' . "\n" x 32764, 0, 0],
	['a block and an octet', 'A: b' . "\n" x 32765, 0, 0],
	['dots over blocks', "A: b\n\n" . ".\n" x 70000, 0, 0],
	['a name without sizes', "Subject: a\n\nb\n"],
	['a bare CR inside', "Subject: a\n\nb\rc\n", 0, 0],
	['a CR at the end of a line', "Subject: a\n\nb\r\r\nc\n", 0, 0],
	['a CR at the end', "Subject: a\n\nb\r", 0, 0],
	['no final newline', "Subject: a\n\nb", 0, 0],
	['a CRLF file', "Subject: a\r\n\r\nb\r\n.c\r\n", 0, 0],
	['mixed endings', "Subject: a\r\n\nb\nc\r\nd\n", 0, 0],
	['NULs', "Subject: a\n\n\0b\0\n\0", 0, 0],
	['a wrong ,S=', "Subject: a\n\nb\nc\n", 7, 0],
	['a wrong ,W=', "Subject: a\n\nb\nc\n", 0, 7],
	['a ,W= too small', "Subject: a\n\nb\nc\n", 0, -7],
	['both wrong', "Subject: a\n\nb\nc\n", -3, 1000],
	['a long one', $long, 0, 0],
	['a long one, both wrong', $long, -1000, -1000],
	['a long CRLF file', $long =~ s/\n/\r\n/gr, 0, 0],
	['a long one without line ends', 'Subject: a' . ' b' x 60000, 0, 0],
	['nothing', '', 0, 0],
);
# What IMAP sends.
my @sent = (
	['APPEND', "Subject: a\r\n\r\nb\r\n"],
	['APPEND, a bare CR', "Subject: a\r\n\r\nb\rc\r\n"],
	['APPEND, CR CR LF', "Subject: a\r\n\r\nb\r\r\nc\r\n\r\r\r\n"],
	['APPEND, no final newline', "Subject: a\r\n\r\nb"],
	['APPEND, a CR at the end', "Subject: a\r\n\r\nb\r"],
	['APPEND, dots', "Subject: a\r\n\r\n.\r\n..\r\n.b\r\n."],
	['APPEND, a long one', $long =~ s/\n/\r\n/gr],
);

my $md = $s->maildir('alice');
$s->preload('alice', "x\n", 'S');
unlink $s->files('Mail/alice/cur');
my @want;
for my $i (0 .. $#files) {
	my ($what, $bytes, $sx, $wx) = @{$files[$i]};
	my $wire = $bytes =~ s/(?<!\r)\n/\r\n/gr;
	my $name = sprintf '%d.x.test', 1700000000 + $i;

	$name .= sprintf ',S=%d,W=%d', length($bytes) + $sx,
	    length($wire) + $wx if defined $sx;
	Stdmail::spew("$md/cur/$name:2,", $bytes, 0600);
	push @want, [$what, $wire];
}
$s->own;
my $pop3d = $s->start('pop3d');
my $imapd = $s->start('imapd');

my $c = $imapd->connect;
$c->answer;
$c->imap($_) for 'LOGIN alice open-sesame', 'SELECT INBOX';
for (@sent) {
	my ($what, $wire) = @$_;

	$c->send(sprintf "a APPEND INBOX {%d}\r\n", length $wire);
	$c->line;
	$c->send("$wire\r\n");
	my $line = $c->line;
	$line = $c->line while $line =~ /^\* /;
	like($line, qr/^a OK/, "$what is taken");
	push @want, [$what, $wire];
}
$c->imap('LOGOUT');
$c->close;

# RETR completes the last line: what a message that ends in it becomes.
sub
completed
{
	my ($wire) = @_;

	return $wire if $wire eq '' || $wire =~ /\n\z/;
	return $wire =~ /\r\z/ ? "$wire\n" : "$wire\r\n";
}

sub
by_pop3
{
	my ($round) = @_;
	my $c = $pop3d->connect;

	$c->answer;
	$c->ask($_) for 'USER alice', 'PASS open-sesame';
	for my $i (0 .. $#want) {
		my ($what, $wire) = @{$want[$i]};
		my ($status, $bytes) = $c->pop3('RETR ' . ($i + 1), 1);

		is($status, sprintf('+OK %d octets', length $wire),
		    "$what: RETR, $round, its size");
		Stdmail::same($bytes, completed($wire),
		    "$what: RETR, $round");
		(undef, $bytes) = $c->pop3('TOP ' . ($i + 1) . ' 999999', 1);
		Stdmail::same($bytes, completed($wire), "$what: TOP, $round");
		is($c->ask('LIST ' . ($i + 1)), sprintf('+OK %d %d', $i + 1,
		    length $wire), "$what: LIST, $round, once it was read");
	}
	$c->ask('QUIT');
	$c->close;
}

sub
by_imap
{
	my $c = $imapd->connect;

	$c->answer;
	$c->imap('LOGIN alice open-sesame');
	$c->imap('SELECT INBOX');
	for my $i (0 .. $#want) {
		my ($what, $wire) = @{$want[$i]};

		$c->send(sprintf "f FETCH %d BODY.PEEK[]\r\n", $i + 1);
		my $line = $c->line;
		my ($n) = $line =~ /\{(\d+)\}\r\n\z/;
		my $bytes = $n ? $c->bytes($n) : '';
		$c->line if defined $n;
		# IMAP has no NUL (RFC 3501, section 9: CHAR8).
		Stdmail::same($bytes, $wire =~ tr/\0/\x80/r,
		    "$what: BODY.PEEK[]");
		like($c->line, qr/^f OK/, "$what: OK");
	}
	$c->imap('LOGOUT');
	$c->close;
}

by_pop3('first');
by_imap();
by_pop3('again');
unlike($s->log_text, qr/signal=|AddressSanitizer|runtime error/,
    'nothing crashed');

done_testing();
