#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that what a session of smtpd costs in memory is bounded, whatever its
# client does: idle, idle under TLS, during a message of 100 MB, of one line, of
# one endless header, of a thousand recipients, of commands without an end, and
# of commands whose replies nobody reads.  Counted is the private memory of the
# session's processes; and the monitor keeps nothing of it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Socket;
use Test::More;

use Stdmail;

Stdmail::need(qw(smtpd tls));
plan skip_all => 'no smaps_rollup' if !-r "/proc/$$/smaps_rollup";

my $variant = $ENV{STDMAIL_VARIANT} // 'plain';
# ASan puts something around each block; that it also keeps what was given back
# would hide what is counted here.
$ENV{ASAN_OPTIONS} = join ':', grep { defined } $ENV{ASAN_OPTIONS},
    'quarantine_size_mb=0:thread_local_quarantine_size_kb=0';
my $room = $variant eq 'plain' ? 0 : 4000;
my $s = Stdmail->new(users => { alice => 'open-sesame' }, conf => {
    max_size => '200M', max_recipients => 2000, max_per_address => 100 });
my $large = 100 << 20;

# Private kilobytes of a process.
sub
private
{
	my ($pid) = @_;
	my $map = eval { Stdmail::slurp("/proc/$pid/smaps_rollup") } // '';
	my $kb = 0;

	$kb += $_ for $map =~ /^Private_(?:Clean|Dirty): +(\d+)/mg;
	return $kb;
}

# All below a process.
sub
below
{
	my ($pid) = @_;
	my $list = eval { Stdmail::slurp("/proc/$pid/task/$pid/children") };

	return map { ($_, below($_)) } split ' ', $list // '';
}

# A session, and who serves it.
sub
open_session
{
	my ($srv, $tls) = @_;
	my $c = $srv->connect(timeout => 120);

	$c->starttls if $tls;
	die "no banner\n" if $c->smtp(undef) !~ /^220/;
	$c->smtp('EHLO client.test');
	($c->{door}) = (grep { /: connect / }
	    split /\n/, $s->log_text)[-1] =~ /\[(\d+)\]/;
	return $c;
}

sub
cost
{
	my ($c) = @_;
	my $kb = 0;

	$kb += private($_) for $c->{door}, below($c->{door});
	return $kb;
}

# It costs something, and no more than this.
sub
within
{
	my ($what, $most, $kb) = @_;

	ok($kb > 0 && $kb <= $most + $room, "$what: $kb kB, at most $most");
}

# Send $piece until it is $large, and end with $end: the most that it cost, and
# the last reply.
sub
pour
{
	my ($c, $large, $piece, $end) = @_;
	my $most = 0;

	for (my $n = 0; $n < $large; $n += length $piece) {
		$c->send($piece) or last;
		next if $n % ($large / 16) >= length $piece;
		my $kb = cost($c);
		$most = $kb if $kb > $most;
	}
	my $reply = eval { $c->smtp($end) } // 'none';
	my $kb = cost($c);
	return ($kb > $most ? $kb : $most, $reply);
}

sub
data
{
	my ($c) = @_;

	$c->smtp('MAIL FROM:<alice@a.test>');
	$c->smtp('RCPT TO:<alice@a.test>');
	return $c->smtp('DATA');
}

my $mx = $s->start('smtpd', args => ['-m', 'mx']);
my $tls = $s->start('smtpd', args => ['-m', 'mx', '-T']);
my $line = 'x' x 76 . "\r\n";
my $block = $line x 840;		# about 64 kB

# What the monitor has, shared with its doors or not.
sub
monitor
{
	return Stdmail::slurp("/proc/$mx->{pid}/status") =~
	    /^RssAnon:\s+(\d+)/m ? $1 : 0;
}

open_session($mx)->close;
my $monitor = monitor();

for my $row (['in the clear', $mx, 0, 0], ['TLS', $tls, 1, 250]) {
	my ($what, $srv, $secure, $more) = @$row;
	my @idle = map { open_session($srv, $secure) } 1 .. 5;
	my $kb = 0;

	$kb += cost($_) for @idle;
	within("$what: each of five idle sessions", 200 + $more, int $kb / 5);
	$_->close for @idle;

	my $c = open_session($srv, $secure);
	like(data($c), qr/^354/, "$what: DATA");
	($kb, my $reply) = pour($c, $large, "Subject: x\r\n\r\n$block", '.');
	like($reply, qr/^250/, "$what: 100 MB are taken");
	within("$what: 100 MB", 300 + $more, $kb);
	$c->close;
	unlink $s->spooled;
}

for my $row (
	['one line of 16 MB', "Subject: x\r\n\r\n", 'x' x 65536, "\r\n."],
	['a header of 16 MB', '', "X: $line" x 840, "\r\n."],
	['one field of 16 MB', 'X: x', "\r\n " . 'x' x 70, "\r\n\r\n."],
	['a field of one line', 'X: ', 'x' x 65536, "\r\n\r\n."],
	['dots', "\r\n", "..\r\n" x 16384, '.'],
	['empty lines', "\r\n", "\r\n" x 32768, '.'],
	['bare CRs', "\r\n", "x\r" x 32768, "\r\n."],
	['NULs', "\r\n", "\0" x 65536, "\r\n."],
) {
	my ($what, $begin, $piece, $end) = @$row;
	my $c = open_session($mx);

	like(data($c), qr/^354/, "$what: DATA");
	$c->send($begin);
	my ($kb, $reply) = pour($c, 16 << 20, $piece, $end);
	like($reply, qr/^[245]\d\d /, "$what: $reply");
	within($what, 300, $kb);
	$c->close;
	unlink $s->spooled;
}

# A header is held back while a user submits it, as far as it may go.
{
	my $sub = $s->start('smtpd', args => ['-m', 'submission']);
	my $c = open_session($sub);

	$c->smtp('AUTH PLAIN AGFsaWNlAG9wZW4tc2VzYW1l');
	like(data($c), qr/^354/, 'submission: DATA');
	my ($kb, $reply) = pour($c, 16 << 20, "X: $line" x 840, "\r\n.");
	like($reply, qr/^5\d\d /, "submission, a header of 16 MB: $reply");
	within('submission, a header of 16 MB', 2500, $kb);
	$c->close;
}

# What a session keeps for each recipient.
{
	my $c = open_session($mx);
	my $good = 0;

	$c->smtp('MAIL FROM:<a@b.test>');
	$good += $c->smtp('RCPT TO:<alice+' . 'x' x 40 . "$_\@a.test>") =~ /^250/
	    for 1 .. 1000;
	is($good, 1000, '1000 recipients');
	within('1000 recipients', 1000, cost($c));
	like($c->smtp('DATA'), qr/^354/, '1000 recipients: DATA');
	like($c->smtp("Subject: x\r\n\r\nx\r\n."), qr/^250/, 'and a message');
	is(scalar(my @files = $s->spooled('local/now')), 1, 'in one file');
	within('1000 recipients and a message', 1000, cost($c));
	$c->smtp('RSET');
	$c->close;
	unlink $s->spooled;
}

# Commands: one without an end, and many whose answers nobody reads.
{
	my $c = open_session($mx);
	my ($kb, $reply) = pour($c, 16 << 20, 'x' x 65536, "\r\nNOOP");

	like($reply, qr/^500 /, 'one command of 16 MB');
	within('one command of 16 MB', 300, $kb);
	$c->close;
	$c = open_session($mx);
	$c->{in}->setsockopt(SOL_SOCKET, SO_RCVBUF, 4096);
	for (1 .. 20000) {
		defined syswrite($c->{out}, "NOOP x\r\n" x 50) or last;
	}
	within('commands, and nobody reads the replies', 300, cost($c));
	$c->close;
}

my $gained = monitor() - $monitor;
cmp_ok($gained, '<', 400 + $room, "the monitor: $gained kB more");
ok($_->alive(0.02), 'the server lives') for $mx, $tls;
done_testing();
