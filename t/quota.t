#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that mda-deliver keeps to a quota: what is delivered, by a copy or by a
# rename, is noted in maildirsize; what does not fit is refused, for good or for
# a time, and leaves nothing behind; a folder of a Maildir counts for the whole;
# and without a limit nothing is noted at all.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Stdmail;

Stdmail::need('mda-deliver');

my $put = Stdmail::program("$Stdmail::fault/put");
my $text = "Subject: x\n\ny\n";		# 14 octets

sub
deliver
{
	my ($s, $message, @args) = @_;
	my ($status, $out, $err) = $s->run(
	    [$s->command('mda-deliver', @args)], stdin => $message);

	return "$status $err";
}

sub
slurp
{
	my ($file) = @_;

	return -e $file ? Stdmail::slurp($file) : 'none';
}

# What a folder's files have in all: octets and number.
sub
sum
{
	my ($s, @folders) = @_;
	my ($bytes, $n) = (0, 0);

	for ($s->files(@folders)) {
		$bytes += -s;
		$n++;
	}
	return "$bytes $n";
}

{
	my $s = Stdmail->new(users => { bob => 'x' });
	my $file = "$s->{dir}/Box/maildirsize";

	like(deliver($s, $text, 'Box/'), qr/^0 $/, 'no quota');
	is(slurp($file), 'none', 'nothing is noted');
	Stdmail::spew($file, "100S\n14 1\n", 0600);
	$s->own;
	like(deliver($s, $text, 'Box'), qr/^0 $/, 'a file of quota');
	is(slurp($file), "100S\n14 1\n14 1\n", 'is kept up');
	like(deliver($s, $text . 'z' x 60, 'Box'), qr/^73 .*5\.2\.2 /,
	    'too long');
	is(slurp($file), "100S\n28 2\n", 'made sure of by counting');
	like(deliver($s, $text . 'z' x 57 . "\n", 'Box'), qr/^0 $/,
	    'to the last octet');
	is(slurp($file), "100S\n28 2\n72 1\n", 'noted');
	like(deliver($s, $text, '-o', 'quota_tempfail=yes', 'Box'),
	    qr/^75 .*4\.2\.2 /, 'full, for a time');
	is(sum($s, 'Box/new'), '100 3', 'three are there');
	is(scalar(() = $s->files('Box/tmp')), 0, 'none in tmp');

	# A folder of it.
	mkdir "$s->{dir}/Box/.Sub";
	mkdir "$s->{dir}/Box/.Sub/$_" for qw(cur new tmp);
	Stdmail::spew("$s->{dir}/Box/.Sub/maildirfolder", '', 0600);
	$s->own;
	like(deliver($s, $text, 'Box/.Sub'), qr/^73 .*5\.2\.2 /,
	    'a folder of a full Maildir');
	unlink $s->files('Box/new');
	unlink $file;
	Stdmail::spew($file, "100S,2C\n0 0\n", 0600);
	$s->own;
	like(deliver($s, $text, 'Box/.Sub'), qr/^0 $/, '... that has room');
	is(slurp($file), "100S,2C\n0 0\n14 1\n", '... is noted');
	ok(!-e "$s->{dir}/Box/.Sub/maildirsize", '... in one place');
	like(deliver($s, $text, 'Box'), qr/^0 $/, 'two messages');
	like(deliver($s, $text, 'Box'), qr/^73 .*5\.2\.2 /, 'are the most');
}

# By the rules of the configuration and of a user.
{
	my $s = Stdmail->new(users => { map { $_ => 'x' }
	    qw(ann bob eve) },
	    conf => { quota => '1K' });
	my $users = "$s->{dir}/users";
	my $size = length "Delivered-To: bob\@a.test\n$text";

	my $lines = Stdmail::slurp($users);
	$lines =~ s/^(eve:.*)$/$1:userdb_quota_rule=*:bytes=60/m;
	$lines =~ s/^(ann:.*)$/$1:userdb_quota_rule=*:storage=0/m;
	Stdmail::spew($users, $lines, 0600);
	$s->own;
	like(deliver($s, $text, '-d', 'bob'), qr/^0 $/, 'key quota');
	is(slurp($s->maildir('bob') . '/maildirsize'), "1024S\n0 0\n$size 1\n",
	    'is in the file');
	like(deliver($s, $text, '-d', 'eve'), qr/^0 $/, 'a rule');
	is(slurp($s->maildir('eve') . '/maildirsize'), "60S\n0 0\n$size 1\n",
	    'goes before it');
	like(deliver($s, $text, '-d', 'eve'), qr/^73 .*5\.2\.2 /,
	    'and is obeyed');
	like(deliver($s, 'x' x 2000, '-a', 'bob@a.test'), qr/^73 .*5\.2\.2 /,
	    'and so is the key');
	like(deliver($s, 'x' x 2000, '-d', 'ann'), qr/^0 $/,
	    'a rule without a limit');
	is(slurp($s->maildir('ann') . '/maildirsize'), 'none',
	    'has no need of a file');
}

# A message that goes on and on; and one during which others fill the mailbox.
for my $filled (0, 1) {
	my $s = Stdmail->new(users => {});
	my $file = "$s->{dir}/Box/maildirsize";

	deliver($s, $text, 'Box/');
	Stdmail::spew($file, ($filled ? 900_000 : 1000) . "S\n14 1\n", 0600);
	$s->own;
	pipe(my $read, my $write) or die "pipe: $!\n";
	my $pid = $s->spawn([$s->command('mda-deliver', 'Box')],
	    { 0 => $read });
	close $read;
	local $SIG{PIPE} = 'IGNORE';
	syswrite $write, "a: b\n\n" . "x\n" x 200_000;
	if ($filled) {
		Stdmail::until_true(sub { $s->files('Box/tmp') == 1 }, 60);
		Stdmail::spew($file, "900000S,1C\n14 1\n", 0600);
		$s->own;
		close $write;
	}
	is(Stdmail::reap($pid, 60), 73, $filled ?
	    'filled by others meanwhile' : 'refused before its end');
	is(sum($s, 'Box/{new,tmp}'), '14 1', '... and nothing is left');
}

# Many at once: each has its line.
{
	my $s = Stdmail->new(users => {});
	my $file = "$s->{dir}/Box/maildirsize";

	deliver($s, $text, 'Box/');
	Stdmail::spew($file, "1000000S\n14 1\n", 0600);
	Stdmail::spew("$s->{dir}/message", $text, 0644);
	$s->own;
	my @pids = map { $s->spawn(['sh', '-c', 'for i in 1 2 3 4 5; do "$@" ' .
	    "<$s->{dir}/message || exit 1; done", 'sh',
	    $s->command('mda-deliver', 'Box')], {}) } 1 .. 8;
	is(join(' ', map { Stdmail::reap($_, 60) } @pids), join(' ', (0) x 8),
	    'many at once');
	is(sum($s, 'Box/new'), '574 41', 'all are there');
	is(slurp($file), "1000000S\n" . "14 1\n" x 41, 'and all are noted');
}

if (!defined $put) {
	diag 'the program that spools is not built';
	done_testing();
	exit 0;
}

# From the queue: the first by a copy, which makes the Maildir, then by rename.
for my $tempfail (0, 1) {
	my $s = Stdmail->new(users => { bob => 'x' }, conf => {
	    quota => '1000', quota_tempfail => $tempfail ? 'yes' : 'no' });
	my $file = $s->maildir('bob') . '/maildirsize';
	my $log = '';

	for (1 .. 3) {
		my ($status) = $s->run([$put, $s->{spool}, 'local', 1, 250,
		    'al@x.test', 'bob@a.test']);
		is($status, 0, 'spooled');
		my ($path) = $s->spooled('local/now');
		my $node = defined $path ? (stat $path)[1] : 0;
		(undef, undef, my $err) = $s->run(
		    [$s->command('mda-deliver', '-q')]);
		$log .= $err;
		is(scalar(grep { (stat)[1] == $node }
		    $s->files('Mail/bob/new')), 1, 'by rename') if $_ == 2;
	}
	my ($bytes, $n) = split / /, sum($s, 'Mail/bob/new');
	is($n, 2, 'two fit');
	like(slurp($file), qr/\A1000S\n$bytes 2\n\z/, 'both are noted');
	is(scalar(() = $s->files('Mail/bob/tmp')), 0, 'none in tmp');
	if ($tempfail) {
		like($log, qr/deferred .*4\.2\.2/, 'the third waits');
		is(scalar(() = $s->spooled('local/later')), 1, '... in later');
		next;
	}
	like($log, qr/failed .*5\.2\.2/, 'the third is refused');
	is(scalar(() = $s->spooled('local')), 0, '... nothing waits');
	my ($bounce) = grep { m{/now/} } $s->spooled('remote');
	like(Stdmail::slurp($bounce // '/dev/null'), qr/5\.2\.2/,
	    '... and its sender is told');
}

# A warning, once when the line is crossed, by a rename, by the copy for one of
# several, and by hand; not again on the same day, and not without a quota.
for my $way ('-q', '-q for two', '-d') {
	my $s = Stdmail->new(users => { bob => 'x', eve => 'x' }, conf => {
	    quota_messages => '10', quota_warning => '30' });

	for my $n (1 .. 7) {
		if ($way ne '-d') {
			$s->run([$put, $s->{spool}, 'local', 1, 50,
			    'al@x.test', 'bob@a.test',
			    $way eq '-q' ? () : 'eve@a.test']);
			$s->run([$s->command('mda-deliver', '-q')]);
		} else {
			like(deliver($s, $text, '-d', 'bob'), qr/^0 /,
			    'delivered');
		}
		my @warnings = grep { Stdmail::slurp($_) =~
		    /^Subject: Your mailbox is almost full$/m }
		    $s->files('Mail/bob/new');
		is(scalar @warnings, $n == 3 ? 1 : 0, "$way: after $n");
		next if $n != 3;
		like(Stdmail::slurp($warnings[0]), qr/\AReturn-Path:\ <>\n
		    Date:\ .*\nFrom:\ .*\nTo:\ bob\@a\.test\n.*
		    \nAuto-Submitted:\ auto-generated\n.*\n
		    Your\ mail\ now\ fills\ 30\ percent\ /xs, '... what it says');
		unlink $s->files('Mail/bob/new');
		unlink $s->maildir('bob') . '/maildirsize';
	}
}

done_testing();
