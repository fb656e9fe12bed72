/* SPDX-License-Identifier: ISC
 *
 * A day's results for one domain as RFC 8460 wants to read them: the JSON, and
 * the message around it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "bytes/base64.h"
#include "bytes/json.h"
#include "grammar/date.h"
#include "tls_log.h"

const char *
tls_type_name(enum policy_type type)
{
	switch (type) {
	case POLICY_TYPE_NONE:
		break;
	case POLICY_TYPE_STS:
		return "sts";
	case POLICY_TYPE_TLSA:
		return "tlsa";
	}
	return "no-policy-found";
}

const char *
tls_result_name(enum tls_result result)
{
	switch (result) {
	case TLS_RESULT_GOOD:
		break;
	case TLS_RESULT_STARTTLS:
		return "starttls-not-supported";
	case TLS_RESULT_HOST:
		return "certificate-host-mismatch";
	case TLS_RESULT_EXPIRED:
		return "certificate-expired";
	case TLS_RESULT_TRUST:
		return "certificate-not-trusted";
	case TLS_RESULT_OTHER:
		return "validation-failure";
	case TLS_RESULT_TLSA:
		return "tlsa-invalid";
	case TLS_RESULT_DNSSEC:
		return "dnssec-invalid";
	case TLS_RESULT_DANE:
		return "dane-required";
	case TLS_RESULT_FETCH:
		return "sts-policy-fetch-error";
	case TLS_RESULT_INVALID:
		return "sts-policy-invalid";
	case TLS_RESULT_WEBPKI:
		return "sts-webpki-invalid";
	}
	return "";
}

/* ---- JSON ---- */

/* Each line of a text as a string of an array; with a prefix only those that
 * have it, without it.  How many there were. */
static size_t
add_lines(struct buf *b, const char *text, const char *prefix)
{
	size_t n, skip = strlen(prefix), count = 0;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (n < skip || strncmp(text, prefix, skip) != 0)
			continue;
		if (count++ > 0)
			buf_addc(b, ',');
		json_add(b, text + skip, n - skip);
	}
	return count;
}

static void
add_policy(struct buf *b, const struct tls_policy *p)
{
	buf_addf(b, "{\"policy\":{\"policy-type\":\"%s\"",
	    tls_type_name(p->type));
	if (p->text[0] != '\0') {
		buf_adds(b, ",\"policy-string\":[");
		add_lines(b, p->text, "");
		buf_adds(b, "]");
	}
	buf_adds(b, ",\"policy-domain\":");
	json_adds(b, p->domain);
	if (p->type == POLICY_TYPE_STS && strstr(p->text, "\nmx: ") != NULL) {
		buf_adds(b, ",\"mx-host\":[");
		add_lines(b, p->text, "mx: ");
		buf_adds(b, "]");
	}
	buf_addf(b, "},\"summary\":{\"total-successful-session-count\":%"
	    PRIu64 ",\"total-failure-session-count\":%" PRIu64 "}",
	    p->good, p->bad);
}

static void
add_member(struct buf *b, const char *name, const char *value)
{
	if (*value == '\0')
		return;
	buf_addf(b, ",\"%s\":", name);
	json_adds(b, value);
}

static void
add_failures(struct buf *b, const struct tls_policy *p)
{
	const struct tls_failure *f;
	size_t i;

	if (p->n > 0)
		buf_adds(b, ",\"failure-details\":[");
	for (i = 0; i < p->n; i++) {
		f = &p->failures[i];
		buf_addf(b, "%s{\"result-type\":\"%s\"",
		    i == 0 ? "" : ",", tls_result_name(f->result));
		add_member(b, "sending-mta-ip", f->from);
		add_member(b, "receiving-mx-hostname", f->mx);
		add_member(b, "receiving-ip", f->to);
		buf_addf(b, ",\"failed-session-count\":%" PRIu64, f->count);
		add_member(b, "failure-reason-code", f->why);
		buf_addc(b, '}');
	}
	if (p->n > 0)
		buf_addc(b, ']');
	buf_addc(b, '}');
}

/* The date of a day, "2016-04-01". */
static void
day_text(int64_t day, char to[16])
{
	time_t t = (time_t)(day * DAY);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(to, 16, "%Y-%m-%d", &tm) == 0)
		strlcpy(to, "1970-01-01", 16);
}

void
tls_report_id(struct tls_report *r)
{
	char date[16];

	day_text(r->day, date);
	snprintf(r->id, sizeof(r->id), "%s+%s@%.100s", date, r->domain,
	    r->submitter);
}

int
tls_report_json(struct buf *b, const struct tls_log *log,
    const struct tls_report *r)
{
	const char *comma = "";
	char date[16];
	size_t i;

	day_text(r->day, date);
	buf_adds(b, "{\"organization-name\":");
	json_adds(b, r->submitter);
	buf_addf(b, ",\"date-range\":{\"start-datetime\":\"%sT00:00:00Z\","
	    "\"end-datetime\":\"%sT23:59:59Z\"},\"contact-info\":", date,
	    date);
	json_adds(b, r->contact);
	buf_adds(b, ",\"report-id\":");
	json_adds(b, r->id);
	buf_adds(b, ",\"policies\":[");
	for (i = 0; i < log->n; i++)
		if (log->v[i].day == r->day &&
		    strcasecmp(log->v[i].domain, r->domain) == 0) {
			buf_adds(b, comma);
			add_policy(b, &log->v[i]);
			add_failures(b, &log->v[i]);
			comma = ",";
		}
	buf_adds(b, "]}\n");
	return buf_failed(b) ? -1 : 0;
}

/* ---- the message ---- */

static void
add_base64(struct buf *b, const struct buf *data)
{
	size_t at, n;

	for (at = 0; at < data->len; at += n) {
		n = data->len - at < 57 ? data->len - at : 57;
		base64_encode(b, data->data + at, n);
		buf_addc(b, '\n');
	}
}

int
tls_report_mail(struct buf *b, const struct tls_report *r, const char *to,
    const struct buf *gzip, int64_t now)
{
	char date[DATE_MAX], boundary[40];

	snprintf(boundary, sizeof(boundary), "tlsrpt-%08x%08x",
	    (unsigned)r->day, (unsigned)gzip->len);
	date_format(date, now, 0);
	/* A failure of the very kind it tells of must not keep it
	 * back. */
	buf_addf(b, "From: <%s>\nTo: %s\nDate: %s\nMessage-ID: <%s>\n"
	    "Subject: Report Domain: %s\n Submitter: %s\n Report-ID: <%s>\n"
	    "TLS-Report-Domain: %s\nTLS-Report-Submitter: %s\n"
	    "TLS-Required: No\nAuto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\nContent-Type: multipart/report; "
	    "report-type=\"tlsrpt\";\n boundary=\"%s\"\n\n", r->contact, to,
	    date, r->id, r->domain, r->submitter, r->id, r->domain,
	    r->submitter, boundary);
	buf_addf(b, "--%s\nContent-Type: text/plain; charset=us-ascii\n\n"
	    "This is a report of %s on how its connections to the mail "
	    "servers of\n%s were protected by TLS, as the domain's record "
	    "at _smtp._tls asks for.\n\n--%s\nContent-Type: application/"
	    "tlsrpt+gzip\nContent-Transfer-Encoding: base64\n"
	    "Content-Disposition: attachment;\n filename=\"%s!%s!%" PRId64
	    "!%" PRId64 ".json.gz\"\n\n", boundary, r->submitter, r->domain,
	    boundary, r->submitter, r->domain, r->day * DAY,
	    r->day * DAY + DAY - 1);
	add_base64(b, gzip);
	buf_addf(b, "\n--%s--\n", boundary);
	return buf_failed(b) ? -1 : 0;
}
