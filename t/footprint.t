# SPDX-License-Identifier: ISC
#
# Proves that the tests leave the host as it was: making the world installed
# no package here and left no listening socket; and no process of the run of
# tests that this is part of (it runs last), and no mount, is left behind.

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

# Processes of this run but for those that we descend from.
sub leftovers {
	my ($run) = @_;
	my (%mine, @found);

	for (my $p = $$; $p > 1; ) {
		$mine{$p} = 1;
		my ($stat) = lines("/proc/$p/stat") or last;
		($p) = $stat =~ /\) \S (\d+)/;
	}
	for my $dir (glob '/proc/[0-9]*') {
		my ($pid) = $dir =~ /(\d+)$/;
		next if $mine{$pid};
		open my $fh, '<', "$dir/environ" or next;
		local $/ = "\0";
		my @env = <$fh>;
		next if !grep { $_ eq "CHECK_RUN=$run\0" } @env;
		my ($cmd) = lines("$dir/cmdline");
		push @found, "$pid " . (($cmd // '?') =~ tr/\0/ /r);
	}
	return @found;
}

SKIP: {
	skip 'the world is as it came, or there is none', 2
	    if !-f "$world/after";
	my %before = map { $_ => 1 } lines("$world/before");
	my @new = grep { !$before{$_} } lines("$world/after");
	is_deeply([grep { !m{^/proc/net} } @new], [],
	    'making the world installed nothing here');
	my %now = map { $_ => 1 } listening();
	is_deeply([grep { $now{$_} } @new], [],
	    'and left nothing that listens');
}
my $run = $ENV{CHECK_RUN};
SKIP: {
	skip 'not part of a run', 1 if !defined $run;
	my @left;
	for (1 .. 20) {
		@left = leftovers($run) or last;
		select undef, undef, undef, 0.1;
	}
	is_deeply(\@left, [], 'no process is left');
}
my @mounts = grep { index($_, " $top/") >= 0 || ($world ne '' &&
    index($_, " $world/") >= 0) } lines('/proc/self/mountinfo');
is_deeply(\@mounts, [], 'no mount is left in the tree or the world');
done_testing;
