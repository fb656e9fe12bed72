/* SPDX-License-Identifier: ISC
 *
 * Proves that a message signed by others verifies by our canonicalisation,
 * choice of fields and hashes, and that one that was changed does not: the
 * published collections of chasquid, mail-auth and Mail::DKIM, each as it
 * lies, with the other line ends, and in pieces of one and seven octets.
 */
#include <dirent.h>
#include <stdlib.h>
#include <strings.h>

#include "bytes/crlf.h"
#include "tap.h"
#include "dkim_verify.h"

#define RECORDS	200

static struct {
	char	*name, *text;
} records[RECORDS];
static size_t nrecords;

static const char *
find(const char *name)
{
	size_t i;

	for (i = 0; i < nrecords; i++)
		if (strcasecmp(records[i].name, name) == 0)
			return records[i].text;
	return NULL;
}

static void
forget(void)
{
	while (nrecords > 0) {
		free(records[--nrecords].name);
		free(records[nrecords].text);
	}
}

/* "name text" or "name: text", which a "\" at its end continues. */
static void
learn(char *line)
{
	size_t n = strcspn(line, " \t:");

	if (line[0] == '#' || line[n] == '\0' || nrecords == RECORDS)
		return;
	records[nrecords].name = strndup(line, n);
	n += strspn(line + n, " \t:");
	records[nrecords++].text = strdup(line + n);
}

static char *
slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	char *text = malloc(1 << 20);

	*n = 0;
	if (f != NULL) {
		*n = fread(text, 1, (1 << 20) - 1, f);
		fclose(f);
	}
	text[*n] = '\0';
	return text;
}

/* A file of a collection; one that is but another's name, as symbolic links
 * are in some trees, stands for that. */
static char *
slurp_in(const char *dir, const char *name, const char *tail, size_t *n)
{
	char path[1200], *text, *other;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, tail);
	text = slurp(path, n);
	if (*n == 0 || *n > 60 || strchr(text, '\n') != NULL)
		return text;
	other = slurp_in(dir, text, "", n);
	free(text);
	return other;
}

/* Every line of a text up to its first empty one (or all). */
static char *
learn_all(char *text, int stop_at_empty)
{
	char *line, *end, *p;

	while ((p = strstr(text, "\\\n")) != NULL)
		p[0] = p[1] = ' ';
	for (line = text; *line != '\0'; line = end + 1) {
		if ((end = strchr(line, '\n')) == NULL)
			break;
		*end = '\0';
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
		if (*line == '\0' && stop_at_empty)
			return end + 1;
		learn(line);
	}
	return line;
}

/* The same message with the other line ends. */
static char *
convert(const char *text, size_t *n)
{
	size_t size = 2 * *n + 2, taken = *n, i, k;
	char *out = malloc(size + 1);
	struct crlf c = { 0 };

	if (memchr(text, '\r', *n) == NULL)
		*n = crlf_to_wire(&c, text, &taken, out, size);
	else {
		for (i = k = 0; i < *n; i++)
			if (text[i] != '\r' || text[i + 1] != '\n')
				out[k++] = text[i];
		*n = k;
	}
	return out;
}

/* As it lies, in pieces, and with the other line ends: always the same. */
static void
verify_all_ways(const char *text, size_t n, int count[4], const char *name)
{
	static const size_t pieces[] = { 1, 7 };
	size_t i, len = n;
	char *other = convert(text, &len);
	int again[4], same;

	verify_piece = 0;
	verify(text, n, find, count);
	verify(other, len, find, again);
	same = memcmp(count, again, sizeof(again)) == 0;
	for (i = 0; i < 2; i++) {
		verify_piece = pieces[i];
		verify(text, n, find, again);
		same = same && memcmp(count, again, sizeof(again)) == 0;
		verify(other, len, find, again);
		same = same && memcmp(count, again, sizeof(again)) == 0;
	}
	free(other);
	ok(same, "%s: however it is cut, and with both line ends", name);
}

/* mail-auth: the records, an empty line, the message. */
static void
test_mail_auth(const char *dir)
{
	/* which of them are signed so that we verify it */
	static const int want[] = { 2, 1, 2, 1, 1, 1 };
	char name[40], *text, *message;
	int count[4], i;
	size_t n;

	for (i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "mail-auth/%03d", i + 1);
		text = slurp_in(dir, name, ".txt", &n);
		message = learn_all(text, 1);
		verify_all_ways(message, n - (size_t)(message - text), count,
		    name);
		if (!is_int(count[PASSES], want[i], name))
			printf("# %d fail, %d unusable, %d without record\n",
			    count[FAILS], count[UNUSABLE], count[NO_RECORD]);
		free(text);
		forget();
	}
}

static void
test_chasquid(const char *dir)
{
	static const struct {
		const char	*name;
		int		 passes, fails;
	} rows[] = {
		{ "01-rfc8463", 2, 0 },
		{ "03-bad_message", 0, 0 },
		{ "04-bad_dkim_signature_header", 0, 0 },
		{ "08-our_signature", 3, 0 },
		{ "09-limited_body", 3, 0 },
		{ "10-strict_domain_check_pass", 2, 0 },
		{ "11-strict_domain_check_fail", 0, 0 },
	};
	char where[1000], *dns, *text;
	int count[4];
	size_t i, n;

	snprintf(where, sizeof(where), "%s/chasquid", dir);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dns = slurp_in(where, rows[i].name, ".dns", &n);
		(void)learn_all(dns, 0);
		text = slurp_in(where, rows[i].name, ".msg", &n);
		verify_all_ways(text, n, count, rows[i].name);
		is_int(count[PASSES], rows[i].passes, rows[i].name);
		is_int(count[FAILS], rows[i].fails, rows[i].name);
		free(dns);
		free(text);
		forget();
	}
}

/* What is expected is said of all old forms too (DomainKeys, SHA-1, short
 * keys), which we do not take: those are counted apart. */
static void
test_mail_dkim(const char *dir)
{
	char where[1000], path[1200], name[100], want[20], *text;
	int count[4], verified = 0, old = 0;
	FILE *list;
	size_t n;

	snprintf(where, sizeof(where), "%s/mail-dkim-corpus", dir);
	text = slurp_in(where, "FAKE_DNS", ".dat", &n);
	(void)learn_all(text, 0);
	free(text);
	snprintf(path, sizeof(path), "%s/EXPECTED.tsv", where);
	if ((list = fopen(path, "r")) == NULL)
		return;
	while (fscanf(list, "%99s %19s", name, want) == 2) {
		text = slurp_in(where, name, "", &n);
		verify_all_ways(text, n, count, name);
		if (strcmp(want, "pass") != 0)
			is_int(count[PASSES], 0, name);
		else if (count[PASSES] > 0)
			verified++;
		else if (!is_int(count[FAILS], 0, name))
			printf("# %d unusable, %d without record\n",
			    count[UNUSABLE], count[NO_RECORD]);
		else {
			printf("# not taken: %s\n", name);
			old++;
		}
		free(text);
	}
	fclose(list);
	forget();
	is_int(verified, 1, "good ones that verify");
	is_int(old, 40, "and those of old forms");
}

int
main(void)
{
	const char *shared = getenv("STDMAIL_SHARED");
	char dir[900];
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/vectors/dkim", shared == NULL ?
	    "../shared" : shared);
	if ((d = opendir(dir)) == NULL) {
		ok(1, "published signatures # SKIP none in the shared folder");
		return done();
	}
	closedir(d);
	test_mail_auth(dir);
	test_chasquid(dir);
	test_mail_dkim(dir);
	return done();
}
