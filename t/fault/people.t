#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that what people do to the queue loses and doubles nothing: killed at
# every system call, a retry, hold, release or drop leaves the message as it was
# or as it was to be, never half, and can be done again; a drop with a bounce
# never lets go before the bounce is there; when the power goes, what was
# answered for is on disk; on a full disk all goes on, but a drop with a bounce
# drops nothing; and with people and an agent at work on 200 messages at the
# same time each of them is delivered once, dropped, or held.
#
# A call in thirteen and a second and a half are enough to see that it works;
# STDMAIL_THOROUGH=1 takes every call, and a longer while.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Stdmail;
use Stdmail::Disk;
use Stdmail::Mta;

Stdmail::need(qw(smtp-send smtpd mda-deliver tool:strace), "$Stdmail::fault/killat");

Stdmail::in_memory();
my $killat = Stdmail::program("$Stdmail::fault/killat");
my @strace = Stdmail::tool('strace');
# The search for leaks does not work under a tracer.
my %env = (ASAN_OPTIONS => 'detect_leaks=0');
my $mta = Stdmail::Mta->start(offers => ['PIPELINING'],
    rules => [[qr/^RCPT TO:<full@/, '452 4.2.2 full'],
	[qr/^BODY/, sub { sleep 0.1; return '250 2.0.0 taken' }]]);
my $s = Stdmail->new(users => { alice => 'secret' }, conf => {
    relay_from => '127.0.0.0/8', route => ["b.test 127.0.0.1:$mta->{port}"],
    connection_rate => 0, message_rate => 0 });

# So many messages for a recipient, into the spool.
sub
enqueue
{
	my ($n, $to) = @_;
	my ($pid, $c) = $s->session('smtpd', args => ['-m', 'mx']);

	$c->smtp;
	$c->smtp('EHLO x');
	for (1 .. $n) {
		$c->smtp($_) for 'MAIL FROM:<alice@a.test>', "RCPT TO:<$to>",
		    'DATA';
		my $reply = $c->smtp("Subject: x\r\nX-Number: $_\r\n\r\n" .
		    "hello\r\n.");
		die "enqueue: $reply\n" if $reply !~ /^250/;
	}
	$c->smtp('QUIT');
	$c->close;
	Stdmail::reap($pid, 5);
}

# What lies where, without ids and times: "now env".
sub
state_of
{
	return join ' ', sort map { s{^\Q$s->{spool}\E/(?:remote/)?}{}r =~
	    s{/.*}{}r } $s->spooled('remote'), $s->spooled('tmp');
}

sub
agent
{
	my ($status, $out, $err) = $s->run_program('smtp-send', ['-q']);

	return "$status$out" eq '0' ? '' : "smtp-send -q: $status $out$err";
}

# --- killed at every call -------------------------------------------------

my $template = "$s->{dir}/template";
sub
save
{
	my ($name) = @_;

	system('cp', '-a', $s->{spool}, "$template.$name") == 0 or die;
}

sub
restore
{
	my ($name) = @_;

	system('rm', '-rf', $s->{spool}) == 0 or die;
	system('cp', '-a', "$template.$name", $s->{spool}) == 0 or die;
}

enqueue(1, 'full@b.test');
is(agent(), '', 'one message, put off');
is(state_of(), 'env later', '... there it is');
save('later');
my ($st, $out, $err) = $s->run_program('smtp-send', ['-H', 'all']);
is(state_of(), 'env held', '... and held');
save('held');

# What may be there after a kill, and what is after doing it (again).
for (
	['-R', 'later', qr/^env (later|now)$/, 'env now', 0],
	['-H', 'later', qr/^env (later|held)$/, 'env held', 0],
	['-U', 'held', qr/^env (held|now)$/, 'env now', 0],
	['-D', 'later', qr/^(env( later)?)?$/, '', 0],
	['-DB', 'later', qr/^(env( later)?( tmp)?)?$/, '', 1],
	['-DB', 'held', qr/^(env( held)?( tmp)?)?$/, '', 1],
) {
	my ($letter, $from, $may, $want, $bounces) = @$_;
	my (@wrong, %seen);
	my ($killed, $first) = (0, 0);

	# The call at which it first looks into the queue.
	restore($from);
	($st, $out, $err) = $s->run([@strace, '-o', "$s->{dir}/trace",
	    $s->command('smtp-send', $letter, 'queue=remote')],
	    env => \%env);
	is($st, 0, "$letter, of $from, undisturbed") or diag $err;
	my @lines = grep { /^\w+\(/ } split /\n/,
	    Stdmail::slurp("$s->{dir}/trace");
	$first++ while $first < @lines && $lines[$first] !~ /,S=\d+/;
	is(state_of(), $want, '... does it');
	cmp_ok(@lines - $first, '>=', 8, '... in ' . (@lines - $first) .
	    ' calls');
	my $step = $ENV{STDMAIL_THOROUGH} ? 1 : 13;
	for (my $n = $first - 2; ; $n += $step) {
		restore($from);
		my ($code) = $s->run([$killat, $n, 'main',
		    $s->command('smtp-send', $letter, 'queue=remote')],
		    env => \%env);
		last if $code != 200;
		$killed++;
		my $got = state_of();
		$seen{$got}++;
		push @wrong, "call $n: left '$got'" if $got !~ $may;
		push @wrong, "call $n: gone, and nobody was told"
		    if $bounces && $got !~ /later|held/ &&
		    !$s->spooled('local/now');
		# Done again it is done, or was: an agent ends what is left.
		if ($letter =~ /D/) {
			my $m = agent();
			push @wrong, "call $n: $m" if $m;
		}
		$s->run_program('smtp-send', [$letter, 'queue=remote']);
		$got = state_of();
		push @wrong, "call $n: then '$got'" if $got ne $want;
		my $b = () = $s->spooled('local/now');
		push @wrong, "call $n: bounces: $b" if $bounces ?
		    $b < 1 || $b > 2 : $b != 0;
	}
	ok(!@wrong, "$letter, of $from: killed $killed times") or
	    diag(join "\n", @wrong[0 .. ($#wrong > 9 ? 9 : $#wrong)]);
	cmp_ok(scalar keys %seen, '>=', 2, '... before and behind it');
}

# --- the power goes -------------------------------------------------------

# How many of the messages are where: "held 3 later 9".
sub
places
{
	my %n;

	m{/remote/(now|later|held)/} && $n{$1}++ for $s->spooled('remote');
	return join ' ', map { "$_ $n{$_}" } sort keys %n;
}

# What smtp-send has answered for is so afterwards; what it was at is as before
# or as it was to be.
sub
cuts
{
	my ($dir) = @_;
	my (@wrong, $fault);

	for my $round (1 .. ($ENV{STDMAIL_THOROUGH} ? 20 : 2)) {
		for (['-H', 'held 12'], ['-U', 'now 12'], ['-H', ''],
		    ['-U', '']) {
			my ($letter, $want) = @$_;
			my $pid = $s->spawn([$s->command('smtp-send', $letter,
			    'all')], {});

			my $st = $want ? Stdmail::reap($pid, 60) // 'no' : 0;
			push @wrong, "$letter: $st" if $st !~ /^[01]\z/;
			sleep 0.005 + rand(0.02) if !$want;
			Stdmail::Disk::cut($dir);
			Stdmail::end_child($pid) if !$want;
			$fault = Stdmail::Disk::again($dir);
			return $fault if defined $fault;
			($st, my $out) = $s->run_program('smtp-send', ['-l']);
			my $n = () = $out =~ /\n/g;
			push @wrong, "$letter: $st, $n listed, " . places()
			    if "$st $n" ne '0 12' ||
			    ($want && places() ne $want);
		}
	}
	return join "\n", @wrong;
}

sub
power
{
	my $dir = Stdmail::folder();
	my $why = Stdmail::Disk::make($dir, 'ext4');
	my $real = $s->{spool};

	skip $why, 1 if defined $why;
	restore('later');
	$s->run_program('smtp-send', ['-D', 'all']);
	enqueue(12, 'full@b.test');
	chmod 0755, $dir;
	$why = Stdmail::Disk::quiet("cp -a $real $dir/disk/spool && " .
	    "sync -f $dir/disk");
	die $why if defined $why;
	$s->{conf}{spool} = $s->{spool} = "$dir/disk/spool";
	$s->write_conf;
	is(cuts($dir), '', 'of what was held and released, nothing is lost');
	Stdmail::Disk::quiet("umount $dir/disk");
	$s->{conf}{spool} = $s->{spool} = $real;
	$s->write_conf;
}

SKIP: {
	skip 'not root', 1 if !Stdmail::is_root();
	skip 'no mount namespace', 1 if !Stdmail::Disk::alone();
	power();
}

# --- a full disk ----------------------------------------------------------

SKIP: {
	skip 'not root', 7 if !Stdmail::is_root();
	skip 'no mount namespace', 7 if !Stdmail::Disk::alone();
	restore('later');
	my $why = Stdmail::Disk::quiet("mkdir $s->{dir}/small && mount -t " .
	    "tmpfs -o mode=777,size=400k tmpfs $s->{dir}/small && cp -a " .
	    "$s->{spool}/. $s->{dir}/small && mount --bind $s->{dir}/small " .
	    $s->{spool});
	die $why if defined $why;
	# All of it, and the last octets of the page that the envelope is in.
	system("cat /dev/zero >$s->{spool}/ballast 2>/dev/null");
	for (['-R', 'now'], ['-H', 'held'], ['-U', 'now']) {
		($st, $out, $err) = $s->run_program('smtp-send',
		    [$_->[0], 'all']);
		is("$st " . state_of(), "0 env $_->[1]", "full: $_->[0]")
		    or diag $err;
	}
	($st, $out, $err) = $s->run_program('smtp-send', ['-DB', 'all']);
	is($st, 75, 'full: no drop with a bounce') or diag $err;
	is(state_of(), 'env now', 'the message is there');
	restore_full();
	($st, $out, $err) = $s->run_program('smtp-send', ['-D', 'all']);
	is($st, 0, 'but a drop') or diag $err;
	is(state_of(), '', 'and it is gone');
	Stdmail::Disk::quiet("umount $s->{spool} $s->{dir}/small");
}

sub
restore_full
{
	is_deeply([$s->spooled('tmp'), $s->spooled('local')], [],
	    'and nothing else');
}

# --- all at once ----------------------------------------------------------

restore('later');
$s->run_program('smtp-send', ['-D', 'all']);
$mta->forget;
my $all = 200;
my $watcher = $s->spawn([$s->command('smtp-send', '-q', '-w')], {});
my @people;
for my $who (1 .. 4) {
	push @people, Stdmail::fork_child(sub {
		srand $who;
		my $end = time + ($ENV{STDMAIL_THOROUGH} ? 20 : 1.5);
		my $dropped = 0;
		while (time < $end) {
			my @ids = map { m{([^/]+)\z} && $1 }
			    $s->spooled('remote/env');
			my $id = $ids[rand @ids] // next;
			my $way = !$dropped ? '-D' :
			    (qw(-H -H -U -R -D -HU))[rand 6];
			my @which = $way eq '-HU' ? 'all' : $id;
			$way = '-U' if $way eq '-HU';
			my ($st, $out, $err) = $s->run_program('smtp-send',
			    [$way, @which]);
			open(my $fh, '>>', "$s->{dir}/people.$who") or die;
			print $fh $out;
			$dropped ||= $out =~ /dropped/;
			print $fh "status $st: $err" if $st !~ /^(0|1|75)$/;
			close $fh;
		}
	});
}
my %number;
enqueue($all, 'bob@b.test');
is(Stdmail::reap($_, 60), 0, 'a person is done') for @people;
my $settled = Stdmail::until_true(sub {
	return !$s->spooled('remote/now') && !$s->spooled('remote/later');
}, 60);
ok($settled, 'the agent has nothing more to do') or diag state_of();
kill 'TERM', $watcher;
is(Stdmail::reap($watcher, 60), 0, 'and ends in order');
my $said = join '', map { -e "$s->{dir}/people.$_" ?
    Stdmail::slurp("$s->{dir}/people.$_") : '' } 1 .. 4;
my %fate;
$fate{$_}{dropped}++ for $said =~ /^(\S+)\tdropped$/mg;
for ($s->spooled('remote/held')) {
	$fate{$1}{held}++ if m{/\d+-([^/,]+)};
}
for my $m ($mta->messages) {
	$fate{$1}{delivered}++ if $m =~ /with ESMTP id ([^\s;]+)/;
}
is(scalar keys %fate, $all, 'each of them is somewhere');
my @odd = grep { join('', values %{$fate{$_}}) ne '1' } keys %fate;
is_deeply([map { "$_ " . join ',', %{$fate{$_}} } @odd], [],
    'in one place, once');
my %sum;
$sum{$_}++ for map { keys %{$fate{$_}} } keys %fate;
note(join ' ', map { "$_ $sum{$_}" } sort keys %sum);
ok($sum{delivered} && ($sum{held} || $sum{dropped}), 'all was tried');
unlike($said, qr/^status/m, 'and nobody met an error');
is(scalar(() = $s->spooled('remote/env')), $sum{held} // 0,
    'no envelope is left over');
done_testing;
