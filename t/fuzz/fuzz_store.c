/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets break the parsers of the spool's envelopes and names
 * and of a users file; that an envelope which was read is written so that it
 * reads the same, and its history as its tries; that the words of an attempt
 * come back when they are written; that a name which was parsed stays in its
 * folder; and that no line of a users file makes a mailbox of uid 0 or outside
 * the folder it was given.
 */
#include <sys/mman.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/envelope.h"
#include "mail/password.h"
#include "mail/spool.h"
#include "mail/spool_local.h"
#include "mail/users.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The lines behind "end": those of recipients are their tries. */
static void
check_history(const struct envelope *e, const char *text, size_t n)
{
	const char *p = envelope_history(text, n), *end = text + n, *nl;
	struct envelope_event ev;
	size_t i, tries = 0;

	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL;
	    p = nl + 1)
		if (envelope_event_parse(&ev, p, nl) == 1) {
			tries += ev.what == ENVELOPE_TRIED &&
			    ev.rcpt < e->nrcpts;
			free(ev.words);
		}
	for (i = 0; i < e->nrcpts; i++)
		tries -= e->rcpts[i].tries;
	if (tries != 0 || e->held < 0)
		__builtin_trap();
}

static void
fuzz_words(const char *text, size_t n)
{
	struct envelope_words w, again;
	char in[2 * ENVELOPE_TEXT], out[4 * ENVELOPE_TEXT];

	if (n >= sizeof(in) || memchr(text, '\0', n) != NULL)
		return;
	memcpy(in, text, n);
	in[n] = '\0';
	envelope_words_parse(&w, in);
	if (w.status[0] == '\0')
		return;
	envelope_words_text(out, sizeof(out), w.status, w.host, w.tls,
	    w.reply);
	envelope_words_parse(&again, out);
	/* A reply that looks like the word before it is taken for it. */
	if (strcmp(w.status, again.status) != 0 ||
	    strcmp(w.host, again.host) != 0 || (w.tls[0] != '\0' &&
	    (strlen(w.tls) != strlen(again.tls) ||
	    strcmp(w.reply, again.reply) != 0)))
		__builtin_trap();
}

static void
fuzz_envelope(const char *text, size_t n)
{
	struct envelope e, back;
	unsigned line;
	struct buf b;
	size_t i;

	envelope_init(&e);
	envelope_init(&back);
	if (envelope_parse(&e, text, n, &line) == 1) {
		for (i = 0; i < e.nrcpts; i++)
			if (e.rcpts[i].at >= n ||
			    text[e.rcpts[i].at] != (char)e.rcpts[i].status)
				__builtin_trap();
		check_history(&e, text, n);
		buf_init(&b, 16 << 20);
		if (envelope_write(&b, &e) == -1 || envelope_parse(&back,
		    b.data, b.len, &line) != 1 || back.nrcpts != e.nrcpts ||
		    back.arrived != e.arrived ||
		    !address_equal(&back.sender, &e.sender))
			__builtin_trap();
		for (i = 0; i < e.nrcpts; i++)
			if (!address_equal(&back.rcpts[i].addr,
			    &e.rcpts[i].addr) ||
			    back.rcpts[i].status != e.rcpts[i].status)
				__builtin_trap();
		buf_free(&b);
	} else if (line == 0 && n > 0 && memchr(text, '\n', n) != NULL)
		__builtin_trap();
	envelope_free(&back);
	envelope_free(&e);
}

static void
fuzz_name(const char *text, size_t n)
{
	char name[SPOOL_NAME_MAX + 8];
	struct spool_item it;
	uint32_t crc;
	int sealed;

	if (n >= sizeof(name))
		return;
	memcpy(name, text, n);
	name[n] = '\0';
	if (spool_name_parse(&it, name, SPOOL_LOCAL, -1) &&
	    (strchr(it.name, '/') != NULL || it.name[0] == '.' ||
	    strncmp(it.name, it.id, strlen(it.id)) != 0))
		__builtin_trap();
	(void)spool_name_parse(&it, name, SPOOL_REMOTE, 0);
	(void)spool_tmp_parse(&it, name, &sealed, &crc);
}

static int
look(const struct user *u, void *arg)
{
	(void)arg;
	if (u->uid == 0 && geteuid() != 0)
		__builtin_trap();
	(void)password_known(u->hash);
	return 0;
}

static void
fuzz_users(const char *text, size_t n)
{
	char path[32], error[CONF_ERROR_MAX], mail[] = "/m/%d/%u";
	char none[] = "", *domain = (char *)(uintptr_t)"a.test";
	struct settings s = { .hostname = domain, .mail = mail,
	    .users = path, .mail_user = none, .postmaster = none,
	    .spool = none, .domains = { &domain, 1 } };
	struct users *users;
	struct user u;
	int fd = memfd_create("users", MFD_CLOEXEC);

	if (fd == -1 || write(fd, text, n) != (ssize_t)n)
		__builtin_trap();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (users_open(&users, &s, error) == 0) {
		(void)users_each(users, look, NULL, error);
		if (users_find(users, "..", "a.test", &u, error) ==
		    USERS_FOUND && strncmp(u.mailbox, "/m/a.test/..", 12) ==
		    0)
			__builtin_trap();
		(void)users_login(users, "bob@a.test", &u, error);
		(void)users_sample(users);
		users_close(users);
	}
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (size == 0)
		return 0;
	switch (data[0] % 4) {
	case 0:
		fuzz_envelope(text, size - 1);
		break;
	case 1:
		fuzz_name(text, size - 1);
		break;
	case 2:
		fuzz_words(text, size - 1);
		break;
	default:
		fuzz_users(text, size - 1);
		break;
	}
	return 0;
}
