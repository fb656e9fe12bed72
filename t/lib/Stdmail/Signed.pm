# SPDX-License-Identifier: ISC
#
# A signed DNS of one's own on free ports of 127.0.0.1: a root and a test.
# zone that are whole, below them a good, a bogus, an expired and an insecure
# zone; nsd serves them and unbound validates them from the root's key.  Keys
# and signatures are made anew each time.  It asks nothing outside.
#
#	good.test       signed, and its DS stands in test.
#	bogus.test      signed, then its data changed
#	expired.test    its signatures ended last year
#	insecure.test   not signed, no DS
#	nokey.test      a DS stands in test., but the zone is not signed
#
# start(plain => 1) has a second unbound, which does not validate.
package Stdmail::Signed;

use strict;
use warnings;

use IO::Socket::INET;

use Stdmail;

my %zones = (
	good => 'yes', bogus => 'changed', expired => 'expired',
	insecure => 'no', nokey => 'stripped',
);

# Which tool is missing for it, or undef.
sub
missing
{
	for my $tool (qw(nsd unbound ldns-keygen ldns-signzone ldns-key2ds)) {
		return $tool if !Stdmail::tool($tool);
	}
	return undef;
}

# start(zones => { name => [how, text, options] }): how is one of the words
# above, "early" (signatures from next year on) or "nosig" (those of MX and A
# left out); options are algorithm, split (a key for keys and one for data),
# nsec3 (words of ldns-signzone, such as "-n -p"), and edit and ds, functions
# that change the text of the signed zone, and of its DS.  A zone below another
# one of them is delegated there.  The zones of the head of this file are
# always there, with the records that every one of them has: an MX of 10 mx,
# its A and AAAA, and an A at the top.
sub
start
{
	my ($class, %o) = @_;
	my $w = bless { dir => Stdmail::folder() }, $class;
	my %all = map { ("$_.test" => [$zones{$_}, _records($_)]) } keys %zones;
	my %below = (test => "\@ NS ns.test.\nns A 127.0.0.1\n");

	%all = (%all, %{$o{zones} // {}});
	# The deepest first: their DS belongs to what is above.
	for my $zone (sort { ($b =~ tr/.//) <=> ($a =~ tr/.//) || $a cmp $b }
	    keys %all) {
		my ($how, $records, %with) = @{$all{$zone}};
		my $got = $w->_zone($zone, $records . ($below{$zone} // ''),
		    $how, %with);
		my ($up) = $zone =~ s/^[^.]*\.//r;
		$up =~ s/^[^.]*\.// while !$all{$up} && $up ne 'test';
		$below{$up} .= "$zone. NS ns.test.\n" .
		    ($how eq 'no' ? '' : $got);
	}
	my $ds = $w->_zone('test', $below{test}, 'yes');
	my $anchor = $w->_zone('.', "\@ NS ns.test.\n" . "test. NS ns.test.\n" .
	    "ns.test. A 127.0.0.1\n" . $ds, 'yes');
	Stdmail::spew("$w->{dir}/anchor", $anchor, 0644);
	$w->{plain} = $o{plain};
	$w->_serve('.', 'test', sort keys %all);
	return $w;
}

sub resolver { return "127.0.0.1\@$_[0]{port}" }
sub plain_resolver { return "127.0.0.1\@$_[0]{plain_port}" }
sub anchor { return "$_[0]{dir}/anchor" }
sub authority { return "127.0.0.1\@$_[0]{nsd_port}" }

sub
_records
{
	my ($name) = @_;

	return <<END;
\@	MX	10 mx
\@	MX	20 mx2.$name.test.
\@	A	192.0.2.1
mx	A	192.0.2.10
mx	AAAA	2001:db8::10
mx2	A	192.0.2.20
END
}

# Write and sign one zone; its DS record is returned.
sub
_zone
{
	my ($w, $zone, $records, $how, %o) = @_;
	my $origin = $zone eq '.' ? '.' : "$zone.";
	my $file = "$w->{dir}/" . ($zone eq '.' ? 'root' : $zone) . '.zone';
	my $soa = "\$ORIGIN $origin\n\$TTL 60\n\@ SOA ns.test. " .
	    "hostmaster.test. 1 3600 600 86400 60\n";
	my $ns = $records =~ /^\@\s+NS/m ? '' : "\@ NS ns.test.\n";

	Stdmail::spew($file, "$soa$ns$records", 0644);
	return '' if $how eq 'no';
	my $make = "ldns-keygen -a " . ($o{algorithm} // 'ECDSAP256SHA256');
	$make .= ' -b 2048' if $make =~ /RSA/;
	my ($key, @more) = map { chomp; $_ } map {
	    _run("cd $w->{dir} && $make $_ $zone") }
	    '-k', $o{split} ? '' : ();
	my $ds = _run("cd $w->{dir} && ldns-key2ds -n " .
	    ($o{digest} // '-2') . " $key.key");
	$ds = $o{ds}->($ds) if $o{ds};
	return $ds if $how eq 'stripped';
	my @last = $how eq 'expired' ? ('-i 20240101', '-e 20240201') :
	    $how eq 'early' ? ('-i ' . (1901 + (gmtime)[5]) . '0201',
	    '-e ' . (1902 + (gmtime)[5]) . '0201') : ();
	_run("cd $w->{dir} && ldns-signzone @last " . ($o{nsec3} // '') .
	    " -o $zone -f $file.signed $file $key @more");
	my $signed = Stdmail::slurp("$file.signed");
	if ($how eq 'changed') {
		$signed =~ s/192\.0\.2\./198.51.100./g;
		$signed =~ s/2001:db8::10/2001:db8::bad/g;
		$signed =~ s/(\sMX\s+)10 /${1}11 /g;
	}
	$signed =~ s/^\S+\s+\d+\s+IN\s+RRSIG\s+(?:MX|A)\s.*\n//mg
	    if $how eq 'nosig';
	$signed = $o{edit}->($signed) if $o{edit};
	Stdmail::spew($file, $signed, 0644);
	return $ds;
}

sub
_run
{
	my ($cmd) = @_;
	my $out = qx{($cmd) 2>&1};

	die "$cmd: $out\n" if $? != 0;
	return $out;
}

sub
_serve
{
	my ($w, @zones) = @_;
	my $d = $w->{dir};

	# Another test may take the port before the daemon does: try again.
	for my $try (1 .. 5) {
		@$w{qw(nsd_port port plain_port)} = Stdmail::free_ports(3);
		$w->_config(@zones);
		push @{$w->{pids}}, _daemon('nsd', "$d/nsd.log", '-d', '-c',
		    "$d/nsd.conf"), map { _daemon('unbound', "$d/$_.log",
		    '-d', '-c', "$d/$_.conf") } 'unbound',
		    $w->{plain} ? 'plain' : ();
		return if Stdmail::until_true(sub { _answers($w->{port}) }, 4)
		    && (!$w->{plain} ||
		    Stdmail::until_true(sub { _answers($w->{plain_port}) }, 4));
		$w->stop;
	}
	die "the DNS does not come up:\n" . join '', map {
	    -e "$d/$_.log" ? Stdmail::slurp("$d/$_.log") : ''
	} qw(nsd unbound plain);
}

# Whether a resolver at that port knows test.
sub
_answers
{
	my ($port) = @_;
	my $q = pack('n6', 4711, 0x0100, 1, 0, 0, 0) . "\4test\0" .
	    pack('nn', 6, 1);
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $port, Proto => 'udp');

	$s->send($q);
	vec(my $r = '', fileno($s), 1) = 1;
	return 0 if select($r, undef, undef, 0.1) <= 0;
	return 0 if !defined $s->recv(my $got, 512);
	return (unpack 'n2', $got)[1] & 0xf ? 0 : 1;
}

sub
_daemon
{
	my ($name, $log, @args) = @_;
	my @cmd = Stdmail::tool($name);

	return Stdmail::fork_child(sub {
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', $log);
		open(STDERR, '>>', $log);
		exec @cmd, @args;
	});
}

sub
_config
{
	my ($w, @zones) = @_;
	my $d = $w->{dir};
	my ($nsd, $stub) = ('', '');

	for my $zone (@zones) {
		my $file = $zone eq '.' ? 'root' : $zone;
		my $name = $zone eq '.' ? '.' : "$zone.";
		$nsd .= "zone:\n name: \"$zone\"\n zonefile: \"$file.zone\"\n";
		$stub .= "stub-zone:\n name: \"$name\"\n" .
		    " stub-addr: 127.0.0.1\@$w->{nsd_port}\n stub-prime: no\n";
	}
	Stdmail::spew("$d/nsd.conf", <<END, 0644);
server:
 ip-address: 127.0.0.1\@$w->{nsd_port}
 username: ""
 chroot: ""
 zonesdir: "$d"
 database: ""
 pidfile: ""
 xfrdfile: "$d/xfrd.state"
 xfrdir: "$d"
 zonelistfile: "$d/zone.list"
 server-count: 1
 verbosity: 1
 rrl-ratelimit: 0
remote-control:
 control-enable: no
$nsd
END
	for my $row (['unbound', $w->{port}, 'validator iterator'],
	    ['plain', $w->{plain_port}, 'iterator']) {
		my ($name, $port, $modules) = @$row;
		Stdmail::spew("$d/$name.conf", <<END, 0644);
server:
 interface: 127.0.0.1
 port: $port
 username: ""
 chroot: ""
 directory: "$d"
 pidfile: ""
 use-syslog: no
 logfile: ""
 verbosity: 1
 num-threads: 1
 do-ip6: no
 do-not-query-localhost: no
 local-zone: "test." nodefault
 module-config: "$modules"
 trust-anchor-file: "$d/anchor"
 val-log-level: 1
 access-control: 127.0.0.0/8 allow
 ede: yes
remote-control:
 control-enable: no
$stub
END
	}
}

sub
stop
{
	my ($w) = @_;

	Stdmail::end_child($_) for splice @{$w->{pids} // []};
}

1;
