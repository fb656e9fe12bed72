#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what smtpd does with its filter: what the program gets, what each of
# its exit codes and its words mean, that it is ended in time and cannot do
# what it may not, and that nothing it does loses a message or lets one by.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Test::More;
use Stdmail;
use Stdmail::Milter;

Stdmail::need('smtpd');
our $s = Stdmail->new(users => { map { $_ => 'pw' } qw(bob carol held) });
my $text = "From: a\@b.test\nSubject: one\n\nfirst\n.second\n";
our $filter = "$s->{dir}/filter";

# What the spool has, without our own Received field.
sub taken {
	my @got;

	for my $path (grep { m{/now/} } $s->spooled) {
		push @got, Stdmail::slurp($path) =~
		    s/^(Received): .*\n(?:[ \t].*\n)*//mr;
	}
	unlink $s->spooled;
	return @got;
}

# A message, with this script as the filter: the last reply.
sub talk {
	my ($script, %o) = @_;

	Stdmail::spew($filter, "#!/bin/sh\n$script\n", 0755);
	my ($pid, $c) = $s->session('smtpd', args => ['-o',
	    'filter=' . ($o{filter} // $filter),
	    map { ('-o', $_) } @{$o{conf} // []}]);
	my $last = '';
	my $wire = ($o{text} // $text) =~ s/^\./../mgr =~ s/\n/\r\n/gr;
	for my $say (undef, 'EHLO c.test', 'MAIL FROM:<a@b.test>',
	    (map { "RCPT TO:<$_\@a.test>" } @{$o{rcpts} // ['bob']}), 'DATA',
	    "$wire.") {
		$c->send("$say\r\n") if defined $say;
		$last = '';
		while (defined(my $l = $c->line(30))) {
			$last .= $l;
			last if $l =~ /^\d{3} /;
		}
	}
	$c->send("QUIT\r\n");
	$c->closed;
	Stdmail::reap($pid, 10);
	return $last;
}

my $begin = "Return-Path: <a\@b.test>\nDelivered-To: bob\@a.test\n";
sub row {
	my ($what, $script, $reply, $want, %o) = @_;

	like(talk($script, %o), $reply, "$what: the reply");
	my @taken = taken();
	is_deeply(\@taken, $want, "$what: what is in the spool")
	    or diag(explain(\@taken), $s->log_text);
}

row('takes', 'cat >/dev/null', qr/^250/, ["$begin$text"]);
row('takes without reading', ':', qr/^250/, ["$begin$text"]);
row('adds', q{printf 'X-A: 1\n 2\nX-B: 3\n'}, qr/^250/,
    ["${begin}X-A: 1\n 2\nX-B: 3\n$text"]);
row('adds in wire form', q{printf 'X-A: 1\r\n 2\r\nX-B: 3\r4\r\n'},
    qr/^250/, ["${begin}X-A: 1\n 2\nX-B: 3 4\n$text"]);
row('a line of mbox', q{printf 'From a@b.test Thu Jan 1 00:00:00 1970\n'},
    qr/^451/, []);
row('ends the header', q{printf 'X-A: 1\r\n\r\nX-B: 3\n'}, qr/^451/, []);
row('reads all of it', q{echo "X-Sum: $(cksum)"}, qr/^250/,
    [$begin . 'X-Sum: ' . `printf '%s' '$text' | cksum` . $text]);
row('reads it twice', q{cat >/dev/null; exec </proc/self/fd/0;
    echo "X-Sum: $(cksum)"}, qr/^250/,
    [$begin . 'X-Sum: ' . `printf '%s' '$text' | cksum` . $text]);
row('is told', q{env | LC_ALL=C sort |
    sed -n 's/^\(SENDER\|RECIP.*\|CLIENT_[AH].*\|HOST.*\)=/X-&/p' |
    sed 's/=/:/;s/_/-/g'}, qr/^250/, [$begin . <<'END' . $text]);
X-CLIENT-ADDRESS:127.0.0.1
X-CLIENT-HELO:c.test
X-HOSTNAME:mx.a.test
X-RECIPIENT:bob@a.test
X-RECIPIENTS:bob@a.test
X-RECIPIENT-COUNT:1
X-SENDER:a@b.test
END
row('gets arguments', 'echo "X-A: $1"; echo "X-B: $2"', qr/^250/,
    ["${begin}X-A: one\nX-B: two words\n$text"],
    filter => "$filter one \"two words\"");
row('has only what it needs', 'for i in 3 4 5 6 7 8 9; do
    [ ! -e /proc/self/fd/$i ] || echo "X-Open: $i"; done', qr/^250/,
    ["$begin$text"]);
row('cannot change the message', 'echo x >>/proc/self/fd/0 && echo X-A: b || :',
    qr/^250/, ["$begin$text"]);

row('refuses', 'echo Go away; exit 77', qr/^550 5\.7\.1 Go away\r\n\z/, []);
row('refuses, data', 'echo; exit 65', qr/^550 5\.7\.1 Refused by a filter/,
    []);
row('refuses in its own code', 'echo "554 5.6.1 No pictures"; exit 77',
    qr/^554 5\.6\.1 No pictures\r\n\z/, []);
row('says what may not be said', q{printf '250 2.0.0 Fine\001\377\nX\n'; exit 77},
    qr/^550 5\.7\.1 250 2\.0\.0 Fine [?]\r\n\z/, []);
row('later', 'exit 75', qr/^451 4\.7\.1/, []);
row('later, and why', 'echo busy; exit 75', qr/^451 4\.7\.1 busy/, []);
row('holds', 'echo looks bad; exit 99', qr/^250/,
    ["Return-Path: <>\nDelivered-To: held\@a.test\n" .
    "X-Quarantine-Reason: looks bad\nX-Quarantine-Sender: <a\@b.test>\n" .
    "X-Quarantine-Recipient: <bob\@a.test>\n" .
    "X-Quarantine-Recipient: <carol\@a.test>\n$text"],
    rcpts => [qw(bob carol)], conf => ['quarantine=held@a.test'],
    text => "X-Quarantine-Recipient: <x\@elsewhere.test>\n$text");
row('holds, and there is no place', 'exit 99', qr/^451 4\.3\.0/, []);
row('another code', 'exit 3', qr/^451 4\.3\.0/, []);
row('dies', 'kill -9 $$', qr/^451 4\.3\.0/, []);
row('is not there', '', qr/^451 4\.3\.0/, [], filter => "$filter.not");
row('no header', 'echo no header', qr/^451 4\.3\.0/, []);
row('a body', q{printf 'A: b\n\nbody\n'}, qr/^451 4\.3\.0/, []);
row('too much', 'yes "A: b" | head -n 100000', qr/^451 4\.3\.0/, []);
row('too late', 'sleep 100 & sleep 100', qr/^451 4\.3\.0/, [],
    conf => ['filter_timeout=1']);
row('leaves something behind', '(sleep 100; echo "X-Late: 1") & echo "X-A: 1"',
    qr/^250/, ["${begin}X-A: 1\n$text"]);

# Nor does that live on, also in a session of its own whose parent has ended.
for my $row (['what it left', 'sleep 100 & echo "X-Pid: $!"'],
    ['what made a session for itself',
    "setsid sh -c 'sleep 100 & echo \"X-Pid: \$!\"'"]) {
	my ($what, $script) = @$row;
	my $left;

	# A host out of processes says 451, and is asked again.
	for (1 .. 3) {
		my $reply = talk($script);
		($left) = join('', taken()) =~ /^X-Pid: (\d+)$/m and last;
		diag($reply, $s->log_text);
	}
	ok(defined $left, "$what is known");
	ok($left && Stdmail::until_true(sub { !kill 0, $left }, 60),
	    "$what does not live on");
}
like($s->log_text, qr/error="too late"/, 'the log says it');

# A large message; and a header that is too large to be looked at.
my $large = "Subject: x\n\n" . ('y' x 70 . "\n") x 20000;
row('a large one', 'cat >/dev/null', qr/^250/, ["$begin$large"],
    text => $large);
row('a large header', 'cat >/dev/null', qr/^552 5\.3\.4/, [],
    text => "X: y\n" x 300000);

# The sandbox, where there is one.
if ($s->log_text !~ /missing=landlock"?$/m &&
    ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain') {
	my $l = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5);
	my $try = "perl -MIO::Socket::INET -e 'print \"X-Net: \", " .
	    'IO::Socket::INET->new("127.0.0.1:' . $l->sockport .
	    "\") ? 1 : 0, \"\\n\"'";
	row('no network', $try, qr/^250/, ["${begin}X-Net: 0\n$text"])
	    if $s->log_text !~ /missing=landlock-tcp/;
	row('network', $try, qr/^250/, ["${begin}X-Net: 1\n$text"],
	    conf => ['filter_network=yes']);
	my $where = "/var/tmp/stdmail-filter.$$";
	row('writes where it may not', "(echo x >$where) 2>/dev/null || :",
	    qr/^250/, ["$begin$text"]);
	ok(!-e $where, 'nothing was written');
	unlink $where;
}
is_deeply([grep { !m{/\.} } $s->spooled], [], 'nothing is left behind');
# Started by root it runs as the door's user, or as its own; and the milter
# whose socket only root may use is found.
if (Stdmail::is_root()) {
	local $s = Stdmail->new(as => 'root', users => { bob => 'pw' });
	local $filter = "$s->{dir}/filter";
	my $door = getpwnam $s->{conf}{door_user};
	my $m = Stdmail::Milter->start(path => "$s->{dir}/m", mode => 0600,
	    end => ['add X-Seen: yes', 'continue']);
	for (['', $door], ['daemon', scalar getpwnam 'daemon']) {
		my ($user, $uid) = @$_;
		row("root, user '$user'", 'echo "X-Uid: $(id -u) $(id -G)";
		    [ ! -r ' . "$s->{dir}/users ] || echo X-Secret: 1",
		    qr/^250/, [$begin . "X-Uid: $uid " .
		    (getpwuid $uid)[3] . "\n" . $text =~
		    s/^$/X-Seen: yes\n/mr], conf => ['milter=' . $m->name,
		    $user eq '' ? () : "filter_user=$user"]);
	}
	$m->stop;
}
my ($code, undef, $said) = $s->run_program('smtpd', ['-n', '-o',
    "filter=$filter.not"]);
is($code, 78, 'a filter that is not there');
like($said, qr/filter .*No such file/, 'is said');
my ($exit, undef, $err) = $s->run_program('smtpd', ['-n', '-o',
    'filter=filter']);
is($exit, 78, 'a filter without a path');
like($err, qr/filter/, 'is said');
done_testing;
