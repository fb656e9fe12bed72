#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that no commands make an IMAP session slow or large, though each is
# allowed: sets, keys, patterns and URLs up to the limit of a line, trees of
# many mailboxes, known UIDs without end, floods, pipes of a hundred thousand
# commands, and what a small compressed stream becomes.  (Messages that do so:
# hostile.t.)

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Compress::Raw::Zlib;
use File::Path qw(make_path);
use IPC::Open2;
use MIME::Base64;
use POSIX qw(sysconf _SC_CLK_TCK);
use Test::More;

use Stdmail;

Stdmail::need('imapd');

my $wide = ($ENV{STDMAIL_VARIANT} // 'plain') ne 'plain';
my $seconds = $wide ? 150 : 15;		# of the processor, for each session
my $memory = 64 << 10;			# kB that it ever had
my $line = 65_000;			# octets of a line

my $s = Stdmail->new(users => {});

# One session to its end, the client's side of which closes behind the last
# octet.  Of what it says: the answers with a tag, and how much it was.
sub session {
	my ($name, $path, $options, @say) = @_;
	my %r = (text => '', octets => 0, kb => 0, cpu => 0, fds => 0);
	my $pid = open2(my $out, my $in, $s->command('imapd',
	    (map { ('-o', $_) } @$options), '-p', $path));
	my $feeder = fork // die "fork: $!\n";

	binmode $_ for $in, $out;
	if (!$feeder) {
		print $in $_ for @say, "y NOOP\r\n";
		close $in;
		POSIX::_exit(0);
	}
	close $in;
	my $rest = '';
	while (sysread $out, my $b, 1 << 18) {
		$r{octets} += length $b;
		$rest .= $b;
		$r{text} .= "$1\n" while $rest =~ /^([a-z] .*)\r\n/mg;
		$rest = substr $rest, 1 + rindex $rest, "\n";
		measure($pid, \%r);
	}
	waitpid $feeder, 0;
	waitpid $pid, 0;
	is($?, 0, "$name: ends well");
	cmp_ok($r{cpu}, '<', $seconds, "... in $r{cpu} s");
	cmp_ok($r{kb}, '<', $memory, "... with $r{kb} kB") if !$wide;
	return \%r;
}

sub measure {
	my ($pid, $r) = @_;
	my $stat = eval { Stdmail::slurp("/proc/$pid/stat") } // return;
	my $status = eval { Stdmail::slurp("/proc/$pid/status") } // return;
	my @stat = split / /, $stat =~ s/.*\) //sr;

	$r->{cpu} = ($stat[11] + $stat[12]) / sysconf(_SC_CLK_TCK);
	$r->{kb} = $1 if $status =~ /^VmHWM:\s+(\d+)/m;
}

# A tagged answer.
sub answer {
	my ($r, $tag, $want) = @_;

	like($r->{text}, qr/^$tag $want/m, "... $tag $want");
}

sub maildir {
	my ($name) = @_;

	make_path(map { "$s->{dir}/$name/$_" } qw(cur new tmp));
	return "$s->{dir}/$name";
}

# As many as one line has room for.
sub fill {
	my ($each, $between) = @_;
	my ($n, $text) = (1, $each->(1));

	$text .= $between . $each->(++$n) while length($text) +
	    length($between) + length($each->($n + 1)) < $line;
	return $text;
}

# --- messages ---------------------------------------------------------------

# Each answers the one before, all in one thread.
my $count = 3000;
my $many = maildir('many');
for my $i (1 .. $count) {
	my $k = $i % 97;
	my $id = 1000 + $i;

	Stdmail::spew("$many/cur/$id.x:2," . ('', 'S', 'F')[$i % 3],
	    "From: u$k\@b.test\nTo: alice\@a.test\nSubject: " .
	    'Re: ' x ($i % 5) . "topic $k\nMessage-ID: <$i\@b.test>\n" .
	    'References: <' . ($i - 1) . "\@b.test>\n" .
	    "Date: Sat, 21 Nov 2026 04:42:00 +0000\n\nbody $i\n", 0600);
}
my $odd = fill(sub { 2 * $_[0] - 1 }, ',');
my $backwards = join ',', reverse split /,/, $odd;
my $deep = 'ALL';
$deep = "OR NOT $deep SEEN" for 1 .. 12;
my $r = session('sets and keys', $many, [], map { "$_\r\n" }
    'a SELECT INBOX',
    "b SEARCH $odd", "c UID SEARCH $backwards", "d UID FETCH $odd FLAGS",
    'e UID FETCH 4294967295:1 UID', "f SEARCH $deep",
    'g SEARCH ' . 'NOT ' x 48 . 'SEEN', 'h SEARCH ' . 'NOT ' x 5000 . 'SEEN',
    'i SEARCH ' . fill(sub { "OR $_[0]:* UID $_[0]:*" }, ' '),
    'j SEARCH ' . join(' ', map { "OR $_:* UID $_:*" } 1 .. 600),
    'k SEARCH NOT ' . join(' NOT ', map { "BODY zz$_" } 1 .. 300),
    'l FETCH 1:* (' . join(' ', map { "BODY.PEEK[$_]" } 1 .. 499) . ')',
    'm FETCH 1:* (' . join(' ', map { "BODY.PEEK[$_]" } 1 .. 501) . ')');
answer($r, $_, 'OK') for qw(a b c d e f g j k l);
answer($r, $_, 'BAD') for qw(h i m);

my @sort = qw(SUBJECT FROM TO CC DATE ARRIVAL SIZE DISPLAYFROM DISPLAYTO);
$r = session('order', $many, [], map { "$_\r\n" } 'a SELECT INBOX',
    'b SORT (' . join(' ', map { "REVERSE $_" } @sort) . ') UTF-8 ALL',
    "c SORT (SUBJECT) UTF-8 $odd", 'd THREAD REFERENCES UTF-8 ALL',
    'e THREAD REFS UTF-8 ALL', 'f THREAD ORDEREDSUBJECT UTF-8 ALL');
answer($r, $_, 'OK') for 'b' .. 'f';

$r = session('what is saved', $many, [], "a SELECT INBOX\r\n",
    ("b SEARCH RETURN (SAVE) ALL\r\nc SEARCH RETURN (SAVE COUNT) \$ UID \$" .
    "\r\n") x 500, "d SEARCH RETURN (SAVE) $odd\r\n");
answer($r, 'd', 'OK');

# --- QRESYNC ----------------------------------------------------------------

my ($validity) = Stdmail::slurp("$many/dovecot-uidlist") =~ /^3 V(\d+)/;
my $half = fill(sub { $_[0] * 3 }, ',');
$half = substr $half, 0, 30_000;
$half =~ s/,\d*\z//;
my $uids = join ',', map { $_ + 1 } split /,/, $half;
$uids = substr $uids, 0, 34_000;
$r = session('known UIDs', $many, [], map { "$_\r\n" } 'a ENABLE QRESYNC',
    "b SELECT INBOX (QRESYNC ($validity 1 1:4294967295))",
    "c SELECT INBOX (QRESYNC ($validity 1 4000:4294967295))",
    "d SELECT INBOX (QRESYNC ($validity 1 $odd))",
    "e SELECT INBOX (QRESYNC ($validity 1 1:$count ($half $uids)))",
    'f UID FETCH 1:4294967295 (UID) (CHANGEDSINCE 1 VANISHED)',
    'g UID EXPUNGE 1:4294967295',
    "h UID STORE 1:4294967295 (UNCHANGEDSINCE 1) +FLAGS (\\Deleted)");
answer($r, $_, 'OK') for 'a' .. 'h';
cmp_ok($r->{octets}, '<', 6 << 20, '... and is not told of 4 billion UIDs');

# --- mailboxes --------------------------------------------------------------

my $tree = maildir('tree');
for my $i (0 .. 299) {
	my $box = maildir('tree/.a' . $i % 30 . ".b$i");

	Stdmail::spew("$box/cur/1.x:2,", "Subject: x\n\nx\n", 0600);
}
sub patterns {
	my ($n) = @_;

	return '(' . join(' ', map { '"' . '*%' x 60 . "zz$_" . '%*' x 60 . '"'
	    } 1 .. $n) . ')';
}
$r = session('patterns', $tree, [], map { "$_\r\n" }
    'a LIST "" ' . '*%' x 120 . 'q', 'b LIST () "" ' . patterns(100),
    'c LIST (RECURSIVEMATCH SUBSCRIBED) "" ' . patterns(100) .
    ' RETURN (CHILDREN SUBSCRIBED)', 'd LIST () "" ' . patterns(101));
answer($r, $_, 'OK') for 'a' .. 'c';
answer($r, 'd', 'BAD');

# With no more open files than a few.
{
	my $pid = open2(my $out, my $in, 'sh', '-c', 'ulimit -n 64; exec "$@"',
	    'sh', $s->command('imapd', '-p', $tree));
	my $say = sub {
		my ($tag, $text) = @_;
		my $all = '';

		print $in "$tag $text\r\n";
		$in->flush;
		while (my $l = <$out>) {
			return ($all, $l) if $l =~ /^$tag /;
			$all .= $l;
		}
		return ($all, '');
	};
	my $open = sub { scalar(() = glob "/proc/$pid/fd/*") };
	my $before;
	for my $round (1, 2) {
		my ($all, $end) = $say->('b', 'ESEARCH IN (personal) RETURN ' .
		    '(COUNT) BODY x');
		like($end, qr/^b OK/, 'ESEARCH with 64 open files');
		is(scalar(() = $all =~ /^\* ESEARCH .*COUNT 1\r$/mg), 300,
		    '... finds all');
		($all, $end) = $say->('c', 'LIST "" * RETURN (STATUS ' .
		    '(MESSAGES UNSEEN SIZE HIGHESTMODSEQ))');
		is(scalar(() = $all =~ /^\* STATUS .*MESSAGES 1 /mg), 300,
		    '... so does LIST-STATUS');
		($all, $end) = $say->('d', 'NOTIFY SET (personal (MessageNew ' .
		    'MessageExpunge))');
		like($end, qr/^d NO \[NOTIFICATIONOVERFLOW\]/,
		    '... and so many are not watched');
		($all, $end) = $say->('e', 'NOTIFY NONE');
		like($end, qr/^e OK/, '... the session goes on');
		is($open->(), $before, '... and leaves no file open')
		    if $before;
		$before = $open->();
	}
	print $in "z LOGOUT\r\n";
	close $in;
	1 while <$out>;
	waitpid $pid, 0;
}

# --- amplification ----------------------------------------------------------

my $big = maildir('big');
Stdmail::spew("$big/cur/1.a:2,", "Subject: x\n\n" .
    ('x' x 70 . "\n") x 140_000, 0600);
Stdmail::spew("$big/cur/2.b:2,", "Content-Type: text/html\n\n" .
    "<p class=\"a\" title='b'>&nbsp;<br></p>\n" x 500_000, 0600);
Stdmail::spew("$big/cur/3.c:2,", "Content-Type: text/html\n\n" .
    '<' x 20_000_000, 0600);
my $inner = "Subject: in\n\n" . 'y' x 100_000;
$inner = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64" .
    "\n\n" . encode_base64($inner) for 1 .. 10;
Stdmail::spew("$big/cur/4.d:2,", $inner, 0600);
$r = session('URLs', $big, ['max_size=1M'], map { "$_\r\n" }
    'a SELECT INBOX',
    'b APPEND INBOX CATENATE (' . fill(sub { 'URL "/INBOX/;UID=1"' }, ' ') .
    ')',
    'c APPEND INBOX CATENATE (' . fill(sub {
	'URL "/INBOX/;UID=1/;PARTIAL=9000000.1"' }, ' ') . ')');
answer($r, 'b', 'NO \[TOOBIG\]');
answer($r, 'c', 'OK');
$r = session('previews and parts', $big, [], map { "$_\r\n" }
    'a SELECT INBOX', 'b FETCH 1:4 PREVIEW',
    'c FETCH 4 (BINARY.SIZE[1] BINARY.SIZE[1.1.1.1] BODYSTRUCTURE)',
    'd FETCH 1 (' . 'BINARY.PEEK[1]<9000000.1> ' x 100 . 'UID)');
answer($r, $_, 'OK') for 'a' .. 'd';

# --- floods -----------------------------------------------------------------

my $few = maildir('few');
Stdmail::spew("$few/cur/1.a:2,", "Subject: x\n\nx\n", 0600);
$r = session('100,000 commands', $few, [], "a SELECT INBOX\r\n",
    "b NOOP\r\n" x 100_000, "c NOOP\r\n");
answer($r, 'c', 'OK');
$r = session('IDLE again and again', $few, [], "a SELECT INBOX\r\n",
    "b IDLE\r\nDONE\r\n" x 10_000, "c NOOP\r\n");
answer($r, 'c', 'OK');
$r = session('NOTIFY again and again', $few, [], "a SELECT INBOX\r\n",
    "b NOTIFY SET (selected (MessageNew (UID BODY.PEEK[]) MessageExpunge)) " .
    "(personal (MailboxName))\r\nb NOTIFY NONE\r\n" x 2000, "c NOOP\r\n");
answer($r, 'c', 'OK');
$r = session('annotations', $few, [], (map {
    "b SETMETADATA INBOX (/private/a$_ {60000+}\r\n" . 'y' x 60_000 . ")\r\n"
    } 1 .. 60), "c GETMETADATA (DEPTH infinity) INBOX /private\r\n",
    'd SETMETADATA INBOX (' . fill(sub { "/private/c$_[0] \"\"" }, ' ') .
    ")\r\n", 'e GETMETADATA INBOX (' . fill(sub { "/private/c$_[0]" }, ' ') .
    ")\r\n");
answer($r, 'c', 'BAD');
answer($r, 'd', 'BAD');
cmp_ok(-s "$few/stdmail.metadata", '<=', 1 << 20, '... in a file of 1 MB');

# --- COMPRESS ---------------------------------------------------------------

my ($z) = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15,
    -AppendOutput => 1);
my $bomb = '';
$z->deflate('x' x 1_000_000, $bomb) for 1 .. 200;
$z->flush($bomb, Z_SYNC_FLUSH);
cmp_ok(length $bomb, '<', 1 << 20, 'a line of 200 MB is small');
session('such a line', $few, ['compress=yes'], "a COMPRESS DEFLATE\r\n",
    $bomb);

done_testing();
