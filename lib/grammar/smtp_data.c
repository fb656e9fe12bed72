/* SPDX-License-Identifier: ISC
 *
 * The text of a message on its way in and out: RFC 5321, sections 4.1.1.4
 * and 4.5.2.  It must never take anything but CRLF.CRLF for the end: a server
 * that does lets one message be smuggled in behind another.
 */
#include <string.h>

#include "grammar/smtp_data.h"

/*
 * Where the next octet stands.  A "line start" is behind CRLF; a "bare start"
 * behind a bare LF or CR that the lenient mode takes for a line end.
 */
enum {
	LINE_START,
	TEXT,
	CR,		/* behind a CR, held back */
	CR_RUN,		/* behind CRs, all written: in CR CR LF the CRLF stays
			 * (bytes/crlf.h).  Lenient: behind two, held back */
	DOT,		/* behind a dot at a line start, held back */
	DOT_CR,		/* behind that and a CR, both held back */
	BARE_START,
	BARE_DOT,
	BARE_DOT_CR,
	END
};

void
smtp_data_init(struct smtp_data *d, int lenient)
{
	memset(d, 0, sizeof(*d));
	d->lenient = lenient;
	d->state = LINE_START;
}

int
smtp_data_done(const struct smtp_data *d)
{
	return d->state == END;
}

static size_t
put(char *out, const char *s, size_t n)
{
	memcpy(out, s, n);
	return n;
}

/*
 * Strict: copy the rest of a line, at most to its CRLF.  Returns how many
 * octets were taken; *written how many were put out.
 */
static size_t
strict_text(struct smtp_data *d, const char *in, size_t n, char *out,
    size_t *written)
{
	const char *cr = memchr(in, '\r', n);
	size_t run = cr == NULL ? n : (size_t)(cr - in);

	if (!(d->facts & SMTP_DATA_BARE_LF) && memchr(in, '\n', run) != NULL)
		d->facts |= SMTP_DATA_BARE_LF;
	*written = put(out, in, run);
	if (cr == NULL)
		return run;
	d->state = CR;
	return run + 1;
}

/* Lenient: the same, but a bare LF ends the line too. */
static size_t
lenient_text(struct smtp_data *d, const char *in, size_t n, char *out,
    size_t *written)
{
	const char *lf = memchr(in, '\n', n), *cr;
	size_t run = lf == NULL ? n : (size_t)(lf - in);

	if ((cr = memchr(in, '\r', run)) != NULL) {
		run = (size_t)(cr - in);
		d->state = CR;
	} else if (lf != NULL) {
		d->facts |= SMTP_DATA_BARE_LF;
		d->state = BARE_START;
		*written = put(out, in, run + 1);
		return run + 1;
	}
	*written = put(out, in, run);
	return run + (cr != NULL);
}

/*
 * Lenient, behind one CR or two: whether c was taken.  NOTE: CR CR LF, as
 * broken conversions write it, is one line end; CRs without LF are one each.
 */
static int
lenient_after_cr(struct smtp_data *d, char c, char *out, size_t *written)
{
	if (c == '\r' && d->state == CR) {
		d->state = CR_RUN;
		return 1;
	}
	out[(*written)++] = '\n';
	if (c == '\r')
		return 1;
	if (c == '\n') {
		d->state = LINE_START;
		return 1;
	}
	if (d->state == CR_RUN)
		out[(*written)++] = '\n';
	d->state = BARE_START;
	return 0;
}

/* Behind a CR: whether c was taken. */
static int
after_cr(struct smtp_data *d, char c, char *out, size_t *written)
{
	if (c != '\n')
		d->facts |= SMTP_DATA_BARE_CR;
	if (d->lenient)
		return lenient_after_cr(d, c, out, written);
	if (c == '\n') {
		out[(*written)++] = '\n';
		d->state = LINE_START;
		return 1;
	}
	if (d->state == CR)
		out[(*written)++] = '\r';
	if (c != '\r') {
		d->state = TEXT;
		return 0;
	}
	out[(*written)++] = '\r';
	d->state = CR_RUN;
	return 1;
}

/* At the bare LF of a line of one dot: whether it was taken.  NOTE: for a
 * terminal, whose lines end so, it is the end of the message. */
static int
bare_dot_end(struct smtp_data *d, char *out, size_t *written)
{
	if (d->lenient == SMTP_DATA_TYPED) {
		d->facts |= SMTP_DATA_BARE_LF;
		d->state = END;
		return 1;
	}
	out[(*written)++] = '.';
	d->state = TEXT;
	return 0;
}

/* At a line start, or behind a dot there: whether c was taken. */
static int
line_start(struct smtp_data *d, char c, char *out, size_t *written)
{
	switch (d->state) {
	case LINE_START:
		d->state = c == '.' && !d->raw ? DOT : TEXT;
		return d->state == DOT;
	case BARE_START:
		d->state = c == '.' && !d->raw ? BARE_DOT : TEXT;
		return d->state == BARE_DOT;
	case DOT:
		if (c == '\r') {
			d->state = DOT_CR;
			return 1;
		}
		if (c == '\n' && d->lenient)
			return bare_dot_end(d, out, written);
		d->state = TEXT;
		return 0;
	case BARE_DOT:
		if (c == '\r') {
			d->state = BARE_DOT_CR;
			return 1;
		}
		if (c == '\n')
			return bare_dot_end(d, out, written);
		d->state = TEXT;
		return 0;
	case DOT_CR:
		if (c == '\n') {
			d->state = END;
			return 1;
		}
		if (d->lenient)
			out[(*written)++] = '.';
		d->state = CR;
		return 0;
	case BARE_DOT_CR:
		out[(*written)++] = '.';
		d->state = CR;
		return 0;
	}
	return 0;
}

/* 1 when any of the octets is above 127. */
static int
has_8bit(const char *p, size_t n)
{
	uint64_t all = 0, w;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		all |= w;
	}
	for (; i < n; i++)
		all |= (unsigned char)p[i] & 0x80;
	return (all & 0x8080808080808080ULL) != 0;
}

/* Look at names of fields as they go by. */
static void
watch_header(struct smtp_data *d, const char *p, size_t n)
{
	const char *end = p + n;
	int found;

	while ((found = header_scan(&d->header, &p, end)) == 1) {
		if (strcmp(d->header.name, "received") == 0)
			d->received++;
		else if (strcmp(d->header.name, "date") == 0)
			d->facts |= SMTP_DATA_HAS_DATE;
		else if (strcmp(d->header.name, "from") == 0)
			d->facts |= SMTP_DATA_HAS_FROM;
		else if (strcmp(d->header.name, "message-id") == 0)
			d->facts |= SMTP_DATA_HAS_MESSAGE_ID;
	}
	d->header_disk = d->header.taken;
	d->body = found == 2;
}

/* Note the facts and sizes of what was written. */
static void
account(struct smtp_data *d, const char *p, size_t n)
{
	if (n == 0)
		return;
	if (!(d->facts & SMTP_DATA_NUL) && memchr(p, '\0', n) != NULL)
		d->facts |= SMTP_DATA_NUL;
	if (!(d->facts & SMTP_DATA_8BIT) && has_8bit(p, n))
		d->facts |= SMTP_DATA_8BIT;
	if (!d->body)
		watch_header(d, p, n);
	d->disk += n;
	d->wire += n + crlf_wire_extra(&d->ends, p, n);
}

size_t
smtp_data_feed(struct smtp_data *d, const char *in, size_t *n, char *out)
{
	const char *p = in, *end = in + *n;
	size_t len = 0, run;

	while (p < end && d->state != END) {
		switch (d->state) {
		case TEXT:
			run = 0;
			p += d->lenient ? lenient_text(d, p,
			    (size_t)(end - p), out + len, &run) :
			    strict_text(d, p, (size_t)(end - p), out + len,
			    &run);
			len += run;
			break;
		case CR:
		case CR_RUN:
			p += after_cr(d, *p, out, &len);
			break;
		default:
			p += line_start(d, *p, out, &len);
			break;
		}
	}
	*n = (size_t)(p - in);
	account(d, out, len);
	return len;
}

size_t
smtp_data_end(struct smtp_data *d, char *out)
{
	size_t len = 0;

	if (d->state == CR || (d->state == CR_RUN && d->lenient))
		(void)after_cr(d, '\0', out, &len);
	if (d->state == TEXT || d->state == CR_RUN)
		out[len++] = '\n';
	d->state = END;
	account(d, out, len);
	return len;
}

/* The way out: whether the last octet was a CR, an LF, or another. */
enum { OUT_START, OUT_TEXT, OUT_CR };

/*
 * Whole lines, for which there is room however many dots and LFs they are:
 * twice as much as there is input.  *in is moved behind the last of them.
 */
static char *
whole_lines(struct smtp_dot *d, const char **in, const char *end, char *out)
{
	const char *p = *in, *lf;
	size_t n;
	int cr;

	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if (d->state == OUT_START && *p == '.') {
			*out++ = '.';
			d->dots++;
		}
		n = (size_t)(lf - p);
		memcpy(out, p, n);
		out += n;
		cr = n > 0 ? lf[-1] == '\r' : d->state == OUT_CR;
		if (!cr)
			*out++ = '\r';
		*out++ = '\n';
		d->state = OUT_START;
		p = lf + 1;
	}
	*in = p;
	return out;
}

size_t
smtp_dot_feed(struct smtp_dot *d, const char *in, size_t *n, char *out,
    size_t size)
{
	const char *p = in, *end = in + *n, *lf;
	size_t len = 0, run;

	if (size / 2 >= *n)
		len = (size_t)(whole_lines(d, &p, end, out) - out);
	while (p < end && size - len >= 3) {
		if (d->state == OUT_START && *p == '.') {
			out[len++] = '.';
			d->dots++;
		}
		if (*p == '\n') {
			if (d->state != OUT_CR)
				out[len++] = '\r';
			out[len++] = *p++;
			d->state = OUT_START;
			continue;
		}
		run = (size_t)(end - p);
		if (run > size - len)
			run = size - len;
		if ((lf = memchr(p, '\n', run)) != NULL)
			run = (size_t)(lf - p);
		len += put(out + len, p, run);
		p += run;
		d->state = p[-1] == '\r' ? OUT_CR : OUT_TEXT;
	}
	*n = (size_t)(p - in);
	return len;
}

size_t
smtp_dot_end(struct smtp_dot *d, char out[SMTP_DOT_END])
{
	size_t len = 0;

	/* A bare CR at the very end: its LF completes the line. */
	if (d->state == OUT_TEXT)
		out[len++] = '\r';
	if (d->state != OUT_START)
		out[len++] = '\n';
	d->state = OUT_START;
	return len + put(out + len, ".\r\n", 3);
}
