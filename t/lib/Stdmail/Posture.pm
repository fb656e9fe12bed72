# SPDX-License-Identifier: ISC
#
# Domains, each with one thing wrong with its mail, and one that is good in
# every respect: the zones of Signed.pm's world, reverse zones, and a server
# for MTA-STS policies with a certificate for (nearly) all of them.
#
# A domain is made of the good one's records, of which some are replaced:
#
#	name => {
#		want   => [codes of what mxlookup -a must find],
#		set    => { key of a record => other lines, or '' },
#		policy => [status, type, text]	of MTA-STS, %s is the domain
#		how    => 'yes'		signed, with TLSA (see Signed.pm)
#		code   => exit code	if not by what is found
#		sub    => 1		the domain is sub.NAME.test
#		domain => another domain to look at
#	}
package Stdmail::Posture;

use strict;
use warnings;

use parent -norequire, 'Stdmail::Signed';

use Stdmail;
use Stdmail::Signed;

my $digest = 'ab' x 32;
my $plain = "version: STSv1\r\nmode: enforce\r\nmx: mx1.%s\r\n" .
    "max_age: 604800\r\n";

sub policy { return [200, 'text/plain', $plain =~ s/$_[0]/$_[1]/r] }
sub spf { return "\@ TXT \"v=spf1 $_[0]\"" }
sub dmarc { return "_dmarc TXT \"v=DMARC1; $_[0]\"" }
sub sts { return "_mta-sts TXT \"$_[0]\"" }
sub rpt { return "_smtp._tls TXT \"$_[0]\"" }
sub tlsa { return "_25._tcp.mx1 TLSA $_[0]" }

our %domains = (
	good => { want => [], how => 'yes' },
	wild => { want => [], policy => policy('mx1', '*') },
	plainly => { want => [] },

	# where mail goes
	nowhere => { want => ['no-domain'], domain => 'nowhere.test',
	    absent => 1 },
	malformed => { want => ['invalid'], domain => 'a b', absent => 1 },
	nomail => { want => [qw(no-mail spf-no-sender)], set => { mx => '' } },
	implicit => { want => ['mx-absent'], policy => policy('mx1.', ''),
	    set => { mx => '@ A 192.0.2.11' } },
	nullmx => { want => [], code => 1, set => { mx => '@ MX 0 .',
	    spf => spf('-all') } },
	nullopen => { want => ['spf-no-sender'], code => 1,
	    set => { mx => '@ MX 0 .' } },
	nullmixed => { want => ['nullmx-mixed'],
	    set => { mx => "\@ MX 0 .\n\@ MX 10 mx1" } },
	literal => { want => ['mx-literal'], set => { mx =>
	    '@ MX 10 192.0.2.11.' }, policy => policy('mx1.%s', '192.0.2.11') },
	alias => { want => ['mx-alias'], set => { mx1 => 'mx1 CNAME mail' } },
	noaddress => { want => ['mx-no-address'],
	    set => { mx1 => 'mx1 TXT x' } },
	nohost => { want => ['mx-no-address'], set => { mx1 => '' } },
	private => { want => ['mx-private'],
	    set => { mx1 => 'mx1 A 10.0.0.1' } },
	loopback => { want => ['mx-private'],
	    set => { mx1 => "mx1 AAAA ::1\nmx1 A 192.0.2.11" } },
	mapped => { want => ['mx-private'], set => { mx1 =>
	    "mx1 AAAA ::ffff:10.0.0.1\nmx1 A 192.0.2.11" } },
	hostbogus => { want => ['mx-bogus'], set => { mx =>
	    '@ MX 10 mx.bogus.test.' }, policy => policy('mx1.%s',
	    'mx.bogus.test') },
	noreverse => { want => ['reverse-absent'],
	    set => { mx1 => 'mx1 A 192.0.2.99' } },
	unconfirmed => { want => ['reverse-unconfirmed'],
	    set => { mx1 => 'mx1 A 192.0.2.98' } },
	isbogus => { want => ['bogus'], domain => 'bogus.test', absent => 1 },
	isexpired => { want => ['bogus'], domain => 'expired.test',
	    absent => 1 },
	lame => { want => ['unanswered'], code => 75, domain => 'lame.test',
	    absent => 1 },
	lamehost => { want => ['unanswered'], code => 75, set => { mx =>
	    '@ MX 10 mx.lame.test.' }, policy => policy('mx1.%s',
	    'mx.lame.test') },

	only6 => { want => [], set => { mx1 => 'mx1 AAAA 2001:db8::11' } },
	address => { want => [], domain => '[192.0.2.11]', absent => 1 },
	address6 => { want => [], domain => '[IPv6:2001:db8::11]',
	    absent => 1 },
	nameless => { want => ['reverse-absent'], domain => '[192.0.2.99]',
	    absent => 1 },
	inside => { want => ['mx-private'], domain => '[10.0.0.1]',
	    absent => 1 },
	noliteral => { want => ['invalid'], domain => '[mx1.good.test]',
	    absent => 1 },

	# TLSA
	tlsatarget => { want => ['mx-alias'], how => 'yes', set => {
	    mx1 => "mx1 CNAME mail\n_25._tcp.mail TLSA 3 1 1 $digest",
	    tlsa => tlsa("1 1 1 $digest") } },
	tlsaname => { want => ['mx-alias'], how => 'yes',
	    set => { mx1 => 'mx1 CNAME mail' } },
	tlsainsecure => { want => ['tlsa-insecure'],
	    set => { tlsa => tlsa("3 1 1 $digest") } },
	mxunsigned => { want => ['tlsa-insecure'], set => { mx =>
	    '@ MX 10 mx1.good.test.' }, policy => policy('mx1.%s',
	    'mx1.good.test') },
	tlsapkix => { want => ['tlsa-unusable'], how => 'yes',
	    set => { tlsa => tlsa("1 1 1 $digest") } },
	tlsashort => { want => ['tlsa-unusable'], how => 'yes',
	    set => { tlsa => tlsa('3 1 1 ' . substr $digest, 2) } },
	tlsapartly => { want => ['tlsa-partly'], how => 'yes',
	    set => { tlsa => tlsa("3 1 1 $digest") . "\n" .
	    tlsa("0 0 1 $digest") } },
	tlsasome => { want => ['tlsa-some'], how => 'yes', set => { mx =>
	    "\@ MX 10 mx1\n\@ MX 20 mx2\nmx2 A 192.0.2.11" },
	    policy => policy('mx1', '*') },
	tlsabogus => { want => ['tlsa-bogus'], how => 'yes' },

	# MTA-STS
	stsabsent => { want => ['sts-absent'],
	    set => { sts => '', stshost => '' } },
	stswithout => { want => ['sts-absent'], set => { sts => '' },
	    policy => [404, 'text/html', 'no'] },
	stsseveral => { want => ['sts-several'], set => { sts =>
	    sts('v=STSv1; id=1') . "\n" . sts('v=STSv1; id=2') } },
	stsrecord => { want => ['sts-record'],
	    set => { sts => sts('v=STSv1; id=2026-01-01') } },
	stsgone => { want => ['sts-no-policy'],
	    policy => [404, 'text/plain', $plain] },
	stsmoved => { want => ['sts-no-policy'],
	    policy => [301, 'text/plain', $plain] },
	stsnohost => { want => ['sts-no-policy'], set => { stshost => '' } },
	stsbig => { want => ['sts-no-policy'],
	    policy => [200, 'text/plain', $plain . ("x: y\r\n" x 12000)] },
	stscert => { want => ['sts-certificate'] },
	ststype => { want => ['sts-type'],
	    policy => [200, 'text/html', $plain] },
	stshtml => { want => ['sts-type'],
	    policy => [200, 'text/html; charset=utf-8', '<html>'] },
	stssyntax => { want => ['sts-syntax'], policy => policy('enforce',
	    'strict') },
	stsorphan => { want => ['sts-orphan'], set => { sts => '' } },
	stsmx => { want => ['sts-mx'], policy => policy('mx1', 'mx2') },
	ststesting => { want => ['sts-testing'],
	    policy => policy('enforce', 'testing') },
	stsnone => { want => ['sts-none'],
	    policy => policy('enforce', 'none') },
	stsshort => { want => ['sts-short'],
	    policy => policy('604800', '3600') },

	# TLSRPT
	rptabsent => { want => ['tlsrpt-absent'], set => { rpt => '' } },
	rptseveral => { want => ['tlsrpt-several'], set => { rpt =>
	    rpt('v=TLSRPTv1; rua=mailto:a@x.test') . "\n" .
	    rpt('v=TLSRPTv1; rua=mailto:b@x.test') } },
	rptbogus => { want => ['bogus'], how => 'yes' },
	rptrecord => { want => ['tlsrpt-record'],
	    set => { rpt => rpt('v=TLSRPTv1; rua=a@x.test') } },
	rptscheme => { want => ['tlsrpt-scheme'],
	    set => { rpt => rpt('v=TLSRPTv1; rua=ftp://x.test/') } },

	# SPF
	spfabsent => { want => ['spf-absent'], set => { spf => '@ TXT x' } },
	spfseveral => { want => ['spf-several'],
	    set => { spf => spf('-all') . "\n" . spf('mx -all') } },
	spfsyntax => { want => ['spf-syntax'],
	    set => { spf => spf('mx ipv4:192.0.2.1 -all') } },
	hostile => { want => ['spf-syntax'],
	    set => { spf => spf('\\027[31m\\255\\194\\155\\"\\009\\000-all') } },
	spfnested => { want => ['spf-syntax'],
	    set => { spf => spf('include:spfsyntax.test -all') } },
	spftarget => { want => ['spf-target'],
	    set => { spf => spf('include:mx1.spftarget.test -all') } },
	spfredirect => { want => ['spf-target'],
	    set => { spf => spf('redirect=mx1.spfredirect.test') } },
	spflookups => { want => ['spf-lookups'],
	    set => { spf => spf('a:mx1.spflookups.test ' x 11 . '-all') } },
	spftenth => { want => [],
	    set => { spf => spf('a:mx1.spftenth.test ' x 10 . '-all') } },
	spfdeep => { want => ['spf-lookups'], set => { spf =>
	    spf('include:spftenth.test -all') } },
	spfloop => { want => ['spf-loop'],
	    set => { spf => spf('include:spfloop.test -all') } },
	spfbomb => { want => [qw(spf-lookups spf-loop)], set => {
	    spf => spf('include:a.spfbomb.test -all'), more =>
	    '* TXT "v=spf1 ' . join(' ', map { "include:$_.spfbomb.test" }
	    'a' .. 'i') . '"' } },
	spfmany => { want => ['spf-mx'], set => { spf => spf('mx:m -all') =~
	    s/mx:m/mx:many.spfmany.test/r . "\n" . join "\n", map {
	    "many MX 10 m$_" } 1 .. 11 } },
	spfvoids => { want => ['spf-voids'], set => { spf => spf(join ' ',
	    (map { "a:no$_.spfvoids.test" } 1 .. 3), '-all') } },
	spftwovoids => { want => [], set => { spf => spf(join ' ',
	    (map { "a:no$_.spftwovoids.test" } 1, 2), '-all') } },
	spfptr => { want => ['spf-ptr'], set => { spf => spf('ptr -all') } },
	spfpass => { want => ['spf-pass-all'],
	    set => { spf => spf('mx +all') } },
	spfneutral => { want => ['spf-open'],
	    set => { spf => spf('mx ?all') } },
	spfopen => { want => ['spf-open'], set => { spf => spf('mx') } },
	spflong => { want => ['spf-pass-all'], set => { spf => '@ TXT "v=spf1 ' .
	    join(' ', map { "ip4:192.0.2.$_" } 100 .. 114) . ' " "' .
	    join(' ', map { "ip4:192.0.2.$_" } 115 .. 125) . ' +all"' } },
	spfunseen => { want => ['spf-syntax'], set => {
	    spf => spf('\\226\\128\\174 \\226\\128\\139-all') } },
	spfsoft => { want => [], set => { spf => spf('mx ~all') } },
	spfdead => { want => ['spf-dead'],
	    set => { spf => spf('-all ip4:192.0.2.1') } },
	spfmacro => { want => [],
	    set => { spf => spf('exists:%{ir}.x.test -all') } },
	spfchain => { want => [],
	    set => { spf => spf('redirect=good.test') } },
	spfinclude => { want => [], set => { spf =>
	    spf('include:good.test include:plainly.test -all') } },

	# DMARC
	dmarcabsent => { want => ['dmarc-absent'], set => { dmarc => '' } },
	dmarcseveral => { want => ['dmarc-several'], set => { dmarc =>
	    dmarc('p=none') . "\n" . dmarc('p=reject') } },
	dmarcpolicy => { want => ['dmarc-policy'], set => { dmarc =>
	    dmarc('p=monitor; rua=mailto:a@dmarcpolicy.test') } },
	dmarcnop => { want => ['dmarc-policy'], set => { dmarc =>
	    dmarc('rua=mailto:a@dmarcnop.test') } },
	dmarcsyntax => { want => ['dmarc-syntax'], set => { dmarc => dmarc(
	    'p=reject; adkim=x; rua=mailto:a@dmarcsyntax.test') } },
	dmarcrua => { want => ['dmarc-syntax'], set => { dmarc => dmarc(
	    'p=reject; rua=a@dmarcrua.test') } },
	dmarcnone => { want => ['dmarc-none'], set => { dmarc => dmarc(
	    'p=none; rua=mailto:a@dmarcnone.test') } },
	dmarctesting => { want => ['dmarc-testing'], set => { dmarc => dmarc(
	    'p=reject; t=y; rua=mailto:a@dmarctesting.test') } },
	dmarcold => { want => ['dmarc-obsolete'], set => { dmarc => dmarc(
	    'p=reject; pct=50; rua=mailto:a@dmarcold.test') } },
	dmarcmute => { want => ['dmarc-no-reports'],
	    set => { dmarc => dmarc('p=reject') } },
	dmarcforeign => { want => ['dmarc-foreign'], set => { dmarc => dmarc(
	    'p=reject; rua=mailto:a@rua.plainly.test') } },
	dmarcsplit => { want => ['dmarc-foreign'], set => { dmarc => dmarc(
	    'p=reject; rua=mailto:a@split.dmarcsplit.test'),
	    more => '_dmarc.split TXT "v=DMARC1; p=reject; psd=n"' } },
	dmarcsame => { want => [], sub => 1, set => { dmarc => dmarc(
	    'p=reject; rua=mailto:a@other.dmarcsame.test') } },
	dmarcagreed => { want => [], set => { dmarc => dmarc(
	    'p=reject; rua=mailto:a@agrees.test') } },
	agrees => { want => [], set => { more =>
	    'dmarcagreed.test._report._dmarc TXT "v=DMARC1"' } },
	inherit => { want => [], sub => 1, set => { dmarc => '' } },
	inheritpsd => { want => ['dmarc-none'], sub => 1,
	    set => { dmarc => '' }, above => 'psd=y; sp=none' },
	inheritnone => { want => ['dmarc-none'], sub => 1,
	    set => { dmarc => '' }, above => 'sp=none' },

	# what mail clients find
	srvabsent => { want => ['clients-absent'],
	    set => { sends => '', reads => '' } },
	srvplain => { want => ['clients-starttls'], set => {
	    sends => '_submission._tcp SRV 0 1 587 mail',
	    reads => '_imap._tcp SRV 0 1 143 mail' } },
	srvtarget => { want => ['clients-target'],
	    set => { reads => '_imaps._tcp SRV 0 1 993 gone' } },
	srvalias => { want => ['clients-alias'], set => { reads =>
	    "_imaps._tcp SRV 0 1 993 imap\nimap CNAME mail" } },
	srvmixed => { want => ['clients-mixed'], set => { more =>
	    '_imaps._tcp SRV 0 0 0 .' } },
	srvhalf => { want => ['clients-incomplete'],
	    set => { sends => '' } },
	srvoff => { want => [], set => { sends => '_submissions._tcp SRV ' .
	    '0 0 0 .', reads => '_imaps._tcp SRV 0 0 0 .' } },
);

sub
domain
{
	my ($name) = @_;
	my $d = $domains{$name};

	return $d->{domain} // ($d->{sub} ? 'sub.' : '') . "$name.test";
}

sub
records
{
	my ($name) = @_;
	my $d = $domains{$name};
	my $domain = domain($name);
	my $signed = ($d->{how} // 'no') ne 'no';
	my %r = (mx => '@ MX 10 mx1', spf => spf('mx -all'),
	    mx1 => "mx1 A 192.0.2.11\nmx1 AAAA 2001:db8::11",
	    mail => 'mail A 192.0.2.11', sts => sts('v=STSv1; id=1'),
	    tlsa => $signed ? tlsa("3 1 1 $digest") : '',
	    stshost => 'mta-sts A 127.0.0.1',
	    rpt => rpt("v=TLSRPTv1; rua=mailto:tls\@$domain"),
	    dmarc => dmarc("p=reject; rua=mailto:dmarc\@$domain"),
	    sends => '_submissions._tcp SRV 0 1 465 mail',
	    reads => '_imaps._tcp SRV 0 1 993 mail', more => '',
	    %{$d->{set} // {}});
	my $text = join '', map { "$r{$_}\n" } sort keys %r;
	my $above = $d->{above} // 'sp=reject';

	$text = "_dmarc TXT \"v=DMARC1; p=reject; $above; " .
	    "rua=mailto:a\@$name.test\"\n\$ORIGIN $domain.\n$text" if $d->{sub};
	return $text;
}

sub
start
{
	my ($class) = @_;
	my %zones = map { ("$_.test" => [$domains{$_}{how} // 'no',
	    records($_)]) } grep { !$domains{$_}{absent} } keys %domains;
	my $w = Stdmail::Signed::start($class, zones => \%zones);

	$w->_policies;
	return $w;
}

sub https_port { return $_[0]{https_port} }
sub ca { return "$_[0]{dir}/policy.crt" }

# The reverse zones, and signatures that do not fit their records.
sub
_serve
{
	my ($w, @zones) = @_;
	my %changed = (tlsabogus => ['TLSA\s+3 1 1 ab', 'cd'],
	    rptbogus => ['TXT\s+"v=TLSRPTv1', '2']);

	$w->_zone('2.0.192.in-addr.arpa', <<END, 'no');
11 PTR mx1.good.test.
98 PTR mx1.good.test.
END
	$w->_zone('8.b.d.0.1.0.0.2.ip6.arpa', '1.1' . '.0' x 22 .
	    " PTR mx1.good.test.\n", 'no');
	for my $name (keys %changed) {
		my ($what, $more) = @{$changed{$name}};
		my $file = "$w->{dir}/$name.test.zone";

		Stdmail::spew($file, Stdmail::slurp($file) =~
		    s/($what)../$1$more/ir, 0644);
	}
	$w->SUPER::_serve(@zones, '2.0.192.in-addr.arpa',
	    '8.b.d.0.1.0.0.2.ip6.arpa');
}

sub
_config
{
	my ($w, @zones) = @_;
	my $file = "$w->{dir}/unbound.conf";

	$w->SUPER::_config(@zones);
	Stdmail::spew($file, Stdmail::slurp($file) . <<END, 0644);
server:
 domain-insecure: "arpa."
 local-zone: "2.0.192.in-addr.arpa." nodefault
 local-zone: "8.b.d.0.1.0.0.2.ip6.arpa." nodefault
 local-zone: "lame.test." always_refuse
 local-zone: "silent.test." always_deny
END
}

# ---- policies ----

sub
_policies
{
	my ($w) = @_;
	my $names = join ',', map { 'DNS:mta-sts.' . domain($_) } grep {
	    !$domains{$_}{absent} && $_ ne 'stscert' } sort keys %domains;
	my $out = qx{openssl req -x509 -newkey ec -pkeyopt \\
	    ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=policies \\
	    -addext subjectAltName=$names -keyout $w->{dir}/policy.key \\
	    -out $w->{dir}/policy.crt 2>&1};

	die "openssl: $out\n" if $? != 0;
	require IO::Socket::SSL;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
	    Listen => 128) or die "https: $!\n";
	$w->{https_port} = $listen->sockport;
	# All policies are asked for at once, and each has its time.
	push @{$w->{pids}}, map { Stdmail::fork_child(sub {
		$w->_answer($listen->accept // next) while 1;
	}) } 1 .. 8;
}

# One request: GET the policy of the domain in Host.
sub
_answer
{
	my ($w, $c) = @_;
	my %reason = (200 => 'OK', 301 => 'Moved', 404 => 'Not Found');
	my ($path, $host);

	$c = IO::Socket::SSL->start_SSL($c, SSL_server => 1,
	    SSL_cert_file => "$w->{dir}/policy.crt",
	    SSL_key_file => "$w->{dir}/policy.key", Timeout => 60) or return;
	while (defined(my $line = <$c>)) {
		$path = $1 if $line =~ m{^GET (\S+) HTTP/1\.1\r\n};
		$host = $1 if $line =~ /^Host: mta-sts\.(\S+)\r\n/;
		last if $line eq "\r\n";
	}
	my ($name) = ($host // '') =~ /^(?:sub\.)?(\w+)\.test\z/;
	my ($code, $type, $text) = @{$domains{$name // ''}{policy} //
	    [200, 'text/plain', $plain]};
	$code = 404 if ($path // '') ne '/.well-known/mta-sts.txt';
	$text =~ s/%s/$host/g;
	print $c "HTTP/1.1 $code $reason{$code}\r\nContent-Type: $type\r\n" .
	    ($code == 301 ? "Location: https://other.test/\r\n" : '') .
	    'Content-Length: ' . length($text) . "\r\n\r\n$text";
	close $c;
}

1;
