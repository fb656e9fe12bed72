#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that mail for an alias is not lost on its way through two messages:
# the processes of mda-deliver -q are killed at every system call; then it runs
# again undisturbed.  Each user whom the alias stands for has the message, and
# what is for another host is in the queue; more than once only where the crash
# fell between the new message and the record in the old one, and then the log
# says so.
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
	my ($s, $user) = @_;
	my $n = 0;

	for my $path ($s->files("Mail/$user/new")) {
		$n += Stdmail::slurp($path) =~ /\AReturn-Path:\ <a\@b\.test>\n
		    Delivered-To:\ $user\@a\.test\n
		    Delivered-To:\ all\@a\.test\nReceived:\ .*\n\z/xs ?
		    1 : 1000;
	}
	return $n + 1000 * grep { 1 } $s->files("Mail/$user/tmp");
}

for my $to (['all'], ['all', 'nobody']) {
	my $s = Stdmail->new(users => { bob => 'x', eve => 'x' });
	my ($n, $status, $worst, $twice) = (0, $killed, '', 0);

	Stdmail::spew("$s->{dir}/aliases", "all: bob, eve, al\@c.test\n",
	    0644);
	$s->{conf}{aliases} = "$s->{dir}/aliases";
	$s->write_conf;
	while ($status == $killed && $n < 3000 && $worst eq '') {
		unlink $s->spooled, map { glob $s->maildir($_) . '/*/*' }
		    qw(bob eve);
		my ($code) = $s->run([$put, $s->{spool}, 'local', 1, 500,
		    'a@b.test', map { "$_\@a.test" } @$to]);
		($status) = $s->run([$killat, $n += $step, 'child',
		    $s->command('mda-deliver', '-q')]);
		my $log = '';
		for (1, 2) {
			$s->make_due;
			my ($again, $out, $err) = $s->run([
			    $s->command('mda-deliver', '-q')]);
			$code ||= $again;
			$log .= $err;
		}
		my ($bob, $eve) = map { copies($s, $_) } qw(bob eve);
		my $far = grep { Stdmail::slurp($_) =~ /^to Q al\@c\.test$/m }
		    $s->spooled('remote/env');
		my $left = join ' ', $s->spooled('local'), $s->spooled('tmp');

		$twice++ if $bob + $eve + $far > 3;
		# A message without an envelope file has no place to say so.
		$code ||= 'not said' if $bob + $eve + $far > 3 && @$to > 1 &&
		    $log !~ /may-be-doubled/;
		$worst = "call $n: code $code, bob $bob, eve $eve, far $far, " .
		    "left $left" if $code || $left ne '' || $bob < 1 ||
		    $bob > 2 || $eve < 1 || $eve > 2 || $far < 1 || $far > 4;
	}
	is($worst, '', "to @$to: killed at calls $step to $n");
	isnt($status, $killed, '... up to the last');
	cmp_ok($twice, '<', 20 + 60 / $step, "... and $twice times something came twice");
}
done_testing();
