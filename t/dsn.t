#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what becomes of a sender's wishes, from the spool to the next host and
# back: every row of the table of RFC 3461 (which host, which reply, which
# NOTIFY), delays and their warning, DELIVERBY, FUTURERELEASE, REQUIRETLS and
# SMTPUTF8.  The other hosts are scripted; the reports are read by Python's
# parser of mail.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use MIME::Base64;
use Test::More;
use Time::HiRes qw(sleep);

use Stdmail;
use Stdmail::Mta;
use Stdmail::Nameserver;

Stdmail::need(qw(smtpd smtp-send mda-deliver tls tool:python3));

my @esmtp = ('PIPELINING', '8BITMIME');
my @refuses = (rules => [[qr/^RCPT TO:<no/, '550 5.1.1 nobody here'],
    [qr/^RCPT TO:<busy/, '451 4.2.0 not now']]);
my $dsn = Stdmail::Mta->start(offers => [@esmtp, 'DSN'], @refuses);
my $old = Stdmail::Mta->start(offers => [@esmtp], @refuses);
my $tls = Stdmail::Mta->start(offers => [@esmtp, 'STARTTLS'], @refuses);
my $all = Stdmail::Mta->start(@refuses, offers => [@esmtp, 'STARTTLS', 'DSN',
    'SMTPUTF8', 'REQUIRETLS', 'DELIVERBY 60']);
# Its certificate is not for this address.
my $wrong = Stdmail::Mta->start(%$all, addr => '127.0.0.2', port => undef);
# Nobody listens at .9.
my $ns = Stdmail::Nameserver->start(<<END);
mx.test	MX	10 localhost
localhost	A	127.0.0.1
pair.test	MX	10 both.pair.test
both.pair.test	A	127.0.0.9
both.pair.test	A	127.0.0.1
riap.test	MX	10 both.riap.test
both.riap.test	A	127.0.0.1
both.riap.test	A	127.0.0.9
down.test	MX	10 first.down.test
down.test	MX	20 second.down.test
first.down.test	A	127.0.0.9
second.down.test	A	127.0.0.1
END
my %conf = (route => ["dsn.test 127.0.0.1:$dsn->{port}",
    "old.test 127.0.0.1:$old->{port}", "tls.test 127.0.0.1:$tls->{port}",
    "all.test 127.0.0.1:$all->{port}",
    "wrong.test 127.0.0.2:$wrong->{port}"]);

# --- the spool ------------------------------------------------------------

# A message in a queue, as smtpd leaves it.  Returns its ID.
my $sequence = 0;
sub
post
{
	my ($s, $queue, $text, @env) = @_;
	my %o = ref $env[0] ? %{shift @env} : ();
	my $id = sprintf '%d.M%06dP%dQ%d%s.mx.a.test', $o{arrived} // time,
	    ++$sequence, $$, $sequence, $queue eq 'local' ? 'M' : 'R';
	my $wire = length($text) + ($text =~ tr/\n//);
	my $name = "$id,S=" . length($text) . ",W=$wire";
	my $place = !$o{due} ? 'now' : sprintf 'later/%d/%d-',
	    $o{due} - $o{due} % 3600, $o{due};

	unshift @env, 'sender alice@a.test' if !grep { /^sender/ } @env;
	Stdmail::spew("$s->{spool}/$queue/env/$id", join("\n",
	    'stdmail-envelope 1', (grep { /^sender/ } @env),
	    'arrived ' . ($o{arrived} // time),
	    (grep { !/^sender/ } @env), 'end') . "\n", 0640);
	Stdmail::spew("$s->{spool}/$queue/" . ($o{due} ? $place :
	    'now/') . $name, $text, 0640);
	$s->own;
	return $id;
}

sub
site
{
	my %o = @_;
	my $s = Stdmail->new(users => { bob => 'x', alice => 'x', map { $_ => 'x' }
	    @{$o{users} // []} }, conf => { %conf, %{$o{conf} // {}} });

	run($s, 'smtp-send');
	$_->forget for $dsn, $old, $tls, $all;
	return $s;
}

sub
run
{
	my ($s, $program) = @_;
	my ($status, $out, $err) = $s->run_program($program, ['-q']);

	diag "$program: $status $out$err" if $status;
	return $err;
}

# What the agent put off, as if its time had come.
sub
hasten
{
	my ($s, $queue) = @_;

	for my $path ($s->spooled("$queue/later")) {
		my ($name) = $path =~ m{/\d+-([^/]+)\z} or next;
		rename $path, "$s->{spool}/$queue/now/$name"
		    or die "$path: $!";
	}
}

# --- the reports ----------------------------------------------------------

my $parser = <<'END';
import sys, json, email
m = email.message_from_bytes(sys.stdin.buffer.read())
p = m.get_payload()
d = p[1].get_payload()
print(json.dumps({ 'type': m.get_content_type(),
    'report': m.get_param('report-type'), 'subject': m['Subject'],
    'parts': [x.get_content_type() for x in p], 'text': p[0].get_payload(),
    'defects': [str(x) for y in m.walk() for x in y.defects],
    'message': dict(d[0].items()), 'rcpts': [dict(x.items()) for x in d[1:]],
    'returned': p[2].as_string() }))
END
my @python = Stdmail::tool('python3');

# The reports to alice that are in the spool or in her mailbox, parsed, and
# gone.
sub
reports
{
	my ($s) = @_;
	my @all;

	for my $path ($s->spooled('local/now'),
	    $s->files('Mail/alice/new')) {
		my $in = "$s->{dir}/report";
		Stdmail::spew($in, Stdmail::slurp($path), 0644);
		open(my $save, '<&', \*STDIN) or die;
		open(STDIN, '<', $in) or die;
		open(my $fh, '-|', @python, '-c', $parser) or die "python3: $!";
		my $json = join '', <$fh>;
		close($fh);
		open(STDIN, '<&', $save) or die;
		my $report = eval { decode_json($json) };
		push @all, $report // { defects => ['unreadable'] };
		unlink $path;
		unlink "$s->{spool}/local/env/$1" if $path =~ m{/now/([^,]+)};
	}
	is_deeply([map { @{$_->{defects}} } @all], [], 'no fault in a report')
	    if @all;
	return @all;
}

# "bob@b.test failed 5.1.1" for each recipient of all reports.
sub
fates
{
	return sort map { my $r = $_;
	    ($r->{'Final-Recipient'} =~ s/^rfc822; //r) .
	    " $r->{Action} $r->{Status}" } map { @{$_->{rcpts}} } @_;
}

my $small = "From: alice\@a.test\nSubject: hello\n\nthe body\n";

# --- RFC 3461, section 5.2 ------------------------------------------------

# NOTIFY, and whether a report of success and of failure comes from us.
my @notify = (
	['', 0, 1],
	['NEVER', 0, 0],
	['SUCCESS', 1, 0],
	['FAILURE', 0, 1],
	['DELAY', 0, 0],
	['SUCCESS,FAILURE,DELAY', 1, 1],
);

# One message: for each NOTIFY one who is taken and one who is refused.
sub
everyone
{
	my ($domain) = @_;

	return map { my ($i, $notify) = ($_, $notify[$_][0]);
	    map { ("to Q $_$i\@$domain", $notify eq '' ? () :
	    "notify $notify", "orcpt rfc822;was $_+$i\@c.test") }
	    qw(yes no) } 0 .. $#notify;
}

{
	my $s = site();
	post($s, 'remote', $small, 'ret HDRS', 'envid a+b=c',
	    everyone('dsn.test'));
	run($s, 'smtp-send');
	my ($heard) = $dsn->heard;
	like($heard->[1], qr/^MAIL FROM:<alice\@a.test> RET=HDRS ENVID=a\+2Bb\+3Dc$/,
	    'to a host with DSN: RET and ENVID');
	for my $i (0 .. $#notify) {
		my $want = $notify[$i][0] eq '' ? '' :
		    " NOTIFY=$notify[$i][0]";
		ok(scalar(grep { $_ eq "RCPT TO:<yes$i\@dsn.test>$want " .
		    "ORCPT=rfc822;was+20yes+2B$i\@c.test" } @$heard),
		    "... NOTIFY=$notify[$i][0] and ORCPT");
	}
	my @reports = reports($s);
	is(scalar(@reports), 1, 'one report for all');
	is_deeply([fates(@reports)], [map { $notify[$_][2] ?
	    "no$_\@dsn.test failed 5.1.1" : () } 0 .. $#notify],
	    'of a failure who wants it; of success the host will report');
	my $r = $reports[0];
	is($r->{type}, 'multipart/report', 'its type');
	is($r->{report}, 'delivery-status', '... and of what');
	is($r->{message}{'Original-Envelope-Id'}, 'a+b=c', 'the ENVID');
	is($r->{rcpts}[0]{'Original-Recipient'}, 'rfc822; was no+0@c.test',
	    'the ORCPT');
	is($r->{rcpts}[0]{'Remote-MTA'}, 'dns; 127.0.0.1', 'which host');
	is($r->{rcpts}[0]{'Diagnostic-Code'}, 'smtp; 550 5.1.1 nobody here',
	    'its words');
	is($r->{parts}[2], 'text/rfc822-headers', 'RET=HDRS');
	unlike($r->{returned}, qr/the body/, '... and no more');
	is_deeply([$s->spooled('remote')], [], 'nothing waits');
}

{
	my $s = site();
	post($s, 'remote', $small, 'ret FULL', 'envid x', everyone('old.test'));
	my $log = run($s, 'smtp-send');
	my ($heard) = $old->heard;
	is_deeply([grep { /^(MAIL|RCPT).*(RET|ENVID|NOTIFY|ORCPT)/ } @$heard],
	    [], 'to a host without DSN: none of its parameters');
	my @reports = reports($s);
	is(scalar(@reports), 1, 'one report for all');
	is_deeply([fates(@reports)], [sort map { ($notify[$_][2] ?
	    "no$_\@old.test failed 5.1.1" : ()), ($notify[$_][1] ?
	    "yes$_\@old.test relayed 2.0.0" : ()) } 0 .. $#notify],
	    'failed and relayed, to those who want it');
	is($reports[0]{parts}[2], 'message/rfc822', 'RET=FULL');
	like($reports[0]{returned}, qr/the body/, '... all of it');
	like($log, qr/no-bounce .*to=no1\@old\.test/, 'the log says of NEVER');
	post($s, 'remote', $small, 'ret FULL', 'to Q yes@old.test',
	    'notify SUCCESS');
	run($s, 'smtp-send');
	my ($r) = reports($s);
	is($r->{parts}[2], 'text/rfc822-headers',
	    'a report of success has the header alone');
	post($s, 'remote', $small, 'sender <>', 'to Q yes@old.test',
	    'notify SUCCESS', 'to Q no@old.test', 'notify FAILURE');
	run($s, 'smtp-send');
	my ($file) = $s->spooled('local/now');
	like(Stdmail::slurp($file), qr/^Delivered-To: postmaster\@a\.test$/m,
	    'the null sender is told nothing, but postmaster is');
	is_deeply([fates(reports($s))], ['no@old.test failed 5.1.1'],
	    '... of what failed');
	is_deeply([$s->spooled], [], '... and no more');
}

# Into mailboxes.
{
	my $s = site(users => [map { "yes$_" } 0 .. $#notify]);
	post($s, 'local', $small, everyone('a.test'));
	run($s, 'mda-deliver');
	my @reports = reports($s);
	is_deeply([fates(@reports)], [sort map { ($notify[$_][2] ?
	    "no$_\@a.test failed 5.1.1" : ()), ($notify[$_][1] ?
	    "yes$_\@a.test delivered 2.0.0" : ()) } 0 .. $#notify],
	    'mda-deliver: failed and delivered, to those who want it');
	is(scalar(() = map { $s->files("Mail/yes$_/new") } 0 .. $#notify),
	    scalar(@notify), '... and each mailbox has it');
	post($s, 'local', $small, 'to Q bob@a.test', 'notify NEVER');
	run($s, 'mda-deliver');
	is_deeply([$s->spooled], [], 'NEVER stays silent');
}

# Aliases (section 5.2.7): of one, of several, with an owner.
{
	my $s = site(users => ['dan'], conf => { aliases => undef });
	$s->{conf}{aliases} = "$s->{dir}/aliases";
	Stdmail::spew($s->{conf}{aliases}, "single: bob\nteam: bob, dan\n" .
	    "list: bob, dan\nowner-list: dan\nlost: nobody-here\n" .
	    "away: yes\@dsn.test\n", 0644);
	$s->write_conf;
	$s->own;
	post($s, 'local', $small, 'envid e', map { ("to Q $_\@a.test",
	    'notify SUCCESS,FAILURE', "orcpt rfc822;$_\@c.test") }
	    qw(single team list lost away));
	run($s, $_) for qw(mda-deliver smtp-send);
	my @reports = reports($s);
	is_deeply([fates(@reports)], ['list@a.test delivered 2.0.0',
	    'lost@a.test failed 5.1.1', 'single@a.test delivered 2.0.0',
	    'team@a.test expanded 2.0.0'],
	    'an alias of one is its mailbox, of several expanded; ' .
	    'a list is the end');
	like(join("\n", map { @$_ } $dsn->heard), qr/^MAIL .* ENVID=e\nRCPT
	    \ TO:<yes\@dsn.test>\ NOTIFY=SUCCESS,FAILURE
	    \ ORCPT=rfc822;away\@c.test$/mx, '... of one elsewhere sent on');
	is_deeply([sort map { $_->{'Original-Recipient'} // '' }
	    map { @{$_->{rcpts}} } @reports], [sort map
	    { "rfc822; $_\@c.test" } qw(single team list lost)],
	    '... and what was asked for is named');
	is(scalar(() = $s->files('Mail/bob/new')), 3, 'all have it');
	post($s, 'local', $small, map { ("to Q $_\@a.test",
	    'notify SUCCESS') } qw(single bob bob+x));
	run($s, 'mda-deliver');
	is_deeply([fates(reports($s))], [map { "$_\@a.test delivered 2.0.0" }
	    qw(bob+x bob single)], 'a mailbox of several recipients ...');
	is(scalar(() = $s->files('Mail/bob/new')), 4, '... has it once');
	# What is sent on takes the wishes along.
	Stdmail::spew("$s->{dir}/home/$_/.forward", "yes\@dsn.test\n", 0600)
	    for qw(bob dan);
	$s->own;
	for (['SUCCESS', 'SUCCESS', 2], ['FAILURE', 'FAILURE', 1],
	    ['FAILURE', 'NEVER', 2]) {
		post($s, 'local', $small, 'to Q bob@a.test', "notify $_->[0]",
		    'to Q dan@a.test', "notify $_->[1]");
		run($s, 'mda-deliver');
		my @new = $s->spooled('remote/now');
		is(scalar(@new), $_->[2], "... and who sends on: @$_");
		run($s, 'smtp-send');
	}
}

# --- delays ---------------------------------------------------------------

{
	my $s = site();
	my @rcpts = map { ("to Q busy$_\@old.test", $notify[$_][0] eq '' ? () :
	    "notify $notify[$_][0]") } 0 .. $#notify;
	post($s, 'remote', $small, @rcpts);
	run($s, 'smtp-send');
	is_deeply([reports($s)], [], 'a fresh message is no delay');
	my $s2 = site();
	my $id = post($s2, 'remote', $small,
	    { arrived => time - 5 * 3600 }, @rcpts);
	run($s2, 'smtp-send');
	is_deeply([fates(reports($s2))], [map { $notify[$_][0] =~ /^$|DELAY/ ?
	    "busy$_\@old.test delayed 4.2.0" : () } 0 .. $#notify],
	    'after five hours who wants it is told');
	hasten($s2, 'remote');
	run($s2, 'smtp-send');
	is_deeply([reports($s2)], [], '... once');
	like(Stdmail::slurp("$s2->{spool}/remote/env/$id"),
	    qr/^warned \d+$/m, '... as its envelope says');
	my $s3 = site(conf => { delay_warning => 0 });
	post($s3, 'remote', $small, { arrived => time - 5 * 3600 }, @rcpts);
	run($s3, 'smtp-send');
	is_deeply([reports($s3)], [], 'delay_warning 0: nobody is');
}

# --- DELIVERBY ------------------------------------------------------------

{
	my $s = site();
	my $by = time + 3000;
	post($s, 'remote', $small, "by $by R", 'to Q yes@all.test',
	    'to Q yes@old.test');
	run($s, 'smtp-send');
	my ($mail) = grep { /^MAIL/ } map { @$_ } $all->heard;
	my ($left) = ($mail // '') =~ / BY=(\d+);R( |$)/;
	ok(defined $left && $left <= 3000 && $left > 2000,
	    'the time that is left goes on') or diag $mail;
	is_deeply([fates(reports($s))], ['yes@old.test failed 5.3.3'],
	    'mode R: not to a host without DELIVERBY');
	is_deeply([map { grep { /^MAIL/ } @$_ } $old->heard], [],
	    '... which is told nothing of it');
	$all->forget;
	post($s, 'remote', $small, 'by ' . (time + 30) . ' R',
	    'to Q yes@all.test');
	run($s, 'smtp-send');
	is_deeply([fates(reports($s))], ['yes@all.test failed 5.3.3'],
	    '... nor to one that needs more time');
	post($s, 'remote', $small, "by $by NT", 'to Q yes@all.test',
	    'to Q yes@old.test', 'to Q also@old.test', 'notify NEVER');
	run($s, 'smtp-send');
	like(join("\n", map { @$_ } $all->heard), qr/ BY=\d+;NT/,
	    'mode N, with its trace');
	is_deeply([fates(reports($s))], ['yes@all.test relayed 2.0.0',
	    'yes@old.test relayed 2.0.0'], 'a trace is of every hop');
	is(scalar($old->messages), 1, 'mode N goes to any host');
}

{
	my $s = site();
	my $by = time + 50;
	post($s, 'remote', $small, "by $by R", 'to Q busy@all.test');
	$by = time + 100;
	my $n = post($s, 'remote', $small, "by $by N", 'to Q busy@old.test');
	run($s, 'smtp-send');
	ok(scalar(grep { m{/later/\d+/$by-\Q$n\E,} } $s->spooled('remote')),
	    'it waits no longer than the time that the sender named');
	# The first has 5.3.3 at once: so short a time is no host's.
	is_deeply([fates(reports($s))], ['busy@all.test failed 5.3.3'],
	    'returned at once when no host takes so short a time');
	Stdmail::spew("$s->{spool}/remote/env/$n", Stdmail::slurp(
	    "$s->{spool}/remote/env/$n") =~ s/^by $by N/'by ' . (time - 1) .
	    ' N'/mer, 0640);
	$s->own;
	hasten($s, 'remote');
	run($s, 'smtp-send');
	my @reports = reports($s);
	is_deeply([fates(@reports)], ['busy@old.test delayed 4.2.0'],
	    'mode N: its sender is told when the time is over');
	like($reports[0]{message}{'Deliver-By-Date'} // '', qr/\d\d:\d\d:\d\d/,
	    '... with the time');
	hasten($s, 'remote');
	run($s, 'smtp-send');
	is_deeply([reports($s)], [], '... once');
	is(scalar(() = $s->spooled('remote/later')), 1, '... and it goes on');
	$old->forget;
	post($s, 'remote', $small, 'by ' . (time - 1) . ' R',
	    'to Q yes@old.test', 'to Q silent@old.test', 'notify NEVER');
	run($s, 'smtp-send');
	is_deeply([fates(reports($s))], ['yes@old.test failed 5.4.7'],
	    'mode R: returned when the time is over');
	is_deeply([$old->heard], [], '... and no host hears of it');
	post($s, 'local', $small, 'by ' . (time - 1) . ' R',
	    'to Q bob@a.test');
	run($s, 'mda-deliver');
	is_deeply([fates(reports($s))], ['bob@a.test failed 5.4.7'],
	    '... and no mailbox either');
	is_deeply([$s->files('Mail/bob/new')], [], '... has it');
}

# The agent that watches finds the moment by itself.
{
	my $s = site();
	my $by = time + 2;
	post($s, 'remote', $small, "by $by R", 'to Q busy@none.test',
	    'tried 1 0 4.0.0 - x');
	my ($path) = $s->spooled('remote/now');
	my $bucket = $by - $by % 3600;
	mkdir "$s->{spool}/remote/later/$bucket";
	rename $path, ($path =~ s{now/}{later/$bucket/$by-}r) or die $!;
	$s->own;
	my $pid = $s->spawn([$s->command('smtp-send', '-q', '-w')], {});
	ok(Stdmail::until_true(sub { $s->spooled('local/now') }, 60),
	    'while it watches, the report comes');
	cmp_ok(time, '>=', $by, '... at its time');
	kill 'TERM', $pid;
	Stdmail::reap($pid, 30);
	is_deeply([fates(reports($s))], ['busy@none.test failed 5.4.7'],
	    '... and says why');
}

# --- FUTURERELEASE --------------------------------------------------------

{
	my $s = site();
	my $due = time + 86400;
	my ($sec, $min, $hour, $day, $month, $year) = gmtime($due);
	my $date = sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $year + 1900,
	    $month + 1, $day, $hour, $min, $sec;
	for my $queue (qw(remote local)) {
		my $to = $queue eq 'local' ? 'bob@a.test' : 'yes@old.test';
		my $program = $queue eq 'local' ? 'mda-deliver' : 'smtp-send';
		my $done = $queue eq 'local' ? sub { $s->files('Mail/bob/new')
		    } : sub { $old->messages };
		my $id = post($s, $queue, $small, { due => $due },
		    "hold $due", "to Q $to");
		my ($status, $list) = $s->run_program('smtp-send', ['-l']);
		like($list, qr/^\Q$id\E\t$queue\tscheduled\t\S+\t$date\t.*\t\Q$to\E\t/,
		    "$queue: -l says when it leaves");
		run($s, $program);
		is(scalar(() = $done->()), 0, '... not before');
		my ($path) = $s->spooled("$queue/later");
		my $now = time - 1;
		my $bucket = $now - $now % 3600;
		mkdir "$s->{spool}/$queue/later/$bucket";
		rename $path, ($path =~ s{later/\d+/\d+}{later/$bucket/$now}r)
		    or die $!;
		$s->own;
		run($s, $program);
		is(scalar(() = $done->()), 1, '... then it does');
		is_deeply([$s->spooled($queue)], [], '... and is gone');
	}
	# It arrived long ago, but was held: it is not old.
	post($s, 'remote', $small, { arrived => time - 30 * 86400 },
	    'hold ' . (time - 60), 'to Q busy@old.test');
	run($s, 'smtp-send');
	is_deeply([reports($s)], [], 'its age counts from its time on');
	is(scalar(() = $s->spooled('remote/later')), 1, '... so it waits');
}

# --- REQUIRETLS -----------------------------------------------------------

{
	my $s = site(conf => { tls_ca => "$all->{dir}/cert.pem" });
	post($s, 'remote', $small, 'requiretls yes', 'ret FULL',
	    map { "to Q yes\@$_.test" } qw(all old tls wrong));
	run($s, 'smtp-send');
	my ($heard) = grep { grep { /^RCPT/ } @$_ } $all->heard;
	like(join("\n", @$heard), qr/^\(TLS\)\nEHLO.*\nMAIL .* REQUIRETLS/m,
	    'over TLS, and REQUIRETLS goes on');
	is(scalar($all->messages), 1, '... once');
	is(scalar(() = map { $_->messages } $old, $tls), 0, '... only there');
	my @reports = reports($s);
	is_deeply([fates(@reports)], ['yes@old.test failed 5.7.10',
	    'yes@tls.test failed 5.7.30', 'yes@wrong.test failed 5.7.10'],
	    'who cannot keep it does not get it');
	is($reports[0]{parts}[2], 'text/rfc822-headers',
	    'the header alone goes back');
	# Its report is protected too, where that is possible.
	post($s, 'remote', $small, 'sender al@all.test', 'requiretls yes',
	    'to Q yes@old.test');
	run($s, 'smtp-send');
	my ($mail) = grep { /^MAIL FROM:<>/ } map { @$_ } $all->heard;
	like($mail // '', qr/ REQUIRETLS/, 'the report goes so too');
	post($s, 'remote', $small, 'sender al@old.test', 'requiretls yes',
	    'to Q yes@tls.test');
	run($s, 'smtp-send');
	is(scalar($old->messages), 1, '... or else without');
	is_deeply([$s->spooled], [], 'nothing waits');
	my $s2 = site(conf => { tls_ca => "$all->{dir}/cert.pem",
	    resolver => $ns->resolver, smtp_port => $all->{port} });
	post($s2, 'remote', $small, 'requiretls yes', 'to Q yes@mx.test');
	run($s2, 'smtp-send');
	is_deeply([fates(reports($s2))], ['yes@mx.test failed 5.7.10'],
	    'not to a host whose name an unsigned MX gave');
	my $s3 = site(conf => { tls_ca => "$all->{dir}/nothing" });
	post($s3, 'remote', $small, 'requiretls yes', 'to Q yes@all.test');
	run($s3, 'smtp-send');
	is_deeply([reports($s3), $all->messages], [],
	    'without authorities to ask it is neither sent nor returned');
	is(scalar(() = $s3->spooled('remote/later')), 1, '... but waits');
}

# --- SMTPUTF8 -------------------------------------------------------------

{
	my $s = site();
	my $utf8 = "Subject: gr\xc3\xbc\xc3\x9fe\n\nthe body\n";
	my $part = "Subject: x\n\n--b\nX: \xc3\xbc\n\nb\n--b--\n";
	my @to = map { "to Q yes\@$_.test" } qw(all old);
	for my $text ($utf8, $part) {
		post($s, 'remote', $text, 'utf8 yes', @to);
		run($s, 'smtp-send');
		my ($mail) = grep { /^MAIL/ } map { @$_ } $all->heard;
		like($mail, qr/ BODY=8BITMIME SMTPUTF8/, 'SMTPUTF8 goes on');
		is_deeply([fates(reports($s))], ['yes@old.test failed 5.6.9'],
		    '... and not to a host that does not offer it');
		$all->forget;
	}
	is(scalar($old->messages), 0, 'none was sent as something else');
	my $name = "j\xc3\xb8rn";
	post($s, 'remote', $small, 'utf8 yes', map { ("to Q $name\@$_.test",
	    'notify SUCCESS,FAILURE', "orcpt utf-8;$name=\@c.test",
	    "to Q yes\@$_.test") } qw(all old dsn));
	run($s, 'smtp-send');
	like(join("\n", map { @$_ } $all->heard), qr/ SMTPUTF8(?: .*)?\n(?:.*\n)?RCPT
	    \ TO:<$name\@all.test>\ NOTIFY=\S+
	    \ ORCPT=utf-8;$name\\x\{3D\}\@c.test$/mx,
	    'an address in UTF-8, as it was asked for');
	my $path = ($s->spooled('local/now'))[0];
	my $report = Stdmail::slurp($path);
	$report =~ s/=([0-9A-F]{2})/chr hex $1/ge;
	for my $domain (qw(old dsn)) {
		like($report, qr/^Original-Recipient:\ utf-8;\ $name=\@c.test\n
		    Final-Recipient:\ utf-8;\ $name\@$domain.test\n
		    Action:\ failed\nStatus:\ 5\.6\.7$/mx,
		    "... and not to $domain.test");
	}
	unlink $path;
	is(scalar($_->messages), 1, '... whose other recipient has it')
	    for $old, $dsn;
	$_->forget for $all, $old, $dsn;
	post($s, 'remote', $small, 'utf8 yes', "sender $name\@all.test",
	    'to Q no@old.test');
	run($s, 'smtp-send');
	like(join("\n", map { @$_ } $all->heard), qr/^MAIL\ FROM:<>
	    .*\ SMTPUTF8\b.*\nRCPT\ TO:<$name\@all.test>$/mx, 'a sender in UTF-8 gets the report');
	$_->forget for $all, $old, $dsn;
	post($s, 'remote', "Subject: x\n\n-- \nbod\xc3\xbf\n", 'utf8 yes', @to);
	run($s, 'smtp-send');
	is(scalar($old->messages), 1,
	    'an ASCII header goes to any host, whatever was said');
	unlike(join("\n", map { @$_ } $all->heard, $old->heard), qr/SMTPUTF8/,
	    '... without SMTPUTF8');
}

# Whether another host may be fit, later.
{
	my $s = site(conf => { resolver => $ns->resolver,
	    smtp_port => $old->{port} });
	post($s, 'remote', "Subject: \xc3\xbc\n\n", 'utf8 yes',
	    map { "to Q yes\@$_.test" } qw(pair riap down));
	run($s, 'smtp-send');
	is_deeply([fates(reports($s))], ['yes@pair.test failed 5.6.9',
	    'yes@riap.test failed 5.6.9'],
	    'a host is unfit, though another address of it is down');
	is(scalar(() = $s->spooled('remote/later')), 1,
	    '... but who has another host that is down waits for it');
}

# --- all the way, from MAIL on --------------------------------------------

# What alice says to smtpd, logged in and over TLS.
sub
submit
{
	my ($srv, $mail, @rcpts) = @_;
	my $c = $srv->connect;
	my $auth = encode_base64("\0alice\0x", '');
	my @lines = ("AUTH PLAIN $auth", "MAIL FROM:<alice\@a.test>$mail",
	    (map { "RCPT TO:<$_" } @rcpts), 'DATA',
	    "Subject: x\r\n\r\nthe body\r\n.");

	$c->smtp;
	$c->smtp($_) for 'EHLO client.test', 'STARTTLS';
	$c->starttls;
	$c->smtp('EHLO client.test');
	for my $line (@lines) {
		my $reply = $c->smtp($line);
		if ($reply !~ /^[23]/) {
			fail("$line: $reply");
			return;
		}
	}
	$c->smtp('QUIT');
	$c->close;
}

{
	my $s = site(conf => { tls_ca => "$all->{dir}/cert.pem" });
	my $srv = $s->start('smtpd', args => ['-m', 'submission']);
	submit($srv, ' HOLDFOR=7200', 'yes@old.test>');
	run($s, 'smtp-send');
	my ($status, $list) = $s->run_program('smtp-send', ['-l']);
	like($list, qr/\tscheduled\t\S+\t\d\S+Z\t.*\tyes\@old\.test\t/,
	    'FUTURERELEASE: it waits, and -l says until when');
	like(Stdmail::slurp(($s->spooled('remote/env'))[0]), qr/^hold \d+$/m,
	    '... and its envelope too');
	hasten($s, 'remote');
	run($s, 'smtp-send');
	is(scalar($old->messages), 1, '... and leaves');

	submit($srv, ' BY=1000;R', 'busy@old.test>');
	submit($srv, ' BY=100000;R', 'busy@all.test>');
	run($s, 'smtp-send');
	is_deeply([fates(reports($s))], ['busy@old.test failed 5.3.3'],
	    'DELIVERBY: no host that does not know it');
	my ($env) = map { Stdmail::slurp($_) } $s->spooled('remote/env');
	like($env, qr/^by \d+ R$/m, '... while it waits for one that does');

	submit($srv, ' REQUIRETLS', 'yes@tls.test>', 'no@old.test> NOTIFY=NEVER');
	submit($srv, ' RET=HDRS ENVID=e+2B1',
	    'yes@old.test> NOTIFY=SUCCESS ORCPT=rfc822;x+2By@c.test',
	    'no@old.test> NOTIFY=NEVER');
	run($s, 'smtp-send');
	my @reports = sort { @{[fates($a)]}[0] cmp @{[fates($b)]}[0] }
	    reports($s);
	is_deeply([fates(@reports)], ['yes@old.test relayed 2.0.0',
	    'yes@tls.test failed 5.7.30'],
	    'REQUIRETLS and DSN: who is told, and who is not');
	is($reports[0]{message}{'Original-Envelope-Id'}, 'e+1', 'ENVID');
	is($reports[0]{rcpts}[0]{'Original-Recipient'}, 'rfc822; x+y@c.test',
	    'ORCPT');
	submit($srv, '', 'bob@a.test> NOTIFY=SUCCESS');
	run($s, 'mda-deliver');
	is_deeply([fates(reports($s))], ['bob@a.test delivered 2.0.0'],
	    'and of a mailbox');
}

done_testing();
