#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that one POP3 session at a time has a maildrop, whatever happens: two
# clients that fetch and delete as fast as they can get each message once
# between them, in one server and in two; and a session whose process is
# killed leaves no lock and has removed nothing.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail;

Stdmail::need(qw(pop3d));

use constant MESSAGES => 40;

my $s = Stdmail->new(users => { alice => 'open-sesame' },
    conf => { max_login_failures => 1000 });
my @srv = ($s->start('pop3d'), $s->start('pop3d'));

sub left { return scalar map { $s->files("Mail/alice/$_") } qw(new cur) }

sub
fill
{
	$s->preload('alice', "Subject: $_\n\n$_\n", undef, 1700000000 + $_)
	    for 1 .. MESSAGES;
}

# A session: undef when another has the maildrop.
sub
session
{
	my ($srv) = @_;
	my $c = $srv->connect;

	$c->answer;
	$c->ask('USER alice');
	my $reply = $c->ask('PASS open-sesame');
	return ($c, $reply) if $reply =~ /^\+OK/;
	$c->close;
	return (undef, $reply);
}

# One client: takes message after message, and writes down which.
sub
client
{
	my ($srv, $file) = @_;
	my ($got, $busy, $odd) = ('', 0, '');

	for (1 .. 500) {
		my ($c, $reply) = session($srv);
		if (!$c) {
			$reply =~ /^-ERR \[IN-USE\]/ ? $busy++ : ($odd .= $reply);
			next;
		}
		my ($status, $text) = $c->pop3('RETR 1', 1);
		if ($status =~ /^\+OK/) {
			$got .= "$1\n" if $text =~ /^Subject: (\d+)/;
			$odd .= $status
			    if $c->ask('DELE 1') !~ /^\+OK/;
		}
		$odd .= 'QUIT ' if $c->ask('QUIT') !~ /^\+OK/;
		$c->close;
		last if $status !~ /^\+OK/;
	}
	Stdmail::spew($file, "$got$odd");
}

for my $row (['one server', 0, 0], ['two servers', 0, 1]) {
	my ($what, @which) = @$row;
	my @pids;

	fill();
	for my $i (0, 1) {
		push @pids, Stdmail::fork_child(sub {
			client($srv[$which[$i]], "$s->{dir}/got$i");
		});
	}
	waitpid $_, 0 for @pids;
	my @got = map { split /\n/, Stdmail::slurp("$s->{dir}/got$_") } 0, 1;
	is(join(' ', sort { $a <=> $b } @got), join(' ', 1 .. MESSAGES),
	    "$what: each message once") or diag $s->log_text;
	is(left(), 0, "$what: none is left");
}

# A session that is killed.
fill();
my ($c) = session($srv[0]);
ok($c, 'a session') or diag $s->log_text;
$c->ask("DELE $_") for 1 .. 5;
my ($pid) = (grep { /: login / } split /\n/, $s->log_text)[-1] =~ /\[(\d+)\]/;
ok(!(session($srv[1]))[0], 'another has to wait');
kill 'KILL', $pid;
my ($again, $reply) = session($srv[1]);
ok($again, 'after a kill the maildrop is free') or diag $reply;
is($again->ask('STAT') =~ s/^\+OK (\d+) .*/$1/r, MESSAGES,
    'and nothing was removed');
$again->ask('QUIT');
$again->close;
$c->close;

ok($_->alive(0.02), 'the server lives') for @srv;

done_testing();
