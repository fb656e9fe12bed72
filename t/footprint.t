# SPDX-License-Identifier: ISC
#
# Proves that the tests leave the host as it was: neither making the world nor
# the run of tests that this is part of (it runs last) installed a package here
# or left a listening socket, a process or a mount.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

my $top = abs_path(dirname($0) . '/..');
my $world = $ENV{STDMAIL_WORLD} // '';

sub lines {
	my ($file) = @_;

	open my $fh, '<', $file or return;
	return map { chomp; $_ } <$fh>;
}

# Sockets that listen now: "FILE ADDRESS INODE".
sub listening {
	my @found;

	for my $file (map { "/proc/net/$_" } qw(tcp tcp6 udp udp6)) {
		for (lines($file)) {
			my @f = split;
			push @found, "$file $f[1] $f[9]"
			    if $f[3] eq '0A' || $f[3] eq '07';
		}
	}
	return @found;
}

# The environment of a process, or nothing when it cannot be read.
sub environ {
	my ($pid) = @_;

	open my $fh, '<', "/proc/$pid/environ" or return;
	local $/ = "\0";
	return map { chomp; $_ } <$fh>;
}

# Is it a process of this run?  1, 0, or undef: cannot be told.
sub of_run {
	my ($pid, $run) = @_;
	my @env = environ($pid) or return;

	return scalar grep { $_ eq "CHECK_RUN=$run" } @env;
}

# Processes of this run but for those that we descend from.
sub leftovers {
	my ($run) = @_;
	my (%mine, @found);

	for (my $p = $$; $p > 1; ) {
		$mine{$p} = 1;
		my ($stat) = lines("/proc/$p/stat") or last;
		($p) = $stat =~ /\) \S (\d+)/;
	}
	for my $pid (map { /(\d+)/ } glob '/proc/[0-9]*') {
		next if $mine{$pid} || !of_run($pid, $run);
		my ($cmd) = lines("/proc/$pid/cmdline");
		push @found, "$pid " . (($cmd // '?') =~ tr/\0/ /r);
	}
	return @found;
}

# Of these sockets, those that no process of others has: one of which it can be
# told, and is not so, that it is of ours.
sub not_of_others {
	my ($is_ours, @sockets) = @_;
	my %inode = map { (split)[2] => $_ } @sockets;

	for my $fd (keys %inode ? glob('/proc/[0-9]*/fd/*') : ()) {
		my ($to, $pid) = (readlink $fd, $fd =~ /(\d+)/);
		next if ($to // '') !~ /^socket:\[(\d+)\]/ || !$inode{$1};
		my $inode = $1;
		my $ours = $is_ours->($pid);
		delete $inode{$inode} if defined $ours && !$ours;
	}
	return sort values %inode;
}

SKIP: {
	skip 'the world is as it came, or there is none', 2
	    if !-f "$world/after";
	my %before = map { $_ => 1 } lines("$world/before");
	my @new = grep { !$before{$_} } lines("$world/after");
	is_deeply([grep { !m{^/proc/net} } @new], [],
	    'making the world installed nothing here');
	my %now = map { $_ => 1 } listening();
	my $of_world = sub {
		my $root = readlink "/proc/$_[0]/root" // return;
		return index($root, $world) == 0;
	};
	is_deeply([not_of_others($of_world, grep { $now{$_} } @new)], [],
	    'and left nothing that listens');
}
my ($run, $then) = @ENV{'CHECK_RUN', 'CHECK_BEFORE'};
SKIP: {
	skip 'not part of a run', 3 if !defined $run || !defined $then;
	my @left;
	for (1 .. 20) {
		@left = leftovers($run) or last;
		select undef, undef, undef, 0.1;
	}
	is_deeply(\@left, [], 'no process is left');
	my %before = map { $_ => 1 } lines($then);
	my @packages = split /\n/, `dpkg-query -W 2>/dev/null`;
	is_deeply([grep { !$before{$_} } @packages], [],
	    'the tests installed nothing here');
	is_deeply([not_of_others(sub { of_run($_[0], $run) },
	    grep { !$before{$_} } listening())], [],
	    'and left nothing that listens');
}
my @mounts = grep { index($_, " $top/") >= 0 || ($world ne '' &&
    index($_, " $world/") >= 0) } lines('/proc/self/mountinfo');
is_deeply(\@mounts, [], 'no mount is left in the tree or the world');
done_testing;
