#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a session that changed a mailbox leaves it so that the next one,
# of POP3 or IMAP, need not list the folder: after QUIT with messages removed,
# after LOGOUT, and after a client that just went away; and that the client is
# rid of its connection before the session takes time for that.  A session that
# only looked takes none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail;

Stdmail::need('pop3d', 'imapd', 'tool:strace');

my @strace = Stdmail::tool('strace');
my $s = Stdmail->new;
my $dir = "$s->{dir}/Mail/box";
my %open = (
	pop3d => "STAT\r\nQUIT\r\n",
	imapd => "a SELECT INBOX\r\nb LOGOUT\r\n",
);

# A Maildir of five messages that came long ago, known to both programs.
sub
fill
{
	system('rm', '-rf', $dir);
	mkdir $_ or die "$_: $!\n" for $dir, map { "$dir/$_" }
	    qw(cur new tmp);
	Stdmail::spew("$dir/cur/$_.x:2,S", "Subject: $_\n\nx\n")
	    for 1001 .. 1005;
	my $old = time - 100;
	utime $old, $old, "$dir/$_" or die "$!\n" for qw(cur new);
	$s->own;
	session('imapd', $open{imapd});
}

# A session under strace: what it said, and the calls that matter here.
sub
session
{
	my ($program, $lines) = @_;
	my $trace = "$s->{dir}/trace";

	unlink $trace;
	my ($status, $out) = $s->run([@strace, '-f', '-o', $trace, '-e',
	    'trace=getdents64,write,close,clock_nanosleep,exit_group',
	    $s->command($program, '-p', $dir)], stdin => $lines);
	is($status, 0, "$program ends well");
	return ($out, Stdmail::slurp($trace));
}

# Of any folder: a sandbox hides from strace which.
sub listings { return scalar(() = $_[0] =~ m{ getdents64\(}g) }

# The session says $want, is rid of the client, and then waits.
sub
settles
{
	my ($program, $lines, $want, $what) = @_;

	fill();
	my ($out, $trace) = session($program, $lines);
	like($out, $want, $what);
	like($trace, qr/ close\(1\).* clock_nanosleep\(/s,
	    '... the client is gone before it waits');
	unlike($trace, qr/clock_nanosleep\(.* write\(1,/s,
	    '... and had its answers');
	for my $next ('pop3d', 'imapd') {
		($out, $trace) = session($next, $open{$next});
		like($out, qr/^(?:\+OK 3 |\* 3 EXISTS)/m, "$next sees it");
		is(listings($trace), 0, '... without a listing');
	}
}

# A listing is seen here when there is one.
fill();
Stdmail::spew("$dir/cur/1006.x:2,S", "x\n");
$s->own;
my (undef, $trace) = session('pop3d', $open{pop3d});
cmp_ok(listings($trace), '>', 0, 'another program: a listing');

fill();
(undef, $trace) = session('pop3d', $open{pop3d});
is(listings($trace), 0, 'nothing happened: no listing');
unlike($trace, qr/clock_nanosleep/, '... and no wait');

settles('pop3d', "DELE 1\r\nDELE 2\r\nQUIT\r\n", qr/^\+OK.*\n\z/m,
    'pop3d removes two');
settles('imapd', "a SELECT INBOX\r\nb STORE 1:2 +FLAGS (\\Deleted)\r\n" .
    "c EXPUNGE\r\nd LOGOUT\r\n", qr/^d OK/m, 'imapd removes two');
settles('imapd', "a SELECT INBOX\r\nb STORE 1:2 +FLAGS (\\Deleted)\r\n" .
    "c EXPUNGE\r\nd STORE 1:3 +FLAGS (\\Flagged)\r\n", qr/^d OK/m,
    'a client of imapd goes away');

done_testing();
