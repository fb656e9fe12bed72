#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what mda-deliver does with root's rights, and that it needs no other
# than to become others (CAP_SETUID, CAP_SETGID): users who all belong to one
# account, users of a file with accounts of their own, and accounts of the
# system, each by rename, by copy and among several.  Every file belongs to its
# user and to nobody else; a symbolic link of a user leads no message out of
# his reach; and the folders of the spool have the owners of stdmail-spool(5).
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail;

my $put = "$Stdmail::fault/put";
Stdmail::need('root', 'mda-deliver', $put, 'tool:setpriv', 'tool:unshare');
$put = Stdmail::program($put);
my %id = map { $_ => scalar getpwnam($_) } qw(mail daemon);
plan skip_all => 'there are no accounts mail and daemon'
    if !defined $id{mail} || !defined $id{daemon};
my ($setpriv) = Stdmail::tool('setpriv');
my ($unshare) = Stdmail::tool('unshare');
plan skip_all => 'mounts of our own are not to be had here'
    if system("$unshare -m true 2>/dev/null") != 0;
our @bound = ($setpriv, '--bounding-set=-all,+setuid,+setgid',
    '--inh-caps=-all');

# Run as root with two rights, in a view where /etc/passwd has two more.
sub
run
{
	my ($s, $env, @cmd) = @_;
	my @view = !-e "$s->{dir}/passwd" ? () : ($unshare, '-m', 'sh', '-c',
	    'mount --bind "$0" /etc/passwd && exec "$@"',
	    "$s->{dir}/passwd");
	my ($status, $out, $err) = $s->run([@view, @bound, @cmd], env => $env,
	    as => 'root');

	is($status, 0, "$cmd[0] @cmd[$#cmd - 1, $#cmd]") or diag $err;
	return $out . $err;
}

sub
submit
{
	my ($s, $uid, @to) = @_;

	run($s, { PUT_OWNER => $uid }, $put, $s->{conf_file}, 'local', 1, 200,
	    'al@x.test', map { "$_\@a.test" } @to);
}

sub owner { return join ':', (stat $_[0])[4, 2] }

my %uid = (bob => 65432, eve => 65433);

sub
site
{
	my (%o) = @_;
	my $s = Stdmail->new(as => 'root', users => {}, conf => {
	    mail => undef, %{$o{conf} // {}} });
	my $text = '';

	system('rm', '-rf', "$s->{dir}/home");
	mkdir "$s->{dir}/home";
	chmod 0755, "$s->{dir}/home";
	for my $user (sort keys %uid) {
		my ($home, $id) = ("$s->{dir}/home/$user",
		    $o{one} ? $id{mail} : $uid{$user});
		mkdir $home, 0700;
		chown $id, $id, $home;
		$text .= $o{passwd} ? "$user:x:$id:$id\::$home:/bin/sh\n" :
		    "$user:{PLAIN}x:" . ($o{one} ? ':' : "$id:$id") .
		    "::$home\n";
	}
	if ($o{passwd}) {
		Stdmail::spew("$s->{dir}/passwd",
		    Stdmail::slurp('/etc/passwd') . $text, 0644);
	} else {
		Stdmail::spew("$s->{dir}/users", $text, 0600);
	}
	return $s;
}

for my $kind (['users of one account', one => 1],
    ['users with accounts', one => 0],
    ['accounts of the system', passwd => 1,
    conf => { users => 'system' }]) {
	my ($what, %o) = @$kind;
	my $s = site(%o);
	my %own = map { $_ => $o{one} ? $id{mail} : $uid{$_} } keys %uid;

	# The folders are made once, by root with all its rights.
	chown 0, (getpwnam('daemon'))[3], $s->{spool};
	chmod 0750, $s->{spool};
	$s->run([$s->command('mda-deliver', '-q')], as => 'root');
	is(join(' ', map { "$_ " . sprintf '%d:%o', (stat "$s->{spool}/$_")
	    [4, 2] } qw(tmp local/now remote/env)),
	    sprintf('tmp 0:43770 local/now %d:42770 remote/env %d:42770',
	    $id{mail}, $id{daemon}), "$what: the spool's folders");
	my (undef, undef, $err) = $s->run([$s->command('mda-deliver', '-n')],
	    as => 'root');
	is($err, '', "$what: -n is content") if !$o{passwd};

	submit($s, $own{bob}, 'bob') for 1, 2;
	my ($path) = $s->spooled('local/now');
	is(owner($path // '/'), "$own{bob}:" . 0100600,
	    "$what: spooled for its owner");
	my $log = run($s, {}, $s->command('mda-deliver', '-q'));
	submit($s, $own{bob}, 'bob');
	($path) = $s->spooled('local/now');
	my $node = (stat $path)[1];
	$log .= run($s, {}, $s->command('mda-deliver', '-q'));
	my @files = $s->files('home/bob/Maildir/new');
	is(scalar @files, 3, "$what: all are there") or diag $log;
	is(join(' ', map { owner($_) } @files),
	    join(' ', ("$own{bob}:" . 0100600) x 3), '... and his');
	is(scalar(grep { (stat)[1] == $node } @files), 1,
	    '... the last by a rename');

	submit($s, -1, 'bob', 'eve', 'nobody-here');
	$log = run($s, {}, $s->command('mda-deliver', '-q'));
	@files = $s->files('home/eve/Maildir/new');
	is(join(' ', map { owner($_) } @files), "$own{eve}:" . 0100600,
	    "$what: to several: hers") or diag $log;
	is(scalar(() = $s->files('home/bob/Maildir/new')), 4, '... his');
	is(scalar(() = $s->spooled('local')), 0, '... nothing waits');
	is(scalar(grep { m{/now/} } $s->spooled('remote')), 1,
	    '... and one bounce');

	next if $o{one};
	# A link to where she may not write.
	mkdir "$s->{dir}/target", 0755;
	mkdir "$s->{dir}/target/$_", 0755 for qw(cur new tmp);
	system('rm', '-rf', "$s->{dir}/home/eve/Maildir");
	symlink "$s->{dir}/target", "$s->{dir}/home/eve/Maildir";
	submit($s, $own{eve}, 'eve');
	$log = run($s, {}, $s->command('mda-deliver', '-q'));
	is(scalar(() = $s->files('target/*')), 0,
	    "$what: a link leads nowhere she could not go");
	is(scalar(() = $s->spooled('local/later')), 1, '... it waits')
	    or diag $log;

	# The same for one of several, whose copies root makes, with all that
	# it may do.
	local @bound = ();
	my $before = () = $s->files('home/bob/Maildir/new');
	submit($s, -1, 'eve', 'bob');
	$log = run($s, {}, $s->command('mda-deliver', '-q'));
	is(scalar(() = $s->files('target/*')), 0,
	    "$what: neither a copy's");
	like($log, qr/ delivered .* to=bob.*\n.* deferred .* to=eve/,
	    '... who may take long comes behind');
	is(scalar(() = $s->files('home/bob/Maildir/new')), $before + 1,
	    '... the other has his');
	is(scalar(() = $s->spooled('local/later')), 2, '... hers waits')
	    or diag $log;
}

done_testing();
