/* SPDX-License-Identifier: ISC
 *
 * Proves that nothing a client says breaks a session of smtpd: the octets are
 * all it sends, to the session itself and to the monitor's table behind it,
 * over a small spool that is made anew for each.  The first octet says who
 * the client is.  Every reply is one; an honest session never asks what the
 * monitor calls a violation; each message that was answered 250 lies in the
 * spool, none else does, and it holds no bare CR and no NUL.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../smtpd/smtpd.h"
#include "mail/tables.h"
#include "mail/users.h"

#define FILES_MAX	256	/* messages of one session */

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int	 LLVMFuzzerInitialize(int *, char ***);
void	 __sanitizer_set_report_fd(void *);

struct smtpd smtpd;

static char folder[] = "/dev/shm/stdmail-smtp.XXXXXX";
static int err_fd, null_fd;
static struct settings settings;

static void
quiet(bool on)
{
	(void)dup2(on ? null_fd : err_fd, STDERR_FILENO);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
wrong(const char *fmt, ...)
{
	va_list ap;

	quiet(false);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

/*
 * The server around a session: the monitor's table is asked in this process.
 */

static struct server_call call;
static void *memory;

int
server_ask(struct server_session *s, unsigned op, const void *request,
    void *answer, const int *fds, size_t nfds, int *fd)
{
	const struct server_op *o = &monitor_ops()[op];

	(void)s;
	(void)fds;
	(void)nfds;
	if (!(o->states & 1u << call.state))
		wrong("%s in state %u", o->name, call.state);
	memset(answer, 0, o->reply);
	call.request = request;
	call.reply = answer;
	call.fd = -1;
	if (o->check == NULL || o->check(&call) != 0) {
		if (o->run != NULL)
			o->run(&call);
		if (o->done != NULL)
			o->done(&call);
	}
	if (fd != NULL)
		*fd = call.fd;
	else if (call.fd != -1)
		wrong("%s: a descriptor nobody wants", o->name);
	return 0;
}

void
server_violation(struct server_call *c, const char *what)
{
	(void)c;
	wrong("violation: %s", what);
}

void
server_login(struct server_call *c, bool good)
{
	(void)c;
	(void)good;
}

int
server_become_door(void)
{
	return 0;
}

void
server_busy(bool on)
{
	(void)on;
}

bool
server_stopping(void)
{
	return false;
}

/*
 * The spool.
 */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static void
remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
remove_all(void)
{
	remove_tree(folder);
}

static size_t nfiles;
static char *files[FILES_MAX];

/* Nothing in a message that is not a line. */
static void
check_text(const char *path)
{
	static char text[1 << 20];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof(text));

	if (n <= 0)
		wrong("%s cannot be read", path);
	close(fd);
	if (text[n - 1] != '\n')
		wrong("%s: its last line has no end", path);
	if (memchr(text, '\0', (size_t)n) != NULL ||
	    memchr(text, '\r', (size_t)n) != NULL)
		wrong("%s: a NUL or a bare CR", path);
}

static int
look(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)f;
	if (type != FTW_F)
		return 0;
	if (strstr(path, "/tmp/") != NULL)
		wrong("%s is left", path);
	if (strstr(path, "/env/") != NULL)
		return 0;
	check_text(path);
	if (nfiles < FILES_MAX)
		files[nfiles++] = strdup(path);
	return 0;
}

/* The message of this ID, which was answered for, is there. */
static void
check_taken(const char *id, size_t n)
{
	size_t i;

	for (i = 0; i < nfiles; i++)
		if (memmem(files[i], strlen(files[i]), id, n) != NULL)
			return;
	if (nfiles < FILES_MAX)
		wrong("%.*s was taken and is not there", (int)n, id);
}

/*
 * What it said.
 */

/* reply-line = 3DIGIT ( SP / "-" ) *( %d32-126 ) */
static bool
is_reply(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] > '~' || (i < 3 && (p[i] < '0' ||
		    p[i] > '9')))
			return false;
	return n > 3 && (p[3] == ' ' || p[3] == '-') && p[0] >= '2' &&
	    p[0] <= '5';
}

static size_t
check_output(const char *p, const char *end)
{
	static const char taken[] = "250 2.0.0 Message taken as ";
	const char *eol;
	size_t n = 0;

	for (; p < end; p = eol + 2) {
		eol = memmem(p, (size_t)(end - p), "\r\n", 2);
		if (eol == NULL || !is_reply(p, (size_t)(eol - p)))
			wrong("no reply: %.60s", p);
		if ((size_t)(eol - p) > strlen(taken) &&
		    memcmp(p, taken, strlen(taken)) == 0) {
			n++;
			p += strlen(taken);
			check_taken(p, (size_t)(eol - p));
		}
	}
	return n;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char users[sizeof(folder) + 16], spool[sizeof(folder) + 16];
	static const char line[] = "alice:{PLAIN}open-sesame:::::\n"
	    "bob:{PLAIN}open-sesame:::::\n";
	const char *keys[] = { "hostname=mx.a.test", "domains=a.test",
	    "mail=/dev/null/%u/", "timeout=5", "max_size=20000",
	    "max_recipients=8", "relay_from=127.0.0.0/8", "mail_user=root",
	    "spool_user=root",
	    "auth_mechanisms=PLAIN LOGIN SCRAM-SHA-256", users, spool };
	char error[CONF_ERROR_MAX];
	int fd;

	(void)argc;
	(void)argv;
	err_fd = dup(STDERR_FILENO);
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	__sanitizer_set_report_fd((void *)(intptr_t)err_fd);
	if (mkdtemp(folder) == NULL)
		wrong("no folder");
	atexit(remove_all);
	snprintf(users, sizeof(users), "users=%s/users", folder);
	snprintf(spool, sizeof(spool), "spool=%s/spool", folder);
	fd = open(users + 6, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd == -1 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		wrong("no users");
	close(fd);
	if (settings_load(&settings, "/dev/null", keys,
	    sizeof(keys) / sizeof(keys[0]), error) == -1 ||
	    users_open(&smtpd.users, &settings, error) == -1 ||
	    tables_open(&smtpd.tables, &settings, error) == -1)
		wrong("%s", error);
	smtpd.settings = &settings;
	monitor_judge_scram();
	memory = calloc(1, monitor_data_size());
	return memory == NULL;
}

/* A descriptor to read these octets from. */
static int
input(const uint8_t *data, size_t n)
{
	int fd = memfd_create("in", MFD_CLOEXEC);

	if (fd == -1 || write(fd, data, n) != (ssize_t)n ||
	    lseek(fd, 0, SEEK_SET) == -1)
		wrong("no input");
	return fd;
}

/* A stranger, a host that may relay, or a program of this host; on port 25 or
 * where users submit. */
static void
client(struct peer *peer, unsigned who)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&peer->addr;

	memset(peer, 0, sizeof(*peer));
	smtpd.mode = who & 1 ? MODE_SUBMISSION : MODE_MX;
	if (who & 4) {
		peer->kind = PEER_UNIX;
		peer->named = peer->loopback = true;
		return;
	}
	peer->kind = PEER_INET;
	/* loopback, so that no name is asked for in the DNS */
	peer->loopback = true;
	strlcpy(peer->ip, who & 2 ? "127.0.0.1" : "192.0.2.1",
	    sizeof(peer->ip));
	in->sin_family = AF_INET;
	inet_pton(AF_INET, peer->ip, &in->sin_addr);
}

static void
spool_make(void)
{
	char error[CONF_ERROR_MAX];

	if (mkdir(settings.spool, 0700) == -1 ||
	    spool_open(&smtpd.spool, &settings, error) == -1)
		wrong("no spool: %s", error);
	smtpd.spool_open = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct server_session server = { 0 };
	struct stat st;
	char *text;
	size_t i;
	int said;

	if (n == 0)
		return 0;
	client(&server.peer, data[0]);
	server.in = input(data + 1, n - 1);
	server.out = memfd_create("out", MFD_CLOEXEC);
	said = dup(server.out);
	memset(&call, 0, sizeof(call));
	memset(memory, 0, monitor_data_size());
	call.data = memory;
	call.peer = &server.peer;
	quiet(true);
	spool_make();
	session_run(&server);
	monitor_ended(&call);
	nfiles = 0;
	if (nftw(settings.spool, look, 16, FTW_PHYS) != 0 ||
	    fstat(said, &st) == -1 || st.st_size == 0 ||
	    (text = calloc(1, (size_t)st.st_size + 1)) == NULL ||
	    pread(said, text, (size_t)st.st_size, 0) != st.st_size)
		wrong("it said nothing");
	if (check_output(text, text + st.st_size) == 0 && nfiles > 0)
		wrong("a message that was not answered for");
	free(text);
	for (i = 0; i < nfiles; i++)
		free(files[i]);
	close(said);
	spool_close(&smtpd.spool);
	remove_tree(settings.spool);
	quiet(false);
	return 0;
}
