#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that other hosts' mail transport agents can hand their mail to smtpd:
# Postfix, Exim and OpenSMTPD, in the clear and with STARTTLS as to an MX, and
# with TLS and AUTH as to a smarthost; 8-bit text, lines of any length, dots,
# large messages and the corpus arrive octet for octet below the trace fields;
# what they were told by DSN and SMTPUTF8 stands in the envelope; Exim sends
# in chunks; and Postfix delivers into mailboxes by LMTP.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::UNIX;
use Test::More;

use Stdmail;
use Stdmail::Peer;

Stdmail::need(qw(root smtpd));

my $s = Stdmail->new(users => { alice => 'open-sesame',
    bob => 'rosebud-1941' });
my $mx = $s->start('smtpd', args => ['-m', 'mx']);
my $sub = $s->start('smtpd', args => ['-m', 'submission']);

# The messages, name => bytes in disk form.  Each begins with a field by which
# it is found, so that what stands above it is trace.
my $head = "From: Alice <alice\@a.test>\nTo: bob\@b.test\n" .
    "Date: Sat, 21 Nov 2026 04:42:04 +0000\n" .
    "Message-ID: <1\@peer.test>\n";
my %messages = (
	dots => "Subject: dots\n\n.\n..\n.x\n\n.\n",
	'no body' => "Subject: no body\n\n",
	'8 bits' => "MIME-Version: 1.0\n" .
	    "Content-Type: text/plain; charset=utf-8\n" .
	    "Content-Transfer-Encoding: 8bit\n\ngr\xc3\xbc\xc3\x9fe\n" .
	    join('', map { chr } 128 .. 255) . "\n",
	long => "Subject: long\n\n" . ('a' x 998) . "\n" . ('b' x 999) .
	    "\n." . ('c' x 5000) . "\nend\n",
	large => "Subject: large\n\n" . ("." . 'd' x 71 . "\n") x 30000,
);
# From the corpus, of each collection the first that SMTP carries as they are:
# no MTA changes what stands in their fields.
for my $from (glob "$Stdmail::shared/corpus/mime/*") {
	my $left = 2;

	for my $path (sort split /\n/, `find '$from' -type f -size -200k`) {
		my $text = Stdmail::slurp($path) =~ s/\r\n/\n/gr;

		next if $text =~ /[\r\0]/ || $text !~ /\A[\w-]+:.*\n\z/s ||
		    $text =~ /^(?:From|Date|To|Cc|Bcc|Return-Path|Message-ID|
		    Received|Resent-\w+|Sender|Delivered-To):/imx;
		$messages{$path =~ s{.*/corpus/}{}r} = $text;
		last if --$left == 0;
	}
}

# name => the message as it lies in the spool, which is emptied.
sub
arrived
{
	my ($queue, $want) = @_;
	my %got;

	Stdmail::until_true(sub {
		$want <= grep { !/\.env\w*\z/ } $s->spooled("$queue/now")
	}, 60);
	for my $path ($s->spooled) {
		my $text = Stdmail::slurp($path);
		my ($trace, $name, $rest) =
		    $text =~ /\A(.*?^)X-Name: ([^\n]*)\n(.*)\z/ms or next;

		$got{$name} = [$trace, $rest];
	}
	unlink $s->spooled;
	return \%got;
}

sub
try_peer
{
	my ($kind, $what, $queue, $with, %o) = @_;
	my $to = $queue eq 'local' ? 'alice@a.test' : 'bob@b.test';
	my $peer = Stdmail::Peer->start($kind, $s, %o);

	for my $name (sort keys %messages) {
		my $reply = $peer->send("X-Name: $name\n$head$messages{$name}" =~
		    s/\n/\r\n/gr, from => 'alice@a.test', to => [$to],
		    mail => $kind eq 'opensmtpd' ? '' : ' BODY=8BITMIME');
		like($reply, qr/^250/, "$kind: it has the message '$name'");
	}
	my $got = arrived($queue, scalar keys %messages);
	for my $name (sort keys %messages) {
		my ($trace, $rest) = @{$got->{$name} // ['', undef]};

		Stdmail::same($rest, "$head$messages{$name}",
		    "$kind, $what: '$name' came as it was sent");
		unlike($trace, qr{^(?!\s|Received:|Return-Path:|Delivered-To:)}m,
		    "$kind, $what: below trace fields");
		like($trace, qr/\bby mx\.a\.test\b.*\bwith $with\b/s,
		    "$kind, $what: with $with");
	}
	is(scalar keys %$got, scalar keys %messages, "$kind, $what: each once")
	    or diag $peer->log_text;
	# Exim's log has a K for a message that went by BDAT, behind our reply.
	ok(Stdmail::until_true(sub {
		(() = $peer->log_text =~ / => .* K C="250/g) == keys %messages
	}, 60), "$kind, $what: in chunks") or diag $peer->log_text
	    if $kind eq 'exim';
	$peer->stop;
}

# What was asked of the peer's DSN and SMTPUTF8 is in our envelope.
sub
try_envelope
{
	my ($kind) = @_;
	my $utf8 = $kind ne 'opensmtpd';
	my $from = $utf8 ? "gr\xc3\xbc\xc3\x9fe\@a.test" : 'eve@a.test';
	my $peer = Stdmail::Peer->start($kind, $s, port => $mx->{port});
	my $reply = $peer->send("From: $from\r\n\r\ntext\r\n",
	    from => $from, to => ['alice@a.test'], mail => ' RET=HDRS ENVID=QQ314159' .
	    ($utf8 ? ' BODY=8BITMIME SMTPUTF8' : ''),
	    rcpt => ' NOTIFY=SUCCESS,DELAY ORCPT=rfc822;al+2Bice@b.test');
	my ($text, @env);

	like($reply, qr/^250/, "$kind: it has a message with parameters");
	Stdmail::until_true(sub { @env = $s->spooled('local/env') }, 60) or
	    diag $peer->log_text;
	Stdmail::until_true(sub { $s->spooled('local/now') }, 60);
	$text = @env ? Stdmail::slurp($env[0]) : '';
	for my $want ("sender $from", 'ret HDRS', 'envid QQ314159',
	    'notify SUCCESS,DELAY', 'orcpt rfc822;al+ice@b.test',
	    $utf8 ? 'utf8 yes' : ()) {
		like($text, qr/^\Q$want\E$/m, "$kind: in the envelope: $want");
	}
	unlink $s->spooled;
	$peer->stop;
}

# A message for two mailboxes and for one that is not there.
sub
try_lmtp
{
	my $path = "$s->{dir}/lmtp";
	my $sock = IO::Socket::UNIX->new(Local => $path, Listen => 50)
	    or die "$path: $!\n";

	chmod 0777, $path;
	my $pid = $s->spawn([$s->command('smtpd', '-m', 'lmtp')],
	    { 3 => $sock }, env => { LISTEN_FDS => 1 });
	my $peer = Stdmail::Peer->start('postfix', $s, lmtp => $path);
	for my $name (sort keys %messages) {
		my $reply = $peer->send("X-Name: $name\n$head$messages{$name}" =~
		    s/\n/\r\n/gr, from => 'alice@a.test', to => [
		    'alice@a.test', 'bob@a.test'], mail => ' BODY=8BITMIME');
		like($reply, qr/^250/, "postfix: it has the message '$name'");
	}
	$peer->send("From: alice\@a.test\r\n\r\nx\r\n", from => 'alice@a.test',
	    to => ['nobody@a.test']);
	for my $user (qw(alice bob)) {
		my $want = keys(%messages) + ($user eq 'alice');
		my (%got, $bounce);

		Stdmail::until_true(sub {
			$want <= (() = $s->files("Mail/$user/new"))
		}, 60) or diag $peer->log_text;
		for my $file ($s->files("Mail/$user/new")) {
			my $text = Stdmail::slurp($file);

			$got{$1} = $2 if $text =~
			    /\A(?:.*?^)X-Name: ([^\n]*)\n(.*)\z/ms &&
			    $text !~ /^Return-Path: <>/;
			$bounce = $text if $text =~ /^Return-Path: <>/;
		}
		Stdmail::same($got{$_}, "$head$messages{$_}",
		    "postfix, LMTP: '$_' is in the mailbox of $user")
		    for sort keys %messages;
		like($bounce, qr/^Status: 5\.1\.1$/m,
		    'postfix, LMTP: and no mailbox is a bounce')
		    if $user eq 'alice';
	}
	is(scalar $s->spooled, 0, 'postfix, LMTP: nothing was spooled');
	$peer->stop;
	Stdmail::end_child($pid);
}

my %login = (tls => 1, login => 'alice', password => 'open-sesame');
for my $kind (@ARGV ? @ARGV : qw(postfix exim opensmtpd)) {
	SKIP: {
		my $why = Stdmail::Peer::missing($kind);
		skip $why, 1 if defined $why;
		try_peer($kind, 'in the clear', 'local', 'ESMTP',
		    port => $mx->{port});
		try_peer($kind, 'STARTTLS', 'local', 'ESMTPS',
		    port => $mx->{port}, tls => 1);
		try_peer($kind, 'TLS and AUTH', 'remote', 'ESMTPSA',
		    port => $sub->{port}, %login);
		try_envelope($kind);
		try_lmtp() if $kind eq 'postfix';
	}
}
ok($_->alive(0.02), 'the server lives') for $mx, $sub;
done_testing();
