# SPDX-License-Identifier: ISC
#
# A client's end of one connection: lines in, bytes out, each with a
# deadline, plain or TLS, whole or one byte at a time.  It knows no protocol,
# and never waits for ever: every wait ends in an exception that says what
# was waited for.
package Stdmail::Conn;

use strict;
use warnings;

use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

use constant CHUNK => 65536;

my $have_tls = eval { require IO::Socket::SSL; 1 };

# The reason why TLS cannot be spoken here, or undef.
sub
no_tls
{
	return $have_tls ? undef
	    : 'IO::Socket::SSL is missing (libio-socket-ssl-perl)';
}

# new(in => handle, out => handle, timeout => seconds, split => bool).
# The two handles are the same one for a socket.
sub
new
{
	my ($class, %o) = @_;
	my $c = bless { timeout => 60, %o, buf => '', eof => 0 }, $class;

	for my $fh ($c->{in}, $c->{out}) {
		my $flags = fcntl($fh, F_GETFL, 0);

		binmode($fh);
		fcntl($fh, F_SETFL, $flags | O_NONBLOCK);
	}
	setsockopt($c->{out}, IPPROTO_TCP, TCP_NODELAY, 1) if -S $c->{out};
	return $c;
}

# Wait until the connection is readable (or writable, when $write), at most
# until $deadline.  Returns (readable, writable).
sub
_wait
{
	my ($c, $write, $deadline) = @_;
	my ($r, $w) = ('', '');
	my $left = $deadline - time;

	vec($r, fileno($c->{in}), 1) = 1 if !$c->{eof};
	vec($w, fileno($c->{out}), 1) = 1 if $write;
	my $n = select(my $rr = $r, my $ww = $w, undef,
	    $left > 0 ? $left : 0);
	return (0, 0) if $n <= 0;
	return ($rr =~ /[^\0]/, $ww =~ /[^\0]/);
}

# Take what has arrived into the buffer.  Returns bytes, 0 at the end,
# undef when there is nothing now.
sub
_fill
{
	my ($c) = @_;
	my $n = sysread($c->{in}, $c->{buf}, CHUNK, length $c->{buf});

	return $n if $n;
	if (!defined $n && ($!{EAGAIN} || $!{EWOULDBLOCK} || $!{EINTR} ||
	    ($c->{tls} && $c->_tls_wants))) {
		return undef;
	}
	$c->{eof} = 1;
	$c->{reset} = 1 if !defined $n;
	return 0;
}

sub
_tls_wants
{
	no warnings 'once';
	return $IO::Socket::SSL::SSL_ERROR ==
	    IO::Socket::SSL::SSL_WANT_READ() ||
	    $IO::Socket::SSL::SSL_ERROR == IO::Socket::SSL::SSL_WANT_WRITE();
}

# Send bytes, reading meanwhile so that neither side can block the other.
# A peer that has gone makes it return 0; what it said before can be read.
sub
send
{
	my ($c, $bytes) = @_;
	my $at = 0;

	while ($at < length $bytes) {
		my $n = syswrite($c->{out}, $bytes,
		    $c->{split} ? 1 : CHUNK, $at);
		if (defined $n) {
			$at += $n;
			next;
		}
		if (!($!{EAGAIN} || $!{EWOULDBLOCK} || $!{EINTR} ||
		    ($c->{tls} && $c->_tls_wants))) {
			return 0;
		}
		my ($r, $w) = $c->_wait(1, time + $c->{timeout});
		die "timeout: could not send for $c->{timeout} s\n"
		    if !$r && !$w;
		$c->_fill if $r;
	}
	return 1;
}

# The next line with its line end, or undef at the end of the stream (a
# last piece without a line end is returned as it is).
sub
line
{
	my ($c, $timeout) = @_;
	my $deadline = time + ($timeout // $c->{timeout});

	for (;;) {
		if ($c->{buf} =~ s/^([^\n]*\n)//) {
			return $1;
		}
		if ($c->{eof}) {
			return undef if $c->{buf} eq '';
			my $rest = $c->{buf};
			$c->{buf} = '';
			return $rest;
		}
		next if defined $c->_fill;
		my ($r) = $c->_wait(0, $deadline);
		die "timeout: no line came" . ($c->{buf} eq '' ? '' :
		    ", only '" . substr($c->{buf}, 0, 200) . "'") . "\n"
		    if !$r && time >= $deadline;
	}
}

# Exactly $n bytes.
sub
bytes
{
	my ($c, $n) = @_;
	my $deadline = time + $c->{timeout};

	while (length $c->{buf} < $n) {
		die "closed: wanted $n bytes, had " . length($c->{buf}) . "\n"
		    if $c->{eof};
		next if defined $c->_fill;
		my ($r) = $c->_wait(0, $deadline);
		die "timeout: wanted $n bytes\n" if !$r && time >= $deadline;
	}
	return substr($c->{buf}, 0, $n, '');
}

# True when nothing arrives for that many seconds.
sub
silent
{
	my ($c, $seconds) = @_;
	my $deadline = time + $seconds;

	while (time < $deadline) {
		return 0 if $c->{buf} ne '' || $c->{eof};
		my ($r) = $c->_wait(0, $deadline);
		$c->_fill if $r;
	}
	return $c->{buf} eq '' && !$c->{eof};
}

# Wait for the peer to close.  Returns what it still said, '' for nothing.
sub
closed
{
	my ($c) = @_;
	my $deadline = time + $c->{timeout};

	while (!$c->{eof}) {
		next if defined $c->_fill;
		my ($r) = $c->_wait(0, $deadline);
		die "timeout: the connection stays open\n"
		    if !$r && time >= $deadline;
	}
	my $rest = $c->{buf};
	$c->{buf} = '';
	return $rest;
}

# Become the client of a TLS handshake.  Further arguments go to
# IO::Socket::SSL.
sub
starttls
{
	my ($c, %o) = @_;

	die "answer before the handshake: '$c->{buf}'\n" if $c->{buf} ne '';
	die no_tls() . "\n" if no_tls();
	$c->{in}->blocking(1);
	my $tls = IO::Socket::SSL->start_SSL($c->{in},
	    SSL_verify_mode => 0, Timeout => $c->{timeout}, %o);
	die "TLS handshake: " . IO::Socket::SSL::errstr() . "\n" if !$tls;
	$tls->blocking(0);
	@$c{qw(in out tls)} = ($tls, $tls, 1);
	return $tls;
}

# End of our sending; the other direction stays open.
sub
half_close
{
	my ($c) = @_;

	if (-S $c->{out}) {
		shutdown($c->{out}, 1);
	} else {
		close($c->{out});
	}
}

sub
close
{
	my ($c) = @_;

	if ($c->{tls}) {
		$c->{in}->close(SSL_fast_shutdown => 1);
		return;
	}
	CORE::close($c->{in});
	CORE::close($c->{out}) if $c->{out} != $c->{in};
}

# Send $text with CRLF and return the next line without its CRLF.
sub
ask
{
	my ($c, $text) = @_;

	$c->send("$text\r\n");
	return $c->answer;
}

# The next line without its line end; '' at the end of the stream.
sub
answer
{
	my ($c) = @_;
	my $line = $c->line // '';

	$line =~ s/\r?\n\z//;
	return $line;
}

# An SMTP reply: all its lines, joined with LF.
sub
smtp
{
	my ($c, $text) = @_;
	my @lines;

	$c->send("$text\r\n") if defined $text;
	do {
		push @lines, $c->answer;
	} while ($lines[-1] =~ /^\d{3}-/);
	return join "\n", @lines;
}

# POP3 (RFC 1939): a status line, and for a multi-line one the lines up to
# the dot, unstuffed, with CRLF.
sub
pop3
{
	my ($c, $text, $multi) = @_;

	$c->send("$text\r\n") if defined $text;
	my $status = $c->answer;
	return $status if !$multi || $status !~ /^\+OK/;
	my $body = '';
	for (;;) {
		my $line = $c->line // die "closed inside a reply\n";
		last if $line eq ".\r\n";
		$line =~ s/^\.//;
		$body .= $line;
	}
	return ($status, $body);
}

# IMAP (RFC 3501): everything up to and with the tagged line, literals as
# they came.
sub
imap
{
	my ($c, $text) = @_;
	my $tag = sprintf 't%d', ++$c->{tag};
	my $all = '';

	$c->send("$tag $text\r\n");
	for (;;) {
		my $line = $c->line // die "closed before $tag\n";
		$all .= $line;
		if ($line =~ /\{(\d+)\}\r\n\z/) {
			$all .= $c->bytes($1);
			next;
		}
		return $all if $line =~ /^$tag /;
	}
}

1;
