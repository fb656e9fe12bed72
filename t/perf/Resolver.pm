# SPDX-License-Identifier: ISC
#
# A private nsd with one big zone, bench.test, and an unbound in front of it,
# one thread of each, on loopback; unsigned, and caches that hold all.  For the
# benchmark of mxlookup.  Both end with the benchmark.
#
#	dN.bench.test	MX 10 mx1.dN, and half of them MX 20 mx2.dN, each with
#			A and AAAA; but of each 50 one null MX, one with
#			addresses and no MX, and one that does not exist
package Resolver;

use strict;
use warnings;

use IO::Socket::INET;

use Stdmail;
use Stdmail::Signed;

# start(COUNT): { dir, port, pids, address }.  unbound listens also on port 53
# of an address of its own, for clients that know no other port; address is
# undef when that cannot be.
sub
start
{
	my ($count) = @_;
	my $w = bless { dir => Stdmail::folder(), count => $count },
	    __PACKAGE__;

	@$w{qw(nsd_port port)} = Stdmail::free_ports(2);
	Stdmail::spew("$w->{dir}/zone", zone($count), 0644);
	Stdmail::spew("$w->{dir}/nsd.conf", $w->nsd_conf, 0644);
	$w->{address} = (grep { IO::Socket::INET->new(LocalAddr => $_,
	    LocalPort => 53, Proto => 'udp') } map { "127.77.$_.1" }
	    1 .. 20)[0];
	Stdmail::spew("$w->{dir}/unbound.conf", $w->unbound_conf, 0644);
	$w->{nsd} = Stdmail::Signed::_daemon('nsd', "$w->{dir}/nsd.log", '-d',
	    '-c', "$w->{dir}/nsd.conf");
	$w->restart;
	return $w;
}

# A fresh unbound, which has cached nothing.
sub
restart
{
	my ($w) = @_;

	Stdmail::end_child($w->{unbound}) if $w->{unbound};
	$w->{unbound} = Stdmail::Signed::_daemon('unbound',
	    "$w->{dir}/unbound.log", '-d', '-c', "$w->{dir}/unbound.conf");
	$w->{pids} = [$w->{unbound}];
	Stdmail::until_true(sub { $w->answers }, 20) or
	    die "no resolver:\n" . join '', map {
	    Stdmail::slurp("$w->{dir}/$_.log") } qw(nsd unbound);
}

# What it answers for the zone's top, which is in no list.
sub
answers
{
	my ($w) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $w->{port}, Proto => 'udp');

	$s->send(pack('n6', 4711, 0x0100, 1, 0, 0, 0) . "\5bench\4test\0" .
	    pack('nn', 6, 1));
	vec(my $r = '', fileno($s), 1) = 1;
	return 0 if select($r, undef, undef, 0.1) <= 0;
	return 0 if !defined $s->recv(my $got, 512);
	return ((unpack 'n2', $got)[1] & 0xf) == 0;
}

sub
zone
{
	my ($count) = @_;
	my $text = "\$ORIGIN bench.test.\n\$TTL 86400\n\@ SOA ns hostmaster " .
	    "1 3600 600 86400 3600\n\@ NS ns\nns A 127.0.0.1\n";

	for my $i (1 .. $count) {
		my $k = $i % 50;
		next if $k == 2;
		my $a = join '.', 10, $i >> 16 & 255, $i >> 8 & 255, $i & 255;
		my $aaaa = sprintf '2001:db8::%x', $i;
		$text .= $k == 0 ? "d$i MX 0 .\n" : $k == 1 ?
		    "d$i A $a\nd$i AAAA $aaaa\n" : "d$i MX 10 mx1.d$i\n" .
		    "mx1.d$i A $a\nmx1.d$i AAAA $aaaa\n";
		$text .= "d$i MX 20 mx2.d$i\nmx2.d$i A 192.0.2.1\n" .
		    "mx2.d$i AAAA ${aaaa}:2\n" if $k > 2 && $i % 2;
	}
	return $text;
}

sub
nsd_conf
{
	my ($w) = @_;

	return <<"END";
server:
 ip-address: 127.0.0.1\@$w->{nsd_port}
 username: ""
 chroot: ""
 zonesdir: "$w->{dir}"
 database: ""
 pidfile: ""
 xfrdfile: "$w->{dir}/xfrd.state"
 xfrdir: "$w->{dir}"
 zonelistfile: "$w->{dir}/zone.list"
 server-count: 1
 verbosity: 0
remote-control:
 control-enable: no
zone:
 name: "bench.test"
 zonefile: "zone"
END
}

sub
unbound_conf
{
	my ($w) = @_;
	my $more = $w->{address} ? " interface: $w->{address}\@53\n" : '';

	return <<"END";
server:
 interface: 127.0.0.1\@$w->{port}
$more username: ""
 chroot: ""
 directory: "$w->{dir}"
 pidfile: ""
 use-syslog: no
 logfile: ""
 verbosity: 0
 num-threads: 1
 do-ip6: no
 do-not-query-localhost: no
 local-zone: "test." nodefault
 module-config: "iterator"
 qname-minimisation: no
 msg-cache-size: 128m
 rrset-cache-size: 256m
 access-control: 127.0.0.0/8 allow
remote-control:
 control-enable: no
stub-zone:
 name: "bench.test."
 stub-addr: 127.0.0.1\@$w->{nsd_port}
 stub-prime: no
END
}

1;
