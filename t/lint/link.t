#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what the programs of short life are linked with: mda-deliver starts
# once for each message where another program calls it, and every library of
# cryptography or of names would cost as much as the delivery.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;

# What each must not have: all of these, or some.
my %without = (
	'mda-deliver' => qr/ssl|crypto|crypt|argon2|ldns|idn2|unistring|libz/,
	pop3d => qr/ldns|idn2|unistring|libz/,
);

plan tests => scalar keys %without;
for my $name (sort keys %without) {
	my $path = Stdmail::program($name);
	SKIP: {
		skip "$name is not built", 1 if !defined $path;
		my @libs = map { /^\s*(\S+)/ ? $1 : () } split /\n/,
		    qx{ldd '$path' 2>/dev/null};
		skip 'ldd does not say', 1 if !@libs;
		is_deeply([grep { /$without{$name}/ } @libs], [],
		    "$name: no library that it does not need");
	}
}
