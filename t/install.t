# SPDX-License-Identifier: ISC
#
# Proves what `make install' leaves: programs, pages, units with the right
# paths, accounts and folders, links that are ours; that a configuration, a
# users file and another's sendmail are never overwritten; and that `make
# uninstall' takes away exactly what was installed.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Find;
use File::Temp qw(tempdir);
use Test::More;

my $top = abs_path(dirname($0) . '/..');
chdir $top or die "$top: $!\n";
# This make is one of its own, not part of the one that may have started us.
delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS DESTDIR PREFIX)};

my $dir = tempdir(CLEANUP => 1);

sub make {
	my ($what, @args) = @_;
	my $said = `make -s $what DESTDIR=$dir @args 2>&1`;

	ok($? == 0, "make $what @args") or diag($said);
	return $said;
}

sub slurp {
	my ($file) = @_;

	open my $fh, '<', "$dir$file" or return '';
	local $/;
	return scalar <$fh>;
}

sub spew {
	my ($file, $text) = @_;

	open my $fh, '>', "$dir$file" or die "$file: $!\n";
	print $fh $text;
	close $fh or die "$file: $!\n";
}

sub installed {
	my @found;

	find({ no_chdir => 1, wanted => sub {
		push @found, s/^\Q$dir\E//r if -l || -f;
	} }, $dir);
	return sort @found;
}

my $said = make('install');
is($said, '', 'without a word');
ok(!-l "$dir$_", "no link at $_ unasked")
    for qw(/usr/sbin/sendmail /usr/bin/mailq /usr/bin/newaliases);
$said = make('install', 'SENDMAIL=yes');
is($said, '', 'without a word, with SENDMAIL=yes');
for (map { basename($_) } glob "$top/build/bin/*") {
	ok(-x "$dir/usr/local/bin/$_", "$_ is there");
}
for (glob 'man/*.[1578]') {
	my ($section) = /(\d)$/;
	ok(-f "$dir/usr/local/share/man/man$section/" . basename($_), $_);
}
my @units = map { glob "*/*.$_" } qw(service socket path timer);
for (@units) {
	ok(-f "$dir/usr/local/lib/systemd/system/" . basename($_), $_);
}
like(slurp('/usr/local/lib/sysusers.d/stdmail.conf'), qr/^u stdmail-door /m,
    'accounts');
like(slurp('/usr/local/lib/tmpfiles.d/stdmail.conf'), qr{^d /run/stdmail }m,
    'folders');
is(readlink "$dir/usr/sbin/sendmail", '/usr/local/bin/smtp-send', 'sendmail');
is(readlink "$dir/usr/bin/mailq", '/usr/local/bin/smtp-send', 'mailq');
is(readlink "$dir/usr/bin/newaliases", '/usr/local/bin/smtp-send',
    'newaliases');
is(sprintf('%o', (stat "$dir/etc/stdmail/users")[2] & 07777), '600',
    'the users file is for root alone');
for (qw(/etc/stdmail/stdmail.conf /etc/stdmail/users)) {
	is(join('', grep { !/^(?:#.*)?$/ } split /^/, slurp($_)), '',
	    "$_ is all comments");
}

# Once more, over a configuration in use and another's sendmail.
spew('/etc/stdmail/stdmail.conf', "hostname mail.example.org\n");
spew('/etc/stdmail/users', "alice:x\n");
unlink "$dir/usr/sbin/sendmail" or die;
spew('/usr/sbin/sendmail', 'postfix');
$said = make('install', 'SENDMAIL=yes');
is($said, "/usr/sbin/sendmail is not ours: left as it is\n",
    'says what it leaves alone');
is(slurp('/etc/stdmail/stdmail.conf'), "hostname mail.example.org\n",
    'the configuration stays');
is(slurp('/etc/stdmail/users'), "alice:x\n", 'the users file stays');
is(slurp('/usr/sbin/sendmail'), 'postfix', "another's sendmail stays");

make('uninstall');
is_deeply([installed()], [qw(/etc/stdmail/stdmail.conf /etc/stdmail/users
    /usr/sbin/sendmail)], 'uninstall leaves nothing else');

# Another prefix.
make('install', 'PREFIX=/opt/mail', 'SENDMAIL=', 'MAILQ=/opt/mail/bin/mailq');
is_deeply([map { slurp($_) =~ m{(/usr/local\S*)} ? "$_: $1" : () }
    grep { m{/systemd/} } installed()], [], 'units have the prefix');
like(slurp('/opt/mail/lib/systemd/system/smtpd.service'),
    qr{^ExecStart=/opt/mail/bin/smtpd$}m, 'and start what is there');
ok(!-l "$dir/opt/mail/sbin/sendmail", 'SENDMAIL= makes no link');
is(readlink "$dir/opt/mail/bin/mailq", '/opt/mail/bin/smtp-send',
    'MAILQ=PATH does');
make('install', 'PREFIX=/opt/mail', 'SENDMAIL=yes');
is(readlink "$dir/opt/mail/sbin/sendmail", '/opt/mail/bin/smtp-send',
    'SENDMAIL=yes links below the prefix');
make('uninstall', 'PREFIX=/opt/mail');
is_deeply([installed()], [qw(/etc/stdmail/stdmail.conf /etc/stdmail/users
    /usr/sbin/sendmail)], 'and all of it goes');
done_testing;
