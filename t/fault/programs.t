#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that an alias of a user, a program and a file loses nothing: the
# processes of mda-deliver -q, and the program, are killed at system calls;
# then it runs again undisturbed.  Each of the three has the message once, or
# twice where the crash fell between it and its record, and then the log says
# so, or that the program was killed.
#
# Every eleventh call is enough to see that it works; STDMAIL_THOROUGH=1 takes
# all.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;
use Stdmail::Killed;

Stdmail::Killed::need();

# What the log says where something may come twice: mda-deliver was killed, or
# the program, or what waits for it.
my $said = qr/may-be-doubled|program\ ended\ with\ 137|signal\ 9\ ended|
    the\ user's\ process/x;

my $s = Stdmail->new(users => { bob => 'x' });
my $out = "$s->{dir}/out";
mkdir $out or die "$out: $!\n";
$s->{conf}{aliases} = "$s->{dir}/aliases";
Stdmail::spew("$s->{dir}/aliases", <<"END", 0644);
team: bob, "|cat >$out/part.\$\$ && mv $out/part.\$\$ $out/whole.\$\$",
    $out/mbox
END
$s->write_conf;
$s->own;

# How often each has it, whole: the user, the program, the mbox.
sub
places
{
	my $whole = qr/Return-Path:\ <a\@b\.test>\nDelivered-To:\ \w+\@a\.test\n
	    (?:Delivered-To:\ team\@a\.test\n)?Received:\ .{400,}\n/xs;
	my @user = $s->files('Mail/bob/new');
	my @program = glob "$out/whole.*";
	my $mbox = -e "$out/mbox" ? Stdmail::slurp("$out/mbox") : '';
	my $bad = grep { Stdmail::slurp($_) !~ /$whole\z/ } @user, @program;

	return (scalar @user, scalar @program,
	    1000 * $bad + scalar(() = $mbox =~ /^From a\@b\.test /mg));
}

Stdmail::Killed::sweep($s, what => 'to the alias',
    step => Stdmail::Killed::step(11, 41),
    submit => sub { unlink glob "$out/*"; Stdmail::Killed::submit($s, 'team') },
    places => \&places, most => [2, 2, 2], said => $said, times => 3);
done_testing();
