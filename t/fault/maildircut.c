/* SPDX-License-Identifier: ISC
 *
 * A session in a Maildir whose power is cut, and who looks afterwards.
 *
 *	maildircut work DIR TOLD BASE
 *	maildircut check DIR TOLD...
 *
 * work does what it draws until something fails, and adds a line to the file
 * TOLD, on a disk that stays, for all that it told its client:
 *
 *	validity V	uid U TOKEN	state U FLAGS MODSEQ	modseq M
 *	going U TOKEN	it is about to be removed; gone U: it was
 *	moving U TOKEN	it is about to get another UID
 *
 * BASE is where its messages' tokens begin.  check prints what was told and
 * does not hold, and how much was told.  Exit code: 0; check 1 when something
 * does not hold.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox.h"

#define UIDS		100000
#define TOKENS		1000000
#define AMOUNT		60	/* messages, about */

/* What was told of a UID. */
struct told {
	uint32_t	 token;
	bool		 going, gone;
	bool		 stated;
	uint64_t	 flags, modseq;
};
static struct told told[UIDS];
/* Messages by their tokens: moved, removed, there. */
static bool moving[TOKENS], removed[TOKENS], there[TOKENS];
static uint64_t highest;
static uint32_t validity;

static int said = -1;		/* TOLD */
static int probe = -1;		/* a file beside DIR */
static uint32_t next_token;

static void __attribute__((format(printf, 1, 2)))
tell(const char *fmt, ...)
{
	char line[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* Of a file system that was shut down between, kernels may call
	 * something synced: a computer without power tells nobody. */
	if (fsync(probe) == -1)
		exit(0);
	if (write(said, line, (size_t)n) != n)
		err(1, "told");
}

static uint32_t
token_of(struct mailbox *mb, uint32_t seq)
{
	char text[32];
	struct message *m;
	size_t n = 0;

	if (mailbox_message(mb, seq, &m) != MAILBOX_OK)
		return 0;
	if (message_read(m, 0, text, sizeof(text) - 1, &n) == -1)
		n = 0;
	text[n] = '\0';
	message_close(m);
	return n == 0 ? 0 : (uint32_t)strtoul(text + strcspn(text, " "), NULL,
	    10);
}

/* ---- a session ---- */

/* What the client hears after a refresh. */
static void
tell_view(struct mailbox *mb)
{
	struct mailbox_msg m;
	uint32_t seq, token;
	bool synced = mailbox_modseq_sync(mb) == 0;

	if (mailbox_uidvalidity(mb) != validity)
		tell("validity %u\n", validity = mailbox_uidvalidity(mb));
	for (seq = 1; seq <= mailbox_count(mb); seq++) {
		mailbox_msg(mb, seq, &m);
		if (m.gone || m.uid >= UIDS)
			continue;
		if (told[m.uid].token == 0 &&
		    (token = token_of(mb, seq)) != 0)
			tell("uid %u %u\n", m.uid,
			    told[m.uid].token = token);
	}
	/* What opening them may have found is not synced. */
	if (!synced || mailbox_modseq_sync(mb) == -1)
		return;
	for (seq = 1; seq <= mailbox_count(mb); seq++) {
		mailbox_msg(mb, seq, &m);
		if (m.gone || m.uid >= UIDS || (told[m.uid].stated &&
		    told[m.uid].modseq == m.modseq))
			continue;
		told[m.uid].stated = true;
		told[m.uid].modseq = m.modseq;
		tell("state %u %llu %llu\n", m.uid,
		    (unsigned long long)m.flags,
		    (unsigned long long)m.modseq);
	}
	tell("modseq %llu\n", (unsigned long long)mailbox_modseq(mb));
}

/* As mda-deliver does. */
static bool
deliver(int dir)
{
	char name[64], to[80];
	int fd, new = openat(dir, "new", O_RDONLY | O_DIRECTORY);
	bool good;

	snprintf(name, sizeof(name), "tmp/%u.M1P%u.b", next_token,
	    next_token);
	snprintf(to, sizeof(to), "new%s", name + 3);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	good = fd != -1 && new != -1 && dprintf(fd, "Token: %u\n\ntext\n",
	    next_token++) > 0 && fsync(fd) == 0 &&
	    renameat(dir, name, dir, to) == 0 && fsync(new) == 0;
	close(fd);
	close(new);
	return good;
}

static enum mailbox_status
save(struct mailbox *mb, uint32_t copied)
{
	enum mailbox_status status;
	struct mailbox_save *s;
	uint32_t first = 0, tokens[2], i;
	char text[64];

	if ((status = mailbox_save_begin(mb, &s)) != MAILBOX_OK)
		return status;
	if (copied != 0 && arc4random_uniform(2))
		mailbox_save_straight(s, false);
	for (i = 0; i < 2; i++) {
		if (copied != 0) {
			tokens[i] = token_of(mb, copied);
			(void)mailbox_save_copy(s, mb, copied);
			continue;
		}
		tokens[i] = next_token++;
		snprintf(text, sizeof(text), "Token: %u\r\n\r\ntext\r\n",
		    tokens[i]);
		(void)mailbox_save_start(s, i ? MAILBOX_SEEN : 0, 1500000000);
		(void)mailbox_save_write(s, text, strlen(text));
		(void)mailbox_save_finish(s);
	}
	status = mailbox_save_commit(s, &first);
	for (i = 0; status == MAILBOX_OK && first != 0 && i < 2; i++)
		if (tokens[i] != 0 && first + i < UIDS)
			tell("uid %u %u\n", first + i,
			    told[first + i].token = tokens[i]);
	return status;
}

/* To the end of the mailbox, by taking its file. */
static enum mailbox_status
move(struct mailbox *mb, uint32_t seq)
{
	enum mailbox_status status;
	struct mailbox_save *s;
	struct mailbox_msg m;
	uint32_t first = 0, token = token_of(mb, seq);

	mailbox_msg(mb, seq, &m);
	if (m.gone || m.uid >= UIDS || told[m.uid].going || token == 0)
		return MAILBOX_OK;
	if ((status = mailbox_save_begin(mb, &s)) != MAILBOX_OK)
		return status;
	told[m.uid].going = true;
	tell("moving %u %u\n", m.uid, token);
	mailbox_save_straight(s, true);
	(void)mailbox_save_copy(s, mb, seq);
	status = mailbox_save_commit(s, &first);
	if (status == MAILBOX_OK && first != 0 && first < UIDS)
		tell("uid %u %u\n", first, told[first].token = token);
	if (status != MAILBOX_OK || (status = mailbox_expunge(mb, &seq, 1,
	    false)) != MAILBOX_OK)
		return status;
	mailbox_flush(mb);
	tell("gone %u\n", m.uid);
	return MAILBOX_OK;
}

static enum mailbox_status
change(struct mailbox *mb)
{
	uint32_t n = mailbox_count(mb), seqs[3], i, k = 0;
	enum mailbox_status status;
	struct mailbox_msg m;

	for (i = 0; i < 3 && n > 0; i++) {
		seqs[k] = 1 + arc4random_uniform(n);
		mailbox_msg(mb, seqs[k], &m);
		if (!m.gone && m.uid < UIDS && !told[m.uid].going)
			k++;
	}
	if (arc4random_uniform(100) < (n > AMOUNT ? 40 : 10)) {
		for (i = 0; i < k; i++) {
			mailbox_msg(mb, seqs[i], &m);
			told[m.uid].going = true;
			tell("going %u %u\n", m.uid, token_of(mb, seqs[i]));
		}
		status = mailbox_expunge(mb, seqs, k, false);
		mailbox_flush(mb);
		for (i = 0; status == MAILBOX_OK && i < k; i++) {
			mailbox_msg(mb, seqs[i], &m);
			tell("gone %u\n", m.uid);
		}
		return status;
	}
	return mailbox_store(mb, seqs, k, arc4random_uniform(2) ?
	    MAILBOX_ADD : MAILBOX_REMOVE, arc4random_uniform(32));
}

static bool
session(struct mailbox_root *root, int dir)
{
	enum mailbox_status status = MAILBOX_OK;
	struct mailbox *mb;
	uint32_t i, n = 1 + arc4random_uniform(20);

	if (mailbox_open(root, "INBOX", arc4random_uniform(3) ? 0 :
	    MAILBOX_KEEP_NEW, &mb) != MAILBOX_OK)
		return false;
	for (i = 0; i < n && status == MAILBOX_OK; i++) {
		switch (arc4random_uniform(9)) {
		case 0:
			if (!deliver(dir))
				status = MAILBOX_TEMPORARY;
			break;
		case 1:
			status = save(mb, 0);
			break;
		case 2:
			if (mailbox_count(mb) > 0)
				status = save(mb, 1 + arc4random_uniform(
				    mailbox_count(mb)));
			break;
		case 3:
			if (mailbox_count(mb) > 0)
				status = move(mb, 1 + arc4random_uniform(
				    mailbox_count(mb)));
			break;
		case 4:
		case 5:
			if ((status = mailbox_refresh(mb, 0, NULL)) ==
			    MAILBOX_OK)
				tell_view(mb);
			break;
		default:
			status = change(mb);
		}
		if (status == MAILBOX_NONE)
			status = MAILBOX_OK;
	}
	if (status == MAILBOX_OK && arc4random_uniform(2))
		mailbox_settle(mb);
	mailbox_close(mb);
	return status == MAILBOX_OK || status == MAILBOX_BUSY;
}

/* ---- afterwards ---- */

static void
read_told(const char *path)
{
	FILE *fp = fopen(path, "r");
	unsigned long long a, b, c;
	char line[128], word[16];

	if (fp == NULL)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), fp) != NULL) {
		a = b = c = 0;
		if (sscanf(line, "%15s %llu %llu %llu", word, &a, &b, &c) < 2)
			continue;
		if (strcmp(word, "validity") == 0)
			validity = (uint32_t)a;
		else if (strcmp(word, "modseq") == 0 && a > highest)
			highest = a;
		else if (a >= UIDS || strcmp(word, "modseq") == 0)
			continue;
		else if (strcmp(word, "uid") == 0)
			told[a].token = (uint32_t)b;
		else if (strcmp(word, "going") == 0 && b < TOKENS)
			told[a].going = removed[b] = true;
		else if (strcmp(word, "moving") == 0 && b < TOKENS)
			told[a].going = moving[b] = true;
		else if (strcmp(word, "gone") == 0)
			told[a].gone = true;
		else if (strcmp(word, "state") == 0 && c >= told[a].modseq) {
			if (told[a].stated && c == told[a].modseq &&
			    b != told[a].flags) {
				printf("UID %llu had flags %llx and %llx at "
				    "%llu\n", a, b, (unsigned long long)
				    told[a].flags, c);
				exit(1);
			}
			told[a].stated = true;
			told[a].flags = b;
			told[a].modseq = c;
		}
	}
	fclose(fp);
}

/* What does not hold of one that is there. */
static int
check_message(struct mailbox *mb, uint32_t seq)
{
	struct mailbox_msg m;
	const struct told *t;
	uint32_t token = token_of(mb, seq);

	mailbox_msg(mb, seq, &m);
	if (token < TOKENS)
		there[token] = true;
	if (m.uid >= UIDS)
		return 0;
	t = &told[m.uid];
	if (t->token != 0 && t->token != token)
		return printf("UID %u was message %u, is %u\n", m.uid,
		    t->token, token);
	if (t->gone)
		return printf("UID %u was removed and is there\n", m.uid);
	if (t->stated && (m.modseq < t->modseq ||
	    (m.modseq == t->modseq && m.flags != t->flags)))
		return printf("UID %u had flags %llx at %llu, has %llx at "
		    "%llu\n", m.uid, (unsigned long long)t->flags,
		    (unsigned long long)t->modseq,
		    (unsigned long long)m.flags,
		    (unsigned long long)m.modseq);
	return 0;
}

/* The view by what was derived, and by the folders alone, are one. */
static int
check_view(struct mailbox *mb)
{
	uint32_t seq, uid, token, n = 0, stated = 0;
	int faults = 0;

	if (validity != 0 && mailbox_uidvalidity(mb) != validity)
		faults += printf("UIDVALIDITY %u was %u\n",
		    mailbox_uidvalidity(mb), validity) > 0;
	if (mailbox_modseq(mb) < highest)
		faults += printf("the highest modseq is %llu, was %llu\n",
		    (unsigned long long)mailbox_modseq(mb),
		    (unsigned long long)highest) > 0;
	for (seq = 1; seq <= mailbox_count(mb); seq++)
		faults += check_message(mb, seq) > 0;
	for (token = 0; token < TOKENS; token++)
		if (moving[token] && !removed[token] && !there[token])
			faults += printf("message %u is nowhere\n",
			    token) > 0;
	for (uid = 1; uid < UIDS; uid++) {
		n += told[uid].token != 0;
		stated += told[uid].stated;
		if (told[uid].token != 0 && !told[uid].going &&
		    mailbox_seq(mb, uid) == 0)
			faults += printf("UID %u (message %u) is missing\n",
			    uid, told[uid].token) > 0;
		if (told[uid].token != 0 && uid >= mailbox_uidnext(mb))
			faults += printf("UIDNEXT is %u, %u was told\n",
			    mailbox_uidnext(mb), uid) > 0;
	}
	if (faults == 0)
		printf("%u UIDs, %u states told\n", n, stated);
	return faults;
}

/* A second look that lists all must find nothing else. */
static int
check_again(struct mailbox *mb)
{
	struct mailbox_diff d;

	if (mailbox_refresh(mb, MAILBOX_RELIST, &d) != MAILBOX_OK)
		return printf("it cannot be listed\n");
	if (d.nexpunged > 0 || d.nchanged > 0 || d.exists)
		return printf("a listing finds %zu removed, %zu changed%s\n",
		    d.nexpunged, d.nchanged, d.exists ? ", new" : "");
	return 0;
}

int
main(int argc, char **argv)
{
	struct mailbox_root *root;
	struct mailbox *mb;
	int i, dir, faults;
	char path[200];

	if (argc < 4)
		errx(64, "see the comment on top of maildircut.c");
	if (mailbox_root_open(argv[2], MAILBOX_CREATE, &root) != MAILBOX_OK ||
	    (dir = open(argv[2], O_RDONLY | O_DIRECTORY)) == -1)
		errx(1, "%s cannot be opened", argv[2]);
	if (strcmp(argv[1], "work") == 0) {
		snprintf(path, sizeof(path), "%s.probe", argv[2]);
		probe = open(path, O_RDWR | O_CREAT, 0600);
		said = open(argv[3], O_WRONLY | O_APPEND | O_CREAT, 0600);
		next_token = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) :
		    1;
		while (session(root, dir))
			;
		return 0;
	}
	for (i = 3; i < argc; i++)
		read_told(argv[i]);
	if (mailbox_open(root, "INBOX", MAILBOX_KEEP_NEW, &mb) != MAILBOX_OK ||
	    mailbox_refresh(mb, 0, NULL) != MAILBOX_OK)
		errx(1, "the mailbox cannot be opened");
	faults = check_again(mb) > 0;
	faults += check_view(mb);
	mailbox_close(mb);
	mailbox_root_close(root);
	return faults > 0;
}
