#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what a host is held to before it gets mail: the whole matrix of DANE
# (the answer secure, insecure, bogus; the record of the host's key, of
# another, none; TLS good, absent, broken) by real DNSSEC, and beside it the
# cases that RFC 7672 decides (usages, names, dates, several records, CNAMEs,
# exchangers in turn), MTA-STS (RFC 8461: modes, hosts and certificates,
# policies that cannot be had and those that were kept), the key tls_policy,
# REQUIRETLS and TLS-Required.  Every row is a recipient of its own domain, and
# what became of it is read from the log.  Then what is told of it all (RFC
# 8460): the results of the day, and the reports on a day that is over, by mail
# and by HTTPS.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP;
use MIME::Base64;
use Test::More;

use Stdmail;
use Stdmail::Certs;
use Stdmail::Mta;
use Stdmail::Signed;
use Stdmail::Web;

Stdmail::need(qw(smtp-send tls));
if (my $tool = Stdmail::Signed::missing()) {
	plan skip_all => "$tool is missing";
}

# --- the hosts ------------------------------------------------------------

# Addresses of our own, all with one port: sixteen.
my @net = (127, ($$ >> 12 & 31) + 96, $$ >> 4 & 255);
my $host = ($$ & 15) * 16;
sub address { return join '.', @net, $host + $_[0] }

my $ca = Stdmail::Certs->new;
my $known = Stdmail::Certs->new;	# of tls_ca
my @old = Stdmail::Certs->self(names => ['elsewhere.example'], days => -1);
my @ca_good = $ca->host(names => ['mx.ta.m.test', 'name.m.test']);
my @ca_old = $ca->host(names => ['mx.ta-old.m.test'], days => -1);
my @pkix = $known->host(names => ['mx.pkix.m.test', 'mx.pkix.i.test',
    'mx.pkix-key.m.test', 'mx.strict.m.test', (map { "mx.$_.i.test" } qw(e
    e-wild e-list e-deep e-none t-ok r-enforce r-testing)),
    'two.e-second.i.test', 'mx.d-mismatch.m.test']);
my @subject = $known->host(names => ['mx.e-subject.i.test'], alone => 1);
my $port;
sub
mta
{
	my ($n, %o) = @_;

	my $m = Stdmail::Mta->start(addr => address($n), port => $port, %o,
	    offers => ['PIPELINING', 'REQUIRETLS', $o{no_tls} ? () :
	    'STARTTLS']);
	$port //= $m->{port};
	return $m;
}
my @broken = (rules => [[qr/^HANDSHAKE/, '']]);
my %mta = (
	ok => mta(1, cert => \@old),
	absent => mta(2, no_tls => 1),
	broken => mta(3, @broken),
	ta => mta(4, cert => \@ca_good),
	taold => mta(5, cert => \@ca_old),
	pkix => mta(6, cert => \@pkix),
	subject => mta(0, cert => \@subject),
	# It stops offering what it offered (RFC 3207, section 6): refused.
	refuses => mta(7, rules => [[qr/^STARTTLS/, '454 not now']]),
);
my %addr = map { $_ => $mta{$_}{addr} } keys %mta;

# --- the rows -------------------------------------------------------------

my $match = Stdmail::Certs::tlsa(3, 0, 1, $old[0]);
my $match_key = Stdmail::Certs::tlsa(3, 1, 1, $old[0]);
my $mismatch = '3 1 1 ' . '5a' x 32;
my $ta = Stdmail::Certs::tlsa(2, 0, 1, $ca->{pem});
my $pkix_usage = $mismatch =~ s/^3/1/r;
my (%zone, @rows);

# A recipient's domain below a zone, its exchangers, their addresses and
# records, and what is to become of it.
sub
row
{
	my ($name, $zone, $records, $want, %o) = @_;

	$zone{$zone} .= $records =~ s/@/$name/gr =~ s/PORT/$port/gr;
	push @rows, { name => $name, to => "bob\@$name.$zone", want => $want,
	    %o };
}

my %want = (secure => { 'match ok' => 'dane', 'none ok' => 'any',
    'none absent' => 'clear', 'none broken' => 'clear' },
    insecure => { map { ("$_ ok" => 'any', "$_ absent" => 'clear',
    "$_ broken" => 'clear') } qw(match mismatch none) }, bogus => {});
my @matrix;
for my $dns (qw(secure insecure bogus)) {
	for my $tlsa (qw(match mismatch none)) {
		for my $tls (qw(ok absent broken)) {
			my $name = "$dns-$tlsa-$tls";
			my $text = "@ MX 10 mx.@\nmx.@ A $addr{$tls}\n";
			my $rr = $tlsa eq 'match' ? $match :
			    $tlsa eq 'mismatch' ? $mismatch : undef;

			# The exchanger's zone is secure; its TLSA records
			# stand where the answer is of that kind.
			if ($dns eq 'secure') {
				$text .= "_PORT._tcp.mx.@ TLSA $rr\n" if $rr;
			} else {
				my $in = $dns eq 'bogus' ? 'b.test' : 'i.test';
				$text .= "_PORT._tcp.mx.@ CNAME $name.$in.\n";
				$zone{$in} .= $rr ? "$name TLSA $rr\n" :
				    "$name A 192.0.2.1\n";
			}
			row($name, 'm.test', $text,
			    $want{$dns}{"$tlsa $tls"} // 'later');
			push @matrix, [$dns, $tlsa, $tls, $rows[-1]];
		}
	}
}

sub
simple
{
	my ($server, @tlsa) = @_;

	return "@ MX 10 mx.@\nmx.@ A $addr{$server}\n" .
	    join '', map { "_PORT._tcp.mx.@ TLSA $_\n" } @tlsa;
}

# The answers before that of TLSA.
row('zone', 'i.test', simple(ok => $mismatch), 'any');
row('zone-absent', 'i.test', simple(absent => $mismatch), 'clear');
row('zone', 'b.test', simple(ok => $match), 'later');
row('mx-insecure', 'i.test', "@ MX 10 mx.secure-mismatch-ok.m.test.\n", 'any');
row('mx-secure', 'm.test', "@ MX 10 mx.zone.i.test.\n", 'any');
row('implicit', 'm.test', "@ A $addr{ok}\n_PORT._tcp.@ TLSA $match\n", 'dane');
row('other-port', 'm.test', simple('ok') . "_25._tcp.mx.@ TLSA $mismatch\n",
    'any');
# Usages, selectors, digests.
row('key', 'm.test', simple(ok => $match_key), 'dane');
row('whole', 'm.test', simple(ok => Stdmail::Certs::tlsa(3, 0, 0, $old[0])),
    'dane');
row('sha512', 'm.test', simple(ok => Stdmail::Certs::tlsa(3, 1, 2, $old[0])),
    'dane');
row('one-of-two', 'm.test', simple(ok => $mismatch, $match_key), 'dane');
row('agility', 'm.test', simple(ok => $match_key, '3 1 2 ' . 'a5' x 64),
    'later');
row('ta', 'm.test', simple(ta => $ta), 'dane');
row('ta-old', 'm.test', simple(taold => $ta), 'later');
row('ta-name', 'm.test', simple(ta => $ta), 'later');
row('name', 'm.test', simple(ta => $ta), 'dane');
row('ta-other', 'm.test', simple(pkix => $ta), 'later');
# Records that cannot be used ask for TLS and no more.
row('pkix-usage', 'm.test', simple(ok => $pkix_usage), 'any');
row('pkix-usage-absent', 'm.test', simple(absent => $pkix_usage), 'later');
row('pkix-usage-broken', 'm.test', simple(broken => $pkix_usage), 'later');
row('unknown', 'm.test', simple(ok => '3 1 9 00', '7 7 7 0011'), 'any');
row('unusable-and-match', 'm.test', simple(ok => $pkix_usage, $match), 'dane');
row('refuses', 'm.test', simple(refuses => $match), 'later');
row('refuses-none', 'm.test', simple('refuses'), 'clear');
# A host behind a CNAME: its own records first, then the alias's.
row('alias', 'm.test', "@ MX 10 mx.@\nmx.@ CNAME real.@\nreal.@ A $addr{ok}\n" .
    "_PORT._tcp.real.@ TLSA $match\n_PORT._tcp.mx.@ TLSA $mismatch\n", 'dane');
row('alias-own', 'm.test', "@ MX 10 mx.@\nmx.@ CNAME real.@\n" .
    "real.@ A $addr{ok}\n_PORT._tcp.mx.@ TLSA $match\n", 'dane');
# The alias alone is signed, what it leads to is not: its own records count.
$zone{'i.test'} .= "plain A $addr{ok}\nbare A $addr{absent}\n";
sub
half
{
	my ($to, @tlsa) = @_;

	return "@ MX 10 mx.@\nmx.@ CNAME $to.i.test.\n" .
	    join '', map { "_PORT._tcp.mx.@ TLSA $_\n" } @tlsa;
}
row('half-match', 'm.test', half(plain => $match), 'dane');
row('half-mismatch', 'm.test', half(plain => $mismatch), 'later');
row('half-absent', 'm.test', half(bare => $match), 'later');
row('half-none', 'm.test', half('plain'), 'any');
# The next exchanger has its turn.
row('second', 'm.test', "@ MX 10 one.@\n@ MX 20 mx.@\none.@ A $addr{absent}\n" .
    "_PORT._tcp.one.@ TLSA $match\nmx.@ A $addr{ok}\n" .
    "_PORT._tcp.mx.@ TLSA $match\n", 'dane');
row('second-clear', 'm.test', "@ MX 10 one.@\n@ MX 20 mx.@\n" .
    "one.@ A $addr{ok}\n_PORT._tcp.one.@ TLSA $mismatch\n" .
    "mx.@ A $addr{absent}\n", 'clear');
# The key tls_policy.
my @keys = qw(none may encrypt verify dane);
my %key = (none => 'clear', may => 'any', encrypt => 'any', verify => 'later',
    dane => 'later');
row("key-$_", 'm.test', simple(ok => $mismatch), $key{$_}) for @keys;
row('key-dane-none', 'm.test', simple('ok'), 'later');
row('key-dane-match', 'm.test', simple(ok => $match), 'dane');
row('key-may-broken', 'm.test', simple(broken => $match), 'clear');
row('key-encrypt-absent', 'm.test', simple('absent'), 'later');
row('key-encrypt-broken', 'm.test', simple('broken'), 'later');
row('pkix-key', 'm.test', simple('pkix'), 'pkix');
my @policy = ((map { "key-$_.m.test $_" } @keys), 'key-dane-none.m.test dane',
    'key-dane-match.m.test dane', 'key-may-broken.m.test may',
    'key-encrypt-absent.m.test encrypt', 'key-encrypt-broken.m.test encrypt',
    'pkix-key.m.test verify');
# A host of route: its own records count, and its own line of tls_policy.
row('given', 'm.test', "@ A 192.0.2.1\n", 'dane');
row('given-not', 'm.test', "@ A 192.0.2.1\n", 'later');
row('given-key', 'm.test', "@ A 192.0.2.1\n", 'later');
row('given-clear', 'm.test', "@ A 192.0.2.1\n", 'clear');
my @route = ("given.m.test mx.key.m.test:$port",
    "given-not.m.test mx.secure-mismatch-ok.m.test:$port",
    "given-key.m.test mx.key-encrypt-absent.m.test:$port",
    "given-clear.m.test $addr{absent}:$port");
push @policy, 'mx.key-encrypt-absent.m.test encrypt', 'given-key.m.test none',
    'mx.pkix-key.m.test verify', 'mx.key-may.m.test verify';
# REQUIRETLS (RFC 8689, section 4.2.1) and TLS-Required: No (4.2.2).
my %strict = (env => ['requiretls yes']);
row('strict-dane', 'm.test', simple(ok => $match), 'dane', %strict);
row('strict-mismatch', 'm.test', simple(ok => $mismatch), 'failed', %strict);
row('strict', 'm.test', simple('pkix'), 'pkix', %strict);
row('strict-unknown', 'm.test', simple('ok'), 'failed', %strict);
row('pkix', 'i.test', simple('pkix'), 'failed', %strict);
row('strict-bogus', 'm.test', "@ MX 10 mx.@\nmx.@ A $addr{ok}\n" .
    "_PORT._tcp.mx.@ CNAME x.b.test.\n", 'later', %strict);
my %no = (header => "TLS-Required: No\n");
row('no-match', 'm.test', simple(ok => $match), 'dane', %no);
row('no-mismatch', 'm.test', simple(ok => $mismatch), 'any', %no);
row('no-absent', 'm.test', simple(absent => $match), 'clear', %no);
row('no-broken', 'm.test', simple(broken => $match), 'clear', %no);
row('no-bogus', 'm.test', "@ MX 10 mx.@\nmx.@ A $addr{ok}\n" .
    "_PORT._tcp.mx.@ CNAME x.b.test.\n", 'any', %no);
row('no-folded', 'm.test', simple(ok => $mismatch), 'any',
    header => "tls-required:\n no \n");
row('no-other', 'm.test', simple(ok => $mismatch), 'later',
    header => "TLS-Required: Nope\n");
row('no-body', 'm.test', simple(ok => $mismatch), 'later',
    body => "TLS-Required: No\n");
row('no-both', 'm.test', simple(ok => $mismatch), 'failed', %strict, %no);

# --- MTA-STS --------------------------------------------------------------

# Zone i.test is not signed.  A domain has a record with this id, and its host
# serves this text, or what Web.pm knows.
my (%web, @kept);
sub
sts
{
	my ($name, $server, $text, $want, %o) = @_;
	my $zone = $o{zone} // 'i.test';
	my $id = $o{id} // 'n1';
	my $records = simple($server, @{$o{tlsa} // []}) .
	    join '', map { '_mta-sts.@ TXT "' . s/;/\\;/gr . "\"\n" }
	    @{$o{txt} // ["v=STSv1; id=$id;"]};

	$records .= "mta-sts.@ A " . address(8) . "\n" if defined $text;
	$records .= $o{more} // '';
	$web{"mta-sts.$name.$zone"} = $text =~ s/@/$name.$zone/gr
	    if defined $text;
	push @kept, "$name.$zone $o{kept}" =~ s/@/$name.$zone/gr if $o{kept};
	row($name, $zone, $records, $want, %o);
}

sub
policy
{
	my ($mode, @mx) = @_;

	return "text/plain\n" . join "\r\n", 'version: STSv1', "mode: $mode",
	    (map { "mx: $_" } @mx ? @mx : 'mx.@'), 'max_age: 86400', '';
}

my $enforce = policy('enforce');
my $other = policy('enforce', 'mx.elsewhere.test');
my $now = time;
sts('e', pkix => $enforce, 'sts');
sts('e-wild', pkix => policy('enforce', 'a.test', '*.@'), 'sts');
sts('e-list', pkix => $other, 'later');
sts('e-deep', pkix => policy('enforce', '*.i.test'), 'later');
sts('e-self', ok => $enforce, 'later');
sts('e-name', ta => $enforce, 'later');
sts('e-other', pkix => $enforce, 'later');
sts('e-subject', subject => $enforce, 'later');
sts('e-absent', absent => $enforce, 'later');
sts('e-refuses', refuses => $enforce, 'later');
sts('e-broken', broken => $enforce, 'later');
sts('e-none', pkix => policy('none'), 'any');
sts('e-second', ok => policy('enforce', 'two.@'), 'sts',
    more => "@ MX 20 two.@\ntwo.@ A $addr{pkix}\n");
sts('t-ok', pkix => policy('testing'), 'sts');
sts('t-self', ok => policy('testing'), 'any');
sts('t-list', ok => policy('testing', 'mx.elsewhere.test'), 'any');
sts('t-absent', absent => policy('testing'), 'clear');
sts('t-broken', broken => policy('testing'), 'clear');
# There is none, or it cannot be had.
sts('n-record', ok => $other, 'any', txt => []);
sts('n-two', ok => $other, 'any', txt => ['v=STSv1; id=1', 'v=STSv1; id=2']);
sts('n-id', ok => $other, 'any', txt => ['v=STSv1; id=']);
sts('n-host', ok => undef, 'any');
sts('n-404', ok => "404\n", 'any');
sts('n-moved', ok => "301\n", 'any');
sts('n-type', ok => $other =~ s/plain/html/r, 'any');
sts('n-cert', ok => $other, 'any');
sts('n-text', ok => "text/plain\nversion: STSv1\nmode: enforce\n", 'any');
sts('n-large', ok => $other . 'x: ' . 'y' x 70000 . "\r\n", 'any');
# Kept from before: ID FETCHED MAX_AGE MODE PATTERNS.
sts('k-gone', ok => undef, 'later', txt => [],
    kept => 'n0 ' . ($now - 100) . ' 86400 enforce mx.@');
sts('k-over', ok => undef, 'any', txt => [],
    kept => 'n0 ' . ($now - 86500) . ' 86400 enforce mx.@');
sts('k-404', ok => "404\n", 'later',
    kept => 'n0 ' . ($now - 100) . ' 86400 enforce mx.@');
sts('k-same', ok => policy('none'), 'later',
    kept => 'n1 ' . ($now - 100) . ' 86400 enforce mx.@');
sts('k-new', ok => policy('testing'), 'any',
    kept => 'n0 ' . ($now - 100) . ' 86400 enforce mx.@');
sts('k-day', ok => policy('none'), 'any',
    kept => 'n1 ' . ($now - 100_000) . ' 900000 enforce mx.@');
# Our clock was set back: what was fetched counts, and is to be fetched anew.
sts('k-later', ok => undef, 'later', txt => [],
    kept => 'n0 ' . ($now + 5000) . ' 86400 enforce mx.@');
sts('k-later-new', ok => policy('none'), 'any',
    kept => 'n1 ' . ($now + 5000) . ' 86400 enforce mx.@');
# DANE comes first; records of no use do not help against a policy.
sts('d-match', ok => $other, 'dane', zone => 'm.test', tlsa => [$match]);
sts('d-mismatch', pkix => $enforce, 'later', zone => 'm.test',
    tlsa => [$mismatch]);
sts('d-unusable', ok => $enforce, 'later', zone => 'm.test',
    tlsa => [$pkix_usage]);
# REQUIRETLS is content with a policy that is enforced; TLS-Required: No with
# none.
sts('r-enforce', pkix => $enforce, 'sts', %strict);
sts('r-testing', pkix => policy('testing'), 'failed', %strict);
sts('r-no', ok => $enforce, 'any', %no);
sts('r-key', ok => $enforce, 'any');
push @policy, 'r-key.i.test may';

# --- who wants reports ----------------------------------------------------

# The mailbox's host has a policy that fails: a report goes out all the same.
row('rpt', 'm.test', simple(ok => $mismatch), 'later');
my $web = Stdmail::Web->start(addr => address(8), pages => \%web,
    cert => [$known->host(names => ['report.i.test',
    grep { !/n-cert/ } keys %web])]);
my $post = "https://report.i.test:$web->{port}/tls?x=1";
$web{'report.i.test'} = "text/plain\nthanks";
$zone{'i.test'} .= 'report A ' . address(8) . "\n" .
    '_smtp._tls.e TXT "v=TLSRPTv1\;rua=mailto:root@a.test,mailto:tls%2Bx@rpt.m.test"' . "\n" .
    qq(_smtp._tls.e-self TXT "v=TLSRPTv1\\;rua=https://nowhere.i.test/,$post"\n) .
    '_smtp._tls.e-list TXT "v=TLSRPTv1\;rua=https://nowhere.i.test/"' . "\n";

# --- the run --------------------------------------------------------------

my $dns = Stdmail::Signed->start(zones => { 'm.test' => ['yes', $zone{'m.test'}],
    'i.test' => ['no', $zone{'i.test'}],
    'b.test' => ['stripped', $zone{'b.test'}] });
my $s = Stdmail->new(conf => { resolver => $dns->resolver,
    smtp_port => $port, https_port => $web->{port},
    resolver_trusted => 'yes', tls_policy => \@policy,
    route => \@route });
Stdmail::spew("$s->{dir}/ca.pem", $known->{pem}, 0644);
$s->{conf}{tls_ca} = "$s->{dir}/ca.pem";
$s->write_conf;

# Messages of one kind go together.
my ($sequence, %sent) = (0);
sub
post
{
	my (@all) = @_;
	my %o = %{$all[0]};
	my $text = "From: alice\@a.test\n" . ($o{header} // '') .
	    "Subject: x\n\n" . ($o{body} // "hello\n");
	my $id = sprintf '%d.M%06dP%dQ%dR.mx.a.test', time, ++$sequence, $$,
	    $sequence;

	Stdmail::spew("$s->{spool}/remote/env/$id", join("\n",
	    'stdmail-envelope 1', 'sender alice@a.test', 'arrived ' . time,
	    @{$o{env} // []}, (map { "to Q $_->{to}" } @all), 'end') . "\n",
	    0640);
	Stdmail::spew("$s->{spool}/remote/now/$id,S=" . length($text) . ',W=' .
	    (length($text) + ($text =~ tr/\n//)), $text, 0640);
	$s->own;
}

sub
queue
{
	my ($status, undef, $err) = $s->run_program('smtp-send', ['-q'],
	    timeout => 120);

	is($status, 0, 'smtp-send -q');
	return $err;
}

# What became of each recipient, by the log.
sub
outcomes
{
	my ($text) = @_;
	my %seen;

	for (split /\n/, $text) {
		my ($what, $to) = /\b(sent|deferred|failed) id=\S+ to=(\S+)/
		    or next;
		my ($tls) = / tls=(\S+)/;
		$seen{$to} = $what eq 'deferred' ? 'later' :
		    $what eq 'failed' ? 'failed' : $tls eq 'none' ? 'clear' :
		    $tls =~ m{/no$} ? 'any' : $tls =~ s{.*/}{}r;
	}
	return %seen;
}

queue();	# makes the spool
Stdmail::spew("$s->{spool}/remote/tls/policies", join('', map { "$_\n" }
    'stdmail-sts 1', @kept, 'half a line'), 0640);
$s->own;
my %kind;
push @{$kind{join '|', map { ref $_ ? "@$_" : $_ // '' }
    @$_{qw(env header body)}}}, $_ for @rows;
post(@$_) for values %kind;
my $log = queue();
my %seen = outcomes($log);

note sprintf '%-9s %-9s %-7s %-9s %s', qw(DNS TLSA TLS expected seen);
for (@matrix) {
	my ($dns, $tlsa, $tls, $row) = @$_;

	note sprintf '%-9s %-9s %-7s %-9s %s', $dns, $tlsa, $tls,
	    $row->{want}, $seen{$row->{to}} // 'nothing';
}
for (@matrix) {
	my ($dns, $tlsa, $tls, $row) = @$_;

	is($seen{$row->{to}} // 'nothing', $row->{want},
	    "$dns, $tlsa, TLS $tls");
}
is(scalar @matrix, 27, 'the matrix is whole');
for my $row (@rows[27 .. $#rows]) {
	is($seen{$row->{to}} // 'nothing', $row->{want}, $row->{to}) or
	    diag grep { /\Q$row->{to}\E/ } map { "$_\n" } split /\n/, $log;
}

# What was put off was never in a host's hands: every message that a host took
# was one that was to be sent.
my $taken = grep { $_->{want} =~ /^(dane|sts|pkix|any|clear)$/ } @rows;
my $heard = 0;
for my $m (values %mta) {
	$heard += grep { /^RCPT TO:/ } map { @$_ } $m->heard;
}
is($heard, $taken, 'nobody else was told a recipient');
# What was fetched is kept, and what is kept is not fetched.
my $kept = Stdmail::slurp("$s->{spool}/remote/tls/policies");
like($kept, qr/^e\.i\.test n1 \d+ 86400 enforce mx\.e\.i\.test$/m, 'kept');
like($kept, qr/^k-new\.i\.test n1 \d+ 86400 testing /m, 'a new one');
like($kept, qr/^k-later\.i\.test n0 @{[$now + 5000]} 86400 enforce /m,
    'one of the future is not lost');
like($kept, qr/^k-404\.i\.test n0 \d+ 86400 enforce /m,
    'one that was not to be had leaves the old');
unlike($kept, qr/^(k-over|n-404|half)/m, 'what does not count is gone');
my @asked = $web->asked;
is(scalar(grep { /k-same/ } @asked), 0, 'the same id is not fetched');
is(scalar(grep { /mta-sts\.e\.i/ } @asked), 1, 'one fetch of another');
$web->stop;
post({ to => 'bob@e.i.test' }, { to => 'bob@e-list.i.test' });
my $again = queue();
like($again, qr{sent .*to=bob\@e\.i\.test .*/sts }, 'and holds without its host');
like($again, qr{deferred .*to=bob\@e-list\.i\.test }, 'for better and worse');
# The same without a queue, for the rows of certificates.
for (['4.7.5', 'bob@e-list.i.test'], ['2.0.0', 'bob@e.i.test'],
    ['2.0.0', '-r', "mx.pkix-key.m.test:$port", 'bob@x.test'],
    ['4.7.5', '-r', "mx.key-may.m.test:$port", 'bob@x.test'],
    ['2.0.0', '-r', "mx.secure-none-ok.m.test:$port", 'bob@x.test']) {
	my ($want, @args) = @$_;
	my (undef, $line) = $s->run_program('smtp-send', \@args,
	    stdin => "Subject: x\n\nhello\n");

	is((split /\t/, $line)[1], $want, "smtp-send @args");
}
like($log, qr/to=bob\@secure-match-ok\.m\.test .*tls=TLSv1\.3\S*dane/,
    'the log says how');

# --- reports --------------------------------------------------------------

my ($status, $out) = $s->run_program('smtp-send', ['-T']);
is($status, 0, 'smtp-send -T');
my @reports = map { decode_json($_) } split /\n/, $out;
my %report = map { $_->{policies}[0]{policy}{'policy-domain'} => $_ } @reports;
my %type = map { $_ => 1 } qw(starttls-not-supported certificate-host-mismatch
    certificate-expired certificate-not-trusted validation-failure tlsa-invalid
    dnssec-invalid dane-required sts-policy-fetch-error sts-policy-invalid
    sts-webpki-invalid);

# What is wrong with the form of a report (RFC 8460), or ''.
sub
form
{
	my ($r) = @_;
	my $ip = qr/^(\d+\.\d+\.\d+\.\d+|[0-9a-f:]+)$/;

	for (qw(organization-name contact-info report-id)) {
		return "no $_" if ref $r->{$_} || ($r->{$_} // '') eq '';
	}
	return 'no range' if join('', @{$r->{'date-range'}}{qw(start-datetime
	    end-datetime)}) !~ /^(\d{4}-\d\d-\d\d)T00:00:00Z\1T23:59:59Z$/;
	for my $p (@{$r->{policies}}) {
		my ($policy, $sum) = @$p{qw(policy summary)};
		return 'policy-type' if $policy->{'policy-type'} !~
		    /^(tlsa|sts|no-policy-found)$/;
		return 'policy-domain' if ($policy->{'policy-domain'} // '') !~ /\./;
		return 'policy-string' if exists $policy->{'policy-string'} &&
		    ref $policy->{'policy-string'} ne 'ARRAY';
		my $bad = $sum->{'total-failure-session-count'};
		return 'counts' if grep { !/^\d+$/ } $bad,
		    $sum->{'total-successful-session-count'};
		for (@{$p->{'failure-details'} // []}) {
			return $_->{'result-type'} if
			    !$type{$_->{'result-type'}};
			return 'ip' if grep { !/$ip/ } grep { defined }
			    @$_{qw(sending-mta-ip receiving-ip)};
			$bad -= $_->{'failed-session-count'};
		}
		return 'the sum' if $bad != 0;
	}
	return @{$r->{policies}} > 0 ? '' : 'no policies';
}
is(join(', ', grep { $_ ne '' } map { form($_) } @reports), '',
    'every report has the form');

SKIP: {
	my $vectors = ($ENV{STDMAIL_SHARED} // "$FindBin::Bin/../../shared") .
	    '/vectors/tlsrpt';
	skip 'no vectors', 2 if !-d $vectors;
	is(form(decode_json(Stdmail::slurp("$vectors/rpt01.json"))), '',
	    'as has the example of the RFC');
	isnt(form(decode_json(Stdmail::slurp("$vectors/rpt03.json"))), '',
	    'and one with an unknown type has not');
}

# domain, type, good and bad sessions, kinds of failure
my @told = (
	['secure-match-ok.m', 'tlsa', 1, 0],
	['secure-match-absent.m', 'tlsa', 0, 1, 'starttls-not-supported'],
	['secure-mismatch-ok.m', 'tlsa', 0, 1, 'validation-failure'],
	['secure-match-broken.m', 'tlsa', 0, 1, 'validation-failure'],
	['secure-none-ok.m', 'no-policy-found', 1, 0],
	['secure-none-absent.m', 'no-policy-found', 0, 1,
	    'starttls-not-supported'],
	['bogus-match-ok.m', 'tlsa', 0, 1, 'dnssec-invalid'],
	['ta-old.m', 'tlsa', 0, 1, 'certificate-expired'],
	['ta-name.m', 'tlsa', 0, 1, 'certificate-host-mismatch'],
	['key-dane-none.m', 'no-policy-found', 0, 1, 'dane-required'],
	['e.i', 'sts', 2, 0],
	['e-self.i', 'sts', 0, 1, 'certificate-not-trusted'],
	['e-name.i', 'sts', 0, 1, 'certificate-not-trusted'],
	['e-other.i', 'sts', 0, 1, 'certificate-host-mismatch'],
	['e-absent.i', 'sts', 0, 1, 'starttls-not-supported'],
	['t-self.i', 'sts', 0, 1, 'certificate-not-trusted'],
	['t-ok.i', 'sts', 1, 0],
	['n-404.i', 'sts', 0, 1, 'sts-policy-fetch-error'],
	['n-text.i', 'sts', 0, 1, 'sts-policy-invalid'],
	['n-cert.i', 'sts', 0, 1, 'sts-webpki-invalid'],
);
for (@told) {
	my ($domain, $type, $good, $bad, @kinds) = @$_;
	my ($p) = grep { $_->{policy}{'policy-type'} eq $type }
	    @{($report{"$domain.test"} // {})->{policies}};
	my $sum = $p->{summary};

	is(join(' ', $sum->{'total-successful-session-count'},
	    $sum->{'total-failure-session-count'},
	    map { $_->{'result-type'} } @{$p->{'failure-details'} // []}),
	    join(' ', $good, $bad, @kinds), "$domain: told as $type");
}
is_deeply($report{'e.i.test'}{policies}[0]{policy}, {
	'policy-type' => 'sts', 'policy-domain' => 'e.i.test',
	'policy-string' => ['version: STSv1', 'mode: enforce',
	    'max_age: 86400', 'mx: mx.e.i.test'],
	'mx-host' => ['mx.e.i.test'],
}, 'a policy of MTA-STS in a report');
is_deeply($report{'secure-match-ok.m.test'}{policies}[0]{policy}
    {'policy-string'}, [$match], 'one of DANE');

# The same two days ago.
my $file = "$s->{spool}/remote/tls/results";
my $today = int(time / 86400);
Stdmail::spew($file, Stdmail::slurp($file) =~
    s/^policy \K$today/$today - 2/gmer, 0640);
$s->own;
$web = Stdmail::Web->start(%$web);
$s->{conf}{tlsrpt_from} = 'reports@a.test';
$s->write_conf;
$mta{ok}->forget;
# No stranger's record leads us to an address of our own, but where all is to be
# tried on one host.
my $https = delete $s->{conf}{https_port};
$s->write_conf;
my $daily = queue();
is(scalar($web->posted), 0, 'nothing is posted to the loopback');
like(Stdmail::slurp($file), qr/^policy @{[$today - 2]} e-self\.i\.test /m,
    'and the report kept');
$s->{conf}{https_port} = $https;
$s->write_conf;
$daily .= queue();
is(scalar(() = $daily =~ /tls-report domain=e\.i\.test day=\S+ id=/g), 2,
    'who reads his mail here has his own');
my ($mail) = grep { /TLS-Report-Domain/ } $mta{ok}->messages;
ok(defined $mail, 'the report has reached its host') or diag $daily;
like($mail // '', $_, "mail: $_") for qr/^From: <reports\@a\.test>\r$/m,
    qr/^To: <tls\+x\@rpt\.m\.test>\r$/m,
    qr/^TLS-Report-Domain: e\.i\.test\r$/m,
    qr/^TLS-Report-Submitter: a\.test\r$/m, qr/^TLS-Required: No\r$/m,
    qr{^Content-Type: multipart/report; report-type="tlsrpt";\r$}m,
    qr{^Subject: Report Domain: e\.i\.test\r\n Submitter: a\.test\r$}m,
    qr{^ Report-ID: <[^<>@\s]+\@a\.test>\r$}m,
    qr{^Content-Type: application/tlsrpt\+gzip\r$}m,
    qr{filename="a\.test!e\.i\.test!(\d+)!\d+\.json\.gz"};
my ($base64) = ($mail // '') =~ /json\.gz"\r\n\r\n(.*?)\r\n--/s;
my $gzip = decode_base64($base64 // '');
gunzip(\$gzip => \my $json);
my $got = eval { decode_json($json // '') } // {};
is(form($got), '', 'what is in it has the form');
is_deeply($got->{policies}, $report{'e.i.test'}{policies}, 'and tells the same');

my @posted = $web->posted;
is(scalar @posted, 1, 'one is posted');
is("$posted[0][0] $posted[0][1]", '/tls?x=1 application/tlsrpt+gzip',
    'where it is to go');
gunzip(\($posted[0][3] // '') => \$json);
$got = eval { decode_json($json // '') } // {};
is_deeply($got->{policies}, $report{'e-self.i.test'}{policies},
    'and tells the same');
my $left = Stdmail::slurp($file);
is(join(' ', sort map { /^policy @{[$today - 2]} (\S+)/ ? $1 : () }
    split /\n/, $left), 'e-list.i.test',
    'what could not be sent is kept, nothing else');

# --- who has looked -------------------------------------------------------

# The same by signatures that we check ourselves; and with a resolver that is
# not trusted there is no DANE.
sub
again
{
	my (%conf) = @_;

	delete @{$s->{conf}}{qw(resolver_trusted dnssec_anchor)};
	%{$s->{conf}} = (%{$s->{conf}}, %conf);
	$s->write_conf;
	post(map { $_->[3] } @matrix);
	return outcomes(queue());
}

my %own = again(dnssec_anchor => "$dns->{dir}/anchor");
is(join(' ', map { $_->{to} } grep { ($own{$_->{to}} // '') ne $_->{want} }
    map { $_->[3] } @matrix), '', 'the matrix by dnssec_anchor is the same');
my %blind = again();
is($blind{'bob@secure-mismatch-ok.m.test'}, 'any', 'nobody has looked: no DANE');

done_testing();
