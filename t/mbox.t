#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that an mbox is a mailbox as any: what mda-deliver or APPEND put there
# comes out by POP3 and IMAP, octet for octet; deliveries, POP3 sessions that
# delete and IMAP sessions that set flags at the same time lose nothing; what
# mutt changes in it is seen, and what we changed by mutt; all in a plain pipe
# too.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Find;
use Test::More;

use Stdmail;

Stdmail::need(qw(pop3d imapd mda-deliver));

use constant { BEFORE => 40, DURING => 40 };

my $s = Stdmail->new;
my $home = "$s->{dir}/home/me";
my $mbox = "$home/mbox";
mkdir $home;
$s->own;

sub
deliver
{
	my ($text, @args) = @_;
	my ($status, undef, $err) = $s->run_program('mda-deliver',
	    [@args, $mbox], stdin => $text);

	is($status, 0, 'delivered') or diag $err;
}

# A session on it: a connection whose greeting is read.
sub
begin
{
	my ($name) = @_;
	my ($pid, $c) = $s->session($name, args => ['-p', $mbox],
	    mode => 'pipe', timeout => 60);

	like($c->line, qr/^(?:\+OK|\* PREAUTH)/, "$name -p");
	return ($c, $pid);
}

sub
imap_lines
{
	my ($c, $command) = @_;
	my @lines;

	$c->send("t $command\r\n");
	while (defined(my $line = $c->line)) {
		push @lines, $line =~ s/\r\n\z//r;
		last if $line =~ /^t /;
	}
	return @lines;
}

sub
imap_literal
{
	my ($c, $seq) = @_;

	$c->send("t FETCH $seq BODY.PEEK[]\r\n");
	my ($n) = $c->line =~ /\{(\d+)\}\r\n\z/;
	my $bytes = $n ? $c->bytes($n) : '';
	$c->line;
	like($c->line, qr/^t OK/, "FETCH $seq");
	return $bytes;
}

# --- octets ---------------------------------------------------------------

my @texts = (
	['a plain one', "Subject: a\n\nb\n"],
	['notes of another mbox', "Status: RO\nX-Status: F\nX-UID: 7\n" .
	    "X-IMAPbase: 1 2\nContent-Length: 9\n\nb\n"],
	['dots', "A: b\n\n.\n..\n.c\n"],
	['lines that look like another message', "A: b\n\nFrom x\n>From y\n" .
	    "\nFrom a\@b.test Thu Jan  1 00:00:10 1970\nC: d\n\n>>From z\n"],
	['no final newline', "A: b\n\nc"],
	['many final newlines', "A: b\n\nc\n\n\n\n"],
	['only a header', "A: b\n"],
	['no header', "\nb\n"],
	['a bare CR', "A: b\n\nc\rd\n"],
	['NULs', "A: b\n\n\0c\0\n"],
	['eight bits', "A: b\n\n\xe4\xff\n"],
	['a long one', "Subject: long\n\n" . (('x' x 76 . "\n") x 3000)],
	['a long line', "A: b\n\n" . 'x' x 200000 . "\n"],
);
my $corpus = ($ENV{STDMAIL_SHARED} // "$Stdmail::top/../shared") . '/corpus';
my @found;
find(sub { push @found, $File::Find::name if -f }, $corpus) if -d $corpus;
for my $file (grep { /\.eml\z/ } sort @found) {
	my $text = Stdmail::slurp($file);

	next if length $text > 100000 || @texts > 40;
	push @texts, [$file =~ s{.*/}{}r, $text =~ s/\r\n/\n/gr];
}
note('no corpus: ' . $corpus) if !@found;
deliver($_->[1]) for @texts;
my @wire = map { $_->[1] =~ s/(?<!\r)\n/\r\n/gr } @texts;

my ($c) = begin('imapd');
my @answer = imap_lines($c, 'SELECT INBOX');
ok(scalar(grep { $_ eq '* ' . @texts . ' EXISTS' } @answer), 'all are there');
for my $i (0 .. $#texts) {
	Stdmail::same(imap_literal($c, $i + 1), $wire[$i] =~ tr/\0/\x80/r,
	    "$texts[$i][0]: BODY.PEEK[]");
}
for my $i (0 .. $#texts) {
	next if $wire[$i] =~ /\0/;
	$c->send(sprintf "t APPEND INBOX {%d+}\r\n%s\r\n", length $wire[$i],
	    $wire[$i]);
	my $line = $c->line;
	$line = $c->line while $line =~ /^\* /;
	like($line, qr/^t OK/, "$texts[$i][0]: APPEND");
	push @texts, ["$texts[$i][0], sent by IMAP", ''];
	push @wire, $wire[$i];
}
for my $i (0 .. $#texts) {
	Stdmail::same(imap_literal($c, $i + 1), $wire[$i] =~ tr/\0/\x80/r,
	    "$texts[$i][0]: BODY.PEEK[] again");
}
imap_lines($c, 'LOGOUT');
$c->close;
($c) = begin('pop3d');
for my $i (0 .. $#texts) {
	my ($status, $bytes) = $c->pop3('RETR ' . ($i + 1), 1);
	my $want = $wire[$i] =~ /\n\z/ ? $wire[$i] : "$wire[$i]\r\n";

	is($status, '+OK ' . length($wire[$i]) . ' octets',
	    "$texts[$i][0]: RETR, its size");
	Stdmail::same($bytes, $want, "$texts[$i][0]: RETR");
	$c->ask('DELE ' . ($i + 1));
}
like($c->ask('QUIT'), qr/^\+OK/, 'all are removed');
$c->close;
is(-s $mbox, 0, 'and it is empty');

# --- all at once ----------------------------------------------------------

deliver("Subject: m$_\n\n" . "$_\n" x (100 * $_)) for 1 .. BEFORE;
my $pid = Stdmail::fork_child(sub {
	for (BEFORE + 1 .. BEFORE + DURING) {
		my ($status) = $s->run_program('mda-deliver', [$mbox],
		    stdin => "Subject: m$_\n\n$_\n");
		die "$_ was not delivered: $status\n" if $status != 0;
	}
});
my ($imap) = begin('imapd');
my ($pop) = begin('pop3d');
imap_lines($imap, 'SELECT INBOX');
my ($count) = $pop->ask('STAT') =~ /^\+OK (\d+)/;
cmp_ok($count, '>=', BEFORE, 'those that were there are listed');
my %gone;
for my $n (1 .. BEFORE) {
	my ($status, $bytes) = $pop->pop3("RETR $n", 1);

	like($bytes, qr/\ASubject: m$n\r\n\r\n(?:$n\r\n){${\(100 * $n)}}\z/,
	    "RETR $n in the middle of it");
	like((imap_lines($imap, "STORE $n +FLAGS (\\Seen)"))[-1], qr/^t OK/,
	    "STORE $n");
	next if $n % 2 == 0;
	like($pop->ask("DELE $n"), qr/^\+OK/, "DELE $n");
	$gone{"m$n"} = 1;
}
is(($pop->ask('STAT') =~ /^\+OK (\d+)/)[0], $count - keys %gone,
    'new ones are not shown to the session');
like($pop->ask('QUIT'), qr/^\+OK/, 'QUIT');
$pop->close;
Stdmail::reap($pid, 60);
my @told = imap_lines($imap, 'NOOP');
is(scalar(grep { / EXPUNGE\z/ } @told), scalar keys %gone,
    'IMAP is told what POP3 removed');
my ($exists) = map { /^\* (\d+) EXISTS/ ? $1 : () } @told;
is($exists, BEFORE + DURING - keys %gone, 'and what was delivered');
my %left;
for my $n (1 .. $exists // 0) {
	my ($subject) = imap_literal($imap, $n) =~ /^Subject: (m\d+)/;
	$left{$subject // ''}++;
}
is_deeply(\%left, { map { $gone{"m$_"} ? () : ("m$_" => 1) }
    1 .. BEFORE + DURING }, 'each of the others is there once');
is((imap_lines($imap, 'SEARCH SEEN'))[0], join(' ', '* SEARCH',
    1 .. BEFORE / 2), 'with the flags that were set');
imap_lines($imap, 'LOGOUT');
$imap->close;
ok(!-e "$mbox.lock", 'no lock is left');

# --- mutt -----------------------------------------------------------------

SKIP: {
	skip 'mutt is missing', 4 if !Stdmail::tool('mutt');
	my $client = "$s->{dir}/client";

	my $keys = '<first-entry><clear-flag>N<delete-message><first-entry>' .
	    '<next-undeleted><set-flag>!<sync-mailbox><exit>';

	mkdir $client;
	Stdmail::spew("$client/muttrc", <<END);
set sleep_time=0 wait_key=no quit=yes delete=yes move=no mark_old=no beep=no
set mbox_type=mbox spoolfile=$mbox folder=$home read_inc=0 write_inc=0
push "$keys"
END
	($imap) = begin('imapd');
	my @before = imap_lines($imap, 'SELECT INBOX');
	my ($status, $shown) = $s->run_tool_tty('mutt', ['-n', '-F',
	    "$client/muttrc", '-f', $mbox]);
	is($status, 0, 'mutt -f') or diag $shown;
	@told = imap_lines($imap, 'NOOP');
	is(scalar(grep { / EXPUNGE\z/ } @told), 1, 'it removed one');
	is(scalar(grep { /FETCH \(FLAGS \(.*\\Flagged/ } @told), 1,
	    'and flagged one');
	my ($uids) = grep { /^\* SEARCH/ } imap_lines($imap,
	    'UID SEARCH FLAGGED');
	imap_lines($imap, 'LOGOUT');
	$imap->close;
	($imap) = begin('imapd');
	is_deeply([grep { /UIDVALIDITY/ } imap_lines($imap, 'SELECT INBOX')],
	    [grep { /UIDVALIDITY/ } @before], 'the same UIDVALIDITY');
	is((imap_lines($imap, 'UID SEARCH FLAGGED'))[0], $uids,
	    'and the same UID');
	imap_lines($imap, 'LOGOUT');
	$imap->close;
}

unlike($s->log_text, qr/signal=|AddressSanitizer|runtime error/,
    'nothing crashed');

done_testing();
