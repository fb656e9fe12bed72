/* SPDX-License-Identifier: ISC
 *
 * DNS messages, packed and parsed by ldns; the only file that includes it.  No
 * socket and no clock here, and nothing of ldns leaves this file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

#include "system/dns_local.h"

#define CHAIN_MAX	16	/* CNAMEs in one answer */
#define RECORDS_MAX	512	/* of one answer */
#define EDE		15	/* the EDNS option "extended DNS error" */

static ldns_rr_type
rr_type(enum dns_type type)
{
	switch (type) {
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

enum dns_status
dns_pack(const struct dns_question *q, uint8_t **wire, size_t *len)
{
	enum dns_status st = DNS_TEMPORARY;
	ldns_rdf *name;
	ldns_pkt *pkt;
	uint8_t *fit;

	if (strlen(q->name) >= DNS_NAME_MAX || (name =
	    ldns_dname_new_frm_str(*q->name == '\0' ? "." : q->name)) == NULL)
		return DNS_INVALID;
	pkt = ldns_pkt_query_new(name, rr_type(q->type), LDNS_RR_CLASS_IN,
	    LDNS_RD);
	if (pkt == NULL) {
		ldns_rdf_deep_free(name);
		return DNS_TEMPORARY;
	}
	ldns_pkt_set_id(pkt, q->id);
	if (!q->plain)
		ldns_pkt_set_edns_udp_size(pkt, DNS_UDP_SIZE);
	if (q->trusted)
		ldns_pkt_set_ad(pkt, true);
	*wire = NULL;
	if (ldns_pkt2wire(wire, pkt, len) == LDNS_STATUS_OK) {
		st = DNS_FOUND;
		/* ldns leaves room for the longest of messages. */
		if ((fit = realloc(*wire, *len)) != NULL)
			*wire = fit;
	}
	ldns_pkt_free(pkt);
	return st;
}

/* ---- parsing ---- */

/* A domain name as text without its last dot; to be freed. */
static char *
name_text(const ldns_rdf *rdf)
{
	char *text = ldns_rdf2str(rdf);
	size_t n;

	if (text == NULL)
		return NULL;
	n = strlen(text);
	if (n > 0 && text[n - 1] == '.' && (n < 2 || text[n - 2] != '\\'))
		text[n - 1] = '\0';
	return text;
}

/* Whether the packet answers just this question. */
static int
is_ours(const struct dns_question *q, const ldns_pkt *pkt)
{
	ldns_rr_list *list = ldns_pkt_question(pkt);
	ldns_rdf *name;
	ldns_rr *rr;
	int same;

	if (!ldns_pkt_qr(pkt) || ldns_pkt_id(pkt) != q->id ||
	    ldns_pkt_get_opcode(pkt) != LDNS_PACKET_QUERY)
		return 0;
	/* Some servers leave the question out of a refusal. */
	if (ldns_rr_list_rr_count(list) == 0)
		return ldns_pkt_get_rcode(pkt) == LDNS_RCODE_FORMERR ||
		    ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NOTIMPL;
	rr = ldns_rr_list_rr(list, 0);
	if (ldns_rr_list_rr_count(list) != 1 ||
	    ldns_rr_get_type(rr) != rr_type(q->type) ||
	    ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return 0;
	name = ldns_dname_new_frm_str(*q->name == '\0' ? "." : q->name);
	same = name != NULL &&
	    ldns_dname_compare(name, ldns_rr_owner(rr)) == 0;
	ldns_rdf_deep_free(name);
	return same;
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
take_records(struct dns_answer *a, enum dns_type type, const ldns_rdf *owner,
    const ldns_rr_list *list)
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
		if (ldns_rr_get_type(rr) == rr_type(type) &&
		    ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
		    ldns_dname_compare(ldns_rr_owner(rr), owner) == 0 &&
		    take_record(a, type, rr) == -1)
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

/* The records behind all CNAMEs of this answer. */
static enum dns_parsed
take_answer(const struct dns_question *q, ldns_pkt *pkt, struct dns_answer *a)
{
	ldns_rr_list *list = ldns_pkt_answer(pkt);
	ldns_rdf *owner = ldns_rr_owner(ldns_rr_list_rr(
	    ldns_pkt_question(pkt), 0));
	const ldns_rdf *at = owner, *next;
	int hops = 0;
	char *name;

	while (hops < CHAIN_MAX && (next = alias_of(at, list)) != NULL) {
		at = next;
		hops++;
	}
	if ((name = name_text(at)) == NULL || take_records(a, q->type, at,
	    list) == -1) {
		free(name);
		dns_answer_fail(a, DNS_TEMPORARY, "no memory");
		return DNS_SERVER_FAILED;
	}
	free(a->name);
	a->name = name;
	a->security = !q->trusted ? DNS_INDETERMINATE :
	    ldns_pkt_ad(pkt) ? DNS_SECURE : DNS_INSECURE;
	if (a->n > 0)
		a->status = DNS_FOUND;
	else if (ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NXDOMAIN)
		a->status = DNS_NXDOMAIN;
	else if (hops > 0)
		return DNS_ALIAS;
	else
		a->status = DNS_NODATA;
	return DNS_PARSED;
}

/* Whether a resolver says that a failure is one of validation: an extended
 * error of 6 (bogus) to 12 (no proof). */
static int
says_bogus(ldns_pkt *pkt)
{
	ldns_edns_option_list *list;
	ldns_edns_option *o;
	const uint8_t *p;
	size_t i, n;

	if (!ldns_pkt_edns(pkt) ||
	    (list = ldns_pkt_edns_get_option_list(pkt)) == NULL)
		return 0;
	n = ldns_edns_option_list_get_count(list);
	for (i = 0; i < n; i++) {
		o = ldns_edns_option_list_get_option(list, i);
		if (ldns_edns_get_code(o) != EDE || ldns_edns_get_size(o) < 2)
			continue;
		p = ldns_edns_get_data(o);
		if (p[0] == 0 && p[1] >= 6 && p[1] <= 12)
			return 1;
	}
	return 0;
}

static enum dns_parsed
server_failed(ldns_pkt *pkt, struct dns_answer *a)
{
	char *text = ldns_pkt_rcode2str(ldns_pkt_get_rcode(pkt));

	dns_answer_fail(a, says_bogus(pkt) ? DNS_BOGUS : DNS_TEMPORARY,
	    text == NULL ? "failed" : text);
	free(text);
	return DNS_SERVER_FAILED;
}

enum dns_parsed
dns_parse(const struct dns_question *q, const uint8_t *wire, size_t len,
    struct dns_answer *a)
{
	enum dns_parsed r = DNS_NOT_OURS;
	ldns_pkt *pkt = NULL;

	if (ldns_wire2pkt(&pkt, wire, len) != LDNS_STATUS_OK)
		return DNS_NOT_OURS;
	if (is_ours(q, pkt)) {
		switch (ldns_pkt_get_rcode(pkt)) {
		case LDNS_RCODE_NOERROR:
		case LDNS_RCODE_NXDOMAIN:
			r = ldns_pkt_tc(pkt) ? DNS_TRUNCATED :
			    take_answer(q, pkt, a);
			break;
		case LDNS_RCODE_FORMERR:
		case LDNS_RCODE_NOTIMPL:
			r = q->plain ? server_failed(pkt, a) : DNS_OLD_SERVER;
			break;
		default:
			r = server_failed(pkt, a);
			break;
		}
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
	snprintf(a->why, sizeof(a->why), "%s", why);
}
