# SPDX-License-Identifier: ISC
#
# An IMAP client that believes only what it is told: a session and its view of
# the selected mailbox (numbers, UIDs, flags, modification sequences), kept by
# the untagged responses alone.  What a server may not say is noted in {wrong}.
# What it makes use of follows from what CAPABILITY lists.
package Stdmail::View;

use strict;
use warnings;

use IO::Handle;
use Time::HiRes qw(time);

use Stdmail::Imap;

# What all sessions said lately, in the order it was heard; with TRACE=FILE all
# of it.
my (@lately, $trace);
open($trace, '>', $ENV{TRACE}) or die "$ENV{TRACE}: $!\n" if $ENV{TRACE};
$trace->autoflush(1) if $trace;

# new(NAME, CONNECTION): a session that has been authenticated; the greeting is
# read here.
sub
new
{
	my ($class, $name, $c) = @_;
	my $v = bless { name => $name, c => $c, wrong => [], said => [],
	    msg => [], enabled => {}, n => 0, timeout => 60 }, $class;

	$v->{greeting} = Stdmail::Imap::response($c, $v->{timeout}) // '';
	push @{$v->{wrong}}, "$name: greeting $v->{greeting}"
	    if $v->{greeting} !~ /^\* (?:PREAUTH|OK) /;
	$v->do('CAPABILITY');
	return $v;
}

sub can { return $_[0]{caps}{uc $_[1]} }

sub
wrong
{
	my ($v, $why) = @_;
	my @said = @{$v->{said}};

	push @{$v->{wrong}}, join "\n    ", "$v->{name}: $why",
	    @said[(@said > 25 ? @said - 25 : 0) .. $#said];
}

# --- commands -------------------------------------------------------------

# Send a command; its answer is read by finish().  Text with literals must be
# such as need no asking.
sub
start
{
	my ($v, $command) = @_;
	my $tag = $v->{name} . ++$v->{n};

	$v->{running} = { tag => $tag, command => $command, untagged => [] };
	$v->remember("C: $tag $command");
	$v->{c}->send("$tag $command\r\n");
}

# What happened, whoever did it, for lately().
sub
note
{
	my ($line) = @_;

	push @lately, sprintf '%.3f %s', time, $line;
	shift @lately if @lately > 80;
}

sub lately { return @lately }

# What was said lately, for who looks at a failure.
sub
remember
{
	my ($v, $line) = @_;

	$line = substr $line =~ s/\r\n/ /gr, 0, 300;
	print $trace "$v->{name} $line\n" if $trace;
	note("$v->{name} $line");
	push @{$v->{said}}, $line;
	shift @{$v->{said}} if @{$v->{said}} > 60;
}

# One more response: the tagged one as (status, text), or nothing.
sub
hear
{
	my ($v) = @_;
	my $r = $v->{running};
	my $line = Stdmail::Imap::response($v->{c}, $v->{timeout}) //
	    die "$v->{name}: closed in $r->{command}\n";

	$v->remember("S: $line");
	if ($line =~ /\A\Q$r->{tag}\E (OK|NO|BAD) (.*)\r\n\z/s) {
		my ($status, $text) = ($1, $2);
		$v->wrong("refused: $r->{command}") if $status eq 'BAD';
		$v->{modseq} = $1
		    if $text =~ /\A\[HIGHESTMODSEQ (\d+)\]/;
		return ($status, $text);
	}
	return if $line =~ /\A\+/;
	push @{$r->{untagged}}, $line;
	eval { $v->apply($line); 1 } or $v->wrong("$line: $@");
	return;
}

# (status, text, untagged responses) of what start() began.
sub
finish
{
	my ($v) = @_;
	my @end;

	1 until @end = $v->hear;
	my $untagged = $v->{running}{untagged};
	delete $v->{running};
	return (@end, $untagged);
}

sub
do
{
	my ($v, $command) = @_;

	$v->start($command);
	return $v->finish;
}

# Wait (until end_idle()); what comes meanwhile is applied there.
sub
idle
{
	my ($v) = @_;

	$v->start('IDLE');
	my $line = Stdmail::Imap::response($v->{c}, $v->{timeout}) // '';
	# Something may be told before.
	while ($line =~ /\A\*/) {
		$v->apply($line);
		$line = Stdmail::Imap::response($v->{c}, $v->{timeout}) // '';
	}
	$v->wrong("IDLE: $line") if $line !~ /\A\+/;
	$v->{idling} = 1;
}

sub
end_idle
{
	my ($v) = @_;

	$v->{c}->send("DONE\r\n");
	$v->{idling} = 0;
	return $v->finish;
}

# --- what is told ---------------------------------------------------------

# May numbers fall now?  RFC 3501 7.4.1; the UID forms may.
sub
numbers_stay
{
	my ($v) = @_;
	my $command = $v->{running} ? $v->{running}{command} : '';

	return $command =~ /\A(?:FETCH|STORE|SEARCH|SORT|THREAD)\b/;
}

sub
apply
{
	my ($v, $line) = @_;
	my $msg = $v->{msg};

	if ($line =~ /\A\* (\d+) EXPUNGE\r\n/) {
		$v->wrong("EXPUNGE while numbers stay: $line")
		    if $v->numbers_stay;
		$v->wrong("EXPUNGE after ENABLE QRESYNC: $line")
		    if $v->{enabled}{QRESYNC};
		if ($1 < 1 || $1 > @$msg) {
			$v->wrong("EXPUNGE $1 of " . @$msg);
			return;
		}
		splice @$msg, $1 - 1, 1;
	} elsif ($line =~ /\A\* VANISHED (\(EARLIER\) )?(\S+)\r\n/) {
		$v->vanished($2, $1);
	} elsif ($line =~ /\A\* (\d+) EXISTS\r\n/) {
		$v->{exists} = $1;
		# At SELECT what vanished since is told after it.
		$v->grow if !$v->{opening};
	} elsif ($line =~ /\A\* \d+ (?:UID)?FETCH /) {
		$v->fetched(Stdmail::Imap::fetch($line));
	} elsif ($line =~ /\A\* CAPABILITY (.*)\r\n/) {
		$v->{caps} = { map { uc $_ => 1 } split ' ', $1 };
	} elsif ($line =~ /\A\* ENABLED ?(.*)\r\n/) {
		$v->{enabled}{uc $_} = 1 for split ' ', $1;
	} elsif ($line =~ /\A\* OK \[(UIDVALIDITY|UIDNEXT) (\d+)\]/) {
		$v->{lc $1} = $2;
	} elsif ($line =~ /\A\* OK \[HIGHESTMODSEQ (\d+)\]/) {
		$v->{modseq} = $1;
	} elsif ($line =~ /\A\* BYE/ && $v->{running}{command} ne 'LOGOUT') {
		die "$v->{name}: $line";
	}
}

# There are as many messages as EXISTS has said; what is new is not known yet.
sub
grow
{
	my ($v) = @_;
	my $msg = $v->{msg};

	$v->wrong("EXISTS $v->{exists} falls from " . @$msg)
	    if $v->{exists} < @$msg;
	push @$msg, {} while @$msg < $v->{exists};
}

# A sequence set as numbers.
sub
numbers
{
	my ($set) = @_;

	return map { /\A(\d+):(\d+)\z/ ? ($1 < $2 ? $1 .. $2 : $2 .. $1) : $_ }
	    split /,/, $set;
}

sub
vanished
{
	my ($v, $set, $earlier) = @_;

	$v->wrong("VANISHED without QRESYNC") if !$v->{enabled}{QRESYNC};
	$v->wrong("VANISHED while numbers stay") if $v->numbers_stay &&
	    !$earlier;
	for my $uid (numbers($set)) {
		my ($at) = grep { ($v->{msg}[$_]{uid} // 0) == $uid }
		    0 .. $#{$v->{msg}};
		# Of those whose UID was not asked for yet one is as another.
		($at) = grep { !$v->{msg}[$_]{uid} } 0 .. $#{$v->{msg}}
		    if !defined $at && !$earlier;
		if (defined $at) {
			splice @{$v->{msg}}, $at, 1;
		} elsif (!$earlier) {
			$v->wrong("VANISHED $uid is not in the view");
		}
	}
}

sub
fetched
{
	my ($v, $n, $item) = @_;
	my $msg = $v->{msg};
	my $asked = $v->{running} && $v->{running}{command} =~
	    /\A(?:UID )?FETCH|QRESYNC/;

	$v->grow if $v->{opening};
	if ($n < 1 || $n > @$msg) {
		$v->wrong("FETCH $n of " . @$msg);
		return;
	}
	my $m = $msg->[$n - 1];
	if (defined $item->{UID}) {
		$v->wrong("UID of $n was $m->{uid}, is $item->{UID}")
		    if $m->{uid} && $m->{uid} != $item->{UID};
		$m->{uid} = $item->{UID};
		for my $other ([$n - 2, -1], [$n, 1]) {
			my ($i, $sign) = @$other;
			next if $i < 0 || $i > $#$msg || !$msg->[$i]{uid};
			$v->wrong("UIDs do not rise: $n is $m->{uid}, its " .
			    "neighbour $msg->[$i]{uid}")
			    if $sign * ($msg->[$i]{uid} - $m->{uid}) <= 0;
		}
	}
	if (my $modseq = $item->{MODSEQ}) {
		$v->wrong("MODSEQ of $n falls from $m->{modseq}")
		    if $modseq->[0] < ($m->{modseq} // 0);
		$m->{modseq} = $modseq->[0];
	} elsif ($item->{FLAGS} && !$asked && $v->{enabled}{CONDSTORE}) {
		$v->wrong("no MODSEQ with the flags of $n");	# RFC 7162 3.2
	}
	$m->{heard}++ if $item->{FLAGS};
	$m->{flags} = { map { $_ => 1 } grep { $_ ne '\Recent' }
	    @{$item->{FLAGS}} } if $item->{FLAGS};
	for my $name (grep { /^BODY\[HEADER/ } keys %$item) {
		$m->{subject} = $1
		    if ($item->{$name} // '') =~ /^Subject: (.*)\r$/m;
	}
}

# --- the view -------------------------------------------------------------

# Select a mailbox and learn all of it.  extra: parameters, with what stays of
# the old view (QRESYNC).
sub
select
{
	my ($v, $mailbox, %o) = @_;
	my $cmd = $o{examine} ? 'EXAMINE' : 'SELECT';

	$v->{msg} = $o{keep} // [];
	$v->{exists} = 0;
	$v->{opening} = 1;
	my ($status, $text) = $v->do("$cmd $mailbox" . ($o{extra} // ''));
	delete $v->{opening};
	$v->grow;
	$v->{mailbox} = $status eq 'OK' ? $mailbox : undef;
	$v->wrong("$cmd $mailbox: $text") if $status ne 'OK';
	$v->{enabled}{CONDSTORE} = 1
	    if ($o{extra} // '') =~ /CONDSTORE|QRESYNC/;
	$v->learn;
}

# What to ask for to know a message.
sub
items
{
	my ($v) = @_;

	return 'UID FLAGS ' . ($v->{enabled}{CONDSTORE} ? 'MODSEQ ' : '') .
	    'BODY.PEEK[HEADER.FIELDS (SUBJECT)]';
}

# Ask for those not known yet.
sub
learn
{
	my ($v) = @_;
	my ($first) = grep { !$v->{msg}[$_]{uid} ||
	    !defined $v->{msg}[$_]{subject} } 0 .. $#{$v->{msg}};

	return if !defined $first;
	$v->do('FETCH ' . ($first + 1) . ':* (' . $v->items . ')');
}

# All of it as lines, to compare: UID, flags, subject, maybe MODSEQ.
sub
lines
{
	my ($v, $modseq) = @_;

	return map { join ' ', $_->{uid} // '?', join(',',
	    sort keys %{$_->{flags} // {}}), $_->{subject} // '?',
	    $modseq ? $_->{modseq} // '?' : () } @{$v->{msg}};
}

1;
