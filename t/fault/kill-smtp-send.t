#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the agent of spool/remote loses no recipient: it is killed at
# the system calls from the moment it opens a message to its end, once with a
# message of three recipients (two are taken, one is refused for good); and its
# workers are killed while another host keeps them waiting, at each step of the
# conversation.  Afterwards agents run until nothing waits.  Each recipient who
# is taken has the message, more than once only where the log says so; the
# sender has the bounce, and of one who asked for it the report of success;
# nothing stays behind in the spool.
#
# Each call that changes something is taken, and every twelfth of the others;
# STDMAIL_THOROUGH=1 takes all.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;
use Stdmail::Mta;

Stdmail::need(qw(smtp-send smtpd tool:strace));

my @strace = Stdmail::tool('strace');
# The search for leaks does not work under strace.
my %env = (ASAN_OPTIONS => 'detect_leaks=0');
my @rules = ([qr/^RCPT TO:<nobody@/, '550 5.1.1 nobody here']);
my $b = Stdmail::Mta->start(offers => ['PIPELINING'], rules => \@rules);
my $c = Stdmail::Mta->start(offers => []);
my $s = Stdmail->new(conf => { relay_from => '127.0.0.0/8',
    route => ["b.test 127.0.0.1:$b->{port}", "c.test 127.0.0.1:$c->{port}"],
});

# One message for three, as smtpd leaves it in the spool, to be copied.
my ($pid, $conn) = $s->session('smtpd', args => ['-m', 'mx']);
$conn->smtp;
$conn->smtp($_) for 'EHLO x', 'MAIL FROM:<alice@a.test>',
    'RCPT TO:<bob@b.test>', 'RCPT TO:<nobody@b.test>', 'RCPT TO:<eve@c.test>',
    'DATA';
like($conn->smtp("Subject: x\r\n\r\nhello\r\n."), qr/^250/, 'in the spool');
$conn->smtp('QUIT');
Stdmail::reap($pid, 5);
is(scalar(() = $s->spooled('remote/now')), 1, 'one message waits');
my ($env) = $s->spooled('remote/env');
my $lines = Stdmail::slurp($env);
$lines =~ s/^to Q eve\@c\.test\n\K/notify SUCCESS,FAILURE\n/m
    or die "no eve: $lines";
open(my $fh, '>:raw', $env) or die "$env: $!";
print $fh $lines;
close($fh) or die "$env: $!";
system('cp', '-a', $s->{spool}, "$s->{dir}/template") == 0 or die "cp: $?\n";

sub
begin
{
	system('rm', '-rf', $s->{spool}) == 0 or die;
	system('cp', '-a', "$s->{dir}/template", $s->{spool}) == 0 or die;
	Stdmail::spew($s->{log}, '', 0666);
	$_->forget for $b, $c;
}

# What was put off is due now.
sub
hasten
{
	for my $path ($s->spooled('remote/later')) {
		my ($name) = $path =~ m{/\d+-([^/]+)\z} or next;
		rename $path, "$s->{spool}/remote/now/$name" or die "$path: $!";
	}
}

# Agents run until nothing waits; then the books are checked.
sub
check
{
	my ($what) = @_;
	my (@wrong, $log);

	for (1 .. 3) {
		hasten();
		my ($status, $out, $err) = $s->run_program('smtp-send', ['-q']);
		push @wrong, "smtp-send -q: $status $out$err" if $status;
		$log .= $err;
		last if !$s->spooled('remote');
	}
	for (['bob@b.test', $b], ['eve@c.test', $c]) {
		my ($rcpt, $mta) = @$_;
		my @got = $mta->messages;
		push @wrong, "$rcpt has it " . @got . ' times' if !@got ||
		    (@got > 1 && $log !~ /doubtful .*to=\Q$rcpt\E/);
		push @wrong, "$rcpt: not whole"
		    if grep { !/\r\n\r\nhello\r\n\z/ } @got;
	}
	my @bounces = map { Stdmail::slurp($_) } $s->spooled('local/now');
	push @wrong, 'reports: ' . @bounces if !@bounces || @bounces > 3;
	push @wrong, 'a report to someone else'
	    if grep { !/^Delivered-To: alice\@a\.test$/m } @bounces;
	for my $fate ("nobody\@b.test\nAction: failed",
	    "eve\@c.test\nAction: relayed") {
		push @wrong, "no report says: $fate"
		    if !grep { /^Final-Recipient: rfc822; \Q$fate\E$/m }
		    @bounces;
	}
	my @left = (map { $s->spooled($_) } qw(tmp remote local/env
	    local/later));
	push @wrong, "left in the spool: @left" if @left;
	ok(!@wrong, $what) or diag(join("\n", @wrong, $log));
}

# --- the agent ------------------------------------------------------------

# Where in the list of its calls the agent opens the message, and the end.
begin();
my ($status, $out, $err) = $s->run([@strace, '-o', "$s->{dir}/trace",
    $s->command('smtp-send', '-q')], env => \%env);
plan skip_all => "strace cannot trace here: $err"
    if $status != 0 && $err =~ /strace|ptrace/i;
is($status, 0, 'undisturbed') or diag $err;
check('undisturbed: all is done');
# strace counts each kind of call by itself: its name, and how often it has
# come by then.
my (@steps, %seen);
for my $line (split /\n/, Stdmail::slurp("$s->{dir}/trace")) {
	my ($name) = $line =~ /^(\w+)\(/ or next;
	$seen{$name}++;
	push @steps, [$name, $seen{$name}, $line]
	    if @steps || $line =~ /^openat\(\d+, "[^"]*,S=\d+.*O_RDWR/;
}
ok(@steps > 50, scalar(@steps) . ' calls');

# Those that change what another agent finds, or hand something on, are all
# taken; between two of them a kill finds the same state wherever it falls.
my $telling = qr/^(?:pwrite64|write|unlinkat|linkat|renameat2?|openat|sendmsg
    |ftruncate|fchmod|fsync|fdatasync|clone3?|close)\z/x;
my $step = $ENV{STDMAIL_THOROUGH} ? 1 : 12;
my ($killed, $sure) = (0, 0);
for my $n (0 .. $#steps) {
	my ($name, $nth, $line) = @{$steps[$n]};
	my $tells = $name =~ $telling && ($step == 1 ||
	    $name !~ /^(?:close|openat)\z/ || $line =~ /O_CREAT/);
	next if !$tells && $n % $step;
	begin();
	my ($st) = $s->run([@strace, '-o', "$s->{dir}/trace", '-e',
	    'trace=all', '-e', "inject=$name:signal=KILL:when=$nth",
	    $s->command('smtp-send', '-q')], env => \%env);
	if ($tells) {
		$sure++;
		$killed++ if $st != 0;
		diag("not killed: $name $nth") if $ENV{E2} && !$st;
	}
	# A worker that was forked goes with its parent.
	Stdmail::until_true(sub { !Stdmail::runs_with($s->{conf_file}) }, 60);
	check("killed at call $n, " . substr($line, 0, 50));
}
# How often it waits, and for what, differs from run to run, and with it the
# number of some calls; what it writes does not.
cmp_ok($killed, '>=', $sure * 0.9, "killed at $killed of $sure that tell");

# --- a worker -------------------------------------------------------------

# The children of a process.
sub
children
{
	my ($parent) = @_;
	my @found;

	for my $stat (glob '/proc/[0-9]*/stat') {
		open(my $fh, '<', $stat) or next;
		my $line = <$fh> // next;
		push @found, $1 if $line =~ /^(\d+) \(.*\) \S (\d+)/s &&
		    $2 == $parent;
	}
	return @found;
}

# Another server at the same place; the one before may still be dying.
sub
replace_c
{
	my (@new) = @_;

	$c->stop;
	my $got = Stdmail::until_true(sub {
		return eval { Stdmail::Mta->start(port => $c->{port}, @new) };
	}, 60) or die "no server at $c->{port}\n";
	$c = $got;
}

for my $event (qw(CONNECT EHLO MAIL RCPT DATA BODY)) {
	begin();
	replace_c(rules => [[qr/^$event/, 'HANG']]);
	my $agent = $s->spawn([$s->command('smtp-send', '-q')], {});
	# One worker is done with b.test and keeps its connection, the other
	# hangs.
	my $sent = Stdmail::until_true(sub {
		return $s->log_text =~ /sent id=\S+ to=bob/ &&
		    children($agent) == 2 &&
		    ($event eq 'CONNECT' || grep { /^$event/ ||
		    ($event eq 'BODY' && /^DATA/) } map { @$_ } $c->heard);
	}, 60);
	ok($sent, "a worker hangs at $event");
	kill 'KILL', children($agent);
	is(Stdmail::reap($agent, 60), 0, 'killed, the agent goes on') or
	    Stdmail::end_child($agent);
	like($s->log_text, qr/deferred id=\S+ to=eve\@c\.test .*status=4\./,
	    'and puts the recipient off');
	replace_c();
	check("a worker killed at $event");
}
done_testing;
