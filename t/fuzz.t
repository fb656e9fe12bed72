# SPDX-License-Identifier: ISC
#
# Proves that no parser breaks on bytes that nobody thought of: each target of
# t/fuzz/ runs under libFuzzer with ASan and UBSan for FUZZTIME seconds, from
# the messages of the shared folder where there are any, whole sessions of
# imapd and smtpd from what clients say in t/chat, of smtp-send from a few.  An input that broke one
# stays in build/fuzz/.  FUZZ=NAME runs one.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Temp qw(tempdir);
use Test::More;

use lib abs_path(dirname($0) . '/lib');
use Stdmail::Chat;
use Stdmail::Sieve;

my $top = abs_path(dirname($0) . '/..');
chdir $top or die "$top: $!\n";
my $shared = $ENV{STDMAIL_SHARED} // "$top/../shared";
my @targets = map { basename($_, '.c') } sort glob 't/fuzz/fuzz_*.c';
# All together a minute, whatever their number.
my $time = $ENV{FUZZTIME} // (int(60 / (@targets || 1)) || 1);
@targets = grep { $_ eq $ENV{FUZZ} } @targets if defined $ENV{FUZZ};
my $dir = tempdir(CLEANUP => 1);
# This make is one of its own, not part of the one that may have started us.
delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};

plan skip_all => 'no fuzz targets' if !@targets;
sub fuzzer_works {
	open my $fh, '>', "$dir/a.c" or return;
	print $fh "#include <stddef.h>\n#include <stdint.h>\n" .
	    "int LLVMFuzzerTestOneInput(const uint8_t *, size_t);\n" .
	    "int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)\n" .
	    "{ return p == NULL && n != 0; }\n";
	close $fh;
	return system("clang -fsanitize=fuzzer -o $dir/a $dir/a.c " .
	    '2>/dev/null') == 0;
}
plan skip_all => 'no clang with libFuzzer' if !fuzzer_works();

my $said = `make -s -j2 V=fuzz CC=clang targets 2>&1`;
is($?, 0, 'the targets build') or BAIL_OUT($said);

# Short messages to begin with, flat in one folder.
mkdir "$dir/seed";
my $n = 0;
for (glob "$shared/corpus/*/*/* $shared/vectors/smtp-fuzz/*/* t/fuzz/seed/*") {
	next if !-f || -s > 20000 || $n++ >= 300;
	link $_, "$dir/seed/$n" or system 'cp', $_, "$dir/seed/$n";
}

# What a client of imapd says in each conversation, after its login.
sub chat_seeds {
	my ($to) = @_;

	for my $file (glob 't/chat/imap/*.chat t/chat/badinput/imapd-*.chat') {
		my $said = '';

		for my $step (@{Stdmail::Chat::parse($file)->{steps}}) {
			my $verb = $step->{verb};
			next if $verb !~ /^C(\|?)\z/ || $step->{text} =~
			    /^\S+ (?:LOGIN|AUTHENTICATE|STARTTLS)\b|<</i;
			$said .= Stdmail::Chat::bytes_of($step->{text}) .
			    ($1 ? '' : "\r\n");
		}
		open my $fh, '>:raw', "$to/" . basename($file) or die;
		print $fh substr $said, 0, 20000;
	}
}

# What a client of smtpd says, behind an octet that says who it is.
sub smtp_seeds {
	my ($to) = @_;

	for my $file (glob 't/chat/smtp/*.chat t/chat/badinput/smtpd-*.chat') {
		my $chat = Stdmail::Chat::parse($file);
		my $args = join ' ', map { $_->{text} }
		    @{$chat->{set}{program} // []};
		my $who = ($args =~ /submission/ ? 1 : 0) |
		    ($chat->{set}{from} ? 0 : 2);
		my $said = '';

		for my $step (@{$chat->{steps}}) {
			next if $step->{verb} !~ /^C(\|?)\z/ ||
			    $step->{text} =~ /^STARTTLS\b|<</i;
			$said .= Stdmail::Chat::bytes_of($step->{text}) .
			    ($1 ? '' : "\r\n");
		}
		open my $fh, '>:raw', "$to/" . basename($file) or die;
		print $fh chr($who), substr $said, 0, 19000;
	}
}

# What a server says to smtp-send, behind an octet that says how it is asked,
# in pieces that end with an octet 255.
sub client_seeds {
	my ($to) = @_;
	my $cut = "\xff";
	my $four = "250 ok\n" x 4;
	my $turns = "250 ok\n$cut" x 4;
	my $both = "354 go\n${cut}250 ok\n$cut";
	my %said = (
		single => [0, '', "$turns$both$turns$both"],
		piped => [0, 'PIPELINING 8BITMIME DSN', "$four$both" x 2],
		chunks => [0, 'PIPELINING CHUNKING', "$four${cut}250 ok\n$cut"],
		no_chunks => [0, 'CHUNKING', "${turns}502 what\n$cut"],
		mixed => [0, 'PIPELINING', "250 ok\n250 ok\n452 4.5.3 no\n" .
		    "550 5.1.1 no\n$both"],
		tls => [1, 'STARTTLS', "220 go\n$cut\x16\x03\x03x"],
		plain => [6, 'AUTH=PLAIN', "235 ok\n$cut$turns$both"],
		login => [6, 'AUTH=LOGIN', "334 \n$cut" x 2 .
		    "235 ok\n$cut$turns$both"],
		scram => [6, 'AUTH=SCRAM-SHA-256', '334 cj1lSGg0ZUhoNGVIaDRl' .
		    "SGg0ZUhoNGVIaDRhLHM9WVdKaixpPTQwOTY=\n$cut" .
		    "334 dj1YWFg=\n${cut}235 ok\n$cut"],
	);

	for my $name (keys %said) {
		my ($how, $offers, $rest) = @{$said{$name}};
		my $text = "220 there.test\n${cut}250-there.test\n" .
		    join('', map { "250-$_\n" } map { tr/=/ /r }
		    split ' ', $offers) . "250 HELP\n$cut$rest";

		open my $fh, '>:raw', "$to/$name" or die;
		print $fh chr($how), $text =~ s/\n/\r\n/gr;
	}
}

# The cases of t/sieve: a script, a line, a message.
sub sieve_seeds {
	my ($to) = @_;
	my $n = 0;

	for my $case (map { Stdmail::Sieve::cases($_) }
	    glob 't/sieve/*.cases') {
		open my $fh, '>:raw', "$to/" . $n++ or die;
		print $fh "$case->{script}--\n",
		    map { $_->{message} } @{$case->{runs}}[0 .. 0];
	}
}

my %own = (fuzz_imap_session => \&chat_seeds,
    fuzz_sieve => \&sieve_seeds, fuzz_smtp_client => \&client_seeds,
    fuzz_smtp_session => \&smtp_seeds);
for my $target (@targets) {
	my $seed = "$dir/seed";
	mkdir "$dir/$target";
	if ($own{$target}) {
		$seed .= "-$target";
		mkdir $seed;
		$own{$target}->($seed);
	}
	my @dict = grep { -f } "t/fuzz/$target.dict";
	my $out = `build/fuzz/t/fuzz/$target -max_total_time=$time \\
	    -rss_limit_mb=2048 -timeout=10 -max_len=20000 -verbosity=0 \\
	    -artifact_prefix=build/fuzz/$target- -print_final_stats=1 \\
	    @{[map { "-dict=$_" } @dict]} $dir/$target $seed 2>&1`;
	ok($? == 0, $target) or diag($out);
	note("$target: $1 runs")
	    if $out =~ /number_of_executed_units: (\d+)/;
}
done_testing;
