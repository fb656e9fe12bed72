# SPDX-License-Identifier: ISC
#
# mda-deliver -q killed at its system calls, one after the other, and run again
# undisturbed: whoever asks says where the message must be then, and how often
# it may.  It must never take a run that was killed for one that came to its
# end.
package Stdmail::Killed;

use strict;
use warnings;

use Test::More;

use Stdmail;

my $killed = 200;	# killat's exit code

# Skip the test where it cannot be done.
sub
need
{
	Stdmail::need('mda-deliver', map { "$Stdmail::fault/$_" }
	    qw(put killat));
	Stdmail::in_memory();
}

# From one call to the next: each one with STDMAIL_THOROUGH=1, else so many; a
# build with more calls of its own has another number.
sub
step
{
	my ($plain, $other) = @_;

	return $ENV{STDMAIL_THOROUGH} ? 1 :
	    ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain' ? $plain : $other;
}

# Everything is taken away, and a message put in for these users: its exit
# code.
sub
submit
{
	my ($s, @to) = @_;

	unlink $s->spooled, map { glob $s->maildir($_) . '/*/*' }
	    keys %{$s->{users}};
	return ($s->run([Stdmail::program("$Stdmail::fault/put"), $s->{spool},
	    'local', 1, 500, 'a@b.test', map { "$_\@a.test" } @to]))[0];
}

# The queue runs, what was put off is due: whether it was content, and what it
# said.
sub
finish
{
	my ($s, $times) = @_;
	my ($log, $code) = ('', 0);

	for (1 .. $times // 2) {
		$s->make_due;
		my ($again, undef, $err) = $s->run([
		    $s->command('mda-deliver', '-q')]);
		$code ||= $again;
		$log .= $err;
	}
	return ($code, $log);
}

# Messages in a user's mailbox that are as the expression says; anything else
# counts a thousand.
sub
copies
{
	my ($s, $user, $whole) = @_;
	my $n = 0;

	for my $path ($s->files("Mail/$user/new")) {
		my ($size) = $path =~ /,S=(\d+),W=\d+$/;
		my $text = Stdmail::slurp($path);
		$n += $text =~ /\A$whole\z/ && length $text == $size ?
		    1 : 1000;
	}
	return $n + 1000 * grep { 1 } $s->files("Mail/$user/tmp");
}

# How many messages for elsewhere have this recipient.
sub
sent
{
	my ($s, $to) = @_;

	return scalar grep { Stdmail::slurp($_) =~ /^to Q \Q$to\E$/m }
	    $s->spooled('remote/env');
}

# sweep(SITE, what => NAME, step => N, submit => sub, places => sub, most =>
# [N...], said => REGEX, times => N): put the message in, kill the queue's run
# at its Nth call, 2Nth and so on, finish.  Each of the places then has it once
# at least, and at most as often as is said; where one has it again, the log
# says so (said undef: it has no place to).
sub
sweep
{
	my ($s, %o) = @_;
	my ($n, $status, $worst, $twice) = (0, $killed, '', 0);
	my $killat = Stdmail::program("$Stdmail::fault/killat");

	while ($status == $killed && $n < 4000 && $worst eq '') {
		my $code = $o{submit}->();
		($status, undef, my $first) = $s->run([$killat,
		    $n += $o{step}, 'child', $s->command('mda-deliver', '-q')]);
		my ($again, $log) = finish($s, $o{times});
		my @have = $o{places}->();
		my @left = ($s->spooled('local'), $s->spooled('tmp'));
		my $more = grep { $_ > 1 } @have;

		$twice++ if $more;
		$code ||= $again;
		$code ||= 'not said' if $more && defined $o{said} &&
		    "$first$log" !~ $o{said};
		$worst = "call $n: code $code, have @have, left @left\n" .
		    "$first$log" if $code || @left ||
		    grep { $have[$_] < 1 || $have[$_] > $o{most}[$_] }
		    0 .. $#have;
	}
	is($worst, '', "$o{what}: killed at calls $o{step} to $n");
	isnt($status, $killed, '... up to the last');
	cmp_ok($twice, '<', 20 + 60 / $o{step},
	    "... and $twice times something came twice");
}

1;
