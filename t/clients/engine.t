#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves how smtp-send works on a queue of many: mail for several domains that
# one host takes goes over its connections, not one for each; a destination that
# does not answer is asked once, its other mail is put off with what was heard,
# and a person who asks for a try gets one; one that is slow does not hold up
# the others; a message whose recipients wait in different places is finished
# with each as it can be; and SIGTERM ends it soon, whatever hangs.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Stdmail;
use Stdmail::Mta;

Stdmail::need(qw(smtp-send));

my $mta = Stdmail::Mta->start(offers => ['PIPELINING']);
my $hang = Stdmail::Mta->start(rules => [[qr/^CONNECT/, 'HANG']]);
my $down = Stdmail::Mta->start(rules => [[qr/^CONNECT/, '421 not now']]);
my $s = Stdmail->new(conf => { max_workers => 8, destination_concurrency => 3,
    route => [(map { "d$_.test 127.0.0.1:$mta->{port}" } 1 .. 9),
    "hang.test 127.0.0.1:$hang->{port}",
    "down.test 127.0.0.1:$down->{port}"] });
my $all = $s;
my $serial = 0;

# Into the spool, as a creator leaves it.
sub
enqueue
{
	my ($n, @rcpts) = @_;
	my $text = "Subject: x\n\nhello\n";

	for (1 .. $n) {
		my $id = sprintf '%d.M1P%dQ%dR.mx.a.test', time, $$, ++$serial;
		Stdmail::spew("$s->{spool}/remote/env/$id",
		    "stdmail-envelope 1\nsender al\@a.test\narrived " .
		    int(time) . "\n" . join('', map { "to Q $_\n" } @rcpts) .
		    "end\n", 0660);
		Stdmail::spew("$s->{spool}/remote/now/$id,S=18,W=21", $text,
		    0660);
	}
	$s->own;
}

sub
run_queue
{
	my ($status, $out, $err) = $s->run_program('smtp-send', ['-q']);

	is($status, 0, 'smtp-send -q') or diag $err;
	return $err;
}

# --- one host for many domains --------------------------------------------

run_queue();
enqueue(3, "bob\@d$_.test") for 1 .. 9;
run_queue();
is(scalar(() = $mta->messages), 27, 'mail for nine domains of one host');
my @sessions = $mta->heard;
cmp_ok(scalar @sessions, '<=', 3, 'goes over as many connections as allowed');
is_deeply([$s->spooled], [], 'and nothing is left');
$mta->forget;
enqueue(1, map { "bob\@d$_.test" } 1 .. 9);
run_queue();
is(scalar(() = $mta->messages), 1, 'one message for all of them is one there');
$mta->forget;
enqueue(1, map { "bob$_\@d1.test" } 1 .. 120);
run_queue();
is(scalar(grep { /^RCPT/ } map { @$_ } $mta->heard), 120,
    '120 recipients have it');
$mta->forget;

# --- hosts that do not say goodbye ----------------------------------------

# A worker for two places, each of which leaves a QUIT without an answer.
my @rude = map { Stdmail::Mta->start(addr => "127.0.0.$_",
    rules => [[qr/^QUIT/, 'HANG']]) } 1, 2;
my $one = Stdmail->new(conf => { max_workers => 1, route => [
    "d1.test 127.0.0.1:$mta->{port}",
    map { "r$_.test $rude[$_]{addr}:$rude[$_]{port}" } 0, 1] });
$s = $one;
run_queue();
enqueue(1, "bob\@r$_.test") for 0, 1, 0, 1;
my $start = time;
run_queue();
cmp_ok(time - $start, '<', 30, 'nobody waits for the answer to a QUIT');
is(scalar(map { $_->messages } @rude), 4, 'and all have their mail');

# --- one that is worn -----------------------------------------------------

$mta->forget;
enqueue(1010, 'bob@d1.test');
run_queue();
my @carried = map { scalar grep { /^MAIL/ } @$_ } $mta->heard;
is(scalar(() = $mta->messages), 1010, 'mail for a busy connection');
ok(!(grep { $_ > 1000 } @carried), 'which does not last for ever') or
    diag "@carried";
$mta->forget;
$s = $all;

# --- one that does not answer ---------------------------------------------

enqueue(20, 'bob@down.test');
my $log = run_queue();
my @tried = $log =~ /^.*deferred .*421 not now/mg;
my $real = grep { !/not tried now/ } @tried;
is(scalar @tried, 20, 'a host that turns all away: all are put off');
cmp_ok($real, '<=', 4, 'those that were under way were tried')
    or diag $log;
cmp_ok($real, '>=', 1, 'one at least');
is(scalar(() = $s->spooled('remote/later')), 20, 'all wait');
my ($st, $list) = $s->run_program('smtp-send', ['-l', '-j']);
like($list, qr/not tried now, the last try of another message said/,
    'and the list says honestly why');

# A person wants them tried: each of them is.
$s->run_program('smtp-send', ['-R', 'all']);
$log = run_queue();
is(scalar(grep { !/not tried now/ } $log =~ /^.*deferred .*421 not now/mg), 20,
    'a person who asks for a try gets one');
unlink $s->spooled('remote');

# --- one that is slow -----------------------------------------------------

enqueue(60, 'bob@hang.test');
enqueue(1, 'eve@hang.test', 'eve@d1.test');
enqueue(5, 'bob@d2.test');
my $agent = $s->spawn([$s->command('smtp-send', '-q', '-w')], {});
my $begun = time;
ok(Stdmail::until_true(sub { return $mta->messages == 6 }, 60),
    'one that hangs does not hold up the others') or diag $s->log_text;
cmp_ok(time - $begun, '<', 30, 'for long');
cmp_ok(scalar(() = $hang->heard), '<=', 3, 'nor has it more than its share');
ok(Stdmail::until_true(sub {
	return grep { Stdmail::slurp($_) =~ /^to [QT] eve\@hang/m &&
	    Stdmail::slurp($_) =~ /^to D eve\@d1/m } $s->spooled('remote/env');
}, 60), 'who has it is noted, who waits waits');
$begun = time;
kill 'TERM', $agent;
is(Stdmail::reap($agent, 60), 0, 'SIGTERM ends it in order');
cmp_ok(time - $begun, '<', 40, 'soon, whatever hangs');
is(scalar(() = $s->spooled('remote/now')), 61, 'and what waited waits');
my @trying = grep { Stdmail::slurp($_) =~ /^to T/m } $s->spooled('remote/env');
cmp_ok(scalar @trying, '<=', 6, 'few may be doubtful');
done_testing;
