/* SPDX-License-Identifier: ISC
 *
 * Which letters of sendmail(8) have an argument, and what they ask for.  A
 * letter that is not known must never take the next word with it, and one that
 * is must: else an argument becomes a recipient, or a recipient is lost.
 */
#include <err.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sendmail_args.h"

/*
 * Those with an argument, and those where it must be in the same word.  -e, -h,
 * -m, -o, -p, -d and the capitals are of other versions of sendmail.
 */
#define LETTERS	"+:A:B:b:C:cD:d::e:F:f:Gh:IiL:M:mN:nO:o:p:q::R:r:stUvV:X:x"

struct word {
	const char	*name;
	int		 value;
};

static int
find(const struct word *words, const char *name)
{
	for (; words->name != NULL; words++)
		if (strcasecmp(words->name, name) == 0)
			return words->value;
	return -1;
}

/* -b.  Daemons are sockets here, and aliases are read as they are. */
static int
take_mode(struct sendmail_args *a, const char *text)
{
	static const struct word modes[] = {
		{ "m", SENDMAIL_MAIL }, { "a", SENDMAIL_MAIL },
		{ "s", SENDMAIL_SMTP }, { "p", SENDMAIL_LIST },
		{ "v", SENDMAIL_VERIFY }, { "d", SENDMAIL_NOTHING },
		{ "i", SENDMAIL_NOTHING }, { "h", SENDMAIL_NOTHING },
		{ NULL, 0 }
	};
	int mode = find(modes, text);

	if (mode == -1) {
		warnx("-b%s: there is no such mode", text);
		return -1;
	}
	a->mode = (enum sendmail_mode)mode;
	return 0;
}

/* -N: "never", or words with commas between. */
static int
take_notify(struct sendmail_args *a, const char *text)
{
	static const struct word words[] = {
		{ "never", ENVELOPE_NEVER }, { "success", ENVELOPE_SUCCESS },
		{ "failure", ENVELOPE_FAILURE }, { "delay", ENVELOPE_DELAY },
		{ NULL, 0 }
	};
	const char *p = text;
	char word[16];
	size_t n;
	int bit;

	a->notify = 0;
	for (;; p += n + 1) {
		n = strcspn(p, ",");
		strlcpy(word, p, n < sizeof(word) ? n + 1 : sizeof(word));
		if ((bit = find(words, word)) == -1)
			break;
		a->notify |= (unsigned)bit;
		if (p[n] == '\0' && (!(a->notify & ENVELOPE_NEVER) ||
		    a->notify == ENVELOPE_NEVER))
			return 0;
		if (p[n] == '\0')
			break;
	}
	warnx("-N %s: is not never, or some of success,failure,delay", text);
	return -1;
}

static int
take_ret(struct sendmail_args *a, const char *text)
{
	static const struct word rets[] = {
		{ "full", ENVELOPE_RET_FULL }, { "hdrs", ENVELOPE_RET_HDRS },
		{ NULL, 0 }
	};
	int ret = find(rets, text);

	if (ret == -1) {
		warnx("-R %s: is neither full nor hdrs", text);
		return -1;
	}
	a->ret = (enum envelope_ret)ret;
	return 0;
}

/* RFC 3461, section 4.4: printable, 100 octets as xtext. */
static int
take_envid(struct sendmail_args *a, const char *text)
{
	size_t i, n = 0;

	for (i = 0; text[i] != '\0'; i++) {
		if (text[i] < ' ' || text[i] > '~')
			break;
		n += text[i] == ' ' || text[i] == '+' || text[i] == '=' ? 3 :
		    1;
	}
	if (text[i] != '\0' || n == 0 || n > SMTP_ENVID_MAX) {
		warnx("-V: is no envelope identifier");
		return -1;
	}
	a->envid = text;
	return 0;
}

/* -q: now; with a time a daemon that would do it again and again, which is
 * not needed. */
static void
take_queue(struct sendmail_args *a, const char *text)
{
	if (a->mode == SENDMAIL_NOTHING)
		return;
	a->which = text == NULL || strchr("IRS", text[0]) == NULL ? "" : text;
	a->mode = text == NULL || text[0] < '0' || text[0] > '9' ?
	    SENDMAIL_QUEUE : SENDMAIL_NOTHING;
}

static int
take_letter(struct sendmail_args *a, int letter, const char *arg)
{
	switch (letter) {
	case 'b':
		return take_mode(a, arg);
	case 'C':
		a->file = arg;
		return 0;
	case 'F':
		a->name = arg;
		return 0;
	case 'f':
	case 'r':
		a->sender = arg;
		return 0;
	case 'o':
		if (strcmp(arg, "i") != 0)
			return 0;
		/* FALLTHROUGH */
	case 'i':
		a->ignore_dots = true;
		return 0;
	case 'N':
		return take_notify(a, arg);
	case 'q':
		take_queue(a, arg);
		return 0;
	case 'R':
		return take_ret(a, arg);
	case 't':
		a->from_header = true;
		return 0;
	case 'V':
		return take_envid(a, arg);
	case ':':
		warnx("-%c: its argument is missing", optopt);
		return -1;
	}
	return 0;
}

int
sendmail_args(struct sendmail_args *a, int argc, char **argv)
{
	int letter;

	while ((letter = getopt(argc, argv, LETTERS)) != -1)
		if (take_letter(a, letter, optarg) == -1)
			return -1;
	return 0;
}
