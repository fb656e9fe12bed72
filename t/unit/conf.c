/* SPDX-License-Identifier: ISC
 *
 * Proves that every value type takes what it should and nothing else, that
 * each fault names its file and line, and that networks match by prefix.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "system/conf.h"
#include "tap.h"

struct all {
	char		*name;
	char		*path;
	bool		 flag;
	long long	 count;
	long long	 size;
	long long	 wait;
	struct conf_list list;
	struct conf_nets nets;
	struct conf_pairs pairs;
	char		*words;
};

static const char *
no_slash(const char *s)
{
	return strchr(s, '/') == NULL ? NULL : "has a slash";
}

#define AT(f)	offsetof(struct all, f)

static const struct conf_key keys[] = {
	{ "name", CONF_STRING, AT(name), "", 0, 0, no_slash },
	{ "path", CONF_PATH, AT(path), "/var", 0, 0, NULL },
	{ "flag", CONF_BOOL, AT(flag), "no", 0, 0, NULL },
	{ "count", CONF_INT, AT(count), "5", 1, 100, NULL },
	{ "size", CONF_SIZE, AT(size), "25M", 0, 0, NULL },
	{ "wait", CONF_DURATION, AT(wait), "5m", 0, 0, NULL },
	{ "list", CONF_LIST, AT(list), "PLAIN LOGIN", 0, 0, NULL },
	{ "nets", CONF_NETS, AT(nets), NULL, 0, 0, NULL },
	{ "pairs", CONF_PAIRS, AT(pairs), NULL, 0, 0, NULL },
	{ "words", CONF_WORDS, AT(words), "", 0, 0, no_slash },
};
#define NKEYS	(sizeof(keys) / sizeof(keys[0]))

/* All of a struct as text. */
static const char *
show(const struct all *a)
{
	static char out[1024];
	size_t i, n;

	n = (size_t)snprintf(out, sizeof(out), "%s,%s,%d,%lld,%lld,%lld,",
	    a->name, a->path, a->flag, a->count, a->size, a->wait);
	for (i = 0; i < a->list.n; i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "[%s]",
		    a->list.v[i]);
	n += (size_t)snprintf(out + n, sizeof(out) - n, ",%zu,", a->nets.n);
	for (i = 0; i < a->pairs.n; i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "[%s>%s]",
		    a->pairs.v[i].name, a->pairs.v[i].value);
	snprintf(out + n, sizeof(out) - n, "%s", a->words);
	return out;
}

#define DEFAULTS	",/var,0,5,26214400,300,[PLAIN][LOGIN],0,"

static const struct {
	const char	*text;
	const char	*want;		/* show(), or the message */
} rows[] = {
	{ "", DEFAULTS },
	{ "# nothing\n\n  \t\n   # more", DEFAULTS },
	{ "name x # y\n", "x,/var,0,5,26214400,300,[PLAIN][LOGIN],0," },
	{ "name x#y\r\n", "x#y,/var,0,5,26214400,300,[PLAIN][LOGIN],0," },
	{ "name \"a \\\"b\\\" \\\\ #\"",
	    "a \"b\" \\ #,/var,0,5,26214400,300,[PLAIN][LOGIN],0," },
	{ "flag YES\ncount 100\nsize 2k\nwait 1w\nlist\n",
	    ",/var,1,100,2048,604800,,0," },
	{ "list a b\nnets ::1 10.0.0.0/8\nlist c\npairs x y\npairs z w\n",
	    ",/var,0,5,26214400,300,[a][b][c],2,[x>y][z>w]" },
	{ "words a  b c # d\n", DEFAULTS "a b c" },
	{ "words a b/c\n", "f:1: words: \"a b/c\" has a slash" },
	{ "words\n", "f:1: words needs a value" },
	{ "words a\nwords b\n", "f:2: words was already given in line 1" },
	{ "size 0\nwait 0", ",/var,0,5,0,0,[PLAIN][LOGIN],0," },
	{ "\n\nnmae x\n", "f:3: unknown key nmae" },
	{ "n\001 x\n", "f:1: unknown key \"n\\x01\"" },
	{ "name x\nname y\n", "f:2: name was already given in line 1" },
	{ "name\n", "f:1: name needs a value" },
	{ "name a b\n", "f:1: name takes one value, not 2" },
	{ "name a/b\n", "f:1: name: a/b has a slash" },
	{ "name \"a\n", "f:1: a quoted word does not end well" },
	{ "name \"a\"b\n", "f:1: a quoted word does not end well" },
	{ "name \"a\\n\"\n", "f:1: a quoted word does not end well" },
	{ "name a\"b\n", "f:1: a quote inside a word" },
	{ "path \"\"\n", "f:1: path must not be empty" },
	{ "flag maybe\n", "f:1: flag: maybe is neither yes nor no" },
	{ "count 0\n", "f:1: count: 0 is too small, at least 1" },
	{ "count 101\n", "f:1: count: 101 is too large, at most 100" },
	{ "count 5x\n", "f:1: count: 5x is not a number" },
	{ "count -1\n", "f:1: count: -1 is not a number" },
	{ "count 99999999999999999999\n",
	    "f:1: count: 99999999999999999999 is too large" },
	{ "size 1KB\n",
	    "f:1: size: 1KB is not a size such as 500K, 25M or 1G" },
	{ "size 9999999999T\n", "f:1: size: 9999999999T is too large, "
	    "at most 9223372036854775807" },
	{ "wait 5y\n",
	    "f:1: wait: 5y is not a time such as 30s, 5m, 4h or 5d" },
	{ "nets 10.0.0.1/8\n", "f:1: nets: 10.0.0.1/8 is not a network such "
	    "as 192.0.2.0/24 or 2001:db8::/32" },
	{ "pairs x\n", "f:1: pairs takes two words" },
};

static const struct {
	const char	*net;
	const char	*ip;
	int		 want;		/* -1: not a network */
} net_rows[] = {
	{ "192.0.2.0/24", "192.0.2.255", 1 },
	{ "192.0.2.0/24", "192.0.3.0", 0 },
	{ "192.0.2.0/24", "::ffff:192.0.2.7", 1 },
	{ "192.0.2.128/25", "192.0.2.127", 0 },
	{ "192.0.2.1", "192.0.2.1", 1 },
	{ "192.0.2.1", "192.0.2.2", 0 },
	{ "0.0.0.0/0", "203.0.113.9", 1 },
	{ "0.0.0.0/0", "2001:db8::1", 0 },
	{ "::/0", "2001:db8::1", 1 },
	{ "2001:db8::/33", "2001:db8:7fff::1", 1 },
	{ "2001:db8::/33", "2001:db8:8000::1", 0 },
	{ "::1", "::1", 1 },
	{ "::1", "not an address", 0 },
	{ "192.0.2.0/33", "", -1 },
	{ "192.0.2.0/", "", -1 },
	{ "192.0.2.0/-1", "", -1 },
	{ "192.0.2.0/+8", "", -1 },
	{ "192.0.2", "", -1 },
	{ "2001:db8::/129", "", -1 },
	{ "", "", -1 },
};

static const struct {
	const char	*args[3];
	const char	*want;
} override_rows[] = {
	{ { "name=a b" }, "a b,/var,0,5,26214400,300,[PLAIN][LOGIN],0," },
	{ { "name=" }, DEFAULTS },
	{ { "list=" }, ",/var,0,5,26214400,300,,0," },
	{ { "list=x y", "list=z" }, ",/var,0,5,26214400,300,[x][y][z],0," },
	{ { "count=1", "count=2" },
	    ",/var,0,2,26214400,300,[PLAIN][LOGIN],0," },
	{ { "name=\"q\"" }, "q,/var,0,5,26214400,300,[PLAIN][LOGIN],0," },
	{ { "name" }, "-o name: want key=value" },
	{ { "nmae=x" }, "-o nmae=x: unknown key nmae" },
	{ { "count=1 2" }, "-o count=1 2: count: \"1 2\" is not a number" },
};

static void
test_net(size_t i)
{
	struct conf_net net;
	struct conf_nets nets = { &net, 1 };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	int r = conf_net_parse(&net, net_rows[i].net);

	if (net_rows[i].want == -1) {
		is_int(r, -1, net_rows[i].net);
		return;
	}
	ok(r == 0 && conf_nets_match_ip(&nets, net_rows[i].ip) ==
	    net_rows[i].want, "%s %s", net_rows[i].net, net_rows[i].ip);
	if (inet_pton(AF_INET6, net_rows[i].ip, &sin6.sin6_addr) == 1)
		is_int(conf_nets_match(&nets, (struct sockaddr *)&sin6),
		    net_rows[i].want, "the same as sockaddr");
}

int
main(void)
{
	char error[CONF_ERROR_MAX];
	struct all a;
	size_t i, n;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		is_int(conf_defaults(keys, NKEYS, &a), 0, "defaults");
		r = conf_parse(keys, NKEYS, &a, "f", rows[i].text,
		    strlen(rows[i].text), error);
		is_str(r == 0 ? show(&a) : error, rows[i].want, rows[i].want);
		conf_free(keys, NKEYS, &a);
	}
	conf_defaults(keys, NKEYS, &a);
	conf_parse(keys, NKEYS, &a, "f", "name a\0b", 8, error);
	is_str(error, "f:1: a NUL byte", "a NUL byte is an error");
	conf_free(keys, NKEYS, &a);
	for (i = 0; i < sizeof(override_rows) / sizeof(*override_rows); i++) {
		conf_defaults(keys, NKEYS, &a);
		conf_parse(keys, NKEYS, &a, "f", "", 0, error);
		for (n = 0; n < 3 && override_rows[i].args[n] != NULL; n++)
			;
		r = conf_override(keys, NKEYS, &a, override_rows[i].args, n,
		    error);
		is_str(r == 0 ? show(&a) : error, override_rows[i].want,
		    override_rows[i].want);
		conf_free(keys, NKEYS, &a);
	}
	for (i = 0; i < sizeof(net_rows) / sizeof(net_rows[0]); i++)
		test_net(i);
	is_int(conf_read(keys, NKEYS, &a, "/nonexistent/f", error), 1,
	    "a missing file is its own answer");
	is_int(conf_read(keys, NKEYS, &a, "/", error), -1, "a folder is not");
	is_str(error, "/: Is a directory", "and is named");
	return done();
}
