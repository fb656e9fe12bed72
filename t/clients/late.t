#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a host may take as long to answer as RFC 5321, section 4.5.3.2,
# lets it, and not for ever: peers that answer a bit before the end of that
# time, and a bit after it.  A minute lasts a second here.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(time);

use Stdmail;
use Stdmail::Faketime;
use Stdmail::Mta;

Stdmail::need('smtp-send');
Stdmail::Faketime::need();

my $speed = 120;
my $s = Stdmail->new;

# What is answered late, its usual reply, the minutes that must be waited.
my @rows = (
	['CONNECT', '220 there.test', 5],
	['MAIL', '250 2.1.0 ok', 5],
	['RCPT', '250 2.1.5 ok', 5],
	['DATA', '354 go on', 2],
	['BODY', '250 2.0.0 ok', 10],
);
my @runs;

# Begin to send to one who answers so: where it will be told what came of it.
sub
begin
{
	my ($event, $reply, $minutes) = @_;
	my $mta = Stdmail::Mta->start(rules => [[qr/^$event/, sub {
		select(undef, undef, undef, $minutes * 60 / $speed);
		return $reply;
	}]]);

	pipe(my $r, my $w) or die "pipe: $!\n";
	Stdmail::fork_child(sub {
		my ($st, $out, $err) = $s->run_program('smtp-send',
		    ['-r', "127.0.0.1:$mta->{port}", '-f', 'a@a.test',
		    'b@b.test'], stdin => "x\n", timeout => 60,
		    env => { Stdmail::Faketime::faster($speed) });
		syswrite $w, "$st $out$err";
		POSIX::_exit(0);
	});
	return $r;
}

sub end { my ($r) = @_; local $/; return scalar <$r> }

# All at once: each pair waits for itself.
for my $row (@rows) {
	my ($event, $reply, $minutes) = @$row;
	for my $case (['before', 0.8, 0], ['after', 1.25, 75]) {
		my ($when, $part, $code) = @$case;
		my @how = ($event, $reply, $minutes * $part);
		push @runs, ["$event: $when $minutes minutes", $code,
		    begin(@how), @how];
	}
}
# A minute is half a second here, which a busy machine may miss for once.
for my $run (@runs) {
	my ($what, $code, $r, @how) = @$run;
	my $said = end($r);

	for (1 .. 5) {
		last if $said =~ /^$code /;
		$said = end(begin(@how));
	}
	like($said, qr/^$code /, $what) or diag($said);
	like($said, qr/\t4\.4\.2\t.*no answer in time/, "$what: and says so")
	    if $code;
}

done_testing();
