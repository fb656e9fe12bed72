/* SPDX-License-Identifier: ISC
 *
 * The trust anchors, and what is known of the zones below them, so that the
 * keys of the root and of a top level domain are asked for and checked once,
 * not for each name.  Bounded; what has not been used for longest goes first.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/dns_chain_local.h"

#define FILE_MAX	(1 << 20)
#define RECORD_MAX	8192	/* of one record */

/* ---- what is known ---- */

static size_t
bucket_of(const struct dns_name *name)
{
	size_t i, h = 0;

	for (i = 0; i < name->len; i++)
		h = h * 31 + name->wire[i];
	return h % DNS_BUCKETS;
}

static void
forget(struct dns_anchor *a, struct dns_zone *z)
{
	SLIST_REMOVE(&a->bucket[bucket_of(&z->name)], z, dns_zone, by_name);
	TAILQ_REMOVE(&a->zones, z, by_use);
	a->n--;
	ldns_rr_list_deep_free(z->records);
	free(z);
}

/* By its name alone, however old. */
static struct dns_zone *
lookup(struct dns_anchor *a, const struct dns_name *name)
{
	struct dns_zone *z;

	SLIST_FOREACH(z, &a->bucket[bucket_of(name)], by_name)
		if (dns_name_equal(&z->name, name))
			return z;
	return NULL;
}

struct dns_zone *
dns_zone_find(struct dns_anchor *a, const struct dns_name *name, long long now)
{
	struct dns_zone *z = lookup(a, name);

	/* A clock that was set back must not make it live for years. */
	if (z == NULL || now >= z->until || z->until - now > DNS_KEEP_MAX)
		return NULL;
	TAILQ_REMOVE(&a->zones, z, by_use);
	TAILQ_INSERT_TAIL(&a->zones, z, by_use);
	return z;
}

int
dns_zone_learn(struct dns_anchor *a, const struct dns_name *name,
    enum dns_zone_state state, ldns_rr_list *records, uint32_t ttl,
    const char *why, long long now)
{
	struct dns_zone *z = lookup(a, name);

	if (z == NULL) {
		if (a->n == DNS_ZONES_MAX)
			forget(a, TAILQ_FIRST(&a->zones));
		if ((z = calloc(1, sizeof(*z))) == NULL) {
			ldns_rr_list_deep_free(records);
			return -1;
		}
		z->name = *name;
		SLIST_INSERT_HEAD(&a->bucket[bucket_of(name)], z, by_name);
		TAILQ_INSERT_TAIL(&a->zones, z, by_use);
		a->n++;
	}
	ldns_rr_list_deep_free(z->records);
	z->records = records;
	z->state = state;
	z->until = now + (ttl < DNS_KEEP_MIN ? DNS_KEEP_MIN :
	    ttl > DNS_KEEP_MAX ? DNS_KEEP_MAX : ttl);
	snprintf(z->why, sizeof(z->why), "%s", why);
	return 0;
}

/* ---- anchors ---- */

struct dns_anchor *
dns_anchor_new(void)
{
	struct dns_anchor *a = calloc(1, sizeof(*a));

	if (a == NULL || (a->anchors = ldns_rr_list_new()) == NULL) {
		free(a);
		return NULL;
	}
	TAILQ_INIT(&a->zones);
	return a;
}

void
dns_anchor_free(struct dns_anchor *a)
{
	struct dns_zone *z;

	if (a == NULL)
		return;
	while ((z = TAILQ_FIRST(&a->zones)) != NULL)
		forget(a, z);
	ldns_rr_list_deep_free(a->anchors);
	free(a);
}

static int
owner_of(const ldns_rr *rr, struct dns_name *name)
{
	const ldns_rdf *rdf = ldns_rr_owner(rr);

	return dns_name_set(name, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
}

int
dns_anchor_above(const struct dns_anchor *a, const struct dns_name *name,
    struct dns_name *to)
{
	size_t i, n = ldns_rr_list_rr_count(a->anchors);
	struct dns_name at;
	int r = -1;

	for (i = 0; i < n; i++) {
		if (owner_of(ldns_rr_list_rr(a->anchors, i), &at) == -1 ||
		    !dns_name_within(name, &at) || (r == 0 &&
		    at.len <= to->len))
			continue;
		*to = at;
		r = 0;
	}
	return r;
}

ldns_rr_list *
dns_anchor_of(const struct dns_anchor *a, const struct dns_name *name)
{
	size_t i, n = ldns_rr_list_rr_count(a->anchors);
	ldns_rr_list *list = ldns_rr_list_new();
	struct dns_name at;
	ldns_rr *rr;

	for (i = 0; list != NULL && i < n; i++) {
		rr = ldns_rr_list_rr(a->anchors, i);
		if (owner_of(rr, &at) == 0 && dns_name_equal(&at, name) &&
		    !ldns_rr_list_push_rr(list, rr)) {
			ldns_rr_list_free(list);
			return NULL;
		}
	}
	return list;
}

/* One record as text, without comments; 1 taken, 0 of an algorithm not known,
 * -1 with words. */
static int
take_record(struct dns_anchor *a, const char *text, char *why)
{
	ldns_rr *rr = NULL;
	ldns_status st = ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL);
	ldns_rr_type type;
	struct dns_name name;
	int known;

	if (st != LDNS_STATUS_OK) {
		snprintf(why, DNS_WHY_MAX, "%s", ldns_get_errorstr_by_id(st));
		return -1;
	}
	type = ldns_rr_get_type(rr);
	if ((type != LDNS_RR_TYPE_DS && type != LDNS_RR_TYPE_DNSKEY) ||
	    ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN ||
	    ldns_rr_rd_count(rr) != 4 || owner_of(rr, &name) == -1) {
		snprintf(why, DNS_WHY_MAX, "neither DS nor DNSKEY");
		ldns_rr_free(rr);
		return -1;
	}
	known = type == LDNS_RR_TYPE_DS ?
	    dns_algorithm_known(dns_rr_number(rr, 1)) &&
	    dns_digest_known(dns_rr_number(rr, 2)) :
	    dns_algorithm_known(dns_rr_number(rr, 2));
	if (known && ldns_rr_list_push_rr(a->anchors, rr))
		return 1;
	ldns_rr_free(rr);
	if (known)
		snprintf(why, DNS_WHY_MAX, "no memory");
	return known ? -1 : 0;
}

/* Whether a comment says that unbound does not (yet, or any more) hold the
 * key for valid (its states are numbers: 2 valid, 3 missing). */
static int
is_held_back(const char *comment, size_t n)
{
	const char *p = memmem(comment, n, ";;state=", 8);

	return p != NULL && (size_t)(p - comment) + 8 < n && p[8] != '2' &&
	    p[8] != '3';
}

/* The next record, joined to one line in to[RECORD_MAX]; *held when it is not
 * to be believed.  Where it ends, or NULL: too long. */
static const char *
next_record(const char *p, char *to, int *held, unsigned *lines)
{
	size_t n = 0, len;
	int depth = 0;

	for (*held = 0; *p != '\0'; p++) {
		if (*p == ';') {
			len = strcspn(p, "\n");
			*held |= is_held_back(p, len);
			p += len;
			if (*p == '\0')
				break;
		}
		if (*p == '(' || *p == ')')
			depth += *p == '(' ? 1 : -1;
		if (*p == '\n' && ++*lines && depth <= 0) {
			p++;
			break;
		}
		if (n + 1 >= RECORD_MAX)
			return NULL;
		to[n++] = isspace((unsigned char)*p) || *p == '(' ||
		    *p == ')' ? ' ' : *p;
	}
	to[n] = '\0';
	return p;
}

/* What zone files have beside records. */
static int
is_empty(const char *line)
{
	line += strspn(line, " ");
	return *line == '\0' || strncmp(line, "$TTL ", 5) == 0;
}

int
dns_anchor_text(struct dns_anchor *a, const char *p, char *why)
{
	char line[RECORD_MAX], words[DNS_WHY_MAX];
	unsigned lines = 0, first;
	int held, r, taken = 0;

	while (*p != '\0') {
		first = lines + 1;
		snprintf(words, sizeof(words), "too long");
		if ((p = next_record(p, line, &held, &lines)) == NULL)
			r = -1;
		else if (held || is_empty(line))
			continue;
		else
			r = take_record(a, line, words);
		if (r == -1) {
			snprintf(why, DNS_WHY_MAX, "line %u: %.100s", first,
			    words);
			return -1;
		}
		taken += r;
	}
	if (taken == 0)
		snprintf(why, DNS_WHY_MAX, "no key that can be used");
	return taken > 0 ? 0 : -1;
}

/* libcrypto reads its configuration when it is first used: let that be now,
 * before a sandbox. */
static void
warm_up(void)
{
	uint8_t sig[64] = { 0 }, key[32] = { 0 };
	ldns_buffer *b = ldns_buffer_new(sizeof(key));

	if (b != NULL)
		ldns_verify_rrsig_buffers_raw(sig, sizeof(sig), b, key,
		    sizeof(key), LDNS_ED25519);
	ldns_buffer_free(b);
}

int
dns_anchor_read(struct dns_anchor *a, const char *path, char *why)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t n = 0;
	int r = -1;

	if (f == NULL || (text = malloc(FILE_MAX + 1)) == NULL)
		snprintf(why, DNS_WHY_MAX, "%s", strerror(errno));
	else {
		n = fread(text, 1, FILE_MAX + 1, f);
		if (ferror(f))
			snprintf(why, DNS_WHY_MAX, "%s", strerror(errno));
		else if (n > FILE_MAX)
			snprintf(why, DNS_WHY_MAX, "too long");
		else {
			text[n] = '\0';
			r = dns_anchor_text(a, text, why);
		}
	}
	free(text);
	if (f != NULL)
		fclose(f);
	if (r == 0)
		warm_up();
	return r;
}
