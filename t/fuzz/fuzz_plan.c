/* SPDX-License-Identifier: ISC
 *
 * Proves that no text breaks the reader of a plan, and that one it takes is
 * within its bounds, has its texts, and comes whole through another turn.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../mda-deliver/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_dest(const struct plan *p, const struct dest *d)
{
	if (d->kind > DEST_REPLY || d->edit > p->nedits ||
	    (d->text != NULL && strlen(d->text) >= PLAN_TEXT_MAX))
		abort();
	if (d->kind != DEST_KEEP && d->kind != DEST_DISCARD &&
	    d->text == NULL)
		abort();
}

static void
check(const struct plan *p)
{
	char text[ADDRESS_TEXT_MAX];
	struct address a;
	size_t i;

	if (p->n > PLAN_MOST || p->nedits > PLAN_MOST ||
	    p->nmarks > PLAN_MOST || p->nfiles > p->n ||
	    p->kind > PLAN_TEMPORARY)
		abort();
	for (i = 0; i < p->n; i++)
		check_dest(p, &p->v[i]);
	address_text(&p->forwarder, text);
	if (!address_is_null(&p->forwarder) &&
	    address_parse_utf8(&a, text, strlen(text), NULL) != 1)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan p, again;
	struct buf b;

	if (plan_unpack(&p, data, size) != 1) {
		if (p.n != 0 || p.v != NULL)
			abort();
		return 0;
	}
	check(&p);
	buf_init(&b, PLAN_PACKED_MAX);
	if (plan_pack(&b, &p, NULL) == 0) {
		if (plan_unpack(&again, b.data, b.len) != 1 ||
		    again.n != p.n)
			abort();
		plan_free(&again);
	}
	buf_free(&b);
	plan_unique(&p);
	check(&p);
	plan_free(&p);
	return 0;
}
