# SPDX-License-Identifier: ISC
#
# Accounts of the system that are there for this test's processes alone: a
# passwd file of its own lies over /etc/passwd, in a mount namespace that ends
# with the test.  Nothing is written to the host's.
package Stdmail::Accounts;

use strict;
use warnings;

use Stdmail;
use Stdmail::Disk;

my ($alone, $given);

# Can this test have accounts?  The first call takes it out of sight.
sub possible
{
	return 0 if !Stdmail::is_root();
	return $alone //= Stdmail::Disk::alone() ? 1 : 0;
}

# give(site, name...): until take(), these are the site's accounts, with the uids
# of $s->ids(), homes of their own, and sh.
sub
give
{
	my ($s, @names) = @_;

	take();
	my $text = Stdmail::slurp('/etc/passwd');
	for my $name (@names) {
		my ($uid, $gid) = $s->ids($name);
		my $home = "$s->{dir}/home/$name";

		mkdir $home;
		chmod 0755, $home;
		chown $uid, $gid, $home;
		$text .= "$name:x:$uid:$gid\::$home:/bin/sh\n";
	}
	Stdmail::spew("$s->{dir}/passwd", $text, 0644);
	system('mount', '--bind', "$s->{dir}/passwd", '/etc/passwd') == 0 or
	    die "mount: $?\n";
	$given = 1;
	$s->{conf}{users} = 'system';
	$s->write_conf;
}

sub
take
{
	return if !$given;
	system('umount', '/etc/passwd') == 0 or die "umount: $?\n";
	$given = 0;
}

1;
