# SPDX-License-Identifier: ISC
#
# A network of the test's own, whose addresses are all this host's: for tests
# in which it matters that a peer is not on the loopback.  Needs root.
#
#	Stdmail::Net::enter('192.0.2.1/24', '2001:db8::1/64');
#
# starts the test again in a namespace of its own and gives its lo these
# addresses.  To be called before anything else is started.
package Stdmail::Net;

use strict;
use warnings;

use Stdmail;

sub
enter
{
	my (@addresses) = @_;

	Stdmail::need('root', 'tool:unshare', 'tool:ip');
	if (!$ENV{STDMAIL_OWN_NET}) {
		$ENV{STDMAIL_OWN_NET} = 1;
		Stdmail::cleanup();
		exec +(Stdmail::tool('unshare'))[0], '--net', $^X, $0, @ARGV;
	}
	ip('link', 'set', 'lo', 'up');
	ip('addr', 'add', $_, 'dev', 'lo', /:/ ? 'nodad' : ()) for @addresses;
}

# Run ip(8) here.
sub
ip
{
	my (@args) = @_;

	system(Stdmail::tool('ip'), @args) == 0 or die "ip @args: $?\n";
}

1;
