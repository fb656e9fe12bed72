#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that smtpd may be told to stop at any moment of a session: SIGTERM
# comes before, together with and after each thing that a client sends, and at
# random moments while four clients send as fast as they can.  A client whose
# message was asked for can send it to its end and gets 250; any other hears
# 421; what was answered 250 is delivered, once and whole, nothing else stays,
# and the server ends with 0.  ROUNDS says how often at random (15).
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Stdmail;

Stdmail::need(qw(smtpd mda-deliver));

my $rounds = $ENV{ROUNDS} // 15;
my $seed = $ENV{SEED} // time ^ $$;
my $s = Stdmail->new(users => { alice => 'open-sesame' });
my $body = 'x' x 70 . "\r\n";

srand($seed);
note("SEED=$seed");

# A message that can be told from others, in CRLF.
sub
message
{
	return "Subject: $_[0]\r\n\r\n" . $body x 300 . "end of $_[0]\r\n";
}

# What each message came to: name => times, of whole ones; all else is named.
sub
delivered
{
	my ($status, undef, $err) = $s->run_program('mda-deliver', ['-q'],
	    timeout => 60);
	my (%got, @torn);

	for my $path ($s->files('Mail/alice/new')) {
		my $text = Stdmail::slurp($path);
		my ($name) = $text =~ /^Subject: (.*)\n/m;
		my $whole = message($name // '') =~ s/\r\n/\n/gr;

		if (substr($text, -length $whole) eq $whole) {
			$got{$name}++;
		} else {
			push @torn, $path;
		}
		unlink $path;
	}
	push @torn, $s->spooled;
	push @torn, "exit $status: $err" if $status != 0;
	return (\%got, @torn);
}

# --- at each moment of a session ------------------------------------------

# What the client sends, and whether it then waits for a reply: 2, for that of
# the message.
sub
steps
{
	my ($name) = @_;
	my $text = message($name);
	my $half = length($text) / 2;

	return (["EHLO client.test\r\n", 1], ["MAIL FROM:<a\@b.test>\r\n", 1],
	    ["RCPT TO:<alice\@a.test>\r\n", 1], ["DATA\r\n", 1],
	    [substr($text, 0, 20), 0], [substr($text, 20, $half), 0],
	    [substr($text, 20 + $half), 0], ['.', 0], ["\r", 0], ["\n", 2],
	    ["RSET\r\n", 1]);
}

# The same in two chunks: what comes between them is not yet a promise.
sub
chunks
{
	my ($name) = @_;
	my $text = message($name);
	my $half = int(length($text) / 2);
	my $rest = length($text) - $half;

	return ((steps($name))[0 .. 2], ["BDAT $half\r\n", 0],
	    [substr($text, 0, 20), 0], [substr($text, 20, $half - 20), 1],
	    ["BDAT $rest LAST\r\n", 0], [substr($text, $half, 20), 0],
	    [substr($text, $half + 20), 2], ["RSET\r\n", 1]);
}

# One session, with SIGTERM at step $at: 'before' it, 'with' it, or 'after' its
# reply.  What is wrong, or undef.
sub
stop_at
{
	my ($form, $at, $when, @tls) = @_;
	my $srv = $s->start('smtpd', args => ['-m', 'mx', @tls]);
	my $c = $srv->connect(timeout => 60);
	my $name = "step $at, $when @tls";
	my ($reply, $asked, $n) = ('', 0, 0);
	my $term = sub { kill 'TERM', $srv->{pid} };

	$c->starttls if @tls;
	$c->smtp(undef);
	for my $step ($form->($name)) {
		my ($bytes, $waits) = @$step;
		$term->() if $n == $at && $when ne 'after';
		# Heard, or on its way to be heard together with the bytes.
		sleep 0.05 if $n == $at && $when eq 'before';
		$c->send($bytes) or last;
		if ($waits) {
			$reply = $c->smtp(undef);
			$asked = 1 if $reply =~ /^354/;
			last if $reply !~ /^[23]/;
			$asked = 2 if $waits == 2;
		}
		$term->() if $n == $at && $when eq 'after';
		$n++;
	}
	my $rest = $reply =~ /^421/ ? $reply : $c->closed;
	my $alive = $srv->alive(20);
	my ($got, @torn) = delivered();
	my $times = $got->{$name} // 0;

	return "$name: it does not stop" if $alive;
	return "$name: exit $srv->{status}" if $srv->{status} != 0;
	return "$name: $torn[0]" if @torn;
	return "$name: no 250 for a message that was asked for, but '$rest'"
	    if $asked == 1;
	return "$name: delivered $times times" if $times != ($asked == 2);
	return "$name: the last word is '$rest'" if $rest !~ /^421 4\.3\.2 /;
	return undef;
}

for my $row (['DATA', \&steps], ['BDAT', \&chunks]) {
	my ($what, $form) = @$row;
	my @faults = grep { defined } map {
		my $at = $_;
		map { stop_at($form, $at, $_) } qw(before with after)
	} 0 .. $#{[$form->('')]};

	is(join("\n", @faults), '', "at each step of a session with $what");
}
SKIP: {
	my $no = Stdmail::Conn::no_tls();
	skip $no, 1 if defined $no;
	my @faults = grep { defined } map {
		stop_at(\&steps, $_, 'with', '-T')
	} 0 .. $#{[steps('')]};
	is(join("\n", @faults), '', 'and of one with TLS');
}

# --- between chunks ---------------------------------------------------------

# A message of which a chunk was taken is none: nothing was promised.
{
	my $srv = $s->start('smtpd', args => ['-m', 'mx']);
	my $c = $srv->connect(timeout => 60);

	$c->smtp($_) for undef, 'EHLO client.test', 'MAIL FROM:<a@b.test>',
	    'RCPT TO:<alice@a.test>';
	like($c->smtp("BDAT 12\r\nSubject: x"), qr/^250 /, 'a chunk is taken');
	kill 'TERM', $srv->{pid};
	like($c->smtp(undef), qr/^421 4\.3\.2 /, '... and the server stops');
	ok(!$srv->alive(20), '... soon');
	my ($got, @torn) = delivered();
	is_deeply([%$got, @torn], [], '... and nothing of it stays');
}

# --- at random, under load ------------------------------------------------

# Send messages until the server shows us out: what was answered goes to a
# file.
sub
send_mail
{
	my ($srv, $acks, $name) = @_;

	open(my $fh, '>>', $acks) or die "$!\n";
	for (my $n = 0;; $n++) {
		my $id = "$name-$n";
		my $c = eval { $srv->connect(timeout => 60) } or last;
		my $reply = '';

		for my $line (undef, 'EHLO client.test',
		    'MAIL FROM:<a@b.test>', 'RCPT TO:<alice@a.test>', 'DATA',
		    message($id) . '.') {
			$reply = $c->smtp($line);
			last if $reply !~ /^[23]/;
		}
		syswrite $fh, "$id\n" if $reply =~ /^250/;
	}
}

my ($answered, $lost) = (0, 0);
for my $round (1 .. $rounds) {
	my $acks = "$s->{dir}/acks";
	my $srv = $s->start('smtpd', args => ['-m', 'mx']);

	Stdmail::spew($acks, '');
	my @pids = map {
		my $name = "r$round-c$_";
		Stdmail::fork_child(sub { send_mail($srv, $acks, $name) })
	} 1 .. 4;
	Stdmail::until_true(sub { -s $acks }, 60);
	sleep rand 0.1;
	kill 'TERM', $srv->{pid};
	my $alive = $srv->alive(30);
	if ($alive || $srv->{status} != 0) {
		$lost++;
		diag("round $round: it does not stop well");
	}
	# What the kernel held is read before the clients go.
	Stdmail::reap($_, 10) // Stdmail::end_child($_) for @pids;
	my ($got, @torn) = delivered();
	for my $id (split /\n/, Stdmail::slurp($acks)) {
		my $n = delete $got->{$id} // 0;
		$answered++;
		next if $n == 1;
		$lost++;
		diag("$id: $n times");
	}
	for my $id (keys %$got) {
		next if $got->{$id} == 1;
		$lost++;
		diag("$id: $got->{$id} times");
	}
	diag("round $round: $torn[0]") if @torn;
	$lost += @torn;
}
ok($answered >= $rounds && $lost == 0,
    "$rounds times under load: of $answered answered none is lost");
done_testing();
