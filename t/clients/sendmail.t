#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what programs meet behind the names sendmail and mailq: which letters
# they may give, and that those nobody needs are passed over with what belongs
# to them; the message that goes out, who gets it, the exit code; that nothing
# is kept where no server takes it; that smtpd's socket knows who wrote; what
# the list of the queue says; and that real programs come through: mutt, s-nail,
# mailx, git, PHP.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::UNIX;
use Test::More;

use Stdmail;
use Stdmail::Mta;

Stdmail::need(qw(smtp-send));

my $mta = Stdmail::Mta->start(
    offers => ['PIPELINING', '8BITMIME', 'SIZE 100000', 'DSN'],
    rules => [[qr/^RCPT TO:<nobody@/, '550 5.1.1 nobody here'],
	[qr/^RCPT TO:<evil@/, '550 5.7.1 we do not like you'],
	[qr/^RCPT TO:<later@/, '451 4.2.0 come again'],
	[qr/^RCPT TO:<odd@/, '550 no']]);
my $s = Stdmail->new(conf => { smtp_port => $mta->{port},
    submit_socket => '/nonexistent/submit', max_size => 200_000 });
my $links = Stdmail::folder();
symlink Stdmail::program('smtp-send'), "$links/$_" for qw(sendmail mailq);
my $me = $s->{as} eq 'me' ? getpwuid($>) : 'nobody';

sub
sendmail
{
	my ($args, $stdin, %o) = @_;

	return $s->run(["$links/sendmail", '-C', $s->{conf_file}, @$args],
	    stdin => $stdin, %o);
}

# The commands that the server heard, and the message as it stands.
sub
heard
{
	my ($from, @to) = ('-');

	for my $line (map { @$_ } $mta->heard) {
		$from = $1 if $line =~ /^MAIL FROM:<(.*?)>/;
		push @to, $1 if $line =~ /^RCPT TO:<(.*?)>/;
	}
	my ($message) = reverse $mta->messages;
	$mta->forget;
	return ($from, join(' ', @to), ($message // '') =~ s/\r\n/\n/gr);
}

# --- rows: arguments, input, sender, recipients, pattern of the message ----

my $date = qr/\w{3}, \d+ \w{3} \d{4} [\d:]{8} [-+]\d{4}/;
my $id = qr/<[a-z0-9]+\.[a-z0-9]+\@mx\.a\.test>/;
my $head = "From: a\@b.test\nDate: x\nMessage-ID: <y>\n";

for (
	['no header', ['bob@b.test'], "hello\n", "$me\@a.test", 'bob@b.test',
	    qr/\AFrom:\ (\S.*\ )?<\Q$me\E\@a\.test>\nDate:\ $date\n
	    Message-ID:\ $id\n\nhello\n\z/x],
	['nothing at all', ['bob@b.test'], '', "$me\@a.test", 'bob@b.test',
	    qr/\AFrom: .*\nDate: .*\nMessage-ID: .*\n\n\z/],
	['a header', ['bob@b.test'], "${head}To: x\@y\n\nhello\n",
	    "$me\@a.test", 'bob@b.test', qr/\A\Q${head}\ETo: x\@y\n\nhello\n\z/],
	['the header alone, without its end', ['bob@b.test'],
	    "Subject: s\nFrom: a\@b", "$me\@a.test", 'bob@b.test',
	    qr/\ASubject: s\nFrom: a\@b\nDate: .*\nMessage-ID: .*\n\n\z/],
	['no blank line', ['bob@b.test'], "Subject: s\nhello there\nA: b\n",
	    "$me\@a.test", 'bob@b.test',
	    qr/\ASubject: s\nFrom: [^\0]*\n\nhello there\nA: b\n\z/],
	['-f and -F', ['-f', 'x@b.test', '-F', 'J. "Q" X', 'bob@b.test'],
	    "hello\n", 'x@b.test', 'bob@b.test',
	    qr/\AFrom: "J\. \\"Q\\" X" <x\@b\.test>\n/],
	['a name that is not ASCII', ['-F', "J\303\251", 'bob@b.test'], "x\n",
	    "$me\@a.test", 'bob@b.test', qr/\AFrom: =\?utf-8\?B\?SsOp\?= </],
	['the null sender', ['-f', '<>', 'bob@b.test'], "x\n", '',
	    'bob@b.test', qr/\AFrom: .*<MAILER-DAEMON\@mx\.a\.test>\n/],
	['cron', ['-FCron Daemon', '-i', '-B8BITMIME', '-oem', 'root'],
	    "Subject: s\n\n\303\251\n.\nx\n", "$me\@a.test", 'root@a.test',
	    qr/\n\n\303\251\n\.\nx\n\z/],
	['mutt', ['-oem', '-oi', '-f', 'me@a.test', '--', 'bob@b.test',
	    'carol@b.test'], "${head}\nx\n", 'me@a.test',
	    'bob@b.test carol@b.test', qr/\n\nx\n\z/],
	['PHP', ['-t', '-i'], "${head}To: bob\@b.test\n\nx\n",
	    "$me\@a.test", 'bob@b.test', qr/\nTo: bob\@b\.test\n\nx\n\z/],
	['-ti', ['-ti'], "${head}To: B <bob\@b.test>,\n carol\@b.test\n" .
	    "cc: G: \"d e\"\@b.test, bob\@b.test;\nBcc: eve\@b.test\n\nx\n",
	    "$me\@a.test",
	    'bob@b.test carol@b.test "d e"@b.test eve@b.test',
	    qr/\A\Q${head}\ETo: B <bob\@b\.test>,\n carol\@b\.test\ncc: G: .*\n\nx\n\z/],
	['-t and arguments', ['-t', 'dave@b.test'],
	    "${head}To: bob\@b.test\n\nx\n", "$me\@a.test",
	    'dave@b.test bob@b.test', qr/x\n\z/],
	['Resent-To', ['-t'], "${head}To: bob\@b.test\n" .
	    "Resent-To: carol\@b.test\nResent-Bcc: eve\@b.test\n\nx\n",
	    "$me\@a.test", 'carol@b.test eve@b.test',
	    qr/\nTo: bob\@b\.test\nResent-To: carol\@b\.test\n\nx\n\z/],
	['Bcc and Return-Path never go out', ['bob@b.test'],
	    "${head}Bcc: eve\@b.test\n folded\nReturn-Path: <x>\nTo: y\n\n",
	    "$me\@a.test", 'bob@b.test', qr/\A\Q${head}\ETo: y\n\n\z/],
	['an mbox', ['bob@b.test'], "From x Mon Jan 1\n${head}\nx\n",
	    "$me\@a.test", 'bob@b.test', qr/\A\Q${head}\E\nx\n\z/],
	['CRLF', ['bob@b.test'], "${head}\nx\n.\n" =~ s/\n/\r\n/gr,
	    "$me\@a.test", 'bob@b.test', qr/\A\Q${head}\E\nx\n\z/],
	['a dot ends it', ['bob@b.test'], "${head}\nx\n.\ny\n",
	    "$me\@a.test", 'bob@b.test', qr/\A\Q${head}\E\nx\n\z/],
	['a dot without its line end', ['bob@b.test'], "${head}\nx\n.",
	    "$me\@a.test", 'bob@b.test', qr/\A\Q${head}\E\nx\n\z/],
	['but not with -i', ['-i', 'bob@b.test'], "${head}\nx\n.\ny\n..\n",
	    "$me\@a.test", 'bob@b.test',
	    qr/\A\Q${head}\E\nx\n\.\ny\n\.\.\n\z/],
	['nor with -oi', ['-oi', 'bob@b.test'], "${head}\n.\n",
	    "$me\@a.test", 'bob@b.test', qr/\A\Q${head}\E\n\.\n\z/],
	['no line end', ['bob@b.test'], "${head}\nx", "$me\@a.test",
	    'bob@b.test', qr/\n\nx\n\z/],
	['-r is -f', ['-r', 'x@b.test', 'bob@b.test'], "x\n", 'x@b.test',
	    'bob@b.test', qr/./],
	# As these write it: Debian's cron, at, PHP, logwatch, smartd, git.
	['cron of Debian', ['-i', '-FCronDaemon', '-B8BITMIME', '-oem',
	    'root'], "From: root (Cron Daemon)\nTo: root\n\nx\n",
	    "$me\@a.test", 'root@a.test', qr/\n\nx\n\z/],
	['at', ['-i', 'bob'], "To: bob\n\nx\n", "$me\@a.test", 'bob@a.test',
	    qr/\n\nx\n\z/],
	['logwatch', ['-t'], "To: root\nFrom: Logwatch\nSubject: x\n\n.x\n",
	    "$me\@a.test", 'root@a.test', qr/\n\n\.x\n\z/],
	['smartd', ['-oi', '-t', '-f', 'root'], "To: root\n\nx\n",
	    'root@a.test', 'root@a.test', qr/\n\nx\n\z/],
	['letters of others', ['-Ac', '-Am', '-G', '-I', '-U', '-c', '-m', '-n',
	    '-s', '-v', '-x', '-d', '-d0.1', '-em', '-e', 'q', '-h', '25',
	    '-L', 'tag', '-Mx', '-M', 'id', '-O', 'Timeout=1m', '-OX=y',
	    '-o7', '-o', 'db', '-odb', '-oee', '-p', 'SMTP:h', '-X', 'file',
	    '-D', 'file', '-ba', '-Z', '-9', 'bob@b.test'], "x\n",
	    "$me\@a.test", 'bob@b.test', qr/\n\nx\n\z/],
	['an unknown -B', ['-B', '9BIT', 'bob@b.test'], "x\n", "$me\@a.test",
	    'bob@b.test', qr/\n\nx\n\z/],
	['-bm', ['-bm', 'bob@b.test'], "x\n", "$me\@a.test", 'bob@b.test',
	    qr/\n\nx\n\z/],
	['8-bit and CRLF', ['-B8BITMIME', '-i', 'bob@b.test'],
	    "${head}\n\303\251\377\n.\n" =~ s/\n/\r\n/gr, "$me\@a.test",
	    'bob@b.test', qr/\n\n\303\251\377\n\.\n\z/],
	['Bcc alone', ['-t'], "${head}bcc : eve\@b.test\nBcc: f\@b.test\n\nx\n",
	    "$me\@a.test", 'eve@b.test f@b.test', qr/\A\Q${head}\E\nx\n\z/],
	['several in one argument', ['Bob <bob@b.test>, carol@b.test'],
	    "${head}\n", "$me\@a.test", 'bob@b.test carol@b.test', qr/./],
) {
	my ($what, $args, $in, $from, $to, $re) = @$_;
	my ($status, $out, $err) = sendmail($args, $in);

	is("$status$out$err", '0', $what);
	my @got = heard();
	is($got[0], $from, "$what: sender");
	is($got[1], $to, "$what: recipients");
	like($got[2], $re, "$what: message");
}

# --- what goes wrong ------------------------------------------------------

for (
	['an unknown user', ['nobody@b.test'], 67,
	    qr/^sendmail: nobody\@b\.test: 550 5\.1\.1 nobody here\n\z/],
	['forbidden', ['evil@b.test'], 77, qr/evil\@b\.test: 550 5\.7\.1/],
	['no status', ['odd@b.test'], 69, qr/odd\@b\.test: 550 no\n/],
	['not now', ['later@b.test'], 75, qr/later\@b\.test: 451 4\.2\.0/],
	['one of two', ['bob@b.test', 'nobody@b.test'], 67,
	    qr/^sendmail: nobody[^\n]*\n\z/],
	['for good weighs more', ['later@b.test', 'nobody@b.test'], 67, qr/./],
	['too large', ['bob@b.test'], 69, qr/takes at most/, "x\n" x 60_000],
	['larger than we take', ['bob@b.test'], 65, qr/max_size/,
	    "x\n" x 110_000],
	['no recipient', [], 64, qr/no recipient/],
	['none in the header', ['-t'], 65, qr/no recipient/],
	['a bad one', ['a b'], 64, qr/a b: is not an address/],
	['a bad one in the header', ['-t'], 65,
	    qr/x\?y: is not an address/, "To: x\001y\n\n"],
	['a bad sender', ['-f', 'a b', 'bob@b.test'], 64, qr/sender a b: /],
	['no such mode', ['-bz'], 64, qr/-bz: there is no such mode/],
	['no argument', ['bob@b.test', '-f'], 64, qr/-f: letters stand before/],
	['no argument of -f', ['-f'], 64, qr/-f: its argument is missing/],
	['-N', ['-N', 'always', 'bob@b.test'], 64, qr/-N always: is not/],
	['-N twofold', ['-N', 'never,delay', 'bob@b.test'], 64, qr/-N never,d/],
	['-R', ['-R', 'some', 'bob@b.test'], 64, qr/-R some: is neither/],
	['-V', ['-V', "a\nb", 'bob@b.test'], 64, qr/-V: is no envelope id/],
	['-V, too long', ['-V', 'x' x 101, 'bob@b.test'], 64, qr/-V: is no/],
	['-bv, nobody', ['-bv'], 64, qr/no recipient/],
) {
	my ($what, $args, $code, $re, $in) = @$_;
	my ($status, $out, $err) = sendmail($args, $in // "x\n");

	is($status, $code, "$what: $code");
	like($err, $re, "$what: the reason");
	is($out, '', "$what: nothing on standard output");
	heard();
}

# --- what there is nothing to do for --------------------------------------

for (['-bd'], ['-bd', '-q15m'], ['-q1h', '-bd'], ['-q30m'], ['-bi']) {
	my ($status, $out, $err) = sendmail($_, "x\n");
	is("$status$out$err", '0', "@$_: nothing, in silence");
	is_deeply([$mta->heard], [], '... and nothing is sent');
}

# --- DSN ------------------------------------------------------------------

sendmail(['-N', 'Success,delay', '-R', 'hdrs', '-V', 'a+b c',
    'bob@b.test', 'carol@b.test'], "x\n");
my @heard = map { @$_ } $mta->heard;
like("@heard", qr/MAIL FROM:<\S+>(?=.* RET=HDRS\b).* ENVID=a\+2Bb\+20c /,
    '-R and -V go to the server');
is(scalar(grep { /^RCPT TO:<\w+\@b.test> NOTIFY=SUCCESS,DELAY$/ } @heard), 2,
    '-N too, for each recipient');
$mta->forget;
sendmail(['-Nnever', '-Rfull', 'bob@b.test'], "x\n");
@heard = map { @$_ } $mta->heard;
like("@heard", qr/ RET=FULL .*<bob\@b.test> NOTIFY=NEVER /, '... never, full');
$mta->forget;

# --- -bv ------------------------------------------------------------------

my ($status, $out, $err) = sendmail(['-bv', 'bob@b.test', 'carol'], '');
is("$status$err", '0', '-bv');
is($out, "bob\@b.test... deliverable\ncarol\@a.test... deliverable\n",
    'says who would get it');
ok(!(grep { /^(DATA|BDAT)/ } map { @$_ } $mta->heard), 'and sends nothing');
$mta->forget;
($status, $out, $err) = sendmail(['-bv', 'bob@b.test', 'nobody@b.test',
    'later@b.test'], '');
is($status, 67, 'one would not');
is($out, "bob\@b.test... deliverable\n", '... who would');
is($err, "sendmail: nobody\@b.test: 550 5.1.1 nobody here\n" .
    "sendmail: later\@b.test: 451 4.2.0 come again\n", '... and who not');
$mta->forget;

# --- real programs --------------------------------------------------------

my $face = "$links/sendmail";
my $conf = $s->{conf_file};

# Runs a tool of the world with its input: what did the server then hear?
sub
program
{
	my ($name, $args, $stdin, %o) = @_;
	my $like = delete $o{like};

	SKIP: {
		skip "$name is missing", 3 + defined $like
		    if !Stdmail::tool($name);
		my ($st, $so, $se) = $s->run_tool($name, $args,
		    stdin => $stdin, %o);
		is($st, 0, "$name: goes through") or diag($so . $se);
		my ($from, $to, $text) = heard();
		is($to, 'bob@b.test', "$name: to whom") or diag($so . $se);
		like($text, qr/^Subject: hello \w+\n(?:.+\n)*\n(?:.*\n)*h\S+llo\n/m,
		    "$name: what");
		like($text, $like, "$name: its From") if defined $like;
	}
}

# Most know a path and nothing behind it.
my $script = "$links/sendmail.sh";
Stdmail::spew($script, "#!/bin/sh\nexec $face -C $conf \"\$@\"\n", 0755);
chmod 0755, $links, $s->{dir};
my $rc = "$s->{dir}/client";
Stdmail::spew("$rc/muttrc", "set sendmail='$face -C $conf -oem -oi'\n" .
    "set copy=no\nset realname='J. X'\nset from=me\@a.test\n");
program('mutt', ['-F', "$rc/muttrc", '-s', 'hello mutt', 'bob@b.test'],
    "h\303\251llo\n", like => qr/^From: "J\. X" <me\@a\.test>$/m);
program('s-nail', ['-:/', '-S', "mta=$script", '-S', 'ttycharset=utf-8',
    '-s', 'hello snail', 'bob@b.test'], "h\303\251llo\n");
Stdmail::spew("$rc/mailrc", "set sendmail=$script\n");
program('bsd-mailx', ['-s', 'hello mailx', 'bob@b.test'], "hello\n",
    env => { MAILRC => "$rc/mailrc" });
program('php8.2', ['-n', '-d', "sendmail_path=$script -t -i", '-r',
    'exit(mail("bob@b.test", "hello php", "h\xc3\xa9llo\r\n", ' .
    '"From: php@a.test\r\nBcc: ") ? 0 : 1);'], '');
Stdmail::spew("$rc/0001.patch", "From 0123456789012345678901234567890123456789" .
    " Mon Sep 17 00:00:00 2001\nFrom: A <a\@a.test>\nDate: Mon, 17 Sep 2001" .
    " 00:00:00 +0000\nSubject: hello git\n\nhello\n");
program('/usr/lib/git-core/git-send-email', ['--from=A <a@a.test>',
    '--confirm=never', "--sendmail-cmd=$script -i", '--suppress-cc=all',
    '--quiet', '--to=bob@b.test', "$rc/0001.patch"], '',
    env => { map { ("GIT_${_}_NAME" => 'A', "GIT_${_}_EMAIL" => 'a@a.test') }
    qw(AUTHOR COMMITTER) });

# --- -bs ------------------------------------------------------------------

($status, $out, $err) = sendmail(['-bs'],
    "EHLO x\r\nMAIL FROM:<a\@b>\r\nQUIT\r\n");
is($status, 0, '-bs');
like($out, qr/\A220 .*\r\n250-.*221 bye\r\n\z/s, 'speaks SMTP');

# --- no server ------------------------------------------------------------

$mta->stop;
($status, $out, $err) = sendmail(['bob@b.test'], "x\n");
is($status, 75, 'no server: try again');
like($err, qr/\Asendmail: no mail server takes it now .*\n\z/, 'one line');
($status, $out) = sendmail(['-bs'], "QUIT\r\n");
is($status, 75, 'with -bs too');
like($out, qr/\A421 4\.3\.2 .*\r\n\z/, 'in the words of SMTP');
is_deeply([$s->spooled], [], 'nothing is kept');

# --- smtpd's own socket, and the queue ------------------------------------

SKIP: {
	skip 'smtpd is not built', 1 if !defined Stdmail::program('smtpd');
	$s = Stdmail->new(users => { bob => 'secret' });
	my $path = "$s->{dir}/submit";
	my $l = IO::Socket::UNIX->new(Local => $path, Listen => 8)
	    or die "$path: $!\n";
	chmod 0666, $path;
	$s->{conf}{submit_socket} = $path;
	$s->{conf}{smtp_port} = $mta->{port};
	$s->write_conf;
	my $pid = $s->spawn([$s->command('smtpd', '-m', 'submission')],
	    { 3 => $l }, env => { LISTEN_FDS => 1 });

	($status, $out, $err) = sendmail(['bob'], "Subject: s\n\nhello\n");
	is("$status$out$err", '0', 'through the socket') or
	    diag($s->log_text);
	my @files = $s->spooled('local/now');
	is(scalar @files, 1, 'one message for bob');
	my $text = Stdmail::slurp($files[0] // '/dev/null');
	like($text, qr/\AReturn-Path:\ <\Q$me\E\@a\.test>\n
	    Delivered-To:\ bob\@a\.test\n
	    Received:\ from\ \S+\ \(uid\ \d+\)\n\tby\ mx\.a\.test/x,
	    'with its envelope');
	like($text, qr/\n\nhello\n\z/, 'as it was');

	($status, $out, $err) = sendmail(['-f', 'bob@a.test', 'x@b.test',
	    'y@c.test'], "Subject: s\n\nhello\n");
	is("$status$out$err", '0', 'to other domains');
	my ($st, $list) = $s->run(["$links/mailq", '-C', $s->{conf_file}]);
	is($st, 0, 'mailq');
	like($list, qr/^\S+\ \ \d+\ \ \d{4}-\d\d-\d\d\ [\d:]{8}\ \ bob\@a\.test\n
	    \tx\@b\.test\n\ty\@c\.test\n/mx, 'lists the remote queue');
	like($list, qr/^\S+  \d+  .*  \Q$me\E\@a\.test\n\tbob\@a\.test\n/m,
	    'and the local one');
	like($list, qr/^2 messages, \d+ octets\n\z/m, 'and counts');
	my ($st2, $bp) = sendmail(['-bp']);
	is($bp, $list, 'sendmail -bp says the same');
	($st2, $bp) = $s->run_program('smtp-send', ['-l']);
	like($bp, qr/\A(?:\S+\t(?:local|remote)\t.*\n){3}\z/,
	    'smtp-send -l by lines');
	kill 'KILL', -$pid;
}

$s = Stdmail->new;
($status, $out) = sendmail(['-bp']);
is("$status$out", "0Nothing waits.\n", 'an empty queue');
for (['-l', '-q'], ['-l', 'bob@b.test'], ['-w', 'bob@b.test'], ['-w'],
    ['-q', 'bob@b.test'], ['-q', '-f', 'x@y'], []) {
	($status) = $s->run_program('smtp-send', $_, stdin => '');
	is($status, 64, "smtp-send @$_: usage");
}
done_testing;
