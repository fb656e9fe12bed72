#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that a message which was answered 250 survives a power cut: smtpd
# takes mail from several clients at once on a file system of its own (ext4,
# then xfs), which is shut down in the middle without its log being flushed,
# mounted again, and recovered.  In every other round mda-deliver delivers at
# the same time.  Every answered message must then be in a mailbox, whole, and
# once, and nothing half-written may be left.  CUTS says how often
# for each file system (25).
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(time sleep);

use Stdmail;
use Stdmail::Disk;

Stdmail::need(qw(root smtpd mda-deliver));

my $cuts = $ENV{CUTS} // 25;
my $seed = $ENV{SEED} // time ^ $$;

srand($seed);
note("SEED=$seed");

plan skip_all => 'mount namespaces are not to be had here'
    if !Stdmail::Disk::alone();

# Send messages until the connection ends; note each that was answered 250.
sub
send_mail
{
	my ($server, $acks, $name) = @_;
	my $c = $server->connect(timeout => 5);
	my $n = 0;

	open(my $fh, '>>', $acks) or die "$!";
	$c->smtp;
	$c->send("EHLO client.test\r\n");
	$c->smtp;
	for (;;) {
		my $id = "$name-" . $n++;
		my @rcpts = rand() < 0.7 ? ('alice') : ('alice', 'bob');
		my $talk = "MAIL FROM:<x\@b.test>\r\n" . join('',
		    map { "RCPT TO:<$_\@a.test>\r\n" } @rcpts) . "DATA\r\n";
		$c->send($talk);
		$c->smtp for 1 .. @rcpts + 1;
		my $go = $c->smtp;
		next if $go !~ /^354/;
		$c->send("Subject: $id\r\n\r\n" . ('x' x 70 . "\r\n") x
		    int(rand(200)) . "last line of $id\r\n.\r\n");
		syswrite($fh, "$id @rcpts\n") if $c->smtp =~ /^250/;
	}
}

# user => { id => 1 } of whole messages in the mailboxes.
sub
delivered
{
	my ($dir) = @_;
	my %got;

	for my $user ('alice', 'bob') {
		for my $path (glob "$dir/disk/Mail/$user/new/*") {
			my $text = Stdmail::slurp($path);
			my ($id) = $text =~ /^Subject: (\S+)/m;
			$got{$user}{$id // ''}++
			    if defined $id &&
			    $text =~ /^last line of \Q$id\E\n\z/m;
		}
	}
	return \%got;
}

sub
one_cut
{
	my ($s, $dir, $round) = @_;
	my $acks = "$s->{dir}/acks";
	my $server = $s->start('smtpd');
	# In every other round mail is delivered while it comes.
	my $agent = $round % 2 ? undef :
	    $s->spawn([$s->command('mda-deliver', '-q', '-w')], {});
	my @pids = map {
		my $name = "r$round-c$_";
		Stdmail::fork_child(sub { send_mail($server, $acks, $name) })
	} 1 .. 4;

	Stdmail::until_true(sub { -s $acks }, 60);
	sleep 0.01 + rand(0.25);
	Stdmail::Disk::cut($dir);
	sleep 0.02;		# late answers would be lies
	Stdmail::end_child($_) for @pids, defined $agent ? $agent : ();
	$server->stop;
	return Stdmail::Disk::again($dir);
}

for my $type ('ext4', 'xfs') {
	my $s = Stdmail->new(as => 'root',
	    users => { alice => 'x', bob => 'x' });
	my $dir = Stdmail::folder();
	my $fault = Stdmail::Disk::make($dir, $type);
	my ($answered, $lost, $left) = (0, 0, 0);

	SKIP: {
		skip "$type: $fault", 3 if defined $fault;
		mkdir "$dir/disk/$_" for qw(spool Mail);
		chmod 01777, "$dir/disk/Mail";
		Stdmail::Disk::quiet("sync -f $dir/disk");
		$s->{conf}{spool} = $s->{spool} = "$dir/disk/spool";
		$s->{conf}{mail} = "$dir/disk/Mail/%u/";
		$s->write_conf;
		Stdmail::spew("$s->{dir}/acks", '', 0666);
		for my $round (1 .. $cuts) {
			$fault = one_cut($s, $dir, $round);
			last if defined $fault;
			my ($status, undef, $err) =
			    $s->run_program('mda-deliver', ['-q'],
			    timeout => 60);
			diag("mda-deliver: $status $err") if $status != 0;
			$left += () = $s->spooled;
		}
		is($fault, undef, "$type: $cuts power cuts");
		my $got = delivered($dir);
		for my $line (split /\n/, Stdmail::slurp("$s->{dir}/acks")) {
			my ($id, @users) = split / /, $line;
			$answered++;
			for my $user (@users) {
				my $n = $got->{$user}{$id} // 0;
				next if $n == 1;
				$lost++;
				diag("$n times: $id of $user");
			}
		}
		ok($answered >= $cuts && $lost == 0,
		    "$type: of $answered answered messages none is lost or doubled");
		is($left, 0, "$type: and nothing is left in the spool");
		Stdmail::Disk::quiet("umount $dir/disk");
	}
}
done_testing();
