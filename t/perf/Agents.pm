# SPDX-License-Identifier: ISC
#
# Delivery agents of the world, each with a Maildir and a configuration of its
# own in one folder, that are started once for each message: what they are
# called with, and what they have delivered.  Each does for durability what it
# does by default.
package Agents;

use strict;
use warnings;

use File::Path qw(make_path);
use List::Util qw(sum);

use Stdmail;

my $each = ($ENV{STDMAIL_PERF} // "$Stdmail::top/build/t/perf") . '/each';

# Whom they run as: an account that every Debian has, as fdm and maildrop look
# for their user there.
our @user = qw(games games);

# name => what its configuration says for a Maildir; and how it is called.
my %conf = (
	procmail => sub { "DEFAULT=$_[0]/\n" },
	maildrop => sub { "to \"$_[0]\"\n" },
	fdm => sub { "account \"in\" stdin\naction \"box\" maildir \"$_[0]\"\n" .
	    "match all action \"box\"\n" },
	'dovecot-lda' => \&dovecot_conf,
);
my %call = (
	procmail => sub { "/usr/bin/procmail", $_[0] },
	maildrop => sub { "/usr/bin/maildrop", $_[0] },
	fdm => sub { "/usr/bin/fdm", '-q', '-f', $_[0], qw(-m -a in fetch) },
	'dovecot-lda' => sub { "/usr/lib/dovecot/dovecot-lda", '-c', $_[0],
	    '-f', 'alice@a.test' },
);

sub
dovecot_conf
{
	my ($box, $dir, $script) = @_;
	my @sieve = !defined $script ? () : ('protocol lda {',
	    'mail_plugins = sieve', '}', 'plugin {',
	    "sieve = file:$dir/home/.dovecot.sieve", '}');

	return join "\n", "mail_location = maildir:$box", "base_dir = $dir/run",
	    "state_dir = $dir/run", "log_path = $dir/dovecot.log", 'ssl = no',
	    'protocols =', 'first_valid_uid = 1', @sieve, '';
}

# Fifty rules as people write them, of which only the last has something to say
# of the message.
sub
rules
{
	return 'require ["fileinto", "envelope"];' . "\n" . join('', map {
	    "if anyof (header :contains \"List-Id\" \"<list$_.\",\n" .
	    "    address :is \"From\" \"person$_\@else.test\") {\n" .
	    "\tfileinto \"Lists.l$_\";\n\tstop;\n}\n" } 1 .. 47) .
	    "if header :matches [\"Subject\", \"Keywords\"] \"*offer*\" " .
	    "{\n\tdiscard;\n\tstop;\n}\n" .
	    "if envelope :domain :is \"from\" \"evil.test\" " .
	    "{\n\tdiscard;\n\tstop;\n}\n" .
	    "if size :under 1M {\n\tfileinto \"Box\";\n}\n";
}

# Make one in this folder: { name, box, cmd }.  $ours: our program's command,
# which gets the Maildir; with a script, its user has that, and a folder Box.
sub
new
{
	my ($dir, $name, $ours, $script) = @_;
	my $below = defined $script ? "$name-sieve" : $name;
	my $a = { name => $name, dir => "$dir/$below", serial => 0 };
	my $conf = "$a->{dir}/conf";

	$a->{box} = "$a->{dir}/box";
	$a->{folder} = '/.Box' if defined $script;
	make_path("$a->{dir}/run", "$a->{dir}/home");
	Stdmail::spew("$a->{dir}/home/.dovecot.sieve", $script, 0600)
	    if defined $script;
	if ($conf{$name}) {
		Stdmail::spew($conf, $conf{$name}->($a->{box}, $a->{dir},
		    $script), 0600);
		$a->{cmd} = [$call{$name}->($conf)];
	} else {
		my ($uid, $gid) = (getpwnam $user[0])[2, 3];
		Stdmail::spew($conf, "hostname mx.a.test\ndomains a.test\n" .
		    "users $a->{dir}/users\nmail $a->{box}\nfolders\n" .
		    "spool $a->{dir}/none\n", 0600);
		Stdmail::spew("$a->{dir}/users", "$user[0]::$uid:$gid\::" .
		    "$a->{dir}/home:\n", 0600);
		$a->{cmd} = [map { s/BOX/$a->{box}/r =~ s/CONF/$conf/r } @$ours];
	}
	system('chown', '-R', join(':', @user), $a->{dir});
	return $a;
}

# A Maildir without mail; the one before stays beside it, see perf/source.
sub
fresh
{
	my ($a) = @_;

	if (-e $a->{box}) {
		rename $a->{box}, $a->{box} . $a->{serial}++ or
		    die "$a->{box}: $!\n";
	}
	for my $dir (map { ("$a->{box}$_", "$a->{box}$_/cur",
	    "$a->{box}$_/new", "$a->{box}$_/tmp") } '', $a->{folder} // ()) {
		mkdir $dir, 0700 or die "$dir: $!\n";
	}
	system('chown', '-R', join(':', @user), $a->{box});
	system('sync', '-f', $a->{box});
}

sub
tool
{
	my ($a, $world, @cmd) = @_;

	return ($world, 'setpriv', "--reuid=$user[0]", "--regid=$user[1]",
	    '--clear-groups', 'env', "HOME=$a->{dir}/home", "TMPDIR=$a->{dir}/home",
	    "USER=$user[0]", "LOGNAME=$user[0]", '/bin/sh', '-c',
	    'exec "$@" 2>"$0"', "$a->{dir}/home/err", @cmd);
}

# So many runs of it, a message each, in the world: as Bench::client() gives it.
sub
run
{
	my ($a, $world, $count, $message) = @_;

	fresh($a);
	open(my $fh, '-|', tool($a, $world, $each, $count, $message,
	    @{$a->{cmd}})) or die "$a->{name}: $!\n";
	my ($name, $seconds, undef, undef, $cpu) = split ' ', <$fh> // '';
	close $fh or die "$a->{name}: ",
	    Stdmail::slurp("$a->{dir}/home/err");
	my $got = $a->{silent} ? $count : Bench::names(map {
	    "$a->{box}" . ($a->{folder} // '') . "/$_" } qw(cur new));
	die "$a->{name}: $got of $count were delivered\n" if $got != $count;
	return { each => { seconds => $seconds, units => $count, octets => 0,
	    cpu => $cpu } };
}

my @syncs = qw(fsync fdatasync sync_file_range syncfs sync);

# Its system calls for a message: how many in all, and those that wait for the
# disk.
sub
calls
{
	my ($a, $world, $message) = @_;
	my $out = "$a->{dir}/calls";

	fresh($a);
	system(tool($a, $world, '/bin/sh', '-c', 'exec "$@" <' . $message,
	    'sh', '/usr/bin/strace', '-f', '-c', '-o', $out, @{$a->{cmd}})) == 0
	    or die "$a->{name}: strace has failed\n";
	my %n = map { /^(?: *[\d.]+){3} +(\d+) .*?(\w+)$/ ? ($2 => $1) : () }
	    split /\n/, Stdmail::slurp($out);
	delete $n{total};
	return (sum(values %n), join(', ', map { "$_ $n{$_}" }
	    grep { $n{$_} } @syncs) || 'none');
}

1;
