#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that smtpd refuses connections that come too fast before it forks for
# them: the client hears why, the log has one line, and other clients are
# served meanwhile.  Loopback is exempt, so the addresses are those of a network
# of our own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Socket;
use Test::More;
use Time::HiRes qw(time);

use Stdmail;

Stdmail::need('root', 'smtpd', 'tool:unshare');

if (!$ENV{STDMAIL_OWN_NET}) {
	$ENV{STDMAIL_OWN_NET} = 1;
	Stdmail::cleanup();
	exec +(Stdmail::tool('unshare'))[0], '--net', $^X, $0, @ARGV;
}

# 192.0.2.0/24 on lo: every address in it is ours then.
sub
network
{
	socket(my $fh, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
	my $set = sub {
		my ($what, $name, $value) = @_;
		my $request = pack 'a16 a24', $name, $value;

		ioctl($fh, $what, $request) or die "$name: $!";
	};
	my $in = sub { pack_sockaddr_in(0, inet_aton($_[0])) };

	$set->(0x8914, 'lo', pack 's', 0x1);			# IFF_UP
	$set->(0x8916, 'lo:1', $in->('192.0.2.1'));		# address
	$set->(0x891c, 'lo:1', $in->('255.255.255.0'));		# netmask
}

network();
my $s = Stdmail->new(users => { alice => 'open-sesame' }, conf => {
    connection_rate => 50, sender_check => 'no' });
my $srv = $s->start('smtpd');
my ($refused, $good, $tried, $worst) = (0, 0, 0, 0);
my $n = $ENV{STDMAIL_FLOOD} // 1000;
my $began = time;
my $said = '';

for my $i (1 .. $n) {
	my $c = $srv->connect(from => '192.0.2.66', timeout => 60);
	my $line = $c->line // '';

	$refused++, $said = $line if $line =~ /^421/;
	$c->close;
	next if $i % 50;
	my $t = time;
	$tried++;
	$c = $srv->connect(timeout => 60,
	    from => '192.0.2.' . (100 + $tried % 100));
	$good++ if ($c->line // '') =~ /^220/;
	for my $say ('EHLO c.test', 'MAIL FROM:<x@b.test>',
	    'RCPT TO:<alice@a.test>') {
		$good++ if $c->smtp($say) =~ /^250/;
	}
	$c->close;
	$worst = time - $t if time - $t > $worst;
}
my $took = time - $began;
cmp_ok($refused, '>=', $n - 50 * (2 + $took / 60), 'a flood is refused');
like($said, qr/^421 4\.7\.0 Too many connections in/, 'and told so');
is($good, 4 * $tried, 'others are served');
diag(sprintf '%d connections in %.2f s, the slowest session %.2f s', $n, $took,
    $worst) if $ENV{TEST_VERBOSE};
$s->stop;
my $log = $s->log_text;
my $lines = () = $log =~ /refused ip=192\.0\.2\.66 /g;
my $forked = () = $log =~ / connect ip=192\.0\.2\.66/g;
my ($more) = $log =~ /refused ip=192\.0\.2\.66 more=(\d+)/;
is($forked, $n - $refused, 'no session for one that is refused');
cmp_ok($lines, '<=', 2 * (2 + $took / 60), 'the log has few lines of it');
cmp_ok($more // 0, '>', 50, 'and how many there were');
done_testing();
