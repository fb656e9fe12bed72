/* SPDX-License-Identifier: ISC
 *
 * The extra fields of a passwd-file's line, and the forms of a mailbox path.
 * A restriction that cannot be understood is an error, never ignored.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail/users_extra.h"
#include "system/log.h"

/* "maildir:~/Maildir:INDEX=..." as Dovecot writes it, or a path. */
static const char *
set_mail(struct user *u, const char *value)
{
	const char *home = "";
	size_t n;

	if (strncasecmp(value, "maildir:", 8) == 0) {
		value += 8;
		n = strcspn(value, ":");
	} else
		n = strlen(value);
	if (strchr(value, '/') == NULL || strncasecmp(value, "mbox:", 5) == 0 ||
	    strncasecmp(value, "mdbox:", 6) == 0 ||
	    strncasecmp(value, "sdbox:", 6) == 0)
		return "userdb_mail names no Maildir";
	if (n >= 2 && value[0] == '~' && value[1] == '/') {
		home = "%h";
		value++;
		n--;
	}
	if (n + 3 > sizeof(u->mailbox))
		return "userdb_mail is too long";
	snprintf(u->mailbox, sizeof(u->mailbox), "%s%.*s", home, (int)n,
	    value);
	return NULL;
}

/* A number with Dovecot's units, to octets; storage counts in kB. */
static int
quota_number(const char *s, size_t n, uint64_t unit, uint64_t *out)
{
	char text[32], *end;
	unsigned long long v;

	if (n == 0 || n >= sizeof(text))
		return -1;
	memcpy(text, s, n);
	text[n] = '\0';
	if (text[0] < '0' || text[0] > '9')
		return -1;
	v = strtoull(text, &end, 10);
	switch (*end) {
	case 'b': case 'B':
		unit = 1;
		end++;
		break;
	case 'k': case 'K':
		unit = 1ull << 10;
		end++;
		break;
	case 'm': case 'M':
		unit = 1ull << 20;
		end++;
		break;
	case 'g': case 'G':
		unit = 1ull << 30;
		end++;
		break;
	case 't': case 'T':
		unit = 1ull << 40;
		end++;
		break;
	}
	if (*end != '\0' || v > UINT64_MAX / unit)
		return -1;
	*out = v * unit;
	return 0;
}

/* "*:storage=100M:messages=1000"; rules of single folders are not ours. */
static const char *
set_quota(struct user *u, const char *value)
{
	size_t n;
	int r = 0;

	if (strncmp(value, "*:", 2) != 0)
		return "userdb_quota_rule must begin with *:";
	memset(&u->quota, 0, sizeof(u->quota));
	u->quota.set = true;
	for (value++; *value == ':' && r == 0; value += n) {
		value++;
		n = strcspn(value, ":");
		if (strncmp(value, "storage=", 8) == 0)
			r = quota_number(value + 8, n - 8, 1024,
			    &u->quota.bytes);
		else if (strncmp(value, "bytes=", 6) == 0)
			r = quota_number(value + 6, n - 6, 1,
			    &u->quota.bytes);
		else if (strncmp(value, "messages=", 9) == 0)
			r = quota_number(value + 9, n - 9, 1,
			    &u->quota.messages);
		else
			r = -1;
	}
	return r == 0 ? NULL : "userdb_quota_rule is not understood";
}

static const char *
set_field(struct user *u, const char *key, const char *value)
{
	if (strcmp(key, "allow_nets") == 0) {
		if (strlcpy(u->allow_nets, value, sizeof(u->allow_nets)) >=
		    sizeof(u->allow_nets))
			return "allow_nets is too long";
		return *value == '\0' ? "allow_nets is empty" : NULL;
	}
	if (strcmp(key, "imap_hide") == 0)
		return strlcpy(u->imap_hide, value, sizeof(u->imap_hide)) >=
		    sizeof(u->imap_hide) ? "imap_hide is too long" : NULL;
	if (strcmp(key, "nopassword") == 0) {
		u->nopassword = *value == '\0' || *value == 'y' ||
		    *value == 'Y';
		return NULL;
	}
	if (strcmp(key, "userdb_mail") == 0)
		return set_mail(u, value);
	if (strcmp(key, "userdb_quota_rule") == 0)
		return set_quota(u, value);
	log_once("users", "ignored=%s", log_str(key));
	return NULL;
}

const char *
users_extra(struct user *u, const char *fields)
{
	char field[PATH_MAX + 64], *value;
	const char *why = NULL;
	size_t n;

	while (*(fields += strspn(fields, " \t")) != '\0' && why == NULL) {
		n = strcspn(fields, " \t");
		if (n >= sizeof(field))
			return "an extra field is too long";
		memcpy(field, fields, n);
		field[n] = '\0';
		fields += n;
		value = field + strcspn(field, "=");
		if (*value == '=')
			*value++ = '\0';
		why = set_field(u, field, value);
	}
	return why;
}

/* A name that is one level of a path and cannot leave it. */
static bool
safe_name(const char *s)
{
	return *s != '\0' && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 &&
	    strchr(s, '/') == NULL;
}

int
users_expand(char path[PATH_MAX], const char *form, const char *local,
    const char *domain, const char *home)
{
	char one[2] = "";
	const char *add;

	path[0] = '\0';
	for (; *form != '\0'; form++) {
		add = one;
		one[0] = *form;
		if (*form == '%') {
			switch (*++form) {
			case 'u': case 'n':
				add = safe_name(local) ? local : "";
				break;
			case 'd':
				add = safe_name(domain) ? domain : "";
				break;
			case 'h':
				add = home;
				break;
			case '%':
				break;
			default:
				return -1;
			}
		}
		if (*add == '\0' ||
		    strlcat(path, add, PATH_MAX) >= PATH_MAX)
			return -1;
	}
	return path[0] == '\0' ? -1 : 0;
}
