/* SPDX-License-Identifier: ISC
 *
 * Proves who is found in a passwd-file and where their mail lies; that a line
 * that cannot be used hurts its own user alone and says why; that a changed
 * file is noticed; who may log in; and what an address is to us.
 */
#include <stdlib.h>
#include <unistd.h>

#include "mail/auth.h"
#include "mail/recipient.h"
#include "tap.h"

static const char text[] =
    "# users\n"
    "\n"
    "bob:{PLAIN}secret:1001:1002:Bob:/home/bob:/bin/sh:\n"
    "bob@b.test:{PLAIN}other::::\n"
    "Carl:{PLAIN}secret\n"
    "dora:{PLAIN}secret:1001:1002::/h::userdb_mail=maildir:~/M:INDEX=/x "
	"userdb_quota_rule=*:storage=2M:messages=7 allow_nets=192.0.2.0/24,"
	"local,2001:db8::/32 proxy=y\n"
    "eve:{PLAIN}secret:no-such-account-x:::\n"
    "fred:{NOPE}secret::::\n"
    "gus:::::::nopassword\n"
    "hal:{PLAIN}:::::\n"
    "ivo:{PLAIN}secret:0:0::\n"
    "..:{PLAIN}secret::::\n"
    "kim:{PLAIN}secret::::::userdb_quota_rule=*:storage=much\n"
    "lea:{PLAIN}secret:1:1::/h\r\n"
    "mail:{PLAIN}secret::::\n"
    "nolast:{PLAIN}secret";

static char path[] = "/tmp/stdmail-users-XXXXXX";
static struct settings s;

static const struct row {
	const char *local, *domain;
	enum users_result want;
	const char *mailbox;		/* or a part of the error */
} rows[] = {
	{ "bob", "a.test", USERS_FOUND, "/m/a.test/bob" },
	{ "bob", "b.test", USERS_FOUND, "/m/b.test/bob" },
	{ "BOB", "A.Test", USERS_FOUND, "/m/a.test/bob" },
	{ "bob", "", USERS_FOUND, "/m/a.test/bob" },
	{ "bob", "c.test", USERS_NONE, NULL },
	{ "Carl", "a.test", USERS_FOUND, "/m/a.test/Carl" },
	{ "carl", "a.test", USERS_NONE, NULL },
	{ "dora", "a.test", USERS_FOUND, "/h/M" },
	{ "eve", "a.test", USERS_TEMPORARY, ":7: the uid" },
	{ "fred", "a.test", USERS_FOUND, "/m/a.test/fred" },
	{ "ivo", "a.test", USERS_TEMPORARY, ":11: uid 0" },
	{ "..", "a.test", USERS_TEMPORARY, ":12: the name" },
	{ "kim", "a.test", USERS_TEMPORARY, ":13: userdb_quota_rule" },
	{ "lea", "a.test", USERS_FOUND, "/m/a.test/lea" },
	{ "nolast", "a.test", USERS_FOUND, "/m/a.test/nolast" },
	{ "# users", "a.test", USERS_NONE, NULL },
	{ "", "a.test", USERS_NONE, NULL },
	{ "../bob", "a.test", USERS_NONE, NULL },
};

static const struct login {
	const char *login, *password, *ip;
	enum auth_result want;
} logins[] = {
	{ "bob", "secret", "192.0.2.1", AUTH_OK },
	{ "bob@a.test", "secret", "", AUTH_OK },
	{ "bob@b.test", "other", "", AUTH_OK },
	{ "bob@b.test", "secret", "", AUTH_WRONG },
	{ "bob@c.test", "secret", "", AUTH_WRONG },
	{ "bob@", "secret", "", AUTH_WRONG },
	{ "@a.test", "secret", "", AUTH_WRONG },
	{ "nobody-here", "secret", "", AUTH_WRONG },
	{ "bob", "", "", AUTH_WRONG },
	{ "fred", "secret", "", AUTH_TEMPORARY },
	{ "eve", "secret", "", AUTH_TEMPORARY },
	{ "gus", "anything", "", AUTH_OK },
	{ "hal", "", "", AUTH_OK },
	{ "dora", "secret", "192.0.2.7", AUTH_OK },
	{ "dora", "secret", "2001:db8::5", AUTH_OK },
	{ "dora", "secret", "", AUTH_OK },
	{ "dora", "secret", "198.51.100.1", AUTH_DISABLED },
	{ "dora", "wrong", "198.51.100.1", AUTH_WRONG },
};

static const struct address_row {
	struct address a;
	enum recipient_kind want;
	const char *name;
} addresses[] = {
	{ { "bob", "a.test" }, RECIPIENT_LOCAL, "bob" },
	{ { "bob", "B.TEST" }, RECIPIENT_LOCAL, "bob@b.test" },
	{ { "who", "a.test" }, RECIPIENT_UNKNOWN, NULL },
	{ { "bob", "far.test" }, RECIPIENT_REMOTE, NULL },
	{ { "bob", "[192.0.2.1]" }, RECIPIENT_REMOTE, NULL },
	{ { "Postmaster", "" }, RECIPIENT_LOCAL, "bob" },
	{ { "POSTMASTER", "b.test" }, RECIPIENT_LOCAL, "bob@b.test" },
	{ { "root", "a.test" }, RECIPIENT_LOCAL, "bob" },
	{ { "eve", "a.test" }, RECIPIENT_TEMPORARY, NULL },
};

static void
write_file(const char *more)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fputs(more, f);
	fclose(f);
}

static void
test_find(struct users *us)
{
	char error[CONF_ERROR_MAX];
	struct user u;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		error[0] = '\0';
		is_int(users_find(us, r->local, r->domain, &u, error),
		    r->want, r->local);
		if (r->want == USERS_FOUND)
			is_str(u.mailbox, r->mailbox, "its mailbox");
		else if (r->want == USERS_TEMPORARY && !ok(strstr(error,
		    r->mailbox) != NULL, "the error names the line"))
			printf("# %s\n", error);
	}
	users_find(us, "bob", "a.test", &u, error);
	ok(u.uid == 1001 && u.gid == 1002, "uid and gid of the line");
	users_find(us, "dora", "a.test", &u, error);
	is_int((long long)u.quota.bytes, 2 << 20, "quota in octets");
	is_int((long long)u.quota.messages, 7, "and in messages");
}

static void
test_login(struct users *us)
{
	char error[CONF_ERROR_MAX];
	struct user u;
	size_t i;

	for (i = 0; i < sizeof(logins) / sizeof(logins[0]); i++)
		is_int(auth_check(us, logins[i].login, logins[i].password,
		    strlen(logins[i].password), logins[i].ip, &u, error),
		    logins[i].want, logins[i].login);
	auth_check(us, "fred", "x", 1, "", &u, error);
	ok(strstr(error, path) != NULL && strstr(error, ":8: the scheme") !=
	    NULL, "an unknown scheme names file and line");
}

static void
test_recipient(struct users *us)
{
	struct directory dir = { &s, us, NULL };
	char error[CONF_ERROR_MAX];
	struct recipient r;
	size_t i;

	tables_open(&dir.tables, &s, error);
	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		is_int(recipient_find(&dir, &addresses[i].a, &r, NULL),
		    addresses[i].want, addresses[i].a.local);
		if (addresses[i].name != NULL)
			is_str(r.user.name, addresses[i].name, "who it is");
	}
	s.postmaster = (char *)"bob@b.test";
	recipient_find(&dir, &(struct address){ "postmaster", "a.test" }, &r,
	    NULL);
	is_str(r.user.name, "bob@b.test", "a postmaster with a domain");
	is_str(r.user.hash, "", "and without a password");
	tables_close(dir.tables);
}

static void
test_check(void)
{
	char error[CONF_ERROR_MAX];
	FILE *f = fopen(path, "w");

	fputs("bob:{PLAIN}x\namy:{PLAIN}y\nbob:{PLAIN}z\n", f);
	fclose(f);
	ok(users_check(&s, error) == -1 && strstr(error, ":3: the name "
	    "stands in line 1") != NULL, "a name that stands twice");
	f = fopen(path, "w");
	fputs("bob:{PLAIN}x\namy:{MD4}y\n", f);
	fclose(f);
	is_int(users_check(&s, error), 0, "a file whose lines are good");
	ok(auth_check_users(&s, error) == -1 && strstr(error, ":2: ") != NULL,
	    "but a password that cannot be checked");
}

int
main(void)
{
	static char *domains[] = { (char *)"a.test", (char *)"b.test" };
	char error[CONF_ERROR_MAX];
	struct users *us;
	struct user u;
	int fd = mkstemp(path);

	s.users = path;
	s.mail = (char *)"/m/%d/%u";
	s.hostname = (char *)"mx.a.test";
	s.postmaster = (char *)"bob";
	s.aliases = s.virtual = s.relay_recipients = s.srs_secret =
	    s.recipient_delimiter = (char *)"";
	s.mail_user = (char *)"nobody";
	s.domains.v = domains;
	s.domains.n = 2;
	close(fd);
	write_file("");
	if (!ok(users_open(&us, &s, error) == 0, "the file is read"))
		return done();
	test_find(us);
	test_login(us);
	test_recipient(us);
	write_file("\nzoe:{PLAIN}secret\nZed@A.Test:{PLAIN}x\n");
	is_int(users_find(us, "zoe", "a.test", &u, error), USERS_FOUND,
	    "a changed file is read again");
	is_int(users_find(us, "Zed", "A.TEST", &u, error), USERS_FOUND,
	    "a domain has no letter case");
	unlink(path);
	is_int(users_find(us, "zoe", "a.test", &u, error), USERS_FOUND,
	    "a file that is gone changes nothing");
	users_close(us);
	test_check();
	unlink(path);
	ok(users_open(&us, &s, error) == -1, "no file, no users");
	return done();
}
