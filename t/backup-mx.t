#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a host can be the backup MX of another: while the primary is
# down, mail for it is taken and held by the backup, and mail for recipients
# that it does not have is refused there, so that its sender has the bounce at
# once; when the primary is back the mail goes through.  Three hosts, each with
# its own daemons, find each other by DNS: a.test sends, mx.b.test is the
# primary of b.test, mx.c.test its backup.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::IP;
use Test::More;

use Stdmail;
use Stdmail::Nameserver;

Stdmail::need(qw(smtpd smtp-send mda-deliver));

# Addresses that are this test's own, so that all can have one port.
my $net = sprintf '127.%d.%d', 128 + ($$ >> 8 & 63), $$ & 255;
my $port = 2525;
my $ns = Stdmail::Nameserver->start(<<"END");
a.test		MX	10 mx.a.test
b.test		MX	10 mx.b.test
b.test		MX	20 mx.c.test
c.test		MX	10 mx.c.test
mx.a.test	A	$net.1
mx.b.test	A	$net.2
mx.c.test	A	$net.3
END
my %common = (resolver => $ns->resolver, smtp_port => $port);
my $a = Stdmail->new(domain => 'a.test', users => { alice => 'x' },
    conf => { %common, relay_from => '127.0.0.0/8' });
my $b = Stdmail->new(domain => 'b.test', users => { bob => 'x' },
    conf => { %common });
my $c = Stdmail->new(domain => 'c.test', users => { carol => 'x' },
    conf => { %common, relay_from => '192.0.2.0/24',
    relay_domains => 'b.test' });
$c->{conf}{relay_recipients} = "$c->{dir}/recipients";
Stdmail::spew("$c->{dir}/recipients", "bob\@b.test\n", 0644);
$c->write_conf;

# smtpd of a host at its address, and what takes mail from its spool.
sub
up
{
	my ($s, $n) = @_;
	my $sock = IO::Socket::IP->new(LocalHost => "$net.$n",
	    LocalPort => $port, Listen => 50, ReuseAddr => 1)
	    or die "listen: $@\n";
	my $pid = $s->spawn([$s->command('smtpd')], { 3 => $sock },
	    env => { LISTEN_FDS => 1 });
	my $srv = bless { site => $s, name => 'smtpd', pid => $pid,
	    addr => "$net.$n", port => $port }, 'Stdmail::Server';

	push @{$s->{servers}}, $srv;
	$s->spawn([$s->command('mda-deliver', '-q', '-w')], {});
	return $srv;
}

# Send what is due, once.
sub
send_queue
{
	my ($s) = @_;
	my ($status, undef, $err) = $s->run_program('smtp-send', ['-q'],
	    timeout => 60);

	is($status, 0, "$s->{domain}: smtp-send -q") or diag $err;
	return $err;
}

# What waits for its next try becomes due.
sub
hurry
{
	my ($s) = @_;
	my $now = time - 1;
	my $bucket = $now - $now % 3600;

	mkdir "$s->{spool}/remote/later/$bucket";
	for my $path ($s->spooled('remote/later')) {
		rename $path, $path =~ s{later/\d+/\d+}{later/$bucket/$now}r
		    or die "$path: $!\n";
	}
	$s->own;
}

# A message of alice to smtpd of her host, for some.
sub
post
{
	my ($srv, $subject, @to) = @_;
	my $conn = $srv->connect(timeout => 60);
	my $reply = '';

	for my $line (undef, 'EHLO alice.a.test', 'MAIL FROM:<alice@a.test>',
	    (map { "RCPT TO:<$_>" } @to), 'DATA',
	    "From: alice\@a.test\r\nSubject: $subject\r\n\r\ntext\r\n.") {
		$reply = $conn->smtp($line);
		last if $reply !~ /^[23]/;
	}
	like($reply, qr/^250/, "alice writes to @to");
}

sub
mailbox
{
	my ($s, $user) = @_;

	Stdmail::until_true(sub { $s->files("Mail/$user/new") }, 60);
	return map { Stdmail::slurp($_) } $s->files("Mail/$user/new");
}

my $from = up($a, 1);
my $backup = up($c, 3);

# --- the primary is down --------------------------------------------------

post($from, 'held', 'bob@b.test');
post($from, 'refused', 'nobody@b.test');
is(scalar(grep { Stdmail::slurp($_) =~ /^own yes$/m }
    $a->files('spool/remote/env')), 2, 'whom relay_from names has own mail');
send_queue($a);
is(scalar $a->spooled('remote'), 0, 'nothing waits at a.test');
my @held = $c->spooled('remote/now');
is(scalar @held, 1, 'the backup has the one') or diag $c->log_text;
like(Stdmail::slurp($held[0]), qr/^Subject: held$/m, 'for bob') if @held;
is(scalar(grep { Stdmail::slurp($_) !~ /^own/m }
    $c->files('spool/remote/env')), 1, 'it is not its own mail, but passed on');
my ($bounce) = mailbox($a, 'alice');
like($bounce // '', qr/^Final-Recipient:\ rfc822;\ nobody\@b\.test\n
    Action:\ failed\nStatus:\ 5\.1\.1\n/mx,
    'who is not there is refused by the backup, and alice knows');
like($bounce // '', qr/mx\.c\.test/, 'from which host');
my $log = send_queue($c);
my @wait = $c->spooled('remote/later');
is(scalar @wait, 1, 'the backup tries, and holds it') or diag $log;
unlike($log, qr/\Q$net.3\E/, 'it does not send to itself, nor to a worse one');
is(scalar $c->spooled('local'), 0, 'it bounces nothing');

# --- the primary is back --------------------------------------------------

my $primary = up($b, 2);
hurry($c);
send_queue($c);
is(scalar $c->spooled, 0, 'nothing waits at the backup');
my ($got) = mailbox($b, 'bob');
like($got // '', qr/^Subject: held$/m, 'bob has it');
like($got // '', qr/by mx\.b\.test.*by mx\.c\.test.*by mx\.a\.test/s,
    'by way of the backup');
post($from, 'straight', 'bob@b.test');
send_queue($a);
Stdmail::until_true(sub { 2 == (() = $b->files('Mail/bob/new')) }, 60);
my ($next) = grep { /^Subject: straight$/m } mailbox($b, 'bob');
ok(defined $next && $next !~ /mx\.c\.test/, 'the next goes to the primary');

# --- what the backup takes from strangers ---------------------------------

{
	my $conn = $backup->connect(timeout => 60);

	$conn->smtp(undef);
	$conn->smtp('EHLO x.test');
	$conn->smtp('MAIL FROM:<eve@a.test>');
	like($conn->smtp('RCPT TO:<bob@b.test>'), qr/^250/, 'bob@b.test');
	like($conn->smtp('RCPT TO:<nobody@b.test>'), qr/^550 5\.1\.1 /,
	    'nobody@b.test is refused');
	like($conn->smtp('RCPT TO:<bob@elsewhere.test>'), qr/^55\d 5\.7\.1 /,
	    'and no other domain is relayed');
}
done_testing();
