/* SPDX-License-Identifier: ISC
 *
 * Proves the monitor: what a door may ask, what kills it, that helpers run
 * beside the loop, that limits, delays and signals hold, and that a loop whose
 * sessions crash executes itself again and keeps its socket.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "system/conf.h"
#include "system/log.h"
#include "system/sandbox_filter.h"
#include "system/server.h"
#include "tap.h"

enum { ADD, SLOW, LOGIN, FILEOP, STAY, AFTER, LIE };
enum { START, KNOWN };

struct numbers { int a, b; };

static void
run_add(struct server_call *call)
{
	struct numbers n;
	int sum;

	memcpy(&n, call->request, sizeof(n));
	sum = n.a + n.b + ++*(int *)call->data * 1000;
	memcpy(call->reply, &sum, sizeof(sum));
}

static void
run_slow(struct server_call *call)
{
	int ms;

	memcpy(&ms, call->request, sizeof(ms));
	if (ms < 0)
		abort();
	usleep((unsigned)ms * 1000);
	memcpy(call->reply, &ms, sizeof(ms));
}

static int
check_login(struct server_call *call)
{
	int locked = -1;

	if (call->locked)
		memcpy(call->reply, &locked, sizeof(locked));
	return !call->locked;
}

static void
run_login(struct server_call *call)
{
	int good = memcmp(call->request, "secret", 6) == 0;

	memcpy(call->reply, &good, sizeof(good));
}

static void
done_login(struct server_call *call)
{
	int good;

	memcpy(&good, call->reply, sizeof(good));
	if (good)
		call->state = KNOWN;
	server_login(call, good);
}

/* A file the monitor opens and the door could not. */
static void
run_file(struct server_call *call)
{
	call->fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

/* Takes the connection over. */
static void
run_stay(struct server_call *call)
{
	char c;
	ssize_t r;

	server_stop_fd(call->fds[0]);
	server_answer(call);
	while ((r = read(call->fds[0], &c, 1)) == 1)
		if (write(call->fds[0], c == 'p' ? "P" : "?", 1) != 1)
			return;
	if (server_stopping())
		(void)!write(call->fds[0], "S", 1);
}

static const struct server_op ops[] = {
	[ADD] = { "add", sizeof(struct numbers), sizeof(int), 1u << START |
	    1u << KNOWN, 3, 0, NULL, run_add, NULL },
	[SLOW] = { "slow", sizeof(int), sizeof(int), 1u << START, 0,
	    SERVER_HELPER, NULL, run_slow, NULL },
	[LOGIN] = { "login", 16, sizeof(int), 1u << START, 0,
	    SERVER_HELPER | SERVER_LOGIN, check_login, run_login, done_login },
	[FILEOP] = { "file", 0, 0, 1u << START, 0, SERVER_FD_OUT, NULL,
	    run_file, NULL },
	[STAY] = { "stay", 0, 0, 1u << START, 1, SERVER_HELPER |
	    SERVER_STAYS | SERVER_FD_IN, NULL, run_stay, NULL },
	[AFTER] = { "after", 0, 0, 1u << KNOWN, 0, 0, NULL, NULL, NULL },
	/* what a dishonest door believes of ADD */
	[LIE] = { "lie", 4, 4, 1u << START, 0, 0, NULL, NULL, NULL },
};

static void
say(struct server_session *s, const char *text)
{
	(void)!write(s->out, text, strlen(text));
}

static int
ask_add(struct server_session *s)
{
	struct numbers n = { 2, 3 };
	int sum = 0;

	return server_ask(s, ADD, &n, &sum, NULL, 0, NULL) == 0 ? sum : -1;
}

static void
say_number(struct server_session *s, long n)
{
	char line[40];

	snprintf(line, sizeof(line), "%ld ", n);
	say(s, line);
}

/* One letter is one thing to do. */
static bool
obey(struct server_session *s, char c)
{
	struct server_op wrong[LIE + 1];
	struct server liar;
	char guess[16] = "guess";
	int n = 0, r, fd;

	switch (c) {
	case 'a':
		n = ask_add(s);
		say_number(s, n);
		return n != -1;
	case 's':
	case 'd':
		n = c == 's' ? 300 : -1;
		r = server_ask(s, SLOW, &n, &n, NULL, 0, NULL);
		say(s, r == 0 ? "slow " : r == 1 ? "failed " : "gone ");
		return r != -1;
	case 'l':
	case 'L':
		if (c == 'L')
			strlcpy(guess, "secret", sizeof(guess));
		r = server_ask(s, LOGIN, guess, &n, NULL, 0, NULL);
		say(s, n == -1 ? "locked " : n == 1 ? "good " : "bad ");
		return r == 0;
	case 'f':
		r = server_ask(s, FILEOP, NULL, NULL, NULL, 0, &fd);
		say(s, fd != -1 && read(fd, guess, 5) == 5 ? "file " :
		    "no-file ");
		return true;
	case 'o':
		/* the wide filter of some builds lets it through */
		say(s, open("/etc/passwd", O_RDONLY) == -1 ||
		    SANDBOX_IS_WIDE ? "refused " : "open! ");
		return true;
	case 't':
		if (server_ask(s, STAY, NULL, NULL, &s->in, 1, NULL) == 0)
			return false;
		return true;
	case 'A':
		r = server_ask(s, AFTER, NULL, NULL, NULL, 0, NULL);
		say(s, r == 0 ? "after " : "gone ");
		return r == 0;
	case 'z':
		memcpy(wrong, ops, sizeof(wrong));
		wrong[ADD].request = 4;
		liar = *s->server;
		liar.ops = wrong;
		s->server = &liar;
		r = server_ask(s, ADD, &n, &n, NULL, 0, NULL);
		say(s, r == -1 ? "gone " : "lied ");
		return false;
	case 'b':
		server_busy(true);
		say(s, "busy ");
		for (n = 0; n < 1000 && !server_stopping(); n++)
			usleep(10 * 1000);
		say(s, server_stopping() ? "finished " : "undisturbed ");
		server_busy(false);
		return true;
	case 'c':
		raise(SIGABRT);
		return false;
	case 'i':
		say(s, s->peer.ip);
		say(s, " ");
		return true;
	case 'u':
		say_number(s, (long)getuid());
		return true;
	default:
		return false;
	}
}

static void
session(struct server_session *s)
{
	char c;

	say(s, "hi ");
	while (read(s->in, &c, 1) == 1)
		if (!obey(s, c))
			return;
	if (server_stopping())
		say(s, "stopped");
}

static const char *
refused(enum server_refusal why)
{
	return why == SERVER_FULL ? "full" : why == SERVER_TOO_FAST ?
	    "too-fast" : "address-full";
}

/* With T_ADMIT: that many connections, then no more. */
static bool
admit(const struct peer *peer)
{
	static int n;
	const char *max = getenv("T_ADMIT");

	return peer->kind != PEER_INET || max == NULL || n++ < max[0] - '0';
}

static void
reload(struct server *server)
{
	server->max_per_address = 1;
}

static struct conf_net proxy_net;
static struct conf_nets proxies = { &proxy_net, 0 };

static struct server server = {
	.name = "test", .ops = ops, .nops = sizeof(ops) / sizeof(ops[0]),
	.data_size = sizeof(int), .max_sessions = 8, .max_per_address = 6,
	.max_helpers = 4, .helper_seconds = 5, .max_login_failures = 2,
	.session = session, .refuse = refused, .reload = reload,
	.admit = admit,
	.proxy_from = &proxies
};

static int port;
static pid_t running;

static int
dial(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_port = htons((unsigned short)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Read until the text ends like this, or the end, or 30 s without any. */
static const char *
hear(int fd, const char *until)
{
	static char got[500];
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t n = 0, u = strlen(until);
	ssize_t r;

	got[0] = '\0';
	while (n < sizeof(got) - 1 && poll(&pfd, 1, 30000) == 1) {
		r = read(fd, got + n, 1);
		if (r <= 0)
			break;
		got[++n] = '\0';
		if (u > 0 && n >= u && strcmp(got + n - u, until) == 0)
			break;
	}
	return got;
}

static void
tell(int fd, const char *what)
{
	(void)!write(fd, what, strlen(what));
}

/* A whole conversation. */
static const char *
talk(const char *what)
{
	const char *got;
	int fd = dial();

	tell(fd, what);
	shutdown(fd, SHUT_WR);
	got = hear(fd, "");
	close(fd);
	return got;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The child that serves; the socket is on 0, as inetd wait has it. */
static void
serve(int listener, char *const *argv)
{
	struct activate a;
	char error[200];
	struct passwd *pw;

	if (listener != 0) {
		dup2(listener, 0);
		close(listener);
	}
	log_open("server");
	if (geteuid() == 0 && (pw = getpwnam("nobody")) != NULL) {
		server.door_uid = pw->pw_uid;
		server.door_gid = pw->pw_gid;
	}
	if (getenv("T_PROXY") != NULL) {
		conf_net_parse(&proxy_net, "127.0.0.0/8");
		proxies.n = 1;
	}
	if (getenv("T_IDLE") != NULL)
		server.idle_exit = 1;
	server.ahead = getenv("T_AHEAD") == NULL ? 0 :
	    SERVER_AHEAD_DOORS | SERVER_AHEAD_HELPERS;
	if (activate_detect(&a, error, sizeof(error)) == -1)
		exit(99);
	exit(server_run(&server, &a, argv));
}

static void
begin(char *const *argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t n = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0), quiet;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&sin, n) == -1 ||
	    listen(fd, 100) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &n) == -1)
		exit(1);
	port = ntohs(sin.sin_port);
	fflush(stdout);
	if ((running = fork()) == 0) {
		quiet = open(getenv("T_LOG") == NULL ? "/dev/null" :
		    getenv("T_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(quiet, 2);
		close(quiet);
		serve(fd, argv);
	}
	close(fd);
}

static int
end(int signo)
{
	int status;

	if (signo != 0)
		kill(running, signo);
	waitpid(running, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/*
 * Two helpers, each of 300 ms, and a session meanwhile: did they work at once
 * and side by side?  A busy machine may say no for once.
 */
static bool
at_once(void)
{
	double t = now(), first;
	int a = dial(), b = dial();
	bool good;

	tell(a, "s");
	tell(b, "s");
	good = strcmp(talk("a"), "hi 1005 ") == 0;
	first = now() - t;
	good = strcmp(hear(a, "slow "), "hi slow ") == 0 && good;
	good = strcmp(hear(b, "slow "), "hi slow ") == 0 && good;
	close(a);
	close(b);
	return good && first < 0.29 && now() - t < 0.58;
}

static void
test_requests(char *const *argv)
{
	int a, i;

	begin(argv);
	is_str(talk("a"), "hi 1005 ", "a request and its answer");
	is_str(talk("aaa"), "hi 1005 2005 3005 ",
	    "the monitor remembers for a session");
	is_str(talk("aaaa"), "hi 1005 2005 3005 ",
	    "one request too many ends it");
	is_str(talk("z"), "hi ", "so does one of a wrong size");
	is_str(talk("A"), "hi ", "or in a wrong state");
	is_str(talk("fo"), "hi file refused ",
	    "a descriptor comes; the door itself opens nothing");
	is_str(talk("i"), "hi 127.0.0.1 ", "the peer is known");
	if (geteuid() == 0)
		ok(strcmp(talk("u"), "hi 0 ") != 0, "the door is not root");
	else
		ok(1, "the door is not root # SKIP not started as root");
	is_str(talk("da"), "hi failed 1005 ",
	    "a helper that dies is a temporary failure");
	for (i = 0; i < 10 && !at_once(); i++)
		;
	ok(i < 10, "while helpers work the loop goes on, and others help");
	a = dial();
	tell(a, "t");
	usleep(100 * 1000);
	tell(a, "p");
	is_str(hear(a, "P"), "hi P", "a helper stays and has the connection");
	close(a);
	is_int(end(SIGTERM), 0, "SIGTERM ends it with 0");
}

static void
test_login(char *const *argv)
{
	double t;
	int fd, other;
	const char *got;

	/* A busy machine may be late for once. */
	for (int i = 0; ; i++) {
		begin(argv);
		t = now();
		fd = dial();
		other = dial();
		tell(fd, "l");
		usleep(50 * 1000);
		tell(other, "a");
		got = hear(other, "5 ");
		if (now() - t < 0.9 || i == 10)
			break;
		close(fd);
		close(other);
		end(SIGTERM);
	}
	is_str(got, "hi 1005 ", "nobody else waits");
	ok(now() - t < 0.9, "for a wrong password's delay");
	is_str(hear(fd, "bad "), "hi bad ", "a wrong password");
	ok(now() - t > 0.95, "is answered late");
	tell(fd, "l");
	is_str(hear(fd, "bad "), "bad ", "a second one");
	ok(now() - t > 2.9, "later still");
	tell(fd, "L");
	is_str(hear(fd, "locked "), "locked ", "then even the right one not");
	close(fd);
	close(other);
	end(SIGTERM);
	begin(argv);
	is_str(talk("LA"), "hi good after ", "a login changes the state");
	end(SIGTERM);
}

static void
test_limits(char *const *argv)
{
	int fd[6], extra, i;
	double t;

	begin(argv);
	for (i = 0; i < 6; i++) {
		fd[i] = dial();
		hear(fd[i], " ");
	}
	extra = dial();
	is_str(hear(extra, ""), "address-full", "the limit of an address");
	close(extra);
	kill(running, SIGHUP);
	for (i = 0; i < 6; i++)
		close(fd[i]);
	/* Who is refused before they have left takes none. */
	for (t = now(); ; close(fd[0])) {
		fd[0] = dial();
		if (strcmp(hear(fd[0], " "), "hi ") == 0 || now() - t > 10)
			break;
	}
	ok(now() - t < 10, "a free place is taken again");
	extra = dial();
	is_str(hear(extra, ""), "address-full", "SIGHUP has changed the limit");
	close(extra);
	close(fd[0]);
	end(SIGTERM);
}

static void
test_stop(char *const *argv)
{
	int waiting, busy_one, stays;

	begin(argv);
	waiting = dial();
	busy_one = dial();
	stays = dial();
	hear(waiting, " ");
	hear(busy_one, " ");
	tell(stays, "tp");
	hear(stays, "P");
	tell(busy_one, "b");
	hear(busy_one, "busy ");
	kill(running, SIGTERM);
	is_str(hear(waiting, ""), "stopped", "a session that waits wakes");
	is_str(hear(stays, ""), "S", "and a mailbox process too");
	is_str(hear(busy_one, ""), "finished stopped", "a busy one finishes");
	is_int(end(0), 0, "then the loop is over");
	close(waiting);
	close(busy_one);
	close(stays);
}

static const char *
crash(void)
{
	const char *got;
	int fd = dial();

	tell(fd, "c");
	got = hear(fd, "");
	close(fd);
	return got;
}

static void
test_crashes(char *const *argv)
{
	int i, old, barred = 0;
	double t;
	const char *got;

	begin(argv);
	old = dial();
	is_str(hear(old, " "), "hi ", "a session that will live on");
	for (i = 0; i < 5; ) {
		got = crash();
		i += strcmp(got, "hi ") == 0;
		barred += strcmp(got, "address-full") == 0;
		usleep(20 * 1000);
	}
	ok(barred > 0, "a session that crashes bars its address for a while");
	usleep(200 * 1000);
	t = now();
	do
		got = talk("a");
	while (strcmp(got, "address-full") == 0 && now() - t < 3);
	is_str(got, "hi 1005 ", "after five there is a new process");
	tell(old, "a");
	is_str(hear(old, "5 "), "1005 ", "and the old session is answered");
	close(old);
	is_int(end(SIGTERM), 0, "the new one stops as the old would");
}

static void
test_proxy(char *const *argv)
{
	int fd;

	setenv("T_PROXY", "1", 1);
	begin(argv);
	is_str(talk("PROXY TCP4 192.0.2.7 192.0.2.1 4000 25\r\nia"),
	    "hi 192.0.2.7 1005 ", "a proxy's word is believed");
	is_str(talk("PROXY UNKNOWN\r\ni"), "hi 127.0.0.1 ",
	    "without a name it is the proxy itself");
	is_str(talk("HELO x\r\n"), "", "without a header: closed");
	fd = dial();
	tell(fd, "PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\n");
	is_str(hear(fd, " "), "hi ", "IPv6");
	close(fd);
	end(SIGTERM);
	unsetenv("T_PROXY");
}

/* The children of the server, in got[]; how many. */
static size_t
children(pid_t *got, size_t max)
{
	char path[64];
	size_t n = 0;
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)running, (int)running);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (n < max && fscanf(f, "%d", &pid) == 1)
		got[n++] = pid;
	fclose(f);
	return n;
}

/* Until there are as many, or 10 s. */
static size_t
wait_children(size_t want, pid_t *got)
{
	double t = now();
	size_t n;

	while ((n = children(got, 16)) != want && now() - t < 10)
		usleep(10 * 1000);
	return n;
}

/* Connections in a row, until four children wait. */
static size_t
rush(pid_t *got)
{
	double t = now();
	size_t n;

	do {
		(void)talk("i");
		usleep(20 * 1000);
		n = children(got, 16);
	} while (n != 4 && now() - t < 10);
	return n;
}

static bool
any_left(const pid_t *old, const pid_t *new, size_t n)
{
	size_t i, j;

	for (i = 0; i < 4; i++)
		for (j = 0; j < n; j++)
			if (old[i] == new[j])
				return true;
	return false;
}

/* Are there others now, and none of the old?  No connection brings them. */
static bool
renewed(const pid_t *old, pid_t *new)
{
	double t = now();
	size_t n;

	do {
		n = children(new, 16);
		if (n > 0 && !any_left(old, new, n))
			return true;
		usleep(5 * 1000);
	} while (now() - t < 10);
	return false;
}

/* Children forked ahead. */
static void
test_ahead(char *const *argv)
{
	pid_t old[16], new[16];
	size_t i, n;
	int fd;

	setenv("T_AHEAD", "1", 1);
	begin(argv);
	is_str(talk("a"), "hi 1005 ", "the first door is forked for it");
	is_int(wait_children(0, old), 0, "and none waits");
	is_int(rush(old), 4, "many in a row: children wait");
	is_str(talk("aisof"), "hi 1005 127.0.0.1 slow refused file ",
	    "a door and a helper that waited are like others");
	ok(strcmp(talk("u"), "hi 0 ") != 0, "and the door is not root");
	(void)rush(old);
	fd = dial();
	tell(fd, "ist");
	is_str(hear(fd, "slow "), "hi 127.0.0.1 slow ", "a helper that "
	    "waited");
	tell(fd, "p");
	is_str(hear(fd, "P"), "P", "one that stays");
	close(fd);
	(void)rush(old);
	for (i = 0; i < 4; i++)
		kill(old[i], SIGKILL);
	(void)wait_children(0, new);
	is_str(talk("sia"), "hi slow 127.0.0.1 1005 ", "all that wait die");
	is_int(rush(new), 4, "others follow");
	ok(!any_left(old, new, 4), "in their place");
	is_int(wait_children(0, new), 0, "when it is quiet they go");
	(void)rush(old);
	kill(running, SIGHUP);
	ok(renewed(old, new), "a reload: others in place of those before");
	n = rush(old);
	is_int(end(SIGTERM), 0, "SIGTERM ends it");
	for (i = 0; i < n; i++)
		for (fd = 0; fd < 500 && kill(old[i], 0) == 0; fd++)
			usleep(10 * 1000);
	ok(kill(old[0], 0) == -1 && kill(old[3], 0) == -1,
	    "and those that wait");
	unsetenv("T_AHEAD");
}

/* A client that is refused before the fork. */
static void
test_admit(char *const *argv)
{
	setenv("T_ADMIT", "2", 1);
	begin(argv);
	is_str(talk("a"), "hi 1005 ", "admit: the first");
	is_str(talk("a"), "hi 1005 ", "admit: the second");
	is_str(talk("a"), "too-fast", "admit: the third is told");
	is_str(talk("a"), "too-fast", "admit: and the fourth");
	is_int(end(SIGTERM), 0, "admit: SIGTERM ends it");
	unsetenv("T_ADMIT");
}

/* One connection or pipe: the process ends with its session. */
static void
test_one(void)
{
	int in[2], out[2], status;
	struct activate a;
	char error[200];
	pid_t pid;

	if (pipe(in) == -1 || pipe(out) == -1)
		return;
	fflush(stdout);
	if ((pid = fork()) == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		dup2(open("/dev/null", O_WRONLY), 2);
		log_open("server");
		server.door_uid = server.door_gid = 65534;
		if (activate_detect(&a, error, sizeof(error)) == -1)
			exit(99);
		exit(server_run(&server, &a, NULL));
	}
	close(in[0]);
	close(out[1]);
	tell(in[1], "aso");
	close(in[1]);
	is_str(hear(out[0], ""), "hi 1005 slow refused ", "one pipe");
	waitpid(pid, &status, 0);
	is_int(WEXITSTATUS(status), 0, "then it is over");
}

int
main(int argc, char **argv)
{
	const char *variant = getenv("STDMAIL_VARIANT");

	(void)argc;
	signal(SIGPIPE, SIG_IGN);
	if (getenv("T_SERVE") != NULL)	/* executed again */
		serve(0, argv);
	setenv("T_SERVE", "1", 1);
	test_requests(argv);
	test_login(argv);
	test_limits(argv);
	test_stop(argv);
	/* What valgrind runs would execute itself again without it. */
	if (variant != NULL && strcmp(variant, "memcheck") == 0)
		ok(1, "after five crashes # SKIP not under valgrind");
	else
		test_crashes(argv);
	test_proxy(argv);
	setenv("T_IDLE", "1", 1);
	begin(argv);
	is_int(end(0), 0, "without work it leaves");
	unsetenv("T_IDLE");
	test_ahead(argv);
	test_admit(argv);
	test_one();
	return done();
}
