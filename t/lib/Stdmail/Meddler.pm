# SPDX-License-Identifier: ISC
#
# A man in the middle between a program and a resolver: a UDP port of 127.0.0.1
# that hands questions on, and changes what comes back.
#
#	my $m = Stdmail::Meddler->start($resolver, sub {
#		my ($p) = @_;	# type: that of the question; rcode; flags;
#				# answer, authority: lists of records
#		@{$p->{answer}} = grep { $_->{type} != 46 } @{$p->{answer}};
#	});
#	$m->resolver		127.0.0.1@PORT
#
# A record has name (in wire form), type, class, ttl and data; names in both
# are written out, so that records can be taken away and put in.
package Stdmail::Meddler;

use strict;
use warnings;

use IO::Socket::INET;

use Stdmail;

# start(RESOLVER, change): from now on until stop() or the end of the test.
# Without a change it has the resolver's word; one that returns 'drop' is
# silent.
sub
start
{
	my ($class, $resolver, $change) = @_;
	my $m = bless {}, $class;
	my ($host, $port) = split /\@/, $resolver;
	my $udp = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
	    Proto => 'udp') or die "udp: $@\n";

	$m->{port} = $udp->sockport;
	$m->{pid} = Stdmail::fork_child(sub {
		while (defined(my $from = recv $udp, my $query, 4096, 0)) {
			my $up = IO::Socket::INET->new(PeerAddr => $host,
			    PeerPort => $port, Proto => 'udp');
			$up->send($query);
			vec(my $r = '', fileno($up), 1) = 1;
			next if select($r, undef, undef, 5) <= 0;
			$up->recv(my $reply, 65535);
			my $p = _read($reply);
			next if ($change->($p) // '') eq 'drop';
			send $udp, _write($p), 0, $from;
		}
	});
	return $m;
}

sub resolver { return "127.0.0.1\@$_[0]{port}" }

sub
stop
{
	my ($m) = @_;

	Stdmail::end_child(delete $m->{pid}) if $m->{pid};
}

# The name at an offset written out, and where what follows it begins.
sub
_name
{
	my ($p, $at) = @_;
	my ($name, $end) = ('');

	for (;;) {
		my $len = ord substr $p, $at, 1;
		if ($len >= 0xc0) {
			$end //= $at + 2;
			$at = unpack('n', substr $p, $at, 2) & 0x3fff;
			next;
		}
		$name .= substr $p, $at, $len + 1;
		$at += $len + 1;
		return ($name, $end // $at) if $len == 0;
	}
}

# The data of a record; of the types whose names may be compressed (RFC 1035).
sub
_data
{
	my ($p, $type, $at, $len) = @_;
	my $raw = substr $p, $at, $len;

	return (_name($p, $at))[0] if $type =~ /^(?:2|5|12|39)\z/;
	return substr($raw, 0, 2) . (_name($p, $at + 2))[0] if $type == 15;
	return $raw if $type != 6;
	my ($primary, $next) = _name($p, $at);
	my ($person) = _name($p, $next);
	return $primary . $person . substr $raw, -20;
}

sub
_read
{
	my ($p) = @_;
	my ($id, $flags, undef, @count) = unpack 'n6', $p;
	my ($name, $at) = _name($p, 12);
	my %m = (id => $id, flags => $flags & ~15, rcode => $flags & 15,
	    question => $name . substr($p, $at, 4),
	    type => unpack('n', substr $p, $at, 2));

	$at += 4;
	for my $section (qw(answer authority additional)) {
		$m{$section} = [];
		for (1 .. shift @count) {
			my ($owner, $next) = _name($p, $at);
			my ($type, $class, $ttl, $len) = unpack 'nnNn',
			    substr $p, $next, 10;
			$at = $next + 10 + $len;
			push @{$m{$section}}, { name => $owner, type => $type,
			    class => $class, ttl => $ttl,
			    data => _data($p, $type, $next + 10, $len) };
		}
	}
	return \%m;
}

sub
_write
{
	my ($m) = @_;
	my @sections = @$m{qw(answer authority additional)};

	return pack('n6', $m->{id}, $m->{flags} | $m->{rcode}, 1,
	    map { scalar @$_ } @sections) . $m->{question} . join '', map {
	    $_->{name} . pack('nnNn/a*', @$_{qw(type class ttl data)}) }
	    map { @$_ } @sections;
}

1;
