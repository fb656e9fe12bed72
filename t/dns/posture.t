#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that mxlookup -a finds every fault planted in a domain, and none
# besides: a domain for each fault, and one that is good in every respect; that
# its page, its table and its JSON say the same; and what it exits with.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use Test::More;

use Stdmail;
use Stdmail::Posture;

Stdmail::need(qw(mxlookup));
my $tool = Stdmail::Signed::missing();
plan skip_all => "$tool is missing" if $tool;
plan skip_all => 'IO::Socket::SSL is missing (libio-socket-ssl-perl)'
    if !eval { require IO::Socket::SSL };

my $s = Stdmail->new;
my $w = Stdmail::Posture->start;
my %domains = %Stdmail::Posture::domains;
my @names = sort keys %domains;
my @args = ('-a', '-s', $w->resolver, '-o', 'resolver_trusted=yes', '-o',
    'tls_ca=' . $w->ca, '-o', 'https_port=' . $w->https_port);

# Run with these arguments: (status, output).
sub
look
{
	my ($args, %o) = @_;
	my ($status, $out, $err) = $s->run([Stdmail::program('mxlookup'),
	    '-c', $s->{conf_file}, @args, @$args], timeout => 120, %o);

	diag $err if $err ne '' && !$o{faulty};
	# Lines that were broken, whole again.
	$out =~ s/\n {9}(?=[^ ])(?!publish|change|\d+ |_|v=)/ /g;
	return ($status, $out);
}

# The codes on a page.
sub on_page { return sort $_[0] =~ /^(?:fault|advice|unknown) +([\w-]+): /mg }

# ---- every fault there is ----

my ($table) = Stdmail::slurp("$Stdmail::top/mxlookup/posture_fault.c") =~
    /posture_texts\[.*?\{\n(.*?)^\};/ms;
my @codes = sort $table =~ /\] = \{ "([\w-]+)",/g;
my ($listed) = Stdmail::slurp("$Stdmail::top/man/mxlookup.1") =~
    /^\.Ss Posture\n(.*?)^\.S[sh] /ms;
my %planted = map { $_ => 1 } map { @{$_->{want}} } values %domains;

cmp_ok(scalar @codes, '>', 50, 'there is a table of faults');
is_deeply([grep { !$planted{$_} } @codes], [], 'each is planted somewhere');
is_deeply([sort $listed =~ /^\.It Li ([a-z-]+)$/mg], \@codes,
    'each stands in mxlookup(1)');

# ---- one by one: pages ----

my (%page, %fact);
for my $name (@names) {
	my $d = $domains{$name};
	my $domain = Stdmail::Posture::domain($name);
	my ($status, $out) = look([$domain]);
	my $good = is_deeply([on_page($out)], [sort @{$d->{want}}],
	    "$domain: " . (join(' ', @{$d->{want}}) || 'nothing wrong'));

	$page{$name} = $out;
	diag $out if !$good;
	like($out, qr/^nothing is wrong$/m, "$domain: and says so")
	    if !@{$d->{want}};
	$fact{$name} = $status;
}

# ---- exit codes ----

my ($status, $out, $text, @wrong);
for my $name (@names) {
	my $d = $domains{$name};
	my $fault = $page{$name} =~ /^fault /m ? 1 : 0;
	my $want = $d->{code} // $fault;

	push @wrong, "$name: $fact{$name}, not $want"
	    if $fact{$name} != $want;
}
is_deeply(\@wrong, [], 'exit 1 for a fault or no mail, 75 for no answer');

# ---- all at once: the table, JSON ----

my $list = join '', map { Stdmail::Posture::domain($_) . "\n" } grep {
    !/malformed/ } @names;
($status, $out) = look([], stdin => $list);
is($status, 75, 'many: the worst of them');
my @lines = map { [split /\t/, $_, -1] } split /\n/, $out;
is(join('', map { "$_->[0]\n" } @lines), $list, 'a line for each, in order');
is_deeply([grep { @$_ != 12 } @lines], [], 'of twelve columns');
@wrong = ();
for my $name (grep { !/malformed/ } @names) {
	my $line = shift @lines;
	my $found = join ',', sort split /,/, $line->[11];
	my $want = join(',', sort @{$domains{$name}{want}}) || '-';

	push @wrong, "$name: $found, not $want" if $found ne $want;
	$fact{$name} = $line;
}
is_deeply(\@wrong, [], 'the last column says what is found');
is("@{$fact{good}}[1 .. 10]",
    'mx secure usable enforce yes -all 1 reject yes yes', 'the good one');
is("@{$fact{stsabsent}}[1 .. 10]",
    'mx insecure - - yes -all 1 reject yes yes', 'one without MTA-STS');
is("@{$fact{nullmx}}[1 .. 10]", 'nullmx insecure - - yes -all 0 reject - yes',
    'one that takes no mail');
is($fact{spfdeep}[7], 11, 'look-ups are counted through includes');
is($fact{spfsyntax}[6], 'error', 'an SPF record that is an error');
is($fact{isbogus}[2], 'bogus', 'a bogus domain');

($status, $out) = look(['-j', '-f', '-'], stdin => $list);
@lines = map { eval { decode_json($_) } } split /\n/, $out;
is(join('', map { "$_->{domain}\n" } @lines), $list, 'JSON: each an object');
@wrong = ();
for my $name (grep { !/malformed/ } @names) {
	my $j = shift @lines;
	my $found = join ' ', sort map { $_->{fault} } @{$j->{found}};
	my $want = join ' ', sort @{$domains{$name}{want}};

	push @wrong, "$name: $found, not $want" if $found ne $want;
	$fact{$name} = $j;
}
is_deeply(\@wrong, [], 'and says what is found');
is($fact{good}{exchangers}[0]{name}, 'mx1.good.test', 'its exchangers');
is($fact{good}{exchangers}[0]{addresses}[0]{reverse}, 'confirmed',
    'and their addresses');
is($fact{good}{exchangers}[0]{tlsa}[0]{usable}, JSON::PP::true, 'and TLSA');
is($fact{spfabsent}{found}[0]{publish},
    'spfabsent.test. TXT "v=spf1 mx -all"', 'and what to publish');
is($fact{good}{dmarc_record}, 'v=DMARC1; p=reject; rua=mailto:dmarc@good.test',
    'and records');

is($fact{tlsatarget}{dane}, 'usable', 'TLSA: where the alias leads');
is($fact{tlsaname}{dane}, 'usable', 'else at its own name');
is($fact{address}{exchangers}[0]{addresses}[0]{name}, 'mx1.good.test',
    'an address literal has a reverse name');

# ---- many at once ----

# Nobody answers for these: each takes ten seconds.
my @silent = map { "s$_.silent.test" } 1 .. 6;
my @some = grep { !/malformed|stscert/ && !$domains{$_}{absent} } @names;
my @list = map { my $i = $_; ($i % 30 == 5 && $i < 180 ? $silent[$i / 30] : (),
    Stdmail::Posture::domain($some[$i % @some])) } 0 .. 193;
my $begun = time;
($status, $out) = look([], stdin => join '', map { "$_\n" } @list);
cmp_ok(time - $begun, '<', 50, 'many silent ones are waited for together');
is_deeply([map { (split /\t/)[0] } split /\n/, $out], \@list,
    scalar(@list) . ' domains in order');
is(scalar(() = $out =~ /^s\d\.silent\.test\ttemporary\t.*\tunanswered$/mg),
    6, 'and none is left out');
my %line = map { /^(\S+)/ ? ($1 => $_) : () } split /^/, $out;
@wrong = ();
for my $name (@some[map { 10 * $_ } 0 .. @some / 10 - 1]) {
	my $domain = Stdmail::Posture::domain($name);
	my (undef, $alone) = look([], stdin => "$domain\n");

	push @wrong, "$alone$line{$domain}" if $alone ne $line{$domain};
}
is_deeply(\@wrong, [], 'each line is that of the domain alone');

sub children { return split ' ', eval { Stdmail::slurp(
    "/proc/$_[0]/task/$_[0]/children") } // '' }

# With silent ones in front: what is printed before they give up, and what
# becomes of the processes.
sub
with_silent
{
	my ($args, $do) = @_;
	my $pid = open my $h, '-|', Stdmail::program('mxlookup'), '-c',
	    $s->{conf_file}, @args, @$args, 'a.silent.test', 'good.test',
	    'nullmx.test' or die;
	my (@kids, $text);

	for (1 .. 600) {
		@kids = children($pid);
		last if @kids == 3;
		select undef, undef, undef, 0.05;
	}
	$text = $do->($h, $pid, @kids);
	close $h;
	my $code = $? >> 8;
	Stdmail::until_true(sub {
		@kids = grep { (eval { Stdmail::slurp("/proc/$_/stat") } //
		    '') =~ /\) [^ZX] / } @kids;
		return !@kids;
	}, 60);
	return ($text, $code, @kids);
}

my @left;
($text, $status, @left) = with_silent(['-u'], sub {
	my ($h, $pid) = @_;
	my @two = sort map { (split /\t/, scalar(<$h>) // '')[0] } 1, 2;

	kill KILL => children($pid);
	return join ' ', @two, scalar(<$h>) // 'nothing';
});
like($text, qr/^good\.test nullmx\.test a\.silent\.test\ttemporary\t/,
    'unordered: as they come; one whose process dies is unanswered');
is("$status:@left", '75:', 'and the exit code says so; no process is left');
(undef, $status, @left) = with_silent([], sub {
	kill TERM => $_[1];
	select undef, undef, undef, 0.3;
});
is("@left", '', 'the processes end with their parent');

# ---- one family ----

($status, $out) = look(['-4', 'only6.test']);
is_deeply([on_page($out)], ['mx-no-address'], '-4: an exchanger without IPv4');
($status, $out) = look(['-6', 'good.test']);
unlike($out, qr/192\.0\.2\.11/, '-6: no address of IPv4');

# ---- words ----

like($page{stscert}, qr/hostname mismatch/, 'why a certificate is not good');
like($page{stssyntax}, qr/line 2: the mode/, 'where a policy is malformed');
like($page{spfsyntax}, qr/at "ipv4:192/, 'where an SPF record is malformed');
like($page{spfnested}, qr/spfsyntax\.test: /, 'and whose');
like($page{noreverse}, qr/publish: 99\.2\.0\.192\.in-addr\.arpa\. PTR mx1/,
    'the reverse name to publish');

like($page{spfopen}, qr/publish: spfopen\.test\. TXT "v=spf1 mx -all"$/m,
    'an SPF record with its end mended');
my ($pieces) = $page{spflong} =~ /publish: spflong\.test\. TXT (.*)/;
is_deeply([map { length() < 256 ? () : $_ } $pieces =~ /"([^"]*)"/g], [],
    'no string of a record is too long');
is(join('', $pieces =~ /"([^"]*)"/g), join(' ', 'v=spf1',
    (map { "ip4:192.0.2.$_" } 100 .. 125), '-all'), 'and nothing is lost');
like($page{srvabsent}, qr/publish:[ ]_submissions\._tcp\.srvabsent\.test\.[ ]SRV
    [ ]0[ ]1[ ]465[ ]mx1\.srvabsent\.test\.\n[ ]{9}publish:[ ]_imaps/x,
    'a line for each record');
unlike($page{spfunseen}, qr/[^\x00-\x7f]/, 'what is not seen is shown');

my $long = 0;
{
	my (undef, $out) = $s->run([Stdmail::program('mxlookup'), '-c',
	    $s->{conf_file}, @args, 'nomail.test']);

	$long = grep { length > 79 && !/publish:/ } split /\n/, $out;
}
is($long, 0, 'words are broken into lines');

# ---- what strangers write ----

unlike($page{hostile}, qr/[^\n\x20-\x7e]/, 'a page has no octets of theirs');
($status, $out) = look(['hostile.test', 'good.test']);
unlike($out, qr/[^\n\t\x20-\x7e]/, 'nor has a line');
is($fact{hostile}{spf_record}, "v=spf1 \e[31m\x{fffd}\x{9b}\"\t",
    'in JSON they are strings');

# ---- usage ----

($status) = look(['-m', 'good.test'], faulty => 1);
is($status, 64, '-a and -m: 64');
($status, $out) = look(['user@good.test.']);
is_deeply([on_page($out)], [], 'a mailbox, a dot at its end');
($status, $out) = look([], stdin => '');
is("$status:$out", '0:', 'no names, no lines');
my $shell = join ' ', map { "'$_'" } Stdmail::program('mxlookup'), '-c',
    $s->{conf_file}, @args;
is(qx{(yes good.test | head -50 | $shell; echo \$? >&2) 2>&1 | head -2 |
    wc -l}, "2\n", 'a closed pipe ends it');

# ---- without trust ----

(my $code, $text) = look(['-o', 'resolver_trusted=no', 'good.test']);
is_deeply([on_page($text)], [], 'a resolver that is not trusted: no faults');
like($text, qr/^DNSSEC +-$/m, 'and nothing known of DNSSEC');
($code, $text) = look(['-o', 'tls_ca=/nonexistent', 'good.test']);
is_deeply([on_page($text)], ['sts-certificate'],
    'without authorities no policy is good');

done_testing;
