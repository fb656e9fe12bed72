#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what becomes of mail for a world of hosts that are down, silent, slow,
# in trouble at every step, or that speak no SMTP worth the name: for each
# manner there is a domain served by such a host alone, one where a good host
# stands behind it, and one where it stands behind a good host.  Each recipient
# gets the mail once, or its sender is told once, or it waits, as the row of
# the manner says; a host behind one that took the mail never gets it; and
# what a host does to one message does not spoil the next.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::IP;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(sleep time);

use Stdmail;
use Stdmail::Faketime;
use Stdmail::Nameserver;
use Stdmail::Net;

Stdmail::need(qw(smtp-send smtpd tls));
Stdmail::Net::enter('192.0.2.1/24');
# What is under way holds less than a large message.
for my $key (glob '/proc/sys/net/ipv4/tcp_[rw]mem') {
	open(my $fh, '>', $key) or next;	# all the same, but slower
	print $fh "4096\t16384\t65536\n";
}

use constant { PORT => 2525, BIG => 1_000_000 };

# Of the domain a host serves alone: sent; wait (and the next host gets it);
# back (the sender is told, no other host is asked); doubt (the host has all of
# it and did not say so: no other host is asked, and it is sent again); grey
# (it waits, and is taken the next time).
#
# manner => [fate, what EHLO offers, event => what is done ...]: a text is sent
# as it stands with CRLF for each LF, DROP and RST end the connection, a
# function is called with the session and the line.  big: the message is.
my $many = join '', map { "250-X$_\n" } 1 .. 10_000;
my %manner = (
	plain => ['sent', ''],
	piped => ['sent', 'PIPELINING 8BITMIME SIZE=5000000'],
	chunks => ['sent', 'PIPELINING CHUNKING'],
	down => ['wait', ''],
	refuses => ['wait', '', CONNECT => "554 5.3.2 not here\n"],
	busy => ['wait', '', CONNECT => "421 4.3.2 too busy\n"],
	gone => ['wait', '', CONNECT => 'DROP'],
	reset => ['wait', '', CONNECT => 'RST'],
	slow => ['sent', 'PIPELINING', slow => 1],
	grey => ['grey', 'PIPELINING', RCPT => \&grey],

	# In trouble at each step.
	(map { ("ehlo$_->[0]" => ['wait', '', EHLO => $_->[1],
	    HELO => $_->[1]]) } [4, "451 no\n"], [5, "550 no\n"],
	    [421, "421 no\n"], ['drop', 'DROP'], ['rst', 'RST']),
	helo => ['sent', '', EHLO => "502 5.5.1 what?\n"],
	(map { my $o = $_; map { my $step = $_; map {
		("\L$step$_->[0]$o->[0]" => [$_->[1], $o->[1],
		    $step => $_->[2]])
	    } [4, 'wait', "451 4.3.0 no\n"], [5, 'back', "550 5.7.1 no\n"],
	    [421, 'wait', "421 4.3.2 going\n"], ['drop', 'wait', 'DROP'],
	    ['rst', 'wait', 'RST'] } qw(MAIL RCPT DATA)
	    } ['', ''], ['p', 'PIPELINING']),
	body4 => ['wait', 'PIPELINING', BODY => "452 4.3.1 full\n"],
	body5 => ['back', 'PIPELINING', BODY => "554 5.6.0 spam\n"],
	body421 => ['wait', 'PIPELINING', BODY => "421 4.3.2 going\n"],
	bodydrop => ['doubt', 'PIPELINING', BODY => \&doubt],
	chunk4 => ['wait', 'CHUNKING', BODY => "452 4.3.1 full\n"],
	chunk5 => ['back', 'CHUNKING', BODY => "554 5.6.0 spam\n"],
	chunkdrop => ['doubt', 'CHUNKING', BODY => \&doubt],
	unchunked => ['sent', 'PIPELINING CHUNKING',
	    BDAT => "502 5.5.1 what?\n"],
	unchunked0 => ['sent', 'CHUNKING', BDAT => "500 what?\n"],
	middata => ['wait', 'PIPELINING', MIDDLE => 'RST', big => 1],
	midchunk => ['wait', 'CHUNKING', MIDDLE => 'RST', big => 1],

	# Sizes.
	sizenull => ['sent', 'SIZE=0'],
	sizeless => ['sent', 'SIZE'],
	sizehuge => ['sent', 'SIZE=' . '9' x 60],
	sizeodd => ['sent', 'SIZE=-1'],
	sizesmall => ['back', 'SIZE=10'],
	sizemail => ['back', 'SIZE=5000000', MAIL => "552 5.3.4 no\n"],
	sizebody => ['back', 'SIZE=5000000', BODY => "552 5.3.4 no\n"],

	# STARTTLS: opportunistic, so that what fails is sent in the clear.
	tls => ['sent', 'STARTTLS PIPELINING'],
	tlslater => ['sent', 'STARTTLS', STARTTLS => "454 4.7.0 no\n"],
	tlsnever => ['sent', 'STARTTLS', STARTTLS => "502 5.5.1 no\n"],
	tlsgarbage => ['sent', 'STARTTLS', SHAKE => "this is no TLS\n"],
	tlsclose => ['sent', 'STARTTLS', SHAKE => 'DROP'],
	tlsreset => ['sent', 'STARTTLS', SHAKE => 'RST'],
	tlsdrop => ['sent', 'STARTTLS', STARTTLS => 'DROP'],
	tlsnoreply => ['sent', 'STARTTLS', STARTTLS => "yes please\n"],
	tlsold => ['sent', 'STARTTLS', old => 1],
	tlsinject => ['sent', 'STARTTLS',
	    STARTTLS => "220 go\n250 injected\n"],
	tlsinside => ['wait', 'STARTTLS', INSIDE => 'DROP'],

	# Replies that are none.
	banner => ['wait', '', CONNECT => sub {
		my ($c) = @_;
		1 while eval { $c->{c}->send("220-hello\r\n" x 1000); 1 };
		return 'DROP';
	    }],
	longline => ['sent', '', CONNECT => '220 ' . 'x' x 1_000_000 . "\n"],
	longrcpt => ['sent', '', RCPT => '250 ' . 'x' x 1_000_000 . "\n"],
	lines => ['wait', '', EHLO => "${many}250 end\n"],
	linesrcpt => ['wait', '', RCPT => "${many}250 end\n"],
	nul => ['sent', '', MAIL => "250 a\0b\0\n"],
	eight => ['sent', '', MAIL => "250 \xff\xfe\x80 gr\xc3\xbc\xdf\n"],
	barelf => ['sent', 'PIPELINING', bare => 1],
	bareword => ['sent', '', RCPT => "250\n"],
	negative => ['wait', '', MAIL => "-50 no\n"],
	code600 => ['wait', '', MAIL => "600 what\n"],
	code99 => ['wait', '', MAIL => "99 what\n"],
	code3 => ['wait', '', MAIL => "354 what\n"],
	codes => ['back', '', RCPT => "250-5.1.1 yes\n550 5.1.1 no\n"],
	empty => ['wait', '', MAIL => "\n"],
	http => ['wait', '', CONNECT => "HTTP/1.1 400 Bad Request\n\n"],
	early => ['wait', '', CONNECT => "220 x\n250 y\n250 z\n"],
	earlyehlo => ['wait', 'CHUNKING', EHLO => "250-x\n250 CHUNKING\n" .
	    "250 2.0.0 in advance\n", BODY => "550 5.7.1 no\n"],
	earlyend => ['wait', '', DATA => "354 go\n250 taken already\n",
	    BODY => "550 5.7.1 no\n"],
	data250 => ['wait', 'PIPELINING', DATA => "250 fine\n"],
	data354 => ['back', 'PIPELINING', RCPT => "550 5.1.1 nobody\n",
	    force => 1],

	# The end.
	takenreset => ['sent', 'PIPELINING', TAKEN => 'RST'],
	takendrop => ['sent', 'PIPELINING', TAKEN => 'DROP'],
	quitdrop => ['sent', 'PIPELINING', QUIT => 'DROP'],
	quit5 => ['sent', 'PIPELINING', QUIT => "500 what?\n"],
	stays => ['sent', 'PIPELINING', QUIT => sub {
		$_[0]{c}->send("221 2.0.0 bye\r\n");
		sleep 20;
		return 'DROP';
	    }],

	# The next message on the connection.
	once421 => ['sent', 'PIPELINING', MAIL => sub {
		return $_[0]{taken} ? "421 4.7.0 one is enough\n" : undef }],
	once4 => ['sent', '', MAIL => sub {
		return $_[0]{taken} ? "451 4.7.0 one is enough\n" : undef }],
	once503 => ['sent', 'PIPELINING', MAIL => sub {
		return $_[0]{taken} ? "503 5.5.1 nested MAIL\n" : undef }],
	norset => ['sent', '', RSET => "502 5.5.1 what?\n", MAIL => sub {
		return $_[0]{begun}++ ? "503 5.5.1 nested MAIL\n" : undef },
	    spoil => 1],
	resetsdrop => ['sent', '', RSET => 'DROP', spoil => 1],
	spoils => ['sent', 'PIPELINING', spoil => 1],
);

my $dir = Stdmail::folder();
my $n = 9;
my %addr = map { $_ => '192.0.2.' . ++$n } sort(keys %manner), 'good',
    'better';
my @listen;
for my $name (sort keys %addr) {
	next if $name eq 'down';
	push @listen, [$name, IO::Socket::IP->new(LocalHost => $addr{$name},
	    LocalPort => PORT, Listen => 50, ReuseAddr => 1) // die "$@\n"];
}

# --- the hosts ------------------------------------------------------------

# A line in a file that many write.
sub
put
{
	my ($file, $line) = @_;

	open(my $fh, '>>:raw', "$dir/$file") or die "$file: $!\n";
	syswrite $fh, "$line\n";
}

sub
end_session
{
	my ($c, $how) = @_;

	setsockopt($c->{sock}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0))
	    if $how eq 'RST';
	close $c->{sock};
	POSIX::_exit(0);
}

sub
say_raw
{
	my ($c, $text) = @_;

	$text =~ s/\n/\r\n/g if !$c->{how}{bare};
	return $c->{c}->send($text) if !$c->{how}{slow};
	for my $octet (split //, $text) {
		$c->{c}->send($octet);
		sleep 0.001;
	}
}

# Do what the manner wants for this event, or say the usual.  Returns what was
# said.
sub
act
{
	my ($c, $event, $usual, $line) = @_;
	my $what = $c->{how}{$event};

	$what = $what->($c, $line) if ref $what;
	$what //= $usual;
	end_session($c, $what) if $what eq 'DROP' || $what eq 'RST';
	say_raw($c, $what);
	return $what;
}

sub
grey
{
	my ($c, $line) = @_;
	my ($rcpt) = $line =~ /<(.*?)>/;
	my $mark = "$dir/grey.$rcpt";

	return "250 2.1.5 yes\n" if -e $mark;
	Stdmail::spew($mark, '');
	return "451 4.7.1 come back later\n";
}

# Keeps it, and does not say so the first time.
sub
doubt
{
	my ($c) = @_;
	my $mark = "$dir/doubt.$c->{subject}";

	return undef if -e $mark;
	Stdmail::spew($mark, '');
	keep($c, 'doubt');
	return 'DROP';
}

sub
keep
{
	my ($c, $file) = @_;

	put($file, "$c->{name} $c->{subject} $_") for @{$c->{rcpts}};
	$c->{taken}++;
}

sub
body
{
	my ($c, $chunk) = @_;
	my $text = '';

	if ($c->{how}{MIDDLE}) {
		$c->{c}->bytes(10_000);
		end_session($c, $c->{how}{MIDDLE});
	}
	if (defined $chunk) {
		$text = $c->{c}->bytes($chunk);
	} else {
		while (defined(my $line = $c->{c}->line)) {
			last if $line eq ".\r\n";
			$text .= $line;
		}
		die "cut\n" if $text !~ /\r\n\z/;
	}
	$c->{subject} = $text =~ /^Subject: (.*)\r$/m ? $1 : '-';
	put('broken', "$c->{name} $c->{subject}")
	    if $text ne '' && $text !~ /^end\r\n\z/m;
	my $usual = $c->{how}{spoil} && $c->{subject} =~ /spoil4/ ?
	    "451 4.3.0 not that\n" : "250 2.0.0 taken\n";
	my $said = act($c, 'BODY', $usual);
	keep($c, 'taken') if $said =~ /^2/ && $text ne '';
	act($c, 'TAKEN', '') if $said =~ /^2/;
}

sub
ehlo_reply
{
	my ($c) = @_;
	my @offers = map { tr/=/ /r } split ' ', $c->{offers};

	@offers = grep { $_ ne 'STARTTLS' } @offers if $c->{tls};
	my @all = ("$c->{name}.test", @offers);
	my $last = pop @all;
	return join('', map { "250-$_\n" } @all) . "250 $last\n";
}

sub
starttls
{
	my ($c) = @_;

	act($c, 'SHAKE', '');
	$c->{c}->starttls(SSL_server => 1, SSL_cert_file => "$dir/cert.pem",
	    SSL_key_file => "$dir/key.pem", $c->{how}{old} ? (SSL_version =>
	    'TLSv1', SSL_cipher_list => 'ALL:@SECLEVEL=0') : ());
	$c->{tls} = 1;
	put('tls', $c->{name});
}

my %steps = (
	EHLO => sub { act($_[0], $_[0]{tls} && $_[0]{how}{INSIDE} ?
	    'INSIDE' : 'EHLO', ehlo_reply($_[0])) },
	HELO => sub { act($_[0], 'HELO', "250 there\n") },
	STARTTLS => sub { starttls($_[0])
	    if act($_[0], 'STARTTLS', "220 go\n") =~ /^220/ },
	RSET => sub { act($_[0], 'RSET', "250 ok\n") },
	MAIL => sub {
		my ($c, $line) = @_;
		$c->{rcpts} = [];
		$c->{mail} = act($c, 'MAIL', $c->{how}{spoil} && $line =~ /spoil1/ ?
		    "451 4.7.1 not you\n" : "250 2.1.0 ok\n", $line) =~ /^2/;
	},
	RCPT => sub {
		my ($c, $line) = @_;
		my ($rcpt) = $line =~ /<(.*?)>/;
		push @{$c->{rcpts}}, $rcpt if act($c, 'RCPT',
		    !$c->{mail} ? "503 5.5.1 no MAIL\n" : $rcpt =~
		    /^nobody/ ? "550 5.1.1 nobody\n" : $rcpt =~ /^later/ ?
		    "450 4.2.1 later\n" : $c->{how}{spoil} && $rcpt =~
		    /^spoil2/ ? "451 4.7.1 no\n" : "250 2.1.5 ok\n",
		    $line) =~ /^2/;
	},
	DATA => sub {
		my ($c) = @_;
		my $said = act($c, 'DATA', $c->{how}{force} || @{$c->{rcpts}}
		    ? "354 go\n" : "554 5.5.1 nobody\n");
		body($c) if $said =~ /^354/;
	},
	BDAT => sub {
		my ($c, $line) = @_;
		body($c, $line =~ /(\d+)/) if act($c, 'BDAT', '') eq '';
	},
	QUIT => sub { act($_[0], 'QUIT', "221 bye\n");
	    end_session($_[0], 'DROP') },
);

sub
session
{
	my ($name, $sock) = @_;
	my ($fate, $offers, %how) = @{$manner{$name} // ['sent',
	    'PIPELINING']};
	my $c = { name => $name, sock => $sock, how => \%how,
	    offers => $offers, c => Stdmail::Conn->new(in => $sock,
	    out => $sock, timeout => 60), rcpts => [] };

	put('called', $name);
	act($c, 'CONNECT', "220 $name.test ESMTP\n");
	while (defined(my $line = $c->{c}->line)) {
		my ($verb) = $line =~ /^(\w+)/ or die "no command\n";
		($steps{uc $verb} // sub { say_raw($c, "500 what?\n") })
		    ->($c, $line);
	}
}

Stdmail::certificate($dir);
Stdmail::fork_child(sub {
	local $SIG{CHLD} = 'IGNORE';
	my %of = map { fileno $_->[1] => $_ } @listen;
	my $select = IO::Select->new(map { $_->[1] } @listen);

	for (;;) {
		for my $fh ($select->can_read) {
			my $sock = $fh->accept or next;
			next if fork;
			$SIG{PIPE} = 'IGNORE';
			eval { session($of{fileno $fh}[0], $sock) };
			POSIX::_exit(0);
		}
	}
});

# --- the mail -------------------------------------------------------------

my $ns = Stdmail::Nameserver->start(join '', (map { "
	$_.alone.test MX 10 $_.mx.test
	$_.first.test MX 10 $_.mx.test
	$_.first.test MX 20 good.mx.test
	$_.last.test MX 10 better.mx.test
	$_.last.test MX 20 $_.mx.test\n" } sort keys %manner),
    (map { "$_.mx.test A $addr{$_}\n" } sort keys %addr),
    "crowd.test MX 10 dead.mx.test\ncrowd.test MX 20 good.mx.test\n",
    (map { "dead.mx.test A 192.0.2.$_\n" } 200 .. 215),
    "silent.test MX 10 silent.mx.test\nsilent.test MX 20 good.mx.test\n" .
    "mute.test MX 10 silent.mx.test\nsilent.mx.test A 192.0.2.220\n");

my $s = Stdmail->new(users => { alice => 'x' }, conf => {
    relay_from => '127.0.0.0/8', resolver => $ns->resolver,
    smtp_port => PORT });
my ($in_pid, $in) = $s->session('smtpd', args => ['-m', 'mx'],
    timeout => 60);
$in->smtp;
$in->smtp('EHLO x');

my %want;	# "subject recipient" => fate
my %first;	# where "subject recipient" must be when it is sent

sub
enqueue
{
	my ($subject, $big, $from, %to) = @_;
	my $text = "From: alice\@a.test\r\nSubject: $subject\r\n\r\n" .
	    ($big ? 'x' x 78 . "\r\n" : '') x (BIG / 80) . ".\r\nend\r\n";

	$in->smtp($_) for "MAIL FROM:<$from>",
	    (map { "RCPT TO:<$_>" } sort keys %to), 'DATA';
	my $reply = $in->smtp($text =~ s/^\./../gmr . '.');
	$reply =~ /^250/ or die "$subject: $reply\n";
	$want{"$subject $_"} = $to{$_} for keys %to;
}

my $me = 'alice@a.test';
for my $name (sort keys %manner) {
	my ($fate, undef, %how) = @{$manner{$name}};
	my $plain = $fate eq 'sent' || $fate eq 'back';

	enqueue("alone$_-$name", $how{big}, $me, "bob\@$name.alone.test" =>
	    $fate) for 1 .. ($plain ? 3 : 1);
	enqueue("first-$name", $how{big}, $me, "bob\@$name.first.test" =>
	    $fate =~ /wait|grey/ ? 'good' : $fate);
	enqueue("last-$name", 0, $me, "bob\@$name.last.test" => 'better');
	next if !$how{spoil};
	enqueue("spoil1-$name", 0, 'spoil1@a.test', "x\@$name.alone.test" =>
	    'wait');
	enqueue("spoil$_-$name", 0, $me, "spoil$_\@$name.alone.test" =>
	    'wait') for 2, 4;
	enqueue("spoil5-$name", 0, $me, "bob\@$name.alone.test" => 'sent');
}
enqueue("mixed-$_", 0, $me, "bob\@$_.alone.test" => 'sent',
    "nobody\@$_.alone.test" => 'back', "later\@$_.alone.test" => 'wait',
    'eve@piped.last.test' => 'better') for qw(plain piped chunks tls slow);
enqueue('crowd', 0, $me, 'bob@crowd.test' => 'good');
$in->smtp('QUIT');
$in->close;
Stdmail::reap($in_pid, 5);

# --- what becomes of it ---------------------------------------------------

my (%taken, %doubt, %told);

# Lines of a file of put(): how often each.
sub
notes
{
	my ($file) = @_;
	my %count;

	return () if !-e "$dir/$file";
	$count{$_}++ for split /\n/, Stdmail::slurp("$dir/$file");
	return %count;
}

# One run; its log.
sub
run_queue
{
	my @cmd = $s->command('smtp-send', '-q');

	# No process of it may have more than this, in kB.
	unshift @cmd, '/bin/sh', '-c', 'ulimit -d 16384; exec "$@"', 'sh'
	    if ($ENV{STDMAIL_VARIANT} // '') eq '';
	my ($status, undef, $err) = $s->run(\@cmd, timeout => 100);

	is($status, 0, 'the agent ends in order') or diag $err;
	unlike($err, qr/^\S*\s*(?:worker|error)\b|signal=|Sanitizer/m,
	    'and no worker died') or diag grep { /worker|signal/ }
	    split /^/m, $err;
	for my $file ($s->spooled('local/now')) {
		my $text = Stdmail::slurp($file);
		my ($subject) = (reverse $text =~ /^Subject: (.*)/mg);

		$told{"$subject $_"}++ for $text =~
		    /^Final-Recipient: rfc822; (\S+)\nAction: failed/mg;
		unlink $file;
	}
	%taken = notes('taken');
	%doubt = notes('doubt');
	return $err;
}

# Where "subject recipient" has been taken, by how many.
sub
places
{
	my ($what) = @_;

	return join ' ', map { my ($host, $rest) = split / /, $_, 2;
	    $rest eq $what ? ($host) x $taken{$_} : () } sort keys %taken;
}

sub
check
{
	my ($round, $log) = @_;
	my $waiting = ($s->run_program('smtp-send', ['-l']))[1];
	my %waits;

	$waits{$_}++ for grep { !/\@a\.test/ } $waiting =~ /(\S+@\S+\.test)/g;
	for my $what (sort keys %want) {
		my ($subject, $to) = split / /, $what;
		my ($host) = $to =~ /\@(\w+)\./;
		my $fate = $want{$what};

		$fate = $round == 1 ? 'wait' : 'sent' if $fate eq 'grey';
		my $at = $fate eq 'sent' ? $host : $fate eq 'doubt' ?
		    ($round == 1 ? '' : $host) : $fate =~ /good|better/ ?
		    $fate : '';
		is(places($what), $at, "$round: $what: " . ($at eq '' ?
		    'is not taken' : "is taken by $at, once")) or diag grep {
		    /\Q$to\E/ } split /^/m, $log;
		is($told{$what} // 0, $fate eq 'back' ? 1 : 0,
		    "$round: $what: " . ($fate eq 'back' ? 'is returned, once'
		    : 'is not returned')) if $told{$what} || $fate eq 'back';
		is($doubt{"$host $what"}, 1, "$round: $what: the host had it")
		    if $fate eq 'doubt';
	}
	my %queued = map { $_ => 1 } map { (split / /)[1] } grep {
	    $want{$_} eq 'wait' || ($round == 1 && $want{$_} =~ /grey|doubt/)
	    } keys %want;
	is_deeply([sort keys %waits], [sort keys %queued],
	    "$round: those wait who must");
	my %broken = notes('broken');
	is_deeply([keys %broken], [], "$round: nobody got half a message");
}

my $begun = time;
my $log = run_queue();
diag(sprintf '%d messages, the first run %.1f s', scalar(keys %want),
    time - $begun);
check(1, $log);
my ($status) = $s->run_program('smtp-send', ['-R', 'all']);
is($status, 0, 'all that waits is to be tried again');
$log = run_queue();
check(2, $log);
diag(sprintf 'all %.1f s', time - $begun);

# --- a host that says nothing ---------------------------------------------

# One that has no place for a further connection lets it wait.  Half a minute
# lasts two seconds here.
SKIP: {
	skip 'libfaketime is missing', 1 if !Stdmail::Faketime::library();
	my @full = IO::Socket::IP->new(LocalHost => '192.0.2.220',
	    LocalPort => PORT, Listen => 1) // die "$@\n";
	for (1 .. 4) {
		push @full, IO::Socket::IP->new(PeerHost => '192.0.2.220',
		    PeerPort => PORT, Blocking => 0);
	}
	for my $row (['silent', 0, qr/\tgood\.mx\.test.*250/],
	    ['mute', 75, qr/\t4\.4\.1\tsilent\.mx\.test.*timed out/]) {
		my ($domain, $code, $line) = @$row;
		my ($st, $out, $err);
		# The DNS has no more time than the rest.
		for (1 .. 4) {
			($st, $out, $err) = $s->run_program('smtp-send',
			    ['-f', $me, "bob\@$domain.test"], stdin =>
			    "Subject: $domain\n\nend\n", timeout => 40,
			    env => { Stdmail::Faketime::faster(15) });
			last if $out !~ /\t4\.4\.3\t/;
		}
		is($st, $code, "$domain: exit $code") or diag $err;
		like($out, $line, "$domain: " . ($code ? 'it waits' :
		    'the next host has it'));
	}
}
done_testing();
