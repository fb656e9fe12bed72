/* SPDX-License-Identifier: ISC
 *
 * Proves that imapd's fast search of a message as it is on disk answers as the
 * slow one that undoes everything and goes through the wire form: over the
 * corpus and over messages put together at random, broken ones among them, for
 * texts that are in them, nearly in them, and not in them.
 */
#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../imapd/fetch_message.c"
#include "../../imapd/match.c"
#include "../../imapd/search_raw.c"
#include "../../imapd/search_text.c"
#include "tap.h"

enum { NEEDLES = 40, MESSAGES = 3000, FILES = 400 };

static unsigned long long seed = 1;
static size_t asked, fast, matched;

static size_t
roll(size_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (size_t)(seed >> 33) % n;
}

static void
begin(struct search *q, int fd)
{
	memset(q, 0, sizeof(*q));
	buf_init(&q->header, SEARCH_HEADER_MAX);
	buf_init(&q->text, SEARCH_HEADER_MAX);
	buf_init(&q->few, SEARCH_HEADER_MAX);
	buf_init(&q->octets, SEARCH_RAW_MAX);
	buf_init(&q->decoded, SEARCH_RAW_MAX);
	imap_search_init(&q->q);
	q->m.message = message_new(fd);
}

static void
end(struct search *q)
{
	search_raw_reset(q);
	fetch_message_free(&q->m);
	buf_free(&q->header);
	buf_free(&q->text);
	buf_free(&q->few);
	buf_free(&q->octets);
	buf_free(&q->decoded);
}

/* Ask both ways, of the header too or not: whether they agree. */
static int
agree(struct search *q, const char *needle, size_t n, bool with_header)
{
	struct match m;
	bool slow;
	int r, same;

	if (match_init(&m, needle, n) == -1 || n == 0)
		return 1;
	r = search_raw(q, &m, with_header);
	match_reset(&m);
	slow = search_stream(q, &m, with_header);
	same = r == -1 || r == slow;
	asked++;
	fast += r != -1;
	matched += slow;
	if (!same)
		printf("# \"%.*s\" header %d: fast %d, slow %d\n",
		    (int)n, needle, with_header, r, slow);
	match_free(&m);
	return same;
}

/* A text out of the message, maybe changed a little, as a person would type
 * it: what is encoded is taken from the other end, see decoded[]. */
static size_t
pick(char *to, const char *text, size_t len)
{
	size_t n = 1 + roll(12), at = roll(len), i;

	if (n > len - at)
		n = len - at;
	memcpy(to, text + at, n);
	for (i = 0; i < n; i++) {
		if (to[i] == '\0' || to[i] == '\n' || to[i] == '\r')
			to[i] = ' ';
		if (roll(40) == 0)
			to[i] = (char)('a' + roll(26));
		if (roll(3) == 0)
			to[i] = (char)toupper((unsigned char)to[i]);
	}
	return n;
}

static const char *const fixed[] = {
	"a", " ", "=", "the", "e:", ": ", "Subject", "quoted", "zzzz", "b c",
	"=?", "boundary", "caf", "1 2", ".", "text/plain", "aGVs", "hello",
	"soft break", "last",
};

/* How many of the texts the two disagree on. */
static int
compare(const char *text, size_t len, const char *file)
{
	char needle[64], name[] = "/tmp/search.XXXXXX";
	int fd = mkstemp(name), bad = 0;
	struct search q;
	size_t i, n;

	unlink(name);
	if (write(fd, text, len) != (ssize_t)len)
		return 1;
	begin(&q, fd);
	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		bad += !agree(&q, fixed[i], strlen(fixed[i]), i % 2 != 0);
	for (i = 0; i < NEEDLES && len > 0; i++) {
		n = pick(needle, text, len);
		bad += !agree(&q, needle, n, false);
		bad += !agree(&q, needle, n, true);
	}
	end(&q);
	if (bad > 0)
		printf("# %s: %d\n", file, bad);
	return bad;
}

/* ---- the corpus ---- */

static int corpus_bad;
static size_t files;

static int
take_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char *text;
	int fd;

	(void)ftw;
	if (type != FTW_F || st->st_size > 200000 || files == FILES)
		return 0;
	/* The lists have more than there is time for. */
	if (strstr(path, "/lists/") != NULL && roll(8) != 0)
		return 0;
	if ((fd = open(path, O_RDONLY)) == -1 ||
	    (text = malloc((size_t)st->st_size + 1)) == NULL)
		return 0;
	if (read(fd, text, (size_t)st->st_size) == st->st_size) {
		corpus_bad += compare(text, (size_t)st->st_size, path);
		files++;
	}
	free(text);
	close(fd);
	return 0;
}

static void
test_corpus(void)
{
	const char *shared = getenv("STDMAIL_SHARED");
	char path[4096];

	snprintf(path, sizeof(path), "%s/corpus", shared != NULL ? shared :
	    "../shared");
	if (nftw(path, take_file, 20, FTW_PHYS) == -1)
		printf("# no corpus at %s\n", path);
	is_int(corpus_bad, 0, "the corpus, as far as there is one");
}

/* ---- messages at random ---- */

static const char *const heads[] = {
	"Subject: hello text\n", "Subject: =?utf-8?Q?caf=C3=A9?= and\n more\n",
	"Subject:\n folded\n\tand again\n", "From: a@b.test (x)\n",
	"X-Name : spaced\n", "no colon here\n", "Subject: caf\xe9\n",
	"To: =?utf-8?B?aGVsbG8=?= =?utf-8?B?IHdvcmxk?=\n", "X:\n",
	"Subject: \xc3\x89t\xc3\xa9 \xf0 last\n", "Cc: b c\r\n\td\r\n",
	"Content-Type: text/plain; charset=utf-8\n",
	"Content-Type: text/plain; charset=koi8-r\n",
	"Content-Type: text/html; charset=x-unknown\n",
	"Content-Type: multipart/mixed; boundary=b\n",
	"Content-Type: multipart/alternative; boundary=\"b b\"\n",
	"Content-Type: message/rfc822\n", "Content-Type: image/png\n",
	"Content-Transfer-Encoding: quoted-printable\n",
	"Content-Transfer-Encoding: base64\n",
	"Content-Transfer-Encoding: 8bit\n",
	"Content-Transfer-Encoding: x-odd\n",
	"Content-Type:\n text/plain;\n name=\"=?utf-8?Q?hello?=\"\n",
};

static const char *const bodies[] = {
	"hello text\n", "soft=\nbreak and soft =\n break\n",
	"=68ello =3D 1 2\n", "e\xcc\x81t\xc3\xa9 \xef\xac\x81le\n",
	"aGVsbG8gd29ybGQ=\n", "aGVsbG8gd29y\n", "bGQgYWdhaW4\n", "caf\xe9 x\n",
	"\xc3\x89t\xc3\xa9\n", "trailing  \n", "=\n", "==\n", "=4\n", "= \n",
	"--b\n", "--b--\n", "--b b\n", "--b b--\n", "\n", "\r\n", "x\ry\n",
	"HeLLo\r\nthe last\r\n", "\xf0\x9f", "last", "a\tb c\n", "--\n",
	"=E9=C3=89 t\n", "text =  \n",
};

#define HEADS	(sizeof(heads) / sizeof(heads[0]))
#define BODIES	(sizeof(bodies) / sizeof(bodies[0]))

static void
random_part(struct buf *b, int depth)
{
	size_t i, n;

	for (n = roll(5), i = 0; i < n; i++)
		buf_adds(b, heads[roll(HEADS)]);
	if (roll(20) != 0)
		buf_adds(b, roll(6) == 0 ? "\r\n" : "\n");
	for (n = roll(9), i = 0; i < n; i++) {
		if (depth < 4 && roll(6) == 0) {
			buf_adds(b, roll(3) == 0 ? "--b b\n" : "--b\n");
			random_part(b, depth + 1);
		}
		if (roll(30) == 0)
			buf_addc(b, '\0');
		buf_adds(b, bodies[roll(BODIES)]);
	}
}

static void
test_random(void)
{
	struct buf b;
	int bad = 0, i;

	buf_init(&b, 1 << 20);
	for (i = 0; i < MESSAGES && bad < 10; i++) {
		buf_reset(&b);
		random_part(&b, 0);
		bad += compare(b.len > 0 ? b.data : "", b.len, "random");
		if (bad > 0)
			printf("# %.*s\n", (int)b.len, b.data);
	}
	buf_free(&b);
	is_int(bad, 0, "messages put together at random");
}

int
main(void)
{
	test_random();
	test_corpus();
	ok(fast > asked / 2, "most went the fast way");
	ok(matched > asked / 20 && matched < asked, "some are in, some not");
	printf("# %zu asked, %zu fast, %zu in, %zu files\n", asked, fast,
	    matched, files);
	return done();
}
