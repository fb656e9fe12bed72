#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that `smtp-send RCPT... < message` finds the hosts of a domain, tries
# them in order, speaks to each as it can (RFC 3030 among others), and says for
# every recipient what became of it: rows of what other hosts do, the lines
# printed, the exit code, and what the hosts heard.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(time);

use Stdmail;
use Stdmail::Mta;
use Stdmail::Nameserver;

Stdmail::need(qw(smtp-send));

# Five hosts with one port: .11 and .12 answer, .13 refuses the connection.
my $first = Stdmail::Mta->start(addr => '127.0.0.11',
    offers => ['PIPELINING', '8BITMIME', 'SIZE 100000']);
my $port = $first->{port};
my $ns = Stdmail::Nameserver->start(<<END);
one.test	MX	10 mx1.test
two.test	MX	10 mx2.test
both.test	MX	10 mx1.test
both.test	MX	20 mx2.test
fall.test	MX	10 mx3.test
fall.test	MX	20 mx2.test
down.test	MX	10 mx3.test
null.test	MX	0 .
bare.test	A	127.0.0.12
many.test	MX	10 many-hosts.test
many-hosts.test	A	127.0.0.13
many-hosts.test	A	127.0.0.12
self.test	MX	10 mx.a.test
self.test	MX	20 mx1.test
last.test	MX	10 mx1.test
last.test	MX	20 mx.a.test
broken.test	SERVFAIL
mx1.test	A	127.0.0.11
mx2.test	A	127.0.0.12
mx3.test	A	127.0.0.13
mx.a.test	A	127.0.0.13
END
my $s = Stdmail->new(conf => { resolver => $ns->resolver,
    smtp_port => $port });
my $second;
my $text = "Subject: hello\n\n.dot\n..two\n.\nlast\n";
my $wire = $text =~ s/\n/\r\n/gr;

# A host in the place of another: what is left of that one's sessions may hold
# its port for a moment.
sub
instead
{
	my ($old, $addr, %o) = @_;
	my $new;

	$old->stop if $old;
	Stdmail::until_true(sub {
		$new = eval { Stdmail::Mta->start(addr => $addr,
		    port => $port, %o) };
	}, 60) or die $@;
	return $new;
}

# The hosts, with other manners each time.
sub first { $first = instead($first, '127.0.0.11', @_) }
sub second { $second = instead($second, '127.0.0.12', @_) }

sub
smtp_send
{
	my ($args, $stdin) = @_;
	my ($status, $out, $err) = $s->run_program('smtp-send', $args,
	    stdin => $stdin // $text, timeout => 40);

	return ($status, $out, $err);
}

# what, arguments, exit code, lines (patterns, tab as blank)
sub
row
{
	my ($what, $args, $code, @want) = @_;

	$_->forget for $first, $second;
	my ($status, $out, $err) = smtp_send($args);
	my @got = map { tr/\t/ /r } split /\n/, $out;

	is($status, $code, "$what: exit $code") or diag "$out$err";
	is(scalar @got, scalar @want, "$what: a line for each recipient")
	    or diag "$out$err";
	for my $i (0 .. $#want) {
		ref $want[$i] ? like($got[$i] // '', $want[$i], "$what: line")
		    : is($got[$i], $want[$i], "$what: line");
	}
}

sub
heard
{
	my ($mta, $want, $what) = @_;

	is_deeply([$mta->over->heard], $want, $what);
}

my $ok1 = 'mx1.test[127.0.0.11] 250 2.0.0 queued as 4711';
my $ok2 = 'mx2.test[127.0.0.12] 250 2.0.0 queued as 4711';
my @f = ('-f', 'alice@a.test');

second();

# --- the message ----------------------------------------------------------

row('one recipient', [@f, 'bob@one.test'], 0, "bob\@one.test 2.0.0 $ok1");
is_deeply([$first->messages], [$wire], 'with its bytes, in CRLF');
heard($first, [['EHLO mx.a.test',
    'MAIL FROM:<alice@a.test> SIZE=' . length $wire, 'RCPT TO:<bob@one.test>',
    'DATA', 'QUIT']], 'and this is what the host heard');
row('from nobody', ['-f', '<>', 'bob@one.test'], 0, qr/^bob\@one\.test 2\./);
like(($first->heard)[0][1], qr/^MAIL FROM:<>/, 'the null reverse-path');
for my $case (['CRLF on standard input', $wire, $wire],
    ['no end of line', 'Subject: x', "Subject: x\r\n"],
    ['a From_ line of an mbox', "From alice Sat\n$text", $wire],
    ['a dot alone', ".\n", ".\r\n"]) {
	my ($what, $in, $want) = @$case;
	$first->forget;
	my ($status) = smtp_send([@f, 'bob@one.test'], $in);
	is($status, 0, "$what: taken");
	is_deeply([$first->messages], [$want], "$what: as it should be");
}
$first->forget;
my ($status) = smtp_send([@f, 'bob@one.test'], "Subject: x\n\n" .
    join('', map { ".line $_\n" } 1 .. 5000));
is($status, 0, 'many lines');
is(length(($first->messages)[0] // ''), 14 + join('', map { ".line $_\r\n" }
    1 .. 5000) =~ tr///c, 'all of them');

# --- several recipients ---------------------------------------------------

first(offers => ['PIPELINING'], rules => [
	[qr/^RCPT TO:<nobody/, '550 5.1.1 nobody here'],
	[qr/^RCPT TO:<later/, "450-4.2.1 try\n450 4.2.1 later"],
	[qr/^RCPT TO:<odd/, '550 no such one'],
    ]);
row('two on one host, in one transaction', [@f, 'bob@one.test',
    'eve@one.test'], 0, "bob\@one.test 2.0.0 $ok1", "eve\@one.test 2.0.0 $ok1");
heard($first, [['EHLO mx.a.test', 'MAIL FROM:<alice@a.test>',
    'RCPT TO:<bob@one.test>', 'RCPT TO:<eve@one.test>', 'DATA', 'QUIT']],
    'one connection, one message');
row('one taken, one refused', [@f, 'nobody@one.test', 'bob@one.test'], 69,
    'nobody@one.test 5.1.1 mx1.test[127.0.0.11] 550 5.1.1 nobody here',
    "bob\@one.test 2.0.0 $ok1");
row('one refused, one put off', [@f, 'nobody@one.test', 'later@one.test'], 75,
    qr/^nobody\@one\.test 5\.1\.1 /,
    'later@one.test 4.2.1 mx1.test[127.0.0.11] 450 4.2.1 try later');
is_deeply([$first->messages], [], 'no message for nobody');
row('a reply without a status', [@f, 'odd@one.test'], 69,
    'odd@one.test 5.0.0 mx1.test[127.0.0.11] 550 no such one');
row('two domains', [@f, 'bob@two.test', 'eve@one.test'], 0,
    "bob\@two.test 2.0.0 $ok2", "eve\@one.test 2.0.0 $ok1");

# --- which host -----------------------------------------------------------

row('the best exchanger alone', [@f, 'bob@both.test'], 0,
    "bob\@both.test 2.0.0 $ok1");
heard($second, [], 'the other was left in peace');
row('no MX: the domain itself', [@f, 'bob@bare.test'], 0,
    'bob@bare.test 2.0.0 bare.test[127.0.0.12] 250 2.0.0 queued as 4711');
row('the first refuses connections', [@f, 'bob@fall.test'], 0,
    "bob\@fall.test 2.0.0 $ok2");
row('the next address of a host', [@f, 'bob@many.test'], 0,
    qr/^bob\@many\.test 2\.0\.0 many-hosts\.test\[127\.0\.0\.12\] 250 /);
row('no host answers', [@f, 'bob@down.test'], 75,
    qr/^bob\@down\.test 4\.4\.1 mx3\.test\[127\.0\.0\.13\] .*refused/i);
row('a null MX', [@f, 'bob@null.test'], 69,
    qr/^bob\@null\.test 5\.1\.10 - .*null MX/);
row('no such domain', [@f, 'bob@nowhere.test'], 69,
    qr/^bob\@nowhere\.test 5\.1\.2 - /);
row('the DNS fails', [@f, 'bob@broken.test'], 75,
    qr/^bob\@broken\.test 4\.4\.3 - /);
row('this host is the best exchanger', [@f, 'bob@self.test'], 69,
    qr/^bob\@self\.test 5\.4\.6 - .*loop/);
{
	my $self = Stdmail::Mta->start(addr => '127.0.0.13', port => $port,
	    rules => [[qr/^EHLO/, "250-mx.a.test hello\n250 SIZE"]]);
	row('an exchanger turns out to be this host', [@f, 'bob@down.test'],
	    69, qr/^bob\@down\.test 5\.4\.6 mx3\.test\[127\.0\.0\.13\] .*loop/);
	is_deeply([$self->messages], [], 'and gets no message');
	row('which -r may name', [@f, '-r', "127.0.0.13:$port",
	    'bob@one.test'], 0, qr/^bob\@one\.test 2\.0\.0 /);
	$self->stop;
}
row('this host is a worse exchanger', [@f, 'bob@last.test'], 0,
    "bob\@last.test 2.0.0 $ok1");
row('-r names the host', [@f, '-r', "127.0.0.12:$port", 'bob@null.test'], 0,
    qr/^bob\@null\.test 2\.0\.0 \S*127\.0\.0\.12\]? 250 /);
$s->{conf}{relay} = "127.0.0.12:$port";
$s->{conf}{route} = "one.test mx1.test:$port";
$s->write_conf;
row('relay and route', [@f, 'bob@one.test', 'eve@nowhere.test'], 0,
    "bob\@one.test 2.0.0 $ok1", qr/^eve\@nowhere\.test 2\.0\.0 .*127\.0\.0\.12/);
@{$s->{conf}}{qw(relay route)} = ();
$s->write_conf;

# --- when the first host is in trouble ------------------------------------

for my $case (
	['greets 421', [qr/^CONNECT/, '421 4.3.2 too busy']],
	['greets 554', [qr/^CONNECT/, '554 5.3.2 not here']],
	['drops at once', [qr/^CONNECT/, 'DROP']],
	['drops at EHLO', [qr/^EHLO/, 'DROP']],
	['drops at MAIL', [qr/^MAIL/, 'DROP']],
	['drops at DATA', [qr/^DATA/, 'DROP']],
	['says 421 at RCPT', [qr/^RCPT/, '421 4.3.2 going down']],
	['refuses EHLO and HELO', [qr/^(EHLO|HELO)/, '502 5.5.1 what?']],
) {
	my ($what, @rules) = @$case;
	first(offers => ['PIPELINING'], rules => \@rules);
	row("the first host $what", [@f, 'bob@both.test'], 0,
	    "bob\@both.test 2.0.0 $ok2");
}
for my $case (
	['refuses the sender', [qr/^MAIL/, '550 5.7.1 not you'], 69, '5.7.1'],
	['refuses the message', [qr/^BODY/, '554 5.6.0 not that'], 69, '5.6.0'],
	['refuses DATA', [qr/^DATA/, '554 5.5.1 no'], 69, '5.5.1'],
) {
	my ($what, $rule, $code, $dsn) = @$case;
	first(offers => ['PIPELINING'], rules => [$rule]);
	row("the first host $what", [@f, 'bob@both.test'], $code,
	    qr/^bob\@both\.test \Q$dsn\E mx1\.test/);
	heard($second, [], "$what: the second host is not asked");
}
first(rules => [[qr/^BODY/, 'DROP']]);
row('the first host drops after the message', [@f, 'bob@both.test'], 75,
    qr/^bob\@both\.test 4\.4\.2 mx1\.test/);
heard($second, [], 'and the second is not asked: it might arrive twice');

# --- how it is spoken to --------------------------------------------------

second(offers => ['SIZE 100000']);
row('no PIPELINING', [@f, 'bob@two.test'], 0, "bob\@two.test 2.0.0 $ok2");
second(rules => [[qr/^EHLO/, '502 5.5.1 what?']]);
row('no EHLO', [@f, 'bob@two.test'], 0, "bob\@two.test 2.0.0 $ok2");
heard($second, [['EHLO mx.a.test', 'HELO mx.a.test',
    'MAIL FROM:<alice@a.test>', 'RCPT TO:<bob@two.test>', 'DATA', 'QUIT']],
    'HELO, and no parameters');

SKIP: {
	my $no = Stdmail::Conn::no_tls();
	skip $no, 1 if defined $no;
	second(offers => ['PIPELINING', 'STARTTLS']);
	row('STARTTLS', [@f, 'bob@two.test'], 0, "bob\@two.test 2.0.0 $ok2");
	heard($second, [['EHLO mx.a.test', 'STARTTLS', '(TLS)',
	    'EHLO mx.a.test', 'MAIL FROM:<alice@a.test>',
	    'RCPT TO:<bob@two.test>', 'DATA', 'QUIT']],
	    'STARTTLS: where it is offered');
	is_deeply([$second->messages], [$wire], 'STARTTLS: with its bytes');
	second(offers => ['STARTTLS'],
	    rules => [[qr/^STARTTLS/, '454 4.7.0 not now']]);
	row('STARTTLS put off', [@f, 'bob@two.test'], 0,
	    "bob\@two.test 2.0.0 $ok2");
	second(offers => ['STARTTLS'], rules => [[qr/^HANDSHAKE/, '']]);
	row('a handshake that fails: in the clear', [@f, 'bob@two.test'], 0,
	    "bob\@two.test 2.0.0 $ok2");
}

# CHUNKING: no dot is doubled, all in one chunk.
second(offers => ['PIPELINING', 'CHUNKING']);
row('CHUNKING', [@f, 'bob@two.test', 'eve@two.test'], 0,
    "bob\@two.test 2.0.0 $ok2", "eve\@two.test 2.0.0 $ok2");
heard($second, [['EHLO mx.a.test', 'MAIL FROM:<alice@a.test>',
    'RCPT TO:<bob@two.test>', 'RCPT TO:<eve@two.test>',
    'BDAT ' . length($wire) . ' LAST', 'QUIT']], 'CHUNKING: by BDAT');
is_deeply([$second->messages], [$wire], 'CHUNKING: with its bytes');
second(offers => ['CHUNKING'], rules => [[qr/^RCPT/, '550 5.1.1 nobody']]);
row('CHUNKING, nobody taken', [@f, 'bob@two.test'], 69, qr/ 5\.1\.1 /);
unlike(join(' ', map { @$_ } $second->over->heard),
    qr/BDAT/, 'nothing is sent');
second(offers => ['CHUNKING'], rules => [[qr/^BODY/, '452 4.3.1 full']]);
row('CHUNKING, the chunk refused', [@f, 'bob@two.test'], 75, qr/ 4\.3\.1 /);

# 8-bit text, and a host that takes 7 bits.
my $eight = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n" .
    "Content-Transfer-Encoding: 8bit\n\nplain words, na\xc3\xafve ones\n";
my $quoted = $eight =~ s/8bit/quoted-printable/r =~ s/\xc3\xaf/=C3=AF/r;
for my $row (["8BITMIME", $eight], ["PIPELINING", $quoted],
    ["CHUNKING", $quoted]) {
	my ($offer, $want) = @$row;
	second(offers => [$offer, 'SIZE 100000']);
	my ($code, $said) = smtp_send([@f, 'bob@two.test'], $eight);
	is($code, 0, "8-bit text to a host with $offer") or diag $said;
	$want =~ s/\n/\r\n/g;
	is_deeply([$second->messages], [$want], '... as it takes it');
	my ($mail) = grep { /^MAIL/ } map { @$_ } $second->heard;
	is($mail, 'MAIL FROM:<alice@a.test> SIZE=' . length($want) .
	    ($offer eq '8BITMIME' ? ' BODY=8BITMIME' : ''), '... and is told');
}
second(offers => ['PIPELINING']);
my ($code, $said) = smtp_send([@f, 'bob@two.test'],
    "DKIM-Signature: v=1; b=x\n$eight");
is($code, 69, 'signed by another: it is not changed');
like($said, qr/\t5\.6\.3\tmx2.*signed/, '... and says so');

# --- a hundred recipients, and servers that count -------------------------

my @hundred = map { "user$_\@two.test" } 1 .. 120;
second(offers => ['PIPELINING']);
row('120 recipients', [@f, @hundred], 0,
    map { "$_ 2.0.0 $ok2" } @hundred);
is(scalar(() = $second->heard), 1, 'on one connection');
second(rules => [[qr/^RCPT TO:<user(?:[4-9]|1\d)@/, '452 4.5.3 too many']]);
row('too many recipients', [@f, @hundred[0 .. 4]], 75,
    (map { qr/ 2\.0\.0 / } 1 .. 3), (map { qr/ 4\.5\.3 / } 4, 5));

# --- usage ----------------------------------------------------------------

for my $case (['no recipient', 64], ['no domain', 64, 'bob'],
    ['no address', 64, 'bob@@two.test'],
    ['a bad host', 64, '-r', 'mx:99999', 'bob@two.test'],
    ['a bad sender', 64, '-f', 'a@@b', 'bob@two.test']) {
	my ($what, $code, @args) = @$case;
	my ($status, $out, $err) = smtp_send([@args]);
	is($status, $code, "$what: exit $code");
	is($out, '', "$what: no report");
	isnt($err, '', "$what: a word on standard error");
}
($status, my $out, my $err) = smtp_send(['-o', 'max_size=100000', @f,
    'bob@two.test'], 'x' x 200000);
is($status, 65, 'larger than max_size: exit 65');

done_testing();
