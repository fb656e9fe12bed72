#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a whole tree of mail goes from Dovecot to pop3d and imapd and
# back as often as one likes: 1,000 messages in nested folders with names of
# any letters, keywords up to all 26 that names can say, subscriptions.  After
# each leg both sides are asked for everything (UIDVALIDITY, UIDNEXT, and of
# each message UID, flags, keywords, INTERNALDATE, size; POP3's ids), and not
# one answer differs, with Dovecot's own indexes there or removed.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Temp qw(tempdir);
use IPC::Open2;
use POSIX ();
use Test::More;

use Stdmail::Dovecot;

my $top = "$FindBin::Bin/../..";
my $bin = $ENV{STDMAIL_BIN} // "$top/build/bin";

-x "$bin/pop3d" && -x "$bin/imapd" or
    plan skip_all => 'pop3d and imapd are not built';
Stdmail::Dovecot::need();

# Both sides are one user.
my $as = $Stdmail::Dovecot::as;
my $dir = tempdir('stdmail-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $md = "$dir/md";
my $dovecot = Stdmail::Dovecot->new($dir, "maildir:$md");
my %imap = (Dovecot => $dovecot->command('exec imap'),
    stdmail => "$as$bin/imapd -p $md");
my %pop3 = (Dovecot => $dovecot->command('exec pop3'),
    stdmail => "$as$bin/pop3d -p $md");
$ENV{TZ} = 'UTC';

my @folders = ('INBOX', 'Sent', 'Drafts', 'Lists', 'Lists.a.b.c',
    'Lists.R&-D', 'Entw&APw-rfe', '&ZeVnLIqe-', 'All26');
my @months = qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec);
my @keywords = qw($Forwarded $MDNSent Junk NonJunk $Label1 urgent-2);
my $total = 1000;

sub spew {
	my ($file, $text) = @_;

	open my $fh, '>', $file or die "$file: $!\n";
	print $fh $text;
	close $fh or die "$file: $!\n";
}

sub slurp {
	my ($file) = @_;

	open my $fh, '<', $file or return '';
	local $/;
	return scalar(<$fh>) // '';
}

# Text to a program; what it said.  Its input stays open until it has ended: a
# server leaves when its client does, answers or not.
sub talk {
	my ($command, $text) = @_;

	my $pid = open2(my $said, my $in, "cd $dir && exec $command 2>err");
	my $writer = fork // die "fork: $!\n";
	if (!$writer) {
		print $in $text;
		close $in;
		POSIX::_exit(0);
	}
	my $out = do { local $/; <$said> } // '';
	close $in;
	waitpid $_, 0 for $writer, $pid;
	diag("$command: " . slurp("$dir/err")) if $? != 0 ||
	    slurp("$dir/err") =~ /error|warning|panic/i;
	return $out;
}

# Commands to one side's IMAP server; all must be OK.
sub imap {
	my ($side, @commands) = @_;
	my $n = 0;
	my $out = talk($imap{$side}, join '', map { 't' . ++$n . " $_\r\n" }
	    @commands, 'LOGOUT');
	my @bad = grep { !/^t\d+ OK/ } $out =~ /^(t\d+ .*)\r$/mg;
	my $ok = () = $out =~ /^t\d+ OK/mg;

	ok(!@bad && $ok == $n, "$side did $n commands") or
	    diag("$ok OK, " . join "\n", @bad);
	return $out;
}

sub sorted { return join ' ', sort @_ }

# All that a side says of the mail, as lines.
sub dump_of {
	my ($side) = @_;
	my (@lines, $box);
	my $out = imap($side, 'LIST "" *', 'LSUB "" *', map {
	    ("EXAMINE \"$_\"", 'UID FETCH 1:* (UID FLAGS INTERNALDATE ' .
	    'RFC822.SIZE)', 'UNSELECT') } boxes());

	my @boxes = boxes();
	for (split /\r\n/, $out) {
		if (/^\* (LIST|LSUB) \((.*?)\) "?\." "?(.*?)"?$/) {
			push @lines, "$1 $3" if $2 !~ /NoSelect/i;
		} elsif (/^\* FLAGS /) {
			$box = shift @boxes;
		} elsif (/\[(UIDVALIDITY|UIDNEXT) (\d+)\]/) {
			push @lines, "$box $1 $2";
		} elsif (/^\* \d+ FETCH \((.*)\)$/) {
			my $f = $1;
			my ($id) = $f =~ /UID (\d+)/;
			my ($flags) = $f =~ /FLAGS \((.*?)\)/;
			my ($date) = $f =~ /INTERNALDATE "\s*(.*?)"/;
			my ($size) = $f =~ /RFC822\.SIZE (\d+)/;
			push @lines, "$box $id (" . sorted(grep {
			    $_ ne '\Recent' } split ' ', $flags) .
			    ") $date $size";
		}
	}
	return sort @lines;
}

my %extra;
sub boxes { return (@folders, sort keys %extra) }

# Ask both, compare; $what was done before.
sub compare {
	my ($what, @order) = @_;
	my @sides = @order ? @order : ('stdmail', 'Dovecot');
	my %said = map { $_ => [ dump_of($_) ] } @sides;
	my ($a, $b) = @said{@sides};
	my %other = map { $_ => 1 } @$b;
	my @differ = grep { !delete $other{$_} } @$a;
	my $messages = grep { / \(.*\) / } @$a;

	push @differ, map { "only $sides[1]: $_" } sort keys %other;
	ok(!@differ && $messages > 0, "$what: " . (@folders + keys %extra) . ' mailboxes, ' .
	    "$messages messages, " . @$a . ' answers, ' . @differ .
	    ' differences') or diag(join "\n", @differ[0 .. (@differ > 12 ?
	    11 : $#differ)]);
	my %ids = map { $_ => [ talk($pop3{$_}, "UIDL\r\nQUIT\r\n") =~
	    /^\d+ (\S+)\r$/mg ] } @sides;
	is_deeply($ids{stdmail}, $ids{Dovecot}, 'POP3: ' .
	    @{$ids{stdmail}} . ' ids are the same');
	return $messages;
}

sub append {
	my ($box, $i, @flags) = @_;
	my $text = "From: a\@a.test\r\nSubject: number $i\r\n\r\n" .
	    "line of text\r\n" x ($i % 40);
	my $date = sprintf '%2d-%s-%d %02d:%02d:%02d +0000', 1 + $i % 28,
	    $months[$i % 12], 2000 + $i % 20, $i % 24, $i % 60, $i * 7 % 60;

	return sprintf "APPEND \"%s\" (%s) \"%s\" {%d+}\r\n%s", $box,
	    join(' ', @flags), $date, length $text, $text;
}

# Flags for the i-th message, of all kinds.
sub flags_for {
	my ($i, $box) = @_;
	my @flags = grep { $i * 7 % 11 < 4 || $i % 5 == ord(substr $_, 1) % 5 }
	    qw(\Seen \Answered \Flagged \Draft);

	return (@flags, map { "K$_" } grep { $i % 26 == $_ || $i % 7 == $_ % 7 }
	    0 .. 25) if $box eq 'All26';
	return (@flags, map { $keywords[$_] } grep { $i % (3 + $_) == 0 }
	    0 .. $#keywords);
}

mkdir $_ for $md, "$md/cur", "$md/new", "$md/tmp";
Stdmail::Dovecot::own($dir);

# Dovecot makes it all, with gaps in its UIDs and copies.
my @all;
for my $i (1 .. $total) {
	my $box = $folders[$i % 2 ? 0 : $i / 2 % @folders];
	push @all, append($box, $i, flags_for($i, $box));
}
imap('Dovecot', (map { ("CREATE \"$_\"", "SUBSCRIBE \"$_\"") }
    @folders[1 .. $#folders]), @all);
imap('Dovecot', 'SELECT INBOX', 'STORE 3,5:9,100 +FLAGS (\Deleted)', 'EXPUNGE',
    'COPY 1:30 Lists.a.b.c', 'UNSUBSCRIBE Drafts', 'SELECT All26',
    'STORE 1 FLAGS (' . join(' ', map { "K$_" } 0 .. 25) . ' \Seen)',
    'STORE 2 +FLAGS (\Deleted)', 'EXPUNGE');
cmp_ok(compare('from Dovecot'), '>=', $total, 'nothing is left out');

# We work in it.
imap('stdmail', 'SELECT INBOX', 'STORE 1:20 +FLAGS (\Flagged $Label1)',
    'STORE 10:40 -FLAGS (\Seen Junk)', 'STORE 41:45 FLAGS (\Draft NewOne)',
    'STORE 50:60 +FLAGS (\Deleted)', 'EXPUNGE', 'COPY 1:10 Sent',
    'UID COPY 30:50 "Lists.R&-D"', 'CREATE Made.here', 'SUBSCRIBE Made.here',
    'COPY 100:140 Made.here', 'UNSUBSCRIBE Lists', append('Drafts', 2000,
    '\Draft', '$Forwarded'), append('INBOX', 2001, '\Seen'),
    append('&ZeVnLIqe-', 2002), 'SELECT All26', 'STORE 3:5 FLAGS (K1 K25 K13)',
    'STORE 6:9 -FLAGS (K0 K3)', 'SELECT Drafts', 'STORE 1 +FLAGS (\Deleted)',
    'CLOSE');
$extra{'Made.here'} = 1;
compare('after our work');
compare('Dovecot asked first', 'Dovecot', 'stdmail');

# Without what Dovecot remembers beside the Maildir.
system("find $md -name 'dovecot.index*' -delete") == 0 or die;
compare('its indexes removed', 'Dovecot', 'stdmail');

# Dovecot works in it again, by its own list anew, and with new mail.
spew("$md/new/17000000$_.M1P$_.new", "Subject: new $_\n\nx\n") for 10 .. 29;
Stdmail::Dovecot::own("$md/new");
imap('Dovecot', 'SELECT INBOX', 'STORE 1:200 +FLAGS (\Answered)',
    'STORE 5:90 -FLAGS ($Label1)', 'STORE 100:300 +FLAGS (\Deleted)',
    'EXPUNGE', append('INBOX', 3000, 'Junk'), 'COPY 1:50 Made.here',
    'SUBSCRIBE Lists', 'SELECT Made.here', 'STORE 1:3 +FLAGS (\Deleted Later)',
    'EXPUNGE');
is(($dovecot->doveadm('force-resync INBOX'))[0], 0,
    'Dovecot writes its list anew');
compare('after Dovecot\'s work');

# In turn, some times.
for my $turn (1 .. 3) {
	imap($_, 'SELECT INBOX', append('INBOX', 4000 + $turn, 'Junk'),
	    "STORE $turn +FLAGS (\\Deleted)", 'EXPUNGE', "COPY $turn:9 Sent",
	    "STORE 1:$turn FLAGS (Turn$turn)") for 'stdmail', 'Dovecot';
}
compare('in turn');
system("find $md -name 'dovecot.index*' -delete") == 0 or die;
system("find $md -name 'stdmail.*' -delete") == 0 or die;
compare('all that is derived removed');

done_testing();
