#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that t/rfc.map is whole: each capability of imapd's table (see
# imapd/capability.c) has a transcript, each section listed too, and each
# transcript names the RFC that it is said to follow.
#
# A line of the map is "RFCn <tab> section <tab> transcript <tab> words", with
# "-" for what is spread over many sections, or "cap:NAME <tab> RFC n <tab>
# transcript".  A transcript is any test.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail;

my (%covered, %text);

sub
transcript
{
	my ($file) = @_;

	return $text{$file} //= -f "$Stdmail::top/$file" ?
	    Stdmail::slurp("$Stdmail::top/$file") : '';
}

for (split /\n/, Stdmail::slurp("$Stdmail::top/t/rfc.map")) {
	next if /^#/;
	my ($what, $where, $file) = split /\t/;
	my ($rfc) = "$what $where" =~ /RFC ?(\d+)/;

	$covered{$1} = 1 if $what =~ /^cap:(.*)/;
	ok(transcript($file) =~ /\b$rfc\b/, "$what $where: $file");
}

my $table = Stdmail::slurp("$Stdmail::top/imapd/capability.c");
my @names = $table =~ /^\t\{ "(\S+)",/mg;
cmp_ok(scalar @names, '>', 10, 'the table of capabilities is read');
ok($covered{$_}, "$_ has a transcript") for @names;
done_testing();
