#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a slow client of smtpd is shown out by one of three deadlines:
# that of a command, which drops of it do not move; that of a message, which a
# good part of it does; and that of the session, for a stranger who always says
# something.  Who is slow but steady is served; nothing of what was begun stays.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);

use Stdmail;

Stdmail::need('smtpd');

# Send this, an octet each tenth of a second, until the server answers: how long
# that took, and the answer.
sub
drip
{
	my ($c, $text) = @_;
	my $start = time;

	for my $octet (split //, $text) {
		$c->send($octet) or last;
		last if !$c->silent(0.1);
	}
	return (time - $start, eval { $c->answer } // '');
}

# A client that is a stranger: its address is from a PROXY header.
sub
stranger
{
	my ($srv) = @_;
	my $c = $srv->connect(timeout => 60);

	$c->send("PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n");
	return $c;
}

sub
talk
{
	my ($c, @lines) = @_;
	my $reply = '';

	$reply = $c->smtp($_) for undef, @lines;
	return $reply;
}

my @mail = ('EHLO client.test', 'MAIL FROM:<eve@a.test>',
    'RCPT TO:<alice@a.test>');
my $s = Stdmail->new(users => { alice => 'open-sesame' }, conf => {
    timeout => 1, proxy_from => '127.0.0.1', sender_check => 'no',
    resolver => '127.0.0.1@9' });
my $srv = $s->start('smtpd', args => ['-m', 'mx']);

# --- a command, a message -------------------------------------------------

{
	my $c = stranger($srv);
	my $other = stranger($srv);

	talk($c);
	my ($took, $got) = drip($c, 'EHLO ' . 'x' x 400);
	like($got, qr/^421 4\.4\.2 Nothing heard/, 'a command by drops: 421');
	cmp_ok($took, '>=', 0.9, 'not at once');
	cmp_ok($took, '<', 20, 'but before its end');
	like($c->closed, qr/^\z/, 'and it is shown out');
	talk($other);
	like($other->closed, qr/^421 4\.4\.2 Nothing heard/,
	    'so is one who says nothing');

	$c = stranger($srv);
	is(talk($c, @mail, 'DATA') =~ s/ .*//r, 354, 'a message');
	($took, $got) = drip($c, 'x' x 400);
	like($got, qr/^421 4\.4\.2 Nothing heard/, 'by drops: 421');
	cmp_ok($took, '>=', 1.9, 'later than a command');
	cmp_ok($took, '<', 30, 'but before its end');
	ok(Stdmail::until_true(sub {
		$s->log_text =~ / gone .*in=data how=timeout/
	}, 60), 'and the log says in what') or diag $s->log_text;
	ok(Stdmail::until_true(sub { !$s->spooled }, 60),
	    'nothing of it stays');

	# Each part in its time, all of them in more than that of one.
	$c = stranger($srv);
	talk($c, @mail, 'DATA');
	my $start = time;
	while (time - $start < 3) {
		$c->send('x' x 62 . "\r\n") for 1 .. 256;
		last if !$c->silent(0.3);
	}
	like($c->smtp('.'), qr/^250 /, 'who is steady may take his time');
	unlink $s->spooled;
	$srv->stop;
}

# --- a session ------------------------------------------------------------

$s->{conf}{timeout} = 60;
$s->{conf}{session_time} = 3;
$s->write_conf;
$srv = $s->start('smtpd', args => ['-m', 'mx']);
for my $row (['commands', "NOOP\r\n"],
    ['a message', 'x' x 998 . "\r\n", 'DATA']) {
	my ($what, $text, @data) = @$row;
	my $start = time;
	my $c = stranger($srv);
	my $said = '';

	talk($c, @mail, @data);
	while (time - $start < 30) {
		$c->send($text) or last;
		last if !$c->silent(0.2) && $c->line !~ /^250 /;
	}
	cmp_ok(time - $start, '>=', 2.9, "$what without an end: not at once");
	cmp_ok(time - $start, '<', 30, 'but it ends');
	$said .= $c->closed;
	ok(Stdmail::until_true(sub { !$s->spooled }, 60), 'nothing stays');
}
ok(Stdmail::until_true(sub {
	$s->log_text =~ / gone .*in=data how=expired/
}, 60), 'as the log says') or diag $s->log_text;
ok($srv->alive(0.02), 'the server lives');
done_testing();
