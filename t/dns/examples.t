#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the examples of mxlookup(1) do what the page says: each is taken
# from the page as it stands and run, where the names exist that it uses and
# three mail servers wait.  A row for each; one without a row fails.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;
use Stdmail::Mta;
use Stdmail::Nameserver;

Stdmail::need(qw(mxlookup smtp-send));

# The examples of a page, as one would type them.
sub
examples
{
	my ($page) = @_;
	my ($text) = Stdmail::slurp($page) =~ /^\.Sh EXAMPLES\n(.*?)^\.Sh /ms;
	my @found;

	while ($text =~ /^\.Dl \$ ([^\n]*)\n|^\.Bd [^\n]*\n(.*?)^\.Ed$/gms) {
		my $what = $1 // $2;
		$what =~ s/\\(?:(e)|&|\(dq|-)/$1 ? '\\' : $& eq '\\(dq' ? '"'
		    : $& eq '\\-' ? '-' : ''/ge;
		push @found, $what;
	}
	return @found;
}

my @mta = map { Stdmail::Mta->start(addr => "127.0.0.$_", port => 0) } 11;
push @mta, Stdmail::Mta->start(addr => "127.0.0.$_", port => $mta[0]{port})
    for 12, 13;
my $ns = Stdmail::Nameserver->start(<<END);
example.test	MX	10 mx1.example.test
example.test	MX	20 mx.shared.test
mx1.example.test	A	127.0.0.11
mx1.example.test	AAAA	::1
shared.test	MX	10 mx.shared.test
_mta-sts.shared.test	TXT	v=STSv1; id=1;
mta-sts.shared.test	A	127.0.0.99
also.test	MX	10 mx.shared.test
mx.shared.test	A	127.0.0.12
bare.test	A	127.0.0.13
null.test	MX	0 .
END
my $s = Stdmail->new(conf => { resolver => $ns->resolver,
    smtp_port => $mta[0]{port} });

# What the examples find: our programs with this configuration, the files.
my $path = Stdmail::folder();
for my $name (qw(mxlookup smtp-send)) {
	Stdmail::spew("$path/$name", "#!/bin/sh\nexec '" .
	    join("' '", $s->command($name)) . "' \"\$\@\"\n", 0755);
}
my @jq = Stdmail::tool('jq');
Stdmail::spew("$path/jq", "#!/bin/sh\nexec " . join(' ', @jq) .
    " \"\$\@\"\n", 0755) if @jq > 1;
Stdmail::spew("$path/recipients", <<END, 0644);
ann\@example.test
bob\@shared.test
carol\@also.test
dave\@bare.test
erin\@null.test
frank\@nowhere.test
gina\@shared.test
END
Stdmail::spew("$path/message", "Subject: for all\n\nHello\n", 0644);

# Run one: (exit code, its lines).
sub
run
{
	my ($what, %env) = @_;
	local %ENV = (%ENV, PATH => "$path:$ENV{PATH}", %env);

	Stdmail::spew("$path/run", "cd '$path'\n$what\n", 0644);
	my $out = qx{bash '$path/run' 2>&1};
	return ($? >> 8, $out);
}

my @rows = (
	[qr/head -1 \| cut/, {}, 0, "mx1.example.test\n"],
	[qr/\bcase \$\?/, { domain => 'example.test' }, 0, "takes mail\n"],
	[qr/\bcase \$\?/, { domain => 'null.test' }, 0, "takes no mail\n"],
	[qr/nullmx\|nxdomain/, {}, 0, join '', map { join("\t", @$_) . "\n" }
	    ['null.test', ('-') x 4, 'nullmx'],
	    ['nowhere.test', ('-') x 4, 'nxdomain']],
	[qr/of\[host\]/, {}, 0, "bare.test: bare.test\n" .
	    "mx.shared.test: example.test shared.test also.test\n" .
	    "mx1.example.test: example.test\n"],
	[qr/\bjq\b/, {}, 0, qr/\A\s+3\ mx\.shared\.test\n
	    (?:\s+1\ (?:bare\.test|mx1\.example\.test)\n){2}\z/x],
	[qr/-a \|/, {}, 0, "also.test\nexample.test\n"],
	[qr/smtp-send/, {}, 0, qr/\A(?:\w+\@\w+\.test\t2\.0\.0\t.*\n){5}\z/],
	# What it reads is shown, too.
	[qr/coproc/, {}, 0, qr/\A\{"domain":"example\.test","status":"mx"/,
	    'echo "$answer"'],
);
my @examples = examples("$Stdmail::top/man/mxlookup.1");
my %tried;

cmp_ok(scalar @examples, '>', 5, 'the page has examples');
for my $example (@examples) {
	my @for = grep { $example =~ $_->[0] } @rows;
	my ($first) = $example =~ /^(.*)/;

	ok(scalar @for, "tested here: $first") or next;
	SKIP: for my $row (@for) {
		my (undef, $env, $code, $want, $more) = @$row;
		$tried{$row} = 1;
		skip 'no jq here, and no world', 2
		    if $example =~ /\bjq\b/ && !@jq;
		my ($got, $out) = run($example . (defined $more ? "\n$more"
		    : ''), %$env);
		is($got, $code, "exit $code: $first") or diag $out;
		ref $want ? like($out, $want, "and what it says")
		    : is($out, $want, "and what it says");
	}
}
is(scalar(keys %tried), scalar @rows, 'each row belongs to an example');

# What "one message for all of them" has sent.
is_deeply([map { scalar $_->messages } @mta], [1, 2, 1],
    'a message for each domain');
is_deeply([sort map { /^RCPT TO:<(\S+)>/ ? $1 : () } map { @$_ } map {
    $_->heard } @mta], [qw(ann@example.test bob@shared.test carol@also.test
    dave@bare.test gina@shared.test)], 'to all who can be reached');
$_->stop for @mta;
$ns->stop;
done_testing();
