/* SPDX-License-Identifier: ISC
 *
 * Proves that annotations are kept as they were set, follow their mailbox
 * through RENAME and DELETE, stay within their limits, are set all or none, and
 * that a file with any octet damaged or missing is not believed (RFC 5464).
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "mail/mailbox.h"
#include "mail/metadata.h"

static char dir[] = "/tmp/stdmail-metadata.XXXXXX";
static struct mailbox_root *root;
static struct metadata all;

/* The value of an entry; NULL none. */
static const char *
value(const char *mailbox, const char *entry)
{
	static struct buf b;

	if (b.max == 0)
		buf_init(&b, METADATA_FILE_MAX);
	buf_reset(&b);
	if (metadata_get(root, mailbox, entry, &b) != MAILBOX_OK)
		return NULL;
	return buf_str(&b);
}

static size_t
count(const char *mailbox)
{
	size_t n;

	if (metadata_read(root, mailbox, &all) != MAILBOX_OK)
		return SIZE_MAX;
	n = all.n;
	metadata_free(&all);
	return n;
}

static void
test_names(void)
{
	static const struct {
		const char	*name;
		bool		 good;
	} rows[] = {
		{ "/private/comment", true },
		{ "/SHARED/Comment", true },
		{ "/private/filters/values/small", true },
		{ "/private/vendor/kolab/folder-type", true },
		{ "/private/vendored", true },
		{ "/private/a b", true },
		{ "", false },
		{ "/", false },
		{ "private/comment", false },
		{ "/private", false },
		{ "/private/", false },
		{ "/shared/comment/", false },
		{ "/private//comment", false },
		{ "/public/comment", false },
		{ "/privates/comment", false },
		{ "/private/vendor", false },
		{ "/private/vendor/kolab", false },
		{ "/SHARED/Vendor/kolab", false },
		{ "/private/com*ent", false },
		{ "/private/com%ent", false },
		{ "/private/c\tt", false },
		{ "/private/c\303\244", false },
		{ "/private/c\n", false },
	};
	char name[METADATA_NAME_MAX + 2];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_int(metadata_name_ok(rows[i].name, strlen(rows[i].name)),
		    rows[i].good, rows[i].name);
	memset(name, 'a', sizeof(name));
	memcpy(name, "/private/", 9);
	ok(metadata_name_ok(name, METADATA_NAME_MAX), "a name that is long");
	ok(!metadata_name_ok(name, METADATA_NAME_MAX + 1), "and too long");
	ok(!metadata_name_ok("/private/a\0b", 12), "a NUL");
}

static void
test_values(void)
{
	static const char octets[] = "a\0b\r\n/private/x 3\ncrc 0";
	struct metadata_entry e = { "/shared/binary", 14, octets,
	    sizeof(octets) - 1 };

	is_str(value("INBOX", "/private/comment"), NULL, "none");
	is_int(metadata_set(root, "inbox", "/private/comment", "My own"),
	    MAILBOX_OK, "set");
	is_str(value("INBOX", "/PRIVATE/Comment"), "My own", "in any case");
	is_str(value("Work", "/private/comment"), NULL, "not of another");
	is_str(value("", "/private/comment"), NULL, "nor of the server");
	is_int(metadata_set(root, "", "/private/comment", "server"),
	    MAILBOX_OK, "the server's");
	is_str(value(NULL, "/private/comment"), "server", "is its own");
	is_int(metadata_set(root, "INBOX", "/PRIVATE/COMMENT", ""), MAILBOX_OK,
	    "replaced");
	is_str(value("INBOX", "/private/comment"), "", "by an empty one");
	is_int((long long)count("INBOX"), 1, "there is one");
	is_int(metadata_change(root, "INBOX", &e, 1), MAILBOX_OK, "octets");
	is_int(metadata_read(root, "INBOX", &all), MAILBOX_OK, "read");
	is_mem(all.v[1].value, all.v[1].n, octets, sizeof(octets) - 1,
	    "octets come back");
	metadata_free(&all);
	is_int(metadata_set(root, "INBOX", "/private/comment", NULL),
	    MAILBOX_OK, "removed");
	is_int(metadata_set(root, "INBOX", "/private/comment", NULL),
	    MAILBOX_OK, "again");
	is_int(metadata_set(root, "INBOX", "/shared/binary", NULL),
	    MAILBOX_OK, "the last");
	is_int(access(METADATA_FILE, F_OK), -1, "no file is left");
	is_int(metadata_set(root, "None", "/private/comment", "x"),
	    MAILBOX_NONE, "no mailbox");
	is_int((long long)count("None"), -1, "nor to read");
	is_int(metadata_set(root, "INBOX", "/none/comment", "x"),
	    MAILBOX_BAD_NAME, "no name");
}

static void
test_all_or_none(void)
{
	struct metadata_entry v[] = {
		{ "/private/a", 10, "one", 3 },
		{ "/private/b", 10, "two", 3 },
		{ "/private/A", 10, "three", 5 },
		{ "/bad", 4, "x", 1 },
	};
	static char large[METADATA_VALUE_MAX + 2];

	is_int(metadata_change(root, "Work", v, 4), MAILBOX_BAD_NAME, "one bad");
	is_int((long long)count("Work"), 0, "none is set");
	is_int(metadata_change(root, "Work", v, 3), MAILBOX_OK, "three");
	is_int((long long)count("Work"), 2, "are two");
	is_str(value("Work", "/private/a"), "three", "the last counts");
	memset(large, 'x', METADATA_VALUE_MAX + 1);
	is_int(metadata_set(root, "Work", "/private/c", large), MAILBOX_LIMIT,
	    "too long");
	large[METADATA_VALUE_MAX] = '\0';
	is_int(metadata_set(root, "Work", "/private/c", large), MAILBOX_OK,
	    "not too long");
	is_str(value("Work", "/private/c"), large, "it is back");
}

static void
test_follow(void)
{
	is_int(metadata_set(root, "INBOX", "/private/comment", "in"),
	    MAILBOX_OK, "INBOX");
	is_int(mailbox_rename(root, "Work", "Play"), MAILBOX_OK, "rename");
	is_str(value("Play", "/private/a"), "three", "it came along");
	is_int(mailbox_create(root, "Work"), MAILBOX_OK, "a new one");
	is_int((long long)count("Work"), 0, "begins anew");
	is_int(mailbox_delete(root, "Play"), MAILBOX_OK, "delete");
	is_int(mailbox_create(root, "Play"), MAILBOX_OK, "make again");
	is_int((long long)count("Play"), 0, "nothing is inherited");
	is_int(mailbox_rename(root, "INBOX", "Old"), MAILBOX_OK, "INBOX");
	is_str(value("Old", "/private/comment"), "in", "copied");
	is_str(value("INBOX", "/private/comment"), "in", "and kept");
}

static void
test_limits(void)
{
	static char large[METADATA_VALUE_MAX + 1];
	enum mailbox_status status = MAILBOX_OK;
	char name[32];
	int i;

	for (i = 0; i < METADATA_ENTRIES_MAX && status == MAILBOX_OK; i++) {
		snprintf(name, sizeof(name), "/private/%d", i);
		status = metadata_set(root, "Play", name, "x");
	}
	is_int(status, MAILBOX_OK, "as many as may be");
	is_int(metadata_set(root, "Play", "/private/more", "x"),
	    MAILBOX_LIMIT, "one more");
	is_int(metadata_set(root, "Play", "/private/7", "y"), MAILBOX_OK,
	    "an old one may change");
	is_str(value("Play", "/private/7"), "y", "and did");
	memset(large, 'x', sizeof(large) - 1);
	for (i = 0; i < 32 && status == MAILBOX_OK; i++) {
		snprintf(name, sizeof(name), "/private/%d", i);
		status = metadata_set(root, "Play", name, large);
	}
	is_int(status, MAILBOX_LIMIT, "too much altogether");
	is_int(i, METADATA_FILE_MAX / METADATA_VALUE_MAX, "when it is");
}

/* Write n octets as the file of Work; whether it is believed. */
static bool
believed(const char *p, size_t n)
{
	int fd = open(".Work/" METADATA_FILE, O_WRONLY | O_CREAT | O_TRUNC,
	    0600);

	if (fd == -1 || write(fd, p, n) != (ssize_t)n)
		printf("# cannot write\n");
	close(fd);
	return count("Work") != 0;
}

static void
test_damage(void)
{
	char file[4096];
	ssize_t n, i;
	int fd, bad = 0;

	(void)metadata_set(root, "Work", "/private/comment", "12\n4");
	(void)metadata_set(root, "Work", "/shared/comment", "x");
	fd = open(".Work/" METADATA_FILE, O_RDONLY);
	n = read(fd, file, sizeof(file));
	close(fd);
	ok(n > 60, "there is a file");
	ok(believed(file, (size_t)n), "it is believed");
	for (i = 0; i < n; i++) {
		file[i] ^= 1;
		bad += believed(file, (size_t)n);
		file[i] ^= 1;
		bad += believed(file, (size_t)i);
	}
	is_int(bad, 0, "any octet changed, or all from one on missing");
	file[0] ^= 1;
	(void)believed(file, (size_t)n);
	is_int(metadata_set(root, "Work", "/private/new", "y"), MAILBOX_OK,
	    "a change goes on");
	is_int((long long)count("Work"), 1, "from nothing");
	is_int(access(".Work/" METADATA_FILE ".damaged", F_OK), 0,
	    "what was there is kept");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL || chdir(dir) == -1 ||
	    mailbox_root_open(dir, MAILBOX_CREATE, &root) != MAILBOX_OK)
		return 1;
	(void)mailbox_create(root, "Work");
	test_names();
	test_values();
	test_all_or_none();
	test_follow();
	test_limits();
	test_damage();
	mailbox_root_close(root);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return done();
}
