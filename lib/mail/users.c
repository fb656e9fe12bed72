/* SPDX-License-Identifier: ISC
 *
 * Who has a mailbox here.  The passwd-file is kept as one text with a sorted
 * list of names over it; a line is parsed when someone asks for it, so that a
 * line that cannot be used hurts its own user alone, and says why.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mail/users.h"
#include "mail/users_extra.h"
#include "system/fdio.h"
#include "system/log.h"
#include "system/stamp.h"

struct entry {
	const char	*name;		/* in text, len octets */
	size_t		 len;
	const char	*rest;		/* behind the colon, terminated */
	unsigned	 line;
};

struct users {
	const struct settings *settings;
	bool		 system;
	struct stamp	 stamp;
	char		*text;
	struct entry	*entries;	/* sorted by name, then line */
	size_t		 n;
	unsigned	 version;
	uid_t		 uid;		/* of users whose line has none */
	gid_t		 gid;
};

/* ---- the file ---- */

static int
name_compare(const char *a, size_t na, const char *b, size_t nb)
{
	int c = memcmp(a, b, na < nb ? na : nb);

	return c != 0 ? c : (na > nb) - (na < nb);
}

static int
entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = name_compare(x->name, x->len, y->name, y->len);

	return c != 0 ? c : (x->line > y->line) - (x->line < y->line);
}

/*
 * The text has pages of its own: a process that must not have everybody's
 * hash gives them back by users_close() at no cost, where wiping memory it
 * shares with its parent would first copy it.
 */
static char *
text_new(size_t size)
{
	void *p = mmap(NULL, size + 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void
text_free(char *text, size_t size)
{
	if (text != NULL)
		(void)munmap(text, size + 1);
}

/* The whole file, with a NUL behind it; NULL with errno. */
static char *
read_file(const char *path, struct stat *st)
{
	char *text = NULL;
	ssize_t n = -1;
	int fd, keep;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return NULL;
	if (fstat(fd, st) == 0) {
		if (!S_ISREG(st->st_mode))
			errno = EINVAL;
		else if (st->st_size > (off_t)USERS_FILE_MAX)
			errno = EFBIG;
		else if ((text = text_new((size_t)st->st_size)) != NULL)
			n = fd_read_all(fd, text, (size_t)st->st_size);
	}
	keep = errno;
	close(fd);
	if (n == -1) {
		text_free(text, (size_t)st->st_size);
		errno = keep;
		return NULL;
	}
	text[n] = '\0';
	return text;
}

static size_t
count_lines(const char *p)
{
	size_t n = 1;

	while ((p = strchr(p, '\n')) != NULL) {
		p++;
		n++;
	}
	return n;
}

/* Cut the text into lines and list those with a name. */
static struct entry *
list_entries(char *text, size_t *n)
{
	struct entry *list;
	char *p = text, *end, *colon, *at;
	unsigned line = 0;

	*n = 0;
	if ((list = calloc(count_lines(text), sizeof(*list))) == NULL)
		return NULL;
	for (; *p != '\0'; p = end) {
		line++;
		end = p + strcspn(p, "\n");
		if (*end == '\n')
			*end++ = '\0';
		p[strcspn(p, "\r")] = '\0';
		if (*p == '#' || *p == '\0')
			continue;
		colon = p + strcspn(p, ":");
		for (at = p + strcspn(p, "@:"); at < colon; at++)
			*at = (char)tolower((unsigned char)*at);
		list[*n].name = p;
		list[*n].len = (size_t)(colon - p);
		list[*n].rest = *colon == ':' ? colon + 1 : colon;
		list[(*n)++].line = line;
	}
	qsort(list, *n, sizeof(*list), entry_compare);
	return list;
}

/* Read the file.  0; -1 with errno, and what was there stays. */
static int
load(struct users *u)
{
	struct entry *list;
	struct stat st;
	char *text;
	size_t n;

	if ((text = read_file(u->settings->users, &st)) == NULL)
		return -1;
	if ((list = list_entries(text, &n)) == NULL) {
		text_free(text, (size_t)st.st_size);
		return -1;
	}
	text_free(u->text, (size_t)u->stamp.st.st_size);
	free(u->entries);
	u->text = text;
	u->entries = list;
	u->n = n;
	u->version++;
	stamp_set(&u->stamp, &st);
	return 0;
}

int
users_open(struct users **up, const struct settings *s, char *error)
{
	struct users *u;
	struct passwd *pw;

	*up = NULL;
	if ((u = calloc(1, sizeof(*u))) == NULL) {
		strlcpy(error, strerror(errno), CONF_ERROR_MAX);
		return -1;
	}
	u->settings = s;
	u->system = strcmp(s->users, "system") == 0;
	u->uid = geteuid();
	u->gid = getegid();
	if (u->uid == 0 && (pw = getpwnam(s->mail_user)) != NULL) {
		u->uid = pw->pw_uid;
		u->gid = pw->pw_gid;
	}
	if (!u->system && load(u) == -1) {
		snprintf(error, CONF_ERROR_MAX, "%s: %s", s->users,
		    strerror(errno));
		users_close(u);
		return -1;
	}
	*up = u;
	return 0;
}

void
users_close(struct users *u)
{
	if (u == NULL)
		return;
	text_free(u->text, (size_t)u->stamp.st.st_size);
	free(u->entries);
	free(u);
}

void
users_refresh(struct users *u)
{
	struct stat st;

	if (u->system)
		return;
	if (stat(u->settings->users, &st) == -1) {
		if (errno != EACCES)
			log_once("users", "file=%s error=%s",
			    log_str(u->settings->users),
			    log_str(strerror(errno)));
		return;
	}
	if (stamp_changed(&u->stamp, &st) && load(u) == -1)
		log_warn("users", "file=%s error=%s note=%s",
		    log_str(u->settings->users), log_str(strerror(errno)),
		    "\"the old one stays\"");
}

unsigned
users_version(const struct users *u)
{
	return u->version;
}

bool
users_blocking(const struct users *u)
{
	return u->system;
}

const char *
users_sample(const struct users *u)
{
	static char hash[USERS_HASH_MAX];
	size_t i, n;

	for (i = 0; i < u->n; i++) {
		n = strcspn(u->entries[i].rest, ":");
		if (n == 0 || n >= sizeof(hash))
			continue;
		memcpy(hash, u->entries[i].rest, n);
		hash[n] = '\0';
		return hash;
	}
	return "";
}

/* ---- one line ---- */

/* The next field of a line, to out; -1 it has no room there. */
static int
take_field(const char **rest, char *out, size_t size)
{
	size_t n = strcspn(*rest, ":");

	if (n >= size)
		return -1;
	memcpy(out, *rest, n);
	out[n] = '\0';
	*rest += n;
	if (**rest == ':')
		(*rest)++;
	return 0;
}

/* A number, or the name of an account; "" leaves *id. */
static int
take_id(const char *text, bool group, unsigned *id)
{
	const char *why;
	struct passwd *pw;
	long long v;

	if (*text == '\0')
		return 0;
	v = strtonum(text, 0, 0xfffffffeLL, &why);
	if (why == NULL) {
		*id = (unsigned)v;
		return 0;
	}
	if ((pw = getpwnam(text)) == NULL)
		return -1;
	*id = group ? pw->pw_gid : pw->pw_uid;
	return 0;
}

/* Parse the line of user->name.  NULL, or what is wrong. */
static const char *
parse_line(const struct users *u, const char *rest, struct user *user)
{
	char uid[64], gid[64], skip[1024];

	user->uid = u->uid;
	user->gid = u->gid;
	if (take_field(&rest, user->hash, sizeof(user->hash)) == -1)
		return "the password is too long";
	if (take_field(&rest, uid, sizeof(uid)) == -1 ||
	    take_id(uid, false, &user->uid) == -1)
		return "the uid is no number and no account";
	if (take_field(&rest, gid, sizeof(gid)) == -1 ||
	    take_id(gid, true, &user->gid) == -1)
		return "the gid is no number and no account";
	if (user->uid == 0 && uid[0] != '\0')
		return "uid 0 cannot have mail";
	if (take_field(&rest, skip, sizeof(skip)) == -1)
		return "the gecos field is too long";
	if (take_field(&rest, user->home, sizeof(user->home)) == -1)
		return "the home is too long";
	if (take_field(&rest, skip, sizeof(skip)) == -1)
		return "the shell is too long";
	return users_extra(user, rest);
}

/* userdb_mail was left in mailbox; else key mail, else our own default.  A
 * quota that no rule gave is that of the keys. */
static const char *
set_mailbox(const struct users *u, struct user *user, const char *local,
    const char *domain)
{
	const struct settings *s = u->settings;
	char form[PATH_MAX];

	if (!user->quota.set && (s->quota > 0 || s->quota_messages > 0)) {
		user->quota.set = true;
		user->quota.bytes = (uint64_t)s->quota;
		user->quota.messages = (uint64_t)s->quota_messages;
	}
	if (user->mailbox[0] != '\0')
		strlcpy(form, user->mailbox, sizeof(form));
	else if (s->mail[0] != '\0')
		strlcpy(form, s->mail, sizeof(form));
	else
		strlcpy(form, user->home[0] != '\0' ? "%h/Maildir" :
		    "/var/vmail/%d/%n/Maildir", sizeof(form));
	if (users_expand(user->mailbox, form, local, domain, user->home) ==
	    -1)
		return "the name makes no safe mailbox path";
	return NULL;
}

static enum users_result
use_entry(const struct users *u, const struct entry *e, const char *local,
    const char *domain, struct user *user, char *error)
{
	const char *why;

	memset(user, 0, sizeof(*user));
	user->line = e->line;
	if (e->len >= sizeof(user->name))
		why = "the name is too long";
	else {
		memcpy(user->name, e->name, e->len);
		if ((why = parse_line(u, e->rest, user)) == NULL)
			why = set_mailbox(u, user, local, domain);
	}
	if (why == NULL)
		return USERS_FOUND;
	snprintf(error, CONF_ERROR_MAX, "%s:%u: %s", u->settings->users,
	    e->line, why);
	return USERS_TEMPORARY;
}

/* ---- finding ---- */

static const struct entry *
find_entry(const struct users *u, const char *name)
{
	size_t lo = 0, hi = u->n, mid, len = strlen(name);

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (name_compare(u->entries[mid].name, u->entries[mid].len,
		    name, len) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < u->n && name_compare(u->entries[lo].name, u->entries[lo].len,
	    name, len) == 0)
		return &u->entries[lo];
	return NULL;
}

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		*s = (char)tolower((unsigned char)*s);
}

/* As written, then in lower case. */
static const struct entry *
find_any_case(const struct users *u, const char *name)
{
	const struct entry *e;
	char copy[USERS_NAME_MAX];

	if ((e = find_entry(u, name)) != NULL ||
	    strlcpy(copy, name, sizeof(copy)) >= sizeof(copy))
		return e;
	lower(copy);
	return find_entry(u, copy);
}

/* An account that can log in; never root. */
static enum users_result
find_system(const struct users *u, const char *local, const char *domain,
    struct user *user, char *error)
{
	struct passwd pwbuf, *pw;
	char text[16384];
	const char *base, *why;
	int fault;

	memset(user, 0, sizeof(*user));
	fault = getpwnam_r(local, &pwbuf, text, sizeof(text), &pw);
	if (pw == NULL && fault != 0) {
		snprintf(error, CONF_ERROR_MAX, "accounts: %s",
		    strerror(fault));
		return USERS_TEMPORARY;
	}
	if (pw == NULL || pw->pw_uid == 0)
		return USERS_NONE;
	base = strrchr(pw->pw_shell, '/');
	base = base == NULL ? pw->pw_shell : base + 1;
	if (strcmp(base, "nologin") == 0 || strcmp(base, "false") == 0)
		return USERS_NONE;
	strlcpy(user->name, pw->pw_name, sizeof(user->name));
	strlcpy(user->hash, "shadow", sizeof(user->hash));
	strlcpy(user->home, pw->pw_dir, sizeof(user->home));
	strlcpy(user->shell, pw->pw_shell, sizeof(user->shell));
	user->uid = pw->pw_uid;
	user->gid = pw->pw_gid;
	user->system = true;
	if ((why = set_mailbox(u, user, local, domain)) == NULL)
		return USERS_FOUND;
	snprintf(error, CONF_ERROR_MAX, "account %s: %s", local, why);
	return USERS_TEMPORARY;
}

static const char *
first_domain(const struct settings *s)
{
	return s->domains.n > 0 ? s->domains.v[0] : s->hostname;
}

enum users_result
users_find(struct users *u, const char *local, const char *domain,
    struct user *user, char *error)
{
	char full[USERS_NAME_MAX], lowered[256];
	const struct entry *e = NULL;
	int n;

	users_refresh(u);
	if (*domain == '\0')
		domain = first_domain(u->settings);
	if (strlcpy(lowered, domain, sizeof(lowered)) >= sizeof(lowered) ||
	    *local == '\0')
		return USERS_NONE;
	lower(lowered);
	if (u->system)
		return find_system(u, local, lowered, user, error);
	n = snprintf(full, sizeof(full), "%s@%s", local, lowered);
	if (n > 0 && (size_t)n < sizeof(full))
		e = find_any_case(u, full);
	if (e == NULL && settings_is_local(u->settings, lowered,
	    strlen(lowered)))
		e = find_any_case(u, local);
	if (e == NULL)
		return USERS_NONE;
	/* The mailbox path is that of the name in the file, whatever letter
	 * case was asked for. */
	n = (int)strcspn(e->name, "@:");
	snprintf(full, sizeof(full), "%.*s", n, e->name);
	return use_entry(u, e, full, lowered, user, error);
}

enum users_result
users_login(struct users *u, const char *login, struct user *user,
    char *error)
{
	char local[USERS_NAME_MAX];
	const char *at = strrchr(login, '@');

	if (at == NULL)
		return users_find(u, login, "", user, error);
	if ((size_t)(at - login) >= sizeof(local) || at[1] == '\0')
		return USERS_NONE;
	memcpy(local, login, (size_t)(at - login));
	local[at - login] = '\0';
	if (u->system && !settings_is_local(u->settings, at + 1,
	    strlen(at + 1)))
		return USERS_NONE;
	return users_find(u, local, at + 1, user, error);
}

const char *
users_file(const struct users *u)
{
	return u->settings->users;
}

int
users_each(struct users *u, int (*fn)(const struct user *, void *),
    void *arg, char *error)
{
	struct user user;
	const struct entry *e;
	size_t i;
	int r;

	for (i = 0; i < u->n; i++) {
		e = &u->entries[i];
		if (e->len == 0) {
			snprintf(error, CONF_ERROR_MAX, "%s:%u: no name",
			    users_file(u), e->line);
			return -1;
		}
		if (i > 0 && name_compare(e->name, e->len, e[-1].name,
		    e[-1].len) == 0) {
			snprintf(error, CONF_ERROR_MAX,
			    "%s:%u: the name stands in line %u too",
			    users_file(u), e->line, e[-1].line);
			return -1;
		}
		if (use_entry(u, e, "x", "x", &user, error) != USERS_FOUND)
			return -1;
		if ((r = fn(&user, arg)) != 0)
			return r;
	}
	return 0;
}

static int
take_any(const struct user *user, void *arg)
{
	(void)user;
	(void)arg;
	return 0;
}

int
users_check(const struct settings *s, char *error)
{
	struct users *u;
	int r;

	if (users_open(&u, s, error) == -1)
		return -1;
	r = users_each(u, take_any, NULL, error);
	users_close(u);
	return r;
}
