/* SPDX-License-Identifier: ISC
 *
 * The letters of sendmail(8), as programs have given them for decades.
 */
#ifndef SMTP_SEND_SENDMAIL_ARGS_H
#define SMTP_SEND_SENDMAIL_ARGS_H

#include <stdbool.h>

#include "mail/envelope.h"

enum sendmail_mode {
	SENDMAIL_MAIL,		/* -bm */
	SENDMAIL_SMTP,		/* -bs */
	SENDMAIL_LIST,		/* -bp, mailq */
	SENDMAIL_VERIFY,	/* -bv */
	SENDMAIL_QUEUE,		/* -q */
	SENDMAIL_NOTHING	/* what there is no need for here: -bd, -bi */
};

struct sendmail_args {
	enum sendmail_mode mode;
	bool		 from_header;	/* -t */
	bool		 ignore_dots;	/* -i, -oi */
	const char	*sender;	/* -f, -r; NULL none */
	const char	*name;		/* -F; NULL none */
	const char	*file;		/* -C; NULL none */
	const char	*which;		/* of -q: "Iid", "Rrcpt", "Ssender"; ""
					 * all */
	unsigned	 notify;	/* -N: ENVELOPE_*; 0 not said */
	enum envelope_ret ret;		/* -R */
	const char	*envid;		/* -V; NULL none */
};

/*
 * Take the letters; optind(3) is the first recipient.  Letters that would
 * change nothing here, and those that nobody knows, are passed over.  0; -1
 * said on standard error: an argument is missing, or -b, -N, -R or -V has one
 * that is none.
 */
int	 sendmail_args(struct sendmail_args *, int argc, char **argv);

#endif
