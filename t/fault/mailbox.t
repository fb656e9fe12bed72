#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that no crash and no failing call hurts a mailbox: a session that
# opens one with new mail, changes flags, makes a keyword, removes, appends,
# copies, moves, or does much of it, is killed at each system call, or that
# call fails.  Afterwards every message is there once, as before the operation
# or as after it, of a batch all or none; no UID has another message,
# UIDVALIDITY is the same; the next session works at once, no lock stands in its
# way; what failed can be done again, exactly once, and leaves nothing in tmp.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Basename qw(dirname);
use Test::More;

use Stdmail;

my $fault = dirname($ENV{STDMAIL_UNIT} // "$Stdmail::top/build/t/unit")
    . '/fault';
Stdmail::need("$fault/mailbox");
# Memory that AddressSanitizer cannot get is for us to do without.
$ENV{ASAN_OPTIONS} = join ':', grep { defined } $ENV{ASAN_OPTIONS},
    'allocator_may_return_null=1';
# A build with more calls of its own is broken at some of them; and without a
# file system in memory it takes long.
my $step = ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain' ? 1 : 7;
if (-d '/dev/shm' && -w _) {
	$ENV{TMPDIR} = '/dev/shm';
} else {
	$step *= 3;
}
my %step = (churn => 7);
my %what = (kill => 'killed', 0 => 'failing', 1 => 'failing otherwise',
    2 => 'failing in a third way');

for my $verb (qw(open flag keyword expunge append copy link move take
    churn)) {
	for my $how (qw(kill 0 1 2)) {
		my $n = $step * ($step{$verb} // 1);
		my $said = `$fault/mailbox $verb $how $n 2>&1`;
		my ($status, $signal) = ($? >> 8, $? & 127);

		SKIP: {
			skip('calls cannot be made to fail here', 1)
			    if $status == 77;
			my ($last) = $said =~ /(.*)\n\z/;
			ok($status == 0 && $signal == 0, "$verb, $what{$how}" .
			    ($status ? '' : ": $last")) or diag($said);
		}
	}
}
done_testing();
