/* SPDX-License-Identifier: ISC
 *
 * What main() prepares for all sessions, and the requests between the door
 * and the monitor.
 */
#ifndef IMAPD_IMAPD_H
#define IMAPD_IMAPD_H

#include <stdint.h>

#include "grammar/sasl.h"
#include "mail/settings.h"
#include "mail/users.h"
#include "session.h"
#include "system/server.h"
#include "system/tls.h"

struct imapd {
	struct settings	*settings;
	struct users	*users;
	struct tls_server *tls;		/* NULL: no certificate */
	int		 tls_first;	/* -T */
};

extern struct imapd imapd;

/* What a door may ask, in the order of the table. */
enum {
	OP_AUTH,		/* is this the password? */
	OP_OPEN,		/* open the mailbox, and take the connection */
	OP_RELAY,		/* the same; the door goes on relaying TLS */
	OPS
};

struct auth_request {
	char		 login[SASL_NAME_MAX + 1];
	char		 password[SASL_PASSWORD_MAX + 1];
	uint32_t	 password_len;
};

enum verdict {
	VERDICT_LATER,		/* all zero: what a failed helper says */
	VERDICT_GOOD,
	VERDICT_WRONG,
	VERDICT_LOCKED
};

struct auth_reply {
	enum verdict	 verdict;
};

enum { HANDED_MAX = 12000 };	/* octets of input handed over */

struct open_request {
	char		 tag[TAG_MAX + 1];	/* of the login */
	uint32_t	 tls;			/* for the log */
	uint32_t	 input_len;
	char		 input[HANDED_MAX];
};

struct open_reply {
	uint32_t	 good;
};

extern const struct server_op monitor_ops[OPS];
size_t	 monitor_data_size(void);

/* The door's whole session. */
void	 door_session(struct server_session *);

#endif
