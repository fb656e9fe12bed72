# SPDX-License-Identifier: ISC
#
# Proves the systemd units without a running systemd: they verify without a
# word, start programs that exist with options these know, listen on the right
# ports, never fail for good, and score 2.0 or less in `systemd-analyze
# security' (2.5 or less with the drop-in for system users); the one that
# runs users' programs 0.7 more.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Temp qw(tempdir);
use Test::More;

my $top = abs_path(dirname($0) . '/..');
my $bin = $ENV{STDMAIL_BIN} // "$top/build/bin";
chdir $top or die "$top: $!\n";
system('t/world-run -t systemd-analyze') == 0 or
    plan skip_all => 'no systemd-analyze here, and no world';

my $dir = tempdir(CLEANUP => 1);
my @units = sort map { glob "*/*.$_" } qw(service socket path timer);
my %text;

sub slurp {
	my ($file) = @_;

	open my $fh, '<', $file or die "$file: $!\n";
	local $/;
	return scalar <$fh>;
}

sub spew {
	my ($file, $text) = @_;

	open my $fh, '>', $file or die "$file: $!\n";
	print $fh $text;
	close $fh or die "$file: $!\n";
}

# The score of a unit in the folder.
sub score {
	my ($folder, $unit) = @_;
	my $said = `t/world-run systemd-analyze security --offline=true \\
	    --no-pager $folder/$unit 2>&1`;

	return $said =~ /exposure level for \S+: ([\d.]+)/ ? $1 : "none: $said";
}

for (@units) {
	my $name = basename($_);
	$text{$name} = slurp($_);
	spew("$dir/$name", $text{$name} =~ s{/usr/local/bin/}{$bin/}gr);
}

my $said = `t/world-run systemd-analyze verify --man=no \\
    --recursive-errors=yes @{[map { "$dir/$_" } sort keys %text]} 2>&1`;
is($?, 0, 'the units verify');
is($said, '', 'without a word');

# What a user's program needs, its service must not take away.
my %programs = ('mda-deliver.service' => 0.7);
my $takes = qr/^(?:NoNewPrivileges|MemoryDenyWriteExecute|PrivateNetwork|
    PrivateTmp)=yes$|^ProtectSystem=strict$|^ProcSubset=pid$|
    ^KillMode=(?:mixed|control-group)$|^SystemCallFilter=~/mx;

for my $unit (grep { /\.service$/ } sort keys %text) {
	my ($cmd) = $text{$unit} =~ m{^ExecStart=/usr/local/bin/(.*)$}m;
	my ($prog, @args) = split / /, $cmd;
	my $help = `$bin/$prog -h 2>/dev/null`;
	for (grep { /^-/ } @args) {
		like($help, qr/^ +\Q$_\E, /m, "$unit: $prog knows $_");
	}
	ok(-x "$bin/$prog", "$unit: there is a $prog");
	my $more = $programs{$unit} // 0;
	cmp_ok(score($dir, $unit), '<=', 2.0 + $more, "$unit: exposure") or
	    diag(score($dir, $unit));
	unlike($text{$unit}, $takes, "$unit: users' programs work in it")
	    if $more;

	# With the drop-in, and with what a later line must not undo.
	my $with = tempdir(DIR => $dir);
	spew("$with/$unit", slurp("$dir/$unit") .
	    slurp('man/examples/system-users.conf'));
	cmp_ok(score($with, $unit), '<=', 2.5 + $more,
	    "$unit: exposure with system users");
	like($text{$unit}, qr/^StartLimitIntervalSec=0$/m,
	    "$unit: a fault does not fail it for good");
}

my %port = (
	'smtpd.socket' => 25, 'smtpd-submission.socket' => 587,
	'smtpd-submissions.socket' => 465,
	'smtpd-submit.socket' => '/run/stdmail/submit',
	'smtpd-lmtp.socket' => '/run/stdmail/lmtp',
	'smtp-send-mailq.socket' => '/run/stdmail/mailq',
	'pop3d.socket' => 110, 'pop3d-tls.socket' => 995,
	'imapd.socket' => 143, 'imapd-tls.socket' => 993,
);
for my $unit (grep { /\.socket$/ } sort keys %text) {
	my ($listen) = $text{$unit} =~ /^ListenStream=(.*)$/m;
	my ($service) = $text{$unit} =~ /^Service=(.*)$/m;
	my $accept = $unit eq 'smtp-send-mailq.socket' ? 'yes' : 'no';
	$service //= $unit =~ s/\.socket$/($accept eq 'yes' ? '@' : '') .
	    '.service'/er;
	is($listen, $port{$unit}, "$unit: listens on $port{$unit}");
	ok($text{$service}, "$unit: wakes $service");
	like($text{$unit}, qr/^Accept=$accept$/m, "$unit: Accept=$accept");
	is(($text{$service} // '') =~ /-T\b/ ? 1 : 0,
	    $listen =~ /^(?:465|993|995)$/ ? 1 : 0,
	    "$unit: TLS from the first byte on the ports for it alone");
}
for my $unit (grep { /\.(?:socket|path)$/ } sort keys %text) {
	like($text{$unit}, qr/^TriggerLimitIntervalSec=0$/m,
	    "$unit: never fails for good");
}
is(scalar(grep { /\.socket$/ } keys %text), scalar(keys %port),
    'no socket more than these');
for my $unit (grep { /\.(?:path|timer)$/ } sort keys %text) {
	ok($text{$unit =~ s/(?:path|timer)$/service/r}, "$unit: has a service");
}
done_testing;
