#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that programs work on one Maildir at once: three imapd, pop3d,
# mda-deliver, and someone who renames and moves files as mutt does.  Every
# message that came in is there once and those removed are not; each keyword and
# flag is as its own writer set it last; each session's numbers stay those it
# was told.  And that a waiting IMAP client hears of a change within 50 ms.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Storable qw(nstore retrieve);
use Test::More;
use Time::HiRes qw(time sleep);

use Stdmail;

Stdmail::need(qw(imapd pop3d mda-deliver));
my $seconds = $ENV{SECONDS} // 5;
my $s = Stdmail->new(users => { bob => 'x' });
my $md = $s->maildir('bob');
my $end;

# --- a client of imapd that keeps its own list ---

sub
imap_start
{
	my ($pid, $c) = $s->session('imapd', mode => 'pipe',
	    args => ['-p', $md]);
	my $client = { pid => $pid, c => $c, uids => [] };

	$client->{greeting} = $c->answer;
	imap_do($client, 'SELECT INBOX');
	return $client;
}

# A command, and what its answer tells of the list; new ones are asked for.
sub
imap_do
{
	my ($client, $command) = @_;
	my $said = $client->{c}->imap($command);
	my $uids = $client->{uids};
	my $count = @$uids;

	for (split /\r\n/, $said) {
		if (/^\* (\d+) EXPUNGE/) {
			push @{$client->{wrong}}, "$_ of $count"
			    if $1 < 1 || $1 > $count;
			splice @$uids, $1 - 1, 1 if $1 <= @$uids;
			$count--;
		} elsif (/^\* (\d+) EXISTS/) {
			push @{$client->{wrong}}, "$_ of $count"
			    if $1 < $count;
			$count = $1;
		} elsif (/^\* (\d+) FETCH \(.*\bUID (\d+)/) {
			$uids->[$1 - 1] //= $2;
			push @{$client->{wrong}}, "$_: was $uids->[$1 - 1]"
			    if $uids->[$1 - 1] != $2;
		}
	}
	imap_do($client, 'FETCH ' . (@$uids + 1) . ':* (UID)')
	    if $count > @$uids;
	return $said;
}

sub
message
{
	my ($token, $eol) = @_;

	return join $eol, "Subject: $token", 'From: a@a.test', '', 'text', '';
}

sub
imap_worker
{
	my ($k) = @_;
	my $client = imap_start();
	my (%keyword, %came, %gone, @mine);
	my $n = 0;

	srand($$);
	while (time < $end) {
		my $what = rand 10;
		my $uid = $client->{uids}[rand @{$client->{uids}}];
		if ($what < 6 && $uid) {
			my $on = int rand 2;
			my $said = imap_do($client, "UID STORE $uid " .
			    ($on ? '+' : '-') . "FLAGS.SILENT (W$k)");
			push @{$client->{wrong}}, $said
			    if $said !~ /^t\d+ (OK|NO \[EXPUNGEISSUED\])/m;
			$keyword{$uid} = $on;
		} elsif ($what < 8) {
			my $token = "imap-$k-" . ++$n;
			my $text = message($token, "\r\n");
			my $c = $client->{c};
			$c->send('a APPEND INBOX {' . length($text) .
			    "}\r\n");
			my $line = $c->answer;
			$c->send("$text\r\n") if $line =~ /^\+/;
			# Others' doings may be told first.
			my $said = imap_do($client, 'NOOP');
			my ($at) = $said =~ /^a OK \[APPENDUID \d+ (\d+)\]/m;
			if ($at) {
				$came{$token} = $at;
				push @mine, $at;
			} else {
				push @{$client->{wrong}}, "$line $said";
			}
		} elsif ($what < 9 && @mine > 3 && $k == 1) {
			my $old = shift @mine;
			imap_do($client,
			    "UID STORE $old +FLAGS.SILENT (\\Deleted)");
			my $said = imap_do($client, "UID EXPUNGE $old");
			$gone{$old} = 1 if $said =~ /^t\d+ OK/m;
		} else {
			imap_do($client, 'NOOP');
		}
	}
	imap_do($client, 'LOGOUT');
	return { keyword => \%keyword, came => \%came, gone_uid => \%gone,
	    wrong => $client->{wrong}, k => $k };
}

# --- the others ---

sub
mda_worker
{
	my (%came, @wrong);

	for (my $n = 1; time < $end; $n++) {
		my ($status, undef, $err) = $s->run_program('mda-deliver',
		    ["$md/"], stdin => message("mda-$n", "\n"));
		push @wrong, "mda-deliver: $status $err" if $status;
		$came{"mda-$n"} = 0 if !$status;
	}
	return { came => \%came, wrong => \@wrong };
}

sub
pop_worker
{
	my (%gone, @wrong);

	while (time < $end) {
		my ($pid, $c) = $s->session('pop3d', mode => 'pipe',
		    args => ['-p', $md]);
		my $hello = $c->answer;
		my (undef, $list) = $c->pop3('UIDL', 1);
		my @n = ($list // '') =~ /^(\d+) /mg;
		my @deleted;
		for my $n (@n[-8 .. -1]) {
			next if !$n;
			my ($ok, $head) = $c->pop3("TOP $n 0", 1);
			next if ($head // '') !~ /^Subject: (mda-\d*[05])\r/m;
			my $token = $1;
			push @deleted, $token
			    if $c->pop3("DELE $n") =~ /^\+OK/;
		}
		my $bye = $c->pop3('QUIT');
		push @wrong, "$hello; $bye" if $hello !~ /^\+OK/ ||
		    $bye !~ /^\+OK/;
		$gone{$_} = 1 for @deleted;
		$c->close;
		Stdmail::reap($pid, 5);
	}
	return { gone => \%gone, wrong => \@wrong };
}

# mutt: from new to cur, and flags by rename.
sub
rename_worker
{
	my (%flagged, $moved);

	srand($$);
	while (time < $end) {
		for my $name (map { s{.*/}{}r } glob "$md/new/*") {
			$moved++ if rand > 0.7 &&
			    rename "$md/new/$name", "$md/cur/$name:2,";
		}
		opendir(my $dh, "$md/cur") or die;
		my @names = grep { !/^\./ } readdir $dh;
		for (1 .. 5) {
			my $name = $names[rand @names];
			my ($base, $info) = $name =~ /^(.*?)(?::2,(.*))?\z/;
			$info //= '';
			my $on = $info !~ /F/;
			open(my $fh, '<', "$md/cur/$name") or next;
			my ($token) = join('', <$fh>) =~ /^Subject: (\S+)/m;
			my $to = $on ? join '', sort split //, "F$info" :
			    $info =~ s/F//r;
			$flagged{$token} = $on if $token &&
			    rename "$md/cur/$name", "$md/cur/$base:2,$to";
		}
		sleep 0.002;
	}
	return { flagged => \%flagged, moved => $moved };
}

# --- at once ---

my %all;
for my $i (1 .. 60) {
	$s->preload('bob', message("old-$i", "\n"), '');
	$all{"old-$i"} = 1;
}
my %workers = (mda => \&mda_worker, pop => \&pop_worker,
    rename => \&rename_worker, map { my $k = $_;
    ("imap$k" => sub { imap_worker($k) }) } 1 .. 3);
$end = time + $seconds;
my %pid = map { my $name = $_; ($name => Stdmail::fork_child(sub {
	my $result = eval { $workers{$name}->() } // { wrong => ["$@"] };
	nstore($result, "$s->{dir}/$name.result");
})) } sort keys %workers;
my (%got, %gone);
for my $name (sort keys %pid) {
	Stdmail::reap($pid{$name}, $seconds + 60);
	$got{$name} = eval { retrieve("$s->{dir}/$name.result") } //
	    { wrong => ['it did not end'] };
	my @wrong = @{$got{$name}{wrong} // []};
	ok(!@wrong, "$name: nothing wrong") or diag(join "\n",
	    @wrong[0 .. (@wrong > 5 ? 5 : $#wrong)]);
}

my $last = imap_start();
my $said = imap_do($last, 'FETCH 1:* (UID FLAGS ' .
    'BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
my (%there, %flags, %token);
while ($said =~ /^\* \d+ FETCH \((.*?)\r\n\)\r$/msg) {
	my $f = $1;
	my ($uid) = $f =~ /UID (\d+)/;
	my ($flags) = $f =~ /FLAGS \((.*?)\)/;
	my ($token) = $f =~ /Subject: (\S+)/;
	$there{$token}++;
	$token{$uid} = $token;
	$flags{$uid} = { map { $_ => 1 } split ' ', $flags };
}
my $writes = 0;
my @wrong;
for my $r (values %got) {
	$all{$_} = 1 for keys %{$r->{came} // {}};
	$gone{$_} = 1 for keys %{$r->{gone} // {}};
	for my $token (keys %{$r->{came} // {}}) {
		my $uid = $r->{came}{$token} or next;
		if ($r->{gone_uid}{$uid}) {
			$gone{$token} = 1;
		} elsif (($token{$uid} // '') ne $token) {
			push @wrong, "UID $uid was told for $token, is " .
			    ($token{$uid} // 'gone');
		}
	}
	for my $uid (keys %{$r->{keyword} // {}}) {
		my $have = $flags{$uid} or next;
		$writes++;
		push @wrong, "UID $uid: W$r->{k}, not $r->{keyword}{$uid}"
		    if !!$have->{"W$r->{k}"} != !!$r->{keyword}{$uid};
	}
}
for my $uid (keys %token) {
	my $on = $got{rename}{flagged}{$token{$uid}} // next;
	$writes++;
	push @wrong, "UID $uid ($token{$uid}): Flagged, not " . ($on ? 1 : 0)
	    if !!$flags{$uid}{'\Flagged'} != !!$on;
}
delete @all{keys %gone};
is_deeply([grep { !$there{$_} } sort keys %all], [], 'nothing is lost of ' .
    keys(%all) . ' messages');
is_deeply([grep { $gone{$_} } sort keys %there], [], keys(%gone) .
    ' were removed and stay so');
is_deeply([grep { $there{$_} > 1 } sort keys %there], [], 'none is doubled');
is_deeply([grep { !$all{$_} && !$gone{$_} } sort keys %there], [],
    'none came from nowhere');
is_deeply(\@wrong, [], "no update is lost of $writes");
imap_do($last, 'LOGOUT');

# --- a waiting client ---

# A change, and how many seconds it took until the client was told.
sub
told_after
{
	my ($c, $i) = @_;
	my $name = sprintf '%s/idle.%d', $md, $i;
	my ($want, $from, $to);

	if ($i % 2) {
		Stdmail::spew("$md/tmp/idle.$i", message("idle-$i", "\n"));
		chown @Stdmail::nobody, "$md/tmp/idle.$i" if $> == 0;
		($want, $from, $to) = (qr/^\* \d+ EXISTS/,
		    "$md/tmp/idle.$i", "$md/new/idle.$i");
	} else {
		($from) = glob "$md/cur/idle.*:2,";
		($want, $to) = (qr/^\* \d+ FETCH .*Flagged/, "${from}F");
	}
	my $start = time;
	rename $from, $to or die "$from: $!\n";
	for (;;) {
		my $line = $c->line(5) // die "closed\n";
		return time - $start if $line =~ $want;
	}
}

my $idle = imap_start();
my $c = $idle->{c};
$c->send("i IDLE\r\n");
like($c->answer, qr/^\+/, 'a client waits');
my (@took, $tries);
for my $i (1 .. 50) {
	my $best = eval { told_after($c, $i) } // 99;
	# A busy machine may be slow, but not always at this change.
	for (my $again = 1; $best > 0.05 && $again < 10; $again++) {
		$tries++;
		sleep 0.2;
		my $next = eval { told_after($c, 100 * $again + 2 * $i +
		    $i % 2) } // 99;
		$best = $next if $next < $best;
	}
	push @took, $best;
	# More often than one line may be told of a change.
	$c->silent(0.02) or $c->{buf} = '';
}
my @sorted = sort { $a <=> $b } @took;
my @late = grep { $_ > 0.05 } @took;
is(scalar @late, 0, sprintf 'told of each of 50 changes within 50 ms: median ' .
    '%.1f ms, longest %.1f ms, %d repeated', 1000 * $sorted[25],
    1000 * $sorted[-1], $tries // 0);
$c->send("DONE\r\n");
Stdmail::end_child($_->{pid}) for $idle, $last;
$s->remove;
done_testing();
