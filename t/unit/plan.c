/* SPDX-License-Identifier: ISC
 *
 * Proves that a plan comes whole through a pipe, that one cut short at any
 * octet or with any octet changed is refused or harmless, and that equal
 * destinations are one, whose key stays the same from try to try.
 */
#include <stdlib.h>

#include "../../mda-deliver/plan.h"
#include "tap.h"

static void
add(struct plan *p, enum dest_kind kind, const char *text, const char *flags,
    const char *reply, size_t edit)
{
	struct dest *d = plan_add(p, kind, text);

	if (d == NULL)
		exit(1);
	d->flags = flags == NULL ? NULL : strdup(flags);
	d->edit = edit;
	d->line = 7;
	d->file = plan_file(p, "/home/bob/.forward");
	d->create = kind == DEST_FOLDER;
	buf_init(&d->reply, 1000);
	if (reply != NULL)
		buf_adds(&d->reply, reply);
}

static void
make(struct plan *p)
{
	plan_init(p);
	p->kind = PLAN_GOOD;
	p->edit_from = 9;
	p->edits = calloc(2, sizeof(*p->edits));
	p->marks = calloc(1, sizeof(*p->marks));
	if (p->edits == NULL || p->marks == NULL)
		exit(1);
	p->nedits = 2;
	p->nmarks = 1;
	memset(p->marks[0].id, 3, sizeof(p->marks[0].id));
	p->marks[0].expires = 1700000000;
	buf_init(&p->edits[0], 100);
	buf_init(&p->edits[1], 100);
	buf_adds(&p->edits[0], "A: 1\n\n");
	buf_adds(&p->edits[1], "A: 2\n\n");
	add(p, DEST_KEEP, NULL, NULL, NULL, 0);
	add(p, DEST_FOLDER, "Lists.foo", "\\Seen $Label1", NULL, 2);
	add(p, DEST_FORWARD, "al@c.test", NULL, NULL, 0);
	add(p, DEST_REPLY, "al@b.test", NULL, "Subject: away\n\nx\n", 0);
	add(p, DEST_KEEP, NULL, NULL, NULL, 0);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same(const struct plan *a, const struct plan *b)
{
	size_t i;

	if (a->kind != b->kind || a->n != b->n || a->nedits != b->nedits ||
	    a->nmarks != b->nmarks || a->edit_from != b->edit_from ||
	    strcmp(a->error, b->error) != 0)
		return false;
	for (i = 0; i < a->n; i++) {
		const struct dest *d = &a->v[i], *e = &b->v[i];

		if (d->kind != e->kind || !same_text(d->text, e->text) ||
		    !same_text(d->flags, e->flags) || d->edit != e->edit ||
		    d->create != e->create || d->line != e->line ||
		    !same_text(d->file, e->file) ||
		    d->reply.len != e->reply.len || (d->reply.len > 0 &&
		    memcmp(d->reply.data, e->reply.data, d->reply.len) != 0))
			return false;
	}
	for (i = 0; i < a->nedits; i++)
		if (a->edits[i].len != b->edits[i].len ||
		    memcmp(a->edits[i].data, b->edits[i].data,
		    a->edits[i].len) != 0)
			return false;
	return a->nmarks == 0 || (memcmp(a->marks[0].id, b->marks[0].id,
	    sizeof(a->marks[0].id)) == 0 &&
	    a->marks[0].expires == b->marks[0].expires);
}

static void
test_round(void)
{
	struct plan p, back;
	struct buf b;

	make(&p);
	buf_init(&b, PLAN_PACKED_MAX);
	is_int(plan_pack(&b, &p, NULL), 0, "packed");
	is_int(plan_unpack(&back, b.data, b.len), 1, "unpacked");
	ok(same(&p, &back), "and the same");
	plan_free(&back);
	buf_reset(&b);
	is_int(plan_pack(&b, &p, &p.v[1]), 0, "one of it");
	is_int(plan_unpack(&back, b.data, b.len), 1, "unpacked");
	ok(back.n == 1 && strcmp(back.v[0].text, "Lists.foo") == 0 &&
	    back.nedits == 2 && back.edits[0].len == 0 &&
	    back.edits[1].len == 6, "with its own header alone");
	plan_free(&back);
	buf_free(&b);
	plan_free(&p);
}

/* Every shorter text is refused; a changed one is refused, or a plan within
 * its bounds. */
static void
test_hostile(void)
{
	struct plan p, back;
	size_t i, taken = 0, wrong = 0;
	struct buf b;
	unsigned bit;

	make(&p);
	buf_init(&b, PLAN_PACKED_MAX);
	(void)plan_pack(&b, &p, NULL);
	for (i = 0; i < b.len; i++)
		taken += plan_unpack(&back, b.data, i) != 0;
	is_int((long long)taken, 0, "cut at any octet it is refused");
	buf_addc(&b, 'x');
	is_int(plan_unpack(&back, b.data, b.len), 0, "and with one too many");
	b.len--;
	for (i = 0; i < b.len; i++)
		for (bit = 0; bit < 8; bit++) {
			b.data[i] ^= (char)(1 << bit);
			if (plan_unpack(&back, b.data, b.len) == 1) {
				wrong += back.n > PLAN_MOST ||
				    back.kind > PLAN_TEMPORARY ||
				    (back.n > 0 &&
				    back.v[0].edit > back.nedits);
				plan_free(&back);
			}
			b.data[i] ^= (char)(1 << bit);
		}
	is_int((long long)wrong, 0, "no changed bit leads out of bounds");
	buf_free(&b);
	plan_free(&p);
}

/* The sender of what is sent on goes into envelopes and commands. */
static void
test_sender(void)
{
	static const struct { const char *local, *domain; int want; } rows[] = {
		{ "", "", 1 },
		{ "list-owner", "a.test", 1 },
		{ "a b\"c", "a.test", 1 },
		{ "a\nR bob@a.test", "a.test", 0 },
		{ "a", "a.test>\r\nRCPT TO:<b@b.test", 0 },
		{ "a", "-", 0 },
	};
	struct plan p, back;
	struct buf b;
	size_t i;

	buf_init(&b, PLAN_PACKED_MAX);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		plan_init(&p);
		snprintf(p.forwarder.local, sizeof(p.forwarder.local), "%s",
		    rows[i].local);
		snprintf(p.forwarder.domain, sizeof(p.forwarder.domain), "%s",
		    rows[i].domain);
		buf_reset(&b);
		(void)plan_pack(&b, &p, NULL);
		ok(plan_unpack(&back, b.data, b.len) == rows[i].want,
		    "sender %zu", i + 1);
		plan_free(&back);
	}
	buf_free(&b);
}

static void
test_keys(void)
{
	char a[ENVELOPE_KEY], b[ENVELOPE_KEY];
	struct plan p;

	make(&p);
	plan_key(&p, &p.v[0], a);
	plan_key(&p, &p.v[4], b);
	is_str(a, b, "equal ones have one key");
	is_int((long long)strspn(a, "0123456789abcdef"), ENVELOPE_KEY - 1,
	    "of hexadecimal digits");
	plan_unique(&p);
	is_int((long long)p.n, 4, "and one of them stays");
	is_int(p.v[3].kind, DEST_REPLY, "the others in their order");
	plan_key(&p, &p.v[1], a);
	p.v[1].edit = 1;
	plan_key(&p, &p.v[1], b);
	ok(strcmp(a, b) != 0, "another header is another one");
	p.v[1].edit = 2;
	p.v[1].line = 8;
	plan_key(&p, &p.v[1], b);
	is_str(a, b, "another line is not");
	plan_key(&p, &p.v[3], a);
	p.v[3].reply.data[0] = 's';
	plan_key(&p, &p.v[3], b);
	is_str(a, b, "nor is the text of a reply");
	add(&p, DEST_REPLY, "al@b.test", NULL, "x\n", 0);
	plan_key(&p, &p.v[4], b);
	ok(strcmp(a, b) != 0, "but a second one is");
	plan_free(&p);
}

int
main(void)
{
	test_round();
	test_hostile();
	test_sender();
	test_keys();
	return done();
}
