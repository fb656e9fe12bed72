#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what a user's rules may cost others, and what they may not touch: mail
# that somebody submitted here and a user sends on may still be signed; programs
# that take their time hold up no other user, whichever number of users has
# them; and a report comes to the mailbox though a program fails or a script is
# broken; and the sender is told of success as he asked.  Programs are tried
# with accounts of the system, for which this needs root.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64;
use Test::More;

use Stdmail;

my $put = "$Stdmail::fault/put";
Stdmail::need('mda-deliver', 'smtpd', $put);
$put = Stdmail::program($put);

# --- signed ---------------------------------------------------------------

for my $login (1, 0) {
	my $s = Stdmail->new(users => { bob => 'x', eve => 'open' });

	Stdmail::spew("$s->{dir}/home/bob/.forward", "bob\@far.test\n", 0600);
	$s->own;
	my $auth = $login ? 'AUTH PLAIN ' . encode_base64("\0eve\0open", '') :
	    'NOOP';
	my ($code, $out) = $s->run([$s->command('smtpd', '-o',
	    'allow_plaintext=yes', '-m', $login ? 'submission' : 'mx')],
	    stdin => join("\r\n", 'EHLO c.test', $auth,
	    'MAIL FROM:<eve@a.test>', 'RCPT TO:<bob@a.test>', 'DATA',
	    'From: eve@a.test', 'Date: Thu, 1 Jan 2026 00:00:00 +0000', '',
	    'hello', '.', 'QUIT', ''));
	my ($id) = $out =~ /^250 2\.0\.0 .*?(\d+\.M\S+)/m;

	like($id // $out, $login ? qr/Q\d+S\./ : qr/Q\d+L\./,
	    $login ? 'submitted' : 'from a stranger');
	$s->run([$s->command('mda-deliver', '-q')]);
	my ($env) = map { Stdmail::slurp($_) } $s->spooled('remote/env');
	like($env // '', qr/^to Q bob\@far\.test$/m, '... it is sent on');
	is(($env // '') =~ /^own yes$/m ? 1 : 0, $login,
	    '... and may ' . ($login ? '' : 'not ') . 'be signed');
}

# --- wishes (RFC 3461, section 5.2.7) --------------------------------------

for my $row (["bob\@far.test\n", 'notify SUCCESS', '', 'one gets them'],
    ["bob\@far.test, al\@far.test\n", 'notify NEVER', 'expanded',
    'several are told of'],
    ["\\bob, bob\@far.test\n", 'notify NEVER', 'delivered',
    'the mailbox is reported']) {
	my ($forward, $notify, $action, $what) = @$row;
	my $s = Stdmail->new(users => { bob => 'x' });

	Stdmail::spew("$s->{dir}/home/bob/.forward", $forward, 0600);
	$s->own;
	$s->run([$s->command('smtpd')], stdin => join("\r\n", 'EHLO c.test',
	    'MAIL FROM:<al@x.test> ENVID=QQ', 'RCPT TO:<bob@a.test> ' .
	    'NOTIFY=SUCCESS ORCPT=rfc822;bob@a.test', 'DATA',
	    'Subject: x', '', 'hello', '.', 'QUIT', ''));
	my ($status, undef, $log) = $s->run([$s->command('mda-deliver',
	    '-q')]);
	my @envs = map { Stdmail::slurp($_) } $s->spooled('remote/env');
	my ($env) = grep { /^to Q bob\@far\.test$/m } @envs;
	my ($report) = grep { /^Content-Type: multipart\/report/m }
	    map { Stdmail::slurp($_) } $s->spooled('remote/now');

	like($env // '', qr/^envid QQ\n(?:.*\n)*$notify\n/m, $what) or diag $log;
	like($env // '', qr/^orcpt rfc822;bob\@a\.test$/m,
	    '... with whom it was for');
	is(($report // '') =~ /^Action: (\w+)/m ? $1 : '', $action,
	    '... and the report is ' . ($action || 'theirs'));
}

# An answer has none (RFC 5230, section 5.1).
{
	my $s = Stdmail->new(users => { bob => 'x' });

	Stdmail::spew("$s->{dir}/home/bob/.dovecot.sieve",
	    "require \"vacation\"; vacation \"away\";\n", 0600);
	$s->own;
	$s->run([$s->command('smtpd')], stdin => join("\r\n", 'EHLO c.test',
	    'MAIL FROM:<al@x.test>', 'RCPT TO:<bob@a.test>', 'DATA',
	    'To: bob@a.test', '', 'hello', '.', 'QUIT', ''));
	my (undef, undef, $log) = $s->run([$s->command('mda-deliver', '-q')]);
	like(join('', map { Stdmail::slurp($_) } $s->spooled('remote/env')),
	    qr/^to Q al\@x\.test\n(?:.*\n)*notify NEVER$/m,
	    'nothing is told of an answer') or diag $log;
}

# --- programs -------------------------------------------------------------

my ($unshare) = Stdmail::tool('unshare');
if (!Stdmail::is_root() || !$unshare || system("$unshare -m true 2>/dev/null")
    != 0) {
	diag 'no accounts of the system: programs are not tried';
	done_testing();
	exit 0;
}

my @slow = map { "slow$_" } 1 .. 9;
my $uid = 65400;
my $s = Stdmail->new(as => 'root', users => {}, conf => { mail => undef,
    users => 'system' });
my $passwd = Stdmail::slurp('/etc/passwd');

system('rm', '-rf', "$s->{dir}/home");
mkdir "$s->{dir}/home";
chmod 0755, "$s->{dir}/home";
my %id;
for my $user (@slow, 'bob') {
	my $home = "$s->{dir}/home/$user";

	$id{$user} = $uid++;
	mkdir $home, 0700;
	chown $id{$user}, $id{$user}, $home;
	$passwd .= "$user:x:$id{$user}:$id{$user}\::$home:/bin/sh\n";
}
Stdmail::spew("$s->{dir}/passwd", $passwd, 0644);

sub
viewed
{
	return ($unshare, '-m', 'sh', '-c', 'mount --bind "$0" /etc/passwd ' .
	    '&& exec "$@"', "$s->{dir}/passwd", @_);
}

sub
rules
{
	my ($user, $file, $text) = @_;

	Stdmail::spew("$s->{dir}/home/$user/$file", $text, 0600);
	chown $id{$user}, $id{$user}, "$s->{dir}/home/$user/$file";
}

sub
submit
{
	my ($user, $from) = @_;
	my ($status, undef, $err) = $s->run([viewed($put, $s->{conf_file},
	    'local', 1, 200, $from // 'al@x.test', "$user\@a.test")],
	    env => { PUT_OWNER => $id{$user} }, as => 'root');

	is($status, 0, "for $user") or diag $err;
}

sub
boxes
{
	my ($user) = @_;

	return scalar grep { 1 } $s->files("home/$user/Maildir/new");
}

# More of them than there are workers; his comes when they have begun.
$s->run([viewed($s->command('mda-deliver', '-q'))], as => 'root');
rules($_, '.forward', "\"|touch begun; until [ -e go ]; do " .
    "sleep 0.1; done; cat >taken\"\n") for @slow;
submit($_) for @slow;
my $pid = $s->spawn([viewed($s->command('mda-deliver', '-q', '-w'))],
    {}, as => 'root');
Stdmail::until_true(sub {
	8 <= grep { -e "$s->{dir}/home/$_/begun" } @slow
}, 60);
submit('bob');
ok(Stdmail::until_true(sub { boxes('bob') == 1 }, 60),
    'nine slow programs do not hold up bob');
ok(!(grep { -e "$s->{dir}/home/$_/taken" } @slow), '... all of them at work');
Stdmail::spew("$s->{dir}/home/$_/go", '', 0644) for @slow;
Stdmail::until_true(sub { !$s->spooled('local') }, 60);
kill TERM => $pid;
is(Stdmail::reap($pid, 60), 0, 'the programs come to their end');
is(join(' ', map { (stat "$s->{dir}/home/$_/taken")[4] // 'none' } @slow),
    join(' ', @id{@slow}), '... each as its user');
is(join(' ', $s->spooled('local')), '', 'nothing is left');

# A report, and one that is none.
for my $fault (['.forward', "\"|exit 1\"\n", 'a program that fails'],
    ['.forward', "\"|exit 75\"\n", 'a program that wants to wait'],
    ['.dovecot.sieve', "this is no script\n", 'a broken script'],
    ['.dovecot.sieve', "require \"reject\"; reject \"no\";\n",
    'a script that refuses']) {
	my ($file, $text, $what) = @$fault;

	unlink $s->files('home/bob/Maildir/new'), $s->spooled,
	    map { "$s->{dir}/home/bob/$_" } qw(.forward .dovecot.sieve);
	rules('bob', $file, $text);
	submit('bob', '<>');
	my (undef, undef, $log) = $s->run([viewed($s->command('mda-deliver',
	    '-q'))], as => 'root');
	is(boxes('bob'), 1, "$what: a report is kept") or diag $log;
	is(join(' ', $s->spooled), '', '... and nothing else happens');
}
done_testing();
