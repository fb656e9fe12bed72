# SPDX-License-Identifier: ISC
#
# Another time for a program of ours, by libfaketime of the world: faster than
# the true one, or another day.
#
#	Stdmail::Faketime::need();
#	env => { Stdmail::Faketime::faster(60) }	a minute lasts a second
#	env => { Stdmail::Faketime::at(1796000000) }	it begins then
package Stdmail::Faketime;

use strict;
use warnings;

use POSIX qw(strftime);

use Stdmail;

# A copy of it that whoever runs can read; undef: there is none.  To be asked for
# before a child of the test needs it, which would leave its own behind.
sub
library
{
	my $world = $ENV{STDMAIL_WORLD} // '';
	my ($found) = glob("{$world/tree,}/usr/lib/*/faketime/libfaketime.so.1");
	our $copy;

	return $copy if defined $copy || !$found || !-e $found;
	$copy = Stdmail::folder() . '/libfaketime.so';
	Stdmail::spew($copy, Stdmail::slurp($found), 0755);
	return $copy;
}

# Skip the test where there is none.
sub
need
{
	Test::More::plan(skip_all => 'libfaketime is missing') if !library();
}

# No other time may be in its way.
sub
_env
{
	my ($time) = @_;

	return (LD_PRELOAD => library(), FAKETIME => $time, FAKETIME_DISABLE_SHM =>
	    1, TZ => 'UTC0', ASAN_OPTIONS => join ':', 'verify_asan_link_order=0',
	    $ENV{ASAN_OPTIONS} // ());
}

# It leaves its shared memory behind, named by a process that is no more.
END {
	for my $left (glob '/dev/shm/*faketime_s[eh]m_*') {
		my ($pid) = $left =~ /_(\d+)\z/ or next;
		unlink $left if !-d "/proc/$pid";
	}
}

sub faster { return _env("+0 x$_[0]") }

sub
at
{
	my ($seconds) = @_;

	return _env('@' . strftime('%Y-%m-%d %H:%M:%S', gmtime $seconds));
}

1;
