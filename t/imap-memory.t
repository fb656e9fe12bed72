#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that an IMAP session's memory does not grow with a message: one of
# 100 MB comes by APPEND, as a literal8 that is encoded in base64 on the way,
# and by CATENATE from another; it goes out whole, as a part, decoded, and in
# pieces; and the session never has much more than after a small one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IPC::Open2;
use Test::More;

use Stdmail;

Stdmail::need(qw(imapd));
plan skip_all => 'no /proc' if !-r "/proc/$$/status";

# kB: blocks, where each of a file begins, and their page tables; a sanitizer
# keeps for a while what was given back.
use constant ROOM => ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain' ? 1500 :
    20000;

my $dir = tempdir('stdmail-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $bin = $ENV{STDMAIL_BIN} // "$FindBin::Bin/../build/bin";
my $as = $< == 0 ? 'setpriv --reuid=65534 --regid=65534 --clear-groups ' : '';
my $large = 100 << 20;
my $block = ("x" x 62 . "\r\n") x 1024;	# 64 kB
my $binary = ("\0\1\n\r" . "y" x 60) x 1024;

mkdir "$dir/md";
mkdir "$dir/md/$_" for qw(cur new tmp);
if ($< == 0) {
	chown 65534, 65534, $dir, "$dir/md", glob "$dir/md/*";
}
my $pid = open2(my $from, my $to, "exec $as$bin/imapd -o max_size=200M " .
    "-p $dir/md 2>$dir/log");
binmode $_ for $from, $to;
$SIG{PIPE} = 'IGNORE';
$SIG{ALRM} = sub { kill 'KILL', $pid; die "too slow\n" };
alarm 570;

# The most memory it ever had, in kB.
sub most {
	return Stdmail::slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m
	    ? $1 : 0;
}

sub put { print $to @_; $to->flush }

# What the server says up to the tagged answer; literals are counted, not kept.
sub answer {
	my ($octets, $all) = (0, '');

	while (defined(my $line = <$from>)) {
		$all .= $line;
		return ($octets, $all) if $line =~ /^t /;
		next if $line !~ /\{(\d+)\}\r\n\z/;
		my $left = $1;
		$octets += $left;
		while ($left > 0) {
			my $n = read $from, my $got, $left > 65536 ? 65536 :
			    $left;
			last if !$n;
			$left -= $n;
		}
	}
	return ($octets, $all . 'the server is gone');
}

sub ask {
	put("t $_[0]\r\n");
	return answer();
}

# A message of so many octets of blocks, in a literal.
sub append {
	my ($form, $head, $what, $n, $tail) = @_;
	my $size = length($head) + $n * length $what;

	put(sprintf "t APPEND INBOX %s{%d+}\r\n%s", $form, $size, $head);
	put($what) for 1 .. $n;
	put("$tail\r\n");
	return answer();
}

sub grows {
	my ($name, $before) = @_;
	my $grown = most() - $before;

	ok($grown < ROOM, "$name: $grown kB more");
}

my $greeting = <$from>;
like($greeting, qr/^\* PREAUTH/, 'it is there');
my $plain = "Subject: large\r\n\r\n";
my $mime = "Subject: binary\r\nMIME-Version: 1.0\r\n" .
    "Content-Transfer-Encoding: binary\r\n\r\n";
my $n = $large / 65536;

# Everything once, with small ones.
append('', $plain, $block, 1, '');
append('~', $mime, $binary, 1, '');
ask('SELECT INBOX');
ask('APPEND INBOX CATENATE (URL "/INBOX/;UID=1")');
ask("FETCH 1:3 $_") for 'BODY.PEEK[]', 'BODY.PEEK[1]', 'BINARY.PEEK[1]',
    'BINARY.SIZE[1]', 'BODY.PEEK[]<100.100>';
my $base = most();

my ($octets, $said) = append('', $plain, $block, $n, '');
like($said, qr/^t OK/m, 'APPEND of 100 MB');
grows('APPEND', $base);
($octets, $said) = append('~', $mime, $binary, $n, '');
like($said, qr/^t OK/m, 'APPEND of 100 MB with NULs');
grows('literal8', $base);
($octets, $said) = ask('APPEND INBOX CATENATE (URL "/INBOX/;UID=4" ' .
    'URL "/INBOX/;UID=4/;SECTION=TEXT/;PARTIAL=50000000.1000")');
like($said, qr/^t OK/m, 'CATENATE of 100 MB');
grows('CATENATE', $base);
for (['BODY.PEEK[]', 4, $large + length $plain],
    ['BODY.PEEK[1]', 4, $large],
    ['BODY.PEEK[]', 6, $large + length($plain) + 1000],
    ['BODY.PEEK[]<104000000.1000>', 6, 1000],
    ['BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT)]', 4, 2],
    ['BINARY.PEEK[1]', 4, $large],
    ['BINARY.PEEK[1]', 5, $large],
    ['BINARY.PEEK[1]<104000000.1000>', 5, 1000]) {
	my ($what, $seq, $want) = @$_;
	($octets, $said) = ask("FETCH $seq $what");
	is($octets, $want, "FETCH $seq $what");
	grows($what, $base);
}
(undef, $said) = ask('FETCH 5 BINARY.SIZE[1]');
like($said, qr/BINARY\.SIZE\[1\] $large\)/, 'BINARY.SIZE of 100 MB');
grows('BINARY.SIZE', $base);
ask('LOGOUT');
waitpid $pid, 0;
is($?, 0, 'it ended well');
done_testing();
