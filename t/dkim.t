#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that mail of this host leaves signed (RFC 6376, RFC 8463) and other
# mail does not: keys made by smtp-send -K and published as it prints them;
# messages that come by login, through the UNIX socket, from relay_from, from
# strangers, and by way of an alias; sent to a host with 8BITMIME and to one
# without.  What the hosts get is judged by two verifiers that are not ours,
# dkimpy with records that it gets from a nameserver, and opendkim.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use MIME::Base64;
use Test::More;

use Stdmail;
use Stdmail::Mta;
use Stdmail::Nameserver;

Stdmail::need(qw(smtpd smtp-send mda-deliver tool:/usr/bin/python3 tool:drill
    tool:opendkim));

my $new = Stdmail::Mta->start(offers => ['PIPELINING', '8BITMIME']);
my $old = Stdmail::Mta->start(addr => '127.0.0.11');
my $s = Stdmail->new(as => Stdmail::is_root() ? 'root' : 'me',
    users => { alice => 'open-sesame' });
my $submit = "$s->{dir}/submit";
$s->{conf} = { %{$s->{conf}}, relay_from => '127.0.0.1',
    relay_domains => 'new.test', virtual => "$s->{dir}/virtual",
    submit_socket => $submit,
    route => ["new.test 127.0.0.1:$new->{port}",
	"old.test 127.0.0.11:$old->{port}"] };
Stdmail::spew("$s->{dir}/virtual", "team\@a.test one\@new.test two\@new.test\n",
    0644);
$s->write_conf;
chmod 0755, $s->{dir};

# --- keys -----------------------------------------------------------------

my $zone = '';
for (['a.test', 'r1'], ['a.test', 'e1', 'ed25519'], ["b\xc3\xbcro.test", 'x.y',
    'rsa']) {
	my ($status, $out, $err) = $s->run_program('smtp-send', ['-K', @$_]);
	is($status, 0, "a key: @$_") or diag $err;
	my ($name, $text) = $out =~
	    /^(\S+)\. IN TXT \((.*?) \)\n; for .*:\n; dkim \S+ \S+\n\z/ms;
	my ($line) = $out =~ /^; (dkim .*)$/m;
	push @{$s->{conf}{dkim}}, $line =~ s/^dkim //r;
	$zone .= "$name TXT " . join('', $text =~ /"(.*?)"/g) . "\n";
	my ($file) = $line =~ m{ (/\S+)\z};
	my @st = stat $file;
	is($st[2] & 0777, 0400, 'which only its owner can read');
	is($st[4], $s->{as} eq 'root' ? getpwnam('daemon') : $>,
	    'and who is the agent');
	($status, undef, $err) = $s->run_program('smtp-send', ['-K', @$_]);
	is($status, 73, 'and which is not made again');
	is((stat $file)[1], $st[1], 'but stays');
}
is(scalar $s->files('dkim/.new*'), 0, 'nothing else is left');
$s->write_conf;
my ($status, $out, $err) = $s->run_program('smtp-send', ['-n']);
is("$status $err", '0 ', 'smtp-send -n finds them good');
($status, $out) = $s->run_program('smtp-send', ['-k']);
is(join('', map { "$_\n" } sort split /\n/, $zone), join('',
    map { "$_\n" } sort map { my ($n, $t) = /^(\S+)\. IN TXT \((.*)\)/s;
    "$n TXT " . join '', $t =~ /"(.*?)"/g } split /(?<=\))\n/, $out),
    '-k prints the same records');
($status, $out) = $s->run_program('smtp-send', ['-k', "b\xc3\xbcro.test"]);
like($out, qr/\Ax\.y\._domainkey\.xn--bro-hoa\.test\. IN TXT/,
    '-k of a domain, in UTF-8');
for (['-K', 'a.test'], ['-K', 'test', 'x'], ['-K', 'a.test', 'x', 'dsa'],
    ['-K', 'a.test', 'a/../b'], ['-K', 'a.test', 'x', 'rsa', 'y'],
    ['-k', '-q'], ['-k', '-f', 'a@b.test']) {
	($status) = $s->run_program('smtp-send', $_);
	is($status, 64, "usage: @$_");
}

# --- mail -----------------------------------------------------------------

my $mx = $s->start('smtpd');
my $submission = $s->start('smtpd', args => ['-m', 'submission']);
my $unix = IO::Socket::UNIX->new(Local => $submit, Listen => 8) or die "$!";
chmod 0777, $submit;
my $pid = $s->spawn([$s->command('smtpd', '-m', 'submission')],
    { 3 => $unix }, env => { LISTEN_FDS => 1 });
push @{$s->{servers}}, bless { site => $s, name => 'smtpd', pid => $pid },
    'Stdmail::Server';
my %ways = (
	login => sub {
		my $c = $submission->connect(timeout => 60);
		$c->smtp($_) for undef, 'EHLO c.test', 'AUTH PLAIN ' .
		    encode_base64("\0alice\0open-sesame", '');
		return $c;
	},
	relay => sub {
		my $c = $mx->connect(timeout => 60);
		$c->smtp($_) for undef, 'EHLO c.test';
		return $c;
	},
	stranger => sub {
		my $c = $mx->connect(timeout => 60, from => '127.0.0.9');
		$c->smtp($_) for undef, 'EHLO c.test';
		return $c;
	},
	socket => sub {
		my $sock = IO::Socket::UNIX->new(Peer => $submit) or die "$!";
		my $c = Stdmail::Conn->new(in => $sock, out => $sock,
		    timeout => 30);
		$c->smtp($_) for undef, 'EHLO c.test';
		return $c;
	},
);
my $h = "From: Alice <alice\@a.test>\nDate: x\nMessage-ID: <x\@a.test>\n";
my $long = 'long ' x 190;
# Name, way, recipient, what verifies, message.
my @both = ('a.test/r1', 'a.test/e1');
my @rows = (
	['plain', 'login', 'x@new.test', \@both, "${h}To: x\@new.test\n" .
	    "\nhello\n"],
	['by the socket', 'socket', 'x@new.test', \@both, "$h\nhello\n"],
	['from relay_from', 'relay', 'x@new.test', \@both, "$h\nhello\n"],
	['from a stranger', 'stranger', 'x@new.test', [], "$h\nhello\n"],
	['of another domain', 'relay', 'x@new.test', [],
	    $h =~ s/\@a\.test>/\@else.test>/r . "\nhello\n"],
	['from a domain below', 'relay', 'x@new.test', \@both,
	    $h =~ s/\@a\.test>/\@host.a.test>/r . "\nhello\n"],
	['from a domain in xn--', 'relay', 'x@new.test',
	    ['xn--bro-hoa.test/x.y'],
	    $h =~ s/\@a\.test>/\@xn--bro-hoa.test>/r . "\nhello\n"],
	['by an alias', 'login', 'team@a.test', \@both, "$h\nhello\n"],
	['by an alias, a stranger', 'stranger', 'team@a.test', [],
	    "$h\nhello\n"],
	['empty', 'relay', 'x@new.test', \@both, "$h\n"],
	['trailing lines', 'relay', 'x@new.test', \@both,
	    "$h\nhello  \n\n \t\n\n\n\n"],
	['dots', 'relay', 'x@new.test', \@both,
	    "$h\n.\n..\n.dot\n...\n"],
	['long lines', 'relay', 'x@new.test', \@both, "$h\n$long\n $long\n"],
	['white space', 'relay', 'x@new.test', \@both,
	    "${h}To: a\@b.test,\n\tb\@b.test\nCC:c\@b.test\n\n \t a \t b\t\n"],
	['doubled', 'relay', 'x@new.test', \@both, "${h}To: a\@b.test\n" .
	    "List-Id: <a.a.test>\nTo: c\@b.test\nComments: x\n\nhello\n"],
	['signed by another', 'relay', 'x@new.test', \@both,
	    "DKIM-Signature: v=1; a=rsa-sha256; d=o.test; s=o; h=from;\n" .
	    " bh=QUJD; b=QUJD\n$h\nhello\n"],
	['8-bit', 'relay', 'x@new.test', \@both, "${h}MIME-Version: 1.0\n" .
	    "Content-Type: text/plain; charset=utf-8\n" .
	    "Content-Transfer-Encoding: 8bit\n\nGr\xc3\xbc\xc3\x9fe von hier " .
	    "und noch ein paar Worte dazu\n"],
	['7-bit where 8 are not taken', 'relay', 'x@old.test', \@both,
	    "$h\nhello\n"],
	['8-bit converted', 'relay', 'x@old.test', \@both,
	    "${h}MIME-Version: 1.0\n" .
	    "Content-Type: text/plain; charset=utf-8\n" .
	    "Content-Transfer-Encoding: 8bit\n\nGr\xc3\xbc\xc3\x9fe von hier " .
	    "und noch ein paar Worte dazu\n"],
);
my $n = 0;
for (@rows) {
	my ($name, $way, $to, undef, $text) = @$_;
	my $c = $ways{$way}->();
	my $from = $way eq 'stranger' ? 'someone@far.test' : 'alice@a.test';
	my $reply;

	$text = "Subject: row " . $n++ . "\n$text";
	for my $line ("MAIL FROM:<$from> BODY=8BITMIME", "RCPT TO:<$to>",
	    'DATA', ($text =~ s/^\./../gmr =~ s/\n/\r\n/gr) . '.') {
		$reply = $c->smtp($line);
		last if $reply !~ /^[23]/;
	}
	like($reply, qr/^250/, "$name: taken") or diag $s->log_text;
	$c->smtp('QUIT');
}
($status, undef, $err) = $s->run_program('mda-deliver', ['-q']);
is($status, 0, 'mda-deliver -q') or diag $err;
($status, undef, $err) = $s->run_program('smtp-send', ['-q'], timeout => 60);
is($status, 0, 'smtp-send -q') or diag $err;
is(scalar $s->spooled('remote'), 0, 'all is sent') or diag $err;

# --- what the hosts got ---------------------------------------------------

my %got;
for ($new->messages, $old->messages) {
	push @{$got{$1}}, $_ if /^Subject: row (\d+)\r$/m;
}
for my $i (0 .. $#rows) {
	is(scalar @{$got{$i} // []}, 1, "$rows[$i][0]: it came");
	my $all = join '', map { /\A((?:DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*)*)/ }
	    @{$got{$i} // []};
	is(scalar(grep { length > 80 } split /(?<=\n)/, $all), 0,
	    "$rows[$i][0]: folded");
}
is(scalar(grep { /[\x80-\xff]/ } @{$got{$#rows} // []}), 0,
    'what was converted is so');
is(scalar(grep { /[\x80-\xff]/ } @{$got{$#rows - 2} // []}), 1,
    'what could go as it is, did');

# The records, as the DNS has them.
my $ns = Stdmail::Nameserver->start($zone);
my %record;
for my $name ($zone =~ /^(\S+) TXT/mg) {
	my (undef, $said) = $s->run_tool('drill', ['-t', '-p', $ns->{port},
	    '@127.0.0.1', 'TXT', $name]);
	my ($strings) = $said =~ /^\Q$name\E\.\s+\d+\s+IN\s+TXT\s+(.*)$/m;
	$record{$name} = join '', ($strings // '') =~ /"(.*?)"/g;
	like($record{$name}, qr/^v=DKIM1; k=(rsa|ed25519); p=/, "$name is there");
}
my $dir = "$s->{dir}/got";
mkdir $dir;
for my $i (keys %got) {
	Stdmail::spew("$dir/$i", $got{$i}[0]);
}
Stdmail::spew("$s->{dir}/records", join '', map { "$_ $record{$_}\n" }
    sort keys %record);
(undef, $out, $err) = $s->run_tool('/usr/bin/python3', ['-c', <<"END"]);
import dkim, os
records = dict(l.rstrip('\\n').split(' ', 1) for l in open('$s->{dir}/records'))
def txt(name, timeout=5):
    return records.get(name.decode().rstrip('.'), '').encode()
for f in sorted(os.listdir('$dir')):
    m = open('$dir/' + f, 'rb').read()
    n = m.split(b'\\r\\n\\r\\n')[0].lower().count(b'dkim-signature:')
    for i in range(n):
        d = dkim.DKIM(m)
        try:
            good = d.verify(idx=i, dnsfunc=txt)
        except dkim.DKIMException:
            good = False
        if good:
            print(f, (d.domain + b'/' + d.selector).decode())
END
is($err, '', 'dkimpy has nothing to say') or diag $err;
my %valid;
push @{$valid{$1}}, $2 while $out =~ /^(\d+) (\S+)$/mg;
for my $i (0 .. $#rows) {
	is(join(' ', @{$valid{$i} // []}), join(' ', @{$rows[$i][3]}),
	    "$rows[$i][0]: dkimpy finds what is to be found");
}

# --- opendkim -------------------------------------------------------------

my $milter = "$s->{dir}/opendkim";
Stdmail::spew("$milter.keys", join '', map { "$_ $record{$_}\n" }
    grep { $record{$_} =~ /k=rsa/ } sort keys %record);
Stdmail::spew("$milter.conf", <<"END");
Syslog no
Background no
RequireSafeKeys no
Mode v
AuthservID judge.test
InternalHosts 192.0.2.1
TestPublicKeys $milter.keys
Socket local:$milter
END
$s->spawn([Stdmail::tool('opendkim'), '-f', '-x', "$milter.conf"], {},
    as => 'me', log => "$milter.log");
ok(Stdmail::until_true(sub { -S $milter }, 60), 'opendkim is there');
chmod 0777, $milter;
my $judge = Stdmail->new(domain => 'judge.test', users => { bob => 'x' },
    conf => { milter => "unix:$milter" });
my $to = $judge->start('smtpd');
my $c = $to->connect(timeout => 60);
$c->smtp($_) for undef, 'EHLO x.test';
for my $i (0 .. $#rows) {
	my $reply;
	for my $line ("MAIL FROM:<a\@a.test> BODY=8BITMIME",
	    'RCPT TO:<bob@judge.test>', 'DATA', ($got{$i}[0] //
	    "x\r\n") =~ s/^\./../gmr . '.') {
		$reply = $c->smtp($line);
	}
	like($reply, qr/^250/, "$rows[$i][0]: opendkim looks at it")
	    or diag Stdmail::slurp("$milter.log");
	my ($file) = $judge->spooled('local/now');
	my $text = Stdmail::slurp($file);
	unlink $file;
	my ($result) = $text =~
	    /^Authentication-Results: judge\.test;(.*\n(?:[ \t].*\n)*)/m;
	my $passed = () = ($result // '') =~ /dkim=pass/g;
	my $want = grep { !/e1/ } @{$rows[$i][3]};
	cmp_ok($passed, $want ? '>=' : '==', $want,
	    "$rows[$i][0]: and agrees") or diag $result;
}

# --- an agent that stays --------------------------------------------------

$old->forget;
my $watcher = $s->spawn([$s->command('smtp-send', '-q', '-w')], {});

# A message of alice through loopback.
sub
submit
{
	my ($subject) = @_;
	my $conn = $ways{relay}->();

	for my $line ('MAIL FROM:<alice@a.test>', 'RCPT TO:<x@old.test>',
	    'DATA', "Subject: $subject\r\nFrom: alice\@a.test\r\n\r\nx\r\n.") {
		$conn->smtp($line);
	}
}

# Whose signatures the host got with it, or undef.
sub
signed
{
	my ($subject) = @_;
	my $text;

	Stdmail::until_true(sub {
		($text) = grep { /^Subject: \Q$subject\E\r/m } $old->messages;
		return $text;
	}, 60) or return undef;
	my ($head) = split /\r\n\r\n/, $text;
	return join ' ', sort $head =~ /\bs=(\w+);/g;
}

sub
through
{
	my ($subject) = @_;

	submit($subject);
	return signed($subject);
}

# SIGHUP, and what is said about it.
sub
reload
{
	my $said = length $s->log_text;

	$s->write_conf;
	kill 'HUP', $watcher;
	Stdmail::until_true(sub { substr($s->log_text, $said) =~ /reload/ },
	    60);
	return substr $s->log_text, $said;
}

# The processes that the watcher started.
sub
children
{
	my $found = Stdmail::slurp("/proc/$watcher/task/$watcher/children");

	return split ' ', $found;
}

is(through('first'), 'e1 r1', 'an agent that stays signs');
my @signers = children();
cmp_ok(scalar @signers, '>=', 1, 'by processes of its own');
my ($r1) = grep { /^r1/ } @{$s->{conf}{dkim}};
my @keys = @{$s->{conf}{dkim}};
$s->{conf}{dkim} = [$r1];
like(reload(), qr/reload/, 'it rereads its keys');
is(through('second'), 'r1', 'and signs with those');
$s->{conf}{dkim} = [$r1, "z._domainkey.a.test $s->{dir}/cert.pem"];
like(reload(), qr/reload kept=old error=.*no private key/,
    'a file that is no key changes nothing');
is(through('third'), 'r1', 'and the old keys sign');
$s->{conf}{dkim} = \@keys;
reload();
is(through('fourth'), 'e1 r1', 'nor does it stand in the way of good ones');
kill 'KILL', children();
select(undef, undef, undef, 1.1);
is(through('fifth'), 'e1 r1', 'processes that die are replaced');

# What is being signed at SIGHUP, which here does not come to its end.
@signers = children();
kill 'STOP', @signers;
submit('half way');
ok(Stdmail::until_true(sub {
	my ($inode) = map { (stat)[1] } $s->spooled('remote/now');
	return Stdmail::slurp('/proc/locks') =~ /:$inode /;
}, 60), 'one is being signed');
$s->{conf}{dkim} = [$r1];
$s->write_conf;
kill 'HUP', $watcher;
ok(Stdmail::until_true(sub { return children() > @signers }, 60),
    'new keys come');
select(undef, undef, undef, 0.2);
kill 'CONT', @signers;
is(signed('half way'), 'r1', 'and sign it');
$s->{conf}{dkim} = undef;
reload();
is(through('sixth'), '', 'without keys nothing is signed');
kill 'TERM', $watcher;
Stdmail::reap($watcher, 15);

# A key that cannot be read: nothing leaves.
$s->{conf}{dkim} = [$r1, "z._domainkey.a.test $s->{dir}/none"];
$s->write_conf;
my $conn = $ways{relay}->();
$conn->smtp($_) for 'MAIL FROM:<alice@a.test>', 'RCPT TO:<x@old.test>',
    'DATA', "From: alice\@a.test\r\n\r\nx\r\n.";
($status, undef, $err) = $s->run_program('smtp-send', ['-q']);
is($status, 78, 'a key that is not there: the agent does not start');
like($err, qr{dkim: \S*/none: No such file}, 'and says why');
($status, undef, $err) = $s->run_program('smtp-send', ['-n']);
is($status, 78, 'as -n does');
is(scalar $s->spooled('remote/now'), 1, 'the mail waits');
done_testing();
