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
use Test::More;

use Stdmail;
use Stdmail::Killed;

Stdmail::Killed::need();

# How often each place has it.
sub
places
{
	my ($s) = @_;

	return (map({ my $user = $_; Stdmail::Killed::copies($s, $user,
	    qr/Return-Path:\ <a\@b\.test>\nDelivered-To:\ $user\@a\.test\n
	    Delivered-To:\ all\@a\.test\nReceived:\ .*\n/xs) } qw(bob eve)),
	    Stdmail::Killed::sent($s, 'al@c.test'));
}

for my $to (['all'], ['all', 'nobody']) {
	my $s = Stdmail->new(users => { bob => 'x', eve => 'x' });

	Stdmail::spew("$s->{dir}/aliases", "all: bob, eve, al\@c.test\n",
	    0644);
	$s->{conf}{aliases} = "$s->{dir}/aliases";
	$s->write_conf;
	# A message without an envelope file has no place to say so.
	Stdmail::Killed::sweep($s, what => "to @$to",
	    step => Stdmail::Killed::step(3, 17),
	    submit => sub { Stdmail::Killed::submit($s, @$to) },
	    places => sub { places($s) }, most => [2, 2, 4],
	    said => @$to > 1 ? qr/may-be-doubled/ : undef);
}
done_testing();
