/* SPDX-License-Identifier: ISC
 *
 * A message being fetched: opened and parsed only as far as the items asked
 * for need, and sections of it sent without holding them in memory.
 */
#ifndef IMAPD_FETCH_H
#define IMAPD_FETCH_H

#include "grammar/imap_fetch.h"
#include "grammar/mime.h"
#include "mail/summary.h"
#include "session.h"

struct fetch_message {
	struct session	*session;
	struct mailbox	*box;		/* it is in this one */
	uint32_t	 seq, uid;
	struct message	*message;	/* NULL until it is needed */
	struct mime	 mime;
	int		 parsed;	/* 0 no, 1 the header, 2 all of it */
	enum mailbox_status failed;	/* why it cannot be had */
	bool		 unknown_cte;	/* this is why */
	/* The last part whose decoded form was looked at; MIME_NONE: none. */
	struct {
		uint32_t part;
		uint64_t size;
		bool	 nul;
	} decoded;
};

void	 fetch_message_init(struct fetch_message *, struct session *,
	    uint32_t seq);
void	 fetch_message_free(struct fetch_message *);

/* The same, but the last message stays open and parsed: a client that reads a
 * large one in pieces asks for it again and again. */
void	 fetch_message_resume(struct fetch_message *, struct session *,
	    uint32_t seq);
void	 fetch_message_keep(struct fetch_message *);
void	 fetch_forget(struct session *);

/* Open it, if it is not open; parse its header, or all of it.  0, or -1 and
 * failed says why. */
int	 fetch_message_open(struct fetch_message *);
int	 fetch_message_parse(struct fetch_message *, bool whole);

/* Have what is needed of a message's summary (SUMMARY bits), from the cache or
 * else the message, and more if it comes with it: 0, or -1 and failed says
 * why. */
int	 fetch_summary(struct fetch_message *, unsigned need, unsigned more,
	    struct summary_view *v);

/*
 * Send a section: its name, and NIL or the literal.  head is what is written
 * before.  0; -1: failed before anything was sent, head included; -2: the
 * message became shorter while it was sent, or the client is gone, and the
 * session must end.
 */
int	 fetch_section(struct fetch_message *, const struct imap_section *,
	    const struct buf *head);

/* The same to anyone else, in pieces: 0; -1 and failed says why, NONE when
 * there is no such section; or what emit returned that was not 0. */
int	 fetch_section_emit(struct fetch_message *,
	    const struct imap_section *,
	    int (*emit)(void *, const char *, size_t), void *arg);

/* BINARY and BINARY.SIZE (RFC 3516).  Whether a section is one of them; send
 * it, with the results of fetch_section(). */
bool	 fetch_is_binary(const struct imap_section *);
int	 fetch_binary(struct fetch_message *, const struct imap_section *,
	    const struct buf *head);
/* Before anything of a message is sent: can all its sections be decoded?  0;
 * -1 and m->failed or m->unknown_cte says why not. */
int	 fetch_binary_check(struct fetch_message *, const struct imap_fetch *);

/*
 * What a FETCH wants of each message, looked at once.  A section with fields
 * is answered from the summary: they are these (summary_field()), and this is
 * its name.
 */
struct fetch_section {
	uint64_t	 fields;	/* 0: not from the summary */
	struct buf	 name;
};

struct fetch_plan {
	const struct imap_fetch *fetch;
	unsigned	 items;		/* with UID where it is implied */
	unsigned	 summary;	/* SUMMARY bits they need */
	bool		 sets_seen;	/* reading sets \Seen */
	struct fetch_section *section;	/* fetch->nsection */
};

/* 0, or -1: no memory.  Freed either way. */
int	 fetch_plan_init(struct fetch_plan *, const struct imap_fetch *,
	    unsigned items);
void	 fetch_plan_free(struct fetch_plan *);

/* Send a section whose fields are in the summary.  head and the result are as
 * with fetch_section(); 1: the summary cannot tell them. */
int	 fetch_fields(struct session *, const struct imap_section *,
	    const struct fetch_section *, const struct summary_view *,
	    const struct buf *head);

/* Octets of a literal: what IMAP can not carry is replaced. */
int	 fetch_octets(struct session *, const char *, size_t);

/* Cut a section of total octets to the part asked for. */
void	 fetch_cut(const struct imap_section *, uint64_t total,
	    uint64_t *skip, uint64_t *length);

/*
 * The fields of a header, chosen by name, in pieces: each octet that belongs
 * to a chosen field, and the blank line, is passed on.
 */
struct fetch_filter {
	const struct imap_section *section;
	char		 name[128];	/* of the field being read */
	size_t		 name_len;
	bool		 in_name, keep, at_start;
	int		(*emit)(void *, const char *, size_t);
	void		*arg;
};

void	 fetch_filter_init(struct fetch_filter *, const struct imap_section *,
	    int (*emit)(void *, const char *, size_t), void *arg);
/* 0, or what emit returned that was not 0. */
int	 fetch_filter(struct fetch_filter *, const char *, size_t);
int	 fetch_filter_end(struct fetch_filter *);

/* Send these items of all messages from this number on. */
void	 fetch_unasked(struct session *, const struct imap_fetch *,
	    uint32_t from);

#endif
