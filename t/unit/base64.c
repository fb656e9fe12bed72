/* SPDX-License-Identifier: ISC
 *
 * Proves base64 both ways: strict for protocols, lenient for bodies.
 */
#include "bytes/base64.h"
#include "tap.h"

#define STR(s) s, sizeof(s) - 1

static const struct {
	const char	*plain;
	size_t		 n;
	const char	*coded;
} good[] = {
	{ STR(""), "" },
	{ STR("f"), "Zg==" },
	{ STR("fo"), "Zm8=" },
	{ STR("foo"), "Zm9v" },
	{ STR("foob"), "Zm9vYg==" },
	{ STR("fooba"), "Zm9vYmE=" },
	{ STR("foobar"), "Zm9vYmFy" },
	{ STR("\0user\0pass"), "AHVzZXIAcGFzcw==" },
	{ STR("\xff\xfe\xfd\xfb\xef\xbf"), "//79++" "+/" }
};

static const char *const bad[] = {
	"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zm9v=", "Zm9v====",
	"Zg==Zg==", "Zm=v", "Z===", "Zm9 v", "Zm9v\n", "Zm9-", "Zh==", "Zm9="
};

static const struct {
	const char	*in, *want;
	int		 whole, dirt;
} bodies[] = {
	{ "Zm9v\r\nYmFy\r\n", "foobar", 1, 0 },
	{ "Zm 9v\n Y mFy", "foobar", 1, 0 },
	{ "Zm9v*YmFy", "foobar", 1, 1 },
	{ "Zm9vYmE=\n", "fooba", 1, 0 },
	{ "Zm9vYmE", "fooba", 0, 0 },
	{ "Zg==\nZm9v", "f", 1, 1 },
	{ "", "", 1, 0 },
	{ "=\n", "", 1, 0 }
};

static void
check_body(size_t i, size_t step)
{
	struct base64 d = { 0 };
	char out[64], text[64];
	size_t n = strlen(bodies[i].in), at, part, len = 0;

	memcpy(text, bodies[i].in, n);
	for (at = 0; at < n; at += part) {
		part = n - at < step ? n - at : step;
		len += base64_feed(&d, text + at, part, out + len);
	}
	is_mem(out, len, bodies[i].want, strlen(bodies[i].want),
	    bodies[i].want);
	is_int(base64_end(&d), bodies[i].whole, "whole?");
	is_int(d.dirt, bodies[i].dirt, "dirt?");
}

int
main(void)
{
	struct buf b;
	size_t i;

	buf_init(&b, 100);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		buf_reset(&b);
		is_int(base64_encode(&b, good[i].plain, good[i].n), 0, "fits");
		is_str(buf_str(&b), good[i].coded, good[i].coded);
		buf_reset(&b);
		is_int(base64_decode(&b, good[i].coded,
		    strlen(good[i].coded)), 1, "is good");
		is_mem(b.data, b.len, good[i].plain, good[i].n, "and back");
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&b);
		is_int(base64_decode(&b, bad[i], strlen(bad[i])), 0, bad[i]);
		is_int((long long)b.len, 0, "nothing is appended");
	}
	buf_free(&b);
	buf_init(&b, 3);
	is_int(base64_encode(&b, "a", 1), -1, "encoding obeys the maximum");
	buf_reset(&b);
	is_int(base64_decode(&b, "Zm9vYg==", 8), -1, "decoding too");
	buf_free(&b);
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		check_body(i, 64);
		check_body(i, 1);
	}
	return done();
}
