# SPDX-License-Identifier: ISC
#
# A milter that does what it is told, on a free port of 127.0.0.1 or a UNIX
# socket, and writes down what it heard.
#
#	my $m = Stdmail::Milter->start(end => ['add X-Seen: yes', 'continue'],
#	    rcpt => ['reply 550 5.1.1 Not him']);
#	$m->name		inet:127.0.0.1:PORT
#	$m->heard		one line for each packet, its macros before it
#
# For each stage (negotiate connect helo mail rcpt data header eoh body end) a
# list of answers, words as in %answers below; without one it says continue.
# Options: actions, protocol, version (of its offer), symbols ({ stage number
# => names }), path (a UNIX socket), mode (of it).
package Stdmail::Milter;

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes qw(sleep);

use Stdmail;

my %stages = (O => 'negotiate', C => 'connect', H => 'helo', M => 'mail',
    R => 'rcpt', T => 'data', L => 'header', N => 'eoh', B => 'body',
    E => 'end', D => 'macro', A => 'abort', Q => 'quit');
# Bits by which it says that it will not answer this stage.
my %mute = (connect => 0x1000, helo => 0x2000, mail => 0x4000, rcpt => 0x8000,
    data => 0x10000, header => 0x80, eoh => 0x40000, body => 0x80000);

my %answers = (
	continue => sub { ('c') },
	accept => sub { ('a') },
	reject => sub { ('r') },
	tempfail => sub { ('t') },
	discard => sub { ('d') },
	skip => sub { ('s') },
	progress => sub { ('p') },
	shutdown => sub { ('4') },
	reply => sub { ('y', "$_[0]\0") },
	add => sub { ('h', join("\0", split /:/, $_[0], 2) . "\0") },
	insert => sub { indexed('i', $_[0]) },
	change => sub { indexed('m', $_[0]) },
	body => sub { ('b', $_[0]) },
	'rcpt+' => sub { ('+', "$_[0]\0") },
	'rcpt+args' => sub { ('2', "$_[0]\0NOTIFY=NEVER\0") },
	'rcpt-' => sub { ('-', "$_[0]\0") },
	from => sub { ('e', "$_[0]\0") },
	quarantine => sub { ('q', "$_[0]\0") },
);

# "2 Name: value"
sub
indexed
{
	my ($letter, $text) = @_;
	my ($index, $field) = split / /, $text, 2;

	return ($letter, pack('N', $index) .
	    join("\0", split /:/, $field, 2) . "\0");
}

sub
start
{
	my ($class, %o) = @_;
	my $m = bless { actions => 0x1ff, protocol => 0x100000, version => 6,
	    file => Stdmail::folder() . '/heard', %o }, $class;

	Stdmail::spew($m->{file}, '');
	if (defined $m->{path}) {
		$m->{sock} = IO::Socket::UNIX->new(Local => $m->{path},
		    Listen => 16) or die "$m->{path}: $!\n";
		chmod $m->{mode} // 0777, $m->{path};
		$m->{name} = "unix:$m->{path}";
	} else {
		$m->{sock} = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		    Listen => 16) or die "listen: $@\n";
		$m->{name} = 'inet:127.0.0.1:' . $m->{sock}->sockport;
	}
	$m->{pid} = Stdmail::fork_child(sub { $m->serve });
	close delete $m->{sock};
	return $m;
}

sub name { return $_[0]{name} }

sub
stop
{
	my ($m) = @_;

	Stdmail::end_child(delete $m->{pid}) if $m->{pid};
}

# What was heard since the last call, when there is something that matches.
sub
heard
{
	my ($m, $until) = @_;
	my $text = '';

	Stdmail::until_true(sub {
		$text = Stdmail::slurp($m->{file});
		return !defined $until || $text =~ $until;
	}, 60);
	return $text;
}

sub
serve
{
	my ($m) = @_;

	$SIG{CHLD} = 'IGNORE';
	while (my $c = $m->{sock}->accept) {
		next if fork;
		binmode $c;
		$m->session($c);
		POSIX::_exit(0);
	}
}

sub
note
{
	my ($m, $text) = @_;

	$text =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ge;
	open(my $fh, '>>', $m->{file}) or die "$m->{file}: $!\n";
	syswrite $fh, "$text\n";
}

sub
packet
{
	my ($c) = @_;
	my $got = read($c, my $head, 5) // 0;

	return if $got != 5;
	my ($n, $letter) = unpack 'Na', $head;
	my $data = '';
	return if $n > 1 && (read($c, $data, $n - 1) // 0) != $n - 1;
	return ($letter, $data);
}

sub
answer
{
	my ($c, $letter, $data) = @_;
	my $all = pack('Na', 1 + length($data // ''), $letter) . ($data // '');

	syswrite $c, $all;
}

sub
offer
{
	my ($m, $c) = @_;
	my $lists = $m->{symbols} // {};

	answer($c, 'O', pack('NNN', @{$m}{qw(version actions protocol)}) .
	    join '', map { pack('N', $_) . "$lists->{$_}\0" } sort keys %$lists);
}

# Do what the stage's list says.  Letters are given to more than one packet in
# turn when the list holds lists.
sub
act
{
	my ($m, $c, $stage) = @_;
	my $list = $m->{$stage} // ['continue'];

	if (ref $list->[0]) {
		$list = $list->[0];
		shift @{$m->{$stage}} if @{$m->{$stage}} > 1;
	}
	for my $say (@$list) {
		my ($word, $rest) = split / /, $say, 2;
		if ($word eq 'die') {
			$m->note('end of connection');
			POSIX::_exit(0);
		} elsif ($word eq 'sleep') {
			sleep $rest;
		} elsif ($word eq 'raw') {
			syswrite $c, $rest;
		} else {
			answer($c, $answers{$word}->($rest));
		}
	}
}

# One connection of a server.
sub
session
{
	my ($m, $c) = @_;

	while (my ($letter, $data) = packet($c)) {
		my $stage = $stages{$letter} // 'unknown';
		$m->note($stage . ($data eq '' ? '' : " $data"));
		return if $stage eq 'quit';
		if ($stage eq 'negotiate' && !$m->{negotiate}) {
			$m->offer($c);
		} elsif ($stage !~ /^(?:macro|abort)\z/ &&
		    !($m->{protocol} & ($mute{$stage} // 0))) {
			$m->act($c, $stage);
		}
	}
	$m->note('end of connection');
}

1;
