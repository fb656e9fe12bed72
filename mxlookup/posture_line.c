/* SPDX-License-Identifier: ISC
 *
 * A domain's posture in one line: of a table, or of JSON.
 */
#include <string.h>

#include "grammar/tlsa.h"
#include "output.h"
#include "posture.h"
#include "posture_word.h"

/* ---- the table ---- */

static void
column(struct buf *b, const char *text)
{
	buf_adds(b, text);
	buf_addc(b, '\t');
}

void
posture_line(struct buf *b, const struct posture *p)
{
	const char *s;
	size_t i;

	for (s = p->shown; *s != '\0'; s++)
		buf_addc(b, (unsigned char)*s < ' ' || *s == '\177' ? '?' :
		    *s);
	buf_addc(b, '\t');
	column(b, mx_status_name(p->mail));
	column(b, posture_security(ask_answer(p->ask, p->mx)));
	column(b, posture_dane(p));
	column(b, posture_sts(p));
	column(b, posture_tlsrpt(p));
	column(b, posture_spf(p));
	if (p->spf.records > 0)
		buf_addu(b, p->spf.lookups);
	column(b, p->spf.records > 0 ? "" : "-");
	column(b, posture_dmarc(p));
	column(b, posture_reverse(p));
	column(b, posture_clients(p));
	for (i = 0; i < p->nfound; i++) {
		buf_adds(b, i > 0 ? "," : "");
		buf_adds(b, posture_texts[p->found[i].fault].code);
	}
	buf_adds(b, p->nfound == 0 ? "-\n" : "\n");
}

/* ---- JSON ---- */

/* A member and the comma before it; "-", "" and NULL are null. */
static void
member(struct buf *b, const char *name, const char *text)
{
	buf_addf(b, ",\"%s\":", name);
	if (text == NULL || *text == '\0' || strcmp(text, "-") == 0)
		buf_adds(b, "null");
	else
		output_json_string(b, text);
}

/* Octets of a record, of which only those before a NUL can be shown. */
static void
record(struct buf *b, const char *name, const struct dns_record *rr)
{
	member(b, name, rr == NULL ? NULL : (const char *)rr->data);
}

static void
json_host(struct buf *b, const struct posture *p, const struct posture_host *h)
{
	const struct dns_answer *a = ask_answer(p->ask, h->tlsa);
	const struct dns_record *rr;
	char addr[DNS_ADDR_TEXT];
	size_t i;

	buf_addf(b, "{\"preference\":%u", h->preference);
	member(b, "name", h->name);
	buf_adds(b, ",\"addresses\":[");
	for (i = 0; i < h->naddrs; i++) {
		dns_addr_text(&h->addrs[i].addr, addr, sizeof(addr));
		buf_addf(b, "%s{\"address\":\"%s\"", i > 0 ? "," : "", addr);
		member(b, "reverse", posture_reverse_name(
		    h->addrs[i].reverse));
		member(b, "name", h->addrs[i].name);
		buf_addc(b, '}');
	}
	buf_adds(b, "],\"tlsa\":[");
	for (i = 0; i < a->n; i++) {
		rr = &a->rr[i];
		buf_addf(b, "%s{\"usage\":%u,\"selector\":%u,\"matching\":%u",
		    i > 0 ? "," : "", rr->usage, rr->selector, rr->matching);
		member(b, "security", posture_security(a));
		buf_addf(b, ",\"usable\":%s}", tlsa_judge(rr->usage,
		    rr->selector, rr->matching, rr->data, rr->len) ==
		    TLSA_USABLE ? "true" : "false");
	}
	buf_adds(b, "]}");
}

static void
json_found(struct buf *b, const struct posture_found *f)
{
	const struct posture_text *t = &posture_texts[f->fault];

	buf_addf(b, "{\"fault\":\"%s\"", t->code);
	member(b, "severity", posture_severity_name(t->severity));
	member(b, "subject", f->subject);
	member(b, "words", t->words);
	member(b, "detail", f->detail);
	member(b, "change", f->change);
	member(b, "publish", f->publish);
	buf_addc(b, '}');
}

void
posture_json(struct buf *b, const struct posture *p)
{
	size_t i;

	buf_adds(b, "{\"domain\":");
	output_json_string(b, p->shown);
	member(b, "mail", mx_status_name(p->mail));
	member(b, "dnssec", posture_security(ask_answer(p->ask, p->mx)));
	member(b, "dane", posture_dane(p));
	member(b, "mta_sts", posture_sts(p));
	member(b, "mta_sts_id", p->sts_id);
	member(b, "tlsrpt", posture_tlsrpt(p));
	member(b, "spf", posture_spf(p));
	record(b, "spf_record", p->spf.rr);
	buf_addf(b, ",\"spf_lookups\":%u", p->spf.lookups);
	member(b, "dmarc", posture_dmarc(p));
	member(b, "dmarc_domain", p->dmarc.domain);
	record(b, "dmarc_record", p->dmarc.rr);
	member(b, "reverse", posture_reverse(p));
	member(b, "clients", posture_clients(p));
	buf_adds(b, ",\"exchangers\":[");
	for (i = 0; i < p->nhosts; i++) {
		buf_adds(b, i > 0 ? "," : "");
		json_host(b, p, &p->hosts[i]);
	}
	buf_adds(b, "],\"found\":[");
	for (i = 0; i < p->nfound; i++) {
		buf_adds(b, i > 0 ? "," : "");
		json_found(b, &p->found[i]);
	}
	buf_adds(b, "]}\n");
}
