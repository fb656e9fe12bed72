#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that Dovecot (quota = maildir) and mda-deliver, imapd and pop3d keep
# one and the same maildirsize: after deliveries, APPEND, COPY, MOVE, deletions
# and counts by either in turn both know the same use and the same limits, and
# both refuse at the same point.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Temp qw(tempdir);
use Test::More;

use Stdmail::Dovecot;

my $top = "$FindBin::Bin/../..";
my $bin = $ENV{STDMAIL_BIN} // "$top/build/bin";

-x "$bin/mda-deliver" or plan skip_all => 'mda-deliver is not built';
Stdmail::Dovecot::need();

# Both sides are one user.
my $as = $Stdmail::Dovecot::as;
my $dir = tempdir('stdmail-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $md = "$dir/md";
my $file = "$md/maildirsize";
my $dovecot;

sub spew {
	my ($path, $text) = @_;

	open my $fh, '>', $path or die "$path: $!\n";
	print $fh $text;
	close $fh or die "$path: $!\n";
	Stdmail::Dovecot::own($path);
}

sub slurp {
	my ($path) = @_;

	open my $fh, '<', $path or return '';
	local $/;
	return scalar(<$fh>) // '';
}

sub deliver {
	my ($octets, $folder) = @_;

	spew("$dir/in", "Subject: x\n\n" . 'y' x ($octets - 13) . "\n");
	system("cd $dir && $as$bin/mda-deliver $folder <$dir/in 2>$dir/err");
	return $? >> 8;
}

# A session of one of our daemons on the Maildir: all it said.
sub session {
	my ($program, @lines) = @_;

	spew("$dir/in", join '', map { "$_\r\n" } @lines);
	return scalar `cd $dir && $as$bin/$program -p md <$dir/in 2>$dir/err`;
}

# What the file comes to: octets and messages.
sub noted {
	my (undef, @lines) = split /\n/, slurp($file);
	my ($bytes, $n) = (0, 0);

	for (@lines) {
		my ($b, $m) = /^(-?\d+) (-?\d+)$/ or return "bad: $_";
		$bytes += $b;
		$n += $m;
	}
	return "$bytes $n";
}

# What is there.
sub there {
	my @files = glob "$md/{new,cur}/* $md/.[A-Z]*/{new,cur}/*";
	my $bytes = 0;

	$bytes += -s for @files;
	return $bytes . ' ' . @files;
}

# Dovecot's numbers: storage in kB, rounded up or down; messages.
sub theirs {
	my $out = $dovecot->works('-f tab quota get');
	my ($n, $max) = $out =~ /\tMESSAGE\t(\d+)\t(\S+)/;
	my ($kb, $max_kb) = $out =~ /\tSTORAGE\t(\d+)\t(\S+)/;

	return ($kb // -1, $max_kb // -1, $n // -1, $max // -1);
}

sub agree {
	my ($what) = @_;
	my ($bytes, $n) = split / /, there();
	my ($kb, $max_kb, $theirs, $max) = theirs();

	is(noted(), "$bytes $n", "$what: noted is what is there");
	is($theirs, $n, "$what: messages to Dovecot");
	ok(abs($kb - $bytes / 1024) <= 1, "$what: storage to Dovecot");
	is("$max_kb $max", '20 10', "$what: the limits");
}

sub conf {
	my (@rules) = @_;

	$dovecot = Stdmail::Dovecot->new($dir, "maildir:$md",
	    'mail_plugins = quota', 'plugin {', '  quota = maildir:User quota',
	    map({ "  $_" } @rules), '}');
}

# The file of a Maildir that was never Dovecot's: made and filled by us.
mkdir $_ for $md, "$md/cur", "$md/new", "$md/tmp";
Stdmail::Dovecot::own($dir);
conf();
spew($file, "20480S,10C\n0 0\n");
is(deliver(1000, 'md'), 0, 'we deliver');
is(deliver(3000, 'md'), 0, 'and again');
is(slurp($file), "20480S,10C\n0 0\n1000 1\n3000 1\n", 'two lines');
agree('ours');

# Theirs into it, into a folder, and one deleted.
my $new = "$dir/message";
spew($new, "Subject: saved by dovecot\n\n" . 'z' x 1500 . "\n");
$dovecot->works('mailbox create Work');
$dovecot->works("save -m INBOX <$new");
$dovecot->works("save -m Work <$new");
agree('theirs');
is(deliver(2000, 'md'), 0, 'we deliver after Dovecot');
is(deliver(500, 'md/.Work'), 0, 'and into its folder');
agree('in turn');
$dovecot->works('expunge mailbox INBOX uid 1');
agree('deleted by Dovecot');
$dovecot->works('mailbox create Trash');
$dovecot->works('move Trash mailbox INBOX uid 2');
agree('moved to Trash');

# Full: neither takes more, and both take what fits.
my ($bytes, $n) = split / /, there();
is(deliver(20480 - $bytes + 1, 'md'), 73, 'an octet too many');
like(slurp("$dir/err"), qr/5\.2\.2/, 'as we say');
spew($new, "Subject: a\n\n" . 'z' x (20480 - $bytes) . "\n");
my ($status, undef, $out) =
    $dovecot->doveadm("save -m INBOX <$new");
isnt($status, 0, 'nor does Dovecot take it');
like($out, qr/quota/i, 'as it says');
agree('refused');
is(deliver(20480 - $bytes, 'md'), 0, 'the last octet');
agree('full');
spew($new, "Subject: a\n\n");
($status, undef, $out) =
    $dovecot->doveadm("save -m INBOX <$new");
isnt($status, 0, 'Dovecot finds it full');
is(deliver(20, 'md'), 73, 'we do');
$dovecot->works('expunge mailbox INBOX ALL');
agree('emptied');

# Counting: each from scratch, and each goes on from the other's.
is(deliver(1234, 'md'), 0, 'room again');
$dovecot->works('quota recalc');
agree('counted by Dovecot');
spew($file, "20480S,10C\ndamaged\n");
is(deliver(321, 'md'), 0, 'a damaged file');
agree('counted by us');
is(slurp($file) =~ tr/\n//, 3, 'one line of it, and one more');
spew($file, "20480S,10C\n" . "1 0\n" x 2000);
is(deliver(99, 'md'), 0, 'a file too long');
agree('counted by us');

# Messages.
deliver(20, 'md') for 1 .. 10;
is(slurp("$dir/err") =~ /5\.2\.2/, 1, 'ten messages are the most');
agree('ten');
($status, undef, $out) =
    $dovecot->doveadm("save -m INBOX <$new");
isnt($status, 0, 'to Dovecot too');

# Our daemons, between Dovecot's own changes.
$out = session('imapd', 'a SELECT INBOX', 'b COPY 1 Work', 'c MOVE 1:2 Work',
    'd APPEND INBOX {6+}', "x: y\r\n", 'e STORE 1:3 +FLAGS (\\Deleted)',
    'f EXPUNGE', 'g APPEND INBOX {11+}', "x: y\r\n\r\nz\r\n", 'h LOGOUT');
like($out, qr/^b NO \[OVERQUOTA\]/m, 'COPY is refused');
like($out, qr/^c OK /m, 'MOVE is not');
like($out, qr/^d NO \[OVERQUOTA\]/m, 'APPEND is');
like($out, qr/^f OK /m, 'EXPUNGE gives room');
like($out, qr/^g OK \[APPENDUID/m, 'APPEND has it');
agree('after imapd');
$dovecot->works("save -m INBOX <$new");
$dovecot->works('expunge mailbox INBOX uid 1');
$out = session('imapd', 'a SELECT Work', 'b COPY 1 INBOX', 'c LOGOUT');
like($out, qr/^b OK \[COPYUID/m, 'COPY has room');
agree('imapd after Dovecot');
like(session('pop3d', 'DELE 1', 'DELE 2', 'QUIT'),
    qr/^\+OK[^\n]*\n\+OK[^\n]*\n\+OK[^\n]*\n\+OK/, 'pop3d removes two');
agree('after pop3d');
like(session('imapd', 'a DELETE Work', 'b LOGOUT'), qr/^a OK /m,
    'a folder goes');
agree('after DELETE');
until (noted() =~ / 10$/) {
	deliver(20, 'md') == 0 or last;
}
agree('ten again');

# Dovecot's own rule goes above the file; we go by what it wrote.
conf('quota_rule = *:storage=50K:messages=12');
$dovecot->works("save -m INBOX <$new");
like(slurp($file), qr/\A51200S,12C\n/, 'its rule is in the file');
is(noted(), there(), 'its count');
is(deliver(20, 'md'), 0, 'the twelfth');
is(deliver(20, 'md'), 73, 'and no other');

done_testing();
