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

my $top = "$FindBin::Bin/../..";
my $op = dirname($ENV{STDMAIL_UNIT} // "$top/build/t/unit") . '/fault/mboxop';
Stdmail::need($op, 'mda-deliver');
$op = Stdmail::program($op);
my $deliver = Stdmail::program('mda-deliver');
my ($uid, $gid, $as) = ($<, $( + 0, '');
($uid, $gid, $as) = (65534, 65534, 'setpriv --reuid=65534 --regid=65534 ' .
    '--clear-groups ') if $< == 0;
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

system("chown -R $uid:$gid $dir") if $< == 0;
SKIP: {
	skip('no procmail here, and no world', 1)
	    if system("$top/t/world-run -t procmail") != 0;
	my $many = 60;

	spew($mbox, '');
	system("chown $uid:$gid $mbox") if $< == 0;
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
	    if system("$top/t/world-run -t doveadm") != 0;
	spew("$dir/conf", <<"CONF");
log_path = /dev/stderr
mail_location = mbox:$dir/mail:INBOX=$mbox
first_valid_uid = 0
first_valid_gid = 0
mail_uid = $uid
mail_gid = $gid
mail_access_groups =
mbox_write_locks = dotlock fcntl
mbox_lazy_writes = no
base_dir = $dir/run
state_dir = $dir/run
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
ssl = no
CONF
	mkdir $_ for "$dir/run", "$dir/mail";
	my $from = "From a\@b.test Thu Jan  1 00:00:10 1970\n";
	spew($mbox, join '', map { "${from}Subject: number $_\n\nx\n\n" }
	    1 .. 5);
	system("chown -R $uid:$gid $dir") if $< == 0;
	my $doveadm = sub {
		my ($command) = @_;
		my $out = `cd $dir && USER=bob HOME=$dir $top/t/world-run \\
		    doveadm -c $dir/conf $command 2>$dir/err`;

		is($?, 0, "doveadm $command");
		unlike(Stdmail::slurp("$dir/err"), qr/error|warning|panic/i,
		    'without a complaint') or
		    diag(Stdmail::slurp("$dir/err"));
		return $out;
	};
	my $theirs = sub {
		my %seen;

		for (split /\f\n?/, $doveadm->("fetch 'uid flags " .
		    "hdr.subject' mailbox INBOX ALL")) {
			my ($n) = /^uid: (\d+)/m or next;
			my ($flags) = /^flags: (.*)/m;
			my ($subject) = /^hdr\.subject: (.*)/m;

			$flags = join ' ', sort grep { $_ ne '\Recent' }
			    split ' ', $flags;
			$seen{$n} = [$flags, $subject];
		}
		return \%seen;
	};
	my $validity = sub {
		return Stdmail::slurp($mbox) =~ /^X-IMAPbase: (\d+) /m ?
		    $1 : 0;
	};

	ours('take');
	ours('flag 2 4');
	ours('label 3 4');
	my $ours = we_see();
	my $first = $validity->();
	is_deeply($theirs->(), $ours, 'Dovecot sees what we did');
	like($doveadm->('mailbox status uidvalidity INBOX'),
	    qr/uidvalidity=$first$/m, 'the same UIDVALIDITY');

	$doveadm->("flags add '\\Answered Urgent' mailbox INBOX uid 1:2");
	$doveadm->("flags remove '\\Flagged' mailbox INBOX uid 4");
	$doveadm->('expunge mailbox INBOX uid 1');
	spew("$dir/message", "Subject: saved\n\nx\n");
	$doveadm->("save -m INBOX <$dir/message");
	is_deeply(we_see(), $theirs->(), 'we see what Dovecot did');
	is($validity->(), $first, 'UIDVALIDITY stays');

	ours('remove 3');
	ours('flag 2 4 5');
	system("printf 'Subject: new\\nStatus: RO\\n\\nx' | $as$deliver " .
	    "-c /dev/null $mbox");
	ours('take');
	$ours = we_see();
	is_deeply($theirs->(), $ours, 'in turn');
	is(scalar keys %$ours, 5, 'all there');
	is($validity->(), $first, 'UIDVALIDITY still stays');
}

done_testing();
