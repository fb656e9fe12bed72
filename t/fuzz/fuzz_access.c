/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets in a table of key deny or allow break its reader, and
 * that what is found matches what was asked.  The table ends at the first NUL;
 * what follows is a name that is asked for.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mail/access.h"
#include "system/activate.h"

int LLVMFuzzerInitialize(int *, char ***);
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
/* Of the sanitizers' own interface. */
void __sanitizer_set_report_fd(void *);

static char path[] = "/dev/shm/stdmail-fuzz.XXXXXX";
static int null, own_stderr;

static void
end(void)
{
	(void)unlink(path);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int fd = mkstemp(path);

	(void)argc;
	(void)argv;
	null = open("/dev/null", O_WRONLY);
	own_stderr = dup(STDERR_FILENO);
	if (fd == -1 || null == -1 || own_stderr == -1)
		abort();
	close(fd);
	__sanitizer_set_report_fd((void *)(intptr_t)own_stderr);
	return atexit(end);
}

static void
write_table(const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd == -1 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

/* An address that is found is in the network it was found by. */
static void
ask_address(const struct access *t, const char *ip)
{
	struct peer peer;
	struct conf_net net;
	struct conf_nets nets = { &net, 1 };
	const char *entry;

	memset(&peer, 0, sizeof(peer));
	assert(peer_set_ip(&peer, ip, 0) == 0);
	entry = access_address(t, (const struct sockaddr *)&peer.addr);
	if (entry == NULL)
		return;
	assert(conf_net_parse(&net, entry) == 0);
	assert(conf_nets_match(&nets, (const struct sockaddr *)&peer.addr));
}

/* A name is found by itself, or by what ends it from a dot on; one in UTF-8 by
 * another text. */
static void
ask_name(const struct access *t, enum access_what what, const char *name)
{
	const char *entry = access_name(t, what, name);
	size_t n = strlen(name), len;

	if (entry == NULL || strstr(entry, "xn--") != NULL)
		return;
	if (n > 1 && name[n - 1] == '.')
		n--;
	len = strlen(entry);
	assert(len <= n && strncasecmp(name + n - len, entry, len) == 0);
	assert(len == n || *entry == '.');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const ips[] = { "192.0.2.1", "10.255.0.128",
	    "2001:db8::1", "::1", "::ffff:192.0.2.7" };
	const uint8_t *zero = memchr(data, '\0', size);
	size_t n = zero == NULL ? size : (size_t)(zero - data), i;
	struct access t = { 0 };
	struct address a;
	char name[256];

	if (size > 65536)
		return 0;
	write_table(data, n);
	snprintf(name, sizeof(name), "%.*s", (int)(zero == NULL ? 0 :
	    size - n - 1), (const char *)data + n + 1);
	/* what is logged is not for those who look at a fuzzer */
	(void)dup2(null, STDERR_FILENO);
	access_refresh(&t, path);
	(void)dup2(own_stderr, STDERR_FILENO);
	for (i = 0; i < sizeof(ips) / sizeof(ips[0]); i++)
		ask_address(&t, ips[i]);
	ask_name(&t, ACCESS_CLIENT, name);
	ask_name(&t, ACCESS_HELO, name);
	ask_name(&t, ACCESS_SENDER, name);
	if (address_parse_utf8(&a, name, strlen(name), NULL) == 1)
		(void)access_sender(&t, &a);
	access_free(&t);
	return 0;
}
