#!/bin/sh
# SPDX-License-Identifier: ISC
#
# How fast: messages a second taken by smtpd and delivered to a Maildir, then
# read by POP3 and IMAP, over the loopback, with Postfix's smtp-source, curl
# and perl as clients.  Figures of a shared machine: use the ratios.  It works in
# a folder of its own, which it removes.
#
# usage: t/perf/way.sh [MESSAGES [OCTETS]]

set -eu
cd "$(dirname "$0")/../.."
n=${1:-500} size=${2:-4096}
bin=${STDMAIL_BIN:-$PWD/build/bin}
t/world-run -t smtp-source ||
    { echo "way: skipped: no smtp-source here, and no world"; exit 0; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/stdmail-bench.XXXXXX")
pids=
finish()
{
	for p in $pids; do
		kill "$p" 2>/dev/null || :
	done
	wait
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# Under root with accounts that every system has: nobody's mail is root's.
door=$(id -un) mail=$door spool=$door
if [ "$(id -u)" = 0 ]; then
	door=nobody mail=mail spool=daemon
fi
mkdir "$dir/spool" "$dir/home"
chmod 711 "$dir"
echo "bob:{PLAIN}secret:$(id -u $mail):$(id -g $mail)::$dir/home::" \
    >"$dir/users"
chmod 600 "$dir/users"
[ "$mail" = "$(id -un)" ] || chown "$mail" "$dir/home"
cat >"$dir/conf" <<END
hostname bench.test
domains bench.test
users $dir/users
mail $dir/home/Maildir
spool $dir/spool
resolver 127.0.0.1@9
door_user $door
mail_user $mail
spool_user $spool
END

# serve NAME CMD...: on a free port, in $dir/NAME
serve()
{
	name=$1
	shift
	t/listen "$dir/$name" 127.0.0.1:0 -- "$@" 2>>"$dir/log" &
	pids="$pids $!"
	until [ -e "$dir/$name" ]; do
		sleep 0.02
	done
}

now()
{
	date +%s%N
}

# took WHAT COUNT START: a line of the table
took()
{
	awk -v w="$1" -v n="$2" -v ns=$(($(now) - $3)) 'BEGIN {
		printf "%-36s %7d in %6.2f s  %8.0f/s\n", w, n, ns / 1e9,
		    n * 1e9 / ns }'
}

delivered()
{
	find "$dir/home/Maildir/new" -type f 2>/dev/null | wc -l
}

serve smtp "$bin/smtpd" -c "$dir/conf"
serve pop3 "$bin/pop3d" -c "$dir/conf"
serve imap "$bin/imapd" -c "$dir/conf"
"$bin/mda-deliver" -c "$dir/conf" -q -w 2>>"$dir/log" &
pids="$pids $!"
total=0
for clients in 1 10 50; do
	for keep in '' -d; do
		what="$clients client(s), ${keep:+many}${keep:-one}"
		what="${what%-d} a connection"
		at=$(now)
		t/world-run smtp-source $keep -s $clients -m "$n" -l "$size" \
		    -f alice@else.test -t bob@bench.test \
		    "127.0.0.1:$(cat "$dir/smtp")"
		took "taken: $what" "$n" "$at"
		total=$((total + n))
		until [ "$(delivered)" -ge $total ]; do
			sleep 0.01
		done
		took "delivered: $what" "$n" "$at"
	done
done
auth="-s --user bob:secret"
at=$(now)
curl $auth "pop3://127.0.0.1:$(cat "$dir/pop3")/[1-$n]" >/dev/null
took 'read by POP3, one by one' "$n" "$at"
# curl keeps what it is told in memory and gives up at 300 kB.
imap()
{
	perl -MIO::Socket::INET -e '
		my $c = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or die;
		for my $line ("LOGIN bob secret", "SELECT INBOX", $ARGV[1]) {
			print $c "a $line\r\n";
			while (<$c>) { last if /^a / }
			die "imap: $_" if !/^a OK/;
		}' "$(cat "$dir/imap")" "$1"
}
at=$(now)
imap 'FETCH 1:* (FLAGS ENVELOPE)'
took 'IMAP: select, envelopes of all' "$total" "$at"
at=$(now)
imap 'FETCH 1:* BODY.PEEK[]'
took 'IMAP: select, all messages' "$total" "$at"
