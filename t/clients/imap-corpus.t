#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Proves that imapd reads messages as Dovecot does: of every message of the
# shared corpus, in one Maildir under both, ENVELOPE, BODY, BODYSTRUCTURE, sizes,
# dates and all sections of all parts are the same.  Where they are not, the
# table below says by which passage of which RFC ours is right, and knows the
# difference by what it is.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Find;
use Test::More;

use Stdmail;
use Stdmail::Dovecot;
use Stdmail::Imap;

Stdmail::need(qw(imapd tool:dovecot));

my @files;
find({ no_chdir => 1, wanted => sub {
	push @files, $_ if -f && !/README\z/;
} }, "$Stdmail::shared/corpus") if -d "$Stdmail::shared/corpus";
plan skip_all => 'no corpus (STDMAIL_SHARED)' if !@files;
@files = sort @files;

$ENV{TZ} = 'UTC';
my $s = Stdmail->new(users => { alice => 'open-sesame' });
my (%file_of, %text_of);

# The corpus as a Maildir, each file as it is.
{
	my $md = $s->maildir('alice');
	Stdmail::spew("$md/$_/x", ''), unlink "$md/$_/x" for qw(cur new tmp);
	for my $i (0 .. $#files) {
		my $path = sprintf '%s/cur/%d.M%04dP1.corpus:2,', $md,
		    1e9 + $i, $i;
		Stdmail::spew($path, Stdmail::slurp($files[$i]), 0600);
		utime 1e9 + 86400 * $i, 1e9 + 86400 * $i, $path;
	}
	$s->own;
}

# --- asking ---------------------------------------------------------------

sub
login
{
	my ($srv) = @_;
	my $c = $srv->connect(timeout => 60);

	$c->answer;
	$c->imap('LOGIN alice open-sesame');
	$c->imap('SELECT INBOX');
	return $c;
}

my $dovecot = Stdmail::Dovecot::start($s, 'imap', 'dovecot');
my %side = (ours => login($s->start('imapd')), theirs => login($dovecot));

# The same of both: { ours => { uid => items }, theirs => ... }.
my $tag = 0;
sub
ask
{
	my ($set, $items) = @_;
	my %got;

	for my $who (sort keys %side) {
		my $t = 'c' . ++$tag;
		$side{$who}->send("$t UID FETCH $set ($items)\r\n");
		for (Stdmail::Imap::responses($side{$who}, $t)) {
			die "$who: $_ ($set $items)\n" if /\A$t (?!OK)/;
			my ($n, $item) = Stdmail::Imap::fetch($_) or next;
			$got{$who}{$item->{UID}} = $item if $item->{UID};
		}
	}
	return \%got;
}

# Which file has which UID.
for (split /\n/, Stdmail::slurp($s->maildir('alice') . '/dovecot-uidlist')) {
	$file_of{$1} = $files[$2] if /^(\d+) .*:\d+\.M(\d+)P1/;
}
is(scalar keys %file_of, scalar @files, scalar(@files) . ' messages');

# --- what is compared -----------------------------------------------------

my @differ;	# { file, item, path, ours, theirs, text }

sub
differ
{
	my ($uid, $item, $path, $ours, $theirs) = @_;

	$text_of{$uid} //= Stdmail::slurp($file_of{$uid}) =~ s/\r?\n/\n/gr;
	push @differ, { uid => $uid, file => $file_of{$uid} =~
	    s{.*/corpus/}{}r, item => $item, path => $path,
	    ours => $ours, theirs => $theirs, text => $text_of{$uid} };
}

sub said { return defined $_[0] ? "\"$_[0]\"" : 'NIL' }

# Each field of a value by its name => its text, so that one field is one
# difference.  What has no letter case (RFC 2045 section 5.1, 6.1; RFC 2183
# section 2; RFC 2046 section 4.1.2) is written small; parameters are a set (RFC 2045 section 5.1).
sub
fields_of
{
	my ($item, $v) = @_;
	my %field;

	if ($item eq 'ENVELOPE') {
		envelope($v, '', \%field);
	} elsif ($item eq 'BODY' || $item eq 'BODYSTRUCTURE') {
		structure($v, '', \%field);
	} else {
		$field{''} = said($v);
	}
	return \%field;
}

my @envelope = qw(date subject from sender reply-to to cc bcc in-reply-to
    message-id);
sub
envelope
{
	my ($v, $path, $into) = @_;

	for my $i (0 .. $#envelope) {
		my $x = $v->[$i];
		$x = join ' ', map { '(' . join(' ', map { said($_) } @$_) .
		    ')' } @$x if ref $x;
		$into->{"$path$envelope[$i]"} = ref $v->[$i] ? $x : said($x);
	}
	$into->{"${path}envelope"} = scalar @$v if @$v != @envelope;
}

sub
parameters
{
	my ($v, $path, $into) = @_;
	my @p = ref $v ? @$v : ();

	$into->{$path} = said($v) if !ref $v && defined $v;
	while (my ($name, $value) = splice @p, 0, 2) {
		$name = lc $name;
		$value = lc $value if $name eq 'charset';
		$into->{"$path/$name"} .= said($value);
	}
}

# body-fields and what follows, RFC 3501 section 7.4.2.
sub
structure
{
	my ($v, $path, $into) = @_;
	my @v = @$v;
	my $n = 0;

	if (ref $v[0]) {
		structure(shift @v, "$path" . ++$n . '.', $into) while ref $v[0];
		$into->{"${path}parts"} = $n;
		$into->{"${path}subtype"} = lc said(shift @v);
		parameters(shift @v, "${path}param", $into);
	} else {
		$into->{"$path$_"} = lc said(shift @v) for qw(type subtype);
		parameters(shift @v, "${path}param", $into);
		$into->{"$path$_"} = said(shift @v) for qw(id description);
		$into->{"${path}encoding"} = lc said(shift @v);
		$into->{"${path}octets"} = said(shift @v);
		if ("$into->{$path . 'type'}$into->{$path . 'subtype'}" eq
		    '"message""rfc822"') {
			envelope(shift @v, "${path}envelope.", $into);
			structure(shift @v, "$path>", $into);
			$into->{"${path}lines"} = said(shift @v);
		} elsif ($into->{"${path}type"} eq '"text"') {
			$into->{"${path}lines"} = said(shift @v);
		}
		$into->{"${path}md5"} = said(shift @v) if @v;
	}
	return if !@v;
	my $d = shift @v;
	$into->{"${path}disposition"} = ref $d ? lc said($d->[0]) : said($d);
	parameters($d->[1], "${path}disposition", $into) if ref $d;
	for my $name (qw(language location)) {
		my $x = shift @v;
		$into->{"$path$name"} = ref $x ? join ' ', map { said($_) }
		    @$x : said($x);
	}
	$into->{"${path}more"} = scalar @v if @v;
}

sub
compare_values
{
	my ($uid, $item, $ours, $theirs) = @_;
	my $a = fields_of($item, $ours);
	my $b = fields_of($item, $theirs);

	# Of another kind of part nothing else can be the same.
	my @other = grep { /(?:type|parts)\z/ && ($a->{$_} // '') ne
	    ($b->{$_} // '') } sort keys %{{ %$a, %$b }};
	for my $path (sort keys %{{ %$a, %$b }}) {
		next if ($a->{$path} // '-') eq ($b->{$path} // '-');
		next if grep { $path ne $_ && index($path,
		    s/(?:(?:sub)?type|parts)\z//r) == 0 } @other;
		differ($uid, $item, $path, $a->{$path}, $b->{$path});
	}
}

# The parts of a BODYSTRUCTURE: number => 'part', 'message' or 'multipart'.
sub
parts
{
	my ($v, $number, $into) = @_;

	if (ref $v->[0]) {
		my $n = 0;
		$into->{$number} = 'multipart' if $number ne '';
		for (@$v) {
			last if !ref;
			$n++;
			parts($_, $number eq '' ? $n : "$number.$n", $into);
		}
		return $into;
	}
	$number = 1 if $number eq '';
	$into->{$number} = 'part';
	if (lc "$v->[0]/$v->[1]" eq 'message/rfc822' && ref $v->[8]) {
		$into->{$number} = 'message';
		my $inner = $v->[8];
		ref $inner->[0] ? parts($inner, $number, $into) :
		    parts($inner, "$number.1", $into);
		$into->{$number} = 'message';
	}
	return $into;
}

sub
sections
{
	my ($structure) = @_;
	my $parts = parts($structure, '', {});
	my @items;

	for my $n (sort keys %$parts) {
		push @items, "$n", "$n.MIME";
		push @items, "$n.HEADER", "$n.TEXT",
		    "$n.HEADER.FIELDS (Subject From)",
		    "$n.HEADER.FIELDS.NOT (Subject Received)"
		    if $parts->{$n} eq 'message';
	}
	return map({ "BODY.PEEK[$_]" } @items), map({ ("BODY.PEEK[$_]<3.20>",
	    "BODY.PEEK[$_]<0.1>") } grep { /\d\z/ } @items);
}

# --- comparing ------------------------------------------------------------

my @whole = qw(RFC822.SIZE INTERNALDATE ENVELOPE BODY BODYSTRUCTURE);
my @bytes = ('RFC822.HEADER', 'BODY.PEEK[]', 'BODY.PEEK[HEADER]',
    'BODY.PEEK[TEXT]', 'BODY.PEEK[HEADER.FIELDS (From Subject Date To)]',
    'BODY.PEEK[HEADER.FIELDS.NOT (Received From)]', 'BODY.PEEK[]<10.50>',
    'BODY.PEEK[TEXT]<100.1000>', 'BODY.PEEK[]<9999999.10>');

sub
compare_items
{
	my ($uid, $a, $b) = @_;

	for my $item (sort keys %{{ %$a, %$b }}) {
		compare_values($uid, $item, $a->{$item}, $b->{$item});
	}
}

my $count = 0;
sub
compare_all
{
	my ($set, @items) = @_;
	my $got = ask($set, join ' ', 'UID', @items);

	for my $uid (sort { $a <=> $b } keys %{$got->{ours}}) {
		$count += @items;
		compare_items($uid, $got->{ours}{$uid},
		    $got->{theirs}{$uid} // {});
	}
	return $got;
}

my $got = compare_all('1:*', @whole);
compare_all('1:*', @bytes);
for my $uid (sort { $a <=> $b } keys %file_of) {
	my %items;
	for my $who (keys %side) {
		my $structure = $got->{$who}{$uid}{BODYSTRUCTURE};
		$items{$_} = 1 for sections($structure);
	}
	my @items = sort keys %items;
	compare_all($uid, splice @items, 0, 100) while @items;
}

# What a part decodes to (RFC 3516), where both can.  Returns ours.
my @sizes;
sub
binary
{
	my ($uid, $item) = @_;
	my %said;

	for my $who (sort keys %side) {
		my $t = 'b' . ++$tag;
		$side{$who}->send("$t UID FETCH $uid ($item)\r\n");
		my @got = eval { Stdmail::Imap::responses($side{$who}, $t) };
		# Dovecot 2.3 ends its session at some.
		if (!@got && $who eq 'theirs') {
			$side{theirs} = login($dovecot);
			$said{theirs} = $said{ours};
			next;
		}
		die "$who: $file_of{$uid} $item: $@" if !@got;
		for (@got) {
			$said{$who} = $1 if /\A$t (NO|BAD)\b/;
			my (undef, $got) = Stdmail::Imap::fetch($_) or next;
			my ($key) = grep { /^BINARY/ } keys %$got or next;
			$said{$who} //= said($got->{$key});
		}
		$said{$who} //= 'nothing';
	}
	$count++;
	differ($uid, $item, '', @said{qw(ours theirs)})
	    if $said{ours} ne $said{theirs};
	return $said{ours};
}

if (!grep { $_->imap('CAPABILITY') !~ / BINARY\b/ } values %side) {
	for my $uid (sort { $a <=> $b } keys %file_of) {
		my $parts = parts($got->{ours}{$uid}{BODYSTRUCTURE}, '', {});
		for my $n (sort grep { $parts->{$_} eq 'part' } keys %$parts) {
			my $octets = binary($uid, "BINARY.PEEK[$n]");
			my $size = binary($uid, "BINARY.SIZE[$n]");
			# RFC 3516 4.3: the size must match.
			push @sizes, "$file_of{$uid} $n: $size" if $size ne
			    ($octets =~ /\A"/ ? '"' . (length($octets) - 2) .
			    '"' : $octets);
		}
	}
}

# --- what may differ, and why ---------------------------------------------

# White space of any length as one space.
sub
collapsed
{
	my ($text) = @_;

	return ($text // '') =~ s/\s+/ /gr =~ s/\A" /"/r =~ s/ "\z/"/r;
}

# Each: why ours is right, and how it is known.
my @kinds = ({
	why => 'RFC 5322 2.2.3: unfolding removes the CRLF alone; the white ' .
	    'space behind it stays, in Subject and in quoted strings (3.2.4)',
	match => sub {
		my ($d) = @_;
		return $d->{path} =~ /(?:subject|from|to|cc|bcc|sender)\z/ &&
		    $d->{ours} =~ /\t|  / &&
		    collapsed($d->{ours}) eq collapsed($d->{theirs});
	},
}, {
	why => 'RFC 5322 3.3, 3.6.4: white space around a date or a ' .
	    'Message-ID is no part of it',
	match => sub {
		my ($d) = @_;
		return $d->{path} =~ /\b(?:date|message-id)\z/ &&
		    $d->{ours} =~ /\A"\S.*\S"\z/ &&
		    $d->{ours} eq collapsed($d->{theirs});
	},
}, {
	why => 'RFC 3501 7.4.2: the host name of an address without one is ' .
	    'not NIL, which means a group, and MISSING_DOMAIN is nobody\'s',
	match => sub {
		my ($d) = @_;
		return ($d->{theirs} // '') =~ /"MISSING_DOMAIN"/ &&
		    $d->{ours} eq $d->{theirs} =~ s/"MISSING_DOMAIN"/""/gr;
	},
}, {
	why => 'RFC 5322 3.6: Cc stands once; what stands again is not added',
	match => sub {
		my ($d) = @_;
		return $d->{path} eq 'cc' && $d->{text} =~
		    /\A(?:.+\n)*cc:.*\n(?:.+\n)*cc:/i &&
		    index($d->{theirs}, "$d->{ours} ") == 0;
	},
}, {
	why => 'RFC 2046 5.1.1: a boundary counts whole, although no more ' .
	    'than 70 characters of it are allowed',
	match => sub {
		my ($d) = @_;
		return $d->{text} =~ /boundary="[^"\n]{71}/ &&
		    $d->{item} =~ /\A(?:BODY(?:STRUCTURE\z|\z|\[\d)|BINARY)/;
	},
}, {
	why => 'RFC 2045 5.1: an empty parameter is passed over, the ' .
	    'boundary behind it is given and stands in the message',
	match => sub {
		my ($d) = @_;
		return $d->{text} =~ /^Content-Type: multipart\/\w+;; boundary=/m
		    && $d->{item} =~
		    /\A(?:BODY(?:STRUCTURE\z|\z|\[\d)|BINARY)/;
	},
}, {
	why => 'RFC 2045 5.2: a Content-Type that is no type/subtype is ' .
	    'taken for text/plain',
	match => sub {
		my ($d) = @_;
		return $d->{text} =~ /^Content-Type: text\n/mi &&
		    $d->{path} =~ /subtype\z/ && $d->{ours} eq '"plain"' &&
		    $d->{theirs} eq '""';
	},
}, {
	why => 'RFC 3501 6.4.5: no blank line is told of a message that has ' .
	    'no body and no blank line',
	match => sub {
		my ($d) = @_;
		return $d->{item} =~ /HEADER\.FIELDS/ && $d->{ours} eq '""' &&
		    $d->{theirs} eq qq("\r\n");
	},
}, {
	why => 'RFC 3501 6.4.5: the header of a part without a body has its ' .
	    'last line end, and its blank line where there is one',
	match => sub {
		my ($d) = @_;
		return $d->{item} =~ /\ABODY\[[\d.]+MIME\]\z/ &&
		    $d->{ours} eq $d->{theirs} =~ s/"\z/\r\n"/r;
	},
}, {
	why => 'RFC 2046 5.1.1: the CRLF before the delimiter belongs to it, ' .
	    'also behind the last delimiter of a multipart',
	match => sub {
		my ($d) = @_;
		return $d->{item} =~ /\ABODY\[[\d.]+\]\z/ &&
		    $d->{ours} =~ /--"\z/ &&
		    $d->{theirs} eq $d->{ours} =~ s/"\z/\r\n"/r;
	},
}, {
	why => 'RFC 2045 6.8: what is no base64 is ignored, so that a part ' .
	    'with some can be had, and the sizes of the others too',
	match => sub {
		my ($d) = @_;
		return $d->{item} =~ /\ABINARY/ && $d->{theirs} eq 'NO' &&
		    $d->{text} =~ /^[\w\/+]+\n(?!--)\w*--.+\n/m;
	},
}, {
	why => 'RFC 3516 4.3: BINARY.SIZE matches what BINARY gives, and is ' .
	    'no number below zero',
	match => sub {
		my ($d) = @_;
		return $d->{item} =~ /\ABINARY\.SIZE/ &&
		    $d->{theirs} =~ /\A"184467440737/;
	},
});

my %n;
my @unknown;
for my $d (@differ) {
	my ($kind) = grep { $_->{match}->($d) } @kinds;
	if ($kind) {
		$n{$kind->{why}}++;
	} else {
		push @unknown, sprintf "%s %s %s\n  ours:   %s\n  theirs: %s",
		    @$d{qw(file item path)}, map { substr
		    Stdmail::_plain($_ // 'nothing'), 0, 300 } @$d{qw(ours theirs)};
	}
}
note sprintf '%d times: %s', $n{$_->{why}} // 0, $_->{why} for @kinds;
my $max = $ENV{ALL} ? @unknown : 20;
is("@sizes", '', 'BINARY.SIZE tells the sizes');
is(scalar @unknown, 0, "$count answers, and no difference that has no reason") or
    diag(join "\n", splice @unknown, 0, $max);
unlike($s->log_text, qr/signal=|AddressSanitizer|runtime error/,
    'nothing crashed');
done_testing();
