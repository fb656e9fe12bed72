#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what mda-deliver(1) says: a message by hand into a Maildir, an mbox, to
# a user, to an address; its bytes, its trace fields, its exit codes; and from
# the queue: by rename and by copy, to several, to nobody, round in a circle,
# tried again until its time is over, at once while watching, and one mailbox
# that hangs holds up no other.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Stdmail;

Stdmail::need('mda-deliver');

my $put = Stdmail::program("$Stdmail::fault/put");

# Deliver standard input: (status, what it said).
sub
deliver
{
	my ($s, $text, @args) = @_;
	my ($status, $out, $err) = $s->run(
	    [$s->command('mda-deliver', @args)], stdin => $text);

	is($out, '', "@args: nothing on standard output");
	return ($status, $err);
}

# The one message in a folder of this site.
sub
only
{
	my ($s, $what) = @_;
	my @files = $s->files($what);

	is(scalar @files, 1, "$what: one message") or diag "@files";
	return @files ? Stdmail::slurp($files[0]) : '';
}

# --- by hand --------------------------------------------------------------

{
	my $s = Stdmail->new(users => { bob => 'x', 'eve@b.test' => 'x' },
	    conf => { domains => 'a.test b.test', postmaster => 'bob' });
	my ($status, $err);

	($status, $err) = deliver($s, "hello\n", 'Box/');
	is("$status$err", '0', 'a Maildir is made');
	is(only($s, 'Box/new'), "\nhello\n", 'text has an empty header');
	my ($file) = $s->files('Box/new');
	like($file, qr{/\d+\.M\d+P\d+Q\d+\.mx\.a\.test,S=7,W=9$},
	    'size on disk and on the wire');
	is((stat $file)[2] & 07777, 0600, 'for its owner alone');
	unlink $file;

	($status, $err) = deliver($s, "Subject: x\r\n\r\na\r\r\nb\rc\0\r\n",
	    'Box');
	is($status, 0, 'a Maildir without a slash');
	is(only($s, 'Box/new'), "Subject: x\n\na\r\r\nb\rc\0\n",
	    'CRLF becomes LF, and nothing else changes');
	unlink $s->files('Box/new');

	my $big = "Subject: big\n\n" . ("x" x 76 . "\n") x 20000 . 'end';
	($status) = deliver($s, $big, '-f', '<>', 'Box');
	is($status, 0, 'a large message without a last line end');
	Stdmail::same(only($s, 'Box/new'), "Return-Path: <>\n$big",
	    'all of it');
	unlink $s->files('Box/new');

	# The first 256 kB are read at once.
	$big = "Subject: big\n\n";
	$big .= 'x' x ((256 << 10) - 1 - length $big);
	deliver($s, "$big\r\nend\n", 'Box');
	Stdmail::same(only($s, 'Box/new'), "$big\nend\n",
	    'a CRLF that is cut in two');
	unlink $s->files('Box/new');

	($status) = deliver($s, "From al\@x.test Thu Jan  1\nA: b\n\nc\n",
	    'Box');
	is(only($s, 'Box/new'), "Return-Path: <al\@x.test>\nA: b\n\nc\n",
	    'a From_ line names the sender');
	unlink $s->files('Box/new');

	($status) = deliver($s, "A: b\n\nFrom c\n", '-f', 'al@x.test', 'mbox');
	($status) = deliver($s, "A: c\n\n>From d", '-f', 'al@x.test', 'mbox');
	like(only($s, 'mbox'), qr/\AFrom\ al\@x\.test\ .{24}\n
	    Return-Path:\ <al\@x\.test>\nA:\ b\n\n>From\ c\n\n
	    From\ al\@x\.test\ .{24}\n
	    Return-Path:\ <al\@x\.test>\nA:\ c\n\n>>From\ d\n\r\n\z/x,
	    'two messages in an mbox');

	my $text = "Subject: x\n\ny\n";
	($status) = deliver($s, $text, qw(-f al@x.test -d bob));
	is(only($s, 'Mail/bob/new'), "Return-Path: <al\@x.test>\n" .
	    "Delivered-To: bob\@a.test\n$text", 'to a user');
	unlink $s->files('Mail/bob/new');
	for my $row (['Bob@A.test', 'bob'], ['bob@b.test', 'bob'],
	    ['eve@b.test', 'eve'], ['postmaster@b.test', 'bob'],
	    ['Postmaster', 'bob'], ['root@a.test', 'bob']) {
		($status) = deliver($s, $text, '-a', $row->[0]);
		is(only($s, "Mail/$row->[1]/new"),
		    "Delivered-To: $row->[0]\n$text", "to $row->[0]");
		unlink $s->files("Mail/$row->[1]/new");
	}
	my @wrong = (
		[67, '5\.1\.1 \S+: no such user'],	# who runs it
		[64, 'more than one', 'Box', 'mbox'],
		[64, 'more than one', '-d', 'bob', 'Box'],
		[64, 'needs -q', '-w', 'Box'],
		[64, 'takes no message', '-q', 'Box'],
		[64, 'sender', '-f', 'a b', 'Box'],
		[67, '5\.1\.1 nobody: no such user', '-d', 'nobody'],
		[67, '5\.1\.1', '-a', 'eve@a.test'],
		[67, '5\.1\.2', '-a', 'bob@c.test'],
		[67, '5\.1\.1', '-d', '../bob'],
		[73, 'neither a Maildir nor', 'home'],
		[73, 'No such file', 'none/box'],
	);
	for (@wrong) {
		my ($want, $words, @args) = @$_;
		($status, $err) = deliver($s, $text, @args);
		is($status, $want, "@args: $want");
		like($err, qr/^[^\n]*$words[^\n]*\n\z/, '... in one line');
	}
	($status, $err) = deliver($s, '', 'Box');
	is($status, 66, 'no message');
	($status, $err) = deliver($s, "From x y\n", 'Box');
	is($status, 66, 'a From_ line alone');
	($status, $err) = deliver($s, "A: b\nDelivered-To:\n  bob\@A.TEST\n" .
	    "\nx\n", '-a', 'bob@a.test');
	is($status, 69, 'round in a circle');
	like($err, qr/5\.4\.6/, '... says so');
	($status) = deliver($s, "A: b\n\nDelivered-To: bob\@a.test\n", '-a',
	    'bob@a.test');
	is($status, 0, 'but the body says nothing');
	is(scalar(() = $s->files('*/tmp')), 0, 'nothing in any tmp/');
}

# --- from the queue -------------------------------------------------------

sub
queue
{
	my ($s, @args) = @_;
	my ($status, $out, $err) = $s->run(
	    [$s->command('mda-deliver', '-q', @args)]);

	is("$status$out", '0', "-q @args");
	return $err;
}

sub
submit
{
	my ($s, $from, @to) = @_;
	my ($status, $out) = $s->run([$put, $s->{spool}, 'local', 1, 200,
	    $from, @to]);

	is($status, 0, "spooled for @to");
	chomp $out;
	return $out;
}

if (!defined $put) {
	diag 'the program that spools is not built';
	done_testing();
	exit 0;
}

{
	my $s = Stdmail->new(users => { bob => 'x', eve => 'x' });

	submit($s, 'al@x.test', 'bob@a.test');
	my $log = queue($s);
	like($log, qr/delivered id=\S+ from=al\@x\.test to=bob\@a\.test/,
	    'one line says so');
	my ($first) = $s->files('Mail/bob/new');
	submit($s, 'al@x.test', 'bob@a.test');
	my ($path) = $s->spooled('local/now');
	my $node = (stat $path)[1];
	utime 1600000000, 1600000000, $path;
	queue($s);
	my ($second) = grep { $_ ne $first } $s->files('Mail/bob/new');
	is((stat $second)[1], $node, 'the second is the same file, renamed');
	is((stat _)[9], 1600000000, '... with its time of arrival');
	is(join(' ', $s->spooled), '', '... and the spool is empty');

	my $id = submit($s, 'al@x.test', 'bob@a.test', 'eve@a.test',
	    'nobody@a.test', 'x@elsewhere.test');
	$log = queue($s);
	is(scalar(() = $s->files('Mail/bob/new')), 3, 'to several: bob');
	like(only($s, 'Mail/eve/new'), qr/\AReturn-Path:\ <al\@x\.test>\n
	    Delivered-To:\ eve\@a\.test\nReceived:/x, '... eve');
	is(scalar(() = $s->spooled('local')), 0, '... nothing waits');
	my ($bounce) = grep { m{/now/} } $s->spooled('remote');
	my $text = Stdmail::slurp($bounce // '/dev/null');
	like($text, qr/5\.1\.1/, '... the bounce has the status');
	like($text, qr/nobody\@a\.test/, '... and names nobody');
	like($text, qr/x\@elsewhere\.test/, '... and who is elsewhere');
	unlink $s->spooled;

	submit($s, '<>', 'nobody@a.test');
	queue($s);
	($path) = $s->spooled('local');
	like($path ? Stdmail::slurp($path) : '', qr/^To: <postmaster\@/m,
	    'of a bounce that failed postmaster is told');
	for ($s->spooled('local/later')) {
		rename $_, "$s->{spool}/local/now/" . s{.*/\d+-}{}r;
	}
	select undef, undef, undef, 1.1;
	queue($s, '-o', 'bounce_lifetime=0');
	is(join(' ', $s->spooled), '', '... and that is never bounced');

	submit($s, 'al@x.test', 'bob@a.test');
	($path) = $s->spooled('local/now');
	Stdmail::spew($path, 'torn', 0600);
	$s->own;
	$log = queue($s);
	like($log, qr/id=\S+ error=/, 'what cannot be read is logged');
	is(scalar(() = $s->spooled('local/later')), 1, '... put off, kept');
	unlink $s->spooled;
}

# A mailbox that may not be written; then it may.
SKIP: {
	my $s = Stdmail->new(users => { bob => 'x' },
	    conf => { queue_lifetime => '1h' });

	chmod 0500, "$s->{dir}/Mail";
	skip('root may write everywhere', 1) if $s->{as} eq 'root';
	my $id = submit($s, 'al@x.test', 'bob@a.test');
	my $log = queue($s);
	like($log, qr/deferred id=\Q$id\E .*4\.3\.0/, 'tried later');
	my ($path) = $s->spooled('local/later');
	like($path // '', qr{/later/\d+/\d+-\Q$id\E,S=\d+,W=\d+$},
	    'in later/ under its time');
	my ($due) = ($path // '') =~ m{/(\d+)-};
	cmp_ok(abs(($due // 0) - time - 64), '<', 8, '... in a minute');
	queue($s);
	is(scalar(() = $s->spooled('local/later')), 1, 'not before its time');
	chmod 0700, "$s->{dir}/Mail";
	my $name = ($path // '') =~ s{.*/\d+-}{}r;
	rename $path, "$s->{spool}/local/now/$name" if defined $path;
	queue($s);
	is(scalar(() = $s->files('Mail/bob/new')), 1, 'then delivered');

	# The same until its time is over: it arrived long ago.
	chmod 0500, "$s->{dir}/Mail";
	system('rm', '-rf', "$s->{dir}/Mail/bob");
	rename "$s->{dir}/Mail", "$s->{dir}/Gone";
	Stdmail::spew("$s->{dir}/Mail", 'a file in its place', 0600);
	submit($s, 'al@x.test', 'bob@a.test');
	($path) = $s->spooled('local/now');
	my $old = $path =~ s{/\d+(\.M)}{/1600000000$1}r;
	rename $path, $old;
	$log = queue($s);
	like($log, qr/expired id=1600000000/, 'given up when its time is over');
	is(scalar(() = $s->spooled('local')), 0, '... it goes');
	is(scalar(grep { m{/now/} } $s->spooled('remote')), 1,
	    '... and its sender is told');
}

# While it watches.
{
	my $s = Stdmail->new(users => { bob => 'x', slow => 'x' });
	my $pid;
	my $start = sub {
		$pid = $s->spawn([$s->command('mda-deliver', '-q', '-w')], {});
	};
	my $arrives = sub {
		my ($n, $box) = @_;
		return Stdmail::until_true(sub {
			return $s->files($box // 'Mail/bob/new') == $n;
		}, 10);
	};

	submit($s, 'al@x.test', 'bob@a.test');
	$start->();
	ok($arrives->(1), 'watching: what lay there before');
	my $began = time;
	submit($s, 'al@x.test', 'bob@a.test');
	ok($arrives->(2), '... what comes');
	cmp_ok(time - $began, '<', 3, '... at once');

	# Who is put off wakes it by his time.
	submit($s, 'al@x.test', 'bob@a.test');
	ok($arrives->(3), '... and again');
	$s->{users}{new} = 'y';
	$s->write_users;
	$s->own;
	submit($s, 'al@x.test', 'new@a.test');
	ok($arrives->(1, 'Mail/new/new'), 'a user who was added is known');
	$s->{conf}{domains} = 'a.test c.test';
	$s->write_conf;
	kill 'HUP', $pid;
	Stdmail::until_true(sub { $s->log_text =~ /^.*\breload\b/m }, 5);
	submit($s, 'al@x.test', 'bob@c.test');
	ok($arrives->(4), 'SIGHUP reads the configuration again');
	{
		local $s->{conf}{users} = "$s->{dir}/no-such-file";
		local $s->{conf}{domains} = 'a.test';
		$s->write_conf;
	}
	kill 'HUP', $pid;
	Stdmail::until_true(sub { $s->log_text =~ /kept=old/ }, 5);
	submit($s, 'al@x.test', 'bob@c.test');
	ok($arrives->(5), '... all of it, or nothing');

	is(scalar(() = $s->spooled), 0, 'nothing is left');
	kill 'TERM', $pid;
	is(Stdmail::reap($pid, 5), 0, 'SIGTERM ends it');
}

# Messages for one mailbox go together; one that ends its process is not the
# others' fate.
SKIP: {
	my @strace = Stdmail::tool('strace') or skip('strace is missing', 1);
	my $s = Stdmail->new(users => { bob => 'x' });

	$s->preload('bob', "Subject: 0\n\ntext\n");
	submit($s, 'al@x.test', 'bob@a.test') for 1 .. 5;
	my ($status, undef, $said) = $s->run([@strace, '-f', '-o',
	    "$s->{dir}/trace", '-e', 'inject=renameat2:signal=KILL:when=3',
	    $s->command('mda-deliver', '-q')]);
	is($status, 0, 'a batch of which one ends its process');
	is(scalar(() = $s->files('Mail/bob/new')), 6, '... all arrive');
	like($said, qr/ died .*messages=5 /, '... it was one of five');
}

# A mailbox that hangs, as one on a file server that is gone.
SKIP: {
	my @strace = Stdmail::tool('strace') or skip('strace is missing', 1);
	my $s = Stdmail->new(users => { map { $_ => 'x' } 'slow', 'bob' });

	for my $user ('slow', 'bob') {
		submit($s, 'al@x.test', "$user\@a.test");
	}
	my $pid = $s->spawn([@strace, '-f', '-o', "$s->{dir}/trace", '-P',
	    "$s->{dir}/Mail/slow/", '-e',
	    'inject=openat:delay_enter=5000000:when=1',
	    $s->command('mda-deliver', '-q')], {});
	ok(Stdmail::until_true(sub { $s->files('Mail/bob/new') == 1 }, 10),
	    'behind a mailbox that hangs');
	is(scalar(() = $s->files('Mail/slow/new')), 0, '... which still does');
	is(Stdmail::reap($pid, 60), 0, 'the run ends when it is through');
	is(scalar(() = $s->files('Mail/slow/new')), 1, '... with both');
}

# The same, when much comes for it: it has not all places.
SKIP: {
	my @strace = Stdmail::tool('strace') or skip('strace is missing', 1);
	my $s = Stdmail->new(users => { map { $_ => 'x' } 'slow', 'bob' });
	my $pid = $s->spawn([@strace, '-f', '-o', "$s->{dir}/trace", '-P',
	    "$s->{dir}/Mail/slow/", '-e',
	    'inject=openat:delay_enter=3000000:when=1',
	    $s->command('mda-deliver', '-q', '-w')], {});

	# One after the other: each would have a process of its own.
	for (1 .. 8) {
		submit($s, 'al@x.test', 'slow@a.test');
		sleep 0.1;
	}
	submit($s, 'al@x.test', 'bob@a.test');
	ok(Stdmail::until_true(sub { $s->files('Mail/bob/new') == 1 }, 10),
	    'behind many for a mailbox that hangs');
	cmp_ok(scalar(() = $s->files('Mail/slow/new')), '<', 8,
	    '... the next does not wait for all of them');
	ok(Stdmail::until_true(sub { $s->files('Mail/slow/new') == 8 }, 60),
	    '... and all of them arrive');
	kill 'TERM', $pid;
	Stdmail::reap($pid, 20);
}

done_testing();
