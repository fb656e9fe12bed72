#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that of the destinations of one recipient (of a .forward, of an alias)
# none is lost and none repeated because another was not done: the processes of
# mda-deliver -q, and the programs they run, are killed at every system call, and
# each at its end; then it runs again undisturbed.  Each destination has the message, whole; more
# than once only where the crash fell between the delivery and its record, and
# then no other destination has, and the log says so; addresses are one, as they
# are one new message.  Nothing is left in the spool.
#
# Some of the calls are enough to see that it works; STDMAIL_THOROUGH=1 takes all.
# CASE=NAME does one of .forward, Sieve and alias.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;
use Stdmail::Accounts;
use Stdmail::Scene;

Stdmail::need('mda-deliver', "$Stdmail::fault/put", "$Stdmail::fault/killat");
plan(skip_all => 'no accounts of our own are to be had here')
    if !Stdmail::Accounts::possible();
Stdmail::in_memory();
my $killat = Stdmail::program("$Stdmail::fault/killat");
my $killed = 200;
my $step = $ENV{STDMAIL_THOROUGH} ? 1 :
    ($ENV{STDMAIL_VARIANT} // 'plain') eq 'plain' ? 19 : 83;
my $message = "Received: by test\nTo: bob\@a.test\nSubject: x\n\n" . "a line of it\n" x 300;

# The texts at a path: messages of a Maildir, of an mbox, or what programs wrote.
sub
texts
{
	my ($s, $kind, $path) = @_;

	return map { $_->{text} } grep { $_->{to} eq $path }
	    Stdmail::Scene::remote($s) if $kind eq 'far' || $kind eq 'reply';
	return map { Stdmail::slurp($_) } map { $s->files("$path/$_") }
	    qw(new cur tmp) if $kind eq 'maildir';
	return () if !-e "$s->{dir}/$path";
	my $all = Stdmail::slurp("$s->{dir}/$path");
	# What a program was killed at is a part of one.
	return () if $all eq '';
	return map { s/\n\n\z/\n/r } split /^From [^\n]*\n/m,
	    $all =~ s/\AFrom [^\n]*\n//r;
}

# Whole copies; anything else counts a thousand.
sub
copies
{
	my ($s, $kind, $path) = @_;
	my $n = 0;

	for my $text (texts($s, $kind, $path)) {
		1 while $text =~ s/\A(?:Return-Path|Delivered-To): .*\n//;
		$text = $message if $kind eq 'reply' && $text =~ /^Away\.$/m;
		$n += $text eq $message ? 1 : 1000;
	}
	return $n;
}

# What: who it is for, the file that says where it goes, all of these places; a
# third word: those with the same come together.
my @cases = (
	['.forward', 'bob', 'home/bob/.forward', <<'END',
\bob
"$DIR/home/bob/mbox"
"$DIR/home/bob/Box/"
"|cat >$DIR/home/bob/part.$$ && cat $DIR/home/bob/part.$$ >>$DIR/home/bob/out"
amy, far@far.test
"|[ -e $DIR/ready ] || exit 75; cat >>$DIR/home/bob/late"
END
	    [maildir => 'Mail/bob'], [program => 'home/bob/late'], [mbox => 'home/bob/mbox'],
	    [maildir => 'home/bob/Box'], [program => 'home/bob/out'],
	    [maildir => 'Mail/amy'], [far => 'far@far.test']],
	['Sieve', 'bob', 'home/bob/.dovecot.sieve', <<'END',
require ["fileinto", "mailbox", "copy", "vacation", "editheader"];
vacation "Away.";
redirect :copy "far@far.test";
fileinto :create :copy "Lists";
keep;
END
	    [maildir => 'Mail/bob'], [maildir => 'Mail/bob/.Lists'],
	    [far => 'far@far.test', 1], [reply => 'al@x.test', 1]],
	['alias', 'all', 'aliases', <<'END',
all: bob, amy, "$DIR/open/mbox", $DIR/open/Box/,
     "|cat >$DIR/open/part.$$ && cat $DIR/open/part.$$ >>$DIR/open/out",
     far@far.test
END
	    [maildir => 'Mail/bob', 1], [mbox => 'open/mbox'],
	    [maildir => 'open/Box'], [program => 'open/out'],
	    [maildir => 'Mail/amy', 1], [far => 'far@far.test', 1]],
);

sub
try
{
	my ($at, $step, $what, $to, $file, $text, @places) = @_;
	my $s = Stdmail->new(as => 'root', users => { bob => 'x', amy => 'x' });
	my ($n, $status, @wrong, %twice) = (0, $killed);

	Stdmail::spew("$s->{dir}/$file", $text =~ s/\$DIR/$s->{dir}/gr, 0644);
	$s->{conf}{aliases} = "$s->{dir}/aliases" if $file eq 'aliases';
	$s->write_conf;
	$s->own;
	Stdmail::Accounts::give($s, 'bob', 'amy');
	mkdir "$s->{dir}/open";
	chown @Stdmail::nobody, "$s->{dir}/open";
	while ($status == $killed && $n < 9000 && !@wrong) {
		unlink $s->spooled, map { glob "$s->{dir}/$_" } 'Mail/*/*/*',
		    'Mail/*/.Lists/*/*', 'home/bob/.stdmail*',
		    'home/bob/Box/*/*', 'home/bob/[lmop]*', 'open/[mop]*',
		    'open/Box/*/*', 'ready';
		my ($code, undef, $log) = $s->run([Stdmail::Scene::put(),
		    $s->{conf_file}, 'local', 1, '-', 'al@x.test',
		    "$to\@a.test"], stdin => $message);
		push @wrong, "not spooled: $log" if $code;
		($status, undef, $log) = $s->run([$killat, $n += $step,
		    $at, $s->command('mda-deliver', '-q')], timeout => 60);
		# What another place says counts for none but that.
		Stdmail::spew("$s->{dir}/ready", '');
		for (1 .. 3) {
			$s->make_due;
			my ($again, undef, $err) = $s->run([
			    $s->command('mda-deliver', '-q')]);
			$log .= $err;
			push @wrong, "again: $again $err" if $again;
		}
		my %n = map { $_->[1] => copies($s, @$_) } @places;
		my @more = grep { $n{$_} != 1 } keys %n;
		$twice{$_}++ for @more;
		# Which process died, or that this may be so.
		push @wrong, "@more: the log does not say so" if @more &&
		    $log !~ /may-be-doubled|process|program.* ended/;
		push @wrong, map { "$_: $n{$_} copies" } grep {
		    $n{$_} < 1 || $n{$_} > 2 } @more;
		my %more = map { $_->[2] // $_->[1] => 1 } grep {
		    $n{$_->[1]} > 1 } @places;
		push @wrong, "all these: @more" if keys %more > 1;
		my @left = ($s->spooled('local'), $s->spooled('tmp'));
		push @wrong, "left: @left" if @left;
		push @wrong, "call $n: $log" if @wrong;
	}
	Stdmail::Accounts::take();
	is(join("\n", @wrong), '', "$what: killed at $at $step to $n");
	isnt($status, $killed, '... up to the last');
	note("$_ came twice $twice{$_} times") for sort keys %twice;
}

for my $case (grep { ($ENV{CASE} // $_->[0]) eq $_->[0] } @cases) {
	try('child', $step, @$case);
	try('exit', 1, @$case);
}
done_testing();
