#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what an address is, by the programs together: smtpd takes what
# mda-deliver then delivers.  An alias of users and others, one destination of
# which fails alone; a catch-all; a folder of a user; postmaster without an
# account; a sender of ours for what is sent on, and the bounce to it; a backup
# MX that asks its primary; a full mailbox.  Under root all of it runs twice: as
# an unprivileged user, and with accounts.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(hmac_sha1_base64);
use File::Path qw(make_path);
use Test::More;

use Stdmail;
use Stdmail::Mta;
use Stdmail::Nameserver;

Stdmail::need(qw(smtpd mda-deliver smtp-send));

# A stranger's session: the reply to each recipient, then to the data.
sub
send_mail
{
	my ($srv, $from, @to) = @_;
	my $c = $srv->connect(from => '127.0.0.2');
	my @said;

	$c->smtp;
	$c->smtp($_) for 'EHLO client.test', "MAIL FROM:<$from>";
	push @said, $c->smtp("RCPT TO:<$_>") for @to;
	if (grep { /^250/ } @said) {
		$c->smtp('DATA');
		push @said, $c->smtp("Subject: x\r\n\r\nhello\r\n.");
	}
	$c->smtp('QUIT');
	$c->close;
	return join ' ', map { substr $_, 0, 9 } @said;
}

my $taken = '250 2.1.5 250 2.0.0';

sub
deliver
{
	my ($s, $what) = @_;
	my ($status, $out, $err) = $s->run_program('mda-deliver', ['-q']);

	is("$status$out", '0', "$what: mda-deliver -q") or diag $err;
	return $err;
}

# The texts of the messages in a mailbox, which is emptied.
sub
take
{
	my ($s, $box) = @_;
	my @files = $s->files("Mail/$box/new");
	my @texts = map { Stdmail::slurp($_) } @files;

	unlink @files;
	return @texts;
}

sub
folder
{
	my ($s, $user, $name) = @_;

	make_path(map { "$s->{dir}/Mail/$user/$name/$_" } qw(cur new tmp));
	Stdmail::spew("$s->{dir}/Mail/$user/$name/maildirfolder", '', 0600);
}

sub
site
{
	my ($as, %conf) = @_;
	my $s = Stdmail->new(as => $as, users => { bob => 'x', amy => 'x' },
	    conf => { domains => 'a.test b.test', %conf });

	for my $key (qw(aliases virtual relay_recipients srs_secret)) {
		next if !defined $conf{$key};
		Stdmail::spew("$s->{dir}/$key", $conf{$key}, 0644);
		$s->{conf}{$key} = "$s->{dir}/$key";
	}
	$s->write_conf;
	$s->own;
	return $s;
}

sub
check
{
	my ($s, $want, $words, $what) = @_;
	my ($status, $out, $err) = $s->run_program('smtpd', ['-n']);

	is($status, $want, "-n: $what") or diag $err;
	like($err, $words, '... says so');
}

sub
aliases
{
	my ($as) = @_;
	my $mta = Stdmail::Mta->start;
	my $s = site($as, route => ["far.test 127.0.0.1:$mta->{port}",
	    'x.test 127.0.0.1:1'],
	    aliases => "sales: bob, amy, Bob, carol\@far.test\n" .
		"bob: bob, gone\n",
	    virtual => "\@b.test amy\@a.test\n",
	    srs_secret => "the secret of a.test\n");
	my $srv = $s->start('smtpd');

	is(send_mail($srv, 'al@x.test', 'sales@a.test'), $taken,
	    "$as: an alias is a recipient");
	deliver($s, $as);
	for my $user (qw(bob amy)) {
		my @got = take($s, $user);
		is(scalar @got, 1, "$user has it once") or
		    diag $s->log_text;
		like($got[0] // '', qr/\AReturn-Path:\ <al\@x\.test>\n
		    Delivered-To:\ $user\@a\.test\n
		    Delivered-To:\ sales\@a\.test\nReceived:/x,
		    '... and sees whose it was');
	}
	my @out = $s->spooled('remote/env');
	is(scalar @out, 2, 'what is for elsewhere waits, and a bounce')
	    or diag "@out";
	my ($status, $said, $err) = $s->run_program('smtp-send', ['-q']);
	my ($heard) = grep { "@$_" =~ /carol/ } $mta->heard;
	ok($heard, '... and is sent on') or diag $err;
	my ($sender) = "@{$heard // []}" =~ /MAIL FROM:<([^>]*)>/;
	my ($hash, $stamp) = ($sender // '') =~
	    /^SRS0=(....)=(..)=x\.test=al\@a\.test$/;
	is($hash // '', substr(hmac_sha1_base64(lc(($stamp // '') .
	    'x.testal'), 'the secret of a.test'), 0, 4),
	    '... with a sender of ours') or diag "@{$heard // []}";
	unlike(join('', $mta->messages), qr/^Return-Path/m,
	    '... and without a trace of it');

	# A bounce of theirs finds the way back, and nobody makes such an
	# address but us.
	unlink $s->spooled('remote');
	is(send_mail($srv, '', $sender), $taken,
	    'a bounce to it is taken');
	deliver($s, $as);
	@out = $s->spooled('remote/env');
	like(Stdmail::slurp($out[0] // '/dev/null'),
	    qr/^sender <>\n(?:.*\n)*to Q al\@x\.test\n/m,
	    '... and goes to the sender');
	unlink $s->spooled('remote');
	is(send_mail($srv, '', "SRS0=AAAA=$stamp=x.test=al\@a.test"),
	    '550 5.1.1', '... which others cannot make');

	is(send_mail($srv, 'al@x.test', 'who@b.test', 'who@a.test'),
	    '250 2.1.5 550 5.1.1 250 2.0.0', 'a catch-all, at its domain');
	deliver($s, $as);
	is(scalar(take($s, 'amy')), 1, '... and who gets it');

	folder($s, 'amy', '.Lists.News');
	$s->own;
	is(send_mail($srv, 'al@x.test', "$_\@a.test"), $taken, "$_ is taken")
	    for 'amy+lists.news', 'amy+none', '"amy+../../bob"';
	deliver($s, $as);
	is(scalar(take($s, 'amy/.Lists.News')), 1, 'in the folder it names');
	is(scalar(take($s, 'amy')), 2, '... else in the INBOX');

	# A failed report, which is his too, may wait for him already.
	my $before = () = $s->spooled('local/later');
	is(send_mail($srv, 'al@x.test', 'Postmaster'), $taken,
	    'postmaster without an account is taken');
	my $log = deliver($s, $as);
	like($log, qr/deferred .*4\.3\.5 - nobody gets mail/,
	    '... and waits');
	is(scalar(() = $s->spooled('local/later')), $before + 1,
	    '... in the queue');
	check($s, 0, qr/note: nobody gets mail for postmaster\@a\.test/,
	    'postmaster leads nowhere');

	# A file that changes under a running server.
	Stdmail::spew("$s->{dir}/aliases", "new: bob\n", 0644);
	is(send_mail($srv, 'al@x.test', 'new@a.test', 'sales@a.test'),
	    '250 2.1.5 550 5.1.1 250 2.0.0', 'a changed file is read');
	Stdmail::spew("$s->{dir}/aliases", "new: bob\nbroken\n", 0644);
	is(send_mail($srv, 'al@x.test', 'new@a.test'), $taken,
	    'one with a fault is not');
	check($s, 78, qr{/aliases:2: there is no colon}, 'a broken file');
	Stdmail::spew("$s->{dir}/aliases", "new: bob\n", 0644);
	deliver($s, $as);
	is(scalar(take($s, 'bob')), 2, '... and who has the two');
	Stdmail::spew("$s->{dir}/aliases", "x: y\nnew: |/no/cat\n", 0644);
	check($s, 78, qr{/aliases:2: /no/cat: No such file},
	    'a program that is not there');
	Stdmail::spew("$s->{dir}/aliases",
	    "x: y\nnew: bob, :include:$s->{dir}/list\n", 0644);
	check($s, 78, qr{/aliases:2: \S+/list: No such file},
	    'a file to include that is not there');
	is(send_mail($srv, 'al@x.test', 'new@a.test'), '451 4.3.0',
	    '... is a fault for a while');
	Stdmail::spew("$s->{dir}/list", "amy\n\nbob amy\n", 0644);
	$s->own;
	check($s, 78, qr{/list:3: the address}, 'one that has a fault');
	Stdmail::spew("$s->{dir}/list", "# all\namy\n", 0644);
	$s->own;
	is(send_mail($srv, 'al@x.test', 'new@a.test'), $taken,
	    '... that is mended');
	deliver($s, $as);
	is(scalar(take($s, $_)), 1, "... $_ has it") for 'bob', 'amy';
	chmod 0664, "$s->{dir}/aliases";
	check($s, 78, qr{/aliases: may be written by its group or others},
	    'a file that others may write');
	is(send_mail($srv, 'al@x.test', 'new@a.test', 'bob@a.test'),
	    '451 4.3.0 250 2.1.5 250 2.0.0', '... stops those in it alone');
	$s->remove;
}

# By hand.
sub
by_hand
{
	my $s = site('nobody', aliases => "all: bob, amy, x\@far.test\none: bob\n");
	my $text = "Subject: x\r\n\r\ny\r\n";
	my ($status, $out, $err) = $s->run_program('mda-deliver',
	    ['-f', 'al@x.test', '-a', 'all@a.test'], stdin => $text);

	is("$status$out$err", '0', '-a of several') or diag $err;
	deliver($s, '... by the queue');
	like((take($s, $_))[0] // '', qr/\AReturn-Path:\ <al\@x\.test>\n
	    Delivered-To:\ $_\@a\.test\nDelivered-To:\ all\@a\.test\n
	    Subject:\ x\n\ny\n\z/x, "... to $_") for 'bob', 'amy';
	is(scalar(() = $s->spooled('remote/env')), 1, '... and elsewhere');
	($status) = $s->run_program('mda-deliver', ['-a', 'one+x@a.test'],
	    stdin => $text);
	is($status, 0, '-a of one');
	is(scalar(take($s, 'bob')), 1, '... at once');
	($status, $out, $err) = $s->run_program('mda-deliver',
	    ['-a', 'postmaster@a.test'], stdin => $text);
	is($status, 75, '-a of nobody who must be there');
	like($err, qr/see key postmaster/, '... says why');
	($status, $out, $err) = $s->run_program('mda-deliver',
	    ['-a', 'all@a.test'], stdin =>
	    "Received: by x\r\nDelivered-To: all\@a.test\r\n$text");
	is($status, 69, 'round in a circle') or diag $err;
	$s->remove;
}

# A backup MX that asks its primary, and remembers; while the primary is away
# it takes all.
sub
backup
{
	my ($as) = @_;
	my $mta = Stdmail::Mta->start(addr => '127.0.0.12', rules => [
	    [qr/^RCPT TO:<nobody/, '550 5.1.1 nobody here'],
	    [qr/^RCPT TO:<blocked/, '550 5.7.1 not from you'],
	    [qr/^RCPT TO:<later/, '450 4.2.0 later'],
	]);
	my $s = site($as, relay_domains => 'far.test',
	    route => "far.test 127.0.0.12:$mta->{port}");
	my $asked = sub {
		return scalar grep { /RCPT TO:<$_[0]@/ } map { @$_ }
		    $mta->heard;
	};

	check($s, 0, qr/note: mail for anybody in far\.test/, 'backscatter');
	$s->{conf}{relay_verify} = 'yes';
	$s->{conf}{postmaster} = 'bob';
	$s->write_conf;
	my ($status, $out, $err) = $s->run_program('smtpd', ['-n']);
	is("$status$out$err", '0', '-n: nothing to note');
	my $srv = $s->start('smtpd');
	is(send_mail($srv, 'al@x.test', 'bob@far.test', 'nobody@far.test',
	    'nobody@far.test', 'bob@else.test'),
	    '250 2.1.5 550 5.1.1 550 5.1.1 550 5.7.1 250 2.0.0',
	    "$as: asked of the primary") or diag $s->log_text;
	is(send_mail($srv, 'al@x.test', 'bob@far.test', 'nobody@far.test'),
	    '250 2.1.5 550 5.1.1 250 2.0.0', '... again');
	is($asked->('bob'), 1, '... who was asked once');
	is($asked->('nobody'), 1, '... for each');
	is(send_mail($srv, 'al@x.test', 'blocked@far.test', 'later@far.test',
	    'bob@far.test'), '451 4.3.0 451 4.3.0 250 2.1.5 250 2.0.0',
	    'a refusal that is none of the mailbox may end');
	is(scalar(() = $s->spooled('remote/env')), 3, 'all are in the queue');
	$srv->stop;

	# Away: its port is closed.  A server that starts remembers nothing.
	$mta->stop;
	$srv = $s->start('smtpd');
	is(send_mail($srv, 'al@x.test', 'nobody@far.test'), $taken,
	    'while the primary is away all are taken');
	ok(Stdmail::until_true(sub {
		$s->log_text =~ /callout .*to=nobody\@far\.test said=nothing/
	}, 60), '... which the log says');
	$s->remove;
}

# The same by the DNS, where the backup stands behind its primary: it asks and
# sends there, never to itself, and holds the mail while the primary is away.
sub
backup_by_mx
{
	my ($as) = @_;
	my $mta = Stdmail::Mta->start(addr => '127.0.0.11', rules => [
	    [qr/^RCPT TO:<nobody/, '550 5.1.1 nobody here'],
	]);
	my $ns = Stdmail::Nameserver->start(<<END);
far.test	MX	10 mx.far.test
far.test	MX	20 mx.a.test
mx.far.test	A	127.0.0.11
mx.a.test	A	127.0.0.9
END
	my $s = site($as, relay_domains => 'far.test', relay_verify => 'yes',
	    resolver => $ns->resolver, smtp_port => $mta->{port});
	my $srv = $s->start('smtpd');
	my $queue = sub {
		my @found = $s->spooled("remote/$_[0]");
		return scalar @found;
	};

	is(send_mail($srv, 'al@x.test', 'bob@far.test', 'nobody@far.test'),
	    '250 2.1.5 550 5.1.1 250 2.0.0', "$as: asked by MX") or
	    diag $s->log_text;
	$mta->stop;
	is(send_mail($srv, 'al@x.test', 'amy@far.test'), $taken,
	    '... taken while the primary is away');
	my (undef, undef, $err) = $s->run_program('smtp-send', ['-q']);
	is($queue->('later'), 2, '... and held') or diag $err;
	unlike($err, qr/127\.0\.0\.9/, '... not sent to this host');
	$mta = Stdmail::Mta->start(addr => '127.0.0.11',
	    port => $mta->{port});
	for my $path ($s->spooled('remote/later')) {
		rename $path, "$s->{spool}/remote/now/" .
		    ($path =~ s{.*/\d+-}{}r);
	}
	(undef, undef, $err) = $s->run_program('smtp-send', ['-q']);
	is(scalar(() = $mta->messages), 2, 'the primary is back, and has both')
	    or diag $err;
	is(scalar(() = $s->spooled), 0, '... and nothing waits');
	$ns->stop;
	$s->remove;
}

# One destination of an alias fails for a while: the others have it once.
sub
alone
{
	my ($as) = @_;
	my $s = site($as, quota => 3000, quota_tempfail => 'yes',
	    aliases => "both: bob, amy\n");

	$s->preload('bob', "Subject: big\n\n" . ("x" x 76 . "\n") x 40);
	$s->own;
	my $srv = $s->start('smtpd');
	is(send_mail($srv, 'al@x.test', 'both@a.test'), $taken,
	    "$as: to two, one of which is full");
	like(deliver($s, 'one'), qr/deferred .*to=bob\@a\.test/, '... waits');
	is(scalar(take($s, 'amy')), 1, '... the other has it');
	take($s, 'bob');
	unlink "$s->{dir}/Mail/bob/maildirsize";
	my ($path) = $s->spooled('local/later');
	rename $path, "$s->{spool}/local/now/" . ($path =~ s{.*/\d+-}{}r);
	deliver($s, 'again');
	is(scalar(take($s, 'bob')), 1, '... then the one');
	is(scalar(take($s, 'amy')), 0, '... and not the other again');
	is(scalar(() = $s->spooled), 0, '... and nothing waits');
	$s->remove;
}

# What waits is due now.
sub
due
{
	my ($s) = @_;

	$s->make_due;
}

# Programs and files, as whom the file of aliases belongs to.
sub
programs
{
	my ($as, $owner, $who) = @_;
	my $s = site($as, srs_secret => "the secret of a.test\n");
	my $out = "$s->{dir}/out";
	my $text = sub {
		return -e "$out/$_[0]" ? Stdmail::slurp("$out/$_[0]") : q{};
	};

	mkdir $out or die "$out: $!\n";
	$s->{conf}{aliases} = "$s->{dir}/aliases";
	Stdmail::spew("$s->{dir}/aliases", <<"END", 0644);
ticket: "|id -un >>$out/who; cat >>$out/ticket"
mixed: bob, ticket, "|id -un >>$out/who; cat >>$out/ticket",
    "|test -e $out/go || exit 75; cat >>$out/late", $out/mbox, $out/box/,
    /dev/null, carol\@far.test
owned: bob, "|echo 5.2.0 no good; exit 65"
owner-owned: amy
postmaster: "|exit 69"
inside: :include:$s->{dir}/list
END
	Stdmail::spew("$s->{dir}/list", "bob\n|cat >$out/inside\n", 0644);
	$s->write_conf;
	$s->own;
	chown $owner, -1, "$s->{dir}/aliases" if defined $owner;
	chmod 01777, $out;
	my $srv = $s->start('smtpd');

	is(send_mail($srv, 'al@x.test', 'ticket@a.test'), $taken,
	    "$as: a program of an alias is a recipient");
	deliver($s, 'the program');
	like($text->('ticket'), qr/\AFrom\ al\@x\.test\ .*\n
	    Return-Path:\ <al\@x\.test>\nDelivered-To:\ ticket\@a\.test\n
	    Received:(?:.*\n)*Subject:\ x\n\nhello\n/x, '... and gets it');
	is($text->('who'), "$who\n", "... as $who");

	my ($status, $said) = $s->run_program('smtpd', ['-t', '192.0.2.1',
	    'x.test', 'al@x.test', 'mixed@a.test']);
	like($said, qr/^\S+\s+recipient\s+\S.*mixed\@a\.test$/m,
	    'smtpd -t would take mail for it') or diag $said;
	unlike($said, qr/\Q$out\E/, '... and does not say what it is');

	is(send_mail($srv, 'al@x.test', 'mixed@a.test'), $taken,
	    'one with all there is');
	my $err = deliver($s, 'all');
	is(scalar(take($s, 'bob')), 1, '... a user has it');
	is(scalar(() = $text->('ticket') =~ /^Subject: x$/mg), 2,
	    '... a program that is named twice once');
	is(scalar(() = $text->('mbox') =~ /^Subject: x$/mg), 1, '... an mbox');
	is(scalar(() = glob "$out/box/new/*"), 1, '... a Maildir');
	is(scalar(() = $s->spooled('remote/env')), 1, '... and elsewhere') or
	    diag $err;
	is($text->('late'), '', '... and one not yet');
	is(scalar(() = $s->spooled('local/later')), 1, '... which waits');
	Stdmail::spew("$out/go", '', 0644);
	due($s);
	deliver($s, 'again');
	is(scalar(() = $text->('late') =~ /^Subject: x$/mg), 1,
	    '... then that one') or diag $s->log_text;
	is(join(' ', scalar(take($s, 'bob')),
	    scalar(() = $text->('ticket') =~ /^Subject: x$/mg),
	    scalar(() = $text->('mbox') =~ /^Subject: x$/mg),
	    scalar(() = glob "$out/box/new/*"),
	    scalar(() = $s->spooled('remote/env'))), '0 2 1 1 1',
	    '... and none of the others again');
	is(scalar(() = $s->spooled('local')), 0, '... and nothing waits');

	is(send_mail($srv, 'al@x.test', 'owned@a.test'), $taken,
	    'a list with an owner');
	deliver($s, 'the list') for 1 .. 3;
	is(scalar(take($s, 'bob')), 1, '... a user has it');
	my @bounces = take($s, 'amy');
	is(scalar @bounces, 1, "... a program's fault is the owner's") or
	    diag $s->log_text;
	like($bounces[0] // '', qr/^Status: 5\.2\.0$/m, '... in its words');
	unlike($bounces[0] // '', qr/echo/, '... and not how it is called');
	is(scalar(() = $s->spooled('remote/env')), 1, "... not the sender's");

	is(send_mail($srv, '', 'postmaster@a.test'), $taken,
	    "a report to postmaster's program, which fails");
	$err = deliver($s, 'the report') . deliver($s, 'and its own');
	is(scalar(() = $s->spooled('local/later')), 1, '... does not vanish')
	    or diag $err;

	is(send_mail($srv, 'al@x.test', 'inside@a.test'), '451 4.3.0',
	    'no program in a file that is included');
	ok(!-e "$out/inside", '... is run');
	$srv->stop;
	$s->remove;
}

# A folder that is not there is made where a key says so, by a harmless name.
sub
folders
{
	my ($as) = @_;
	my $s = site($as, folder_create => 'yes', aliases => "news: amy+News\n");
	my $srv = $s->start('smtpd');
	my @to = ('amy+New', 'amy+lists.perl', 'news', 'amy+new',
	    '"amy+../../bob"', '"amy+.x"', '"amy+a b"');

	for (@to) {
		is(send_mail($srv, 'al@x.test', "$_\@a.test"), $taken,
		    "$as: to $_");
		deliver($s, $_);
	}
	is(join(' ', sort map { s{.*/}{}r } grep { -d } glob
	    "$s->{dir}/Mail/amy/.[!.]*"), '.New .News .lists.perl',
	    'three are made');
	ok(-e "$s->{dir}/Mail/amy/.New/maildirfolder", '... whole');
	is(scalar(take($s, 'amy/.New')), 2, '... once, in any letter case');
	is(scalar(take($s, "amy/$_")), 1, "... $_") for '.lists.perl', '.News';
	is(scalar(take($s, 'amy')), 3, 'and none by other names');
	is(join(' ', sort split /\n/, Stdmail::slurp(
	    "$s->{dir}/Mail/amy/subscriptions") =~ s/^V.*\n\n//r =~
	    tr{\t}{.}r), 'New News lists.perl', 'they are subscribed to');
	$srv->stop;
	$s->remove;
}

# The file that Debian's mail servers begin with.
sub
stock
{
	my $s = site('nobody', aliases => <<'END');
# /etc/aliases
mailer-daemon: postmaster
postmaster: root
nobody: root
hostmaster: root
usenet: root
news: root
webmaster: root
www: root
ftp: root
abuse: root
noc: root
security: root
root: bob
END
	my @names = qw(mailer-daemon postmaster nobody webmaster abuse root
	    MAILER-DAEMON@b.test Security@b.test);
	my $srv = $s->start('smtpd');

	my ($status, $out, $err) = $s->run_program('smtpd', ['-n']);
	is("$status$out$err", '0', 'aliases as Debian has them');
	is(send_mail($srv, 'al@x.test', map { /@/ ? $_ : "$_\@a.test" }
	    @names), join(' ', ('250 2.1.5') x @names, '250 2.0.0'),
	    '... are recipients');
	deliver($s, 'all of them');
	is(scalar(take($s, 'bob')), 1, '... and lead to a person, who has it ' .
	    'once');
	send_mail($srv, 'al@x.test', /@/ ? $_ : "$_\@a.test") for @names;
	deliver($s, 'each of them');
	is(scalar(take($s, 'bob')), scalar @names, '... each of them');
	$s->remove;
}

# A full mailbox is said before the message comes.
sub
full
{
	my ($as) = @_;
	my $s = site($as, quota => 3000, virtual => "both\@b.test bob amy\n");

	folder($s, 'bob', '.Sent');
	my $srv = $s->start('smtpd');
	is(send_mail($srv, 'al@x.test', 'bob@a.test'), $taken,
	    "$as: room in a mailbox");
	$s->preload('bob', "Subject: big\n\n" . ("x" x 76 . "\n") x 40);
	$s->own;
	is(send_mail($srv, 'al@x.test', 'bob@a.test', 'amy@a.test'),
	    '552 5.2.2 250 2.1.5 250 2.0.0', 'none in a full one');
	is(send_mail($srv, 'al@x.test', 'bob+Sent@a.test'), '552 5.2.2',
	    '... nor in its folders');
	is(send_mail($srv, 'al@x.test', 'both@b.test'), $taken,
	    '... which says nothing of a list it is in');
	my $c = $srv->connect(from => '127.0.0.2');
	$c->smtp;
	$c->smtp('EHLO client.test');
	$c->smtp('MAIL FROM:<al@x.test> SIZE=4000');
	like($c->smtp('RCPT TO:<amy@a.test>'), qr/^552 5\.2\.2/,
	    'nor for a message that is larger than the room');
	$c->close;
	$srv->stop;
	$s->{conf}{quota_tempfail} = 'yes';
	$s->write_conf;
	$srv = $s->start('smtpd');
	is(send_mail($srv, 'al@x.test', 'bob@a.test'), '452 4.2.2',
	    'with quota_tempfail for now');
	$s->remove;
}

for my $as (Stdmail::is_root() ? ('nobody', 'root') : 'me') {
	aliases($as);
	backup($as);
	backup_by_mx($as);
	full($as);
	alone($as);
	folders($as);
}
if (Stdmail::is_root()) {
	my ($uid) = (getpwnam 'games')[2];
	programs('root', 0, 'nobody');
	programs('root', $uid, 'games') if defined $uid;
	programs('nobody', undef, 'nobody');
} else {
	programs('me', undef, scalar getpwuid $>);
}
by_hand();
stock();
done_testing();
