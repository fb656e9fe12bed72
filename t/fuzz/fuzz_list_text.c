/* SPDX-License-Identifier: ISC
 *
 * What is made of a text for lists of messages: its base subject, its preview,
 * its place among threads; the first octet chooses.  A preview is the same in
 * any pieces, and a thread list holds each message once.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/base_subject.h"
#include "grammar/preview.h"
#include "grammar/thread.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
fuzz_subject(const char *p, size_t n)
{
	struct buf once, twice;
	int reply, again;

	buf_init(&once, 1 << 20);
	buf_init(&twice, 1 << 20);
	assert(base_subject(&once, p, n, &reply) == 0);
	assert(reply == 0 || reply == 1);
	assert(base_subject(&twice, buf_str(&once), once.len, &again) == 0);
	buf_free(&once);
	buf_free(&twice);
}

static void
fuzz_preview(const char *p, size_t n, int html)
{
	struct preview whole = { .html = html }, bytes = { .html = html };
	const char *a, *b;
	size_t i, na, nb;

	(void)preview_feed(&whole, p, n);
	for (i = 0; i < n; i++)
		if (preview_feed(&bytes, p + i, 1))
			break;
	a = preview_end(&whole, &na);
	b = preview_end(&bytes, &nb);
	assert(na == nb && memcmp(a, b, na) == 0);
	assert(na <= PREVIEW_SIZE && utf8_valid(a, na));
	assert(memchr(a, '\n', na) == NULL && memchr(a, '\r', na) == NULL &&
	    memchr(a, '\0', na) == NULL);
}

struct seen {
	unsigned char	 times[256];
	unsigned	 number;
	int		 depth;
};

static int
see(void *arg, const char *p, size_t n)
{
	struct seen *s = arg;

	for (; n > 0; n--, p++) {
		if (*p >= '0' && *p <= '9') {
			s->number = s->number * 10 + (unsigned)(*p - '0');
			continue;
		}
		assert(s->number < 256);
		s->times[s->number] += s->number != 0;
		s->number = 0;
		s->depth += (*p == '(') - (*p == ')');
		assert(s->depth >= 0);
	}
	return 0;
}

/* A message of each 4 octets: id, subject, date, and how many of the octets
 * around it are ids it refers to. */
static void
fuzz_thread(const char *p, size_t n, enum thread_kind kind)
{
	struct thread *t = thread_new(kind, 42);
	struct thread_msg m;
	struct seen seen = { { 0 } };
	char refs[8 * 8];
	size_t i, k, count = n / 4 < 255 ? n / 4 : 255;

	assert(t != NULL);
	for (i = 0; i < count; i++, p += 4) {
		memset(&m, 0, sizeof(m));
		memset(refs, 0, sizeof(refs));
		m.number = (uint32_t)i + 1;
		m.id = (unsigned char)p[0] & 0x3f;
		m.subject = (unsigned char)p[1] & 7;
		m.reply = (p[1] & 8) != 0;
		m.sent = p[2];
		m.nrefs = (size_t)p[3] & 7;
		for (k = 0; k < m.nrefs; k++)
			refs[8 * k] = (char)(1 + ((p[3] >> 3) + p[0] *
			    (int)(k + 1)) % 63);
		m.refs = refs;
		assert(thread_add(t, &m) == 0);
	}
	assert(thread_end(t) == 0);
	assert(thread_write(t, see, &seen) == 0);
	assert(seen.depth == 0);
	for (i = 1; i <= count; i++)
		assert(seen.times[i] == 1);
	thread_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum thread_kind kinds[] = { THREAD_ORDEREDSUBJECT,
	    THREAD_REFERENCES, THREAD_REFS };
	size_t n = size - 1;
	char *p;

	if (size == 0 || (p = malloc(n + (n == 0))) == NULL)
		return 0;
	memcpy(p, data + 1, n);
	switch (data[0] % 6) {
	case 0:
		fuzz_subject(p, n);
		break;
	case 1:
	case 2:
		fuzz_preview(p, n, data[0] % 6 == 2);
		break;
	default:
		fuzz_thread(p, n, kinds[data[0] % 3]);
	}
	free(p);
	return 0;
}
