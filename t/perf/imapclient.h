/* SPDX-License-Identifier: ISC
 *
 * What the parts of the IMAP client for t/perf/imap know of each other; the
 * program is imapclient.c.
 */
#ifndef PERF_IMAPCLIENT_H
#define PERF_IMAPCLIENT_H

#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

enum {
	SESSIONS_MAX = 4000,
	TIMES_MAX = 100,
	MOMENT = 50 * 1000		/* microseconds between sessions */
};

/* What the command line says. */
extern struct options {
	SSL_CTX		*tls;
	in_port_t	 port;
	const char	*user;
	unsigned	 times, sessions, clients, logins;
} opt;

/* ---- connections ---- */

struct conn;

/* What was counted since the timed step began. */
extern uint64_t units, octets;

/* What SELECT said. */
extern char uidvalidity[24], modseq[24];

struct conn *login(void);
void	 logout(struct conn *);

int	 conn_fd(const struct conn *);
void	 put(struct conn *, const char *, size_t);

/* Take one answer with its literals; the first line, or what is left of it. */
const char *answer(struct conn *, size_t *n);

/* A command, with its tag and line end; finish() takes what comes up to the
 * tagged answer to the last one, which must be OK; ask() does both. */
void	 send_command(struct conn *, const char *);
void	 finish(struct conn *);
void	 ask(struct conn *, const char *);

/* Up to a "+". */
void	 continuation(struct conn *);

/* ---- files ---- */

/* A copy of the file in new/, as a delivery leaves it: when it was renamed. */
double	 drop(const char *maildir, const char *file);

/* The messages of a folder, on the wire, in the order of their names. */
struct message {
	size_t		 n;
	char		*text;
};

struct message *read_messages(const char *dir, unsigned count);

/* A name in cur/ without \Seen, or false. */
bool	 find_unseen(const char *cur, char *path, size_t size);

/* ---- steps ---- */

double	 now(void);
void	 script(char **steps);
void	 show_figures(void);

#endif
