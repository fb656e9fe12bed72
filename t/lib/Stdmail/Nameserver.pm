# SPDX-License-Identifier: ISC
#
# A nameserver of a few dozen records on a free port of 127.0.0.1, for tests
# that need answers and no more.  It validates nothing and knows no zones: a
# name it has not heard of does not exist.  For DNSSEC see Signed.pm.
#
#	my $ns = Stdmail::Nameserver->start(<<END);
#	a.test          MX      10 mx.a.test
#	mx.a.test       A       127.0.0.1
#	alias.test      CNAME   a.test
#	broken.test     SERVFAIL
#	mute.test       DROP
#	big.test        TRUNCATE
#	END
#	$ns->resolver       127.0.0.1@PORT
package Stdmail::Nameserver;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Socket qw(inet_aton inet_pton AF_INET6);

use Stdmail;

my %type = (A => 1, NS => 2, CNAME => 5, SOA => 6, PTR => 12, MX => 15,
    TXT => 16, AAAA => 28, TLSA => 52);
my %behaviour = map { $_ => 1 } qw(SERVFAIL DROP TRUNCATE REFUSED);

# start(text, ad => bool): answers from now on until stop() or the end of the
# test.  With ad each answer claims to be validated when it was asked for.
sub
start
{
	my ($class, $text, %o) = @_;
	my $ns = bless { records => {}, exists => {}, %o }, $class;
	my ($udp, $tcp);

	$ns->_read($text);
	for (1 .. 50) {
		$udp = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		    Proto => 'udp') or die "udp: $@\n";
		$tcp = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		    LocalPort => $udp->sockport, Proto => 'tcp', Listen => 16)
		    and last;
	}
	die "no free port for the nameserver\n" if !$tcp;
	$ns->{port} = $udp->sockport;
	$ns->{pid} = Stdmail::fork_child(sub { $ns->_serve($udp, $tcp) });
	return $ns;
}

sub resolver { return "127.0.0.1\@$_[0]{port}" }

sub
stop
{
	my ($ns) = @_;

	Stdmail::end_child(delete $ns->{pid}) if $ns->{pid};
}

sub
_read
{
	my ($ns, $text) = @_;

	for my $line (split /\n/, $text) {
		next if $line =~ /^\s*(#|\z)/;
		my ($name, $kind, $data) = split ' ', $line, 3;

		$name = lc $name =~ s/\.\z//r;
		die "nameserver: '$line'\n"
		    if !$type{$kind} && !$behaviour{$kind};
		push @{$ns->{records}{$name}}, [$kind, $data // ''];
		for (my $n = $name; $n ne ''; ) {
			$ns->{exists}{$n} = 1;
			$n =~ s/^[^.]*\.?//;
		}
	}
}

sub
_serve
{
	my ($ns, $udp, $tcp) = @_;
	my $select = IO::Select->new($udp, $tcp);

	for (;;) {
		for my $fh ($select->can_read) {
			if ($fh == $udp) {
				my $from = recv($udp, my $query, 4096, 0);
				my $reply = $ns->_answer($query, 1) // next;
				send($udp, $reply, 0, $from);
				next;
			}
			my $c = $tcp->accept // next;
			local $SIG{ALRM} = sub { die };
			eval {
				alarm 5;
				read($c, my $len, 2) == 2 or die;
				read($c, my $query, unpack 'n', $len) or die;
				my $reply = $ns->_answer($query, 0);
				print $c pack('n/a*', $reply) if defined $reply;
			};
			alarm 0;
			close($c);
		}
	}
}

sub
_name
{
	my ($name) = @_;

	return join('', map { pack 'C/a*', $_ } split /\./, $name) . "\0";
}

sub
_rdata
{
	my ($kind, $data) = @_;
	my @w = split ' ', $data;

	return inet_aton($data) if $kind eq 'A';
	return inet_pton(AF_INET6, $data) if $kind eq 'AAAA';
	return pack('n', $w[0]) . _name($w[1] eq '.' ? '' : $w[1])
	    if $kind eq 'MX';
	return join '', map { pack 'C/a*', $_ } unpack '(a255)*', $data
	    if $kind eq 'TXT';
	return pack('CCC', @w) . pack('H*', $w[3]) if $kind eq 'TLSA';
	return _name($w[0]) . _name($w[1]) . pack('N5', @w[2 .. 6])
	    if $kind eq 'SOA';
	return _name($data);
}

# The records that answer a question, CNAMEs followed.
sub
_find
{
	my ($ns, $name, $qtype) = @_;
	my ($answer, $n) = ('', 0);

	for (1 .. 8) {
		my $next;
		for my $r (@{$ns->{records}{lc $name} // []}) {
			my ($kind, $data) = @$r;
			my $t = $type{$kind} // next;
			next if $t != $qtype && $kind ne 'CNAME';
			$answer .= _name($name) . pack('n n N n/a*', $t, 1, 60,
			    _rdata($kind, $data));
			$n++;
			$next = $data if $kind eq 'CNAME' && $t != $qtype;
		}
		last if !defined $next;
		$name = $next;
	}
	return ($answer, $n, $name);
}

sub
_answer
{
	my ($ns, $query, $udp) = @_;
	my ($id, $flags, $qd, undef, undef, $ar) = unpack 'n6', $query;
	my ($at, @labels) = (12);

	return undef if length $query < 17 || $qd != 1;
	while ((my $len = ord substr $query, $at, 1) > 0) {
		push @labels, substr $query, $at + 1, $len;
		$at += 1 + $len;
		return undef if $at > length $query;
	}
	my $name = join '.', @labels;
	my ($qtype) = unpack 'n', substr $query, $at + 1, 2;
	my $question = substr $query, 12, $at + 5 - 12;
	my %as = map { $_->[0] => 1 } @{$ns->{records}{lc $name} // []};

	return undef if $as{DROP};
	my ($answer, $n, $last) = $ns->_find($name, $qtype);
	my $rcode = $as{SERVFAIL} ? 2 : $as{REFUSED} ? 5
	    : $ns->{exists}{lc $last} ? 0 : 3;
	my $tc = $as{TRUNCATE} && $udp;

	($answer, $n) = ('', 0) if $tc || $rcode == 2 || $rcode == 5;
	# QR and RA, RD as asked; AD when asked by AD or by an OPT record.
	$flags = 0x8080 | ($flags & 0x0110) | ($tc ? 0x0200 : 0) |
	    ($ns->{ad} && ($ar || $flags & 0x0020) ? 0x0020 : 0) | $rcode;
	return pack('n6', $id, $flags, 1, $n, 0, $ar ? 1 : 0) . $question .
	    $answer . ($ar ? "\0" . pack('n n N n', 41, 1232, 0, 0) : '');
}

1;
