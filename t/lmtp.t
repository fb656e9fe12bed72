#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what LMTP answers for each way in which mda-deliver can end, with a
# stand-in for it beside a copy of smtpd; that a client that leaves and a
# server that stops leave no recipient with a false answer; and that the real
# one delivers as each user, under root too, to the clients that people have.
use strict;
use warnings;

use File::Copy qw(copy);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail;

Stdmail::need(qw(smtpd mda-deliver tool:python3 tool:swaks));

# --- how mda-deliver ends ---------------------------------------------------

# user, exit code or signal, what is said on standard error, the reply.
my @rows = (
	['good', 'exit 0', '', qr/^250 2\.1\.5 <good\@a\.test> Delivered$/],
	['chatty', 'exit 0', "a line\nanother\n", qr/^250 2\.1\.5 /],
	['usage', 'exit 64', "usage: mda-deliver ...\n", qr/^451 4\.3\.0 </],
	['data', 'exit 65', "mda-deliver: bad\n",
	    qr/^554 5\.6\.0 <data\@a\.test>: bad$/],
	['nouser', 'exit 67', "mda-deliver: 5.1.1 nouser: no such user\n",
	    qr/^550 5\.1\.1 <nouser\@a\.test>: nouser: no such user$/],
	['silent', 'exit 67', '', qr/^550 5\.1\.1 <silent\@a\.test>: \S/],
	['nohost', 'exit 68', "no host\n", qr/^550 5\.1\.2 </],
	['loop', 'exit 69', "log\nmda-deliver: 5.4.6 mail loop\n",
	    qr/^554 5\.4\.6 <loop\@a\.test>: mail loop$/],
	['crash', 'exit 70', "oops\n", qr/^451 4\.3\.0 .*oops$/],
	['full', 'exit 73', "mda-deliver: 5.2.2 the mailbox is full\n",
	    qr/^552 5\.2\.2 .*full$/],
	['path', 'exit 73', "mda-deliver: x: Not a directory\n",
	    qr/^451 4\.3\.0 .*Not a directory$/],
	['fuller', 'exit 75', "mda-deliver: 4.2.2 the mailbox is full\n",
	    qr/^452 4\.2\.2 .*full$/],
	['nospace', 'exit 75', "mda-deliver: 4.3.1 no space\n",
	    qr/^452 4\.3\.1 /],
	['locked', 'exit 75', "mda-deliver: 4.2.1 locked\n",
	    qr/^451 4\.2\.1 .*locked$/],
	['liar', 'exit 75', "mda-deliver: 5.1.1 nobody\n",
	    qr/^451 4\.3\.0 .*nobody$/],
	['refused', 'exit 77', "mda-deliver: 5.7.1 not wanted\n",
	    qr/^550 5\.7\.1 .*not wanted$/],
	['lines', 'exit 77', "mda-deliver: 4.0.0 a log\nmda-deliver: 5.7.1 one\n" .
	    "mda-deliver: 5.7.1 \nmda-deliver: 5.7.1 three\n",
	    qr/^550-5\.7\.1 <lines\@a\.test>: one\r?\n550-5\.7\.1 \r?\n550 5\.7\.1 three$/],
	['many', 'yes "mda-deliver: 5.7.1 x" | head -2000 >&2; exit 77', '',
	    qr/^550-5\.7\.1 <many\@a\.test>: x\r?\n(550-5\.7\.1 x\r?\n){500,}550 5\.7\.1 x?$/],
	['config', 'exit 78', "mda-deliver: bad key\n", qr/^451 4\.3\.0 /],
	['killed', 'kill -9 $$', "half a word", qr/^451 4\.3\.0 /],
	['endless', 'head -c 100000 /dev/zero | tr "\0" x >&2; exit 67', '',
	    qr/^550 5\.1\.1 <endless\@a\.test>: x{100,400}$/],
	['odd', 'exit 67', "mda-deliver: 5.1.1 \xe4\r\e[1m\n",
	    qr/^550 5\.1\.1 <odd\@a\.test>: \?\?\?\[1m$/],
);

# Says what the file of the recipient says; "slow" waits for the file "go".
my $script = <<'END';
#!/bin/sh
cat >>"$(dirname "$0")/messages"
echo "$*" >>"$(dirname "$0")/calls"
for to; do :; done
. "$(dirname "$0")/${to%@*}"
END

sub
stand_in
{
	my ($s) = @_;
	my $dir = "$s->{dir}/bin";

	mkdir $dir or die "$dir: $!\n";
	copy(Stdmail::program('smtpd'), "$dir/smtpd") or die "$dir: $!\n";
	Stdmail::spew("$dir/mda-deliver", $script, 0755);
	for my $row (@rows) {
		Stdmail::spew("$dir/$row->[0].said", $row->[2], 0644);
		Stdmail::spew("$dir/$row->[0]", "cat '$dir/$row->[0].said' " .
		    ">&2\n$row->[1]\n", 0644);
	}
	Stdmail::spew("$dir/hangs", "exec sleep 60\n", 0644);
	Stdmail::spew("$dir/slow", "touch '$dir/started'\n" .
	    "until [ -e '$dir/go' ]; do sleep 0.05; done\n", 0644);
	chmod 0755, "$dir/smtpd";
	$s->own;
	return $dir;
}

# A message to these users: the replies behind the data.
sub
begin
{
	my ($srv, @users) = @_;
	my $c = $srv->connect(timeout => 60);

	for my $line (undef, 'LHLO client.test', "MAIL FROM:<a\@b.test>",
	    map { "RCPT TO:<$_\@a.test>" } @users) {
		my $reply = $c->smtp($line);
		die "$line: $reply\n" if $reply !~ /^2/;
	}
	die "DATA is refused\n" if $c->smtp('DATA') !~ /^354/;
	return $c;
}

my $as = Stdmail::is_root() ? 'nobody' : 'me';
my $s = Stdmail->new(as => $as, users => { map { $_ => 'open-sesame' }
    qw(slow hangs), map { $_->[0] } @rows });
my $dir = stand_in($s);
my $srv = $s->start("$dir/smtpd", args => ['-m', 'lmtp', '-o',
    'max_size=1M']);

my $c = begin($srv, map { $_->[0] } @rows);
my $first = $c->smtp("Subject: x\r\n\r\n..y\r\n.");
for my $row (@rows) {
	my $got = defined $first ? $first : $c->smtp(undef);
	like($got, $row->[3], "$row->[0]: $row->[1]");
	undef $first;
}
like($c->smtp('NOOP'), qr/^250/, 'no reply more than these');
my @calls = split /^/m, Stdmail::slurp("$dir/calls");
is(scalar @calls, scalar @rows, 'it ran once for each');
is($calls[0], "-c $s->{conf_file} -o max_size=1M -f a\@b.test -a " .
    "good\@a.test\n", 'with our configuration and the envelope');
my @texts = split /(?=^Received:)/m, Stdmail::slurp("$dir/messages");
is(scalar(grep { /\n\n\.y\n\z/ } @texts), scalar @rows,
    'and all of the message, for each');
like($s->log_text, qr/mda-deliver.* said="?a line"?$/m,
    'what it logs is logged');
like($s->log_text, qr/mda-deliver.* signal=9$/m, 'so is a signal');
like($c->smtp('QUIT'), qr/^221/, 'the end');
$c->closed;

# One that hangs is ended, and is no matter for the others.
my $short = $s->start("$dir/smtpd", args => ['-m', 'lmtp', '-o',
    'timeout=4']);
$c = begin($short, 'hangs', 'good');
like($c->smtp("Subject: x\r\n\r\n."), qr/^451 4\.3\.0 <hangs\@a\.test>/,
    'a delivery that hangs is ended');
like($c->smtp(undef), qr/^250 2\.1\.5 <good\@a\.test>/, 'the next is made');
$c->close;
$short->stop;

# All together have an end too: no client waits for ever for its replies.
$short = $s->start("$dir/smtpd", args => ['-m', 'lmtp', '-o', 'timeout=2']);
$c = begin($short, ('hangs') x 6, 'good', 'good');
my @said = map { $c->smtp($_) } "Subject: x\r\n\r\n.", (undef) x 7;
is(scalar(grep { /^451 4\.3\.0 <hangs/ } @said), 6, 'many that hang');
is(scalar(grep { /^451 4\.3\.0 <good\@a\.test>: not delivered, the rec/ }
    @said), 2, 'those behind them are put off');
$c->close;
$short->stop;
Stdmail::spew($s->{log}, '', 0666);

# The client leaves while its message is delivered: to nobody else then, since
# it will send it again to all.
unlink "$dir/calls";
$c = begin($srv, 'slow', 'good');
$c->send("Subject: x\r\n\r\n.\r\n");
ok(Stdmail::until_true(sub { -e "$dir/started" }, 60), 'a slow delivery');
setsockopt($c->{in}, Socket::SOL_SOCKET(), Socket::SO_LINGER(),
    pack('ii', 1, 0));
$c->close;
Stdmail::spew("$dir/go", '', 0644);
ok(Stdmail::until_true(sub { $s->log_text =~ /to=slow\@a\.test .*250/ }, 60),
    'it is finished, though its client is gone');
ok(Stdmail::until_true(sub {
	(() = $s->log_text =~ /disconnect/g) == 1
}, 60), 'the session is over');
is(scalar(split /^/m, Stdmail::slurp("$dir/calls")), 1,
    'and nobody else was tried');

# SIGTERM: what is under way is finished, the others are told to wait.
unlink "$dir/calls", "$dir/started", "$dir/go";
$c = begin($srv, 'slow', 'good', 'nouser');
$c->send("Subject: x\r\n\r\n.\r\n");
ok(Stdmail::until_true(sub { -e "$dir/started" }, 60), 'again');
my $idle = $srv->connect(timeout => 60);
$idle->smtp(undef);
kill 'TERM', $srv->{pid};
like($idle->closed, qr/^421 /, 'a session that waits is told');
Stdmail::spew("$dir/go", '', 0644);
my $said = $c->closed;
like($said, qr/\A250\ 2\.1\.5\ <slow\@a\.test>[^\n]*\r\n
    451\ 4\.3\.2\ <good\@a\.test>[^\n]*\r\n
    451\ 4\.3\.2\ <nouser\@a\.test>[^\n]*\r\n
    421\ 4\.3\.2\ [^\n]*\r\n\z/x, 'a server that stops lies to nobody')
    or diag($said);
is(scalar(split /^/m, Stdmail::slurp("$dir/calls")), 1,
    'and begins no delivery more');
ok(Stdmail::until_true(sub { !$srv->alive(0) }, 60), 'then it ends');
$srv->stop;
is(scalar($s->spooled), 0, 'nothing of all this is in the spool');

# Without mda-deliver it does not start, and says so.
unlink "$dir/mda-deliver";
my ($status, undef, $err) = $s->run(["$dir/smtpd", '-c', $s->{conf_file},
    '-m', 'lmtp'], stdin => '');
is($status, 78, 'without mda-deliver there is no LMTP');
like($err, qr{\Q$dir\E/mda-deliver}, 'and it says what is missing');

# --- the real one -----------------------------------------------------------

my $client = <<'END';
import smtplib, sys
c = smtplib.LMTP(sys.argv[1], int(sys.argv[2]))
c.set_debuglevel(0)
bad = c.sendmail('a@b.test', sys.argv[3:], 'Subject: from python\n\nhello\n')
print(sorted((to, code) for to, (code, text) in bad.items()))
c.quit()
END

for my $who (Stdmail::is_root() ? qw(nobody root) : 'me') {
	my $site = Stdmail->new(as => $who, users => {
	    alice => 'open-sesame', bob => 'open-sesame' });
	my $lmtp = $site->start('smtpd', args => ['-m', 'lmtp']);
	my (undef, $out, $why) = $site->run_tool('python3', ['-c', $client,
	    $lmtp->{addr}, $lmtp->{port}, 'alice@a.test', 'nobody@a.test',
	    'bob@a.test']);

	is($out, "[('nobody\@a.test', 550)]\n", "$who: python's smtplib.LMTP")
	    or diag($why, $site->log_text);
	for my $name (qw(alice bob)) {
		my @got = $site->files("Mail/$name/new");
		is(scalar @got, 1, "$who: $name has it");
		is((stat $got[0])[4], ($site->ids($name))[0],
		    "$who: and owns it") if @got;
	}
	(undef, $out, $why) = $site->run_tool('swaks', ['--protocol', 'LMTP',
	    '--server', $lmtp->{addr}, '--port', $lmtp->{port}, '--from',
	    '<>', '--to', 'alice@a.test,bob@a.test', '--helo', 'c.test']);
	like($out, qr/^<-\ \ 250\ 2\.1\.5\ <alice\@a\.test>\ Delivered\n
	    <-\ \ 250\ 2\.1\.5\ <bob\@a\.test>\ Delivered\n/mx,
	    "$who: swaks") or diag($out, $why);
	# A script's own words, as RFC 5429, section 2.5, shows them.
	Stdmail::spew("$site->{dir}/home/bob/.dovecot.sieve", 'require ' .
	    "\"ereject\"; ereject \"Spam.\nTherefore refused.\";\n", 0600);
	$site->own;
	my $c = begin($lmtp, 'alice', 'bob');
	like($c->smtp("Subject: x\r\n\r\n."), qr/^250 /, "$who: one takes it");
	like($c->smtp(undef), qr/^550-5\.7\.1\ <bob\@a\.test>:\ Spam\.\r?\n
	    550\ 5\.7\.1\ Therefore\ refused\.$/x, "$who: one refuses it");
	$c->close;
	$lmtp->stop;
}

done_testing();
