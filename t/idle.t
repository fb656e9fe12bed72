#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what sessions that wait cost, and that they are told: 200 of one user
# (the kernel has 128 inotify instances for him), with the limits as they are by
# default, all hear of a new message without looking for it themselves; while
# nothing happens no process of theirs wakes; TCP keepalive is on; and with
# 10,000 messages selected a session has 200 kB of its own, 450 under TLS.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time sleep);

use Stdmail;

Stdmail::need(qw(imapd));
use constant SESSIONS => 200;
use constant MESSAGES => 10000;
# Who looks by the clock does so every 15 seconds.
use constant TOLD => 10;

# A user of its own: it takes all instances that he has.
@Stdmail::nobody = (61234, 61234);
my $s = Stdmail->new(users => { bob => 'x', carol => 'x' });

sub
fill
{
	my ($user, $n) = @_;
	my $md = $s->maildir($user);

	for my $dir ('', qw(/cur /new /tmp)) {
		mkdir "$md$dir" or die "$md$dir: $!\n";
	}
	for my $i (1 .. $n) {
		my $name = "1700000000.M${i}P1.h,S=9,W=12:2,S";
		open my $f, '>', "$md/cur/$name" or die "$name: $!\n";
		print $f "A: b\n\ntx\n";
		close $f;
	}
	utime 1700000000, 1700000000, "$md/cur", "$md/new";
	$s->own;
	return $md;
}

# A client that waits in INBOX.
sub
waiting
{
	my ($srv, $user, $tls) = @_;
	my $c = $srv->connect(timeout => 60);

	$c->starttls if $tls;
	$c->answer;
	for ("LOGIN $user x", 'SELECT INBOX') {
		my $said = $c->imap($_);
		die "$_: $said\n" if $said !~ /^t\d+ OK/m;
	}
	$c->send("i IDLE\r\n");
	$c->line =~ /^\+/ or die "IDLE\n";
	return $c;
}

# The processes of a server but its own.
sub
sessions_of
{
	my ($srv) = @_;
	my $children = Stdmail::slurp("/proc/$srv->{pid}/task/$srv->{pid}" .
	    '/children');

	return split ' ', $children;
}

sub
fds_of
{
	my ($pid) = @_;

	return grep { defined } map { readlink } glob "/proc/$pid/fd/*";
}

sub
switches
{
	my $n = 0;

	for my $pid (@_) {
		my $status = Stdmail::slurp("/proc/$pid/status");
		$n += $1 while $status =~ /^voluntary_ctxt_switches:\s+(\d+)/mg;
	}
	return $n;
}

# Deliver, and how long until the last of them knew; undef: too long.
sub
tell_all
{
	my ($md, $n, @c) = @_;
	my $path = "$md/tmp/18000000$n.M1P1.h";
	my $begin;

	Stdmail::spew($path, "Subject: $n\n\nx\n", 0666);
	$begin = time;
	rename $path, "$md/new/18000000$n.M1P1.h" or die "rename: $!\n";
	for my $c (@c) {
		$c->{timeout} = 60;
		1 until $c->line =~ /^\* \d+ EXISTS/;
	}
	return time - $begin;
}

# --- 200 of one user ---

my $md = fill('bob', 100);
my $srv = $s->start('imapd');
my @c = map { waiting($srv, 'bob') } 1 .. SESSIONS;
my @pids;
my $best;

# Those forked ahead of so many in a row go by themselves.
Stdmail::until_true(sub { (@pids = sessions_of($srv)) == SESSIONS }, 60);
is(scalar @pids, SESSIONS, SESSIONS . ' sessions of one user and address');
is(scalar(grep { grep { /inotify|signalfd/ } fds_of($_) } @pids), SESSIONS,
    'each is woken by the kernel');
for my $n (1 .. 3) {
	my $took = tell_all($md, $n, @c);
	$best = $took if !defined $best || $took < $best;
	last if $best < TOLD;
}
cmp_ok($best, '<', TOLD, 'all are told, and none by the clock');
diag(sprintf 'the last was told after %.0f ms', 1000 * $best);

# Something may still be put in order after that.
my $quiet = Stdmail::until_true(sub {
	my $before = switches(@pids);
	sleep 3;
	return switches(@pids) == $before;
}, 60);
ok($quiet, 'while nothing happens none wakes');

SKIP: {
	my ($port) = map { $_->{in}->sockport } $c[0];
	my $ends = sprintf ':%04X \\S+:%04X ', $srv->{port}, $port;
	my @rows = grep { /^\s*\d+: \S+$ends/ } split /\n/,
	    Stdmail::slurp('/proc/net/tcp');
	skip 'no /proc/net/tcp', 1 if !-r '/proc/net/tcp';
	is(scalar(grep { (split)[5] =~ /^02:/ } @rows), 1,
	    'TCP keepalive is on');
}
$_->send("DONE\r\nz LOGOUT\r\n") for @c;
@c = ();
$srv->stop;

# --- what one costs ---

sub
own_memory
{
	my $kb = 0;

	for my $pid (@_) {
		my $map = Stdmail::slurp("/proc/$pid/smaps_rollup");
		$kb += $1 while $map =~ /^Private_(?:Clean|Dirty):\s+(\d+)/mg;
	}
	return $kb;
}

fill('carol', MESSAGES);
# Sanitizers and coverage have memory of their own.
my $plain = $Stdmail::bin eq "$Stdmail::top/build/bin";
for ([ 'plain', 0, 200 ], [ 'TLS', 1, 450 ]) {
	my ($name, $tls, $most) = @$_;

	if ($tls && Stdmail::Conn::no_tls()) {
		diag('TLS: ' . Stdmail::Conn::no_tls());
		next;
	}
	my $srv = $s->start('imapd', args => $tls ? ['-T'] : []);
	waiting($srv, 'carol', $tls);	# makes the index
	my @c = map { waiting($srv, 'carol', $tls) } 1 .. 10;
	my $each;
	Stdmail::until_true(sub {
		my @now = sessions_of($srv);
		return @now == ($tls ? 20 : 10);
	}, 60);
	Stdmail::until_true(sub {
		sleep 0.5;
		$each = own_memory(sessions_of($srv)) / @c;
		return $each <= $most;
	}, $plain ? 30 : 0);
	diag(sprintf '%s: %.0f kB for each session', $name, $each);
	ok(!$plain || $each <= $most, "$name: at most $most kB of its own");
	$srv->stop;
}
done_testing();
