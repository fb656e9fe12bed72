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
	const char		*args;	/* positional: 's' a string, 'S' strings,
					 * 'n' a number; "[" before those that
					 * may be missing; then 't' a test, 'T'
					 * a list of tests, 'b' a block */
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
	const struct sieve_tag	*tag[SIEVE_TAGS_MAX];	/* as written */
	const struct sieve_arg	*value[SIEVE_TAGS_MAX];	/* NULL: it has none */
	size_t			 ntags;
	struct sieve_call	*tests;		/* the first */
	struct sieve_call	*block;
	struct sieve_call	*next;		/* beside it */
	void			*compiled;	/* what check made of constants,
						 * from sieve_call_alloc() */
};

/* Memory that lives as long as the script: for check.  NULL: no memory. */
void	*sieve_call_alloc(struct sieve_call *, size_t);

/* The tag of this name, as it stands in a call: 1 (and its value, when value
 * is not NULL), or 0. */
int	 sieve_tag(const struct sieve_call *, const char *name,
	    const struct sieve_arg **value);

/* ---- a run ---- */

/* The message as the tests see it. */
struct sieve_header {
	struct buf	 text;		/* the header, when it was edited */
	bool		 edited;
};

struct sieve_run {
	const struct sieve_script *script;
	const struct sieve_user	*user;
	const struct sieve_mail	*mail;
	const struct sieve_watch *watch;
	struct plan		*plan;
	bool			 keep;		/* the implicit one, so far */
	bool			 stopped;
	bool			 failed;
	unsigned		 steps;
	unsigned		 line;		/* of the command that runs */
	const char		*file;
	struct sieve_header	 header;
	struct sieve_vars	*vars;		/* sieve_vars.h */
	struct sieve_body	*body;		/* sieve_body.c's, or NULL */
	struct sieve_flags	*flags;		/* sieve_flags.c's: the current
						 * set, or NULL */
	struct sieve_actions	*actions;	/* sieve_actions.c's */
	unsigned		 depth;		/* of include */
};

/* The header as it is now: its text and length, empty line included. */
const char *sieve_header_text(const struct sieve_run *, size_t *);

/* What is wrong while it runs; the script ends and the mail is kept.
 * Returns -1. */
int	 sieve_fail(struct sieve_run *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* No memory: the mail is tried again.  Returns -1. */
int	 sieve_nomem(struct sieve_run *);

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

extern const struct sieve_tags sieve_match_tags;	/* :is ... :comparator */
extern const struct sieve_tags sieve_part_tags;		/* :all :localpart ... */
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

/*
 * Does one of the keys match?  Begin, give every value (a :count only counts
 * them), end.  1 true, 0 false (each value may say 1, and no more need be
 * given), -1 as run.  Sets the match variables (RFC 5229, section 3.2).
 */
struct sieve_matching {
	struct sieve_run	*run;
	const struct sieve_call	*call;
	const struct sieve_arg	*keys;
	struct sieve_match	 how;
	size_t			 count;
	const char		*what;	/* for -t: 'header "Subject"' */
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

#endif
