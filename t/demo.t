# SPDX-License-Identifier: ISC
#
# Proves that the demo works: each of its steps sees what it should, it takes
# less than ten seconds, and nothing of it is left.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(time);

my $top = abs_path(dirname($0) . '/..');
my $bin = $ENV{STDMAIL_BIN} // "$top/build/bin";
my $dir = tempdir(CLEANUP => 1);

chmod 0777, $dir;
system('command -v ldns-testns >/dev/null') == 0 or
    plan skip_all => 'no ldns-testns: make deps installs it';
my $began = time;
my $said = `TMPDIR=$dir $top/t/demo.sh $bin 2>&1`;
my $took = time - $began;
ok($? == 0, 'the demo goes through') or diag($said);
like($said, qr/^ *\d+ ms  all of it$/m, 'to its last line');
cmp_ok($took, '<', 10, 'in less than ten seconds');
is_deeply([glob "$dir/*"], [], 'its folder is gone');
is(`ps -eo args 2>/dev/null | grep -F '$dir' | grep -v grep`, '',
    'and so are its daemons');
done_testing;
