# SPDX-License-Identifier: ISC
#
# Certificates for tests of who is trusted: an authority, and hosts of it or of
# nobody, with any names and dates.  PEM throughout.
#
#	my $ca = Stdmail::Certs->new;
#	$ca->{pem}
#	my ($chain, $key) = $ca->host(names => ['mx.a.test'], days => 1);
#	my ($chain, $key) = $ca->host(names => ['mx.a.test'], alone => 1);
#						only in the subject
#	my ($chain, $key) = Stdmail::Certs->self(names => [...], days => -1);
#	Stdmail::Certs::tlsa(3, 1, 1, $pem)	"3 1 1 hex", of the first in it
package Stdmail::Certs;

use strict;
use warnings;

use Digest::SHA qw(sha256_hex sha512_hex);
use IO::Socket::SSL::Utils qw(CERT_create KEY_create_ec PEM_cert2string
    PEM_key2string);
use MIME::Base64;
use Net::SSLeay;

sub
new
{
	my ($class, %o) = @_;
	my ($cert, $key) = CERT_create(CA => 1, key => KEY_create_ec(),
	    subject => { commonName => $o{name} // 'an authority' },
	    not_before => time - 30 * 86400, not_after => time + 86400);

	return bless { cert => $cert, key => $key,
	    pem => PEM_cert2string($cert) }, $class;
}

sub
_host
{
	my ($issuer, %o) = @_;
	my ($cert, $key) = CERT_create(key => KEY_create_ec(),
	    subject => { commonName => $o{names}[0] },
	    purpose => 'server', @$issuer, $o{alone} ? () :
	    (subjectAltNames => [map { [DNS => $_] } @{$o{names}}]),
	    not_before => time - 20 * 86400,
	    not_after => time + ($o{days} // 1) * 86400);

	return (PEM_cert2string($cert), PEM_key2string($key));
}

# With the authority behind it, as usage 2 wants it.
sub
host
{
	my ($ca, %o) = @_;
	my ($pem, $key) = _host([issuer => [$ca->{cert}, $ca->{key}]], %o);

	return ($pem . $ca->{pem}, $key);
}

sub self { my ($class, %o) = @_; return _host([], %o) }

sub
tlsa
{
	my ($usage, $selector, $matching, $pem) = @_;
	my ($body) = $pem =~ /-BEGIN CERTIFICATE-----(.*?)-----END/s;
	my $data = decode_base64($body);

	if ($selector == 1) {
		my $bio = Net::SSLeay::BIO_new(Net::SSLeay::BIO_s_mem());
		Net::SSLeay::BIO_write($bio, $pem);
		my $x = Net::SSLeay::PEM_read_bio_X509($bio);
		$data = Net::SSLeay::X509_get_X509_PUBKEY($x);
	}
	return "$usage $selector $matching " . ($matching == 0 ?
	    unpack('H*', $data) : $matching == 1 ? sha256_hex($data) :
	    sha512_hex($data));
}

1;
