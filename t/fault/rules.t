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
use Test::More;

use Stdmail;
use Stdmail::Killed;

Stdmail::Killed::need();

sub
site
{
	my ($forward) = @_;
	my $s = Stdmail->new(users => { bob => 'x', eve => 'x' });

	Stdmail::spew("$s->{dir}/home/bob/.forward", $forward, 0600);
	$s->own;
	return $s;
}

# How often each place has it.
sub
places
{
	my ($s) = @_;
	my $bob = 'Delivered-To:\ bob@a\.test\n';
	my ($of_bob, $of_eve) = map { qr/Return-Path:\ <a\@b\.test>\n$_
	    Received:\ .*\n/xs } $bob, "Delivered-To:\\ eve\@a\\.test\\n$bob";

	return (Stdmail::Killed::copies($s, 'bob', $of_bob),
	    Stdmail::Killed::copies($s, 'eve', $of_eve),
	    Stdmail::Killed::sent($s, 'al@c.test'));
}

my $s = site("\\bob, eve, al\@c.test\n");
for my $to (['bob'], ['bob', 'nobody']) {
	Stdmail::Killed::sweep($s, what => "to @$to",
	    step => Stdmail::Killed::step(3, 17),
	    submit => sub { Stdmail::Killed::submit($s, @$to) },
	    places => sub { places($s) }, most => [1, 2, 2],
	    said => qr/may-be-doubled/);
}

# A mailbox that cannot be written at first: the other places do not wait, and
# do not get it again.
for my $to (['bob'], ['bob', 'nobody']) {
	my $box = $s->maildir('bob');

	is(Stdmail::Killed::submit($s, @$to), 0, "to @$to");
	unlink glob "$box/*/*";
	rmdir for glob("$box/*"), $box;
	Stdmail::spew($box =~ s{/$}{}r, "not a mailbox\n", 0600);
	chmod 0, $box =~ s{/$}{}r;
	$s->own;
	my ($code, $log) = Stdmail::Killed::finish($s);
	is(join(' ', (places($s))[1, 2]), '1 1', 'what can be done is done')
	    or diag $log;
	like(join('', map { Stdmail::slurp($_) } $s->spooled('local/env')),
	    qr/^did \d+ 0 D [0-9a-f]{16} 2\.0\.0 sent on$/m, 'and written down');
	unlink $box =~ s{/$}{}r;
	(undef, $log) = Stdmail::Killed::finish($s);
	is(join(' ', places($s)), '1 1 1', '... and the rest, and no more')
	    or diag $log;
	is(join(' ', $s->spooled('local')), '', 'nothing is left');
}
done_testing();
