#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what an outage of five days does to mail, in simulated time: every
# recipient of every message gets it once, or its sender is told once that he
# will not; who waits long is warned once, as configured; tries become rarer,
# and none is made for ever.  The clock of each run of the agent is the time
# that the spool names for the next one.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail;
use Stdmail::Faketime;
use Stdmail::Mta;

Stdmail::need(qw(smtp-send smtpd));
Stdmail::Faketime::need();

use constant { HOUR => 3600, DAY => 86400, STEP => 1800 };

# Until when each domain's host is down, from the start on; grey's is up, and
# knows nobody in the first hour.
my %down = ('soon.test' => 6 * HOUR, 'late.test' => 3 * DAY,
    'never.test' => 99 * DAY, 'grey.test' => 0, 'sender.test' => 0);
my $net = sprintf '127.%d.%d', 64 + ($$ >> 8 & 63), $$ & 255;
my (%addr, %mta, %port, $n);
$addr{$_} = "$net." . ++$n for sort keys %down;

# Hosts that are down keep their port: nobody listens there.
sub
up
{
	my ($domain) = @_;

	$mta{$domain} = Stdmail::Mta->start(addr => $addr{$domain},
	    port => $port{$domain}, offers => ['PIPELINING'],
	    rules => $domain eq 'grey.test' ? [[qr/^RCPT/, sub {
		return -e "$mta{dir}/known" ? '250 2.1.5 fine'
		    : '451 4.7.1 come back later';
	    }]] : []);
}

$mta{dir} = Stdmail::folder();
$port{$_} = 2525 for keys %down;
up($_) for grep { !$down{$_} } keys %down;
my $s = Stdmail->new(users => { alice => 'x' }, conf => {
    relay_from => '127.0.0.0/8', delay_warning => '4h',
    queue_lifetime => '5d', bounce_lifetime => '1d',
    route => [map { "$_ $addr{$_}:$port{$_}" } sort keys %down] });

my %want;	# "subject recipient" => how it must end

sub
enqueue
{
	my ($subject, $from, @to) = @_;
	my ($pid, $c) = $s->session('smtpd', args => ['-m', 'mx']);

	$c->smtp;
	$c->smtp($_) for 'EHLO x', "MAIL FROM:<$from>",
	    (map { "RCPT TO:<$_>" } @to), 'DATA';
	like($c->smtp("From: alice\@a.test\r\nSubject: $subject\r\n\r\nx\r\n."),
	    qr/^250/, "$subject is taken");
	$c->smtp('QUIT');
	$c->close;
	Stdmail::reap($pid, 5);
	for my $to (@to) {
		$want{"$subject $to"} = $to =~ /never/ ? 'returned' : 'there';
	}
}

my $t0 = time;
my @all = map { "bob\@$_" } qw(soon.test late.test never.test grey.test);
enqueue("one$_", 'alice@a.test', $all[$_]) for 0 .. $#all;
enqueue("far$_", 'carol@sender.test', $all[$_]) for 0 .. $#all;
enqueue('many', 'alice@a.test', @all);
enqueue('several', 'alice@a.test', map { ("ann\@$_", "ben\@$_") }
    qw(late.test never.test));
enqueue('report', '', 'bob@never.test');

# --- five days ------------------------------------------------------------

my (@log, @reports, $runs);
my $clock = $t0 + 1;
while ($clock < $t0 + 7 * DAY) {
	for my $domain (keys %down) {
		up($domain) if !$mta{$domain} && $clock >= $t0 + $down{$domain};
	}
	Stdmail::spew("$mta{dir}/known", '') if $clock >= $t0 + HOUR;
	my (undef, undef, $err) = $s->run_program('smtp-send', ['-q'],
	    env => { Stdmail::Faketime::at($clock) });
	$runs++;
	push @log, map { [$clock, $_] } split /\n/, $err;
	for my $file ($s->spooled('local/now')) {
		push @reports, [$clock, Stdmail::slurp($file)];
		unlink $file;
	}
	my @due = sort { $a <=> $b } map { m{/(\d+)-[^/]+\z} }
	    $s->spooled('remote/later');
	last if !@due;
	# What is due soon behind it goes with it: fewer runs.
	$clock = $due[0] > $clock + STEP ? $due[0] : $clock + STEP;
}
push @reports, map { [0, s/\r\n/\n/gr] } $mta{'sender.test'}->messages;
is_deeply([$s->spooled('remote')], [], 'the queue is empty at the end');
cmp_ok($clock, '<', $t0 + 5 * DAY + 5 * HOUR, 'in five days and a bit');
cmp_ok($clock, '>', $t0 + 4.8 * DAY, 'and not before');
diag(sprintf '%d runs, %.1f days', $runs, ($clock - $t0) / DAY);

# --- each once ------------------------------------------------------------

my %got = map { $_ => [] } keys %want;
for my $domain (grep { ref $mta{$_} } keys %down) {
	next if $domain eq 'sender.test';
	for my $text ($mta{$domain}->messages) {
		my ($subject) = $text =~ /^Subject: (\S+)/m;
		my ($for) = $text =~ /^\s+for <(.+?)>/m;
		push @{$got{"$subject $_"}}, 'there' for grep { /\@$domain/ &&
		    $want{"$subject $_"} } defined $for ? $for : map {
		    "$_\@$domain" } qw(ann ben bob);
	}
}
my %warned;
for my $report (@reports) {
	my ($when, $text) = @$report;
	my ($subject) = (reverse $text =~ /^Subject: (.*)/mg);
	while ($text =~ /^Final-Recipient: rfc822; (\S+)\nAction: (\S+)/mg) {
		push @{$got{"$subject $1"}}, 'returned' if $2 eq 'failed';
		$warned{"$subject $1"}++ if $2 eq 'delayed';
		cmp_ok($when - $t0, '>=', 4 * HOUR, "$subject: $1: a warning "
		    . 'not before four hours') if $2 eq 'delayed' && $when;
		cmp_ok($when - $t0, '<', 9 * HOUR, "$subject: $1: nor long "
		    . 'behind them') if $2 eq 'delayed' && $when;
	}
}
for my $who (sort keys %want) {
	is_deeply($got{$who}, [$want{$who}], "$who: $want{$who}, once");
	is($warned{$who} // 0, $who =~ /grey|report/ ? 0 : 1,
	    "$who: as many warnings as it must");
}

# --- the tries ------------------------------------------------------------

my %of;
for my $line (@log) {
	push @{$of{$1}}, $line->[0] if $line->[1] =~
	    /deferred id=(\S+) to=bob\@never\.test/;
}
for my $id (sort keys %of) {
	my @t = @{$of{$id}};
	my @gaps = map { $t[$_] - $t[$_ - 1] } 1 .. $#t;
	my $least = (sort { $a <=> $b } @gaps)[0];
	my $most = (sort { $b <=> $a } @gaps)[0];
	my $life = $t[-1] - $t[0];
	next if $life < 2 * DAY;	# the report's
	cmp_ok(scalar @t, '<', 80, "$id: not tried too often");
	cmp_ok(scalar @t, '>', 25, "$id: but often enough");
	cmp_ok($gaps[0], '<', 15 * 60 + STEP, "$id: soon at first");
	cmp_ok($most, '<=', 5 * HOUR, "$id: and never hours apart");
	cmp_ok($least, '>=', 4 * 60, "$id: never in a hurry");
}
is(scalar(grep { $_->[1] =~ /error|trouble/ && $_->[1] !~ /deferred|failed/ }
    @log), 0, 'and nothing else was said');

done_testing();
