#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what exit 0 of mda-deliver means: the message and its name are on
# disk.  Several deliver into one Maildir at the same time, each again and
# again, on a file system of its own (ext4, then xfs), which is shut down in the
# middle without its log being flushed, and mounted again.  Every message that
# was answered with 0 is there once and whole, and nothing in new/ is a part of
# one.  CUTS says how often for each file system (10).
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep);

use Stdmail;
use Stdmail::Disk;

Stdmail::need(qw(root mda-deliver));
plan skip_all => 'mount namespaces are not to be had here'
    if !Stdmail::Disk::alone();

my $cuts = $ENV{CUTS} // 10;
my $mda = Stdmail::program('mda-deliver');

# Deliver until it fails; note what was answered with 0.
sub
deliver
{
	my ($box, $acks, $name) = @_;

	open(my $fh, '>>', $acks) or die "$!";
	open(STDERR, '>', '/dev/null');
	for (my $n = 0; ; $n++) {
		open(my $pipe, '|-', $mda, $box) or return;
		print $pipe "Subject: $name-$n\n\n", ('x' x 70 . "\n") x
		    int(rand(300)), "last line of $name-$n\n";
		close $pipe or return;
		syswrite($fh, "$name-$n\n");
	}
}

# id => how often, of whole messages; and the names of what is no whole one.
sub
look
{
	my ($box) = @_;
	my (%got, @parts);

	for my $path (glob "$box/new/*") {
		my $text = Stdmail::slurp($path);
		my ($size) = $path =~ /,S=(\d+),/;
		my ($id) = $text =~ /\ASubject: (\S+)\n/;
		if (defined $id && length $text == $size &&
		    $text =~ /^last line of \Q$id\E\n\z/m) {
			$got{$id}++;
		} else {
			push @parts, "$path: " . length $text;
		}
	}
	return (\%got, \@parts);
}

for my $type ('ext4', 'xfs') {
	my $dir = Stdmail::folder();
	my $fault = Stdmail::Disk::make($dir, $type);
	my $acks = "$dir/acks";
	my $box = "$dir/disk/Maildir/";

	SKIP: {
		skip "$type: $fault", 4 if defined $fault;
		Stdmail::spew($acks, '');
		system("echo x | $mda $box") == 0 or die "no Maildir\n";
		unlink glob "${box}new/*";
		Stdmail::Disk::quiet("sync -f $dir/disk");
		for my $round (1 .. $cuts) {
			my $before = -s $acks;
			my @pids = map {
				my $name = "r$round-p$_";
				Stdmail::fork_child(sub {
				    deliver($box, $acks, $name) })
			} 1 .. 4;
			Stdmail::until_true(sub { -s $acks > $before }, 60);
			sleep 0.01 + rand(0.2);
			# xfs says yes to who asks while it goes down.
			my $true = -s $acks;
			Stdmail::Disk::cut($dir);
			sleep 0.02;
			Stdmail::end_child($_) for @pids;
			truncate $acks, $true or die "$acks: $!\n";
			Stdmail::until_true(sub { !defined($fault =
			    Stdmail::Disk::again($dir)) }, 60) or last;
		}
		is($fault, undef, "$type: $cuts power cuts");
		my ($got, $parts) = look($box);
		my @acked = split /\n/, Stdmail::slurp($acks);
		cmp_ok(scalar @acked, '>=', $cuts,
		    "$type: " . @acked . ' answered with 0');
		is_deeply([grep { ($got->{$_} // 0) != 1 } @acked], [],
		    "$type: each is there, once");
		is_deeply($parts, [], "$type: and nothing is a part of one");
		Stdmail::Disk::quiet("umount $dir/disk");
	}
}
done_testing();
