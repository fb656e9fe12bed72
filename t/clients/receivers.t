#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that smtp-send can hand mail to other hosts' mail transport agents:
# Postfix and Exim, in the clear and by STARTTLS, and OpenSMTPD:
# dots, 8-bit text, lines of any length, large messages and addresses in UTF-8
# arrive octet for octet; of a hundred recipients those are refused that must
# be; Exim takes chunks; a Postfix without 8BITMIME gets quoted-printable; and
# smtp-sink says no at each step and in each way it has.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::IP;
use MIME::QuotedPrint qw(decode_qp);
use Test::More;

use Stdmail;
use Stdmail::Peer;

Stdmail::need(qw(root smtp-send smtpd));

my $s = Stdmail->new(domain => 'p.test', users => { alice => 'x' },
    conf => { relay_from => '127.0.0.0/8', mail => undef });
delete $s->{conf}{mail};

# The messages, name => [bytes in disk form, what the host must offer].
my $mime = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n" .
    "Content-Transfer-Encoding: 8bit\n";
my %messages = (
	dots => ["Subject: dots\n\n.\n..\n.x\n\n.\n"],
	'no body' => ["Subject: no body\n\n"],
	'8 bits' => ["${mime}Subject: 8 bits\n\ngr\xc3\xbc\xc3\x9fe\n" .
	    join('', map { chr } 128 .. 255) . "\n" .
	    "and words of no interest\n" x 40],
	long => ["Subject: long\n\n" . 'a' x 998 . "\n." . 'b' x 997 . "\n"],
	longer => ["Subject: longer\n\n" . 'b' x 1500 . "\n." . 'c' x 30_000 .
	    "\nend\n"],
	large => ["Subject: large\n\n" . ('.' . 'd' x 71 . "\n") x 70_000],
);
my $head = "From: Alice <alice\@a.test>\nTo: bob\@p.test\n" .
    "Date: Sat, 21 Nov 2026 04:42:04 +0000\nMessage-ID: <1\@a.test>\n";

# smtp-send to a host: (exit code, its lines, what it logged).
sub
hand
{
	my ($where, $text, $from, @to) = @_;

	return $s->run_program('smtp-send', ['-r', $where, '-f', $from, @to],
	    stdin => $text, timeout => 60);
}

# name => text of what has come, which is taken away.
sub
arrived
{
	my ($want, @globs) = @_;
	my (%got, @files);

	Stdmail::until_true(sub {
		@files = grep { -f } map { glob } @globs;
		return @files >= $want;
	}, 60);
	for my $path (@files) {
		my ($name, $text) = Stdmail::slurp($path) =~
		    /^X-Name: ([^\n]*)\n(.*)\z/ms or next;
		push @{$got{$name}}, $text;
		unlink $path;
	}
	return \%got;
}

# Everything, to one host.  skip: messages that it takes differently.
sub
try_host
{
	my ($what, $where, $globs, %o) = @_;

	for my $name (sort keys %messages) {
		my ($st, $out) = hand($where, "X-Name: $name\n$head" .
		    $messages{$name}[0], 'alice@a.test', 'bob@p.test');
		is($st, 0, "$what: takes '$name'") or diag $out;
	}
	my $got = arrived(scalar keys %messages, @$globs);
	for my $name (sort keys %messages) {
		my $want = "$head$messages{$name}[0]";

		next if $o{other}{$name} && $o{other}{$name}->($want,
		    $got->{$name}[0]);
		Stdmail::same($got->{$name}[0] // '', $want,
		    "$what: '$name' came as it was sent");
		is(scalar @{$got->{$name} // []}, 1, "$what: once");
	}
	my @to = map { ($_ % 10 ? 'user' : 'nobody') . "$_\@p.test" } 1 .. 100;
	my ($st, $out) = hand($where, "X-Name: many\n${head}\nx\n",
	    'alice@a.test', @to);
	is($st, 69, "$what: a hundred recipients, some of them refused");
	my @lines = split /\n/, $out;
	is_deeply([map { (split /\t/)[0] } @lines], \@to, '... in order');
	is_deeply([map { substr((split /\t/)[1], 0, 1) } @lines],
	    [map { $_ % 10 ? 2 : 5 } 1 .. 100], '... each with its fate');
	arrived($o{copies} // 90, @$globs);
	return if $o{ascii};
	($st, $out) = hand($where, "X-Name: utf8\nFrom: gr\xc3\xbc\xc3\x9f" .
	    "\@a.test\nSubject: \xc3\xbc\n\nx\n", "gr\xc3\xbc\xc3\x9f\@a.test",
	    "j\xc3\xb6rg\@p.test");
	is($st, 0, "$what: takes addresses in UTF-8") or diag $out;
	$got = arrived(1, @$globs);
	like($got->{utf8}[0] // '', qr/^Subject: \xc3\xbc$/m,
	    '... and the header as it is');
}

# Into quoted-printable, and the same when it is decoded.
sub
as_quoted
{
	my ($want, $got) = @_;
	my ($header, $body) = split /\n\n/, $got // '', 2;

	like($header, qr/^Content-Transfer-Encoding: quoted-printable$/mi,
	    'no 8BITMIME: it comes quoted-printable');
	unlike($got, qr/[^\x00-\x7f]/, '... in 7 bits');
	Stdmail::same(decode_qp($body // ''), $want =~ s/\A.*?\n\n//sr,
	    '... and the same when it is decoded');
	return 1;
}

for my $kind (@ARGV ? @ARGV : qw(postfix exim opensmtpd)) {
	SKIP: {
		my $why = Stdmail::Peer::missing($kind);
		skip $why, 1 if defined $why;
		my $peer = Stdmail::Peer->start($kind, $s, receive => 1);
		my @globs = map { "$peer->{dir}/box/$_" } qw(new/* */new/*);
		my %o = ($kind eq 'opensmtpd' ? (ascii => 1) : ());

		for my $tls ('STARTTLS', 'the clear') {
			next if $kind eq 'opensmtpd' && $tls eq 'STARTTLS';
			$s->{conf}{tls_policy} = $tls eq 'STARTTLS' ?
			    '* encrypt' : '* none';
			$s->write_conf;
			try_host("$kind, $tls", "$peer->{addr}:$peer->{port}",
			    \@globs, %o);
		}
		try_host("$kind, 7 bits", "$peer->{addr}:" .
		    ($peer->{port} + 100), \@globs, %o, ascii => 1,
		    other => { '8 bits' => \&as_quoted })
		    if $kind eq 'postfix';
		ok(Stdmail::until_true(sub { $peer->log_text =~ / <= .* K / },
		    60), 'exim: got chunks')
		    if $kind eq 'exim';
		$peer->stop;
	}
}

# --- smtp-sink ------------------------------------------------------------

# options, exit code, what is printed
my @sink = Stdmail::tool('smtp-sink');
SKIP: {
	skip 'smtp-sink is missing', 1 if !@sink;
	$s->{conf}{tls_policy} = undef;
	$s->write_conf;
	my @rows = (
		['', 0, qr/\t2\.0\.0\t/],
		['-8 -p -N', 0, qr/\t2\.0\.0\t/],
		['-e', 0, qr/\t2\.0\.0\t/],
		['-a', 0, qr/\t2\.0\.0\t/],
		['-w 1', 0, qr/\t2\.0\.0\t/],
		(map { ["-r $_", 75, qr/\t4\.\d\.\d\t.*\t450 /],
		    ["-f $_", $_ =~ /EHLO|CONN/ ? 75 : 69, qr/\t5\.\d\.\d\t.*\t5\d\d /]
		    } qw(MAIL RCPT DATA .)),
		(map { ["-Q $_", 75, qr/\t4\.\d\.\d\t.*\t421 /],
		    ["-q $_", 75, qr/\t4\.4\.2\t.*lost/]
		    } qw(EHLO MAIL RCPT DATA .)),
	);
	my $port = 20000 + $$ % 10000;
	for my $row (@rows) {
		my ($options, $code, $line) = @$row;
		my $where = sprintf '127.%d.%d.%d:%d', 96 + ($$ >> 16),
		    ($$ >> 8) & 255, $$ & 255, ++$port;
		my $pid = $s->spawn([@sink, '-u', 'nobody', split(/ /,
		    $options), $where, 100], {}, as => 'me');
		Stdmail::until_true(sub {
			IO::Socket::IP->new(PeerAddr => $where) }, 60);
		my ($st, $out, $err) = hand($where, "$head\n.x\n",
		    'alice@a.test', 'bob@p.test', 'eve@p.test');
		is($st, $code, "smtp-sink $options: exit $code") or
		    diag "$out$err";
		like($out, qr/\Abob\@p\.test$line.*\n.*$line.*\n\z/,
		    "smtp-sink $options: a line for each");
		Stdmail::end_child($pid);
	}
}
done_testing();
