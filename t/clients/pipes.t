#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the programs that hand their mail to another can hand it to
# mda-deliver, with the very lines that its manual and the README show: Postfix
# (mailbox_command, pipe(8) and .forward), our own .forward and .qmail, procmail,
# maildrop, fdm, getmail and fetchmail.  The message lies in the Maildir, whole
# and with the sender who was named; and when mda-deliver cannot deliver now,
# each of them keeps it.  All run in the world, as an account of it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(make_path remove_tree);
use Test::More;

use Stdmail;
use Stdmail::Peer;

Stdmail::need(qw(root mda-deliver pop3d));
plan skip_all => 'this world has no fdm' if (my @world =
    Stdmail::tool('fdm')) < 2;
# procmail is set-uid, and would not be lent libraries.
plan skip_all => 'only the plain build runs there'
    if ($ENV{STDMAIL_VARIANT} // 'plain') ne 'plain';

my $s = Stdmail->new(users => { alice => 'open-sesame' });
my $mda = Stdmail::program('mda-deliver');
my $who = 'games';
my ($uid, $gid) = (getpwnam $who)[2, 3];
plan skip_all => "there is no account $who" if !defined $uid;
my $home = "$s->{dir}/$who";
my $text = "Received: from b.test\nFrom: Bob <bob\@b.test>\n" .
    "To: $who\@p.test\nSubject: one\n\nfirst\n>From here\n.\n";
# What makes the account's home ours and mda-deliver known, in the view that one
# run has of the world.
my $prepare = "sed -i 's,^\\($who:.*\\):[^:]*:[^:]*\$,\\1:$home:/bin/sh,' " .
    "/etc/passwd\ncp $mda /usr/local/bin/mda-deliver\n";

# --- the lines of the documents -------------------------------------------

my $page = Stdmail::slurp("$Stdmail::top/man/mda-deliver.1");
my ($callers) = $page =~
    /^\.Ss Called by other programs\n(.*?)^\.(?:Ss|Sh)/ms;
my %line;	# "name place" => its text
while ($callers =~ /^\.It\ (\w+)\ ,\ in\ (.*)\n(?:(?!\.Bd|\.It).*\n)*
    \.Bd\ -literal\n((?:(?!\.Ed).*\n)*)/gmx) {
	$line{"$1 $2"} = $3;
}
my $readme = Stdmail::slurp("$Stdmail::top/README");
my ($block) = $readme =~ /^Called by others.*\n\n((?:\t.*\n)+)/m;
my %short;
my $at = '';
for my $l (split /\n/, $block // '') {
	$at = $1 if $l =~ s/^\t(\S+)\t//;
	$short{$at} .= ($l =~ s/^\t+//r) . "\n";
}
is_deeply([sort keys %line], [sort 'Postfix main.cf', 'Postfix master.cf',
    'forward ~/.forward', 'qmail ~/.qmail', 'procmail ~/.procmailrc',
    'maildrop ~/.mailfilter', 'fdm ~/.fdm.conf', 'getmail its rc file',
    'fetchmail ~/.fetchmailrc'], 'the manual has a line for each');
is_deeply([sort keys %short], [sort '~/.forward', '~/.procmailrc',
    'getmailrc'], 'and the README for some');
is($short{'~/.forward'}, $line{'forward ~/.forward'}, 'the same .forward');
is($short{'~/.procmailrc'}, $line{'procmail ~/.procmailrc'},
    'the same .procmailrc');
is($short{getmailrc}, $line{'getmail its rc file'}, 'the same getmailrc');

# --- a home in the world --------------------------------------------------

# Empty but for these files, name => text.
sub
new_home
{
	my (%files) = @_;

	chmod 0700, "$home/Maildir";
	remove_tree($home);
	make_path($home);
	Stdmail::spew("$home/$_", $files{$_}, 0600) for keys %files;
	Stdmail::_chown_tree($home, $uid, $gid);
	chmod 0755, $home;
}

# Nothing can be delivered to the Maildir now; and again.
sub
shut
{
	make_path(map { "$home/Maildir/$_" } qw(cur new tmp));
	Stdmail::_chown_tree("$home/Maildir", $uid, $gid);
	chmod 0500, "$home/Maildir/tmp";
}

sub open_again { chmod 0700, "$home/Maildir/tmp" }

# Run a command of the shell there as that account: (exit code, what it said).
sub
run
{
	my ($command, %o) = @_;
	my ($code, $out, $err) = $s->run([$world[0], 'sh', '-c', "set -e\n" .
	    "$prepare\nexec setpriv --reuid=$uid --regid=$gid --clear-groups " .
	    "env HOME=$home USER=$who LOGNAME=$who SHELL=/bin/sh TMPDIR=$home " .
	    'PATH=/usr/local/bin:/usr/bin:/bin sh -c "cd; $0"', $command],
	    as => 'me', timeout => 60, %o);

	return ($code, "$out$err");
}

# The one message below the home, without Received of those on its way.
sub
arrived
{
	my ($folder) = @_;
	my @files = glob "$home/" . ($folder // 'Maildir/new') . '/*';

	return scalar(@files) . ' messages' if @files != 1;
	my $got = Stdmail::slurp($files[0]);
	$got =~ s/^(?:Received:\ (?!from\ b\.test\n)|X-Original-To:\ |
	    Message-ID:\ |Date:\ |X-getmail).*\n(?:[ \t].*\n)*//gimx;
	return $got;
}

# --- by hand --------------------------------------------------------------

my $mail = "From bob\@b.test Sat Nov 21 04:42:04 2026\n$text";
my $path = "Return-Path: <bob\@b.test>\n";

new_home();
my ($code, $said) = run('mda-deliver', stdin => $mail);
is($code, 0, 'to whom runs it') or diag $said;
like(arrived(), qr/\A${path}Delivered-To: $who\@\S+\n\Q$text\E\z/,
    '... it lies in his Maildir');
new_home();
($code) = run("mda-deliver -f '' -d $who -a $who+x\@p.test", stdin => $mail =~
    s/\n/\r\n/gr);
is(arrived(), "Return-Path: <>\nDelivered-To: $who+x\@p.test\n$text",
    'an empty sender; a user, and the address that it came to; CRLF');
new_home();
($code) = run("env SENDER=eve\@b.test RECIPIENT=$who+x\@p.test " .
    "EXTENSION=x mda-deliver -d $who", stdin => $text);
is(arrived(), "Return-Path: <eve\@b.test>\n" .
    "Delivered-To: $who+x\@p.test\n$text", 'as the environment says');
new_home();
make_path(map { "$home/Maildir/.x/$_" } qw(cur new tmp));
Stdmail::_chown_tree($home, $uid, $gid);
($code) = run("env SENDER=eve\@b.test RECIPIENT=$who+x\@p.test EXT=x " .
    'mda-deliver', stdin => $text);
like(arrived('Maildir/.x/new'), qr/^Subject: one$/m,
    'into the folder of the extension');
new_home();
($code) = run('env SENDER=eve@b.test mda-deliver -f bob@b.test "~/Maildir/"',
    stdin => $text);
is(arrived(), "$path$text", 'an option comes first; a home without a shell');
new_home();
($code) = run('mda-deliver "~/Maildir/"', stdin => "${path}Delivered-To: " .
    "$who\@p.test\n$text");
is(arrived(), "${path}Delivered-To: $who\@p.test\n$text",
    'what another delivered stays as it is');

# --- those that are run for a message -------------------------------------

# What each is called with, its file, what it has when it is shut.
my %filters = (
	procmail => ['procmail', '.procmailrc', ''],
	maildrop => ['maildrop', '.mailfilter', ''],
	fdm => ['fdm -q -a in fetch', '.fdm.conf', "account \"in\" stdin\n"],
);

for my $name (sort keys %filters) {
	my ($command, $file, $before) = @{$filters{$name}};
	my $rule = $line{"$name ~/$file"};
	my $behind = $name eq 'fdm' ? "match all action \"in\"\n" : '';
	my %files = ($file => "$before$rule$behind");

	new_home(%files);
	($code, $said) = run($command, stdin => $mail);
	is($code, 0, "$name: $rule") or diag $said;
	# procmail sees to it that an empty line ends it.
	like(arrived(), qr/\A(?:$path)?\Q$text\E\n?\z/,
	    "$name: it lies there");
	# procmail goes on to where it would without the line.
	$files{$file} = "DEFAULT=$home/else/\n$rule" if $name eq 'procmail';
	new_home(%files);
	shut();
	($code, $said) = run($command, stdin => $mail);
	if ($name eq 'procmail') {
		like(arrived('else/new'), qr/^Subject: one$/m,
		    'procmail: later, and it keeps it');
	} elsif ($name eq 'fdm') {
		like($said, qr/returned 75/, 'fdm: later, which it knows');
	} else {
		is($code, 75, "$name: later") or diag $said;
	}
	is(arrived(), '0 messages', "$name: nothing was delivered");
}

# --- those that fetch -----------------------------------------------------

my $pop = $s->start('pop3d');

sub left { return scalar map { $s->files("Mail/alice/$_") } qw(new cur) }

my $getmail = "[retriever]\ntype = SimplePOP3Retriever\n" .
    "server = 127.0.0.1\nport = $pop->{port}\nusername = alice\n" .
    "password = open-sesame\n$line{'getmail its rc file'}" .
    "[options]\ndelete = true\n";
my $fetchmail = "poll 127.0.0.1 protocol pop3 port $pop->{port}\n" .
    "  user \"alice\" password \"open-sesame\" no rewrite sslproto \"\"\n  " .
    $line{'fetchmail ~/.fetchmailrc'};

for my $row (['getmail', 'getmail --rcfile=rc --getmaildir=.', 'rc', $getmail],
    ['fetchmail', 'fetchmail -s --nosyslog', '.fetchmailrc', $fetchmail]) {
	my ($name, $command, $file, $rc) = @$row;

	remove_tree($s->maildir('alice'));
	$s->preload('alice', "$path$text");
	new_home($file => $rc);
	shut();
	($code, $said) = run($command);
	is(arrived(), '0 messages', "$name: it cannot be delivered now");
	is(left(), 1, '... and stays where it is');
	open_again();
	($code, $said) = run($command);
	is($code, 0, "$name: it can") or diag $said;
	like(arrived(), qr/\A$path(?:Delivered-To: .*\n)?\Q$text\E\z/,
	    '... and lies there');
	is(left(), 0, '... alone');
}

# --- our own .forward and .qmail ------------------------------------------

for my $row (['.forward', 'forward ~/.forward', 'forward=yes'],
    ['.qmail', 'qmail ~/.qmail', 'qmail=yes']) {
	my ($file, $name, $key) = @$row;

	new_home($file => $line{$name});
	($code, $said) = run("mda-deliver -o $key -f bob\@b.test -a " .
	    "$who\@p.test -o domains=p.test", stdin => $text);
	is($code, 0, "$file: $line{$name}") or diag $said;
	like(arrived(), qr/\A$path(?:Delivered-To: $who\@p.test\n)?\Q$text\E\z/,
	    "$file: it lies there");
	new_home($file => "|mda-deliver\n");
	($code, $said) = run("mda-deliver -o $key -f bob\@b.test -a " .
	    "$who\@p.test -o domains=p.test", stdin => $text);
	is(arrived(), "${path}Delivered-To: $who\@p.test\n$text",
	    "$file: who is called by it does not look there again");
	new_home($file => $line{$name});
	shut();
	($code, $said) = run("mda-deliver -o $key -f bob\@b.test -a " .
	    "$who\@p.test -o domains=p.test", stdin => $text);
	is($code, 75, "$file: later") or diag $said;
}

# --- Postfix --------------------------------------------------------------

# One with these further lines; mail goes to $who of this domain.
sub
postfix
{
	my (%o) = @_;

	return Stdmail::Peer->start('postfix', $s, prepare => $prepare, %o,
	    main => ['mydestination = p.test',
	    'local_recipient_maps =', 'maximal_backoff_time = 2s',
	    'alias_maps =', 'recipient_delimiter = +',
	    @{$o{main}}],
	    master => "local unix - n n - - local\n" . ($o{master} // ''));
}

sub
by_postfix
{
	my ($what, $peer, $to, $from, $delivered, $folder) = @_;

	new_home(%{$peer->{files} // {}});
	shut();
	if ($folder ne 'Maildir/new') {
		make_path(map { "$home/Maildir/.x/$_" } qw(cur new tmp));
		Stdmail::_chown_tree("$home/Maildir/.x", $uid, $gid);
		chmod 0500, "$home/Maildir/.x/tmp";
	}
	my $reply = $peer->send($text =~ s/\n/\r\n/gr, from => $from,
	    to => [$to]);
	like($reply, qr/^2/, "$what: taken");
	ok(Stdmail::until_true(sub {
		$peer->log_text =~ /to=<$who\S*, .*status=deferred/ }, 60),
	    '... cannot be delivered now, and waits') or diag $peer->log_text;
	open_again();
	chmod 0700, "$home/Maildir/.x/tmp";
	my $came = sub { my @files = glob "$home/$folder/*"; return @files };
	for (1 .. 12) {
		last if Stdmail::until_true($came, 5);
		$peer->flush;
	}
	ok($came->(), '... can') or diag $peer->log_text;
	my $got = arrived($folder);
	is($got, "Return-Path: <$from>\n$delivered$text", '... and lies there');
	ok(Stdmail::until_true(sub {
		$peer->log_text =~ /to=<$who\S*, .*status=sent/ }, 60),
	    '... once, and Postfix knows') or diag $peer->log_text;
	$peer->stop;
}

by_postfix('mailbox_command', postfix(main => [map { s/\n//r }
    $line{'Postfix main.cf'}]), "$who\@p.test", 'bob@b.test',
    "Delivered-To: $who\@p.test\n", 'Maildir/new');
by_postfix('mailbox_command, an extension, a bounce', postfix(main => [map {
    s/\n//r } $line{'Postfix main.cf'}]), "$who+x\@p.test", '',
    "Delivered-To: $who+x\@p.test\n", 'Maildir/.x/new');
by_postfix('.forward', do {
	my $p = postfix(main => []);
	$p->{files} = { '.forward' => $line{'forward ~/.forward'} };
	$p;
    }, "$who\@p.test", 'bob@b.test', "Delivered-To: $who\@p.test\n",
    'Maildir/new');
by_postfix('pipe(8)', postfix(main => ['mailbox_transport = stdmail:',
    'stdmail_destination_recipient_limit = 1'],
    master => $line{'Postfix master.cf'}), "$who+x\@p.test", 'bob@b.test',
    "Delivered-To: $who+x\@p.test\n", 'Maildir/.x/new');

done_testing();
