#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that what sessions in a Maildir told their clients survives a power
# cut (t/fault/maildircut.c): two of them work in a mailbox on a file system of
# its own (ext4, then xfs), which is shut down in the middle without its log
# being flushed, mounted again, and looked at.  Every UID told has its message;
# no modification sequence told falls, and flags other than those told have a
# greater one; what was expunged is gone; and the files derived from the
# Maildir, as the cut left them, show what a listing shows.  CUTS says how often
# for each file system (5).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep);

use Stdmail;
use Stdmail::Disk;

Stdmail::need('root', "$Stdmail::fault/maildircut");
plan skip_all => 'mount namespaces are not to be had here'
    if !Stdmail::Disk::alone();

my $cuts = $ENV{CUTS} // 5;
my $seed = $ENV{SEED} // time ^ $$;

srand($seed);
note("SEED=$seed");

# Two sessions, and the cut.
sub
one_cut
{
	my ($dir, $round) = @_;
	my @pids;

	for my $who (0, 1) {
		my $pid = fork // die "fork: $!";
		if ($pid == 0) {
			open STDERR, '>', '/dev/null';
			exec "$Stdmail::fault/maildircut", 'work', "$dir/disk/mail",
			    "$dir/told.$round.$who",
			    $round * 10000 + $who * 5000 + 1;
			exit 127;
		}
		push @pids, $pid;
	}
	Stdmail::until_true(sub { -s "$dir/told.$round.0" }, 60);
	sleep 0.02 + rand(0.5);
	Stdmail::Disk::cut($dir);
	sleep 0.02;		# late answers would be lies
	kill 'KILL', @pids;
	waitpid($_, 0) for @pids;
	return Stdmail::Disk::again($dir);
}

for my $type ('ext4', 'xfs') {
	my $dir = Stdmail::folder();
	my $reason = Stdmail::Disk::make($dir, $type);

	SKIP: {
		skip "$type: $reason", $cuts if defined $reason;
		for my $round (1 .. $cuts) {
			$reason = one_cut($dir, $round);
			my @told = glob "$dir/told.*";
			my $said = `$Stdmail::fault/maildircut check \\
			    $dir/disk/mail @told 2>$dir/log`;
			ok(!defined $reason && $? == 0, "$type, cut $round: " .
			    ($? ? 'something told is lost' :
			    $said =~ s/\n\z//r)) or diag($reason // $said);
			last if defined $reason;
		}
		Stdmail::Disk::quiet("umount $dir/disk");
	}
}
done_testing();
