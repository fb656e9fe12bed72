# SPDX-License-Identifier: ISC
#
# Drives a Mozilla program by Marionette, the protocol it is tested with: JSON
# with its length before it, over a port of the loopback.  Scripts run with the
# rights of the program itself.
package Stdmail::Marionette;

use strict;
use warnings;

use IO::Socket::IP;
use JSON::PP;

use Stdmail;

# new(PORT, SECONDS): connect when it answers; undef if it never does.
sub
new
{
	my ($class, $port, $seconds) = @_;
	my $sock = Stdmail::until_true(sub {
		return IO::Socket::IP->new(PeerHost => '127.0.0.1',
		    PeerPort => $port);
	}, $seconds) or return undef;
	my $m = bless { n => 0, c => Stdmail::Conn->new(in => $sock,
	    out => $sock, timeout => $seconds) }, $class;

	$m->{hello} = $m->message;
	$m->ask('WebDriver:NewSession', { capabilities => {
	    alwaysMatch => {} } });
	$m->ask('Marionette:SetContext', { value => 'chrome' });
	$m->ask('WebDriver:SetTimeouts', { script => 60_000 });
	return $m;
}

# The next message.
sub
message
{
	my ($m) = @_;
	my $length = '';

	for (;;) {
		my $octet = $m->{c}->bytes(1);
		last if $octet eq ':';
		$length .= $octet;
	}
	return decode_json($m->{c}->bytes($length));
}

# A command; its result, or it dies of the error.
sub
ask
{
	my ($m, $name, $parameters) = @_;
	my $json = encode_json([0, ++$m->{n}, $name, $parameters // {}]);

	$m->{c}->send(length($json) . ":$json");
	for (;;) {
		my $got = $m->message;
		next if ref $got ne 'ARRAY' || $got->[1] != $m->{n};
		die "$name: $got->[2]{error}: $got->[2]{message}\n"
		    if $got->[2];
		return $got->[3];
	}
}

# Run a script; its arguments are in arguments, and what it returns (a promise
# too) comes back.
sub
run
{
	my ($m, $script, @args) = @_;

	return $m->ask('WebDriver:ExecuteScript', { script => $script,
	    args => \@args, newSandbox => JSON::PP::false })->{value};
}

1;
