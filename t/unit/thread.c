/* SPDX-License-Identifier: ISC
 *
 * Proves that threads are those of RFC 5256, section 3; that the forest which
 * finds loops agrees with walking up; and that no set of messages, be it one
 * long thread in any order, loops, or ids without end, takes more than its time
 * or the stack.  What Dovecot makes of random threads is in t/clients/sort.t.
 */
#include <sys/resource.h>

#include <stdlib.h>
#include <time.h>

#include "tap.h"
#include "grammar/thread_local.h"

/* ---- small ones ---- */

/* Messages are "id<ref<ref!subject@sent", "-" for no id, "+" before a subject
 * that is a reply's. */
static const struct {
	enum thread_kind kind;
	const char	*msgs, *want;
} rows[] = {
	{ THREAD_REFERENCES, "", "" },
	{ THREAD_REFERENCES, "1!a@1", "(1)" },
	{ THREAD_REFERENCES, "1!a@2 2!b@1", "(2)(1)" },
	{ THREAD_REFERENCES, "1!a@1 2!b@1", "(1)(2)" },
	{ THREAD_REFERENCES, "1!a@1 2<1!b@2 3<1<2!c@3", "(1 2 3)" },
	{ THREAD_REFERENCES, "3<1<2!c@3 2<1!b@2 1!a@1", "(3 2 1)" },
	{ THREAD_REFERENCES, "1!a@1 2<1!b@3 3<1!c@2", "(1 (3)(2))" },
	{ THREAD_REFERENCES, "2<1!b@3 3<1!c@2", "((2)(1))" },
	{ THREAD_REFERENCES, "2<9<1!b@3 3<9!c@2", "((2)(1))" },
	{ THREAD_REFERENCES, "2<1<9!b@1", "(1)" },
	{ THREAD_REFERENCES, "1!a@1 1!b@2 2<1!c@3", "(1 3)(2)" },
	{ THREAD_REFERENCES, "-!a@1 -!b@2", "(1)(2)" },
	{ THREAD_REFERENCES, "1<1!a@1", "(1)" },
	{ THREAD_REFERENCES, "1<2!a@1 2<1!b@2", "(2 1)" },
	/* 1.B: the own references count more than what others said */
	{ THREAD_REFERENCES, "3<1<2!a@3 2!b@2 1!c@1", "(3)(2 1)" },
	/* 5: subjects; 0 is the empty one */
	{ THREAD_REFERENCES, "1!a@1 2!a@2", "((1)(2))" },
	{ THREAD_REFERENCES, "1!a@1 2!+a@2", "(1 2)" },
	{ THREAD_REFERENCES, "1!+a@1 2!a@2", "(2 1)" },
	{ THREAD_REFERENCES, "1!+a@1 2!+a@2", "((1)(2))" },
	{ THREAD_REFERENCES, "1!0@1 2!0@2", "(1)(2)" },
	{ THREAD_REFERENCES, "1!a@1 2!a@2 3!+a@3", "((1)(2)(3))" },
	{ THREAD_REFERENCES, "1<9!a@1 2<9!b@2 3!a@3", "((1)(2)(3))" },
	{ THREAD_REFERENCES, "1<9!a@1 2<9!b@2 3<8!a@3 4<8!c@4",
	    "((1)(2)(3)(4))" },
	{ THREAD_REFS, "1!a@1 2!a@2", "(1)(2)" },
	{ THREAD_REFS, "1!a@1 2!b@2 3<1!c@3", "(2)(1 3)" },
	{ THREAD_REFS, "2<1!b@3 3<1!c@2 4!d@1", "(3)((2)(1))" },
	{ THREAD_ORDEREDSUBJECT, "1!b@3 2<1!a@2 3!+b@1 4!b@4",
	    "(3 (1)(4))(2)" },
	{ THREAD_ORDEREDSUBJECT, "1!0@1 2!0@2", "(1 2)" },
};

static int
put(void *arg, const char *s, size_t n)
{
	char *to = arg;

	strncat(to, s, n);
	return 0;
}

static void
add_row(struct thread *t, const char *s, uint32_t number)
{
	struct thread_msg m = { .number = number };
	char refs[64] = { 0 };

	m.id = *s == '-' ? 0 : (uint64_t)*s;
	for (s++; *s == '<'; s += 2)
		refs[8 * m.nrefs++] = s[1];
	m.refs = refs;
	m.reply = s[1] == '+';
	s += 1 + m.reply;
	m.subject = *s == '0' ? 0 : (uint64_t)*s;
	m.sent = s[2] - '0';
	if (thread_add(t, &m) == -1)
		printf("# cannot add\n");
}

static void
test_rows(void)
{
	char got[256];
	struct thread *t;
	const char *s;
	uint32_t n;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		t = thread_new(rows[i].kind, i * 77);
		for (s = rows[i].msgs, n = 1; *s != '\0'; n++) {
			add_row(t, s, n);
			s += strcspn(s, " ");
			s += *s == ' ';
		}
		got[0] = '\0';
		is_int(thread_end(t), 0, rows[i].msgs);
		is_int(thread_write(t, put, got), 0, "written");
		is_str(got, rows[i].want, rows[i].msgs);
		thread_free(t);
	}
}

/* ---- the forest ---- */

static unsigned long long seed = 1;

static uint32_t
roll(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % n;
}

static void
test_forest(void)
{
	enum { N = 300 };
	static struct thread_node v[N];
	uint32_t i, x, y, root;
	int bad = 0;

	for (i = 0; i < 100000; i++) {
		x = 1 + roll(N - 1);
		y = 1 + roll(N - 1);
		if (v[x].parent != 0 && roll(4) == 0) {
			thread_forest_cut(v, x);
			v[x].parent = 0;
		}
		for (root = y; v[root].parent != 0;)
			root = v[root].parent;
		bad += thread_forest_root(v, y) != root;
		if (v[x].parent == 0 && root != x) {
			thread_forest_link(v, x, y);
			v[x].parent = y;
		}
	}
	is_int(bad, 0, "the roots of a forest");
}

/* ---- hostile ones ---- */

enum shape { CHAIN, REVERSED, SHUFFLED, SAME_ID, STAR, LOOPS, CROSSED, FOREIGN,
	DUMMIES, SHAPES };
static const char *const shapes[] = { "one thread, in order", "reversed",
	"in any order", "one id for all", "one parent for all",
	"loops", "each the parent of the one before, again and again",
	"ids that nobody has", "threads of dummies" };

static void
put64(char *p, uint64_t v)
{
	int i;

	for (i = 0; i < 8; i++, v >>= 8)
		p[i] = (char)(v & 0xff);
}

static void
hostile(struct thread_msg *m, char *refs, enum shape shape, uint32_t i,
    uint32_t n)
{
	uint64_t a = 0, b = 0;
	uint32_t k;

	m->number = i;
	m->id = i;
	m->subject = 1 + i % 7;
	m->sent = (int64_t)(i * 7919 % n);
	m->nrefs = 2;
	switch (shape) {
	case CHAIN:
		a = b = i - 1;
		break;
	case REVERSED:
		m->id = n - i + 1;
		a = b = n - i;
		break;
	case SHUFFLED:
		m->id = 1 + (uint64_t)i * 7919 % n;
		a = m->id > 2 ? m->id - 2 : 1;
		b = m->id > 1 ? m->id - 1 : 1;
		break;
	case SAME_ID:
		m->id = 5;
		a = b = 5;
		break;
	case STAR:
		a = b = 1;
		break;
	case LOOPS:
		a = 1 + i % 1000;
		b = 1 + (i * 31) % 1000;
		break;
	case CROSSED:
		a = i + 1;
		b = i > 1 ? i - 1 : 1;
		break;
	case FOREIGN:
	case DUMMIES:
		m->nrefs = 200;
		for (k = 0; k < 200; k++)
			put64(refs + 8 * k, shape == FOREIGN ?
			    (uint64_t)i << 20 | k : 1000000000 + k);
		m->refs = refs;
		return;
	case SHAPES:
		break;
	}
	put64(refs, a == 0 ? 1 : a);
	put64(refs + 8, b == 0 ? 1 : b);
	m->refs = refs;
}

static int
count(void *arg, const char *s, size_t n)
{
	(void)s;
	*(size_t *)arg += n;
	return 0;
}

static void
test_shape(enum shape shape, enum thread_kind kind)
{
	const uint32_t n = 50000;
	struct thread *t = thread_new(kind, 12345);
	char refs[8 * 200];
	struct thread_msg m = { 0 };
	struct timespec from, to;
	size_t written = 0;
	uint32_t i;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (i = 1; i <= n; i++) {
		hostile(&m, refs, shape, i, n);
		if (thread_add(t, &m) == -1)
			break;
	}
	is_int(i, n + 1, shapes[shape]);
	ok(t->n < 70000 + 6 * n, "%u nodes", t->n);
	is_int(thread_end(t), 0, "ends");
	is_int(thread_write(t, count, &written), 0, "is written");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	ok(written > n && written < 9 * (size_t)n, "%zu octets", written);
	/* Walking up a thread for each message takes minutes. */
	ok(to.tv_sec - from.tv_sec < 20, "in time");
	thread_free(t);
}

int
main(void)
{
	const struct rlimit stack = { 256 << 10, 256 << 10 };
	int shape;

	(void)setrlimit(RLIMIT_STACK, &stack);
	test_rows();
	test_forest();
	for (shape = 0; shape < SHAPES; shape++) {
		test_shape((enum shape)shape, THREAD_REFERENCES);
		test_shape((enum shape)shape, THREAD_REFS);
	}
	test_shape(SAME_ID, THREAD_ORDEREDSUBJECT);
	return done();
}
