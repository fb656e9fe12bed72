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

/* A message of the maildrop, as it was at login. */
struct drop_message {
	uint32_t	seq;		/* in the mailbox */
	uint32_t	order;		/* of a migration, 0 none */
	bool		deleted;	/* DELE */
	bool		vanished;	/* removed by another program */
};

struct drop {
	struct mailbox	*box;
	int		 lock;		/* closed by the process's end */
	struct drop_message *v;
	uint32_t	 n;
};

/* What the door tells the mailbox process. */
struct hello {
	bool		private;	/* a password may be sent */
};

struct session {
	struct stream	*io;		/* NULL: handed over */
	enum session_state state;
	unsigned	 errors;
	bool		 private;
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
enum mailbox_status drop_open(struct login_mailbox *);
void	 door_run(struct server_session *);
void	 mailbox_run(struct login_mailbox *);

/* command.c: one line of input. */
void	 command_line(struct session *, const struct stream_line *);

typedef void command_handler(struct session *, const struct arguments *);

/* auth.c, in the door */
command_handler do_user, do_pass, do_auth, do_stls;
/* maildrop.c */
command_handler do_stat, do_list, do_uidl, do_retr, do_top, do_dele, do_rset;

/* maildrop.c: RFC 1939, section 6.  False: some were not removed. */
bool	 drop_update(struct session *);
/* How many messages are not deleted, and their octets. */
void	 drop_total(struct session *, uint32_t *n, uint64_t *octets);

#endif
