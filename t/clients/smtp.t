#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the clients people have can hand a message to smtpd: curl,
# swaks and msmtp, in the clear, with STARTTLS, and with TLS from the first
# byte, with AUTH and without; and that what they send lies in the spool as
# they sent it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;

Stdmail::need(qw(smtpd));

my $s = Stdmail->new(users => { alice => 'open-sesame' });
my $mx = $s->start('smtpd', args => ['-m', 'mx']);
my $sub = $s->start('smtpd', args => ['-m', 'submission']);
my $tls = $s->start('smtpd', args => ['-T', '-m', 'submission']);
my $client = "$s->{dir}/client";
my $text = <<'END';
From: Alice <alice@a.test>
To: Alice <alice@a.test>
Subject: from a client
Date: Sat, 21 Nov 2026 04:42:04 +0000

.dot
..two
.

the end
END

Stdmail::spew("$client/cert.pem", Stdmail::slurp("$s->{dir}/cert.pem"));
Stdmail::spew("$client/message", $text =~ s/\n/\r\n/gr);
# swaks ends it with an end of line of its own.
Stdmail::spew("$client/message.lf", $text =~ s{\n\z}{}r);

# The one message that must now lie in a queue; it is taken away.
sub
spooled
{
	my ($queue, $what) = @_;
	my @found = grep { /,S=/ && !/\.env\w*\z/ } $s->spooled("$queue/now");
	my @messages = grep { Stdmail::slurp($_) =~ /^Received: /m } @found;

	is(scalar @messages, 1, "$what: it lies in spool/$queue/now") or
	    diag join "\n", $s->spooled;
	my $bytes = @messages ? Stdmail::slurp($messages[0]) : '';
	unlink $s->spooled;
	my ($head, $body) = split /^From: /m, $bytes, 2;
	$body = 'From: ' . ($body // '');
	# msmtp and swaks may add fields of their own to the header.
	$body =~ s/^(?:X-Mailer|Message-I[dD]):[^\n]*\n//mg;
	is($body, $text, "$what: as it was sent");
	return $head // '';
}

sub
good
{
	my ($what, $queue, $with, $status, $out, $err) = @_;

	is($status, 0, "$what: taken") or diag "$out$err";
	my $head = spooled($queue, $what);
	like($head, qr/\bwith $with\b/, "$what: Received with $with");
}

sub
curl
{
	my ($what, $queue, $with, $url, @args) = @_;

	SKIP: {
		skip 'curl is missing', 4 if !Stdmail::tool('curl');
		good("curl, $what", $queue, $with, $s->run_tool('curl', ['-sS',
		    '--cacert', "$client/cert.pem", '--mail-from',
		    'alice@a.test', '-T', "$client/message", @args, $url]));
	}
}

my @to = ('--mail-rcpt', 'alice@a.test');
my @away = ('--mail-rcpt', 'bob@b.test');
my @auth = ('-u', 'alice:open-sesame');
my $host = '127.0.0.1';

curl('in the clear', 'local', 'ESMTP', "smtp://$host:$mx->{port}/c.test", @to);
curl('STARTTLS', 'local', 'ESMTPS', "smtp://$host:$mx->{port}/c.test", @to,
    '--ssl-reqd');
curl('STARTTLS and AUTH', 'remote', 'ESMTPSA',
    "smtp://$host:$sub->{port}/c.test", @away, '--ssl-reqd', @auth);
curl('AUTH LOGIN', 'remote', 'ESMTPSA', "smtp://$host:$sub->{port}/c.test",
    @away, '--ssl-reqd', @auth, '--login-options', 'AUTH=LOGIN');
curl('TLS from the first byte', 'remote', 'ESMTPSA',
    "smtps://$host:$tls->{port}/c.test", @away, @auth);
curl('AUTH in the clear, from loopback', 'remote', 'ESMTPA',
    "smtp://$host:$sub->{port}/c.test", @away, @auth);

SKIP: {
	skip 'curl is missing', 4 if !Stdmail::tool('curl');
	my @curl = ('-sS', '--cacert', "$client/cert.pem", '--mail-from',
	    'alice@a.test', '-T', "$client/message");
	my ($status, undef, $err) = $s->run_tool('curl', [@curl, @away,
	    '--ssl-reqd', '-u', 'alice:wrong-word',
	    "smtp://$host:$sub->{port}/c.test"]);
	is($status, 67, 'curl: a wrong password: login denied') or diag $err;
	($status, undef, $err) = $s->run_tool('curl', [@curl, @away,
	    "smtp://$host:$sub->{port}/c.test"]);
	isnt($status, 0, 'curl: submission without AUTH: refused');
	like($err, qr/5[35]0/, 'curl: by a 530 or 550');
	is(scalar $s->spooled, 0, 'and nothing is spooled');
}

SKIP: {
	skip 'swaks is missing', 20 if !Stdmail::tool('swaks');
	my @swaks = ('--silent', '2', '--ehlo', 'c.test', '--from',
	    'alice@a.test', '--data', "\@$client/message.lf", '--server',
	    $host);

	for my $row (
		['in the clear', 'local', 'ESMTP', '--port', $mx->{port},
		    '--to', 'alice@a.test'],
		['HELO only', 'local', 'SMTP', '--port', $mx->{port},
		    '--to', 'alice@a.test', '--protocol', 'SMTP'],
		['pipelining', 'local', 'ESMTP', '--port', $mx->{port},
		    '--to', 'alice@a.test', '--pipeline'],
		['STARTTLS, AUTH PLAIN', 'remote', 'ESMTPSA', '--port',
		    $sub->{port}, '--to', 'bob@b.test', '--tls', '--auth',
		    'PLAIN', '-au', 'alice', '-ap', 'open-sesame'],
		['STARTTLS, AUTH LOGIN', 'remote', 'ESMTPSA', '--port',
		    $sub->{port}, '--to', 'bob@b.test', '--tls', '--auth',
		    'LOGIN', '-au', 'alice', '-ap', 'open-sesame'],
		['TLS on connect', 'remote', 'ESMTPSA', '--port',
		    $tls->{port}, '--to', 'bob@b.test', '--tls-on-connect',
		    '--auth', 'PLAIN', '-au', 'alice', '-ap', 'open-sesame'],
	) {
		my ($what, $queue, $with, @args) = @$row;
		good("swaks, $what", $queue, $with,
		    $s->run_tool('swaks', [@swaks, @args]));
	}
}

SKIP: {
	skip 'msmtp is missing', 9 if !Stdmail::tool('msmtp');
	my $rc = sub {
		my ($port, @lines) = @_;
		Stdmail::spew("$client/msmtprc", join("\n", 'account default',
		    "host $host", "port $port", 'from alice@a.test',
		    'domain c.test', @lines) . "\n", 0600);
	};
	my @auth = ('auth plain', 'user alice', 'password open-sesame');
	my @trust = ("tls_trust_file $client/cert.pem", 'tls on');

	for my $row (
		['in the clear', $mx, 'local', 'ESMTP', 'alice@a.test'],
		['STARTTLS and AUTH', $sub, 'remote', 'ESMTPSA', 'bob@b.test',
		    @auth, @trust, 'tls_starttls on'],
		['TLS from the first byte', $tls, 'remote', 'ESMTPSA',
		    'bob@b.test', @auth, @trust, 'tls_starttls off'],
	) {
		my ($what, $srv, $queue, $with, $to, @lines) = @$row;
		$rc->($srv->{port}, @lines);
		good("msmtp, $what", $queue, $with, $s->run_tool('msmtp',
		    ['-C', "$client/msmtprc", '--', $to], stdin => $text));
	}
}

ok($_->alive(0.02), 'the server lives') for $mx, $sub, $tls;
unlike($s->log_text, qr/open-sesame|wrong-word/, 'no password in the log');

done_testing();
