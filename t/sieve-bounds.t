# SPDX-License-Identifier: ISC
#
# Proves that no message and no script holds delivery up: large bodies, endless
# headers, patterns that others take years for.  Each run ends in a few seconds
# of processor time, with a result, or with a fault that keeps the mail.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use MIME::Base64 qw(encode_base64);
use Test::More;

use lib abs_path(dirname($0) . '/lib');
use Stdmail;
use Stdmail::Sieve;

plan skip_all => 'no mda-deliver' if !Stdmail::program('mda-deliver');
my $dir = Stdmail::folder();
Stdmail::spew("$dir/users", '');

# Of one run; with sanitizers it takes many times as long.
my $most = ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain' ? 4 : 60;

# A message and a script: what they come to, and how long that takes.
sub
bound
{
	my ($name, $message, $script, $want) = @_;
	my $before = (times)[2] + (times)[3];
	my %run = (message => $message, from => 'a@example.org',
	    to => 'bob@example.net');

	Stdmail::spew("$dir/script.sieve", $script);
	my ($said) = Stdmail::Sieve::try($dir, \%run);
	my $took = (times)[2] + (times)[3] - $before;
	my $got = Stdmail::Sieve::result($said);

	like($got, $want, "$name: $got") or diag(substr($said, 0, 2000));
	ok($took < $most, sprintf "... in %.2f s", $took);
}

my $head = "From: a\@example.org\nTo: bob\@example.net\n";
my $mime = "MIME-Version: 1.0\n";

# ---- bodies ----

my $text = ('A line of a text that is long enough. ' x 4 . "\n") x 68000;
my $coded = encode_base64($text);
my $tests = join '', map {
    "if body :text :contains \"nothing $_ of this\" { discard; }\n" .
    "if body :raw :contains \"nothing $_ of this\" { discard; }\n" } 1 .. 10;

cmp_ok(length $coded, '>', 10e6, 'a body of 10 MB');
bound('20 body tests on base64', "$head${mime}Content-Type: text/plain; " .
    "charset=iso-8859-1\nContent-Transfer-Encoding: base64\n\n$coded",
    "require \"body\";\n$tests", qr/^keep/);
bound('20 body tests on HTML', "$head${mime}Content-Type: text/html\n\n" .
    ('<b>' x 3_500_000), "require \"body\";\n$tests", qr/^keep/);
bound('patterns on a body', "$head\n" . 'a' x 10_000_000,
    'require ["body", "regex"];' . "\n" .
    'if body :raw :matches "*a*a*a*a*b" { discard; }' . "\n" .
    'if body :raw :matches "*a?a?a?b*" { discard; }' . "\n" .
    'if body :raw :regex "(a+)+b" { discard; }' . "\n" .
    'if body :raw :regex "(a|aa)*(b|c)$" { discard; }', qr/^keep/);
bound('10,000 parts', "$head${mime}Content-Type: multipart/mixed; " .
    "boundary=b\n\n" . "--b\n\nx\n" x 10_000, "require \"body\";\n$tests",
    qr/^keep/);
bound('parts in parts', $head . join('', map { "${mime}Content-Type: " .
    "multipart/mixed; boundary=b$_\n\nprologue\n--b$_\n" } 1 .. 5000),
    "require \"body\";\nif body :content \"multipart\" :contains " .
    "\"--b\" { stop; }\n", qr/^keep/);

# ---- headers ----

my $lines = join '', map { "X-$_: =?utf-8?Q?a=C3=A4?= <a\@b>\n" } 1 .. 100_000;
my $same = "To: =?utf-8?Q?a=C3=A4?= <a\@b>, c\@d (e)\n" x 100_000;

for my $h (["100,000 fields", $lines], ["100,000 fields of one name", $same],
    ['a field of 100,000 lines', "To: a\@b,\n" . " \"c\" <d\@e>,\n" x 1e5]) {
	bound($h->[0], "$head$h->[1]\nx\n", <<'END', qr/^keep/);
require ["relational", "comparator-i;ascii-numeric", "index", "date"];
if header :contains ["to", "x-99999", "subject"] "nothing" { discard; }
if header :matches "to" "*no*thing*?" { discard; }
if address :localpart ["to", "cc"] ["one", "two", "three"] { discard; }
if address :count "lt" :comparator "i;ascii-numeric" "to" "1" { discard; }
if header :index 5 :last "to" "nothing" { discard; }
if exists ["to", "x-1", "x-99998", "none"] { discard; }
if date :zone "+0000" "to" "year" "2000" { discard; }
END
}

# ---- patterns ----

my $as = 'a' x 65_000;
my $field = "${head}X-A: $as!\n\nx\n";

bound('"*" and "?"', $field, <<'END', qr/^keep/);
require "variables";
if header :matches "x-a" "*a*a*a*a*b" { discard; }
if header :matches "x-a" "*a?a?a?a?a?a?a?a?b*" { discard; }
if header :matches "x-a" "*?*?*?*?*?*?*?*?b" { discard; }
END
bound("/$_/", $field, "require [\"regex\", \"variables\"];\n" .
    "if header :regex \"x-a\" \"$_\" { discard; }\n", qr/^keep/)
    for '(a+)+$', '(a*)*b', '(a|aa)+b', '((a*)*)*b', '(.*)(.*)(.*)(.*)(.*)x',
    '(a?){50}a{50}b', '(a|a)*(a|a)*(a|a)*b', 'a{1,250}b$';
bound("/$_/ matches", $field, "require [\"regex\", \"variables\"];\n" .
    "if header :regex \"x-a\" \"$_\" { set \"a\" \"\${1}\"; }\n",
    qr/^(?:keep|fault)/)
    for '(a+)+', '(.*)(.*)(.*)a', '((a|aa)*)*', '(a*)*(a|!)';
bound('many of them', $field, "require \"variables\";\n" .
    "if header :matches \"x-a\" \"*a?a?a?a?a?a?b*\" { discard; }\n" x 15000,
    qr/^(?:keep|fault)/);
bound('many header tests', "$head$lines\nx\n",
    "if header :contains \"x-none\" \"b\" { discard; }\n" x 20000,
    qr/^(?:keep|fault)/);

# ---- variables ----

bound('variables that grow', $field, "require \"variables\";\n" .
    "set \"a\" \"$as\";\n" . join('', map {
    "set :upper \"a\" \"\${a}\${a}\";\nset \"v$_\" \"\${a}\";\n" } 1 .. 900),
    qr/^keep/);
done_testing;
