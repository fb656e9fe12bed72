/* SPDX-License-Identifier: ISC
 *
 * A script's run in words: see sieve_show.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "grammar/header.h"
#include "sieve_show.h"

void
sieve_show_line(void *arg, const char *script, unsigned line,
    const char *words)
{
	struct sieve_show *s = arg;

	if (s->script != NULL && strcmp(s->script, script) != 0)
		printf("in %s:\n", script);
	s->script = script;
	if (line == 0)
		printf("%4s  %s\n", "", words);
	else
		printf("%4u  %s\n", line, words);
}

void
sieve_show_envelope(const struct sieve_mail *m)
{
	char from[ADDRESS_TEXT_MAX], to[ADDRESS_TEXT_MAX];

	printf("from <%s> to <%s>, %zu octets\n\n",
	    address_text(m->from, from), address_text(m->to, to), m->size);
}

/* Octets of a message or of its sender: no controls for a terminal. */
static void
print_text(const char *before, const char *p, size_t n)
{
	printf("%s", before);
	for (; n > 0; p++, n--)
		putchar(*p == '\t' || ((unsigned char)*p >= ' ' &&
		    *p != 0x7f) ? *p : '?');
	putchar('\n');
}

static void
print_lines(const char *before, const struct buf *b)
{
	const char *p = b->data, *end = p + b->len, *lf;

	for (; p < end; p = lf + 1) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			lf = end;
		print_text(before, p, (size_t)(lf - p));
		if (lf == end)
			break;
	}
}

/* ---- a header that was changed ---- */

/* How often a header has a field of just these octets, up to a place. */
static size_t
times(const char *text, size_t n, const struct header_field *f,
    const char *to)
{
	struct header_field g;
	struct header h;
	size_t count = 0;

	header_init(&h, text, n);
	while (header_next(&h, &g) && (to == NULL || g.start <= to))
		if (g.name_len == f->name_len && g.value_len == f->value_len &&
		    memcmp(g.name, f->name, g.name_len) == 0 &&
		    memcmp(g.value, f->value, g.value_len) == 0)
			count++;
	return count;
}

/* The fields of a header that another has not, or fewer of. */
static void
print_missing(char sign, const char *text, size_t n, const char *other,
    size_t m)
{
	char before[8] = { ' ', ' ', ' ', ' ', sign, ' ' };
	struct header_field f;
	struct header h;
	size_t len;

	header_init(&h, text, n);
	while (header_next(&h, &f)) {
		if (times(text, n, &f, f.start) <= times(other, m, &f, NULL))
			continue;
		len = (size_t)(f.value + f.value_len - f.start);
		print_text(before, f.start, len);
	}
}

static void
print_edit(const struct sieve_mail *m, const struct plan *p, size_t number)
{
	const struct buf *b = &p->edits[number - 1];
	size_t n = header_length(m->text, m->size);

	printf(", with another header:\n");
	print_missing('-', m->text, n, b->data, b->len);
	print_missing('+', b->data, b->len, m->text, n);
}

/* ---- destinations ---- */

static void
print_when(const char *what, const struct plan_mark *mark)
{
	static const unsigned char none[sizeof(mark->id)];
	time_t when = (time_t)mark->expires;
	struct tm tm;
	char text[32];

	if (memcmp(mark->id, none, sizeof(none)) == 0 ||
	    localtime_r(&when, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return;
	printf("    %s until %s\n", what, text);
}

static void
print_kind(const struct dest *d)
{
	const char *text = d->text != NULL ? d->text : "";

	switch (d->kind) {
	case DEST_KEEP:
		printf("keep it in the mailbox");
		break;
	case DEST_FOLDER:
		if (*text == '\0') {
			printf("file it into INBOX");
			break;
		}
		printf("file it into the folder \"%s\"%s", text, d->create ?
		    ", made if it is missing" :
		    ", or into INBOX if it is missing");
		break;
	case DEST_MAILBOX:
		printf("file it into the mailbox \"%s\"", text);
		break;
	case DEST_PROGRAM:
		printf("give it to the program \"%s\"", text);
		break;
	case DEST_FORWARD:
		printf("forward it to <%s>", text);
		break;
	case DEST_DISCARD:
		printf("discard it");
		break;
	case DEST_REJECT:
		printf("refuse it: %.*s", (int)strcspn(text, "\n"), text);
		break;
	case DEST_REPLY:
		printf("send this to <%s>", text);
		break;
	}
}

static void
print_dest(const struct sieve_mail *m, const struct plan *p,
    const struct dest *d)
{
	char *more;

	printf("  ");
	print_kind(d);
	if (d->line != 0)
		printf(" (line %u)", d->line);
	if (d->flags != NULL && *d->flags != '\0')
		printf(", with the flags %s", d->flags);
	if (d->edit != 0)
		print_edit(m, p, d->edit);
	else
		printf("%s\n", d->kind == DEST_REPLY ? ":" : "");
	if (d->kind == DEST_REPLY)
		print_lines("    | ", &d->reply);
	if (d->kind == DEST_REJECT && (more = strchr(d->text, '\n')) != NULL)
		print_lines("    | ", &(struct buf){ .data = more + 1,
		    .len = strlen(more + 1) });
	print_when("and not again", &d->mark);
}

void
sieve_show_plan(const struct sieve_mail *m, const struct plan *p)
{
	size_t i;

	if (p->kind == PLAN_BROKEN)
		printf("\nerror: %s\n", p->error);
	printf("\nresult:\n");
	for (i = 0; i < p->n; i++)
		print_dest(m, p, &p->v[i]);
	if (p->n == 0)
		printf("  nothing: the message is gone\n");
	for (i = 0; i < p->nmarks; i++)
		print_when("remember the message", &p->marks[i]);
}
