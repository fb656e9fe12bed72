/* SPDX-License-Identifier: ISC
 *
 * An IMAP client that costs next to nothing, for t/perf/imap: it runs a script
 * of commands on a server at 127.0.0.1, times those it is told to, and counts
 * what they give, so that an answer cut short wins nothing.  Literals are
 * passed over, and a line is looked at only where its kind shows.
 *
 *	imapclient [-t] [-n times] [-s sessions] [-u user] PORT STEP...
 *	imapclient [-t] [-p clients] [-l logins] [-u user] PORT
 *
 * A STEP is a command, to be answered OK, or one of
 *	:NAME STEP		time it; a figure of this name
 *	@again			log out, wait a moment, log in again
 *	@drop MAILDIR FILE	put a copy of FILE into new/
 *	@push MAILDIR FILE	@drop while all sessions idle, until each was
 *				told (EXISTS); the time is from the rename to
 *				the last; also, as figures "median" and "p99",
 *				until so many of them were
 *	@append FOLDER COUNT PER DIR
 *				COUNT messages of DIR, PER in a command
 *	@renamed MAILDIR	wait until each name in cur/ says \Seen; the
 *				time is from the beginning of the timed step
 *				before
 *	@hold			say "held" and wait for the end of the input
 * In a command %V and %M are what SELECT said last of UIDVALIDITY and
 * HIGHESTMODSEQ.  -t: TLS from the first octet.  -n: the script so many times,
 * in sessions of its own; a figure is the median.  -s: so many sessions at
 * once, each runs every command.  -l: so many logins and logouts instead, by -p
 * clients.  The password is "secret".
 *
 * Prints "NAME SECONDS UNITS OCTETS" for each figure: how many FETCH and
 * EXPUNGE answers and numbers found, how many octets in literals.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum {
	BUFFER_ONE = 256 * 1024,	/* of the only session */
	BUFFER_MANY = 4096,
	BUFFER_MAX = 64 << 20,		/* one line of a SEARCH */
	SESSIONS_MAX = 4000,
	FIGURES_MAX = 16,
	TIMES_MAX = 100,
	MOMENT = 50 * 1000		/* microseconds between sessions */
};

/* What the command line says. */
static struct {
	SSL_CTX		*tls;
	in_port_t	 port;
	const char	*user;
	unsigned	 times, sessions, clients, logins;
} opt = { .user = "u1", .times = 1, .sessions = 1, .clients = 1 };

struct conn {
	int		 fd;
	SSL		*ssl;
	unsigned	 tag;
	size_t		 start, end, size;	/* what was read, not used */
	char		*buf;
};

/* What was counted since the timed step began. */
static uint64_t units, octets;
static double began;

/* What SELECT said. */
static char uidvalidity[24], modseq[24];

static struct figure {
	const char	*name;
	size_t		 name_len;
	double		 seconds[TIMES_MAX];
	unsigned	 n;
	uint64_t	 units, octets;
} figures[FIGURES_MAX];

static struct conn *conns[SESSIONS_MAX];

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- octets ---- */

static void
put(struct conn *c, const char *p, size_t n)
{
	ssize_t w;

	for (; n > 0; p += w, n -= (size_t)w) {
		w = c->ssl == NULL ? write(c->fd, p, n) :
		    SSL_write(c->ssl, p, n > INT_MAX ? INT_MAX : (int)n);
		if (w <= 0)
			err(EX_IOERR, "write");
	}
}

static void
make_room(struct conn *c)
{
	if (c->start > 0) {
		memmove(c->buf, c->buf + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	if (c->end < c->size)
		return;
	if (c->size >= BUFFER_MAX)
		errx(EX_PROTOCOL, "a line without an end");
	c->size *= 4;
	if ((c->buf = realloc(c->buf, c->size)) == NULL)
		err(EX_OSERR, "realloc");
}

/* 1 more octets, 0 end of file. */
static int
fill(struct conn *c)
{
	ssize_t n;

	make_room(c);
	n = c->ssl == NULL ?
	    read(c->fd, c->buf + c->end, c->size - c->end) :
	    SSL_read(c->ssl, c->buf + c->end, (int)(c->size - c->end));
	if (n == -1 && c->ssl == NULL)
		err(EX_IOERR, "read");
	if (n <= 0)
		return 0;
	c->end += (size_t)n;
	return 1;
}

static void
more(struct conn *c)
{
	if (fill(c) == 0)
		errx(EX_PROTOCOL, "the server has closed the connection");
}

/* The next line, without its end; it lives until the next read. */
static char *
line(struct conn *c, size_t *n)
{
	size_t seen = 0;
	char *p, *lf;

	for (;; more(c)) {
		p = c->buf + c->start;
		lf = memchr(p + seen, '\n', c->end - c->start - seen);
		if (lf != NULL)
			break;
		seen = c->end - c->start;
	}
	*n = (size_t)(lf - p);
	if (*n > 0 && p[*n - 1] == '\r')
		--*n;
	c->start += (size_t)(lf - p) + 1;
	return p;
}

static void
skip(struct conn *c, uint64_t n)
{
	size_t here;

	for (;; more(c)) {
		here = c->end - c->start;
		if (here > n)
			here = (size_t)n;
		c->start += here;
		if ((n -= here) == 0)
			return;
	}
}

/* ---- answers ---- */

/* The size of the literal that a line ends with, or -1. */
static int64_t
literal(const char *p, size_t n)
{
	int64_t size = 0, unit = 1;

	if (n < 3 || p[n - 1] != '}')
		return -1;
	for (n--; n > 0 && isdigit((unsigned char)p[n - 1]); n--, unit *= 10)
		size += unit * (p[n - 1] - '0');
	return n > 0 && unit > 1 && p[n - 1] == '{' ? size : -1;
}

static bool
begins(const char *p, size_t n, const char *with)
{
	size_t k = strlen(with);

	return n >= k && memcmp(p, with, k) == 0;
}

static void
count_numbers(const char *p, size_t n)
{
	bool inside = false;
	size_t i;

	for (i = 0; i < n; i++) {
		bool digit = isdigit((unsigned char)p[i]);

		units += digit && !inside;
		inside = digit;
	}
}

static void
remember(char *to, size_t size, const char *p, size_t n, const char *what)
{
	const char *at = memmem(p, n, what, strlen(what));
	size_t i = 0;

	if (at == NULL)
		return;
	for (at += strlen(what); at < p + n && isdigit((unsigned char)*at) &&
	    i < size - 1; at++)
		to[i++] = *at;
	to[i] = '\0';
}

/* An untagged line, which begins with "* ". */
static void
count(const char *p, size_t n)
{
	size_t i = 2;

	while (i < n && isdigit((unsigned char)p[i]))
		i++;
	if (i > 2) {
		units += begins(p + i, n - i, " FETCH") ||
		    begins(p + i, n - i, " EXPUNGE");
	} else if (begins(p, n, "* SEARCH") || begins(p, n, "* SORT") ||
	    begins(p, n, "* THREAD")) {
		count_numbers(p, n);
	} else if (begins(p, n, "* OK [")) {
		remember(uidvalidity, sizeof(uidvalidity), p, n,
		    "[UIDVALIDITY ");
		remember(modseq, sizeof(modseq), p, n, "[HIGHESTMODSEQ ");
	}
}

/* Take one answer with its literals; the first line, or what is left of it. */
static const char *
answer(struct conn *c, size_t *n)
{
	static char first[200];
	int64_t size;
	size_t k;
	char *p = line(c, &k);

	if (begins(p, k, "* "))
		count(p, k);
	*n = k < sizeof(first) ? k : sizeof(first) - 1;
	memcpy(first, p, *n);
	first[*n] = '\0';
	while ((size = literal(p, k)) >= 0) {
		octets += (uint64_t)size;
		skip(c, (uint64_t)size);
		p = line(c, &k);
	}
	return first;
}

/* Up to the tagged answer to the last command, which must be OK. */
static void
finish(struct conn *c)
{
	char want[24];
	const char *p;
	size_t n;

	snprintf(want, sizeof(want), "t%u OK", c->tag);
	for (;;) {
		p = answer(c, &n);
		if (p[0] == '*')
			continue;
		if (!begins(p, n, want))
			errx(EX_PROTOCOL, "%s", p);
		return;
	}
}

static void
send_command(struct conn *c, const char *text)
{
	char *command;
	int n;

	if ((n = asprintf(&command, "t%u %s\r\n", ++c->tag, text)) == -1)
		err(EX_OSERR, "asprintf");
	put(c, command, (size_t)n);
	free(command);
}

static void
ask(struct conn *c, const char *text)
{
	send_command(c, text);
	finish(c);
}

static void
continuation(struct conn *c)
{
	const char *p;
	size_t n;

	do
		p = answer(c, &n);
	while (p[0] == '*');
	if (p[0] != '+')
		errx(EX_PROTOCOL, "%s", p);
}

/* ---- sessions ---- */

static void
start_tls(struct conn *c)
{
	if ((c->ssl = SSL_new(opt.tls)) == NULL ||
	    SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1) {
		ERR_print_errors_fp(stderr);
		errx(EX_PROTOCOL, "no TLS");
	}
}

static struct conn *
login(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons(opt.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct conn *c;
	char command[128];
	int on = 1;
	size_t n;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(EX_OSERR, "calloc");
	c->size = opt.sessions == 1 ? BUFFER_ONE : BUFFER_MANY;
	if ((c->buf = malloc(c->size)) == NULL)
		err(EX_OSERR, "malloc");
	if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
	    || connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) == -1)
		err(EX_UNAVAILABLE, "port %u", opt.port);
	if (opt.tls != NULL)
		start_tls(c);
	(void)answer(c, &n);
	snprintf(command, sizeof(command), "LOGIN %s secret", opt.user);
	ask(c, command);
	return c;
}

/* LOGOUT, and the end of the connection. */
static void
logout(struct conn *c)
{
	ask(c, "LOGOUT");
	while (fill(c) == 1)
		c->start = c->end;
	SSL_free(c->ssl);
	close(c->fd);
	free(c->buf);
	free(c);
}

/* ---- files ---- */

static char *
slurp(const char *path, size_t *n)
{
	struct stat st;
	char *p;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 ||
	    fstat(fd, &st) == -1)
		err(EX_NOINPUT, "%s", path);
	*n = (size_t)st.st_size;
	if ((p = malloc(*n + 1)) == NULL)
		err(EX_OSERR, "malloc");
	if (read(fd, p, *n) != (ssize_t)*n)
		err(EX_IOERR, "%s", path);
	close(fd);
	return p;
}

/* A copy of the file in new/, as a delivery leaves it: when it was renamed. */
static double
drop(const char *maildir, const char *file)
{
	static unsigned serial;
	char tmp[PATH_MAX], new[PATH_MAX];
	struct stat st;
	double at;
	size_t n;
	char *p = slurp(file, &n);
	int fd;

	serial++;
	snprintf(tmp, sizeof(tmp), "%s/tmp/%lld.P%dQ%u.drop", maildir,
	    (long long)time(NULL), (int)getpid(), serial);
	snprintf(new, sizeof(new), "%s/new/%lld.P%dQ%u.drop", maildir,
	    (long long)time(NULL), (int)getpid(), serial);
	if ((fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) ==
	    -1 || write(fd, p, n) != (ssize_t)n || stat(maildir, &st) == -1 ||
	    (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) == -1))
		err(EX_CANTCREAT, "%s", tmp);
	close(fd);
	free(p);
	at = now();
	if (rename(tmp, new) == -1)
		err(EX_CANTCREAT, "%s", new);
	return at;
}

/* The messages of a folder, on the wire, in the order of their names. */
struct message {
	size_t		 n;
	char		*text;
};

static struct message
wire(const char *path)
{
	struct message m = { 0, NULL };
	size_t n, i;
	char *p = slurp(path, &n);

	if ((m.text = malloc(2 * n + 1)) == NULL)
		err(EX_OSERR, "malloc");
	for (i = 0; i < n; i++) {
		if (p[i] == '\n' && (i == 0 || p[i - 1] != '\r'))
			m.text[m.n++] = '\r';
		m.text[m.n++] = p[i];
	}
	free(p);
	return m;
}

static int
visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static struct message *
read_messages(const char *dir, unsigned count)
{
	struct message *all = calloc(count, sizeof(*all));
	struct dirent **names;
	char path[PATH_MAX];
	unsigned i;
	int n;

	if ((n = scandir(dir, &names, visible, alphasort)) <= 0 ||
	    all == NULL)
		err(EX_NOINPUT, "%s", dir);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir,
		    names[i % (unsigned)n]->d_name);
		all[i] = wire(path);
	}
	while (n-- > 0)
		free(names[n]);
	free(names);
	return all;
}

/* A name in cur/ without \Seen, or false. */
static bool
find_unseen(const char *cur, char *path, size_t size)
{
	DIR *d = opendir(cur);
	struct dirent *e;
	const char *info;
	bool found = false;

	if (d == NULL)
		err(EX_NOINPUT, "%s", cur);
	while (!found && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		info = strstr(e->d_name, ":2,");
		found = info == NULL || strchr(info + 3, 'S') == NULL;
		if (found)
			snprintf(path, size, "%s/%s", cur, e->d_name);
	}
	closedir(d);
	return found;
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
		if (epoll_ctl(ep, EPOLL_CTL_ADD, conns[i]->fd, &ev) == -1)
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
			(void)epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
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

static void
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

/* ---- logins ---- */

static void
many_logins(unsigned n)
{
	while (n-- > 0)
		logout(login());
}

static void
work_logins(void)
{
	unsigned i, each = opt.logins / opt.clients;
	double from = now();
	int st;

	for (i = 0; i < opt.clients && opt.clients > 1; i++)
		switch (fork()) {
		case -1:
			err(EX_OSERR, "fork");
		case 0:
			many_logins(each);
			_exit(0);
		}
	if (opt.clients == 1)
		many_logins(each);
	for (i = 0; i < opt.clients && opt.clients > 1; i++)
		if (wait(&st) == -1 || st != 0)
			errx(EX_PROTOCOL, "a client has failed");
	printf("login %.9f %u 0\n", now() - from, each * opt.clients);
}

/* ---- the command line ---- */

static unsigned
number(const char *text, unsigned max)
{
	const char *error;
	unsigned n;

	n = (unsigned)strtonum(text, 1, max, &error);
	if (error != NULL)
		errx(EX_USAGE, "%s: %s", text, error);
	return n;
}

/* One context for all connections; the certificate is the test's own. */
static SSL_CTX *
context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		errx(EX_OSERR, "no TLS");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, 128 * 1024);
	return ctx;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
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

int
main(int argc, char **argv)
{
	unsigned i;
	int ch;

	while ((ch = getopt(argc, argv, "+l:n:p:s:tu:")) != -1)
		switch (ch) {
		case 'l':
			opt.logins = number(optarg, 1000000);
			break;
		case 'n':
			opt.times = number(optarg, TIMES_MAX);
			break;
		case 'p':
			opt.clients = number(optarg, 64);
			break;
		case 's':
			opt.sessions = number(optarg, SESSIONS_MAX);
			break;
		case 't':
			opt.tls = context();
			break;
		case 'u':
			opt.user = optarg;
			break;
		default:
			return EX_USAGE;
		}
	if (argc - optind < 1)
		errx(EX_USAGE, "see the comment on top of imapclient.c");
	opt.port = (in_port_t)number(argv[optind], 65535);
	if (opt.logins > 0) {
		work_logins();
		return 0;
	}
	for (i = 0; i < opt.times; i++) {
		if (i > 0)
			usleep(MOMENT);
		script(argv + optind + 1);
	}
	show_figures();
	return 0;
}
