#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a mailbox moved here from Dovecot has the unique ids that Dovecot
# gave, whichever form was configured there, and those that are saved in its
# UID list: no client fetches anything again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Temp qw(tempdir);
use Test::More;

use Stdmail::Dovecot;

my $top = "$FindBin::Bin/../..";
my $bin = $ENV{STDMAIL_BIN} // "$top/build/bin";

-x "$bin/pop3d" or plan skip_all => 'pop3d is not built';
Stdmail::Dovecot::need();

# Both sides are one user.
my $as = $Stdmail::Dovecot::as;
my $dir = tempdir('stdmail-XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub spew {
	my ($file, $text) = @_;

	open my $fh, '>', $file or die "$file: $!\n";
	print $fh $text;
	close $fh or die "$file: $!\n";
}

# What POP3 gives: the ids by number.
sub uidls {
	my ($pop3) = @_;

	spew("$dir/in", "UIDL\r\nQUIT\r\n");
	my $out = `cd $dir && cat in | $pop3 2>err`;
	return [ $out =~ /^\d+ (\S+)\r$/mg ];
}

# Dovecot's, over a Maildir and with its ids in a form.
sub theirs {
	my ($md, $form) = @_;

	return uidls(Stdmail::Dovecot->new($dir, "maildir:$md",
	    "pop3_uidl_format = $form")->command('exec pop3'));
}

sub ours {
	my ($md, $form) = @_;

	return uidls("$as$bin/pop3d -c /dev/null -o hostname=mx.a.test " .
	    "-o pop3_uidl=$form -p $md");
}

sub maildir {
	my ($md) = @_;

	mkdir $_ for $md, "$md/cur", "$md/new", "$md/tmp";
	spew("$md/cur/100$_.M1P2.mx,S=16,W=19:2,S", "Subject: no $_\n\nx\n")
	    for 1 .. 3;
	spew("$md/new/2000.M1P2.mx", "Subject: new\n\nx\n");
	# A UID of several digits.
	spew("$md/dovecot-uidlist", '3 V1700000000 N4711 G' . 'a1' x 16 . "\n");
	Stdmail::Dovecot::own($dir);
}

my $n = 0;
for my $form (qw(%08Xu%08Xv %08Xv%08Xu %v.%u %v-%u UID%u-%v %u %f %Xu
    %05u.%v)) {
	my $md = "$dir/md" . $n++;

	maildir($md);
	my $got = theirs($md, $form);
	is(scalar @$got, 4, "$form: Dovecot gives four");
	is_deeply(ours($md, $form), $got, "$form: the same here");
}

# Ids and an order that are saved in the list, and an empty id, which stands for
# the file's name.
my $md = "$dir/md" . $n++;
maildir($md);
theirs($md, '%v.%u');
my $list = do { local (@ARGV, $/) = "$md/dovecot-uidlist"; <> };
$list =~ s/^4711 /4711 O2 Pold-one /m;
$list =~ s/^4712 /4712 O1 Pold-two /m;
$list =~ s/^4713 /4713 P /m;
spew("$md/dovecot-uidlist", $list);
Stdmail::Dovecot::own($dir);
my $saved = theirs($md, '%v.%u');
is($saved->[0], 'old-two', 'Dovecot has them');
is_deeply(ours($md, '%v.%u'), $saved, 'what was saved: the same here');

done_testing();
