# SPDX-License-Identifier: ISC
#
# What the benchmarks that compare us with another server stand on: a Maildir
# of any size that is the same each time, our daemons and a private Dovecot on
# free ports over it, both sides in turn, and the table.  A figure alone means
# nothing on a shared machine: what is shown is the ratio of runs that followed
# each other, and how far it spread.  Nothing of it stays, no file, no process.
package Bench;

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Find;
use File::Path qw(make_path);
use List::Util qw(min max sum);
use POSIX ();
use Time::HiRes qw(time sleep);

use Stdmail;
use Stdmail::Dovecot;

our $perf = $ENV{STDMAIL_PERF} // "$Stdmail::top/build/t/perf";

# This benchmark cannot be run here.
sub
skip
{
	my ($name, $why) = @_;

	print "$name: skipped: $why\n";
	exit 0;
}

sub
median
{
	my @v = sort { $a <=> $b } @_;

	return @v % 2 ? $v[$#v / 2] : ($v[@v / 2 - 1] + $v[@v / 2]) / 2;
}

# --- the mailbox ----------------------------------------------------------

# The texts that messages are made of: [header, body] of each fit message of
# the corpus, or a few of our own.  What servers are free to change (NUL, bare
# CR, no header) is for the tests, not for here.
sub
texts
{
	my (@found, @files);

	find({ no_chdir => 1, wanted => sub { push @files, $_ if -f } },
	    "$Stdmail::shared/corpus") if -d "$Stdmail::shared/corpus";
	for my $file (sort @files) {
		my $text = Stdmail::slurp($file);
		next if $text =~ /[\0\r]/ || length $text > 100_000;
		my ($head, $body) = $text =~
		    /\A((?:[!-9;-~]+:.*\n(?:[ \t].*\n)*)+)\n((?s).+)/ or next;
		push @found, [$head, $body =~ s/\n?\z/\n/r]
		    if $head =~ /^Subject:/mi;
	}
	return @found if @found > 20;
	return map { ["From: a$_\@a.test\nTo: b\@b.test\nSubject: text $_\n" .
	    "Message-ID: <$_\@a.test>\nX-Of: " . ('z' x $_) . "\n",
	    join '', map { "line $_ of a text\n..and a dot\n" } 1 .. $_ * 4]
	    } 1 .. 30;
}

# Octets of a message: most are 2 to 8 kB, the others 30 to 100 kB; 18 kB in
# the mean.
sub
octets
{
	return rand() < 0.783 ? 2000 + rand 6000 : 30_000 + rand 70_000;
}

# A message of about so many octets: text while it is short, then lines of an
# attachment.
sub
message
{
	my ($texts, $n, $lines) = @_;
	my ($head, $body) = @{$texts->[rand @$texts]};
	my $text = "$head\n$body";

	while (length $text < $n && length $text < 10_000) {
		$text .= $texts->[rand @$texts][1];
	}
	if (length $text > $n && length $head < $n) {
		substr($text, max($n, length($head) + 2)) = '';
		$text =~ s/\n?\z/\n/;
	}
	my $more = int(($n - length $text) / 77);
	$text .= substr $lines, 77 * int(rand 100), 77 * $more if $more > 0;
	return $text;
}

# Make a Maildir of $count messages, in cur and seen: some answered, some
# flagged.  Options: seed, sizes (0: names without ,S= and ,W=).
sub
make_maildir
{
	my ($md, $count, %o) = @_;
	my @texts = texts();
	my @base64 = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '+', '/');
	my ($time, $total) = (1_600_000_000, 0);

	srand($o{seed} // 1);
	my $lines = join '', map { join('', map { $base64[rand 64] } 1 .. 76) .
	    "\n" } 1 .. 1500;
	make_path(map { "$md/$_" } qw(cur new tmp));
	for my $i (1 .. $count) {
		my $text = message(\@texts, int octets(), $lines);
		my $name = sprintf '%d.M%06dP%d.bench', $time + $i, $i, 4711;
		my $flags = ('S', 'S', 'S', 'RS', 'FS')[rand 5];

		$name .= sprintf ',S=%d,W=%d', length $text,
		    length($text) + ($text =~ tr/\n//) if $o{sizes} // 1;
		open(my $fh, '>:raw', "$md/cur/$name:2,$flags") or
		    die "$md: $!\n";
		print $fh $text or die "$md: $!\n";
		close $fh or die "$md: $!\n";
		$total += length $text;
	}
	return $total;
}

# The same messages in another Maildir.
sub
link_maildir
{
	my ($from, $to) = @_;

	make_path(map { "$to/$_" } qw(cur new tmp));
	opendir(my $dh, "$from/cur") or die "$from: $!\n";
	for my $name (grep { !/^\./ } readdir $dh) {
		link("$from/cur/$name", "$to/cur/$name") or die "$to: $!\n";
	}
}

# --- the servers ----------------------------------------------------------

# A site with these users, all with the password "secret", one uid and a
# Maildir each; started as root it runs as a host would run it.
sub
site
{
	my ($names, %conf) = @_;
	my $s = Stdmail->new(as => Stdmail::is_root() ? 'root' : 'me',
	    conf => { max_sessions => 1000, max_per_address => 1000, %conf });
	my ($uid, $gid) = $s->ids($names->[0]);

	$s->{owner} = [$uid, $gid];
	$s->{names} = $names;
	make_path(map { "$s->{dir}/home/$_" } @{$s->{names}});
	my @lines = map { sprintf "%s:{PLAIN}secret:%d:%d::%s/home/%s:\n", $_,
	    $uid, $gid, $s->{dir}, $_ } @{$s->{names}};
	Stdmail::spew("$s->{dir}/users", join('', @lines), 0600);
	return $s;
}

# Give the Maildirs, once they are made, to their owner.
sub
own
{
	my ($s) = @_;

	return if !Stdmail::is_root();
	for my $name (@{$s->{names}}) {
		for my $path ("$s->{dir}/home/$name", $s->maildir($name)) {
			Stdmail::_chown_tree($path, @{$s->{owner}}) if -e $path;
		}
	}
}

# Ours, in the clear and with TLS: { plain => port, tls => port, pids => [] }.
sub
ours
{
	my ($s, $program) = @_;
	my $plain = $s->start($program);
	my $tls = $s->start($program, args => ['-T']);

	return { name => 'ours', plain => $plain->{port}, tls => $tls->{port},
	    pids => [$plain->{pid}, $tls->{pid}] };
}

# What makes Dovecot fastest, at the price of processes that many users share.
sub
tuned
{
	my ($protocol) = @_;

	return <<"END";
service $protocol-login {
  service_count = 0
  process_min_avail = 2
}
service $protocol {
  service_count = 10000
  process_min_avail = 4
}
auth_cache_size = 10M
END
}

# Dovecot of the world or the host for one protocol over the same site, as
# ours(); $name is its column.  Options: conf, lines to add.
sub
dovecot
{
	my ($s, $protocol, $name, %o) = @_;
	my $conf = $o{conf} // '';
	my $srv = Stdmail::Dovecot::start($s, $protocol, $name,
	    owner => $s->{owner}, conf => $conf);

	return { name => $name, plain => $srv->{port}, tls => $srv->{tls},
	    pids => [$srv->{pid}], log => $srv->{log},
	    keeps => scalar($conf =~ /service_count/) };
}

# --- folders --------------------------------------------------------------

# The names in folders.
sub
names
{
	my $n = 0;

	for my $dir (@_) {
		opendir(my $dh, $dir) or next;
		$n += grep { !/^\./ } readdir $dh;
	}
	return $n;
}

# Is nothing in these folders?  It reads no more of them than it must: it is
# asked while the clock runs.
sub
is_empty
{
	for my $dir (@_) {
		opendir(my $dh, $dir) or next;
		while (defined(my $name = readdir $dh)) {
			return 0 if $name !~ /^\./;
		}
	}
	return 1;
}

# --- measuring ------------------------------------------------------------

# Processes and all their children.
sub
tree
{
	my (@pids) = @_;
	my @all;

	while (defined(my $pid = shift @pids)) {
		push @all, $pid;
		open(my $fh, '<', "/proc/$pid/task/$pid/children") or next;
		push @pids, split ' ', <$fh> // '';
	}
	return @all;
}

# CPU seconds of processes and all their children, in ticks of the clock.
sub
cpu
{
	my $ticks = 0;

	for my $pid (tree(@_)) {
		open(my $fh, '<', "/proc/$pid/stat") or next;
		my $text = <$fh> // next;
		$text =~ s/.*\) //s;
		$ticks += sum((split ' ', $text)[11 .. 14]);
	}
	return $ticks / POSIX::sysconf(&POSIX::_SC_CLK_TCK);
}

# Wait until a server has no session any more: what it does behind the last
# answer is part of its CPU time, and not of the next run.
sub
quiet
{
	my ($srv) = @_;
	my %own = map { $_ => 1 } @{$srv->{pids}};

	return if $srv->{keeps};
	Stdmail::until_true(sub {
		for my $pid (tree(@{$srv->{pids}})) {
			next if $own{$pid} || !-e "/proc/$pid/comm";
			open(my $fh, '<', "/proc/$pid/comm") or next;
			return 0 if (<$fh> // '') =~ /^(imap|pop3)d?$/;
		}
		return 1;
	}, 30);
}

# Private kilobytes of processes.
sub
private
{
	my $kb = 0;

	for my $pid (@_) {
		open(my $fh, '<', "/proc/$pid/smaps_rollup") or next;
		while (my $line = <$fh>) {
			$kb += $1 if $line =~
			    /^Private_(?:Clean|Dirty): +(\d+)/;
		}
	}
	return $kb;
}

# Run a client that prints "NAME SECONDS UNITS OCTETS": the figures by name,
# the first of them with the server's CPU time.
sub
client
{
	my ($srv, @cmd) = @_;
	my $before = cpu(@{$srv->{pids}});
	my (%got, $first);

	open(my $fh, '-|', @cmd) or die "$cmd[0]: $!\n";
	while (my $line = <$fh>) {
		my ($name, $seconds, $units, $octets) = split ' ', $line;
		$got{$name} = { seconds => $seconds, units => $units,
		    octets => $octets, cpu => 0 };
		$first //= $got{$name};
	}
	close $fh or die "$srv->{name}: @cmd has failed\n";
	quiet($srv);
	$first->{cpu} = cpu(@{$srv->{pids}}) - $before;
	return \%got;
}

# Both sides of one row, in turn and who is first in turn too: $run->(server)
# gives what client() gives; $warm: once before.  Returns for each name of a figure, for each
# server but the first (ours), { ours, theirs, ratios, cpu }.
sub
compare
{
	my ($run, $pairs, $warm, $ours, @others) = @_;
	my %rows;

	for my $other (@others) {
		# What each side has to build is built before.
		$run->($_) for $warm ? ($ours, $other) : ();
		for my $i (1 .. $pairs) {
			my @order = $i % 2 ? ($ours, $other) : ($other, $ours);
			my %got = map { $_->{name} => $run->($_) } @order;
			my ($us, $them) = @got{map { $_->{name} } $ours, $other};
			for my $name (keys %$us) {
				my ($u, $t) = ($us->{$name}, $them->{$name});
				die "$name: we gave $u->{units} of " .
				    "$u->{octets} octets, $other->{name} " .
				    "$t->{units} of $t->{octets}\n"
				    if $u->{units} != $t->{units} ||
				    $u->{octets} != $t->{octets};
				push @{$rows{$name}{$other->{name}}}, [$u, $t];
			}
		}
	}
	return \%rows;
}

# --- the table ------------------------------------------------------------

my @weak;	# rows below 2.0

# So many units or megabytes a second, the time of one or of the whole run, or
# kilobytes, which come in the place of seconds.
sub
figure
{
	my ($how, $r) = @_;

	return sprintf '%.3f ms', 1000 * $r->{seconds} / $r->{units}
	    if $how eq 'ms';
	return sprintf '%.2f ms', 1000 * $r->{seconds} if $how eq 'run';
	return sprintf '%.0f kB', $r->{seconds} if $how eq 'kB';
	return sprintf '%.0f MB/s', $r->{octets} / 1e6 / $r->{seconds}
	    if $how eq 'MB/s';
	return sprintf '%.0f /s', $r->{units} / $r->{seconds};
}

sub
head
{
	printf "%-52s %10s %10s  %-20s %s\n", '', 'ours', 'theirs',
	    'ratio (min-max)', 'ratio of CPU';
}

# A line of the table, named as $kind and $what; pairs as compare() gives them.
# Figures are medians.  Returns whether the ratio reaches its goal, and the
# figure of ours, where there is a limit for it, keeps within that.
sub
row
{
	my ($kind, $what, $how, $goal, $within, @pairs) = @_;
	my @ratio = map { $_->[1]{seconds} / $_->[0]{seconds} } @pairs;
	my $m = median(@ratio);
	my @cpu = map { my $side = $_; sum(map { $_->[$side]{cpu} } @pairs) }
	    0, 1;
	my @mid = map {
		my $side = $_;
		my $s = median(map { $_->[$side]{seconds} } @pairs);
		figure($how, { %{$pairs[0][$side]}, seconds => $s });
	} 0, 1;

	printf "%-52s %10s %10s  %-20s %s\n", $what, @mid,
	    sprintf('%.2f (%.2f-%.2f)', $m, min(@ratio), max(@ratio)),
	    $cpu[0] > 0 && $cpu[1] > 0 ? sprintf('%.2f', $cpu[1] / $cpu[0])
	    : '';
	return 1 if $m >= $goal &&
	    median(map { $_->[0]{seconds} } @pairs) <= ($within // 1e9);
	push @weak, sprintf('%s (%.2f)', "$kind $what" =~ s/^ +| +(?= )//gr,
	    $m);
	return 0;
}

# The last line: what falls short of its goal.
sub
verdict
{
	print @weak ? "below its goal: " . join('; ', @weak) . "\n"
	    : "every row reaches its goal\n";
}

# What strace says of a server and its children while $what is done: the lines
# of its table; undef, there is none.
sub
strace
{
	my ($s, $srv, $what, @options) = @_;
	my @cmd = Stdmail::tool('strace') or return undef;
	my $out = "$s->{dir}/strace";

	my $pid = $s->spawn([@cmd, '-f', '-c', @options, '-o', $out,
	    map { ('-p', $_) } tree(@{$srv->{pids}})], {}, as => 'me',
	    log => "$out.err");
	Stdmail::until_true(sub { -s "$out.err" }, 5);
	sleep 0.2;
	$what->();
	kill 'INT', $pid;
	Stdmail::reap($pid, 10);
	return split /\n/, -e $out ? Stdmail::slurp($out) : '';
}

# Where the time goes: system calls of a server.
sub
trace
{
	my @lines = strace(@_);

	return "no strace here\n" if !defined $lines[0];
	return join '', map { "    $_\n" } @lines[0 .. min($#lines, 15)];
}

# How often it makes these calls.
sub
count_calls
{
	my ($s, $srv, $what, @calls) = @_;
	my @lines = strace($s, $srv, $what, '-e', 'trace=' . join ',', @calls);
	my $names = join '|', @calls;

	die "no strace here\n" if !defined $lines[0];
	return map { /^(?: *[\d.]+){3} +(\d+) .*?($names)$/ ? ($2 => $1) : () }
	    @lines;
}

1;
