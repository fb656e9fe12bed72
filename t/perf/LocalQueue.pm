# SPDX-License-Identifier: ISC
#
# A full queue of local mail, for mda-deliver -q and for Postfix's virtual and
# local agents: a hundred users, the same messages in both, and the time until
# all are in the Maildirs.
package LocalQueue;

use strict;
use warnings;

use File::Path qw(make_path);
use List::Util qw(sum);
use Time::HiRes qw(time sleep);

use Stdmail;

use constant USERS => 100;
use constant UID => 62_000;	# of the first, where each has his own

my $serial = 0;
my $round = 0;

our $text = "Received: from else.test by mx.a.test; Sat, 21 Nov 2026 " .
    "04:42:04 +0000\nFrom: Alice <alice\@else.test>\nTo: bob\@a.test\n" .
    "Subject: a text\nMessage-ID: <1\@else.test>\n\n";
$text .= 'x' x 70 . "\n" while length $text < 4096;

sub users { return map { "u$_" } 1 .. USERS }

# A site and a Postfix with these users: a.test is virtual, mx.a.test has
# accounts.  { s, postfix }.
sub
new
{
	my $s = Bench::site([users()]);
	my $q = { s => $s };

	$s->{accounts} = join '', map { sprintf "u%d:x:%d:%d::%s:/bin/sh\n",
	    $_, UID + $_, UID + $_, "$s->{dir}/postfix/home/u$_" } 1 .. USERS;
	Stdmail::spew("$s->{dir}/postfix/users", join '',
	    map { "$_\@a.test $_/\n" } users());
	$q->{postfix} = Postfix::start($s, @{$s->{owner}},
	    'virtual_mailbox_domains = a.test', 'mydestination = mx.a.test',
	    "virtual_mailbox_maps = texthash:$s->{dir}/postfix/users",
	    'local_recipient_maps =', 'alias_maps =', 'home_mailbox = Maildir/',
	    'mynetworks = 127.0.0.0/8', 'smtpd_recipient_limit = 1000',
	    'in_flow_delay = 0');
	$s->run_program('mda-deliver', ['-q']);		# makes the folders
	my @st = stat "$s->{spool}/local/now" or die "no queue\n";
	$q->{queue_owner} = [@st[4, 5]];
	return bless $q;
}

# Who owns the mail of a user.
sub
owner
{
	my ($q, $own, $user) = @_;

	return @{$q->{s}{owner}} if !$own;
	return (UID + substr($user, 1)) x 2;
}

# Fresh Maildirs in a folder, the old ones beside it; what is in each user's
# folder besides is made by $more->(path).
sub
fresh
{
	my ($q, $own, $folder, $below, $more) = @_;

	rename $folder, "$folder-" . $round++ if -e $folder;
	mkdir $folder, 0755 or die "$folder: $!\n";
	chown $q->owner(0), $folder if !$own;
	for my $user (users()) {
		my @all = ("$folder/$user", map { "$folder/$user/$below$_" }
		    $below ne '' ? '' : (), qw(cur new tmp));
		for my $dir (@all) {
			mkdir $dir, 0700 or die "$dir: $!\n";
		}
		push @all, $more->("$folder/$user") if $more;
		chown $q->owner($own, $user), @all;
	}
	system('sync', '-f', $folder);
}

sub
delivered
{
	my ($folder) = @_;

	return sum(0, map { Bench::names($_) } glob("$folder/*/new"),
	    glob("$folder/*/Maildir/new"), glob("$folder/*/.[A-Z]*/new"));
}

# --- ours -----------------------------------------------------------------

sub
put
{
	my ($path, $bytes, $mode, @owner) = @_;

	open(my $fh, '>:raw', $path) or die "$path: $!\n";
	print $fh $bytes;
	close $fh or die "$path: $!\n";
	chown @owner, $path;
	chmod $mode, $path;
}

# A message in the spool, as smtpd puts it there.
sub
enqueue
{
	my ($q, $own, @users) = @_;
	my $dir = "$q->{s}{spool}/local";
	my $one = @users == 1;
	my $bytes = ($one ? "Return-Path: <alice\@else.test>\n" .
	    "Delivered-To: $users[0]\@a.test\n" : '') . $text;
	my $id = sprintf '%d.M%06dP%dQ%d%s.mx.a.test', time - 60,
	    $serial % 1_000_000, $$, ++$serial, $one ? 'L' : 'M';
	my @owner = $one ? ($q->owner($own, $users[0]))[0] :
	    $q->{queue_owner}[0];

	push @owner, $q->{queue_owner}[1];
	put("$dir/env/$id", "stdmail-envelope 1\nsender alice\@else.test\n" .
	    'arrived ' . int(time - 60) . "\n" .
	    join('', map { "to Q $_\@a.test\n" } @users) . "end\n", 0600,
	    @owner) if !$one;
	put(sprintf('%s/now/%s,S=%d,W=%d', $dir, $id, length $bytes,
	    length($bytes) + ($bytes =~ tr/\n//)), $bytes, 0600, @owner);
}

# The recipients of message $i, when each message has $n of them.
sub
recipients
{
	my ($i, $n) = @_;

	return map { 'u' . (($i * 37 + $_) % USERS + 1) } 0 .. $n - 1;
}

# So many messages to $n recipients each.  $row: own (each user has an account
# of his own), n, script (of each user), env.
sub
drain_ours
{
	my ($q, $row, $count) = @_;
	my $s = $q->{s};
	my @lines = map { sprintf "%s:{PLAIN}secret:%d:%d::%s/Mail/%s:\n", $_,
	    $q->owner($row->{own}, $_), $s->{dir}, $_ } users();

	Stdmail::spew("$s->{dir}/users", join('', @lines), 0600);
	$q->fresh($row->{own}, "$s->{dir}/Mail", '', $row->{script} &&
	    sub { script($row, $_[0]) });
	$q->enqueue($row->{own}, recipients($_, $row->{n})) for 1 .. $count;
	system('sync', '-f', $s->{spool});
	my $before = sum((times)[2, 3]);
	my $start = time;
	my ($code, undef, $err) = $s->run([@{$row->{before} // []},
	    $s->command('mda-deliver', '-q')], timeout => 300);
	my $seconds = time - $start;
	my $cpu = sum((times)[2, 3]) - $before;
	die "mda-deliver: $code\n$err\n" if $code;
	return $q->result("$s->{dir}/Mail", $row, $count, $seconds, $cpu);
}

# The user's script, in his home, and a folder Box; returns what was made.
sub
script
{
	my ($row, $home) = @_;
	my @made = map { "$home/.Box$_" } '', '/cur', '/new', '/tmp';

	for my $dir (@made) {
		mkdir $dir, 0700 or die "$dir: $!\n";
	}
	Stdmail::spew("$home/.dovecot.sieve", $row->{script}, 0600);
	return (@made, "$home/.dovecot.sieve");
}

sub
result
{
	my ($q, $folder, $row, $count, $seconds, $cpu) = @_;
	my $got = delivered($folder);

	die "$got of " . $count * $row->{n} . " were delivered\n"
	    if $got != $count * $row->{n};
	return { delivered => { seconds => $seconds, cpu => $cpu,
	    units => $got, octets => 0 } };
}

# --- Postfix's ------------------------------------------------------------

sub
drain_postfix
{
	my ($q, $row, $count) = @_;
	my $srv = $q->{postfix};
	my $folder = "$srv->{dir}/" . ($row->{own} ? 'home' : 'mail');
	my $domain = $row->{own} ? 'mx.a.test' : 'a.test';

	$q->fresh($row->{own}, $folder, $row->{own} ? 'Maildir/' : '');
	Postfix::manage($srv, 0);
	Postfix::submit($srv, $count, $text, sub {
		map { "$_\@$domain" } recipients($_[0], $row->{n}) });
	system('sync', '-f', $srv->{dir});
	my $before = Bench::cpu(@{$srv->{pids}});
	my $seconds = Postfix::drain($srv);
	sleep 0.5;
	return $q->result($folder, $row, $count, $seconds,
	    Bench::cpu(@{$srv->{pids}}) - $before);
}

# --- both -----------------------------------------------------------------

# A line of the table, of $pairs pairs.
sub
measure
{
	my ($q, $row, $pairs, $count) = @_;

	$count = int($count / $row->{n});
	my $got = Bench::compare(sub {
		my ($srv) = @_;
		return $srv == $q->{postfix} ? $q->drain_postfix($row, $count) :
		    $q->drain_ours($row, $count);
	}, $pairs, 0, { name => 'ours' }, $q->{postfix});
	Bench::row('', $row->{name}, '/s', $row->{goal}, undef,
	    @{$got->{delivered}{postfix}});
}

1;
