#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that no fault of a destination loses or doubles mail: each destination
# that mda-deliver(1) has with each fault that it can have.  By hand the exit code
# says so, in one line; from the queue the message waits, or its sender is
# told, as the table has it.  Then the fault is mended and the queue runs again:
# now the message is where it belongs, once, whole, and nothing is left.  The
# other recipient of the same message has it at the first try, and no second
# time.  Where a user's programs and files are asked for it is he who delivers
# by hand, else the agent's account.  The table is what it prints.  Under root
# all of it is tried with accounts of the system, and as one unprivileged user.
#
# CELL=DESTINATION/FAULT does one, or CELL=DESTINATION one line.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;
use Stdmail::Accounts;
use Stdmail::Scene;

Stdmail::need('mda-deliver', Stdmail::Scene::put());
Stdmail::in_memory();
my $root = Stdmail::is_root();
my $mounts = Stdmail::Accounts::possible();
my @strace = Stdmail::tool('strace');
my $message = "Received: by test\nSubject: the fault\n\n" .
    join '', map { "line $_ of the text\n" } 1 .. 200;

# --- where it goes --------------------------------------------------------

sub home { return "$_[0]{dir}/home/bob" }

# A file of his.
sub
his
{
	my ($s, $name, $text, $mode) = @_;

	Stdmail::spew(home($s) . "/$name", $text, $mode // 0600);
	chown $s->ids('bob'), home($s) . "/$name" if $root;
}

# An alias that is this.
sub
alias
{
	my ($s, $target) = @_;

	Stdmail::spew("$s->{dir}/aliases", "box: $target\n", 0644);
}

# The texts below a path: of the files in a Maildir, of each message in an mbox,
# or what a program has written.
sub
maildir
{
	my ($s, $path) = @_;

	return map { Stdmail::slurp($_) } map { $s->files("$path/$_") }
	    qw(new cur);
}

sub
mbox
{
	my ($s, $path) = @_;

	return () if !-e "$s->{dir}/$path";
	return split /^From [^\n]*\n/m, Stdmail::slurp("$s->{dir}/$path") =~
	    s/\AFrom [^\n]*\n//r =~ s/\n\n(?=From |\z)/\n/gr;
}

# Each: who it is for, what is set up, the texts that are there, the paths that
# are its, for faults of the file system.
my %dest = (
	Maildir => { to => 'bob', has => sub {
		return maildir($_[0], 'home/bob/Maildir') },
	    place => 'home/bob/Maildir' },
	folder => { to => 'bob+lists', set => sub {
		my ($s) = @_;
		my $box = home($s) . '/Maildir';
		mkdir $_ for map { ($_, "$_/cur", "$_/new", "$_/tmp") }
		    $box, "$box/.lists";
		system('chown', '-R', join(':', $s->ids('bob')), $box);
	    }, has => sub { return maildir($_[0], 'home/bob/Maildir/.lists') },
	    place => 'home/bob/Maildir/.lists' },
	mbox => { to => 'bob', mail => 'home/%u/mbox',
	    set => sub { his($_[0], 'mbox', '') },
	    has => sub { return mbox($_[0], 'home/bob/mbox') },
	    place => 'home/bob/mbox' },
	'alias to far' => { to => 'box', rules => 'aliases', set => sub {
		alias($_[0], 'far@far.test') },
	    has => sub { return map { $_->{text} } grep {
		$_->{to} eq 'far@far.test' } Stdmail::Scene::remote($_[0]) },
	    place => 'spool/remote' },
);
# The rest are of his .forward and of an alias.
my $program = <<'END';
#!/bin/sh
cd "${0%/*}" && cat >part && cat part >>out || exit 75
END

sub by_forward
{
	my ($text, %o) = @_;

	return { to => 'bob', rules => 'home/bob/.forward', set => sub {
		my ($s) = @_;
		my $home = home($s);
		his($s, '.forward', $text =~ s/\$DIR/$home/gr);
		his($s, 'run', $program, 0700) if $o{run};
	    }, %o };
}

sub by_alias
{
	my ($text, %o) = @_;

	return { to => 'box', rules => 'aliases', set => sub {
		my ($s) = @_;
		my $dir = "$s->{dir}/open";
		mkdir $dir;
		chmod 0700, $dir;
		chown @Stdmail::nobody, $dir if $root;
		alias($s, $text =~ s/\$DIR/$dir/gr);
		Stdmail::spew("$dir/run", $program, 0755) if $o{run};
	    }, %o };
}

sub far { return map { $_->{text} } grep { $_->{to} eq 'far@far.test' }
    Stdmail::Scene::remote($_[0]) }

$dest{program} = by_forward("|\$DIR/run\n", place => 'home/bob',
    account => 1, run => 1, has => sub { return mbox($_[0], 'home/bob/out') });
$dest{file} = by_forward("\$DIR/copy\n", place => 'home/bob/copy',
    account => 1, has => sub { return mbox($_[0], 'home/bob/copy') });
$dest{box} = by_forward("\$DIR/Box/\n", place => 'home/bob/Box',
    account => 1, has => sub { return maildir($_[0], 'home/bob/Box') });
$dest{forward} = by_forward("far\@far.test\n", place => 'spool/remote',
    has => \&far);
$dest{discard} = by_forward("/dev/null\n", place => 'home/bob',
    nothing => 1, has => sub { return maildir($_[0], 'home/bob/Maildir') });
$dest{'alias program'} = by_alias('"|$DIR/run"', place => 'open',
    run => 1, has => sub { return mbox($_[0], 'open/out') });
$dest{'alias file'} = by_alias('$DIR/mbox', place => 'open/mbox',
    has => sub { return mbox($_[0], 'open/mbox') });
$dest{'alias list'} = { to => 'box', rules => 'list', set => sub {
	alias($_[0], ":include:$_[0]{dir}/list");
	Stdmail::spew("$_[0]{dir}/list", "far\@far.test\n", 0644);
    }, place => 'spool/remote', has => \&far };

my @dests = ('Maildir', 'folder', 'mbox', 'program', 'file', 'box', 'forward',
    'discard', 'alias to far', 'alias program', 'alias file', 'alias list');

# --- what is wrong --------------------------------------------------------

sub
vanish
{
	my ($s) = @_;

	if ($s->{as} eq 'root') {
		Stdmail::Accounts::give($s, 'amy');
		return;
	}
	delete $s->{users}{bob};
	$s->write_users;
	chown @Stdmail::nobody, "$s->{dir}/users" if $root;
}

# A place that its user may not change.
sub
close_place
{
	my ($s, $d) = @_;
	my $path = "$s->{dir}/$d->{place}";
	my $dir = -d $path ? $path : $path =~ s{/[^/]*\z}{}r;

	$s->{closed} = [map { [$_, (stat)[2] & 07777] } $dir,
	    grep { -e } $path, map { "$dir/$_" } qw(cur new tmp)];
	chmod 0500, $_->[0] for @{$s->{closed}};
}

sub
open_place
{
	my ($s) = @_;

	chmod $_->[1], $_->[0] for @{delete $s->{closed}};
}

# The file that says where it goes, open for others to write in it.
sub
open_rules
{
	my ($s, $d) = @_;

	chmod 0666, "$s->{dir}/$d->{rules}";
}

sub
close_rules
{
	my ($s, $d) = @_;

	chmod 0644, "$s->{dir}/$d->{rules}";
}

# The program is another; the real one comes back.
sub
replace
{
	my ($text) = @_;

	return sub {
		my ($s, $d) = @_;
		my $run = "$s->{dir}/$d->{place}/run";

		rename $run, "$run.real";
		return if !defined $text;
		Stdmail::spew($run, "#!/bin/sh\n$text\n", 0755);
		chown +(stat "$run.real")[4, 5], $run;
	};
}

sub
put_back
{
	my ($s, $d) = @_;
	my $run = "$s->{dir}/$d->{place}/run";

	rename "$run.real", $run;
}

# The file system that all of a place is on, of which nothing is left.
sub
fill
{
	my ($s) = @_;

	open(my $fh, '>', "$s->{disk}/filler") or die "$!";
	my $block = "\0" x 4096;
	1 while syswrite $fh, $block;
	close($fh);
}

# --- one cell -------------------------------------------------------------

sub
site
{
	my ($as, $d, $small) = @_;
	my $s = Stdmail->new(as => $as eq 'accounts' ? 'root' : $as,
	    users => { bob => 'x', amy => 'x' });

	$s->{conf}{mail} = "$s->{dir}/" . ($d->{mail} // 'home/%u/Maildir/');
	$s->{conf}{aliases} = "$s->{dir}/aliases";
	$s->{conf}{program_timeout} = 1;
	alias($s, 'amy');
	if ($small) {
		# All that is written lies on one small disk.
		$s->{disk} = $d->{place} =~ /^(spool|open)/ ?
		    "$s->{dir}/$1" : home($s);
		mkdir $s->{disk};
		my @own = (stat $s->{disk})[4, 5];
		system('mount', '-t', 'tmpfs', '-o', 'size=1m,mode=0755',
		    'tmpfs', $s->{disk}) == 0 or die "mount: $?";
		chown @own, $s->{disk};
	}
	$s->write_conf;
	$s->own;
	Stdmail::Accounts::give($s, 'bob', 'amy') if $as eq 'accounts';
	$d->{set}->($s) if $d->{set};
	return $s;
}

sub
run
{
	my ($s, $strace, $stdin, @args) = @_;

	return $s->run([@$strace, $s->command('mda-deliver', @args)],
	    timeout => 60, defined $stdin ? (stdin => $stdin) : ());
}

sub
submit
{
	my ($s, @to) = @_;
	my ($status, undef, $err) = $s->run([Stdmail::Scene::put(),
	    $s->{conf_file}, 'local', 1, '-', 'al@x.test', map { "$_\@a.test" }
	    @to], stdin => $message);

	die "not spooled: $err\n" if $status;
}

# How many of the texts are the message, whole; another one counts a thousand.
# What goes nowhere is there when nothing waits and nobody was told.
sub
copies
{
	my ($s, $d, $other) = @_;
	my $n = 0;

	for my $text ($other ? maildir($s, 'home/amy/' .
	    ($d->{mail} ? 'mbox' : 'Maildir')) : $d->{has}->($s)) {
		1 while $text =~ s/\A(?:Return-Path|Delivered-To): .*\n//;
		$n += $text eq $message ? 1 : 1000;
	}
	$n = !$n && !waiting($s) && !bounces($s) ? 1 : 0
	    if $d->{nothing} && !$other;
	return $n;
}

sub
waiting
{
	my ($s) = @_;

	return scalar grep { m{/(?:now|later)/} } $s->spooled('local');
}

sub
bounces
{
	my ($s) = @_;

	return scalar grep { $_->{to} eq 'al@x.test' }
	    Stdmail::Scene::remote($s);
}

# What comes of it, as a word and what is wrong with that.
sub
fate
{
	my ($s, $d) = @_;

	return waiting($s) ? 'waits' : bounces($s) ? 'bounce' :
	    copies($s, $d) ? 'done' : 'lost';
}

# What an alias stands for is for the queue.
sub by_hand { return $_[0]{to} ne 'box' }

sub
trial
{
	my ($as, $name, $fault) = @_;
	my ($d, @wrong) = ($dest{$name});
	my $s = site($as, $d, $fault->{disk});
	my @inject = $fault->{inject} ? (@strace, '-f', '-o', '/dev/null',
	    (map { ('-P', "$s->{dir}/$d->{place}$_") } '', map { "/$_" }
	    qw(cur new tmp now env)), map { ('-e', $_) }
	    @{$fault->{inject}}) : ();
	my ($code, $out, $err);

	# By hand.
	$fault->{break}->($s, $d) if $fault->{break};
	if (by_hand($d)) {
		my @user = $d->{account} ? Stdmail::Scene::as_user($s, 'bob')
		    : ();
		($code, $out, $err) = run($s, [@inject, @user], $message,
		    '-a', "$d->{to}\@a.test", '-f', 'al@x.test');
		push @wrong, "it says: $out$err" if $out ne '' ||
		    ($err =~ tr/\n//) != ($code ? 1 : 0);
		# What is for elsewhere is in the spool by then.
		run($s, [], undef, '-q') if $d->{place} =~ /^spool/;
		push @wrong, "by hand $code, but there are " . copies($s, $d)
		    if !$d->{nothing} && copies($s, $d) != ($code ? 0 : 1);
	}
	$fault->{mend}->($s, $d) if $fault->{mend};
	system('umount', '-l', $s->{disk})
	    if $s->{disk} && defined $code && $code == 0;
	if (defined $code && $code == 0) {
		Stdmail::Accounts::take();
		$s->remove;
		$s = site($as, $d, $fault->{disk});
	}

	# From the queue, with another.
	submit($s, $d->{to}, 'amy');
	$fault->{break}->($s, $d) if $fault->{break};
	(undef, $out, $err) = run($s, \@inject, undef, '-q');
	my $fate = fate($s, $d);
	push @wrong, "the other has it " . copies($s, $d, 1) . ' times'
	    if copies($s, $d, 1) != 1;
	push @wrong, "a process died: $err" if $err =~ /\bsignal=|Sanitizer/;
	$fault->{mend}->($s, $d) if $fault->{mend};

	# Mended.
	$s->make_due;
	my ($again, undef, $said) = run($s, [], undef, '-q');
	push @wrong, "mended: exit $again, " . waiting($s) . " wait, $said"
	    if $again || waiting($s);
	push @wrong, 'mended: ' . copies($s, $d) . ' copies, ' . bounces($s) .
	    " bounces, $err $said" if copies($s, $d) +
	    (bounces($s) ? 1 : 0) != 1 || bounces($s) > 1;
	push @wrong, 'mended: the other has ' . copies($s, $d, 1)
	    if copies($s, $d, 1) != 1;
	push @wrong, 'left: ' . join ' ', $s->spooled('tmp')
	    if $s->spooled('tmp');
	Stdmail::Accounts::take();
	system('umount', '-l', $s->{disk}) if $s->{disk};
	$s->remove;
	return (join('/', $code // '-', $fate), @wrong);
}

# --- the table ------------------------------------------------------------

# Its name; what breaks it and mends it; for each destination the exit code and
# what becomes of it in the queue, where it can have that fault at all.
my @his = qw(Maildir folder mbox program file box forward discard);
my @aliased = ('alias to far', 'alias program', 'alias file', 'alias list');
my @run = ('program', 'alias program');
sub all { my ($is, @names) = @_; return map { $_ => $is } @names }
my @waits = (all('75/waits', @his), all('-/waits', @aliased));
sub waits { my %all = @waits; return map { $_ => $all{$_} } @_ }

my @faults = (
	{ name => 'none', want => { all('0/done', @his),
	    all('-/done', @aliased) } },
	{ name => 'no home', root => 1, break => sub {
		rename home($_[0]), "$_[0]{dir}/away";
	    }, mend => sub { rename "$_[0]{dir}/away", home($_[0]) },
	    want => { waits(@his) } },
	{ name => 'no right', break => \&close_place, mend => \&open_place,
	    want => { waits(qw(Maildir folder mbox program file box),
	    'alias program', 'alias file') } },
	{ name => 'disk full', disk => 1, break => \&fill, mend => sub {
		unlink "$_[0]{disk}/filler" },
	    want => { @waits, discard => undef } },
	{ name => 'user gone', break => \&vanish, want => {
	    all('67/bounce', @his) } },
	{ name => 'stale', root => 1, inject => [map {
	    "inject=$_:error=ESTALE" } qw(openat write renameat2 mkdirat mkdir
	    linkat fsync)], want => { waits(qw(Maildir folder mbox file box
	    forward), 'alias to far', 'alias file', 'alias list') } },
	{ name => 'open rules', break => \&open_rules,
	    mend => \&close_rules, want => { waits(qw(program file box forward
	    discard), @aliased) } },
	{ name => 'hangs', break => replace('sleep 100'),
	    mend => \&put_back, want => { waits(@run) } },
	{ name => 'killed', break => replace('cat >part; kill -9 $$'),
	    mend => \&put_back, want => { waits(@run) } },
	{ name => 'missing', break => replace(undef), mend => \&put_back,
	    want => { waits(@run) } },
);

sub
test_all
{
	my ($as) = @_;
	my ($dest, $fault) = split m{/}, $ENV{CELL} // '';
	my %got;

	for my $name (grep { ($dest // $_) eq $_ } @dests) {
		for my $f (grep { ($fault // $_->{name}) eq $_->{name} }
		    @faults) {
			my $want = $f->{want}{$name} // next;
			$want =~ s{^\d+}{-} if !by_hand($dest{$name});
			next if $as ne 'accounts' && ($f->{root} ||
			    $dest{$name}{account});
			SKIP: {
				skip('no mounts of our own', 1)
				    if $f->{disk} && !$mounts;
				skip('strace is missing', 1)
				    if $f->{inject} && !@strace;
				my ($is, @wrong) = trial($as, $name, $f);
				$got{$name}{$f->{name}} = $is;
				is(join("\n", $is, @wrong), $want,
				    "$as: $name, $f->{name}: $want");
			}
		}
	}
	note(sprintf '%-14s' . ' %-11s' x @faults, $as,
	    map { $_->{name} } @faults);
	for my $name (@dests) {
		note(sprintf '%-14s' . ' %-11s' x @faults, $name,
		    map { $got{$name}{$_->{name}} // '' } @faults);
	}
}

test_all($_) for !$root ? 'me' : $mounts ? ('accounts', 'nobody') : 'nobody';
done_testing;
