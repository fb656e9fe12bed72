/* SPDX-License-Identifier: ISC
 *
 * See mail/mailbox_file.h.  Names come from other programs; whatever bytes
 * they have, nothing here may fail on them.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/mailbox_file.h"

static const struct {
	char		letter;
	mailbox_flags	flag;
} letters[] = {
	{ 'D', MAILBOX_DRAFT },
	{ 'F', MAILBOX_FLAGGED },
	{ 'R', MAILBOX_ANSWERED },
	{ 'S', MAILBOX_SEEN },
	{ 'T', MAILBOX_DELETED },
};
#define NLETTERS	(sizeof(letters) / sizeof(letters[0]))

size_t
mailbox_file_base(const char *name)
{
	return strcspn(name, ":");
}

bool
mailbox_file_ok(const char *name)
{
	const unsigned char *p;

	if (*name == '.' || *name == ':' || *name == '\0')
		return false;
	for (p = (const unsigned char *)name; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			return false;
	return true;
}

static bool
is_info(const char *info)
{
	return strncmp(info, ":2,", 3) == 0;
}

static mailbox_flags
flag_of(char c)
{
	size_t i;

	if (c >= 'a' && c <= 'z')
		return MAILBOX_KEYWORD(c - 'a');
	for (i = 0; i < NLETTERS; i++)
		if (letters[i].letter == c)
			return letters[i].flag;
	return 0;
}

mailbox_flags
mailbox_file_flags(const char *info)
{
	mailbox_flags flags = 0;

	if (!is_info(info))
		return 0;
	/* Another "," begins what other programs put behind the flags. */
	for (info += 3; *info != '\0' && *info != ','; info++)
		flags |= flag_of(*info);
	return flags;
}

mailbox_flags
mailbox_file_change(mailbox_flags to, enum mailbox_change change,
    mailbox_flags flags)
{
	switch (change) {
	case MAILBOX_ADD:
		return to | flags;
	case MAILBOX_REMOVE:
		return to & ~flags;
	case MAILBOX_REPLACE:
		return flags;
	}
	return to;
}

void
mailbox_file_info(char *to, const char *old, mailbox_flags flags)
{
	bool others[26] = { false };
	const char *p;
	mailbox_flags f;
	char c;

	if (is_info(old))
		for (p = old + 3; *p != '\0' && *p != ','; p++)
			if (*p >= 'A' && *p <= 'Z')
				others[*p - 'A'] = true;
	memcpy(to, ":2,", 3);
	to += 3;
	for (c = 'A'; c <= 'Z'; c++) {
		f = flag_of(c);
		if (f != 0 ? (flags & f) != 0 : others[c - 'A'])
			*to++ = c;
	}
	for (c = 'a'; c <= 'z'; c++)
		if (flags & MAILBOX_KEYWORD(c - 'a'))
			*to++ = c;
	*to = '\0';
}

int
mailbox_file_size(const char *base, size_t len, char key, uint64_t *size)
{
	const char *p, *end = base + len;
	uint64_t n;

	for (p = base; p + 3 < end; p++) {
		if (p[0] != ',' || p[1] != key || p[2] != '=')
			continue;
		for (p += 3, n = 0; p < end && *p >= '0' && *p <= '9'; p++) {
			if (n > (UINT64_MAX - 9) / 10)
				return 0;
			n = n * 10 + (uint64_t)(*p - '0');
		}
		if (p[-1] == '=' || (p < end && *p != ','))
			return 0;
		*size = n;
		return 1;
	}
	return 0;
}

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int
mailbox_file_compare(const char *a, const char *b)
{
	size_t na, nb;
	int r;

	/* As strings, but runs of digits as numbers: seconds, microseconds,
	 * process, counter. */
	for (;;) {
		if (!is_digit(*a) || !is_digit(*b)) {
			if (*a != *b || *a == '\0')
				return (unsigned char)*a - (unsigned char)*b;
			a++;
			b++;
			continue;
		}
		while (*a == '0' && is_digit(a[1]))
			a++;
		while (*b == '0' && is_digit(b[1]))
			b++;
		na = strspn(a, "0123456789");
		nb = strspn(b, "0123456789");
		if (na != nb)
			return na < nb ? -1 : 1;
		if ((r = memcmp(a, b, na)) != 0)
			return r;
		a += na;
		b += nb;
	}
}

const char *
mailbox_file_host(void)
{
	static char host[64];
	char *p;

	if (host[0] != '\0')
		return host;
	/* A longer name is cut; it need not be reached, only be ours. */
	if (gethostname(host, sizeof(host)) == -1)
		strlcpy(host, "localhost", sizeof(host));
	host[sizeof(host) - 1] = '\0';
	for (p = host; *p != '\0'; p++)
		if (*p == '/' || *p == ':' || *p <= ' ' || *p == 0x7f ||
		    *p == ',')
			*p = '_';
	if (host[0] == '\0')
		strlcpy(host, "localhost", sizeof(host));
	return host;
}

void
mailbox_file_series(char series[MAILBOX_SERIES_MAX])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(series, MAILBOX_SERIES_MAX, "%lld.M%ldP%ldQ",
	    (long long)now.tv_sec, now.tv_nsec / 1000, (long)getpid());
}

unsigned
mailbox_file_next(char *to, const char *series)
{
	static unsigned counter;

	snprintf(to, MAILBOX_FILE_MAX + 1, "%s%u.%s", series, ++counter,
	    mailbox_file_host());
	return counter;
}

void
mailbox_file_unique(char *to)
{
	char series[MAILBOX_SERIES_MAX];

	mailbox_file_series(series);
	(void)mailbox_file_next(to, series);
}

void
mailbox_file_add_sizes(char *to, uint64_t disk, uint64_t wire)
{
	size_t n = strlen(to);

	snprintf(to + n, MAILBOX_FILE_MAX + 1 - n, ",S=%llu,W=%llu",
	    (unsigned long long)disk, (unsigned long long)wire);
}
