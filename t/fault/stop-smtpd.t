#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what smtpd does when it is asked to stop or to read its configuration
# again: a client that waits is told 421, a message on its way is finished and
# is there, nothing else stays behind; a faulty configuration changes nothing,
# a good one and a renewed certificate are used by the next connection.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Stdmail;

Stdmail::need('smtpd');

my $text = "Subject: on its way\r\n\r\nfirst half\r\n";

sub
transaction
{
	my ($c) = @_;

	$c->smtp(undef);
	$c->smtp('EHLO client.test');
	$c->smtp('MAIL FROM:<a@b.test>');
	$c->smtp('RCPT TO:<alice@a.test>');
	return $c->smtp('DATA');
}

for my $as (Stdmail::is_root() ? qw(nobody root) : 'me') {
	my $s = Stdmail->new(as => $as, users => { alice => 'open-sesame' });
	my $srv = $s->start('smtpd', args => ['-m', 'mx']);
	my $waits = $srv->connect(timeout => 60);
	my $busy = $srv->connect(timeout => 60);

	$waits->smtp(undef);
	like(transaction($busy), qr/^354/, "$as: a message is on its way");
	$busy->send($text);
	sleep 0.2;
	kill 'TERM', $srv->{pid};
	like($waits->closed, qr/^421 4\.3\.2 [^\n]*\r\n\z/,
	    "$as: who waits is told, and shown out");
	ok($srv->alive(0.2), "$as: the message is waited for");
	$busy->send("second half\r\n.\r\n");
	my $said = $busy->closed;
	like($said, qr/^250 2\.0\.0 [^\n]*\r\n421 4\.3\.2 [^\n]*\r\n\z/,
	    "$as: it is taken, then its client is shown out");
	ok(!$srv->alive(5), "$as: then the server has ended");
	is($srv->{status}, 0, "$as: with 0");
	my @found = $s->spooled;
	is(scalar @found, 1, "$as: the message is there and nothing else");
	like(Stdmail::slurp($found[0]), qr/first half\nsecond half\n\z/,
	    "$as: whole") if @found;
	unlink @found;

	# The monitor dies: its sessions do not live on to promise anything.
	$srv = $s->start('smtpd', args => ['-m', 'mx']);
	$busy = $srv->connect(timeout => 60);
	transaction($busy);
	$busy->send($text);
	sleep 0.2;
	kill 'KILL', $srv->{pid};
	sleep 0.2;
	$busy->send("second half\r\n.\r\n");
	unlike($busy->closed, qr/^250/, "$as: without its monitor a session" .
	    ' takes no message');
	$srv->stop;

	# SIGHUP.
	$srv = $s->start('smtpd', args => ['-m', 'mx']);
	my $old = $srv->connect;
	my $conf = Stdmail::slurp($s->{conf_file});
	is($old->smtp(undef), "220 mx.a.test ESMTP", "$as: the first name");
	Stdmail::spew($s->{conf_file}, $conf . "nonsense\n", 0644);
	kill 'HUP', $srv->{pid};
	Stdmail::until_true(sub { $s->log_text =~ /kept=old/ }, 60);
	like($s->log_text, qr/stdmail\.conf:\d+: unknown key nonsense/,
	    "$as: a fault is named");
	my $c = $srv->connect;
	is($c->smtp(undef), "220 mx.a.test ESMTP", "$as: and changes" .
	    ' nothing');
	Stdmail::spew($s->{conf_file},
	    $conf =~ s/^hostname .*/hostname new.a.test/mr, 0644);
	kill 'HUP', $srv->{pid};
	Stdmail::until_true(sub {
		my $next = $srv->connect;
		return $next->smtp(undef) =~ /^220 new\.a\.test /;
	}, 60);
	is($srv->connect->smtp(undef), "220 new.a.test ESMTP",
	    "$as: the new configuration is used");
	is($old->smtp('NOOP'), "250 2.0.0 OK", "$as: old sessions live on");
	$srv->stop;
}

done_testing();
