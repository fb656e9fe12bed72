# SPDX-License-Identifier: ISC
#
# A private Postfix of the world, on free ports of the loopback: smtpd with
# STARTTLS, and its virtual agent into a Maildir.  What it does for durability
# is its default.  It runs as the accounts of its own, below one folder of the
# site's, on the same disk, and ends with the site.
package Postfix;

use strict;
use warnings;

use File::Path qw(make_path);

use Stdmail;
use Stdmail::Dovecot;

# start(SITE, uid, gid, LINE...): the owner of the mail, and further lines of
# main.cf.  { name, plain, tls, pids, maildir }, the Maildir being bob's; the
# two ports are the same.
sub
start
{
	my ($s, $uid, $gid, @more) = @_;
	my @world = Stdmail::tool('smtp-source') or die "no postfix\n";
	my $dir = "$s->{dir}/postfix";
	my ($port) = Stdmail::Dovecot::free_ports(1);

	make_path(map { "$dir/$_" } qw(conf spool data mail));
	chown $uid, $gid, "$dir/mail";
	Stdmail::spew("$dir/conf/main.cf", main_cf($s, $dir, $uid, $gid) .
	    join '', map { "$_\n" } @more);
	Stdmail::spew("$dir/conf/master.cf", master_cf($port));
	my $pid = $s->spawn([$world[0], 'sh', '-c', "chown postfix $dir/data &&
	    postfix -c $dir/conf check &&
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
	    pids => [$pid], maildir => "$dir/mail/bob" };
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
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
END
}

1;
