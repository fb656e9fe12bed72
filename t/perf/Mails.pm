# SPDX-License-Identifier: ISC
#
# A Maildir as people have them, for the benchmarks of imapd: threads, lists,
# encoded words; 60% small texts, 30% multipart of 8 to 20 kB, 10% with an
# attachment of 30 to 200 kB; 18 kB in the mean.  The same seed gives the same
# octets.
package Mails;

use strict;
use warnings;

use File::Path qw(make_path);
use MIME::Base64;
use POSIX qw(strftime);

use constant FIRST => 1_600_000_000;	# the date of message 1
use constant STEP => 977;		# seconds from one to the next

my @syllables = qw(ba con de fer gra hol in jo ka lo mi nor or pre qua re sta
    ter un vi wes xa yo zen al ber cho dal em fo);
my @names = qw(Alice Bruno Carla Dmitri Elena Farid Greta Hugo Ines Jonas
    Karin Lars Mara Nils Olga Pavel Rita Sven Tilda Udo);
my @hosts = qw(alpha.test beta.test gamma.test lists.test mail.delta.test);

our (@words, @lines);		# what texts are made of
my $base64;

sub one { return $_[rand @_] }

sub
prepare
{
	my ($seed) = @_;

	srand($seed);
	@words = map { join '', map { one(@syllables) } 1 .. 1 + rand 3 }
	    1 .. 3000;
	@lines = map { join(' ', map { one(@words) } 1 .. 7 + rand 5) . "\n" }
	    1 .. 3000;
	$base64 = encode_base64(join '', map { chr rand 256 } 1 .. 300_000);
}

# So many octets of text, in whole lines.
sub
text
{
	my ($octets) = @_;
	my $text = '';

	$text .= $lines[rand @lines] while length $text < $octets;
	return $text;
}

sub
html
{
	my ($text) = @_;

	$text =~ s{(.{60,73}) }{$1 =\n}g;
	return "<html><body style=3D\"margin:0\">\n<p>$text</p>\n" .
	    "</body></html>\n";
}

sub
person
{
	my $name = one(@names);
	my $address = lc($name) . int(rand 50) . '@' . one(@hosts);

	return rand() < 0.1
	    ? '=?utf-8?B?' . encode_base64("$name M\xc3\xbcller", '') .
	    "?= <$address>" : "$name " . ucfirst(one(@words)) . " <$address>";
}

sub
received
{
	my ($date) = @_;

	return sprintf "Received: from %s (%s [192.0.2.%d])\n\tby %s with " .
	    "ESMTPS id %08x\n\tfor <me\@home.test>; %s\n", one(@hosts),
	    one(@hosts), rand 250, one(@hosts), rand 2 ** 32, $date;
}

# The header of message $i, but for MIME.
sub
header
{
	my ($i, $threads) = @_;
	my $date = strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime(FIRST +
	    $i * STEP - int(rand 3000)));
	my $id = sprintf '<%d.%08x@%s>', $i, rand 2 ** 32, one(@hosts);
	my ($subject, @refs);

	if (@$threads && rand() < 0.6) {
		my $t = one(@$threads);
		@refs = @{$t->{ids}};
		$subject = "Re: $t->{subject}";
		push @{$t->{ids}}, $id if @refs < 12;
	} else {
		$subject = join ' ', map { one(@words) } 1 .. 3 + rand 6;
		$subject = '=?utf-8?Q?' . ($subject =~ s/ /_/gr) .
		    '_=C3=A9t=C3=A9?=' if rand() < 0.15;
		push @$threads, { subject => $subject, ids => [$id] };
		shift @$threads if @$threads > 40;
	}
	return join '', "Return-Path: <bounce-$i\@" . one(@hosts) . ">\n",
	    (map { received($date) } 1 .. 2 + rand 3),
	    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; " .
	    "d=alpha.test;\n\ts=key1; h=from:to:subject:date:message-id;\n" .
	    "\tbh=" . substr($base64, 77 * int(rand 100), 44) . ";\n\tb=" .
	    (substr($base64, 77 * int(rand 100), 230) =~ s/\n/\n\t /gr) .
	    "\n",
	    'From: ', person(), "\nTo: ",
	    join(",\n\t", map { person() } 1 .. 1 + rand 3), "\n",
	    (rand() < 0.3 ? 'Cc: ' . person() . "\n" : ''),
	    "Subject: $subject\nDate: $date\nMessage-ID: $id\n",
	    (@refs ? "In-Reply-To: $refs[-1]\nReferences: " .
	    join("\n\t", @refs) . "\n" : ''),
	    (rand() < 0.3 ? "List-Id: <list.lists.test>\nList-Post: " .
	    "<mailto:list\@lists.test>\nPrecedence: bulk\n" : ''),
	    "User-Agent: Bench/1.0\nMIME-Version: 1.0\n";
}

sub
alternative
{
	my ($i, $octets) = @_;
	my $text = text($octets / 3);

	return "Content-Type: multipart/alternative; boundary=\"alt-$i\"\n\n" .
	    "--alt-$i\nContent-Type: text/plain; charset=utf-8\n" .
	    "Content-Transfer-Encoding: 8bit\n\n$text\n--alt-$i\n" .
	    "Content-Type: text/html; charset=utf-8\n" .
	    "Content-Transfer-Encoding: quoted-printable\n\n" .
	    html(text($octets * 2 / 3)) . "\n--alt-$i--\n";
}

sub
attached
{
	my ($i, $octets) = @_;
	my $n = int($octets / 77);

	return "Content-Type: multipart/mixed; boundary=\"mix-$i\"\n\n" .
	    "This is a multi-part message in MIME format.\n--mix-$i\n" .
	    "Content-Type: text/plain; charset=utf-8\n\n" . text(1500) .
	    "\n--mix-$i\nContent-Type: application/pdf; name=\"paper $i.pdf\"" .
	    "\nContent-Transfer-Encoding: base64\nContent-Disposition: " .
	    "attachment;\n\tfilename=\"paper $i.pdf\"; size=" . $n * 57 .
	    "\n\n" . substr($base64, 77 * int(rand 1000), 77 * $n) .
	    "\n--mix-$i--\n";
}

sub
message
{
	my ($i, $threads) = @_;
	my $head = header($i, $threads);
	my $kind = rand;

	return $head . "Content-Type: text/plain; charset=utf-8\n" .
	    "Content-Transfer-Encoding: 8bit\n\n" . text(500 + rand 5000)
	    if $kind < 0.6;
	return $head . alternative($i, 6500 + rand 12_000) if $kind < 0.9;
	return $head . attached($i, 30_000 + rand 170_000);
}

# Make a Maildir of $count messages, in cur; the last 20 are unseen.  Returns
# the octets of all.
sub
make_maildir
{
	my ($md, $count, $seed) = @_;
	my ($total, @threads) = (0);

	prepare($seed);
	make_path(map { "$md/$_" } qw(cur new tmp));
	for my $i (1 .. $count) {
		my $time = FIRST + $i * STEP;
		my $text = message($i, \@threads);
		my $flags = $i > $count - 20 ? '' :
		    one('S', 'S', 'S', 'RS', 'FS');
		my $name = sprintf '%d.M%06dP%d.bench,S=%d,W=%d:2,%s', $time,
		    $i % 1_000_000, 4711, length $text,
		    length($text) + ($text =~ tr/\n//), $flags;

		open(my $fh, '>:raw', "$md/cur/$name") or die "$md: $!\n";
		print $fh $text or die "$md: $!\n";
		close $fh or die "$md: $!\n";
		utime $time, $time, "$md/cur/$name";
		$total += length $text;
	}
	return $total;
}

1;
