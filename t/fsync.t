#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what stdmail-spool(5) says under "Syncs": how often a disk is waited
# for, per message, on its way in and to a Maildir, and that it is before the
# answer and before the name.  One more would be slow; one less, a lie.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::IP;
use Test::More;

use Stdmail;
use Stdmail::Disk;

Stdmail::need('smtpd', 'mda-deliver', 'tool:strace');

my @strace = (Stdmail::tool('strace'), '-f', '-s', '250', '-e',
    'trace=fsync,fdatasync,sync_file_range,syncfs,sync,' .
    'rename,renameat,renameat2,sendto');

# Where a new name is not on disk with its file, folders are synced, too.
sub
names_too
{
	my ($dir) = @_;
	my $kind = qx{stat -f -c %T '$dir'};

	return $kind !~ /^(?:ext2|xfs|btrfs|nfs|tmpfs|ramfs)/;
}

# One message to these by smtpd under strace: the calls, in their order.
sub
take
{
	my ($s, @rcpts) = @_;
	my $l = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0,
	    Listen => 1) or die "listen: $@\n";
	my $sock = IO::Socket::IP->new(PeerHost => '127.0.0.1',
	    PeerPort => $l->sockport) or die "connect: $@\n";
	my $theirs = $l->accept;
	my $c = Stdmail::Conn->new(in => $sock, out => $sock);

	unlink "$s->{dir}/trace";
	my $pid = $s->spawn([@strace, '-o', "$s->{dir}/trace",
	    $s->command('smtpd')], { 0 => $theirs, 1 => $theirs });
	close $theirs;
	$c->smtp;
	for my $line ('EHLO x.test', 'MAIL FROM:<al@x.test>',
	    (map { "RCPT TO:<$_>" } @rcpts), 'DATA',
	    "Subject: x\r\n\r\ntext\r\n.", 'QUIT') {
		my $said = $c->smtp($line);
		die "$line: $said\n" if $said !~ /^[23]/;
	}
	is(Stdmail::reap($pid, 60), 0, 'smtpd ends well');
	return calls($s);
}

# What strace has seen, of all processes or of each: F fsync, N a new name in a
# queue or Maildir, A an answer behind the first of these.
sub
calls
{
	my ($s, $each) = @_;
	my %calls;

	for (split /\n/, Stdmail::slurp("$s->{dir}/trace")) {
		next if /<\.\.\. .* resumed>/;
		my $pid = $each && /^(\d+)/ ? $1 : 0;
		$calls{$pid} .= 'F' if / (?:f(?:data)?sync|sync\w*)\(/;
		$calls{$pid} .= 'N' if / rename\w*\(.*"([^"]*)"/ && $1 !~ /,C=/;
		$calls{$pid} .= 'A' if / sendto\(/ && $calls{$pid};
	}
	return join ' ', sort values %calls;
}

sub
deliver
{
	my ($s) = @_;

	unlink "$s->{dir}/trace";
	my ($status) = $s->run([@strace, '-o', "$s->{dir}/trace",
	    $s->command('mda-deliver', '-q')]);
	is($status, 0, 'mda-deliver ends well');
	return calls($s, 1);
}

my $s = Stdmail->new(users => { bob => 'x', eve => 'x' },
    conf => { relay_from => '127.0.0.0/8' });
$s->preload($_, "Subject: 0\n\ntext\n") for 'bob', 'eve';
my $names = names_too($s->{dir});

# As many calls as these, in this order; or more, with those of folders.
sub
is_calls
{
	my ($got, $want, $what) = @_;
	my $least = $want =~ s/F//gr =~ s/./.*$&/gr;

	return is($got, $want, $what) if !$names;
	like($got, qr/\A$least\z/, $what);
	cmp_ok($got =~ tr/F//, '>', $want =~ tr/F//, '... with folders');
}

# to whom, the calls of smtpd up to its answers to the message and to QUIT, and
# what is new in the spool
my @rows = (
	['one here', ['bob@a.test'], 'FNAA', 1],
	['two here', ['bob@a.test', 'eve@a.test'], 'FFNAA', 2],
	['one elsewhere', ['al@b.test'], 'FFNAA', 2],
	['one here and one elsewhere', ['bob@a.test', 'al@b.test'],
	    'FFFFNNAA', 4],
);
my $files = 0;
for my $row (@rows) {
	my ($what, $rcpts, $want, $new) = @$row;

	is_calls(take($s, @$rcpts), $want, "taken: $what");
	is(scalar(() = $s->spooled), $files += $new, '... it is there');
}

# What is here goes to Maildirs, by a process for each: the one message as it
# is, by its new name alone; of the others a copy for each recipient, which is on
# disk before its name, then the name, and at last the letters of the envelope.
# What is in memory has an order, too: see below.
my $got = deliver($s);
is_calls($got, $got =~ /^FFF/ ? 'FFFNFN FNFF N' : 'FNFF FNFFNFF N',
    'delivered: all');
is(scalar(() = $s->files("Mail/$_->[0]/new")), $_->[1], "... to $_->[0]")
    for ['bob', 4], ['eve', 2];

# Where a journal keeps the order, copies wait together: the octets of each are
# on their way, then each is on disk and named.  The message goes behind them in
# that order: no sync.  With another who has to wait, one sync for all, and the
# letters.
SKIP: {
	my $folder = Stdmail::folder();
	skip 'no file system of our own is to be had', 1
	    if !Stdmail::is_root() || !Stdmail::Disk::alone();
	my $why = Stdmail::Disk::make($folder, 'ext4');
	skip $why, 1 if defined $why;
	local $ENV{TMPDIR} = "$folder/disk";
	chmod 01777, $ENV{TMPDIR};
	my %users = map { $_ => 'x' } qw(amy bob eve);
	chmod 0755, $folder;
	for my $as ('nobody', 'root') {
		my $t = Stdmail->new(users => { %users }, as => $as,
		    conf => { relay_from => '127.0.0.0/8' });
		$t->preload($_, "Subject: 0\n\ntext\n") for keys %users;
		take($t, map { "$_\@a.test" } keys %users);
		is(deliver($t), 'FFFFNFNFN', "delivered in order: $as");
		is(scalar(() = $t->files("Mail/$_/new")), 2, "... to $_")
		    for sort keys %users;
		is(scalar(() = $t->spooled), 0, '... and nothing is left');
		take($t, map { "$_\@a.test" } keys %users);
		chmod 0, $t->maildir('eve');
		like(deliver($t), qr/\bFFFNFNFFN+\b/, '... with one who waits');
	}
	system('umount', '-l', $ENV{TMPDIR});
}
done_testing();
