#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Sums up what the tests reached: lines and branches of each file, worst
# first, by gcovr where there is one (here or in the world), else by gcov.
#
# usage: t/cover.sh FOLDER of the variant

set -eu
cd "$(dirname "$0")/.."
dir=${1:-build/cover}
if t/world-run -t gcovr; then
	t/world-run -t gcov || PATH=$PATH
	t/world-run gcovr -r . --object-directory "$dir" -e 't/' \
	    --exclude-unreachable-branches --sort-percentage 2>/dev/null &&
	    exit
fi
find "$dir/obj" -name '*.gcda' ! -path '*/t/*' -print |
    xargs gcov -n -b 2>/dev/null |
    awk -F"[':%]" '
	/^File/ { file = $2 }
	/^Lines executed/ && file ~ /\.c$/ && !done[file]++ {
		split($0, a, /[:% ]+/)
		printf "%6.1f%% of %5d  %s\n", a[3], a[5], file
		hit += a[3] * a[5] / 100; all += a[5]
	}
	END { printf "%6.1f%% of %5d  all\n", all ? 100 * hit / all : 0, all }' |
    sort -n
