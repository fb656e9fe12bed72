#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the runner of conversations tells a good one from a bad one:
# each row is a conversation with a small fake server and what the runner
# must say about it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail::Chat;

my $dir = Stdmail::folder();
my $fake = "$FindBin::Bin/lib/fake-server";

# name, directives, conversation, what the fault must say (undef: none)
my @rows = (
	['a reply matched', '', "S: 220 mx.a.test ready\nC: QUIT\nS: 221 bye\n"
	    . "CLOSED\n", undef],
	['a reply not matched', '', "S: 220 mx.b.test ready\n",
	    qr/:2: got:    220 mx\.a\.test ready/],
	['a hole', '', "S: 220 {{\\S+}} ready\n", undef],
	['a hole is anchored', '', "S: 220 {{\\S}} ready\n", qr/got:/],
	['text is no regex', '', "S: 220 .* ready\n", qr/got:/],
	['a catch given back', '', "S: 220 {{host=\\S+}} ready\n" .
	    "C: <<host>>\nS: 250 9 octets\n", undef],
	['any lines until', '', "S*: 220 {{.*}}\nC: EHLO x\nS*: 250 A\n",
	    undef],
	['any lines until one that never comes', "timeout 0.3\n",
	    "S*: 221 {{.*}}\n", qr/timeout.*waiting for: 221/],
	['lines in any order', '', "S: 220 {{.*}}\nC: EHLO x\n" .
	    "S~: 250 A\nS~: 250-B\nS~: 250-mx.a.test\nC: QUIT\nS: 221 bye\n",
	    undef],
	['one of them missing', '', "S: 220 {{.*}}\nC: EHLO x\n" .
	    "S~: 250 A\nS~: 250-C\nS~: 250-mx.a.test\n", qr/any order/],
	['a line that may come', '', "S?: 221 no\nS?: 220 {{.*}}\nC: x\n" .
	    "S?: 5\nS: 250 1 octets\n", undef],
	['escapes and repeats', '', "S: 220 {{.*}}\nC|: a\\x41\\0{{xy*50}}\n" .
	    "C: \nS: 250 103 octets\n", undef],
	['commands in one piece', '', "S: 220 {{.*}}\nC: a\nC: bb\nC: QUIT\n" .
	    "S: 250 1 octets\nS: 250 2 octets\nS: 221 bye\nCLOSED\n", undef],
	['a bare line end of the server', '', "S: 220 {{.*}}\nC: BARE\n" .
	    "S: 250 bare\n", qr/does not end in CRLF/],
	['and one that is wanted', '', "S: 220 {{.*}}\nC: BARE\n" .
	    "S|: 250 bare\n", undef],
	['a server that hangs', "timeout 0.3\n", "S: 220 {{.*}}\nC: HANG\n" .
	    "S: 250\n", qr/timeout/],
	['a server that closes early', '', "S: 220 {{.*}}\nC: QUIT\n" .
	    "S: 221 bye\nS: 250\n", qr/closed the connection/],
	['a server that does not close', "timeout 0.3\n",
	    "S: 220 {{.*}}\nCLOSED\n", qr/stays open/],
	['a server that dies', '', "S: 220 {{.*}}\nC: DIE\nS: 250 done\n",
	    qr/the server died: status 137/],
	['a file left in the spool', "timeout 0.3\n",
	    "S: 220 {{.*}}\nC: LITTER\nS: 250 left\n", qr{left in spool/tmp}],
	['a password in the log', "user alice open-sesame\n",
	    "S: 220 {{.*}}\nC: TELL open-sesame\nS: 250 told\n",
	    qr/password of a user/],
	['the log', '', "S: 220 {{.*}}\nC: TELL it\nS: 250 told\n" .
	    "LOG said {{i.}}\nNOLOG sung\n", undef],
	['not in the log', '', "S: 220 {{.*}}\nC: TELL it\nS: 250 told\n" .
	    "NOLOG said\n", qr/in the log: said/],
	['two connections', '', "S1: 220 {{.*}}\nS2: 220 {{.*}}\nC1: a\n" .
	    "C2: bb\nS2: 250 2 octets\nS1: 250 1 octets\nCLOSE1\n" .
	    "C2: QUIT\nS2: 221 bye\n", undef],
	['silence', '', "S: 220 {{.*}}\nSILENCE 0.1\nC: a\nS: 250 {{.*}}\n",
	    undef],
	['broken silence', '', "SILENCE 0.3\n", qr/silence was broken/],
	['one session on a socket', "mode inetd\n",
	    "S: 220 {{.*}}\nC: QUIT\nS: 221 bye\nCLOSED\nSTATUS 0\n", undef],
	['one session on pipes', "mode pipe\n",
	    "S: 220 {{.*}}\nC: QUIT\nS: 221 bye\nCLOSED\nSTATUS 0\n", undef],
	['another status', "mode pipe\n",
	    "S: 220 {{.*}}\nC: QUIT\nS: 221 bye\nSTATUS 3\n",
	    qr/exit status 0, wanted 3/],
	['a listening socket on 0', "mode wait\n",
	    "S: 220 {{.*}}\nC: QUIT\nS: 221 bye\nCLOSED\n", undef],
	['an option', "option hostname other.test\n",
	    "S: 220 other.test ready\n", undef],
	['a line of configuration', "conf hostname other.test\n",
	    "S: 220 other.test ready\n", undef],
	['messages and files', "user alice secret\nmessage alice cur:S\n" .
	    "| Subject: x\n|\n| body\nmessage alice/Sent new\n| a\nfile f\n" .
	    "| one\n| two\n| three\n",
	    "S: 220 {{.*}}\nFILES Mail/alice/cur 1\n" .
	    "FILES Mail/alice/.Sent/new 1\nFILE f\n| one\n| ...\n| thr{{e+}}\n" .
	    "FILE Mail/alice/cur/*\n| Subject: x\n|\n| body\n", undef],
	['a file that differs', "file f\n| one\n",
	    "S: 220 {{.*}}\nFILE f\n| two\n", qr/got:    'one'/],
	['a file that goes on', "file f\n| one\n| two\n",
	    "S: 220 {{.*}}\nFILE f\n| one\n", qr/more than wanted/],
	['a number of files that differs', "timeout 0.3\n",
	    "S: 220 {{.*}}\nFILES Mail/x/new 1\n", qr/0 files, wanted 1/],
	['a command', '', "S: 220 {{.*}}\nRUN echo \$DIR; echo b\n" .
	    "| {{/.*}}\n| b\n", undef],
	['a command that fails', '', "S: 220 {{.*}}\nRUN exit 3\n",
	    qr/exit 3 from/],
);

for my $row (@rows) {
	my ($name, $set, $talk, $want) = @$row;

	Stdmail::spew("$dir/x.chat", "program $fake\n$set$talk");
	for my $split (0, 1) {
		my $chat = Stdmail::Chat::parse("$dir/x.chat");
		my $fault = Stdmail::Chat::hold($chat, split => $split);
		my $what = $name . ($split ? ', byte by byte' : '');

		if (defined $want) {
			like($fault // 'no fault', $want, $what);
		} else {
			is($fault, undef, $what);
		}
	}
}

# What cannot be read is an error, not a conversation of nothing.
for my $row (
	["program x\n", qr/no conversation/],
	["S: 220\n", qr/no program/],
	["program x\nSAY hello\n", qr/:2: cannot read 'SAY hello'/],
	["program x\nS: 220\nuser a b\n", qr/:3: 'user' must stand before/],
	["| text\n", qr/:1: text without a line/],
) {
	Stdmail::spew("$dir/x.chat", $row->[0]);
	eval { Stdmail::Chat::parse("$dir/x.chat") };
	like($@, $row->[1], "refused: " . ($row->[0] =~ s/\n/ /gr));
}

done_testing();
