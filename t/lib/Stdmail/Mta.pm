# SPDX-License-Identifier: ISC
#
# Another host's SMTP server, as a test wants it to be: it answers by rules
# and writes down what it heard.  It stores no mail and knows no users.
#
#	my $mta = Stdmail::Mta->start(addr => '127.0.0.11',
#	    offers => ['PIPELINING', 'STARTTLS'],
#	    rules => [[qr/^RCPT TO:<nobody/, '550 5.1.1 nobody here']]);
#	$mta->{port}
#	$mta->heard	each session as a list of its command lines
#	$mta->over	itself, when no session is open: all was heard
#	$mta->messages	each message as it came, undoubled dots, CRLF
#
# The first rule whose pattern matches a command gives the reply.  What stands
# for no command has a name of its own: CONNECT, BODY (the end of the data),
# HANDSHAKE.  A reply 'DROP' closes the connection, 'HANG' says nothing more; a
# function is called with the command, and returns the reply.
package Stdmail::Mta;

use strict;
use warnings;

use Fcntl qw(:flock);
use IO::Handle;
use IO::Socket::IP;

use Stdmail;
use Stdmail::Conn;

sub
start
{
	my ($class, %o) = @_;
	my $m = bless { addr => '127.0.0.1', offers => [], rules => [], %o,
	    dir => Stdmail::folder() }, $class;
	my $l = IO::Socket::IP->new(LocalHost => $m->{addr},
	    LocalPort => $o{port} // 0, Listen => 16, ReuseAddr => 1)
	    or die "listen $m->{addr}: $@\n";

	Stdmail::certificate($m->{dir});
	if ($o{cert}) {		# [chain, key], both PEM
		Stdmail::spew("$m->{dir}/cert.pem", $o{cert}[0], 0644);
		Stdmail::spew("$m->{dir}/key.pem", $o{cert}[1], 0600);
	}
	$m->{port} = $l->sockport;
	$m->{pid} = Stdmail::fork_child(sub {
		local $SIG{CHLD} = 'IGNORE';
		for (my $n = 1; my $sock = $l->accept || 1; $n++) {
			next if !ref $sock || fork;
			eval { $m->_session($sock, $n) };
			POSIX::_exit(0);
		}
	});
	return $m;
}

sub
stop
{
	my ($m) = @_;

	Stdmail::end_child(delete $m->{pid}) if $m->{pid};
}

sub
_all
{
	my ($m, $kind) = @_;

	return map { Stdmail::slurp($_) } sort glob("$m->{dir}/$kind.*");
}

sub
heard
{
	my ($m) = @_;

	return map { [split /\n/] } $m->_all('heard');
}

# A client may end before its last command is written down here.
sub
over
{
	my ($m) = @_;

	Stdmail::until_true(sub {
		for my $path (glob "$m->{dir}/peer.*") {
			open my $fh, '<', $path or next;
			return 0 if !flock $fh, LOCK_EX | LOCK_NB;
		}
		return 1;
	}, 60) or die "a session stays open\n";
	return $m;
}

# Who called, in order.
sub
peers
{
	my ($m) = @_;

	return map { /\A(.*)\n/ } $m->_all('peer');
}

sub messages { return $_[0]->_all('message') }

# Forget what was heard.
sub
forget
{
	my ($m) = @_;

	unlink glob("$m->{dir}/heard.* $m->{dir}/message.* $m->{dir}/peer.*");
}

sub
_note
{
	my ($m, $n, $line) = @_;

	open(my $fh, '>>:raw', sprintf '%s/heard.%04d', $m->{dir}, $n);
	print $fh "$line\n";
}

# Say what the rules want for this event, or the usual.  Returns the reply.
sub
_reply
{
	my ($m, $c, $event, $usual) = @_;
	my ($rule) = grep { $event =~ $_->[0] } @{$m->{rules}};
	my $reply = $rule ? $rule->[1] : $usual;

	$reply = shift @$reply // $usual if ref $reply eq 'ARRAY';
	$reply = $reply->($event) if ref $reply eq 'CODE';
	if ($reply eq 'DROP') {
		$c->close;
		POSIX::_exit(0);
	}
	if ($reply eq 'HANG') {
		sleep 60;
		POSIX::_exit(0);
	}
	$c->send(join '', map { "$_\r\n" } split /\n/, $reply);
	return $reply;
}

sub
_session
{
	my ($m, $sock, $n) = @_;
	my $c = Stdmail::Conn->new(in => $sock, out => $sock, timeout => 30);
	my ($tls, $rcpts) = (0, 0);

	# Locked as long as it lasts.
	open(my $peer, '>', sprintf '%s/peer.%04d', $m->{dir}, $n);
	flock $peer, LOCK_EX;
	$peer->printflush($sock->peerhost . "\n");
	$m->_reply($c, 'CONNECT', '220 there.test ESMTP');
	while (defined(my $line = $c->line)) {
		$line =~ s/\r\n\z// or die;
		$m->_note($n, $line);
		if ($line =~ /^EHLO /i) {
			my @all = ('there.test', grep { !$tls ||
			    $_ ne 'STARTTLS' } @{$m->{offers}});
			my $last = pop @all;
			$m->_reply($c, $line, join "\n",
			    (map { "250-$_" } @all), "250 $last");
		} elsif ($line =~ /^STARTTLS/i) {
			next if $m->_reply($c, $line, '220 go on') !~ /^220/;
			$m->_handshake($c, $n);
			$tls = 1;
		} elsif ($line =~ /^DATA/i) {
			next if $m->_reply($c, $line, $rcpts
			    ? '354 go on' : '554 5.5.1 no recipient') !~ /^354/;
			$m->_body($c, $n);
		} elsif ($line =~ /^BDAT (\d+) LAST$/i) {
			my $bytes = $c->bytes($1) // die "gone in a chunk\n";
			$m->_keep($bytes);
			$m->_reply($c, $rcpts ? 'BODY' : $line, $rcpts
			    ? '250 2.0.0 queued as 4711'
			    : '503 5.5.1 no recipient');
		} elsif ($line =~ /^QUIT/i) {
			$m->_reply($c, $line, '221 bye');
			last;
		} else {
			my $reply = $m->_reply($c, $line, '250 2.0.0 fine');
			$rcpts = 0 if $line =~ /^(MAIL|RSET)/i;
			$rcpts++ if $line =~ /^RCPT/i && $reply =~ /^2/;
		}
	}
	$c->close;
}

sub
_handshake
{
	my ($m, $c, $n) = @_;

	if (grep { 'HANDSHAKE' =~ $_->[0] } @{$m->{rules}}) {
		$c->send("this is no handshake\r\n");
		$c->close;
		POSIX::_exit(0);
	}
	$c->starttls(SSL_server => 1, SSL_cert_file => "$m->{dir}/cert.pem",
	    SSL_key_file => "$m->{dir}/key.pem");
	$m->_note($n, '(TLS)');
}

sub
_body
{
	my ($m, $c, $n) = @_;
	my $bytes = '';

	for (;;) {
		my $line = $c->line // die "gone in the data\n";
		last if $line eq ".\r\n";
		$line =~ s/^\.//;
		$bytes .= $line;
	}
	$m->_keep($bytes);
	$m->_reply($c, 'BODY', '250 2.0.0 queued as 4711');
}

sub
_keep
{
	my ($m, $bytes) = @_;

	# Two sessions may be here at once: one number is for one message.
	my ($seen) = sort { $b <=> $a } map { /(\d+)\z/ }
	    glob("$m->{dir}/message.*");
	my $part = "$m->{dir}/part.$$";
	Stdmail::spew($part, $bytes);
	for ($seen //= 0; ; ) {
		last if link $part, sprintf('%s/message.%04d', $m->{dir},
		    ++$seen);
		die "$m->{dir}: $!\n" if !$!{EEXIST};
	}
	unlink $part;
}

1;
