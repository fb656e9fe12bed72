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
    ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain' ? 11 : 41;

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

sub
submit
{
	unlink $s->spooled, glob("$out/*"), glob $s->maildir('bob') . '/*/*';
	return ($s->run([$put, $s->{spool}, 'local', 1, 500, 'a@b.test',
	    'team@a.test']))[0];
}

# The queue runs until nothing is left; what it said, and whether it was
# content.
sub
finish
{
	my ($log, $code) = ('', 0);

	for (1 .. 3) {
		$s->make_due;
		my ($again, undef, $err) = $s->run([
		    $s->command('mda-deliver', '-q')]);
		$code ||= $again;
		$log .= $err;
	}
	return ($code, $log);
}

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

my ($n, $status, $worst, $twice) = (0, $killed, '', 0);

while ($status == $killed && $n < 4000 && $worst eq '') {
	my $code = submit();
	($status, undef, my $first) = $s->run([$killat, $n += $step,
	    'child', $s->command('mda-deliver', '-q')]);
	my ($again, $log) = finish();
	my @have = places();
	my $left = join ' ', $s->spooled('local'), $s->spooled('tmp');
	my $more = grep { $_ > 1 } @have;

	$twice++ if $more;
	$code ||= $again;
	$code ||= 'not said' if $more && "$first$log" !~ $said;
	$worst = "call $n: code $code, user, program, mbox @have, left $left" .
	    "\n$first$log" if $code || $left ne '' ||
	    grep { $_ < 1 || $_ > 2 } @have;
}
is($worst, '', "killed at calls $step to $n");
isnt($status, $killed, '... up to the last');
cmp_ok($twice, '<', 20 + 60 / $step,
    "... and $twice times something came twice");
done_testing();
