#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what people can do with the queue: every option that lists, shows,
# traces, retries, holds, releases and drops, by id, sender, recipient, age and
# queue; what each says, to whom, and with which exit code; and that an agent
# at work is never disturbed: what it delivers is waited for, what is held it
# never sends, what is retried it sends at once.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use Stdmail;
use Stdmail::Mta;

Stdmail::need(qw(smtp-send smtpd));

my $mta = Stdmail::Mta->start(
    rules => [[qr/^RCPT TO:<nobody@/, '550 5.1.1 nobody here'],
	[qr/^RCPT TO:<full@/, "452 4.2.2 mailbox\tfull \e[1m"]]);
my ($hang, $stuck) = map { Stdmail::Mta->start(
    rules => [[qr/^DATA/, 'HANG']]) } 1, 2;
my $s = Stdmail->new(users => { alice => 'secret' }, conf => {
    relay_from => '127.0.0.0/8',
    route => ["b.test 127.0.0.1:$mta->{port}",
	"hang.test 127.0.0.1:$hang->{port}", 'down.test 127.0.0.1:1',
	'c.test 127.0.0.1:1'] });

# Into the spool, by smtpd; its id.
sub
enqueue
{
	my ($from, @to) = @_;
	my ($pid, $c) = $s->session('smtpd', args => ['-m', 'mx']);
	my %before = map { $_ => 1 } ids();

	$c->smtp;
	$c->smtp($_) for 'EHLO x', "MAIL FROM:<$from>",
	    (map { "RCPT TO:<$_>" } @to), 'DATA';
	my $reply = $c->smtp("From: A <alice\@a.test>\r\nSubject: hello " .
	    "\e[2J\r\nX-Id: $from\r\n\r\nbody of $from\r\n.");
	$c->smtp('QUIT');
	$c->close;
	Stdmail::reap($pid, 5);
	my ($id) = grep { !$before{$_} } ids();
	ok($reply =~ /^250/ && defined $id, "enqueued for @to") or
	    diag($reply, $s->log_text);
	return $id;
}

# The ids of all that is in the spool.
sub ids { return map { m{([^/,]+)\z} && $1 } $s->spooled('remote/env'),
    map { s/.*\///r =~ s/^\d+-//r =~ s/,.*//r } $s->spooled('local/now') }

sub
send_it
{
	return $s->run_program('smtp-send', [@_]);
}

# A row: arguments, exit code, pattern of standard output, of standard error.
sub
does
{
	my ($args, $code, $out, $err, $what) = @_;
	my @got = send_it(@$args);

	$what //= "@$args";
	is($got[0], $code, "$what: exit code") or diag("$got[1]$got[2]");
	like($got[1], $out, "$what: says");
	like($got[2], $err // qr/\A\z/, "$what: standard error");
	return $got[1];
}

# Where a message is: now, later, held, or gone.
sub
where
{
	my ($id) = @_;

	for my $at (qw(now later held)) {
		return $at if grep { /\Q$id\E,S=/ } map {
		    $s->spooled("$_/$at") } qw(local remote);
	}
	return 'gone';
}

sub
agent
{
	my ($status, $out, $err) = send_it('-q', @_);

	is("$status$out", '0', 'smtp-send -q') or diag $err;
	return $err;
}

sub
bounces
{
	my @files = $s->spooled('local/now');
	my @text = map { Stdmail::slurp($_) } @files;

	unlink @files;
	return @text;
}

# --- who waits for a message that is being delivered -----------------------

# On a spool of its own, while the rest of this is done; its end is below.
my $rest = $s;
$s = Stdmail->new(conf => { relay_from => '127.0.0.0/8',
    route => "hang.test 127.0.0.1:$stuck->{port}" });
my ($other, $busy) = ($s, enqueue('alice@a.test', 'bob@hang.test'));
my $at_work = $s->spawn([$s->command('smtp-send', '-q', '-w')], {});
ok(Stdmail::until_true(sub { return grep { /^DATA/ } map { @$_ }
    $stuck->heard }, 60), 'one is under way');
my $waits = Stdmail::fork_child(sub {
	my $begun = time;
	my @got = $other->run_program('smtp-send', ['-H', $busy]);

	Stdmail::spew("$other->{dir}/waited", join "\n", @got[0, 1],
	    $got[2] =~ s/\n//r, time - $begun, '');
});
$s = $rest;

# --- usage ----------------------------------------------------------------

for (['-R'], ['-s'], ['-D'], ['-l', '-R', 'all'], ['-B', '-R', 'all'],
    ['-D', 'everything'], ['-D', 'from='], ['-D', 'older=2'],
    ['-D', 'older=d'], ['-D', 'older=2y'], ['-D', 'queue=x'], ['-D', ''],
    ['-H', 'to=<>'], ['-v', '-l'], ['-u'], ['-u', '-l', 'all'], ['-l', '-q'],
    ['-j', '-q'], ['-j', 'bob@b.test'], ['-l', '-f', 'x@y'],
    ['-D', 'from=a b@c']) {
	my ($status, $out, $err) = send_it(@$_);
	is($status, 64, "smtp-send @$_: usage");
	like($err, qr/\Asmtp-send: [^\n]+\n\z/, "... in one line");
}
does(['-D', 'all'], 1, qr/\A\z/, qr/nothing of that kind waits/,
    'an empty queue');
does(['-l'], 0, qr/\A\z/);
does(['-lj'], 0, qr/\A\z/);
does(['-l', '17.M1P1Q1R.x'], 1, qr/\A\z/, qr/17\.M1P1Q1R\.x: there is no/);

# --- what is listed -------------------------------------------------------

my $full = enqueue('alice@a.test', 'full@b.test', 'bob@b.test');
my $down = enqueue('Zoe@c.test', 'x@down.test');
my $null = enqueue('', 'y@down.test');
agent();
my $time = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;
my $tsv = does(['-l'], 0, qr/./);
is(scalar(() = $tsv =~ /\n/g), 3, 'a line for each who waits');
like($tsv, qr/^\Q$full\E\tremote\tdeferred\t$time\t$time\t\d+\talice\@a\.test\t
    full\@b\.test\t1\t4\.2\.2\t127\.0\.0\.1\S*\t\S+\t
    452\ 4\.2\.2\ mailbox\ full\ \ \[1m$/mx, 'thirteen columns');
is(scalar(grep { (() = /\t/g) != 12 } split /\n/, $tsv), 0, 'in every line');
unlike($tsv, qr/[^\n\t\x20-\x7e]/, 'and nothing for a terminal to obey');
like($tsv, qr/^\Q$null\E\t.*\t<>\ty\@down\.test\t1\t4\./m, 'the null sender');
my %json = map { my $o = decode_json($_); $o->{id} => $o }
    split /\n/, does(['-lj'], 0, qr/./);
is(join(' ', sort keys %json), join(' ', sort $full, $down, $null),
    '-j: an object for each message');
is($json{$full}{sender}, 'alice@a.test', '... its sender');
my %rcpt = map { $_->{address} => $_ } @{$json{$full}{recipients}};
is($rcpt{'bob@b.test'}{state}, 'done', '... who is done');
is($rcpt{'full@b.test'}{state}, 'deferred', '... who waits');
is($rcpt{'full@b.test'}{status}, '4.2.2', '... why');
is($rcpt{'full@b.test'}{reply}, "452 4.2.2 mailbox full  [1m",
    '... in which words');
is($json{$null}{sender}, '', '... nobody');

# --- who is meant ---------------------------------------------------------

for (
	[[$full], [$full]],
	[[$full, $null], [$full, $null]],
	[['all'], [$full, $down, $null]],
	[['from=ALICE@a.test'], [$full]],
	[['from=alice@b.test'], []],
	[['from=@C.test'], [$down]],
	[['from=<>'], [$null]],
	[['from=<>', 'from=@a.test'], [$null, $full]],
	[['to=@down.test'], [$down, $null]],
	[['to=x@down.test'], [$down]],
	[['to=@down.test', 'from=<>'], [$null]],
	[['to=@n.test'], []],
	[['to=bob@b.test'], []],	# he has it
	[['to=full@b.test', $down], []],
	[['older=0s'], [$full, $down, $null]],
	[['older=1h'], []],
	[['older=1d2h'], []],
	[['newer=1h'], [$full, $down, $null]],
	[['newer=0s'], []],
	[['queue=local'], []],
	[['queue=remote', 'from=@c.test'], [$down]],
) {
	my ($args, $want) = @$_;
	my ($status, $out) = send_it('-lj', @$args);
	my %got = map { decode_json($_)->{id} => 1 } split /\n/, $out;
	is(join(' ', sort keys %got), join(' ', sort @$want), "-l @$args");
	is($status, 0, '... exit code');
}

# --- show -----------------------------------------------------------------

my $shown = does(['-s', $full], 0, qr/\A\Q$full\E  \d+  .*alice\@a\.test\n/);
like($shown, qr/\n\tfull\@b\.test\ \ \(1\ try,\ next\ at\ .*\)\n
    \t\ \ \ \ 4\.2\.2\ 127\.0\.0\.1\S*\ 452\ 4\.2\.2\ mailbox\ full/x,
    'why it waits');
like($shown, qr/\n$_ +\S/, "what is known: $_") for qw(queue address protocol);
like($shown, qr/\nReceived: .*\nSubject: hello  \[2J\n.*\n\n\z/s,
    'and its header, harmless');
unlike($shown, qr/body of/, 'not its text');
like(does(['-sv', $full], 0, qr/./), qr/\n\nbody of alice\@a\.test\n/,
    'but with -v');
my $o = decode_json(does(['-sj', $full], 0, qr/./));
like($o->{header}, qr/\AReceived: .*\e\[2J\nX-Id: alice\@a\.test\n\n?\z/s,
    '-j: the header as it is');
$o = decode_json(does(['-sjv', $full], 0, qr/./));
like($o->{message}, qr/\n\nbody of alice\@a\.test\n\z/, '... or all');
does(['-s', 'from=@n.test'], 1, qr/\A\z/, qr/nothing of that kind/);

# --- trace, retry ---------------------------------------------------------

does(['-R', $full], 0, qr/\A\Q$full\E\tretried\n\z/);
is(where($full), 'now', 'it is due now');
$mta->forget;
agent();
is(scalar(() = map { grep { /^RCPT/ } @$_ } $mta->heard), 1,
    'and is tried, the one who waits alone');
my $trace = does(['-t', $full], 0, qr/./);
is(join(' ', map { (split /\t/)[2] } split /\n/, $trace),
    'arrived tried tried tried next', 'the trace has every attempt');
like($trace, qr/^\Q$full\E\t$time\ttried\tfull\@b\.test\t4\.2\.2\t
    127\.0\.0\.1\S*\t\S+\t452\ 4\.2\.2\ mailbox\ full.*\n/mx,
    'with time, recipient, status, host, reply');
like($trace, qr/\ttried\tbob\@b\.test\t2\.0\.0\t/, 'of who has it too');
my @steps = map { decode_json($_) } split /\n/, does(['-tj', $full], 0,
    qr/./);
is(scalar(grep { $_->{event} eq 'tried' && $_->{host} } @steps), 3,
    '-j: the same');

# --- hold, release --------------------------------------------------------

does(['-H', $down], 0, qr/\A\Q$down\E\theld\n\z/);
is(where($down), 'held', 'it has its own place');
does(['-H', $down], 1, qr/\A\z/, qr/\Q$down\E: is held already\n\z/);
does(['-R', $down], 1, qr/\A\z/, qr/is held: release it with -U\n\z/);
does(['-U', $full], 1, qr/\A\z/, qr/is not held\n\z/);
like(does(['-l', $down], 0, qr/./), qr/\tremote\theld\t$time\t-\t/,
    'listed so');
like(does(['-s', $down], 0, qr/./),
    qr/x\@down\.test  \(held since \S+ \S+, 1 try\)\n/, 'and shown');
like(does(['-t', $down], 0, qr/./), qr/\t$time\theld\t-\t-\t-\t-\t-\n\z/,
    'and traced');
my $text = Stdmail::slurp(glob "$s->{spool}/remote/env/$down");
agent('-o', 'queue_lifetime=0');
is(where($down), 'held', 'an agent never takes it, however old');
is(Stdmail::slurp(glob "$s->{spool}/remote/env/$down"), $text,
    'and changes nothing');

# Ten days in the past, nine of them held: a lifetime of two days is not over.
sub
age
{
	my ($id, $days, $held) = @_;
	my ($path) = grep { /\Q$id\E/ } $s->spooled('remote/held');
	my $then = time - $days * 86400;
	my $new = $id =~ s/^\d+/int $then/er;
	my $env = "$s->{spool}/remote/env";

	rename $path, $path =~ s/\Q$id\E/$new/r =~
	    s{/\d+-}{'/' . int(time - $held * 86400) . '-'}er or die "$!";
	rename "$env/$id", "$env/$new" or die "$!";
	my $t = Stdmail::slurp("$env/$new") =~
	    s/^arrived \d+/'arrived ' . int $then/emr;
	open(my $fh, '>', "$env/$new") or die "$!";
	print $fh $t;
	close $fh;
	return $new;
}
my $old = age($down, 10, 9);
does(['-U', $old], 0, qr/\A\Q$old\E\treleased\n\z/);
is(where($old), 'now', 'released: due now');
agent('-o', 'queue_lifetime=2d', '-o', 'delay_warning=0');
is(where($old), 'later', 'what it was held makes it no older');
is_deeply([bounces()], [], 'and nobody is told');
like(does(['-t', $old], 0, qr/./), qr/\theld\t.*\n\S+\t$time\treleased\t/,
    'the trace has both');
does(['-H', $old], 0, qr/held/);
does(['-U', 'from=@c.test'], 0, qr/released/);
agent('-o', 'queue_lifetime=20h', '-o', 'delay_warning=0');
is(where($old), 'gone', 'what it was not held, does');
is(scalar(() = bounces()), 0, 'its sender is elsewhere');
$mta->forget;
for (map { /\Q$old\E/ ? () : $_ } ids()) {
	send_it('-D', $_) if $_ ne $full && $_ ne $null;
}

# --- drop -----------------------------------------------------------------

does(['-D', 'from=<>'], 0, qr/\A\Q$null\E\tdropped\n\z/);
is(where($null), 'gone', 'dropped');
ok(!-e "$s->{spool}/remote/env/$null", 'with its envelope');
is_deeply([bounces()], [], 'nobody is told');
does(['-DB', $full], 0, qr/\A\Q$full\E\tbounced\n\z/);
is(where($full), 'gone', 'dropped with a bounce');
my @b = bounces();
is(scalar @b, 1, 'one bounce');
like($b[0], qr/^Delivered-To: alice\@a\.test$/m, 'to its sender');
like($b[0], qr/^Final-Recipient:\ rfc822;\ full\@b\.test\n
    Action:\ failed\nStatus:\ 5\.3\.0\n/mx, 'of who had it not');
like($b[0], qr/taken out of the queue by the postmaster/, 'and why');
unlike($b[0], qr/Final-Recipient: rfc822; bob/, 'not of who has it');
is_deeply([$s->spooled], [], 'nothing is left');

# Of many recipients, those who are meant.
my $many = enqueue('alice@a.test', 'x@down.test', 'y@Down.test',
    'full@b.test', 'z@down2.test');
does(['-D', 'to=@down.test'], 0, qr/\A\Q$many\E\tdropped\n\z/);
is(where($many), 'now', 'a message stays for the others');
like(does(['-l', $many], 0, qr/./), qr/\A(?:(?!\@down\.test).)*\z/s,
    'who are all it has');
like(does(['-t', $many], 0, qr/./),
    qr/\ttried\tx\@down\.test\t5\.3\.0\t-\t-\ttaken out of/,
    'the trace says why');
does(['-DB', 'to=full@b.test'], 0, qr/bounced/);
@b = bounces();
like($b[0], qr/^Final-Recipient: rfc822; full\@b\.test$/m, 'one is told of');
unlike($b[0], qr/^Final-Recipient: rfc822; z/m, 'and no other');
does(['-D', 'to=z@down2.test'], 0, qr/dropped/);
is(where($many), 'gone', 'the last one takes the message along');
is_deeply([$s->spooled], [], 'nothing is left');
my $own = enqueue('alice@a.test', 'x@down.test');
does(['-DB', 'all'], 0, qr/\A\Q$own\E\tbounced\n\z/);
is(scalar(() = bounces()), 1, 'the bounce is none of all');
does(['-DBj', enqueue('', 'x@down.test')], 0, qr/"done":"dropped"\}\n\z/);
is_deeply([$s->spooled], [], 'of a bounce nobody is told');

# The local queue: a message that is its own envelope.
my $local = enqueue('zoe@b.test', 'alice@a.test');
is(where($local), 'now', 'in the local queue');
does(['-H', 'queue=local'], 0, qr/\A\Q$local\E\theld\n\z/);
like(does(['-l'], 0, qr/./), qr/^\Q$local\E\tlocal\theld\t/, 'held');
my ($st, $out, $err) = $s->run_program('mda-deliver', ['-q']);
is(where($local), 'held', 'mda-deliver leaves it alone');
does(['-t', $local], 0, qr/arrived.*held/s);
does(['-U', $local], 0, qr/released/);
does(['-DB', $local], 0, qr/bounced/);
is(where($local), 'gone', 'dropped');
like(Stdmail::slurp(($s->spooled('remote/now'))[0]),
    qr/^Final-Recipient: rfc822; alice\@a\.test$/m,
    'its bounce is for another host');
does(['-D', 'all'], 0, qr/dropped/);

# What its sender holds stays so, unless it is named.
my $future = enqueue('alice@a.test', 'bob@b.test');
my ($at) = $s->spooled('remote/now');
my $soon = int(time) + 5000;
my $bucket = "$s->{spool}/remote/later/" . ($soon - $soon % 3600);
my $env = "$s->{spool}/remote/env/$future";
Stdmail::spew($env, Stdmail::slurp($env) =~ s/^to Q/hold $soon\nto Q/mr, 0600);
mkdir $bucket, 0770;
rename $at, "$bucket/$soon-" . ($at =~ s{.*/}{}r) or die;
$s->own;
like(does(['-l'], 0, qr/./), qr/\tscheduled\t/, 'its sender holds it');
does(['-R', 'all'], 1, qr/\A\z/, qr/nothing of that kind/);
is(where($future), 'later', 'a retry of all is not meant for it');
does(['-H', 'all'], 0, qr/held/);
does(['-U', 'all'], 0, qr/released/);
is(where($future), 'later', 'released it waits for its time');
does(['-R', $future], 0, qr/retried/);
is(where($future), 'now', 'who names it means it');
does(['-D', 'all'], 0, qr/dropped/);

# What nobody can read any more.
my ($broken, $whole) = map { enqueue('alice@a.test', 'bob@b.test') } 1, 2;
unlink "$s->{spool}/remote/env/$broken" or die;
does(['-l'], 75, qr/^\Q$broken\E\tremote\tunreadable\t(?:[^\t]*\t){9}Bad message$/m,
    qr/./, 'an envelope is missing');
does(['-H', 'all'], 75, qr/\A\Q$whole\E\theld\n\z/,
    qr/\Q$broken\E cannot be read: Bad message\n/);
does(['-D', 'all'], 75, qr/\A\Q$whole\E\tdropped\n\z/,
    qr/cannot be read/);
does(['-DB', $broken], 75, qr/\A\z/, qr/cannot be read/);
does(['-D', $broken], 0, qr/\A\Q$broken\E\tdropped\n\z/, undef,
    'dropped when it is named');
is_deeply([$s->spooled], [], 'nothing is left');

# --- an agent at work -----------------------------------------------------

my $watcher = $s->spawn([$s->command('smtp-send', '-q', '-w')], {});
my $wait = enqueue('alice@a.test', 'full@b.test');
ok(Stdmail::until_true(sub { return where($wait) eq 'later' }, 60),
    'put off by a watcher') or diag $s->log_text;
# By itself it looks each five seconds; a busy machine may be late for once.
my $took = 99;
for (1 .. 5) {
	last if $took < 2;
	$mta->forget;
	my $begun = time;
	does(['-R', 'to=@b.test'], 0, qr/retried/);
	Stdmail::until_true(sub { return scalar $mta->heard }, 60);
	$took = time - $begun;
	Stdmail::until_true(sub { return where($wait) eq 'later' }, 60);
}
cmp_ok($took, '<', 2, 'a retry wakes the watcher at once');
does(['-H', $wait], 0, qr/held/);
does(['-U', $wait], 0, qr/released/);
ok(Stdmail::until_true(sub { return 2 <= grep { /^RCPT/ } map { @$_ }
    $mta->heard }, 60), 'a release too');
Stdmail::until_true(sub { return where($wait) eq 'later' }, 60);
does(['-D', $wait], 0, qr/dropped/);
my $two = enqueue('alice@a.test', 'full@b.test', 'bob@hang.test');
ok(Stdmail::until_true(sub { return grep { /^DATA/ } map { @$_ }
    $hang->heard }, 60), 'one is under way');
like(does(['-l', $two], 0, qr/./), qr/\tsending\t.*\tbob\@hang\.test/,
    'and is listed so');
does(['-R', $two], 0, qr/\A\z/, qr/is being delivered now\n\z/);
# The host goes down while somebody waits.
my $pid = Stdmail::fork_child(sub { sleep 1; kill 'KILL', -$hang->{pid} });
does(['-H', $two], 0, qr/\A\Q$two\E\theld\n\z/, undef,
    'held as soon as it can be');
is(where($two), 'held', 'there it is');
kill 'TERM', $watcher;
is(Stdmail::reap($watcher, 60), 0, 'SIGTERM ends the watcher in order');
does(['-D', 'all'], 0, qr/dropped/);
is_deeply([$s->spooled], [], 'nothing is left');
Stdmail::reap($waits, 60);
my ($code, $changed, $why, $waited) = split /\n/,
    Stdmail::slurp("$other->{dir}/waited");
is("$code$changed", '75', 'one that does not come to its end: 75');
like($why, qr/\A\S+ \Q$busy\E: is being delivered, nothing was changed\z/,
    '... which is said');
cmp_ok($waited, '>=', 4, 'it was waited for');
cmp_ok($waited, '<', 30, '... but not for long');
kill 'KILL', -$stuck->{pid};
kill 'TERM', $at_work;
is(Stdmail::reap($at_work, 60), 0, 'its agent ends in order');
done_testing;
