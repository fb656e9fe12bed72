#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves the whole way of a message between two hosts: alice at a.test
# submits with TLS and AUTH; smtp-send finds b.test in the DNS; b.test's
# smtpd spools, mda-deliver delivers, bob reads by POP3 and by IMAP.  A
# message to nobody comes back as a bounce.  The agents run once (-q), then
# as watchers (-q -w).  Under root all of it runs twice: as an unprivileged
# user, and as root with accounts of their own.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64;
use Test::More;

use Stdmail;
use Stdmail::Nameserver;

Stdmail::need(qw(smtpd smtp-send mda-deliver pop3d imapd tls));

my $ns = Stdmail::Nameserver->start(<<END);
a.test		MX	10 mx.a.test
b.test		MX	10 mx.b.test
mx.a.test	A	127.0.0.1
mx.b.test	A	127.0.0.1
peer.client.test	A	192.0.2.98
98.2.0.192.in-addr.arpa	PTR	peer.client.test
99.2.0.192.in-addr.arpa	PTR	peer.client.test
END

# Submit with STARTTLS and AUTH PLAIN.  Returns the last reply.
sub
submit
{
	my ($srv, $from, $to, $message) = @_;
	my $c = $srv->connect;
	my $reply = $c->smtp;

	return $reply if $reply !~ /^220 /;
	$c->smtp('EHLO client.a.test');
	return $reply if ($reply = $c->smtp('STARTTLS')) !~ /^220 /;
	$c->starttls;
	$c->smtp('EHLO client.a.test');
	my $auth = encode_base64("\0alice\0open-sesame", '');
	for my $line ("AUTH PLAIN $auth", "MAIL FROM:<$from>",
	    (map { "RCPT TO:<$_>" } ref $to ? @$to : $to), 'DATA') {
		$reply = $c->smtp($line);
		return "$line: $reply" if $reply !~ /^[23]/;
	}
	$reply = $c->smtp(($message =~ s/^\./../gmr) . '.');
	$c->smtp('QUIT');
	$c->close;
	return $reply;
}

sub
message
{
	my ($subject, $body) = @_;

	return "From: Alice <alice\@a.test>\r\nTo: bob\@b.test\r\n" .
	    "Subject: $subject\r\nDate: Sat, 21 Nov 2026 04:42:04 +0000\r\n" .
	    "Message-ID: <$subject\@a.test>\r\n\r\n$body";
}

sub
delivered
{
	my ($s, $user) = @_;

	return grep { m{/(new|cur)/} } map { $s->files("Mail/$user/$_") }
	    qw(new cur);
}

# Headers that the way itself puts on top.
sub
untraced
{
	my ($bytes) = @_;

	1 while $bytes =~ s/\A(Return-Path|Delivered-To|Received):[^\n]*\n
	    (?:[ \t][^\n]*\n)*//xi;
	return $bytes;
}

sub
world
{
	my ($as) = @_;
	my %conf = (resolver => $ns->resolver);
	my $a = Stdmail->new(domain => 'a.test', as => $as,
	    users => { alice => 'open-sesame' }, conf => { %conf });
	my $b = Stdmail->new(domain => 'b.test', as => $as,
	    users => { bob => 'rosebud-1941' }, conf => { %conf });
	my %srv = (
		submission => $a->start('smtpd', args => ['-m', 'submission']),
		b => $b->start('smtpd', args => ['-m', 'mx']),
		a => $a->start('smtpd', args => ['-m', 'mx']),
		pop3 => $b->start('pop3d'),
		imap => $b->start('imapd'),
	);

	$a->{conf}{smtp_port} = $srv{b}{port};
	$b->{conf}{smtp_port} = $srv{a}{port};
	$_->write_conf, $_->own for $a, $b;
	return ($a, $b, \%srv);
}

sub
run_ok
{
	my ($s, $name, $args, $what) = @_;
	my ($status, $out, $err) = $s->run_program($name, $args);

	is($status, 0, $what) or diag "$out$err";
}

sub
once
{
	my ($as, $a, $b, $srv) = @_;
	my $body = "Hello Bob,\r\n.a line that begins with a dot\r\n.\r\n" .
	    "\r\nAlice\r\n";

	like(submit($srv->{submission}, 'alice@a.test', 'bob@b.test',
	    message('first', $body)), qr/^250 /, "$as: submitted");
	is(scalar $a->spooled('tmp'), 0, "$as: nothing in spool/tmp");
	cmp_ok(scalar $a->spooled('remote/now'), '>=', 1,
	    "$as: it lies in spool/remote/now");
	run_ok($a, 'smtp-send', ['-q'], "$as: smtp-send -q");
	is(scalar $a->spooled, 0, "$as: a.test's spool is empty") or
	    diag join "\n", $a->spooled, $a->log_text;
	cmp_ok(scalar $b->spooled('local/now'), '>=', 1,
	    "$as: b.test has it in spool/local/now") or diag $b->log_text;
	run_ok($b, 'mda-deliver', ['-q'], "$as: mda-deliver -q");
	is(scalar $b->spooled, 0, "$as: b.test's spool is empty") or
	    diag join "\n", $b->spooled, $b->log_text;
	my @got = delivered($b, 'bob');
	is(scalar @got, 1, "$as: bob has one message");
	trace_fields($as, Stdmail::slurp($got[0])) if @got;
	read_back($as, $srv, message('first', $body));
	bounce($as, $a, $b, $srv);
}

# What bob reads is what alice wrote, below the trace fields.
sub
read_back
{
	my ($as, $srv, $want) = @_;
	my $c = $srv->{pop3}->connect;

	$c->answer;
	like($c->ask('USER bob'), qr/^\+OK/, "$as: POP3 USER");
	like($c->ask('PASS rosebud-1941'), qr/^\+OK/, "$as: PASS");
	like($c->ask('STAT'), qr/^\+OK 1 /, "$as: STAT");
	my ($size) = $c->ask('LIST 1') =~ /^\+OK 1 (\d+)/;
	my ($status, $bytes) = $c->pop3('RETR 1', 1);
	is(length($bytes // ''), $size, "$as: LIST tells the size");
	is(untraced($bytes // ''), $want, "$as: RETR gives what was sent");
	$c->ask('QUIT');
	$c->close;

	$c = $srv->{imap}->connect;
	$c->answer;
	like($c->imap('LOGIN bob rosebud-1941'), qr/^t1 OK/m, "$as: LOGIN");
	like($c->imap('SELECT INBOX'), qr/^\* 1 EXISTS\r\n/m, "$as: SELECT");
	my $all = $c->imap('FETCH 1 BODY.PEEK[]');
	my ($n) = $all =~ /\{(\d+)\}\r\n/;
	my $literal = substr $all, $+[0] // 0, $n // 0;
	is(untraced($literal), $want, "$as: FETCH gives what was sent");
	is($literal, $bytes, "$as: and POP3 and IMAP agree");
	like($c->imap('LOGOUT'), qr/^\* BYE/m, "$as: LOGOUT");
	$c->close;
}

sub
trace_fields
{
	my ($as, $bytes) = @_;
	my ($head) = $bytes =~ /\A(.*?)\n\n/s;

	$head =~ s/\n[ \t]+/ /g;
	my @lines = split /\n/, $head;
	is($lines[0], 'Return-Path: <alice@a.test>', "$as: Return-Path");
	is($lines[1], 'Delivered-To: bob@b.test', "$as: Delivered-To");
	like($lines[2], qr/^Received: from mx\.a\.test \(\[127\.0\.0\.1\]\) by /,
	    "$as: Received of b.test: HELO name and address");
	like($lines[2], qr/ with ESMTPS id \S+ for <bob\@b\.test>; \S/,
	    "$as: with, id, for");
	like($lines[3], qr/^Received: from client\.a\.test .*by mx\.a\.test /,
	    "$as: Received of a.test");
	like($lines[3], qr/ with ESMTPSA id \S+/, "$as: with");
}

# To one that exists and one that does not: one copy, one bounce.
sub
bounce
{
	my ($as, $a, $b, $srv) = @_;

	like(submit($srv->{submission}, 'alice@a.test', ['bob@b.test',
	    'nobody@b.test'], message('second', "text\r\n")), qr/^250 /,
	    "$as: submitted to bob and to nobody");
	run_ok($a, 'smtp-send', ['-q'], "$as: smtp-send -q");
	run_ok($b, 'mda-deliver', ['-q'], "$as: mda-deliver -q at b.test");
	is(scalar delivered($b, 'bob'), 2, "$as: bob has his copy");
	run_ok($a, 'mda-deliver', ['-q'], "$as: mda-deliver -q at a.test");
	is(scalar $a->spooled, 0, "$as: nothing left at a.test") or
	    diag join "\n", $a->spooled, $a->log_text;
	my @got = delivered($a, 'alice');
	is(scalar @got, 1, "$as: alice has the bounce") or return;
	my $text = Stdmail::slurp($got[0]);
	like($text, qr/\AReturn-Path: <>\n/, "$as: from the empty path");
	like($text, qr{^Content-Type:\s*multipart/report;}mi,
	    "$as: a multipart/report");
	like($text, qr/^Final-Recipient: rfc822; ?nobody\@b\.test$/mi,
	    "$as: it names nobody");
	like($text, qr/^Action: failed$/mi, "$as: which failed");
	like($text, qr/^Status: 5\.1\.1$/mi, "$as: as there is no such user");
	unlike($text, qr/bob\@b\.test.*Action/si, "$as: and not bob");
	like($text, qr/^Subject: second$/mi, "$as: it brings the message");
}

sub
watching
{
	my ($as, $a, $b, $srv) = @_;
	my @pids = map { $_->[0]->spawn([$_->[0]->command($_->[1], '-q',
	    '-w')], {}) } [$a, 'smtp-send'], [$b, 'mda-deliver'],
	    [$a, 'mda-deliver'];
	my ($before, $bounces) = (scalar delivered($b, 'bob'),
	    scalar delivered($a, 'alice'));

	for my $n (1 .. 3) {
		like(submit($srv->{submission}, 'alice@a.test', 'bob@b.test',
		    message("watch$n", "text $n\r\n")), qr/^250 /,
		    "$as: submitted while the agents watch");
	}
	ok(Stdmail::until_true(sub {
		delivered($b, 'bob') == $before + 3
	}, 60), "$as: and they arrive by themselves") or
	    diag $a->log_text, $b->log_text;
	like(submit($srv->{submission}, 'alice@a.test', 'noone@b.test',
	    message('watch-bounce', "text\r\n")), qr/^250 /,
	    "$as: submitted to nobody");
	ok(Stdmail::until_true(sub {
		delivered($a, 'alice') == $bounces + 1
	}, 60), "$as: and the bounce too") or diag "before: $bounces, now: ",
	    scalar delivered($a, 'alice'), "\n", $a->log_text;
	ok(Stdmail::until_true(sub { !$a->spooled && !$b->spooled }, 60),
	    "$as: both spools are empty");
	for my $pid (@pids) {
		is(Stdmail::reap($pid, 0), undef, "$as: the agent watches on");
		kill 'TERM', $pid;
		is(Stdmail::reap($pid, 60), 0, "$as: until it is told to end");
	}
}

# A message alice@a.test sends to herself stays at home.
sub
at_home
{
	my ($as, $a, $b, $srv) = @_;

	like(submit($srv->{submission}, 'alice@a.test', 'alice@a.test',
	    message('home', "text\r\n")), qr/^250 /, "$as: to herself");
	is(scalar $a->spooled('remote'), 0, "$as: nothing in spool/remote");
	my $before = delivered($a, 'alice');
	run_ok($a, 'mda-deliver', ['-q'], "$as: mda-deliver -q");
	is(scalar delivered($a, 'alice'), $before + 1, "$as: she has it");
}

# The reverse name in Received, when it leads back to the address; peers that
# are not on loopback come through a proxy here.
sub
reverse_name
{
	my $s = Stdmail->new(users => { alice => 'open-sesame' }, conf => {
	    resolver => $ns->resolver, proxy_from => '127.0.0.2' });
	my $srv = $s->start('smtpd');

	for my $row (['192.0.2.98', '(peer.client.test [192.0.2.98])'],
	    ['192.0.2.99', '([192.0.2.99])'], ['192.0.2.97', '([192.0.2.97])'])
	{
		my ($ip, $want) = @$row;
		my $c = $srv->connect(from => '127.0.0.2');

		$c->send("PROXY TCP4 $ip 192.0.2.1 4711 25\r\n");
		$c->smtp($_) for undef, 'EHLO helo.test', 'MAIL FROM:<b@b.test>',
		    'RCPT TO:<alice@a.test>', 'DATA';
		like($c->smtp("Subject: x\r\n\r\ntext\r\n."), qr/^250 /,
		    "a message from $ip");
		$c->smtp('QUIT');
		$c->close;
		my ($file) = $s->spooled('local/now');
		like(defined $file ? Stdmail::slurp($file) : '',
		    qr/^Received: from helo\.test \Q$want\E\s/m,
		    "Received: from helo.test $want");
		unlink $file;
	}
	$s->stop;
}

for my $as (Stdmail::is_root() ? qw(nobody root) : 'me') {
	my ($a, $b, $srv) = world($as);

	once($as, $a, $b, $srv);
	at_home($as, $a, $b, $srv);
	watching($as, $a, $b, $srv);
	for my $s ($a, $b) {
		unlike($s->log_text, qr/open-sesame|rosebud-1941/,
		    "$as: no password in the log of $s->{domain}");
		unlike($s->log_text, qr/signal=|AddressSanitizer|runtime error/,
		    "$as: nothing crashed at $s->{domain}");
	}
	$_->stop for $a, $b;
}

reverse_name();
done_testing();
