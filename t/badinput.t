#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that bad input and bad surroundings get a clear answer in the
# protocol and leave nothing behind: the conversations of chat/badinput, then
# what no conversation can show: configurations that cannot be read, a disk
# that is full, a spool that is missing for the agents.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail;
use Stdmail::Chat;

my @programs = grep { Stdmail::program($_) }
    qw(smtpd smtp-send mda-deliver pop3d imapd mxlookup);
plan skip_all => 'nothing is built' if !@programs;
my %built = map { $_ => 1 } @programs;

# A mount of our own for the full disk, gone with this process.
if (Stdmail::is_root() && !$ENV{STDMAIL_OWN_MOUNTS}) {
	my ($unshare) = Stdmail::tool('unshare');
	if ($unshare && system("$unshare --mount true 2>/dev/null") == 0) {
		$ENV{STDMAIL_OWN_MOUNTS} = 1;
		Stdmail::cleanup();
		exec $unshare, '--mount', '--propagation', 'private', $^X, $0,
		    @ARGV;
	}
}

# --- conversations --------------------------------------------------------

for my $file (sort glob "$FindBin::Bin/chat/badinput/*.chat") {
	my $name = $file =~ s{.*/}{}r;
	my $chat = Stdmail::Chat::parse($file);

	SKIP: {
		my $why = Stdmail::Chat::skip_reason($chat);
		skip "$name: $why", 2 if defined $why;
		for my $split (0, 1) {
			my $fault = Stdmail::Chat::hold($chat, split => $split);
			is($fault, undef, $name .
			    ($split ? ', byte by byte' : ''));
		}
	}
}

# --- configurations -------------------------------------------------------

# Each program ends with 78 and one line that names the file, the line in it
# or the key; a client that is already there sees the connection end.
sub
configurations
{
	my ($name) = @_;
	my $s = Stdmail->new(users => { alice => 'open-sesame' });
	my $good = Stdmail::slurp($s->{conf_file});
	my $bad = "$s->{dir}/bad.conf";
	my @rows = (
		['missing', undef, qr{\Q$bad\E: .*No such file}],
		['unreadable', sub { Stdmail::spew($bad, $good, 0) },
		    qr{\Q$bad\E: .*Permission denied}],
		['a folder', sub { mkdir $bad }, qr{\Q$bad\E.*}],
		['an unknown key', sub {
			Stdmail::spew($bad, "${good}frobnicate yes\n", 0644);
		}, qr{\Q$bad\E.*frobnicate}],
		['a value that is no number', sub {
			Stdmail::spew($bad, "# one\nmax_size lots\n$good", 0644);
		}, qr{\Q$bad\E:2: .*max_size}],
	);

	for my $row (@rows) {
		my ($what, $make, $want) = @$row;
		my @args = { mxlookup => ['a.test'], 'smtp-send' => ['a@b.test'],
		    'mda-deliver' => ['-q'] }->{$name};

		$make->() if $make;
		my $path = Stdmail::program($name);
		my ($status, $out, $err) = $s->run([$path, '-c', $bad,
		    map { $_ ? @$_ : () } @args], stdin => '');
		is($status, 78, "$name: configuration $what: 78");
		like($err, $want, "$name: and it says which");
		is(($err =~ tr/\n//), 1, "$name: in one line") or diag $err;
		($status, $out, $err) = $s->run([$path, '-c', $bad, '-n'],
		    stdin => '');
		is($status, 78, "$name: -n says the same");
		-d $bad ? rmdir $bad : unlink $bad;
	}
	my ($status, $out, $err) = $s->run_program($name,
	    ['-o', 'frobnicate=yes'], stdin => '');
	is($status, 78, "$name: -o with an unknown key: 78");
	like($err, qr/frobnicate/, "$name: and it names it");
	($status, $out, $err) = $s->run_program($name, ['--frobnicate'],
	    stdin => '');
	is($status, 64, "$name: an unknown option: 64");
}

configurations($_) for @programs;

# The checks of -n: users, certificate, key, spool, hostname.
sub
checks
{
	my ($name) = @_;
	my $try = sub {
		my ($what, $want, $conf, $do) = @_;
		my $s = Stdmail->new(users => { alice => 'open-sesame' },
		    conf => $conf);

		$do->($s) if $do;
		my ($status, $out, $err) = $s->run_program($name, ['-n'],
		    stdin => '');
		is($status, defined $want ? 78 : 0, "$name -n: $what");
		defined $want ? like($err, $want, "$name -n: it says so")
		    : is($err, '', "$name -n: silent when all is well");
	};

	$try->('all is well', undef, { postmaster => 'alice' });
	return if $name eq 'mxlookup';
	$try->('an unqualified hostname', qr/hostname/, { hostname => 'mail' });
	if ($name =~ /^(smtpd|smtp-send|mda-deliver)\z/) {
		$try->('no spool', qr/spool/, {}, sub {
			system('rm', '-rf', $_[0]{spool});
		});
	}
	return if $name eq 'smtp-send';
	$try->('no users file', qr/users/, {}, sub {
		unlink "$_[0]{dir}/users";
	});
	return if $name eq 'mda-deliver';
	$try->('no certificate', qr/cert\.pem/, {}, sub {
		unlink "$_[0]{dir}/cert.pem";
	});
	$try->('a key that is none', qr/key\.pem/, {}, sub {
		Stdmail::spew("$_[0]{dir}/key.pem", "nonsense\n", 0600);
		$_[0]->own;
	});
}

checks($_) for @programs;

# TLS from the first byte without a certificate cannot begin at all.
for my $name (grep { $built{$_} } qw(smtpd pop3d imapd)) {
	my $s = Stdmail->new(conf => { tls_cert => undef, tls_key => undef });
	my ($status, $out, $err) = $s->run_program($name, ['-T'], stdin => '');

	is($status, 78, "$name -T without a certificate: 78");
	is($out, '', "$name -T: nothing said in the clear");
	like($err, qr/tls_cert|certificate/, "$name -T: it says what is missing");
	$s->remove;
}

# --- a full disk ----------------------------------------------------------

# Make DIR of this site a small file system of its own.
sub
small
{
	my ($s, $dir, $bytes) = @_;
	my @folders = grep { -d } glob("$dir/* $dir/*/*");

	system('mount', '-t', 'tmpfs', '-o', "size=$bytes,mode=0755", 'tmpfs',
	    $dir) == 0 or die "mount: $?\n";
	File::Path::make_path(@folders, $dir);
	$s->own;
	return $dir;
}

sub
full_smtpd
{
	my ($s, $what, $srv, $status) = @_;
	my $c = $srv->connect;
	my $body = ('x' x 998 . "\r\n") x 4000;

	$c->smtp($_) for undef, 'EHLO client.test', 'MAIL FROM:<a@b.test>';
	like($c->smtp('RCPT TO:<alice@a.test>'), qr/^250 /, "$what: RCPT");
	like($c->smtp('DATA'), qr/^354 /, "$what: DATA");
	like($c->smtp("Subject: x\r\n\r\n$body."), $status,
	    "$what: a temporary error");
	is(scalar $s->spooled, 0, "$what: nothing of it stays");
	like($c->smtp('MAIL FROM:<a@b.test>'), qr/^250 /, "$what: again");
	like($c->smtp('RCPT TO:<alice@a.test>'), qr/^250 /, "$what: RCPT");
	like($c->smtp('DATA'), qr/^354 /, "$what: DATA");
	like($c->smtp("Subject: x\r\n\r\nshort\r\n."), qr/^250 /,
	    "$what: a short one is taken");
	$c->smtp('QUIT');
	$c->close;
}

SKIP: {
	skip 'smtpd is not built', 1 if !$built{smtpd};
	skip 'no mount of our own without root', 1
	    if !$ENV{STDMAIL_OWN_MOUNTS};
	my $s = Stdmail->new(users => { alice => 'open-sesame' });
	small($s, $s->{spool}, '3m');
	my $srv = $s->start('smtpd');
	full_smtpd($s, 'spool full', $srv, qr/^452 4\.3\.1 /);
	Stdmail::spew("$s->{spool}/filler", 'x' x 2_500_000);
	my $c = $srv->connect;
	$c->smtp($_) for undef, 'EHLO client.test';
	like($c->smtp('MAIL FROM:<a@b.test>'), qr/^452 4\.3\.1 /,
	    'spool almost full: said at MAIL');
	like($c->smtp('NOOP'), qr/^250 /, 'spool almost full: and it goes on');
	$c->close;
	$s->stop;
	system('umount', $s->{spool});
}

SKIP: {
	skip 'smtpd is not built', 1 if !$built{smtpd};
	my $s = Stdmail->new(users => { alice => 'open-sesame' });
	# A limit on the size of files, which anyone may set.
	my @cmd = $s->command('smtpd');
	my $l = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0,
	    Listen => 5);
	my $pid = $s->spawn(['/bin/sh', '-c', "trap '' XFSZ; ulimit -f 2000; " .
	    'export LISTEN_PID=$$; exec "$@"', 'sh', @cmd], { 3 => $l },
	    env => { LISTEN_FDS => 1 });
	my $srv = bless { site => $s, addr => '127.0.0.1', pid => $pid,
	    port => $l->sockport, name => 'smtpd' }, 'Stdmail::Server';
	full_smtpd($s, 'file too large', $srv, qr/^45[12] 4\.3\.\d /);
	$srv->stop;
}

SKIP: {
	skip 'mda-deliver is not built', 1 if !$built{'mda-deliver'};
	my $s = Stdmail->new(users => { alice => 'open-sesame' });
	my $run = sub {
		my ($what, $want, $stdin, @args) = @_;
		my ($status, $out, $err) = $s->run_program('mda-deliver',
		    \@args, stdin => $stdin);

		is($status, $want, "mda-deliver: $what: $want") or diag $err;
		is(($err =~ tr/\n//), 1, "mda-deliver: $what: in one line")
		    or diag $err;
	};
	my $text = "Subject: x\n\ntext\n";

	$run->('no such user', 67, $text, '-d', 'nobody-here');
	$run->('no such address', 67, $text, '-a', 'nobody-here@a.test');
	mkdir "$s->{dir}/closed", 0;
	$run->('a Maildir it may not open', 75, $text, "$s->{dir}/closed/box/")
	    if $s->{as} ne 'root';
	chmod 0700, "$s->{dir}/closed";
	is(scalar(() = $s->files('Mail/*/*')), 0, 'and delivers nothing');
	if ($ENV{STDMAIL_OWN_MOUNTS}) {
		my $dir = "$s->{dir}/full";
		mkdir $dir;
		small($s, $dir, '64k');
		$run->('a full disk', 75, "Subject: x\n\n" .
		    ('x' x 70 . "\n") x 4000, "$dir/box/");
		my @left = $s->files('full/box/*');
		is("@left", '', 'mda-deliver: and nothing of it stays');
		system('umount', $dir);
	}
	system('rm', '-rf', $s->{spool});
	my ($status, undef, $err) = $s->run_program('mda-deliver', ['-q']);
	isnt($status, 0, 'mda-deliver -q without a spool is a fault');
	like($err, qr/spool/, 'and it says which');
}

SKIP: {
	skip 'imapd is not built', 1 if !$built{imapd};
	skip 'no mount of our own without root', 1
	    if !$ENV{STDMAIL_OWN_MOUNTS};
	my $s = Stdmail->new(users => { alice => 'open-sesame' });
	$s->preload('alice', "Subject: x\n\ntext\n", '');
	my $dir = $s->maildir('alice');
	small($s, $dir, '100k');
	my $srv = $s->start('imapd');
	my $c = $srv->connect;
	$c->answer;
	like($c->imap('LOGIN alice open-sesame'), qr/^t1 OK/m, 'imapd: LOGIN');
	$c->send("a APPEND INBOX {300000}\r\n");
	my $got = $c->answer;
	if ($got =~ /^\+/) {
		$c->send('x' x 300000 . "\r\n");
		$got = $c->answer;
	}
	like($got, qr/^a NO /, 'imapd: APPEND to a full disk is NO');
	is(join(' ', grep { !m{/(?:dovecot|stdmail|subscr|maildir)[^/]*\z} }
	    map { $s->files("Mail/alice/$_") } qw(tmp new cur)), '',
	    'imapd: and nothing of it stays');
	like($c->imap('NOOP'), qr/^t2 OK/m, 'imapd: the session goes on');
	$c->imap('LOGOUT');
	$c->close;
	$s->stop;
	system('umount', $dir);
}

done_testing();
