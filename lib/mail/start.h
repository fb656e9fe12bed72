/* SPDX-License-Identifier: ISC
 *
 * How every program starts: its options, -c -o -n -V -h and their long
 * forms, and its settings.  This is the programs' common face, so unlike
 * the rest of the library it prints: help and version on standard output,
 * faults on standard error.  It does not exit: main returns what it says.
 */
#ifndef MAIL_START_H
#define MAIL_START_H

#include "mail/settings.h"

#define STDMAIL_VERSION	"0.1"

/* An option of the program's own.  letter and name are both given; arg is
 * the word for its argument in the help, or NULL when it has none.  Given,
 * it counts *flag up, or sets *value to its argument (the last one wins). */
struct start_option {
	char		 letter;
	const char	*name;
	const char	*arg;
	const char	*help;
	int		*flag;
	const char	**value;
};

struct start {
	const char		  *name;	/* "smtpd" */
	const char		  *usage;	/* "[-T] [-m mx|submission]" */
	const char		  *summary;	/* "one SMTP session ..." */
	const struct start_option *options;	/* ends with letter 0 */
	settings_check *const	  *checks;	/* for -n; ends with NULL */
};

struct server;
struct tls_server;
struct tables;
struct users;

#define START_GO	(-1)	/* settings are loaded: go on */

/* Open the log, parse the options, load the settings.  Returns START_GO, with
 * the index of the first operand in *operand, or the exit code to end with:
 * 0 for -h -V and a good -n, 64 for usage, 78 for configuration (both
 * already said on standard error).  Also makes descriptors 0, 1 and 2 exist
 * and ignores SIGPIPE. */
int	 start(const struct start *, int argc, char **argv,
	    struct settings *, int *operand);

/* The configuration file: -c's, or the default one. */
const char *start_config(void);

/* -c and -o as they were given, for a program of ours that this one starts:
 * how many words were put there. */
#define START_ARGUMENTS	402
size_t	 start_arguments(const char *argv[START_ARGUMENTS]);

/* After SIGHUP: read the same file and the same -o again, into a fresh
 * struct: what depends on it may fail before the old can go.  0, or -1: the
 * fault is logged and fresh holds nothing. */
int	 start_reread(struct settings *fresh);

/*
 * For the daemons.
 */

/* What one prepares for all its sessions. */
struct start_parts {
	struct settings		*settings;	/* by malloc */
	struct users		*users;
	struct tls_server	*tls;		/* NULL: no certificate */
	struct tables		*tables;	/* NULL: it has none */
};

/* Open the users; the tables; load the certificate of the settings, which may
 * have none unless needed is set (-T).  0, or -1 and NULL: logged. */
int	 start_users(const struct settings *, struct users **);
int	 start_tables(const struct settings *, struct tables **);
int	 start_tls(const struct settings *, int needed, struct tls_server **);

/* Before each session: the certificate again, when it changed.  NULL does
 * nothing. */
void	 start_tls_refresh(struct tls_server *);

/* After SIGHUP: everything anew, the server's share of the settings too, and
 * the old is freed; or nothing.  0, or -1: logged, the old serves on. */
int	 start_anew(struct server *, int tls_needed, struct start_parts *);

/* What a server takes from the settings: limits, proxy_from (points into s),
 * idle_exit, and, when we are root, door_user.  For the start and for reload.
 * 0, or -1: logged, there is no such account. */
int	 start_server(struct server *, const struct settings *s);

#endif
