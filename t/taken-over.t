#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what a door of smtpd that an attacker has taken over cannot get from
# the monitor, mode by mode: mail for nobody, to anybody, or at a later time
# without a login; deliveries where there is no LMTP; lists of addresses; a
# helper that waits for ever for what is no draft.  Each is said over a real
# door's own socket; the session ends and the log says so.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX qw(mkfifo);
use Test::More;
use Stdmail;

plan skip_all => 'not root' if !Stdmail::is_root();
Stdmail::need('smtpd');
Stdmail::need('mda-deliver');
my $door = "$Stdmail::fault/door";
my $s = Stdmail->new(users => { bob => 'pw', rich => 'pw' });
my $fifo = "$s->{dir}/fifo";

mkfifo($fifo, 0600) or die "$fifo: $!\n";
Stdmail::spew("$s->{dir}/aliases", "all: bob, rich\n");
Stdmail::spew("$s->{dir}/file", "From: x\n\nx\n");

sub
children
{
	my ($pid) = @_;

	open(my $fh, '<', "/proc/$pid/task/$pid/children") or return;
	return split ' ', <$fh> // '';
}

# The replies to these requests, of a session's monitor in this mode; what is
# said before on the connection; what the log must say.
sub
row
{
	my ($what, $mode, $ask, $want, %o) = @_;
	my ($pid, $c) = $s->session('smtpd', args => ['-m', $mode,
	    '-o', "aliases=$s->{dir}/aliases", '-o', 'vrfy=yes',
	    map { ('-o', $_) } @{$o{conf} // []}]);
	my $log = length $s->log_text;
	my @doors;

	$c->line;
	for my $say (@{$o{say} // []}) {
		$c->send("$say\r\n");
		while (defined(my $l = $c->line)) {
			last if $l =~ /^\d{3} /;
		}
	}
	Stdmail::until_true(sub { @doors = children($pid) }, 60);
	open(my $fh, '-|', $door, $doors[0], @$ask) or die "$door: $!\n";
	chomp(my @got = <$fh>);
	close $fh;
	is($? >> 8, 0, "$what: could be asked");
	is("@got", $want, "$what: answers");
	kill 'KILL', $doors[0] if $want !~ /gone/;
	eval { $c->closed };
	Stdmail::reap($pid, 20);
	$log = substr $s->log_text, $log;
	like($log, $want =~ /gone/ ? qr/violation .*what=.*$o{log}/ :
	    qr/^(?!.*violation)/s, "$what: the log");
	is_deeply([grep { m{/now/} } $s->spooled], [], "$what: no mail");
}

my @login = ('EHLO x', 'AUTH PLAIN AGJvYgBwdw==');
my ($local, $unknown, $refused) = (1, 4, 5);

row('nobody', 'mx', ['create=0'], 'gone', log => 'recipient');
row('unknown', 'mx', ['begin', 'rcpt=no@a.test', 'create=0'],
    "0 $unknown gone", log => 'recipient');
row('a queue that is none', 'mx', ['rcpt=bob@a.test', 'create=7'],
    "$local gone", log => 'queue');
row('the other queue', 'mx', ['rcpt=bob@a.test', 'create=1'], "$local gone",
    log => 'recipient');
row('relaying', 'mx', ['rcpt=x@else.test', 'create=1'], "$refused gone",
    log => 'recipient', conf => ['relay_from=192.0.2.1']);
row('later', 'mx', ['rcpt=bob@a.test', 'hold=4000000000', 'commit'],
    "$local 1 0");
row('nothing written', 'mx', ['rcpt=bob@a.test', 'create=0', 'commit'],
    "$local 0 22");
row('more behind the file', 'mx', ['rcpt=bob@a.test', 'create=0',
    'rcpt=rich@a.test'], "$local 0 gone", log => 'create');
row('an address without an end', 'mx', ['rcpt=endless'], 'gone',
    log => 'strings');
row('no file', 'mx', ['rcpt=bob@a.test', 'envelope=0'], "$local gone",
    log => 'file');
row('a helper unasked', 'mx', ['rcpt=bob@a.test', 'rcpt-ask=bob@a.test'],
    "$local gone", log => 'ask');
row('a helper for another', 'mx', ['rcpt=bob@a.test', 'rcpt-ask=rich@a.test'],
    '7 gone', log => 'ask', conf => ['quota=1M']);
row('a helper twice', 'mx', ['rcpt=bob@a.test', 'rcpt-ask=bob@a.test',
    'rcpt-ask=bob@a.test'], "7 $local gone", log => 'ask',
    conf => ['quota=1M']);
row('a list', 'mx', ['expand=all@a.test'], 'gone', log => 'expand',
    conf => ['relay_from=192.0.2.1']);
row('a sender', 'mx', ['sender=rich@a.test'], 'gone', log => 'state');
row('LMTP in mode mx', 'mx', ['rcpt=bob@a.test', 'draft',
    'deliver=bob@a.test'], "$local 0 gone", log => 'deliver');
row('a filter where none is', 'mx', ['draft', 'filter'], '0 0');
row('a pipe to the filter', 'mx', ["fd=$fifo", 'filter'], 'gone',
    log => 'filter', conf => ['filter=/bin/cat']);
row('a file with a name to it', 'mx', ["fd=$s->{dir}/file", 'filter'], 'gone',
    log => 'filter', conf => ['filter=/bin/cat']);
row('no descriptor for it', 'mx', ['filter'], 'gone', log => 'descriptors',
    conf => ['filter=/bin/cat']);
row('a milter where none is', 'mx', ['milter=0'], '2');

row('submission before AUTH', 'submission', ['rcpt=bob@a.test'], 'gone',
    log => 'auth');
row("another's name", 'submission', ['sender=rich@a.test',
    'sender=bob@a.test', 'sender=all@a.test'], '2 1 1', say => \@login);
row('for ever', 'submission', ['rcpt=bob@a.test', 'hold=9000000000'],
    "$local 1", say => \@login);
row('before time began', 'submission', ['rcpt=bob@a.test', 'hold=-1'],
    "$local 1", say => \@login);

row('LMTP spools nothing', 'lmtp', ['rcpt=bob@a.test', 'create=0'],
    "$local gone", log => 'recipient');
row('LMTP, to nobody', 'lmtp', ['draft', 'deliver=bob@a.test'], '0 gone',
    log => 'deliver');
row('LMTP, a pipe', 'lmtp', ['rcpt=bob@a.test', "fd=$fifo",
    'deliver=bob@a.test'], "$local gone", log => 'deliver');
row('LMTP, to another host', 'lmtp', ['rcpt=bob@a.test', 'draft',
    'deliver=x@else.test'], "$local 0 67");
row('LMTP, a milter', 'lmtp', ['milter=0'], '2',
    conf => ['milter=inet:127.0.0.1:1']);
done_testing;
