#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that smtp-send knows this host among a domain's exchangers also by its
# addresses, whatever name the DNS has for them: only better ones are tried, and
# when there are none the mail is returned as a loop; and that this is said of
# nobody else: not of loopback, of another port, or of a host that was named by
# the administrator.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::INET;
use Test::More;

use Stdmail;
use Stdmail::Nameserver;
use Stdmail::Net;

Stdmail::need(qw(smtp-send));
Stdmail::Net::enter('192.0.2.1/24', '192.0.2.5/24', '2001:db8::1/64',
    '203.0.113.1/24');

# 198.51.100.0/24 is elsewhere: nobody is there, and that is known at once.
Stdmail::Net::ip('route', 'add', 'unreachable', '198.51.100.0/24');
my $ns = Stdmail::Nameserver->start(<<END);
ours.test	MX	10 some.name.test
some.name.test	A	192.0.2.1
second.test	MX	10 second.name.test
second.name.test	A	198.51.100.9
second.name.test	A	192.0.2.5
away.test	A	203.0.113.1
six.test	MX	10 six.name.test
six.name.test	AAAA	2001:db8::1
any.test	MX	10 any.name.test
any.name.test	A	0.0.0.0
backup.test	MX	10 best.test
backup.test	MX	20 some.name.test
backup.test	MX	20 same.test
backup.test	MX	30 worse.test
best.test	A	198.51.100.1
same.test	A	127.0.0.2
worse.test	A	127.0.0.3
near.test	MX	10 near.name.test
near.name.test	A	127.0.0.1
other.test	MX	10 best.test
END
my $s = Stdmail->new(conf => { resolver => $ns->resolver,
    hostname => 'mail.a.test' });

# What is said of mail to an address of the domain.
sub
send_to
{
	my ($domain, @args) = @_;
	my ($status, $out, $err) = $s->run_program('smtp-send', ['-f',
	    'me@a.test', @args, '--', "bob\@$domain"],
	    stdin => "Subject: x\n\nx\n", timeout => 60);

	return ($status, $out . $err);
}

# Domain, options, exit status, what is said.
my $loop = qr/5\.4\.6.*this host/s;
my $tried = qr/4\.4\.1|refused|unreachable|No route/i;
for (['ours.test', [], 69, $loop], ['second.test', [], 69, $loop],
    ['away.test', [], 69, $loop], ['six.test', [], 69, $loop],
    ['any.test', [], 69, $loop], ['[192.0.2.1]', [], 69, $loop],
    ['[IPv6:2001:db8::1]', [], 69, $loop], ['near.test', [], 75, $tried],
    ['other.test', [], 75, $tried],
    ['ours.test', ['-o', 'smtp_port=2525'], 75, $tried],
    ['ours.test', ['-r', '192.0.2.1'], 75, $tried],
    ['ours.test', ['-o', 'route=ours.test 192.0.2.1'], 75, $tried],
    ['ours.test', ['-o', 'relay=192.0.2.1'], 75, $tried]) {
	my ($domain, $args, $want, $like) = @$_;
	my ($status, $said) = send_to($domain, @$args);
	is($status, $want, "$domain @$args") or diag $said;
	like($said, $like, 'what is said of it');
}

# Only those before us are tried: nobody connects to the ones behind.
my @behind = map { IO::Socket::INET->new(LocalAddr => $_, LocalPort => 25,
    Listen => 5, Blocking => 0) or die "$_: $!\n" } qw(127.0.0.2 127.0.0.3);
my ($status, $said) = send_to('backup.test');
is($status, 75, 'a backup that cannot reach the first') or diag $said;
like($said, qr/best\.test|198\.51\.100\.1\b/, 'which was tried');
ok(!(grep { $_->accept } @behind), 'and nobody else');

# A system where every address can be bound tells nothing.  Where the switch
# cannot be turned there is nothing to be seen.
if (open(my $fh, '>', '/proc/sys/net/ipv4/ip_nonlocal_bind')) {
	syswrite($fh, "1\n");
	close($fh);
	($status) = send_to('other.test');
	is($status, 75, 'with ip_nonlocal_bind nobody is taken for this host');
}
done_testing();
