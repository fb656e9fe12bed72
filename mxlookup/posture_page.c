/* SPDX-License-Identifier: ISC
 *
 * The page for people: what there is, then what is wrong, each with what to
 * publish.  What strangers publish is never sent to a terminal as it is.
 */
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/tlsa.h"
#include "posture.h"
#include "posture_word.h"

#define COLUMN	9	/* where the second column begins */
#define WIDTH	79	/* of a line of words */
#define WORDS_MAX 4096	/* of a finding; never reached */

/* Characters that are not seen and change how others are: breaks of lines,
 * marks and overrides of the direction. */
static int
is_unseen(uint32_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xad || c == 0x61c ||
	    c == 0xfeff || (c >= 0xe0000 && c <= 0xe0fff);
}

/* Text of a stranger: control characters, those that are not seen, and what is
 * no UTF-8 as "?". */
static void
text(struct buf *b, const char *p, size_t n)
{
	const char *end = p + n;
	uint32_t c;
	size_t k;

	for (; p < end; p += k) {
		if ((k = utf8_next(p, end, &c)) == 0 || c < ' ' ||
		    (c >= 0x7f && c < 0xa0) || is_unseen(c)) {
			buf_addc(b, '?');
			k = k == 0 ? 1 : k;
		} else
			buf_add(b, p, k);
	}
}

static void
string(struct buf *b, const char *p)
{
	text(b, p, strlen(p));
}

/* The head of a line: a word and blanks behind it. */
static void
head(struct buf *b, const char *word)
{
	buf_addf(b, "%-*s", COLUMN, word);
}

static void
host(struct buf *b, const struct posture *p, const struct posture_host *h)
{
	const struct dns_answer *a = ask_answer(p->ask, h->tlsa);
	const struct dns_record *rr;
	char addr[DNS_ADDR_TEXT];
	size_t i;

	head(b, "");
	buf_addf(b, "%u ", h->preference);
	string(b, h->name);
	buf_addc(b, '\n');
	for (i = 0; i < h->naddrs; i++) {
		dns_addr_text(&h->addrs[i].addr, addr, sizeof(addr));
		head(b, "");
		buf_addf(b, "   %s, reverse name ", addr);
		if (h->addrs[i].name != NULL) {
			string(b, h->addrs[i].name);
			buf_addc(b, ' ');
		}
		buf_addf(b, "%s\n", posture_reverse_name(h->addrs[i].reverse));
	}
	for (i = 0; i < a->n; i++) {
		rr = &a->rr[i];
		head(b, "");
		buf_addf(b, "   TLSA %u %u %u, %s, %s\n", rr->usage,
		    rr->selector, rr->matching, posture_security(a),
		    tlsa_words(tlsa_judge(rr->usage, rr->selector,
		    rr->matching, rr->data, rr->len)));
	}
}

static void
sts(struct buf *b, const struct posture *p)
{
	const struct mta_sts_policy *y = &p->sts_policy;
	size_t i;

	head(b, "MTA-STS");
	buf_adds(b, posture_sts(p));
	if (p->sts_id[0] != '\0')
		buf_addf(b, ", id %s", p->sts_id);
	if (p->sts_valid) {
		buf_addf(b, ", kept for %u s, mx", (unsigned)y->max_age);
		for (i = 0; i < y->nmx; i++) {
			buf_addc(b, ' ');
			text(b, y->mx[i].p, y->mx[i].n);
		}
	}
	buf_addc(b, '\n');
	head(b, "TLSRPT");
	for (i = 0; i < p->tlsrpt.nrua; i++) {
		buf_adds(b, i > 0 ? ", " : "");
		text(b, p->tlsrpt.rua[i].uri, p->tlsrpt.rua[i].len);
	}
	buf_adds(b, p->tlsrpt.nrua > 0 ? "\n" : "-\n");
}

static void
senders(struct buf *b, const struct posture *p)
{
	head(b, "SPF");
	if (p->spf.rr != NULL) {
		text(b, (const char *)p->spf.rr->data, p->spf.rr->len);
		buf_addf(b, "\n%*s%u of %d look-ups", COLUMN, "",
		    p->spf.lookups, SPF_LOOKUPS_MAX);
	} else
		buf_addc(b, '-');
	buf_addc(b, '\n');
	head(b, "DMARC");
	if (p->dmarc.rr != NULL) {
		buf_addf(b, "%s, by %s\n%*s", posture_dmarc(p),
		    p->dmarc.domain, COLUMN, "");
		text(b, (const char *)p->dmarc.rr->data, p->dmarc.rr->len);
	} else
		buf_addc(b, '-');
	buf_addc(b, '\n');
}

static void
clients(struct buf *b, const struct posture *p)
{
	const struct dns_answer *a;
	size_t i, k, n = 0;
	unsigned port;

	for (i = 0; i < SRV_SERVICES; i++) {
		a = ask_answer(p->ask, p->srv[i]);
		for (k = 0; k < a->n; k++) {
			head(b, n++ == 0 ? "Clients" : "");
			buf_adds(b, posture_service((int)i, &port));
			buf_addc(b, ' ');
			if (a->rr[k].name[0] == '\0')
				buf_adds(b, "not offered");
			else {
				string(b, a->rr[k].name);
				buf_addf(b, ":%u", a->rr[k].port);
			}
			buf_addc(b, '\n');
		}
	}
	if (n == 0) {
		head(b, "Clients");
		buf_adds(b, "-\n");
	}
}

/* Words, broken into lines that begin in the second column; at is the column
 * they begin in. */
static void
wrapped(struct buf *b, const char *p, size_t at)
{
	size_t n;

	for (; *p != '\0'; p += n + strspn(p + n, " ")) {
		n = strcspn(p, " ");
		if (at > COLUMN && at + 1 + n > WIDTH) {
			buf_addf(b, "\n%*s", COLUMN, "");
			at = COLUMN;
		} else if (at > COLUMN) {
			buf_addc(b, ' ');
			at++;
		}
		buf_add(b, p, n);
		at += n;
	}
	buf_addc(b, '\n');
}

static void
finding(struct buf *b, const struct posture_found *f)
{
	const struct posture_text *t = &posture_texts[f->fault];
	struct buf words;
	const char *s;
	size_t n;

	buf_init(&words, WORDS_MAX);
	buf_addf(&words, "%s: ", t->code);
	if (f->subject[0] != '\0') {
		string(&words, f->subject);
		buf_adds(&words, ": ");
	}
	buf_adds(&words, t->words);
	if (f->detail[0] != '\0') {
		buf_adds(&words, " (");
		string(&words, f->detail);
		buf_addc(&words, ')');
	}
	head(b, posture_severity_name(t->severity));
	if ((s = buf_str(&words)) != NULL)
		wrapped(b, s, COLUMN);
	if (f->change[0] != '\0') {
		buf_reset(&words);
		buf_adds(&words, "change: ");
		string(&words, f->change);
		head(b, "");
		if ((s = buf_str(&words)) != NULL)
			wrapped(b, s, COLUMN);
	}
	buf_free(&words);
	for (s = f->publish; *s != '\0'; s += n + (s[n] != '\0')) {
		n = strcspn(s, "\n");
		head(b, "");
		buf_adds(b, "publish: ");
		text(b, s, n);
		buf_addc(b, '\n');
	}
}

static void
facts(struct buf *b, const struct posture *p)
{
	size_t i;

	head(b, "Mail");
	buf_adds(b, mx_status_name(p->mail));
	buf_addc(b, '\n');
	head(b, "DNSSEC");
	buf_adds(b, posture_security(ask_answer(p->ask, p->mx)));
	buf_addc(b, '\n');
	for (i = 0; i < p->nhosts; i++) {
		if (i == 0)
			buf_adds(b, "Hosts\n");
		host(b, p, &p->hosts[i]);
	}
	if (p->literal)
		return;
	if (posture_takes_mail(p))
		sts(b, p);
	if (p->spf.records > 0 || p->dmarc.rr != NULL ||
	    posture_takes_mail(p))
		senders(b, p);
	if (posture_takes_mail(p))
		clients(b, p);
}

void
posture_page(struct buf *b, const struct posture *p)
{
	size_t i;
	int s;

	string(b, p->shown);
	buf_addc(b, '\n');
	if (p->ask != NULL)
		facts(b, p);
	for (s = POSTURE_UNKNOWN; s >= POSTURE_ADVICE; s--)
		for (i = 0; i < p->nfound; i++)
			if ((int)posture_texts[p->found[i].fault].severity ==
			    s)
				finding(b, &p->found[i]);
	if (p->nfound == 0)
		buf_adds(b, "nothing is wrong\n");
}
