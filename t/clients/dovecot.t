#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a Maildir goes to Dovecot and comes back: UIDs, UIDVALIDITY,
# POP3's ids, flags, keywords, subscriptions and folders are the same on both
# sides, whoever made them, and neither side finds the other's files damaged.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Temp qw(tempdir);
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

# Lines to one of our programs at a pipe; what it said.
sub ours {
	my ($program, @lines) = @_;

	spew("$dir/in", join('', map { "$_\r\n" } @lines));
	my $out = `$as$bin/$program -p $md <$dir/in 2>$dir/log`;

	is($?, 0, "$program ended well");
	unlike(slurp("$dir/log"), qr/mailbox-|error/, 'without a complaint') or
	    diag(slurp("$dir/log"));
	$out =~ tr/\r//d;
	return $out;
}

# POP3's ids, theirs and ours.
sub uidls {
	my ($pop3) = @_;

	spew("$dir/in", "UIDL\r\nQUIT\r\n");
	my $out = `cd $dir && cat in | $pop3 2>err`;
	return [ $out =~ /^\d+ (\S+)\r$/mg ];
}

sub we_see {
	my ($mailbox) = @_;
	my %seen;

	my $out = ours('imapd', "a SELECT $mailbox",
	    'b FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])',
	    'c LOGOUT');
	while ($out =~ /^\* \d+ FETCH \((.*?)\)\n/msg) {
		my $text = $1;
		my ($uid) = $text =~ /UID (\d+)/;
		my ($flags) = $text =~ /FLAGS \((.*?)\)/;
		my ($subject) = $text =~ /^Subject: (.*)/m;

		$flags = join ' ', sort grep { $_ ne '\Recent' }
		    split ' ', $flags;
		$seen{$uid} = [ $flags, $subject ];
	}
	return \%seen;
}

sub uidvalidity {
	my ($folder) = @_;

	return slurp("$md/$folder/dovecot-uidlist") =~ /^3 V(\d+) / ? $1 : 0;
}

mkdir $_ for $md, "$md/cur", "$md/new", "$md/tmp";
spew("$md/new/100$_.m", "Subject: number $_\n\nx\n") for 1 .. 3;
spew("$md/cur/1000.m:2,FS", "Subject: number 0\n\nx\n");
Stdmail::Dovecot::own($dir);

# Ours first.
my $ours = we_see('INBOX');
is(scalar keys %$ours, 4, 'four messages here');
my $validity = uidvalidity('.');
is_deeply($dovecot->sees('INBOX'), $ours, 'Dovecot sees the same');
is(uidvalidity('.'), $validity, 'UIDVALIDITY stays');
my $uidls = uidls("$as$bin/pop3d -p $md");
is(scalar @$uidls, 4, 'four ids');
is_deeply(uidls($dovecot->command('exec pop3')),
    $uidls, 'POP3 has the same ids');

# Flags and keywords of ours, a folder, a copy.
ours('imapd', 'a SELECT INBOX', 'b STORE 2 +FLAGS (\Answered $Label1)',
    'c STORE 3 +FLAGS (Junk $Label1)', 'd CREATE Lists.foo',
    'e COPY 1:3 Lists.foo', 'f SUBSCRIBE Lists.foo', 'g LOGOUT');
$ours = we_see('INBOX');
is_deeply($dovecot->sees('INBOX'), $ours, 'flags and keywords');
$ours = we_see('Lists.foo');
is(scalar keys %$ours, 3, 'three copies');
my $theirs = $dovecot->sees('Lists.foo');
is_deeply($theirs, $ours, 'a folder, its keywords by name');
like($dovecot->works('mailbox list -s'), qr/^Lists\.foo$/m, 'a subscription');

# Theirs.
$dovecot->works('mailbox create -s Work');
$dovecot->works("flags add '\\Flagged Urgent' mailbox INBOX uid 4");
$dovecot->works('copy Work mailbox INBOX uid 2:4');
$dovecot->works('expunge mailbox INBOX uid 1');
my $new = "$dir/message";
spew($new, "Subject: saved by dovecot\n\nx\n");
$dovecot->works("save -m INBOX <$new");
$theirs = $dovecot->sees('INBOX');
is_deeply(we_see('INBOX'), $theirs, 'we see what Dovecot did');
is(uidvalidity('.'), $validity, 'UIDVALIDITY still stays');
$theirs = $dovecot->sees('Work');
$ours = we_see('Work');
is_deeply($ours, $theirs, 'and in its folder');
like(ours('imapd', 'a LSUB "" *', 'b LOGOUT'), qr/^\* LSUB .* "?Work"?$/m,
    'its subscription');

# Both in turn: no UID is given twice.
ours('imapd', 'a SELECT INBOX', 'b COPY 1 INBOX', 'c STORE 1 +FLAGS \Deleted',
    'd EXPUNGE', 'e LOGOUT');
$dovecot->works("save -m INBOX <$new");
$theirs = $dovecot->sees('INBOX');
is_deeply(we_see('INBOX'), $theirs, 'in turn');
is(scalar keys %$theirs, 5, 'all there');
ok(uidvalidity('.Work') != $validity && uidvalidity('.Work') !=
    uidvalidity('.Lists.foo'), 'a UIDVALIDITY for each folder');

done_testing();
