#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the programs people write and read their mail with, and the
# libraries of those who write programs, can hand a message to smtpd: mutt,
# s-nail, Python's smtplib, Node's nodemailer, and Postfix's smtp-source, many
# at a time; to an MX in the clear and with STARTTLS, and with AUTH and TLS to
# submission; and that octets above 127, dots and long lines arrive as sent.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;

Stdmail::need(qw(smtpd));

my $s = Stdmail->new(users => { alice => 'open-sesame' });
my $client = "$s->{dir}/client";
my $host = '127.0.0.1';
my $mx = $s->start('smtpd', args => ['-m', 'mx']);
my $sub = $s->start('smtpd', args => ['-m', 'submission']);
my $tls = $s->start('smtpd', args => ['-T', '-m', 'submission']);

# what it is called, server, the queue, Received's with, TLS, user
my @ways = (
	['in the clear', $mx, 'local', 'ESMTP', 'none', 0],
	['STARTTLS', $mx, 'local', 'ESMTPS', 'starttls', 0],
	['STARTTLS and AUTH', $sub, 'remote', 'ESMTPSA', 'starttls', 1],
	['TLS at once and AUTH', $tls, 'remote', 'ESMTPSA', 'tls', 1],
);
my $body = ".dot\n..\n.\ngr\xc3\xbc\xc3\x9fe, \xe2\x82\xac\n" . 'x' x 900 .
    "\n\n.\nthe end\n";
my $header = "From: Alice <alice\@a.test>\nTo: Bob <bob\@b.test>\n" .
    "Subject: gr\xc3\xbc\xc3\x9fe\nDate: Sat, 21 Nov 2026 04:42:04 +0000\n" .
    "Message-ID: <1\@c.test>\nMIME-Version: 1.0\n" .
    "Content-Type: text/plain; charset=utf-8\n" .
    "Content-Transfer-Encoding: 8bit\n";
my $long = "\n" . ('y' x 5000) . "\n\xff\xfe\x80\n";

Stdmail::spew("$client/cert.pem", Stdmail::slurp("$s->{dir}/cert.pem"));

# The messages of a queue, which is emptied.
sub
spooled
{
	my ($queue) = @_;
	my @text = grep { /^Received: /m } map { Stdmail::slurp($_) }
	    $s->spooled("$queue/now");

	unlink $s->spooled;
	return @text;
}

# A client was run: its message is there, and ends in these octets.
sub
good
{
	my ($what, $way, $want, $status, $out, $err) = @_;
	my ($name, undef, $queue, $with) = @$way;

	is($status, 0, "$what, $name: taken") or diag "$out$err";
	my @got = spooled($queue);
	is(scalar @got, 1, "$what, $name: it lies in the spool");
	my $text = $got[0] // '';
	Stdmail::same(substr($text, -length $want), $want,
	    "$what, $name: as it was sent");
	like($text, qr/\bby mx\.a\.test\b.*?\bwith $with\b/s,
	    "$what, $name: Received with $with");
}

sub to { return $_[0][2] eq 'local' ? 'alice@a.test' : 'bob@b.test' }

sub
mutt
{
	my ($way) = @_;
	my (undef, $srv, undef, undef, $secure, $auth) = @$way;
	my $scheme = $secure eq 'tls' ? 'smtps' : 'smtp';
	my $user = $auth ? 'alice@' : '';

	Stdmail::spew("$client/muttrc", join "\n",
	    "set smtp_url = $scheme://$user$host:$srv->{port}",
	    'set smtp_pass = open-sesame', 'set from = alice@a.test',
	    'set use_envelope_from', 'set hostname = c.test',
	    "set certificate_file = $client/cert.pem",
	    'set ssl_starttls = ' . ($secure eq 'none' ? 'no' : 'yes'),
	    'set ssl_force_tls = ' . ($secure eq 'none' ? 'no' : 'yes'),
	    'set copy = no', 'set charset = utf-8', 'set send_charset = utf-8',
	    'set allow_8bit', '');
	good('mutt', $way, "\n\n$body", $s->run_tool('mutt', ['-n', '-F',
	    "$client/muttrc", '-s', 'x', '--', to($way)], stdin => $body));
}

sub
s_nail
{
	my ($way) = @_;
	my (undef, $srv, undef, undef, $secure, $auth) = @$way;
	my $scheme = $secure eq 'tls' ? 'smtps' : 'smtp';
	my $user = $auth ? 'alice:open-sesame@' : '';
	my @set = ('v15-compat', "mta=$scheme://${user}localhost:$srv->{port}",
	    'from=alice@a.test', 'ttycharset=utf-8',
	    'sendcharsets=utf-8', 'mime-encoding=8bit',
	    "tls-ca-file=$client/cert.pem", 'tls-verify=strict', 'sendwait',
	    'DEAD=/dev/null');

	push @set, 'smtp-use-starttls' if $secure eq 'starttls';
	push @set, 'smtp-auth=' . ($auth ? 'plain' : 'none');
	# Without AUTH it says HELO.
	$way = [@$way[0 .. 2], 'SMTP', @$way[4, 5]] if !$auth;
	good('s-nail', $way, "\n\n$body", $s->run_tool('s-nail', ['-:/',
	    '-r', 'alice@a.test', (map { "-S$_" } @set), '-s', 'x', to($way)],
	    stdin => $body));
}

my $python = <<'END';
import smtplib, ssl, sys
port, secure, user, cert, file, to = sys.argv[1:]
ctx = ssl.create_default_context(cafile=cert)
if secure == 'tls':
    c = smtplib.SMTP_SSL('127.0.0.1', int(port), 'c.test', context=ctx)
else:
    c = smtplib.SMTP('127.0.0.1', int(port), 'c.test')
if secure == 'starttls':
    c.starttls(context=ctx)
if user:
    c.login(user, 'open-sesame')
with open(file, 'rb') as f:
    c.sendmail('alice@a.test', [to], f.read(), ['BODY=8BITMIME'])
c.quit()
END

sub
smtplib
{
	my ($way) = @_;
	my (undef, $srv, undef, undef, $secure, $auth) = @$way;

	Stdmail::spew("$client/send.py", $python);
	Stdmail::spew("$client/message", "$header$long" =~ s/\n/\r\n/gr);
	good('smtplib', $way, "$header$long", $s->run_tool('python3',
	    ["$client/send.py", $srv->{port}, $secure, $auth ? 'alice' : '',
	    "$client/cert.pem", "$client/message", to($way)]));
}

my $node = <<'END';
const fs = require('fs');
const [port, secure, user, cert, file, to] = process.argv.slice(2);
require('nodemailer').createTransport({
	host: '127.0.0.1', port: +port, name: 'c.test',
	secure: secure === 'tls', ignoreTLS: secure === 'none',
	requireTLS: secure === 'starttls', tls: { ca: fs.readFileSync(cert) },
	auth: user ? { user: user, pass: 'open-sesame' } : undefined,
}).sendMail({
	envelope: { from: 'alice@a.test', to: [to], use8BitMime: true },
	raw: fs.readFileSync(file),
}, (err) => {
	if (err) {
		console.error(err);
		process.exit(1);
	}
});
END

sub
nodemailer
{
	my ($way) = @_;
	my (undef, $srv, undef, undef, $secure, $auth) = @$way;

	Stdmail::spew("$client/send.js", $node);
	Stdmail::spew("$client/message", "$header$long" =~ s/\n/\r\n/gr);
	good('nodemailer', $way, "$header$long", $s->run(
	    ["$Stdmail::top/t/world-run", 'node', "$client/send.js",
	    $srv->{port}, $secure, $auth ? 'alice' : '', "$client/cert.pem",
	    "$client/message", to($way)], as => 'me',
	    env => { NODE_PATH => '/usr/share/nodejs', HOME => $client }));
}

sub
smtp_source
{
	Stdmail::spew("$client/message", "$header\n$body");
	for my $row (['a session for each', '-d'], ['five sessions']) {
		my ($what, @args) = @$row;
		my ($status, $out, $err) = $s->run_tool('smtp-source',
		    [@args, '-s', 5, '-m', 40, '-F', "$client/message", '-f',
		    'x@b.test', '-t', 'alice@a.test', "$host:$mx->{port}"],
		    timeout => 60);
		is($status, 0, "smtp-source, $what: taken") or diag $err;
		my @got = spooled('local');
		is(scalar @got, 40, "smtp-source, $what: all of them");
		# It ends the file with an empty line of its own.
		my $want = "\n$header\n$body\n";
		my @bad = grep { substr($_, -length $want) ne $want } @got;
		is(scalar @bad, 0, "smtp-source, $what: as they were sent")
		    or Stdmail::same(substr($bad[0], -length $want), $want, '');
	}
}

for my $row (['mutt', \&mutt], ['s-nail', \&s_nail],
    ['python3', \&smtplib], ['nodejs', \&nodemailer]) {
	my ($tool, $try) = @$row;

	SKIP: {
		skip "$tool is missing", 1 if !Stdmail::tool($tool);
		$try->($_) for @ways;
	}
}
SKIP: {
	skip 'smtp-source is missing', 1 if !Stdmail::tool('smtp-source');
	smtp_source();
}
ok($_->alive(0.02), 'the server lives') for $mx, $sub, $tls;
unlike($s->log_text, qr/open-sesame/, 'no password in the log');
done_testing();
