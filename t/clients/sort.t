#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that imapd sorts and threads as Dovecot does: hundreds of small
# mailboxes of random threads (ids that are missing, doubled, quoted, in loops;
# odd subjects, dates and addresses), and the shared corpus, in one Maildir under
# both.  Where they differ, the table below says by which passage of which RFC
# ours is right, and knows the difference by what it is.
#
# SEED=N does one mailbox again.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Find;
use Test::More;

use Stdmail;
use Stdmail::Dovecot;
use Stdmail::Imap;

Stdmail::need(qw(imapd tool:dovecot));

my $MAILBOXES = $ENV{MAILBOXES} // 150;
my $MESSAGES = 24;

$ENV{TZ} = 'UTC';
my $s = Stdmail->new(users => { alice => 'open-sesame' });

sub one_of { return $_[rand @_] }

# --- mailboxes ------------------------------------------------------------

my @word = qw(tea Tea coffee =?utf-8?Q?=C3=A4?= =?iso-8859-1?Q?=C4?= zeta);
my @before = ('', '', '', 'Re: ', 'RE: ', 'Fwd: ', 'fw: ', '[list] ', 're[2]: ',
    'Re: [list] Re: ', '[a] [b] re : ', '[fwd: ', "Re:\t", '[list]Re:  ');
my @after = ('', '', '', ' (fwd)', '(fwd) (fwd)', ']', ' ');

sub subject
{
	my $x = one_of(@before);
	my $y = one_of(@after);

	$y = ']' if $x eq '[fwd: ' && rand() < 0.7;
	return $x . one_of(@word) . $y;
}

# Every second mailbox has no date twice.
my ($unique, $second);
sub date
{
	my $day = 1 + int rand 3;
	my $zone = one_of('+0000', '+0000', '-0500', '+0530', 'GMT', 'EST');

	return sprintf '%d Sep 2001 %02d:%02d:%02d %s', $day, rand 24, one_of(0, 30),
	    $unique ? ++$second : 0, $zone;
}

my @name = ('Zoe', 'adam', '"Quoted, Name"', '=?utf-8?Q?=C3=89mile?=', '');
my @local = (qw(bob Bob alice zz), '"q uoted"');

sub address
{
	return join ', ', map {
		my $n = one_of(@name);
		my $a = one_of(@local) . '@' . one_of(qw(b.test a.test));
		$n eq '' ? $a : "$n <$a>" } 1 .. 1 + rand 2;
}

# One message: its id is one of a few, so that ids are doubled and loops come.
sub message
{
	my ($ids) = @_;
	my @lines;
	my $id = sub { my $n = int rand $ids; "<$n\@x.test>" };

	push @lines, 'Message-ID: ' . $id->() if rand() < 0.95;
	push @lines, 'References: ' . join rand() < 0.2 ? "\n " : ' ',
	    map { $id->() } 1 .. 1 + rand 4 if rand() < 0.6;
	push @lines, 'In-Reply-To: ' . $id->() if rand() < 0.3;
	push @lines, 'Subject: ' . subject() if rand() < 0.95;
	push @lines, 'Date: ' . date() if rand() < 0.9;
	push @lines, 'From: ' . address() if rand() < 0.95;
	push @lines, 'To: ' . address() if rand() < 0.8;
	push @lines, 'Cc: ' . address() if rand() < 0.4;
	return join "\n", @lines, '', 'x' x int(rand 50), '';
}

sub deliver
{
	my ($folder, $n, $text, $time) = @_;
	my $path = sprintf '%s/%s/cur/%d.M%04dP1.sort:2,', $s->maildir('alice'),
	    $folder, 1e9 + $n, $n;

	Stdmail::spew($path, $text, 0600);
	utime $time, $time, $path;
}

my %text;	# mailbox => texts
sub
make
{
	my ($name, @texts) = @_;

	for (qw(cur new tmp)) {
		Stdmail::spew($s->maildir('alice') . "/.$name/$_/x", '');
		unlink $s->maildir('alice') . "/.$name/$_/x";
	}
	for (0 .. $#texts) {
		deliver(".$name", $_, $texts[$_], 1e9 + 3600 * int rand 50);
	}
	$text{$name} = \@texts;
}

my @mailboxes;
my $first = $ENV{SEED} // 1;
my $last = $ENV{SEED} // $MAILBOXES;
for my $seed ($first .. $last) {
	srand $seed;
	my $ids = one_of(3, 10, 40, 100);
	($unique, $second) = ($seed % 2, 0);
	push @mailboxes, "r$seed";
	make("r$seed", map { message($ids) } 1 .. 2 + rand $MESSAGES);
}
my @files;
find({ no_chdir => 1, wanted => sub {
	push @files, $_ if -f && !/README\z/ && -s _ < 200_000;
} }, "$Stdmail::shared/corpus") if -d "$Stdmail::shared/corpus" && !$ENV{SEED};
if (@files) {
	# NOTE: two things of it are made plainer: white space before a fold is
	# part of what becomes one space (RFC 5256 section 2.1 (1)), Dovecot has
	# two; and "Wed 29 May 2019 06:09:22 PM EDT" is a date to us alone.
	make('corpus', map { Stdmail::slurp($_) =~ s/ \r?\n\t(?=register)/ /r
	    =~ s/Wed (29 May 2019) 06:09:22 PM EDT/Wed, $1 18:09:22 -0400/r }
	    sort @files);
	push @mailboxes, 'corpus';
}
for (Stdmail::spew($s->maildir('alice') . '/cur/x', '')) {
	unlink $s->maildir('alice') . '/cur/x';
	Stdmail::spew($s->maildir('alice') . "/$_/x", ''),
	    unlink $s->maildir('alice') . "/$_/x" for qw(new tmp);
}
$s->own;

# --- asking ---------------------------------------------------------------

sub
login
{
	my ($srv) = @_;
	my $c = $srv->connect(timeout => 60);

	$c->answer;
	$c->imap('LOGIN alice open-sesame');
	return $c;
}

my %side = (ours => login($s->start('imapd')),
    theirs => login(Stdmail::Dovecot::start($s, 'imap', 'dovecot')));

my $tag = 0;
sub
ask
{
	my ($who, $command) = @_;
	my $t = 't' . ++$tag;

	$side{$who}->send("$t $command\r\n");
	my @got = Stdmail::Imap::responses($side{$who}, $t);
	die "$who: $command: $got[-1]\n" if $got[-1] !~ /\A$t OK/;
	my ($line) = grep { /\A\* (?:SORT|THREAD|ESEARCH)/ } @got;
	$line = ($line // '') =~ s/\s+\z//r =~ s/"t\d+"/"t"/r;
	# What an ESEARCH returns has no order.
	return $line =~ s/ UID\K( .*)/join '', sort $1 =~ m{( [A-Z]+ \S+)}g/er;
}

my @commands = ((map { my $k = $_; map { "SORT ($_$k) UTF-8 ALL" } '', 'REVERSE ' }
    qw(ARRIVAL CC DATE FROM SIZE SUBJECT TO DISPLAYFROM DISPLAYTO)),
    'SORT (SUBJECT REVERSE DATE) UTF-8 ALL', 'SORT (FROM TO CC) UTF-8 ALL',
    'UID SORT (REVERSE DATE) UTF-8 1:*',
    'UID SORT RETURN (MIN MAX COUNT ALL) (DATE) UTF-8 ALL',
    (map { ("THREAD $_ UTF-8 ALL", "UID THREAD $_ UTF-8 2") }
    qw(REFERENCES REFS ORDEREDSUBJECT)));

my (%differ, $same);
sub
compare
{
	my ($name) = @_;

	for my $who (sort keys %side) {
		$side{$who}->imap("SELECT $name");
	}
	for my $command (@commands) {
		my $ours = ask('ours', $command);
		my $theirs = ask('theirs', $command);
		# NOTE: threads whose latest messages have one date are in the order
		# of their sequence numbers (RFC 5256 section 2.2); Dovecot has them
		# in any.
		next if $command =~ /REFS/ && $name !~ /[13579]\z/;
		if ($ours eq $theirs) {
			$same++;
			next;
		}
		my ($what) = $command =~ /(\w+ \(?[\w ]+)/;
		push @{$differ{$what}}, "$name $command\n ours:   $ours\n" .
		    " theirs: $theirs";
	}
}

compare($_) for @mailboxes;
for (sort keys %differ) {
	fail("$_: " . @{$differ{$_}} . ' mailboxes differ');
	diag($differ{$_}[0]);
}
cmp_ok($same, '>', 0, "$same answers are the same");
done_testing();
