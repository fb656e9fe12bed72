#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that an mbox is shared with others: procmail and mda-deliver deliver
# into it while we remove messages, and each message is there or was removed,
# once; and Dovecot has the same UIDs, flags and keywords as we, whoever set
# them.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use POSIX ();
use Test::More;

use Stdmail;
use Stdmail::Dovecot;

my $top = "$FindBin::Bin/../..";
my $op = dirname($ENV{STDMAIL_UNIT} // "$top/build/t/unit") . '/fault/mboxop';
Stdmail::need($op, 'mda-deliver');
$op = Stdmail::program($op);
my $deliver = Stdmail::program('mda-deliver');
my $as = $Stdmail::Dovecot::as;
my $dir = tempdir('stdmail-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $mbox = "$dir/inbox";

sub spew {
	my ($file, $text) = @_;

	open my $fh, '>', $file or die "$file: $!\n";
	print $fh $text;
	close $fh or die "$file: $!\n";
}

sub ours {
	my ($args) = @_;
	my $out = `$as$op $mbox $args </dev/null 2>$dir/log`;

	is($?, 0, "we: $args") or diag(Stdmail::slurp("$dir/log"));
	return $out;
}

# uid => [ flags and keywords, subject ]
sub we_see {
	my %seen;
	my @flags = ([1, '\Answered'], [2, '\Flagged'], [4, '\Deleted'],
	    [8, '\Seen'], [16, '\Draft']);

	for (split /\n/, ours('list')) {
		my ($n, $flags, $hex) = split / /;
		my ($system, @keywords) = split /,/, $flags;
		my $text = pack 'H*', $hex // '';

		push @keywords, map { hex($system) & $_->[0] ? $_->[1] : () }
		    @flags;
		$seen{$n} = [join(' ', sort @keywords),
		    $text =~ /^Subject: ([^\r\n]*)/m];
	}
	return \%seen;
}

# --- many deliver, we remove ----------------------------------------------

Stdmail::Dovecot::own($dir);
SKIP: {
	skip('no procmail here, and no world', 1)
	    if system("$top/t/world-run -t procmail") != 0;
	my $many = 60;

	spew($mbox, '');
	Stdmail::Dovecot::own($mbox);
	spew("$dir/rc", "MAILDIR=$dir\nLOCKSLEEP=1\n:0:\n$mbox\n");
	spew("$dir/send", "i=0; while [ \$i -lt $many ]; do " .
	    "printf 'Subject: p%s\\n\\nFrom x\\n' \$i | HOME=$dir ${as}procmail " .
	    "-f a\@b.test $dir/rc || exit 1; i=\$((i + 1)); done\n");
	my @pids;
	for my $way (0, 1) {
		my $pid = fork // die "fork: $!\n";
		push @pids, $pid if $pid;
		next if $pid;
		exec "$top/t/world-run", 'sh', "$dir/send" if $way == 0;
		for my $i (0 .. $many - 1) {
			system("printf 'Subject: m$i\\n\\nFrom x\\n' | $as" .
			    "$deliver -c /dev/null $mbox") == 0 or
			    POSIX::_exit(1);
		}
		POSIX::_exit(0);
	}
	my (%removed, $twice);
	my $fails = 0;
	while (@pids) {
		my $pid = waitpid -1, POSIX::WNOHANG();
		if ($pid > 0) {
			is($?, 0, 'all delivered');
			@pids = grep { $_ != $pid } @pids;
		}
		my @seen;
		# Busy is an answer; for ever is none.
		for (1 .. 3) {
			@seen = split /\n/, `$as$op $mbox list 2>>$dir/log`;
			last if $? >> 8 != 75;
		}
		$fails++ if $?;
		my @some = grep { $_ % 3 == 0 } 0 .. $#seen;
		my %gone;
		for (@seen[@some]) {
			my ($n, undef, $hex) = split / /;
			my ($subject) = pack('H*', $hex) =~
			    /^Subject: (\w+)/m;
			$gone{$n} = $subject;
		}
		next if !%gone;
		for (1 .. 3) {
			system("$as$op $mbox remove @{[keys %gone]} " .
			    "2>>$dir/log");
			last if $? >> 8 != 75;
		}
		if ($? != 0) {
			$fails++;
			next;
		}
		for (values %gone) {
			$twice = $_ if $removed{$_}++;
		}
	}
	is($fails, 0, 'we were never refused for long') or
	    diag(Stdmail::slurp("$dir/log"));
	is($twice, undef, 'none was removed twice');
	my $left = we_see();
	my @all = sort(keys %removed, map { $_->[1] } values %$left);
	is_deeply(\@all, [sort map { ("p$_", "m$_") } 0 .. $many - 1],
	    'each is there or was removed: ' . keys(%removed) . ' were');
	ok(!-e "$mbox.lock", 'no lock is left');
}

# --- Dovecot --------------------------------------------------------------

SKIP: {
	skip('no doveadm here, and no world', 1)
	    if !Stdmail::Dovecot::here();
	my $dovecot = Stdmail::Dovecot->new($dir,
	    "mbox:$dir/mail:INBOX=$mbox", 'mail_access_groups =',
	    'mbox_write_locks = dotlock fcntl', 'mbox_lazy_writes = no');
	mkdir "$dir/mail";
	my $from = "From a\@b.test Thu Jan  1 00:00:10 1970\n";
	spew($mbox, join '', map { "${from}Subject: number $_\n\nx\n\n" }
	    1 .. 5);
	Stdmail::Dovecot::own($dir);
	my $validity = sub {
		return Stdmail::slurp($mbox) =~ /^X-IMAPbase: (\d+) /m ?
		    $1 : 0;
	};

	ours('take');
	ours('flag 2 4');
	ours('label 3 4');
	my $ours = we_see();
	my $first = $validity->();
	is_deeply($dovecot->sees('INBOX'), $ours, 'Dovecot sees what we did');
	like($dovecot->works('mailbox status uidvalidity INBOX'),
	    qr/uidvalidity=$first$/m, 'the same UIDVALIDITY');

	$dovecot->works("flags add '\\Answered Urgent' mailbox INBOX uid 1:2");
	$dovecot->works("flags remove '\\Flagged' mailbox INBOX uid 4");
	$dovecot->works('expunge mailbox INBOX uid 1');
	spew("$dir/message", "Subject: saved\n\nx\n");
	$dovecot->works("save -m INBOX <$dir/message");
	is_deeply(we_see(), $dovecot->sees('INBOX'), 'we see what Dovecot did');
	is($validity->(), $first, 'UIDVALIDITY stays');

	ours('remove 3');
	ours('flag 2 4 5');
	system("printf 'Subject: new\\nStatus: RO\\n\\nx' | $as$deliver " .
	    "-c /dev/null $mbox");
	ours('take');
	$ours = we_see();
	is_deeply($dovecot->sees('INBOX'), $ours, 'in turn');
	is(scalar keys %$ours, 5, 'all there');
	is($validity->(), $first, 'UIDVALIDITY still stays');
}

done_testing();
