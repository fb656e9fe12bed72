#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that what attackers send costs them more than us: clients that send
# an octet now and then, strangers who never leave, a user who stops what
# delivers to him; and that nothing a starter left us (ignored signals, groups)
# helps them.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(time sleep);

use Stdmail;

plan skip_all => 'smtpd is not built' if !Stdmail::program('smtpd');

# --- one octet at a time ----------------------------------------------------

# Send this, an octet each tenth of a second, until the server answers; how
# long that took, and the answer.
sub
drip
{
	my ($c, $text, $seconds) = @_;
	my $start = time;
	my $in = $c->{in};

	for my $octet (split //, $text) {
		local $SIG{PIPE} = 'IGNORE';
		last if time - $start > $seconds;
		syswrite $c->{out}, $octet or last;
		my $bits = '';
		vec($bits, fileno($in), 1) = 1;
		last if select($bits, undef, undef, 0.1);
	}
	return (time - $start, eval { $c->answer } // '');
}

{
	my $s = Stdmail->new(users => { alice => 'open-sesame' },
	    conf => { timeout => 1 });
	my $srv = $s->start('smtpd');
	my $c = $srv->connect(timeout => 60);

	$c->answer;
	$c->ask($_) for 'HELO x.test', 'MAIL FROM:<a@b.test>',
	    'RCPT TO:<alice@a.test>';
	like($c->ask('DATA'), qr/^354/, 'DATA');
	my ($took, $got) = drip($c, 'x' x 300, 30);
	cmp_ok($took, '<', 20, 'a message by drops is cut');
	like($got, qr/^421 /, 'and the client is told');

	$c = $srv->connect(timeout => 60);
	$c->answer;
	($took, $got) = drip($c, 'EHLO ' . 'x' x 300, 30);
	cmp_ok($took, '<', 20, 'a command by drops is cut');
	like($got, qr/^421 /, 'and the client is told');
	$srv->stop;
}

# --- busy for ever, without a login -----------------------------------------

for my $prog (grep { Stdmail::program($_) } qw(pop3d imapd)) {
	my $s = Stdmail->new(users => { alice => 'open-sesame' },
	    conf => { timeout => 1 });
	my $srv = $s->start($prog);
	my $c = $srv->connect(timeout => 60);
	my $start = time;

	$c->answer;
	while (time - $start < 30) {
		last if !$c->send($prog eq 'pop3d' ? "CAPA\r\n" :
		    "a NOOP\r\n") || $c->{eof};
		$c->silent(0.2);
		$c->{buf} = '';
	}
	cmp_ok(time - $start, '<', 20, "$prog: a stranger is shown out");
	$srv->stop;
}

# --- what a careless starter leaves us --------------------------------------

# Started with children ignored, with a signal blocked, in groups of its own.
sub
start_badly
{
	my ($s, $name, @args) = @_;
	my $l = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0,
	    Listen => 50) or die "listen: $@\n";
	my $pid = $s->spawn([$^X, '-MPOSIX', '-e', '$SIG{CHLD} = "IGNORE"; ' .
	    'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGALRM, SIGCHLD)); ' .
	    '$) = "0 0 4 6" if !$>; $ENV{LISTEN_PID} = $$; exec @ARGV',
	    $s->command($name, @args)], { 3 => $l }, env => {
	    LISTEN_FDS => 1 });

	return bless { site => $s, addr => '127.0.0.1', pid => $pid,
	    port => $l->sockport, name => $name }, 'Stdmail::Server';
}

{
	my $s = Stdmail->new(users => { alice => 'open-sesame' },
	    as => Stdmail::is_root() ? 'root' : 'me',
	    conf => { max_sessions => 2 });
	my $srv = start_badly($s, 'smtpd');
	my $good = 0;

	for (1 .. 5) {
		$good += !!Stdmail::until_true(sub {
			my $c = $srv->connect(timeout => 60);
			my $took = $c->answer =~ /^220 /;
			$c->ask('QUIT') if $took;
			$c->closed;
			return $took;
		}, 10);
	}
	is($good, 5, 'sessions that ended are counted no more');
	open(my $fh, '<', "/proc/$srv->{pid}/status") or die "$!\n";
	my ($groups) = map { /^Groups:\s*(.*?)\s*$/ } <$fh>;
	SKIP: {
		skip 'not root', 1 if !Stdmail::is_root();
		is($groups, '', 'the groups of the starter are given up');
	}
	$srv->stop;
}

# --- a user who stops what delivers to him ----------------------------------

# A worker of mda-deliver is held by its own log line, in a pipe that is full.
SKIP: {
	skip 'needs root, and mda-deliver', 2 if !Stdmail::is_root() ||
	    !Stdmail::program('mda-deliver');
	my $s = Stdmail->new(as => 'root', users => { alice => 'x' });
	my $put = "$Stdmail::fault/put";
	my @child;

	$s->run([$put, $s->{conf_file}, 'local', 1, 100, 'x@b.test',
	    'alice@a.test'], env => { PUT_OWNER => ($s->ids('alice'))[0] });
	pipe(my $in, my $out) or die "pipe: $!\n";
	fcntl($out, 1031, 4096);		# F_SETPIPE_SZ
	syswrite $out, 'x' x 4096;
	my $pid = $s->spawn([$s->command('mda-deliver', '-q', '-w')],
	    { 2 => $out });
	# One that stays: others come and go.
	Stdmail::until_true(sub {
		open(my $fh, '<', "/proc/$pid/task/$pid/children") or return 1;
		my %was = map { $_ => 1 } @child;
		@child = split ' ', <$fh> // '';
		sleep 0.2;
		return grep { $was{$_} } @child;
	}, 60);
	ok(@child && kill('STOP', $child[0]), 'a worker is stopped');
	ok(Stdmail::until_true(sub { !@child || !-e "/proc/$child[0]" }, 60),
	    'and does not hold up the others');
	kill 'KILL', $pid;
}

done_testing();
