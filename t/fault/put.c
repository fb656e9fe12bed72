/* SPDX-License-Identifier: ISC
 *
 * Puts messages into a spool, as smtpd's monitor and session do, for the
 * tests that kill it, fill its disk and cut its power.
 *
 *	put SPOOL local|remote COUNT SIZE SENDER RCPT...
 *	put SPOOL recover
 *
 * SPOOL may also be a configuration file; PUT_OWNER the uid a message with one
 * recipient is made for.  Instead of text of SIZE octets, with "-" the message
 * is standard input.
 *
 * Prints the ID of each message once it is answered for: what was printed may
 * never be missing.  Exit code: 0 all went in, 75 one was refused.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "mail/spool.h"
#include "system/log.h"

static void
put_input(struct spool_put *p)
{
	char block[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, block, sizeof(block))) > 0)
		(void)spool_put_write(p, block, (size_t)n);
	if (n == -1)
		err(EX_IOERR, "standard input");
}

static void
put_text(struct spool_put *p, size_t size)
{
	static const char head[] = "Received: by test\nSubject: test\n\n";
	char line[64];
	size_t i;

	(void)spool_put_write(p, head, sizeof(head) - 1);
	for (i = 0; i < size; i += sizeof(line)) {
		memset(line, 'a' + (int)(i / sizeof(line) % 26),
		    sizeof(line));
		line[sizeof(line) - 1] = '\n';
		(void)spool_put_write(p, line, sizeof(line));
	}
}

/* One message; 0 and its ID is printed in one write. */
static int
put_one(const struct spool *sp, enum spool_queue queue, const char *size,
    struct envelope *e)
{
	const char *owner = getenv("PUT_OWNER");
	struct spool_put p;
	char id[SPOOL_ID_MAX + 1];
	int n;

	e->arrived = 0;
	if (spool_put_begin(&p, sp, queue, e, owner == NULL ?
	    (uid_t)-1 : (uid_t)strtol(owner, NULL, 10)) == -1)
		return -1;
	if (strcmp(size, "-") == 0)
		put_input(&p);
	else
		put_text(&p, (size_t)strtol(size, NULL, 10));
	if (spool_put_end(&p) == -1)
		return -1;
	n = snprintf(id, sizeof(id), "%s\n", p.file.id);
	if (write(STDOUT_FILENO, id, (size_t)n) != n)
		err(EX_IOERR, "standard output");
	return 0;
}

static void
add_rcpt(struct envelope *e, const char *text)
{
	struct address a;

	if (address_parse(&a, text, strlen(text), NULL) != 1 ||
	    envelope_add(e, &a) == -1)
		errx(EX_USAGE, "%s", text);
}

int
main(int argc, char **argv)
{
	char error[CONF_ERROR_MAX], spool[512];
	const char *assign[] = { spool, "hostname=mx.a.test" };
	struct stat st;
	struct settings s;
	struct envelope e;
	struct spool sp;
	long count;
	bool conf;
	int i;

	if (argc != 3 && argc < 7)
		errx(EX_USAGE, "see the comment on top of put.c");
	log_open("put");
	snprintf(spool, sizeof(spool), "spool=%s", argv[1]);
	conf = stat(argv[1], &st) == 0 && S_ISREG(st.st_mode);
	if (settings_load(&s, conf ? argv[1] : "/dev/null", assign,
	    conf ? 0 : 2, error) == -1 || spool_open(&sp, &s, error) == -1)
		errx(EX_CONFIG, "%s", error);
	if (argc == 3)
		return spool_recover(&sp) == -1 ? EX_TEMPFAIL : 0;
	count = strtol(argv[3], NULL, 10);
	envelope_init(&e);
	if (address_parse(&e.sender, argv[5], strlen(argv[5]), NULL) != 1)
		errx(EX_USAGE, "%s", argv[5]);
	for (i = 6; i < argc; i++)
		add_rcpt(&e, argv[i]);
	for (i = 0; i < count; i++)
		if (put_one(&sp, strcmp(argv[2], "remote") == 0 ?
		    SPOOL_REMOTE : SPOOL_LOCAL, argv[4], &e) == -1) {
			warn("refused");
			return EX_TEMPFAIL;
		}
	envelope_free(&e);
	spool_close(&sp);
	settings_free(&s);
	return 0;
}
