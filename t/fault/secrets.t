#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a process which talks to a stranger holds nobody's password or
# hash: not the users file its parent keeps, nor what another client just
# sent; and that the process of a mailbox holds neither these nor the key of
# the certificate.  Its whole memory is searched, as root.
use strict;
use warnings;
no warnings 'portable';	# addresses have 64 bits

use FindBin;
use lib "$FindBin::Bin/../lib";
use MIME::Base64;
use Test::More;
use Time::HiRes qw(sleep);

use Stdmail;

plan skip_all => 'not root' if !Stdmail::is_root();
# ASan keeps what was freed, valgrind's memory is not the program's.
plan skip_all => 'memory is only as it will be in the plain build'
    if ($ENV{STDMAIL_VARIANT} // 'plain') ne 'plain';

my $hash = 'kept-in-the-file-only';
my $guess = 'said-by-another-client';

# Does the memory of a process hold this text?  undef: it cannot be read.
sub
holds
{
	my ($pid, $text) = @_;
	open(my $maps, '<', "/proc/$pid/maps") or return undef;
	open(my $mem, '<:raw', "/proc/$pid/mem") or return undef;

	while (my $line = <$maps>) {
		my ($from, $to, $r) = $line =~
		    /^([0-9a-f]+)-([0-9a-f]+) (r)/ or next;
		next if $line =~ /\[v(?:var|syscall|dso)/;
		sysseek($mem, hex $from, 0) or next;
		my $size = hex($to) - hex($from);
		my ($bytes, $n) = ('', 0);
		while ($n < $size) {
			my $got = sysread($mem, $bytes, $size - $n, $n) or
			    last;
			$n += $got;
		}
		return 1 if index($bytes, $text) >= 0;
	}
	return 0;
}

# The children of a process, oldest first.
sub
children
{
	my ($pid) = @_;
	open(my $fh, '<', "/proc/$pid/task/$pid/children") or return;

	return split ' ', <$fh> // '';
}

my %login = (
	smtpd => sub { "EHLO x\r\nAUTH PLAIN " . encode_base64(
	    "\0alice\0$guess", '') . "\r\n" },
	pop3d => sub { "USER alice\r\nPASS $guess\r\n" },
	imapd => sub { "a LOGIN alice $guess\r\n" },
);

for my $prog (sort keys %login) {
	SKIP: {
		skip "$prog is not built", 5 if !Stdmail::program($prog);
		my $s = Stdmail->new(as => 'root', users => {
		    alice => "{PLAIN}$hash" });
		my $srv = $s->start($prog);
		my $other = $srv->connect(timeout => 60);
		$other->answer;
		$other->send($login{$prog}->());
		sleep 0.3;	# its answer is held back for a second
		my $c = $srv->connect(timeout => 60);
		$c->answer;
		sleep 0.1;
		my @door = children($srv->{pid});
		cmp_ok(scalar @door, '>=', 2, "$prog: two sessions");
		is(holds($srv->{pid}, $hash), 1,
		    "$prog: the monitor has the users file") or
		    diag "so this test proves nothing";
		is(holds($_, $hash), 0, "$prog: session $_ has not")
		    for @door;
		is(holds($door[-1], $guess), 0,
		    "$prog: nor what another client said");
		$srv->stop;
	}
}

# The greatest number that only the key's owner knows, as it is in memory: its
# least octet first.
sub
key_octets
{
	my ($file) = @_;
	my $text = qx(openssl pkey -in $file -noout -text 2>/dev/null);
	my ($hex) = $text =~ /^(?:priv|privateExponent):\s*([0-9a-f:\s]+)/m;

	return undef if !defined $hex;
	$hex =~ s/[^0-9a-f]//g;
	my $octets = reverse pack 'H*', $hex;
	$octets =~ s/\0+\z//;
	return $octets;
}

my %enter = (
	pop3d => ["USER bob\r\n", "PASS sesame\r\n", "STAT\r\n"],
	imapd => ["a LOGIN bob sesame\r\n", "b SELECT INBOX\r\n"],
);

for my $prog (sort keys %enter) {
	SKIP: {
		skip "$prog is not built", 6 if !Stdmail::program($prog);
		my $s = Stdmail->new(as => 'root', users => {
		    alice => "{PLAIN}$hash", bob => 'sesame' });
		my $srv = $s->start($prog);
		my $key = key_octets("$s->{dir}/key.pem");
		my $c = $srv->connect(timeout => 60);
		$c->answer;
		my @door = children($srv->{pid});
		for my $line (@{$enter{$prog}}) {
			$c->send($line);
			$c->answer;
		}
		my @box;
		Stdmail::until_true(sub {
			@box = grep { my $p = $_; !grep { $_ == $p } @door }
			    children($srv->{pid});
			return @box == 1;
		}, 60);
		is(scalar @box, 1, "$prog: one mailbox process");
		is(holds($box[0], $hash), 0,
		    "$prog: its mailbox process has not the users file");
		skip "$prog: no key, or no openssl to read it", 2
		    if !defined $key;
		is(holds($srv->{pid}, $key), 1,
		    "$prog: the monitor has the key") or
		    diag "so this test proves nothing";
		is(holds($box[0], $key), 0,
		    "$prog: its mailbox process has not the key");
		$srv->stop;
	}
}

done_testing();
