/* SPDX-License-Identifier: ISC
 *
 * What becomes of the recipients of a delivery while hosts are tried one
 * behind the other.  A fate that is final is told at once, and stays.
 */
#include <string.h>

#include "client.h"

bool
client_is_open(const struct client_message *m, size_t i)
{
	switch ((enum outcome)m->reports[i].outcome) {
	case OUTCOME_PENDING:
	case OUTCOME_UNFIT:
	case OUTCOME_TEMPORARY:
		return true;
	case OUTCOME_SENT:
	case OUTCOME_PERMANENT:
		break;
	}
	return false;
}

/*
 * A host that is unfit is no reason against another that may come back, but
 * against its own address that does not answer.
 */
static bool
stays(const struct report *r, enum outcome outcome, const char *place)
{
	size_t n = strcspn(place, "[");
	bool same = n == strcspn(r->host, "[") &&
	    strncmp(r->host, place, n) == 0;

	if (outcome == OUTCOME_UNFIT && r->outcome == OUTCOME_TEMPORARY)
		return !same;
	return outcome == OUTCOME_TEMPORARY && same &&
	    r->outcome == OUTCOME_UNFIT;
}

void
client_report(struct client_message *m, size_t i, enum outcome outcome,
    const char *status, const char *place, const char *words)
{
	struct report *r = &m->reports[i];
	char *p;

	if (stays(r, outcome, place))
		return;
	r->rcpt = (uint32_t)i;
	r->outcome = outcome;
	strlcpy(r->status, status, sizeof(r->status));
	strlcpy(r->host, place, sizeof(r->host));
	strlcpy(r->tls, *place == '\0' ? "" : m->tls, sizeof(r->tls));
	strlcpy(r->reply, words, sizeof(r->reply));
	for (p = r->reply; *p != '\0'; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	if (outcome == OUTCOME_SENT || outcome == OUTCOME_PERMANENT)
		m->final(m->arg, r);
}

void
client_report_all(struct client_message *m, enum outcome outcome,
    const char *status, const char *place, const char *words)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (client_is_open(m, i))
			client_report(m, i, outcome, status, place, words);
}

void
client_report_rest(struct client_message *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (m->reports[i].outcome == OUTCOME_PENDING)
			client_report(m, i, OUTCOME_TEMPORARY, "4.4.0", "",
			    "no host has decided");
		if (m->reports[i].outcome == OUTCOME_UNFIT) {
			m->reports[i].outcome = OUTCOME_PERMANENT;
			m->final(m->arg, &m->reports[i]);
		}
	}
}
