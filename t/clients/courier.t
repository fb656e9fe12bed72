#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a Maildir of Courier's opens with the UIDs, UIDVALIDITY, UIDNEXT
# and subscriptions it had there, that these are then written in Dovecot's
# form, that the first change takes them over, and that Courier's files stay as
# they were.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Path qw(make_path);
use Test::More;

use Stdmail;

Stdmail::need('imapd');

my $s = Stdmail->new(users => {});
my $md = "$s->{dir}/md";

sub put {
	my ($name, $text) = @_;

	Stdmail::spew("$md/$name", $text, 0600);
}

# Lines to imapd at a pipe; what it said.
sub imap {
	my (@lines) = @_;
	my ($status, $out, $err) = $s->run([$s->command('imapd', '-p', $md)],
	    stdin => join('', map { "$_\r\n" } @lines, 'z LOGOUT'));

	is($status, 0, "@lines");
	unlike($err, qr/error/, 'without a complaint');
	$out =~ tr/\r//d;
	return $out;
}

sub subscribed {
	my $out = imap('a LSUB "" *');
	my @names = $out =~ /^\* LSUB \(.*?\) "\." "?([^"\n]+?)"?$/mg;

	return join ' ', sort @names;
}

my $theirs = "INBOX\nINBOX.Sent\nINBOX.Entw&APw-rfe\r\nINBOX.Lists.foo\n" .
    "#shared.x\nINBOX.\n\ninbox.Last";
make_path(map { ("$md$_/cur", "$md$_/new", "$md$_/tmp") } '', '/.Sent');
put('courierimapsubscribed', $theirs);
$s->own;

is(subscribed(), 'Entw&APw-rfe INBOX Last Lists.foo Sent', 'as in Courier');
ok(!-e "$md/subscriptions", 'for reading nothing is written');
imap('a UNSUBSCRIBE Nobody', 'b SUBSCRIBE Sent');
is(subscribed(), 'Entw&APw-rfe INBOX Last Lists.foo Sent', 'nothing to do');
imap('a UNSUBSCRIBE Lists.foo', 'b CREATE Work', 'c SUBSCRIBE Work');
is(subscribed(), 'Entw&APw-rfe INBOX Last Sent Work', 'changed');
is(Stdmail::slurp("$md/courierimapsubscribed"), $theirs,
    'not in its own file');
imap('a UNSUBSCRIBE Entw&APw-rfe', 'b UNSUBSCRIBE INBOX',
    'c UNSUBSCRIBE Last', 'd UNSUBSCRIBE Sent', 'e UNSUBSCRIBE Work');
is(subscribed(), '', 'nothing comes back');


# UIDs.  Courier's list has a line for each file, its name without flags; what
# came since has none.

sub uids {
	my ($mailbox) = @_;
	my $out = imap("a SELECT $mailbox",
	    'b UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
	my ($validity) = $out =~ /UIDVALIDITY (\d+)/;
	my ($next) = $out =~ /UIDNEXT (\d+)/;
	my @list;

	while ($out =~ /^\* \d+ FETCH \((.*?)\n\n?\)\n/msg) {
		my $text = $1;
		my ($uid) = $text =~ /UID (\d+)/;
		my ($subject) = $text =~ /^Subject: (.*)/m;

		push @list, "$uid=$subject";
	}
	return ($validity // 0, $next // 0, join ' ', @list);
}

my $list = "1 1186131900 4711\n" .
    "12 1000.M1P1V1I1_0.host,S=16\n" .
    "15 1001.M2P1V1I2_0.host,S=16\n" .
    "99 1002.M3P1V1I3_0.host,S=16\n" .
    "4000 1003.M4P1V1I4_0.host\n";
for my $folder ('.', '.Sent') {
	put("$folder/courierimapuiddb", $folder eq '.' ? $list :
	    $list =~ s/1186131900/1186131999/r);
	# Listed in another order than it is named, one expunged, one new.
	put("$folder/cur/1001.M2P1V1I2_0.host,S=16:2,S", "Subject: b\n\nbb\n");
	put("$folder/cur/1000.M1P1V1I1_0.host,S=16:2,RS", "Subject: a\n\naa\n");
	put("$folder/cur/1003.M4P1V1I4_0.host:2,", "Subject: d\n\ndd\n");
	put("$folder/cur/1004.M5P1V1I5_0.host,S=16:2,", "Subject: e\n\nee\n");
}
$s->own;
for my $row (['INBOX', 1186131900, '.'], ['Sent', 1186131999, '.Sent']) {
	my ($mailbox, $want, $folder) = @$row;
	my ($validity, $next, $uids) = uids($mailbox);

	is($validity, $want, "$mailbox: UIDVALIDITY is Courier's");
	is($uids, '12=a 15=b 4000=d 4711=e', '... and so are the UIDs');
	is($next, 4712, '... and the next');
	like(Stdmail::slurp("$md/$folder/dovecot-uidlist"), qr/\A3\ V$want
	    \ N471[12](\ G\S+)?\n12(\ \S+)*\ :1000\.[^\n]*\n15(\ \S+)*\ :1001\.
	    [^\n]*\n4000(\ \S+)*\ :1003\.[^\n]*\n4711(\ \S+)*\ :1004/x,
	    '... in Dovecot\'s form');
	is((uids($mailbox))[2], $uids, '... and they stay');
	like(Stdmail::slurp("$md/$folder/courierimapuiddb"), qr/^99 1002/m,
	    '... and Courier\'s file too');
}

done_testing();
