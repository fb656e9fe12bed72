#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves our own validation (RFC 4035) against a validating unbound: a world of
# signed, wrongly signed and unsigned zones (NSEC and NSEC3, opt-out,
# wildcards, names with nothing but others below them, keys of every kind,
# aliases from one into another), asked through a resolver that validates
# nothing.  For each name the outcome must be what the table says and what
# unbound says.  Then with a man in the middle who takes away and changes
# records: never "no record".
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;
use Stdmail::Meddler;
use Stdmail::Signed;

Stdmail::need(qw(mxlookup));
my $missing = Stdmail::Signed::missing();
plan skip_all => "$missing is missing" if defined $missing;
my $ask = ($ENV{STDMAIL_UNIT} // '') =~ s{unit\z}{dns/ask}r;

# In every zone: a host, a wildcard, and a name with only another below it.
my $records = <<'END';
@	MX	10 mx
@	A	192.0.2.1
mx	A	192.0.2.10
mx	AAAA	2001:db8::10
*.wild	A	192.0.2.20
a.ent	A	192.0.2.30
up.wild	MX	10 mx
END

my %zones = (
	'sub.good.test' => ['yes', $records],
	'early.test' => ['early', $records],
	'nosig.test' => ['nosig', $records],
	'split.test' => ['yes', $records, split => 1],
	'rsa.test' => ['yes', $records, algorithm => 'RSASHA256', split => 1],
	'rsa512.test' => ['yes', $records, algorithm => 'RSASHA512'],
	'ec384.test' => ['yes', $records, algorithm => 'ECDSAP384SHA384'],
	'ed.test' => ['yes', $records, algorithm => 'ED25519'],
	'sha1.test' => ['yes', $records, digest => '-1'],
	'sha384.test' => ['yes', $records, digest => '-4'],
	'alien.test' => ['yes', $records, ds => sub {
	    $_[0] =~ s/(\sDS\s+\d+\s+)\d+/${1}200/r }],
	'digest.test' => ['yes', $records, ds => sub {
	    $_[0] =~ s/(\sDS\s+\d+\s+\d+\s+)\d+/${1}200/r }],
	'wrongds.test' => ['yes', $records, ds => sub {
	    $_[0] =~ s/([0-9a-f])(\s*(?:;.*)?)\n\z/($1 eq '0' ? '1' : '0') .
	    "$2\n"/er }],
	'nonsec.test' => ['yes', $records, edit => sub {
	    $_[0] =~ s/^\S+\s+\d+\s+IN\s+(?:RRSIG\s+)?NSEC\s.*\n//mgr }],
	'wrongnsec.test' => ['yes', $records, edit => sub {
	    $_[0] =~ s/(\sIN\s+NSEC\s+)\S+/${1}zz.wrongnsec.test./gr }],
	'three.test' => ['yes', $records, nsec3 => '-n'],
	'salt.test' => ['yes', $records, nsec3 => '-n -s abcd -t 10'],
	'iter.test' => ['yes', $records, nsec3 => '-n -t 200'],
	'optout.test' => ['yes', $records, nsec3 => '-n -p'],
	'signed.optout.test' => ['yes', $records],
	'plain.optout.test' => ['no', $records],
	'plain.three.test' => ['no', $records],
	'alias.test' => ['yes', <<'END'],
good	CNAME	mx.good.test.
plain	CNAME	mx.insecure.test.
bogus	CNAME	mx.bogus.test.
expired	CNAME	mx.expired.test.
none	CNAME	none.good.test.
noplain	CNAME	none.insecure.test.
three	CNAME	none.three.test.
gap	CNAME	none.optout.test.
two	CNAME	good
*.wild	CNAME	mx.good.test.
dn	DNAME	good.test.
dnplain	DNAME	insecure.test.
dnbogus	DNAME	bogus.test.
END
	'unalias.test' => ['no', <<'END'],
good	CNAME	mx.good.test.
bogus	CNAME	mx.bogus.test.
none	CNAME	none.good.test.
END
);
my $w = Stdmail::Signed->start(zones => \%zones, plain => 1);

# Lines of "type name" asked: "type name status security" of each.
sub
outcomes
{
	my ($from, $anchor, $ms, @lines) = @_;
	my $s = Stdmail->new;
	my ($status, $out, $err) = $s->run([$ask, $from, $anchor // (),
	    $ms // ()],
	    stdin => join('', map { "$_\n" } @lines), timeout => 60);

	diag $err if $status != 0;
	return split /\n/, $out;
}

my (@lines, @want);
sub row { push @lines, $_[0]; push @want, $_[1] }

# What is asked in every zone, and what the whole ones answer.
my @in_zone = (
	['mx %s', 'found'], ['a mx.%s', 'found'], ['aaaa mx.%s', 'found'],
	['txt %s', 'nodata'], ['mx mx.%s', 'nodata'],
	['a none.%s', 'nxdomain'], ['mx a.none.%s', 'nxdomain'],
	['a x.wild.%s', 'found'], ['a x.y.wild.%s', 'found'],
	['aaaa x.wild.%s', 'nodata'], ['a up.wild.%s', 'nodata'],
	['a x.up.wild.%s', 'nxdomain'], ['a ent.%s', 'nodata'],
	['a x.ent.%s', 'nxdomain'], ['a *.wild.%s', 'found'],
);
my @whole = qw(sub.good.test split.test rsa.test rsa512.test ec384.test
    ed.test sha1.test sha384.test three.test salt.test signed.optout.test);
my @unsigned = qw(alien.test digest.test plain.optout.test plain.three.test);
my @wrong = qw(early.test wrongds.test);
for my $q (@in_zone) {
	my ($line, $is) = @$q;

	row(sprintf($line, $_), "$is secure") for @whole;
	row(sprintf($line, $_), "$is insecure") for @unsigned;
	row(sprintf($line, $_), 'bogus -') for @wrong;
	# Where others may stand unsigned beside it, what is not there, or
	# comes from a wildcard, is not secure.
	row(sprintf($line, 'optout.test'), $is eq 'nxdomain' ||
	    $line =~ /[xy]\.wild/ ? "$is insecure" : "$is secure");
	# Too much hashing: what is there is still secure.
	row(sprintf($line, 'iter.test'), $is eq 'found' && $line !~
	    /[xy]\.wild/ ? "$is secure" : "$is insecure");
}
my @rows = (
	['mx good.test', 'found secure'], ['txt good.test', 'nodata secure'],
	['mx none.good.test', 'nxdomain secure'],
	['mx test', 'nodata secure'], ['mx none.test', 'nxdomain secure'],
	['mx none', 'nxdomain secure'], ['a ns.test', 'found secure'],
	['mx .', 'nodata secure'], ['mx GOOD.Test.', 'found secure'],
	['mx insecure.test', 'found insecure'],
	['txt insecure.test', 'nodata insecure'],
	['mx none.insecure.test', 'nxdomain insecure'],
	['mx bogus.test', 'bogus -'], ['a mx.bogus.test', 'bogus -'],
	['txt bogus.test', 'nodata secure'],
	['mx none.bogus.test', 'nxdomain secure'],
	['mx expired.test', 'bogus -'], ['txt expired.test', 'bogus -'],
	['mx none.expired.test', 'bogus -'],
	['mx nokey.test', 'bogus -'], ['txt nokey.test', 'bogus -'],
	['mx none.nokey.test', 'bogus -'],
	['mx nosig.test', 'bogus -'], ['a mx.nosig.test', 'bogus -'],
	['aaaa mx.nosig.test', 'found secure'],
	['txt nosig.test', 'nodata secure'],
	['mx nonsec.test', 'found secure'], ['txt nonsec.test', 'bogus -'],
	['a none.nonsec.test', 'bogus -'], ['a x.wild.nonsec.test', 'bogus -'],
	['mx wrongnsec.test', 'found secure'],
	['txt wrongnsec.test', 'bogus -'],
	['a none.wrongnsec.test', 'bogus -'],
	['a x.wild.wrongnsec.test', 'bogus -'],
	['a good.alias.test', 'found secure'],
	['aaaa good.alias.test', 'found secure'],
	['mx good.alias.test', 'nodata secure'],
	['a plain.alias.test', 'found insecure'],
	['mx plain.alias.test', 'nodata insecure'],
	['a bogus.alias.test', 'bogus -'], ['a expired.alias.test', 'bogus -'],
	['a none.alias.test', 'nxdomain secure'],
	['a noplain.alias.test', 'nxdomain insecure'],
	['a three.alias.test', 'nxdomain secure'],
	['a gap.alias.test', 'nxdomain insecure'],
	['a two.alias.test', 'found secure'],
	['a x.wild.alias.test', 'found secure'],
	['a mx.dn.alias.test', 'found secure'],
	['mx mx.dn.alias.test', 'nodata secure'],
	['a none.dn.alias.test', 'nxdomain secure'],
	['a mx.dnplain.alias.test', 'found insecure'],
	['a mx.dnbogus.alias.test', 'bogus -'],
	['a good.unalias.test', 'found insecure'],
	['a bogus.unalias.test', 'bogus -'],
	['a none.unalias.test', 'nxdomain insecure'],
);
row(@$_) for @rows;

my @ours = outcomes($w->plain_resolver, $w->anchor, undef, @lines);
my @theirs = outcomes($w->resolver, undef, undef, @lines);
for my $i (0 .. $#lines) {
	my ($ours, $theirs) = map { ($_ // '') =~ s/^\Q$lines[$i]\E //r }
	    $ours[$i], $theirs[$i];
	my ($ours2, $theirs2) = map { s/^(\S+ \S+).*/$1/r } $ours, $theirs;

	is($ours2, $want[$i], "$lines[$i]: $want[$i]") or diag "ours: $ours";
	is($ours2, $theirs2, "$lines[$i]: unbound says so too")
	    or diag "theirs: $theirs";
}

# --- a man in the middle ---------------------------------------------------

my %t = (A => 1, CNAME => 5, SOA => 6, MX => 15, DS => 43, RRSIG => 46,
    NSEC => 47, DNSKEY => 48, NSEC3 => 50);

# Take records of these types away.
sub
without
{
	my ($p, @types) = @_;
	my %gone = map { $t{$_} => 1 } @types;

	for my $section (qw(answer authority)) {
		@{$p->{$section}} = grep { !$gone{$_->{type}} &&
		    !($_->{type} == $t{RRSIG} && $gone{unpack 'n', $_->{data}})
		} @{$p->{$section}};
	}
	return;
}

my @honest = (
	['mx good.test', 'found secure'],
	['a mx.good.test', 'found secure'],
	['txt good.test', 'nodata secure'],
	['a none.good.test', 'nxdomain secure'],
	['a x.wild.three.test', 'found secure'],
	['mx three.test', 'found secure'],
	['txt three.test', 'nodata secure'],
	['a none.three.test', 'nxdomain secure'],
	['a good.alias.test', 'found secure'],
	['mx insecure.test', 'found insecure'],
);
my @names = map { $_->[0] } @honest;
my %honest = map { @$_ } @honest;

# What is done to each message, and those of the names that stay as they are
# (others: bogus), or (%o) become something else.
my @attacks = (
	['nothing', sub { }, @names],
	['all records taken away', sub {
		@{$_[0]{$_}} = () for qw(answer authority);
		return;
	}],
	['no such name, it says', sub {
		$_[0]{rcode} = 3;
		@{$_[0]{$_}} = () for qw(answer authority);
		return;
	}],
	['signatures taken away', sub {
		for my $section (@{$_[0]}{qw(answer authority)}) {
			@$section = grep { $_->{type} != $t{RRSIG} } @$section;
		}
		return;
	}],
	['and AD set', sub {
		$_[0]{flags} |= 0x20;
		for my $section (@{$_[0]}{qw(answer authority)}) {
			@$section = grep { $_->{type} != $t{RRSIG} } @$section;
		}
		return;
	}],
	['the answer taken away', sub {
		my ($p) = @_;
		@{$p->{answer}} = () if $p->{type} != $t{DS} &&
		    $p->{type} != $t{DNSKEY};
		return;
	}, 'txt good.test', 'a none.good.test', 'txt three.test',
	    'a none.three.test', { 'mx insecure.test' => 'nodata insecure' }],
	['another address', sub {
		$_->{type} == $t{A} and $_->{data} = "\x0a\0\0\1"
		    for @{$_[0]{answer}};
		return;
	}, grep { !/^a (?:mx|x|good)/ } @names],
	['another exchanger', sub {
		$_->{type} == $t{MX} and $_->{data} = "\0\1\4evil\0"
		    for @{$_[0]{answer}};
		return;
	}, grep { !/^mx [gt]/ } @names],
	['the other response code', sub {
		my ($p) = @_;
		$p->{rcode} = $p->{rcode} == 0 ? 3 : 0
		    if $p->{type} != $t{DS} && $p->{type} != $t{DNSKEY};
		return;
	}, grep { !/^a none/ } @names],
	['DS taken away', sub { without($_[0], 'DS') }],
	['DS and what denies it taken away', sub {
		without($_[0], qw(DS NSEC NSEC3)) if $_[0]{type} == $t{DS};
		return;
	}],
	['other keys', sub {
		$_->{type} == $t{DNSKEY} and substr($_->{data}, 20, 1) ^= "\1"
		    for @{$_[0]{answer}};
		return;
	}],
	['what denies taken away', sub { without($_[0], qw(NSEC NSEC3)) },
	    'mx good.test', 'a mx.good.test', 'mx three.test',
	    'a good.alias.test'],
	['an alias to elsewhere', sub {
		my ($p) = @_;
		return if $p->{type} != $t{A};
		@{$p->{answer}} = ({ name => $p->{question} =~ s/....\z//sr,
		    type => $t{CNAME}, class => 1, ttl => 60,
		    data => "\2mx\x08insecure\4test\0" });
		$p->{rcode} = 0;
		return;
	}, grep { !/^a / } @names],
	['old answers for other names', sub {
		my ($p) = @_;
		$_->{name} = "\4good\4test\0" for grep {
		    $_->{name} eq "\5three\4test\0" } @{$p->{answer}};
		return;
	}, grep { !/three/ } @names],
	['no word of DS', sub {
		return $_[0]{type} == $t{DS} ? 'drop' : '';
	}, { map { $_ => 'temporary -' } @names }],
);
for my $attack (@attacks) {
	my ($what, $change, @same) = @$attack;
	my %o = ref $same[-1] ? %{pop @same} : ();
	my %same = map { $_ => 1 } @same;
	my $m = Stdmail::Meddler->start($w->plain_resolver, $change);
	# Only where a word is withheld is there something to wait for.
	my @got = outcomes($m->resolver, $w->anchor, %o > 1 ? 1500 : undef,
	    @names);

	for my $i (0 .. $#names) {
		my $name = $names[$i];
		my $expected = $o{$name} // ($same{$name} ? $honest{$name} :
		    'bogus -');
		my ($is) = ($got[$i] // '') =~ /^\Q$name\E (\S+ \S+)/;
		is($is, $expected, "$what: $name: $expected")
		    or diag $got[$i];
	}
	$m->stop;
}

# --- mxlookup, in its sandbox -------------------------------------------------

my $s = Stdmail->new;
my $all = "good.test\ninsecure.test\nbogus.test\nnone.test\nnone.bogus.test\n";

sub
look
{
	my ($anchor, $in) = @_;

	return $s->run([Stdmail::program('mxlookup'), '-c', $s->{conf_file},
	    '-s', $w->plain_resolver, '-o', "dnssec_anchor=$anchor"],
	    stdin => $in, timeout => 60);
}

my ($status, $out, $err) = look($w->anchor, $all);
is($out =~ tr/\t/ /r, <<'END', 'mxlookup says what is secure');
good.test 10 mx.good.test 2001:db8::10 secure mx
good.test 10 mx.good.test 192.0.2.10 secure mx
good.test 20 mx2.good.test 192.0.2.20 secure mx
insecure.test 10 mx.insecure.test 2001:db8::10 insecure mx
insecure.test 10 mx.insecure.test 192.0.2.10 insecure mx
insecure.test 20 mx2.insecure.test 192.0.2.20 insecure mx
bogus.test - - - - bogus
none.test - - - secure nxdomain
none.bogus.test - - - secure nxdomain
END
is($status, 75, 'exit 75: one is bogus');

# The files of the package dns-root-data are read, and mean another root.
for my $file (qw(root.key root.ds)) {
	my $path = "/usr/share/dns/$file";
	$path = "$ENV{STDMAIL_WORLD}/tree$path" if !-e $path;
	($status, $out) = look($path, "good.test\n");
	is($out =~ tr/\t/ /r, "good.test - - - - bogus\n",
	    "with $file: our root is another");
}
($status, $out, $err) = look("$s->{dir}/none", "good.test\n");
like($err, qr{dnssec_anchor: \Q$s->{dir}\E/none: No such file},
    'no file: it says so');
isnt($status, 0, 'and fails');
$w->stop;
done_testing();
