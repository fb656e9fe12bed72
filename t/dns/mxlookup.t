#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that mxlookup names the right hosts in the right order, and says
# what it knows about the answer: rows of domain and lines, with a nameserver
# of a few records; then with a signed DNS whether an answer is secure,
# insecure or bogus, by a resolver that is trusted and by one that is not.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(time);

use Stdmail;
use Stdmail::Nameserver;
use Stdmail::Signed;

Stdmail::need(qw(mxlookup));

my $s = Stdmail->new;
my $ns = Stdmail::Nameserver->start(<<END);
example.test	MX	20 mx2.example.test
example.test	MX	10 mx1.example.test
mx1.example.test	A	192.0.2.1
mx1.example.test	AAAA	2001:db8::1
mx2.example.test	A	192.0.2.2
bare.test	A	192.0.2.3
bare.test	AAAA	2001:db8::3
null.test	MX	0 .
null.test	A	192.0.2.4
empty.test	TXT	no mail here
alias.test	CNAME	example.test
dead.test	MX	10 nowhere.dead.test
half.test	MX	10 nowhere.half.test
half.test	MX	20 mx2.example.test
broken.test	SERVFAIL
refused.test	REFUSED
big.test	TRUNCATE
big.test	MX	10 mx2.example.test
mute.test	DROP
END
my $r = $ns->resolver;

# Run with these arguments: (status, lines with blanks instead of tabs).
sub
look
{
	my ($args, %o) = @_;
	my ($status, $out, $err) = $s->run([Stdmail::program('mxlookup'),
	    '-c', $s->{conf_file}, @$args], timeout => 60, %o);

	diag $err if $err ne '' && !$o{faulty};
	return ($status, $out =~ tr/\t/ /r, $err);
}

my @mx1 = ('10 mx1.example.test 2001:db8::1 - mx',
    '10 mx1.example.test 192.0.2.1 - mx');
my $mx2 = '20 mx2.example.test 192.0.2.2 - mx';

# what, arguments, domain, exit code, lines behind the domain
my @rows = (
	['MX in order', [], 'example.test', 0, @mx1, $mx2],
	['any letter case, a dot at the end', [], 'EXAMPLE.test.', 0, @mx1,
	    $mx2],
	['only IPv4', ['-4'], 'example.test', 0, $mx1[1], $mx2],
	['only IPv6', ['-6'], 'example.test', 0, $mx1[0],
	    '20 mx2.example.test - - nodata'],
	['no MX: the domain itself', [], 'bare.test', 0,
	    '0 bare.test 2001:db8::3 - implicit',
	    '0 bare.test 192.0.2.3 - implicit'],
	['a null MX', [], 'null.test', 1, '- - - - nullmx'],
	['nothing that takes mail', [], 'empty.test', 1, '- - - - nodata'],
	['no such domain', [], 'nowhere.test', 1, '- - - - nxdomain'],
	['a CNAME is followed', [], 'alias.test', 0, @mx1, $mx2],
	['an exchanger without an address', [], 'dead.test', 1,
	    '10 nowhere.dead.test - - nxdomain'],
	['and one with', [], 'half.test', 0,
	    '10 nowhere.half.test - - nxdomain', $mx2],
	['SERVFAIL', [], 'broken.test', 75, '- - - - temporary'],
	['REFUSED', [], 'refused.test', 75, '- - - - temporary'],
	['a truncated answer is asked for by TCP', [], 'big.test', 0,
	    '10 mx2.example.test 192.0.2.2 - mx'],
	['an address literal', [], '[192.0.2.9]', 0,
	    '0 [192.0.2.9] 192.0.2.9 - implicit'],
	['not a domain', [], 'a..b', 1, '- - - - invalid'],
	['a label of 64 octets', [], 'a' x 64 . '.test', 1,
	    '- - - - invalid'],
);

for my $row (@rows) {
	my ($what, $args, $domain, $code, @want) = @$row;
	my ($status, $out) = look(['-s', $r, @$args, $domain]);
	my $name = $domain =~ s/\.\z//r;

	is($out, join('', map { "$name $_\n" } @want), $what);
	is($status, $code, "$what: exit $code");
}

# Many domains: input order, and the exit code of the worst.
my ($status, $out) = look(['-s', $r, qw(null.test bare.test nowhere.test)]);
is($out =~ s/ .*//mgr, "null.test\nbare.test\nbare.test\nnowhere.test\n",
    'arguments: in input order');
is($status, 1, 'exit 1: one of them takes no mail');
($status, $out) = look(['-s', $r, qw(broken.test nowhere.test)]);
is($status, 75, 'exit 75 goes before 1');
my $list = join '', map { "bare.test\n# a comment\n\nexample.test\n" } 1 .. 20;
($status, $out) = look(['-s', $r], stdin => $list);
is(($out =~ tr/\n//), 20 * 5, 'standard input: a domain in each line');
Stdmail::spew("$s->{dir}/list", "user\@bare.test\r\nexample.test");
($status, $out) = look(['-s', $r, '-f', "$s->{dir}/list"]);
is(($out =~ tr/\n//), 5, '-f: addresses, CRLF, and a last line without one');
($status, $out, my $err) = look(['-s', $r, '-f', "$s->{dir}/none"],
    faulty => 1);
is($status, 66, '-f with a file that is not there: 66');
like($err, qr{\Q$s->{dir}\E/none: No such file}, 'and it names it');
($status) = look(['-s', 'nonsense', 'bare.test'], faulty => 1);
is($status, 64, '-s with something else than an address: 64');
($status, $out) = look(['-s', $r], stdin => '');
is("$status$out", '0', 'nothing asked, nothing said');

# A resolver that is mute costs a bounded time.
my $start = time;
($status, $out) = look(['-s', $r, 'mute.test']);
is($out, "mute.test - - - - temporary\n", 'a mute resolver: temporary');
is($status, 75, 'exit 75');
cmp_ok(time - $start, '<', 40, 'within 40 s');
note sprintf 'waited %.1f s', time - $start;

# --- signed ---------------------------------------------------------------

SKIP: {
	my $missing = Stdmail::Signed::missing();
	skip "$missing is missing", 1 if defined $missing;
	my $dns = Stdmail::Signed->start;
	my $from = $dns->resolver;
	my @trust = ('-o', 'resolver_trusted=yes');
	my $hosts = sub {
		my ($zone, $word) = @_;
		return join '', map { "$zone $_\n" }
		    "10 mx.$zone 2001:db8::10 $word mx",
		    "10 mx.$zone 192.0.2.10 $word mx",
		    "20 mx2.$zone 192.0.2.20 $word mx";
	};

	for my $row (
		['good.test', [@trust], $hosts->('good.test', 'secure'), 0],
		['good.test', [], $hosts->('good.test', '-'), 0],
		['insecure.test', [@trust],
		    $hosts->('insecure.test', 'insecure'), 0],
		['bogus.test', [@trust], qr/^bogus\.test - - - \S+ bogus$/, 75],
		['expired.test', [@trust], qr/^expired\.test - - - \S+ bogus$/,
		    75],
		['nokey.test', [@trust], qr/^nokey\.test - - - \S+ bogus$/, 75],
		['nowhere.test', [@trust],
		    "nowhere.test - - - secure nxdomain\n", 1],
	) {
		my ($zone, $args, $want, $code) = @$row;
		my ($status, $out) = look(['-s', $from, @$args, $zone]);
		my $what = "$zone, " . (@$args ? 'trusted' : 'not trusted');

		ref $want ? like($out, $want, $what) : is($out, $want, $what);
		is($status, $code, "$what: exit $code");
	}
	# A resolver that is not trusted, but answers SERVFAIL for bogus.
	my ($status) = look(['-s', $from, 'bogus.test']);
	is($status, 75, 'bogus.test, not trusted: exit 75');
	# The authority alone validates nothing: no AD, nothing is secure.
	($status, my $out) = look(['-s', $dns->authority, @trust, 'good.test']);
	unlike($out, qr/ secure /, 'without AD nothing is secure');
	$dns->stop;
}

done_testing();
