# SPDX-License-Identifier: ISC
#
# A host that speaks HTTPS on a free port: it serves a page for each name it is
# called by, and keeps what it is sent.  A page is "TYPE\nTEXT", or "404\n",
# "301\n" and the like.
#
#	my $web = Stdmail::Web->start(addr => '127.0.0.9',
#	    cert => [$chain, $key], pages => { 'mta-sts.a.test' =>
#	    "text/plain\nversion: STSv1\n..." });
#	$web->{port}
#	$web->asked	"GET host/path" of each request
#	$web->posted	[path, type, encoding, body] of each
package Stdmail::Web;

use strict;
use warnings;

use IO::Socket::SSL;
use POSIX ();

use Stdmail;

sub
start
{
	my ($class, %o) = @_;
	my $w = bless { pages => {}, %o, dir => Stdmail::folder() }, $class;
	my $l = IO::Socket::IP->new(LocalHost => $w->{addr} // '127.0.0.1',
	    LocalPort => $o{port} // 0, Listen => 64, ReuseAddr => 1)
	    or die "listen: $@\n";

	Stdmail::spew("$w->{dir}/cert.pem", $w->{cert}[0], 0644);
	Stdmail::spew("$w->{dir}/key.pem", $w->{cert}[1], 0600);
	$w->{port} = $l->sockport;
	$w->{pid} = Stdmail::fork_child(sub {
		local $SIG{CHLD} = 'IGNORE';
		for (my $n = 1; my $sock = $l->accept || 1; $n++) {
			next if !ref $sock || fork;
			eval { $w->_session($sock, $n) };
			POSIX::_exit(0);
		}
	});
	return $w;
}

sub
stop
{
	my ($w) = @_;

	Stdmail::end_child(delete $w->{pid}) if $w->{pid};
}

sub
_session
{
	my ($w, $sock, $n) = @_;

	IO::Socket::SSL->start_SSL($sock, SSL_server => 1,
	    SSL_cert_file => "$w->{dir}/cert.pem",
	    SSL_key_file => "$w->{dir}/key.pem") or return;
	my ($method, $path) = (<$sock> // '') =~ m{^(\S+) (\S+) } or return;
	my %head;
	while (defined(my $line = <$sock>)) {
		last if $line =~ /^\r?\n\z/;
		$head{lc $1} = $2 if $line =~ /^([\w-]+):\s*(.*?)\r?\n/;
	}
	my $host = ($head{host} // '') =~ s/:\d+\z//r;
	my $body = '';
	read($sock, $body, $head{'content-length'})
	    if $head{'content-length'};
	my $base = sprintf '%s/%s.%04d', $w->{dir}, lc $method, $n;
	Stdmail::spew("$base.part", join("\n", "$method $host$path", $path,
	    map({ $head{$_} // '' } qw(content-type content-encoding))) .
	    "\n$body");
	rename "$base.part", $base;
	my ($type, $text) = split /\n/, $w->{pages}{$host} // "404\n", 2;
	my $status = $type =~ /^\d/ ? $type : 200;
	print $sock "HTTP/1.1 $status so\r\nContent-Type: $type\r\n" .
	    ($status =~ /^3/ ? "Location: https://$host/other\r\n" : '') .
	    'Content-Length: ' . length($text) .
	    "\r\nConnection: close\r\n\r\n$text";
	$sock->close;
}

sub
_all
{
	my ($w, $method) = @_;

	return map { Stdmail::slurp($_) } sort grep { !/\.part\z/ }
	    glob("$w->{dir}/$method.*");
}

sub asked { return map { (split /\n/)[0] } $_[0]->_all('get') }

sub
posted
{
	my ($w) = @_;

	return map {
		my @all = split /\n/, $_, 5;
		[@all[1 .. 4]];
	} $w->_all('post');
}

1;
