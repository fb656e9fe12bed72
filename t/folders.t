#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves the mailboxes of day one: a Maildir is made with those of the key
# folders, subscribed and marked, by imapd, pop3d and a delivery alike; one that
# is there keeps what it has, and what it calls otherwise has the mark; and that
# a tree of ten thousand mailboxes is listed quickly.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(make_path);
use Test::More;
use Time::HiRes qw(time);

use Stdmail;

Stdmail::need(qw(imapd pop3d mda-deliver));

my $put = Stdmail::program("$Stdmail::fault/put");
my $use = '"" (*) RETURN (SPECIAL-USE SUBSCRIBED)';
my @default = map { "* LIST ($_) \".\" " . ($_ =~ /Subscribed \\(\w+)/)[0] }
    map { "\\Subscribed \\$_" } qw(Archive Drafts Junk Sent Trash);

# What imapd -p says to these commands on a mailbox, untagged lines only.
sub
imapd
{
	my ($s, $box, @commands) = @_;
	my $in = join '', map { "t $_\r\n" } @commands, 'LOGOUT';
	my (undef, $out, $err) = $s->run([$s->command('imapd', '-p', $box)],
	    stdin => $in);

	diag($err) if $err !~ /\A(?:imapd\[\d+\]: logout.*\n)?\z/;
	return grep { !/^\* (?:PREAUTH|BYE) / && !/^t OK / }
	    split /\r\n/, $out;
}

# A tree of folders that someone made.
sub
tree
{
	my ($s, @folders) = @_;
	my $path = "$s->{dir}/Tree" . ++$s->{trees};

	make_path(map { ("$path/$_/cur", "$path/$_/new", "$path/$_/tmp") }
	    '.', map { ".$_" } @folders);
	$s->own;
	return $path;
}

{
	my $s = Stdmail->new(users => { alice => 'x', bob => 'y' },
	    conf => { folders => undef });
	my @inbox = ('* LIST () "." INBOX');

	is_deeply([imapd($s, "$s->{dir}/Box/", "LIST $use")],
	    [@inbox, @default], 'made by imapd');
	is_deeply([imapd($s, "$s->{dir}/Box/", 'DELETE Junk', "LIST $use")],
	    [@inbox, grep { !/Junk/ } @default],
	    '... and not made again');
	is((grep { /Junk/ } imapd($s, "$s->{dir}/Box/", 'LSUB "" *'))[0],
	    '* LSUB (\HasNoChildren) "." Junk', '... but still subscribed');

	$s->run([$s->command('pop3d', '-p', "$s->{dir}/Pop/")],
	    stdin => "QUIT\r\n");
	is_deeply([imapd($s, "$s->{dir}/Pop", "LIST $use")],
	    [@inbox, @default], 'made by pop3d');

	my ($status, undef, $err) = $s->run(
	    [$s->command('mda-deliver', '-d', 'alice')],
	    stdin => "Subject: x\n\ny\n");
	is("$status $err", '0 ', 'delivered');
	is_deeply([imapd($s, "$s->{dir}/Mail/alice", "LIST $use")],
	    [@inbox, @default], 'made by a delivery to an account');
	is(scalar(() = glob "$s->{dir}/Mail/alice/new/*"), 1,
	    '... of one message');

	$s->run([$s->command('mda-deliver', "$s->{dir}/Plain/")],
	    stdin => "Subject: x\n\ny\n");
	is_deeply([imapd($s, "$s->{dir}/Plain", "LIST $use")], \@inbox,
	    'not by a delivery to a path');

	SKIP: {
		skip 'the program that spools is not built', 3 if !$put;
		$s->run([$put, $s->{spool}, 'local', 1, 200, 'al@x.test',
		    'bob@a.test']);
		($status, undef, $err) = $s->run(
		    [$s->command('mda-deliver', '-q')]);
		like("$status $err", qr/^0 .*delivered/, 'from the queue');
		unlike($err, qr/folders/, '... nothing went wrong');
		is_deeply([imapd($s, "$s->{dir}/Mail/bob", "LIST $use")],
		    [@inbox, @default], 'made by a delivery from the queue');
	}
}

{
	my $s = Stdmail->new(users => {}, conf => { folders => undef });

	is_deeply([imapd($s, tree($s, 'Sent Items', 'Sent Messages', 'Spam',
	    'deleted items', 'Entw&APw-rfe'), "LIST (SPECIAL-USE) \"\" *")], [
		'* LIST (\Sent) "." "Sent Items"',
		'* LIST (\Junk) "." Spam',
		'* LIST (\Trash) "." "deleted items"',
	], 'an existing tree: the marks go to what is there');
	is_deeply([imapd($s, tree($s, 'Sent Items', 'sent', 'Sent', 'Draft',
	    'Archives'), "LIST (SPECIAL-USE) \"\" *")], [
		'* LIST (\Archive) "." Archives',
		'* LIST (\Drafts) "." Draft',
		'* LIST (\Sent) "." Sent',
	], '... and each to one');
}

{
	my $s = Stdmail->new(users => {}, conf => { separator => '/',
	    folders => [qw(Sent/Work=\Sent Sent/Home), '"Entwürfe 1.0=\\\\Drafts"'] });

	is_deeply([imapd($s, "$s->{dir}/Box/", "LIST $use")], [
		'* LIST () "/" INBOX',
		'* LIST (\Subscribed \Drafts) "/" "Entw&APw-rfe 1.0"',
		'* LIST (\NonExistent \HasChildren) "/" Sent',
		'* LIST (\Subscribed) "/" Sent/Home',
		'* LIST (\Subscribed \Sent) "/" Sent/Work',
	], 'the key folders: levels, UTF-8, blanks, uses');
	ok(-d "$s->{dir}/Box/.Entw&APw-rfe 1\\2e0", '... as they are stored');

	$s->{conf}{folders} = 'Sent=\\Received';
	$s->write_conf;
	my ($status, undef, $err) = $s->run([$s->command('imapd', '-n')]);
	is($status, 78, 'a use that there is not');
	like($err, qr/folders: "?Sent=\\+Received"? is not a mailbox/,
	    '... is named');
	delete $s->{conf}{folders};
	$s->{conf}{prefix} = 'INBOX.';
	$s->write_conf;
	($status, undef, $err) = $s->run([$s->command('imapd', '-n')]);
	is($status, 78, 'a prefix without its separator');
	like($err, qr{prefix INBOX\. is not a name with the separator /},
	    '... is named');
}

{
	my $s = Stdmail->new(users => {});
	my @names = map { my $n = $_; map { "Level$n.box$_" } 0 .. 99 }
	    100 .. 199;
	my $path = tree($s, @names);
	my $began = time;
	my @got = imapd($s, $path, 'LIST "" *');
	my $took = time - $began;

	is(scalar(@got), 10_101, 'ten thousand mailboxes are listed');
	cmp_ok($took, '<', 20, '... in time');
	diag(sprintf 'LIST of 10,000: %.3f s', $took);
	$began = time;
	is(scalar(imapd($s, $path, 'LIST "" %')), 101, '... or their levels');
	diag(sprintf 'LIST %% of 10,000: %.3f s', time - $began);
}

done_testing;
