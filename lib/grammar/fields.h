/* SPDX-License-Identifier: ISC
 *
 * The header of a message as a list that can be changed: by filters, which
 * add, insert, replace and delete fields.  In disk form (LF).
 */
#ifndef GRAMMAR_FIELDS_H
#define GRAMMAR_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "grammar/header.h"

#define FIELDS_MAX	20000		/* how many */
#define FIELDS_BYTES_MAX (2 * 1024 * 1024) /* of all, and of all changes */

struct field {
	const char	*text;		/* with its line end */
	size_t		 len;
	char		*own;		/* the same when it is ours, or NULL */
};

struct fields {
	struct field	*v;
	size_t		 n, cap;
	size_t		 bytes;		/* that were ever in it */
};

/*
 * Take the header at the start of a text, which must outlive the list; an
 * all-zero list is an empty one.  *len becomes its octets with the blank line.
 * 0, or -1: no memory, or too many.
 */
int	 fields_parse(struct fields *, const char *, size_t n, size_t *len);
void	 fields_free(struct fields *);

/* The parts of one; name_len 0: it is no field. */
void	 field_split(const struct field *, struct header_field *);

/*
 * Put a field before the one that now stands at the place (counted from 1; 0
 * is 1), or at the end.  A value may have line ends of any kind: a line that
 * would not be a continuation gets a tab.  leading: the value has what stands
 * between colon and text; else a space is written.  0, or -1 as above, or the
 * name is none.
 */
int	 fields_insert(struct fields *, size_t place, const char *name,
	    const char *value, bool leading);
#define FIELDS_END	((size_t)-1)

/*
 * Give the index-th field of this name (from 1; 0 is 1) another value; "" takes
 * it away.  Where there is none, a value is put at the end.  0, or -1.
 */
int	 fields_change(struct fields *, size_t index, const char *name,
	    const char *value, bool leading);

/* Take all fields of this name away. */
void	 fields_remove(struct fields *, const char *name);

/* Put a text that holds whole fields before all; nothing when it is "".
 * 0, or -1 as above, or a line of it is no field. */
int	 fields_prepend(struct fields *, const char *, size_t n);

#endif
