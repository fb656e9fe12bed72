# SPDX-License-Identifier: ISC
#
# Proves mxlookup as people and scripts use it: every kind of answer as a line
# of the table and an exit code; what is taken as input; order; a resolver that
# fails, truncates or is not there (a silent one: t/dns/mxlookup.t); and that it
# needs no configuration and ends quietly with its pipe.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;
use Stdmail::Nameserver;

my $bin = Stdmail::program('mxlookup');
plan skip_all => 'mxlookup is not built' if !$bin;

my $many = join '', map { sprintf "big.test MX %d h%02d.big.test\n" .
    "h%02d.big.test A 192.0.2.%d\n", $_, $_, $_, $_ } 1 .. 40;
my $ns = Stdmail::Nameserver->start(<<END);
example.test    MX      20 b.example.test
example.test    MX      10 a.example.test
example.test    MX      20 a2.example.test
a.example.test  A       192.0.2.1
a.example.test  A       192.0.2.2
a.example.test  AAAA    2001:db8::1
a2.example.test A       192.0.2.3
b.example.test  AAAA    2001:db8::2
implicit.test   A       192.0.2.10
implicit.test   AAAA    2001:db8::10
null.test       MX      0 .
null.test       A       192.0.2.11
both.test       MX      10 .
both.test       MX      20 a.example.test
empty.test      TXT     nothing here
alias.test      CNAME   example.test
cnamehost.test  MX      10 www.cnamehost.test
www.cnamehost.test CNAME a2.example.test
nohost.test     MX      10 gone.nohost.test
half.test       MX      10 gone.half.test
half.test       MX      20 a2.example.test
failhost.test   MX      10 broken.test
broken.test     SERVFAIL
refused.test    REFUSED
big.test        TRUNCATE
double.test     MX      20 a2.example.test
double.test     MX      10 A2.example.test
xn--tda.test    MX      10 a2.example.test
$many
END
our @server = ('-s', $ns->resolver);
my $site = bless { dir => Stdmail::folder(), log => '/dev/null',
    as => 'nobody' }, 'Stdmail';

# Run it: (exit code, lines of the table, standard error).
sub mxlookup {
	my ($args, %o) = @_;
	my ($code, $out, $err) = $site->run([$bin, @server, @$args],
	    timeout => 60, stdin => '', %o);

	return ($code, [split /\n/, $out], $err);
}

# One domain: its exit code and lines, the columns joined by blanks.
sub gives {
	my ($args, $want_code, $want, $what, %o) = @_;
	my ($code, $lines, $err) = mxlookup(ref $args ? $args : [$args], %o);

	is($code, $want_code, "$what: exit $want_code");
	is_deeply([map { tr/\t/ /r } @$lines], $want, $what) or
	    diag(map { "$_\n" } @$lines, $err);
}

gives('example.test', 0, [
	'example.test 10 a.example.test 2001:db8::1 - mx',
	'example.test 10 a.example.test 192.0.2.1 - mx',
	'example.test 10 a.example.test 192.0.2.2 - mx',
	'example.test 20 a2.example.test 192.0.2.3 - mx',
	'example.test 20 b.example.test 2001:db8::2 - mx',
], 'MX by preference, then by name');
gives([qw(-4 example.test)], 0, [
	'example.test 10 a.example.test 192.0.2.1 - mx',
	'example.test 10 a.example.test 192.0.2.2 - mx',
	'example.test 20 a2.example.test 192.0.2.3 - mx',
	'example.test 20 b.example.test - - nodata',
], 'IPv4 only');
gives([qw(--ipv6 example.test)], 0, [
	'example.test 10 a.example.test 2001:db8::1 - mx',
	'example.test 20 a2.example.test - - nodata',
	'example.test 20 b.example.test 2001:db8::2 - mx',
], 'IPv6 only');
gives('implicit.test', 0, [
	'implicit.test 0 implicit.test 2001:db8::10 - implicit',
	'implicit.test 0 implicit.test 192.0.2.10 - implicit',
], 'no MX, but addresses');
gives('null.test', 1, ['null.test - - - - nullmx'], 'a null MX');
gives('both.test', 0, [
	'both.test 20 a.example.test 2001:db8::1 - mx',
	'both.test 20 a.example.test 192.0.2.1 - mx',
	'both.test 20 a.example.test 192.0.2.2 - mx',
], 'a root among others is no null MX');
gives('none.test', 1, ['none.test - - - - nxdomain'], 'no such domain');
gives('empty.test', 1, ['empty.test - - - - nodata'],
    'neither MX nor address');
gives([qw(-4 alias.test)], 0, [
	'alias.test 10 a.example.test 192.0.2.1 - mx',
	'alias.test 10 a.example.test 192.0.2.2 - mx',
	'alias.test 20 a2.example.test 192.0.2.3 - mx',
	'alias.test 20 b.example.test - - nodata',
], 'a CNAME for the domain');
gives('cnamehost.test', 0,
    ['cnamehost.test 10 www.cnamehost.test 192.0.2.3 - mx'],
    'a CNAME for an exchanger is taken');
gives('nohost.test', 1, ['nohost.test 10 gone.nohost.test - - nxdomain'],
    'an exchanger that does not exist');
gives('half.test', 0, [
	'half.test 10 gone.half.test - - nxdomain',
	'half.test 20 a2.example.test 192.0.2.3 - mx',
], 'one of two');
gives('double.test', 0,
    ['double.test 10 A2.example.test 192.0.2.3 - mx'],
    'a host named twice counts once');
gives("\xc3\xbc.test", 0,
    ["\xc3\xbc.test 10 a2.example.test 192.0.2.3 - mx"],
    'a name in UTF-8 is asked for as the DNS has it');
gives('broken.test', 75, ['broken.test - - - - temporary'], 'SERVFAIL');
gives('refused.test', 75, ['refused.test - - - - temporary'], 'REFUSED');
gives('failhost.test', 75, ['failhost.test 10 broken.test - - temporary'],
    'SERVFAIL for the only exchanger');
gives('big.test', 0,
    [map { sprintf 'big.test %d h%02d.big.test 192.0.2.%d - mx', $_, $_, $_ }
    1 .. 40], 'a truncated answer is asked for by TCP');

# What is not a domain is said at once, without a question.
for my $bad ('a..b', '-x.test', 'x-.test', '.test', 'a b.test', 'a/b.test',
    '192.0.2.1', "\xc3.test", ('a' x 64) . '.test', 'a.' x 127 . 'test',
    '[192.0.2.999]', '[IPv6:192.0.2.1]', '[2001:db8::1]', '[x', '.', '@') {
	my ($code, $lines) = mxlookup(['--', $bad]);
	ok($code == 1 && @$lines == 1 && $lines->[0] =~ /\tinvalid\z/,
	    "invalid: $bad") or diag($code, @$lines);
}
is_deeply((mxlookup(["a\tb\nc"]))[1], ["a?b?c\t-\t-\t-\t-\tinvalid"],
    'control characters do not break the table');
gives('[192.0.2.7]', 0, ['[192.0.2.7] 0 [192.0.2.7] 192.0.2.7 - implicit'],
    'an address literal');
gives('u@[IPv6:2001:DB8::7]', 0, ['[IPv6:2001:DB8::7] 0 [IPv6:2001:DB8::7] ' .
    '2001:db8::7 - implicit'], 'an IPv6 literal behind an address');
gives([qw(-6 [192.0.2.7])], 1, ['[192.0.2.7] - - - - nodata'],
    'a literal of the other family');

# Input: arguments, a file, standard input.
my $input = "# exchangers\r\n\r\nsome.one\@a2.example.test\r\n" .
    "  null.test.\nnone.test trailing words\n\n" . 'x' x 5000 .
    "\@example.test\nA2.Example.Test";
my $want = [
	'a2.example.test 0 a2.example.test 192.0.2.3 - implicit',
	'null.test - - - - nullmx',
	'none.test - - - - nxdomain',
	('x' x 300) . ' - - - - invalid',
	'A2.Example.Test 0 A2.Example.Test 192.0.2.3 - implicit',
];
gives([], 1, $want, 'standard input', stdin => $input);
gives([qw(-f -)], 1, $want, '-f -', stdin => $input);
Stdmail::spew("$site->{dir}/list", $input, 0644);
gives(['-f', "$site->{dir}/list"], 1, $want, 'a file');
gives([qw(user@a2.example.test a2.example.test.)], 0, [
	'a2.example.test 0 a2.example.test 192.0.2.3 - implicit',
	'a2.example.test 0 a2.example.test 192.0.2.3 - implicit',
], 'arguments: an address, a dot at the end');
gives([], 0, [], 'empty input', stdin => "\n# nothing\n");
gives([qw(a2.example.test none.test broken.test implicit.test -4)], 75, [
	'a2.example.test 0 a2.example.test 192.0.2.3 - implicit',
	'none.test - - - - nxdomain',
	'broken.test - - - - temporary',
	'implicit.test 0 implicit.test 2001:db8::10 - implicit',
	'implicit.test 0 implicit.test 192.0.2.10 - implicit',
	'-4 - - - - invalid',
], 'many: the worst counts, the order stays');

# Without a configuration, in a pipeline, as the manual says.
my $line = `$bin -s @{[$ns->resolver]} example.test | head -1 | cut -f4`;
is($line, "2001:db8::1\n", 'in a pipeline');
my $err = "$site->{dir}/err";
`yes example.test 2>/dev/null | $bin -s @{[$ns->resolver]} 2>$err | head -2 >/dev/null`;
is(Stdmail::slurp($err), '', 'a closed pipe ends it quietly');
is((`$bin -s @{[$ns->resolver]} example.test >/dev/full 2>$err`, $? >> 8)[-1],
    74, 'a full disk does not');
like(Stdmail::slurp($err), qr/^mxlookup: output: /, 'and is named');

# Usage.
for ([], ['-x'], ['-s'], [qw(-f x example.test)], ['--nope'],
    ['-s', 'localhost', 'x.test'], ['-s', '127.0.0.1@0', 'x.test'],
    ['-s', '127.0.0.1@65536', 'x.test'], ['-s', '127.0.0.1@', 'x.test']) {
	my @cmd = ($bin, @$_);
	my $tty = "script -qec '@cmd' /dev/null";
	my ($code, $out, $text) = @$_ ? $site->run([@cmd], stdin => '') :
	    $site->run(['sh', '-c', $tty]);
	is($code, 64, "usage: @$_");
	like($text . $out, qr/^(?:usage: )?mxlookup:? /m, 'which is told');
}
is(($site->run([$bin, '-f', '/nonexistent']))[0], 66, 'a missing file');
is(($site->run([$bin, '-o', 'resolver=x', 'a.test']))[0], 78,
    'a resolver in the configuration that is none');
gives(['-o', 'resolver=127.0.0.1@1', 'a2.example.test'], 0,
    ['a2.example.test 0 a2.example.test 192.0.2.3 - implicit'],
    '-s is stronger than the configuration');
{
	local @server = ('-o', 'resolver=' . $ns->resolver);
	gives('none.test', 1, ['none.test - - - - nxdomain'],
	    'the configured resolver is asked');
}
{
	local @server = ('-s', '127.0.0.1@1');
	my $t = time;
	gives('example.test', 75, ['example.test - - - - temporary'],
	    'nobody at the resolver\'s address');
	cmp_ok(time - $t, '<', 10, 'is known soon');
}
gives(['-o', 'resolver_trusted=yes', 'null.test', 'a2.example.test'], 1, [
	'null.test - - - insecure nullmx',
	'a2.example.test 0 a2.example.test 192.0.2.3 insecure implicit',
], 'a trusted resolver that validated nothing');
{
	my $ad = Stdmail::Nameserver->start("a.test MX 10 b.test\n" .
	    "b.test A 192.0.2.1\n", ad => 1);
	local @server = ('-s', $ad->resolver);
	gives('a.test', 0, ['a.test 10 b.test 192.0.2.1 - mx'],
	    'the word of a resolver that is not trusted says nothing');
	push @server, '-o', 'resolver_trusted=yes';
	gives('a.test', 0, ['a.test 10 b.test 192.0.2.1 secure mx'],
	    'that of a trusted one does');
	$ad->stop;
}
$ns->stop;
done_testing;
