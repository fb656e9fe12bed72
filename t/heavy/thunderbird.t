#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that Thunderbird can use imapd (`make clients'): an account is added,
# the folders and messages are listed, one is read, flagged, moved, deleted and
# copied, what another session does is seen, and a new message in the Maildir
# is pushed to it by IDLE.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(make_path);
use Test::More;
use Time::HiRes qw(time sleep);

use Stdmail;
use Stdmail::Marionette;

Stdmail::need(qw(imapd tool:thunderbird));

sub
text
{
	my ($i) = @_;

	return "From: Bob <bob\@b.test>\nTo: alice\@a.test\nSubject: number " .
	    "$i\nDate: Sat, 21 Nov 2026 04:42:0$i +0000\nMessage-ID: " .
	    "<$i\@b.test>\nContent-Type: text/plain; charset=utf-8\n\n" .
	    "This is message $i, caf\xc3\xa9.\n";
}

my $s = Stdmail->new(users => { alice => 'open-sesame' });
$s->preload('alice', text($_), $_ % 2 ? 'S' : undef, 1_700_000_000 + $_)
    for 1 .. 5;
$s->preload('alice/Archive', text(9), 'S');
# It lists what is subscribed.
Stdmail::spew($s->maildir('alice') . '/subscriptions', "Archive\n");
$s->own;
my $srv = $s->start('imapd');
my $md = $s->maildir('alice');

# --- the program ----------------------------------------------------------

my $home = "$s->{dir}/client";
my ($port) = Stdmail::free_ports(1);
make_path("$home/profile");
Stdmail::spew("$home/profile/user.js", <<END);
user_pref("marionette.port", $port);
user_pref("app.update.enabled", false);
user_pref("mail.provider.enabled", false);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mail.biff.show_alert", false);
user_pref("mailnews.start_page.enabled", false);
END
open(my $out, '>', "$home/out") or die "$home/out: $!\n";
$s->spawn([Stdmail::tool('thunderbird'), '--headless', '--marionette',
    '--remote-allow-system-access', '--no-remote', '--profile',
    "$home/profile"], { 1 => $out, 2 => $out }, as => 'me', cwd => $home,
    env => { HOME => $home, MOZ_HEADLESS => 1 });
my $tb = eval { Stdmail::Marionette->new($port, 90) };
if (!$tb) {
	fail('Thunderbird starts');
	diag($@, Stdmail::slurp("$home/out"));
	done_testing();
	exit;
}
pass('Thunderbird ' . $tb->run('return Services.appinfo.version'));

# What every script begins with.
my $common = <<'END';
const server = MailServices.accounts.findServer("alice", "127.0.0.1", "imap");
const folder = name => server && (name == "INBOX" ?
    server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox) :
    server.rootFolder.descendants.find(f => f.URI.endsWith("/" + name)));
const messages = name => { try {
	return Array.from(folder(name).messages);
} catch (e) { return []; } };
const find = (name, n) => messages(name).find(h => h.subject ==
    "number " + n);
const listener = resolve => ({ QueryInterface: ChromeUtils.generateQI([
    "nsIMsgCopyServiceListener", "nsIUrlListener"]),
    onStartCopy() {}, onProgress() {}, setMessageKey() {},
    getMessageId() { return null; }, onStopCopy: resolve,
    OnStartCopy() {}, OnProgress() {}, SetMessageKey() {},
    GetMessageId() { return null; }, OnStopCopy: resolve,
    onStartRunningUrl() {}, onStopRunningUrl: (u, status) =>
    resolve(status), OnStartRunningUrl() {},
    OnStopRunningUrl: (u, status) => resolve(status) });
END

sub js { return $tb->run($common . $_[0], @_[1 .. $#_]) }

# Poll a script until it is true: how long it took, or undef.
sub
soon
{
	my ($script, $seconds, @args) = @_;
	my $start = time;

	return Stdmail::until_true(sub { js($script, @args) }, $seconds) ?
	    time - $start : undef;
}

# --- what people do -------------------------------------------------------

# subject => flags of the files of a folder.
sub
files
{
	my ($dir) = @_;
	my %found;

	for my $path (glob "$dir/new/* $dir/cur/*") {
		# It may have another name by now.
		my $text = eval { Stdmail::slurp($path) } // next;
		my ($n) = $text =~ /^Subject: number (\d+)/m;
		my ($flags) = $path =~ /:2,(.*)\z/;
		$found{$n // $path} = join '', sort split //, $flags // '';
	}
	return \%found;
}

sub far { return Stdmail::until_true($_[0], 15) }

js(<<'END', $srv->{port});
const s = MailServices.accounts.createIncomingServer("alice", "127.0.0.1",
    "imap");
s.port = arguments[0];
s.socketType = Ci.nsMsgSocketType.plain;
s.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
s.password = "open-sesame";
s.loginAtStartUp = true;
const a = MailServices.accounts.createAccount();
const identity = MailServices.accounts.createIdentity();
identity.email = "alice@a.test";
a.addIdentity(identity);
a.incomingServer = s;
MailServices.accounts.defaultAccount = a;
s.performExpand(null);
END
ok(defined soon('return !!(folder("INBOX") && folder("Archive"))', 30),
    'the account is added, its folders are listed') or
    diag(js('return server.rootFolder.descendants.map(f => f.URI)' .
    '.join(" ")'));
js('folder(arguments[0]).updateFolder(null)', 'INBOX');
ok(defined soon('return messages("INBOX").length == 5', 30),
    'five messages are listed') or diag(js('return messages("INBOX").length'));
is(js('return messages("INBOX").filter(h => h.isRead).length'), 3,
    'three are read');

my $body = js(<<'END');
return new Promise(resolve => {
	const h = find("INBOX", 2);
	const uri = folder("INBOX").getUriForMsg(h);
	let text = "";
	const stream = Cc["@mozilla.org/scriptableinputstream;1"]
	    .createInstance(Ci.nsIScriptableInputStream);
	MailServices.messageServiceFromURI(uri).streamMessage(uri, {
		QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]),
		onStartRequest() {},
		onDataAvailable(request, input, offset, n) {
			stream.init(input);
			text += stream.read(n);
		},
		onStopRequest() { resolve(text); },
	}, null, null, false, "");
});
END
like($body, qr/^Subject: number 2\r?\n.*^This is message 2, /ms,
    'one is read');

js('folder("INBOX").markMessagesFlagged([find("INBOX", 1)], true)');
js('folder("INBOX").markMessagesRead([find("INBOX", 2)], true)');
ok(far(sub { my $f = files($md); ($f->{1} // '') eq 'FS' &&
    ($f->{2} // '') =~ /S/ }), 'flags reach the Maildir') or
    diag(explain(files($md)));

my $copy = <<'END';
return new Promise(resolve => MailServices.copy.copyMessages(folder("INBOX"),
    [find("INBOX", arguments[0])], folder("Archive"), arguments[1],
    listener(resolve), null, false));
END
js($copy, 3, JSON::PP::true);
ok(far(sub { !exists files($md)->{3} && exists files("$md/.Archive")->{3} }),
    'one is moved');
js($copy, 4, JSON::PP::false);
ok(far(sub { exists files($md)->{4} && exists files("$md/.Archive")->{4} }),
    'one is copied');
js('folder("INBOX").deleteMessages([find("INBOX", 5)], null, true, false, ' .
    'null, false)');
ok(far(sub { (files($md)->{5} // 'T') =~ /T/ }), 'one is deleted');
ok(defined soon('return !find("INBOX", 5)', 15), 'and no longer listed');

# --- what others do -------------------------------------------------------

js('folder("INBOX").updateFolder(null)');
sleep 1;
my $beside = $srv->connect;
$beside->answer;
$beside->imap($_) for 'LOGIN alice open-sesame', 'SELECT INBOX';
$beside->send("i IDLE\r\n");
$beside->answer;
my (@took, @told);
for my $n (6, 7, 8) {
	my $name = "17000100$n.M1P1.test";
	Stdmail::spew("$md/tmp/$name", text($n), 0600);
	chown @Stdmail::nobody, "$md/tmp/$name" if $> == 0;
	my $start = time;
	rename "$md/tmp/$name", "$md/new/$name" or die "$name: $!\n";
	1 until ($beside->line(30) // die "closed\n") =~ /^\* \d+ EXISTS/;
	push @told, time - $start;
	push @took, soon('return !!find("INBOX", arguments[0])', 30, $n) // 99;
}
# Thunderbird looks at what it is told once in a second or two, whoever tells
# it: with Dovecot it takes as long.
cmp_ok((sort { $a <=> $b } @told)[0], '<', 1, sprintf 'new messages are ' .
    'pushed, within %s s', join ', ', map { sprintf '%.2f', $_ } @told);
cmp_ok((sort { $a <=> $b } @took)[0], '<', 4, sprintf 'and listed within ' .
    '%s s', join ', ', map { sprintf '%.2f', $_ } @took);
my ($path) = grep { Stdmail::slurp($_) =~ /number 1$/m } glob "$md/cur/*";
rename $path, $path =~ s/:2,.*/:2,RS/r;
ok(defined soon('const h = find("INBOX", 1); return h && !h.isFlagged && ' .
    '!!(h.flags & Ci.nsMsgMessageFlags.Replied)', 15),
    'flags of others are seen');

ok($srv->alive(0.02), 'the server lives');
unlike($s->log_text, qr/open-sesame/, 'no password in the log');
unlike($s->log_text, qr/signal=|AddressSanitizer|runtime error/,
    'nothing crashed');
eval { $tb->ask('Marionette:Quit', { flags => ['eForceQuit'] }) };
done_testing();
