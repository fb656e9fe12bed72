/* SPDX-License-Identifier: ISC
 *
 * A SASL exchange between door and monitor, for every server with a login:
 * which mechanisms are offered, and SCRAM-SHA-256 (RFC 5802, RFC 7677), which
 * takes two requests: a challenge for a name, then the proof.  The door
 * carries names and proofs, the monitor's helper has the keys.
 */
#ifndef MAIL_LOGIN_SCRAM_H
#define MAIL_LOGIN_SCRAM_H

#include <stdbool.h>

#include "grammar/sasl.h"
#include "mail/users.h"
#include "system/server.h"
#include "system/stream.h"

enum login_verdict {
	LOGIN_GOOD = 1,
	LOGIN_WRONG,
	LOGIN_LATER,		/* cannot be told now */
	LOGIN_LOCKED,		/* too many failures of this address: say so
				 * and close */
	LOGIN_GONE		/* the monitor is gone: say so and close */
};

/* For the log. */
const char *login_verdict_name(enum login_verdict);

struct login_scram_first_request {
	char		login[SASL_NAME_MAX + 1];
	char		bare[SCRAM_BARE_MAX + 1];
	char		nonce[SCRAM_NONCE_MAX + 1];
};

struct login_scram_first_reply {
	enum login_verdict verdict;
	char		server[SASL_SERVER_MAX + 1];
};

struct login_scram_final_request {
	char		channel[SASL_FINAL_MAX + 1];
	char		extensions[SASL_FINAL_MAX + 1];
	unsigned char	proof[SCRAM_PROOF];
};

/* A program's own reply may go on behind it. */
struct login_scram_final_reply {
	enum login_verdict verdict;
	unsigned char	signature[SCRAM_PROOF];
};

/* What a proof of SCRAM is about: the monitor's own nonce is in it, so that
 * no door can use one a second time. */
struct login_scram {
	char		login[SASL_NAME_MAX + 1];
	char		bare[SCRAM_BARE_MAX + 1];
	char		server[SASL_SERVER_MAX + 1];
};

/* ---- in the monitor: login_scram.c ---- */

/* Can SCRAM be offered, as configured and with these users?  Looked at again
 * when they changed. */
bool	 login_scram_ready(const struct conf_list *mechanisms,
	    struct users *);

/* The parts of the two operations, as struct server_op has them.  ready is
 * the above; run works in a helper. */
int	 login_scram_check_first(struct server_call *, bool ready);
void	 login_scram_run_first(struct server_call *, struct users *);
/* Was there a challenge?  It is remembered for the proof. */
bool	 login_scram_done_first(const struct server_call *,
	    struct login_scram *);
int	 login_scram_check_final(struct server_call *, bool ready);
/* True: the proof is good, and the user's. */
bool	 login_scram_run_final(struct server_call *, struct users *,
	    const struct login_scram *, struct user *);

/* ---- in the door: login_sasl.c ---- */

/* Are the words of this mechanism offered on this stream?  As configured, and
 * SCRAM-SHA-256 when every user has keys for it; its PLUS form where there is
 * something to bind it to. */
bool	 login_way_offers(const struct conf_list *mechanisms, bool scram,
	    const struct stream *, enum sasl_mechanism);
/* Call fn for each mechanism offered, the strongest first. */
void	 login_way_mechanisms(const struct conf_list *mechanisms, bool scram,
	    const struct stream *, void (*fn)(const char *, void *), void *);

/* How a door asks its monitor. */
struct login_way {
	struct server_session *server;
	struct stream	*stream;
	unsigned	 first, final;	/* its operations of SCRAM */
	struct login_scram_final_reply *reply;	/* room for all of the
					 * second one's */
};

/* sasl_begin() and sasl_step(), the monitor being asked when SCRAM needs it to
 * be.  SASL_DONE comes also when it said no: sasl->verdict. */
enum sasl_result login_way_begin(const struct login_way *, struct sasl *,
	    enum sasl_mechanism, const char *initial, size_t len);
enum sasl_result login_way_step(const struct login_way *, struct sasl *,
	    const char *, size_t);

#endif
