#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a full queue loses and doubles nothing while its two agents and
# their processes are killed and stopped at random, and others begin with a
# recovery: every message comes to each of its places once; twice only where
# the log says that it may be.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time sleep);

use Stdmail;

Stdmail::need('mda-deliver');
Stdmail::in_memory();
my $count = 4500;
my @users = qw(plain rules away);
my $s = Stdmail->new(users => { map { $_ => 'x' } @users, 'other' });
my $now = "$s->{spool}/local/now";

Stdmail::spew("$s->{dir}/home/rules/.dovecot.sieve",
    qq(require ["fileinto", "copy", "mailbox"];\n) .
    qq(fileinto :copy :create "X";\n), 0600);
Stdmail::spew("$s->{dir}/home/away/.forward", "\\away, other\n", 0600);
$s->own;
is(($s->run([$s->command('mda-deliver', '-q')]))[0], 0, 'the spool is made');
my @owner = (stat $now)[4, 5];

# Each has one of the users, and the serial number is its subject.
for my $n (1 .. $count) {
	my $text = "Return-Path: <al\@x.test>\nDelivered-To: " .
	    "$users[$n % 3]\@a.test\nSubject: $n\n\n" . "text\n" x 50;
	my $name = sprintf '%d.M%06dP%dQ%dL.mx.a.test,S=%d,W=%d', time - 60,
	    $n, $$, $n, length $text, length($text) + ($text =~ tr/\n//);

	Stdmail::spew("$s->{dir}/message", $text, 0600);
	chown @owner, "$s->{dir}/message";
	rename "$s->{dir}/message", "$now/$name" or die "$name: $!\n";
}

my %agents;

sub
begin
{
	my $pid = $s->spawn([$s->command('mda-deliver', '-q', @_)], {});

	$agents{$pid} = 1;
}

# All below the agents.
sub
processes
{
	my (%below, @found);
	my @next = keys %agents;

	for my $path (glob '/proc/[0-9]*/stat') {
		open(my $fh, '<', $path) or next;
		push @{$below{$2}}, $1
		    if (<$fh> // '') =~ /^(\d+) \(.*\) \S (\d+)/;
	}
	while (@next) {
		my @more = @{$below{shift @next} // []};
		push @found, @more;
		push @next, @more;
	}
	return @found;
}

# What was put off is due.
sub
again
{
	for (glob "$s->{spool}/local/later/*/*") {
		rename $_, "$now/$1" if m{/\d+-([^/]+)\z};
	}
}

sub waits { return scalar(() = $s->spooled('local')) }

my ($hits, %stopped) = 0;
begin('-w') for 1, 2;
my $end = time + 4;
while (time < $end && waits() > 20) {
	my @found = processes();
	if (@found && rand() < 0.6) {
		my $pid = $found[rand @found];
		my $signal = rand() < 0.7 ? 'KILL' : 'STOP';
		$hits += kill $signal, $pid;
		$stopped{$pid} = 1 if $signal eq 'STOP';
	}
	if (rand() < 0.1) {
		my ($pid) = keys %agents;
		kill 'KILL', $pid;
		Stdmail::reap($pid, 5);
		delete $agents{$pid};
		begin('-w');
	}
	again();
	sleep 0.01;
}
kill 'CONT', keys %stopped;
ok($hits > 0, 'processes were killed and stopped');
ok(Stdmail::until_true(sub { again(); waits() <= 1 }, 60), 'nothing waits')
    or diag join "\n", $s->spooled('local');
kill 'TERM', keys %agents;
Stdmail::reap($_, 20) for keys %agents;

my $log = $s->log_text;
for my $place (['plain', 0], ['rules', 1], ['rules/.X', 1], ['away', 2],
    ['other', 2]) {
	my ($box, $rest) = @$place;
	my (%seen, @wrong);

	for my $path (glob("$s->{dir}/Mail/$box/new/*")) {
		$seen{$1}++ if Stdmail::slurp($path) =~ /^Subject: (\d+)$/m;
	}
	for my $n (grep { $_ % 3 == $rest } 1 .. $count) {
		my $got = delete $seen{$n} // 0;
		push @wrong, "$n: $got" if $got == 0 || ($got > 1 &&
		    $log !~ /may-be-doubled [^\n]*Q$n[LM]\./);
	}
	is(join(', ', @wrong, keys %seen), '', "$box: each once");
}

done_testing();
