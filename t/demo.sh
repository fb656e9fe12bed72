#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Two domains on one host, in a folder of their own: Alice of a.test writes to
# Bob of b.test.  Shows each step as a person would type it, what came back,
# and how long it took.  It needs no rights and must never touch the system:
# everything is in a temporary folder, on free ports of the loopback.  Started
# by root, it goes on as nobody.
#
# usage: t/demo.sh [FOLDER of the programs]

set -eu
PATH=$PATH:/usr/sbin:/sbin
LC_ALL=C.UTF-8 TZ=UTC
export PATH LC_ALL TZ

t=$(cd "$(dirname "$0")" && pwd)
bin=${1:-$t/../build/bin}
if [ -z "${DEMO:-}" ]; then
	began=$(date +%s%N)
	DEMO=$(mktemp -d "${TMPDIR:-/tmp}/stdmail-demo.XXXXXX")
	export DEMO began
	trap 'rm -rf "$DEMO"' EXIT
	trap 'exit 1' HUP INT TERM
	mkdir "$DEMO/bin"
	cp "$bin"/* "$t/demo.sh" "$t/listen" "$DEMO/bin"
	as=
	if [ "$(id -u)" = 0 ]; then
		chown -R 65534:65534 "$DEMO"
		as="setpriv --reuid=65534 --regid=65534 --clear-groups --"
	fi
	$as env HOME="$DEMO" sh "$DEMO/bin/demo.sh" "$bin" </dev/null
	exit
fi

cd "$DEMO"
PATH=$DEMO/bin:$PATH
b=$(printf '\033[1m') n=$(printf '\033[0m')
[ -t 1 ] || b= n=
pids= legs=

now()
{
	date +%s%N
}

# leg NAME: the time since the last mark belongs to this leg.
leg()
{
	at=$(now)
	legs="$legs$(printf '%6d ms  %s' $(((at - mark) / 1000000)) "$1")
"
	mark=$at
}

step()
{
	printf '\n%s%s%s\n' "$b" "$*" "$n"
	mark=$(now)
}

# run CMD...: show the command and what it prints, which "said" then holds.
run()
{
	printf '$ %s\n' "$*"
	"$@" 2>&1 | sed 's/\r$//; s/^/  /' | tee said
}

# sees WORDS: the last command must have printed this.
sees()
{
	grep -q -e "$1" said && return
	echo "demo: expected to see: $1; the logs:" >&2
	tail -n 40 ./*/log >&2
	exit 1
}

# background LOG CMD...
background()
{
	log=$1
	shift
	printf '$ %s &\n' "$*"
	"$@" >>"$log" 2>&1 &
	pids="$pids $!"
}

# await WHAT PATTERN: until there is such a file, ten seconds at most.
await()
{
	what=$1 tries=0
	while :; do
		for f in $2; do
			[ ! -e "$f" ] || return 0
		done
		tries=$((tries + 1))
		if [ $tries -gt 500 ]; then
			echo "demo: $what did not happen; the logs:" >&2
			tail -n 40 ./*/log >&2
			exit 1
		fi
		sleep 0.02
	done
}

finish()
{
	for p in $pids; do
		kill "$p" 2>/dev/null || :
	done
	wait
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# serve FOLDER NAME CMD...: a daemon on a free port, which FOLDER/NAME then
# holds.
serve()
{
	dir=$1 name=$2
	shift 2
	printf '$ %s &\n' "$*"
	listen "$dir/$name" 127.0.0.1:0 -- "$@" >>"$dir/log" 2>&1 &
	pids="$pids $!"
	await "$name" "$dir/$name"
}
step "A nameserver that knows who takes mail for a.test and b.test"
entry()
{
	cat <<-END
	ENTRY_BEGIN
	MATCH opcode qtype qname
	ADJUST copy_id
	REPLY QR AA $4
	SECTION QUESTION
	$1	IN	$2
	SECTION ANSWER
	${3:+$1	60	IN	$2	$3}
	ENTRY_END
	END
}
{
	echo "\$ORIGIN test."
	echo "\$TTL 60"
	for d in a b; do
		entry $d.test. MX "10 mx.$d.test." NOERROR
		entry mx.$d.test. A 127.0.0.1 NOERROR
		entry mx.$d.test. AAAA "" NOERROR
		entry _mta-sts.$d.test. TXT "" NXDOMAIN
	done
	entry 1.0.0.127.in-addr.arpa. PTR "" NXDOMAIN
} >zone
port=$((20000 + $$ % 10000))
while :; do
	ldns-testns -p $port zone >dns.log 2>&1 &
	dns=$!
	tries=0
	until mxlookup -s 127.0.0.1@$port a.test >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 10 ] && kill -0 $dns 2>/dev/null || break
		sleep 0.05
	done
	if mxlookup -s 127.0.0.1@$port a.test >/dev/null 2>&1; then
		break
	fi
	kill $dns 2>/dev/null || :
	port=$((port + 1))
	[ $port -lt 30500 ] || { echo "demo: no nameserver" >&2; exit 1; }
done
pids="$pids $dns"
run mxlookup -s 127.0.0.1@$port b.test
sees 'mx.b.test	127.0.0.1'
leg "the nameserver answers"

step "A certificate, and a configuration for each of the two hosts"
run openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout key.pem -out cert.pem -days 2 -subj /CN=mx.a.test \
    -addext subjectAltName=DNS:mx.a.test,DNS:mx.b.test | grep -v -e -----
chmod 600 key.pem
for d in a b; do
	mkdir $d $d/spool
	case $d in
	a) user=alice ;;
	b) user=bob ;;
	esac
	echo "$user:{CRYPT}$(openssl passwd -6 secret)::::::" >$d/users
	chmod 600 $d/users
	cat >$d/stdmail.conf <<-END
	hostname mx.$d.test
	domains $d.test
	users $DEMO/$d/users
	mail $DEMO/$d/mail/%u/Maildir
	spool $DEMO/$d/spool
	submit_socket $DEMO/$d/submit
	tls_cert $DEMO/cert.pem
	tls_key $DEMO/key.pem
	resolver 127.0.0.1@$port
	END
done
run cat a/stdmail.conf a/users
leg "certificate and configuration"

step "Bob's host: SMTP, POP3 and IMAP, and delivery to mailboxes"
serve b smtp smtpd -c b/stdmail.conf
serve b pop3 pop3d -c b/stdmail.conf
serve b imap imapd -c b/stdmail.conf
background b/log mda-deliver -c b/stdmail.conf -q -w
bsmtp=$(cat b/smtp)

step "Alice's host: submission and IMAP, delivery, and sending"
echo "smtp_port $bsmtp" >>a/stdmail.conf
serve a submission smtpd -c a/stdmail.conf -m submission
serve a imap imapd -c a/stdmail.conf
background a/log mda-deliver -c a/stdmail.conf -q -w
background a/log smtp-send -c a/stdmail.conf -q -w
leg "eight daemons started"

# send TO SUBJECT: Alice's client submits, with TLS and AUTH.
send()
{
	cat >message <<-END
	From: Alice <alice@a.test>
	To: $1
	Subject: $2
	Date: $(date -R)
	Message-ID: <$(now)@a.test>

	Hello!
	.
	That was a lone dot.
	END
	p=$(cat a/submission)
	run curl -sv --ssl-reqd --cacert cert.pem \
	    --resolve "mx.a.test:$p:127.0.0.1" --user alice:secret \
	    --mail-from alice@a.test --mail-rcpt "$1" --crlf -T message \
	    "smtp://mx.a.test:$p/laptop.a.test" | grep -a '^\(\$\|  [<>]\)'
	sees '< 250 2.0.0 Message taken'
}

step "Alice's client submits a message to bob@b.test, with TLS and AUTH"
send bob@b.test 'hello from a.test'
leg "Alice submits (TLS, AUTH)"

step "Her host finds Bob's MX by DNS and sends; his spools and delivers"
await "delivery to Bob" 'b/mail/bob/Maildir/new/*'
run ls b/mail/bob/Maildir/new
run grep -h 'bob@b\.test' a/log b/log || :
leg "from Alice's spool to Bob's mailbox"

step "Bob reads it by POP3"
p=$(cat b/pop3)
run curl -s --ssl-reqd --cacert cert.pem --resolve "mx.b.test:$p:127.0.0.1" \
    --user bob:secret "pop3://mx.b.test:$p/1"
sees '^  That was a lone dot'
leg "Bob reads by POP3"

step "Bob reads it by IMAP"
p=$(cat b/imap)
run curl -s --ssl-reqd --cacert cert.pem --resolve "mx.b.test:$p:127.0.0.1" \
    --user bob:secret "imap://mx.b.test:$p/INBOX;MAILINDEX=1"
sees '^  That was a lone dot'
leg "Bob reads by IMAP"

step "What a Sieve script of Bob's would do with it, and why"
cat >filter.sieve <<-'END'
require ["fileinto", "mailbox"];
if address :domain "from" "a.test" { fileinto :create "Friends"; }
END
run cat filter.sieve
cat b/mail/bob/Maildir/[cn]*/* >alices
run mda-deliver -c b/stdmail.conf -t filter.sieve <alices
sees 'folder "Friends", made'
leg "a script tried on it"

step "Alice writes to nobody@b.test"
send nobody@b.test 'is anybody there?'
leg "Alice submits to nobody"

step "It comes back to Alice, with the reason"
await "the bounce to Alice" 'a/mail/alice/Maildir/new/*'
leg "from Alice's spool, refused by Bob's, back to her mailbox"
p=$(cat a/imap)
run curl -s --ssl-reqd --cacert cert.pem --resolve "mx.a.test:$p:127.0.0.1" \
    --user alice:secret "imap://mx.a.test:$p/INBOX;MAILINDEX=1"
sees '^  Status: 5.1.1'
leg "Alice reads it by IMAP"

step "How long each leg took"
printf '%s' "$legs"
printf '%6d ms  all of it\n' $((($(now) - began) / 1000000))
