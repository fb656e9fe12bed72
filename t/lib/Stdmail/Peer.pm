# SPDX-License-Identifier: ISC
#
# Another host's mail transport agent, a real one of the world, on an address
# of its own of the loopback: what is sent to it by SMTP it sends on to one host
# that the test names, whoever it is for.  It has a queue and a configuration in
# the site's folder, needs root, and ends with the site.  With receive it keeps
# mail for p.test instead, but not for nobody*@p.test, in the Maildir box of its
# folder, and offers STARTTLS (but OpenSMTPD, whose TLS as a server fails in the
# world); Postfix also without 8BITMIME, 100 ports higher.
#
#	my $peer = Stdmail::Peer->start('exim', $site, port => $srv->{port},
#	    tls => 1, login => 'alice', password => 'open-sesame');
#	$peer->send($bytes, from => 'a@b.test', to => ['alice@a.test'],
#	    mail => ' SMTPUTF8', rcpt => ' NOTIFY=NEVER');
#	$peer->log_text; $peer->flush
package Stdmail::Peer;

use strict;
use warnings;

use File::Path qw(make_path);
use IO::Socket::IP;

use Stdmail;
use Stdmail::Conn;

use constant PORT => 2525;

my %kinds = (
	postfix => { program => 'postfix', conf => \&postfix },
	exim => { program => '/opt/exim4-daemon-light/usr/sbin/exim4',
	    conf => \&exim, users => ['Debian-exim'] },
	opensmtpd => { program => '/opt/opensmtpd/usr/sbin/smtpd',
	    conf => \&opensmtpd, users => ['opensmtpd', 'opensmtpq'] },
);

# Why there is none of this kind here, or undef.
sub
missing
{
	my ($kind) = @_;

	return 'needs root' if !Stdmail::is_root();
	return Stdmail::tool($kinds{$kind}{program}) ? undef :
	    "$kind is missing";
}

# start(KIND, SITE, port => ...): port is where it sends everything; tls: only
# with TLS; login, password: with AUTH; lmtp: by LMTP to this UNIX socket;
# receive: it sends nothing.  Of Postfix: main, further lines of its main.cf;
# master, of its master.cf; prepare, commands for the shell before it starts.
sub
start
{
	my ($class, $kind, $s, %o) = @_;
	my $n = ++$s->{peers};
	my $peer = bless { %o, kind => $kind, site => $s, to => $o{port},
	    addr => sprintf('127.%d.%d.%d', 64 + ($$ >> 16), ($$ >> 8) & 255,
	    $$ & 255), port => PORT + $n, dir => "$s->{dir}/peer$n" }, $class;
	my @world = Stdmail::tool($kinds{$kind}{program});
	my @users = map { "grep -q ^$_: /etc/passwd || {
		id=\$(wc -l </etc/passwd)
		echo $_:x:9\$id:9\$id::/:/bin/false >>/etc/passwd
		echo $_:x:9\$id: >>/etc/group; }\n"
	} @{$kinds{$kind}{users} // []};

	make_path($peer->{dir}, "$peer->{dir}/box");
	$peer->{to} //= 9;
	Stdmail::spew("$peer->{dir}/tls.pem", join '', map {
	    Stdmail::slurp("$s->{dir}/$_.pem") } qw(key cert));
	my $run = $kinds{$kind}{conf}->($peer, $peer->{dir});
	$peer->{log} = "$peer->{dir}/log";
	my $pid = $s->spawn([$world[0], 'sh', '-c', "set -e\n@users$run"], {},
	    as => 'me', log => $peer->{log});
	my $srv = $peer->{server} = bless { site => $s, name => $kind,
	    pid => $pid }, 'Stdmail::Server';
	push @{$s->{servers}}, $srv;
	my $up;
	Stdmail::until_true(sub { ($up = $peer->greets) || !$srv->alive }, 60);
	die "$kind does not start:\n" . $peer->log_text . "\n" if !$up;
	return $peer;
}

# A new connection to it, or undef.
sub
talk
{
	my ($peer) = @_;
	my $sock = IO::Socket::IP->new(PeerHost => $peer->{addr},
	    PeerPort => $peer->{port}) or return undef;

	return Stdmail::Conn->new(in => $sock, out => $sock, timeout => 60);
}

# Does it serve?  That it can be connected to says nothing: the kernel does that
# for a daemon which never answers.
sub
greets
{
	my ($peer) = @_;
	my $c = $peer->talk or return 0;

	return eval { $c->smtp =~ /^220/ && $c->smtp('QUIT') };
}

sub stop { $_[0]{server}->stop }

# All it said.
sub
log_text
{
	my ($peer) = @_;

	return join '', map { Stdmail::slurp($_) }
	    grep { -f } glob "$peer->{dir}/*log";
}

# Hand it a message (with CRLF): its last reply.
sub
send
{
	my ($peer, $bytes, %o) = @_;
	my $c = $peer->talk or die "connect: $@\n";
	my ($mail, $rcpt) = ($o{mail} // '', $o{rcpt} // '');
	my $reply;

	for my $line (undef, 'EHLO origin.test', "MAIL FROM:<$o{from}>$mail",
	    (map { "RCPT TO:<$_>$rcpt" } @{$o{to}}), 'DATA',
	    ($bytes =~ s/^\./../gmr) . '.') {
		$reply = eval { $c->smtp($line) } //
		    die $@, "it said:\n", $peer->log_text;
		return $reply if $reply !~ /^[23]/;
	}
	$c->smtp('QUIT');
	return $reply;
}

# Have Postfix try again all that waits.  What the agent that put it off has not
# let go yet when it is due, it does not look at for five minutes.
sub
flush
{
	my ($peer) = @_;

	$peer->{site}->run_tool('postqueue', ['-c', $peer->{dir}, '-f']);
}

# --- what each of them wants ----------------------------------------------

# Each writes the configuration of its kind and returns the shell's commands
# that become the daemon.

sub
postfix
{
	my ($p, $dir) = @_;
	my $hop = defined $p->{lmtp} ? "lmtp:unix:$p->{lmtp}" :
	    "smtp:[127.0.0.1]:$p->{to}";
	my @main = ("compatibility_level = 3.6", "queue_directory = $dir/queue",
	    "data_directory = $dir/data", "myhostname = peer.test",
	    "mydestination =", "inet_interfaces = 127.0.0.1",
	    "inet_protocols = ipv4", "default_transport = $hop",
	    "relay_transport = $hop", "maillog_file = $dir/mail.log",
	    "maillog_file_prefixes = $dir", "smtp_dns_support_level = disabled",
	    "smtp_line_length_limit = 0", "lmtp_line_length_limit = 0",
	    "minimal_backoff_time = 1s",
	    "queue_run_delay = 1s");

	push @main, "smtp_tls_CAfile = $p->{site}{dir}/cert.pem",
	    "smtp_tls_security_level = " . ($p->{tls} ? 'verify' : 'none'),
	    "smtp_tls_verify_cert_match = localhost"
	    if !defined $p->{lmtp};
	push @main, "smtp_sasl_auth_enable = yes",
	    "smtp_sasl_security_options = noanonymous",
	    "smtp_sasl_password_maps = inline:{ { [127.0.0.1]:$p->{to} = " .
	    "$p->{login}:$p->{password} } }" if defined $p->{login};
	push @main, "virtual_mailbox_domains = p.test",
	    "virtual_mailbox_base = $dir/box",
	    "virtual_mailbox_maps = static:./", "virtual_minimum_uid = 1",
	    (map { "virtual_${_}_maps = static:$Stdmail::nobody[0]" }
	    qw(uid gid)), "smtpd_tls_security_level = may",
	    "smtpd_tls_chain_files = $dir/tls.pem",
	    "smtpd_recipient_restrictions = check_recipient_access " .
	    "regexp:{{/^nobody.*@/ REJECT}}, reject_unauth_destination"
	    if $p->{receive};
	# Each once: of a second each of its processes warns as it starts, its
	# logger too, which waits for ever when that is what fills its socket.
	my %main = map { (/^(\w+)/)[0] => $_ } @main, @{$p->{main} // []};
	my $seven = $p->{port} + 100;
	my $more = !$p->{receive} ? '' : <<"END";
$p->{addr}:$seven inet n - n - - smtpd
  -o smtpd_discard_ehlo_keywords=8bitmime,smtputf8
virtual unix - n n - - virtual
END
	make_path(map { "$dir/$_" } qw(queue data));
	Stdmail::spew("$dir/main.cf", join '', map { "$_\n" }
	    @main{sort keys %main});
	Stdmail::spew("$dir/master.cf", <<"END");
$p->{addr}:$p->{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
tlsmgr unix - - n 1000? 1 tlsmgr
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
$more@{[$p->{master} // '']}
END
	return ($p->{prepare} // '') . "chown postfix $dir/data; chown $Stdmail::nobody[0] $dir/box
		postfix -c $dir check
		exec /usr/lib/postfix/sbin/master -c $dir -d";
}

sub
exim
{
	my ($p, $dir) = @_;
	my ($auth, $more) = ('', '');
	my ($tls, $acl, $router, $transport) = ('tls_advertise_hosts =',
	    'acl_smtp_rcpt = accept', '', '');

	if (defined $p->{login}) {
		$auth = "begin authenticators\nplain:\n" .
		    "\tdriver = plaintext\n\tpublic_name = PLAIN\n" .
		    "\tclient_send = ^$p->{login}^$p->{password}\n";
		$more .= "\thosts_require_auth = *\n";
	}
	if ($p->{receive}) {
		$tls = "tls_advertise_hosts = *\ntls_certificate = $dir/tls.pem";
		$acl = "acl_smtp_rcpt = check";
		$router = "box:\n\tdriver = accept\n\tdomains = p.test\n" .
		    "\ttransport = box\n";
		$transport = "box:\n\tdriver = appendfile\n" .
		    "\tmaildir_format\n\tdirectory = $dir/box\n" .
		    "\tuser = Debian-exim\n\tcreate_directory\n";
	}
	$more .= "\thosts_require_tls = *\n" if $p->{tls};
	$more .= "\thosts_avoid_tls = *\n" if !$p->{tls};
	Stdmail::spew("$dir/conf", <<"END");
spool_directory = $dir/spool
log_file_path = $dir/exim.%slog
log_selector = +all
primary_hostname = peer.test
local_interfaces = <; [$p->{addr}]:$p->{port}
keep_environment =
$tls
deliver_drop_privilege = true
host_lookup =
accept_8bitmime = true
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
message_size_limit = 50M
$acl
recipients_max = 1000
begin acl
check:
	deny local_parts = ^nobody
	accept
begin routers
$router
all:
	driver = manualroute
	transport = out
	route_list = * 127.0.0.1 byname
	self = send
begin transports
$transport
out:
	driver = smtp
	port = $p->{to}
	message_linelength_limit = 1000000
	tls_verify_certificates = $p->{site}{dir}/cert.pem
	tls_verify_cert_hostnames =
$more
$auth
begin retry
* * F,1h,1s
END
	return "chown -R Debian-exim:Debian-exim $dir
		exec setpriv --reuid=Debian-exim --regid=Debian-exim \\
		    --clear-groups $kinds{exim}{program} -C $dir/conf -bdf -q1s";
}

sub
opensmtpd
{
	my ($p, $dir) = @_;
	my $url = ($p->{tls} ? 'smtp+tls' : 'smtp+notls') . '://' .
	    (defined $p->{login} ? 'us@' : '') . "127.0.0.1:$p->{to}";
	my $auth = defined $p->{login} ? 'auth <logins>' : '';

	mkdir "$dir/queue";
	chmod 0711, "$dir/queue";
	Stdmail::spew("$dir/conf", <<"END");
table logins { us = "@{[$p->{login} // 'x']}:@{[$p->{password} // 'x']}" }
listen on $p->{addr} port $p->{port} hostname peer.test
action "out" relay host "$url" $auth tls no-verify helo peer.test
match from any for any action "out"
END
	Stdmail::spew("$dir/conf", <<"END") if $p->{receive};
table users { "\@p.test" = "nobody" }
listen on $p->{addr} port $p->{port} hostname peer.test
action "in" maildir "$dir/box" virtual <users>
match from any for rcpt-to regex "^nobody.*@" reject
match from any for domain "p.test" action "in"
END
	Stdmail::spew("$dir/conf", Stdmail::slurp("$dir/conf") =~
	    s/ tls no-verify//r) if !$p->{tls};
	return "chown $Stdmail::nobody[0] $dir/box
		mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty \\
		    /usr/libexec/opensmtpd
		mount --bind /opt/opensmtpd/usr/libexec/opensmtpd \\
		    /usr/libexec/opensmtpd
		mount --bind $dir/queue /var/spool/smtpd
		exec $kinds{opensmtpd}{program} -d -f $dir/conf";
}

1;
