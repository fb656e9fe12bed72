/* SPDX-License-Identifier: ISC
 *
 * BODY[...] and its kin: which octets of the wire form a section is, and
 * sending them as a literal.  A chosen set of fields is walked twice, once to
 * know its length, once to send it, so that a header of any size needs no
 * memory.
 */
#include <string.h>

#include "fetch.h"
#include "grammar/chars.h"
#include "system/log.h"

/* Where a section is.  absent: there is no such part, the answer is NIL. */
struct range {
	uint64_t	offset, length;
	bool		absent;
};

/*
 * The fields of a header by name.
 */

void
fetch_filter_init(struct fetch_filter *f, const struct imap_section *section,
    int (*emit)(void *, const char *, size_t), void *arg)
{
	memset(f, 0, sizeof(*f));
	f->section = section;
	f->emit = emit;
	f->arg = arg;
	f->at_start = true;
}

/* Is the field whose name ended with next one of those wanted?  A line
 * without a colon, and a name longer than any that is kept, is none. */
static bool
wanted(const struct fetch_filter *f, char next)
{
	size_t i, n = next == ':' ? f->name_len : 0;
	bool listed = false;

	while (n > 0 && (f->name[n - 1] == ' ' || f->name[n - 1] == '\t'))
		n--;
	for (i = 0; i < f->section->nfield && !listed && n > 0; i++)
		listed = chars_equal(f->name, n, f->section->field[i].s,
		    f->section->field[i].len);
	return listed == (f->section->kind == IMAP_SECTION_FIELDS);
}

/* The name is over: pass it on, or not. */
static int
end_name(struct fetch_filter *f, char next)
{
	f->in_name = false;
	f->keep = wanted(f, next);
	if (!f->keep || f->name_len == 0)
		return 0;
	return f->emit(f->arg, f->name, f->name_len);
}

/* The first octet of a line: what kind of line is it? */
static void
begin_line(struct fetch_filter *f, char c)
{
	f->at_start = false;
	if (c == '\r' || c == '\n') {
		f->keep = true;		/* the blank line is always there */
		f->in_name = false;
	} else if (c != ' ' && c != '\t') {
		f->in_name = true;
		f->name_len = 0;
	}
}

/* Octets of a name; how many were taken. */
static size_t
take_name(struct fetch_filter *f, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && p[i] != ':' && p[i] != '\n'; i++) {
		if (f->name_len == sizeof(f->name))
			break;
		f->name[f->name_len++] = p[i];
	}
	return i;
}

int
fetch_filter(struct fetch_filter *f, const char *p, size_t n)
{
	const char *end = p + n, *lf;
	size_t k;
	int r = 0;

	while (p < end && r == 0) {
		if (f->at_start)
			begin_line(f, *p);
		if (f->in_name) {
			p += take_name(f, p, (size_t)(end - p));
			if (p == end)
				break;
			r = end_name(f, *p);
			continue;
		}
		lf = memchr(p, '\n', (size_t)(end - p));
		k = lf != NULL ? (size_t)(lf - p) + 1 : (size_t)(end - p);
		if (f->keep)
			r = f->emit(f->arg, p, k);
		f->at_start = lf != NULL;
		p += k;
	}
	return r;
}

int
fetch_filter_end(struct fetch_filter *f)
{
	return f->in_name ? end_name(f, '\0') : 0;
}

/*
 * Where a section is.
 */

static void
header_range(const struct mime_part *p, struct range *r)
{
	r->offset = p->header_off;
	r->length = p->header_len;
}

static void
body_range(const struct mime_part *p, struct range *r)
{
	r->offset = p->body_off;
	r->length = p->body_len;
}

/* The parts of the message with a number. */
static int
part_range(struct fetch_message *m, const struct imap_section *sec,
    struct range *r)
{
	const struct mime_part *part;

	if (fetch_message_parse(m, true) == -1)
		return -1;
	part = mime_find(&m->mime, sec->path, sec->npath);
	if (part == NULL) {
		r->absent = true;
		return 0;
	}
	if (sec->kind == IMAP_SECTION_ALL)
		body_range(part, r);
	else if (sec->kind == IMAP_SECTION_MIME)
		header_range(part, r);
	else if (part->kind != MIME_MESSAGE)
		r->absent = true;	/* RFC 3501 6.4.5: only of messages */
	else if (sec->kind == IMAP_SECTION_TEXT)
		body_range(&m->mime.part[part->child], r);
	else
		header_range(&m->mime.part[part->child], r);
	return 0;
}

/* Of the message as a whole no structure needs to be known. */
static int
message_range(struct fetch_message *m, const struct imap_section *sec,
    struct range *r)
{
	uint64_t size = 0, body = 0;

	if (fetch_message_open(m) == -1)
		return -1;
	m->failed = MAILBOX_TEMPORARY;
	if (sec->kind != IMAP_SECTION_ALL &&
	    message_body(m->message, &body) == -1)
		return -1;
	if (sec->kind == IMAP_SECTION_ALL || sec->kind == IMAP_SECTION_TEXT) {
		if (message_size(m->message, &size) == -1)
			return -1;
		mailbox_sized(m->box, m->seq, size);
	}
	m->failed = MAILBOX_OK;
	r->offset = sec->kind == IMAP_SECTION_TEXT ? body : 0;
	r->length = sec->kind == IMAP_SECTION_ALL ? size :
	    sec->kind == IMAP_SECTION_TEXT ? size - body : body;
	return 0;
}

/*
 * Sending.
 */

struct sender {
	int		(*emit)(void *, const char *, size_t);
	void		*arg;
	uint64_t	 skip, left;	/* of a partial */
	uint64_t	 total;		/* octets seen */
	bool		 dry;		/* only count */
	int		 stopped;	/* what emit returned, not 0 */
};

/* Octets of a literal; NUL, which IMAP can not carry (RFC 3501 section 9),
 * goes as 0x80. */
int
fetch_octets(struct session *s, const char *p, size_t n)
{
	const char *nul;

	while ((nul = memchr(p, '\0', n)) != NULL) {
		stream_write(s->io, p, (size_t)(nul - p));
		stream_write(s->io, "\x80", 1);
		n -= (size_t)(nul - p) + 1;
		p = nul + 1;
	}
	return stream_write(s->io, p, n);
}

static int
send_piece(void *arg, const char *p, size_t n)
{
	struct sender *to = arg;

	to->total += n;
	if (to->dry)
		return 0;
	if (to->skip >= n) {
		to->skip -= n;
		return 0;
	}
	p += to->skip;
	n -= (size_t)to->skip;
	to->skip = 0;
	if (n > to->left)
		n = (size_t)to->left;
	to->left -= n;
	to->stopped = to->emit(to->arg, p, n);
	return to->stopped;
}

static int
emit_client(void *arg, const char *p, size_t n)
{
	return fetch_octets(arg, p, n) == -1;
}

static int
filter_piece(void *arg, const char *p, size_t n)
{
	return fetch_filter(arg, p, n);
}

static bool
is_filtered(const struct imap_section *sec)
{
	return sec->kind == IMAP_SECTION_FIELDS ||
	    sec->kind == IMAP_SECTION_FIELDS_NOT;
}

/* Pass the octets of a section to the sender. */
static int
walk(struct fetch_message *m, const struct imap_section *sec,
    const struct range *r, struct sender *to)
{
	struct fetch_filter filter;

	if (!is_filtered(sec))
		return message_stream(m->message, r->offset, r->length,
		    send_piece, to);
	fetch_filter_init(&filter, sec, send_piece, to);
	if (message_stream(m->message, r->offset, r->length, filter_piece,
	    &filter) != 0)
		return -1;
	return fetch_filter_end(&filter);
}

static void
send_absent(struct fetch_message *m, const struct imap_section *sec,
    const struct buf *head)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_add(&b, head->data, head->len);
	imap_section_write(&b, sec);
	buf_adds(&b, " NIL");
	stream_write(m->session->io, b.data, b.len);
	buf_free(&b);
}

void
fetch_cut(const struct imap_section *sec, uint64_t total, uint64_t *skip,
    uint64_t *length)
{
	*skip = 0;
	*length = total;
	if (!sec->partial)
		return;
	*skip = sec->offset < total ? sec->offset : total;
	*length = total - *skip;
	if (*length > sec->length)
		*length = sec->length;
}

static void
send_head(struct fetch_message *m, const struct imap_section *sec,
    const struct buf *head, uint64_t length)
{
	struct buf b;

	buf_init(&b, 128 << 20);
	buf_add(&b, head->data, head->len);
	imap_section_write(&b, sec);
	buf_addf(&b, " {%llu}\r\n", (unsigned long long)length);
	stream_write(m->session->io, b.data, b.len);
	buf_free(&b);
}

/* Find out what there is to send, and cut it to what is wanted: 0, or -1 and
 * m->failed says why. */
static int
prepare(struct fetch_message *m, const struct imap_section *sec,
    struct range *r, struct sender *to)
{
	uint64_t total;

	if ((sec->npath > 0 ? part_range(m, sec, r) :
	    message_range(m, sec, r)) == -1)
		return -1;
	if (r->absent)
		return 0;
	total = r->length;
	if (is_filtered(sec)) {
		to->dry = true;
		if (walk(m, sec, r, to) != 0) {
			m->failed = MAILBOX_TEMPORARY;
			return -1;
		}
		to->dry = false;
		total = to->total;
	}
	fetch_cut(sec, total, &to->skip, &to->left);
	if (!is_filtered(sec)) {
		/* Nothing before the part asked for need be read. */
		r->offset += to->skip;
		r->length = to->left;
		to->skip = 0;
	}
	return 0;
}

int
fetch_section(struct fetch_message *m, const struct imap_section *sec,
    const struct buf *head)
{
	struct sender to = { .emit = emit_client, .arg = m->session };
	struct range r = { 0, 0, false };

	if (fetch_is_binary(sec))
		return fetch_binary(m, sec, head);
	if (prepare(m, sec, &r, &to) == -1)
		return -1;
	if (r.absent) {
		send_absent(m, sec, head);
		return 0;
	}
	send_head(m, sec, head, to.left);
	if (walk(m, sec, &r, &to) == 0 && to.left == 0)
		return 0;
	if (to.stopped == 0)
		log_warn("fetch", "error=\"message changed while it was "
		    "sent\"");
	return -2;
}

int
fetch_section_emit(struct fetch_message *m, const struct imap_section *sec,
    int (*emit)(void *, const char *, size_t), void *arg)
{
	struct sender to = { .emit = emit, .arg = arg };
	struct range r = { 0, 0, false };

	if (prepare(m, sec, &r, &to) == -1)
		return -1;
	if (r.absent) {
		m->failed = MAILBOX_NONE;
		return -1;
	}
	if (walk(m, sec, &r, &to) == 0 && to.left == 0)
		return 0;
	if (to.stopped != 0)
		return to.stopped;
	m->failed = MAILBOX_TEMPORARY;
	return -1;
}
