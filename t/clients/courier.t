#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a Maildir of Courier's opens with the subscriptions it had there,
# that the first change takes them over, and that Courier's file stays as it
# was.

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

done_testing();
