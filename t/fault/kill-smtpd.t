#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a message that was answered 250 is never lost: smtpd's session,
# or its monitor, is killed at every system call between the first byte after
# DATA and its reply; then what is left is recovered by mda-deliver -q.  An
# answered message is there, once and whole; an unanswered one is there once
# or not at all; and nothing stays behind in the spool.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Stdmail;

Stdmail::need(qw(smtpd mda-deliver tool:strace));

my ($strace) = Stdmail::tool('strace');
my @as = Stdmail::is_root() ? qw(nobody root) : 'me';
my $limit = 400;	# system calls of one process for one message

# The processes of a group, by parentage: (monitor, door).
sub
processes
{
	my ($srv) = @_;
	my @found;

	for my $stat (glob '/proc/[0-9]*/stat') {
		open(my $fh, '<', $stat) or next;
		my $line = <$fh> // next;
		my ($pid, $rest) = $line =~ /^(\d+) \(.*\) (.*)/s or next;
		my (undef, $ppid, $pgrp) = split ' ', $rest;
		push @found, $pid if $ppid == $srv->{pid} &&
		    $pgrp == $srv->{pid};
	}
	return ($srv->{pid}, @found);
}

# Attach strace to a process, so that its n-th system call from now on kills
# it.  Returns strace's pid, or undef when it may not be traced.
sub
arm
{
	my ($s, $pid, $n) = @_;
	my $tracer = $s->spawn([$strace, '-o', "$s->{dir}/trace", '-p', $pid,
	    '-e', 'trace=all', '-e', "inject=all:signal=KILL:when=$n"],
	    {}, as => 'me');
	my $armed = Stdmail::until_true(sub {
		open(my $fh, '<', "/proc/$pid/status") or return 0;
		return scalar grep { /^TracerPid:\s+$tracer$/ } <$fh>;
	}, 3);

	return $armed ? $tracer : undef;
}

# Up to the 354; then the message.  Returns its reply, '' when the
# connection ended instead.
sub
begin
{
	my ($c) = @_;

	for my $line (undef, 'EHLO client.test', 'MAIL FROM:<a@b.test>',
	    'RCPT TO:<alice@a.test>') {
		my $reply = $c->smtp($line);
		return 0 if $reply !~ /^2/;
	}
	return 1;
}

sub
message
{
	my ($n) = @_;

	return "Subject: number $n\r\n\r\n" .
	    join('', map { "line $_ of message $n\r\n" } 1 .. 40);
}

# After a kill: everything of smtpd goes, then one recovery run.  Returns the
# delivered files' contents.
sub
recover
{
	my ($s, $srv) = @_;

	kill 'KILL', -$srv->{pid};
	$srv->stop;
	my ($status, $out, $err) = $s->run_program('mda-deliver', ['-q']);
	is($status, 0, 'mda-deliver -q recovers') or diag "$out$err"
	    if $status != 0;
	return map { Stdmail::slurp($_) } map { $s->files("Mail/alice/$_") }
	    qw(new cur);
}

# Kill $victim ('monitor' or 'door') at its n-th call.  Returns 'done' when
# the message went through untouched.
sub
once
{
	my ($s, $victim, $n, $fault) = @_;
	my $srv = $s->start('smtpd', args => ['-m', 'mx']);
	my $c = $srv->connect(timeout => 10);

	if (!begin($c)) {
		$$fault = "$victim, call $n: no session";
		return 'stop';
	}
	my ($monitor, @doors) = processes($srv);
	my $tracer = arm($s, $victim eq 'monitor' ? $monitor : $doors[0], $n);
	if (!defined $tracer) {
		$$fault = 'cannot attach';
		return 'skip';
	}
	my $reply = eval {
		my $r = $c->smtp('DATA');
		$r = $c->smtp(message($n) . '.') if $r =~ /^354/;
		$r;
	} // '';
	my $traced = Stdmail::reap($tracer, 0);
	kill 'KILL', $tracer if !defined $traced;
	Stdmail::reap($tracer, 3) if !defined $traced;
	$c->close;
	my @got = recover($s, $srv);
	my $answered = $reply =~ /^250/;
	my @left = $s->spooled;
	my $whole = grep { index($_, message($n) =~ s/\r\n/\n/gr) >= 0 } @got;

	$$fault = !$answered && @got == 0 ? undef
	    : @got != 1 ? "$victim, call $n: answered '$reply', " . @got .
		' messages'
	    : !$whole ? "$victim, call $n: not whole"
	    : undef;
	$$fault //= "$victim, call $n: left in the spool: @left" if @left;
	unlink map { $s->files("Mail/alice/$_") } qw(new cur);
	unlink @left;
	# The process outlived the message: every call was tried.
	return $answered && !defined $traced ? 'done' : 'next';
}

for my $as (@as) {
	my $s = Stdmail->new(as => $as, users => { alice => 'open-sesame' });

	for my $victim (qw(door monitor)) {
		my ($tried, $killed, @faults) = (0, 0);
		my $start = time;
		for my $n (1 .. $limit) {
			my $what = once($s, $victim, $n, \my $fault);
			push @faults, $fault if defined $fault;
			last if $what ne 'next' || @faults > 5;
			$tried = $n;
		}
		SKIP: {
			skip "strace $faults[0]", 2
			    if @faults && $faults[0] eq 'cannot attach';
			cmp_ok($tried, '>', 3, "$as: the $victim was killed" .
			    " at each of its calls");
			is(join("\n", @faults), '',
			    "$as: no message lost, doubled or torn");
		}
		note sprintf '%s: %s: %d calls, %.1f s', $as, $victim,
		    $tried, time - $start;
	}
}

done_testing();
