/* SPDX-License-Identifier: ISC
 *
 * Tables of clients and senders, see access.h.  They are sorted, so that a
 * question costs the same for ten lines and for a hundred thousand.  A line
 * with a fault must never take the others away.
 */
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/access.h"
#include "system/fdio.h"
#include "system/log.h"

#define FILE_MAX	(16 * 1024 * 1024)
#define FAULTS_MAX	10		/* of a file, in the log */

struct access_entry {
	enum access_what what;
	struct conf_net	 net;		/* only of nets */
	char		*text;		/* what is matched, in small letters */
};

static const char *const words[ACCESS_WHATS] = { "client", "helo", "sender" };

static int
by_name(const void *va, const void *vb)
{
	const struct access_entry *a = va, *b = vb;

	return a->what != b->what ? (a->what < b->what ? -1 : 1) :
	    strcmp(a->text, b->text);
}

static int
by_net(const void *va, const void *vb)
{
	const struct access_entry *a = va, *b = vb;

	return a->net.bits != b->net.bits ? a->net.bits - b->net.bits :
	    memcmp(a->net.addr, b->net.addr, sizeof(a->net.addr));
}

static void
entries_free(struct access_entry *e, size_t n)
{
	while (n > 0)
		free(e[--n].text);
	free(e);
}

static void
empty(struct access *t)
{
	entries_free(t->names, t->nnames);
	entries_free(t->nets, t->nnets);
	memset(t->lengths, 0, sizeof(t->lengths));
	t->names = t->nets = NULL;
	t->nnames = t->nnets = 0;
}

void
access_free(struct access *t)
{
	empty(t);
	free(t->path);
	memset(t, 0, sizeof(*t));
}

/* Room for one more, in powers of two. */
static struct access_entry *
more(struct access_entry **v, size_t n)
{
	struct access_entry *p;

	if (n > 0 && (n & (n - 1)) != 0)
		return *v + n;
	if ((p = reallocarray(*v, n == 0 ? 1 : n * 2, sizeof(*p))) == NULL)
		return NULL;
	*v = p;
	return p + n;
}

/* The text of an entry as it is compared; NULL: no memory. */
static char *
fold(const char *s, size_t n)
{
	char *text = strndup(s, n), *p;

	if (text == NULL)
		return NULL;
	for (p = text; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (p > text + 1 && p[-1] == '.')
		p[-1] = '\0';
	return text;
}

static const char *
add(struct access *t, enum access_what what, const char *s, size_t n)
{
	struct access_entry *e;
	struct conf_net net;
	char *text = fold(s, n);
	bool isnet = text != NULL && what == ACCESS_CLIENT &&
	    conf_net_parse(&net, text) == 0;

	if (text == NULL)
		return "out of memory";
	if (isnet) {
		if ((e = more(&t->nets, t->nnets)) != NULL)
			t->nnets++;
	} else if (what == ACCESS_CLIENT && strpbrk(text, ":/@") != NULL) {
		free(text);
		return "is no address, network or name";
	} else if ((e = more(&t->names, t->nnames)) != NULL)
		t->nnames++;
	if (e == NULL) {
		free(text);
		return "out of memory";
	}
	memset(e, 0, sizeof(*e));
	e->what = what;
	e->text = text;
	if (isnet) {
		e->net = net;
		t->lengths[net.bits] = true;
	}
	return NULL;
}

/* line = [ word value ] [ "#" anything ]; NULL or what is wrong. */
static const char *
take_line(struct access *t, const char *line)
{
	static const char blank[] = " \t\r";
	const char *word = line + strspn(line, blank), *value, *rest;
	size_t n = strcspn(word, " \t\r#"), i, nvalue;

	if (n == 0)
		return NULL;
	value = word + n + strspn(word + n, blank);
	nvalue = strcspn(value, " \t\r#");
	rest = value + nvalue + strspn(value + nvalue, blank);
	if (nvalue == 0)
		return "wants \"client\", \"helo\" or \"sender\" and a value";
	if (*rest != '\0' && *rest != '#')
		return "has more than two words";
	for (i = 0; i < ACCESS_WHATS; i++)
		if (strlen(words[i]) == n && strncmp(word, words[i], n) == 0)
			return add(t, (enum access_what)i, value, nvalue);
	return "begins with none of \"client\", \"helo\", \"sender\"";
}

/* Every line of text into the empty table; how many have a fault, the first
 * of them in error. */
static size_t
take_text(struct access *t, const char *path, char *text, char *error)
{
	char *line, *rest = text;
	size_t number = 0, faults = 0;
	const char *why;

	while ((line = strsep(&rest, "\n")) != NULL) {
		number++;
		if ((why = take_line(t, line)) == NULL)
			continue;
		if (faults++ == 0)
			snprintf(error, CONF_ERROR_MAX, "%.200s:%zu: %s: %s",
			    path, number, log_str(line), why);
		if (faults <= FAULTS_MAX)
			log_warn("access", "file=%s line=%zu error=%s",
			    log_str(path), number, log_str(why));
	}
	if (t->nnames > 0)
		qsort(t->names, t->nnames, sizeof(*t->names), by_name);
	if (t->nnets > 0)
		qsort(t->nets, t->nnets, sizeof(*t->nets), by_net);
	return faults;
}

static void
read_anew(struct access *t)
{
	char error[CONF_ERROR_MAX], *text;
	struct stat st;
	size_t n;

	if ((text = fd_read_file(t->path, FILE_MAX, &st, &n)) == NULL) {
		log_once("access", "file=%s error=%s", log_str(t->path),
		    log_str(strerror(errno)));
		return;
	}
	empty(t);
	stamp_set(&t->stamp, &st);
	(void)take_text(t, t->path, text, error);
	free(text);
}

void
access_refresh(struct access *t, const char *path)
{
	struct stat st;

	if (t->path == NULL || strcmp(t->path, path) != 0) {
		access_free(t);
		if ((t->path = strdup(path)) == NULL)
			return;
	}
	if (*t->path == '\0')
		return;
	if (stat(t->path, &st) == -1 || stamp_changed(&t->stamp, &st))
		read_anew(t);
}

/*
 * Questions.
 */

/* An address as networks are kept: IPv4 within ::ffff:0:0/96. */
static bool
address_of(unsigned char to[16], const struct sockaddr *sa)
{
	memset(to, 0, 16);
	if (sa->sa_family == AF_INET) {
		to[10] = to[11] = 0xff;
		memcpy(to + 12,
		    &((const struct sockaddr_in *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6)
		memcpy(to, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	else
		return false;
	return true;
}

/* The longest network first: one search for each length there is. */
const char *
access_address(const struct access *t, const struct sockaddr *sa)
{
	struct access_entry want, *e;
	unsigned char addr[16];
	int bits;

	if (t->nnets == 0 || !address_of(addr, sa))
		return NULL;
	for (bits = 128; bits >= 0; bits--) {
		if (bits < 128)
			addr[bits / 8] &= (unsigned char)
			    (0xff00 >> bits % 8);
		if (!t->lengths[bits])
			continue;
		want.net.bits = bits;
		memcpy(want.net.addr, addr, sizeof(addr));
		e = bsearch(&want, t->nets, t->nnets, sizeof(*e), by_net);
		if (e != NULL)
			return e->text;
	}
	return NULL;
}

static const char *
find(const struct access *t, enum access_what what, const char *text)
{
	struct access_entry want = { .what = what }, *e;

	want.text = (char *)(uintptr_t)text;
	e = t->nnames == 0 ? NULL :
	    bsearch(&want, t->names, t->nnames, sizeof(*e), by_name);
	return e == NULL ? NULL : e->text;
}

/* The name itself, then ".parent" of each of its parents. */
const char *
access_name(const struct access *t, enum access_what what, const char *name)
{
	const char *dot, *found;
	char *text;

	if (t->nnames == 0 || *name == '\0' ||
	    (text = fold(name, strlen(name))) == NULL)
		return NULL;
	found = find(t, what, text);
	for (dot = strchr(text + 1, '.'); found == NULL && dot != NULL;
	    dot = strchr(dot + 1, '.'))
		found = find(t, what, dot);
	free(text);
	return found;
}

const char *
access_sender(const struct access *t, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];
	const char *found;
	char *folded;

	if (t->nnames == 0)
		return NULL;
	if (address_is_null(a))
		return find(t, ACCESS_SENDER, "<>");
	address_text(a, text);
	if ((folded = fold(text, strlen(text))) == NULL)
		return NULL;
	found = find(t, ACCESS_SENDER, folded);
	free(folded);
	return found != NULL ? found :
	    access_name(t, ACCESS_SENDER, a->domain);
}

static int
check_one(const char *key, const char *path, char *error)
{
	struct access t = { 0 };
	struct stat st;
	char *text;
	size_t faults, n;

	if (*path == '\0')
		return 0;
	if ((text = fd_read_file(path, FILE_MAX, &st, &n)) == NULL) {
		snprintf(error, CONF_ERROR_MAX, "%s %.200s: %s", key, path,
		    strerror(errno));
		return -1;
	}
	faults = take_text(&t, path, text, error);
	free(text);
	access_free(&t);
	return faults == 0 ? 0 : -1;
}

int
access_check(const struct settings *s, char *error)
{
	return check_one("deny", s->deny, error) == -1 ||
	    check_one("allow", s->allow, error) == -1 ? -1 : 0;
}
