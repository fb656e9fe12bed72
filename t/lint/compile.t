# SPDX-License-Identifier: ISC
#
# Proves that the sources compile without a warning, with gcc and with clang,
# and that cppcheck and the shell find nothing to say.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

my $top = abs_path(dirname($0) . '/../..');
chdir $top or die "$top: $!\n";
# This make is one of its own, not part of the one that may have started us.
delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};

sub have {
	my ($cmd) = @_;

	return system("command -v $cmd >/dev/null 2>&1") == 0;
}

# Run; good when it exits 0.  What it said otherwise.
sub quiet {
	my ($what, $cmd) = @_;
	my $said = `$cmd 2>&1`;

	ok($? == 0, $what) or diag($said);
}

my @programs = grep { -d } qw(smtpd smtp-send mda-deliver pop3d imapd mxlookup);
my @sources = sort(glob('lib/*/*.c'), map { glob "$_/*.c" } @programs);

SKIP: {
	skip 'no gcc', 1 if !have('gcc');
	quiet('gcc -Werror', 'make -s -j2 V=lint CC=gcc all tests');
}
SKIP: {
	skip 'no clang', 1 if !have('clang');
	my $flags = `make -s V=lint CC=clang flags`;
	chomp $flags;
	quiet('clang -Werror', "printf '%s\\n' @sources " .
	    "| xargs -P 2 -n 20 clang $flags -fsyntax-only " .
	    '-Wno-unknown-attributes');
}
SKIP: {
	my $cppcheck = have('cppcheck') ? 'cppcheck' : 't/world-run cppcheck';
	skip 'no cppcheck here, and no world', 1 if $cppcheck ne 'cppcheck' &&
	    system('t/world-run -t cppcheck') != 0;
	quiet('cppcheck', "$cppcheck -q -j2 --std=c11 --language=c --error-exitcode=1 " .
	    '--enable=warning,performance,portability --inline-suppr ' .
	    '--suppress=missingInclude --suppress=missingIncludeSystem ' .
	    '--suppress=normalCheckLevelMaxBranches ' .
	    "-D'TAILQ_FOREACH(v,h,f)=while((v=next_of(h)))' " .
	    "-D'LIST_FOREACH(v,h,f)=while((v=next_of(h)))' " .
	    "-D_GNU_SOURCE -DLIBBSD_OVERLAY -Ilib @sources");
}
for (glob('t/*.sh t/perf/*.sh t/world-run .ci/run')) {
	quiet("sh -n $_", "sh -n $_");
}
my @perl = split /\n/, `find t -name '*.t' -o -name '*.pm' -o -path t/check`;
for (sort @perl, grep { -x && !/\./ } glob 't/perf/*') {
	open my $fh, '<', $_ or die "$_: $!\n";
	next if (<$fh> // '') =~ m{^#!/bin/sh};
	quiet("perl -c $_", "perl -Mwarnings=FATAL,all -It/lib -c $_");
}
done_testing;
