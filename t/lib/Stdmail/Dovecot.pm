# SPDX-License-Identifier: ISC
#
# A private Dovecot, of the world or the host, over mail of ours: by doveadm at
# a pipe, or as a server on free ports of the loopback.  It has its own
# configuration, runs as one user, and ends with the test that began it.
package Stdmail::Dovecot;

use strict;
use warnings;

use File::Path qw(make_path);
use IO::Socket::IP;
use Test::More ();

use Stdmail;

# Dovecot does not open mail as root: under root everything is nobody's, and
# so must be what we run beside it.
our ($uid, $gid) = $> == 0 ? @Stdmail::nobody : ($>, $) + 0);
our $as = $> == 0 ? "setpriv --reuid=$uid --regid=$gid --clear-groups " : '';

my $run = "$Stdmail::top/t/world-run";

# Is there one?
sub
here
{
	return system("$run -t doveadm") == 0;
}

# Skip the whole test file where there is none.
sub
need
{
	Test::More::plan(skip_all => 'no doveadm here, and no world')
	    if !here();
}

# new(DIR, LOCATION, LINE...): one for the user bob, with his home in DIR and
# his mail at LOCATION (maildir:PATH, mbox:...); further lines of its
# configuration, which may be changed by calling it again.
sub
new
{
	my ($class, $dir, $location, @more) = @_;
	my $d = bless { dir => $dir, conf => "$dir/conf" }, $class;

	make_path("$dir/run");
	own("$dir/run");
	Stdmail::spew($d->{conf}, join "\n", 'log_path = /dev/stderr',
	    "mail_location = $location", "base_dir = $dir/run",
	    "state_dir = $dir/run", 'first_valid_uid = 0',
	    'first_valid_gid = 0', "mail_uid = $uid", "mail_gid = $gid",
	    'default_login_user = nobody', 'default_internal_user = nobody',
	    'default_internal_group = nogroup', 'ssl = no', @more, '');
	return $d;
}

# Give all of a folder to the user whose mail it is.
sub
own
{
	my ($path) = @_;

	system("chown -R $uid:$gid $path") if $> == 0;
}

# The command, for a shell, that runs doveadm with these arguments; exec imap
# is a session of its IMAP server at a pipe.
sub
command
{
	my ($d, $args) = @_;

	return "env USER=bob HOME=$d->{dir} $run doveadm -c $d->{conf} $args";
}

# Run doveadm: (exit status, what it printed, what it complained of).
sub
doveadm
{
	my ($d, $args) = @_;
	my $err = "$d->{dir}/doveadm.err";
	my $out = qx{cd $d->{dir} && @{[$d->command($args)]} 2>$err};

	return ($? >> 8, $out, Stdmail::slurp($err));
}

# The same, which must end well and not complain: what it printed.
sub
works
{
	my ($d, $args) = @_;
	my ($status, $out, $err) = $d->doveadm($args);

	Test::More::is($status, 0, "doveadm $args");
	Test::More::unlike($err, qr/error|warning|panic/i,
	    'without a complaint') or Test::More::diag($err);
	return $out;
}

# What it sees in a mailbox: uid => [flags and keywords, subject].
sub
sees
{
	my ($d, $mailbox) = @_;
	my %seen;

	my $out = $d->works("fetch 'uid flags hdr.subject' mailbox $mailbox ALL");
	for (split /\f\n?/, $out) {
		my ($n) = /^uid: (\d+)/m or next;
		my ($flags) = /^flags: (.*)/m;
		my ($subject) = /^hdr\.subject: (.*)/m;

		$flags = join ' ', sort grep { $_ ne '\Recent' }
		    split ' ', $flags;
		$seen{$n} = [$flags, $subject];
	}
	return \%seen;
}

# --- a server -------------------------------------------------------------

# start(SITE, PROTOCOL, NAME => the folder of it in the site): a server of one
# protocol for the users of a site and their Maildirs.  Options: owner ([uid,
# gid] of all mail), conf (lines to add).  It is one of the site's servers,
# { pid, port, tls } and connect(), and stops with it.
sub
start
{
	my ($s, $protocol, $name, %o) = @_;
	my @cmd = Stdmail::tool('dovecot') or die "no dovecot\n";
	my $dir = "$s->{dir}/$name";
	my ($port, $tls) = Stdmail::free_ports(2);

	make_path($dir);
	Stdmail::spew("$dir/conf", server_conf($s, $protocol, $dir,
	    $o{owner} // [$uid, $gid], $port, $tls) . ($o{conf} // '') . "\n");
	# auth opens the users' file as its own user.
	chmod 0644, "$s->{dir}/users" if Stdmail::is_root();
	my $srv = bless { site => $s, name => $name, addr => '127.0.0.1',
	    port => $port, tls => $tls, log => "$dir/log",
	    pid => $s->spawn([@cmd, '-F', '-c', "$dir/conf"], {}, as => 'me',
	    log => "$dir/err") }, 'Stdmail::Server';
	push @{$s->{servers}}, $srv;
	Stdmail::until_true(sub { answers($_) || !$srv->alive }, 60)
	    for $port, $tls;
	die 'dovecot: ' . join('', map { -e ? Stdmail::slurp($_) : '' }
	    "$dir/err", "$dir/log") . "\n"
	    if !$srv->alive || grep { !answers($_) } $port, $tls;
	return $srv;
}

sub
server_conf
{
	my ($s, $protocol, $dir, $owner, $port, $tls) = @_;
	my $conf = <<"END";
protocols = $protocol
listen = 127.0.0.1
base_dir = $dir/run
state_dir = $dir/run
log_path = $dir/log
mail_location = maildir:$s->{dir}/Mail/%u
first_valid_uid = 0
first_valid_gid = 0
mail_uid = $owner->[0]
mail_gid = $owner->[1]
disable_plaintext_auth = no
mail_max_userip_connections = 100
ssl = yes
ssl_cert = <$s->{dir}/cert.pem
ssl_key = <$s->{dir}/key.pem
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u $s->{dir}/users
}
userdb {
  driver = passwd-file
  args = username_format=%u $s->{dir}/users
}
service $protocol-login {
  inet_listener $protocol {
    port = $port
  }
  inet_listener ${protocol}s {
    port = $tls
    ssl = yes
  }
}
service auth {
  unix_listener auth-userdb {
    mode = 0666
  }
}
END
	return $conf if Stdmail::is_root();
	# Without root there is one user for everything, and no chroot.
	my ($me, $group) = (scalar getpwuid($>), scalar getgrgid($)));
	return $conf . "default_internal_user = $me\n" .
	    "default_login_user = $me\ndefault_internal_group = $group\n" .
	    join '', map { "service $_ {\n  chroot =\n}\n" }
	    "$protocol-login", 'anvil';
}

sub
answers
{
	my ($port) = @_;

	return defined IO::Socket::IP->new(PeerHost => '127.0.0.1',
	    PeerPort => $port);
}

1;
