#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a message that was answered 250 is never lost: smtpd's session,
# or its monitor, is killed at every system call that it makes between DATA
# and the reply; then what is left is recovered by mda-deliver -q.  An
# answered message is there, once and whole; an unanswered one is there once
# or not at all; and nothing stays behind in the spool.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(time);

use Stdmail;
use Stdmail::Milter;

Stdmail::need(qw(smtpd mda-deliver tool:strace));

my @strace = Stdmail::tool('strace');
my $killed;		# how often the victim died
my @as = Stdmail::is_root() ? qw(nobody root) : 'me';

# The processes of a server: (monitor, door ...).
sub
processes
{
	my ($srv) = @_;
	my @doors;

	for my $stat (glob '/proc/[0-9]*/stat') {
		my $line = eval { Stdmail::slurp($stat) } // next;
		my ($pid, $rest) = $line =~ /^(\d+) \(.*\) (.*)/s or next;
		my (undef, $ppid) = split ' ', $rest;
		push @doors, $pid if $ppid == $srv->{pid};
	}
	return ($srv->{pid}, @doors);
}

# Attach strace to a process, so that the k-th time it makes this call kills
# it; without a call it only writes down what is called.  Returns strace's
# pid, or undef when it may not be traced.
sub
arm
{
	my ($s, $pid, $call, $k) = @_;
	my @inject = defined $call
	    ? ('-e', "inject=$call:signal=KILL:when=$k") : ();
	my $tracer = $s->spawn([@strace, '-o', "$s->{dir}/trace", '-p', $pid,
	    '-e', 'trace=all', @inject], {}, as => 'me');
	my $armed = 0;

	# Attached, or dead already: the call it slept in was the first.
	Stdmail::until_true(sub {
		my @status = eval {
			split /^/m, Stdmail::slurp("/proc/$pid/status")
		};
		$armed = !@status || grep { /^TracerPid:\s+$tracer$/ ||
		    /^State:\s+[ZX]/ } @status;
		return $armed || defined Stdmail::reap($tracer, 0);
	}, 3);
	return $armed ? $tracer : undef;
}

# A session up to DATA.
sub
begin
{
	my ($c, @users) = @_;

	for my $line (undef, 'EHLO client.test', 'MAIL FROM:<a@b.test>',
	    map { "RCPT TO:<$_\@a.test>" } @users) {
		my $reply = $c->smtp($line);
		return 0 if $reply !~ /^2/;
	}
	return 1;
}

my $text = "Subject: the message\r\n\r\n" .
    join('', map { "line $_ of the message\r\n" } 1 .. 40);

# After a kill: everything of smtpd goes, then one recovery run.  Returns the
# contents of what was delivered.
sub
recover
{
	my ($s, $srv) = @_;

	kill 'KILL', -$srv->{pid};
	$srv->stop;
	my ($status, $out, $err) = $s->run_program('mda-deliver', ['-q']);
	die "mda-deliver -q: exit $status: $out$err\n" if $status != 0;
	return map { Stdmail::slurp($_) } $s->files('Mail/*/new');
}

# One message for these users to a fresh smtpd, with the victim ('monitor' or
# 'door') armed.  Returns what is wrong, or undef.
sub
once
{
	my ($s, $users, $victim, $call, $k) = @_;
	my $srv = $s->start('smtpd', args => ['-m', 'mx']);
	my $c = $srv->connect(timeout => 10);
	my $what = "$victim, " . (defined $call ? "$call $k" : 'alive');

	return "$what: no session" if !begin($c, @$users);
	my ($monitor, @doors) = processes($srv);
	my $tracer = arm($s, $victim eq 'monitor' ? $monitor : $doors[0],
	    $call, $k) // return 'cannot attach';
	my $reply = eval {
		my $r = $c->smtp('DATA');
		$r = $c->smtp("$text.") if $r =~ /^354/;
		$r;
	} // '';
	if (!defined Stdmail::reap($tracer, 0)) {
		kill 'TERM', $tracer;
		Stdmail::reap($tracer, 3);
	}
	$c->close;
	my @got = recover($s, $srv);
	my $answered = $reply =~ /^250/;
	my @left = $s->spooled;

	unlink $s->files('Mail/*/new');
	$killed++ if Stdmail::slurp("$s->{dir}/trace") =~ /killed by SIGKILL/;
	unlink @left;
	return "$what: left in the spool: @left" if @left;
	return undef if !$answered && @got == 0;
	return "$what: answered '$reply', " . @got . ' messages'
	    if @got != @$users;
	return "$what: not whole"
	    if grep { index($_, $text =~ s/\r\n/\n/gr) < 0 } @got;
	return "$what: not filtered" if $s->{conf}{milter} &&
	    grep { !/^X-Filter: yes$/m || !/^X-Seen: yes$/m } @got;
	return undef;
}

# The calls the victim made for one message: [name, occurrence] each.
sub
calls
{
	my ($s) = @_;
	my (%seen, @calls);

	for my $line (split /\n/, Stdmail::slurp("$s->{dir}/trace")) {
		next if $line !~ /^(\w+)\(/ || $1 eq 'restart_syscall';
		push @calls, [$1, ++$seen{$1}];
	}
	return @calls;
}

sub
every_call
{
	my ($as, $s, $victim, @users) = @_;
	my $name = "$as: " . @users . " recipients: the $victim";
	my $start = time;
	my $fault = once($s, \@users, $victim, undef, 1);

	SKIP: {
		skip 'strace may not attach', 4
		    if ($fault // '') eq 'cannot attach';
		is($fault, undef, "$name is watched");
		my @calls = calls($s);
		cmp_ok(scalar @calls, '>', 8, "$name makes calls");
		$killed = 0;
		my @faults = grep { defined } map {
			once($s, \@users, $victim, @$_)
		} @calls;
		is(join("\n", @faults), '',
		    "$name is killed: no message lost, doubled or torn");
		# Some calls are made only when data comes late.
		cmp_ok($killed, '>', 8, "$name died of it");
		note "it died $killed times";
		note sprintf '%d calls, %.1f s', scalar @calls, time - $start;
	}
}

for my $as (@as) {
	my $s = Stdmail->new(as => $as, users => { alice => 'open-sesame',
	    bob => 'rosebud-1941' });

	for my $victim (qw(door monitor)) {
		every_call($as, $s, $victim, 'alice');
		every_call($as, $s, $victim, 'alice', 'bob');
	}
}

# The same while a filter and a milter look at it.
my $m = Stdmail::Milter->start(end => ['insert 0 X-Seen: yes', 'continue']);
my $s = Stdmail->new(as => $as[0], users => { alice => 'open-sesame' },
    conf => { milter => $m->name });
$s->{conf}{filter} = "$s->{dir}/filter";
Stdmail::spew($s->{conf}{filter}, "#!/bin/sh\necho 'X-Filter: yes'\n", 0755);
$s->write_conf;
every_call("$as[0], filtered", $s, $_, 'alice') for qw(door monitor);
done_testing();
