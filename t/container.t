# SPDX-License-Identifier: ISC
#
# Proves that stdmail(7) is true: an empty Debian with a real systemd, `make
# install', and the commands of that page, taken from the page itself; then a
# message comes in by port 25 and is read by 143, and one goes from 587 out to
# another host, by socket activation alone.  The host is a container with a
# network of its own; a second network namespace in it is the rest of the
# world.  What is asked inside is in t/container/inside.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

my $top = abs_path(dirname($0) . '/..');
chdir $top or die "$top: $!\n";
my $world = $ENV{STDMAIL_WORLD} // '';
my $variant = $ENV{STDMAIL_VARIANT} // 'plain';
my $page = 'man/stdmail.7';

plan skip_all => 'needs root' if $> != 0;
plan skip_all => 'no world' if !-d "$world/base";
plan skip_all => "the build is '$variant', not what is installed"
    if $variant ne 'plain';

# The literal blocks of a section, in order, as a person would see them.
sub blocks {
	my ($section) = @_;
	my ($in, $block, @found);

	open my $fh, '<', $page or die "$page: $!\n";
	while (<$fh>) {
		if (/^\.S[hs] (.*)/) {
			$in = $1 eq $section;
		} elsif (/^\.Bd -literal/) {
			$block = '';
		} elsif (/^\.Ed/) {
			push @found, $block if $in;
			undef $block;
		} elsif (defined $block) {
			$block .= s/\\e/\\/gr =~ s/\\-/-/gr;
		}
	}
	return @found;
}

# The shell script of a section: lines from "# " on, without what only an
# empty host with a public name can do.
sub script {
	my ($section) = @_;
	my $text = join '', grep { !/certbot/ } blocks($section);

	BAIL_OUT("$page has no section $section") if $text eq '';
	$text =~ s/^# //gm;
	$text =~ s/\$\(openssl passwd -6\)/\$(openssl passwd -6 secret)/g;
	return "set -e\n$text";
}

sub spew {
	my ($file, $text) = @_;

	open my $fh, '>', $file or die "$file: $!\n";
	print $fh $text;
	close $fh or die "$file: $!\n";
}

my $dir = tempdir('container.XXXXXX', DIR => "$top/build");
my $root = "$dir/root";
END { system('rm', '-rf', '--one-file-system', $dir) if defined $dir }
$SIG{$_} = sub { exit 1 } for qw(HUP INT TERM);

system('cp', '-a', '--reflink=auto', "$world/base", $root) == 0 or
    BAIL_OUT("cannot copy $world/base");
my $said = `make -s install SENDMAIL=yes DESTDIR=$root 2>&1`;
is($?, 0, 'make install') or diag($said);

spew("$root/etc/machine-id", '');
mkdir "$root/page" or die "mkdir: $!\n";
spew("$root/page/conf", script('2. Say who you are'));
spew("$root/page/users", script('3. Make users'));
spew("$root/page/cert", script('4. Get a certificate'));
my ($keys) = grep { /smtp-send -K/ } blocks('5. Publish it');
spew("$root/page/keys", "set -e\nexec >/records\n" . $keys =~ s/^# //gmr);
spew("$root/page/start", script('6. Check and start'));
my ($try, $reload) = blocks('7. Try it');
spew("$root/page/try", "set -e\n" . $try =~ s/^# //gmr);
spew("$root/page/reload", "set -e\n" . $reload =~ s/^# //gmr);
spew("$root/page/system", script('SYSTEM USERS'));
system('cp', 't/container/inside', "$root/inside") == 0 or die;
spew("$root/etc/systemd/system/inside.service", <<'END');
[Unit]
After=multi-user.target
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
ExecStart=/usr/bin/perl /inside
StandardOutput=file:/tap
StandardError=file:/errors
TimeoutStartSec=120
END

my @nspawn = qw(t/world-run systemd-nspawn --quiet --register=no
    --keep-unit --link-journal=no --console=pipe --private-network
    --capability=CAP_BPF);
push @nspawn, '--system-call-filter=bpf landlock_create_ruleset ' .
    'landlock_add_rule landlock_restrict_self';
my $pid = fork // die "fork: $!\n";
if ($pid == 0) {
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', "$dir/console";
	open STDERR, '>&', \*STDOUT;
	exec 'timeout', '180', @nspawn, '-D', $root, '--boot',
	    'systemd.wants=inside.service' or exit 127;
}
waitpid $pid, 0;
is($?, 0, 'the container ran and was content');

sub tail {
	my ($file, $n) = @_;
	my @lines = -f $file ? split /^/, `tail -n $n $file` : ();

	diag($_ =~ s/\n//r) for @lines;
}
my ($count, $plan) = (0, -1);
if (open my $fh, '<', "$root/tap") {
	while (<$fh>) {
		if (/^(not )?ok \d+ - (.*)/) {
			ok(!$1, "inside: $2");
			$count++;
		} elsif (/^1\.\.(\d+)/) {
			$plan = $1;
		} elsif (/^# (.*)/) {
			note($1);
		}
	}
}
is($count, $plan, 'all was asked that was to be');
if (!Test::More->builder->is_passing) {
	tail("$dir/console", 20);
	tail("$root/errors", 20);
	tail("$root/tap", 300);
}
done_testing;
