#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# deliver.t [SCENE...]: plays the scenes of t/deliver (README there) with the
# real mda-deliver, each as an unprivileged user and, under root, as root with a
# uid for each user.  Proves what mda-deliver(1) says of aliases, forwards,
# rules and folders: what comes, and where everything lies then.
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
	for my $as (Stdmail::Scene::ways($scene)) {
		SKIP: {
			my $why = Stdmail::Scene::skip_reason($scene);
			skip("$name: $why", 1) if defined $why;
			my $fault = Stdmail::Scene::play($scene, $as);
			is($fault, undef, "$name, as $as");
		}
	}
}
done_testing;
