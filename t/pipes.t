#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the programs work in plain shell pipes, as the manuals show
# them: without a configuration, without root, in a folder of one's own.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use Test::More;

use Stdmail;
use Stdmail::Nameserver;

my $s = Stdmail->new;
my $bin = Stdmail::program('mxlookup') // Stdmail::program('imapd') //
    Stdmail::program('mda-deliver');
plan skip_all => 'nothing is built' if !defined $bin;
$bin =~ s{/[^/]*\z}{};
Stdmail::program($_) for qw(smtpd pop3d mda-deliver smtp-send mxlookup imapd);

my $home = "$s->{dir}/home/me";
make_path($home);
$s->own;

sub
shell
{
	my ($line, %o) = @_;

	return $s->run(['/bin/sh', '-c', $line], cwd => $home, env => {
	    PATH => "$bin:$ENV{PATH}", HOME => $home }, %o);
}

sub
files
{
	return map { s{.*/}{}r } $s->files("home/me/$_[0]");
}

SKIP: {
	skip 'mda-deliver is not built', 7
	    if !Stdmail::program('mda-deliver');
	my ($status, $out, $err) = shell('echo hello | mda-deliver Maildir/');

	is($status, 0, 'echo hello | mda-deliver Maildir/') or diag $err;
	is($out, '', 'it says nothing');
	my @new = files('Maildir/new');
	is(scalar @new, 1, 'one message in new/');
	like($new[0] // '', qr/,S=\d+,W=\d+\z/, 'its name tells both sizes');
	is_deeply([files('Maildir/tmp')], [], 'nothing in tmp/');
	my $text = Stdmail::slurp("$home/Maildir/new/" . ($new[0] // ''));
	like($text, qr/^hello\n\z/m, 'the text is there');
	($status) = shell('mda-deliver Maildir/ </dev/null');
	isnt($status, 139, 'an empty message does not crash it');
}

SKIP: {
	skip 'something is not built', 4 if !Stdmail::program('imapd') ||
	    !Stdmail::program('pop3d') || !Stdmail::program('mda-deliver');
	my ($status, $out, $err) = shell('echo hello | mda-deliver mbox && ' .
	    "printf 'a SELECT INBOX\\r\\nb FETCH 1 BODY[]\\r\\n' | " .
	    'imapd -p mbox');

	is($status, 0, 'an mbox, delivered to and read by imapd -p') or
	    diag $err;
	like($out, qr/^\* 1 EXISTS\r\n.*^hello\r\n/ms, 'the text is there');
	($status, $out) = shell("printf 'RETR 1\\r\\nQUIT\\r\\n' | " .
	    'pop3d -p mbox');
	is($status, 0, 'and by pop3d -p');
	like($out, qr/^hello\r\n\.\r\n/m, 'the text is there');
}

SKIP: {
	skip 'imapd is not built', 4 if !Stdmail::program('imapd');
	make_path(map { "$home/Maildir/$_" } qw(cur new tmp));
	$s->own;
	my ($status, $out, $err) =
	    shell("printf 'a LOGOUT\\r\\n' | imapd -p Maildir");

	is($status, 0, "printf 'a LOGOUT\\r\\n' | imapd -p Maildir") or
	    diag $err;
	like($out, qr/\A\* PREAUTH [^\r\n]*\r\n\* BYE [^\r\n]*\r\na OK [^\r\n]*\r\n\z/,
	    'PREAUTH, BYE, OK and no more');
	($status, $out) = shell("printf 'a SELECT INBOX\\r\\nb LOGOUT\\r\\n' |"
	    . " imapd -p Maildir | grep -c EXISTS");
	is($out, "1\n", 'INBOX opens');
	($status, $out) = shell("imapd -p Maildir </dev/null");
	is($status, 0, 'the end of the input is the end of the session');
}

SKIP: {
	skip 'pop3d is not built', 3 if !Stdmail::program('pop3d');
	make_path(map { "$home/Maildir/$_" } qw(cur new tmp));
	$s->own;
	my ($status, $out, $err) =
	    shell("printf 'STAT\\r\\nQUIT\\r\\n' | pop3d -p Maildir");

	is($status, 0, "printf 'STAT\\r\\nQUIT\\r\\n' | pop3d -p Maildir") or
	    diag $err;
	like($out, qr/\A\+OK[^\r\n]*\r\n\+OK \d+ \d+\r\n\+OK[^\r\n]*\r\n\z/,
	    'greeting, STAT, QUIT');
	($status, $out) = shell('pop3d -p Maildir </dev/null');
	is($status, 0, 'the end of the input is the end of the session');
}

SKIP: {
	skip 'smtpd is not built', 2 if !Stdmail::program('smtpd');
	my ($status, $out, $err) = shell("printf 'QUIT\\r\\n' | smtpd -o users=system");

	is($status, 0, "printf 'QUIT\\r\\n' | smtpd") or diag $err;
	like($out, qr/\A220 [^\r\n]*\r\n221 [^\r\n]*\r\n\z/,
	    'greeting and goodbye');
}

SKIP: {
	skip 'mxlookup is not built', 5 if !Stdmail::program('mxlookup');
	my $ns = Stdmail::Nameserver->start(<<END);
example.test	MX	20 mx2.example.test
example.test	MX	10 mx1.example.test
mx1.example.test	A	192.0.2.1
mx2.example.test	A	192.0.2.2
END
	my $r = $ns->resolver;
	my ($status, $out, $err) =
	    shell("mxlookup -s $r example.test | head -1 | cut -f4");

	is($out, "192.0.2.1\n",
	    'mxlookup -s ... example.test | head -1 | cut -f4') or diag $err;
	($status, $out) = shell("echo example.test | mxlookup -s $r | cut -f3");
	is($out, "mx1.example.test\nmx2.example.test\n", 'a domain by stdin');
	($status, $out) = shell("mxlookup -s $r example.test");
	is($status, 0, 'exit 0 when it is found');
	($status, $out) = shell("mxlookup -s $r nowhere.test");
	isnt($status, 0, 'not 0 when it is not');
	($status, $out) = shell("yes example.test | head -2000 |" .
	    " mxlookup -s $r | head -1 | cut -f2");
	is($out, "10\n", 'a reader that leaves early is no fault');
}

# What the manual of smtpd shows: a person at a terminal, whose lines end in LF.
SKIP: {
	skip 'smtpd is not built', 2 if !Stdmail::program('smtpd');
	skip 'no script(1)', 2 if system('command -v script >/dev/null') != 0;
	my ($status, $out) = shell(<<'END');
mkdir spool && echo "bob:{PLAIN}secret::::$HOME:" >users || exit
(sleep 1; for l in 'HELO me' 'MAIL FROM:<me@example.com>' \
    'RCPT TO:<bob@example.org>' DATA 'Subject: hello' '' line . QUIT; do
	sleep .1; echo "$l"
done; sleep 1) | timeout 20 script -qec "smtpd -o hostname=mx.example.org \
    -o domains=example.org -o users=./users -o spool=./spool" /dev/null
END
	like($out, qr/^250 2\.0\.0 Message taken as .*^221 /ms,
	    'a dot and Enter end a message typed at a terminal');
	($status, $out) = shell('cat spool/local/now/* | tail -3');
	is($out, "Subject: hello\n\nline\n", 'and it is in the spool');
}

# A full pipe of ours: delivered, then read back.
SKIP: {
	skip 'pop3d and mda-deliver are not built', 1
	    if !Stdmail::program('pop3d') || !Stdmail::program('mda-deliver');
	my ($status, $out) = shell(<<'END');
printf 'Subject: x\n\n.dot\n' | mda-deliver Two/ &&
printf 'RETR 1\r\nQUIT\r\n' | pop3d -p Two | grep -c '^\.\.dot.$'
END
	is($out, "1\n", 'mda-deliver Two/, then pop3d -p Two');
}

done_testing();
