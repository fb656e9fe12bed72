#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that mda-deliver -q neither loses nor doubles mail: it is killed, and
# then its children, at every system call of a run that delivers by rename, by
# copy, to several, and to nobody; then it runs again undisturbed.  The same for an
# alias, whose message is another in between: it is doubled at most where the
# crash fell between that and its record.  Each
# recipient has the message once, whole; whoever sent to nobody has a bounce
# (two, when the crash fell behind the first); and the spool is empty.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;

Stdmail::need('mda-deliver', "$Stdmail::fault/put", "$Stdmail::fault/killat");
Stdmail::in_memory();
my $put = Stdmail::program("$Stdmail::fault/put");
my $killat = Stdmail::program("$Stdmail::fault/killat");
my $killed = 200;
# A build with more calls of its own is killed at some of them.
my $step = ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain' ? 1 : 7;
my $limit = 3000;

# How many copies of the message a user has, of what there is in new/; every
# other file in the Maildir counts a thousand.
sub
copies
{
	my ($s, $user) = @_;
	my $n = 0;

	for my $path ($s->files("Mail/$user/new")) {
		my $text = Stdmail::slurp($path);
		my ($size) = $path =~ /,S=(\d+),W=\d+$/;
		$n += $text =~ /\AReturn-Path:\ <a\@b\.test>\nDelivered-To:
		    \ $user\@a\.test\nReceived:\ .*\n\z/xs &&
		    length $text == $size ? 1 : 1000;
	}
	return $n + 1000 * grep { 1 } $s->files("Mail/$user/tmp");
}

my @cases = (
	# what, is there a Maildir, recipients, copies, bounces
	['by rename', 1, ['bob'], 0],
	['by copy', 0, ['bob'], 0],
	['to two and to nobody', 1, ['bob', 'eve', 'nobody'], 1],
	['to nobody', 0, ['nobody'], 1],
);

for my $who ('main', 'child') {
	for my $case (@cases) {
		# The walk is the same whatever becomes of a message.
		next if $who eq 'main' && $case->[0] !~ /^by copy|^to two/;
		my ($what, $there, $to, $bounces) = @$case;
		my $s = Stdmail->new(users => { bob => 'x', eve => 'x' });
		my ($n, $status, $worst, $twice) = (0, $killed, '', 0);

		while ($status == $killed && $n < $limit && $worst eq '') {
			for my $user (qw(bob eve)) {
				my $box = $s->maildir($user);
				unlink glob "$box/*/*";
				rmdir for glob("$box/*"), $box;
				next if !$there;
				mkdir for $box, map { "$box/$_" }
				    qw(cur new tmp);
			}
			unlink $s->spooled;
			$s->own;
			my ($code, $id) = $s->run([$put, $s->{spool}, 'local',
			    1, 500, 'a@b.test', map { "$_\@a.test" } @$to]);
			($status) = $s->run([$killat, $n += $step, $who,
			    $s->command('mda-deliver', '-q')]);
			$s->make_due;
			my ($again) = $s->run([$s->command('mda-deliver',
			    '-q')]);
			my $got = join ' ', map { copies($s, $_) }
			    grep { $_ ne 'nobody' } @$to;
			my $want = join ' ', map { 1 }
			    grep { $_ ne 'nobody' } @$to;
			my $left = join ' ', $s->spooled('local'),
			    $s->spooled('tmp');
			my $back = grep { m{/now/} } $s->spooled('remote');
			$twice++ if $back > $bounces;
			$worst = "call $n: put $code, again $again, copies " .
			    "$got, bounces $back, left $left"
			    if $code || $again || $got ne $want ||
			    $left ne '' || $back < $bounces ||
			    $back > 2 * $bounces;
		}
		is($worst, '', "$what: $who killed at calls 1 to $n");
		isnt($status, $killed, '... up to the last');
		cmp_ok($twice, '<', 30, "... and $twice bounces came twice");
	}
}

# One failing call, at each place where it stands: the mail is delivered, or it
# waits, and then comes once.
my @strace = Stdmail::tool('strace');
for my $fault (!@strace ? () : ['fsync', 'EIO'], ['renameat2', 'ENOSPC'],
    ['pwrite64', 'ENOSPC'], ['write', 'EDQUOT'], ['unlinkat', 'EIO'],
    ['fdatasync', 'EIO'], ['openat', 'ENFILE'], ['fork,clone', 'EAGAIN']) {
	my ($call, $error) = @$fault;
	my $s = Stdmail->new(users => { bob => 'x', eve => 'x' });
	my ($worst, $injected) = ('', 1);

	for (my $n = 1; $n < 60 && $injected; $n += $step) {
		for my $user (qw(bob eve)) {
			my $box = $s->maildir($user);
			unlink glob "$box/*/*";
			rmdir for glob("$box/*"), $box;
		}
		unlink $s->spooled;
		$s->run([$put, $s->{spool}, 'local', 1, 500, 'a@b.test',
		    'bob@a.test']);
		$s->run([$put, $s->{spool}, 'local', 1, 500, 'a@b.test',
		    'bob@a.test', 'eve@a.test']);
		$s->run([@strace, '-f', '-o', "$s->{dir}/trace", '-e',
		    "inject=$call:error=$error:when=$n",
		    $s->command('mda-deliver', '-q')]);
		$injected = Stdmail::slurp("$s->{dir}/trace") =~ /INJECTED/;
		$s->make_due;
		my ($again) = $s->run([$s->command('mda-deliver', '-q')]);
		my $got = join ' ', map { copies($s, $_) } qw(bob eve);
		my $left = join ' ', $s->spooled('local'),
		    $s->spooled('tmp');
		$worst = "$n: again $again, copies $got, left $left"
		    if $again || $got ne '2 1' || $left ne '';
	}
	is($worst, '', "$call fails with $error: nothing lost or doubled");
}

done_testing();
