#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a user's .forward with several places loses nothing: the processes
# of mda-deliver -q are killed at every system call; then it runs again
# undisturbed.  The mailbox has the message once, the other user and the queue
# for elsewhere at least once; more than once only where the crash fell between
# one place and its record, and then the log says so.  What one place had before
# it failed for a time, it does not get again.
#
# Every third call is enough to see that it works; STDMAIL_THOROUGH=1 takes all.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Basename qw(dirname);
use Test::More;

use Stdmail;

my $fault = dirname($ENV{STDMAIL_UNIT} // "$Stdmail::top/build/t/unit")
    . '/fault';
Stdmail::need('mda-deliver', "$fault/put", "$fault/killat");
Stdmail::in_memory();
my ($put, $killat) = map { Stdmail::program("$fault/$_") } qw(put killat);
my $killed = 200;
my $step = $ENV{STDMAIL_THOROUGH} ? 1 :
    ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain' ? 3 : 17;

# Whole copies of the message in a mailbox; anything else counts a thousand.
sub
copies
{
	my ($s, $user, $marks) = @_;
	my $n = 0;

	for my $path ($s->files("Mail/$user/new")) {
		my ($size) = $path =~ /,S=(\d+),W=\d+$/;
		my $text = Stdmail::slurp($path);
		$n += $text =~ /\AReturn-Path:\ <a\@b\.test>\n$marks
		    Received:\ .*\n\z/xs && length $text == $size ? 1 : 1000;
	}
	return $n + 1000 * grep { 1 } $s->files("Mail/$user/tmp");
}

sub
site
{
	my ($forward) = @_;
	my $s = Stdmail->new(users => { bob => 'x', eve => 'x' });

	Stdmail::spew("$s->{dir}/home/bob/.forward", $forward, 0600);
	$s->own;
	return $s;
}

sub
submit
{
	my ($s, @to) = @_;

	unlink $s->spooled, map { glob $s->maildir($_) . '/*/*' } qw(bob eve);
	return ($s->run([$put, $s->{spool}, 'local', 1, 500, 'a@b.test',
	    map { "$_\@a.test" } @to]))[0];
}

# Runs it until nothing is left; what it said, and whether it was content.
sub
finish
{
	my ($s) = @_;
	my ($log, $code) = ('', 0);

	for (1, 2) {
		$s->make_due;
		my ($again, $out, $err) = $s->run([
		    $s->command('mda-deliver', '-q')]);
		$code ||= $again;
		$log .= $err;
	}
	return ($code, $log);
}

# How often each place has it.
sub
places
{
	my ($s) = @_;

	return (copies($s, 'bob', 'Delivered-To:\ bob@a\.test\n'),
	    copies($s, 'eve', 'Delivered-To:\ eve@a\.test\n' .
	    'Delivered-To:\ bob@a\.test\n'),
	    scalar grep { Stdmail::slurp($_) =~ /^to Q al\@c\.test$/m }
	    $s->spooled('remote/env'));
}

my $s = site("\\bob, eve, al\@c.test\n");
for my $to (['bob'], ['bob', 'nobody']) {
	my ($n, $status, $worst, $twice) = (0, $killed, '', 0);

	while ($status == $killed && $n < 3000 && $worst eq '') {
		my $code = submit($s, @$to);
		($status, undef, my $first) = $s->run([$killat, $n += $step,
		    'child', $s->command('mda-deliver', '-q')]);
		my ($again, $log) = finish($s);
		my ($bob, $eve, $far) = places($s);
		my $left = join ' ', $s->spooled('local'), $s->spooled('tmp');

		$twice++ if $bob + $eve + $far > 3;
		$code ||= $again;
		$code ||= 'not said' if $bob + $eve + $far > 3 &&
		    "$first$log" !~ /may-be-doubled/;
		$worst = "call $n: code $code, bob $bob, eve $eve, far $far, " .
		    "left $left" if $code || $left ne '' || $bob != 1 ||
		    $eve < 1 || $eve > 2 || $far < 1 || $far > 2;
	}
	is($worst, '', "to @$to: killed at calls $step to $n");
	isnt($status, $killed, '... up to the last');
	cmp_ok($twice, '<', 20 + 60 / $step, "... and $twice times something came twice");
}

# A mailbox that cannot be written at first: the other places do not wait, and
# do not get it again.
for my $to (['bob'], ['bob', 'nobody']) {
	my $box = $s->maildir('bob');

	is(submit($s, @$to), 0, "to @$to");
	unlink glob "$box/*/*";
	rmdir for glob("$box/*"), $box;
	Stdmail::spew($box =~ s{/$}{}r, "not a mailbox\n", 0600);
	chmod 0, $box =~ s{/$}{}r;
	$s->own;
	my ($code, $log) = finish($s);
	is(join(' ', (places($s))[1, 2]), '1 1', 'what can be done is done')
	    or diag $log;
	like(join('', map { Stdmail::slurp($_) } $s->spooled('local/env')),
	    qr/^did \d+ 0 D [0-9a-f]{16} 2\.0\.0 sent on$/m, 'and written down');
	unlink $box =~ s{/$}{}r;
	(undef, $log) = finish($s);
	is(join(' ', places($s)), '1 1 1', '... and the rest, and no more')
	    or diag $log;
	is(join(' ', $s->spooled('local')), '', 'nothing is left');
}
done_testing();
