#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the table CLIENTS TRIED of smtpd(8) has each program that the
# tests of this folder send with, in the version that they have of it, as far
# as Debian's updates leave it alone; and no other.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;

my $run = "$Stdmail::top/t/world-run";
plan skip_all => 'no world' if !$ENV{STDMAIL_WORLD} || !Stdmail::is_root();

# name => how it says its version, and which part of that counts
my %ask = (
	Postfix => ['postconf -d mail_version', qr/= (\d+\.\d+)/],
	# It wants its account to be there.
	Exim => ["sh -c 'echo Debian-exim:x:999:999::/:/bin/false >>/etc/passwd
	    echo Debian-exim:x:999: >>/etc/group
	    /opt/exim4-daemon-light/usr/sbin/exim4 -bV'",
	    qr/^Exim version (\d+\.\d+)/m],
	OpenSMTPD => ['/opt/opensmtpd/usr/sbin/smtpd -h', qr/ (\d+\.\d+)\./],
	curl => ['curl --version', qr/^curl (\d+\.\d+)/],
	swaks => ['swaks --version', qr/^swaks version (\S+)/],
	msmtp => ['msmtp --version', qr/^msmtp version (\d+\.\d+)/],
	mutt => ['mutt -v', qr/^Mutt (\d+\.\d+)/],
	's-nail' => ['s-nail -V', qr/^s-nail v(\d+\.\d+)/],
	smtplib => ['python3 -V', qr/^Python (\d+\.\d+)/],
	nodemailer => ['env NODE_PATH=/usr/share/nodejs node -p ' .
	    '"require(\'nodemailer/package.json\').version"', qr/^(\d+\.\d+)/],
	'smtp-source' => ['postconf -d mail_version', qr/= (\d+\.\d+)/],
);

my ($section) = Stdmail::slurp("$Stdmail::top/man/smtpd.8") =~
    /^\.Sh CLIENTS TRIED\n(.*?)^\.Sh /ms;
my %table = ($section // '') =~ /^\.It (\S+) Ta (\S+) Ta /mg;

for my $name (sort keys %ask) {
	my ($command, $want) = @{$ask{$name}};
	my ($version) = qx{$run $command 2>&1} =~ $want;

	is($table{$name}, $version // 'unknown', "$name: its version");
}
is(join(' ', sort keys %table), join(' ', sort keys %ask),
    'all of them, and no other');
done_testing();
