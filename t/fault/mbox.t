#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that an mbox loses nothing: a program that changes flags, removes,
# saves, gives UIDs or delivers is killed at every system call, and then the
# next one finds the state before or the one after; also when something was
# delivered in between, by a program that knows nothing of it.  And that a disk
# that is full or failing leaves the state before.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;

use Stdmail;

Stdmail::need("$Stdmail::fault/mboxop", "$Stdmail::fault/killat");
my $op = "$Stdmail::fault/mboxop";
my $killed = 200;
my $plain = ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain';
# A build with more calls of its own is killed at some of them.
my $step = $plain ? 1 : 7;
my $limit = 3000;	# calls of one run; far more than there are
# Nothing here may go on for ever, whatever is killed or fails.
my $doing = 'nothing';
local $SIG{ALRM} = sub { die "too long at: $doing\n" };
alarm 180;
# Kills do not need a disk, and syncs of memory are quick.
my $dir = tempdir('stdmail-XXXXXX', CLEANUP => 1,
    -w '/dev/shm' ? (DIR => '/dev/shm') : (TMPDIR => 1));
my $mbox = "$dir/mbox";

sub spew {
	my ($file, $text) = @_;

	open my $fh, '>', $file or die "$file: $!\n";
	print $fh $text;
	close $fh or die "$file: $!\n";
}

# Run it with this input; exit code and what it said.
sub run {
	my ($input, @cmd) = @_;

	spew("$dir/in", $input);
	my $out = `@cmd <$dir/in 2>$dir/err`;
	return ($? >> 8, $out);
}

# What is in it, as far as one can tell apart: flags and text of each.  With
# UIDs when they are wanted.
sub state_of {
	my ($uids) = @_;
	my ($code, $out) = run('', $op, $mbox, 'list');

	return "list failed: " . Stdmail::slurp("$dir/err") if $code != 0;
	$out =~ s/^\d+ //mg if !$uids;
	return $out;
}

# A foreign program's delivery, which ends a line that is not ended.
sub foreign {
	my $text = Stdmail::slurp($mbox);
	open my $fh, '>>', $mbox or die "$mbox: $!\n";
	print $fh "\n" if $text ne '' && $text !~ /\n\z/;
	print $fh "From f\@b.test Thu Jan  1 00:00:20 1970\nA: foreign\n\nx\n\n";
	close $fh;
}

my $from = "From a\@b.test Thu Jan  1 00:00:10 1970\n";
my $raw = join '', map { "${from}A: $_\n\ntext $_\nFro\n" .
    'x' x (1000 * $_) . "\n\n" } 1 .. 5;
my $new = "A: new\r\n\r\nFrom x\r\n" . 'y' x 3000;

# Operation, its input, whether UIDs must stay as well, how the mbox begins.
my @rows = (
	['UIDs are given', 'take', '', 0, 0],
	['flags change', 'flag 4', '', 1, 1],
	['the first is removed', 'remove 1', '', 1, 1],
	['some are removed', 'remove 2 4', '', 1, 1],
	['the last is removed', 'remove 5', '', 1, 1],
	['all are removed', 'remove 1 2 3 4 5', '', 0, 1],
	['two are saved', 'save 2', $new, 1, 1],
	['one is delivered', 'deliver', $new =~ s/\r//gr, 0, 0],
);

# The mbox as it is at the beginning of a row.
sub begin {
	my ($ready) = @_;

	spew($mbox, $raw);
	run('', $op, $mbox, 'take') if $ready;
	return Stdmail::slurp($mbox);
}

for (@rows) {
	my ($name, $args, $input, $uids, $ready) = @$_;
	my @args = split ' ', $args;

	my $start = begin($ready);
	my $before = state_of($uids);
	spew($mbox, $start);
	my ($code) = run($input, $op, $mbox, @args);
	is($code, 0, "$name");
	my $after = state_of($uids);
	isnt($after, $before, '... and it is another state')
	    if $args ne 'take';

	for my $between (0, 1) {
		next if $between && (!$plain || $args =~ /^(flag|deliver)/);
		my ($n, $status, $worst) = ($plain ? 40 : 0, $killed, '');
		my ($done, $undone) = (0, 0);
		while ($status == $killed && $n < $limit && $worst eq '') {
			$doing = "$name, killed at call $n";
			spew($mbox, $start);
			($status) = run($input, "$Stdmail::fault/killat",
			    $n += $step, 'main', $op, $mbox, @args);
			foreign() if $between;
			my $now = state_of($uids);
			if ($between) {
				# The last line, unflagged, is it.
				my $at = 1 + rindex $now, "\n", length($now) - 2;
				my $last = substr $now, $at;
				$worst = "call $n: the delivery is missing"
				    if $last !~ /^(\d+ )?0 / ||
				    index($last, unpack('H*', 'foreign')) < 0;
				$now = substr $now, 0, $at;
			}
			# A delivery that was killed may leave a part.
			my $torn = $args eq 'deliver' && $status == $killed &&
			    index($now, $before) == 0;
			if ($now eq $after) {
				$done++;
			} elsif ($now eq $before || $torn) {
				$undone++;
			} elsif ($worst eq '') {
				$worst = "call $n: neither before nor after";
			}
		}
		is($worst, '', "... killed at each call up to $n" .
		    ($between ? ', and a delivery then' : ''));
		cmp_ok($undone, '>', 0, "... $undone times undone")
		    if $args ne 'take';
		cmp_ok($done, '>', 0, "... $done times done");
	}
}

my @strace = Stdmail::tool('strace');
SKIP: {
	# Once is enough: what a build of another variant adds is not asked.
	last SKIP if !$plain;
	skip('strace is missing', 1) if !@strace;
	my @faults = (['pwrite64', 'ENOSPC'], ['fsync', 'EIO'],
	    ['fallocate', 'ENOSPC'], ['fallocate', 'EOPNOTSUPP'],
	    ['ftruncate', 'EIO'], ['pread64', 'EIO'], ['write', 'EDQUOT'],
	    ['futimens', 'EPERM']);
	for (@faults) {
		my ($call, $error) = @$_;
		my ($worst, $refused) = ('', 0);

		$call = 'utimensat' if $call eq 'futimens';
		for (@rows) {
			my ($name, $args, $input, $uids, $ready) = @$_;
			my @args = split ' ', $args;
			my $start = begin($ready);
			my $before = state_of($uids);
			spew($mbox, $start);
			run($input, $op, $mbox, @args);
			my $after = state_of($uids);
			my $next = $call eq 'pread64' ? 5 : 1;
			for (my $n = 1; $n < 60; $n += $next) {
				$doing = "$name, $call $n fails";
				spew($mbox, $start);
				my ($status) = run($input, @strace, '-o',
				    "$dir/trace", '-e', "inject=$call:error=" .
				    "$error:when=$n", '--', $op, $mbox, @args);
				my $now = state_of($uids);
				$refused++ if $status == 75;
				$worst = "$name, $n: neither before nor after"
				    if $now ne $before && $now ne $after;
				$worst = "$name, $n: done and not there"
				    if $status == 0 && $now ne $after;
				last if Stdmail::slurp("$dir/trace") !~
				    /INJECTED/;
			}
		}
		is($worst, '', "$call fails with $error: before or after");
		note("refused $refused times");
	}
}
ok(!-e "$mbox.lock", 'no lock is left');

done_testing();
