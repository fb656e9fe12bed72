#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that mailq shows unprivileged users their own messages and no others:
# behind the socket that a unit of systemd would listen on, to whom it shows
# what; and what it says where nobody listens, or the list has no end.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::UNIX;
use Test::More;

use Stdmail;

Stdmail::need(qw(root smtp-send smtpd mda-deliver));

my ($dave, $erin, $login) = (61234, 61235, (getpwnam('games'))[2]);
my $s = Stdmail->new(conf => { relay_from => '127.0.0.0/8',
    map { $_ => 'nobody' } qw(door_user spool_user mail_user) });
my $links = Stdmail::folder();
symlink Stdmail::program('smtp-send'), "$links/$_" for qw(sendmail mailq);
my $dir = Stdmail::folder();
my ($list, $submit) = ("$dir/mailq", "$dir/submit");
$s->{conf}{list_socket} = $list;
$s->{conf}{submit_socket} = $submit;
$s->{conf}{virtual} = "$s->{dir}/virtual";
Stdmail::spew($s->{conf}{virtual}, "team\@a.test two\@b.test\n", 0644);
$s->write_conf;
chmod 0700, $s->{spool};

# As a user of that number: exit code, output, errors.
sub
as
{
	my ($uid, $name, @args) = @_;

	return $s->run(['setpriv', "--reuid=$uid", "--regid=$uid",
	    '--clear-groups', "$links/$name", '-C', $s->{conf_file}, @args],
	    as => 'root', stdin => "Subject: x\n\nx\n");
}

sub
listen_at
{
	my ($path) = @_;
	my $l = IO::Socket::UNIX->new(Local => $path, Listen => 8)
	    or die "$path: $!\n";

	chmod 0666, $path;
	return $l;
}

# Each connection gets a program, as by a socket unit with Accept=yes.
sub
serve
{
	my ($l, @cmd) = @_;

	return Stdmail::fork_child(sub {
		local $SIG{CHLD} = 'IGNORE';
		while (my $c = $l->accept) {
			$s->spawn([@cmd], { 0 => $c, 1 => $c });
			close $c;
		}
	});
}

# --- nobody listens -------------------------------------------------------

my ($st, $out, $err) = as($dave, 'mailq');
is("$st$out", '77', 'no socket: 77');
like($err, qr/\Amailq:\ the\ queue\ is\ closed\ to\ this\ user,\ and\ nobody
    \ answers\ behind\ \Q$list\E:\ No\ such\ file\ or\ directory\n\z/x,
    '... in one line');
undef(my $dead = listen_at($list));
($st, $out, $err) = as($dave, 'mailq');
is("$st$out", '75', 'nobody behind it: 75');
like($err, qr/\Amailq: [^\n]*refused\n\z/, '... in one line');
unlink $list;
($st, $out, $err) = $s->run([Stdmail::program('smtp-send'), '-c',
    $s->{conf_file}, '-l'], as => 'me');
is($st, 0, 'root needs none') or diag $err;
($st, $out, $err) = $s->run(['setpriv', "--reuid=$dave", "--regid=$dave",
    '--clear-groups', $s->command('smtp-send', '-D', 'all')], as => 'root');
is("$st$out", '77', 'smtp-send -D: 77');
like($err, qr/\A[^\n]*the queue is closed to this user: be root[^\n]*\n\z/,
    '... in one line');

# --- to each his own ------------------------------------------------------

my $door = listen_at($submit);
my $smtpd = $s->spawn([$s->command('smtpd', '-m', 'submission')],
    { 3 => $door }, env => { LISTEN_FDS => 1 });
for ([$dave, 'one@b.test'], [$dave, 'team@a.test'], [$erin, 'three@b.test']) {
	($st, $out, $err) = as($_->[0], 'sendmail', '-f', 'x@a.test', $_->[1]);
	is($st, 0, "$_->[0] writes to $_->[1]") or diag $err, $s->log_text;
}
kill 'TERM', $smtpd;
($st, $out, $err) = $s->run_program('mda-deliver', ['-q']);
is("$st$out", '0', 'one of them to an alias') or diag $err;
my ($env) = grep { Stdmail::slurp($_) =~ /three/ } $s->spooled('remote/env');
like(Stdmail::slurp($env), qr/^uid $erin$/m, 'the envelope knows who');
my $server = serve(my $l = listen_at($list), $s->command('smtp-send', '-l',
    '-u'));
for ([$dave, 'one two'], [$erin, 'three'], [$erin + 1, ''],
    [0, 'one two three'], [$Stdmail::nobody[0], 'one two three']) {
	my ($uid, $want) = @$_;
	($st, $out, $err) = $uid == 0 ? $s->run(["$links/mailq", '-C',
	    $s->{conf_file}], as => 'me') : as($uid, 'mailq');
	is("$st$err", '0', "uid $uid asks");
	is(join(' ', sort { index('one two three', $a) <=>
	    index('one two three', $b) } $out =~ /^\t(\w+)\@b\.test/mg), $want,
	    "... and sees <$want>");
	like($out, $want eq '' ? qr/\ANothing waits\.\n\z/ :
	    qr/^\d messages?, \d+ octets\n\z/m, '... to its end');
}
($st, $out) = as($dave, 'sendmail', '-bp');
like($out, qr/^2 messages, /m, 'sendmail -bp too');
my ($before) = scalar $s->spooled;
($st, $out, $err) = as($dave, 'sendmail', '-q');
is("$st$out$err", '0', 'sendmail -q: quietly nothing');
is(scalar $s->spooled, $before, '... at all');

# --- a list without an end ------------------------------------------------

Stdmail::end_child($server);
for (["printf '1 message, 5 octets'", 75], ["printf 'x\\n'", 75],
    [':', 75], ["printf 'x\\n1 message, 5 octets\\n'", 0],
    ["printf '1 message, 5 octets\\nx\\n'", 75],
    ["printf 'Nothing waits.\\n'", 0]) {
	my ($what, $code) = @$_;
	my $one = serve($l, 'sh', '-c', $what);
	($st, $out, $err) = as($dave, 'mailq');
	is($st, $code, "the list of: $what");
	like($err, $code ? qr/\Amailq: [^\n]*has no end[^\n]*\n\z/ : qr/\A\z/,
	    '... and what is said');
	Stdmail::end_child($one);
}
done_testing;
