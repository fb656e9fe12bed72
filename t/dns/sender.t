#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that smtp-send, in its sandbox and without rights, validates by a trust
# anchor: mail for a domain that is signed goes out, by a resolver that
# validates nothing; mail for one whose answers are bogus waits, and nothing is
# sent to where they lead, nor returned.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;
use Stdmail::Signed;

Stdmail::need(qw(smtpd smtp-send mda-deliver));
my $missing = Stdmail::Signed::missing();
plan skip_all => "$missing is missing" if defined $missing;

# Addresses that are this test's own, so that all can have one port.
my $net = sprintf '127.%d.%d', 64 + ($$ >> 8 & 63), $$ & 255;
my $port = 2526;
my $records = "\@ MX 10 mx\nmx A $net.2\n";
my $w = Stdmail::Signed->start(plain => 1, zones => {
	'b.test' => ['yes', $records], 'plain.test' => ['no', $records],
	'wrong.test' => ['expired', $records],
});
my %common = (resolver => $w->plain_resolver, smtp_port => $port,
    dnssec_anchor => "$w->{dir}/anchor");
# The folder of the anchors is nobody's.
chmod 0755, $w->{dir};
my $a = Stdmail->new(domain => 'a.test', users => { alice => 'x' },
    conf => { %common, relay_from => '127.0.0.0/8' });
my $b = Stdmail->new(domain => 'b.test', users => { bob => 'x' },
    conf => { %common, domains => 'b.test plain.test wrong.test',
    hostname => 'b.test' });

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

sub
post
{
	my ($srv, $to) = @_;
	my $conn = $srv->connect(timeout => 60);
	my $reply = '';

	for my $line (undef, 'EHLO alice.a.test', 'MAIL FROM:<alice@a.test>',
	    "RCPT TO:<$to>", 'DATA',
	    "From: alice\@a.test\r\nSubject: for $to\r\n\r\ntext\r\n.") {
		$reply = $conn->smtp($line);
		last if $reply !~ /^[23]/;
	}
	like($reply, qr/^250/, "alice writes to $to");
}

my $from = up($a, 1);
up($b, 2);
post($from, "bob\@$_") for qw(b.test plain.test wrong.test);
my ($status, undef, $log) = $a->run_program('smtp-send', ['-q'],
    timeout => 60);
is($status, 0, 'smtp-send -q') or diag $log;
Stdmail::until_true(sub { $b->files('Mail/bob/new') >= 2 }, 60);
my @got = sort map { Stdmail::slurp($_) =~ /^Subject: for (\S+)$/m }
    $b->files('Mail/bob/new');
is_deeply(\@got, [qw(bob@b.test bob@plain.test)],
    'to the signed one and the unsigned one') or diag $log;
my @wait = $a->spooled('remote/later');
is(scalar @wait, 1, 'what is bogus waits') or diag $log;
like(Stdmail::slurp($wait[0] // '/dev/null'), qr/^Subject: for bob\@wrong/m,
    'that for wrong.test');
like($log, qr/DNSSEC: keys of wrong\.test: signature expired/,
    'and the log says why');
is(scalar $a->files('Mail/alice/new'), 0, 'nothing is returned');
$w->stop;
done_testing();
