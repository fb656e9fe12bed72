#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that the programs people fetch their mail with get every message with
# its bytes from pop3d, twice the same when they keep it there, nothing the
# second time when they remember what they have, and none is left when they
# delete: getmail, mpop, mutt and curl.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Path qw(make_path remove_tree);
use Test::More;

use Stdmail;

Stdmail::need(qw(pop3d));

my $s = Stdmail->new(users => { alice => 'open-sesame' });
my $client = "$s->{dir}/client";
my $box = "$client/box";
my $from = "From: Bob <bob\@b.test>\nTo: alice\@a.test\n" .
    "Date: Sat, 21 Nov 2026 04:42:00 +0000\n";
# mpop and mutt have no use for UTF8, and must get over the third message.
my @text = map { "$from$_" } (
    "Subject: one\nMessage-ID: <1\@b.test>\n\nfirst\n.dot\n..\n.\n",
    "Subject: two\nMessage-ID: <2\@b.test>\n\n" . ('x' x 70 . "\n") x 2000,
    "Subject: gr\xc3\xbc\xc3\x9fe\nMessage-ID: <3\@b.test>\n\n\xc3\xbc\n",
    "Subject: four\nMessage-ID: <4\@b.test>\n\nlast\n");
my @want = map { s/^Subject: gr.*/Subject: =?utf-8?B?Z3LDvMOfZQ==?=/mr }
    @text;
make_path($client);
my $srv = $s->start('pop3d');
my $tls = $s->start('pop3d', args => ['-T']);
my $cert = "$client/cert.pem";
Stdmail::spew($cert, Stdmail::slurp("$s->{dir}/cert.pem"));

sub
fill
{
	my $md = $s->maildir('alice');

	remove_tree($md);
	for my $i (0 .. $#text) {
		$s->preload('alice', $text[$i], $i % 2 ? 'S' : undef,
		    1700000000 + $i);
	}
	remove_tree($box);
	make_path("$box/$_") for qw(cur new tmp);
	$s->own;
}

sub left { return scalar map { $s->files("Mail/alice/$_") } qw(new cur) }

# What the client has put into its Maildir, without what it puts on top.
sub
fetched
{
	return sort map {
		Stdmail::slurp($_) =~ s/\r\n/\n/gr
		    =~ s/^(?:Return-Path|Status|Lines|Content-Length):.*\n
			(?:[ \t].*\n)*//mgrx
	} map { $s->files("client/box/$_") } qw(new cur);
}

# Both ways with one client; $run->(delete?) is (status, what it said).
sub
both_ways
{
	my ($what, $run, $again) = @_;

	fill();
	my ($status, @out) = $run->(0);
	is($status, 0, "$what, keep: ends well") or diag @out, $s->log_text;
	is_deeply([fetched()], [sort @want], "$what, keep: every byte") or
	    diag @out;
	is(left(), 4, "$what, keep: all are still there");
	if (defined $again) {
		($status, @out) = $run->(0);
		is($status, $again, "$what, again: ends well") or diag @out;
		is(scalar(() = fetched()), 4, "$what, again: nothing new");
	}
	fill();
	unlink glob "$client/seen*";
	remove_tree("$client/getmail");
	($status, @out) = $run->(1);
	is($status, 0, "$what, delete: ends well") or diag @out;
	is_deeply([fetched()], [sort @want], "$what, delete: every byte");
	is(left(), 0, "$what, delete: none is left") or diag @out;
}

sub
getmail
{
	my ($delete) = @_;
	my $flag = $delete ? 'true' : 'false';
	# It does not deliver as root.
	my $user = $> == 0 ? 'user = nobody' : '';

	make_path("$client/getmail");
	Stdmail::spew("$client/getmail/rc", <<END, 0600);
[retriever]
type = SimplePOP3SSLRetriever
server = localhost
port = $tls->{port}
username = alice
password = open-sesame
ca_certs = $cert
[destination]
type = Maildir
path = $box/
$user
[options]
delete = $flag
read_all = false
delivered_to = false
received = false
END
	$s->own;
	return $s->run_tool('getmail', ["--getmaildir=$client/getmail",
	    '-r', 'rc']);
}

sub
mpop
{
	my ($delete) = @_;
	my $keep = $delete ? 'off' : 'on';

	unlink "$client/mpoprc";	# it must be its own
	Stdmail::spew("$client/mpoprc", <<END, 0600);
account default
host localhost
port $srv->{port}
user alice
password open-sesame
auth plain
tls on
tls_starttls on
tls_trust_file $cert
keep $keep
received_header off
delivery maildir $box
uidls_file $client/seen
END
	return $s->run_tool('mpop', ['-C', "$client/mpoprc"]);
}

sub
mutt
{
	my ($delete) = @_;
	my $yes = $delete ? 'yes' : 'no';

	# fetch-mail delivers to the spoolfile.
	Stdmail::spew("$client/muttrc", <<END);
set pop_host=pop://alice\@localhost:$srv->{port} pop_user=alice
set pop_pass=open-sesame pop_delete=$yes pop_last=no
set certificate_file=$cert ssl_ca_certificates_file=$cert
set ssl_starttls=no ssl_force_tls=no ssl_verify_host=no
set sleep_time=0 wait_key=no quit=yes delete=no move=no mark_old=no
set mbox_type=Maildir spoolfile=$box folder=$box timeout=5 beep=no
set read_inc=0 write_inc=0 header_cache="" message_cachedir=""
push "<fetch-mail><exit>"
END
	return $s->run_tool_tty('mutt', ['-n', '-F', "$client/muttrc", '-f',
	    $box]);
}

sub
curl
{
	my ($delete) = @_;
	my $url = "pop3://localhost:$srv->{port}";
	my @login = ('-sS', '-u', 'alice:open-sesame');
	my ($status, $list, $err) = $s->run_tool('curl', [@login, "$url/"]);

	return ($status, $err) if $status != 0;
	for my $n ($list =~ /^(\d+)/mg) {
		($status, undef, $err) = $s->run_tool('curl', [@login,
		    '-o', "$box/new/$n", "$url/$n"]);
		return ($status, $err) if $status != 0;
	}
	return 0 if !$delete;
	# A message is number 1 as soon as those before it are gone.
	for ($list =~ /^(\d+)/mg) {
		($status, undef, $err) = $s->run_tool('curl', [@login, '-I',
		    '-X', 'DELE', "$url/1"]);
		return ($status, $err) if $status != 0;
	}
	return 0;
}

for my $row (['getmail', \&getmail, 0], ['mpop', \&mpop, 0],
    ['mutt', \&mutt], ['curl', \&curl]) {
	SKIP: {
		skip "$row->[0] is missing", 1 if !Stdmail::tool($row->[0]);
		both_ways(@$row);
	}
}

ok($_->alive(0.02), 'the server lives') for $srv, $tls;
unlike($s->log_text, qr/open-sesame/, 'no password in the log');
unlike($s->log_text, qr/signal=|AddressSanitizer|runtime error/,
    'nothing crashed');

done_testing();
