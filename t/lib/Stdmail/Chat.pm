# SPDX-License-Identifier: ISC
#
# Reads a conversation (a .chat file, see t/chat/README) and holds it with
# the real program: once with whole lines and once a byte at a time.  It must
# never pass a conversation that it did not hold to the end, and never say
# less than which line of which file went wrong, and what came instead.
package Stdmail::Chat;

use strict;
use warnings;

use File::Basename qw(dirname);
use Time::HiRes qw(time sleep);

use Stdmail;
use Stdmail::Script qw(steps bytes_of text_of pattern matches show compare);

# --- reading --------------------------------------------------------------

# parse(path): { file, set => { directive => [values] }, steps => [...] }.
# A step is { line, verb, conn, text, block }.
sub
parse
{
	my ($path) = @_;
	my $chat = { file => $path, set => {}, steps => [] };

	for my $step (steps($path, \&_step)) {
		if ($step->{directive}) {
			die "$path:$step->{line}: '$step->{directive}' must " .
			    "stand before the conversation\n"
			    if @{$chat->{steps}};
			push @{$chat->{set}{$step->{directive}}}, $step;
			next;
		}
		push @{$chat->{steps}}, $step;
	}
	die "$path: no program\n" if !$chat->{set}{program};
	die "$path: no conversation\n" if !@{$chat->{steps}};
	return $chat;
}

my $talk = qr/(C|S)([1-9]?)([|*?~]?):(?: (.*))?/s;
my $verbs = qr/PAUSE|SILENCE|STARTTLS|CLOSE|CLOSED|SHUT|RUN|FILES|FILE|SPOOL|
    LOG|NOLOG|STATUS|WAIT|CONNECT/x;
my $directives = qr/program|option|user|message|file|mode|as|timeout|split|
    tls|from|listen|env|certificate|conf|needs/x;

sub
_step
{
	my ($line) = @_;

	if ($line =~ /^$talk\z/) {
		return { verb => "$1$3", conn => $2 || 1, text => $4 // '' };
	}
	if ($line =~ /^($verbs)([1-9]?)(?:\s+(.*))?\z/) {
		return { verb => $1, conn => $2 || 1, text => $3 // '' };
	}
	if ($line =~ /^($directives)(?:\s+(.*))?\z/) {
		return { directive => $1, text => $2 // '' };
	}
	return undef;
}

# --- setting up -----------------------------------------------------------

sub
_last
{
	my ($chat, $name, $default) = @_;
	my $all = $chat->{set}{$name};

	return $all ? $all->[-1]{text} : $default;
}

# Why this conversation cannot be held here, or undef.
sub
skip_reason
{
	my ($chat) = @_;
	my ($name) = split ' ', _last($chat, 'program');

	return "$name is not built" if !defined Stdmail::program($name);
	return 'needs root' if _last($chat, 'as', '') eq 'root' &&
	    !Stdmail::is_root();
	for my $need (@{$chat->{set}{needs} // []}) {
		return "$need->{text} is missing"
		    if !Stdmail::tool($need->{text});
	}
	my $tls = $chat->{set}{tls} ||
	    grep { $_->{verb} eq 'STARTTLS' } @{$chat->{steps}};
	return Stdmail::Conn::no_tls() if $tls && Stdmail::Conn::no_tls();
	return 'no IPv6 here' if _last($chat, 'listen', '') =~ /:/ &&
	    !IO::Socket::IP->new(LocalHost => '::1', Listen => 1);
	return undef;
}

sub
_site
{
	my ($chat) = @_;
	my $set = $chat->{set};
	my (%users, %conf);

	for my $user (@{$set->{user} // []}) {
		my ($name, $pass) = split ' ', $user->{text}, 2;
		$users{$name} = $pass;
	}
	for my $line (@{$set->{conf} // []}) {
		my ($key, $value) = split ' ', $line->{text}, 2;
		push @{$conf{$key}}, $value // '';
	}
	if (_last($chat, 'certificate', 'yes') eq 'no') {
		@conf{qw(tls_cert tls_key)} = ();
	}
	my $s = Stdmail->new(users => \%users, conf => {},
	    as => _last($chat, 'as', 'nobody'));
	s/\$DIR\b/$s->{dir}/g for map { ref $_ ? @$_ : () } values %conf;
	@{$s->{conf}}{keys %conf} = values %conf;
	$s->write_conf;
	_fill_site($chat, $s);
	return $s;
}

# Files and messages that are there before the program starts.
sub
_fill_site
{
	my ($chat, $s) = @_;

	for my $file (@{$chat->{set}{file} // []}) {
		Stdmail::spew("$s->{dir}/$file->{text}", text_of($file));
	}
	for my $m (@{$chat->{set}{message} // []}) {
		my ($box, @rest) = split ' ', $m->{text};
		my ($flags, $from, $time);
		for my $word (@rest) {
			if ($word eq 'new') { next }
			elsif ($word =~ /^\@(\d+)\z/) { $time = $1 }
			elsif ($word =~ /^cur(?::(\w*))?\z/) {
				$flags = $1 // '';
			} elsif ($word =~ /^<(.+)/) { $from = $1 }
			else { die "message: what is '$word'?\n" }
		}
		my $bytes = defined $from
		    ? Stdmail::slurp(dirname($chat->{file}) . "/$from")
		    : text_of($m);
		$s->preload($box, $bytes, $flags, $time);
	}
	$s->own;
}

# --- holding it -----------------------------------------------------------

# hold(chat, split => bool, verbose => bool): undef when all was as written,
# else the text of what was not.
sub
hold
{
	my ($chat, %o) = @_;
	my $s = _site($chat);
	my $run = { chat => $chat, site => $s, conns => {}, caught => {},
	    %o, loose => [] };
	my $fault;

	eval {
		_begin($run);
		for my $step (@{$chat->{steps}}) {
			$run->{at} = $step->{line};
			_do($run, $step);
		}
		_flush_loose($run);
		1;
	} or $fault = sprintf '%s:%s: %s', $chat->{file}, $run->{at} // '?',
	    $@;
	if (!defined $fault) {
		eval { _after($run); 1 }
		    or $fault = "$chat->{file}: afterwards: $@";
	}
	$fault .= _log_tail($s) if defined $fault;
	$_->close for grep { defined } values %{$run->{conns}};
	if ($run->{pid}) {
		kill 'KILL', -$run->{pid};
		Stdmail::reap($run->{pid}, 2);
	}
	$s->remove;
	return $fault;
}

sub
_log_tail
{
	my ($s) = @_;
	my @lines = split /\n/, $s->log_text;

	splice @lines, 0, @lines - 12 if @lines > 12;
	return join '', map { "\n    log: $_" } @lines;
}

sub
_args
{
	my ($run) = @_;
	my $chat = $run->{chat};
	my ($name, @args) = split ' ', _last($chat, 'program');

	for my $o (@{$chat->{set}{option} // []}) {
		my ($key, $value) = split ' ', $o->{text}, 2;
		$value //= '';
		$value =~ s/\$DIR\b/$run->{site}{dir}/g;
		push @args, '-o', "$key=$value";
	}
	return ($name, @args);
}

sub
_begin
{
	my ($run) = @_;
	my $chat = $run->{chat};
	my ($name, @args) = _args($run);
	my $mode = _last($chat, 'mode', 'listen');
	my %env = map { split /=/, $_->{text}, 2 } @{$chat->{set}{env} // []};

	$run->{mode} = $mode;
	$run->{conn_options} = { split => $run->{split},
	    timeout => _last($chat, 'timeout', 60) };
	if ($mode eq 'listen' || $mode eq 'wait') {
		$run->{server} = $run->{site}->start($name, mode => $mode,
		    args => \@args, env => \%env,
		    listen => _last($chat, 'listen', '127.0.0.1'));
	} elsif ($mode eq 'inetd' || $mode eq 'pipe') {
		@$run{qw(pid session)} = $run->{site}->session($name,
		    mode => $mode, args => \@args, env => \%env,
		    %{$run->{conn_options}});
	} else {
		die "no such mode: $mode\n";
	}
}

# The connection of that number, made when first named.
sub
_conn
{
	my ($run, $n) = @_;
	my $chat = $run->{chat};

	if (!$run->{conns}{$n}) {
		if ($run->{server}) {
			$run->{conns}{$n} = $run->{server}->connect(
			    from => _last($chat, 'from'),
			    %{$run->{conn_options}});
		} else {
			$run->{conns}{$n} = delete $run->{session} //
			    die "mode $run->{mode} has one connection\n";
		}
		$run->{conns}{$n}->starttls if $chat->{set}{tls};
	}
	return $run->{conns}{$n};
}

sub
_say
{
	my ($run, $who, $bytes) = @_;

	print STDERR "$who ", show($bytes), "\n" if $run->{verbose};
}

# One line of the server, checked for its line end.
sub
_hear
{
	my ($run, $n, $bare) = @_;
	my $line = _conn($run, $n)->line;

	_say($run, "S$n", $line);
	die "the server closed the connection\n" if !defined $line;
	if ($bare) {
		$line =~ s/\r?\n\z//;
		return $line;
	}
	die 'a line that does not end in CRLF: ' . show($line) . "\n"
	    if $line !~ s/\r\n\z//;
	return $line;
}

# Lines marked S~ stand for a set: they are gathered and then matched in any
# order.
sub
_flush_loose
{
	my ($run) = @_;
	my @want = splice @{$run->{loose}};

	_send_pending($run) if @want;
	while (@want) {
		my $got = _hear($run, $want[0]{conn});
		my ($i) = grep {
			matches($got, $want[$_]{text}, $run->{caught})
		} 0 .. $#want;
		die 'none of the lines in any order: ' . show($got) . "\n" .
		    join('', map { "    wanted: $_->{text}\n" } @want)
		    if !defined $i;
		splice @want, $i, 1;
	}
}

sub
_do
{
	my ($run, $step) = @_;
	my ($verb, $n, $text) = @$step{qw(verb conn text)};

	if ($verb eq 'S~') {
		push @{$run->{loose}}, $step;
		return;
	}
	_flush_loose($run);
	_send_pending($run) if $verb ne 'C' && $verb ne 'C|';
	my $do = __PACKAGE__->can('_do_' . ({ 'C' => 'client',
	    'C|' => 'client', 'S' => 'server', 'S|' => 'server',
	    'S*' => 'until', 'S?' => 'maybe' }->{$verb} // lc $verb))
	    // die "no such step: $verb\n";
	$do->($run, $step);
}

# Client lines that follow each other go out in one piece.
sub
_send_pending
{
	my ($run) = @_;
	my $pending = delete $run->{pending} // return;

	_say($run, "C$pending->{conn}", $pending->{bytes});
	$run->{refused} = 1
	    if !_conn($run, $pending->{conn})->send($pending->{bytes});
}

sub
_do_client
{
	my ($run, $step) = @_;
	my $bytes = bytes_of($step->{text}, $run->{caught});

	$bytes .= "\r\n" if $step->{verb} eq 'C';
	_send_pending($run) if $run->{pending} &&
	    $run->{pending}{conn} != $step->{conn};
	$run->{pending}{conn} = $step->{conn};
	$run->{pending}{bytes} .= $bytes;
}

sub
_do_server
{
	my ($run, $step) = @_;
	my $got = $run->{unread} // _hear($run, $step->{conn},
	    $step->{verb} eq 'S|');

	delete $run->{unread};
	die "got:    $got\n    wanted: $step->{text}\n"
	    if !matches($got, $step->{text}, $run->{caught});
}

# S*: any number of lines, then this one.
sub
_do_until
{
	my ($run, $step) = @_;
	my @seen;

	for (;;) {
		my $got = $run->{unread} // eval { _hear($run, $step->{conn}) };
		if (!defined $got) {
			die "${\ ($@ =~ s/\n//r)}, waiting for: " .
			    "$step->{text}\n" . join('',
			    map { "    came: $_\n" } @seen);
		}
		delete $run->{unread};
		return if matches($got, $step->{text}, $run->{caught});
		push @seen, show($got);
		shift @seen if @seen > 20;
	}
}

# S?: this line, if it comes.
sub
_do_maybe
{
	my ($run, $step) = @_;

	$run->{unread} //= _hear($run, $step->{conn});
	delete $run->{unread}
	    if matches($run->{unread}, $step->{text}, $run->{caught});
}

sub
_do_pause
{
	my ($run, $step) = @_;

	sleep($step->{text} || 0.2);
}

sub
_do_silence
{
	my ($run, $step) = @_;
	my $c = _conn($run, $step->{conn});

	die 'silence was broken by ' .
	    ($c->{buf} eq '' ? 'the end of the stream' : show($c->{buf})) .
	    "\n" if !$c->silent($step->{text} || 0.3);
}

sub
_do_connect
{
	my ($run, $step) = @_;

	_conn($run, $step->{conn});
}

sub
_do_starttls
{
	my ($run, $step) = @_;

	_conn($run, $step->{conn})->starttls;
}

sub
_do_close
{
	my ($run, $step) = @_;

	_conn($run, $step->{conn})->close;
	$run->{conns}{$step->{conn}} = undef;
}

sub
_do_shut
{
	my ($run, $step) = @_;

	_conn($run, $step->{conn})->half_close;
}

# The server has closed, and said nothing more.
sub
_do_closed
{
	my ($run, $step) = @_;
	my $rest = _conn($run, $step->{conn})->closed;

	$rest = $run->{unread} if defined $run->{unread};
	die 'before the end came ' . show($rest) . "\n" if $rest ne '';
}

sub
_do_run
{
	my ($run, $step) = @_;
	my $s = $run->{site};
	my $text = bytes_of($step->{text}, $run->{caught});
	my ($status, $out, $err) = $s->run(['/bin/sh', '-ec', $text],
	    env => { PATH => "$Stdmail::bin:$ENV{PATH}", DIR => $s->{dir},
	    CONF => $s->{conf_file} });

	die "exit $status from: $text\n$out$err\n" if $status != 0;
	compare($out, $step, $run->{caught}) if $step->{block};
}

# How long something may take, in seconds.
sub _patience { return $_[0]{conn_options}{timeout} }

# FILES glob count: so many files are under it (waits for them).
sub
_do_files
{
	my ($run, $step) = @_;
	my ($glob, $count) = $step->{text} =~ /^(\S+)\s+(\d+)\z/ or
	    die "FILES takes a path and a number\n";
	my @found;

	return if Stdmail::until_true(sub {
		@found = $run->{site}->files($glob);
		return @found == $count;
	}, _patience($run));
	die "$glob: " . @found . " files, wanted $count\n";
}

sub
_do_spool
{
	my ($run, $step) = @_;
	my ($under, $count) = $step->{text} =~ /^(\S+)\s+(\d+)\z/ or
	    die "SPOOL takes a folder of the spool and a number\n";
	my @found;

	return if Stdmail::until_true(sub {
		@found = $run->{site}->spooled($under);
		return @found == $count;
	}, _patience($run));
	die "spool/$under: " . @found . " files, wanted $count\n";
}

# FILE glob, and below it the lines it must have; "..." is any lines.
sub
_do_file
{
	my ($run, $step) = @_;
	my @found = $run->{site}->files($step->{text});

	die "$step->{text}: " . @found . " files, wanted one\n" if @found != 1;
	compare(Stdmail::slurp($found[0]), $step, $run->{caught});
}

sub
_do_log
{
	my ($run, $step) = @_;
	my ($re) = pattern($step->{text}, $run->{caught});

	Stdmail::until_true(sub { $run->{site}->log_text =~ /$re/ },
	    _patience($run)) or die "not in the log: $step->{text}\n";
}

sub
_do_nolog
{
	my ($run, $step) = @_;
	my ($re) = pattern($step->{text}, $run->{caught});

	die "in the log: $step->{text}\n" if $run->{site}->log_text =~ /$re/;
}

# STATUS n: the program (inetd and pipe) has ended with that exit status.
sub
_do_status
{
	my ($run, $step) = @_;
	my $pid = delete $run->{pid} // die "STATUS is for inetd and pipe\n";
	my $status = Stdmail::reap($pid, 60);

	if (!defined $status) {
		$run->{pid} = $pid;
		die "the program has not ended\n";
	}
	die "exit status $status, wanted $step->{text}\n"
	    if $status != $step->{text};
}

# --- afterwards -----------------------------------------------------------

# What must hold after every conversation.
sub
_after
{
	my ($run) = @_;
	my $s = $run->{site};

	_send_pending($run);
	die "unread: '$run->{unread}'\n" if defined $run->{unread};
	for my $n (keys %{$run->{conns}}) {
		my $c = delete $run->{conns}{$n} // next;
		$c->close;
	}
	if ($run->{server}) {
		die "the server died: status $run->{server}{status}\n"
		    if !$run->{server}->alive(0.03);
	} elsif (defined(my $pid = delete $run->{pid})) {
		my $status = Stdmail::reap($pid, 60);
		if (!defined $status) {
			$run->{pid} = $pid;
			die "the session does not end\n";
		}
		die "the session died by signal ${\ ($status - 128)}\n"
		    if $status > 128;
	}
	my @left;
	Stdmail::until_true(sub { !(@left = $s->spooled('tmp')) },
	    _patience($run)) or die "left in spool/tmp: @left\n";
	_after_mail($run);
	_after_log($run);
}

sub
_after_mail
{
	my ($run) = @_;
	my @left;

	Stdmail::until_true(sub {
		!(@left = grep { m{/tmp/[^/]+\z} }
		    map { $run->{site}->files($_) }
		    'Mail/*/tmp', 'Mail/*/.*/tmp');
	}, _patience($run)) or die "left in a Maildir's tmp: @left\n";
}

# A log line about a process that died by a signal, or a sanitizer's report.
my $crash = qr/signal=(?:SIG)?(?:SEGV|ABRT|BUS|SYS|ILL|FPE|4|6|7|8|11|31)\b|
    AddressSanitizer|runtime\ error:|\*\*\*\ stack\ smashing/x;

sub
_after_log
{
	my ($run) = @_;
	my $log = $run->{site}->log_text;

	die "in the log: $1\n" if $log =~ /^(.*$crash.*)$/m;
	for my $user (@{$run->{chat}{set}{user} // []}) {
		my (undef, $pass) = split ' ', $user->{text}, 2;
		next if length $pass < 5 || $pass =~ /^\{/;
		die "the password of a user is in the log\n"
		    if index($log, $pass) >= 0;
	}
}

1;
