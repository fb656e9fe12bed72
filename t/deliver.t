#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# deliver.t [SCENE...]: plays the scenes of t/deliver (README there) with the
# real mda-deliver: as you; under root as an unprivileged user, as root with a
# uid for each user, and with accounts of the system.  Proves what mda-deliver(1)
# says of aliases, forwards, rules and folders: what comes, and where everything
# lies then.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail::Scene;

Stdmail::need('mda-deliver');
Stdmail::in_memory();
my @files = @ARGV ? @ARGV : sort glob "$FindBin::Bin/deliver/*.scene";

for my $file (@files) {
	my $scene = eval { Stdmail::Scene::parse($file) };
	my $name = $file =~ s{.*/}{}r;

	if (!$scene) {
		fail($name);
		diag($@);
		next;
	}
	my @ways = Stdmail::Scene::ways($scene);
	SKIP: { skip("$name: not as this user", 1) if !@ways }
	for my $as (@ways) {
		SKIP: {
			my $why = Stdmail::Scene::skip_reason($scene);
			skip("$name: $why", 1) if defined $why;
			my $fault = Stdmail::Scene::play($scene, $as);
			is($fault, undef, "$name: $as");
		}
	}
}
done_testing;
