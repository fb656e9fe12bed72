# SPDX-License-Identifier: ISC
#
# Proves that the manual says what the programs do: mandoc has nothing to say,
# every option of -h has its entry in the page and every entry its option,
# every key of the configuration is in stdmail.conf(5) and the other way
# round, every page that a page refers to is there, and each program's page has
# the sections that a person looks for.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;

my $top = abs_path(dirname($0) . '/../..');
chdir $top or die "$top: $!\n";
my $bin = $ENV{STDMAIL_BIN} // "$top/build/bin";
my @programs = qw(smtpd smtp-send mda-deliver pop3d imapd mxlookup);
my @pages = sort glob 'man/*.[1578]';
# Pages of others that ours may refer to.
my %other = map { $_ => 1 } qw(systemd.1 cron.8 inetd.8 tcpserver.1 crypt.5
    resolv.conf.5 passwd.5 openssl.1 dig.1 drill.1 maildir.5 mbox.5 mutt.1
    sendmail.8 mailq.1 systemd.socket.5 systemd.unit.5 systemd-analyze.1
    nsswitch.conf.5 hostname.5 syslog.3 journalctl.1 procmail.1 ssh.1
    aliases.5 curl.1 mbsync.1 fetchmail.1 sysexits.3 inotify.7 fcntl.2
    opendkim.8 rspamd.8 landlock.7 seccomp.2 systemctl.1 openssl-passwd.1ssl);

sub slurp {
	my ($file) = @_;

	open my $fh, '<', $file or die "$file: $!\n";
	local $/;
	return scalar <$fh>;
}

# Options that a page has an entry for: ".It Fl c , Fl Fl config Ar file".
sub documented {
	my ($text) = @_;
	my %found;

	for (split /\n/, $text) {
		$found{$1} = $2 =~ s/\\//gr
		    if /^\.It\ Fl\ (\w)(?:\ Ar\ .*)?\ ,\ Fl\ (?:\\?-|Fl\ )
		    ([\w\\-]+)/x;
	}
	return \%found;
}

my $mandoc = system('command -v mandoc >/dev/null 2>&1') == 0 ? 'mandoc' :
    't/world-run mandoc';
SKIP: {
	skip 'no mandoc here, and no world', scalar @pages
	    if $mandoc ne 'mandoc' && system('t/world-run -t mandoc') != 0;
	for (@pages) {
		my $said = `$mandoc -T lint -W warning $_ 2>&1`;
		is($said, '', "mandoc -T lint $_");
	}
}
for my $prog (@programs) {
	my ($page) = glob "man/$prog.[18]";
	ok(defined $page, "$prog has a page") or next;
	my $text = slurp($page);
	my %said = `$bin/$prog -h` =~ /^ +-(\w), --([\w-]+)/mg;
	ok(scalar keys %said, "$prog -h lists options");
	is_deeply(documented($text), \%said,
	    "the options of $prog and of its page are the same");
	for (['EXAMPLES'], ['EXIT STATUS'], ['STANDARDS', 'SEE ALSO']) {
		my @names = @$_;
		ok((grep { $text =~ /^\.Sh \Q$_\E$/m } @names),
		    "$page has @names");
	}
	my ($syn) = $text =~ /^\.Sh SYNOPSIS\n(.*?)^\.Sh/ms;
	for (sort keys %said) {
		like($syn // '', qr/Fl (?:\w*\Q$_\E|.* Fl \Q$_\E)/,
		    "$page: -$_ is in the synopsis");
	}
}

my %key = slurp('lib/mail/settings.c') =~
    /^\t\{ "(\w+)", (CONF_\w+), AT/mg;
ok(scalar keys %key, 'there are keys');
SKIP: {
	my $page = 'man/stdmail.conf.5';
	ok(-f $page, "$page is there") or skip 'no page', 2;
	my %entry = map { $_ => 1 } slurp($page) =~
	    /^\.It (?:Cm|Ic|Li) (\w+)/mg;
	is_deeply([sort keys %entry], [sort keys %key],
	    "$page has every key, and no other");
	my %example = slurp('man/examples/stdmail.conf') =~ /^#(\w+) (.*)/mg;
	is_deeply([grep { !$key{$_} } sort keys %example], [],
	    'the example configuration knows no other');
}
# What a script may require is said there.
my ($known) = slurp('mda-deliver/sieve_words.c') =~
    /sieve_extensions\[\] = \{(.*?)\bNULL/s;
my %extension = map { $_ => 1 } $known =~ /"([^"]+)"/g,
    slurp('mda-deliver/sieve_script.h') =~ /^#define SIEVE_\w+\t"(.*)"/mg;
my ($list) = slurp('man/stdmail-sieve.5') =~ /^\.Ss Extensions\n(.*?)^\.El/ms;
my %said = map { $_ => 1 } map { split /, / } $list =~ /^\.It (.*?) Ta/mg;
is_deeply([sort keys %said], [sort keys %extension],
    'stdmail-sieve(5) has every extension, and no other');
my %there = map { basename($_) => 1 } @pages;
for my $page (@pages) {
	my %ref = map { $_ => 1 } map { tr/ /./r } slurp($page) =~
	    /^\.(?:It )?Xr ([\w.-]+ \d\w*)/mg;
	is_deeply([grep { !$there{$_} && !$other{$_} } sort keys %ref], [],
	    "$page refers to pages that exist");
}
done_testing;
