#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The world that tests run against: a Debian tree of its own with the servers,
# clients and tools they need, so that none of them is ever installed on the
# host.  Makes DIR/base (a bare Debian with systemd, for the container test)
# and DIR/tree (base and all the rest).  It must never start a daemon, install
# or change anything outside DIR, or leave a mount behind: all of it runs in
# its own mount and process namespaces.
#
# A tree that is there gets what it lacks of the rest (DIR/added), and with
# "heavy" what only make clients needs.
#
# usage: t/world.sh DIR [heavy]
# exit: 0 DIR is there and up to date, 1 could not make it, 77 may not

set -eu
LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL DEBIAN_FRONTEND PATH
umask 022

suite=bookworm
base="systemd systemd-sysv dbus iproute2 openssl ca-certificates
libbsd0 libssl3 libldns3 libcrypt1 libargon2-1 ldnsutils"
tree="systemd-container procps psmisc strace valgrind xfsprogs e2fsprogs
btrfs-progs util-linux-extra libasan8 libubsan1 perl libio-socket-ssl-perl python3-minimal
nsd unbound bind9-dnsutils haproxy postfix openbsd-inetd ucspi-tcp-ipv6
dovecot-imapd dovecot-pop3d
swaks curl mutt isync fetchmail getmail6 gsasl msmtp mpop s-nail maildrop procmail
mandoc cppcheck gcovr"
more="neomutt offlineimap3 imapfilter alpine nodejs node-nodemailer
opendkim opendkim-tools rspamd libsasl2-modules
 libgnutls-dane0 libidn12 libnsl2 libevent-2.1-7 dnsperf adns-tools
 libidn2-0 jq git-email libmailtools-perl bsd-mailx php8.2-cli
 python3-dkim python3-nacl libfaketime fdm dovecot-sieve"
# Mail transport agents beside the one of the tree, each unpacked in a folder
# of its own, /opt/NAME: no two of them can be installed together.
apart="exim4-daemon-light opensmtpd"
heavy="thunderbird xvfb"

[ $# = 1 ] || [ "$*" = "$1 heavy" ] || {
	echo "usage: $0 DIR [heavy]" >&2
	exit 64
}
[ $# = 1 ] || more="$more $heavy"
mkdir -p "$1"
dir=$(cd "$1" && pwd -P)
self=$(cd "$(dirname "$0")" && pwd -P)/world.sh
want=$(echo $suite $base $tree)

say()
{
	echo "world: $*"
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

# The host's Debian mirror, as "URI suite component" lines.
sources()
{
	apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)' \
	    'Created-By: Packages' 2>/dev/null |
	    sed -n "s/^Debian|\(.*\)|\($suite[^|]*\)|\(.*\)/\1 \2 \3/p" | sort -u
}

# debootstrap without installing it: it is a shell script, fetched by apt and
# unpacked into a folder that goes away again.
find_debootstrap()
{
	if ! have debootstrap; then
		(cd "$tmp" && apt-get -qq update &&
		    apt-get -qq -o APT::Sandbox::User=root download debootstrap >/dev/null &&
		    dpkg-deb -x debootstrap_*.deb d) || return 1
		DEBOOTSTRAP_DIR=$tmp/d/usr/share/debootstrap
		PATH=$PATH:$tmp/d/usr/sbin
		export DEBOOTSTRAP_DIR
	fi
	if ! have wget; then
		# What debootstrap asks of wget ends in "-O FILE URI".
		cat >"$tmp/wget" <<-'END'
		#!/bin/sh
		while [ $# -gt 2 ]; do shift; done
		exec /usr/lib/apt/apt-helper -q download-file "$2" "$1"
		END
		chmod 755 "$tmp/wget"
		PATH=$PATH:$tmp
	fi
}

# in_tree ROOT CMD...: run CMD with ROOT as its root.
in_tree()
{
	r=$1
	shift
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
	    DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
	    ${https_proxy:+https_proxy="$https_proxy"} chroot "$r" "$@"
}

# add ROOT PACKAGE...: install packages there; no daemon may start.  Those of
# $unpack are only unpacked.
unpack=
add()
{
	r=$1
	shift
	printf '#!/bin/sh\nexit 101\n' >"$r/usr/sbin/policy-rc.d"
	chmod 755 "$r/usr/sbin/policy-rc.d"
	cp /etc/resolv.conf "$r/etc/resolv.conf" 2>/dev/null || :
	mount -t proc proc "$r/proc"
	in_tree "$r" apt-get -qq update
	in_tree "$r" apt-get -qq -y --no-install-recommends \
	    -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io \
	    install "$@" >"$dir/log" 2>&1 </dev/null
	for deb in $unpack; do
		in_tree "$r" sh -c 'cd /tmp && rm -rf "/opt/$0" &&
		    apt-get -qq -o APT::Sandbox::User=root download "$0" &&
		    dpkg-deb -x "$0"_*.deb "/opt/$0" && rm "$0"_*.deb' "$deb" \
		    >>"$dir/log" 2>&1 </dev/null
	done
	in_tree "$r" apt-get clean
	rm -rf "$r"/var/lib/apt/lists/*
	umount "$r/proc"
	rm "$r/usr/sbin/policy-rc.d"
	: >"$r/etc/resolv.conf"
}

# Is that package in the tree, or unpacked beside it?
there()
{
	for f in "$dir/tree/var/lib/dpkg/info/$1".list \
	    "$dir/tree/var/lib/dpkg/info/$1":*.list "$dir/tree/opt/$1"; do
		[ ! -e "$f" ] || return 0
	done
	return 1
}

# lacks NAME...: those that were made known after the tree was.  A list alone
# proves nothing: it may be a hard link of another tree's.
lacks()
{
	for p; do
		{ grep -qx "$p" "$dir/added" 2>/dev/null && there "$p"; } ||
		    echo "$p"
	done
}

# Is all there?
complete()
{
	[ "$(cat "$dir/made" 2>/dev/null)" = "$want" ] &&
	    [ -z "$(lacks $more $apart)" ]
}

add_more()
{
	p=$(lacks $more)
	q=$(lacks $apart)
	[ -n "$p$q" ] || return 0
	say "also" $p $q
	unpack=$q
	add "$dir/tree" $p
	unpack=
	{ cat "$dir/added" 2>/dev/null || :; printf '%s\n' $p $q; } |
	    sort -u >"$dir/added.new"
	mv "$dir/added.new" "$dir/added"
	rm -f "$dir/log"
}

# Runs inside the namespaces.
make_world()
{
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 1' HUP INT TERM
	eval "$(apt-config shell p Acquire::http::Proxy)"
	[ "${p:-DIRECT}" = DIRECT ] || export http_proxy="$p"
	find_debootstrap || { say "cannot fetch debootstrap"; return 1; }
	sources >"$tmp/sources"
	mirror=$(awk -v s=$suite '$2 == s { print $1; exit }' "$tmp/sources")
	: "${mirror:=http://deb.debian.org/debian}"

	rm -rf "$dir/base" "$dir/tree"
	rm -f "$dir/made" "$dir/added"
	say "1/2 a bare Debian ($suite, from $mirror), about half a minute"
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -f $keys ] || keys=
	debootstrap --variant=minbase ${keys:+--keyring=$keys} \
	    $suite "$dir/base.new" "$mirror" >"$dir/log" 2>&1
	if [ -s "$tmp/sources" ]; then
		sed 's/^/deb /' "$tmp/sources" >"$dir/base.new/etc/apt/sources.list"
	fi
	apt-config dump Acquire | grep -E '^Acquire::(https?|ftp)::' \
	    >"$dir/base.new/etc/apt/apt.conf.d/90host" || :
	add "$dir/base.new" $base
	say "2/2 its servers, clients and tools, about a minute"
	cp -a --reflink=auto "$dir/base.new" "$dir/tree.new"
	add "$dir/tree.new" $tree
	mv "$dir/base.new" "$dir/base"
	mv "$dir/tree.new" "$dir/tree"
	echo "$want" >"$dir/made"
	rm -f "$dir/log"
}

if [ "${WORLD_INSIDE:-}" = yes ]; then
	if [ "$(cat "$dir/made" 2>/dev/null)" != "$want" ]; then
		make_world
	fi
	add_more
	exit
fi
! complete || exit 0
why=
[ "$(id -u)" = 0 ] || why="not root"
have apt-get && have unshare || why="apt-get or unshare is missing"
# In a chroot, whose root is no mount point, mounts cannot be made private:
# then none may show outside.
mounts=private
if [ -z "$why" ] && ! unshare -mpf true 2>/dev/null; then
	mounts=unchanged
	mkdir -p "$dir/probe"
	unshare -mpf --propagation unchanged sh -c 'mount -t tmpfs none "$0" &&
	    ! grep -q " $0 " /proc/$1/mountinfo; r=$?; umount "$0"; exit $r' \
	    "$dir/probe" $$ 2>/dev/null || why="no mounts of our own"
	rmdir "$dir/probe"
fi
[ -z "$why" ] || { say "not made: $why"; exit 77; }

# What the host has and does, for t/footprint.t: packages, listening sockets.
footprint()
{
	dpkg-query -W
	awk 'FNR > 1 && ($4 == "0A" || $4 == "07") { print FILENAME, $2, $10 }' \
	    /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null
}

exec 9>"$dir/lock"
flock 9
! complete || exit 0
say "making $dir: Debian with the servers and clients that tests need."
say "Nothing outside it changes, no daemon starts.  Takes one to three minutes"
say "and 800 MB; WORLD=no leaves it out, WORLD=FOLDER keeps it elsewhere."
start=$(date +%s)
footprint >"$dir/before"
rm -rf --one-file-system "$dir/base.new" "$dir/tree.new"
if WORLD_INSIDE=yes unshare -mpf --kill-child --propagation $mounts \
    sh "$self" "$@" 9>&-; then
	footprint >"$dir/after"
	say "made in $(($(date +%s) - start)) seconds"
else
	say "failed; the end of $dir/log:"
	tail -n 20 "$dir/log"
	exit 1
fi
