#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that real messages come out as they went in: every message of the
# shared corpus goes through smtpd (by curl where it is there), the spool and
# mda-deliver, and is read by pop3d and by imapd with its bytes as sent, only
# trace fields on top, and with the sizes that both announce.  What SMTP does
# not allow in a message (a bare CR or LF, a NUL, an end without CRLF) is made
# right before it is sent, and counted.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::MD5 qw(md5_hex);
use File::Find;
use Test::More;
use Time::HiRes qw(time);

use Stdmail;

Stdmail::need(qw(smtpd mda-deliver pop3d imapd));

my @files;
find({ no_chdir => 1, wanted => sub {
	push @files, $_ if -f && !/README\z/;
} }, "$Stdmail::shared/corpus") if -d "$Stdmail::shared/corpus";
plan skip_all => 'no corpus (STDMAIL_SHARED)' if !@files;
@files = sort @files;

my $s = Stdmail->new(users => { alice => 'open-sesame' });
my (%sent, %made);

# The message as SMTP can carry it.
sub
normal
{
	my ($path) = @_;
	my $bytes = Stdmail::slurp($path);

	$bytes =~ s/\r\n/\n/g;
	$made{'a bare CR'}++ if $bytes =~ s/\r/\n/g;
	$made{'a NUL'}++ if $bytes =~ s/\0/ /g;
	$made{'no end of line'}++ if $bytes !~ /\n\z/;
	$bytes .= "\n" if $bytes !~ /\n\z/;
	return $bytes =~ s/\n/\r\n/gr;
}

# One message by curl, or by hand on a connection that is kept.
my $by_hand;
sub
submit
{
	my ($srv, $bytes) = @_;

	if (Stdmail::tool('curl')) {
		my $file = "$s->{dir}/client/message";
		Stdmail::spew($file, $bytes);
		my ($status, $out, $err) = $s->run_tool('curl', ['-sS',
		    '--mail-from', 'bob@b.test', '--mail-rcpt',
		    'alice@a.test', '-T', $file,
		    "smtp://127.0.0.1:$srv->{port}/client.test"]);
		return $status == 0 ? '' : "curl $status $err";
	}
	if (!$by_hand) {
		$by_hand = $srv->connect;
		$by_hand->smtp($_) for undef, 'EHLO client.test';
	}
	for my $line ('MAIL FROM:<bob@b.test>', 'RCPT TO:<alice@a.test>',
	    'DATA') {
		my $reply = $by_hand->smtp($line);
		return "$line: $reply" if $reply !~ /^[23]/;
	}
	my $reply = $by_hand->smtp(($bytes =~ s/^\./../gmr) . '.');
	return $reply =~ /^250/ ? '' : $reply;
}

my $srv = $s->start('smtpd', args => ['-m', 'mx'], env => {});
my $start = time;
my @refused;
for my $path (@files) {
	my $bytes = normal($path);
	my $why = submit($srv, $bytes);

	$sent{md5_hex($bytes)}{$path} = 1;
	push @refused, "$path: $why" if $why ne '';
}
is(join("\n", @refused), '', scalar(@files) . ' messages go in');
note "made right before: $made{$_} with $_" for sort keys %made;
note sprintf 'sent in %.1f s', time - $start;

$start = time;
my ($status, $out, $err) = $s->run_program('mda-deliver', ['-q'],
    timeout => 60);
is($status, 0, 'mda-deliver -q') or diag "$out$err";
is(scalar $s->spooled, 0, 'the spool is empty');
note sprintf 'delivered in %.1f s', time - $start;

# Take our trace fields away: they must be there, and first.
sub
below
{
	my ($bytes) = @_;

	$bytes =~ s/\AReturn-Path:\ <bob\@b\.test>\r\n
	    Delivered-To:\ alice\@a\.test\r\n
	    Received:\ from\ [^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n//x or
	    return 'no trace fields: ' . substr $bytes, 0, 300;
	return $bytes;
}

# Compare what a server gave with what was sent, as multisets.
sub
compare
{
	my ($what, @got) = @_;
	my %left = map { $_ => { %{$sent{$_}} } } keys %sent;
	my @strange;

	for my $bytes (@got) {
		my $below = below($bytes);
		my $key = md5_hex($below);
		if (!$left{$key} || !%{$left{$key}}) {
			push @strange, substr $below, 0, 200;
			next;
		}
		delete $left{$key}{(sort keys %{$left{$key}})[0]};
	}
	my @lost = map { keys %{$left{$_}} } keys %left;
	is(scalar @got, scalar @files, "$what gives all messages");
	is(scalar @strange, 0, "$what: each with its bytes as sent") or
	    diag join "\n", splice(@{['lost:', sort(@lost)]}, 0, 5),
	    splice(@{['strange:', @strange]}, 0, 5);
}

sub
by_pop3
{
	my $srv = $s->start('pop3d');
	my $c = $srv->connect;
	my (@got, @wrong);

	$c->answer;
	$c->ask($_) for 'UTF8', 'USER alice', 'PASS open-sesame';
	my ($reply, $list) = $c->pop3('LIST', 1);
	my %size = $list =~ /^(\d+) (\d+)\r$/mg;
	for my $n (sort { $a <=> $b } keys %size) {
		my ($status, $bytes) = $c->pop3("RETR $n", 1);
		push @got, $bytes;
		push @wrong, "$n: $size{$n}, got " . length $bytes
		    if length $bytes != $size{$n};
	}
	my $sum = 0;
	$sum += $_ for values %size;
	is($c->ask('STAT'), sprintf('+OK %d %d', scalar keys %size, $sum),
	    'pop3d: STAT');
	is(join("\n", @wrong), '', 'pop3d: LIST tells the sizes');
	$c->ask('QUIT');
	$c->close;
	$s->stop;
	return @got;
}

sub
by_imap
{
	my $srv = $s->start('imapd');
	my $c = $srv->connect(timeout => 60);
	my (@got, @wrong);

	$c->answer;
	$c->imap('LOGIN alice open-sesame');
	my ($n) = $c->imap('SELECT INBOX') =~ /^\* (\d+) EXISTS/m;
	$c->send("f FETCH 1:* (RFC822.SIZE BODY.PEEK[])\r\n");
	for (;;) {
		my $line = $c->line // last;
		last if $line =~ /^f /;
		next if $line !~ /\{(\d+)\}\r\n\z/;
		my $bytes = $c->bytes($1);
		push @got, $bytes;
		my $rest = $c->line;
		my ($size) = "$line$rest" =~ /RFC822\.SIZE (\d+)/;
		push @wrong, "$size, got " . length $bytes
		    if ($size // -1) != length $bytes;
	}
	is(join("\n", @wrong), '', 'imapd: RFC822.SIZE tells the sizes');
	# The structures of all of them, odd and broken ones too.
	my $all = $c->imap('FETCH 1:* (ENVELOPE BODYSTRUCTURE)');
	is(scalar(() = $all =~ /^\* \d+ FETCH \(/mg), $n,
	    'imapd: every one has an ENVELOPE and a BODYSTRUCTURE');
	like($all, qr/^t3 OK/m, 'imapd: OK');
	$c->imap('LOGOUT');
	$c->close;
	$s->stop;
	return @got;
}

compare('pop3d', by_pop3());
compare('imapd', by_imap());
compare('pop3d, after imapd,', by_pop3());
unlike($s->log_text, qr/signal=|AddressSanitizer|runtime error/,
    'nothing crashed');

done_testing();
