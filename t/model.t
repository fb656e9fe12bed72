#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves the mailbox against a model of it (t/model/mailbox.c): random
# operations of many sessions and of other programs in the same Maildir, some
# at once, some killed.  No UID ever means another message, nothing is lost or
# doubled, no flag set by anyone is undone, what a session is told is what it
# sees, no lock or file of a dead session stays in the way.  And that files
# renamed in the middle of every listing (t/model/lively.c) are never called
# gone.
#
# SEED=N repeats one run, OPERATIONS=N makes it longer, KEEP=1 keeps its
# Maildir; SOAK=SECONDS (make soak) runs one seed after another, each with
# 10,000 operations at least.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Basename qw(dirname);
use Test::More;
use Time::HiRes qw(time);

use Stdmail;

my $dir = dirname($ENV{STDMAIL_UNIT} // "$Stdmail::top/build/t/unit");
Stdmail::need("$dir/model/mailbox");
my $model = "$dir/model/mailbox";
my $lively = "$dir/model/lively";
my $soak = $ENV{SOAK} // 0;
my $operations = $ENV{OPERATIONS} // ($soak ? 10000 : 1500);
my $first = $ENV{SEED} // ($soak ? time() * 1000 % 1e9 : $$);
my $log = Stdmail::folder() . '/log';

# The log's end.
sub
last_lines
{
	my @lines = split /\n/, Stdmail::slurp($log);

	return join "\n", @lines > 5 ? @lines[-5 .. -1] : @lines;
}

# One run: true when all was as it should be.
sub
run_model
{
	my ($seed, $keywords, $seconds) = @_;
	my $said = `$model -s $seed -k $keywords $operations $seconds 2>$log`;
	my $good = $? == 0;
	my ($last) = $said =~ /(.*)\n\z/;

	ok($good, "SEED=$seed, $keywords keywords: " . ($good ? $last :
	    'a rule was broken')) or
	    diag("$said\nthe log's end:\n", last_lines());
	unlike(Stdmail::slurp($log), qr/Sanitizer|runtime error/,
	    'no sanitizer spoke');
	return $good;
}

if (defined $ENV{SEED}) {
	run_model($first, $ENV{KEYWORDS} // 20, 100000);
} elsif ($soak) {
	my $end = time + $soak;
	for (my $seed = int $first; time < $end; $seed++) {
		last if !run_model($seed, $seed % 2 ? 20 : 45, int($end - time) + 5);
	}
} else {
	run_model($first + $_, 20, 5) for 0, 1;
	# More than there are letters for.
	run_model($first + 2, 45, 5);
}

# A large mailbox, renamed while it is listed.
my $seconds = $soak ? 30 : 4;
my $said = `$lively 3000 $seconds 2>$log`;
ok($? == 0, "files renamed all the time: " . $said =~ s/\n//gr) or
    diag($said, last_lines());
done_testing();
