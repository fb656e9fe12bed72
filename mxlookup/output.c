/* SPDX-License-Identifier: ISC
 *
 * Lines about one domain.  Whatever a name holds, a line of the table has six
 * columns, and a line of JSON is JSON.
 */
#include <string.h>

#include "bytes/json.h"
#include "output.h"

/* NULL: nobody knows. */
static const char *
security(enum dns_security s)
{
	switch (s) {
	case DNS_INDETERMINATE:
		break;
	case DNS_INSECURE:
		return "insecure";
	case DNS_SECURE:
		return "secure";
	}
	return NULL;
}

/* What is said of a host beside its name: how it became one, or what is wrong
 * with it. */
static const char *
host_status(const struct mx_list *list, const struct mx_host *h)
{
	return mx_status_name(h->status != MX_FOUND ? h->status :
	    list->status == MX_IMPLICIT ? MX_IMPLICIT : MX_FOUND);
}

/* ---- the table ---- */

/* A column and the tab behind it; empty or NULL is "-".  Control characters
 * would break the table. */
static void
column(struct buf *b, const char *text)
{
	size_t i, n;
	char *p;

	if (text == NULL || *text == '\0')
		text = "-";
	n = strlen(text);
	if ((p = buf_reserve(b, n + 1)) == NULL)
		return;
	for (i = 0; i < n; i++)
		p[i] = (unsigned char)text[i] < ' ' || text[i] == '\177' ?
		    '?' : text[i];
	p[n] = '\t';
	buf_commit(b, n + 1);
}

static void
line(struct buf *b, const char *domain, const struct mx_host *h,
    const char *addr, const char *secure, const char *status)
{
	column(b, domain);
	if (h != NULL) {
		buf_addu(b, h->preference);
		buf_addc(b, '\t');
		column(b, h->name);
	} else
		buf_add(b, "-\t-\t", 4);
	column(b, addr);
	column(b, secure);
	buf_adds(b, status);
	buf_addc(b, '\n');
}

void
output_table(struct buf *b, const char *domain, const struct mx_list *list,
    int names)
{
	char addr[DNS_ADDR_TEXT];
	const struct mx_host *h;
	size_t i, k;

	for (i = 0; i < list->n; i++) {
		h = &list->hosts[i];
		for (k = 0; k < h->naddrs && !names; k++) {
			dns_addr_text(&h->addrs[k], addr, sizeof(addr));
			line(b, domain, h, addr, security(h->security),
			    host_status(list, h));
		}
		if (k == 0)
			line(b, domain, h, NULL, security(h->security),
			    host_status(list, h));
	}
	if (list->n == 0)
		line(b, domain, NULL, NULL, security(list->security),
		    mx_status_name(list->status));
}

/* ---- JSON ---- */

/* A member; NULL or empty: null. */
static void
member(struct buf *b, const char *name, const char *text)
{
	buf_addc(b, '"');
	buf_adds(b, name);
	buf_adds(b, "\":");
	json_adds(b, text == NULL || *text == '\0' ? NULL : text);
}

static void
json_host(struct buf *b, const struct mx_list *list, const struct mx_host *h,
    int names)
{
	char addr[DNS_ADDR_TEXT];
	size_t i;

	buf_adds(b, "{\"preference\":");
	buf_addu(b, h->preference);
	buf_addc(b, ',');
	member(b, "name", h->name);
	buf_addc(b, ',');
	member(b, "status", host_status(list, h));
	buf_addc(b, ',');
	member(b, "security", security(h->security));
	if (!names) {
		buf_adds(b, ",\"addresses\":[");
		for (i = 0; i < h->naddrs; i++) {
			dns_addr_text(&h->addrs[i], addr, sizeof(addr));
			buf_adds(b, i > 0 ? ",\"" : "\"");
			buf_adds(b, addr);
			buf_addc(b, '"');
		}
		buf_addc(b, ']');
	}
	buf_addc(b, '}');
}

void
output_json(struct buf *b, const char *domain, const struct mx_list *list,
    int names)
{
	size_t i;

	buf_adds(b, "{\"domain\":");
	json_adds(b, domain);
	buf_addc(b, ',');
	member(b, "status", mx_status_name(list->status));
	buf_addc(b, ',');
	member(b, "security", security(list->security));
	buf_addc(b, ',');
	member(b, "error", list->status == MX_NULL ? NULL : list->why);
	buf_adds(b, ",\"exchangers\":[");
	for (i = 0; i < list->n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		json_host(b, list, &list->hosts[i], names);
	}
	buf_adds(b, "]}\n");
}
