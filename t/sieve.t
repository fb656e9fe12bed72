# SPDX-License-Identifier: ISC
#
# Proves what Sieve scripts do: the cases of t/sieve, among them the examples of
# each RFC, run by mda-deliver -t.  FILE=NAME is one file of them.  And what -t
# says, for three scripts to the letter: its reader wrote the script, and wants
# to know why.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;

use lib abs_path(dirname($0) . '/lib');
use Stdmail;
use Stdmail::Sieve;

plan skip_all => 'no mda-deliver' if !Stdmail::program('mda-deliver');
my $dir = Stdmail::folder();
Stdmail::spew("$dir/users", '');

my %required;
for my $file (sort glob "$Stdmail::top/t/sieve/*.cases") {
	my $name = basename($file, '.cases');

	next if defined $ENV{FILE} && $ENV{FILE} ne $name;
	for my $case (Stdmail::Sieve::cases($file)) {
		my ($list) = $case->{script} =~ /require\s+(\[.*?\]|".*?")/s;
		@required{($list // '') =~ /"(.*?)"/g} = ();
		Stdmail::Sieve::lay($dir, $case);
		for my $run (@{$case->{runs}}) {
			my ($said, $code) = Stdmail::Sieve::try($dir, $run);
			my $good = is(Stdmail::Sieve::result($said),
			    $run->{want}, "$name: $case->{title}: " .
			    $run->{name});
			$good &= is($code, $run->{want} =~ /^(error|fault)/ ?
			    65 : 0, '... and the exit code');
			diag($said) if !$good;
		}
	}
}
# Every extension has a case.
for my $source (defined $ENV{FILE} ? () : 'mda-deliver/sieve_words.c') {
	my ($known) = Stdmail::slurp("$Stdmail::top/$source") =~
	    /sieve_extensions\[\] = \{(.*?)\bNULL/s;

	is_deeply([grep { !exists $required{$_} } $known =~ /"([^"]+)"/g], [],
	    'every extension is tried');
}

# --- what it says ----------------------------------------------------------

# What another minute or process makes another.
sub masked
{
	my ($said) = @_;

	$said =~ s/^(    \| Date: ).*/$1TIME/m;
	$said =~ s/^(    \| Message-ID: ).*/$1ID/m;
	$said =~ s/(until )\d{4}-.*/$1TIME/;
	return $said;
}

# -t SCRIPT and more words, with a message: (standard output, standard error,
# exit code).
sub said
{
	my ($message, @args) = @_;

	Stdmail::spew("$dir/message", $message);
	local $ENV{HOME} = $dir;
	my $cmd = "$Stdmail::bin/mda-deliver -o users=$dir/users " .
	    "-o domains=example.net @args <$dir/message";
	my $out = qx{$cmd 2>$dir/err};
	return ($out, Stdmail::slurp("$dir/err"), $? >> 8);
}

system 'rm', '-r', "$dir/Maildir" if -e "$dir/Maildir";
for my $script (defined $ENV{FILE} ? () :
    glob "$Stdmail::top/t/sieve/*.sieve") {
	my ($base) = $script =~ /(.*)\.sieve$/;
	my ($out, $err, $code) = said(Stdmail::slurp("$base.eml"),
	    "-t $script");

	is(masked($out), Stdmail::slurp("$base.want"), basename($script));
	is("$err$code", 0, '... without a fault');
}
Stdmail::spew("$dir/good.sieve", "discard;\n");
Stdmail::spew("$dir/bad.sieve", "keep;\nkeeep;\n");
Stdmail::spew("$dir/fails.sieve", qq{require "ihave";\n\nerror "no";\n});
my $mail = "From \nSubject: a\n\nb\n";
for (
    ["-t $dir/good.sieve", '', 0, qr/no fault.*no message/],
    ["-t $dir/bad.sieve", '', 65, qr/bad.sieve, line 2: there is no command/],
    ["-t $dir/fails.sieve", $mail, 65,
    qr/^error: fails.sieve, line 3: .*no\n\nresult:\n  keep/ms],
    ["-t $dir/none.sieve", $mail, 66, qr/none.sieve: No such file/],
    ["-t $dir/good.sieve -f a\@b\@c", $mail, 64, qr/sender a\@b\@c/],
    ["-t $dir/good.sieve -a a\@b\@c", $mail, 64, qr/address a\@b\@c/],
    ["-t $dir/good.sieve -d nobody-here", $mail, 67, qr/no such user/],
    ["-t $dir", $mail, 66, qr/is no regular file/],
    ["-t $dir/good.sieve -q", $mail, 64, qr/-t takes/],
    ["-t $dir/good.sieve Maildir", $mail, 64, qr/-t takes/],
    ["-t $dir/good.sieve -a a\@example.net -d b", $mail, 64, qr/-t takes/],
    ["-t $dir/good.sieve -f x\@y.test -a a+b\@example.net", $mail, 0,
    qr/^from <x\@y.test> to <a\+b\@example.net>, 14 octets\n/],
    ["-t $dir/good.sieve", "Return-Path: <x\@y.test>\n" .
    "Delivered-To: c\@example.net\nSubject: a\n\nb\n", 0,
    qr/^from <x\@y.test> to <c\@example.net>, 14 octets\n/],
    ["-t $dir/good.sieve", $mail, 0, qr/result:\n  discard it \(line 1\)/],
) {
	my ($args, $message, $want, $words) = @$_;
	my ($out, $err, $code) = said($message, $args);

	is($code, $want, "$args: exit $want");
	like($out . $err, $words, '... and what it says');
}

mkdir "$dir/spool";
for (
    ['default', 'good.sieve', 0, qr/^\z/],
    ['default', 'bad.sieve', 78,
    qr/sieve_default: \S+bad.sieve: line 2: there is no command/],
    ['default', 'none.sieve', 78, qr/none.sieve: there is no such file/],
    ['global', '.', 0, qr/^\z/],
    ['global', 'none', 78, qr/sieve_global: \S+none: No such file/],
    ['global', 'good.sieve', 78, qr/good.sieve: it is no folder/],
) {
	my ($key, $name, $want, $words) = @$_;
	my ($out, $err, $code) = said('', '-n -o hostname=mx.example.net ' .
	    '-o door_user=nobody -o mail_user=mail -o spool_user=daemon ' .
	    "-o spool=$dir/spool -o sieve_$key=$dir/$name");

	is($code, $want, "-n and sieve_$key $name");
	like($err, $words, '... and what it says');
}

# --- what would never end ---------------------------------------------------

mkdir "$dir/sieve";
Stdmail::spew("$dir/sieve/empty.sieve", '');
Stdmail::spew("$dir/sieve/self.sieve", 'require "include"; include "self";');
Stdmail::spew("$dir/sieve/large.sieve", '#' x (1 << 20));
Stdmail::spew("$dir/sieve/larger.sieve", '#' x ((1 << 20) + 1));
my $deep = 'require "include"; include "deep%d";';
Stdmail::spew("$dir/sieve/deep$_.sieve", sprintf $deep, $_ + 1) for 0 .. 11;
Stdmail::spew("$dir/sieve/same$_.sieve", '#' x (1 << 20)) for 0 .. 4;
for (
    ['steps', 'if true { }' x 60000 . 'if false { }' x 20000,
    qr/^error: .*more than 100000 commands and tests$/m],
    ['includes', 'require "include"; ' . 'include "empty"; ' x 256,
    qr/^error: .*more than 255 times include$/m],
    ['depth', sprintf($deep, 0), qr/more than 10 scripts in each other$/m],
    ['itself', 'require "include"; include "self";',
    qr/include "self": it includes itself$/m],
    ['octets', 'require "include"; ' . join('', map { qq{include "same$_";} }
    0 .. 4), qr/include "same4": the scripts are too long together$/m],
    ['a script', 'require "include"; include "larger";',
    qr/include "larger": more than 1048576 octets/],
    ['variables', 'require ["include", "variables"]; global [' .
    join(', ', map { qq{"a$_"} } 0 .. 1000) . '];',
    qr/^error: .*too many variables$/m],
    ['large', 'require "include"; include "large"; discard;',
    qr/result:\n  discard/],
) {
	my ($what, $script, $words) = @$_;

	Stdmail::spew("$dir/hostile.sieve", $script);
	my ($out, $err) = said($mail, "-t $dir/hostile.sieve");
	like($out . $err, $words, "bounds: $what");
}
ok(!-e "$dir/Maildir" && !-e "$dir/.stdmail-seen", 'nothing was done');
done_testing;
