#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what a running daemon takes up without a restart: SIGHUP rereads the
# configuration, a faulty one changes nothing and is named in the log, open
# sessions go on; users are as the file says at each login; and a renewed
# certificate is used by the next connection, a broken one is not.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);

use Stdmail;

my @daemons = grep { Stdmail::program($_) } qw(smtpd pop3d imapd);
plan skip_all => 'no daemon is built' if !@daemons;
plan skip_all => Stdmail::Conn::no_tls() if Stdmail::Conn::no_tls();

my %greeting = (smtpd => qr/^220 /, pop3d => qr/^\+OK/, imapd => qr/^\* OK/);
my %noop = (smtpd => ['RSET', qr/^250 /], pop3d => ['CAPA', qr/^\+OK/],
    imapd => ['a NOOP', qr/^a OK/]);

# The greeting of one more connection.
sub
greeting
{
	my ($srv) = @_;
	my $c = $srv->connect;
	my $line = $c->answer;

	$c->close;
	return $line;
}

# The name of the certificate that a new connection gets.
sub
fingerprint
{
	my ($name, $srv) = @_;
	my $c = $srv->connect;

	$c->answer;
	$c->smtp($_) for $name eq 'smtpd' ? ('EHLO x', 'STARTTLS') : ();
	$c->ask('STLS') if $name eq 'pop3d';
	$c->ask('a STARTTLS') if $name eq 'imapd';
	my $print = $c->starttls->get_fingerprint('sha256');
	$c->close;
	return $print;
}

# Hang up, and wait for the log to say what it must.
sub
hang_up
{
	my ($s, $srv) = @_;
	my $before = length $s->log_text;

	kill 'HUP', $srv->{pid};
	Stdmail::until_true(sub {
		substr($s->log_text, $before) =~ /\breload\b.*\n/
	}, 60);
	return substr $s->log_text, $before;
}

sub
configuration
{
	my ($name, $as) = @_;
	my $s = Stdmail->new(as => $as, users => { alice => 'open-sesame' });
	my $srv = $s->start($name);
	my $old = $srv->connect;

	like($old->answer, $greeting{$name}, "$as: $name: a session");
	$s->{conf}{max_per_address} = 1;
	$s->write_conf;
	hang_up($s, $srv);
	ok($srv->alive(0.1), "$as: $name: SIGHUP does not end it");
	unlike(greeting($srv), $greeting{$name},
	    "$as: $name: the new limit holds");
	my ($ask, $want) = @{$noop{$name}};
	like($old->ask($ask), $want, "$as: $name: the old session goes on");

	delete $s->{conf}{max_per_address};
	$s->{conf}{frobnicate} = 'yes';
	$s->write_conf;
	my $said = hang_up($s, $srv);
	like($said, qr/\Q$s->{conf_file}\E:\d+: .*frobnicate/,
	    "$as: $name: a fault is named by file and line");
	unlike(greeting($srv), $greeting{$name},
	    "$as: $name: and the old limit still holds");
	delete $s->{conf}{frobnicate};
	$s->write_conf;
	hang_up($s, $srv);
	ok(Stdmail::until_true(sub { greeting($srv) =~ $greeting{$name} }, 60),
	    "$as: $name: until the file is right");
	$old->close;
	ok($srv->alive(0.05), "$as: $name: it lives");
	$s->remove;
}

sub
log_in
{
	my ($name, $srv, $user, $pass) = @_;
	my $c = $srv->connect;
	my $line;

	$c->answer;
	if ($name eq 'pop3d') {
		$c->ask("USER $user");
		$line = $c->ask("PASS $pass");
	} else {
		($line) = $c->imap("LOGIN $user $pass") =~ /^(t1 .*)\r$/m;
	}
	$c->close;
	return $line =~ /^(?:\+OK|t1 OK)/;
}

# Connections in a row, until the server forks children ahead (smtpd does not):
# they too must know what has changed.
sub
rush
{
	my ($name, $srv) = @_;
	my $waiting = 0;

	return if $name eq 'smtpd';
	Stdmail::until_true(sub {
		greeting($srv);
		open(my $fh, '<', "/proc/$srv->{pid}/task/$srv->{pid}/children")
		    or return 1;
		return ($waiting = split ' ', <$fh> // '') >= 4;
	}, 60);
	cmp_ok($waiting, '>=', 4, "$name: children wait");
}

sub
users
{
	my ($name, $as) = @_;
	my $s = Stdmail->new(as => $as, users => { alice => 'open-sesame' });
	my $srv = $s->start($name);

	ok(log_in($name, $srv, 'alice', 'open-sesame'), "$as: $name: alice");
	ok(!log_in($name, $srv, 'bob', 'rosebud-1941'), "$as: $name: no bob");
	rush($name, $srv);
	$s->{users} = { bob => 'rosebud-1941' };
	$s->write_users;
	$s->own;
	ok(log_in($name, $srv, 'bob', 'rosebud-1941'),
	    "$as: $name: bob, as soon as he is in the file");
	ok(!log_in($name, $srv, 'alice', 'open-sesame'),
	    "$as: $name: and alice no longer");
	$s->remove;
}

sub
certificates
{
	my ($name, $as) = @_;
	my $s = Stdmail->new(as => $as, users => { alice => 'open-sesame' });
	my $srv = $s->start($name);
	my $first = fingerprint($name, $srv);
	my $put = sub {
		my ($cert, $key) = @_;
		# As tools that renew do it: a new file in the old one's place.
		for (['cert.pem', $cert], ['key.pem', $key]) {
			my ($file, $text) = @$_;
			Stdmail::spew("$s->{dir}/$file.new", $text,
			    $file eq 'key.pem' ? 0600 : 0644);
			chown((stat "$s->{dir}/$file")[4, 5],
			    "$s->{dir}/$file.new");
			rename "$s->{dir}/$file.new", "$s->{dir}/$file";
		}
	};

	is(fingerprint($name, $srv), $first, "$as: $name: a certificate");
	sleep 0.02;
	rush($name, $srv);
	$put->(Stdmail::new_certificate());
	my $second = fingerprint($name, $srv);
	isnt($second, $first, "$as: $name: the renewed one is used at once");
	$put->("nonsense\n", "nonsense\n");
	is(fingerprint($name, $srv), $second,
	    "$as: $name: a broken one is not");
	my ($cert) = Stdmail::new_certificate();
	$put->($cert, (Stdmail::new_certificate())[1]);
	is(fingerprint($name, $srv), $second,
	    "$as: $name: nor one with the key of another");
	$put->(Stdmail::new_certificate());
	my $third = fingerprint($name, $srv);
	ok($third ne $first && $third ne $second,
	    "$as: $name: the next good one is");
	$s->remove;
}

for my $as (Stdmail::is_root() ? qw(nobody root) : 'me') {
	for my $name (@daemons) {
		configuration($name, $as);
		users($name, $as) if $name ne 'smtpd';
		certificates($name, $as);
	}
}

done_testing();
