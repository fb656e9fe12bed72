#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that smtpd announces nothing in EHLO but what t/ehlo.map has a test
# for, in every mode and state, and which keywords these are: who may not use
# one does not hear of it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail;

Stdmail::need(qw(smtpd tls));

# --- the map ---------------------------------------------------------------

my %mapped;

for (split /\n/, Stdmail::slurp("$Stdmail::top/t/ehlo.map")) {
	next if /^#/;
	my ($keyword, $file, $words) = split /\t/;
	my $path = "$Stdmail::top/$file";

	$mapped{$keyword} = 1;
	ok(-f $path && index(Stdmail::slurp($path), $words) >= 0,
	    "$keyword: $file");
}

# --- what is said ----------------------------------------------------------

my @always = qw(PIPELINING SIZE 8BITMIME SMTPUTF8 DSN CHUNKING LIMITS HELP
    ENHANCEDSTATUSCODES);
my @user = qw(DELIVERBY FUTURERELEASE);
my $plain = 'AUTH PLAIN AGJvYgBvcGVuLXNlc2FtZQ==';
my %said;

# The keywords of the answer to EHLO, or LHLO, on this connection.
sub
keywords
{
	my ($c, $hello) = @_;
	my (undef, @lines) = split /\n/, $c->smtp(($hello // 'EHLO') .
	    ' client.test');
	my @words = map { /^250[- ](\S+)/ ? $1 : $_ } @lines;

	$said{$_} = 1 for @words;
	return [sort @words];
}

for my $mode (qw(mx submission)) {
	my $s = Stdmail->new(users => { bob => 'open-sesame' });
	my $srv = $s->start('smtpd', args => ['-m', $mode]);
	my @mine = (@always, $mode eq 'submission' ? @user : ());

	my $c = $srv->connect(from => '127.0.0.2');
	$c->smtp;
	is_deeply(keywords($c), [sort @mine, qw(STARTTLS AUTH)],
	    "$mode, from this host");
	like($c->smtp($plain), qr/^235 /, '... logs in');
	is_deeply(keywords($c), [sort @mine], '... behind a login');
	$c->close;

	$c = $srv->connect(from => '127.0.0.2');
	$c->smtp;
	like($c->smtp('HELO client.test'), qr/^250 \S+\z/,
	    'HELO announces nothing');
	$c->smtp('EHLO client.test');
	like($c->smtp('STARTTLS'), qr/^220 /, '... STARTTLS');
	$c->starttls;
	is_deeply(keywords($c), [sort @mine, qw(AUTH REQUIRETLS)],
	    "$mode, under TLS");
	like($c->smtp($plain), qr/^235 /, '... logs in');
	is_deeply(keywords($c), [sort @mine, 'REQUIRETLS'],
	    '... behind a login');
	$c->close;
	$s->remove;
}

{
	my @mine = grep { $_ ne 'DSN' } @always;
	my $s = Stdmail->new(users => { bob => 'open-sesame' });
	my $c = $s->start('smtpd', args => ['-m', 'lmtp'])->connect;

	$c->smtp;
	is_deeply(keywords($c, 'LHLO'), [sort @mine, 'STARTTLS'], 'lmtp');
	$c->smtp('STARTTLS');
	$c->starttls;
	is_deeply(keywords($c, 'LHLO'), [sort @mine], 'lmtp, under TLS');
	$c->close;
	$s->remove;
}

is_deeply([sort keys %said], [sort keys %mapped],
    'what is said is mapped, and what is mapped is said');
done_testing();
