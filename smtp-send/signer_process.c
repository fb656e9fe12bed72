/* SPDX-License-Identifier: ISC
 *
 * The process that signs.  It has no descriptor but the agent's socket, the
 * log and the message it is at, and gives out signatures and nothing else.
 */
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/convert.h"
#include "signer_local.h"
#include "system/fdio.h"
#include "system/log.h"
#include "system/sandbox.h"

/* One answer to be made. */
struct answer {
	enum signer_outcome outcome;
	const char	*why;
	struct buf	 prefix, prefix_7bit;
	int		 fd;
};

static size_t
add_text(char *to, uint32_t *len, const char *text)
{
	*len = text == NULL ? 0 : (uint32_t)strlen(text) + 1;
	if (*len > 0)
		memcpy(to, text, *len);
	return *len;
}

static int
send_answer(int sock, struct answer *a)
{
	static char packet[SIGNER_ANSWER_MAX];
	struct signer_answer head = { .outcome = a->outcome };
	char why[CONF_ERROR_MAX];
	size_t n = sizeof(head);

	strlcpy(why, a->why, sizeof(why));
	n += add_text(packet + n, &head.why, why);
	if (a->prefix.len > 0)
		n += add_text(packet + n, &head.prefix, buf_str(&a->prefix));
	if (a->fd != -1)
		n += add_text(packet + n, &head.prefix_7bit,
		    buf_str(&a->prefix_7bit));
	memcpy(packet, &head, sizeof(head));
	return fd_send(sock, packet, n, a->fd);
}

/* Nobody may change any more what was signed. */
static int
seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK | F_SEAL_SEAL);
}

/* The other form; one that cannot be had is none. */
static void
sign_7bit(const struct dkim_ring *ring, int fd, off_t at, int64_t now,
    struct answer *a)
{
	struct dkim_result result;
	const char *why;

	if (convert_7bit(fd, at, &a->fd, &why) != CONVERTED) {
		a->fd = -1;
		return;
	}
	if (seal(a->fd) == 0 && dkim_ring_sign(ring, a->fd, 0, now,
	    &a->prefix_7bit, &result) == DKIM_SIGNED)
		return;
	close(a->fd);
	a->fd = -1;
}

static void
sign(const struct dkim_ring *ring, int fd, const struct signer_request *q,
    struct answer *a)
{
	int64_t now = (int64_t)time(NULL);
	struct dkim_result result;

	switch (dkim_ring_sign(ring, fd, (off_t)q->at, now, &a->prefix,
	    &result)) {
	case DKIM_SIGNED:
		a->outcome = SIGNER_SIGNED;
		if (q->convert && result.eightbit)
			sign_7bit(ring, fd, (off_t)q->at, now, a);
		break;
	case DKIM_UNSIGNED:
		a->outcome = SIGNER_UNSIGNED;
		break;
	case DKIM_FAILED:
		a->outcome = SIGNER_FAILED;
		break;
	}
	a->why = result.why;
}

void
signer_serve(const struct dkim_ring *ring, int sock)
{
	struct signer_request q;
	struct answer a = { .fd = -1 };
	int fd, r = 0;

	buf_init(&a.prefix, DKIM_PREFIX_MAX);
	buf_init(&a.prefix_7bit, DKIM_PREFIX_MAX);
	while (r == 0 && fd_recv(sock, &q, sizeof(q), &fd) == sizeof(q) &&
	    fd != -1) {
		buf_reset(&a.prefix);
		buf_reset(&a.prefix_7bit);
		a.fd = -1;
		sign(ring, fd, &q, &a);
		r = send_answer(sock, &a);
		close(fd);
		if (a.fd != -1)
			close(a.fd);
	}
	buf_free(&a.prefix);
	buf_free(&a.prefix_7bit);
}

/* Close all but the standard streams, the log and this one. */
static void
close_others(int keep)
{
	int log = log_fd(), low = keep < log ? keep : log,
	    high = keep < log ? log : keep;

	if (low <= STDERR_FILENO)
		low = STDERR_FILENO;
	if (low > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)low - 1, 0);
	if (high > low + 1)
		(void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	(void)close_range((unsigned)high + 1, ~0u, 0);
}

/* The agent alone ends us, by closing its end. */
static void
ignore_signals(void)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void
signer_main(const struct settings *settings, int sock)
{
	char error[CONF_ERROR_MAX];
	struct dkim_ring ring;
	struct answer a = { .fd = -1, .outcome = SIGNER_SIGNED, .why = "" };

	ignore_signals();
	close_others(sock);
	if (dkim_ring_load(&ring, settings, error) == -1) {
		a.outcome = SIGNER_FAILED;
		a.why = error;
	} else if (sandbox_door() == -1) {
		a.outcome = SIGNER_FAILED;
		a.why = strerror(errno);
	}
	if (send_answer(sock, &a) == 0 && a.outcome == SIGNER_SIGNED)
		signer_serve(&ring, sock);
	dkim_ring_free(&ring);
}
