# SPDX-License-Identifier: ISC
#
# Sieve scripts with messages, and what is to become of these: the cases of
# t/sieve, read and run, by mda-deliver -t and by whoever else can.
#
# A file is made of blocks, each of which begins with a line "=== ":
#
#	=== message NAME	a message, for those that follow
#	=== script NAME		a personal script, for include
#	=== global NAME		one for all
#	=== folder NAME		a Maildir++ folder of his that is there
#	=== TITLE		a script, and then lines of what it comes to:
#	=> NAME [from=[ADDRESS]] [to=ADDRESS] RESULT [~ WHY]
#
# A result is "keep", "fileinto FOLDER", "redirect ADDRESS", "reject WORDS",
# "reply", any of these with " flags FLAG ..." behind it and with "; " between
# several; "nothing"; "error LINE" when the script is wrong, "fault" when it
# goes wrong as it runs.  WHY: Dovecot does something else here, and why.
package Stdmail::Sieve;

use strict;
use warnings;

use File::Basename qw(basename);
use File::Path qw(make_path);

use Stdmail;

# The cases of a file: { title, script, files => { PATH => TEXT },
# runs => [ { message, from, to, want, differs, line } ] }.
sub
cases
{
	my ($file) = @_;
	my (%message, %file, @cases, $block);

	for my $line (split /^/, Stdmail::slurp($file)) {
		if ($line =~ /^=== (message|script|global) (\S+)$/) {
			$block = $1 eq 'message' ? \$message{$2} :
			    \$file{($1 eq 'script' ? 'sieve' : $1) .
			    "/$2.sieve"};
			$$block = '';
		} elsif ($line =~ /^=== folder (\S+)$/) {
			$file{"Maildir/.$1"} = undef;
		} elsif ($line =~ /^=== (.*)/) {
			push @cases, { title => $1, script => '', runs => [],
			    files => { %file } };
			$block = \$cases[-1]{script};
		} elsif ($line =~ /^=> (\S+)((?: (?:from|to)=\S*)*) (.*)/) {
			my ($name, $envelope, $want) = ($1, $2, $3);
			my ($why) = $want =~ s/ *~ *(.*)// ? $1 : undef;

			die "$file: no message $name\n"
			    if !defined $message{$name};
			push @{$cases[-1]{runs}}, { name => $name,
			    message => $message{$name}, want => $want,
			    differs => $why, from => 'coyote@desert.example.org',
			    to => 'bob@example.net',
			    $envelope =~ /(from|to)=(\S*)/g };
		} elsif (defined $block) {
			$$block .= $line;
		}
	}
	return @cases;
}

# Put a case's files into a folder, which is the home of who has the scripts.
sub
lay
{
	my ($dir, $case) = @_;
	my $files = $case->{files};

	system('rm', '-rf', map { "$dir/$_" } qw(sieve global Maildir));
	mkdir "$dir/$_" for qw(sieve global);
	Stdmail::spew("$dir/$_", $files->{$_})
	    for grep { defined $files->{$_} } keys %$files;
	make_path(map { my $d = $_; map { "$dir/$d/$_" } qw(cur new tmp) }
	    'Maildir', grep { !defined $files->{$_} } keys %$files);
	Stdmail::spew("$dir/script.sieve", $case->{script});
}

# What mda-deliver -t says of one run: (text, exit code).
sub
try
{
	my ($dir, $run, @more) = @_;

	Stdmail::spew("$dir/message", $run->{message});
	local $ENV{HOME} = $dir;
	my @cmd = ("$Stdmail::bin/mda-deliver", '-t', "$dir/script.sieve",
	    '-o', "users=$dir/users", '-o', 'domains=example.net', '-o',
	    "sieve_global=$dir/global", '-f', $run->{from} || '<>', '-a',
	    $run->{to}, @more);
	my $said = qx{@{[map { "'$_'" } @cmd]} <$dir/message 2>&1};
	return ($said, $? >> 8);
}

sub
flags
{
	my ($words) = @_;

	return !defined $words || $words !~ /\S/ ? '' :
	    ' flags ' . join ' ', do { my %seen;
	    sort grep { !$seen{$_}++ } map { lc } split ' ', $words };
}

# Sorted, each once.
sub
together
{
	my %seen;

	return @_ ? join '; ', sort grep { !$seen{$_}++ } @_ : 'nothing';
}

# The same in the words of a case.
sub
result
{
	my ($said) = @_;
	my @got;

	return "error $1" if $said =~ /^\S+, line (\d+): /;
	return 'fault' if $said =~ /^error: /m;
	return "no result: $said" if $said !~ s/.*^result:\n//ms;
	# A refusal of several lines.
	1 while $said =~
	    s/^(  refuse it: .*?)( \(line \d+\))?\n    \| (.*)/$1 $3$2/m;
	for (split /\n/, $said) {
		my $flags = s/, with the flags (.*?)(?:, with another header:)?$//
		    ? flags($1) : '';
		s/, with another header:$//;
		s/:$//;
		s/ \(line \d+\)$//;
		push @got, /^  keep/ ? "keep$flags" :
		    /^  file it into INBOX/ ? "keep$flags" :
		    /^  file it into the folder "(.*?)"/ ?
		    "fileinto $1$flags" :
		    /^  forward it to <(.*)>/ ? "redirect $1" :
		    /^  refuse it: \S+ (.*)/ ? "reject $1" :
		    /^  send this to/ ? 'reply' : ();
	}
	return together(@got);
}

# The same of what Dovecot's sieve-test says.
sub
result_of_dovecot
{
	my ($said) = @_;
	my @got;

	return "error $1" if $said =~ /line (\d+): error: /;
	return 'fault' if $said =~ /final result: (?!success)/;
	for (split /\n/, $said) {
		push @got, / \* store message in folder: (.*)/ ?
		    ($1 eq 'INBOX' ? 'keep' : "fileinto $1") :
		    / \* redirect message to: <(.*)>/ ? "redirect $1" :
		    / \* reject message with reason: (.*)/ ? "reject $1" :
		    / \* send (?:vacation|notification)/ ? 'reply' : ();
		$got[-1] .= flags($1) if @got && /\+ add IMAP flags: (.*)/;
	}
	return together(@got);
}

1;
