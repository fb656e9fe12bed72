#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a message that was answered 250 is never lost: smtpd's session,
# or its monitor, is killed at every system call that it makes between DATA, or
# the first BDAT, and the reply, also while a filter or a milter judges; then
# what is left is recovered by mda-deliver -q.  An answered message is there,
# once and whole; an unanswered one is there once or not at all; and nothing
# stays behind in the spool.  By LMTP each answer is about its own recipient,
# and mda-deliver is killed too.
use strict;
use warnings;

use File::Copy qw(copy);
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(time);

use Stdmail;
use Stdmail::Milter;

Stdmail::need(qw(smtpd mda-deliver tool:strace));
Stdmail::in_memory();

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
	}, 60);
	return $armed ? $tracer : undef;
}

# Beside a copy of smtpd an mda-deliver that is traced, and killed when the
# file "inject" says so.
sub
stand_in
{
	my ($s) = @_;
	my $dir = "$s->{dir}/bin";
	my $real = Stdmail::program('mda-deliver');

	mkdir $dir or die "$dir: $!\n";
	copy(Stdmail::program('smtpd'), "$dir/smtpd") or die "$dir: $!\n";
	Stdmail::spew("$dir/mda-deliver", "#!/bin/sh\nexec @strace -o " .
	    "$s->{dir}/trace -e trace=all \$(cat $dir/inject) $real " .
	    "\"\$@\"\n", 0755);
	chmod 0755, "$dir/smtpd";
	$s->own;
	return "$dir/smtpd";
}

# A session up to DATA.
sub
begin
{
	my ($c, $hello, @users) = @_;

	for my $line (undef, "$hello client.test", 'MAIL FROM:<a@b.test>',
	    map { "RCPT TO:<$_\@a.test>" } @users) {
		my $reply = $c->smtp($line);
		return 0 if $reply !~ /^2/;
	}
	return 1;
}

my $body = join('', map { "line $_ of the message\r\n" } 1 .. 40);
my $text = "Subject: the message\r\n\r\n$body";

# What else smtpd is started with, in the modes that say who sees a message
# before it is taken: each adds a field to it.
my %judges = (
	filter => sub {
		my ($s) = @_;

		Stdmail::spew("$s->{dir}/filter",
		    "#!/bin/sh\ncat >/dev/null\necho 'X-Judge: yes'\n", 0755);
		return ('-o', "filter=$s->{dir}/filter");
	},
	milter => sub {
		my ($s) = @_;
		$s->{milter} //= Stdmail::Milter->start(
		    end => ['add X-Judge: yes', 'continue']);

		return ('-o', 'milter=' . $s->{milter}->name);
	},
);

# After a kill: everything of smtpd goes, then one recovery run.
sub
recover
{
	my ($s, $srv) = @_;

	kill 'KILL', -$srv->{pid};
	$srv->stop;
	my ($status, $out, $err) = $s->run_program('mda-deliver', ['-q']);
	die "mda-deliver -q: exit $status: $out$err\n" if $status != 0;
}

# The texts of what was delivered to this user, who forgets it.
sub
delivered
{
	my ($s, $user) = @_;
	my @files = $s->files("Mail/$user/new");
	my @texts = map { Stdmail::slurp($_) } @files;

	unlink @files;
	return @texts;
}

# The replies to a message, in chunks or not, for so many: by LMTP one for each.
sub
replies
{
	my ($c, $chunks, $n) = @_;
	my $half = int(length($text) / 2);
	my $rest = length($text) - $half;
	my @parts = $chunks ? ("BDAT $half\r\n" . substr($text, 0, $half),
	    "BDAT $rest LAST\r\n" . substr($text, $half)) :
	    ("DATA\r\n", "$text.\r\n");
	my @replies;

	eval {
		$c->send($parts[0]);
		return if $c->smtp(undef) !~ /^[23]/;
		$c->send($parts[1]);
		push @replies, $c->smtp(undef);
		push @replies, $c->smtp(undef) while @replies < $n;
	};
	return @replies;
}

# One message in this mode (mx, lmtp, chunks: mx by BDAT, filter or milter: mx
# with one of them) for these users to a fresh smtpd, with the victim ('monitor',
# 'door' or 'mda-deliver') armed.  Returns what is wrong, or undef.
sub
once
{
	my ($s, $mode, $users, $victim, $call, $k) = @_;
	my $what = "$victim, " . (defined $call ? "$call $k" : 'alive');
	my $inside = $victim eq 'mda-deliver';
	my $lmtp = $mode eq 'lmtp';
	my $chunks = $mode eq 'chunks';

	unlink "$s->{dir}/trace";
	Stdmail::spew("$s->{dir}/bin/inject", defined $call
	    ? "-e inject=$call:signal=KILL:when=$k" : '', 0644) if $inside;
	my $srv = $s->start($inside ? "$s->{dir}/bin/smtpd" : 'smtpd',
	    args => ['-m', $lmtp ? 'lmtp' : 'mx',
	    $judges{$mode} ? $judges{$mode}->($s) : ()]);
	my $c = $srv->connect(timeout => 60);

	return "$what: no session"
	    if !begin($c, $lmtp ? 'LHLO' : 'EHLO', @$users);
	my ($monitor, @doors) = processes($srv);
	my $tracer = $inside ? 0 : arm($s, $victim eq 'monitor' ? $monitor :
	    $doors[0], $call, $k) // return 'cannot attach';
	my @replies = replies($c, $chunks, $lmtp ? scalar @$users : 1);
	if ($tracer && !defined Stdmail::reap($tracer, 0)) {
		kill 'TERM', $tracer;
		Stdmail::reap($tracer, 3);
	}
	$c->close;
	recover($s, $srv);
	my @left = $s->spooled;

	unlink @left;
	$killed++ if Stdmail::slurp("$s->{dir}/trace") =~ /killed by SIGKILL/;
	my @wrong = @left ? "left in the spool: @left" : ();
	push @wrong, "answered '@replies'"
	    if !defined $call && grep { !/^250/ } @replies;
	my %count;
	for my $i (0 .. $#$users) {
		my $reply = $replies[$lmtp ? $i : 0] // '';
		my @got = delivered($s, $users->[$i]);

		$count{@got}++;
		push @wrong, "$users->[$i]: answered '$reply', " . @got .
		    ' messages' if @got > 1 || ($reply =~ /^250/ && !@got);
		push @wrong, "$users->[$i]: not whole" if grep {
			index($_, $body =~ s/\r\n/\n/gr) < 0 ||
			    $judges{$mode} && !/^X-Judge: yes$/m
		} @got;
	}
	push @wrong, 'some have it, some have not' if !$lmtp && keys %count > 1;
	return @wrong ? "$what: @wrong" : undef;
}

# The calls the victim made for one message: [name, occurrence] each; of a
# program that starts those behind its last sandbox, where the message begins.
sub
calls
{
	my ($s) = @_;
	my (%seen, @calls);
	my $trace = Stdmail::slurp("$s->{dir}/trace");
	my $start = $trace =~ /^execve/ ? rindex($trace, 'seccomp(') : -1;
	my $at = 0;

	for my $line (split /^/m, $trace) {
		$at += length $line;
		next if $line !~ /^(\w+)\(/ || $1 eq 'restart_syscall';
		my $k = ++$seen{$1};
		push @calls, [$1, $k] if $at > $start;
	}
	return @calls;
}

sub
every_call
{
	my ($as, $s, $mode, $victim, @users) = @_;
	my $name = "$as, $mode: " . @users . " recipients: the $victim";
	my $start = time;
	my $fault = once($s, $mode, \@users, $victim, undef, 1);

	SKIP: {
		skip 'strace may not attach', 4
		    if ($fault // '') eq 'cannot attach';
		is($fault, undef, "$name is watched");
		my @calls = calls($s);
		cmp_ok(scalar @calls, '>', 8, "$name makes calls");
		$killed = 0;
		my @faults = grep { defined } map {
			once($s, $mode, \@users, $victim, @$_)
		} @calls;
		is(join("\n", @faults), '',
		    "$name is killed: no message lost, doubled or torn");
		# Some calls are made only when data comes late.
		cmp_ok($killed, '>', 5, "$name died of it");
		note "it died $killed times";
		note sprintf '%d calls, %.1f s', scalar @calls, time - $start;
	}
}

for my $as (@as) {
	my $s = Stdmail->new(as => $as, users => { alice => 'open-sesame',
	    bob => 'rosebud-1941' });

	stand_in($s);
	for my $victim (qw(door monitor)) {
		every_call($as, $s, 'mx', $victim, 'alice');
		every_call($as, $s, 'mx', $victim, 'alice', 'bob');
		every_call($as, $s, 'lmtp', $victim, 'alice', 'bob');
		every_call($as, $s, $_, $victim, 'alice')
		    for $as eq $as[0] ? qw(chunks filter milter) : ();
	}
	every_call($as, $s, 'lmtp', 'mda-deliver', 'alice');
}

done_testing();
