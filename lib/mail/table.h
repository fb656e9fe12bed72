/* SPDX-License-Identifier: ISC
 *
 * A file of aliases or addresses (grammar/alias.h) in memory, read again when
 * it changed.  A file with a fault is not taken, and the old one stays.
 */
#ifndef MAIL_TABLE_H
#define MAIL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "grammar/alias.h"
#include "system/conf.h"
#include "system/stamp.h"

#define TABLE_FILE_MAX	(64u << 20)

struct table_entry {
	const char	*name;		/* in lower case, as alias_next() */
	const char	*targets;	/* each with a NUL; "" ends them */
	size_t		 start;		/* in the text */
	unsigned	 line;
};

struct table {
	const char	*path;		/* "": always empty */
	enum alias_form	 form;
	bool		 optional;	/* it may be missing, and come later */
	struct stamp	 stamp;
	const char	*fault;		/* others than its owner may write in
					 * it, as trust_fault(); NULL: no */
	struct buf	 text;
	struct table_entry *entries;	/* sorted by name */
	size_t		 n;
};

/* Whose the file is. */
static inline uid_t
table_owner(const struct table *t)
{
	return t->stamp.st.st_uid;
}

/* Read the file; path must outlive the table and may be "".  0, or -1 with
 * one line in error[CONF_ERROR_MAX], and the table is empty. */
int	 table_open(struct table *, const char *path, enum alias_form,
	    bool optional, char *error);
void	 table_close(struct table *);

/* Read it again when it changed, and look again who may write in it.  A fault
 * is logged. */
void	 table_refresh(struct table *);

/* NULL: there is no such name. */
const struct table_entry *table_find(const struct table *, const char *name);

/* The next target, or NULL. */
const char *table_target(const char **targets);

#endif
