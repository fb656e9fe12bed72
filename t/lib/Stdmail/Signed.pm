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

# start(zones => { name => [how, text] }): how is one of the words above;
# the zones of the head of this file are always there, with the records that
# every one of them has: an MX of 10 mx, its A and AAAA, and an A at the top.
sub
start
{
	my ($class, %o) = @_;
	my $w = bless { dir => Stdmail::folder() }, $class;
	my %all = map { ("$_.test" => [$zones{$_}, _records($_)]) } keys %zones;

	%all = (%all, %{$o{zones} // {}});
	my $ds = '';
	my $text = "\@ NS ns.test.\nns A 127.0.0.1\n";
	for my $zone (sort keys %all) {
		my ($how, $records) = @{$all{$zone}};
		my $got = $w->_zone($zone, $records, $how);
		$text .= "$zone. NS ns.test.\n" . ($how eq 'no' ? '' : $got);
	}
	$ds = $w->_zone('test', $text, 'yes');
	my $anchor = $w->_zone('.', "\@ NS ns.test.\n" . "test. NS ns.test.\n" .
	    "ns.test. A 127.0.0.1\n" . $ds, 'yes');
	Stdmail::spew("$w->{dir}/anchor", $anchor, 0644);
	$w->_serve('.', 'test', sort keys %all);
	return $w;
}

sub resolver { return "127.0.0.1\@$_[0]{port}" }
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
	my ($w, $zone, $records, $how) = @_;
	my $origin = $zone eq '.' ? '.' : "$zone.";
	my $file = "$w->{dir}/" . ($zone eq '.' ? 'root' : $zone) . '.zone';
	my $soa = "\$ORIGIN $origin\n\$TTL 60\n\@ SOA ns.test. " .
	    "hostmaster.test. 1 3600 600 86400 60\n";
	my $ns = $records =~ /^\@\s+NS/m ? '' : "\@ NS ns.test.\n";

	Stdmail::spew($file, "$soa$ns$records", 0644);
	return '' if $how eq 'no';
	my $key = _run("cd $w->{dir} && ldns-keygen -a ECDSAP256SHA256 -k $zone");
	chomp $key;
	my $ds = _run("cd $w->{dir} && ldns-key2ds -n -2 $key.key");
	return $ds if $how eq 'stripped';
	my @last = $how eq 'expired'
	    ? ('-i 20240101', '-e 20240201') : ();
	_run("cd $w->{dir} && ldns-signzone @last -o $zone -f $file.signed " .
	    "$file $key");
	my $signed = Stdmail::slurp("$file.signed");
	if ($how eq 'changed') {
		$signed =~ s/192\.0\.2\./198.51.100./g;
		$signed =~ s/2001:db8::10/2001:db8::bad/g;
		$signed =~ s/(\sMX\s+)10 /${1}11 /g;
	}
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

# A port of 127.0.0.1 that is free for UDP and TCP just now.
sub
free_port
{
	for (1 .. 50) {
		my $u = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		    Proto => 'udp') or next;
		my $t = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		    LocalPort => $u->sockport, Proto => 'tcp', Listen => 1)
		    or next;
		return $u->sockport;
	}
	die "no free port\n";
}

sub
_serve
{
	my ($w, @zones) = @_;
	my $d = $w->{dir};

	# Another test may take the port before the daemon does: try again.
	for my $try (1 .. 5) {
		$w->{nsd_port} = free_port();
		$w->{port} = free_port();
		$w->_config(@zones);
		push @{$w->{pids}}, _daemon('nsd', "$d/nsd.log", '-d', '-c',
		    "$d/nsd.conf"), _daemon('unbound', "$d/unbound.log", '-d',
		    '-c', "$d/unbound.conf");
		return if Stdmail::until_true(sub {
			my $id = 4711;
			my $q = pack('n6', $id, 0x0100, 1, 0, 0, 0) .
			    "\4test\0" . pack('nn', 6, 1);
			my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
			    PeerPort => $w->{port}, Proto => 'udp');
			$s->send($q);
			vec(my $r = '', fileno($s), 1) = 1;
			return 0 if select($r, undef, undef, 0.1) <= 0;
			return 0 if !defined $s->recv(my $got, 512);
			return (unpack 'n2', $got)[1] & 0xf ? 0 : 1;
		}, 4);
		$w->stop;
	}
	die "the DNS does not come up:\n" . join '', map {
	    -e "$d/$_.log" ? Stdmail::slurp("$d/$_.log") : ''
	} qw(nsd unbound);
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
 zonelistfile: "$d/zone.list"
 server-count: 1
 verbosity: 1
 rrl-ratelimit: 0
remote-control:
 control-enable: no
$nsd
END
	Stdmail::spew("$d/unbound.conf", <<END, 0644);
server:
 interface: 127.0.0.1
 port: $w->{port}
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
 module-config: "validator iterator"
 trust-anchor-file: "$d/anchor"
 val-log-level: 1
 access-control: 127.0.0.0/8 allow
 ede: yes
remote-control:
 control-enable: no
$stub
END
}

sub
stop
{
	my ($w) = @_;

	Stdmail::end_child($_) for splice @{$w->{pids} // []};
}

1;
