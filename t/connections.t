#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the daemons serve whatever they find on standard input: the
# five ways of activation (inetd nowait and wait, systemd Accept=yes and
# Accept=no, UCSPI) and a pipe; that 200 connections at once are all
# answered; that no process which holds a peer's socket runs as root; and
# that a PROXY header is believed from proxy_from alone.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Socket qw(inet_aton pack_sockaddr_in);
use Test::More;
use Time::HiRes qw(time sleep);

use Stdmail;

my @daemons = grep { Stdmail::program($_) } qw(smtpd pop3d imapd);
plan skip_all => 'no daemon is built' if !@daemons;

my %greeting = (smtpd => qr/^220 /, pop3d => qr/^\+OK/, imapd => qr/^\* OK/);
my %bye = (smtpd => 'QUIT', pop3d => 'QUIT', imapd => 'a LOGOUT');
my %goodbye = (smtpd => qr/^221 /, pop3d => qr/^\+OK/, imapd => qr/^\* BYE/);
my %limits = (max_sessions => 400, max_per_address => 400);
my @as = Stdmail::is_root() ? qw(nobody root) : 'me';

sub
site
{
	my ($as, %conf) = @_;

	return Stdmail->new(as => $as, users => { alice => 'open-sesame' },
	    conf => { %limits, %conf });
}

# Greeting and goodbye on a connection; 'good' or what went wrong.
sub
hello
{
	my ($name, $c) = @_;
	my $got = eval {
		my $line = $c->answer;
		$line =~ $greeting{$name} or die "greeting '$line'\n";
		$line = $c->ask($bye{$name});
		$line =~ $goodbye{$name} or die "goodbye '$line'\n";
		'good';
	} // $@;

	chomp $got;
	$c->close;
	return $got;
}

# Connect to a port that someone is about to listen on.
sub
dial
{
	my ($port, $seconds) = @_;
	my $sock;

	Stdmail::until_true(sub {
		$sock = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
		    PeerPort => $port);
	}, $seconds // 60);
	die "nobody listens on $port\n" if !$sock;
	return Stdmail::Conn->new(in => $sock, out => $sock, timeout => 60);
}

# --- the ways of activation -----------------------------------------------

sub
five_ways
{
	my ($as, $name) = @_;
	my $s = site($as);

	for my $mode (qw(inetd pipe)) {
		my ($pid, $c) = $s->session($name, mode => $mode);
		is(hello($name, $c), 'good', "$as: $name, $mode");
		is(Stdmail::reap($pid, 60), 0, "$as: $name, $mode: exit 0");
	}
	for my $mode (qw(wait listen)) {
		my $srv = $s->start($name, mode => $mode);
		is(hello($name, $srv->connect), 'good', "$as: $name, $mode")
		    for 1 .. 2;
		ok($srv->alive(0.05), "$as: $name, $mode: it lives on");
		is($srv->stop(60), 0, "$as: $name, $mode: SIGTERM ends it");
	}
	# Idle, it leaves, and the socket's owner wakes it again.
	my $srv = $s->start($name, args => ['-o', 'idle_exit=1']);
	is(hello($name, $srv->connect), 'good', "$as: $name, idle_exit=1");
	ok(Stdmail::until_true(sub { !$srv->alive }, 60),
	    "$as: $name: leaves after a second without work");
	is($srv->{status}, 0, "$as: $name: with exit 0");
}

# UCSPI: the peer is in the environment when it is not in the socket.
sub
ucspi
{
	my ($as, $name) = @_;
	my $s = site($as);
	my ($pid, $c) = $s->session($name, mode => 'pipe', env => {
	    PROTO => 'SSL', SSLREMOTEIP => '192.0.2.77',
	    SSLREMOTEPORT => '4711', SSLLOCALIP => '192.0.2.1' });

	is(hello($name, $c), 'good', "$as: $name, UCSPI environment");
	is(Stdmail::reap($pid, 60), 0, "$as: $name, UCSPI: exit 0");
	like($s->log_text, qr/\bip=192\.0\.2\.77\b/,
	    "$as: $name: the peer is SSLREMOTEIP");
}

# A server of someone else that starts ours: -l for each connection.
sub
foreign
{
	my ($as, $name, $what, @cmd) = @_;
	my $s = site($as);
	my ($port) = Stdmail::free_ports(1);
	my $pid = $s->spawn([map { s/PORT/$port/r } @cmd,
	    $s->command($name)], {}, env => {
	    Stdmail::lend_libraries(Stdmail::program($name)) });

	for (1 .. 2) {
		my $got = eval { hello($name, dial($port)) } // $@;
		is($got, 'good', "$as: $name, $what");
	}
	kill 'TERM', $pid;
	kill 'KILL', -$pid if !defined Stdmail::reap($pid, 2);
}

sub
activators
{
	my ($as, $name) = @_;
	my @activate = Stdmail::tool('systemd-socket-activate');
	my @ucspi = Stdmail::tool('tcpserver');

	SKIP: {
		skip 'systemd-socket-activate is missing', 6 if !@activate;
		foreign($as, $name, 'systemd Accept=no', @activate, '-l',
		    '127.0.0.1:PORT');
		foreign($as, $name, 'systemd Accept=yes', @activate,
		    '--inetd', '-a', '-l', '127.0.0.1:PORT');
		foreign($as, $name, 'systemd Accept=yes, LISTEN_FDS',
		    @activate, '-a', '-l', '127.0.0.1:PORT');
	}
	SKIP: {
		skip 'tcpserver is missing', 2 if !@ucspi;
		# tcpserver of the world runs inside it, as root.
		skip 'tcpserver runs as root here', 2
		    if @ucspi > 1 && $as eq 'nobody';
		my $path = Stdmail::program($name);
		skip "$name lacks libraries where tcpserver is", 2
		    if !Stdmail::can_run($path, @ucspi);
		foreign($as, $name, 'tcpserver', @ucspi, '-R', '-H', '-l',
		    'localhost', '127.0.0.1', 'PORT');
	}
}

# inetd itself, nowait and wait; it needs root.
sub
inetd
{
	my ($name) = @_;
	my @inetd = Stdmail::tool('inetd');
	my $path = Stdmail::program($name);

	SKIP: {
		skip 'inetd is missing', 6 if !@inetd;
		skip "$name lacks libraries where inetd is", 6
		    if !Stdmail::can_run($path, @inetd);
		for my $wait (qw(nowait wait)) {
			my $s = site('root');
			my ($port) = Stdmail::free_ports(1);
			my $conf = "$s->{dir}/inetd.conf";
			# inetd passes no environment on.
			my %env = Stdmail::lend_libraries($path);
			my $line = join ' ', 'env', (map { "$_=$env{$_}" }
			    keys %env), $s->command($name, '-o',
			    'idle_exit=1');

			Stdmail::spew($conf, "127.0.0.1:$port stream tcp " .
			    "$wait root /usr/bin/env $line\n");
			my $pid = $s->spawn([@inetd, '-i', $conf], {});
			is(eval { hello($name, dial($port)) } // $@, 'good',
			    "$name, inetd $wait") for 1 .. 2;
			kill 'TERM', $pid;
			Stdmail::reap($pid, 2);
			kill 'KILL', -$pid;
			# inetd puts them into sessions of their own.
			ok(Stdmail::until_true(sub {
			    !Stdmail::runs_with($s->{conf_file}) }, 60),
			    "$name, inetd $wait: it leaves by itself");
			$s->remove;
		}
	}
}

# --- many at once, and who holds them -------------------------------------

# The processes that hold a socket of these local ports, and their users:
# { pid => uid }.
sub
holders
{
	my ($port) = @_;
	my (%inode, %holder);

	open(my $tcp, '<', '/proc/net/tcp') or return ();
	while (<$tcp>) {
		my @f = split ' ';
		next if $f[3] ne '01' ||
		    $f[1] !~ sprintf(':%04X$', $port);
		$inode{$f[9]} = 1;
	}
	for my $fd (glob('/proc/[0-9]*/fd/*')) {
		my $to = readlink($fd) // next;
		next if $to !~ /^socket:\[(\d+)\]/ || !$inode{$1};
		my ($pid) = $fd =~ m{^/proc/(\d+)/};
		open(my $st, '<', "/proc/$pid/status") or next;
		my ($uid) = grep { /^Uid:/ } <$st>;
		$holder{$pid} = join ' ', (split ' ', $uid // '')[1 .. 4];
	}
	return %holder;
}

sub
many
{
	my ($as, $name, $n) = @_;
	my @activate = Stdmail::tool('systemd-socket-activate') or do {
		SKIP: { skip 'systemd-socket-activate is missing', 4 }
		return;
	};
	my $s = site($as);
	my ($port) = Stdmail::free_ports(1);
	my $pid = $s->spawn([@activate, '-l', "127.0.0.1:$port",
	    $s->command($name)], {});
	my $start = time;
	my @conns = map { dial($port) } 1 .. $n;
	my $greeted = grep {
		my $line = eval { $_->answer } // '';
		$line =~ $greeting{$name};
	} @conns;

	is($greeted, $n, "$as: $name greets $n connections at once");
	my %holder = holders($port);
	my %uids;
	$uids{$_}++ for values %holder;
	SKIP: {
		skip 'only root sees who holds a socket', 2
		    if !Stdmail::is_root();
		cmp_ok(scalar keys %holder, '>=', $n,
		    "$as: $name: each in a process");
		is((grep { /\b0\b/ } keys %uids), 0,
		    "$as: $name: and none of those runs as root") or
		    diag explain \%uids;
	}
	my $good = grep {
		my $line = eval { $_->ask($bye{$name}) } // '';
		$_->close;
		$line =~ $goodbye{$name};
	} @conns;
	is($good, $n, "$as: $name answers all of them");
	note sprintf '%s: %d connections in %.2f s', $name, $n, time - $start;
	kill 'TERM', $pid;
	kill 'KILL', -$pid if !defined Stdmail::reap($pid, 3);
}

# After the login too: whoever reads the client is the owner or the door.
sub
after_login
{
	my ($as, $name) = @_;
	my $s = site($as);
	my $srv = $s->start($name);

	$s->preload('alice', "Subject: x\n\ntext\n");
	for my $tls (0, 1) {
		next if $tls && Stdmail::Conn::no_tls();
		my $c = $srv->connect;
		$c->answer;
		if ($tls) {
			$c->ask($name eq 'pop3d' ? 'STLS' : 't STARTTLS');
			$c->starttls;
		}
		my $how = $tls ? 'with TLS' : 'in the clear';
		if ($name eq 'pop3d') {
			$c->ask('USER alice');
			like($c->ask('PASS open-sesame'), qr/^\+OK/,
			    "$as: $name, logged in $how");
		} else {
			like($c->imap('LOGIN alice open-sesame'), qr/^t1 OK/m,
			    "$as: $name, logged in $how");
		}
		SKIP: {
			skip 'only root sees who holds a socket', 2
			    if !Stdmail::is_root();
			my %holder = holders($srv->{port});
			cmp_ok(scalar keys %holder, '>', 0,
			    "$as: $name, $how: someone holds it");
			is((grep { /\b0\b/ } values %holder), 0,
			    "$as: $name, $how: and that is not root") or
			    diag explain \%holder;
		}
		hello_end($name, $c);
	}
	$s->stop;
}

# smtpd's door keeps its connection, with TLS and after AUTH, in DATA too.
sub
in_data
{
	my ($as) = @_;
	my $s = site($as);
	my $srv = $s->start('smtpd', args => ['-m', 'submission']);
	my $c = $srv->connect;

	$c->smtp($_) for undef, 'EHLO client.test', 'STARTTLS';
	$c->starttls;
	$c->smtp($_) for 'EHLO client.test',
	    'AUTH PLAIN AGFsaWNlAG9wZW4tc2VzYW1l', 'MAIL FROM:<alice@a.test>',
	    'RCPT TO:<alice@a.test>';
	like($c->smtp('DATA'), qr/^354 /, "$as: smtpd, in DATA");
	$c->send("Subject: half a message\r\n");
	my %holder = holders($srv->{port});
	cmp_ok(scalar keys %holder, '>', 0, "$as: smtpd: someone holds it");
	is((grep { /\b0\b/ } values %holder), 0,
	    "$as: smtpd: and that is not root");
	$c->close;
	ok(Stdmail::until_true(sub { !$s->spooled }, 60),
	    "$as: smtpd: and nothing of it stays");
	$s->remove;
}

sub
hello_end
{
	my ($name, $c) = @_;

	$c->ask($bye{$name});
	$c->close;
}

# --- limits ---------------------------------------------------------------

sub
limits
{
	my ($as, $name) = @_;
	my $s = site($as, max_per_address => 3, max_sessions => 5);
	my $srv = $s->start($name);
	my @held = map { $srv->connect } 1 .. 3;

	like($_->answer, $greeting{$name}, "$as: $name: within the limit")
	    for @held;
	my $c = $srv->connect;
	my $line = $c->answer;
	unlike($line, $greeting{$name}, "$as: $name: the fourth is refused");
	like($line, { smtpd => qr/^421 /, pop3d => qr/^-ERR /,
	    imapd => qr/^\* BYE / }->{$name}, "$as: $name: in its protocol");
	is($c->closed, '', "$as: $name: and let go");
	$c->close;
	push @held, map { $srv->connect(from => '127.0.0.2') } 1 .. 2;
	like($_->answer, $greeting{$name}, "$as: $name: another address")
	    for @held[3, 4];
	$c = $srv->connect(from => '127.0.0.3');
	unlike($c->answer, $greeting{$name}, "$as: $name: all are taken");
	$c->close;
	hello_end($name, $_) for @held;
	my $again;
	ok(Stdmail::until_true(sub {
		my $c = $srv->connect;
		my $l = eval { $c->answer } // '';
		$c->close;
		return $l =~ $greeting{$name};
	}, 60), "$as: $name: free again when they have gone");
	$s->stop;
}

# --- PROXY ----------------------------------------------------------------

my $v2 = "\r\n\r\n\0\r\nQUIT\n";

sub
proxy
{
	my ($as, $name) = @_;
	my $s = site($as, proxy_from => '127.0.0.2');
	my $srv = $s->start($name);
	my $addr = inet_aton('192.0.2.99') . inet_aton('192.0.2.1') .
	    pack('nn', 4711, 25);
	my @good = (
		['v1', "PROXY TCP4 192.0.2.98 192.0.2.1 4711 25\r\n",
		    '192.0.2.98'],
		['v1, IPv6', "PROXY TCP6 2001:db8::7 2001:db8::1 4711 25\r\n",
		    '2001:db8::7'],
		['v2', $v2 . "\x21\x11" . pack('n', 12) . $addr, '192.0.2.99'],
		['v2 with more after the addresses', $v2 . "\x21\x11" .
		    pack('n', 16) . $addr . "\x04\0\x01\0", '192.0.2.99'],
		['v2 LOCAL', $v2 . "\x20\0\0\0", undef],
		['v1 UNKNOWN', "PROXY UNKNOWN\r\n", undef],
	);
	for my $row (@good) {
		my ($what, $header, $ip) = @$row;
		for my $split (0, 1) {
			my $c = $srv->connect(from => '127.0.0.2',
			    split => $split);
			$c->send($header);
			is(hello($name, $c), 'good',
			    "$as: $name: PROXY $what" .
			    ($split ? ', byte by byte' : ''));
		}
		next if !defined $ip;
		like($s->log_text, qr/\bip=\Q$ip\E\b/,
		    "$as: $name: PROXY $what: is the peer");
	}
	for my $row (['nothing of the kind', "EHLO x\r\n"],
	    ['v1 cut short', "PROXY TCP4 192.0.2.98\r\n"],
	    ['v2 of a version to come', $v2 . "\x31\x11\0\x0c" . $addr]) {
		my $c = $srv->connect(from => '127.0.0.2');
		$c->send($row->[1]);
		my $line = eval { $c->line } // '';
		unlike($line, $greeting{$name},
		    "$as: $name: PROXY, $row->[0]: no session");
		$c->close;
	}
	my $c = $srv->connect;
	like($c->answer, $greeting{$name}, "$as: $name: others need none");
	$c->send("PROXY TCP4 192.0.2.66 192.0.2.1 4711 25\r\n");
	my $line = eval { $c->answer } // '';
	unlike($line, $goodbye{$name}, "$as: $name: and get none");
	$c->close;
	unlike($s->log_text, qr/ip=192\.0\.2\.66/,
	    "$as: $name: nor is it believed");
	# Limits count the address that the header names.
	$s->stop;
	$s = site($as, proxy_from => '127.0.0.2', max_per_address => 1);
	$srv = $s->start($name);
	my @held;
	for my $n (1, 2) {
		push @held, $srv->connect(from => '127.0.0.2');
		$held[-1]->send("PROXY TCP4 192.0.2.$n 192.0.2.1 4711 25\r\n");
		like($held[-1]->answer, $greeting{$name},
		    "$as: $name: the limit counts the address named");
	}
	$c = $srv->connect(from => '127.0.0.2');
	$c->send("PROXY TCP4 192.0.2.1 192.0.2.1 4712 25\r\n");
	unlike($c->answer, $greeting{$name}, "$as: $name: also when refusing");
	hello_end($name, $_) for @held;
	$s->stop;
}

for my $name (@daemons) {
	for my $as (@as) {
		five_ways($as, $name);
		after_login($as, $name) if $name ne 'smtpd';
	}
	my $as = $as[-1];
	ucspi($as, $name);
	activators($as, $name);
	limits($as[0], $name);
	proxy($as[0], $name);
}
SKIP: {
	skip 'needs root', 1 if !Stdmail::is_root();
	inetd($_) for @daemons;
	in_data('root') if Stdmail::program('smtpd');
}
many($_, 'smtpd', 200) for grep { Stdmail::program('smtpd') } @as;

done_testing();
