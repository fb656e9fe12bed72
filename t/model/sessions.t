#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that what imapd says unasked is right: some sessions at once and
# others in the same Maildir (deliveries, renames, removals, mutt), by random
# operations; each session's view, made of nothing but what it was told
# (Stdmail::View), never breaks a rule of the protocol.  At quiet points all
# views, a fresh session and the files agree; no message is lost that nobody
# marked as deleted or moved, and no UID ever means another message.
#
# SEED=N chooses the same operations again; SECONDS=N or SOAK=N how long,
# each seed for ten seconds.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use List::Util qw(shuffle min max);
use Test::More;
use Time::HiRes qw(time sleep);

use Stdmail;
use Stdmail::View;

Stdmail::need(qw(imapd));

my @flags = ('\Seen', '\Answered', '\Flagged', '\Draft', '\Deleted', 'Work',
    '$Label1', '$Forwarded');
my %letter = ('\Seen' => 'S', '\Answered' => 'R', '\Flagged' => 'F',
    '\Draft' => 'D', '\Deleted' => 'T');
my @boxes = ('INBOX', 'Other');

# The run: one for each seed.
my ($s, $md, @views, %died, %kept, %token, $serial, @wrong, $names, %modseq);

sub wrong { push @wrong, @_ }
sub some { return $_[rand @_] }
sub folder { return $_[0] eq 'INBOX' ? $md : "$md/.$_[0]" }

sub
message
{
	my ($token, $eol) = @_;

	return join $eol, "Subject: $token", 'From: a@a.test', '',
	    'text' x rand 9, '';
}

# One that is no part of another.
sub new_token { return 'token-' . ++$serial . '-' }

# --- sessions -------------------------------------------------------------

sub
open_view
{
	my ($name) = @_;
	my ($pid, $c) = $s->session('imapd', mode => 'pipe', timeout => 60,
	    args => ['-p', $md]);
	my $v = Stdmail::View->new($name, $c);

	$v->{pid} = $pid;
	my @able = grep { $v->can($_) } qw(CONDSTORE QRESYNC IMAP4REV2);
	if ($v->can('ENABLE') && @able && rand() < 0.7) {
		my @want = grep { rand() < 0.5 } @able;
		$v->do("ENABLE @want") if @want;
		# RFC 7162 3.2.3: the one means the other.
		$v->{enabled}{CONDSTORE} = 1 if $v->{enabled}{QRESYNC};
	}
	return $v;
}

sub
close_view
{
	my ($v, $signal) = @_;

	if ($signal) {
		kill $signal, $v->{pid};
	} else {
		$v->do('LOGOUT');
	}
	$v->{c}->close;
	my $status = Stdmail::reap($v->{pid}, 30);
	wrong("$v->{name} ended with " . ($status // 'nothing'))
	    if !$signal && ($status // 1) != 0;
	Stdmail::end_child($v->{pid});
	wrong(splice @{$v->{wrong}});
}

# What a view newly knows: a UID means one message, for ever.
sub
register
{
	my ($v) = @_;
	my $box = $v->{mailbox} // return;

	for my $m (@{$v->{msg}}) {
		next if !$m->{uid} || !defined $m->{subject};
		my $key = "$box $v->{uidvalidity} $m->{uid}";
		$token{$key} //= $m->{subject};
		wrong("$v->{name}: $key was $token{$key}, is $m->{subject}")
		    if $token{$key} ne $m->{subject};
	}
}

sub
settle_view
{
	my ($v) = @_;

	$v->learn if $v->{mailbox};
	register($v);
	wrong(splice @{$v->{wrong}});
}

# --- what a session may do ------------------------------------------------

# Known messages of a view, as indexes; at most that many, in order.
sub
chosen
{
	my ($v, $max) = @_;
	my @known = grep { $v->{msg}[$_]{uid} && defined
	    $v->{msg}[$_]{subject} } 0 .. $#{$v->{msg}};
	my @some = (shuffle @known)[0 .. min($#known, int rand $max)];

	return sort { $a <=> $b } @some;
}

# The set of them in a command, and whether it is the UID form.
sub
set_of
{
	my ($v, @at) = @_;
	my $uid = rand() < 0.5;
	my $set = join ',', map { $uid ? $v->{msg}[$_]{uid} : $_ + 1 } @at;

	return ($uid ? 'UID ' : '', $set);
}

# They may be gone from now on.
sub
may_die
{
	my ($v, @at) = @_;

	$died{$v->{mailbox}}{$v->{msg}[$_]{subject}} = 1 for @at;
}

# A client that asks not to be told believes that it was done.
sub
believe
{
	my ($v, $how, $set, @at) = @_;

	$v->{believed} = [map { $v->{msg}[$_] } @at];
	for my $i (@at) {
		my $f = $v->{msg}[$i]{flags} // next;
		$v->{msg}[$i]{heard} = 0;
		%$f = () if $how eq '';
		$f->{$_} = 1 for $how eq '-' ? () : @$set;
		delete @$f{@$set} if $how eq '-';
	}
}

sub
op_store
{
	my ($v) = @_;
	my @at = chosen($v, 6) or return 'NOOP';
	my ($uid, $set) = set_of($v, @at);
	my $how = some('+', '+', '-', '');
	my @set = grep { rand() < 0.3 } @flags;
	my $silent = rand() < 0.4 ? '.SILENT' : '';

	@set = some(@flags) if !@set;
	may_die($v, @at) if $how ne '-' && grep { $_ eq '\Deleted' } @set;
	believe($v, $how, \@set, @at) if $silent;
	my $unchanged = '';
	if ($v->{enabled}{CONDSTORE} && !$silent && rand() < 0.3) {
		$unchanged = ' (UNCHANGEDSINCE ' . max(1, map {
		    $v->{msg}[$_]{modseq} // 1 } @at) . ')';
	}
	return "${uid}STORE $set$unchanged ${how}FLAGS$silent (@set)";
}

sub
op_fetch
{
	my ($v) = @_;
	my @at = chosen($v, 10) or return 'NOOP';
	my ($uid, $set) = set_of($v, @at);

	return "${uid}FETCH $set " . some('FLAGS', '(UID FLAGS)', 'FULL',
	    '(RFC822.SIZE INTERNALDATE)', 'BODY[HEADER.FIELDS (SUBJECT)]',
	    'BODY[1]', '(BODYSTRUCTURE FLAGS)', $v->{enabled}{CONDSTORE} ?
	    ('MODSEQ', '(FLAGS) (CHANGEDSINCE ' . max(1, ($v->{modseq} // 1)
	    - int rand 20) . ')') : ());
}

sub
op_search
{
	my ($v) = @_;
	my $return = $v->can('ESEARCH') && rand() < 0.5 ? ' RETURN (' .
	    some('MIN MAX', 'COUNT', 'ALL', $v->can('SEARCHRES') ? 'SAVE' :
	    'ALL') . ')' : '';

	return some('', 'UID ') . "SEARCH$return " . some('ALL', 'UNSEEN',
	    'NOT DELETED', 'KEYWORD Work', 'SUBJECT token', 'OR SEEN FLAGGED',
	    '1:* TEXT text');
}

sub
op_append
{
	my ($v) = @_;
	my $n = $v->can('MULTIAPPEND') && rand() < 0.4 ? 3 : 1;
	my $box = some(@boxes);
	my $cmd = "APPEND $box";

	for (1 .. $n) {
		my $token = new_token();
		my $text = message($token, "\r\n");
		$v->{appending}{$token} = $box;
		$cmd .= sprintf ' (%s) {%d+}%s%s', join(' ', grep {
		    $_ ne '\Deleted' && rand() < 0.2 } @flags), length $text,
		    "\r\n", $text;
	}
	return $cmd;
}

sub
op_copy
{
	my ($v) = @_;
	my @at = chosen($v, 5) or return 'NOOP';
	my ($uid, $set) = set_of($v, @at);
	my $verb = some('COPY', 'MOVE');

	my $box = some(@boxes);
	may_die($v, @at) if $verb eq 'MOVE';
	$v->{copying} = [$v->{mailbox}, $box, map { $v->{msg}[$_]{subject} }
	    @at];
	return "$uid$verb $set $box";
}

sub
op_expunge
{
	my ($v) = @_;
	my @at = chosen($v, 8);

	return 'EXPUNGE' if rand() < 0.5 || !@at;
	return 'UID EXPUNGE ' . join ',', map { $v->{msg}[$_]{uid} } @at;
}

my @ops = ((\&op_store) x 8, (\&op_fetch) x 6, (\&op_search) x 3,
    (\&op_append) x 2, \&op_copy, (\&op_expunge) x 2, (sub { 'NOOP' }) x 3,
    sub { 'CHECK' }, sub { 'STATUS ' . some(@boxes) . ' (MESSAGES UIDNEXT)' });

# What SEARCH finds is in the view.
sub
check_search
{
	my ($v, $cmd, $untagged) = @_;
	my $uid = $cmd =~ /\AUID/;
	my ($found) = grep { /\A\* SEARCH/ } @$untagged;

	# RFC 9051 6.4.4: with IMAP4rev2 the answer is ESEARCH.
	wrong("$v->{name}: $cmd without an answer")
	    if !$found && !$v->{enabled}{IMAP4REV2};
	# Some may be gone by the end of the command.
	return if !$found || grep { /EXPUNGE|VANISHED/ } @$untagged;
	# Of what is not known yet any UID may be told.
	return if $uid && grep { !$_->{uid} } @{$v->{msg}};
	my $top = $uid ? max(0, map { $_->{uid} } @{$v->{msg}})
	    : @{$v->{msg}};
	for my $n (split ' ', $found =~ s/\A\* SEARCH| \(.*//gsr) {
		wrong("$v->{name}: $cmd found $n above $top") if $n > $top;
	}
}

# The end of a command, and what must hold then.
sub
ended
{
	my ($v) = @_;
	my $cmd = $v->{running}{command};
	my ($status, $text, $untagged) = $v->finish;
	my $new = delete $v->{appending} // {};
	my ($from, $to, @copied) = @{delete $v->{copying} // []};

	wrong("$v->{name}: $cmd: $text") if $status eq 'NO' &&
	    $text !~ /\A\[(?:EXPUNGEISSUED|INUSE|MODIFIED)/;
	# A copy is marked as deleted where the other was.
	for (grep { $died{$from}{$_} } @copied) {
		$died{$to}{$_} = 1;
	}
	if ($status eq 'OK') {
		$kept{$new->{$_}}{$_} = 1 for keys %$new;
	}
	check_search($v, $cmd, $untagged) if $status eq 'OK' &&
	    $cmd =~ /\A(?:UID )?SEARCH (?!RETURN)/;
	# Flags told in the same command may be those before it or after it.
	my @unsure = grep { $_->{heard} && $_->{uid} }
	    @{delete $v->{believed} // []};
	$v->do('UID FETCH ' . join(',', map { $_->{uid} } @unsure) . ' FLAGS')
	    if @unsure;
	settle_view($v);
}

# Leave the mailbox and come back, maybe to another; with QRESYNC only what
# changed is told.
sub
reselect
{
	my ($v) = @_;
	my ($box, $validity, $modseq) = @$v{qw(mailbox uidvalidity modseq)};
	my @old = grep { $_->{uid} } @{$v->{msg}};

	$v->learn;
	if ($v->{enabled}{QRESYNC} && $modseq && $validity && @old &&
	    @old == @{$v->{msg}}) {
		# Only what was told up to this moment counts.
		$v->do('NOOP');
		$v->learn;
		my @keep = map { { %$_ } } @{$v->{msg}};
		# The least that all of the view is known of.
		$v->do('UNSELECT');
		$v->select($box, keep => \@keep, extra =>
		    " (QRESYNC ($validity $modseq " .
		    join(',', map { $_->{uid} } @keep) . '))') if @keep;
		$v->select($box) if !@keep;
	} else {
		$v->do(some('CLOSE', 'UNSELECT', 'NOOP'));
		$v->select(some(@boxes, 'INBOX'), extra =>
		    $v->can('CONDSTORE') && rand() < 0.3 ? ' (CONDSTORE)' : '');
	}
	settle_view($v);
}

# --- the others -----------------------------------------------------------

# Someone's file in a folder: (path, its name without flags, its flags, token).
sub
some_file
{
	my ($box) = @_;
	my $dir = folder($box);

	for my $sub (shuffle 'cur', 'new') {
		opendir(my $dh, "$dir/$sub") or next;
		my @names = grep { !/^\./ } readdir $dh or next;
		my $name = some(sort @names);
		open(my $fh, '<', "$dir/$sub/$name") or next;
		my ($token) = join('', <$fh>) =~ /^Subject: (\S+)/m or next;
		my ($base, $letters) = $name =~ /\A(.*?)(?::2,(.*))?\z/;
		return ("$dir/$sub/$name", $base, $letters // '', $token);
	}
	return;
}

sub
outside
{
	my $box = some(@boxes);
	my $dir = folder($box);
	my $what = rand;
	my $did = sub { Stdmail::View::note("outside $box: @_") };

	if ($what < 0.4) {
		my $token = new_token();
		my $name = sprintf '%d.M%dP%d.out', time, ++$names, $$;
		Stdmail::spew("$dir/tmp/$name", message($token, "\n"), 0600);
		chown @Stdmail::nobody, "$dir/tmp/$name" if $> == 0;
		my $to = rand() < 0.7 ? "new/$name" : "cur/$name:2,S";
		rename "$dir/tmp/$name", "$dir/$to" or wrong("$to: $!");
		$did->("$token comes as $to");
		$kept{$box}{$token} = 1;
		return;
	}
	my ($path, $base, $letters, $token) = some_file($box) or return;
	if ($what < 0.45) {
		$died{$box}{$token} = 1;
		$did->("$token goes, $path", unlink $path);
		return;
	}
	# mutt renames, and keeps what it does not know.
	my %f = map { $_ => 1 } split //, $letters;
	my $l = some(qw(S R F D), rand() < 0.2 ? 'T' : 'S');
	$died{$box}{$token} = 1 if $l eq 'T';
	$f{$l} ? delete $f{$l} : ($f{$l} = 1);
	my $to = "$dir/cur/$base:2," . join '', sort keys %f;
	$did->("$token, $path, is now $to", rename $path, $to);
}

# mutt itself on INBOX, while the rest goes on: it flags, marks as read and
# deletes some, and leaves by itself.
my $mutt;
my $mutt_here = Stdmail::tool('mutt') ? 1 : 0;
sub
run_mutt
{
	my @tokens = sort keys %{$kept{INBOX}};
	my ($flag, $read, $delete) = map { some(@tokens) } 1 .. 3;
	my $home = "$s->{dir}/client";

	$died{INBOX}{$delete} = 1;
	Stdmail::View::note("mutt flags $flag, reads $read, deletes $delete");
	# It does not leave when it finds the mailbox changed: then again.  At
	# an error, as in an empty mailbox, it forgets what else it was told.
	my $keys = join '', "<tag-pattern>~s $flag<enter><tag-prefix-cond>",
	    '<set-flag>!<end-cond><untag-pattern>~A<enter>',
	    "<tag-pattern>~s $read<enter><tag-prefix-cond><clear-flag>N" .
	    "<end-cond><untag-pattern>~A<enter><delete-pattern>~s $delete" .
	    '<enter><sync-mailbox>', '<quit>' x 20;
	Stdmail::spew("$home/muttrc", <<END);
set mbox_type=Maildir sleep_time=0 wait_key=no delete=yes quit=yes
set mark_old=no resolve=no timeout=5 beep=no move=no folder=$md spoolfile=$md
set header_cache="" read_inc=0 write_inc=0
push "$keys"
END
	$mutt = Stdmail::fork_child(sub {
		my ($status, $out) = $s->run_tool_tty('mutt', ['-n', '-F',
		    "$home/muttrc", '-f', $md], timeout => 60,
		    keys => [([qr/no messages|modified/, 'q']) x 9]);
		print STDERR "# mutt: $status $out\n" if $status;
	});
}

sub
wait_for_mutt
{
	return if !defined $mutt;
	wrong('mutt does not end') if !defined Stdmail::reap($mutt, 70);
	Stdmail::end_child($mutt);
	undef $mutt;
}

# --- a quiet point --------------------------------------------------------

# What the files say: UID => flags, as far as the list has them.
sub
on_disk
{
	my ($box) = @_;
	my $dir = folder($box);
	my (%uid, %flags, @keyword);

	for (split /\n/, Stdmail::slurp("$dir/dovecot-uidlist")) {
		$uid{$2 =~ s/:2,.*//r} = $1 if /^(\d+) .*?:(.*)/;
	}
	if (-e "$dir/dovecot-keywords") {
		/^(\d+) (.*)/ and $keyword[$1] = $2
		    for split /\n/, Stdmail::slurp("$dir/dovecot-keywords");
	}
	for my $path (glob("$dir/cur/* $dir/new/*")) {
		my ($base, $letters) = $path =~ m{([^/]*?)(?::2,([^/]*))?\z};
		my %of = map { $letter{$_} => $_ } keys %letter;
		$flags{$uid{$base} // $base} = join ',', sort map {
		    $of{$_} // $keyword[ord($_) - 97] // $_ }
		    split //, $letters // '';
	}
	return \%flags;
}

sub
quiet
{
	wait_for_mutt();
	for my $v (@views) {
		$v->end_idle if $v->{idling};
	}
	# What one is told may be its move from new to cur.
	for my $v (@views, @views) {
		$v->do('NOOP');
		settle_view($v);
	}
	for my $box (@boxes) {
		my $fresh = Stdmail::View->new('fresh', open_plain());
		$fresh->{enabled}{CONDSTORE} = 1 if $fresh->can('CONDSTORE');
		$fresh->select($box);
		register($fresh);
		check_box($box, $fresh);
		wrong(splice @{$fresh->{wrong}});
		$fresh->do('LOGOUT');
		$fresh->{c}->close;
	}
}

sub
open_plain
{
	my ($pid, $c) = $s->session('imapd', mode => 'pipe', timeout => 60,
	    args => ['-p', $md]);

	return $c;
}

sub
check_box
{
	my ($box, $fresh) = @_;
	my @want = $fresh->lines;
	my $found = $fresh->{msg};
	my %there = map { $_->{subject} => 1 } @$found;

	for my $v (grep { ($_->{mailbox} // '') eq $box } @views) {
		my @have = $v->lines;
		next if "@have" eq "@want";
		my %want = map { $_ => 1 } @want;
		my %have = map { $_ => 1 } @have;
		$v->wrong("another view of $box:\n  only it has " . join(' | ',
		    grep { !$want{$_} } @have) . "\n  it lacks " .
		    join(' | ', grep { !$have{$_} } @want));
		wrong(splice @{$v->{wrong}});
	}
	my @lost = grep { !$there{$_} && !$died{$box}{$_} }
	    keys %{$kept{$box}};
	wrong("$box has lost @lost") if @lost;
	$kept{$box}{$_->{subject}} = 1 for @$found;
	my $said = join ' ', map { "$_->{uid}=" . join ',',
	    sort keys %{$_->{flags}} } @$found;
	my $have = '';
	# Flags of many are in the journal first, the names follow.
	Stdmail::until_true(sub {
		my $disk = on_disk($box);
		$have = join ' ', map { "$_=$disk->{$_}" }
		    sort { $a <=> $b } keys %$disk;
		return $have eq $said;
	}, 60);
	wrong("$box: the files say\n  $have\nwe say\n  $said")
	    if $have ne $said;
	return if !$fresh->can('CONDSTORE');
	for my $m (@$found) {
		my $key = "$box $fresh->{uidvalidity} $m->{uid}";
		wrong("$key: MODSEQ $m->{modseq} was $modseq{$key}")
		    if $m->{modseq} < ($modseq{$key} // 0);
		$modseq{$key} = $m->{modseq};
		wrong("$key: MODSEQ $m->{modseq} above $fresh->{modseq}")
		    if $fresh->{modseq} && $m->{modseq} > $fresh->{modseq};
	}
}

# --- the run --------------------------------------------------------------

sub
step
{
	my $awake = rand() < 0.5 ? 1 : int 1 + rand @views;
	my @some = (shuffle @views)[0 .. $awake - 1];

	# Some commands at once, others' doings between them.
	for my $v (@some) {
		if ($v->{idling}) {
			outside() if rand() < 0.5;
			$v->end_idle;
			settle_view($v);
		}
		$v->start(some(@ops)->($v));
		outside() if rand() < 0.2;
	}
	ended($_) for @some;
	outside() if rand() < 0.3;
	my $v = some(@views);
	return if $v->{idling};
	my $what = rand;
	if ($what < 0.04) {
		reselect($v);
	} elsif ($what < 0.10) {
		$v->idle;
	} elsif ($what < 0.115) {
		# One ends, maybe by force while it works.
		my $dies = rand() < 0.5;
		$v->start(op_store($v)) if $dies;
		close_view($v, $dies ? 'KILL' : undef);
		my ($i) = grep { $views[$_] == $v } 0 .. $#views;
		$views[$i] = open_view('v' . ++$names);
		$views[$i]->select(some(@boxes));
		settle_view($views[$i]);
	}
}

# All that led to it, for who has nothing but this output: what the sessions
# and the others did last, and what the log says beyond comings and goings.
sub
tell_all
{
	my ($log) = @_;
	my @log = grep { !/: log(?:in|out) / } split /^/, $log;
	my @did = Stdmail::View::lately();

	diag('the last doings of all:', map { "\n$_" } @did);
	diag("the log's end:\n", @log > 20 ? @log[-20 .. -1] : @log);
}

sub
run_seed
{
	my ($seed, $seconds) = @_;
	my ($steps, $quiet) = (0, 0);

	srand $seed;
	(@views, @wrong) = ();
	%$_ = () for \%died, \%kept, \%token, \%modseq;
	($serial, $names) = (0, 0);
	$s = Stdmail->new(users => { bob => 'x' });
	$md = $s->maildir('bob');
	for my $box (@boxes) {
		for (1 .. 12) {
			my $token = new_token();
			$s->preload($box eq 'INBOX' ? 'bob' : "bob/$box",
			    message($token, "\n"), some('', 'S', undef));
			$kept{$box}{$token} = 1;
		}
	}
	my $end = time + $seconds;
	eval {
		@views = map { open_view('v' . ++$names) } 1 .. 3 + rand 3;
		for my $v (@views) {
			$v->select(some(@boxes, 'INBOX'));
			settle_view($v);
		}
		while (time < $end && !@wrong) {
			run_mutt() if $mutt_here && $steps % 50 == 0;
			step();
			$quiet++, quiet() if ++$steps % 25 == 0;
		}
		quiet() if !@wrong;
		close_view($_) for @views;
		1;
	} or wrong($@);
	wait_for_mutt();
	ok(!@wrong, "SEED=$seed: " . @views . " sessions, $steps steps, " .
	    "$serial messages, $quiet quiet points") or
	    diag(join "\n", @wrong[0 .. min(4, $#wrong)]);
	my $log = $s->log_text;
	unlike($log, qr/signal=|Sanitizer|runtime error/, 'nothing crashed');
	tell_all($log) if @wrong;
	$s->remove;
	return !@wrong;
}

my $all = $ENV{SECONDS} // $ENV{SOAK} // 9;
my $first = $ENV{SEED} // ($ENV{SOAK} ? int time : $$);
my $each = defined $ENV{SEED} ? $all : $all < 10 ? $all / 3 : 10;
my $end = time + $all;
for (my $seed = $first; $seed == $first || time + $each / 2 < $end; $seed++) {
	last if !run_seed($seed, $each) || defined $ENV{SEED};
}
done_testing();
