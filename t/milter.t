#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what smtpd does with milters: what they are told and when, what each
# of their answers means for the client and for the message, how several share
# one, and that one that dies, is slow or talks nonsense loses no message and
# lets none by that it did not see, but where the configuration says so.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use Test::More;
use Stdmail;
use Stdmail::Milter;

Stdmail::need('smtpd');
my $s = Stdmail->new(users => { map { $_ => 'pw' } qw(bob carol held) });
my $text = "From: a\@b.test\nSubject: one\nX: 1\nX: 2\n\nfirst\n.second\n";

# What the spool has, and no more: [envelope, message] of each, without our
# own Received field.
sub taken {
	my @got;

	for my $path (grep { m{/now/} } $s->spooled) {
		my $all = Stdmail::slurp($path);
		my $envelope = '';
		my ($id) = $path =~ m{/([^/,]+),[^/]*\z};
		my $env = $path =~ s{/now/.*}{/env/$id}r;

		if (-e $env) {
			$envelope = join ' ', Stdmail::slurp($env) =~
			    /^(?:sender|to \w) (\S+)/mg;
			$envelope =~ s/<(.+?)>/$1/g;
		} elsif ($all =~ s/^Return-Path: <(.*)>\nDelivered-To: (.*)\n//) {
			$envelope = ($1 eq '' ? '<>' : $1) . " $2";
		}
		$all =~ s/^Received: .*\n(?:[ \t].*\n)*//;
		push @got, [$envelope, $all];
	}
	unlink $s->spooled;
	return @got;
}

# One message in one session: the code of each reply, the last one whole.
sub talk {
	my ($milters, %o) = @_;
	my ($pid, $c) = $s->session('smtpd', args => [@{$o{args} // []},
	    (map { ('-o', 'milter=' . $_->name) } @$milters),
	    map { ('-o', $_) } @{$o{conf} // []}]);
	my (@codes, $last);
	my $hear = sub {
		my $said = '';
		while (defined(my $l = $c->line)) {
			$said .= $l;
			last if $l =~ /^\d{3} /;
		}
		return 0 if $said eq '';
		$last = $said;
		push @codes, substr $last, 0, 3;
		return 1;
	};

	$hear->();
	for my $say ('EHLO c.test', $o{login} // (),
	    'MAIL FROM:<' . ($o{from} // 'a@b.test') . '>',
	    (map { "RCPT TO:<$_\@a.test>" } @{$o{rcpts} // ['bob']}),
	    $o{chunks} ? () : 'DATA') {
		last if !$c->send("$say\r\n") || !$hear->();
	}
	for ($o{chunks} ? ($text =~ s/\n/\r\n/gr) =~ /(.{40})(.*)/s : ()) {
		my $last = length == 40 ? '' : ' LAST';
		last if !$c->send('BDAT ' . length() . "$last\r\n$_") ||
		    !$hear->();
	}
	if ($last =~ /^354/) {
		my $wire = ($o{text} // $text) =~ s/^\./../mgr =~ s/\n/\r\n/gr;
		$c->send("$wire.\r\n");
		$hear->();
	}
	my $end = $last;
	$c->send("QUIT\r\n");
	eval { $c->closed };
	Stdmail::reap($pid, 10);
	return ("@codes", $end);
}

sub row {
	my ($what, $script, $codes, $end, $want, %o) = @_;
	my @m = map { Stdmail::Milter->start(%$_) }
	    ref $script eq 'ARRAY' ? @$script : $script;
	my ($got, $last) = talk(\@m, %o);

	is($got, $codes, "$what: replies");
	like($last, $end, "$what: the last one");
	my @taken = taken();
	is_deeply(\@taken, $want, "$what: what is in the spool")
	    or diag(explain(\@taken), $s->log_text);
	my @heard = map { $_->heard($o{until} //
	    qr/^(?:quit|end of connection)/m) } @m;
	$_->stop for @m;
	return @heard;
}

my $good = '220 250 250 250 354 250';
my $all = [['a@b.test bob@a.test', $text]];

# Everything as it is.
my ($heard) = row('told', { protocol => 0 }, $good, qr/^250 2\.0\.0/, $all);
like($heard, qr/^negotiate\ \\x00\\x00\\x00\\x06\\x00\\x00\\x01\\xff
    \\x00\\x1f\\xf7\\xff$/mx, 'the offer');
like($heard, qr/^macro\ C.*j\\x00mx\.a\.test\\x00.*
    \{daemon_name\}\\x00smtpd\\x00.*\{client_addr\}\\x00127\.0\.0\.1\\x00
    /mx, 'macros of the connection');
like($heard, qr/^connect \[127\.0\.0\.1\]\\x004.*127\.0\.0\.1\\x00$/m,
    'the connection');
like($heard, qr/^helo c\.test\\x00$/m, 'HELO');
like($heard, qr/^macro\ Mi\\x00\w{16}\\x00.*\{mail_addr\}\\x00a\@b\.test\\x00
    /mx, 'macros of MAIL');
like($heard, qr/^mail <a\@b\.test>\\x00$/m, 'MAIL');
like($heard, qr/^macro\ R\{rcpt_addr\}\\x00bob\@a\.test\\x00
    \{rcpt_host\}\\x00a\.test\\x00\{rcpt_mailer\}\\x00local\\x00$/mx,
    'macros of RCPT');
like($heard, qr/^rcpt <bob\@a\.test>\\x00$/m, 'RCPT');
like($heard, qr/^data$/m, 'DATA');
like($heard, qr/^header\ Subject\\x00one\\x00\nheader\ X\\x001\\x00\n
    header\ X\\x002\\x00\nmacro\ N.*\neoh\n
    body\ first\\x0d\\x0a\.second\\x0d\\x0a\n
    macro\ Ei.*\{nrcpts\}\\x001\\x00\nend\nquit\n\z/mx,
    'the message, and the end');
($heard) = row('leading space', { protocol => 0x100000 }, $good, qr/^250/,
    $all);
like($heard, qr/^header Subject\\x00 one\\x00$/m, 'a value with its space');
# Nothing that is not wanted, and no answer is waited for.
($heard) = row('mute', { protocol => 0x1ff7ff, actions => 0 }, $good,
    qr/^250/, $all);
like($heard, qr/^negotiate .*\n(?:macro E.*\n)?end\nquit\n\z/,
    'only the end is told');
($heard) = row('no answers', { protocol => 0xdf080 }, $good, qr/^250/, $all);
like($heard, qr/^header X\\x002\\x00\n/m, 'but told');
($heard) = row('its macros', { symbols => { 2 => 'mail_addr j',
    3 => '{client_addr}' } }, $good, qr/^250/, $all);
like($heard, qr/^macro M\{mail_addr\}\\x00a\@b\.test\\x00j\\x00mx\.a\.test\\x00$/m,
    'those that it asked for');
like($heard, qr/^macro R\{client_addr\}\\x00127\.0\.0\.1\\x00$/m, 'at RCPT');
($heard) = row('a UNIX socket', { path => "$s->{dir}/m" }, $good, qr/^250/,
    $all);
like($heard, qr/^mail/m, 'told there');

# What it says to each step.
row('reject, connect', { connect => ['reject'] }, '550 503 503 503 503',
    qr/^503 5\.5\.1/, []);
row('tempfail, connect', { connect => ['tempfail'] }, '451', qr/^451 4\.7\.1/,
    []);
row('words, connect', { connect => ['reply 554 5.7.1 Not you'] },
    '554 503 503 503 503', qr/^503/, []);
row('shutdown', { connect => ['shutdown'] }, '421', qr/^421/, []);
row('reject, helo', { helo => ['reject'] }, '220 550 503 503 503',
    qr/^503 5\.5\.1 Say EHLO/, []);
row('reject, mail', { mail => ['reject'] }, '220 250 550 503 503', qr/^503/,
    []);
row('tempfail, mail', { mail => ['tempfail'] }, '220 250 451 503 503',
    qr/^503/, []);
row('words, mail', { mail => ['reply 550-5.7.1 No' . "\r\n" .
    '550 5.7.1 100%% no'] }, '220 250 550 503 503', qr/^503/, []);
row('reject, one of two', { rcpt => [['reply 550 5.1.1 Not him'],
    ['continue']] }, '220 250 250 550 250 354 250', qr/^250/,
    [['a@b.test carol@a.test', $text]], rcpts => [qw(bob carol)]);
row('reject, data', { data => ['reject'] }, '220 250 250 250 550', qr/^550/,
    []);
# Chunks begin a message as DATA does.
($heard) = row('chunks', {}, '220 250 250 250 250 250', qr/^250/, $all,
    chunks => 1);
is(scalar(() = $heard =~ /^data$/mg), 1, 'DATA is told, once');
row('reject, data, chunks', { data => ['reject'] }, '220 250 250 250 550 503',
    qr/^503 5\.5\.1/, [], chunks => 1);
row('discard, data, chunks', { data => ['discard'] },
    '220 250 250 250 250 250', qr/^250/, [], chunks => 1);
for (qw(header eoh body end)) {
	row("reject, $_", { $_ => ['reject'] }, '220 250 250 250 354 550',
	    qr/^550 5\.7\.1 Refused by a filter\r\n\z/, []);
}
row('tempfail, end', { end => ['tempfail'] }, '220 250 250 250 354 451',
    qr/^451 4\.7\.1/, []);
row('words, end', { end => ["reply 554-5.6.0 One\n554 5.6.0 Two\x80"] },
    '220 250 250 250 354 554', qr/^554-5\.6\.0 One\r\n554 5\.6\.0 Two\?\r\n\z/,
    []);
for (qw(mail rcpt data eoh end)) {
	row("discard, $_", { $_ => ['discard'] }, $good, qr/^250 2\.0\.0/, []);
}
($heard) = row('accept, connect', { connect => ['accept'] }, $good, qr/^250/,
    $all);
unlike($heard, qr/^helo/m, 'no more is told');
($heard) = row('accept, mail', { mail => ['accept'] }, $good, qr/^250/, $all);
unlike($heard, qr/^(?:rcpt|header|end$)/m, 'no more of this message');
($heard) = row('skip', { body => ['skip'], protocol => 0x400 }, $good,
    qr/^250/, [['a@b.test bob@a.test', "S: b\n\n" . "x" x 79 . "\n" x 1 .
    "y\n" x 100000]], text => "S: b\n\n" . "x" x 79 . "\n" . "y\n" x 100000);
is(scalar(() = $heard =~ /^body/mg), 1, 'one chunk is enough for it');
($heard) = row('a long body', {}, $good, qr/^250/,
    [['a@b.test bob@a.test', "S: b\n\n" . "y\n" x 100000]],
    text => "S: b\n\n" . "y\n" x 100000);
is(join('', map { s/\\x0d\\x0a/\n/gr } $heard =~ /^body (.*)$/mg),
    "y\n" x 100000, 'all of it, in chunks');
row('progress', { end => ['progress', 'progress', 'continue'] }, $good,
    qr/^250/, $all);

# What it does to a message.
sub changed {
	my ($what, $say, $want, %o) = @_;
	return row($what, { end => [@$say, 'continue'],
	    %{$o{script} // {}} }, $good, qr/^250/, $want, %o);
}
my $env = 'a@b.test bob@a.test';
my ($head, $body) = $text =~ /\A(.*?\n)(\n.*)\z/s;
changed('add', ['add Y: z', 'add Z:'], [[$env, "${head}Y: z\nZ:\n$body"]]);
changed('add, no space', ['add Y:z'], [[$env, "${head}Y: z\n$body"]],
    script => { protocol => 0 });
changed('insert', ['insert 0 Y: 0', 'insert 2 Y: 1'],
    [[$env, "Y: 0\nY: 1\n$text"]]);
changed('change', ['change 2 X: 3', 'change 1 subject: two'],
    [[$env, $text =~ s/X: 2/X: 3/r =~ s/Subject: one/subject: two/r]]);
changed('delete', ['change 1 X:', 'change 9 Q:'],
    [[$env, $text =~ s/X: 1\n//r]]);
changed('a fold', ["add Y: a\n b\r\nBcc: c"],
    [[$env, "${head}Y: a\n b\n\tBcc: c\n$body"]]);
changed('body', ["body new\r\n", "body .\r\nend\r\n"],
    [[$env, "$head\nnew\n.\nend\n"]]);
changed('a body for none', ["body new\r\n"], [[$env, "S: b\n\nnew\n"]],
    text => "S: b\n");
changed('rcpt+', ['rcpt+ <carol@a.test>'],
    [['a@b.test bob@a.test carol@a.test', $text]]);
changed('rcpt+args', ['rcpt+args carol@a.test', 'rcpt- <bob@a.test>'],
    [['a@b.test carol@a.test', $text]]);
changed('rcpt-', ['rcpt- <bob@a.test>'], []);
changed('from', ['from <x@b.test>'], [['x@b.test bob@a.test', $text]]);
changed('from <>', ['from <>'], [['<> bob@a.test', $text]]);
my $note = "X-Quarantine-Reason: looks bad\nX-Quarantine-Sender: <a\@b.test>\n" .
    "X-Quarantine-Recipient: <bob\@a.test>\n";
changed('quarantine', ['quarantine looks bad', 'add Y: z'],
    [['<> held@a.test', "$note${head}Y: z\n$body"]],
    conf => ['quarantine=held']);
changed('lines in a reason', ["quarantine bad\r\nX-Evil: 1\n\nbody"],
    [['<> held@a.test', $note =~ s/looks bad/bad\n\tX-Evil: 1\n\t\n\tbody/r .
    $text]], conf => ['quarantine=held']);
row('no quarantine', { end => ['quarantine x', 'continue'] },
    '220 250 250 250 354 451', qr/^451 4\.3\.0/, []);

# Each sees what those before it did.
(undef, $heard) = row('two', [{ end => ['change 1 Subject: two', "body new\r\n",
    'continue'] }, { end => ['change 1 Subject: three', 'continue'] }], $good,
    qr/^250/, [[$env, "$head\nnew\n" =~ s/one/three/r]]);
like($heard, qr/^header Subject\\x00 two\\x00$/m, 'the second saw the field');
like($heard, qr/^body new\\x0d\\x0a$/m, 'and the body');
(undef, $heard) = row('the first refuses', [{ end => ['reject'] }, {}],
    '220 250 250 250 354 550', qr/^550/, []);
like($heard, qr/^abort$/m, 'the second hears that it is over');
unlike($heard, qr/^header/m, 'and nothing of the message');

# A session of more than one message; what is said anew after STARTTLS.
sub session {
	my ($script, $args, @say) = @_;
	my $m = Stdmail::Milter->start(%$script);
	my ($pid, $c) = $s->session('smtpd', args => [@$args, '-o', 'milter=' .
	    $m->name]);
	my @got;

	for my $say (undef, @say, 'QUIT') {
		push @got, $c->smtp($say) =~ s/.*\n//sr;
		$c->starttls if ($say // '') eq 'STARTTLS';
	}
	Stdmail::reap($pid, 10);
	my $heard = $m->heard(qr/^quit/m);
	$m->stop;
	return ($heard, @got);
}
my @one = ('MAIL FROM:<a@b.test> SIZE=100 BODY=8BITMIME', 'RCPT TO:<bob@a.test>');
my @data = ('DATA', "$text." =~ s/^\.second/..second/mr =~ s/\n/\r\n/gr);
($heard) = session({ mail => [['continue'], ['accept'], ['discard'],
    ['continue']] }, [], 'EHLO c.test', @one, 'RSET', @one, @data, @one, @data,
    @one, @data);
is(join(' ', $heard =~ /^(connect|helo|mail|rcpt|abort|end|quit)\b/mg),
    'connect helo mail rcpt abort mail mail abort mail rcpt end quit',
    'four messages, of which one is begun, one accepted, one discarded');
like($heard, qr/^mail <a\@b\.test>\\x00SIZE=100\\x00BODY=8BITMIME\\x00$/m,
    'with parameters of MAIL');
is_deeply([taken()], [@$all, @$all], 'two are in the spool');
my $wire = $text =~ s/\n/\r\n/gr;
my ($first, $rest) = (substr($wire, 0, 16), substr $wire, 16);
my @bdat = ("BDAT 16\r\n" . substr($first, 0, -2), 'BDAT ' .
    length($rest) . " LAST\r\n" . substr $rest, 0, -2);
($heard) = session({}, [], 'EHLO c.test', @one, @bdat);
like($heard, qr/^data\n.*^body first\\x0d.*^end\n/ms, 'a message by BDAT');
is_deeply([taken()], $all, 'is in the spool');
($heard) = session({ data => ['reject'] }, [], 'EHLO c.test', @one, @bdat);
unlike($heard, qr/^header/m, 'or refused there');
is_deeply([taken()], [], 'and not');
if (!Stdmail::Conn::no_tls()) {
	($heard) = session({}, ['-m', 'submission'], 'EHLO c.test', 'STARTTLS',
	    'EHLO d.test', 'AUTH PLAIN AGJvYgBwdw==', 'MAIL FROM:<bob@a.test>',
	    'RCPT TO:<bob@a.test>');
	like($heard, qr/^macro\ H\{tls_version\}\\x00TLSv1\.\d\\x00\{cipher\}
	    \\x00\w+\\x00\{cipher_bits\}\\x00\d+\\x00\nhelo\ d\.test/mx,
	    'macros of TLS');
	like($heard, qr/^macro\ M.*\{auth_type\}\\x00PLAIN\\x00\{auth_authen\}
	    \\x00bob\\x00/mx, 'macros of a login');
	like($heard, qr/^macro C.*\{daemon_name\}\\x00submission/m,
	    'and which service it is');
}
($heard) = row('an old one', { version => 2, protocol => 0, actions => 1 },
    $good, qr/^250/, $all);
unlike($heard, qr/^data/m, 'is not told of what it does not know');
like($heard, qr/^eoh/m, 'but of the rest');

# What is refused at the first chunk is said when the chunk has been read.
{
	my $m = Stdmail::Milter->start(data => ['reject']);
	my ($pid, $c) = $s->session('smtpd', args => ['-o', 'milter=' .
	    $m->name]);
	my $before = length $s->log_text;

	$c->smtp($_) for undef, 'EHLO c.test', 'MAIL FROM:<a@b.test>',
	    'RCPT TO:<bob@a.test>';
	$c->send("BDAT 10 LAST\r\n12345");
	ok(Stdmail::until_true(sub { substr($s->log_text, $before) =~
	    /refused .*milter=/ }, 60), 'a chunk is refused');
	ok(!IO::Select->new($c->{in})->can_read(0.3),
	    'which is not said within it');
	$c->send('67890');
	like($c->smtp(undef), qr/^550 5\.7\.1/, 'but behind it');
	like($c->smtp('NOOP'), qr/^250 /, 'none of it was a command');
	$c->send("QUIT\r\n");
	Stdmail::reap($pid, 10);
	$m->stop;
}

# An account's recipients count once each: those the client gave, and those
# that are added.
for my $row ([['rcpt+ <carol@a.test>'], '250 354 250'],
    [['rcpt- <bob@a.test>', 'rcpt+ <carol@a.test>'], '250 354 250'],
    [[], '450 554']) {
	my ($say, $want) = @$row;
	my $m = Stdmail::Milter->start(end => [@$say, 'continue']);
	my ($got) = talk([$m], login => 'AUTH PLAIN AGhlbGQAcHc=',
	    from => 'held@a.test', args => ['-m', 'submission'],
	    text => "From: held\@a.test\n\nx\n",
	    conf => ['submission_rate=3']);

	is($got, "220 250 235 250 $want", "counts: @$say: $want");
	$m->stop;
	taken();
}

# What may not be.
my $failed = '220 250 250 250 354 451';
my @bad = (
	['dies', { end => ['add Y: z', 'die'] }],
	['says what is none', { end => ["raw \0\0\0\1Z"] }],
	['says too much', { end => ["raw \xff\xff\xff\xffhxx"] }],
	['half a packet', { end => ["raw \0\0\0\5hY\0", 'die'] }],
	['wants what it did not ask for', { actions => 0x10,
	    end => ['add Y: z', 'continue'] }],
	['a field that is none', { end => ['add Y z: z', 'continue'] }],
	['changes in the header', { header => ['add Y: z', 'continue'] }],
	['a stranger', { end => ['rcpt+ <x@elsewhere.test>', 'continue'] },
	    conf => ['relay_from=192.0.2.1']],
	['a line behind a recipient', { end => ["rcpt+ <carol\@a.test>\nto x",
	    'continue'] }],
	['a line in a sender', { end => ["from <x\@b.test\n>", 'continue'] }],
	['a recipient behind >', { end => ['rcpt+ <carol@a.test> <x@a.test>',
	    'continue'] }],
	['no recipient', { end => ['rcpt+ <>', 'continue'] }],
	['a line in a field name', { end => ["add Y\nZ: z", 'continue'] }],
	['nobody', { end => ['rcpt+ <nobody@a.test>', 'continue'] }],
	['a body too large', { end => [('body ' . 'x' x 60000) x 20,
	    'continue'] }, conf => ['max_size=1M']],
	['too slow', { end => ['sleep 60'] }, conf => ['milter_timeout=3'],
	    until => qr/^end$/m],
	['good words for bad', { end => ['reply 250 2.0.0 Good'] }],
);
for (@bad) {
	my ($what, $script, %o) = @$_;
	row($what, $script, $failed, qr/^451 4\.3\.0/, [], %o);
}
row('dies early', { helo => ['die'] }, '220 451 503 503 503', qr/^503/, []);
row('is no milter', { negotiate => ["raw HTTP/1.1 400\r\n"] },
    '220 250 451 503 503', qr/^503/, []);
row('speaks another version', { version => 7 }, '220 250 451 503 503',
    qr/^503/, []);
row('may fail', { end => ['add Y: z', 'die'] }, $good, qr/^250/, $all,
    conf => ['milter_default=accept']);
row('is not there, and may', { negotiate => ['die'] }, $good, qr/^250/, $all,
    conf => ['milter_default=accept'], until => qr/^negotiate/m);
my $gone = Stdmail::Milter->start;
$gone->stop;
my ($codes, $last) = talk([$gone]);
is($codes, '220 250 451 503 503', 'is not there');
($codes, $last) = talk([$gone], conf => ['milter_default=accept']);
is($codes, $good, 'is not there, and need not be');
is_deeply([taken()], $all, 'the message is');
is_deeply([grep { !m{/\.} } $s->spooled], [], 'nothing is left behind');

my ($exit, undef, $err) = $s->run_program('smtpd', ['-n', '-o', 'milter=x:1']);
is($exit, 78, 'a milter that is none');
like($err, qr/milter.*inet:HOST:PORT/, 'is said');
done_testing;
