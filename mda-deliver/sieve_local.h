/* SPDX-License-Identifier: ISC
 *
 * What the files of the Sieve engine share.  Every word of the language is a
 * row of a table in the file that implements it; sieve_words.c lists the
 * tables, sieve_check.c holds a script against them, sieve_run.c walks it.
 */
#ifndef MDA_DELIVER_SIEVE_LOCAL_H
#define MDA_DELIVER_SIEVE_LOCAL_H

#include "bytes/buf.h"
#include "sieve.h"

#define SIEVE_TAGS_MAX	20		/* of one word */
#define SIEVE_ARGS_MAX	4		/* behind them */
#define SIEVE_VALUE_MAX	(64u << 10)	/* octets of one string at run time */
#define SIEVE_STEPS_MAX	100000		/* commands and tests of one run */

struct sieve_call;
struct sieve_run;

/* A tag that a word takes.  Of those with the same group (not 0) one may
 * stand. */
struct sieve_tag {
	const char	*name;		/* without its colon */
	const char	*needs;		/* the extension, or NULL */
	char		 arg;		/* 0 none, 's' a string, 'S' strings,
					 * 'n' a number */
	unsigned char	 group;
};

/* Rows that many words share: the rows of a table, or of several. */
struct sieve_tags {
	const struct sieve_tag	*rows;
	size_t			 n;
};

enum sieve_word_kind { SIEVE_TEST, SIEVE_ACTION, SIEVE_CONTROL };

struct sieve_word {
	const char		*name;
	const char		*needs;	/* the extension, or NULL */
	enum sieve_word_kind	 kind;
	const char		*args;	/* positional: 's' a string, 'S'
					 * strings, 'n' a number; "[" before
					 * those that may be missing; then 't'
					 * a test, 'T' a list of tests, 'b' a
					 * block */
	const struct sieve_tags	*tags[4]; /* NULL: no more */
	/* Look at one use when the script is compiled: 0, or -1 with *why
	 * (static).  NULL: nothing to check. */
	int			(*check)(struct sieve_call *, const char **why);
	/* Test: 1 true, 0 false.  Others: 0 go on.  -1: sieve_fail() or
	 * sieve_stop() was called. */
	int			(*run)(struct sieve_run *,
				    const struct sieve_call *);
};

/* One use of a word, with its arguments in their places. */
struct sieve_call {
	const struct sieve_word	*word;
	unsigned		 line;
	const struct sieve_arg	*arg[SIEVE_ARGS_MAX];
	const struct sieve_tag	**tag;	/* as written, and */
	const struct sieve_arg	**value; /* their values; NULL: it has none */
	size_t			 ntags;
	struct sieve_call	*tests;		/* the first */
	struct sieve_call	*block;
	struct sieve_call	*next;		/* beside it */
	struct sieve_script	*script;
	void			*compiled;	/* what check made of constants,
						 * from sieve_call_alloc() */
	const char		*broken;	/* NULL, or why it is none:
						 * of a script with ihave */
	uint64_t		 needs;		/* extensions that ihave must
						 * have found before */
};

/* For check: memory that lives as long as the script, zeroed (NULL: no
 * memory); and what is to be called, with this argument, when the script is
 * freed: 0, or -1: no memory, and it was called. */
void	*sieve_call_alloc(struct sieve_call *, size_t);
int	 sieve_call_defer(struct sieve_call *, void (*)(void *), void *);

/* For check: is the extension required, or one that ihave may find?  A
 * script with ihave takes all that we have. */
bool	 sieve_call_may(const struct sieve_call *, const char *extension);
/* Likewise; and where ihave has not found it, the call cannot be run. */
bool	 sieve_call_needs(struct sieve_call *, const char *extension);

/* The tag of this name, as it stands in a call: 1 (and its value, when value
 * is not NULL), or 0. */
int	 sieve_tag(const struct sieve_call *, const char *name,
	    const struct sieve_arg **value);

/* ---- a run ---- */

/* The message as the tests see it. */
struct sieve_header {
	size_t		 original;	/* octets of it in the mail's text, with
					 * the empty line */
	struct buf	 text;		/* the header, when it was edited */
	bool		 edited;
};

struct sieve_run {
	const struct sieve_script *main;	/* that includes the others */
	const struct sieve_script *script;
	const struct sieve_user	*user;
	const struct sieve_mail	*mail;
	const struct sieve_watch *watch;
	struct plan		*plan;
	bool			 keep;		/* the implicit one, so far */
	bool			 stopped;
	bool			 failed;
	bool			 nomem;
	unsigned		 steps;
	unsigned		 line;		/* of the command that runs */
	const char		*file;
	struct sieve_header	 header;
	struct sieve_vars	*vars;		/* sieve_vars.h */
	struct sieve_body	*body;		/* sieve_body.c's, or NULL */
	struct sieve_flags	*flags;		/* sieve_flags.c's: the current
						 * set, or NULL */
	struct sieve_actions	*actions;	/* sieve_actions.c's */
	struct sieve_include	*include;	/* sieve_include.c's */
	uint64_t		 enabled;	/* extensions of the script that
						 * runs, by require and ihave */
	bool			 returned;	/* from this script only */
	uint64_t		 work;		/* octets that were looked at */
	uint64_t		 wire_size;	/* of the message; 0: unknown */
};

#define SIEVE_WORK_MAX	(4ull << 30)

/* Octets are looked at: 0; -1 as sieve_fail(): it takes too long. */
int	 sieve_work(struct sieve_run *, uint64_t octets);

/* What each file has of a run: freed at its end; NULL is fine. */
void	 sieve_vars_free(struct sieve_vars *);
void	 sieve_body_free(struct sieve_body *);
void	 sieve_flags_free(struct sieve_flags *);
void	 sieve_actions_free(struct sieve_actions *);
void	 sieve_include_free(struct sieve_include *);

/* At the end of a run without a fault: add the implicit keep when run->keep
 * says so (with the flags of now, and the edited header), and what is only
 * known then.  sieve_actions.c.  0, -1 as run. */
int	 sieve_actions_end(struct sieve_run *);

/* Do we have this extension (or "comparator-...")?  Is it on: required, or
 * found by ihave?  Turn it on. */
bool	 sieve_available(const char *extension);
bool	 sieve_enabled(const struct sieve_run *, const char *extension);
void	 sieve_enable(struct sieve_run *, const char *extension);

/* The header as it is now: its text and length, empty line included. */
const char *sieve_header_text(const struct sieve_run *, size_t *);

/* What is wrong while it runs; the script ends and the mail is kept.
 * Returns -1. */
int	 sieve_fail(struct sieve_run *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* No memory: the mail is tried again.  Returns -1. */
int	 sieve_nomem(struct sieve_run *);
/* End the script here, without a fault.  Returns -1. */
int	 sieve_stop(struct sieve_run *);

/* For -t: what is done and why; nothing without a watch. */
void	 sieve_say(const struct sieve_run *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* A string of the script with its ${variables} filled in (as it is where
 * "variables" is not required): to buf, emptied first; at most
 * SIEVE_VALUE_MAX octets, cut at a character.  0, -1 as sieve_nomem(). */
int	 sieve_expand(struct sieve_run *, const struct sieve_string *,
	    struct buf *);

/* Run commands, or one test: as struct sieve_word's run. */
int	 sieve_run_block(struct sieve_run *, const struct sieve_call *first);
int	 sieve_run_test(struct sieve_run *, const struct sieve_call *);

/* An action was added to the plan whose message's header is the one of now:
 * returns the number for struct dest's edit, or -1 as sieve_nomem(). */
int	 sieve_edit_number(struct sieve_run *);

/* ---- matching: sieve_match.c ---- */

enum sieve_match_kind {
	SIEVE_IS, SIEVE_CONTAINS, SIEVE_MATCHES, SIEVE_REGEX, SIEVE_VALUE,
	SIEVE_COUNT
};
enum sieve_relation {
	SIEVE_GT, SIEVE_GE, SIEVE_LT, SIEVE_LE, SIEVE_EQ, SIEVE_NE
};
enum sieve_comparator {
	SIEVE_ASCII_CASEMAP,		/* the default */
	SIEVE_OCTET, SIEVE_ASCII_NUMERIC, SIEVE_UNICODE_CASEMAP
};
enum sieve_part {
	SIEVE_ALL, SIEVE_LOCALPART, SIEVE_DOMAIN, SIEVE_USER, SIEVE_DETAIL
};

extern const struct sieve_tags sieve_match_tags; /* :is ... :comparator */
extern const struct sieve_tags sieve_part_tags;	/* :all :localpart ... */
extern const struct sieve_tags sieve_index_tags;	/* :index :last */

/* How a test compares, from its tags. */
struct sieve_match {
	enum sieve_match_kind	 kind;
	enum sieve_relation	 relation;
	enum sieve_comparator	 comparator;
};

/* For a word's check: tags that do not go together, comparators that nobody
 * has, expressions that are none.  keys: which arg has them. */
int	 sieve_match_check(struct sieve_call *, size_t keys,
	    const char **why);

#define SIEVE_SHOWN	64		/* octets of a value, in -t */

/* A text for a person: cut, without control characters.  Returns out. */
char	*sieve_shown(char out[SIEVE_SHOWN], const char *, size_t);

/*
 * Does one of the keys match?  Begin, give every value (a :count only counts
 * them), end, also after a failure.  1 true, 0 false (each value may say 1,
 * and no more need be given), -1 as run.  Sets the match variables (RFC 5229,
 * section 3.2).
 */
struct sieve_matching {
	struct sieve_run	*run;
	const struct sieve_call	*call;
	const struct sieve_arg	*keys;
	struct sieve_match	 how;
	size_t			 count;
	const char		*what;	/* for -t: 'header "Subject"' */
	bool			 no_capture; /* the caller's: leave the match
					 * variables alone */
	bool			 matched;
	struct sieve_keys	*ready;		/* sieve_match.c's */
	char			 shown[SIEVE_SHOWN]; /* the last value */
};
void	 sieve_match_begin(struct sieve_matching *, struct sieve_run *,
	    const struct sieve_call *, const struct sieve_arg *keys);
int	 sieve_match_value(struct sieve_matching *, const char *value,
	    size_t len);
int	 sieve_match_end(struct sieve_matching *);

/* ---- variables: sieve_vars.c ---- */

/* The texts of ${0} to ${9} after a match; n of them.  0, -1 no memory. */
int	 sieve_vars_matched(struct sieve_run *, const struct sieve_string *,
	    size_t n);

/* For include: begin a script that shares no more than the global variables,
 * and go back to the one before it.  0, -1 no memory. */
int	 sieve_vars_enter(struct sieve_run *);
void	 sieve_vars_leave(struct sieve_run *);
/* In this script the name is the global variable.  1; 0: it was set in this
 * script before; -1 as run. */
int	 sieve_vars_global(struct sieve_run *, const char *name);
/* Is it a name that a variable may have, without a namespace? */
bool	 sieve_vars_is_name(const struct sieve_string *);

/* ---- tables: each in the file that implements it ---- */

extern const struct sieve_word
	sieve_control_words[],		/* sieve_control.c: require if stop ...
					 * allof anyof not true false */
	sieve_test_words[],		/* sieve_tests.c: address header
					 * envelope exists size */
	sieve_vars_words[],		/* sieve_vars.c: set string */
	sieve_body_words[],		/* sieve_body.c */
	sieve_date_words[],		/* sieve_date.c: date currentdate */
	sieve_flags_words[],		/* sieve_flags.c: setflag hasflag ... */
	sieve_world_words[],		/* sieve_world.c: environment ihave
					 * error mailboxexists
					 * specialuse_exists ... */
	sieve_action_words[],		/* sieve_actions.c: keep fileinto
					 * redirect discard reject ereject */
	sieve_vacation_words[],		/* sieve_vacation.c */
	sieve_notify_words[],		/* sieve_notify.c */
	sieve_edit_words[],		/* sieve_edit.c: addheader
					 * deleteheader */
	sieve_duplicate_words[],	/* sieve_duplicate.c */
	sieve_include_words[];		/* sieve_include.c: include return
					 * global */

/* :flags :create :copy :specialuse :mailboxid, of keep, fileinto, redirect. */
extern const struct sieve_tags sieve_flags_tags;	/* sieve_flags.c */

/* The flags and keywords of a message that an action stores: what its :flags
 * says, else the current ones; those that IMAP knows, blanks between them, to
 * buf, emptied first.  call NULL: the implicit keep.  0, -1 as run. */
int	 sieve_flags_list(struct sieve_run *, const struct sieve_call *,
	    struct buf *);

#endif
