#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Installs what building, the demo and the test harness need, and nothing
# else: by apt when we are root, otherwise it prints the command.  Says nothing
# and takes no time when all is there.  It must never install a daemon or a
# mail transport agent.
#
# exit: 0 all is there, 69 something is missing

set -eu
apt="gcc libc6-dev make perl libbsd-dev libssl-dev libldns-dev libcrypt-dev
libargon2-dev libidn2-dev zlib1g-dev openssl curl ldnsutils"
dnf="gcc glibc-devel make perl libbsd-devel openssl-devel ldns-devel
libxcrypt-devel libargon2-devel libidn2-devel zlib-devel openssl curl
ldns-utils"
apk="gcc musl-dev linux-headers make perl perl-utils libbsd-dev openssl-dev
ldns-dev argon2-dev libidn2-dev zlib-dev openssl curl ldns-tools"
pacman="gcc make perl libbsd openssl ldns libxcrypt argon2 libidn2 zlib curl"
pkg="gcc gmake perl5 libbsd openssl ldns libargon2 libidn2 curl"

have()
{
	command -v "$1" >/dev/null 2>&1
}

# Are the programs and the headers there, however they came?
complete()
{
	for p in make perl prove openssl curl ldns-testns; do
		have $p || return 1
	done
	have "${CC:-cc}" || have gcc || return 1
	cpp=${CC:-cc}
	have "$cpp" || cpp=gcc
	for h in bsd/string openssl/ssl ldns/ldns crypt argon2 idn2 zlib; do
		echo "#include <$h.h>"
	done | $cpp -E -o /dev/null -x c - 2>/dev/null
}

PATH=$PATH:/usr/sbin:/sbin
! complete || exit 0

if have apt-get; then
	need=
	for p in $apt; do
		dpkg-query -W -f '${Status}' $p 2>/dev/null |
		    grep -q 'ok installed$' || need="$need $p"
	done
	if [ "$(id -u)" = 0 ]; then
		echo "deps: apt-get install$need"
		DEBIAN_FRONTEND=noninteractive
		export DEBIAN_FRONTEND
		apt-get -qq update
		apt-get -qq -y --no-install-recommends install $need >/dev/null
		complete && exit 0
		echo "deps: still something missing of:" $apt >&2
		exit 69
	fi
	set -- "apt-get install --no-install-recommends$need"
elif have dnf; then
	set -- dnf install $dnf
elif have apk; then
	set -- apk add $apk
elif have pacman; then
	set -- pacman -S --needed $pacman
elif have pkg; then
	set -- pkg install $pkg
else
	set -- "your package manager: the likes of" $apt
fi
echo "deps: something is missing; as root, run:" >&2
echo "	$*" >&2
exit 69
