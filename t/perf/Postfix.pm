# SPDX-License-Identifier: ISC
#
# A private Postfix of the world, on free ports of the loopback: smtpd with
# STARTTLS, and its virtual agent into a Maildir.  What it does for durability
# is its default.  It runs as the accounts of its own, below one folder of the
# site's, on the same disk, and ends with the site.  Its queue can be filled
# while nothing leaves it, and then let go.
package Postfix;

use strict;
use warnings;

use File::Path qw(make_path);
use IO::Socket::IP;
use POSIX ();
use Time::HiRes qw(time sleep);

use Stdmail;
use Stdmail::Dovecot;

# start(SITE, uid, gid, LINE...): the owner of the mail, and further lines of
# main.cf.  { name, plain, tls, pids, maildir, dir }, the Maildir being bob's;
# the two ports are the same.  Accounts that only its world has are lines of the
# site's {accounts}.
sub
start
{
	my ($s, $uid, $gid, @more) = @_;
	my @world = Stdmail::tool('smtp-source') or die "no postfix\n";
	my $dir = "$s->{dir}/postfix";
	my ($port) = Stdmail::free_ports(1);

	make_path(map { "$dir/$_" } qw(conf spool data mail));
	chown $uid, $gid, "$dir/mail";
	Stdmail::spew("$dir/conf/main.cf", main_cf($s, $dir, $uid, $gid) .
	    join '', map { "$_\n" } @more);
	Stdmail::spew("$dir/conf/master.cf", master_cf($port));
	Stdmail::spew("$dir/accounts", $s->{accounts} // '', 0644);
	my $pid = $s->spawn([$world[0], 'sh', '-c', "chown postfix $dir/data &&
	    cat $dir/accounts >>/etc/passwd && postfix -c $dir/conf check &&
	    exec /usr/lib/postfix/sbin/master -c $dir/conf -d"], {},
	    as => 'me', log => "$dir/log");
	my $srv = bless { site => $s, name => 'postfix', pid => $pid },
	    'Stdmail::Server';
	push @{$s->{servers}}, $srv;
	Stdmail::until_true(sub { Stdmail::Dovecot::answers($port) ||
	    !$srv->alive }, 20);
	die 'postfix: ' . Stdmail::slurp("$dir/log") . "\n"
	    if !Stdmail::Dovecot::answers($port);
	return { name => 'postfix', plain => $port, tls => $port,
	    pids => [$pid], maildir => "$dir/mail/bob", dir => $dir };
}

# With a queue manager or without one, when what comes stays where it is.
sub
manage
{
	my ($srv, $on) = @_;
	my $file = "$srv->{dir}/conf/master.cf";

	$srv->{master} //= Stdmail::slurp($file);
	Stdmail::spew($file, $on ? $srv->{master} :
	    $srv->{master} =~ s/^qmgr .*\n//mr);
	kill 'HUP', $srv->{pids}[0];
	return if $on;
	Stdmail::until_true(sub {
		return !grep { (eval { Stdmail::slurp("/proc/$_/comm") } // '')
		    eq "qmgr\n" } Bench::tree(@{$srv->{pids}});
	}, 10) or die "qmgr does not end\n";
}

# Ten clients at once, each with one connection, send $count messages like
# $text; $rcpts->($i) are the recipients of message $i from 1 on.
sub
submit
{
	my ($srv, $count, $text, $rcpts) = @_;
	my @pids;

	for my $c (1 .. 10) {
		my $pid = fork // die "fork: $!\n";
		if ($pid == 0) {
			eval { submit_some($srv, $text, map {
			    [$rcpts->($_)] } grep { $_ % 10 == $c % 10 }
			    1 .. $count); 1 } or warn $@;
			POSIX::_exit($@ ? 1 : 0);
		}
		push @pids, $pid;
	}
	waitpid($_, 0) && $? && die "not all was submitted\n" for @pids;
	my $has = Bench::names(folders($srv));
	$has == $count or die "postfix has $has of $count\n";
}

sub
submit_some
{
	my ($srv, $text, @messages) = @_;
	my $sock = IO::Socket::IP->new(PeerHost => '127.0.0.1',
	    PeerPort => $srv->{plain}) or die "postfix: $@\n";
	my $data = $text =~ s/\n/\r\n/gr;
	my $say = sub {
		my ($line, $want) = @_;
		print $sock $line;
		$sock->flush;
		my $reply;
		do { $reply = <$sock> // '' } while $reply =~ /^\d+-/;
		die "$line: $reply" if $reply !~ /^$want/;
	};

	$say->('', 220);
	$say->("EHLO x\r\n", 250);
	for my $rcpts (@messages) {
		$say->("MAIL FROM:<alice\@else.test>\r\n", 250);
		$say->("RCPT TO:<$_>\r\n", 250) for @$rcpts;
		$say->("DATA\r\n", 354);
		$say->("$data.\r\n", 250);
	}
	$say->("QUIT\r\n", 221);
}

# Where it keeps what is not yet delivered.
sub
folders
{
	return map { "$_[0]{dir}/spool/$_" } qw(incoming active deferred);
}

# Let the queue go: seconds until it is empty.
sub
drain
{
	my ($srv) = @_;
	my $start = time;

	manage($srv, 1);
	until (Bench::is_empty(folders($srv))) {
		die "postfix does not send\n" if time - $start > 120;
		sleep 0.01;
	}
	return time - $start;
}

sub
main_cf
{
	my ($s, $dir, $uid, $gid) = @_;

	return <<"END";
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
myhostname = $s->{hostname}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = $s->{domain}
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = static:bob/
virtual_minimum_uid = 1
virtual_uid_maps = static:$uid
virtual_gid_maps = static:$gid
smtpd_tls_security_level = may
smtpd_tls_cert_file = $s->{dir}/cert.pem
smtpd_tls_key_file = $s->{dir}/key.pem
END
}

# The services that mail for a virtual mailbox passes, as Debian has them, but
# for more sessions than 100 at once.
sub
master_cf
{
	my ($port) = @_;

	return <<"END";
127.0.0.1:$port inet n - n - 2000 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
local unix - n n - - local
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
END
}

1;
