#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what the agent of spool/remote does with a message: hosts that take
# it, put it off, refuse it; the waits; the end of its life; the bounce, whom
# it goes to, its three parts and its words, and that no bounce is bounced; one
# connection for a domain; and the watcher, woken by what comes and by what
# becomes due.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Stdmail;
use Stdmail::Mta;

Stdmail::need(qw(smtp-send smtpd));

my $mta = Stdmail::Mta->start(
    offers => ['PIPELINING', '8BITMIME', 'SIZE 50000'],
    rules => [[qr/^RCPT TO:<nobody@/, "550-5.1.1 nobody here,\n" .
	'550 5.1.1 believe me'],
	[qr/^RCPT TO:<full@/, '452 4.2.2 mailbox full']]);
my $s = Stdmail->new(users => { alice => 'secret' }, conf => {
    relay_from => '127.0.0.0/8',
    route => ["b.test 127.0.0.1:$mta->{port}", 'down.test 127.0.0.1:1'] });

# Into the spool, by smtpd.
sub
enqueue
{
	my ($from, $to, $text) = @_;
	my ($pid, $c) = $s->session('smtpd', args => ['-m', 'mx']);

	$c->smtp;
	$c->smtp($_) for 'EHLO x', "MAIL FROM:<$from>",
	    (map { "RCPT TO:<$_>" } @$to), 'DATA';
	my $reply = $c->smtp("$text.");
	$c->smtp('QUIT');
	$c->close;
	Stdmail::reap($pid, 5);
	like($reply, qr/^250/, "enqueued for @$to") or diag $reply;
}

# One run; what it logged.
sub
run_queue
{
	my (@args) = @_;
	my ($status, $out, $err) = $s->run_program('smtp-send',
	    ['-q', @args]);

	is($status, 0, 'smtp-send -q') or diag $err;
	is($out, '', 'which prints nothing');
	return $err;
}

# The bounces in the spool, taken out.
sub
bounces
{
	my @files = $s->spooled('local/now');
	my @text = map { Stdmail::slurp($_) } @files;

	unlink $_ or die "$_: $!\n" for @files;
	return @text;
}

# Everything out of the spool.
sub
clear
{
	unlink $_ for $s->spooled;
	$mta->forget;
}

my $text = "From: Alice <alice\@a.test>\r\nTo: bob\@b.test\r\n" .
    "Subject: hello\r\n\r\nbody\r\n";

# --- taken ----------------------------------------------------------------

enqueue('alice@a.test', ['bob@b.test', 'carol@B.TEST'], $text);
my $log = run_queue();
like($log, qr/sent id=\S+ to=bob\@b\.test host=\S+ tls=\S+ status=2\.0\.0/,
    'taken for bob');
is_deeply([$s->spooled], [], 'nothing is left');
is(scalar(() = $mta->heard), 1, 'one connection for the domain');
my ($got) = $mta->messages;
like($got, qr/\AReceived: from x .*\r\n\tby mx\.a\.test with ESMTP/,
    'with its trace field, for other hosts');
unlike($got, qr/^(Return-Path|Delivered-To|Bcc):/mi,
    'without our envelope');
like($got, qr/\r\n\Q$text\E\z/, 'as it was');
clear();

# --- put off --------------------------------------------------------------

enqueue('alice@a.test', ['full@b.test', 'bob@b.test', 'x@down.test'], $text);
my $now = time;
$log = run_queue();
like($log, qr/deferred id=\S+ to=full\@b\.test .*status=4\.2\.2/, 'put off');
like($log, qr/deferred id=\S+ to=x\@down\.test .*status=4\./,
    'a host that is down: put off');
my ($later) = $s->spooled('remote/later');
my ($due) = ($later // '') =~ m{/(\d+)-[^/]+\z};
ok(defined $due && $due >= $now + 290 && $due <= $now + 400,
    'for five minutes and some') or diag $later;
is(scalar(() = $s->spooled('remote/now')), 0, 'nothing is to be done now');
is_deeply([bounces()], [], 'no bounce');
my $links = Stdmail::folder();
symlink Stdmail::program('smtp-send'), "$links/mailq" or die "mailq: $!\n";
my ($st, $list) = $s->run(["$links/mailq", '-C', $s->{conf_file}]);
like($list, qr/^\tfull\@b\.test\ \ \(1\ try,\ next\ at\ .*\)\n
    \t\ \ \ \ 4\.2\.2\ \S+\ 452\ 4\.2\.2\ mailbox\ full\n/mx,
    'the list says it');
unlike($list, qr/bob\@/, 'and leaves out who is done');
$mta->forget;
$log = run_queue();
is_deeply([$mta->heard], [], 'before its time nothing happens');

# --- the end of its life --------------------------------------------------

rename $later, "$s->{spool}/remote/now/" . ($later =~ s{.*/\d+-}{}r);
sleep 1.1;
$log = run_queue('-o', 'queue_lifetime=0');
my ($bounce, @more) = bounces();
is(scalar @more, 0, 'one bounce for both');
like($bounce // '', qr/^Final-Recipient: rfc822; $_$/m, "which names $_")
    for 'full@b\.test', 'x@down\.test';
unlike($bounce, qr/^Final-Recipient: rfc822; bob/m, 'but not bob');
like($bounce, qr/^Status: 4\.4\.7$/m, 'with the status of time out');
like($bounce, qr/452 4\.2\.2 mailbox full/, 'and the last words');
is_deeply([$s->spooled], [], 'nothing is left');
clear();

# --- refused --------------------------------------------------------------

sub
check_bounce
{
	my ($b, $to, $original) = @_;
	my ($head, $body) = split /\n\n/, $b, 2;

	like($head, qr/^From: .*<MAILER-DAEMON\@mx\.a\.test>$/m, 'From');
	like($head, qr/^To: <\Q$to\E>$/m, 'To');
	like($head, qr/^$_: \S/m, $_) for qw(Date Message-ID Subject);
	like($head, qr/^Auto-Submitted: auto-replied$/m, 'Auto-Submitted');
	like($head, qr{^Content-Type:\ multipart/report;\s
	    report-type=delivery-status;}mx, 'multipart/report');
	my ($boundary) = $head =~ /boundary="([^"]+)"/;
	my @parts = split /^--\Q$boundary\E(?:--)?\n/m, $body;
	is(scalar @parts, 4, 'of three parts');
	like($parts[1], qr{\AContent-Type: text/plain; charset=us-ascii\n\n},
	    'the first for people');
	like($parts[1], qr/<nobody\@b\.test>.*nobody here, believe me/s,
	    'in the words of the host');
	like($parts[2], qr{\AContent-Type:\ message/delivery-status\n\n
	    Reporting-MTA:\ dns;\ mx\.a\.test\nArrival-Date:\ .*\n\n
	    Final-Recipient:\ rfc822;\ nobody\@b\.test\n
	    Action:\ failed\nStatus:\ 5\.1\.1\n
	    Remote-MTA:\ dns;\ 127\.0\.0\.1\n
	    Diagnostic-Code:\ smtp;\ 550\ 5\.1\.1\ nobody\ here,\ believe\ me\n
	    Last-Attempt-Date:\ .*\n}x, 'the second for machines');
	like($parts[3], $original, 'the third the message');
	unlike($b, qr/[^\n\x20-\x7e\t]/, 'and all of it in 7 bits');
}

enqueue('alice@a.test', ['nobody@b.test', 'bob@b.test'], $text);
$log = run_queue();
like($log, qr/failed id=\S+ to=nobody\@b\.test .*status=5\.1\.1/, 'refused');
($bounce) = bounces();
like($bounce, qr/\AReturn-Path: <>\nDelivered-To: alice\@a\.test\n/,
    'to a sender here: into spool/local, from nobody');
check_bounce($bounce, 'alice@a.test', qr{\AContent-Type:\ message/rfc822\n\n
    Received:\ .*\n\nbody\n\n\z}sx);
is_deeply([$s->spooled], [], 'nothing is left');
clear();

# 8-bit: its header alone goes back.
enqueue('alice@a.test', ['nobody@b.test'],
    $text =~ s/hello/h\xc3\xa9llo/r =~ s/body/b\xc3\xb6dy/r);
run_queue();
($bounce) = bounces();
check_bounce($bounce, 'alice@a.test',
    qr{\AContent-Type: text/rfc822-headers\n\n.*Subject: h\?\?llo\n\n\n\z}s);
clear();

# Too large for the other side.
enqueue('alice@a.test', ['bob@b.test'], $text . "x\r\n" x 30_000);
run_queue();
($bounce) = bounces();
like($bounce, qr/^Status: 5\.3\.4$/m, 'too large: 5.3.4');
like($bounce, qr/too large for the other side/, 'and what can be done');
clear();

# A sender elsewhere is told by mail to elsewhere.
enqueue('zoe@b.test', ['nobody@b.test'], $text);
run_queue();
$got = ($mta->messages)[0] // '';
like($got, qr/^Final-Recipient: rfc822; nobody\@b\.test\r$/m,
    'a sender elsewhere gets the bounce there');
like(join("\n", map { @$_ } $mta->heard), qr/^MAIL\ FROM:<>.*\n
    RCPT\ TO:<zoe\@b\.test>$/mx, 'from nobody');
is_deeply([$s->spooled], [], 'nothing is left');
clear();

# Postmaster is told about a bounce; and nobody about one to postmaster, whatever
# he calls himself elsewhere.
enqueue('', ['nobody@b.test'], $text);
$log = run_queue();
unlike($log, qr/no-bounce/, 'a bounce that failed is not lost');
my ($double) = bounces();
like($double // '', qr/\AReturn-Path: <>\nDelivered-To: postmaster\@a\.test\n/,
    'postmaster is told');
like($double // '', qr/^Final-Recipient: rfc822; nobody\@b\.test$/m,
    'of whom it was for');
is_deeply([$s->spooled], [], 'and nothing is left');
enqueue('', ['nobody@b.test'], "X-Forwarded: x\r\n" .
    (($double // '') =~ s/\A.*\n.*\n//r =~ s/\n/\r\n/gr));
$log = run_queue();
like($log, qr/no-bounce id=\S+/, 'but of no report to him');
is_deeply([$s->spooled], [], 'which ends here');

# --- what cannot be read --------------------------------------------------

enqueue('alice@a.test', ['bob@b.test'], $text);
unlink $s->spooled('remote/env');
$log = run_queue();
like($log, qr/envelope is missing/, 'no envelope: it is said');
is(scalar(() = $s->spooled('remote/later')), 1, 'and put aside');
clear();

# --- the watcher ----------------------------------------------------------

my $watcher = $s->spawn([$s->command('smtp-send', '-q', '-w')], {});
sleep 0.3;
enqueue('alice@a.test', ['bob@b.test'], $text);
ok(Stdmail::until_true(sub { return $mta->messages == 1 }, 60),
    'a watcher delivers what comes') or diag $s->log_text;
# It just looked: without a wake it would look in five seconds, each time.  A
# busy machine may be late for once.
my $took = 99;
for my $n (2 .. 6) {
	my $begun = time;
	enqueue('alice@a.test', ['bob@b.test'], $text);
	Stdmail::until_true(sub { return $mta->messages == $n }, 60);
	$took = time - $begun;
	last if $took < 3;
}
cmp_ok($took, '<', 3, 'at once');
ok(Stdmail::until_true(sub { return !$s->spooled }, 60), 'nothing is left');
$mta->forget;
enqueue('alice@a.test', ['full@b.test'], $text);
ok(Stdmail::until_true(sub { return scalar $s->spooled('remote/later') }, 60),
    'what is put off waits');

# SIGHUP: the settings anew, and the old ones when the new are faulty.
sub
greeted_as
{
	my ($name) = @_;

	return Stdmail::until_true(sub {
		return grep { $_ eq "EHLO $name" } map { @$_ } $mta->heard;
	}, 60);
}

clear();
$mta->forget;
$s->{conf}{hostname} = 'renamed.a.test';
$s->write_conf;
kill 'HUP', $watcher;
ok(Stdmail::until_true(sub { $s->log_text =~ /\breload\b/ }, 60),
    'SIGHUP is heard');
enqueue('alice@a.test', ['bob@b.test'], $text);
ok(greeted_as('renamed.a.test'), 'what was reread is used') or
    diag $s->log_text;
$s->{conf}{hostname} = 'again.a.test';
$s->{conf}{nonsense} = 'x';
$s->write_conf;
kill 'HUP', $watcher;
ok(Stdmail::until_true(sub { $s->log_text =~ /kept=old/ }, 60),
    'a faulty file is named');
delete $s->{conf}{nonsense};
$s->write_conf;
$mta->forget;
enqueue('alice@a.test', ['bob@b.test'], $text);
ok(Stdmail::until_true(sub { return scalar $mta->messages }, 60),
    'and mail goes on');
ok(!(grep { /^EHLO (?!renamed\.)/ } map { @$_ } $mta->heard),
    'as before') or diag explain [$mta->heard];
$s->{conf}{hostname} = 'mx.a.test';
$s->write_conf;
$mta->forget;
enqueue('alice@a.test', ['full@b.test'], $text);
Stdmail::until_true(sub { return scalar $s->spooled('remote/later') }, 60);
kill 'TERM', $watcher;
is(Stdmail::reap($watcher, 60), 0, 'SIGTERM ends it in order');

# What is due in two seconds, while it watches.
($later) = $s->spooled('remote/later');
my $soon = int(time) + 2;
my $bucket = "$s->{spool}/remote/later/" . ($soon - $soon % 60);
mkdir $bucket, 0770;
$s->own;
rename $later, "$bucket/$soon-" . ($later =~ s{.*/\d+-}{}r) or die "$!\n";
$mta->forget;
$watcher = $s->spawn([$s->command('smtp-send', '-q', '-w')], {});
ok(Stdmail::until_true(sub { return scalar $mta->heard }, 60),
    'it wakes for what becomes due') or diag $s->log_text;
cmp_ok(time, '>=', $soon, 'and not before');
kill 'TERM', $watcher;
is(Stdmail::reap($watcher, 60), 0, 'SIGTERM again');
done_testing;
