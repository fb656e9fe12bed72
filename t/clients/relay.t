#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that mail goes through the relay that the settings name for its sender
# and its recipient, with the login there (RFC 4954, RFC 5802), and that a
# password is said to nobody who has not proved his name; that a host with
# several addresses costs no wait when some are dead, and where mail comes
# from.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use MIME::Base64;
use Test::More;
use Time::HiRes qw(time);

use Stdmail;
use Stdmail::Mta;
use Stdmail::Nameserver;
use Stdmail::Net;

Stdmail::need(qw(smtp-send smtpd tls));
Stdmail::Net::enter('192.0.2.1/24', '2001:db8::1/64', '2001:db8::2/64');

my $text = "Subject: hello\n\nwords\n";
my $ns = Stdmail::Nameserver->start(<<END);
far.test	MX	10 both.far.test
six.test	MX	10 six.far.test
both.far.test	AAAA	2001:db8:dead::1
both.far.test	AAAA	2001:db8::1
both.far.test	A	192.0.2.9
six.far.test	AAAA	2001:db8::1
localhost	A	127.0.0.1
relay.far.test	A	192.0.2.7
1.2.0.192.in-addr.arpa	PTR	one.a.test
one.a.test	A	192.0.2.1
END

# --- a relay that is ours, with TLS and a login ---------------------------

my $relay = Stdmail->new(domain => 'relay.test', users => {
    alice => 'open sesame', carol => 'other-words' }, conf => {
    relay_domains => 'far.test', auth_mechanisms => 'PLAIN LOGIN',
    send_as => ['alice alice@a.test', 'carol carol@a.test'] });
my $s = Stdmail->new(conf => { resolver => $ns->resolver,
    tls_ca => "$relay->{dir}/cert.pem" });

sub
logins
{
	my (@lines) = @_;

	Stdmail::spew("$s->{dir}/logins", join('', map { "$_\n" } @lines),
	    0600);
	$s->{conf}{relay_login} = "$s->{dir}/logins";
	$s->own;
	$s->write_conf;
}

sub
smtp_send
{
	my (@args) = @_;
	my ($status, $out, $err) = $s->run_program('smtp-send', [@args],
	    stdin => $text, timeout => 40);

	return ($status, $out . $err);
}

for my $mechanisms ('PLAIN', 'LOGIN', 'SCRAM-SHA-256 PLAIN') {
	$relay->{conf}{auth_mechanisms} = $mechanisms;
	$relay->write_conf;
	my $srv = $relay->start('smtpd', args => ['-m', 'submission']);
	$s->{conf}{relay} = "localhost:$srv->{port}";
	logins('# the provider', '', "localhost:$srv->{port} alice open sesame",
	    "carol\@a.test localhost:$srv->{port} carol other-words");
	for my $who (qw(alice carol)) {
		my ($status, $out) = smtp_send('-f', "$who\@a.test",
		    'bob@far.test');
		is($status, 0, "$mechanisms: $who logs in") or
		    diag($out, $relay->log_text);
		like($relay->log_text, qr/user=$who\b/,
		    "$mechanisms: as $who");
	}
	logins("localhost:$srv->{port} alice wr0ng-one");
	my ($status, $out) = smtp_send('-f', 'alice@a.test', 'bob@far.test');
	is($status, 75, "$mechanisms: a wrong password: the mail waits");
	like($out, qr/\t4\.7\.8\t.*535 .* wrong/, "$mechanisms: and why");
	unlike($out . $s->log_text, qr/wr0ng/, "$mechanisms: not the word");
	$srv->stop;
}

# TLS from the first octet, on the port that is known for it.
my $tls = $relay->start('smtpd', args => ['-T', '-m', 'submission'],
    listen => '127.0.0.1', port => 465);
$s->{conf}{relay} = 'localhost:465';
logins('localhost:465 alice open sesame');
my ($status, $out) = smtp_send('-f', 'alice@a.test', 'bob@far.test');
is($status, 0, 'port 465: TLS from the first octet') or
    diag($out, $relay->log_text);
$tls->stop;

# server-first-message for the client-first-message of a line.
sub
challenge
{
	my ($line) = @_;
	my ($nonce) = decode_base64($line =~ s{.* }{}r) =~ /,r=([^,]+)/;

	return '334 ' . encode_base64("r=${nonce}more,s=c2FsdA==,i=4096", '');
}

# --- nobody gets a password who has not proved his name -------------------

my @offers = ('PIPELINING', 'AUTH PLAIN LOGIN SCRAM-SHA-256');
for my $case (
	['no TLS', '192.0.2.7', [@offers], [], qr/offers no TLS/],
	['a certificate of another', '192.0.2.7', [@offers, 'STARTTLS'], [],
	    qr/no password is sent/],
	['a handshake that fails', '192.0.2.7', [@offers, 'STARTTLS'],
	    [[qr/^HANDSHAKE/, '']], qr/no password is sent/],
	['no login', '127.0.0.1', ['PIPELINING'], [], qr/no login that we/],
	['a challenge that is none', '127.0.0.1', [@offers],
	    [[qr/^AUTH/, '334 ' . encode_base64('r=x,s=c2FsdA==,i=1', '')]],
	    qr/challenge/],
	['a server that takes the proof unseen', '127.0.0.1', [@offers],
	    [[qr/^AUTH/, \&challenge], [qr/^[\w+\/=]{60,}$/, '235 2.7.0 in']],
	    qr/does not prove/],
) {
	my ($what, $addr, $offers, $rules, $words) = @$case;
	my $mta = Stdmail::Mta->start(addr => $addr, offers => $offers,
	    rules => $rules);
	$s->{conf}{relay} = "$addr:$mta->{port}";
	logins("$addr:$mta->{port} alice open sesame");
	my ($got, $said) = smtp_send('-f', 'alice@a.test', 'bob@far.test');
	is($got, 75, "$what: the mail waits");
	like($said, $words, "$what: and why");
	my $heard = join "\n", map { @$_ } $mta->heard;
	unlike($heard, qr/^(MAIL|AUTH (PLAIN|LOGIN))/m,
	    "$what: neither mail nor password is said");
	$mta->stop;
}

# --- which relay ----------------------------------------------------------

{
	my $one = Stdmail::Mta->start;
	my $two = Stdmail::Mta->start;
	delete $s->{conf}{relay_login};
	$s->{conf}{relay} = "127.0.0.1:$one->{port}";
	$s->{conf}{relay_by_sender} = "\@b.test 127.0.0.1:$two->{port}";
	$s->{conf}{route} = ".far.test 127.0.0.1:$one->{port}";
	$s->write_conf;
	for my $row (['alice@a.test', 'bob@any.test', 1, 0],
	    ['alice@b.test', 'bob@any.test', 0, 1],
	    ['alice@b.test', 'bob@x.far.test', 1, 0],
	    ['<>', 'bob@any.test', 1, 0]) {
		my ($from, $to, @want) = @$row;
		$_->forget for $one, $two;
		smtp_send('-f', $from, $to);
		is_deeply([map { scalar(() = $_->messages) } $one, $two],
		    \@want, "from $from to $to");
	}
	delete @{$s->{conf}}{qw(relay relay_by_sender route)};
}

# --- addresses ------------------------------------------------------------

my $four = Stdmail::Mta->start(addr => '192.0.2.9');
my $port = $four->{port};
my $six = Stdmail::Mta->start(addr => '2001:db8::1', port => $port);
$s->{conf}{smtp_port} = $port;
# Nothing answers there: its packets are lost.
Stdmail::Net::ip('-6', 'route', 'add', '2001:db8:dead::/48', 'dev', 'lo');

# A dead address, one of IPv6 and one of IPv4: no wait to speak of.
$s->{conf}{smtp_ipv6} = 'yes';
$s->write_conf;
my $start = time;
($status, $out) = smtp_send('-f', 'alice@a.test', 'bob@far.test');
is($status, 0, 'one of three addresses is dead') or diag($out);
cmp_ok(time - $start, '<', 15, 'and costs little');

# Our IPv6 address has no name: IPv4 is taken, if it is there.
$s->{conf}{smtp_ipv6} = 'named';
for my $row (['named', 'far.test', 1, 0], ['named', 'six.test', 0, 1],
    ['yes', 'six.test', 0, 1], ['no', 'far.test', 1, 0],
    ['no', 'six.test', 0, 1]) {
	my ($key, $to, @want) = @$row;
	$s->{conf}{smtp_ipv6} = $key;
	$s->write_conf;
	$_->forget for $four, $six;
	($status, $out) = smtp_send('-f', 'alice@a.test', "bob\@$to");
	is_deeply([map { scalar(() = $_->messages) } $four, $six], \@want,
	    "smtp_ipv6 $key: $to by IPv" . ($want[0] ? 4 : 6)) or diag($out);
}

# Where it comes from, and what it says it is.
$s->{conf}{smtp_source} = '192.0.2.1 2001:db8::2';
$s->{conf}{smtp_helo} = 'one.a.test';
$s->write_conf;
$four->forget;
smtp_send('-f', 'alice@a.test', 'bob@far.test');
my ($session) = $four->heard;
is($session->[0], 'EHLO one.a.test', 'the name of smtp_helo');
is($session->[-1], 'QUIT', 'to its end');
is_deeply([$four->peers], ['192.0.2.1'], 'from the address of smtp_source');

# -n knows both.
for my $row (['one.a.test', '192.0.2.1', 0, qr/^$/],
    ['two.a.test', '192.0.2.1', 0, qr/has the name one\.a\.test/],
    ['one.a.test', '192.0.2.5', 0, qr/has no name/],
    ['one.a.test', '198.51.100.1', 78, qr/no such address/]) {
	my ($helo, $source, $code, $words) = @$row;
	@{$s->{conf}}{qw(smtp_helo smtp_source)} = ($helo, $source);
	$s->write_conf;
	my ($got, $o, $e) = $s->run_program('smtp-send', ['-n']);
	is($got, $code, "-n: $helo from $source: exit $code");
	like($o . $e, $words, "-n: $helo from $source");
}

# A file that others may read is no place for a password.
logins('relay.test alice open-sesame');
chmod 0644, "$s->{dir}/logins";
@{$s->{conf}}{qw(smtp_helo smtp_source)} = ('', '192.0.2.1');
delete $s->{conf}{smtp_helo};
$s->write_conf;
my ($code, undef, $why) = $s->run_program('smtp-send', ['-n']);
is($code, 78, 'relay_login that others may read: -n');
like($why, qr/relay_login: .*others may read/, 'and what is wrong');

done_testing();
