#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a POP3 session's memory does not grow with a message: RETR and
# TOP of 16 MB, and of one whose header is most of it, cost no more than those
# of a small one; and that a client that reads nothing of what it asked for
# costs no more either.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail;

Stdmail::need(qw(pop3d));
plan skip_all => 'no /proc' if !-r "/proc/$$/status";

use constant ROOM => 600;	# kB: a block and its answer, and their page
				# tables

my $s = Stdmail->new(users => { alice => 'open-sesame' });
my $line = 'x' x 63 . "\n";
my $large = 16 << 20;

$s->preload('alice', "Subject: small\n\n$line", 'S', 1700000001);
$s->preload('alice', "Subject: large\n\n" . $line x ($large / 64), 'S',
    1700000002);
$s->preload('alice', ("X: $line" x ($large / 128)) . "\n$line", 'S',
    1700000003);
my $srv = $s->start('pop3d');
my $c = $srv->connect(timeout => 60);

$c->answer;
$c->ask($_) for 'USER alice', 'PASS open-sesame';
my ($pid) = $s->log_text =~ /\[(\d+)\]: login /;

# The most memory it ever had, in kB.
sub
most
{
	return Stdmail::slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m
	    ? $1 : 0;
}

# Ask, and read the answer to its end without keeping it.
sub
drain
{
	my ($command) = @_;
	my $octets = 0;

	$c->send("$command\r\n");
	for (;;) {
		my $got = $c->line // last;
		last if $got eq ".\r\n";
		$octets += length $got;
		last if $octets == length $got && $got !~ /^\+OK/;
	}
	return $octets;
}

drain($_) for 'RETR 1', 'TOP 1 9', 'LIST';
my $before = most();
ok($before > 0, 'its memory can be seen');
for my $command ('RETR 2', 'TOP 2 99999999', 'RETR 3', 'TOP 3 0') {
	cmp_ok(drain($command), '>', $large / 2, "$command: all of it");
	cmp_ok(most(), '<', $before + ROOM, "$command: no more memory") or
	    diag "$before kB before";
}
$c->close;

# Ten times 16 MB, and nothing read.
my $deaf = $srv->connect;
$deaf->answer;
$deaf->ask($_) for 'USER alice', 'PASS open-sesame';
($pid) = (grep { / login / } split /\n/, $s->log_text)[-1] =~ /\[(\d+)\]/;
$deaf->send("RETR 2\r\n" x 10);
select undef, undef, undef, 0.3;
cmp_ok(most(), '<', $before + ROOM, 'who reads nothing costs no more');
$deaf->close;
ok($srv->alive(0.02), 'the server lives');

done_testing();
