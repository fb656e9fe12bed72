# SPDX-License-Identifier: ISC
#
# Proves the small conventions of the sources: each file begins with the
# licence and a paragraph on what it is for; no line of C is longer than 80
# columns, none elsewhere than 100; tabs indent; no forbidden function, no
# leftover note, no missing guard.

use strict;
use warnings;
use Test::More;

my %forbidden = map { $_ => 1 } qw(strcpy strcat sprintf vsprintf strtok atoi
    atol atoll system popen mktemp tmpnam gets strncpy strncat asctime ctime
    alloca);
# Written so that this file does not hold the words.
my @leftover = map { join '', @$_ } ['TO', 'DO'], ['FIX', 'ME'], ['XX', 'X'],
    ['HA', 'CK'];

# The text of C without its comments and strings, lines kept.
sub code_only {
	my ($text) = @_;

	$text =~ s{("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(/\*.*?\*/|//[^\n]*)}
	    {defined $1 ? substr($1, 0, 1) x 2 : ($2 =~ s/[^\n]//gr)}gse;
	return $text;
}

# Column after the last character, tabs every eight.
sub width {
	my ($line) = @_;
	my $n = 0;

	for (split //, $line) {
		$n = $_ eq "\t" ? $n - $n % 8 + 8 : $n + 1;
	}
	return $n;
}

sub slurp {
	my ($file) = @_;

	open my $fh, '<:encoding(UTF-8)', $file or die "$file: $!\n";
	local $/;
	return scalar <$fh>;
}

sub check_head {
	my ($file, $text) = @_;
	my $c = $file =~ /\.[ch]$/;
	my $spdx = $c ? qr{\A/\* SPDX-License-Identifier: ISC\n} :
	    qr{\A(?:\#!.*\n)?(?:\#|\.\\"|) *SPDX-License-Identifier: ISC\n};

	return 'no SPDX line at the top' if $text !~ $spdx;
	return if !$c;
	return 'no paragraph on what the file is for'
	    if $text !~ m{\A/\*.*\n \*\n \* \S.{20,}};
	return;
}

sub check_guard {
	my ($file, $text) = @_;
	my ($level, $name) = $file =~ m{^(?!t/).*?([^/]+)/([^/]+)\.h$};
	return if !$name;
	my $guard = uc "${level}_${name}_H" =~ tr/-./_/r;

	return "no include guard $guard"
	    if $text !~ /^#ifndef $guard\n#define $guard\n/m;
	return;
}

sub check_lines {
	my ($file, $text) = @_;
	my $max = $file =~ /\.[ch]$|^Makefile$/ ? 80 : 100;
	my (@wrong, $n);

	for my $line (split /\n/, $text) {
		$n++;
		push @wrong, "line $n: over $max columns" if width($line) > $max;
		push @wrong, "line $n: white space at the end"
		    if $line =~ /[ \t]$/;
		push @wrong, "line $n: indented by spaces"
		    if $file =~ /\.[ch]$/ && $line =~ /^ {8}/;
		for my $word (@leftover) {
			push @wrong, "line $n: $word" if $line =~ /\b$word\b/;
		}
	}
	push @wrong, 'no newline at the end' if $text !~ /\n\z/;
	return @wrong;
}

sub check_calls {
	my ($file, $text) = @_;
	my (@wrong, $n);

	for my $line (split /\n/, code_only($text)) {
		$n++;
		while ($line =~ /(?<![\w.>])(\w+)\s*\(/g) {
			push @wrong, "line $n: $1()" if $forbidden{$1};
		}
	}
	return @wrong;
}

my @files = grep { -f } split /\n/, `git ls-files 2>/dev/null`;
@files = grep { -f } split /\n/, `find . -path ./build -prune -o -type f -print |
    sed 's,^./,,'` if !@files;
@files = grep { m{\.(?:[ch]|t|pm|pl|sh|service|socket|path|timer)$|^Makefile$|
    \.[1578]$}x || (-x && m{^t/}) } @files;
plan skip_all => 'no sources' if !@files;

for my $file (sort @files) {
	my $text = slurp($file);
	my @wrong = (check_head($file, $text), check_lines($file, $text));
	if ($file =~ /\.[ch]$/) {
		push @wrong, check_guard($file, $text),
		    check_calls($file, $text);
	}
	ok(!@wrong, $file) or diag(map { "$file: $_\n" } @wrong);
}
done_testing;
