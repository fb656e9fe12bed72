#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves what smtpd does when its spool cannot take a message: the disk is
# full, or has no room for another file, or is read-only, or a folder is closed;
# before, while or after a message comes.  The client hears 452 or 451, what
# was answered 250 is there and whole, nothing half-written stays, and when
# there is room again the same server takes mail again.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;

use Stdmail;
use Stdmail::Disk;

Stdmail::need(qw(root smtpd mda-deliver));
plan skip_all => 'mount namespaces are not to be had here'
    if !Stdmail::Disk::alone();

my $s = Stdmail->new(as => 'root', users => { alice => 'open-sesame' });
my $disk = $s->{spool};
my $line = 'x' x 76 . "\r\n";
my ($taken, $serial) = (0, 0);

sub
mount_spool
{
	my ($options) = @_;
	my $fault = Stdmail::Disk::quiet("mount -t tmpfs -o mode=755,$options " .
	    "tmpfs $disk");

	die $fault if defined $fault;
}

# A transaction: the first reply that is not 2yz or 3yz, or the last.
sub
mail
{
	my ($srv, $size, %o) = @_;
	my $c = $srv->connect(timeout => 60);
	my $announce = $o{size} ? " SIZE=$size" : '';
	my $reply = '';
	my $n = ++$serial;

	for my $l (undef, 'EHLO client.test', "MAIL FROM:<a\@b.test>$announce",
	    'RCPT TO:<alice@a.test>', 'DATA') {
		$reply = $c->smtp($l);
		return $reply if $reply !~ /^[23]/;
	}
	$o{before_end}->() if $o{before_end};
	$c->send("Subject: $n\r\n\r\n" . $line x ($size / length $line) .
	    "the end of $n\r\n");
	$reply = $c->smtp('.');
	$taken++ if $reply =~ /^250/;
	$c->smtp('QUIT');
	return $reply;
}

# All that was taken is delivered whole, and nothing else is in the spool.
sub
delivered
{
	my ($what) = @_;
	my ($status, undef, $err) = $s->run_program('mda-deliver', ['-q'],
	    timeout => 60);
	my @whole = grep {
		Stdmail::slurp($_) =~ /^Subject: (\d+)\n.*^the end of \1\n\z/ms
	} $s->files('Mail/alice/new');

	is($status, 0, "$what: delivery") or diag $err;
	is(scalar @whole, $taken, "$what: $taken were taken, and are there");
	is(scalar $s->files('Mail/alice/new'), $taken, 'and no other');
	is(join(' ', $s->spooled), '', 'nothing stays in the spool');
	unlink $s->files('Mail/alice/new');
	$taken = 0;
}

for my $row (['the disk is full', 'size=2m'],
    ['there is no room for a file', 'size=50m,nr_inodes=40']) {
	my ($what, $options) = @$row;

	mount_spool($options);
	my $srv = $s->start('smtpd', args => ['-m', 'mx']);
	like(mail($srv, 100), qr/^250/, "$what: not yet");
	if ($options !~ /inodes/) {
		like(mail($srv, 4 << 20), qr/^452 4\.3\.1 /,
		    "$what: a large message: 452");
		like(mail($srv, 4 << 20, size => 1), qr/^452 4\.3\.1 /,
		    "$what: one that says so: 452");
		like(mail($srv, 300 << 10), qr/^250/, 'a smaller one is taken');
	}
	my $reply = '';
	for (1 .. 200) {
		$reply = mail($srv, 20000);
		last if $reply !~ /^250/;
	}
	like($reply, qr/^452 4\.3\.1 /, "$what: then one is not taken: 452");
	cmp_ok($taken, '>', 3, 'after some that are');
	delivered($what);
	like(mail($srv, 20000), qr/^250/, "$what: and taken again");
	delivered('afterwards');
	$srv->stop;
	Stdmail::Disk::quiet("umount $disk");
}

{
	my $ro = sub {
		my ($how) = @_;
		my $fault = Stdmail::Disk::quiet("mount -o remount,$how $disk");
		die $fault if defined $fault;
	};
	mount_spool('size=50m');
	my $srv = $s->start('smtpd', args => ['-m', 'mx']);
	like(mail($srv, 100), qr/^250/, 'read-only: not yet');
	$ro->('ro');
	like(mail($srv, 100), qr/^451 4\.3\.0 /, 'read-only: 451');
	like(mail($srv, 4 << 20), qr/^451 4\.3\.0 /, 'a large one: 451');
	$ro->('rw');
	like(mail($srv, 100), qr/^250/, 'writable again: taken');
	delivered('read-only');
	my $mode = sub { chmod $_[0], "$disk/$_[1]" or die "$!\n" };
	for my $dir (qw(tmp local/now)) {
		my $was = (stat "$disk/$dir")[2] & 07777;
		like(mail($srv, 100, before_end => sub { $mode->(0, $dir) }),
		    qr/^451 4\.3\.0 /, "$dir is closed while a message comes");
		like(mail($srv, 100), qr/^451 4\.3\.0 /, 'and after that: 451');
		$mode->($was, $dir);
		like(mail($srv, 100), qr/^250/, 'and open again: taken');
	}
	delivered('folders');
	ok($srv->alive(0.02), 'the server lives');
	$srv->stop;
	Stdmail::Disk::quiet("umount $disk");
}
done_testing();
