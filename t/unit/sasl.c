/* SPDX-License-Identifier: ISC
 *
 * Proves PLAIN and LOGIN: good exchanges, each bad one, and that nothing is
 * left of a password where one failed.
 */
#include "bytes/base64.h"
#include "grammar/sasl.h"
#include "tap.h"

#define STR(s) s, sizeof(s) - 1

static const struct {
	const char	*message;
	size_t		 n;
	enum sasl_result r;
	const char	*authzid, *authcid, *password;
} plain[] = {
	{ STR("\0user\0secret"), SASL_DONE, "", "user", "secret" },
	{ STR("admin\0user\0secret"), SASL_DONE, "admin", "user", "secret" },
	{ STR("\0us\303\251r\0p\303\251ss"), SASL_DONE, "", "us\303\251r",
	    "p\303\251ss" },
	{ STR("\0user\0p\351ss"), SASL_DONE, "", "user", "p\351ss" },
	{ STR("\0user@b\0 "), SASL_DONE, "", "user@b", " " },
	{ STR(""), SASL_BAD_MESSAGE, NULL, NULL, NULL },
	{ STR("user"), SASL_BAD_MESSAGE, NULL, NULL, NULL },
	{ STR("user\0secret"), SASL_BAD_MESSAGE, NULL, NULL, NULL },
	{ STR("\0\0secret"), SASL_BAD_MESSAGE, NULL, NULL, NULL },
	{ STR("\0user\0"), SASL_BAD_MESSAGE, NULL, NULL, NULL },
	{ STR("\0user\0sec\0ret"), SASL_BAD_MESSAGE, NULL, NULL, NULL },
	{ STR("\0us\351r\0secret"), SASL_BAD_MESSAGE, NULL, NULL, NULL }
};

static int
is_wiped(const struct sasl *s)
{
	static const struct sasl nothing;

	return memcmp(s, &nothing, sizeof(nothing)) == 0;
}

static void
check_plain(size_t i)
{
	struct sasl s;
	struct buf b;
	enum sasl_result r;

	buf_init(&b, 1000);
	base64_encode(&b, plain[i].message, plain[i].n);
	buf_str(&b);
	r = sasl_begin(&s, SASL_PLAIN, b.len == 0 ? "=" : b.data,
	    b.len == 0 ? 1 : b.len);
	is_int(r, plain[i].r, "initial response");
	if (r != SASL_DONE)
		ok(is_wiped(&s), "nothing is left");
	else {
		is_str(s.authzid, plain[i].authzid, "authzid");
		is_str(s.authcid, plain[i].authcid, "authcid");
		is_str(s.password, plain[i].password, "password");
		sasl_wipe(&s);
		ok(is_wiped(&s), "wiped");
	}
	is_int(sasl_begin(&s, SASL_PLAIN, NULL, 0), SASL_CONTINUE, "asked");
	is_str(s.challenge, "", "by an empty challenge");
	is_int(sasl_step(&s, b.len == 0 ? "" : b.data, b.len), plain[i].r,
	    "the same answer");
	buf_free(&b);
}

static void
check_login(void)
{
	struct sasl s;

	is_int(sasl_begin(&s, SASL_LOGIN, NULL, 0), SASL_CONTINUE, "LOGIN");
	is_str(s.challenge, "VXNlcm5hbWU6", "Username:");
	is_int(sasl_step(&s, STR("dXNlcg==")), SASL_CONTINUE, "the name");
	is_str(s.challenge, "UGFzc3dvcmQ6", "Password:");
	is_int(sasl_step(&s, STR("c2VjcmV0")), SASL_DONE, "the password");
	is_str(s.authcid, "user", "is user");
	is_str(s.password, "secret", "is secret");
	is_int(sasl_begin(&s, SASL_LOGIN, STR("dXNlcg==")), SASL_CONTINUE,
	    "the name as initial response");
	is_str(s.challenge, "UGFzc3dvcmQ6", "Password:");
	is_int(sasl_step(&s, STR("*")), SASL_CANCELLED, "cancelled");
	ok(is_wiped(&s), "nothing is left");
	sasl_begin(&s, SASL_LOGIN, NULL, 0);
	is_int(sasl_step(&s, STR("")), SASL_BAD_MESSAGE, "an empty name");
	sasl_begin(&s, SASL_LOGIN, STR("dXNlcg=="));
	is_int(sasl_step(&s, STR("")), SASL_BAD_MESSAGE, "an empty password");
	sasl_begin(&s, SASL_LOGIN, STR("dXNlcg=="));
	is_int(sasl_step(&s, STR("c2VjcmV0!")), SASL_BAD_BASE64, "no base64");
	ok(is_wiped(&s), "nothing is left");
}

static void
check_limits(void)
{
	static char name[257], password[SASL_PASSWORD_MAX + 2];
	char message[3000], coded[3000];
	struct sasl s;
	struct buf b;
	int n;

	memset(name, 'n', 255);
	memset(password, 'p', SASL_PASSWORD_MAX);
	n = snprintf(message, sizeof(message), "%s%c%s%c%s", name, 0, name, 0,
	    password);
	is_int(sasl_plain(&s, message, (size_t)n), SASL_DONE, "the longest");
	name[255] = 'n';
	n = snprintf(message, sizeof(message), "%c%s%c%s", 0, name, 0, "x");
	is_int(sasl_plain(&s, message, (size_t)n), SASL_TOO_LONG,
	    "a name too long");
	password[SASL_PASSWORD_MAX] = 'p';
	n = snprintf(message, sizeof(message), "%c%s%c%s", 0, "n", 0,
	    password);
	is_int(sasl_plain(&s, message, (size_t)n), SASL_TOO_LONG,
	    "a password too long");
	buf_init(&b, 10);
	buf_free(&b);
	memset(coded, 'A', sizeof(coded));
	is_int(sasl_begin(&s, SASL_PLAIN, coded, sizeof(coded)),
	    SASL_TOO_LONG, "a message too long");
	ok(is_wiped(&s), "nothing is left");
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		check_plain(i);
	check_login();
	check_limits();
	is_int(sasl_mechanism(STR("plain")), SASL_PLAIN, "PLAIN");
	is_int(sasl_mechanism(STR("Login")), SASL_LOGIN, "LOGIN");
	is_int(sasl_mechanism(STR("PLAINX")), SASL_UNKNOWN, "neither");
	return done();
}
