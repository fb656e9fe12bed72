/* SPDX-License-Identifier: ISC
 *
 * What the filter said of a message.  It must never take a message about which
 * it said nothing.
 */
#include <stdio.h>
#include <string.h>

#include "filter.h"
#include "grammar/milter.h"
#include "system/log.h"

/* As many recipients as fit. */
static void
fill_rcpts(struct filter_request *q, const struct session *s)
{
	char text[ADDRESS_TEXT_MAX];
	size_t i, len = 0, n;

	q->nrcpts = (uint32_t)s->nrcpts;
	for (i = 0; i < s->nrcpts; i++) {
		n = strlen(address_text(&s->rcpts[i].addr, text));
		if (len + n + 2 > sizeof(q->rcpts))
			break;
		if (len > 0)
			q->rcpts[len++] = '\n';
		memcpy(q->rcpts + len, text, n + 1);
		len += n;
	}
}

static void
fill(struct filter_request *q, const struct session *s)
{
	memset(q, 0, sizeof(*q));
	q->sender = s->sender;
	fill_rcpts(q, s);
	strlcpy(q->name, s->reverse, sizeof(q->name));
	strlcpy(q->helo, s->helo, sizeof(q->helo));
	strlcpy(q->login, s->login, sizeof(q->login));
}

/* Its first line, as words for the client: a reply of its own, or text. */
static enum reply
refuse(struct incoming *in, const struct filter_reply *a, char class,
    enum reply plain)
{
	char line[400], with[450];
	size_t n;

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(a->output, "\r\n"),
	    a->output);
	n = strlen(line);
	if (n == 0)
		return plain;
	if (line[0] == class && milter_reply_lines(&in->words, line, n) != 0)
		return REPLY_OWN_WORDS;
	snprintf(with, sizeof(with), "%s %c.7.1 %s", class == '5' ? "550" :
	    "451", class, line);
	return milter_reply_lines(&in->words, with, strlen(with)) != 0 ?
	    REPLY_OWN_WORDS : plain;
}

/* Fields to add, before the others. */
static enum reply
take(struct incoming *in, const struct filter_reply *a)
{
	if (fields_prepend(&in->text.fields, a->output, a->len) == 0)
		return REPLY_NONE;
	log_error("filter", "error=\"its output is no header\"");
	return REPLY_FILTER_FAILED;
}

static enum reply
judge(struct incoming *in, const struct filter_reply *a, char *reason,
    size_t size)
{
	size_t n;

	if (!a->ran)
		return REPLY_FILTER_FAILED;
	switch (a->code) {
	case FILTER_EXIT_TAKE:
		return take(in, a);
	case FILTER_EXIT_DATA:
	case FILTER_EXIT_REFUSE:
		return refuse(in, a, '5', REPLY_FILTER_REFUSED);
	case FILTER_EXIT_LATER:
		return refuse(in, a, '4', REPLY_FILTER_LATER);
	case FILTER_EXIT_HOLD:
		n = strcspn(a->output, "\r\n");
		snprintf(reason, size, "%.*s", n == 0 ? 100 : (int)n, n == 0 ?
		    "the filter says so" : a->output);
		return REPLY_NONE;
	}
	log_error("filter", "error=\"it ended with code %d\"", a->code);
	return REPLY_FILTER_FAILED;
}

enum reply
filter_message(struct incoming *in, char *reason, size_t size)
{
	static struct filter_request request;
	static struct filter_reply answer;

	if (smtpd.settings->filter.n == 0)
		return REPLY_NONE;
	fill(&request, in->s);
	switch (server_ask(in->s->server, OP_FILTER, &request, &answer,
	    &in->draft, 1, NULL)) {
	case 0:
		break;
	case 1:
		return REPLY_FILTER_FAILED;
	default:
		in->gone = true;
		return REPLY_INTERNAL;
	}
	/* text from here on, whatever it was */
	if (answer.len >= sizeof(answer.output))
		answer.len = sizeof(answer.output) - 1;
	answer.output[answer.len] = '\0';
	return judge(in, &answer, reason, size);
}
