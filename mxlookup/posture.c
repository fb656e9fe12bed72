/* SPDX-License-Identifier: ISC
 *
 * A domain's posture from its name to its lines.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "posture.h"

#define EXIT_WRONG	1

/* The name as the DNS has it; an address literal has none. */
static void
take_name(struct posture *p, const char *domain)
{
	size_t n;

	p->shown = domain;
	p->mail = MX_INVALID;
	if (*domain == '[') {
		p->literal = 1;
		p->mail = MX_TEMPORARY;
		return;
	}
	if (idna_ascii(p->domain, domain, strlen(domain)) == -1) {
		p->domain[0] = '\0';
		return;
	}
	n = strlen(p->domain);
	if (n > 1 && p->domain[n - 1] == '.')
		p->domain[--n] = '\0';
	if (n > 0 && dns_is_host_name(p->domain))
		p->mail = MX_TEMPORARY;
}

static int
exit_code(const struct posture *p)
{
	if (p->count[POSTURE_UNKNOWN] > 0)
		return EX_TEMPFAIL;
	return p->count[POSTURE_FAULT] > 0 || !posture_takes_mail(p) ?
	    EXIT_WRONG : 0;
}

static void
print(struct buf *b, const struct posture *p, enum posture_form form)
{
	switch (form) {
	case POSTURE_PAGE:
		posture_page(b, p);
		break;
	case POSTURE_LINE:
		posture_line(b, p);
		break;
	case POSTURE_JSON:
		posture_json(b, p);
		break;
	}
}

int
posture(struct buf *b, const char *domain, enum posture_form form,
    const struct posture_means *m)
{
	struct posture *p = calloc(1, sizeof(*p));
	int code;

	if (p == NULL)
		return -1;
	take_name(p, domain);
	if (p->mail != MX_INVALID && posture_gather(p, m) == -1) {
		free(p);
		return -1;
	}
	posture_judge(p);
	code = exit_code(p);
	print(b, p, form);
	https_free(&p->sts_answer);
	ask_free(p->ask);
	free(p);
	return code;
}

int
posture_unanswered(struct buf *b, const char *domain, enum posture_form form)
{
	struct posture *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	take_name(p, domain);
	posture_judge(p);
	print(b, p, form);
	free(p);
	return 0;
}
