# SPDX-License-Identifier: ISC
#
# Reads a scene (a .scene file, see t/deliver/README) and plays it with the
# real mda-deliver: who lives here, what comes, and where everything lies then.
# It must never pass a scene of which a message is somewhere that the scene
# does not name, and never say less than which line went wrong.
package Stdmail::Scene;

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path);

use Stdmail;
use Stdmail::Accounts;
use Stdmail::Script qw(steps bytes_of text_of pattern matches compare);

my $setting = qr/user|conf|aliases|virtual|file|home|folder|message|as|needs/;
my $verbs = qr/DELIVER|PIPE|SUBMIT|QUEUE|AGAIN|EXIT|SAID|BOX|FILE|NOFILE|OWNER|
    WAITS|REMOTE|SENT|BOUNCE|LOG|NOLOG|RUN|ROOT|NEXT/x;

# --- reading --------------------------------------------------------------

sub
_step
{
	return $_[0] =~ /^($setting|$verbs)(?:\s+(.*))?\z/ ?
	    { verb => $1, text => $2 // '' } : undef;
}

# parse(path): { file, set => [...], steps => [...] }, each { line, verb, text,
# block }.
sub
parse
{
	my ($path) = @_;
	my $scene = { file => $path, set => [], steps => [] };

	for my $step (steps($path, \&_step)) {
		my $sets = $step->{verb} =~ /^$setting\z/ &&
		    $step->{verb} ne 'message';
		die "$path:$step->{line}: this must stand before what " .
		    "happens\n" if $sets && @{$scene->{steps}};
		push @{$scene->{$sets ? 'set' : 'steps'}}, $step;
	}
	die "$path: nothing happens\n"
	    if !grep { $_->{verb} =~ /^(?:DELIVER|PIPE|QUEUE)\z/ }
	    @{$scene->{steps}};
	return $scene;
}

sub _all { return map { $_->{text} } grep { $_->{verb} eq $_[1] }
    @{$_[0]{set}} }

# The programs that put mail into the spool.
sub
put
{
	return Stdmail::program("$Stdmail::fault/put");
}

# How it can be played here: 'me', or under root as 'nobody', as 'root' with a
# uid for each user of a file, and with 'accounts' of the system.
sub
ways
{
	my ($scene) = @_;
	my @ways = !Stdmail::is_root() ? 'me' : ('nobody', 'root',
	    Stdmail::Accounts::possible() ? 'accounts' : ());
	my ($as) = _all($scene, 'as');

	return @ways if !defined $as;
	return grep { my $way = $_; grep { $_ eq $way } split ' ', $as } @ways;
}

# Why it cannot be played here, or undef.
sub
skip_reason
{
	my ($scene) = @_;

	return 'mda-deliver is not built'
	    if !defined Stdmail::program('mda-deliver') || !defined put();
	for my $need (_all($scene, 'needs')) {
		return "$need is missing" if !Stdmail::tool($need);
	}
	return undef;
}

# --- setting up -----------------------------------------------------------

sub
_text
{
	my ($play, $step) = @_;

	return text_of($step) =~ s/\$DIR\b/$play->{site}{dir}/gr =~
	    s/\$ME\b/$play->{me}/gr;
}

sub
_site
{
	my ($scene, $as) = @_;
	my %users = map { $_ => 'x' } _all($scene, 'user');
	my $s = Stdmail->new(users => \%users, as => $as eq 'accounts' ?
	    'root' : $as);

	for my $line (_all($scene, 'conf')) {
		my ($key, $value) = split ' ', $line, 2;
		$s->{conf}{$key} = ($value // '') =~
		    s/\$DIR\b/$s->{dir}/gr;
	}
	$s->write_conf;
	Stdmail::Accounts::give($s, keys %users) if $as eq 'accounts';
	return $s;
}

# A file as the scene has it: its text, mode=, of=USER.
sub
_file
{
	my ($play, $step, $path, @words) = @_;
	my $s = $play->{site};
	my %o = map { /^(mode|of)=(.+)\z/ ? ($1 => $2) :
	    die "what is '$_'?\n" } @words;
	my @ids = defined $o{of} ? $s->ids($o{of}) : ();

	make_path(dirname($path));
	chown @ids, dirname($path) if @ids && Stdmail::is_root();
	Stdmail::spew($path, _text($play, $step), oct($o{mode} // '0644'));
	chown @ids, $path if @ids && Stdmail::is_root();
}

sub
_folder
{
	my ($s, $user, $name) = @_;
	my $box = $s->maildir($user);
	my @dirs = map { ($_, "$_/cur", "$_/new", "$_/tmp") } $box,
	    "$box/.$name";

	make_path(@dirs);
	Stdmail::spew("$box/.$name/maildirfolder", '', 0600);
	chown $s->ids($user), @dirs, "$box/.$name/maildirfolder"
	    if Stdmail::is_root();
}

sub
_set
{
	my ($play, $step) = @_;
	my $s = $play->{site};
	my ($verb, @words) = ($step->{verb}, split ' ', $step->{text});

	if ($verb eq 'aliases' || $verb eq 'virtual') {
		_file($play, $step, "$s->{dir}/$verb", @words);
		$s->{conf}{$verb} = "$s->{dir}/$verb";
		$s->write_conf;
	} elsif ($verb eq 'file') {
		my $path = "$s->{dir}/" . shift @words;
		_file($play, $step, $path, @words);
	} elsif ($verb eq 'home') {
		my ($user, $name) = splice @words, 0, 2;
		_file($play, $step, "$s->{dir}/home/$user/$name", "of=$user",
		    'mode=0600', @words);
	} elsif ($verb eq 'folder') {
		_folder($s, @words);
	}
}

# --- playing it -----------------------------------------------------------

# play(scene, as): undef when all was as written, else the text of what was not.
sub
play
{
	my ($scene, $as) = @_;
	my $s = _site($scene, $as);
	my $play = { scene => $scene, site => $s, caught => {}, log => '',
	    status => 0, me => scalar getpwuid($as eq 'nobody' ?
	    $Stdmail::nobody[0] : $>), message => "Subject: hello\n\ntext\n" };
	my $fault;

	eval {
		$s->own;
		for my $step (@{$scene->{set}}, @{$scene->{steps}}) {
			$play->{at} = $step->{line};
			my $sets = $step->{verb} =~ /^$setting\z/;
			_expect_success($play) if $step->{verb} ne 'EXIT';
			if ($step->{verb} eq 'message') {
				$play->{message} = _text($play, $step);
			} elsif ($sets) {
				_set($play, $step);
			} else {
				__PACKAGE__->can('_do_' . lc $step->{verb})
				    ->($play, $step);
			}
		}
		_expect_success($play);
		_after($play);
		1;
	} or $fault = "$scene->{file}:$play->{at}: $@";
	if (defined $fault) {
		my @log = split /\n/, $play->{log};
		$fault .= join '', map { "    log: $_\n" }
		    @log > 12 ? @log[-12 .. -1] : @log;
		$fault .= join '', map { "    there: $_\n" } _there($s);
	}
	Stdmail::Accounts::take();
	$s->remove;
	return $fault;
}

# All mail there is, for who looks at a failure.
sub
_there
{
	my ($s) = @_;

	return grep { !/maildirsize|\.lock/ } map { s{^\Q$s->{dir}\E/}{}r }
	    $s->spooled, split /\n/, qx{find $s->{dir}/Mail -type f};
}

# A program that is not asked for its exit code has to say 0.
sub
_expect_success
{
	my ($play) = @_;

	my $status = $play->{status};
	$play->{status} = 0;
	die "exit $status: $play->{said}\n" if $status != 0;
}

sub
_ran
{
	my ($play, $status, $out, $err) = @_;

	$play->{status} = $status;
	$play->{said} = $err;
	$play->{log} .= $err;
	die "on standard output: $out\n" if $out ne '';
}

sub
_words
{
	my ($play, $text) = @_;
	my $dir = $play->{site}{dir};

	return map { bytes_of($_, {}) =~ s/\$DIR\b/$dir/gr }
	    split ' ', $text;
}

sub
_do_deliver
{
	my ($play, $step) = @_;
	my $s = $play->{site};
	my %env = map { /^(\w+)=(.*)\z/ } @{$step->{block} // []};

	_ran($play, $s->run([$s->command('mda-deliver', _words($play,
	    $step->{text}))], stdin => $play->{message}, env => \%env,
	    timeout => 60));
}

# What makes a command one of this user's.
sub
as_user
{
	my ($s, $user, @cmd) = @_;
	my ($uid, $gid) = $s->ids($user);

	return @cmd if $s->{as} ne 'root';
	return ((Stdmail::tool('setpriv')), "--reuid=$uid", "--regid=$gid",
	    '--clear-groups', @cmd);
}

# PIPE USER ARG...: as another MTA or the user's own program calls it.
sub
_do_pipe
{
	my ($play, $step) = @_;
	my $s = $play->{site};
	my ($user, @args) = _words($play, $step->{text});
	my $home = "$s->{dir}/home/$user";
	my %env = (HOME => $home, USER => $user, LOGNAME => $user,
	    map { /^(\w+)=(.*)\z/ } @{$step->{block} // []});

	_ran($play, $s->run([as_user($s, $user, $s->command('mda-deliver',
	    @args))], stdin => $play->{message}, env => \%env, cwd => $home,
	    timeout => 60));
}

# SUBMIT FROM TO...: as smtpd does, which knows whose mailbox it is.
sub
_do_submit
{
	my ($play, $step) = @_;
	my $s = $play->{site};
	my ($from, @to) = _words($play, $step->{text});
	my ($user) = @to == 1 ? $to[0] =~ /^([^+@]+)\@/ : ();
	my $owner = defined $user && $s->{users}{$user} && $s->{as} eq 'root'
	    ? ($s->ids($user))[0] : -1;
	my ($status, $id, $err) = $s->run([put(), $s->{conf_file}, 'local',
	    1, '-', $from, @to], stdin => $play->{message}, env => {
	    PUT_OWNER => $owner });

	die "not spooled: $err\n" if $status;
	chomp($play->{caught}{id} = $id);
}

sub
_do_queue
{
	my ($play, $step) = @_;
	my $s = $play->{site};

	_ran($play, $s->run([$s->command('mda-deliver', '-q',
	    _words($play, $step->{text}))], timeout => 120));
}

# What was put off is due: another run.
sub
_do_again
{
	my ($play, $step) = @_;

	$play->{site}->make_due;
	_do_queue($play, $step);
}

sub
_do_exit
{
	my ($play, $step) = @_;
	my ($re) = pattern($step->{text}, {});
	my $status = $play->{status};

	$play->{status} = 0;
	die "exit $status, wanted $step->{text}: $play->{said}\n"
	    if $status !~ /\A$re\z/;
}

# What it said: one line.
sub
_do_said
{
	my ($play, $step) = @_;
	my ($re) = pattern($step->{text}, $play->{caught});

	die "it said: $play->{said}" if $play->{said} !~ /\A[^\n]*$re[^\n]*\n\z/;
}

# The messages of USER[/FOLDER], oldest first.
sub
box
{
	my ($s, $box) = @_;
	my ($user, $folder) = split m{/}, $box, 2;
	my $dir = $s->maildir($user) =~ s{^\Q$s->{dir}\E/}{}r;

	$dir .= "/.$folder" if defined $folder;
	return sort { (split m{/}, $a)[-1] cmp (split m{/}, $b)[-1] }
	    map { $s->files("$dir/$_") } qw(new cur);
}

# BOX USER[/FOLDER] N [flags=LETTERS]: so many messages, and below it the
# lines of the last.
sub
_do_box
{
	my ($play, $step) = @_;
	my ($box, $n, $flags) = split ' ', $step->{text};
	my @have = box($play->{site}, $box);

	$play->{boxes}{$box} = 1;
	die "$box: " . @have . " messages, wanted $n\n" if @have != $n;
	if (defined $flags) {
		my ($is) = $have[-1] =~ /:2,(\w*)\z/;
		die "its flags are " . ($is // 'none') . "\n"
		    if 'flags=' . ($is // '') ne $flags;
	}
	compare(Stdmail::slurp($have[-1]), $step, $play->{caught})
	    if $step->{block};
}

sub
_path
{
	my ($play, $text) = @_;

	return map { "$play->{site}{dir}/$_" } split ' ', $text;
}

sub
_do_file
{
	my ($play, $step) = @_;
	my ($path) = _path($play, $step->{text});

	die "$step->{text} is not there\n" if !-f $path;
	compare(Stdmail::slurp($path) =~
	    s/\Q$play->{site}{dir}\E/\$DIR/gr, $step, $play->{caught});
}

sub
_do_nofile
{
	my ($play, $step) = @_;
	my ($path) = _path($play, $step->{text});

	die "$step->{text} is there\n" if -e $path;
}

# OWNER PATH USER: it and what it holds is his.
sub
_do_owner
{
	my ($play, $step) = @_;
	my ($path, $user) = split ' ', $step->{text};
	my $s = $play->{site};
	my ($uid) = $user eq 'nobody' ? $Stdmail::nobody[0] : $s->ids($user);

	for my $file (split /\n/, qx{find $s->{dir}/$path}) {
		my $is = (lstat $file)[4];
		die "$file is $is\'s, not $uid\'s\n" if $is != $uid;
	}
}

sub
_do_waits
{
	my ($play, $step) = @_;
	my @have = grep { m{/(?:now|later)/} } $play->{site}->spooled('local');

	$play->{waits} = $step->{text};
	die @have . " wait, not $step->{text}\n" if @have != $step->{text};
}

# The messages in spool/remote: { id, from, to, text }.
sub
remote
{
	my ($s) = @_;
	my @found;

	for my $path (grep { m{/(?:now|later)/} } $s->spooled('remote')) {
		my ($id) = $path =~ m{([^/,]+),[^/]*\z};
		$id =~ s{^\d+-}{};
		my $env = Stdmail::slurp("$s->{spool}/remote/env/$id");
		push @found, { id => $id, text => Stdmail::slurp($path),
		    from => $env =~ /^sender (\S+)$/m ? "$1" : '<>',
		    to => join(',', sort $env =~ /^to \S+ (\S+)/mg) };
	}
	return @found;
}

sub
_do_remote
{
	my ($play, $step) = @_;
	my @have = remote($play->{site});

	$play->{remote} = $step->{text};
	die @have . " in spool/remote, not $step->{text}: " .
	    join('; ', map { "$_->{from} to $_->{to}" } @have) . "\n"
	    if @have != $step->{text};
}

# SENT FROM TO,TO: one in spool/remote, and below it its lines.
sub
_do_sent
{
	my ($play, $step) = @_;
	my ($from, $to) = split ' ', $step->{text};
	my @have = remote($play->{site});
	my @fit = grep { ($_->{from} eq $from ||
	    matches($_->{from}, $from, $play->{caught})) &&
	    $_->{to} eq join ',', sort split /,/, $to } @have;

	die 'none of ' . join('; ', map { "$_->{from} to $_->{to}" } @have) .
	    "\n" if @fit != 1;
	$play->{known}{$fit[0]{id}} = 1;
	compare($fit[0]{text}, $step, $play->{caught})
	    if $step->{block};
}

# BOUNCE TO text: one bounce to that sender has it, wherever it waits.
sub
_do_bounce
{
	my ($play, $step) = @_;
	my ($to, $text) = split ' ', $step->{text}, 2;
	my ($re) = pattern($text, $play->{caught});
	my $s = $play->{site};
	my @have = grep { $_->{from} eq '<>' && $_->{to} eq $to } remote($s);

	for my $path ($s->spooled('local')) {
		my ($id) = $path =~ m{/(?:now/|later/\d+/\d+-)([^/,]+),} or
		    next;
		my $text = Stdmail::slurp($path);
		push @have, { id => $id, text => $text }
		    if $text =~ /^To: <\Q$to\E>$/m &&
		    $text =~ m{^Content-Type: multipart/report}m;
	}
	die @have . " bounces to $to\n" if @have != 1;
	$play->{known}{$have[0]{id}} = 1;
	die "the bounce:\n$have[0]{text}\n"
	    if $have[0]{text} =~ s/\n[ \t]+/ /gr !~ $re;
}

sub
_do_log
{
	my ($play, $step) = @_;
	my ($re) = pattern($step->{text}, $play->{caught});

	die "not in the log: $step->{text}\n" if $play->{log} !~ $re;
}

sub
_do_nolog
{
	my ($play, $step) = @_;
	my ($re) = pattern($step->{text}, $play->{caught});

	die "in the log: $step->{text}\n" if $play->{log} =~ $re;
}

# RUN USER command: as that user, in the folder.  ROOT: as who runs the test.
sub
_do_run
{
	my ($play, $step) = @_;
	my ($user, $command) = split ' ', $step->{text}, 2;
	my $s = $play->{site};
	my @cmd = as_user($s, $user, '/bin/sh', '-ec', $command);

	_shell($play, $step, $s->run(\@cmd, env => { DIR => $s->{dir} }));
}

sub
_do_root
{
	my ($play, $step) = @_;
	my $s = $play->{site};

	_shell($play, $step, $s->run(['/bin/sh', '-ec', $step->{text}],
	    as => Stdmail::is_root() ? 'root' : 'me',
	    env => { DIR => $s->{dir} }));
}

sub
_shell
{
	my ($play, $step, $status, $out, $err) = @_;

	die "exit $status: $out$err\n" if $status;
	compare($out, $step, $play->{caught}) if $step->{block};
}

# NEXT: all mail is taken away, the log is forgotten; the next message comes.
sub
_do_next
{
	my ($play) = @_;
	my $s = $play->{site};

	_after($play);
	unlink $s->spooled, grep { m{/(?:new|cur)/[^/]+\z} }
	    split /\n/, qx{find $s->{dir}/Mail -type f};
	$play->{log} = '';
	delete @$play{qw(boxes waits remote known)};
}

# --- afterwards -----------------------------------------------------------

# Nothing lies where the scene has not looked, nothing is half done, nobody
# crashed.
sub
_after
{
	my ($play) = @_;
	my $s = $play->{site};
	my (@files) = _there($s);

	$play->{at} .= ', afterwards';
	die "a process died: $1\n" if $play->{log} =~ /^(.*(?:\bsignal=|
	    Sanitizer|runtime\ error).*)$/mx;
	for my $file (@files) {
		die "left: $file\n" if $file =~ m{(?:^|/)tmp/};
		die "nobody asked for $file\n" if $file =~
		    m{^Mail/([^/]+)/(?:\.([^/]+)/)?(?:new|cur)/} &&
		    !$play->{boxes}{defined $2 ? "$1/$2" : $1};
	}
	my @waits = grep { !$play->{known}{$_} } map {
	    m{/(?:now/|later/\d+/\d+-)([^/,]+),} ? "$1" : () }
	    $s->spooled('local');
	my @remote = grep { !$play->{known}{$_->{id}} } remote($s);
	die "they wait: @waits\n" if @waits && !defined $play->{waits};
	die 'in spool/remote: ' . join('; ', map { "$_->{from} to $_->{to}" }
	    @remote) . "\n" if @remote && !defined $play->{remote};
	my %has = map { m{/(?:later/\d+/\d+-|now/|held/\d+-)([^/,]+),} ?
	    ($1 => 1) : () } $s->spooled;
	for my $env (grep { m{/env/} } $s->spooled) {
		die "an envelope without a message: $env\n"
		    if !$has{$env =~ s{.*/}{}r};
	}
}

1;
