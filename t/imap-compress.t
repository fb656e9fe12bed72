#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves whole sessions under COMPRESS=DEFLATE (RFC 4978), in the clear and
# relayed by the TLS door: answers octet for octet as without it, commands in
# one piece or many, APPEND, IDLE, and input that would become a lot.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Compress::Raw::Zlib;
use IO::Socket::IP;
use IO::Socket::SSL;
use Test::More;

use Stdmail;

Stdmail::need(qw(imapd));

my $s = Stdmail->new(users => { alice => 'open-sesame' },
    conf => { compress => 'yes' });
my $noise = join '', map { pack 'N', ($_ * 2654435761) & 0xffffffff }
    1 .. 100_000;
my @text = ("Subject: text\n\n" . "all work and no play\n" x 50_000,
    "Subject: noise\n\n" . unpack('H*', $noise) =~ s/(.{64})/$1\n/gr);

$s->preload('alice', $_, '', 1700000001) for @text;
my %srv = (clear => $s->start('imapd'), tls => $s->start('imapd',
    args => ['-T']));

package Client;

use Compress::Raw::Zlib;

sub
new
{
	my ($class, $what) = @_;
	my $sock = IO::Socket::IP->new(PeerHost => '127.0.0.1',
	    PeerPort => $srv{$what}{port}) or die "connect: $!\n";

	IO::Socket::SSL->start_SSL($sock, SSL_verify_mode => 0)
	    or die "TLS: $IO::Socket::SSL::SSL_ERROR\n" if $what eq 'tls';
	return bless { sock => $sock, have => '' }, $class;
}

sub
compress
{
	my ($c) = @_;

	($c->{out}) = Compress::Raw::Zlib::Deflate->new(
	    -WindowBits => -15, -AppendOutput => 1);
	($c->{in}) = Compress::Raw::Zlib::Inflate->new(-WindowBits => -15,
	    -AppendOutput => 1);
}

sub
pack_up
{
	my ($c, $text) = @_;
	my $z = '';

	return $text if !$c->{out};
	$c->{out}->deflate($text, $z);
	$c->{out}->flush($z, Z_SYNC_FLUSH);
	return $z;
}

sub
say_it
{
	my ($c, $text, $step) = @_;
	my $z = $c->pack_up($text);

	$step //= length $z;
	for (my $at = 0; $at < length $z; ) {
		$at += syswrite($c->{sock}, substr($z, $at, $step)) // last;
	}
}

# All up to a line that matches, or what there is after a minute.
sub
hear
{
	my ($c, $until) = @_;
	my $got = '';

	local $SIG{ALRM} = sub { die "no answer\n" };
	eval {
		alarm 60;
		while ($c->{have} !~ /^(.*?$until[^\n]*\n)/ms) {
			my $n = sysread($c->{sock}, my $z, 65536);
			last if !$n;
			$c->{wire} += $n;
			if (!$c->{in}) {
				$c->{have} .= $z;
				next;
			}
			$c->{in}->inflate($z, my $more = '') == Z_OK or last;
			$c->{have} .= $more;
		}
		alarm 0;
	};
	$got = $1 if $c->{have} =~ s/^(.*?^$until[^\n]*\n)//ms;
	return $got;
}

package main;

sub
talk
{
	my ($what) = @_;
	my $c = Client->new($what);
	my (%answer, $box);

	$c->hear(qr/\* OK/);
	$c->say_it("a LOGIN alice open-sesame\r\n");
	like($c->hear(qr/a /), qr/^a OK .*COMPRESS=DEFLATE/m, "$what: login");
	for my $round (qw(plain packed)) {
		$c->{wire} = 0;
		$c->say_it("b SELECT INBOX\r\nc FETCH 1:* (FLAGS " .
		    "BODY.PEEK[])\r\n", $round eq 'plain' ? undef : 1);
		$answer{$round} = $c->hear(qr/c OK/) =~
		    s/^\* (?:\d+ RECENT|OK \[(?:CLOSED|HIGHESTMODSEQ).*)\r\n//mgr;
		$answer{"$round wire"} = $c->{wire};
		next if $round eq 'packed';
		$c->say_it("d COMPRESS DEFLATE\r\n");
		like($c->hear(qr/d /), qr/^d OK/, "$what: DEFLATE active");
		$c->compress;
	}
	Stdmail::same($answer{packed}, $answer{plain},
	    "$what: the same answers");
	# the text to almost nothing, the noise in hex to half
	cmp_ok($answer{'packed wire'}, '<', 0.45 * $answer{'plain wire'},
	    "$what: in fewer octets");
	$c->say_it("e COMPRESS DEFLATE\r\nf CAPABILITY\r\n");
	like($c->hear(qr/e /), qr/^e BAD \[COMPRESSIONACTIVE\]/,
	    "$what: only once");
	unlike($c->hear(qr/f OK/), qr/COMPRESS/, "$what: no more offered");
	return $c;
}

for my $what (sort keys %srv) {
	my $c = talk($what);

	my $message = "Subject: x\r\n\r\n" . 'y' x 100_000 . "\r\n";
	$c->say_it("g APPEND INBOX {" . length($message) . "+}\r\n$message\r\n",
	    1000);
	like($c->hear(qr/g /), qr/^g OK \[APPENDUID/m, "$what: APPEND");
	$c->say_it("h IDLE\r\n");
	like($c->hear(qr/\+/), qr/^\+/m, "$what: IDLE");
	$s->preload('alice', "Subject: pushed\n\nx\n");
	$s->own;
	like($c->hear(qr/\* \d+ EXISTS/), qr/EXISTS/, "$what: told at once");
	$c->say_it("DONE\r\n");
	like($c->hear(qr/h OK/), qr/^h OK/m, "$what: DONE");
	# 20 MB of a line, in a few kB, is a line too long and no more.
	$c->say_it('i ' . 'z' x 20_000_000 . "\r\nj NOOP\r\n");
	like($c->hear(qr/i /), qr/^i BAD/m, "$what: a line of 20 MB");
	like($c->hear(qr/j /), qr/^j OK/m, "$what: and on");
	$c->say_it("k LOGOUT\r\n");
	like($c->hear(qr/k /), qr/^k OK/m, "$what: LOGOUT");
}

ok($srv{$_}->alive(0.02), "the server lives") for sort keys %srv;
unlike($s->log_text, qr/signal=|AddressSanitizer|runtime error/,
    'nothing crashed');
$s->stop;
done_testing();
