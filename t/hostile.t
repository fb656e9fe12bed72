#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that no message makes imapd slow or large for those who look at it:
# headers of 100,000 lines, lines of 10 MB, 100,000 parts, 10,000 levels and
# the like are fetched by structure, by part and by field and searched within
# bounded time and memory, and the session goes on.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(make_path);
use IPC::Open2;
use POSIX qw(sysconf _SC_CLK_TCK);
use Test::More;

use Stdmail;

Stdmail::need('imapd');

my $wide = ($ENV{STDMAIL_VARIANT} // 'plain') ne 'plain';
my $seconds = $wide ? 60 : 4;		# of the processor, for each message
my $memory = 192 << 10;			# kB that it ever had

my $mixed = 'Content-Type: multipart/mixed; boundary=';
my %messages = (
	'a header of 100,000 lines' =>
	    join('', map { "X-$_: y\n" } 1 .. 100_000) . "\nx\n",
	'a header line of 10 MB' => 'Subject: ' . 'x' x 10_000_000 . "\n\nx\n",
	'a folded line of 10 MB' => 'To:' . " a\@b,\n" x 1_500_000 . "\nx\n",
	'100,000 nested boundaries' =>
	    join('', map { "${mixed}b$_\n\n--b$_\n" } 1 .. 100_000),
	'10,000 messages in each other' =>
	    "Content-Type: message/rfc822\n\n" x 10_000,
	'100,000 parts' =>
	    "${mixed}b\n\n" . "--b\nA: b\n\nx\n" x 100_000 . "--b--\n",
	'boundaries that begin with each other' => join('', map {
	    $mixed . 'a' x (60 * $_) . "\n\n--" . 'a' x (60 * $_) . "\n"
	    } 1 .. 90) . ('--' . 'a' x 5000 . "b\n") x 1000,
	'a closed multipart without parts, often' => "${mixed}a\n\n" .
	    "--a\n${mixed}b\n\n--b--\n" x 100_000,
	'10,000 continued parameters' => 'Content-Type: a/b' .
	    join('', map { ";\n n*$_*=x" } 1 .. 10_000) . "\n\nx\n",
	'100,000 encoded words' =>
	    'Subject:' . " =?utf-8?q?a=20?=\n" x 100_000 . "\nx\n",
	'100,000 addresses' =>
	    'To: ' . join(",\n ", ('a b <c@d>') x 100_000) . "\n\nx\n",
	'comments in comments' => 'From: a@b ' . '(' x 1_000_000 . "\n" .
	    'Content-Type: a/b ' . '(' x 1_000_000 . "\n" .
	    'Date: 1 Jan 2000 ' . '(' x 1_000_000 . "\n\nx\n",
	'routes without an end' => join('', map { "$_: " .
	    '<@a b (c;' x 29_000 . "\n" } qw(From To Cc Bcc Sender
	    Reply-To)) . "\nx\n",
	'messages with such routes' => join('', ('From: ' .
	    '<@a b (c;' x 29_000 . "\nContent-Type: message/rfc822\n\n") x 30),
	'messages with short addresses' => join('', ('From: ' .
	    "\x80," x 130_000 . "\nContent-Type: message/rfc822\n\n") x 30),
	'References of 1 MB' => 'References:' . " <aaaaaa\@b>\n" x 80_000 .
	    "\nx\n",
	'NULs' => "Subject: \0\0\n${mixed}\"a\0b\"\n\n--a\0b\n\n\0\n" x 50_000,
	'no line end' => 'x' x 5_000_000,
	'no text' => '',
);

# One session on one message: its answer, its seconds, its memory.
sub session {
	my ($md, @lines) = @_;
	my ($s, $text) = ('', '');
	my $pid = open2(my $out, my $in, $md->{s}->command('imapd', '-p',
	    $md->{path}));

	binmode $out;
	print $in map { "$_\r\n" } @lines, 'z NOOP';
	$in->flush;
	while (my $line = <$out>) {
		$text .= $line if $line =~ /^[a-h] (?:NO|BAD) |^\* BYE /;
		last if $line =~ /^z /;
	}
	my $stat = Stdmail::slurp("/proc/$pid/stat") =~ s/.*\) //sr;
	my @stat = split / /, $stat;
	my ($kb) = Stdmail::slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m;
	print $in "z LOGOUT\r\n";
	close $in;
	1 while <$out>;
	waitpid $pid, 0;
	return ($text, $?, ($stat[11] + $stat[12]) / sysconf(_SC_CLK_TCK),
	    $kb // 0);
}

my $s = Stdmail->new(users => {});
my $path = "$s->{dir}/md";
make_path(map { "$path/$_" } qw(cur new tmp));
for my $name (sort keys %messages) {
	Stdmail::spew("$path/cur/1.a:2,", $messages{$name}, 0600);
	$s->own;
	my ($text, $status, $cpu, $kb) = session({ s => $s, path => $path },
	    'a SELECT INBOX',
	    'b FETCH 1 (RFC822.SIZE ENVELOPE)', 'b FETCH 1 (BODY)',
	    'b FETCH 1 (BODYSTRUCTURE)',
	    'c FETCH 1 (BODY.PEEK[HEADER.FIELDS (References Subject X-9)])',
	    'd FETCH 1 (BODY.PEEK[1] BODY.PEEK[1.1.1.1.MIME])',
	    'e FETCH 1 (BODY.PEEK[9999] BODY.PEEK[' .
	    join('.', (1) x 90) . '])',
	    'f FETCH 1 (BODY.PEEK[]<1000000.10>)',
	    'g SEARCH SUBJECT zz FROM yy SENTON 1-Jan-2000 TEXT ww',
	    'h SEARCH TEXT ww');

	is($text, '', "$name: all is answered");
	is($status, 0, '... and ends well');
	cmp_ok($cpu, '<', $seconds, "... in $cpu s");
	cmp_ok($kb, '<', $memory, "... with $kb kB") if !$wide;
	unlink glob("$path/dovecot-uidlist* $path/cur/*");
}

done_testing();
