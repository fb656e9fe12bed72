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

# Who comes after a killed process now and then has to wait for its lock: several
# are tried at once, the slow ones first.
my @verbs = qw(open flag keyword expunge append copy link move take churn);
my @rounds = map { my $how = $_; map { { verb => $_, how => $how } } @verbs }
    qw(kill 0 1 2);

sub
begin
{
	my ($r) = @_ or return;
	my $n = $step * ($step{$r->{verb}} // 1);

	open($r->{said}, '-|', "$fault/mailbox $r->{verb} $r->{how} $n 2>&1")
	    or die "$fault/mailbox: $!\n";
}

my @waiting = @rounds;
begin(splice @waiting, 0, 1) for 1 .. 8;
for my $r (@rounds) {
	my $said = join '', readline $r->{said};
	my $died = close $r->{said} ? 0 : $?;
	my ($status, $signal) = ($died >> 8, $died & 127);
	my ($last) = $said =~ /(.*)\n\z/;

	begin(splice @waiting, 0, 1);
	SKIP: {
		skip('calls cannot be made to fail here', 1) if $status == 77;
		ok($died == 0, "$r->{verb}, $what{$r->{how}}" .
		    ($died ? " ($status, signal $signal)" : ": $last"))
		    or diag($said);
	}
}
done_testing();
