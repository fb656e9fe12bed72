# SPDX-License-Identifier: ISC
#
# A file system of one's own in an image file, whose power can be cut: it is
# shut down without its log being flushed, and mounted again.  Its mounts are
# seen by nobody else and end with the test.

package Stdmail::Disk;

use strict;
use warnings;

use Stdmail;

my $GOINGDOWN = 0x8004587d;	# FS_IOC_SHUTDOWN
my $NOLOGFLUSH = pack 'L', 2;

# A mount namespace of our own: true, or there is none to be had.
sub
alone
{
	return syscall(272, 0x00020000) == 0 &&
	    system('mount --make-rprivate / 2>/dev/null') == 0;
}

# Run a command without a word: undef, or what it said when it failed.
sub
quiet
{
	my (@cmd) = @_;
	my $out = qx{@cmd 2>&1};

	return $? == 0 ? undef : "@cmd: $out";
}

sub attach { return quiet("mount -o loop $_[0]/image $_[0]/disk") }

# A file system of this type in $dir/image, mounted at $dir/disk: undef, or the
# reason why not.  $size: octets that it may grow to.
sub
make
{
	my ($dir, $type, $size) = @_;
	my @mkfs = Stdmail::tool("mkfs.$type") or
	    return "mkfs.$type is missing";

	mkdir "$dir/disk";
	open(my $fh, '>', "$dir/image") or return "$!";
	truncate($fh, $size // 400 << 20);
	close($fh);
	return quiet(@mkfs, '-q', $type eq 'xfs' ? () : ('-F'),
	    "$dir/image") // attach($dir);
}

sub
cut
{
	my ($dir) = @_;

	open(my $fh, '<', "$dir/disk") or die "$!";
	ioctl($fh, $GOINGDOWN, my $flag = $NOLOGFLUSH) or die "shutdown: $!";
}

# After a cut, when nothing runs on it any more: undef, or the reason.
sub
again
{
	my ($dir) = @_;

	return quiet("umount $dir/disk") // attach($dir);
}

1;
