/* SPDX-License-Identifier: ISC
 *
 * The text of the files that say what an address stands for: aliases, as
 * aliases(5) of sendmail and Postfix have it; tables of addresses; and lists
 * of addresses alone.  stdmail-aliases(5) has the grammar.
 *
 *	file	= *( comment / entry )
 *	comment	= *WSP [ "#" *any ] LF		; anywhere, in an entry too
 *	entry	= name [":"] targets LF *( WSP targets LF )
 *	targets	= [ target ] *( "," [ target ] )
 *
 * In a table blanks separate targets as commas do, and no colon stands behind
 * the name.  The members of a list are targets without a name; each line is
 * an entry.
 */
#ifndef GRAMMAR_ALIAS_H
#define GRAMMAR_ALIAS_H

#include <stddef.h>

#include "bytes/buf.h"

#define ALIAS_LINE_MAX	(1u << 20)	/* of an entry, with all its lines */

enum alias_form {
	ALIAS_NAMES,	/* "name: targets"; the name is a local part */
	ALIAS_TABLE,	/* "address targets" or "@domain targets" */
	ALIAS_MEMBERS,	/* "targets" */
	ALIAS_LIST	/* "address" or "@domain"; the rest says nothing */
};

struct alias_reader {
	enum alias_form	 form;
	const char	*p, *end;
	unsigned	 line;		/* lines read so far */
};

void	 alias_reader_init(struct alias_reader *, enum alias_form,
	    const char *text, size_t);

/*
 * The next entry, appended to out as the name, each target, and an empty
 * string, all with a NUL behind them.  *line (from 1) is where it stands.  1;
 * 0 the end; -1 malformed or no room, *why says it, and out holds a part.
 *
 * The name is in lower case and without quotes: "local", "local@domain" or
 * "@domain"; of members it is "".  A target is an address as address_write()
 * has it, "\" and such an address, "@domain" (tables), or begins with "|", "/"
 * or ":", without the quotes that stood around it or behind that.
 */
int	 alias_next(struct alias_reader *, struct buf *out, unsigned *line,
	    const char **why);

/* What a target is; the rest is what follows the sign that says it. */
enum alias_target {
	ALIAS_ADDRESS,
	ALIAS_USER,	/* "\address": whatever else is called so */
	ALIAS_DOMAIN,	/* "@domain": the same name there */
	ALIAS_PROGRAM,	/* "|command"; the rest may be "" */
	ALIAS_FILE,	/* "/path": the rest is the whole */
	ALIAS_INCLUDE,	/* ":include:path"; the rest may be "" */
	ALIAS_UNKNOWN	/* ":" and something else */
};

enum alias_target alias_target(const char *target, const char **rest);

#endif
