#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the clients people have can read and delete mail with pop3d:
# curl and fetchmail, in the clear, with STLS, and with TLS from the first
# byte; that sizes and bytes are right; and that what stays on the server
# keeps its UIDL.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;

Stdmail::need(qw(pop3d));

my $s = Stdmail->new(users => { alice => 'open-sesame' });
my $client = "$s->{dir}/client";
my @text = ("Subject: one\nMessage-ID: <1\@a.test>\n\nfirst\n",
    "Subject: two\nMessage-ID: <2\@a.test>\n\n.dot\n..two\n.\nlast\n",
    "Subject: three\nMessage-ID: <3\@a.test>\n\n" . ('x' x 70 . "\n") x 500);

$s->preload('alice', $text[0], 'S', 1700000001);
$s->preload('alice', $text[1], undef, 1700000002);
$s->preload('alice', $text[2], undef, 1700000003);
my $srv = $s->start('pop3d');
my $tls = $s->start('pop3d', args => ['-T']);
Stdmail::spew("$client/cert.pem", Stdmail::slurp("$s->{dir}/cert.pem"));

sub crlf { return $_[0] =~ s/\n/\r\n/gr }

sub
curl
{
	return $s->run_tool('curl', ['-sS', '--cacert', "$client/cert.pem",
	    '-u', 'alice:open-sesame', @_]);
}

my $url = "pop3://127.0.0.1:$srv->{port}";
my $urls = "pop3s://127.0.0.1:$tls->{port}";
my $uidl;

SKIP: {
	skip 'curl is missing', 20 if !Stdmail::tool('curl');
	for my $row (['in the clear', $url], ['STLS', $url, '--ssl-reqd'],
	    ['TLS from the first byte', $urls],
	    ['SASL PLAIN', $url, '--login-options', 'AUTH=PLAIN']) {
		my ($what, $base, @args) = @$row;
		my ($status, $out, $err) = curl(@args, "$base/");
		is($out, join('', map { sprintf "%d %d\r\n", $_,
		    length crlf($text[$_ - 1]) } 1 .. 3),
		    "curl, $what: LIST") or diag $err;
		($status, $out) = curl(@args, "$base/2");
		Stdmail::same($out, crlf($text[1]), "curl, $what: RETR");
	}
	my ($status, $out) = curl("$url/", '-X', 'UIDL');
	like($out, qr/\A(\d+ [!-~]{1,70}\r\n){3}\z/, 'curl: UIDL');
	$uidl = $out;
	($status, $out) = curl("$url/", '-X', 'TOP 2 1');
	is($out, "Subject: two\r\nMessage-ID: <2\@a.test>\r\n\r\n.dot\r\n",
	    'curl: TOP');
	($status) = $s->run_tool('curl', ['-sS', '-u', 'alice:wrong', $url]);
	is($status, 67, 'curl: a wrong password: login denied');
	($status) = curl("$url/9");
	isnt($status, 0, 'curl: a message that is not there');
}

sub
fetchmail
{
	my ($port, $options, $server) = @_;

	$server //= '';
	unlink "$client/fetched";
	Stdmail::spew("$client/fetchmailrc", <<END, 0600);
set no bouncemail
poll localhost protocol pop3 port $port $server
    user alice password "open-sesame" $options
    mda "/bin/sh -c 'cat; echo' >>$client/fetched"
END
	return $s->run_tool('fetchmail', ['-f', "$client/fetchmailrc",
	    '--pidfile', "$client/fetchmail.pid", '-i', "$client/fetchids",
	    '--invisible']);
}

SKIP: {
	skip 'fetchmail is missing', 14 if !Stdmail::tool('fetchmail');
	my $trust = "sslcertck sslcertfile $client/cert.pem";
	for my $row (
		['keep', $srv, "sslproto '' keep fetchall"],
		['keep, STLS', $srv, "sslproto TLS1.2+ $trust keep fetchall"],
		['keep, TLS', $tls, "ssl $trust keep fetchall"],
	) {
		my ($what, $to, $options) = @$row;
		my ($status, $out, $err) = fetchmail($to->{port}, $options);
		is($status, 0, "fetchmail, $what") or diag "$out$err";
		my $got = -e "$client/fetched"
		    ? Stdmail::slurp("$client/fetched") : '';
		Stdmail::same(($got =~ s/\r//gr), join('', map { "$_\n" } @text),
		    "fetchmail, $what: all three as they are");
	}
	my ($status, $out, $err) = fetchmail($srv->{port},
	    "sslproto '' keep", 'uidl');
	is($status, 0, 'fetchmail, keep uidl: the first time') or
	    diag "$out$err";
	my (undef, $now) = curl("$url/", '-X', 'UIDL');
	is($now, $uidl, 'the UIDL of what stayed stays') if defined $uidl;
	($status) = fetchmail($srv->{port}, "sslproto '' keep", 'uidl');
	is($status, 1, 'fetchmail, keep uidl: nothing new the second time');
	($status, $out, $err) = fetchmail($srv->{port},
	    "sslproto '' nokeep fetchall");
	is($status, 0, 'fetchmail, nokeep') or diag "$out$err";
	is(scalar(map { $s->files("Mail/alice/$_") } qw(new cur)), 0,
	    'and the Maildir is empty');
	($status) = fetchmail($srv->{port}, "sslproto '' nokeep fetchall");
	is($status, 1, 'fetchmail: no mail');
}

ok($_->alive(0.02), 'the server lives') for $srv, $tls;
unlike($s->log_text, qr/open-sesame/, 'no password in the log');

done_testing();
