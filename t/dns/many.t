#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that mxlookup is a tool for long lists: none of many names is lost or
# out of order, though some are answered late, fail, or never; memory does not
# grow with the list; -u lets nobody wait for others; -j is JSON, whatever stands
# in the names; who writes a name and waits gets the answer; it ends quietly
# with its reader; and on a terminal, and only there, it says how far it is.
# The nameserver is t/perf/mxserver.c, whose answers follow from the names.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use IPC::Open2;
use IO::Handle;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

use Stdmail;

my $perf = $ENV{STDMAIL_PERF} // "$Stdmail::top/build/t/perf";
my $plain = ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain';
my $bin = Stdmail::program('mxlookup');
plan skip_all => 'mxlookup or mxserver is not built'
    if !$bin || !-x "$perf/mxserver";

# It ends with its standard input: with this test at the latest.
my $server = open2(my $port, my $hold, "$perf/mxserver");
chomp(my $at = '127.0.0.1@' . <$port>);
my $dir = Stdmail::folder();
my @cmd = ($bin, '-s', $at);

# Run it with its standard input from a file: (exit code, output).
sub
look
{
	my ($args, $text) = @_;

	Stdmail::spew("$dir/in", $text) if defined $text;
	my $out = `@cmd @$args <$dir/in 2>$dir/err`;
	my $code = $? >> 8;
	my $err = Stdmail::slurp("$dir/err");
	diag $err if $err ne '';
	return ($code, $out);
}

# The lines that a name must give.
sub
lines_of
{
	my ($name, $addrs) = @_;
	my ($kind) = $name =~ /^(null|none|fail|mute)/;
	my %word = (null => 'nullmx', none => 'nxdomain', fail => 'temporary',
	    mute => 'temporary');

	return "$name\t-\t-\t-\t-\t$word{$kind}\n" if $kind;
	return map { my ($p, $h) = @$_;
		map { "$name\t$p\t$h.$name\t$_\t-\tmx\n" }
		    $addrs ? ('2001:db8::1', '192.0.2.1') : '-'
	    } [10, 'mx'], [20, 'mx2'];
}

# --- order, and nothing lost ----------------------------------------------

my $many = $plain ? 3000 : 600;
my @names = map { my $i = $_;
	($i % 500 == 7 ? 'slow' : $i % 97 == 5 ? 'null' : $i % 89 == 3 ? 'none' :
	    $i % 113 == 2 ? 'fail' : 'd') . "$i.example.test" } 1 .. $many;
my ($code, $out) = look([], join '', map { "user\@$_\n" } @names);
Stdmail::same($out, join('', map { lines_of($_, 1) } @names),
    "$many names, some slow: all of them, in order");
is($code, 75, 'exit 75: some have failed');
($code, $out) = look(['-m']);
Stdmail::same($out, join('', map { lines_of($_, 0) } @names),
    '-m: the same without addresses');
($code, $out) = look(['-mu']);
Stdmail::same(join('', sort split /^/, $out),
    join('', sort map { lines_of($_, 0) } @names),
    '-u: the same lines in another order');
my $slow = (grep { $names[$_] =~ /^slow/ } 0 .. $#names)[0];
cmp_ok(index($out, "\n$names[$slow]\t"), '>',
    index($out, "\n$names[$slow + 40]\t"), 'a slow one comes later');

# The same name again and again, upper case, and what is no name between.
my @same = ('A.test', 'a..b', 'a.test', '[192.0.2.7]') x 300;
($code, $out) = look(['-m'], join '', map { "$_\n" } @same);
is(join(' ', map { s/\t.*//r } grep { !/\tmx2\./ } split /\n/, $out),
    join(' ', @same), 'doubles and what is no name keep their places');

# --- input ----------------------------------------------------------------

my $line = 'x' x 70_000;
my $text = "\xef\xbb\xbfa.test\r\n$line\nb.test\n" . ' ' x 3000 .
    "hidden.test\n$line\@c.test\n\0d.test\ne.test";
($code, $out) = look(['-m'], $text);
is($out =~ s/\t.*//mgr, join('', map { "$_\n" } ('a.test') x 2, 'x' x 300,
    ('b.test') x 2, 'x' x 300, '?d.test', ('e.test') x 2),
    'a mark of UTF-8, lines without end, NUL, no end of the last line');
is(() = $out =~ /\tinvalid$/mg, 3, 'which are no names');
{
	# However it comes in pieces, also in the middle of the mark.
	my ($pid, $at) = (open2(my $from, my $to, @cmd, '-m'), 0);
	my $feeder = Stdmail::fork_child(sub {
		close($from);
		srand 1;
		for my $k (1, 1, 1, 1, map { 1 + int rand 900 } 1 .. 400) {
			$at += syswrite($to, $text, $k, $at) // last;
			select(undef, undef, undef, 0.0005) if $k < 300;
		}
	});
	close($to);
	Stdmail::same(join('', <$from>), $out, 'the same in pieces');
	waitpid($pid, 0);
}

# --- JSON -----------------------------------------------------------------

my $json = JSON::PP->new->utf8;
my @odd = ('a.test', 'null1.test', "b\xc3\xbcr.test", "\xff\"\\.test",
    "a\tb", '[192.0.2.7]', 'fail.test');
my @got = map { $json->decode($_) } split /\n/,
    `@cmd -j @{[map { "'$_'" } @odd]}`;
is_deeply([map { $_->{domain} } @got], ['a.test', 'null1.test',
    "b\xfcr.test", "\x{fffd}\"\\.test", "a\tb", '[192.0.2.7]',
    'fail.test'], '-j: an object for each name, which is as it was given');
is_deeply($got[0], { domain => 'a.test', status => 'mx', security => undef,
	error => undef, exchangers => [map { { preference => $_->[0],
	    name => "$_->[1].a.test", status => 'mx', security => undef,
	    addresses => ['2001:db8::1', '192.0.2.1'] } }
	    [10, 'mx'], [20, 'mx2']] }, 'all members of one');
is_deeply([map { "$_->{status} " . @{$_->{exchangers}} } @got], ['mx 2',
    'nullmx 0', 'mx 2', 'invalid 0', 'invalid 0', 'implicit 1',
    'temporary 0'], 'the status of each');
is($got[6]{error}, 'SERVFAIL', 'what went wrong');
my ($names) = map { $json->decode($_) } `@cmd -jm a.test`;
ok(!exists $names->{exchangers}[0]{addresses}, '-jm: no addresses');

# --- a name, its answer, a name -------------------------------------------

for my $args ([], ['-u'], ['-j']) {
	my $pid = open2(my $from, my $to, @cmd, '-m', @$args);
	my ($heard, $said) = (0, 'a.test');
	for my $i (1 .. 5) {
		syswrite($to, "a$i.test\n");
		vec(my $r = '', fileno($from), 1) = 1;
		last if select($r, undef, undef, 10) < 1;
		sysread($from, my $answer, 4096);
		$heard++ if $answer =~ /a$i\.test/;
	}
	is($heard, 5, "@$args: each answer comes before the next name");
	# Half a name is none.
	syswrite($to, 'b.te');
	sleep 0.1;
	syswrite($to, "st\n");
	sysread($from, my $answer, 4096);
	like($answer, qr/b\.test/, "@$args: and a name in two pieces");
	close($to);
	waitpid($pid, 0);
	is($? >> 8, 0, "@$args: it ends with its input");
}
{
	# The end of its reader is noticed, though no name comes any more.
	my $pid = open2(my $from, my $to, @cmd, '-m');
	syswrite($to, "a.test\n");
	sysread($from, my $answer, 4096);
	close($from);
	my $status = Stdmail::reap($pid, 60);
	is($status, 0, 'without a reader it ends, quietly');
	close($to);
}

# One that is never answered keeps its followers, but not with -u; what came
# before it is told soon.
{
	my $pid = open2(my $from, my $to, @cmd, '-m', '-o',
	    'resolver_trusted=no', map { "$_.test" } qw(a mute b));
	my $start = time;
	sysread($from, my $answer, 4096);
	like($answer, qr/\Aa\.test.*\na\.test.*\n\z/, 'what is known is told');
	cmp_ok(time - $start, '<', 10, 'and soon');
	kill 'KILL', $pid;
	waitpid($pid, 0);
	$pid = open2($from, $to, @cmd, '-mu', map { "$_.test" } qw(mute a b));
	$start = time;
	$answer = '';
	1 while ($answer =~ tr/\n//) < 4 && sysread($from, $answer, 4096,
	    length $answer);
	cmp_ok(time - $start, '<', 10, '-u: nobody waits for a silent one');
	kill 'KILL', $pid;
	waitpid($pid, 0);
}

# --- memory ---------------------------------------------------------------

# The largest size, in kB, of looking up so many names.
sub
size_of
{
	my ($count, @args) = @_;

	open(my $fh, '>', "$dir/in") or die "$dir/in: $!\n";
	print $fh "user\@d$_.example.test\n" for 1 .. $count;
	close($fh);
	my $n = `$perf/usage $dir/usage @cmd @args <$dir/in | wc -l`;
	is($n + 0, 2 * $count, "$count names: none is lost");
	return (split ' ', Stdmail::slurp("$dir/usage"))[2];
}

# A variant has a memory of its own.
if ($plain) {
	my $start = time;
	my $some = size_of(20_000, '-m');
	my $all = size_of($ENV{MANY} // 200_000, '-m');
	note sprintf '%d kB and %d kB, %.1f s', $some, $all, time - $start;
	cmp_ok($all, '<', 48_000, 'memory has a bound');
	cmp_ok($all, '<', $some + 8_000, 'and does not grow with the list');
	# A silent one at the head of all: what is behind it is kept, up to a
	# bound, and no more is read until it is given up.
	my $list = "mute.test\n" . join '', map { "d$_.example.test\n" }
	    1 .. 300_000;
	my $pid = open2(my $from, my $to, @cmd, '-m');
	my ($put, $last) = (0, time);
	$to->blocking(0);
	while (time - $last < 3 && $put < length $list) {
		my $n = syswrite($to, $list, 4096, $put);
		$put += $n, $last = time if $n;
		sleep 0.001 if !$n;
	}
	my ($kb) = Stdmail::slurp("/proc/$pid/status") =~ /VmHWM:\s+(\d+)/;
	my $read = (substr($list, 0, $put) =~ tr/\n//);
	note "$read names read, $kb kB";
	cmp_ok($read, '<', 65536 + 20_000, 'what waits for one has a bound');
	cmp_ok($read, '>', 30_000, 'which is no small one');
	cmp_ok($kb, '<', 40_000, 'and so has the memory for it');
	kill 'KILL', $pid;
	waitpid($pid, 0);
}

# --- a terminal -----------------------------------------------------------

# Run it with standard error on a terminal: what that showed.
sub
on_terminal
{
	my ($input, $out) = @_;
	my $n = pack 'i', 0;
	my $shown = '';

	open(my $master, '+<', '/dev/ptmx') or die "/dev/ptmx: $!\n";
	ioctl($master, 0x40045431, $n);		# TIOCSPTLCK
	ioctl($master, 0x80045430, $n);		# TIOCGPTN
	my $path = '/dev/pts/' . unpack 'i', $n;
	my $pid = Stdmail::fork_child(sub {
		exec 'sh', '-c', "exec @cmd -m <$input 2>$path >" .
		    ($out ? "'$out'" : $path);
	});
	my $status;
	Stdmail::until_true(sub {
		vec(my $r = '', fileno($master), 1) = 1;
		sysread($master, $shown, 4096, length $shown)
		    if select($r, undef, undef, 0.02) > 0;
		return defined($status = Stdmail::reap($pid, 0));
	}, 60);
	return $shown;
}

Stdmail::spew("$dir/short", "a.test\n", 0644);
Stdmail::spew("$dir/long", "a.test\nslow.test\n", 0644);
is(on_terminal("$dir/short", "$dir/out"), '', 'a short job shows nothing');
{
	# Three seconds, as nobody answers at once to what is asked in turn.
	my $fifo = "$dir/fifo";
	system('mkfifo', '-m', '0666', $fifo);
	my $feeder = Stdmail::fork_child(sub {
		open(my $fh, '>', $fifo) or return;
		$fh->autoflush(1);
		for (1 .. 3) {
			print $fh "slow$_.test\n";
			sleep 1.1;
		}
	});
	my $shown = on_terminal($fifo, "$dir/out");
	like($shown, qr/\r\e\[Kmxlookup: \d+ names, \d+ a second/,
	    'a long one says how far it is');
	like($shown, qr/\r\e\[K\z/, 'and takes that away at its end');
	unlike(Stdmail::slurp("$dir/out"), qr/\e/, 'not among the answers');
	Stdmail::reap($feeder, 5);
}
unlike(on_terminal("$dir/long", undef), qr/\e/,
    'not where the answers are shown');

close($hold);
waitpid($server, 0);
done_testing();
