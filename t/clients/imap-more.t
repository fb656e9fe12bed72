#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that further clients can use imapd: neomutt (with CONDSTORE, QRESYNC
# and its header cache, as far as they are offered), alpine (on a terminal:
# read, flag, delete, save), imapfilter, getmail, offlineimap (both ways), and
# mbsync with a thousand changes on both sides.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(make_path);
use Test::More;

use Stdmail;

Stdmail::need(qw(imapd));

sub
text
{
	my ($i) = @_;

	return sprintf "From: Bob <bob\@b.test>\nTo: alice\@a.test\n" .
	    "Subject: number %d\nDate: Sat, 21 Nov 2026 04:%02d:%02d +0000\n" .
	    "Message-ID: <%d\@b.test>\n\nThis is message %d.\n.dot\n", $i,
	    $i / 60 % 60, $i % 60, $i, $i;
}

sub crlf { return $_[0] =~ s/\n/\r\n/gr }

sub
site
{
	my ($messages) = @_;
	my $s = Stdmail->new(users => { alice => 'open-sesame' });

	$s->preload('alice', text($_), $_ % 2 ? 'S' : undef, 1_700_000_000 +
	    $_) for 1 .. $messages;
	$s->preload('alice/Archive', text(999), 'S', 1_700_000_000);
	$s->own;
	$s->{srv} = $s->start('imapd');
	make_path("$s->{dir}/client");
	return $s;
}

sub
finish
{
	my ($s, $what) = @_;

	ok($s->{srv}->alive(0.02), "$what: the server lives");
	unlike($s->log_text, qr/open-sesame/, "$what: no password in the log");
	unlike($s->log_text, qr/signal=|AddressSanitizer|runtime error/,
	    "$what: nothing crashed");
	$s->stop;
}

# subject number => flags, of the files of a folder.
sub
files
{
	my ($dir) = @_;
	my %found;

	for my $path (glob "$dir/new/* $dir/cur/*") {
		my ($n) = Stdmail::slurp($path) =~ /^Subject: number (\d+)/m;
		my ($flags) = $path =~ /:2,(.*)\z/;
		push @{$found{$n // $path}}, join '', sort split //,
		    $flags // '';
	}
	return { map { $_ => join '|', @{$found{$_}} } keys %found };
}

# A session beside the client's.
sub
other
{
	my ($s, @commands) = @_;
	my $c = $s->{srv}->connect;
	my $said = '';

	$c->answer;
	$said .= $c->imap($_) for 'LOGIN alice open-sesame', @commands,
	    'LOGOUT';
	$c->close;
	return $said;
}

# --- neomutt --------------------------------------------------------------

sub
neomutt
{
	my ($s, $commands) = @_;
	my $home = "$s->{dir}/client";
	my $in = "imap://127.0.0.1:$s->{srv}{port}/INBOX";
	my $rc = "$home/neomuttrc";

	make_path("$home/cache");
	Stdmail::spew($rc, <<END);
set imap_user=alice imap_pass=open-sesame
set ssl_starttls=no ssl_force_tls=no
set imap_condstore=yes imap_qresync=yes header_cache=$home/cache
set sleep_time=0 wait_key=no confirmappend=no confirmcreate=no delete=yes
set mark_old=no quit=yes mbox_type=Maildir resolve=no spoolfile=$in folder=$in
set timeout=5 beep=no copy=no move=no
push "$commands"
END
	return $s->run_tool_tty('neomutt', ['-n', '-F', $rc, '-d', 3, '-l',
	    "$home/debug", '-f', $in], timeout => 60);
}

sub
with_neomutt
{
	my $s = site(6);
	my $box = "$s->{dir}/client/saved";
	my $save = "<tag-pattern>~A<enter><tag-prefix><copy-message>$box<enter>" .
	    '<untag-pattern>~A<enter>';
	my ($status, $out) = neomutt($s, "$save<exit>");

	is($status, 0, 'neomutt: opens and copies all') or diag $out;
	is(keys %{files($box)}, 6, 'neomutt: six messages');
	# While it is away.
	other($s, 'SELECT INBOX', 'STORE 2 +FLAGS (\Flagged)',
	    'STORE 3 +FLAGS (\Deleted)', 'EXPUNGE');
	$s->preload('alice', text(7), undef, 1_700_000_007);
	system('rm', '-rf', $box);
	($status, $out) = neomutt($s, '<limit>~F<enter>' . $save .
	    '<limit>all<enter><tag-pattern>~s 7<enter><tag-prefix>' .
	    "<copy-message>$box<enter><untag-pattern>~A<enter>" .
	    '<first-entry><set-flag>!<sync-mailbox><last-entry>' .
	    '<delete-message><sync-mailbox><exit>');
	is($status, 0, 'neomutt: comes back') or diag $out;
	is(join(' ', sort keys %{files($box)}), '2 7',
	    'neomutt: sees a flag set and what is new, from its cache');
	my $far = files($s->maildir('alice'));
	like($far->{1} // '', qr/F/, 'neomutt: flags one');
	is(join(' ', sort keys %$far), '1 2 4 5 6', 'neomutt: deletes one');
	my $debug = join '', map { Stdmail::slurp($_) }
	    glob "$s->{dir}/client/debug*";
	my $can = other($s, 'CAPABILITY') =~ / QRESYNC\b/;
	my $did = $debug =~ /FETCH \S+ \(FLAGS\) \(CHANGEDSINCE \d+ VANISHED\)/;
	ok(!$can == !$did, 'neomutt: by QRESYNC when it is offered (' .
	    ($can ? 'yes' : 'no') . ')') or diag $debug =~ /^.* 4> .*$/mg;
	finish($s, 'neomutt');
}

# --- alpine ---------------------------------------------------------------

sub
with_alpine
{
	my $s = site(4);
	my $home = "$s->{dir}/client";
	my $host = "{localhost:$s->{srv}{port}/user=alice/novalidate-cert}";

	make_path("$home/mail");
	Stdmail::spew("$home/pinerc", <<END);
personal-name=Alice
user-domain=a.test
inbox-path=${host}INBOX
folder-collections=$home/mail/[]
feature-list=quit-without-confirm,expunge-without-confirm,
	expunge-without-confirm-everywhere,no-quell-folder-internal-msg,
	enable-flag-cmd,save-will-not-delete,auto-move-read-msgs
last-version-used=6.26
use-only-domain-name=No
initial-keystroke-list=
END
	my ($status, $out) = $s->run_tool_tty('alpine', ['-p',
	    "$home/pinerc", '-i'], timeout => 60, keys => [
	    [qr/PASSWORD/, "open-sesame\r"],
	    [qr/Preserve password/, 'n'],
	    [qr/number 4/, 'j'],		# jump to a message
	    [qr/number to jump/i, "1\r"],
	    [qr/./, '*'],
	    [qr/Flag New/, '*'],
	    [qr/flagged/i, '>'],		# read it
	    [qr/message 1\./, 'i'],
	    [qr/number 4/, 'j'],
	    [qr/number to jump/i, "3\r"],
	    [qr/./, 's'],
	    [qr/SAVE/, "\x15${host}Archive\r"],
	    [qr/copied|saved/i, 'j'],
	    [qr/number to jump/i, "2\r"],
	    [qr/./, 'd'],
	    [qr/deleted/i, 'x'],
	    [qr/xpunged/i, 'q'],
	    [qr/Really quit|finished/i, 'y']]);
	is($status, 0, 'alpine: ends well');
	$out =~ s/\e\[[0-9;]*[A-Za-z]|[\0-\x1f]//g;
	diag(substr $out, -3000) if $status;
	my $in = files($s->maildir('alice'));
	is(join(' ', sort keys %$in), '1 3 4', 'alpine: deletes one');
	is($in->{1}, 'FS', 'alpine: flags one, and reads it');
	is(join(' ', sort keys %{files($s->maildir('alice') . '/.Archive')}),
	    '3 999', 'alpine: copies one to another mailbox');
	finish($s, 'alpine');
}

# --- imapfilter -----------------------------------------------------------

sub
with_imapfilter
{
	my $s = site(8);
	my $home = "$s->{dir}/client";

	Stdmail::spew("$home/config.lua", <<END, 0600);
options.starttls = false
options.timeout = 60
options.create = true
options.subscribe = true
account = IMAP {
	server = '127.0.0.1', port = $s->{srv}{port},
	username = 'alice', password = 'open-sesame',
}
account.INBOX:check_status()
found = account.INBOX:contain_subject('number 3') +
    account.INBOX:contain_subject('number 4')
found:copy_messages(account['Copies'])
found:mark_flagged()
unseen = account.INBOX:is_unseen() * account.INBOX:contain_from('bob')
unseen:mark_seen()
account.INBOX:contain_subject('number 5'):move_messages(account['Moved.deep'])
account.INBOX:contain_subject('number 6'):delete_messages()
account.INBOX:match_subject('number [78]'):add_flags({ '\$Label1' })
mailboxes = account:list_all()
for _, name in ipairs(mailboxes) do print('box ' .. name) end
END
	my ($status, $out, $err) = $s->run_tool('imapfilter', ['-c',
	    "$home/config.lua", '-t', '/etc/ssl/certs'], timeout => 60);
	is($status, 0, 'imapfilter: ends well') or diag "$out$err";
	my $md = $s->maildir('alice');
	my $in = files($md);
	is(join(' ', sort keys %$in), '1 2 3 4 7 8', 'imapfilter: INBOX');
	is(join(' ', map { $in->{$_} } 3, 4), 'FS FS', 'imapfilter: flags');
	is(scalar(grep { /S/ } values %$in), 6, 'imapfilter: all are seen');
	is(join(' ', sort keys %{files("$md/.Copies")}), '3 4',
	    'imapfilter: copied to a new folder');
	is(join(' ', keys %{files("$md/.Moved.deep")}), '5',
	    'imapfilter: moved to another');
	like(other($s, 'SELECT INBOX', 'SEARCH KEYWORD $Label1'),
	    qr/^\* (?:E?SEARCH.*?)5 6\r$|^\* SEARCH 5 6\r$/m,
	    'imapfilter: a keyword');
	is(join(' ', sort $out =~ /^box (\S+)/mg), 'Archive Copies INBOX',
	    'imapfilter: lists those of the first level') or diag $out;
	finish($s, 'imapfilter');
}

# --- getmail --------------------------------------------------------------

sub
getmail
{
	my ($s, $delete) = @_;
	my $home = "$s->{dir}/client";
	my $user = $> == 0 ? 'user = nobody' : '';

	make_path("$home/getmail", map { "$home/box/$_" } qw(cur new tmp));
	system("chown -R $Stdmail::nobody[0] $home/box") if $> == 0;
	Stdmail::spew("$home/getmail/rc", <<END, 0600);
[retriever]
type = SimpleIMAPRetriever
server = 127.0.0.1
port = $s->{srv}{port}
username = alice
password = open-sesame
mailboxes = ("INBOX", "Archive")
[destination]
type = Maildir
path = $home/box/
$user
[options]
delete = $delete
read_all = false
delivered_to = false
received = false
END
	return $s->run_tool('getmail', ['--getmaildir', "$home/getmail",
	    '--rcfile', 'rc'], timeout => 60);
}

sub
with_getmail
{
	my $s = site(5);
	my $box = "$s->{dir}/client/box";
	my ($status, $out, $err) = getmail($s, 'false');

	is($status, 0, 'getmail: ends well') or diag "$out$err";
	is(join(' ', sort keys %{files($box)}), '1 2 3 4 5 999',
	    'getmail: two mailboxes');
	my @got = grep { /number 3$/m } map { Stdmail::slurp($_) }
	    glob "$box/new/*";
	Stdmail::same($got[0] =~ s/^(?:Return-Path|X-getmail).*\n//mgr,
	    text(3), 'getmail: byte by byte');
	($status, $out, $err) = getmail($s, 'false');
	is(scalar(() = glob "$box/new/*"), 6, 'getmail: nothing twice');
	$s->preload('alice', text(6), undef, 1_700_000_006);
	($status, $out, $err) = getmail($s, 'true');
	is($status, 0, 'getmail: and deletes') or diag "$out$err";
	is(keys %{files($s->maildir('alice'))}, 0, 'getmail: INBOX is empty');
	is(scalar(() = glob "$box/new/*"), 7, 'getmail: what is new came');
	finish($s, 'getmail');
}

# --- offlineimap ----------------------------------------------------------

sub
offlineimap
{
	my ($s) = @_;
	my $home = "$s->{dir}/client";

	Stdmail::spew("$home/offlineimaprc", <<END, 0600);
[general]
accounts = a
metadata = $home/meta
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = $home/box
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = $s->{srv}{port}
remoteuser = alice
remotepass = open-sesame
ssl = no
starttls = no
END
	return $s->run_tool('offlineimap', ['-c', "$home/offlineimaprc", '-o',
	    '-u', 'basic'], timeout => 120);
}

sub
with_offlineimap
{
	my $s = site(6);
	my $md = $s->maildir('alice');
	my $box = "$s->{dir}/client/box/INBOX";
	my ($status, $out, $err) = offlineimap($s);

	is($status, 0, 'offlineimap: ends well') or diag "$out$err";
	is_deeply(files($box), { map { $_ => $_ % 2 ? 'S' : '' } 1 .. 6 },
	    'offlineimap: INBOX came, with flags');
	my ($three) = grep { Stdmail::slurp($_) =~ /number 3$/m }
	    glob "$box/*/*";
	Stdmail::same(Stdmail::slurp($three) =~ s/\AX-OfflineIMAP.*\n//mr,
	    text(3), 'offlineimap: byte by byte');
	# Both sides change.
	rename $three, $three . 'F' or die "$three: $!\n";
	my ($four) = grep { Stdmail::slurp($_) =~ /number 4$/m }
	    glob "$box/*/*";
	unlink $four;
	Stdmail::spew("$box/new/2000000000_0.1.near", text(100));
	other($s, 'SELECT INBOX', 'STORE 1 +FLAGS (\Answered)',
	    'STORE 5 +FLAGS (\Deleted)', 'EXPUNGE');
	$s->preload('alice', text(7), undef, 1_700_000_007);
	($status, $out, $err) = offlineimap($s);
	is($status, 0, 'offlineimap: again') or diag "$out$err";
	my $far = files($md);
	is(join(' ', sort { $a <=> $b } keys %$far), '1 2 3 6 7 100',
	    'offlineimap: both removals and both new ones');
	is($far->{3}, 'FS', 'offlineimap: a flag went there');
	is_deeply(files($box), $far, 'offlineimap: both sides are the same');
	finish($s, 'offlineimap');
}

# --- mbsync, many changes -------------------------------------------------

sub
with_mbsync
{
	my $n = 2000;
	my $s = site($n);
	my $home = "$s->{dir}/client";
	my $box = "$home/box/INBOX";
	my $md = $s->maildir('alice');

	make_path("$home/box");
	Stdmail::spew("$home/mbsyncrc", <<END, 0600);
IMAPStore far
Host localhost
Port $s->{srv}{port}
User alice
Pass open-sesame
AuthMechs LOGIN
SSLType None

MaildirStore near
Path $home/box/
Inbox $box
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Both
Expunge Both
SyncState *
END
	my $run = sub {
		my ($what) = @_;
		my ($status, $out, $err) = $s->run_tool('mbsync', ['-c',
		    "$home/mbsyncrc", 'all'], timeout => 300);
		is($status, 0, "mbsync: $what") or diag "$out$err";
	};
	$run->("$n messages");
	is(keys %{files($box)}, $n, 'mbsync: all came');
	# A thousand changes on each side: flags, removals, new ones.
	for my $side (['near', $box, 0], ['far', $md, 1]) {
		my ($name, $dir, $odd) = @$side;
		my %path;
		for my $path (glob "$dir/cur/* $dir/new/*") {
			my ($i) = Stdmail::slurp($path) =~ /number (\d+)$/m;
			$path{$i} = $path;
		}
		for my $i (grep { $_ % 2 == $odd } 1 .. $n) {
			my $path = $path{$i};
			if ($i % 10 < 2) {
				unlink $path;
			} elsif ($i % 10 < 8) {
				my ($base) = $path =~ m{([^/]*?)(?::2,.*)?\z};
				rename $path, "$dir/cur/$base:2,FS";
			} else {
				Stdmail::spew("$dir/new/20$i.$name",
				    text(10_000 + $i));
			}
		}
	}
	$s->own;
	$run->('a thousand changes on each side');
	my ($near, $far) = (files($box), files($md));
	is(keys %$far, $n - $n / 5 + $n / 5, 'mbsync: as many as there must be');
	is(scalar(grep { $near->{$_} ne ($far->{$_} // '-') } keys %$near), 0,
	    'mbsync: the same on both sides');
	is(scalar(grep { $_ < 10_000 && $_ % 10 < 2 } keys %$far), 0,
	    'mbsync: removed is removed');
	is(scalar(grep { $_ eq 'FS' } values %$far), $n * 6 / 10,
	    'mbsync: flags of both');
	finish($s, 'mbsync');
}

for my $row (['neomutt', \&with_neomutt], ['alpine', \&with_alpine],
    ['imapfilter', \&with_imapfilter], ['getmail', \&with_getmail],
    ['offlineimap', \&with_offlineimap], ['mbsync', \&with_mbsync]) {
	my ($tool, $run) = @$row;

	next if $ENV{ONLY} && $ENV{ONLY} ne $tool;
	SKIP: {
		skip "$tool is missing", 1 if !Stdmail::tool($tool);
		$run->();
	}
}

done_testing();
