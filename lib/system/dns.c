/* SPDX-License-Identifier: ISC
 *
 * DNS messages, packed and parsed by ldns; the only file that includes it.  No
 * socket and no clock here, and nothing of ldns leaves this file.
 */
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

#include "system/dns_local.h"

#define HEADER		12	/* octets before the question */
#define CHAIN_MAX	16	/* CNAMEs in one answer */
#define RECORDS_MAX	512	/* of one answer */
#define RD		0x0100	/* flags of a header */
#define AD		0x0020
#define CD		0x0010
#define DO		0x8000	/* a flag of EDNS */
#define EDE		15	/* the EDNS option "extended DNS error": */
#define EDE_BOGUS	6	/* the first of those of validation */
#define EDE_NO_PROOF	12	/* the last one */
#define EDE_UNREACHABLE	22	/* nobody who knows can be asked */
#define EDE_NETWORK	23	/* likewise */

#define LIFE_MAX	86400	/* seconds an answer is kept at most */
#define NEGATIVE_MAX	10800	/* likewise, of one without records */

static ldns_rr_type
rr_type(const struct dns_question *q)
{
	if (q->rr != 0)
		return (ldns_rr_type)q->rr;
	switch (q->type) {
	case DNS_A:
		return LDNS_RR_TYPE_A;
	case DNS_AAAA:
		return LDNS_RR_TYPE_AAAA;
	case DNS_MX:
		return LDNS_RR_TYPE_MX;
	case DNS_PTR:
		return LDNS_RR_TYPE_PTR;
	case DNS_TXT:
		return LDNS_RR_TYPE_TXT;
	case DNS_SRV:
		return LDNS_RR_TYPE_SRV;
	case DNS_TLSA:
		return LDNS_RR_TYPE_TLSA;
	}
	return LDNS_RR_TYPE_NULL;
}

/* ---- packing ---- */

static uint8_t *
put16(uint8_t *p, unsigned n)
{
	*p++ = (uint8_t)(n >> 8);
	*p++ = (uint8_t)n;
	return p;
}

/*
 * A header with one question, the question, and an OPT record (RFC 1035,
 * RFC 6891).  It is written here, as ldns would
 * build and free a tree of all names for it, at half the price of a whole
 * lookup.
 */
enum dns_status
dns_pack(const struct dns_question *q, uint8_t wire[DNS_QUESTION_MAX],
    size_t *len, size_t *name_len)
{
	int edns = !q->plain || q->dnssec;
	uint8_t *p = wire;
	ldns_rdf *name;
	size_t n;

	if (strlen(q->name) >= DNS_NAME_MAX || (name =
	    ldns_dname_new_frm_str(*q->name == '\0' ? "." : q->name)) == NULL)
		return DNS_INVALID;
	n = ldns_rdf_size(name);
	p = put16(p, 0);
	p = put16(p, RD | (q->trusted ? AD : 0) | (q->unchecked ? CD : 0));
	p = put16(p, 1);
	p = put16(p, 0);
	p = put16(p, 0);
	p = put16(p, edns ? 1 : 0);
	memcpy(p, ldns_rdf_data(name), n);
	p = put16(p + n, rr_type(q));
	p = put16(p, LDNS_RR_CLASS_IN);
	if (edns) {
		*p++ = 0;
		p = put16(p, LDNS_RR_TYPE_OPT);
		p = put16(p, q->plain ? 0 : DNS_UDP_SIZE);
		p = put16(p, 0);
		p = put16(p, q->dnssec ? DO : 0);
		p = put16(p, 0);
	}
	ldns_rdf_deep_free(name);
	*name_len = n + 4;
	*len = (size_t)(p - wire);
	return DNS_FOUND;
}

/* ---- is it one? ---- */

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/*
 * Octets 2 and 3 of a header are QR, opcode and flags, and the rcode; then
 * the number of questions (RFC 1035).  No length of a label
 * is a letter.
 */
enum dns_match
dns_is_reply(const uint8_t *wire, size_t name_len, const uint8_t *p, size_t n)
{
	enum dns_match match = DNS_SAME;
	size_t i;

	if (n < HEADER || (p[2] & 0xf8) != 0x80)
		return DNS_OTHER;
	/* Some servers leave the question out of a refusal. */
	if (p[4] == 0 && p[5] == 0)
		return (p[3] & 15) == LDNS_RCODE_FORMERR ||
		    (p[3] & 15) == LDNS_RCODE_NOTIMPL ? DNS_SAME : DNS_OTHER;
	if (p[4] != 0 || p[5] != 1 || n < HEADER + name_len)
		return DNS_OTHER;
	for (i = HEADER; i < HEADER + name_len; i++) {
		if (p[i] == wire[i])
			continue;
		if (i >= HEADER + name_len - 4 || lower(p[i]) !=
		    lower(wire[i]))
			return DNS_OTHER;
		match = DNS_OTHER_CASE;
	}
	return match;
}

/* ---- parsing ---- */

/* "\\DDD" */
static char *
put_escape(char *to, uint8_t c)
{
	*to++ = '\\';
	*to++ = (char)('0' + c / 100);
	*to++ = (char)('0' + c / 10 % 10);
	*to++ = (char)('0' + c % 10);
	return to;
}

/*
 * A domain name as text without its last dot, to be freed: as ldns writes it,
 * in the manner of a master file (RFC 1035), but at once, not by a printf for
 * each octet.
 */
static char *
name_text(const ldns_rdf *rdf)
{
	const uint8_t *p = ldns_rdf_data(rdf), *end = p + ldns_rdf_size(rdf);
	char *text = malloc(4 * ldns_rdf_size(rdf) + 1), *to = text;
	size_t n;

	if (text == NULL)
		return NULL;
	while (p < end && (n = *p++) != 0 && n <= (size_t)(end - p)) {
		if (to > text)
			*to++ = '.';
		for (; n > 0; n--, p++) {
			if (*p > ' ' && *p < 0x7f) {
				if (*p == '.' || *p == ';' || *p == '(' ||
				    *p == ')' || *p == '\\')
					*to++ = '\\';
				*to++ = (char)*p;
			} else
				to = put_escape(to, *p);
		}
	}
	*to = '\0';
	return text;
}

/* The strings of a TXT record, joined; 0, or -1: no memory. */
static int
take_text(struct dns_record *to, const ldns_rr *rr)
{
	size_t i, n = ldns_rr_rd_count(rr), len = 0;
	const uint8_t *p;

	for (i = 0; i < n; i++)
		len += ldns_rdf_size(ldns_rr_rdf(rr, i));
	if ((to->data = malloc(len + 1)) == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		if (ldns_rdf_size(ldns_rr_rdf(rr, i)) == 0)
			continue;
		p = ldns_rdf_data(ldns_rr_rdf(rr, i));
		memcpy(to->data + to->len, p + 1, p[0]);
		to->len += p[0];
	}
	to->data[to->len] = '\0';
	return 0;
}

/* What a TLSA record holds behind its three numbers; likewise. */
static int
take_association(struct dns_record *to, const ldns_rr *rr)
{
	const ldns_rdf *data = ldns_rr_rdf(rr, 3);

	to->usage = ldns_rdf2native_int8(ldns_rr_rdf(rr, 0));
	to->selector = ldns_rdf2native_int8(ldns_rr_rdf(rr, 1));
	to->matching = ldns_rdf2native_int8(ldns_rr_rdf(rr, 2));
	to->len = ldns_rdf_size(data);
	if ((to->data = malloc(to->len + 1)) == NULL)
		return -1;
	memcpy(to->data, ldns_rdf_data(data), to->len);
	to->data[to->len] = '\0';
	return 0;
}

/* How many parts the data of a record has, at least. */
static size_t
parts(enum dns_type type)
{
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
	case DNS_PTR:
	case DNS_TXT:
		return 1;
	case DNS_MX:
		return 2;
	case DNS_SRV:
	case DNS_TLSA:
		return 4;
	}
	return 1;
}

/* Take one record into the answer, which has room; 0, or -1: no memory.  One
 * of a wrong size is left out. */
static int
take_record(struct dns_answer *a, enum dns_type type, const ldns_rr *rr)
{
	struct dns_record *to = &a->rr[a->n];
	size_t want = parts(type), size;
	ldns_rdf *rdf;

	if (ldns_rr_rd_count(rr) < want)
		return 0;
	memset(to, 0, sizeof(*to));
	to->ttl = ldns_rr_ttl(rr);
	rdf = ldns_rr_rdf(rr, want - 1);
	switch (type) {
	case DNS_SRV:
		to->weight = ldns_rdf2native_int16(ldns_rr_rdf(rr, 1));
		to->port = ldns_rdf2native_int16(ldns_rr_rdf(rr, 2));
		/* FALLTHROUGH */
	case DNS_MX:
		to->preference = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
		/* FALLTHROUGH */
	case DNS_PTR:
		if ((to->name = name_text(rdf)) == NULL)
			return -1;
		break;
	case DNS_A:
	case DNS_AAAA:
		size = type == DNS_A ? 4 : 16;
		if (ldns_rdf_size(rdf) != size)
			return 0;
		to->addr.family = type == DNS_A ? AF_INET : AF_INET6;
		memcpy(to->addr.ip, ldns_rdf_data(rdf), size);
		break;
	case DNS_TXT:
		if (take_text(to, rr) == -1)
			return -1;
		break;
	case DNS_TLSA:
		if (take_association(to, rr) == -1)
			return -1;
		break;
	}
	a->n++;
	return 0;
}

/* All records of the type at this owner; 0, or -1: no memory. */
static int
take_records(struct dns_answer *a, const struct dns_question *q,
    const ldns_rdf *owner, const ldns_rr_list *list)
{
	size_t i, n = ldns_rr_list_rr_count(list);
	ldns_rr *rr;

	if (n > RECORDS_MAX)
		n = RECORDS_MAX;
	if (n == 0)
		return 0;
	if ((a->rr = calloc(n, sizeof(*a->rr))) == NULL)
		return -1;
	for (i = 0; i < n; i++) {
		rr = ldns_rr_list_rr(list, i);
		if (ldns_rr_get_type(rr) == rr_type(q) &&
		    ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
		    ldns_dname_compare(ldns_rr_owner(rr), owner) == 0 &&
		    take_record(a, q->type, rr) == -1)
			return -1;
	}
	return 0;
}

/* Where a CNAME leads from this owner, or NULL. */
static const ldns_rdf *
alias_of(const ldns_rdf *owner, const ldns_rr_list *list)
{
	size_t i, n = ldns_rr_list_rr_count(list);
	ldns_rr *rr;

	for (i = 0; i < n; i++) {
		rr = ldns_rr_list_rr(list, i);
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME &&
		    ldns_rr_rd_count(rr) == 1 &&
		    ldns_dname_compare(ldns_rr_owner(rr), owner) == 0)
			return ldns_rr_rdf(rr, 0);
	}
	return NULL;
}

/*
 * How long the answer may be kept: as its shortest-lived record; without
 * records as the SOA that a negative answer carries says, and not at all
 * without that (RFC 2308).
 */
static uint32_t
life_of(const ldns_pkt *pkt, int negative)
{
	const ldns_rr_list *list = ldns_pkt_answer(pkt);
	uint32_t life = LIFE_MAX, soa = 0, ttl;
	size_t i;
	ldns_rr *rr;

	for (i = 0; i < ldns_rr_list_rr_count(list); i++)
		if ((ttl = ldns_rr_ttl(ldns_rr_list_rr(list, i))) < life)
			life = ttl;
	if (!negative)
		return life;
	list = ldns_pkt_authority(pkt);
	for (i = 0; i < ldns_rr_list_rr_count(list); i++) {
		rr = ldns_rr_list_rr(list, i);
		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA ||
		    ldns_rr_rd_count(rr) < 7)
			continue;
		soa = ldns_rdf2native_int32(ldns_rr_rdf(rr, 6));
		if (ldns_rr_ttl(rr) < soa)
			soa = ldns_rr_ttl(rr);
	}
	if (soa > NEGATIVE_MAX)
		soa = NEGATIVE_MAX;
	return soa < life ? soa : life;
}

/* The records behind all CNAMEs of this answer. */
static enum dns_parsed
take_answer(const struct dns_question *q, ldns_pkt *pkt, struct dns_answer *a,
    uint32_t *life)
{
	ldns_rr_list *list = ldns_pkt_answer(pkt);
	ldns_rdf *owner = ldns_rr_owner(ldns_rr_list_rr(
	    ldns_pkt_question(pkt), 0));
	const ldns_rdf *at = owner, *next;
	int hops = 0;

	while (hops < CHAIN_MAX && (next = alias_of(at, list)) != NULL) {
		at = next;
		hops++;
	}
	if ((hops > 0 && (a->name = name_text(at)) == NULL) ||
	    take_records(a, q, at, list) == -1) {
		dns_answer_fail(a, DNS_TEMPORARY, "no memory");
		return DNS_SERVER_FAILED;
	}
	a->security = !q->trusted ? DNS_INDETERMINATE :
	    ldns_pkt_ad(pkt) ? DNS_SECURE : DNS_INSECURE;
	*life = life_of(pkt, a->n == 0);
	if (a->n > 0)
		a->status = DNS_FOUND;
	else if (ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NXDOMAIN)
		a->status = DNS_NXDOMAIN;
	else if (hops > 0) {
		*life = life_of(pkt, 0);
		return DNS_ALIAS;
	} else
		a->status = DNS_NODATA;
	return DNS_PARSED;
}

/* Of an answer that others look into: whether there is one. */
static enum dns_parsed
take_raw(ldns_pkt *pkt, struct dns_answer *a, uint32_t *life)
{
	size_t n = ldns_rr_list_rr_count(ldns_pkt_answer(pkt));

	a->status = ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NXDOMAIN ?
	    DNS_NXDOMAIN : n > 0 ? DNS_FOUND : DNS_NODATA;
	*life = life_of(pkt, n == 0);
	return DNS_PARSED;
}

static int
is_validation(int error)
{
	return error >= EDE_BOGUS && error <= EDE_NO_PROOF;
}

/* What a resolver says of its failure: an extended error (RFC 8914), of several
 * one of validation or else the first; -1: no more than that. */
static int
extended_error(ldns_pkt *pkt)
{
	ldns_edns_option_list *list;
	ldns_edns_option *o;
	const uint8_t *p;
	size_t i, n;
	int error = -1, code;

	if (!ldns_pkt_edns(pkt) ||
	    (list = ldns_pkt_edns_get_option_list(pkt)) == NULL)
		return -1;
	n = ldns_edns_option_list_get_count(list);
	for (i = 0; i < n && !is_validation(error); i++) {
		o = ldns_edns_option_list_get_option(list, i);
		if (ldns_edns_get_code(o) != EDE || ldns_edns_get_size(o) < 2)
			continue;
		p = ldns_edns_get_data(o);
		code = p[0] << 8 | p[1];
		if (error == -1 || is_validation(code))
			error = code;
	}
	return error;
}

static enum dns_parsed
server_failed(ldns_pkt *pkt, struct dns_answer *a)
{
	char *text = ldns_pkt_rcode2str(ldns_pkt_get_rcode(pkt));
	int error = extended_error(pkt);

	dns_answer_fail(a, is_validation(error) ? DNS_BOGUS : DNS_TEMPORARY,
	    text == NULL ? "failed" : text);
	if (error == EDE_UNREACHABLE || error == EDE_NETWORK)
		strlcat(a->why, ", its servers are silent", sizeof(a->why));
	free(text);
	return DNS_SERVER_FAILED;
}

enum dns_parsed
dns_parse(const struct dns_question *q, const uint8_t *wire, size_t len,
    struct dns_answer *a, uint32_t *life)
{
	enum dns_parsed r = DNS_NOT_OURS;
	ldns_pkt *pkt = NULL;

	*life = 0;
	if (ldns_wire2pkt(&pkt, wire, len) != LDNS_STATUS_OK)
		return DNS_NOT_OURS;
	switch (ldns_pkt_get_rcode(pkt)) {
	case LDNS_RCODE_NOERROR:
	case LDNS_RCODE_NXDOMAIN:
		if (ldns_pkt_tc(pkt))
			r = DNS_TRUNCATED;
		else if (ldns_rr_list_rr_count(ldns_pkt_question(pkt)) == 1)
			r = q->rr != 0 ? take_raw(pkt, a, life) :
			    take_answer(q, pkt, a, life);
		break;
	case LDNS_RCODE_FORMERR:
	case LDNS_RCODE_NOTIMPL:
		r = q->plain ? server_failed(pkt, a) : DNS_OLD_SERVER;
		break;
	default:
		r = server_failed(pkt, a);
		break;
	}
	ldns_pkt_free(pkt);
	return r;
}

void
dns_answer_fail(struct dns_answer *a, enum dns_status st, const char *why)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		free(a->rr[i].name);
		free(a->rr[i].data);
	}
	free(a->rr);
	a->rr = NULL;
	a->n = 0;
	a->security = DNS_INDETERMINATE;
	a->status = st;
	/* It may be its own. */
	if (why != a->why)
		strlcpy(a->why, why, sizeof(a->why));
}
