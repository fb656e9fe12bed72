# SPDX-License-Identifier: ISC
#
# What an IMAP client makes of a server's octets (RFC 3501 section 9): one
# response at a time, as Perl's lists and strings.  It takes what the grammar
# allows and dies of anything else.
package Stdmail::Imap;

use strict;
use warnings;

# Read one whole response from a connection: the line, with the literals in it
# and what follows them.  undef at the end.
sub
response
{
	my ($c, $timeout) = @_;
	my $all = $c->line($timeout) // return undef;

	while ($all =~ /~?\{(\d+)\}\r\n\z/) {
		my $n = $1;
		# A long one is asked for in pieces, each in its time.
		for (my $left = $n; $left > 0; ) {
			my $take = $left > 65536 ? 65536 : $left;
			$all .= $c->bytes($take);
			$left -= $take;
		}
		$all .= $c->line($timeout) // die "closed in a response\n";
	}
	return $all;
}

# All responses to a command, which has been given its tag: the untagged ones,
# and the last is the tagged one.
sub
responses
{
	my ($c, $tag, $timeout) = @_;
	my @got;

	for (;;) {
		push @got, response($c, $timeout) // die "closed before $tag\n";
		return @got if $got[-1] =~ /\A\Q$tag\E /;
	}
}

# The values in a text from its position on: atoms and strings as strings, NIL
# as undef, lists as lists.  A section keeps its brackets: BODY[1.MIME]<0>.
sub
value
{
	my ($t) = @_;	# a reference to the text

	return list($t) if $$t =~ /\G\(/gc;
	if ($$t =~ /\G"((?:[^"\\\r\n]|\\["\\])*)"/gc) {
		return $1 =~ s/\\(["\\])/$1/gr;
	}
	if ($$t =~ /\G~?\{(\d+)\}\r\n/gc) {
		my $s = substr $$t, pos $$t, $1;
		die "a short literal\n" if length $s != $1;
		pos($$t) += $1;
		return $s;
	}
	if ($$t =~ /\G((?:[^\s()\[\]"{%*\x00-\x1f\x7f-\xff]|\*)+
	    (?:\[[^\]]*\])?(?:<\d+>)?)/gcx) {
		return $1 eq 'NIL' ? undef : $1;
	}
	die 'no value at ' . substr($$t, pos $$t, 60) . "\n";
}

sub
list
{
	my ($t) = @_;
	my @v;

	until ($$t =~ /\G\)/gc) {
		# Bodies of a multipart follow each other without a space.
		$$t =~ /\G /gc || $$t =~ /\G(?=\()/ ||
		    die 'no space at ' . substr($$t, pos $$t, 60) . "\n"
		    if @v;
		push @v, value($t);
	}
	return \@v;
}

# The items of "* n FETCH (...)": (n, { ITEM => value }), or nothing.
sub
fetch
{
	my ($response) = @_;
	my %item;

	$response =~ /\A\* (\d+) (?:UID)?FETCH \(/g or return;
	my $n = $1;
	my $v = list(\$response);
	$response =~ /\G\r\n\z/ or die "more after FETCH: $response\n";
	die "a FETCH item has no value: $response\n" if @$v % 2;
	while (my ($name, $value) = splice @$v, 0, 2) {
		$item{uc $name} = $value;
	}
	return ($n, \%item);
}

1;
