/* SPDX-License-Identifier: ISC
 *
 * A configuration file of `key value ...` lines, read by one table.  This
 * module knows types, not keys: the keys stand in mail/settings.c.
 *
 *	# a comment; also behind a value, after white space
 *	hostname mx.example.org
 *	domains  example.org example.net
 *	spool    "/var/spool/std mail"
 *
 * Words are separated by blanks; a word in double quotes may hold blanks and
 * '#', with \" and \\ inside.  A key that holds one value may stand only
 * once; lists add up.  Every message is `file:line: what is wrong`.
 */
#ifndef SYSTEM_CONF_H
#define SYSTEM_CONF_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

enum conf_type {
	CONF_STRING,	/* char *, one word */
	CONF_WORDS,	/* char *, one word or more, a space between them; the
			 * rule is for all of it */
	CONF_PATH,	/* char *, one word, absolute or relative to where
			 * the program was started; never empty */
	CONF_BOOL,	/* bool: yes no on off true false */
	CONF_INT,	/* long long, within min and max */
	CONF_SIZE,	/* long long, bytes: 10, 10K, 25M, 2G (K 1024) */
	CONF_DURATION,	/* long long, seconds: 90, 90s, 5m, 4h, 5d, 1w */
	CONF_LIST,	/* struct conf_list */
	CONF_NETS,	/* struct conf_nets: 192.0.2.0/24 2001:db8::/32 ::1 */
	CONF_PAIRS	/* struct conf_pairs: exactly two words, repeatable */
};

struct conf_list {
	char	**v;
	size_t	  n;
};

struct conf_net {
	unsigned char	addr[16];	/* IPv4 stands in ::ffff:0:0/96 */
	int		bits;		/* 0 to 128, counted in that form */
};

struct conf_nets {
	struct conf_net	*v;
	size_t		 n;
};

struct conf_pair {
	char	*name;
	char	*value;
};

struct conf_pairs {
	struct conf_pair *v;
	size_t		  n;
};

/* One key: where its value goes in the caller's struct, and its default, in
 * the words a file would use (NULL: empty, zero, no). */
struct conf_key {
	const char	*name;
	enum conf_type	 type;
	size_t		 offset;
	const char	*def;
	long long	 min, max;	/* of numbers; both 0: >= 0 */
	/* A further rule for a STRING or PATH, each word of a LIST or the
	 * second of PAIRS; NULL: none.  Returns NULL or what is wrong, such
	 * as "is not a host name". */
	const char	*(*rule)(const char *value);
};

#define CONF_ERROR_MAX	512	/* room for any message, NUL included */

/* Fill target with the defaults of all n keys; what it held is not freed. 0,
 * or -1 no memory. */
int	 conf_defaults(const struct conf_key *, size_t n, void *target);

/* Release what the target holds and zero its fields. */
void	 conf_free(const struct conf_key *, size_t n, void *target);

/* Read text (len bytes, the contents of file) over the defaults.  0, or -1
 * with the message in error[CONF_ERROR_MAX]; the target then holds part of
 * it and is to be freed. */
int	 conf_parse(const struct conf_key *, size_t n, void *target,
	    const char *file, const char *text, size_t len, char *error);

/* Read the file (at most 1 MiB).  As conf_parse(); a file that does not
 * exist returns 1 and changes nothing. */
int	 conf_read(const struct conf_key *, size_t n, void *target,
	    const char *file, char *error);

/* One `key=value ...` of the command line; replaces what file or default
 * said (a pair or a list key given by several -o adds up among these, so
 * the caller passes all of them at once).  As conf_parse(). */
int	 conf_override(const struct conf_key *, size_t n, void *target,
	    const char *const *assignments, size_t nassign, char *error);

/* Parse one network or address: 0, or -1. */
int	 conf_net_parse(struct conf_net *, const char *);

/* Is the address in one of the networks?  sockaddr of another family, and
 * NULL, are in none.  IPv4-mapped IPv6 matches as IPv4. */
bool	 conf_nets_match(const struct conf_nets *, const struct sockaddr *);

/* The same for an address in text, as struct peer's ip. */
bool	 conf_nets_match_ip(const struct conf_nets *, const char *ip);

/* Is the word in the list, whatever its letter case? */
bool	 conf_list_has(const struct conf_list *, const char *word);

#endif
