# SPDX-License-Identifier: ISC
#
# Proves what Sieve scripts do: the cases of t/sieve, among them the examples of
# each RFC, run by mda-deliver -t.  FILE=NAME is one file of them.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;

use lib abs_path(dirname($0) . '/lib');
use Stdmail;
use Stdmail::Sieve;

plan skip_all => 'no mda-deliver' if !Stdmail::program('mda-deliver');
my $dir = Stdmail::folder();
Stdmail::spew("$dir/users", '');

for my $file (sort glob "$Stdmail::top/t/sieve/*.cases") {
	my $name = basename($file, '.cases');

	next if defined $ENV{FILE} && $ENV{FILE} ne $name;
	for my $case (Stdmail::Sieve::cases($file)) {
		Stdmail::Sieve::lay($dir, $case);
		for my $run (@{$case->{runs}}) {
			my ($said, $code) = Stdmail::Sieve::try($dir, $run);
			my $good = is(Stdmail::Sieve::result($said),
			    $run->{want}, "$name: $case->{title}: " .
			    $run->{name});
			$good &= is($code, $run->{want} =~ /^(error|fault)/ ?
			    65 : 0, '... and the exit code');
			diag($said) if !$good;
		}
	}
}
done_testing;
