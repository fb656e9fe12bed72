/* SPDX-License-Identifier: ISC
 *
 * What the files of pop3d share: a session, in the door until login and in the
 * mailbox process after it, and the one table of its commands.
 */
#ifndef POP3D_POP3D_H
#define POP3D_POP3D_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grammar/pop3.h"
#include "mail/login.h"
#include "reply.h"

/* RFC 1939, section 3; bits, so that the table can name several. */
enum session_state {
	STATE_AUTHORIZATION = 1,	/* only in the door */
	STATE_TRANSACTION = 2,		/* only in the mailbox process */
	STATE_OVER = 4			/* nothing more is read */
};

/*
 * The maildrop as it was at login.  It may have a million messages: there is a
 * mark of two bits for each, and a number only where a migration left another
 * order than the mailbox's.
 */
#define DROP_DELETED	1u	/* by DELE */
#define DROP_VANISHED	2u	/* removed by another program */
#define DROP_ID_MAX	255	/* of UIDL, see drop_id() */

struct drop {
	struct mailbox	*box;
	int		 lock;		/* closed by the process's end */
	bool		 first;		/* the lock's file was not there */
	uint32_t	 n;
	unsigned char	*marks;		/* DROP_*, four messages an octet */
	uint32_t	*order;		/* by number, the mailbox's; or NULL */
	uint32_t	 deleted, vanished;	/* how many have the mark */
	bool		 counted;	/* these two are right: */
	uint32_t	 listed;	/* those without a mark, and */
	uint64_t	 octets;	/* their sizes */
};

/* What the door tells the mailbox process. */
struct hello {
	bool		private;	/* a password may be sent */
	bool		utf8;		/* UTF8 was sent */
};

struct session {
	struct stream	*io;		/* NULL: handed over */
	enum session_state state;
	unsigned	 errors;
	unsigned	 opens;		/* that failed */
	bool		 private;
	bool		 utf8;		/* RFC 6856: texts go out as they are */
	bool		 local;		/* -p: there are no logins at all */
	struct server_session *door;	/* NULL in the mailbox process */
	char		 user[SASL_NAME_MAX + 1];	/* of USER, or "" */
	struct drop	*drop;		/* the mailbox process's */
	unsigned	 retrieved, removed;
};

/* Arguments as the table wants them. */
struct arguments {
	uint32_t	 message;	/* 0: none given */
	uint64_t	 lines;
	char		*text;		/* the rest of the line, as it is; who
					 * reads a password there wipes it */
	size_t		 text_len;
};

/* session.c: read commands until it is over. */
void	 session_run(struct session *);
/* A line for a dialogue inside a command: 1; 0 the session is over. */
int	 session_line(struct session *, struct stream_line *);
/* A reply that counts as an error of the client. */
void	 session_error(struct session *, int reply);
void	 door_run(struct server_session *);
void	 mailbox_run(struct login_mailbox *);

/* command.c: one line of input. */
void	 command_line(struct session *, const struct stream_line *);

typedef void command_handler(struct session *, const struct arguments *);

/* auth.c, in the door */
command_handler do_user, do_pass, do_auth, do_stls, do_utf8;
/* listing.c */
command_handler do_stat, do_list, do_uidl;
/* text.c */
command_handler do_retr, do_top;
/* maildrop.c */
command_handler do_dele, do_rset;

/* maildrop.c: messages by their number in the maildrop, 1 to n. */
enum mailbox_status drop_open(struct login_mailbox *);
void	 drop_close(struct drop *);
/* Its number in the mailbox. */
uint32_t drop_seq(const struct drop *, uint32_t number);
/* It has no mark. */
bool	 drop_has(const struct drop *, uint32_t number);
/* Any number: whether there is such a message; if not, why has been said. */
bool	 drop_check(struct session *, uint32_t number);
/* Say that it cannot be had, and remember when it is gone. */
void	 drop_failed(struct session *, uint32_t number, enum mailbox_status);
/* Its size; false: it has a mark or no size can be told, *size is 0. */
bool	 drop_size(struct drop *, uint32_t number, uint64_t *size);
/* Its size as it turned out to be. */
void	 drop_sized(struct drop *, uint32_t number, uint64_t size);
/* How many messages are listed, and their octets. */
void	 drop_total(struct drop *, uint32_t *n, uint64_t *octets);
/* RFC 1939, section 6.  False: some were not removed. */
bool	 drop_update(struct session *);

#endif
