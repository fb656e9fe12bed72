# SPDX-License-Identifier: ISC
#
# The lines of conversations (.chat) and scenes (.scene): how they become steps,
# and what text and patterns in them mean.  It must never go past a line that
# nobody understands.
package Stdmail::Script;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(steps bytes_of text_of pattern matches show compare);

my %escape = (r => "\r", n => "\n", t => "\t", 0 => "\0", '\\' => '\\');

# The lines of a file, each as what one(line) makes of it, with { line, block };
# blank ones and comments are none.
sub
steps
{
	my ($path, $one) = @_;
	my ($n, @steps) = (0);

	open(my $fh, '<:raw', $path) or die "$path: $!\n";
	while (my $line = <$fh>) {
		$n++;
		chomp $line;
		next if $line =~ /^\s*(#|\z)/;
		if ($line =~ /^\|( (.*))?\z/s) {
			die "$path:$n: text without a line that takes it\n"
			    if !@steps;
			push @{$steps[-1]{block}}, $2 // '';
			next;
		}
		push @steps, $one->($line) // die "$path:$n: cannot read " .
		    "'$line'\n";
		$steps[-1]{line} = $n;
	}
	return @steps;
}

# Client text to bytes: \r \n \t \0 \\ \xNN, {{TEXT*N}} repeats, <<name>>
# is what an earlier line caught.
sub
bytes_of
{
	my ($text, $caught) = @_;

	$text =~ s/<<(\w+)>>/_caught($caught, $1)/ge;
	$text =~ s/\{\{(.*?)\*(\d+)\}\}/$1 x $2/gse;
	$text =~ s/\\(?:x([0-9A-Fa-f]{2})|([rnt0\\]))/
	    defined $1 ? chr hex $1 : $escape{$2}/gex;
	return $text;
}

sub
_caught
{
	my ($caught, $name) = @_;

	die "nothing was caught as '$name'\n" if !exists $caught->{$name};
	return $caught->{$name};
}

# A pattern to a regular expression and the names its holes catch.  Text
# stands for itself; {{regex}} is a hole, {{name=regex}} one that catches.
sub
pattern
{
	my ($text, $caught) = @_;
	my ($re, @names) = ('');

	for my $part (split /(\{\{.*?\}\}(?!\}))/s, $text) {
		if ($part =~ /^\{\{(?:([a-z]\w*)=)?(.*)\}\}\z/s) {
			my ($name, $hole) = ($1, $2);
			push @names, $name if defined $name;
			$re .= defined $name ? "(?<$name>$hole)" : "(?:$hole)";
		} else {
			$re .= quotemeta bytes_of($part, $caught);
		}
	}
	return (qr/$re/s, @names);
}

sub
matches
{
	my ($line, $text, $caught) = @_;
	my ($re, @names) = pattern($text, $caught);

	return 0 if $line !~ /\A$re\z/;
	$caught->{$_} = $+{$_} for @names;
	return 1;
}

# Bytes so that a person can read them on one line.
sub
show
{
	my ($bytes) = @_;

	return 'the end of the stream' if !defined $bytes;
	$bytes = substr($bytes, 0, 300) . '...' if length $bytes > 300;
	$bytes =~ s/\\/\\\\/g;
	$bytes =~ s/\r/\\r/g;
	$bytes =~ s/\n/\\n/g;
	$bytes =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ge;
	return "'$bytes'";
}

# The indented block of a step as LF lines, escapes resolved.
sub
text_of
{
	my ($step) = @_;

	return join '', map { bytes_of($_, {}) . "\n" }
	    @{$step->{block} // []};
}

# Bytes against the block of a step: lines it must have; "..." is any lines.
sub
compare
{
	my ($bytes, $step, $caught) = @_;
	my @got = split /\n/, $bytes, -1;
	my ($i, $any) = (0, 0);

	pop @got if @got && $got[-1] eq '';
	for my $want (@{$step->{block} // []}) {
		if ($want eq '...') {
			$any = 1;
			next;
		}
		my $from = $i;
		$i++ while $any && $i < @got &&
		    !matches($got[$i], $want, $caught);
		die "got:    " . show($got[$any ? $from : $i]) .
		    "\n    wanted: $want\n" if $i >= @got ||
		    !matches($got[$i], $want, $caught);
		$i++;
		$any = 0;
	}
	die 'more than wanted: ' . show($got[$i]) . "\n" if !$any && $i < @got;
}

1;
