#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves submission over real processes: an ordinary client sends on both ports,
# under TLS, only as the account that it logged in to, and nobody who gets the
# message can tell who was blind-copied; an account that sent to many is frozen,
# also for programs that are started for each connection.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64;
use Test::More;

use Stdmail;

Stdmail::need(qw(smtpd smtp-send mda-deliver tool:python3));

my $auth = 'AUTH PLAIN ' . encode_base64("\0carol\0open-sesame", '');

for my $as (Stdmail::is_root() ? qw(nobody root) : 'me') {
	my $s = Stdmail->new(as => $as, users => { bob => 'open-sesame',
	    carol => 'open-sesame' });

	# Two ways in, one message each.
	for my $way (['SMTP', 'c.starttls(context=ctx)'],
	    ['SMTP_SSL', 'pass', '-T']) {
		my ($class, $tls, @args) = @$way;
		my $srv = $s->start('smtpd', args => ['-m', 'submission',
		    @args]);
		my $ssl = @args ? ', context=ctx' : '';
		my (undef, $out, $err) = $s->run_tool('python3', ['-c',
		    <<"END"]);
import smtplib, ssl
from email.message import EmailMessage
ctx = ssl.create_default_context(cafile='$s->{dir}/cert.pem')
ctx.check_hostname = False
ctx.verify_mode = ssl.CERT_NONE
c = smtplib.$class('$srv->{addr}', $srv->{port}$ssl)
$tls
c.login('bob', 'open-sesame')
m = '''From: Bob <bob\@a.test>
To: carol\@a.test
BCC: <secret\@far.test>,
 secret\@a.test
Subject: $class

hello
'''
print(c.sendmail('bob\@a.test', ['carol\@a.test'], m))
try:
    c.sendmail('carol\@a.test', ['carol\@a.test'], m)
except smtplib.SMTPSenderRefused as e:
    print(e.smtp_code)
c.quit()
END
		is($out, "{}\n553\n", "$as: $class sends, as its own account")
		    or diag($err, $s->log_text);
		my @found = $s->files('spool/local/now');
		is(scalar @found, 1, "$as: the message is there");
		my $text = join '', map { Stdmail::slurp($_) } @found;
		unlike($text, qr/secret/i, "$as: who is blind-copied is not");
		like($text, qr/^Message-ID: </m, "$as: it has a Message-ID");
		like($text, qr/^Date: /m, "$as: and a date");
		unlink @found;
		$srv->stop;
	}

	# One process for each session.
	my @codes;
	for my $n (1 .. 3) {
		my ($status, $out) = $s->run_program('smtpd', ['-m',
		    'submission', '-o', 'submission_rate=4'], stdin =>
		    join("\r\n", 'EHLO client.test', $auth,
		    'MAIL FROM:<carol@a.test>', "RCPT TO:<one$n\@far.test>",
		    "RCPT TO:<two$n\@far.test>", 'QUIT', ''));
		push @codes, join ' ', $out =~
		    /^(\d+) [\d.]+ [^\r\n]*(?:one|two)/mg;
	}
	is(join(', ', @codes), '250 250, 250 250, 450 450',
	    "$as: an account is frozen for all processes")
	    or diag($s->log_text);
}

done_testing();
