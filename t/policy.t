# SPDX-License-Identifier: ISC
#
# Proves the policy at smtpd's door: each rule refuses whom it should, with a
# reply that says why and a log line that names the rule; those it is not for
# are never asked; what is remembered is shared by processes that were started
# one by one, survives a restart, and may be deleted or damaged at any moment;
# smtpd -t says the same and leaves no trace.  Clients get their addresses
# from PROXY headers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time sleep);

use Stdmail;
use Stdmail::Nameserver;

Stdmail::need('smtpd');

my $ns = Stdmail::Nameserver->start(<<'END');
b.test			MX	10 mx.b.test
mx.b.test		A	192.0.2.53
plain.test		A	192.0.2.54
nomx.test		TXT	neither MX nor address
null.test		MX	0 .
both.test		MX	0 .
both.test		MX	10 mx.b.test
xn--bcher-kva.test	MX	10 mx.b.test
broken.test		SERVFAIL
mute.test		DROP
20.2.0.192.in-addr.arpa	PTR	mail.good.test
mail.good.test		A	192.0.2.20
21.2.0.192.in-addr.arpa	PTR	mail.forged.test
mail.forged.test	A	192.0.2.99
30.2.0.192.bl.test	A	127.0.0.2
30.2.0.192.bl2.test	A	127.0.0.10
31.2.0.192.bl.test	A	127.255.255.254
32.2.0.192.bl.test	A	192.0.2.1
33.2.0.192.bl.test	SERVFAIL
34.2.0.192.bl.test	DROP
35.2.0.192.bl.test	A	127.0.0.2
35.2.0.192.wl.test	A	127.0.0.1
36.2.0.192.wl.test	A	127.0.0.1
7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test A 127.0.0.2
END

my $user = 'alice@a.test';

sub
site
{
	my (%conf) = @_;

	return Stdmail->new(users => { alice => 'open-sesame' }, conf => {
	    resolver => $ns->resolver, proxy_from => '127.0.0.2', %conf });
}

# A client of that address, before the banner.
sub
client
{
	my ($srv, $ip, %o) = @_;
	my $c = $srv->connect(from => '127.0.0.2',
	    timeout => $o{timeout} // 30);
	my $six = $ip =~ /:/;

	$c->send('PROXY ' . ($six ? "TCP6 $ip 2001:db8::1" :
	    "TCP4 $ip 192.0.2.1") . " 4711 25\r\n" . ($o{early} // ''));
	return $c;
}

# The replies to the banner and each command, up to the first that is not
# 2yz; the last one.
sub
say
{
	my ($c, @commands) = @_;
	my $line = '';

	for my $command (undef, @commands) {
		$line = $c->smtp($command);
		last if $line !~ /^[23]/;
	}
	return $line;
}

sub
mail
{
	my ($srv, $ip, %o) = @_;
	my $c = client($srv, $ip);
	my $line = say($c, $o{auth} // (), 'EHLO ' . ($o{helo} // 'c.test'),
	    'MAIL FROM:<' . ($o{from} // 'x@b.test') . '>',
	    'RCPT TO:<' . ($o{to} // $user) . '>');

	$c->close;
	return $line;
}

sub
logged
{
	my ($s, $pattern, $what) = @_;

	ok(Stdmail::until_true(sub { $s->log_text =~ $pattern }, 60), $what) or
	    diag($s->log_text);
}

# --- the door has no memory of others --------------------------------------

sub
door
{
	my ($as) = @_;
	my $s = Stdmail->new(as => $as, users => { alice => 'open-sesame' },
	    conf => { resolver => $ns->resolver, proxy_from => '127.0.0.2',
	    connection_rate => 1 });
	my $srv = $s->start('smtpd');
	my $c = client($srv, '192.0.2.20');

	like(say($c, 'EHLO c.test', 'MAIL FROM:<x@b.test>'), qr/^250 /,
	    "$as: a session");
	is(sprintf('%o', (stat "$s->{spool}/policy")[2] & 07777), '600',
	    'its memory is for one');
	ok(-s "$s->{spool}/policy", 'there is a memory');
	my @open = grep { m{/policy\z} } map { readlink // '' }
	    glob("/proc/$srv->{pid}/fd/*");
	is(scalar @open, 1, 'the watching process has it open');
	open(my $fh, '<', "/proc/$srv->{pid}/task/$srv->{pid}/children");
	my @children = split ' ', <$fh> // '';
	ok(scalar @children, 'a door is there');
	for my $pid (@children) {
		is_deeply([grep { m{/policy\z} } map { readlink // '' }
		    glob("/proc/$pid/fd/*")], [], 'which has not');
	}
	$c->close;
	like(say(client($srv, '192.0.2.20')), qr/^421 /, 'the rate counts');
	$s->{conf}{connection_rate} = 1000;
	$s->write_conf;
	kill 'HUP', $srv->{pid};
	ok(Stdmail::until_true(sub {
		say(client($srv, '192.0.2.20')) =~ /^220 /
	}, 60), 'a new rate after SIGHUP');
	$s->stop;
}

# --- the sender's domain --------------------------------------------------

sub
sender_domain
{
	my $s = site();
	my $srv = $s->start('smtpd');
	my @rows = (
		['x@b.test', qr/^250 /, 'it has an MX'],
		['x@plain.test', qr/^250 /, 'it has an address'],
		['x@both.test', qr/^250 /, 'a null MX beside another'],
		['', qr/^250 /, 'the null sender'],
		['x@a.test', qr/^250 /, 'our own domain'],
		['x@[192.0.2.7]', qr/^250 /, 'an address literal'],
		['x@nowhere.test', qr/^550 5\.1\.8 <x\@nowhere\.test>.*exist/,
		    'it does not exist'],
		['x@nomx.test', qr/^550 5\.1\.8 .*neither MX nor/,
		    'neither MX nor address'],
		['x@null.test', qr/^550 5\.7\.27 .*null MX/, 'a null MX'],
		['x@broken.test', qr/^450 4\.1\.8 .*later/, 'SERVFAIL'],
		['x@mute.test', qr/^450 4\.1\.8 .*later/, 'no answer'],
	);
	for my $row (@rows) {
		my ($from, $want, $what) = @$row;

		like(mail($srv, '192.0.2.20', from => $from), $want,
		    "sender: $what");
	}
	logged($s, qr/refused .*rule=sender-domain .*from=x\@null\.test/,
	    'the log names the rule');

	# A domain in UTF-8 is the one of its xn-- form.
	my $utf = client($srv, '192.0.2.20');
	say($utf, 'EHLO c.test');
	for my $row (["b\xc3\xbccher", 250], ["b\xc3\xb6cher", 550],
	    ["b\xc3\xbc" . 'x' x 60, 550]) {
		$utf->smtp("MAIL FROM:<x\@$row->[0].test> SMTPUTF8");
		like($utf->smtp("RCPT TO:<$user>"), qr/^$row->[1] /,
		    "sender: in UTF-8: $row->[1]");
		$utf->smtp('RSET');
	}
	$utf->close;

	# A second sender in one session, after one that is refused.
	my $c = client($srv, '192.0.2.20');
	say($c, 'EHLO c.test');
	for my $row (['null', 550], ['b', 250], ['nowhere', 550]) {
		$c->smtp("MAIL FROM:<x\@$row->[0].test>");
		like($c->smtp("RCPT TO:<$user>"), qr/^$row->[1] /,
		    "one session: $row->[0].test: $row->[1]");
		$c->smtp('RSET');
	}
	$c->close;
	$s->stop;

	$s = site(sender_check => 'no');
	like(mail($s->start('smtpd'), '192.0.2.20', from => 'x@nowhere.test'),
	    qr/^250 /, 'sender_check no');
	$s->stop;
}

# --- who is never asked ---------------------------------------------------

sub
exempt
{
	my $s = site(relay_from => '192.0.2.40', allow_plaintext => 'yes',
	    helo_check => 'yes', greylist => 'yes', send_as => 'alice *');
	my $srv = $s->start('smtpd');
	my $bad = 'MAIL FROM:<x@nowhere.test>';
	my $login = 'AUTH PLAIN AGFsaWNlAG9wZW4tc2VzYW1l';
	my $c = $srv->connect;

	like(say($c, 'HELO x', $bad, "RCPT TO:<$user>"), qr/^250 /,
	    'loopback is not asked');
	$c = client($srv, '192.0.2.40');
	like(say($c, 'HELO x', $bad, "RCPT TO:<$user>"), qr/^250 /,
	    'relay_from is not asked');
	$c = client($srv, '192.0.2.41');
	like(say($c, 'EHLO c.test', $login, $bad, "RCPT TO:<$user>"),
	    qr/^250 /, 'after a login nobody is');
	$c = client($srv, '192.0.2.41');
	like(say($c, 'HELO x', 'MAIL FROM:<>', "RCPT TO:<$user>"), qr/^550 /,
	    'a stranger is');
	$c = client($srv, '192.0.2.41');
	like(say($c, 'HELO c.test', $bad, "RCPT TO:<$user>"), qr/^550 /,
	    'twice');
	$s->stop;

	$s = site(relay_from => '192.0.2.40', allow_plaintext => 'yes',
	    deny => "$s->{dir}/deny", send_as => 'alice *');
	Stdmail::spew("$s->{dir}/deny", "client 192.0.2.0/24\n");
	$s->{conf}{deny} = "$s->{dir}/deny";
	$s->write_conf;
	$srv = $s->start('smtpd', args => ['-m', 'submission']);
	$c = client($srv, '192.0.2.41');
	like(say($c, 'EHLO c.test', $login, $bad, "RCPT TO:<$user>"),
	    qr/^250 /, 'submission has no such policy');
	$s->stop;
}

# --- HELO and the pause ---------------------------------------------------

sub
helo_and_pause
{
	my $s = site(helo_check => 'yes');
	my $srv = $s->start('smtpd');

	for my $row (['c.test', 250], ['[192.0.2.20]', 250],
	    ['[IPv6:2001:db8::7]', 250], ['x', 550], ['192.0.2.20', 550],
	    ['mx.a.test', 550], ['MX.A.TEST', 550], ['a..b', 550]) {
		my ($helo, $want) = @$row;
		my $c = client($srv, '192.0.2.20');

		like(say($c, "HELO $helo", 'MAIL FROM:<>', "RCPT TO:<$user>"),
		    qr/^$want /, "HELO $helo: $want");
		$c->close;
	}
	logged($s, qr/refused .*rule=helo helo=x .*reply="550 5\.7\.1/,
	    'the log names the rule');
	$s->stop;

	$s = site();
	$srv = $s->start('smtpd');
	my $c = client($srv, '192.0.2.20', early => "HELO x\r\n");
	like(say($c), qr/^220 /, 'who speaks early is taken');
	like($c->smtp('NOOP'), qr/^250 mx\.a\.test/, 'HELO x too');
	logged($s, qr/pregreet .*ip=192\.0\.2\.20|ip=192\.0\.2\.20.*pregreet/,
	    'but noted');
	$s->stop;

	$s = site(greet_pause => 1, greet_refuse => 'yes');
	$srv = $s->start('smtpd');
	$c = client($srv, '192.0.2.20', early => "EHLO c.test\r\n");
	like(say($c), qr/^220 /, 'greet_refuse: the banner comes');
	like($c->smtp(undef), qr/^554 5\.5\.1 .*before/, 'and then the reason');
	logged($s, qr/refused .*rule=pregreet/, 'the log names the rule');
	my $t = time;
	$c = client($srv, '192.0.2.21');
	like(say($c, 'EHLO c.test', 'MAIL FROM:<x@b.test>',
	    "RCPT TO:<$user>", 'DATA', "Subject: x\r\n\r\n."), qr/^250 /,
	    'who waits is taken');
	cmp_ok(time - $t, '>=', 1, 'after the pause');
	$c->close;
	# It is known now, also to a process that is new.
	$s->stop;
	$s->{conf}{greet_pause} = 20;
	$s->write_conf;
	$srv = $s->start('smtpd');
	$t = time;
	like(say(client($srv, '192.0.2.21', timeout => 60)), qr/^220 /,
	    'a good client');
	cmp_ok(time - $t, '<', 15, 'is not made to wait');
	Stdmail::spew("$s->{dir}/allow", "client 192.0.2.65\n");
	$s->{conf}{allow} = "$s->{dir}/allow";
	$s->write_conf;
	$s->stop;
	$srv = $s->start('smtpd');
	$t = time;
	like(say(client($srv, '192.0.2.65', timeout => 60)), qr/^220 /,
	    'one of the table allow');
	cmp_ok(time - $t, '<', 15, 'neither');
	$s->stop;
}

# --- lists ----------------------------------------------------------------

sub
lists
{
	my $s = site(dnsbl => 'bl.test');
	my $srv = $s->start('smtpd');

	like(mail($srv, '192.0.2.30'),
	    qr/^554 5\.7\.1 192\.0\.2\.30 is listed by bl\.test;/, 'a listed address');
	like(mail($srv, '2001:db8::7'), qr/^554 5\.7\.1 2001:db8::7 is/,
	    'by IPv6');
	logged($s, qr/refused .*rule=dnsbl .*why="192\.0\.2\.30 is listed/,
	    'the log names the rule');
	like(mail($srv, '192.0.2.20'), qr/^250 /, 'one that is not');
	my %why = (31 => 'refuses to answer', 32 => 'outside 127\.0\.0\.0/8',
	    33 => 'SERVFAIL', 34 => 'timeout');
	for my $n (sort keys %why) {
		like(mail($srv, "192.0.2.$n"), qr/^250 /,
		    "$why{$n}: no opinion");
		logged($s, qr/dnsbl .*zone=bl\.test error="?[^"]*$why{$n}/,
		    "$why{$n}: noted");
	}
	$s->stop;

	$s = site(dnsbl => ['bl.test 2', 'bl2.test'], dnsbl_threshold => 3,
	    dnswl => 'wl.test');
	$srv = $s->start('smtpd');
	like(mail($srv, '192.0.2.30'), qr/^554 .*by bl2?\.test bl2?\.test;/,
	    'weights 2 and 1 reach 3');
	like(mail($srv, '192.0.2.35'), qr/^250 /, '2 does not');
	$s->stop;
	$s = site(dnsbl => 'bl.test 2', dnsbl_threshold => 2,
	    dnswl => 'wl.test');
	$srv = $s->start('smtpd');
	like(mail($srv, '192.0.2.30'), qr/^554 /, '2 reaches 2');
	like(mail($srv, '192.0.2.35'), qr/^250 /, 'less one of an allow list');
	$s->stop;

	my ($status, undef, $err) = $s->run_program('smtpd', ['-n', '-o',
	    'dnsbl=3']);
	is($status, 78, 'a weight without a zone is a fault');
	like($err, qr/dnsbl: the weight 3/, 'that is named');
}

# --- whom it refuses by mistake can say so ---------------------------------

sub
postmaster
{
	my $s = site(dnsbl => 'bl.test', greylist => 'yes',
	    helo_check => 'yes', postmaster => 'alice', unknown_rate => 1,
	    relay_domains => 'backup.test',);
	my $deny = "$s->{dir}/deny";
	Stdmail::spew($deny, "client 192.0.2.66\n");
	$s->{conf}{deny} = $deny;
	$s->write_conf;
	my $srv = $s->start('smtpd');
	my @bad = (['192.0.2.30'], ['192.0.2.20', helo => 'x'],
	    ['192.0.2.20', from => 'x@null.test'], ['192.0.2.20']);

	for my $row (@bad) {
		my ($ip, @o) = @$row;

		like(mail($srv, $ip, @o, to => $_), qr/^250 /,
		    "$ip @o: $_") for 'Postmaster', 'POSTMASTER@a.test',
		    'abuse@a.test', 'postmaster@backup.test';
		my $said = mail($srv, $ip, @o);
		like($said, qr/^[45]5\d /, "$ip @o: not another");
		is(mail($srv, $ip, @o, to => $_) =~ s/\d+ seconds//r,
		    $said =~ s/\d+ seconds//r, "$ip @o: $_ like $user")
		    for 'nobody@a.test', 'postmaster@elsewhere.test';
	}
	my ($status, $out) = $s->run_program('smtpd', ['-t', '192.0.2.30',
	    'x', 'x@null.test', 'abuse@a.test']);
	is($status, 0, 'dry: postmaster is spared');
	like($out, qr/^rcpt\tdnsbl\tpass\tabuse$/m, 'dry: and why');
	like(mail($srv, '192.0.2.66', to => 'postmaster'), qr/^554 /,
	    'who is denied is not heard');
	$s->stop;
}

# --- tables ---------------------------------------------------------------

sub
tables
{
	my $s = site();
	my ($deny, $allow) = map { "$s->{dir}/$_" } qw(deny allow);

	Stdmail::spew($deny, "# who\nclient 192.0.2.64/26 # a network\n" .
	    "client 2001:db8:1::/48\nclient .good.test\n" .
	    "client .forged.test\nhelo bad.test\n" .
	    "sender spam.test\nsender Bob\@b.test\nsender .below.test\n");
	Stdmail::spew($allow, "client 192.0.2.65\n");
	@{$s->{conf}}{qw(deny allow sender_check)} = ($deny, $allow, 'no');
	$s->write_conf;
	my $srv = $s->start('smtpd');
	my @rows = (
		['192.0.2.66', {}, qr/^554 5\.7\.1 192\.0\.2\.66: no mail/],
		['2001:db8:1::9', {}, qr/^554 5\.7\.1 2001:db8:1::9:/],
		['192.0.2.65', {}, qr/^250 /],
		['192.0.2.65', { helo => 'bad.test' }, qr/^250 /],
		['192.0.2.20', {}, qr/^554 5\.7\.1 mail\.good\.test:/],
		['192.0.2.21', {}, qr/^250 /],
		['192.0.2.22', { helo => 'BAD.test' }, qr/^554 .*HELO BAD/],
		['192.0.2.22', { helo => 'not.bad.test' }, qr/^250 /],
		['192.0.2.22', { from => 'x@SPAM.test' }, qr/^554 .*<x\@SPAM/],
		['192.0.2.22', { from => 'bob@b.test' }, qr/^554 /],
		['192.0.2.22', { from => 'bobby@b.test' }, qr/^250 /],
		['192.0.2.22', { from => 'x@a.below.test' }, qr/^554 /],
		['192.0.2.22', { from => 'x@below.test' }, qr/^250 /],
	);
	for my $row (@rows) {
		my ($ip, $o, $want) = @$row;

		like(mail($srv, $ip, %$o), $want, "tables: $ip @{[%$o]}");
	}
	logged($s, qr/refused .*rule=deny .*why=192\.0\.2\.66/,
	    'the log names the rule');
	# Read fresh; a fault in a line takes no other away.
	Stdmail::spew("$deny.new", "client 192.0.2.23\nnonsense\n" .
	    "client 192.0.2.24\n");
	rename "$deny.new", $deny;
	like(mail($srv, '192.0.2.66'), qr/^250 /, 'a new table: taken away');
	like(mail($srv, "192.0.2.$_"), qr/^554 /, "a new table: $_")
	    for 23, 24;
	logged($s, qr/access .*line=2/, 'the line with a fault is named');
	unlink $deny;
	like(mail($srv, '192.0.2.23'), qr/^554 /,
	    'a table that is gone is kept as it was');
	$s->stop;
	my ($status, undef, $err) = $s->run_program('smtpd', ['-n']);
	is($status, 78, '-n wants the table');
	like($err, qr/deny \S+deny: No such file/, 'and says so');
	Stdmail::spew($deny, "client 192.0.2.1\nclient 192.0.2.1/24\n");
	($status, undef, $err) = $s->run_program('smtpd', ['-n']);
	is($status, 78, '-n reads the table');
	like($err, qr/deny:2: .*no address, network or name/,
	    'and names the line');
}

# --- rates ----------------------------------------------------------------

sub
rates
{
	my $s = site(connection_rate => 3, connection_rate_network => 5);
	my $srv = $s->start('smtpd');
	my $go = sub { return say(client($srv, $_[0])) };

	like($go->('192.0.2.20'), qr/^220 /, "connection $_ of 3") for 1 .. 3;
	like($go->('192.0.2.20'), qr/^421 4\.7\.0 Too many connections in/,
	    'the fourth is one too many');
	like($go->('192.0.2.21'), qr/^220 /, 'not for another')
	    for 1 .. 2;
	like($go->('192.0.2.22'), qr/^421 /, 'but for the network');
	like($go->('198.51.100.1'), qr/^220 /, 'not for another network');
	like($go->("2001:db8::$_"), qr/^220 /, "IPv6: $_") for 1 .. 5;
	like($go->('2001:db8::6'), qr/^421 /, 'IPv6: the /64');
	logged($s, qr/refused .*reason=too-fast/, 'the log says why');
	$s->stop;
	# A process of its own for each connection has the same memory.
	my $pipe = sub {
		my ($pid, $c) = $s->session('smtpd', mode => 'pipe', env => {
		    PROTO => 'TCP', TCPREMOTEIP => $_[0],
		    TCPREMOTEPORT => 4711, TCPLOCALIP => '192.0.2.1' });
		my $line = eval { $c->smtp(undef) } // '';
		$c->close;
		Stdmail::reap($pid, 10);
		return $line;
	};
	unlike($pipe->('192.0.2.20'), qr/^220 /, 'a new process knows it');
	like($pipe->('198.51.100.2'), qr/^220 /, "by tcpserver: $_")
	    for 1 .. 3;
	unlike($pipe->('198.51.100.2'), qr/^220 /, 'by tcpserver: no more');
	unlink "$s->{spool}/policy" or fail('the state lies in the spool');
	like($pipe->('198.51.100.2'), qr/^220 /, 'without the file: again');
	ok(-s "$s->{spool}/policy", 'and there is a new one');
	Stdmail::spew("$s->{spool}/policy", 'x' x 100_000);
	like($pipe->('198.51.100.2'), qr/^220 /, 'a file of nonsense');
	like($pipe->('198.51.100.2'), qr/^220 /, 'is one that knows nobody')
	    for 1 .. 2;
	unlike($pipe->('198.51.100.2'), qr/^220 /, 'and then counts');
	truncate "$s->{spool}/policy", 4200;
	like($pipe->('198.51.100.2'), qr/^220 /, 'a file that was cut');
	$s->stop;

	$s = site(message_rate => 2, sender_rate => 3);
	$srv = $s->start('smtpd');
	my $c = client($srv, '192.0.2.20');
	like(say($c, 'EHLO c.test', 'MAIL FROM:<x@b.test>', 'RSET',
	    'MAIL FROM:<x@b.test>', 'RSET', 'MAIL FROM:<x@b.test>'),
	    qr/^450 4\.7\.1 .*from your address/, 'two messages a minute');
	like(mail($srv, '192.0.2.21'), qr/^250 /, 'another address');
	like(mail($srv, '192.0.2.22'),
	    qr/^450 4\.7\.1 <x\@b\.test>: too many/, 'three of a sender');
	like(mail($srv, '192.0.2.22', from => 'y@b.test'), qr/^250 /,
	    'another sender');
	logged($s, qr/rule=message-rate/, 'the log: message-rate');
	logged($s, qr/rule=sender-rate/, 'the log: sender-rate');
	$s->stop;

	$s = site(unknown_rate => 2);
	$srv = $s->start('smtpd');
	like(mail($srv, '192.0.2.20', to => "no$_\@a.test"), qr/^550 5\.1\.1/,
	    "unknown recipient $_ of 2") for 1, 2;
	like(mail($srv, '192.0.2.20', to => $_), qr/^450 4\.7\.1 .*unknown/,
	    "then not even $_") for 'no3@a.test', $user;
	like(mail($srv, '192.0.2.21'), qr/^250 /, 'another address may');
	logged($s, qr/rule=unknown-rate/, 'the log: unknown-rate');
	$s->stop;
}

# --- the greylist ---------------------------------------------------------

sub
greylist
{
	my $s = site(greylist => 'yes', greylist_delay => 2,
	    dnswl => 'wl.test');
	my $srv = $s->start('smtpd');
	my $wait = qr/^451 4\.7\.1 .*try again in [12] seconds/;

	like(mail($srv, '192.0.2.20'), $wait, 'the first time');
	like(mail($srv, '192.0.2.36'), qr/^250 /, 'not of an allow list');
	logged($s, qr/refused .*rule=greylist/, 'the log names the rule');
	sleep 2.1;
	like(mail($srv, '192.0.2.20', from => 'y@b.test'), $wait,
	    'another sender waits for himself');
	$s->stop;
	# After a restart, by another address of the network.
	$srv = $s->start('smtpd');
	like(mail($srv, '192.0.2.22'), qr/^250 /, 'it came again');
	like(mail($srv, '192.0.2.23', from => 'z@b.test'), qr/^250 /,
	    'the network is known');
	like(mail($srv, '198.51.100.20', from => 'z@b.test'), $wait,
	    'another is not');
	$s->stop;
}

# --- a dry run ------------------------------------------------------------

sub
dry_run
{
	my $s = site(dnsbl => 'bl.test', greylist => 'yes',
	    connection_rate => 1);
	my $dry = sub {
		my ($status, $out, $err) = $s->run_program('smtpd',
		    ['-t', @_]);
		return ($status, $out . $err);
	};
	my @ask = ('192.0.2.20', 'c.test', 'x@b.test', $user);
	my ($status, $out) = $dry->(@ask) ;

	is($status, 75, 'dry: it would be greylisted');
	like($out, qr/^mail\tlook-up\tpass\tname=mail\.good\.test score=0/m,
	    'dry: what the DNS says');
	like($out, qr/^rcpt\tsender-domain\tpass/m, 'dry: a rule that passes');
	like($out, qr/^rcpt\trecipient\tpass\t\Q$user\E$/m,
	    'dry: the recipient');
	like($out, qr/^decides\tgreylist\t451 4\.7\.1 .*seconds$/m,
	    'dry: what decides');
	ok(!-e "$s->{spool}/policy", 'dry: nothing is written');
	for my $row (
	    [77, 'dnsbl', '192.0.2.30', 'c.test', 'x@b.test', $user],
	    [77, 'sender-domain', '192.0.2.20', 'c.test', 'x@null.test',
	    $user],
	    [75, 'sender-domain', '192.0.2.20', 'c.test', 'x@broken.test',
	    $user],
	    [77, 'recipient', '127.0.0.1', 'x', '<>', 'nobody@a.test'],
	    [0, undef, '127.0.0.1', 'x', '<>', $user],
	    [64, undef, '127.0.0.1', 'x', '<>'],
	    [64, undef, 'localhost', 'x', '<>', $user],
	    [64, undef, '127.0.0.1', 'x', 'a@@b', $user]) {
		my ($want, $rule, @args) = @$row;

		($status, $out) = $dry->(@args);
		is($status, $want, "dry: @args: exit $want");
		like($out, qr/^decides\t$rule\t/m, "dry: by $rule") if $rule;
	}
	like(($dry->('127.0.0.1', 'x', '<>', $user))[1],
	    qr/^connect\texempt\tpass\tloopback\n.*^accept$/ms,
	    'dry: who is exempt');
	# It sees what sessions have left, and leaves nothing itself.
	my $srv = $s->start('smtpd');
	like(say(client($srv, '192.0.2.20')), qr/^220 /, 'one connection');
	($status, $out) = $dry->(@ask);
	like($out, qr/^decides\tconnection-rate\t421 /m,
	    'dry: what was counted counts');
	my $before = Stdmail::slurp("$s->{spool}/policy");
	$dry->('192.0.2.29', 'c.test', 'x@b.test', $user);
	ok($before eq Stdmail::slurp("$s->{spool}/policy"),
	    'dry: not an octet changes');
	$s->stop;
}

# --- harvesters, slow sessions, floods ------------------------------------

sub
patience
{
	my $s = site();
	my $srv = $s->start('smtpd');
	my $c = client($srv, '192.0.2.20');
	my $t = time;

	say($c, 'EHLO c.test', 'MAIL FROM:<x@b.test>');
	my @took;
	for my $n (1 .. 4) {
		$t = time;
		like($c->smtp("RCPT TO:<no$n\@a.test>"), qr/^550 5\.1\.1/,
		    "unknown recipient $n");
		push @took, time - $t;
	}
	cmp_ok($took[3], '>=', 1, 'guesses cost time');
	$c->close;
	$s->stop;
	$s = site(session_time => 5);
	$srv = $s->start('smtpd');
	my $slow = client($srv, '192.0.2.21');
	say($slow, 'EHLO c.test', 'MAIL FROM:<x@b.test>', "RCPT TO:<$user>",
	    'DATA');
	$slow->send('x');
	$c = client($srv, '192.0.2.20');
	$t = time;
	say($c, 'EHLO c.test', 'MAIL FROM:<x@b.test>', "RCPT TO:<$user>");
	my $line;
	while (time - $t < 60) {
		$line = eval { $c->smtp('NOOP') } // last;
		last if $line !~ /^250/;
		sleep 0.2;
	}
	like($line, qr/^421 4\.4\.2 The session has lasted too long/,
	    'a session has an end, however busy');
	$line = $slow->smtp(undef);
	like($line, qr/^421 4\.4\.2 The session has lasted too long/,
	    'also within a message');
	$s->stop;
	is(scalar(() = $s->spooled('tmp')), 0, 'and leaves nothing');
}

# A flood of one address: meanwhile all that another sends is taken.
sub
flood
{
	my $s = site(connection_rate => 100);
	my $srv = $s->start('smtpd');
	my $n = ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain' ? 2000 : 300;
	my $flood = Stdmail::fork_child(sub {
		for (1 .. $n) {
			my $c = eval { client($srv, '192.0.2.66') } // next;
			$c->close;
		}
	});
	my ($tried, $good, $worst, $done) = (0, 0, 0, 0);
	my $began = time;
	while (!$done && $tried < 2000) {
		my $t = time;

		$tried++;
		$good++ if (eval { mail($srv, '198.51.100.' .
		    (1 + $tried % 200)) } // '') =~ /^250 /;
		$worst = time - $t if time - $t > $worst;
		$done = defined Stdmail::reap($flood, 0);
	}
	Stdmail::end_child($flood) if !$done;
	is($good, $tried, 'while one floods, another is served');
	diag(sprintf '%d messages beside %d connections, the slowest %.2f s',
	    $good, $n, $worst) if $ENV{TEST_VERBOSE};
	like(say($srv->connect), qr/^220 /, 'the server lives');
	logged($s, qr/refused ip=192\.0\.2\.66 reason=too-fast/,
	    'the flood was refused');
	$s->stop;
	my $lines = () = $s->log_text =~ /refused ip=192\.0\.2\.66 /g;
	my ($more) = $s->log_text =~ /refused ip=192\.0\.2\.66 more=(\d+)/;
	cmp_ok($lines, '<=', 2 * (2 + (time - $began) / 60),
	    'the log has a line for a minute of it');
	cmp_ok($more // 0, '>', 20, 'and how many there were');
}

door('nobody');
door('root') if Stdmail::is_root();
sender_domain();
exempt();
helo_and_pause();
lists();
postmaster();
tables();
rates();
greylist();
dry_run();
patience();
flood();
done_testing();
