/* SPDX-License-Identifier: ISC
 *
 * The text form of a UID list; see mail/uidlist.h.  It opens no file: that is
 * uidlist_file.c.  It must never give a UID twice, whatever a file says.
 */
#include <string.h>
#include <unistd.h>

#include "mail/uidlist.h"

void
uidlist_init(struct uidlist *l)
{
	memset(l, 0, sizeof(*l));
	l->next = 1;
	l->fd = -1;
}

void
uidlist_free(struct uidlist *l)
{
	if (l->fd != -1)
		close(l->fd);
	uidlist_init(l);
}

/* A number of at most 32 bits and not 0; *p is moved behind it. */
static int
number(char **p, uint32_t *n)
{
	uint64_t v = 0;
	char *s = *p;

	for (; *s >= '0' && *s <= '9'; s++)
		if ((v = v * 10 + (uint64_t)(*s - '0')) > UINT32_MAX)
			return 0;
	if (v == 0)
		return 0;
	*n = (uint32_t)v;
	*p = s;
	return 1;
}

/* *(key value): V and N are taken out, the rest is kept as it stands. */
static void
parse_header3(struct uidlist *l, char *p)
{
	char *start, *digits, *to = l->header;
	size_t n;

	while (*p != '\0') {
		start = p;
		p += strcspn(p, " ");
		n = (size_t)(p - start);
		p += strspn(p, " ");
		if (*start == 'V' || *start == 'N') {
			digits = start + 1;
			if (!number(&digits, *start == 'V' ? &l->validity :
			    &l->next))
				l->damaged = true;
			continue;
		}
		if (n + 2 > (size_t)(l->header + sizeof(l->header) - to)) {
			l->damaged = true;
			break;
		}
		*to++ = ' ';
		memcpy(to, start, n);
		to += n;
	}
	*to = '\0';
}

/* header = "3 " fields / "1 " uidvalidity " " nextuid */
static void
parse_header(struct uidlist *l, char *p)
{
	uint32_t validity, next;

	l->version3 = strncmp(p, "3 ", 2) == 0;
	if (l->version3) {
		parse_header3(l, p + 2);
		return;
	}
	l->damaged = true;
	if (strncmp(p, "1 ", 2) != 0)
		return;
	p += 2;
	if (!number(&p, &validity) || *p++ != ' ' || !number(&p, &next))
		return;
	l->validity = validity;
	l->next = next;
}

/* record = uid *(SP key value) SP ":" name; in version 1 uid SP name */
static int
parse_record(struct uidlist *l, char *p, uidlist_take *take, void *arg)
{
	char *ext, *name;
	uint32_t uid;

	if (!number(&p, &uid) || *p != ' ' || uid > UIDLIST_UID_MAX)
		return 0;
	p += strspn(p, " ");
	ext = p;
	if (l->version3) {
		if (*p != ':' && (p = strstr(p, " :")) == NULL)
			return 0;
		if (*p == ' ')
			*p++ = '\0';
		else
			ext = p + strlen(p);
		name = p + 1;
	} else {
		ext = p + strlen(p);
		name = p;
	}
	/* Flags behind the base name are those of long ago. */
	name[strcspn(name, ":")] = '\0';
	if (uid <= l->last || *name == '\0' || strchr(name, '/') != NULL)
		return 0;
	l->last = uid;
	l->lines++;
	if (l->next <= uid)
		l->next = uid + 1;
	return take(arg, uid, name, ext) == -1 ? -1 : 1;
}

ssize_t
uidlist_parse(struct uidlist *l, char *text, size_t n, bool header,
    uidlist_take *take, void *arg)
{
	char *p = text, *end = text + n, *nl;
	int r;

	if (!header && l->validity == 0)
		return (ssize_t)n;
	for (; (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1) {
		*nl = '\0';
		r = 1;
		if (memchr(p, '\0', (size_t)(nl - p)) != NULL)
			r = 0;
		else if (header)
			parse_header(l, p);
		else
			r = parse_record(l, p, take, arg);
		if (r == -1)
			return -1;
		if (r == 0)
			l->damaged = true;
		if (l->validity == 0) {
			/* Without it no UID means anything. */
			l->damaged = true;
			return (ssize_t)n;
		}
		header = false;
	}
	return p - text;
}

int
uidlist_ext(const char *ext, char key, char *value, size_t size)
{
	const char *p;
	size_t n;

	for (p = ext; *p != '\0'; p += n, p += strspn(p, " ")) {
		n = strcspn(p, " ");
		if (*p != key)
			continue;
		if (n > size)
			return 0;
		memcpy(value, p + 1, n - 1);
		value[n - 1] = '\0';
		return 1;
	}
	return 0;
}
