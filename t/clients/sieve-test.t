# SPDX-License-Identifier: ISC
#
# Proves that scripts do here what they do with Dovecot: each case of t/sieve is
# given to its sieve-test too, and what differs is what is marked so, and no
# more.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;

use lib abs_path(dirname($0) . '/../lib');
use Stdmail;
use Stdmail::Dovecot;
use Stdmail::Sieve;

my $world = "$Stdmail::top/t/world-run";
plan skip_all => 'no sieve-test here, and no world'
    if system("$world -t sieve-test") != 0;
my $dir = Stdmail::folder();
my @all;

Stdmail::spew("$dir/conf", <<'END');
mail_location = maildir:~/Maildir
mail_uid = $uid
mail_gid = $gid
first_valid_uid = 0
log_path = /dev/stderr
ssl = no
plugin {
  sieve = file:~/sieve;active=~/.dovecot.sieve
  sieve_global = ~/global
  sieve_extensions = +editheader +vacation-seconds +special-use
  recipient_delimiter = +
}
END
Stdmail::spew("$dir/conf", Stdmail::slurp("$dir/conf") =~
    s/\$uid/$Stdmail::Dovecot::uid/r =~ s/\$gid/$Stdmail::Dovecot::gid/r);
for my $file (sort glob "$Stdmail::top/t/sieve/*.cases") {
	my $name = basename($file, '.cases');

	next if defined $ENV{FILE} && $ENV{FILE} ne $name;
	for my $case (Stdmail::Sieve::cases($file)) {
		# It takes no null sender.
		for my $run (grep { $_->{from} ne '' } @{$case->{runs}}) {
			my $home = "$dir/" . @all;

			mkdir $home or die "$home: $!\n";
			Stdmail::Sieve::lay($home, $case);
			Stdmail::spew("$home/message", $run->{message});
			push @all, { %$run, title => "$name: $case->{title}",
			    home => $home };
		}
	}
}
# All of them in one world, which costs more than a script.
Stdmail::spew("$dir/all", join '', map {
    "HOME=$_->{home} sieve-test -c $dir/conf -f '$_->{from}' -r '$_->{to}' " .
    "-m INBOX $_->{home}/script.sieve $_->{home}/message " .
    ">$_->{home}/said 2>&1\n" } @all);
Stdmail::Dovecot::own($dir);
system("$world sh $dir/all");
for (@all) {
	my $said = Stdmail::slurp("$_->{home}/said");
	my $got = Stdmail::Sieve::result_of_dovecot($said);

	# It reads what is included before it runs anything.
	$got = 'fault' if $_->{want} eq 'fault' && $got =~ /^error/;
	my $good = defined $_->{differs} ?
	    isnt($got, $_->{want}, "$_->{title}: $_->{name} ($_->{differs})") :
	    is($got, $_->{want}, "$_->{title}: $_->{name}");
	diag($said) if !$good;
}
done_testing;
