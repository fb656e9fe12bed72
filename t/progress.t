#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a search which takes more than ten seconds says how far it is
# (RFC 9585), and one that takes less says nothing.  The long one is stopped in
# the middle, since no machine is slow for sure.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(make_path);
use IPC::Open2;
use Test::More;
use Time::HiRes qw(sleep time);

use Stdmail;

Stdmail::need('imapd');

my $messages = 20_000;
my $s = Stdmail->new(users => {});
my $path = "$s->{dir}/md";
make_path(map { "$path/$_" } qw(cur new tmp few/cur few/new few/tmp));
my $text = "Subject: x\nContent-Transfer-Encoding: base64\n\n" .
    ('QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w' . "\n") x 20_000;
Stdmail::spew("$path/cur/0.a:2,", $text, 0600);
Stdmail::spew("$path/few/cur/0.a:2,", $text, 0600);
for (1 .. $messages - 1) {
	link "$path/cur/0.a:2,", "$path/cur/$_.a:2," or die "link: $!\n";
}
$s->own;

# A session over pipes: its process, and both ends.
sub
session
{
	my ($box) = @_;
	my $pid = open2(my $out, my $in, $s->command('imapd', '-p', $box));

	$in->autoflush;
	print $in "a SELECT INBOX\r\n";
	while (my $line = <$out>) {
		last if $line =~ /^a /;
	}
	return ($pid, $in, $out);
}

sub
over
{
	my ($pid, $in, $out) = @_;

	kill 'KILL', $pid;
	close $in;
	close $out;
	waitpid $pid, 0;
}

my ($pid, $in, $out) = session($path);
print $in "slow SEARCH BODY nothing\r\n";
sleep 0.3;
kill 'STOP', $pid;
sleep 10.5;
kill 'CONT', $pid;
my $line = <$out>;
like($line, qr/^\* OK \[INPROGRESS \("slow" (\d+) $messages\)\] .*\r\n\z/,
    'after ten seconds it says how far it is');
my ($done) = $line =~ /"slow" (\d+)/;
cmp_ok($done // $messages, '<', $messages, '... and is not done');
over($pid, $in, $out);

($pid, $in, $out) = session("$path/few");
print $in "fast SEARCH BODY nothing\r\n";
is(scalar <$out>, "* SEARCH\r\n", 'a short one says nothing');
like(scalar <$out>, qr/^fast OK /, '... but what it found');
over($pid, $in, $out);

done_testing;
