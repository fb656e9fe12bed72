/* SPDX-License-Identifier: ISC
 *
 * Proves the processes that sign: a thousand messages at once are all answered
 * and verify, each with its own argument; one with 8-bit octets has a second
 * form, which nobody can change; when processes are killed every message has an
 * answer nevertheless, none is said to be signed that was not, and they come
 * back; without a usable key there is no signer.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../../smtp-send/signer.h"
#include "tap.h"
#include "dkim_verify.h"

#define MANY	1000

static char dir[] = "/tmp/signer.XXXXXX";
static char published[2][1000];

static const char *
find(const char *name)
{
	return strcmp(name, "r._domainkey.a.test") == 0 ? published[0] :
	    strcmp(name, "e._domainkey.a.test") == 0 ? published[1] : NULL;
}

static void
make_key(const char *name, enum dkim_algorithm algorithm, char *record)
{
	struct dkim_key *k;
	char path[100];
	struct buf b;
	int fd;

	buf_init(&b, DKIM_PEM_MAX);
	k = dkim_key_make(algorithm, &b);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ok(write(fd, b.data, b.len) == (ssize_t)b.len, "a key");
	close(fd);
	buf_reset(&b);
	dkim_key_record(k, &b);
	strlcpy(record, buf_str(&b), sizeof(published[0]));
	dkim_key_free(k);
	buf_free(&b);
}

/* A message in a file without a name, open for reading, behind so much. */
static int
message(const char *text, off_t at)
{
	char path[100], again[100];
	int fd, r;

	snprintf(path, sizeof(path), "%s/message", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (pwrite(fd, text, strlen(text), at) == -1)
		return -1;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	r = open(again, O_RDONLY | O_CLOEXEC);
	unlink(path);
	close(fd);
	return r;
}

/* The next answer, waited for: whether there was one. */
static int
await(struct signer *s, struct signature *to)
{
	struct pollfd p = { .fd = signer_fd(s), .events = POLLIN };
	int i;

	for (i = 0; i < 100; i++) {
		if (signer_read(s, to) == 1)
			return 1;
		if (signer_pending(s) == 0 || poll(&p, 1, 10000) != 1)
			return 0;
	}
	return 0;
}

/* How many signatures of prefix and text verify. */
static int
verified(const char *prefix, const char *text, size_t n)
{
	int count[4];
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_adds(&b, prefix);
	buf_add(&b, text, n);
	verify(b.data, b.len, find, count);
	buf_free(&b);
	return count[FAILS] + count[UNUSABLE] + count[NO_RECORD] == 0 ?
	    count[PASSES] : -1;
}

static void
text_of(char to[200], size_t i)
{
	snprintf(to, 200, "From: u@a.test\nSubject: %zu\n\nbody  %zu\n", i,
	    i * 7);
}

static long long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void
test_many(struct signer *s)
{
	static bool seen[MANY];
	long long begin = now_ms();
	struct signature got;
	char text[200];
	size_t i, good = 0, order = 0;

	for (i = 0; i < MANY; i++) {
		text_of(text, i);
		if (signer_submit(s, &seen[i], message(text, 11), 11, true) ==
		    -1)
			ok(0, "submit");
	}
	while (await(s, &got)) {
		i = (size_t)((bool *)got.arg - seen);
		order += i < MANY && !seen[i];
		seen[i] = true;
		text_of(text, i);
		good += got.outcome == SIGNER_SIGNED && got.fd_7bit == -1 &&
		    verified(got.prefix, text, strlen(text)) == 2;
	}
	printf("# %d messages, two signatures each, in %lld ms\n", MANY,
	    now_ms() - begin);
	is_int((long long)order, MANY, "each is answered, once");
	is_int((long long)good, MANY, "with two signatures that verify");
	is_int((long long)signer_pending(s), 0, "nothing is pending");
}

static const char eightbit[] = "From: u@a.test\nMIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: 8bit\n\nGr\xc3\xbc\xc3\x9f" "e\n";

static void
test_7bit(struct signer *s)
{
	char foreign[400], data[2000];
	struct signature got;
	ssize_t n;
	size_t i;

	signer_submit(s, NULL, message(eightbit, 0), 0, true);
	ok(await(s, &got) && got.outcome == SIGNER_SIGNED, "an 8-bit message");
	is_int(verified(got.prefix, eightbit, strlen(eightbit)), 2,
	    "as it is");
	n = pread(got.fd_7bit, data, sizeof(data) - 1, 0);
	data[n < 0 ? 0 : n] = '\0';
	for (i = 0; n > 0 && i < (size_t)n && !(data[i] & 0x80); i++)
		;
	is_int(n, (long long)i, "and one of 7 bits");
	ok(n > 0 && strstr(data, "base64") != NULL, "encoded");
	is_int(verified(got.prefix_7bit, data, (size_t)n), 2,
	    "which verifies too");
	is_int(pwrite(got.fd_7bit, "x", 1, 0), -1, "nobody can write it");
	is_int(ftruncate(got.fd_7bit, 0), -1, "nor shorten it");
	ok(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, got.fd_7bit, 0) ==
	    MAP_FAILED, "nor map it");
	close(got.fd_7bit);
	signer_submit(s, NULL, message(eightbit, 0), 0, false);
	ok(await(s, &got) && got.outcome == SIGNER_SIGNED &&
	    got.fd_7bit == -1, "nor is it made unasked");
	snprintf(foreign, sizeof(foreign), "DKIM-Signature: v=1; a=rsa-sha256;"
	    " d=b.test; s=x; h=from; bh=QUJD; b=QUJD\n%s", eightbit);
	signer_submit(s, NULL, message(foreign, 0), 0, true);
	ok(await(s, &got) && got.outcome == SIGNER_SIGNED &&
	    got.fd_7bit == -1, "what another has signed is not encoded anew");
}

static void
test_others(struct signer *s)
{
	struct signature got;

	signer_submit(s, &got, message("From: u@b.test\n\nx\n", 0), 0, true);
	ok(await(s, &got) && got.outcome == SIGNER_UNSIGNED &&
	    got.prefix == NULL && got.arg == &got, "another domain");
	is_str(got.why, "no key for the domain of From", "and it says why");
	signer_submit(s, NULL, open("/", O_RDONLY | O_CLOEXEC), 0, true);
	ok(await(s, &got) && got.outcome == SIGNER_FAILED,
	    "a message that cannot be read");
	ok(!await(s, &got), "nothing is left");
}

/* All children of ours. */
static int
kill_children(void)
{
	FILE *f = fopen("/proc/thread-self/children", "r");
	long pid;
	int n = 0;

	while (f != NULL && fscanf(f, "%ld", &pid) == 1)
		n += kill((pid_t)pid, SIGKILL) == 0;
	if (f != NULL)
		fclose(f);
	return n;
}

static void
test_death(struct signer *s)
{
	struct signature got;
	char text[200];
	int i, signed_ = 0, failed = 0;

	for (i = 0; i < 200; i++) {
		text_of(text, (size_t)i);
		signer_submit(s, NULL, message(text, 0), 0, true);
	}
	ok(kill_children() > 0, "the processes are killed");
	while (await(s, &got)) {
		signed_ += got.outcome == SIGNER_SIGNED;
		failed += got.outcome == SIGNER_FAILED;
	}
	is_int(signed_ + failed, 200, "each message is answered");
	ok(failed > 0, "some as failed: %d", failed);
	usleep(1100000);
	signer_submit(s, NULL, message(text, 0), 0, true);
	ok(await(s, &got) && got.outcome == SIGNER_SIGNED,
	    "they are there again");
}

/* All are forgotten, each once, wherever they are. */
static void
test_forget(struct signer *s)
{
	static bool seen[50];
	char text[200];
	void *arg;
	size_t i, n = 0, twice = 0;

	for (i = 0; i < 50; i++) {
		text_of(text, i);
		signer_submit(s, &seen[i], message(text, 0), 0, true);
	}
	for (; signer_forget(s, &arg); n++) {
		twice += *(bool *)arg;
		*(bool *)arg = true;
	}
	is_int((long long)n, 50, "all can be forgotten");
	is_int((long long)twice, 0, "each once");
	is_int((long long)signer_pending(s), 0, "and nothing is pending");
}

static int
load(struct settings *s, const char *const *o, size_t n)
{
	char error[CONF_ERROR_MAX];

	return settings_load(s, "/dev/null", o, n, error);
}

static void
test_bad_key(void)
{
	const char *o[] = { "dkim=r._domainkey.a.test /etc/passwd" };
	char error[CONF_ERROR_MAX] = "";
	struct settings settings;

	is_int(load(&settings, o, 1), 0, "settings");
	ok(signer_new(&settings, error) == NULL, "a file that is no key");
	is_str(error, "dkim: /etc/passwd: is no private key in PEM form, or "
	    "has a passphrase", "is said");
	settings_free(&settings);
	is_int(kill_children(), 0, "and no process stays");
}

int
main(void)
{
	char o[2][200], error[CONF_ERROR_MAX] = "";
	const char *args[2] = { o[0], o[1] };
	struct settings settings;
	struct signer *s;

	signal(SIGPIPE, SIG_IGN);
	ok(mkdtemp(dir) != NULL, "a folder");
	make_key("r", DKIM_RSA_SHA256, published[0]);
	make_key("e", DKIM_ED25519_SHA256, published[1]);
	snprintf(o[0], sizeof(o[0]), "dkim=r._domainkey.a.test %s/r", dir);
	snprintf(o[1], sizeof(o[1]), "dkim=e._domainkey.a.test %s/e", dir);
	load(&settings, args, 2);
	test_bad_key();
	if (!ok((s = signer_new(&settings, error)) != NULL, "a signer: %s",
	    error))
		return done();
	test_many(s);
	test_7bit(s);
	test_others(s);
	test_death(s);
	test_forget(s);
	signer_free(s);
	is_int(kill_children(), 0, "no process stays");
	settings_free(&settings);
	snprintf(o[0], sizeof(o[0]), "%s/r", dir);
	snprintf(o[1], sizeof(o[1]), "%s/e", dir);
	unlink(o[0]);
	unlink(o[1]);
	rmdir(dir);
	return done();
}
