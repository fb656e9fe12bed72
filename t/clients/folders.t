#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that clients get along with another separator and a prefix: mbsync
# takes a tree with difficult names from one imapd, and puts it into another
# that shows them without the prefix; on disk both are the same.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(make_path);
use Test::More;

use Stdmail;

Stdmail::need(qw(imapd tool:mbsync));

my @folders = ('Lists.unix.bugs', 'Lists.unix', 'Entw&APw-rfe', 'v1\2e2', 'a b',
    'Sent Items');

sub
site
{
	my ($conf) = @_;

	return Stdmail->new(users => { alice => 'open-sesame' },
	    conf => $conf);
}

# An imapd -p on the tree of a site, for mbsync's Tunnel.
sub
tunnel
{
	my ($s) = @_;

	return join ' ', $s->command('imapd', '-p', "$s->{dir}/Mail/alice/");
}

sub
tree
{
	my ($s) = @_;
	my $path = "$s->{dir}/Mail/alice";
	my @all;

	opendir my $root, $path or die "$path: $!\n";
	for my $folder (grep { -d "$path/$_/cur" && $_ ne '..' }
	    readdir $root) {
		my $n = 0;

		for my $sub (qw(new cur)) {
			opendir my $dir, "$path/$folder/$sub" or next;
			$n += grep { !/\A\./ } readdir $dir;
		}
		push @all, "$folder $n";
	}
	return sort @all;
}

my $from = site({ separator => '/', prefix => 'INBOX/' });
my $to = site({ separator => '/' });
my $home = "$from->{dir}/client";

make_path($home);
$from->preload("alice/$_", "Subject: in $_\n\ntext\n", 'S') for @folders;
$from->preload('alice', "Subject: in INBOX\n\ntext\n");
Stdmail::spew("$home/mbsyncrc", <<END, 0600);
IMAPStore from
Tunnel "@{[tunnel($from)]}"

IMAPStore to
Tunnel "@{[tunnel($to)]}"

Channel all
Far :from:
Near :to:
Patterns * INBOX
Create Near
Sync All
SyncState $home/
END
for my $what ('all', 'nothing more') {
	my ($status, $out, $err) = $from->run_tool('mbsync',
	    ['-c', "$home/mbsyncrc", 'all'],
	    env => { Stdmail::lend_libraries(Stdmail::program('imapd')) });

	is($status, 0, "mbsync takes $what") or diag "$out$err";
	is_deeply([map { s/ \d+\z//r } tree($to)],
	    [map { s/ \d+\z//r } tree($from)], '... under the same names');
	is_deeply([tree($to)], [tree($from)], '... with all there is in them');
}

is(scalar(grep { / 1\z/ } tree($to)), @folders + 1, 'a message in each');

done_testing;
