/* SPDX-License-Identifier: ISC
 *
 * What the files of smtpd's monitor share.
 */
#ifndef SMTPD_MONITOR_H
#define SMTPD_MONITOR_H

#include <sys/stat.h>

#include <string.h>

#include "policy.h"
#include "smtpd.h"

/* The monitor's memory of a session. */
struct memory {
	unsigned long	 nrcpts[SPOOL_QUEUES];
	unsigned long	 counted;	/* of the message, for the account */
	bool		 again;		/* other recipients of it */
	uint64_t	 size;		/* of the message, as MAIL said */
	uid_t		 owner;		/* of the last local recipient */
	bool		 list;		/* which is no mailbox */
	struct address	 asked;		/* of which a helper finds out */
	uid_t		 asked_owner;	/* of its mailbox, -1 none here */
	struct spool_new file[SPOOL_QUEUES];
	char		 account[USERS_NAME_MAX]; /* who logged in, or "" */
	struct login_scram scram;	/* that a proof is awaited for */
	struct policy_memory policy;
};

/* Does a string of a request end?  Do those of an address? */
static inline bool
monitor_string(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

/* How many were taken. */
static inline unsigned long
monitor_rcpts(const struct memory *m)
{
	return m->nrcpts[SPOOL_LOCAL] + m->nrcpts[SPOOL_REMOTE];
}

static inline bool
monitor_address(const struct address *a)
{
	return monitor_string(a->local, sizeof(a->local)) &&
	    monitor_string(a->domain, sizeof(a->domain));
}

/* Is this a draft?  Who reads from something else might wait for ever. */
static inline bool
monitor_draft(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0;
}

/* monitor_recipient.c: may this recipient be? */
int	 recipient_check_rcpt(struct server_call *);
void	 recipient_run_rcpt(struct server_call *);
void	 recipient_done_rcpt(struct server_call *);
int	 recipient_check_ask(struct server_call *);
void	 recipient_run_ask(struct server_call *);
void	 recipient_done_ask(struct server_call *);
/* What VRFY and EXPN say. */
int	 recipient_check_expand(struct server_call *);
void	 recipient_run_expand(struct server_call *);
/* Where addresses are looked up. */
struct directory monitor_directory(void);

/* monitor_sender.c: as whom may the account send, and to how many? */
int	 sender_check(struct server_call *);
void	 sender_run(struct server_call *);
/* May it have one more recipient?  False: the reply says so. */
bool	 sender_rate(struct server_call *);
void	 sender_count(struct server_call *);

/* monitor_deliver.c: LMTP's deliveries.  Where is the program?  Asked before
 * any request.  0, or -1 with error[CONF_ERROR_MAX]. */
int	 deliver_find(char *error);
int	 deliver_check(struct server_call *);
void	 deliver_run(struct server_call *);

#endif
