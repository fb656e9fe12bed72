#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that smtpd works with milters that people use: opendkim signs a
# message, another opendkim behind it finds the signature good, and so it is
# in the spool; rspamd takes, marks and refuses.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Stdmail;

Stdmail::need(qw(smtpd tool:opendkim tool:rspamd));
my $s = Stdmail->new(users => { bob => 'pw' });
my $dir = "$s->{dir}/milter";

# Start one of them, with this configuration; it makes its socket there.
sub service {
	my ($name, $conf, $socket, @args) = @_;

	Stdmail::spew("$dir/$name.conf", $conf);
	my $pid = $s->spawn([Stdmail::tool($name =~ s/-.*//r), @args,
	    "$dir/$name.conf"], {}, log => "$dir/$name.log");
	ok(Stdmail::until_true(sub { -S $socket }, 60), "$name is there") or
	    BAIL_OUT(Stdmail::slurp("$dir/$name.log"));
	return $pid;
}

# A message through these: the last reply, and what is in the spool.
sub talk {
	my ($milters, $text) = @_;
	my ($pid, $c) = $s->session('smtpd', args => ['-o',
	    "milter=$milters"]);
	my $last;

	for my $say (undef, 'EHLO c.test', 'MAIL FROM:<ann@b.test>',
	    'RCPT TO:<bob@a.test>', 'DATA', $text =~ s/^\./../mgr =~ s/\n/\r\n/gr . '.') {
		$c->send("$say\r\n") if defined $say;
		$last = '';
		while (defined(my $l = $c->line(60))) {
			$last .= $l;
			last if $l =~ /^\d{3} /;
		}
	}
	$c->send("QUIT\r\n");
	$c->closed;
	Stdmail::reap($pid, 10);
	my @got = map { Stdmail::slurp($_) } grep { m{/now/} } $s->spooled;
	unlink $s->spooled;
	is(scalar @got, $last =~ /^250/ ? 1 : 0, 'in the spool, or not');
	return ($last, $got[0] // '');
}

Stdmail::spew("$dir/tld", "test\n");
my $key = qx{openssl genrsa 2048 2>/dev/null};
Stdmail::spew("$dir/key.pem", $key);
my $public = qx{openssl rsa -in $dir/key.pem -pubout -outform PEM 2>/dev/null};
$public =~ s/-----.*?-----|\s//g;
Stdmail::spew("$dir/keys", "s._domainkey.b.test v=DKIM1; k=rsa; p=$public\n");
$s->own;
my $both = "Syslog no\nBackground no\nRequireSafeKeys no\n";
my @pids = (
	service('opendkim-sign', $both . <<END, "$dir/sign", '-f', '-x'),
Mode s
Domain b.test
Selector s
KeyFile $dir/key.pem
Socket local:$dir/sign
Canonicalization relaxed/simple
END
	service('opendkim-verify', $both . <<END, "$dir/verify", '-f', '-x'),
Mode v
AuthservID mx.a.test
InternalHosts 192.0.2.1
TestPublicKeys $dir/keys
Socket local:$dir/verify
END
	service('rspamd', <<END, "$dir/rspamd", '-f', '-c'),
options {
	filters = ""; enable_test_patterns = true; url_tld = "$dir/tld"; disable_hyperscan = true;
	pidfile = "$dir/pid"; tempdir = "$dir"; cores_dir = "$dir";
	history_file = "$dir/history"; hs_cache_dir = "$dir";
	dns { nameserver = "127.0.0.1:9"; timeout = 100ms; retransmits = 0; }
}
logging { type = "console"; level = "info"; }
worker "rspamd_proxy" {
	bind_socket = "$dir/rspamd mode=0666";
	milter = yes; count = 1; timeout = 60s;
	upstream "local" { default = yes; self_scan = yes; }
}
actions { reject = 15; rewrite_subject = 10; add_header = 6; }
END
);

my $text = <<'END';
From: Ann <ann@b.test>
To: Bob <bob@a.test>
Subject: a message
 that is folded
Date: Thu, 26 Nov 2026 00:00:00 +0000
Message-ID: <1@b.test>

first
.second

END
my $dkim = "unix:$dir/sign unix:$dir/verify";
my ($reply, $got) = talk($dkim, $text);
like($reply, qr/^250/, 'opendkim takes');
like($got, qr/^DKIM-Signature: .*d=b\.test/m, 'and signs');
like($got, qr/^Authentication-Results: mx\.a\.test;.*?dkim=pass/ms,
    'and finds its signature good');
is(substr($got, -length $text), $text, 'the rest is as it was');
my $long = $text . ("a line of a body that is long\n" x 50000);
($reply, $got) = talk($dkim, $long);
like($got, qr/dkim=pass/, 'also of a body of many chunks');
($reply, $got) = talk("unix:$dir/verify", $text =~
    s/^/DKIM-Signature: v=1; a=rsa-sha256; d=b.test; s=s; h=From; bh=AA==; b=AA==\n/r);
like($got, qr/^Authentication-Results: mx\.a\.test;.*?dkim=fail/ms,
    'and a bad one bad');

my $spam = 'JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';
($reply, $got) = talk("unix:$dir/rspamd", $text);
like($reply, qr/^250/, 'rspamd takes');
($reply, $got) = talk("unix:$dir/rspamd", "${text}Y$spam\n");
like($reply, qr/^250/, 'rspamd marks');
like($got, qr/^X-Spam: Yes$/m, 'with its field');
($reply, $got) = talk("unix:$dir/rspamd", "${text}Z$spam\n");
like($got, qr/^Subject: [*]{3} SPAM [*]{3} a message/m, 'or in the subject');
($reply, $got) = talk("unix:$dir/rspamd", "${text}X$spam\n");
like($reply, qr/^5\d\d 5\.7\.1 Gtube pattern/, 'rspamd refuses');
($reply, $got) = talk("$dkim unix:$dir/rspamd", "${text}Y$spam\n");
like($got, qr/dkim=pass.*^X-Spam: Yes|^X-Spam: Yes.*dkim=pass/ms, 'all three');
kill 'TERM', @pids;
Stdmail::reap($_, 10) for @pids;
diag(map { Stdmail::slurp($_) } glob "$dir/*.log")
    if !Test::More->builder->is_passing;
done_testing;
