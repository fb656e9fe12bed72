#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the clients people have can use imapd: curl (list, open, read,
# search, append, flag, with STARTTLS and TLS), mutt (batch: read, copy, save),
# mbsync (both directions, flags and expunge, and through its Tunnel) and
# fetchmail (keep and delete).
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(make_path);
use Test::More;

use Stdmail;

Stdmail::need(qw(imapd));

my @text = map {
	"From: Bob <bob\@b.test>\nTo: alice\@a.test\nSubject: number $_\n" .
	    "Date: Sat, 21 Nov 2026 04:42:0$_ +0000\n" .
	    "Message-ID: <$_\@b.test>\n\nThis is message $_.\n.dot\n"
} 1 .. 3;

sub crlf { return $_[0] =~ s/\n/\r\n/gr }

sub
site
{
	my $s = Stdmail->new(users => { alice => 'open-sesame' });

	$s->preload('alice', $text[0], 'S', 1700000001);
	$s->preload('alice', $text[1], undef, 1700000002);
	$s->preload('alice', $text[2], undef, 1700000003);
	$s->preload('alice/Archive', $text[0], 'S', 1700000004);
	$s->{srv} = $s->start('imapd');
	$s->{tls} = $s->start('imapd', args => ['-T']);
	make_path("$s->{dir}/client");
	$s->{cert} = "$s->{dir}/client/cert.pem";
	Stdmail::spew($s->{cert}, Stdmail::slurp("$s->{dir}/cert.pem"));
	return $s;
}

sub
finish
{
	my ($s, $what) = @_;

	ok($s->{$_}->alive(0.02), "$what: the server lives") for qw(srv tls);
	unlike($s->log_text, qr/open-sesame/, "$what: no password in the log");
	unlike($s->log_text, qr/signal=|AddressSanitizer|runtime error/,
	    "$what: nothing crashed");
	$s->stop;
}

sub
names
{
	my ($s, $box) = @_;

	return map { s{.*/}{}r } map { $s->files("Mail/$box/$_") }
	    qw(new cur);
}

# --- curl -----------------------------------------------------------------

sub
curl
{
	my ($s, @args) = @_;

	return $s->run_tool('curl', ['-sS', '--cacert', $s->{cert},
	    '-u', 'alice:open-sesame', @args]);
}

sub
with_curl
{
	my $s = site();
	my $url = "imap://127.0.0.1:$s->{srv}{port}";
	my $urls = "imaps://127.0.0.1:$s->{tls}{port}";

	for my $row (['in the clear', $url], ['STARTTLS', $url, '--ssl-reqd'],
	    ['TLS from the first byte', $urls],
	    ['SASL PLAIN', $url, '--login-options', 'AUTH=PLAIN']) {
		my ($what, $base, @args) = @$row;
		my ($status, $out, $err) = curl($s, @args, "$base/");
		like($out, qr/^\* LIST \([^)]*\) "[.\/]" "?INBOX"?\r$/m,
		    "curl, $what: LIST") or diag $err;
		($status, $out, $err) = curl($s, @args,
		    "$base/INBOX;MAILINDEX=2");
		Stdmail::same($out, crlf($text[1]), "curl, $what: a message") or diag $err;
	}
	my ($status, $out) = curl($s, "$url/INBOX;MAILINDEX=1;SECTION=HEADER." .
	    'FIELDS%20(SUBJECT)');
	is($out, "Subject: number 1\r\n\r\n", 'curl: one header field');
	($status, $out) = curl($s, "$url/INBOX?SUBJECT%20two");
	like($out, qr/^\* SEARCH\r$/m, 'curl: SEARCH that finds nothing');
	($status, $out) = curl($s, "$url/INBOX?SUBJECT%20%22number%203%22");
	like($out, qr/^\* SEARCH 3\r$/m, 'curl: SEARCH');
	($status, $out) = curl($s, "$url/INBOX", '-X', 'FETCH 1:3 (UID FLAGS)');
	is(scalar(() = $out =~ /^\* \d FETCH \(/mg), 3, 'curl: FETCH');
	($status, $out) = curl($s, "$url/INBOX", '-X',
	    'STORE 2 +FLAGS.SILENT (\Flagged \Answered)');
	is($status, 0, 'curl: STORE');
	ok((grep { /:2,[A-Z]*F[A-Z]*R|:2,FR/ } names($s, 'alice')),
	    'and the name of the file tells it') or diag names($s, 'alice');
	curl($s, "$url/Archive;MAILINDEX=1");
	Stdmail::spew("$s->{dir}/client/new", crlf($text[2]));
	($status, undef, my $err) = curl($s, "$url/Archive", '-T',
	    "$s->{dir}/client/new");
	is($status, 0, 'curl: APPEND') or diag $err;
	is(scalar names($s, 'alice/.Archive'), 2, 'and there is one more');
	($status, $out) = curl($s, "$url/Archive;MAILINDEX=2");
	is($out, crlf($text[2]), 'which reads as it was');
	($status, $out) = curl($s, $url, '-X', 'CREATE Lists');
	is($status, 0, 'curl: CREATE');
	($status, $out) = curl($s, "$url/");
	like($out, qr/^\* LIST \([^)]*\) "." "?Lists"?\r$/m, 'it is listed');
	($status, $out) = curl($s, "$url/INBOX", '-X', 'COPY 1 Lists');
	is(scalar names($s, 'alice/.Lists'), 1, 'curl: COPY');
	($status, $out) = curl($s, $url, '-X', 'DELETE Lists');
	ok(!-e "$s->{dir}/Mail/alice/.Lists", 'curl: DELETE');
	($status) = $s->run_tool('curl', ['-sS', '-u', 'alice:wrong', "$url/"]);
	is($status, 67, 'curl: a wrong password: login denied');
	finish($s, 'curl');
}

# --- mutt -----------------------------------------------------------------

sub
mutt
{
	my ($s, $folder, @commands) = @_;
	my $home = "$s->{dir}/client";
	my ($rc, @args) = ("$home/muttrc");

	Stdmail::spew($rc, <<END);
set imap_user=alice imap_pass=open-sesame
set certificate_file=$s->{cert} ssl_ca_certificates_file=$s->{cert}
set ssl_starttls=no ssl_force_tls=no ssl_verify_host=no
set header_cache="" message_cachedir="" sleep_time=0 wait_key=no
set confirmappend=no confirmcreate=no delete=yes mark_old=no quit=yes
set mbox_type=Maildir resolve=no spoolfile=$folder folder=$folder
set imap_check_subscribed=no timeout=5 beep=no read_inc=0 write_inc=0
set copy=no move=no
push "@{[join '', @commands]}"
END
	return $s->run_tool_tty('mutt', ['-n', '-F', $rc, '-f', $folder, @args]);
}

sub
with_mutt
{
	my $s = site();
	my $in = "imap://127.0.0.1:$s->{srv}{port}/INBOX";
	my $arch = "imap://127.0.0.1:$s->{srv}{port}/Archive";
	my $box = "$s->{dir}/client/saved";
	# mutt needs a terminal, even to do what it is told.
	my ($status, $out, $err) = mutt($s, $in,
	    "<tag-pattern>~A<enter><tag-prefix><copy-message>$box<enter>",
	    '<untag-pattern>~A<enter><exit>');

	is($status, 0, 'mutt: opens INBOX and copies all') or diag "$out$err";
	is(scalar(map { $s->files("client/saved/$_") } qw(new cur)), 3,
	    'mutt: three messages saved') or diag $err, $s->log_text;
	my @got = sort map { Stdmail::slurp($_) =~ s/^(?:Status|Content-Length|Lines):.*\n//mgr }
	    map { $s->files("client/saved/$_") } qw(new cur);
	is_deeply(\@got, [sort @text], 'mutt: with their bytes');
	($status, $out, $err) = mutt($s, $in,
	    '<first-entry><set-flag>!<copy-message>', $arch =~ s/.*\//=/r,
	    '<enter><first-entry><delete-message><sync-mailbox><exit>');
	is($status, 0, 'mutt: flags, copies, deletes') or diag "$out$err";
	finish($s, 'mutt');
}

# --- mbsync ---------------------------------------------------------------

sub
mbsync
{
	my ($s, $store, @args) = @_;
	my $home = "$s->{dir}/client";

	make_path("$home/box");
	Stdmail::spew("$home/mbsyncrc", <<END, 0600);
IMAPStore far
$store

MaildirStore near
Path $home/box/
Inbox $home/box/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns * INBOX
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState *
END
	return $s->run_tool('mbsync', ['-c', "$home/mbsyncrc", @args, 'all'],
	    env => { Stdmail::lend_libraries(Stdmail::program('imapd')) });
}

sub
near
{
	my ($s, $box) = @_;

	return map { $s->files("client/box/$box/$_") } qw(new cur);
}

sub
with_mbsync
{
	my ($how, $s, $store) = @_;
	my $ok = sub {
		my ($what) = @_;
		my ($status, $out, $err) = mbsync($s, $store);

		is($status, 0, "mbsync, $how: $what") or
		    diag "$out$err\n" . $s->log_text;
	};

	$ok->('the first time');
	is(scalar near($s, 'INBOX'), 3, "mbsync, $how: INBOX came");
	is(scalar near($s, 'Archive'), 1, "mbsync, $how: Archive too");
	my @got = sort map { Stdmail::slurp($_) =~ s/^X-TUID:.*\n//mr }
	    near($s, 'INBOX');
	is_deeply(\@got, [sort @text], "mbsync, $how: byte by byte");
	$ok->('again, with nothing to do');
	# A flag and a new message from here, an expunge from there.
	my ($one) = grep { Stdmail::slurp($_) =~ /number 2/ } near($s, 'INBOX');
	my $seen = $one =~ s{/new/}{/cur/}r =~ s/(?::2,([A-Z]*))?\z/':2,FS'/er;
	rename $one, $seen or die "$one: $!\n";
	Stdmail::spew("$s->{dir}/client/box/INBOX/new/1.M1P1.near",
	    "Subject: from here\n\nnew\n");
	my ($gone) = grep { Stdmail::slurp($_) =~ /number 3/ }
	    map { $s->files("Mail/alice/$_") } qw(new cur);
	unlink $gone;
	$ok->('both ways');
	my @far = map { [$_, Stdmail::slurp($_)] }
	    map { $s->files("Mail/alice/$_") } qw(new cur);
	ok((grep { $_->[0] =~ /:2,FS\z/ && $_->[1] =~ /number 2/ } @far),
	    "mbsync, $how: the flags went there");
	ok((grep { $_->[1] =~ /\ASubject: from here\n/m } @far),
	    "mbsync, $how: the message went there");
	is(scalar(grep { Stdmail::slurp($_) =~ /number 3/ }
	    near($s, 'INBOX')), 0, "mbsync, $how: the expunge came here");
	# A folder made here, and a message deleted here.
	make_path(map { "$s->{dir}/client/box/Made/$_" } qw(cur new tmp));
	Stdmail::spew("$s->{dir}/client/box/Made/new/1.M2P1.near",
	    "Subject: in a new folder\n\nnew\n");
	unlink grep { Stdmail::slurp($_) =~ /number 1/ } near($s, 'INBOX');
	$ok->('a folder, and a deletion');
	is(scalar names($s, 'alice/.Made'), 1, "mbsync, $how: the folder");
	is(scalar(grep { Stdmail::slurp($_) =~ /number 1/ }
	    map { $s->files("Mail/alice/$_") } qw(new cur)), 0,
	    "mbsync, $how: the deletion");
	$ok->('and nothing to do at the end');
	finish($s, "mbsync, $how");
}

sub
all_mbsync
{
	my @login = ('Host localhost', 'User alice', 'Pass open-sesame',
	    'AuthMechs LOGIN');
	my $s = site();
	with_mbsync('in the clear', $s, join "\n", @login,
	    "Port $s->{srv}{port}", 'SSLType None');
	$s = site();
	with_mbsync('STARTTLS', $s, join "\n", @login, "Port $s->{srv}{port}",
	    'SSLType STARTTLS', "CertificateFile $s->{cert}");
	$s = site();
	with_mbsync('TLS', $s, join "\n", @login, "Port $s->{tls}{port}",
	    'SSLType IMAPS', "CertificateFile $s->{cert}");
	# mbsync runs our program itself, inside the world if it lives there.
	my $imapd = Stdmail::program('imapd');
	SKIP: {
		skip 'imapd lacks libraries where mbsync is', 1 if
		    !Stdmail::can_run($imapd, Stdmail::tool('mbsync'));
		$s = site();
		with_mbsync('Tunnel', $s, "Tunnel \"$imapd -c " .
		    "$s->{conf_file} -p $s->{dir}/Mail/alice\"");
	}
}

# --- fetchmail ------------------------------------------------------------

sub
fetchmail
{
	my ($s, $port, $options) = @_;
	my $home = "$s->{dir}/client";

	unlink "$home/fetched";
	Stdmail::spew("$home/fetchmailrc", <<END, 0600);
set no bouncemail
poll localhost protocol imap port $port
    user alice password "open-sesame" $options
    mda "/bin/sh -c 'cat; echo' >>$home/fetched"
END
	my ($status, $out, $err) = $s->run_tool('fetchmail', ['-f',
	    "$home/fetchmailrc", '--pidfile', "$home/fetchmail.pid",
	    '--invisible']);
	my $got = -e "$home/fetched" ? Stdmail::slurp("$home/fetched") : '';
	return ($status, $got =~ s/\r//gr, "$out$err");
}

sub
with_fetchmail
{
	my $s = site();
	my $trust = "sslcertck sslcertfile $s->{cert}";
	my $want = join '', map { "$_\n" } @text;

	for my $row (
		['keep', $s->{srv}, "sslproto '' keep fetchall"],
		['STARTTLS', $s->{srv}, "sslproto TLS1.2+ $trust keep fetchall"],
		['TLS', $s->{tls}, "ssl $trust keep fetchall"],
		['nokeep', $s->{srv}, "sslproto '' nokeep fetchall"],
	) {
		my ($what, $srv, $options) = @$row;
		my ($status, $got, $err) = fetchmail($s, $srv->{port},
		    $options);
		is($status, 0, "fetchmail, $what") or diag $err;
		Stdmail::same($got, $want, "fetchmail, $what: all three as they are");
	}
	is(scalar names($s, 'alice'), 0, 'fetchmail: and INBOX is empty');
	my ($status) = fetchmail($s, $s->{srv}{port},
	    "sslproto '' nokeep fetchall");
	is($status, 1, 'fetchmail: no mail');
	finish($s, 'fetchmail');
}

for my $row (['curl', \&with_curl], ['mutt', \&with_mutt],
    ['mbsync', \&all_mbsync], ['fetchmail', \&with_fetchmail]) {
	my ($tool, $run) = @$row;

	SKIP: {
		skip "$tool is missing", 1 if !Stdmail::tool($tool);
		$run->();
	}
}

done_testing();
