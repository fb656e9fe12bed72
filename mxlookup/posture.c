/* SPDX-License-Identifier: ISC
 *
 * A domain's posture from its name to its lines, and that of many.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "posture.h"

#define EXIT_WRONG	1
#define TEXT_MAX	(4 << 20)	/* of one domain; never reached */

/* The name as the DNS has it; an address literal is none. */
static void
take_name(struct posture *p, const char *domain)
{
	size_t n;

	p->shown = domain;
	p->mail = MX_INVALID;
	if (idna_ascii(p->domain, domain, strlen(domain)) == -1) {
		p->domain[0] = '\0';
		return;
	}
	n = strlen(p->domain);
	if (n > 1 && p->domain[n - 1] == '.')
		p->domain[--n] = '\0';
	if (n > 0 && dns_is_host_name(p->domain))
		p->mail = MX_TEMPORARY;
}

static int
exit_code(const struct posture *p)
{
	if (p->count[POSTURE_UNKNOWN] > 0)
		return EX_TEMPFAIL;
	return p->count[POSTURE_FAULT] > 0 || !posture_takes_mail(p) ?
	    EXIT_WRONG : 0;
}

int
posture(struct buf *b, const char *domain, enum posture_form form,
    const struct posture_means *m)
{
	struct posture *p = calloc(1, sizeof(*p));
	int code = EX_TEMPFAIL;

	if (p == NULL)
		return code;
	take_name(p, domain);
	if (p->mail == MX_INVALID || posture_gather(p, m) == 0) {
		posture_judge(p);
		code = exit_code(p);
		switch (form) {
		case POSTURE_PAGE:
			posture_page(b, p);
			break;
		case POSTURE_LINE:
			posture_line(b, p);
			break;
		case POSTURE_JSON:
			posture_json(b, p);
			break;
		}
	}
	https_free(&p->sts_answer);
	ask_free(p->ask);
	free(p);
	return code;
}

/* Write all, waiting where it is a pipe that does not block. */
static int
write_all(int fd, const char *p, size_t n)
{
	struct pollfd out = { .fd = fd, .events = POLLOUT };
	ssize_t put;

	while (n > 0) {
		if ((put = write(fd, p, n)) >= 0) {
			p += put;
			n -= (size_t)put;
		} else if (errno == EAGAIN)
			(void)poll(&out, 1, -1);
		else if (errno != EINTR)
			return -1;
	}
	return 0;
}

/* The next name, waited for. */
static enum input_status
next_name(struct input *in, char **name)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };
	enum input_status st;

	while ((st = input_next(in, name)) == INPUT_WAIT)
		if (poll(&p, 1, -1) == -1 && errno != EINTR)
			return INPUT_FAILED;
	return st;
}

enum many_status
posture_many(struct many *m, enum posture_form form,
    const struct posture_means *means)
{
	enum many_status r = MANY_DONE;
	enum input_status st = INPUT_END;
	long long names = 0;
	struct buf b;
	char *name;
	int code;

	buf_init(&b, TEXT_MAX);
	while (r == MANY_DONE && (st = next_name(m->in, &name)) ==
	    INPUT_NAME) {
		code = posture(&b, name, form, means);
		if (code > m->code)
			m->code = code;
		if (buf_failed(&b))
			r = MANY_NO_MEMORY;
		else if (write_all(m->out, b.data, b.len) == -1) {
			/* Who closed the pipe has what he wanted. */
			m->error = errno;
			if (m->error == EPIPE)
				break;
			r = MANY_NO_OUTPUT;
		}
		buf_reset(&b);
		progress_step(m->progress, ++names, m->in->taken);
	}
	progress_end(m->progress);
	if (r == MANY_DONE && st == INPUT_FAILED) {
		m->error = errno;
		r = MANY_NO_INPUT;
	}
	buf_free(&b);
	return r;
}
