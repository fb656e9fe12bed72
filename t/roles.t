#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves, in the real programs at work, what each of their processes may still
# do when it talks to a stranger: whose it is, that it gave up every right and
# group, that its filter holds; and from inside, by having it try: that
# /etc/passwd, another mailbox, a connection, root's rights, another process
# and exec are refused to it.  The sandbox's functions alone are tested in
# t/unit/sandbox.c.
use strict;
use warnings;

use Fcntl qw(:flock);
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::IP;
use Test::More;
use Time::HiRes qw(sleep);

use Stdmail;

plan skip_all => 'not root' if !Stdmail::is_root();
plan skip_all => 'the filter is the plain build\'s'
    if ($ENV{STDMAIL_VARIANT} // 'plain') ne 'plain';

my $inside = "$Stdmail::fault/inside";
my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0,
    Listen => 50) or die "listen: $@\n";
my $port = $listener->sockport;

# /proc/PID/status: { Uid => '1 1 1 1', ... }.
sub
status
{
	my ($pid) = @_;
	my %s;

	open(my $fh, '<', "/proc/$pid/status") or return {};
	while (my $line = <$fh>) {
		my ($key, $value) = $line =~ /^(\w+):\s*(.*?)\s*$/ or next;
		$s{$key} = $value =~ s/\s+/ /gr;
	}
	return \%s;
}

sub
children
{
	my ($pid) = @_;

	open(my $fh, '<', "/proc/$pid/task/$pid/children") or return;
	return split ' ', <$fh> // '';
}

# The one child that was not there before.
sub
new_child
{
	my ($pid, @before) = @_;
	my %before = map { $_ => 1 } @before;
	my @new;

	Stdmail::until_true(sub {
		@new = grep { !$before{$_} } children($pid);
	}, 60);
	sleep 0.3;	# it enters its role
	@new = grep { !$before{$_} } children($pid);
	return $new[0];
}

# Whose it is, and what is left of its rights.
sub
gave_up
{
	my ($what, $pid, $uid, $gid) = @_;
	my $s;

	Stdmail::until_true(sub {
		$s = status($pid);
		return ($s->{Uid} // '') =~ /^$uid / &&
		    $s->{CapPrm} eq '0' x 16;
	}, 60);
	is($s->{Uid}, "$uid $uid $uid $uid", "$what: uid, the saved too");
	is($s->{Gid}, "$gid $gid $gid $gid", "$what: gid");
	is($s->{Groups}, '', "$what: no other group");
	is($s->{$_}, '0' x 16, "$what: $_") for qw(CapPrm CapEff CapInh);
}

sub
filtered
{
	my ($what, $pid) = @_;
	my $s;

	Stdmail::until_true(sub {
		$s = status($pid);
		return ($s->{Seccomp} // 0) == 2;
	}, 60);
	is($s->{NoNewPrivs}, 1, "$what: gains no rights by exec");
	is($s->{Seccomp}, 2, "$what: has a filter");
}

# Have it try; what is wanted of each is a pattern.
sub
tries
{
	my ($what, $pid, @rows) = @_;
	my @args = map { @{$_->[0]} } @rows;

	open(my $fh, '-|', $inside, $pid, @args) or die "$inside: $!\n";
	chomp(my @got = <$fh>);
	close $fh;
	SKIP: {
		skip "$what: cannot be traced here", scalar @rows
		    if $? >> 8 == 69 || $? >> 8 == 77;
		for my $i (0 .. $#rows) {
			like($got[$i] // 'nothing', qr/^(?:$rows[$i][1])$/,
			    "$what: @{$rows[$i][0]}");
		}
	}
}

my $no = 'EACCES|EPERM';
my $none = "$no|ENOSYS";

sub
from_inside
{
	my ($what, $pid, $connect, @more) = @_;

	tries($what, $pid, [['read', '/etc/passwd'], $no], @more,
	    [['connect', $port], $connect], [['root'], $none],
	    [['exec', '/bin/true'], 'dies']);
}

sub
site
{
	my %o = @_;

	return Stdmail->new(as => 'root', users => { alice => 'open-sesame',
	    bob => $o{bob} // 'open-sesame' }, conf => $o{conf} // {});
}

my @door = (getpwnam('nobody'))[2, 3];
my @agent = (getpwnam('daemon'))[2, 3];
my %login = (
	smtpd => sub { "AUTH PLAIN " . MIME::Base64::encode_base64(
	    "\0bob\0x", '') . "\r\n" },
	pop3d => sub { "USER bob\r\nPASS x\r\n" },
	imapd => sub { "a LOGIN bob x\r\n" },
);

# --- doors ----------------------------------------------------------------

sub
door
{
	my ($prog) = @_;
	my $s = site();
	my $srv = $s->start($prog);
	my $c = $srv->connect(timeout => 60);

	$c->answer;
	my $pid = new_child($srv->{pid});
	gave_up("$prog, door", $pid, @door);
	filtered("$prog, door", $pid);
	like(Stdmail::slurp("/proc/$pid/limits"),
	    qr/^Max open files +64 +64 /m, "$prog, door: hoards no files");
	tries("$prog, door", $pid, [['list', $s->{dir}], $no],
	    [['trace', $srv->{pid}], 'dies']);
	ok($srv->alive(0.1), "$prog: the server lives on");
	# Another one: the last died of its trace, and its address must wait.
	sleep 0.5;
	$c = $srv->connect(timeout => 60);
	$c->answer;
	from_inside("$prog, door", new_child($srv->{pid}), $none);
	$srv->stop;
}

# Who hashes a password of the users file, for as long as that takes.
sub
hashing
{
	my ($prog) = @_;
	require MIME::Base64;
	my $s = site(bob => '{CRYPT}$6$rounds=9000000$salt$' . 'a' x 86);
	my $srv = $s->start($prog);
	my $c = $srv->connect(timeout => 60);

	$c->answer;
	my $door = new_child($srv->{pid});
	$c->smtp('EHLO x') if $prog eq 'smtpd';
	$c->send($login{$prog}->());
	my $pid = new_child($srv->{pid}, $door);
	gave_up("$prog, who checks a password", $pid, @door);
	$srv->stop;
}

# --- mailboxes ------------------------------------------------------------

my %enter = (
	pop3d => ["USER alice\r\n", "PASS open-sesame\r\n"],
	imapd => ["a LOGIN alice open-sesame\r\n"],
);

sub
mailbox
{
	my ($prog) = @_;
	my $s = site();
	# Another mailbox that has the same owner.
	my $other = "$s->{dir}/home/bob/Maildir";
	my $srv = $s->start($prog);
	my $c = $srv->connect(timeout => 60);

	$c->answer;
	my @door = children($srv->{pid});
	for my $line (@{$enter{$prog}}) {
		$c->send($line);
		$c->answer;
	}
	my $pid = new_child($srv->{pid}, @door);
	mkdir "$s->{dir}/elsewhere";
	chown((status($pid)->{Uid} =~ /^(\d+)/)[0], -1, "$s->{dir}/elsewhere");
	Stdmail::spew("$s->{dir}/elsewhere/mail", 'secret', 0644);
	gave_up("$prog, mailbox", $pid, $s->ids('alice'));
	filtered("$prog, mailbox", $pid);
	from_inside("$prog, mailbox", $pid, $none,
	    [['list', $s->maildir('alice')], 'done'],
	    [['write', $s->maildir('alice') . '/tmp/probe'], 'done'],
	    [['list', "$s->{dir}/elsewhere"], $no],
	    [['read', "$s->{dir}/elsewhere/mail"], $no],
	    [['write', "$s->{dir}/elsewhere/mail"], $no],
	    [['write', "$s->{dir}/elsewhere/new"], $no],
	    [['read', "$s->{dir}/users"], $no]);
	ok($srv->alive(0.1), "$prog: the server lives on");
	$srv->stop;
}

# An mbox, in a folder with another's that has the same owner.
sub
mbox
{
	my ($prog) = @_;
	my $s = site();
	my $dir = "$s->{dir}/mboxes";

	mkdir $dir;
	chmod 01777, $dir;
	$s->{conf}{mail} = "$dir/%u";
	$s->write_conf;
	for my $user (qw(alice bob)) {
		Stdmail::spew("$dir/$user", "From a\@b.test Thu Jan  1 " .
		    "00:00:10 1970\nSubject: $user\n\nx\n\n", 0600);
		chown $s->ids('alice'), "$dir/$user";
	}
	my $srv = $s->start($prog);
	my $c = $srv->connect(timeout => 60);

	$c->answer;
	my @door = children($srv->{pid});
	for my $line (@{$enter{$prog}}) {
		$c->send($line);
		like($c->answer, qr/OK/, "$prog, mbox: goes on");
	}
	my $pid = new_child($srv->{pid}, @door);
	gave_up("$prog, mbox", $pid, $s->ids('alice'));
	filtered("$prog, mbox", $pid);
	from_inside("$prog, mbox", $pid, $none,
	    [['read', "$dir/alice"], 'done'],
	    [['write', "$dir/alice"], 'done'],
	    [['list', $dir], $no],
	    [['read', "$dir/bob"], $no],
	    [['write', "$dir/bob"], $no],
	    [['write', "$dir/probe"], $no],
	    [['write', "$s->{dir}/probe"], $no]);
	ok($srv->alive(0.1), "$prog: the server lives on");
	$srv->stop;
}

# --- smtp-send ------------------------------------------------------------

sub
client
{
	my $s = site();
	my $l = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0,
	    Listen => 5) or die "listen: $@\n";
	my $message = "$s->{dir}/message";

	Stdmail::spew($message, "Subject: x\n\ntext\n", 0600);
	open(my $in, '<', $message) or die "$!\n";
	my $parent = $s->spawn([$s->command('smtp-send', '-f', 'a@a.test',
	    '-r', '127.0.0.1:' . $l->sockport, 'b@b.test')], { 0 => $in });
	my $host = $l->accept;		# and it waits for our greeting
	my $pid = new_child($parent);
	gave_up('smtp-send, client', $pid, @agent);
	filtered('smtp-send, client', $pid);
	from_inside('smtp-send, client', $pid, 'done',
	    [['read', $message], $none], [['list', $s->{spool}], $none],
	    [['write', "$s->{dir}/probe"], $none]);
}

sub
sending_agent
{
	my $s = site();

	# The folder of the configuration is open to it, for SIGHUP.
	Stdmail::spew("$s->{dir}/etc/stdmail.conf",
	    Stdmail::slurp($s->{conf_file}), 0644);
	$s->{conf_file} = "$s->{dir}/etc/stdmail.conf";
	my $pid = $s->spawn([$s->command('smtp-send', '-q', '-w')], {});


	Stdmail::until_true(sub { (status($pid)->{Seccomp} // 0) == 2 }, 60);
	sleep 0.2;
	gave_up('smtp-send -q', $pid, @agent);
	filtered('smtp-send -q', $pid);
	# Its filter lets its children connect; they have one of their own.
	from_inside('smtp-send -q', $pid, 'done',
	    [['list', "$s->{spool}/remote/now"], 'done'],
	    [['list', "$s->{dir}/home"], $no],
	    [['read', "$s->{dir}/users"], $no]);
}

# --- mda-deliver ----------------------------------------------------------

sub
delivering
{
	my $s = site();

	pipe(my $in, my $out) or die "pipe: $!\n";
	my $pid = $s->spawn([$s->command('mda-deliver', '-d', 'alice')],
	    { 0 => $in });
	Stdmail::until_true(sub { (status($pid)->{Seccomp} // 0) == 2 }, 60);
	sleep 0.2;
	gave_up('mda-deliver -d', $pid, $s->ids('alice'));
	filtered('mda-deliver -d', $pid);
	from_inside('mda-deliver -d', $pid, $none,
	    [['list', $s->{spool}], $no], [['read', "$s->{dir}/users"], $no]);
}

# By LMTP: it waits for a mailbox that another has locked, and no descriptor of
# the server is open in it.
sub
delivering_lmtp
{
	my $s = site();
	my $dir = "$s->{dir}/mboxes";

	mkdir $dir;
	chmod 01777, $dir;
	$s->{conf}{mail} = "$dir/%u";
	$s->write_conf;
	for my $user (qw(alice bob)) {
		Stdmail::spew("$dir/$user", '', 0600);
		chown $s->ids($user), "$dir/$user";
	}
	open(my $mbox, '+<', "$dir/alice") or die "$!\n";
	flock($mbox, LOCK_EX) or die "$!\n";
	my $srv = $s->start('smtpd', args => ['-m', 'lmtp']);
	my $c = $srv->connect(timeout => 60);
	$c->smtp($_) for undef, 'LHLO x', 'MAIL FROM:<a@b.test>',
	    'RCPT TO:<alice@a.test>', 'DATA';
	$c->send("x: y\r\n\r\n.\r\n");
	my ($pid, $helper);
	ok(Stdmail::until_true(sub {
		for my $h (children($srv->{pid})) {
			for my $p (children($h)) {
				my $w = (children($p))[0] // $p;
				($helper, $pid) = ($h, $w)
				    if (status($w)->{Seccomp} // 0) == 2;
			}
		}
		return $pid;
	}, 60), 'mda-deliver by LMTP: runs');
	sleep 0.3;
	gave_up('mda-deliver by LMTP', $pid, $s->ids('alice'));
	filtered('mda-deliver by LMTP', $pid);
	is(scalar(grep { (readlink($_) // '') =~ /^socket:/ }
	    glob "/proc/$pid/fd/*"), 0, 'mda-deliver by LMTP: no socket');
	from_inside('mda-deliver by LMTP', $pid, $none,
	    [['list', $s->{spool}], $no], [['read', "$s->{dir}/users"], $no],
	    [['read', "$dir/bob"], $no]);
	like($c->smtp(undef), qr/^451 /, 'mda-deliver by LMTP: it died');
	$srv->stop;
}

# In the queue: a worker is held by its own log line, in a pipe that is full.
sub
queue_worker
{
	my $s = site();
	my $put = $inside =~ s/inside$/put/r;

	$s->run([$put, $s->{conf_file}, 'local', 1, 100, 'x@b.test',
	    'alice@a.test'], as => 'root', env => { PUT_OWNER =>
	    ($s->ids('alice'))[0] });
	pipe(my $in, my $out) or die "pipe: $!\n";
	fcntl($out, 1031, 4096);		# F_SETPIPE_SZ
	syswrite $out, 'x' x 4096;
	my $pid = $s->spawn([$s->command('mda-deliver', '-q', '-w')],
	    { 2 => $out });
	close $out;
	my $worker = new_child($pid);
	SKIP: {
		skip 'mda-deliver: no worker was held', 12 if !$worker;
		my $st = status($worker);
		is($st->{Uid}, join(' ', (($s->ids('alice'))[0]) x 4),
		    'mda-deliver -q, worker: uid');
		is($st->{Groups}, '', 'mda-deliver -q, worker: no other group');
		is($st->{CapEff}, '0' x 16, 'mda-deliver -q, worker: CapEff');
		filtered('mda-deliver -q, worker', $worker);
		from_inside('mda-deliver -q, worker', $worker, $none,
		    [['list', $s->maildir('alice')], 'done'],
		    [['list', $s->maildir('bob')], "$no|ENOENT"],
		    [['read', "$s->{dir}/users"], $no]);
	}
	kill 'KILL', $pid;
}

# Who runs a user's rules, here a script that takes its time: it has his rights
# in his home and his mailbox, and of what is open the message alone.
sub
deciding
{
	my $s = site();
	my $home = "$s->{dir}/home";
	my $put = $inside =~ s/inside$/put/r;
	my ($uid, $gid) = $s->ids('alice');
	my $script = "$home/alice/.dovecot.sieve";

	mkdir "$home/$_" for qw(alice bob);
	Stdmail::spew($script, "require [\"variables\", \"regex\"];\n" .
	    'set "a" "' . 'a' x 60000 . "\";\n" . ('if string :regex "${a}" ' .
	    "\"(a|aa)*(b|c)\$\" { discard; }\n") x 8000, 0600);
	chown $uid, $gid, $script;
	chown $s->ids($_), "$home/$_" for qw(alice bob);
	# Two owners, so that its worker stays root.
	$s->run([$put, $s->{conf_file}, 'local', 1, 100, 'x@b.test',
	    'alice@a.test', 'bob@a.test'], as => 'root');
	my $parent = $s->spawn([$s->command('mda-deliver', '-q', '-w')], {});
	my (@worker, $pid);
	for (1 .. 6000) {
		@worker = children($parent);
		($pid) = grep { (status($_)->{Seccomp} // 0) == 2 &&
		    (status($_)->{Uid} // '') =~ /^$uid / }
		    map { children($_) } @worker;
		last if $pid;
		sleep 0.01;
	}
	ok($pid, 'mda-deliver, rules: they run') or return;
	# Who is stopped is killed by who waits for it.
	kill 'STOP', $_ for $parent, @worker, $pid;
	gave_up('mda-deliver, rules', $pid, $uid, $gid);
	filtered('mda-deliver, rules', $pid);
	is(scalar(grep { m{/fd/(\d+)$} && $1 > 2 } glob "/proc/$pid/fd/*"), 2,
	    'mda-deliver, rules: open are the message, and what it says');
	from_inside('mda-deliver, rules', $pid, $none,
	    [['list', "$home/alice"], 'done'],
	    [['write', "$home/alice/probe"], 'done'],
	    [['list', "$home/bob"], $no],
	    [['read', '/etc/shadow'], $no],
	    [['list', $s->{spool}], $no],
	    [['read', "$s->{dir}/users"], $no]);
	kill 'KILL', $parent, @worker;
}

door($_) for grep { Stdmail::program($_) } qw(smtpd pop3d imapd);
hashing($_) for grep { Stdmail::program($_) } qw(smtpd pop3d imapd);
mailbox($_) for grep { Stdmail::program($_) } qw(pop3d imapd);
mbox($_) for grep { Stdmail::program($_) } qw(pop3d imapd);
if (Stdmail::program('smtp-send')) {
	client();
	sending_agent();
}
if (Stdmail::program('mda-deliver')) {
	delivering();
	queue_worker();
	deciding();
	delivering_lmtp();
}

done_testing();
