# SPDX-License-Identifier: ISC
#
# A place for one test: a temporary folder with a configuration, users, a
# certificate, a spool and Maildirs, and the means to start the programs in
# it and to stop them.  Nothing of it survives the test, whatever happens;
# only processes started here are ever signalled; nothing needs root, and
# under root the programs run as an unprivileged user unless a test says so.
package Stdmail;

use strict;
use warnings;

use Cwd qw(abs_path);
use Errno qw(EINTR);
use Fcntl qw(F_SETFD);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::IP;
use POSIX qw(:sys_wait_h);
use Socket;
use Time::HiRes qw(time sleep);

use Stdmail::Conn;

our $top = abs_path(dirname(__FILE__) . '/../..');
our $bin = abs_path($ENV{STDMAIL_BIN} // "$top/build/bin") //
    "$top/build/bin";
our $shared = abs_path($ENV{STDMAIL_SHARED} // "$top/../shared") // '';
# Where the programs of t/fault are.
our $fault = dirname($ENV{STDMAIL_UNIT} // "$top/build/t/unit") . '/fault';

# Whom the programs run as when the tests run as root.
our @nobody = (getpwnam('nobody') // 65534, getgrnam('nogroup') // 65534);

my @children;		# process groups to end
my @folders;		# temporary folders to remove
my $owner = $$;		# forked children clean up nothing

sub is_root { return $> == 0 }

# --- finding programs -----------------------------------------------------

# The path of one of our programs, or undef when it is not built.  When
# root's tree cannot be entered by others a copy stands in, with one of
# mda-deliver, which smtpd looks for beside itself.
my %copies;
sub
program
{
	my ($name) = @_;
	my $path = $name =~ m{/} ? $name : "$bin/$name";

	return undef if !-x $path;
	return $path if !is_root() || reachable($path);
	my $dir = dirname($path);
	$copies{$dir} //= folder();
	for my $from (grep { -x } "$dir/mda-deliver", $path) {
		my $copy = "$copies{$dir}/" . ($from =~ s{.*/}{}r);
		next if -x $copy;
		copy($from, $copy) or die "$copy: $!\n";
		chmod 0755, $copy;
	}
	return "$copies{$dir}/" . ($path =~ s{.*/}{}r);
}

# Can everyone execute this path?
sub
reachable
{
	my ($path) = @_;
	my $p = abs_path($path);

	while (defined $p && $p ne '/') {
		my @st = stat($p) or return 0;
		return 0 if !($st[2] & 0001);
		$p = dirname($p);
	}
	return 1;
}

# The command (a list) that runs a tool which is not ours, or an empty list.
# It is looked for in PATH, then in the unpacked world.
sub
tool
{
	my ($name) = @_;

	for my $dir (split(/:/, $ENV{PATH} // ''), '/usr/sbin', '/sbin') {
		return ("$dir/$name") if -x "$dir/$name" && !-d _;
	}
	my $run = "$top/t/world-run";
	if (-x $run && system("$run -t '$name' >/dev/null 2>&1") == 0) {
		return ($run, $name);
	}
	return ();
}

# Skip the whole test file, with the reason, unless all these are there: our
# programs by name, tools as "tool:NAME", "root", "tls", "strace" and the like.
sub
need
{
	for my $what (@_) {
		my $missing;

		if ($what =~ /^tool:(.*)/) {
			$missing = "$1 is missing" if !tool($1);
		} elsif ($what eq 'root') {
			$missing = 'needs root' if !is_root();
		} elsif ($what eq 'tls') {
			$missing = Stdmail::Conn::no_tls();
		} elsif (!defined program($what)) {
			$missing = "$what is not built";
		}
		next if !defined $missing;
		print "1..0 # SKIP $missing\n";
		exit 0;
	}
}

# Our program, run by a tool that lives in the world, finds the world's
# libraries there; those of sanitizers, which it may lack, are lent to it.
# Returns the environment for it.
my $lent;
sub
lend_libraries
{
	my ($path) = @_;

	return () if !-x "$top/t/world-run";
	if (!defined $lent) {
		my @libs = qx{ldd '$path' 2>/dev/null} =~
		    m{=> (/\S*/lib(?:asan|ubsan|gcov)\.so\S*)}g;
		$lent = @libs ? folder() : '';
		copy($_, $lent) or die "$_: $!\n" for @libs;
		chmod 0755, glob("$lent/*") if @libs;
	}
	return $lent ne '' ? (LD_LIBRARY_PATH => $lent) : ();
}

# Can a tool (as tool() gives it) run our program where it lives?
sub
can_run
{
	my ($path, @tool) = @_;

	return 1 if @tool < 2;
	local %ENV = (%ENV, lend_libraries($path));
	return system("$tool[0] '$path' -V >/dev/null 2>&1") == 0;
}

# --- folders and files ----------------------------------------------------

# A temporary folder that everyone may enter, removed at the end.
sub
folder
{
	my $dir = tempdir('stdmail.XXXXXX', TMPDIR => 1);

	chmod 0755, $dir;
	push @folders, $dir;
	return $dir;
}

sub
slurp
{
	my ($path) = @_;

	open(my $fh, '<:raw', $path) or die "$path: $!\n";
	local $/;
	my $all = <$fh>;
	return $all // '';
}

sub
spew
{
	my ($path, $bytes, $mode) = @_;

	make_path(dirname($path));
	open(my $fh, '>:raw', $path) or die "$path: $!\n";
	print $fh $bytes or die "$path: $!\n";
	close($fh) or die "$path: $!\n";
	chmod $mode, $path if defined $mode;
}

# Make a self-signed certificate: (certificate, key) as PEM.
sub
new_certificate
{
	my $dir = folder();
	my $out = qx{openssl req -x509 -newkey ec -pkeyopt \\
	    ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \\
	    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \\
	    -keyout $dir/key.pem -out $dir/cert.pem 2>&1};

	die "openssl: $out\n" if $? != 0;
	return map { slurp("$dir/$_") } qw(cert.pem key.pem);
}

# A certificate for a folder; the same one for all of a run.
my @certificate;
sub
certificate
{
	my ($dir) = @_;

	@certificate = new_certificate() if !@certificate;
	spew("$dir/cert.pem", $certificate[0], 0644);
	spew("$dir/key.pem", $certificate[1], 0600);
}

# --- the site -------------------------------------------------------------

# new(key => value): domain (default a.test), hostname (mx.DOMAIN), users
# ({ name => password }), conf ({ key => value }, undef takes one away; a new
# Maildir has no folders unless it is folders that is taken away), as
# ('nobody' or 'root': only under root does it make a difference).
sub
new
{
	my ($class, %o) = @_;
	my $s = bless {
		domain => 'a.test', as => 'nobody', users => {}, %o,
		dir => folder(), servers => [],
	}, $class;
	my $dir = $s->{dir};

	$s->{hostname} //= "mx.$s->{domain}";
	$s->{spool} = "$dir/spool";
	$s->{log} = "$dir/log";
	$s->{as} = 'me' if !is_root();
	make_path("$dir/Mail", "$dir/home", $s->{spool});
	certificate($dir);
	$s->{conf} = {
		hostname => $s->{hostname}, domains => $s->{domain},
		users => "$dir/users", mail => "$dir/Mail/%u/",
		spool => $s->{spool}, tls_cert => "$dir/cert.pem",
		tls_key => "$dir/key.pem", $s->accounts,
		folders => '', aliases => 'none',
		%{$o{conf} // {}},
	};
	$s->write_conf;
	$s->write_users;
	spew($s->{log}, '', 0666);
	$s->own;
	return $s;
}

# The accounts that stdmail.conf names when the programs start as root.
sub
accounts
{
	my ($s) = @_;

	return () if $s->{as} ne 'root';
	return (door_user => 'nobody', spool_user => 'daemon',
	    mail_user => 'mail');
}

sub
write_conf
{
	my ($s) = @_;
	my $text = '';

	for my $key (sort keys %{$s->{conf}}) {
		my $value = $s->{conf}{$key};
		next if !defined $value;
		$text .= "$key $_\n" for ref $value ? @$value : $value;
	}
	$s->{conf_file} = "$s->{dir}/stdmail.conf";
	# A daemon that is just starting reads the old one or the new one.
	spew("$s->{conf_file}.new", $text, 0644);
	rename "$s->{conf_file}.new", $s->{conf_file}
	    or die "$s->{conf_file}: $!\n";
}

# Passwords are in the clear: hashing is tested elsewhere and takes time.
sub
write_users
{
	my ($s) = @_;
	my $text = '';

	for my $name (sort keys %{$s->{users}}) {
		my $pass = $s->{users}{$name};
		my $home = "$s->{dir}/home/$name";
		my ($uid, $gid) = $s->ids($name);

		$pass = "{PLAIN}$pass" if $pass !~ /^\{/;
		make_path($home);
		$text .= "$name:$pass:$uid:$gid\::$home:\n";
	}
	spew("$s->{dir}/users", $text, 0600);
}

# uid and gid of a user's mail: a number for each under real root.
sub
ids
{
	my ($s, $name) = @_;

	return ($>, $) + 0) if $s->{as} eq 'me';
	return @nobody if $s->{as} ne 'root';
	my $n = 0;
	$n = ($n * 31 + ord) % 997 for split //, $name;
	return (61000 + $n, 61000 + $n);
}

# Give everything to those who run the programs (under root only); the
# folders in the spool are made by the programs, which know their owners.
sub
own
{
	my ($s) = @_;

	return if $s->{as} eq 'me';
	if ($s->{as} eq 'nobody') {
		_chown_tree($s->{dir}, @nobody);
		return;
	}
	chmod 01777, "$s->{dir}/Mail";
	for my $name (keys %{$s->{users}}) {
		for my $path ("$s->{dir}/home/$name", $s->maildir($name)) {
			_chown_tree($path, $s->ids($name)) if -e $path;
		}
	}
}

sub
_chown_tree
{
	my ($path, $uid, $gid) = @_;

	chown $uid, $gid, $path;
	return if -l $path || !-d $path;
	opendir(my $dh, $path) or return;
	for my $name (readdir $dh) {
		_chown_tree("$path/$name", $uid, $gid)
		    if $name ne '.' && $name ne '..';
	}
}

sub maildir { return "$_[0]{dir}/Mail/" . ($_[1] =~ s/\@.*//r) }

# Put a message into a Maildir before the programs see it.  $flags as in the
# name (":2," goes before them); undef puts it into new/.
my $serial = 0;
sub
preload
{
	my ($s, $box, $bytes, $flags, $time) = @_;
	my ($user, $folder) = split m{/}, $box, 2;
	my $dir = $s->maildir($user);

	$dir .= "/.$folder" if defined $folder;
	make_path("$dir/tmp", "$dir/new", "$dir/cur");
	my $wire = $bytes =~ s/(?<!\r)\n/\r\n/gr;
	my $name = sprintf '%d.M%dP%dQ%d.test,S=%d,W=%d', $time // 1700000000,
	    ++$serial, $$, $serial, length $bytes, length $wire;
	my $path = defined $flags ? "$dir/cur/$name:2,$flags"
	    : "$dir/new/$name";
	spew($path, $bytes, 0600);
	utime $time // 1700000000, $time // 1700000000, $path;
	$s->own;
	return $path;
}

# The files under a path of this site (a glob), in order; folders count not.
sub
files
{
	my ($s, $what) = @_;
	my @found;

	for my $path (glob("$s->{dir}/$what")) {
		if (-d $path) {
			opendir(my $dh, $path) or next;
			push @found, map { "$path/$_" }
			    grep { !-d "$path/$_" } sort readdir $dh;
		} elsif (-e $path) {
			push @found, $path;
		}
	}
	return @found;
}

# Everything in the spool but its folders, and what is remembered of clients and
# of TLS.
sub
spooled
{
	my ($s, $under) = @_;
	my @found;
	my $walk;

	$walk = sub {
		my ($dir) = @_;
		opendir(my $dh, $dir) or return;
		for my $name (sort readdir $dh) {
			next if $name =~ /^(?:\.\.?|\.lock|policy|tls)\z/;
			my $path = "$dir/$name";
			if (-d $path) { $walk->($path) }
			else { push @found, $path }
		}
	};
	$walk->($s->{spool} . (defined $under ? "/$under" : ''));
	return @found;
}

# Poll until $what->() is true, at most $seconds.
sub
until_true
{
	my ($what, $seconds) = @_;
	my $deadline = time + ($seconds // 5);

	# Most of what is waited for is there in a moment.
	for (my $nap = 0.0005; ; $nap *= 1.5) {
		my $got = $what->();
		return $got if $got || time > $deadline;
		sleep($nap < 0.01 ? $nap : 0.01);
	}
}

# Before the first site: keep all in memory, where no disk is waited for.  For
# tests that kill processes, which leave the same behind on any disk.
sub
in_memory
{
	$ENV{TMPDIR} //= '/dev/shm' if -d '/dev/shm' && -w _ && -x _;
}

sub log_text { return slurp($_[0]{log}) }

# Messages of the local queue that wait are due now.
sub
make_due
{
	my ($self) = @_;

	for my $path ($self->spooled('local/later')) {
		my ($name) = $path =~ m{/\d+-([^/]+)\z} or next;
		rename $path, "$self->{spool}/local/now/$name";
	}
}

# --- running programs -----------------------------------------------------

# In a forked child: become whom the test says.
sub
_become
{
	my ($as) = @_;

	return if $as eq 'root' || $as eq 'me';
	$) = "$nobody[1] $nobody[1]";
	$( = $nobody[1];
	POSIX::setuid($nobody[0]);
	die "cannot become nobody\n" if $< == 0 || $> == 0;
}

# The command to execute, having become whom the test says.  What runs in the
# world needs root to enter it, and gives it up there.
sub
_in_world
{
	my ($as, @cmd) = @_;

	if ($> != 0 || $as ne 'nobody' || $cmd[0] ne "$top/t/world-run") {
		_become($as);
		return @cmd;
	}
	return (shift @cmd, 'setpriv', "--reuid=$nobody[0]",
	    "--regid=$nobody[1]", '--clear-groups', '--', @cmd);
}

# Start @$cmd with descriptors { 0 => fh, 1 => fh ... }; 2 is the log unless
# given.  Returns the pid; the child leads its own process group.
sub
spawn
{
	my ($s, $cmd, $fds, %o) = @_;
	my $pid = fork // die "fork: $!\n";

	if ($pid) {
		push @children, $pid;
		return $pid;
	}
	eval {
		setpgrp(0, 0);
		$SIG{$_} = 'DEFAULT' for qw(PIPE INT TERM ALRM CHLD);
		open(my $log, '>>', $o{log} // $s->{log}) or die "log: $!\n";
		my %fds = (2 => $log, %$fds);
		open($fds{0}, '<', '/dev/null') if !$fds{0};
		$fds{1} //= $log;
		# Out of the way first, then to the places asked for.
		my %high = map { $_ => _dup_high($fds{$_}) } keys %fds;
		POSIX::dup2($high{$_}, $_) for keys %high;
		chdir($o{cwd} // $s->{dir}) or die "chdir: $!\n";
		my $env = $o{env} // {};
		for my $name (keys %$env) {
			if (defined $env->{$name}) {
				$ENV{$name} = $env->{$name};
			} else {
				delete $ENV{$name};
			}
		}
		$ENV{LISTEN_PID} = $$ if defined $ENV{LISTEN_FDS};
		$^F = 1024;
		my @cmd = _in_world($o{as} // $s->{as}, @$cmd);
		no warnings 'exec';
		exec { $cmd[0] } @cmd or die "$cmd[0]: $!\n";
	};
	print STDERR "# spawn: $@";
	POSIX::_exit(126);
}

# A copy of the handle at 64 or above, which exec closes.
sub
_dup_high
{
	my ($fh) = @_;
	my $fd = fcntl($fh, 1030, 64) or die "dup: $!\n";  # F_DUPFD_CLOEXEC

	return $fd;
}

# The command line of one of our programs in this site.
sub
command
{
	my ($s, $name, @args) = @_;
	my $path = program($name) // die "$name is not built\n";

	return ($path, '-c', $s->{conf_file}, @args);
}

# Run to the end: (exit status, stdout, stderr).  The status is that of
# wait(2) shifted, or 128 + signal.  Options: stdin, timeout, as, env, cwd.
sub
run
{
	my ($s, $cmd, %o) = @_;
	my $dir = folder();
	open(my $out, '+>', "$dir/out") or die "$!\n";
	open(my $err, '+>', "$dir/err") or die "$!\n";
	my %fds = (1 => $out, 2 => $err);
	my $feeder;

	if (defined $o{stdin}) {
		pipe(my $r, my $w) or die "pipe: $!\n";
		$feeder = fork // die "fork: $!\n";
		if (!$feeder) {
			$SIG{PIPE} = 'IGNORE';
			close($r);
			for (my $at = 0; $at < length $o{stdin}; ) {
				$at += syswrite($w, $o{stdin}, 65536, $at)
				    // last;
			}
			POSIX::_exit(0);
		}
		close($w);
		$fds{0} = $r;
	}
	my $pid = $s->spawn($cmd, \%fds, %o);
	close(delete $fds{0}) if $fds{0};
	my $status = reap($pid, $o{timeout} // 60);
	if (!defined $status) {
		kill 'KILL', -$pid;
		$status = reap($pid, 5) // 0;
		$status = 128 + 14;
	}
	waitpid($feeder, 0) if $feeder;
	@children = grep { $_ != $pid } @children;
	my @text = (slurp("$dir/out"), slurp("$dir/err"));
	remove_tree($dir);
	@folders = grep { $_ ne $dir } @folders;
	return ($status, @text);
}

# Run a tool that is not ours to the end, as the user who runs the tests, with a
# home of its own (DIR/client).
sub
run_tool
{
	my ($s, $name, $args, %o) = @_;
	my @cmd = tool($name) or die "$name is missing\n";
	my $home = "$s->{dir}/client";

	make_path($home);
	return $s->run([@cmd, @$args], as => 'me', cwd => $home, %o,
	    env => { HOME => $home, LC_ALL => 'C.UTF-8', %{$o{env} // {}} });
}

# The same on a terminal, for tools that insist: (exit status, what it showed).
# Option keys: [[PATTERN, KEYS], ...]: when what it shows from there on has the
# pattern, it is sent the keys, in this order.
sub
run_tool_tty
{
	my ($s, $name, $args, %o) = @_;
	my @cmd = tool($name) or die "$name is missing\n";
	my $home = "$s->{dir}/client";
	my ($n, $shown, $status) = (pack('i', 0), '');
	my @keys = @{delete $o{keys} // []};

	make_path($home);
	open(my $master, '+<', '/dev/ptmx') or die "/dev/ptmx: $!\n";
	ioctl($master, 0x40045431, $n);	# TIOCSPTLCK
	ioctl($master, 0x80045430, $n);		# TIOCGPTN
	my $path = '/dev/pts/' . unpack 'i', $n;
	open(my $tty, '+<', $path) or die "$path: $!\n";
	my $pid = $s->spawn([@cmd, @$args], { 0 => $tty, 1 => $tty,
	    2 => $tty }, as => 'me', cwd => $home, %o, env => {
	    HOME => $home, TERM => 'vt100', LINES => 24, COLUMNS => 80,
	    LC_ALL => 'C.UTF-8', %{$o{env} // {}} });
	close($tty);
	until_true(sub {
		vec(my $r = '', fileno($master), 1) = 1;
		sysread($master, $shown, 4096, length $shown)
		    if select($r, undef, undef, 0.02) > 0;
		while (@keys && $shown =~ /\G.*?$keys[0][0]/gcs) {
			syswrite($master, shift(@keys)->[1]);
		}
		return defined($status = reap($pid, 0));
	}, $o{timeout} // 60);
	$status //= end_child($pid);
	@children = grep { $_ != $pid } @children;
	return ($status, $shown);
}

# TAP: are two texts the same?  A difference is shown by its place alone.
sub
same
{
	my ($got, $want, $what) = @_;

	$got //= '';
	return 1 if Test::More::ok($got eq $want, $what);
	my $at = 0;
	my $min = length $got < length $want ? length $got : length $want;
	$at++ while $at < $min && substr($got, $at, 1) eq substr($want, $at, 1);
	my $from = $at < 30 ? 0 : $at - 30;
	Test::More::diag("they differ from byte $at on (" . length($got) .
	    ' and ' . length($want) . ")\n  got:    " .
	    _plain(substr $got, $from, 100) . "\n  wanted: " .
	    _plain(substr $want, $from, 100));
	return 0;
}

sub
_plain
{
	my ($text) = @_;

	$text =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ge;
	return $text;
}

# Run one of our programs to the end, as run().
sub
run_program
{
	my ($s, $name, $args, %o) = @_;

	return $s->run([$s->command($name, @$args)], %o);
}

# Run a function of the test in a child that ends with the test at the latest.
sub
fork_child
{
	my ($what) = @_;
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		setpgrp(0, 0);
		$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM);
		eval { $what->(); 1 } or print STDERR "# $@";
		POSIX::_exit(0);
	}
	push @children, $pid;
	return $pid;
}

sub
end_child
{
	my ($pid) = @_;

	kill 'KILL', $pid, -$pid;
	my $status = reap($pid, 5);
	@children = grep { $_ != $pid } @children;
	return $status;
}

# Wait for a child: its status as run() gives it, or undef after $seconds.
sub
reap
{
	my ($pid, $seconds) = @_;
	my $status;

	until_true(sub {
		my $got = waitpid($pid, WNOHANG);
		return 0 if $got == 0;
		$status = $got < 0 ? 0 : $? & 127 ? 128 + ($? & 127)
		    : $? >> 8;
		return 1;
	}, $seconds);
	return $status;
}

# Does a process run with this word in its command line?
sub
runs_with
{
	my ($word) = @_;

	for my $path (glob '/proc/[0-9]*/cmdline') {
		open(my $fh, '<', $path) or next;
		local $/;
		return 1 if index(<$fh> // '', $word) >= 0;
	}
	return 0;
}

# --- servers --------------------------------------------------------------

# Ports of 127.0.0.1 that nobody uses now, by UDP or TCP.  They are none of those
# that the kernel gives away by itself, from 32768 on, in a moment to another
# test.
sub
free_ports
{
	my ($n) = @_;
	my (@ports, @held);

	for (1 .. 1000) {
		last if @ports == $n;
		my $port = 10000 + ($$ * 7 + int rand 22000) % 22000;
		my @socks = map { IO::Socket::IP->new(
		    LocalHost => '127.0.0.1', LocalPort => $port, @$_) // () }
		    [Proto => 'udp'], [Proto => 'tcp', Listen => 1];
		next if @socks < 2;
		push @held, @socks;
		push @ports, $port;
	}
	die "no free port\n" if @ports < $n;
	return @ports;
}

# Start a daemon on a listening socket of a free port.  Options: args, listen
# (address), port, mode 'listen' (descriptor 3, LISTEN_FDS) or 'wait' (descriptor
# 0), as, env.  Returns the server: { pid, port, addr, site }.
sub
start
{
	my ($s, $name, %o) = @_;
	my $addr = $o{listen} // '127.0.0.1';
	my $sock = IO::Socket::IP->new(LocalHost => $addr, LocalPort => $o{port}
	    // 0, Listen => 256, ReuseAddr => 1) or die "listen $addr: $@\n";
	my $fds = ($o{mode} // 'listen') eq 'wait' ? { 0 => $sock, 1 => $sock }
	    : { 3 => $sock };
	my %env = (%{$o{env} // {}});

	$env{LISTEN_FDS} = $fds->{3} ? 1 : undef;
	my $srv = bless {
		site => $s, name => $name, addr => $addr,
		port => $sock->sockport,
		pid => $s->spawn([$s->command($name, @{$o{args} // []})],
		    $fds, %o, env => \%env),
	}, 'Stdmail::Server';
	push @{$s->{servers}}, $srv;
	return $srv;
}

# One session on a connected socket or a pair of pipes.  Options: args, mode
# ('inetd' or 'pipe'), as, env, and those of Stdmail::Conn.  Returns (pid,
# connection).
sub
session
{
	my ($s, $name, %o) = @_;
	my $mode = $o{mode} // 'inetd';
	my ($in, $out, $theirs_in, $theirs_out);

	if ($mode eq 'pipe') {
		pipe($in, $theirs_out) or die "pipe: $!\n";
		pipe($theirs_in, $out) or die "pipe: $!\n";
	} else {
		my $l = IO::Socket::IP->new(LocalHost => '127.0.0.1',
		    LocalPort => 0, Listen => 1) or die "listen: $@\n";
		$in = $out = IO::Socket::IP->new(PeerHost => '127.0.0.1',
		    PeerPort => $l->sockport) or die "connect: $@\n";
		$theirs_in = $theirs_out = $l->accept;
	}
	my $pid = $s->spawn([$s->command($name, @{$o{args} // []})],
	    { 0 => $theirs_in, 1 => $theirs_out }, %o,
	    env => { LISTEN_FDS => undef, %{$o{env} // {}} });
	return ($pid, Stdmail::Conn->new(in => $in, out => $out,
	    map { $_ => $o{$_} } grep { exists $o{$_} } qw(timeout split)));
}

# Stop everything started here.
sub
stop
{
	my ($s) = @_;

	$_->stop for @{$s->{servers}};
	$s->{servers} = [];
}

# The site is no longer needed: stop everything, remove the folder.
sub
remove
{
	my ($s) = @_;

	$s->stop;
	return if $ENV{STDMAIL_KEEP};
	remove_tree($s->{dir});
	@folders = grep { $_ ne $s->{dir} } @folders;
}

package Stdmail::Server;

use Time::HiRes qw(time sleep);

# A new connection.  Options: from (local address), and those of Conn.
sub
connect
{
	my ($srv, %o) = @_;
	my $from = delete $o{from};
	my $sock = IO::Socket::IP->new(PeerHost => $srv->{addr},
	    PeerPort => $srv->{port},
	    ($from ? (LocalHost => $from) : ())) or
	    die "connect $srv->{addr} $srv->{port}: $@\n";

	return Stdmail::Conn->new(in => $sock, out => $sock, %o);
}

# Does the process live, and still after $grace seconds?  A dead one is reaped
# and remembered.
sub
alive
{
	my ($srv, $grace) = @_;

	return 0 if defined $srv->{status};
	$srv->{status} = Stdmail::reap($srv->{pid}, $grace // 0);
	return !defined $srv->{status};
}

# End it: asked first, then, after some seconds, without asking, with all its
# sessions.
sub
stop
{
	my ($srv, $seconds) = @_;

	kill 'TERM', $srv->{pid} if $srv->alive;
	$srv->{status} //= Stdmail::reap($srv->{pid}, $seconds // 3);
	kill 'KILL', -$srv->{pid};
	$srv->{status} //= Stdmail::reap($srv->{pid}, 3) // 137;
	@children = grep { $_ != $srv->{pid} } @children;
	return $srv->{status};
}

package Stdmail;

# --- the end --------------------------------------------------------------

sub
cleanup
{
	return if $$ != $owner;
	for my $pid (splice @children) {
		kill 'KILL', -$pid;
		waitpid($pid, 0);
	}
	remove_tree(splice @folders) if !$ENV{STDMAIL_KEEP};
	print STDERR "# kept: @folders\n" if @folders;
}

$SIG{PIPE} = 'IGNORE';
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);

END {
	my $status = $?;

	cleanup();
	$? = $status;
}

1;
