# SPDX-License-Identifier: ISC
#
# Proves the shape of the tree: bytes <- grammar <- system <- mail <- programs,
# a file includes only what stands to its left; programs never include each
# other; the grammar is pure; each outside library has its one file.

use strict;
use warnings;
use Test::More;

my %level = (bytes => 0, grammar => 1, system => 2, mail => 3);
my @programs = qw(smtpd smtp-send mda-deliver pop3d imapd mxlookup);

# Header of an outside library => the one file that may include it (of what
# libcrypto has, the TLS files may use what belongs to certificates; of ldns,
# dns.c packs and parses, and the dns_chain files check signatures).
my @owner = (
	[qr{^openssl/ssl\.h$}, qr{^lib/system/tls(?:\.c|_context\.c|_local\.h|
	    _dane\.[ch])$}x],
	[qr{^openssl/}, qr{^lib/(?:system/tls\w*\.[ch]|
	    mail/password\w*\.c|mail/dkim_key\.c)$}x],
	[qr{^sha1\.h$}, qr{^lib/mail/srs\.c$}],
	[qr{^ldns/}, qr{^lib/system/dns(?:_chain\w*)?\.[ch]$}],
	[qr{^zlib\.h$}, qr{^lib/system/(?:stream_zip|gzip)\.c$}],
	[qr{^idn2\.h$}, qr{^lib/grammar/idna\.c$}],
	[qr{^(?:crypt|argon2)\.h$}, qr{^lib/mail/password\.c$}],
	[qr{^linux/(?:landlock|seccomp|filter|audit)\.h$},
	    qr{^lib/system/sandbox\w*\.[ch]$}],
);
# What no pure file may include: clock, descriptors, errno, the environment.
my $impure = qr{^(?:errno|time|unistd|fcntl|err|signal|locale|pthread|
    sys/(?!types\.h|param\.h|cdefs\.h).*|netdb|poll|bsd/unistd|iconv)\.h$}x;

sub includes {
	my ($file) = @_;
	my @found;

	open my $fh, '<', $file or die "$file: $!\n";
	while (<$fh>) {
		push @found, [$1, $2] if /^\s*#\s*include\s*([<"])([^>"]+)/;
	}
	return @found;
}

# What is wrong with this include, or nothing.
sub judge {
	my ($file, $kind, $name) = @_;
	my ($mine) = $file =~ m{^lib/([^/]+)/};
	my ($prog) = $file =~ m{^([^/]+)/} if !$mine;

	if ($kind eq '"') {
		if ($name =~ m{^([^/]+)/} && exists $level{$1}) {
			return !$mine || $level{$1} <= $level{$mine} ? () :
			    "$mine may not include $1";
		}
		return 'the library includes only "level/name.h"' if $mine;
		return 'programs never include each other' if $name =~ m{/};
		return -f "$prog/$name" ? () : "no $prog/$name";
	}
	for (@owner) {
		my ($what, $only) = @$_;
		return $file =~ $only ? () : 'not the file for it'
		    if $name =~ $what;
	}
	return 'the grammar is pure' if ($mine // '') eq 'grammar' &&
	    $name =~ $impure;
	return;
}

# The grammar may format into memory, and call nothing that reaches outside.
sub impure_calls {
	my ($file) = @_;
	my @found;

	open my $fh, '<', $file or die "$file: $!\n";
	while (<$fh>) {
		push @found, $1 if /(?<![\w.>])(v?f?printf|fopen|puts|perror|
		    time|open|read|write|exit|abort|getenv|rand|random)\s*\(/x;
	}
	return @found;
}

my @files = (glob('lib/*/*.[ch]'), map { glob("$_/*.[ch]") } @programs);
for my $file (@files) {
	my @wrong;
	for (includes($file)) {
		my ($kind, $name) = @$_;
		my $why = judge($file, $kind, $name);
		push @wrong, "includes $kind$name: $why" if $why;
	}
	push @wrong, map { "calls $_()" } impure_calls($file)
	    if $file =~ m{^lib/grammar/.*\.c$};
	ok(!@wrong, $file) or diag(map { "$file $_\n" } @wrong);
}
is_deeply([grep { !exists $level{$_} } map { m{lib/(.*)} && -d ? $1 : () }
    glob('lib/*')], [], 'lib/ holds the four levels alone');
my @top = grep { $_ ne 'build' } map { s{/$}{}r } split /\n/, `ls`;
is_deeply([sort @top], [sort qw(Makefile README LICENSE lib man t), @programs],
    'nothing else stands at the top');
# So many files need a map, which names each.
open my $main, '<', 'smtp-send/main.c' or die "main.c: $!\n";
my ($map) = join('', <$main>) =~ m{\A(/\*.*?\*/)}s;
is_deeply([grep { $_ ne 'main' && $map !~ /\b$_\b/ }
    map { m{([^/]+)\.c\z} } glob('smtp-send/*.c')], [],
    'smtp-send/main.c has a map of all files');
done_testing;
