#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that nothing is lost when imapd is killed: mbsync brings two halves of
# a mailbox together, both ways, with flags, removals and new messages on both
# sides, and each of its sessions may be killed (SIGKILL) at any moment.  At
# the end both sides are the same, each message is there once and those that
# were removed are not; one more is allowed only where mbsync says that it
# could not know whether its own copy had come through.
#
# MESSAGES=N (500) and KILLS=N (8); make soak runs 10,000 and 50.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(make_path);
use Test::More;
use Time::HiRes qw(time sleep);

use Stdmail;

Stdmail::need(qw(imapd tool:mbsync));

my $messages = $ENV{MESSAGES} // ($ENV{SOAK} ? 10_000 : 500);
my $kills = $ENV{KILLS} // ($ENV{SOAK} ? 50 : 8);
my $seed = $ENV{SEED} // $$;
srand $seed;
note "SEED=$seed";

my $s = Stdmail->new(users => { alice => 'open-sesame' });
my $near = "$s->{dir}/client/box/INBOX";
my $far = $s->maildir('alice');

sub
text
{
	my ($token) = @_;

	return "Subject: $token\nFrom: a\@a.test\nMessage-ID: " .
	    "<$token\@a.test>\n\n" . "a line of $token\n" x rand 40;
}

# A message of each side, seen or new, in its Maildir.
sub
put
{
	my ($dir, $i, $token) = @_;
	my $name = sprintf '%d.M%dP%d.%s', 1_600_000_000 + $i, $i, 1,
	    $dir eq $near ? 'near' : 'far';

	Stdmail::spew("$dir/cur/$name:2," . ($i % 3 ? 'S' : ''), text($token),
	    0600);
}

make_path(map { ("$near/$_", "$far/$_") } qw(cur new tmp));
my %all;
for my $i (1 .. $messages) {
	my $token = "m$i";
	put($i % 2 ? $near : $far, $i, $token);
	$all{$token} = 1;
}
$s->own;
my $srv = $s->start('imapd');

my $rc = "$s->{dir}/client/mbsyncrc";
Stdmail::spew($rc, <<END, 0600);
IMAPStore far
Host localhost
Port $srv->{port}
User alice
Pass open-sesame
AuthMechs LOGIN
SSLType None
Timeout 60

MaildirStore near
Path $s->{dir}/client/box/
Inbox $near
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Both
Expunge Both
CopyArrivalDate yes
SyncState *
END

# --- killing --------------------------------------------------------------

# All processes below one.
sub
below
{
	my ($pid) = @_;
	my @found;

	for my $p (map { split ' ', -r $_ ? Stdmail::slurp($_) : '' }
	    glob "/proc/$pid/task/*/children") {
		push @found, $p, below($p);
	}
	return @found;
}

# Run mbsync; after so many seconds kill the sessions (0: never).  Returns
# (status, output).
sub
mbsync
{
	my ($after) = @_;
	my $out = "$s->{dir}/client/out";
	my $home = "$s->{dir}/client";

	open(my $fh, '>', $out) or die "$out: $!\n";
	my $pid = $s->spawn([Stdmail::tool('mbsync'), '-c', $rc, 'all'],
	    { 1 => $fh, 2 => $fh }, as => 'me', cwd => $home,
	    env => { HOME => $home });
	my $status;
	if ($after) {
		$status = Stdmail::reap($pid, $after);
		kill 'KILL', below($srv->{pid}) if !defined $status;
	}
	$status //= Stdmail::reap($pid, 600) // 'nothing';
	Stdmail::end_child($pid) if $status eq 'nothing';
	return ($status, Stdmail::slurp($out));
}

# --- changes on both sides ------------------------------------------------

sub
files
{
	my ($dir) = @_;
	my @files;

	for my $sub (qw(cur new)) {
		opendir(my $dh, "$dir/$sub") or die "$dir: $!\n";
		push @files, map { "$dir/$sub/$_" } grep { !/^\./ } readdir $dh;
	}
	return sort @files;
}

sub
token_of
{
	my ($path) = @_;

	open(my $fh, '<', $path) or return;
	while (<$fh>) {
		return $1 if /^Subject: (\S+)/;
	}
	return;
}

my (%removed, $extra);
sub
change
{
	my ($dir, $n) = @_;
	my @files = files($dir);

	for (1 .. $n) {
		my $path = splice @files, rand @files, 1;
		my $token = token_of($path) // next;
		my $what = rand;
		if ($what < 0.2) {
			$removed{$token} = 1 if unlink $path;
		} elsif ($what < 0.7) {
			my ($base, $f) = $path =~ /^(.*?)(?::2,(.*))?\z/;
			my %f = map { $_ => 1 } split //, $f // '';
			my $l = (qw(S F R))[rand 3];
			$f{$l} ? delete $f{$l} : ($f{$l} = 1);
			rename $path, ($base =~ s{/new/}{/cur/}r) . ':2,' .
			    join '', sort keys %f;
		} else {
			my $new = 'n' . ++$extra;
			put($dir, $messages + $extra, $new);
			$all{$new} = 1;
		}
	}
	$s->own;
}

# --- the run --------------------------------------------------------------

# How long one is likely to take is learnt from those that were not killed.
my ($killed, $runs, $long, $doubt) = (0, 0, 1.5 + $messages / 400, 0);
my $end = time + ($ENV{SOAK} ? 3600 : 120);
while ($killed < $kills && time < $end) {
	if ($runs++ % 3 == 0) {
		change($near, $messages / 50);
		change($far, $messages / 50);
	}
	my $start = time;
	my ($status, $out) = mbsync(0.05 + rand $long);
	my $took = time - $start;
	$status ? $killed++ : ($long = $took < $long ? 0.7 * $long : $long);
	$long = 0.3 if $long < 0.3;
	$doubt++ while $out =~ /lost track of|[Dd]uplicate/g;
	diag("mbsync: status $status\n$out"), last
	    if $status > 1 && $status != 141;	# SIGPIPE
}
cmp_ok($killed, '>=', $kills * ($ENV{SOAK} ? 1 : 0.5), "$killed of $runs " .
    'runs were killed');
my ($status, $out);
for (1 .. 3) {
	($status, $out) = mbsync(0);
	last if $status == 0 && $_ > 1;
}
is($status, 0, 'mbsync ends well') or diag($out);
ok($srv->alive, 'the server lives');

# Token => [flags, ...] of a side.
sub
side
{
	my ($dir) = @_;
	my %found;

	for my $path (files($dir)) {
		my ($f) = $path =~ /:2,(.*)\z/;
		my $token = token_of($path) // "$path has none";
		push @{$found{$token}}, join '', sort grep { /[SFRDT]/ }
		    split //, $f // '';
	}
	return \%found;
}

my ($a, $b) = (side($near), side($far));
my @differ = grep { join(' ', sort @{$a->{$_} // []}) ne
    join(' ', sort @{$b->{$_} // []}) } sort keys %{{ %$a, %$b }};
is(scalar @differ, 0, keys(%$a) . ' messages are the same on both sides') or
    diag(map { "$_: near @{$a->{$_} // ['none']}, far " .
    "@{$b->{$_} // ['none']}\n" } @differ[0 .. ($#differ > 9 ? 9 : $#differ)]);
my @lost = grep { !$b->{$_} && !$removed{$_} } sort keys %all;
is(scalar @lost, 0, 'none is lost') or diag("@lost[0 .. ($#lost > 9 ? 9 :
    $#lost)]");
my @twice = grep { @{$b->{$_}} > 1 } sort keys %$b;
cmp_ok(scalar @twice, '<=', $doubt, @twice . ' are doubled of those that ' .
    "mbsync was in doubt of ($doubt)") or diag("@twice");
my @back = grep { $b->{$_} && !$all{$_} } sort keys %$b;
is(scalar @back, 0, 'none came from nowhere');
unlike($s->log_text, qr/signal=(?!9\b)|AddressSanitizer|runtime error|
    mailbox-failed/x, 'nothing crashed');
done_testing();
