/* SPDX-License-Identifier: ISC
 *
 * The steps of a script of the IMAP client for t/perf/imap, and the figures
 * they give.
 */
#include <sys/epoll.h>

#include <err.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "imapclient.h"

enum { FIGURES_MAX = 16 };

static double began;		/* the timed step */

static struct figure {
	const char	*name;
	size_t		 name_len;
	double		 seconds[TIMES_MAX];
	unsigned	 n;
	uint64_t	 units, octets;
} figures[FIGURES_MAX];

static struct conn *conns[SESSIONS_MAX];

double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- steps ---- */

static void
note(const char *name, size_t n, double seconds)
{
	struct figure *f = figures;

	while (f->name != NULL && (f->name_len != n ||
	    memcmp(f->name, name, n) != 0))
		if (++f == figures + FIGURES_MAX)
			errx(EX_USAGE, "too many figures");
	f->name = name;
	f->name_len = n;
	f->seconds[f->n++] = seconds;
	f->units = units;
	f->octets = octets;
}

/* The next word of a step's arguments. */
static char *
word(char **args)
{
	char *w = strsep(args, " ");

	if (w == NULL || *w == '\0')
		errx(EX_USAGE, "an argument is missing");
	return w;
}

static void
do_again(char *args)
{
	unsigned i;

	(void)args;
	for (i = 0; i < opt.sessions; i++) {
		logout(conns[i]);
		usleep(MOMENT);
		conns[i] = login();
	}
}

static void
do_drop(char *args)
{
	const char *maildir = word(&args);

	(void)drop(maildir, word(&args));
}

static void
wait_exists(struct conn *c)
{
	const char *p;
	size_t n;

	do
		p = answer(c, &n);
	while (strstr(p, " EXISTS") == NULL);
}

/* When each session was told, the first first. */
static double told[SESSIONS_MAX];

static void
watch_all(int ep)
{
	struct epoll_event ev = { .events = EPOLLIN };
	unsigned i;

	for (i = 0; i < opt.sessions; i++) {
		ev.data.u32 = i;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, conn_fd(conns[i]), &ev) == -1)
			err(EX_OSERR, "epoll_ctl");
	}
}

static void
wait_all(int ep)
{
	struct epoll_event ev[64];
	struct conn *c;
	unsigned n = 0;
	int i, got;

	while (n < opt.sessions) {
		got = epoll_wait(ep, ev, 64, -1);
		for (i = 0; i < got; i++) {
			c = conns[ev[i].data.u32];
			wait_exists(c);
			told[n++] = now();
			(void)epoll_ctl(ep, EPOLL_CTL_DEL, conn_fd(c), NULL);
		}
	}
}

static void
do_push(char *args)
{
	const char *maildir = word(&args), *file = word(&args);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	unsigned i;

	if (ep == -1)
		err(EX_OSERR, "epoll");
	for (i = 0; i < opt.sessions; i++) {
		send_command(conns[i], "IDLE");
		continuation(conns[i]);
	}
	usleep(10 * MOMENT);
	watch_all(ep);
	began = drop(maildir, file);
	wait_all(ep);
	close(ep);
	units = opt.sessions;
}

/* What has to be said after IDLE was told, outside of the time. */
static void
end_push(void)
{
	unsigned i;

	note("median", 6, told[(opt.sessions - 1) / 2] - began);
	note("p99", 3, told[(opt.sessions - 1) * 99 / 100] - began);
	for (i = 0; i < opt.sessions; i++) {
		put(conns[i], "DONE\r\n", 6);
		finish(conns[i]);
	}
}

/* n messages with one command; each literal waits for its "+". */
static void
append(struct conn *c, const char *folder, const struct message *m, unsigned n)
{
	char text[300];
	unsigned i;

	snprintf(text, sizeof(text), "APPEND %s (\\Seen) {%zu}", folder,
	    m[0].n);
	send_command(c, text);
	for (i = 0; i < n; i++) {
		continuation(c);
		put(c, m[i].text, m[i].n);
		if (i + 1 == n)
			break;
		snprintf(text, sizeof(text), " (\\Seen) {%zu}\r\n",
		    m[i + 1].n);
		put(c, text, strlen(text));
	}
	put(c, "\r\n", 2);
	finish(c);
}

static void
do_append(char *args)
{
	const char *folder = word(&args);
	unsigned count_all = (unsigned)strtoul(word(&args), NULL, 10);
	unsigned per = (unsigned)strtoul(word(&args), NULL, 10), i, n;
	struct message *m = read_messages(word(&args), count_all);

	began = now();
	for (i = 0; i < count_all; i += n) {
		n = per < count_all - i ? per : count_all - i;
		append(conns[0], folder, m + i, n);
	}
	units = count_all;
	for (i = 0; i < count_all; i++)
		free(m[i].text);
	free(m);
}

static void
do_renamed(char *args)
{
	char cur[PATH_MAX - 300], path[PATH_MAX];

	snprintf(cur, sizeof(cur), "%s/cur", word(&args));
	while (find_unseen(cur, path, sizeof(path)))
		while (access(path, F_OK) == 0)
			usleep(500);
}

static void
do_hold(char *args)
{
	char c;

	(void)args;
	puts("held");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		continue;
}

static const struct {
	const char	*name;
	void		(*call)(char *);
	bool		 own_start;	/* it sets "began", or leaves it */
	void		(*after)(void);
} words[] = {
	{ "@again", do_again, false, NULL },
	{ "@drop", do_drop, false, NULL },
	{ "@push", do_push, true, end_push },
	{ "@append", do_append, true, NULL },
	{ "@renamed", do_renamed, true, NULL },
	{ "@hold", do_hold, false, NULL },
};

static void
command(const char *text)
{
	const char *p, *value;
	char *full, *out;
	unsigned i;

	if ((full = malloc((strlen(text) + 1) * sizeof(modseq))) == NULL)
		err(EX_OSERR, "malloc");
	for (p = text, out = full; *p != '\0'; p++) {
		value = *p != '%' ? NULL : p[1] == 'V' ? uidvalidity :
		    p[1] == 'M' ? modseq : NULL;
		if (value == NULL) {
			*out++ = *p;
			continue;
		}
		out = stpcpy(out, value);
		p++;
	}
	*out = '\0';
	for (i = 0; i < opt.sessions; i++)
		ask(conns[i], full);
	free(full);
}

static void
step(const char *text)
{
	const char *name = NULL;
	void (*after)(void) = NULL;
	size_t n = 0, i, k;
	char *copy;

	if (*text == ':') {
		name = ++text;
		n = strcspn(text, " ");
		text += n + (text[n] == ' ');
		units = octets = 0;
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		k = strlen(words[i].name);
		if (strncmp(text, words[i].name, k) == 0)
			break;
	}
	if (i == sizeof(words) / sizeof(words[0])) {
		if (name != NULL)
			began = now();
		command(text);
	} else {
		if ((copy = strdup(text + k + (text[k] == ' '))) == NULL)
			err(EX_OSERR, "strdup");
		if (name != NULL && !words[i].own_start)
			began = now();
		words[i].call(copy);
		after = words[i].after;
		free(copy);
	}
	if (name != NULL)
		note(name, n, now() - began);
	if (after != NULL)
		after();
}

void
script(char **steps)
{
	unsigned i;

	for (i = 0; i < opt.sessions; i++)
		conns[i] = login();
	for (; *steps != NULL; steps++)
		step(*steps);
	for (i = 0; i < opt.sessions; i++)
		logout(conns[i]);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void
show_figures(void)
{
	struct figure *f;

	for (f = figures; f->name != NULL; f++) {
		qsort(f->seconds, f->n, sizeof(f->seconds[0]), by_value);
		printf("%.*s %.9f %" PRIu64 " %" PRIu64 "\n",
		    (int)f->name_len, f->name, f->seconds[f->n / 2], f->units,
		    f->octets);
	}
}
