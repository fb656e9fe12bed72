#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a message for which the spool answered is never lost: its writer
# is killed at every system call, for each form of envelope; then a recovery
# leaves every answered message whole in its queue, no file in tmp/, and no
# envelope without a message.  And that a full disk or a failing one is
# answered by a refusal which leaves nothing behind.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;

Stdmail::need("$Stdmail::fault/put", "$Stdmail::fault/killat");
my $put = Stdmail::program("$Stdmail::fault/put");
my $killat = Stdmail::program("$Stdmail::fault/killat");
my $killed = 200;
# A build with more calls of its own is killed at some of them.
my $step = ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain' ? 1 : 7;
my $limit = 3000;	# calls of one run; far more than there are

my %forms = (
	'one local recipient' => ['local', ['bob@a.test']],
	'two local recipients' => ['local', ['bob@a.test', 'eve@a.test']],
	'a remote recipient' => ['remote', ['bob@b.test']],
);
my $body = "Received: by test\nSubject: test\n\n";

# What is wrong with the spool after a recovery; '' nothing.
sub
fault
{
	my ($s, @answered) = @_;
	my %message;

	return 'a file in tmp/' if $s->spooled('tmp');
	for my $path ($s->spooled) {
		my ($name) = $path =~ m{([^/]+)$};
		if ($path =~ m{/env/}) {
			my $text = Stdmail::slurp($path);
			return "a torn envelope: $text"
			    if $text !~ /^stdmail-envelope 1\n.*^end\n\z/ms;
			$message{$name} |= 1;
			next;
		}
		my ($id, $size) = $name =~ /^(.*),S=(\d+),W=\d+$/
		    or return "a strange name $name";
		my $text = Stdmail::slurp($path);
		return "$id: its size is not what its name says"
		    if length $text != $size;
		$text =~ s/^Return-Path: .*\nDelivered-To: .*\n//;
		return "$id: not whole" if index($text, $body) != 0 ||
		    length $text != length($body) + 20032;
		$message{$id} |= $id =~ /Q\d+L\./ ? 3 : 2;
	}
	for my $id (keys %message) {
		return "$id: an envelope without a message"
		    if $message{$id} == 1;
		return "$id: a message without its envelope"
		    if $message{$id} == 2;
	}
	for my $id (@answered) {
		return "$id: answered and missing" if !$message{$id};
	}
	return '';
}

sub
empty_spool
{
	my ($s) = @_;

	unlink $s->spooled;
}

sub
args
{
	my ($s, $form, $count) = @_;
	my ($queue, $to) = @{$forms{$form}};

	return ($s->{spool}, $queue, $count, 20000, 'a@b.test', @$to);
}

for my $form (sort keys %forms) {
	my $s = Stdmail->new(users => {});
	my ($n, $status, $worst) = (0, $killed, '');
	my ($answered, $left) = (0, 0);

	$s->run([$put, $s->{spool}, 'recover']);
	while ($status == $killed && $n < $limit) {
		my ($out, $err);
		($status, $out, $err) = $s->run([$killat, $n += $step, 'main',
		    $put,
		    args($s, $form, 2)]);
		$left++ if $s->spooled('tmp');
		my ($code, undef, $why) = $s->run([$put, $s->{spool},
		    'recover']);
		my @ids = split /\n/, $out;
		$answered += @ids;
		my $fault = $code ? "recover: $why" : fault($s, @ids);
		$worst = "call $n: $fault" if $fault ne '';
		last if $worst ne '';
		empty_spool($s);
	}
	is($worst, '', "$form: killed at calls 1 to $n");
	is($status, 0, '... up to the last');
	cmp_ok($answered, '>', 1, "... $answered messages were answered");
	cmp_ok($left, '>', 2, "... $left times a file was left in tmp/");
}

# One failing call, at each place where it stands.
my @strace = Stdmail::tool('strace');
SKIP: {
	skip('strace is missing', 1) if !@strace;
	my @faults = map { my $call = $_; map { [$call, $_] }
	    qw(ENOSPC EIO) } qw(write fsync renameat fchmod);
	push @faults, ['openat', 'EDQUOT'], ['openat', 'EMFILE'];
	for (@faults) {
		my ($call, $error) = @$_;
		my $s = Stdmail->new(users => {});
		my ($worst, $refused) = ('', 0);

		$s->run([$put, $s->{spool}, 'recover']);
		for my $form (sort keys %forms) {
			for (my $n = 1; $n < 60; $n++) {
				my ($status, $out, $err) = $s->run([@strace,
				    '-o', "$s->{dir}/trace", '-e',
				    "inject=$call:error=$error:when=$n", '--',
				    $put, args($s, $form, 1)]);
				my @ids = split /\n/, $out;
				my $fault = $status != 75 ? '' :
				    $s->spooled ? "refused, and left " .
				    join ' ', $s->spooled :
				    @ids ? "refused and answered" : '';
				$fault = fault($s, @ids)
				    if $status == 0 && $fault eq '';
				$worst = "$form, $n: $fault" if $fault ne '';
				$refused++ if $status == 75;
				empty_spool($s);
				last if Stdmail::slurp("$s->{dir}/trace") !~
				    /INJECTED/;
			}
		}
		is($worst, '', "$call fails with $error: nothing is left");
		cmp_ok($refused, '>', 0, "... refused $refused times");
	}
}

done_testing();
