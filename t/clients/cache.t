#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that what imapd answers from stdmail.cache has the octets of what it
# answers without one: every message of the shared corpus, and some made to be
# odd, are fetched and searched with the cache absent, just made, full, damaged
# and impossible to write; and header fields are those of the whole header.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Find;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

use Stdmail;

Stdmail::need(qw(imapd));
my $bin = "$Stdmail::bin/imapd";
my $dir = tempdir('stdmail-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $md = "$dir/md";
my $cache = "$md/stdmail.cache";

my @odd = (
	"", "\n", "x", "Subject: no end", "Subject: a\r\n\r\nCRLF\r\n",
	"Subject: a\n\rodd\n more\nTo: b\n\nbody\n",
	" fold of nothing\nSubject: a\n\n", "Subject : a\nsubject: b\n\n",
	"Subject\0: nul\nSubject: n\0ul\n\n\0", "Subject: \xff\xfe\n\n\x80\n",
	"To: a\nReceived: 1\nTo: b\n\tc\nReceived: 2\nCc: d\n\n",
	"Subject: " . ('x' x 70_000) . "\nTo: a\n\n",
	"Subject: s\n" . ("X: y\n" x 66_000) . "To: a\n\n",
	"From: (((((\nTo: \"\nDate: x\n\n",
	"Subject: long\n\n" . ("a line of a long body\n" x 20_000),
	("S" x 200) . ": a\nSubject: b\n\n", "Subject" . (' ' x 130) . ": a\n\n",
);
my @messages = @odd;
find({ no_chdir => 1, wanted => sub {
	push @messages, Stdmail::slurp($_) if -f && !/README\z/;
} }, "$Stdmail::shared/corpus") if -d "$Stdmail::shared/corpus";
note scalar(@messages), ' messages';

make_path(map { "$md/$_" } qw(cur new tmp));
for my $i (0 .. $#messages) {
	my $file = sprintf '%s/cur/%d.M%dP1.a:2,%s', $md, 1e9 + $i, $i,
	    $i % 3 ? 'S' : '';
	open my $fh, '>', $file or die "$file: $!\n";
	print $fh $messages[$i];
	close $fh or die "$file: $!\n";
	utime 1e9 + $i, 1e9 + 3600 * $i, $file or die "$file: $!\n";
}

my $client = 'From To Cc Bcc Subject Date Message-ID Priority X-Priority ' .
    'References Newsgroups In-Reply-To Content-Type Reply-To';
my @items = (
	'ENVELOPE', 'BODY', 'BODYSTRUCTURE', 'RFC822.SIZE', 'INTERNALDATE',
	'FULL', 'ALL', '(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)',
	map({ "(UID BODY.PEEK[HEADER.FIELDS ($_)])" } $client, 'Subject',
	    'sUBJECT SUBJECT "Subject" {7+}' . "\r\nsubject", 'Received',
	    'To RECEIVED Subject', 'Return-Path List-Id', 'X-Unheard-Of',
	    'Subject X-Unheard-Of'),
	map({ "BODY.PEEK[HEADER.FIELDS.NOT ($_)]" } 'Subject', $client,
	    'Received X-Unheard-Of'),
	'(BODY.PEEK[HEADER.FIELDS (To Subject)]<3.20> ENVELOPE)',
	'BODY.PEEK[HEADER.FIELDS (To)]<100000.20>',
	'BODY.PEEK[HEADER.FIELDS (Subject)]<0.4>',
	'(BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[1.MIME] ' .
	    'BODY.PEEK[HEADER.FIELDS (Cc)] BODY.PEEK[HEADER])',
	'BODY.PEEK[1.HEADER.FIELDS (Subject)]');
my @keys = (
	'SUBJECT e', 'FROM a', 'HEADER Received by', 'HEADER X-Mailer a',
	'HEADER X-Unheard-Of ""', 'SENTSINCE 1-Jan-2005',
	'SENTBEFORE 1-Jan-2005', 'NOT SENTON 1-Jan-2001', 'SUBJECT ""',
	'OR TO a CC e', 'LARGER 4000', 'BEFORE 12-Sep-2001');
my @commands = (map({ "FETCH 1:* $_" } @items),
    map({ "UID SEARCH $_" } @keys));

# Each command's answer in one session.
sub
ask
{
	my ($file, $out, $i) = ("$dir/in", "$dir/out", 0);

	open my $fh, '>', $file or die "$file: $!\n";
	print $fh map({ 'c' . $i++ . " $_\r\n" } 'SELECT INBOX', @_),
	    "end LOGOUT\r\n";
	close $fh or die "$file: $!\n";
	system("$bin -o hostname=mx.a.test -p $md <$file >$out 2>$dir/err");
	is($?, 0, 'a session') or diag(Stdmail::slurp("$dir/err"));
	my @answers = split /^c\d+ OK [^\r\n]*\r\n/m, Stdmail::slurp($out);
	return @answers[1 .. @_];
}

# Nothing can be written: a folder is in its place.
mkdir $cache or die "$cache: $!\n";
my @want = ask(@commands);
ok(-d $cache, 'the folder is still there');
rmdir $cache or die "$cache: $!\n";

sub
same
{
	my ($what, @got) = @_;
	my @wrong = grep { ($got[$_] // '') ne ($want[$_] // '?') }
	    0 .. $#commands;

	is(join(', ', map { $commands[$_] } @wrong), '', $what);
}

ok(!(grep { length($_ // '') < 10 } @want), 'without a cache there are answers');

# Cold for each command.
my @cold = map { unlink $cache; (ask($_))[0] } @commands;
same('a cold cache', @cold);
unlink $cache;
same('all in one session', ask(@commands));
my $size = -s $cache;
cmp_ok($size, '>', 1000, 'a cache was written');
same('a warm one', ask(@commands));
is(-s $cache, $size, 'to which nothing was to be added');

# Damage.
my $whole = Stdmail::slurp($cache);
srand(my $seed = $ENV{SEED} // time);
for my $round (1 .. 8) {
	my $bad = $whole;

	substr $bad, int rand length $bad, 1, chr rand 256 for 1 .. 4 ** ($round % 5);
	$bad = substr $bad, 0, int rand length $bad if $round > 5;
	open my $fh, '>', $cache or die "$cache: $!\n";
	print $fh $bad;
	close $fh or die "$cache: $!\n";
	same("damaged, seed $seed, round $round", ask(@commands));
	same('and made good', ask(@commands));
}

# What the fields of a header are, from the header itself.
my ($i, %fields) = (0);
for my $text (@messages) {
	my $wire = $text =~ s/\r?\n/\r\n/gr;
	my $end = index "\r\n$wire", "\r\n\r\n";
	my $head = $end < 0 ? $wire : substr $wire, 0, $end + 2;
	my @lines = $head =~ /^[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\z)/mg;
	my $got = join '', grep { /\A(?:to|subject)[ \t]*:|\A\r\n\z/i } @lines;
	$fields{++$i} = $got =~ tr/\0/\x80/r;
}
my ($answer) = ask('FETCH 1:* BODY.PEEK[HEADER.FIELDS (To Subject)]');
my ($wrong, $seen) = ('', 0);
while ($answer =~ /\G\* (\d+) FETCH \(BODY\[[^]]*\] \{(\d+)\}\r\n/gc) {
	my ($n, $len) = ($1, $2);
	my $got = substr $answer, pos($answer), $len;

	pos($answer) += $len;
	$answer =~ /\G\)\r\n/gc or last;
	$seen++;
	# What is odd on purpose has rows of its own in t/unit/summary.c.
	$wrong .= " $n" if $n > @odd && $got ne $fields{$n};
}
is($seen, scalar @messages, 'every message was fetched');
is($wrong, '', 'its fields are those of its header');

# Two sessions at once, and one whose cache is deleted under it.
unlink $cache;
my @two = map {
	open my $fh, '-|', "printf 'a SELECT INBOX\\r\\nb FETCH 1:* ENVELOPE\\r\\n" .
	    "c LOGOUT\\r\\n' | $bin -o hostname=mx.a.test -p $md 2>$dir/err"
	    or die "fork: $!\n";
	$fh;
} 1, 2;
my @said = map { my $fh = $_; local $/; <$fh> } @two;
unlink $cache;
like($_, qr/^\* $i FETCH \(ENVELOPE .*^b OK /ms, 'one of two at once') for @said;
same('after them', ask(@commands));
done_testing;
