#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that SCRAM-SHA-256 lets clients in, by IMAP, POP3 and SMTP, in the
# clear and bound to TLS: a client of our own that follows RFC 5802 and checks
# what the server proves; mpop; gsasl where there is one.  A wrong password, a
# proof used twice and nobody are all told the same.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA qw(sha256 hmac_sha256);
use File::Path qw(make_path);
use IO::Socket::IP;
use MIME::Base64;
use Test::More;

use Stdmail;

Stdmail::need(qw(imapd pop3d smtpd));

# Dovecot's form, by doveadm pw, of "sesame"; and a text.
my $stored = '{SCRAM-SHA-256}4096,f6qnuUYDHP/AeMfHfNWWug==,' .
    'P+nr5+X1941gB+W5yd+8VAAERtJZYyfFG5sj3VYQ5pk=,' .
    'KF3xncKqyMntYRGRx40ivP3SryxFXudjgDn6MoY5RdE=';
my $s = Stdmail->new(users => { alice => $stored, bob => 'open-sesame' },
    conf => { auth_mechanisms => 'PLAIN LOGIN SCRAM-SHA-256' });
my %srv = (imap => $s->start('imapd'), pop3 => $s->start('pop3d'),
    smtp => $s->start('smtpd', args => ['-m', 'submission']));
# How each begins, a login and a wrong one end, and how it is left.
my %words = (
	imap => ['a AUTHENTICATE SCRAM-SHA-256', qr/^a OK \[CAPABILITY/,
	    qr/^a NO \[AUTHENTICATIONFAILED\] Wrong/, 'z LOGOUT'],
	pop3 => ['AUTH SCRAM-SHA-256', qr/^\+OK/, qr/^-ERR \[AUTH\] Wrong/,
	    'QUIT'],
	smtp => ["EHLO x\r\nAUTH SCRAM-SHA-256", qr/^235 2\.7\.0/,
	    qr/^535 5\.7\.8 User or password/, 'QUIT'],
);
my $client = "$s->{dir}/client";
my %secret = (alice => 'sesame', bob => 'open-sesame');

sub b64 { return encode_base64($_[0], '') }

# The end of SaltedPassword's loop: section 2.2, Hi().
sub
hi
{
	my ($password, $salt, $rounds) = @_;
	my $u = hmac_sha256($salt . pack('N', 1), $password);
	my $sum = $u;

	for (2 .. $rounds) {
		$u = hmac_sha256($u, $password);
		$sum ^= $u;
	}
	return $sum;
}

sub
line
{
	my ($sock) = @_;
	my $line;

	local $SIG{ALRM} = sub { die "no answer\n" };
	alarm 60;
	$line = readline($sock) // '';
	alarm 0;
	return $line =~ s/\r\n$//r;
}

# One exchange: what the server answered at its end.
my $serial = 0;
sub
exchange
{
	my ($proto, $user, $password, %o) = @_;
	my $sock = IO::Socket::IP->new(PeerHost => '127.0.0.1',
	    PeerPort => $srv{$proto}{port}) or die "connect: $!\n";
	my ($begin, $leave) = @{$words{$proto}}[0, 3];
	my $bare = "n=$user,r=nonce" . $serial++;

	line($sock);
	print $sock "$begin\r\n";
	while (line($sock) =~ /^250/) {
	}
	print $sock b64("n,,$bare") . "\r\n";
	my $first = decode_base64(line($sock) =~ s/^(?:\+|334) //r);
	my ($r, $salt, $rounds) = $first =~ /^r=(.*),s=(.*),i=(\d+)$/
	    or return "no challenge: $first";
	my $salted = hi($password, decode_base64($salt), $rounds);
	my $key = hmac_sha256('Client Key', $salted);
	my $end = "c=biws,r=$r" . ($o{extension} // '');
	my $message = "$bare,$first,$end";
	my $proof = $key ^ hmac_sha256($message, sha256($key));
	print $sock b64("$end,p=" . b64($proof)) . "\r\n";
	my $answer = line($sock);
	return $answer if $answer !~ /^(?:\+|334) (.*)/;
	is(decode_base64($1), 'v=' . b64(hmac_sha256($message,
	    hmac_sha256('Server Key', $salted))), "the server proves itself");
	print $sock "\r\n";
	$answer = line($sock);
	print $sock "$leave\r\n";
	close($sock);
	return $answer;
}

for my $proto (qw(imap pop3 smtp)) {
	my ($good, $bad) = @{$words{$proto}}[1, 2];

	like(exchange($proto, $_, $secret{$_}), $good, "$proto: $_")
	    for sort keys %secret;
	like(exchange($proto, 'bob', $secret{bob}, extension => ',x=y'), $good,
	    "$proto: with an extension");
	like(exchange($proto, 'bob', 'wrong'), $bad, "$proto: a wrong one");
	like(exchange($proto, 'carol', 'wrong'), $bad, "$proto: nobody");
}

# --- mpop -----------------------------------------------------------------

sub
mpop
{
	my ($mechanism, $tls, $password) = @_;

	unlink "$client/mpoprc";
	Stdmail::spew("$client/mpoprc", <<END, 0600);
account default
host localhost
port $srv{pop3}{port}
user alice
password $password
auth $mechanism
tls $tls
tls_starttls on
tls_trust_file $client/cert.pem
delivery maildir $client/box
END
	return $s->run_tool('mpop', ['-C', "$client/mpoprc", '-a'],
	    timeout => 60);
}

make_path("$client/box/$_") for qw(cur new tmp);
Stdmail::spew("$client/cert.pem", Stdmail::slurp("$s->{dir}/cert.pem"));
for my $row (['scram-sha-256', 'off', 'sesame', 0],
    ['scram-sha-256', 'on', 'sesame', 0],
    ['scram-sha-256', 'off', 'wrong', 77]) {
	my ($mechanism, $tls, $password, $want) = @$row;
	my ($status, $out, $err) = mpop($mechanism, $tls, $password);

	is($status, $want, "mpop: $mechanism, tls $tls, $password")
	    or diag $out, $err;
}

# --- gsasl ----------------------------------------------------------------

if (Stdmail::tool('gsasl')) {
	for my $row (['SCRAM-SHA-256', '--no-starttls'],
	    ['SCRAM-SHA-256-PLUS', '--starttls']) {
		my ($status, $out, $err) = $s->run_tool('gsasl', ['--imap',
		    "--connect=localhost:$srv{imap}{port}",
		    "--mechanism=$row->[0]", $row->[1],
		    '--authentication-id=bob', '--password=open-sesame',
		    "--x509-ca-file=$client/cert.pem"], stdin => '',
		    timeout => 60);
		like("$out$err", qr/server trusted/, "gsasl: @$row");
	}
}

for (values %srv) {
	ok($_->alive(0.02), 'the server lives');
}
unlike($s->log_text, qr/open-sesame|signal=|AddressSanitizer|runtime error/,
    'nothing crashed, and no password is in the log');
$s->stop;
done_testing();
