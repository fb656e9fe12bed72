/* SPDX-License-Identifier: ISC
 *
 * Tests of what is around the message: mailboxes and their annotations
 * (RFC 5490), special uses, object identifiers, the environment (RFC 5183),
 * and the engine itself (ihave: RFC 5463).  With the owner's rights, and
 * nothing is changed.
 */
#include <string.h>
#include <strings.h>

#include "mail/metadata.h"
#include "mail/special_use.h"
#include "mail/start.h"
#include "sieve_actions.h"
#include "sieve_vars.h"

/* For each string of an argument, until one is 0 or -1. */
typedef int each_string(struct sieve_run *, const char *, size_t n,
	    void *arg);

static int
for_all(struct sieve_run *r, const struct sieve_call *c,
    const struct sieve_arg *a, each_string *f, void *arg)
{
	char shown[SIEVE_SHOWN];
	struct buf text;
	int ret = 1;
	size_t i;

	buf_init(&text, SIEVE_VALUE_MAX);
	for (i = 0; ret == 1 && i < a->n; i++) {
		ret = sieve_expand(r, &a->strings[i], &text) == -1 ? -1 :
		    f(r, buf_str(&text), text.len, arg);
		if (ret != -1)
			sieve_say(r, "%s: \"%s\": %s", c->word->name,
			    sieve_shown(shown, buf_str(&text), text.len),
			    ret == 1 ? "yes" : "no");
	}
	buf_free(&text);
	return ret;
}

/* ---- mailboxes ---- */

static int
is_there(struct sieve_run *r, const char *name, size_t n, void *arg)
{
	char stored[IMAP_STORED_SIZE];

	(void)arg;
	return sieve_folder(r, name, n, stored) &&
	    sieve_folder_exists(r, stored);
}

static int
run_mailboxexists(struct sieve_run *r, const struct sieve_call *c)
{
	return for_all(r, c, c->arg[0], is_there, NULL);
}

static int
id_exists(struct sieve_run *r, const char *id, size_t n, void *arg)
{
	char stored[IMAP_STORED_SIZE];

	(void)arg;
	return strlen(id) == n && sieve_folder_by_id(r, id, stored);
}

static int
run_mailboxidexists(struct sieve_run *r, const struct sieve_call *c)
{
	return for_all(r, c, c->arg[0], id_exists, NULL);
}

/* Has a mailbox this use; with arg, that one? */
static int
use_exists(struct sieve_run *r, const char *use, size_t n, void *arg)
{
	char stored[IMAP_STORED_SIZE];

	return strlen(use) == n && sieve_folder_by_use(r, use, stored) &&
	    (arg == NULL || strcmp(stored, arg) == 0);
}

static int
check_specialuse_exists(struct sieve_call *c, const char **why)
{
	if (c->arg[1] == NULL || !c->arg[0]->list)
		return 0;
	*why = "before the special uses stands one mailbox";
	return -1;
}

/* specialuse_exists [mailbox] uses */
static int
run_specialuse_exists(struct sieve_run *r, const struct sieve_call *c)
{
	char stored[IMAP_STORED_SIZE];
	struct buf name;
	int known;

	if (c->arg[1] == NULL)
		return for_all(r, c, c->arg[0], use_exists, NULL);
	buf_init(&name, SIEVE_VALUE_MAX);
	known = sieve_expand(r, &c->arg[0]->strings[0], &name) == -1 ? -1 :
	    sieve_folder(r, buf_str(&name), name.len, stored);
	buf_free(&name);
	return known != 1 ? known :
	    for_all(r, c, c->arg[1], use_exists, stored);
}

/* ---- annotations ---- */

/* Of which mailbox; "" is the tree. */
struct place {
	char	name[IMAP_STORED_SIZE];
};

/* One value, appended: 1, 0 it is not there, -1 as run.
 * What cannot be read now is a reason to try the mail again (RFC 5490,
 * section 5). */
static int
annotation(struct sieve_run *r, const struct place *at, const char *entry,
    struct buf *value)
{
	struct mailbox_root *root;
	enum mailbox_status status;

	status = mailbox_root_open(r->user->mailbox, MAILBOX_READONLY, &root);
	if (status == MAILBOX_OK) {
		status = metadata_get(root, at->name, entry, value);
		mailbox_root_close(root);
	}
	switch (status) {
	case MAILBOX_OK:
		return 1;
	case MAILBOX_TEMPORARY:
	case MAILBOX_BUSY:
		return sieve_nomem(r);
	default:
		return 0;
	}
}

/* The mailbox that the first argument names: 1, 0 none, -1 as run. */
static int
get_place(struct sieve_run *r, const struct sieve_call *c, struct place *at)
{
	struct buf name;
	int ret;

	buf_init(&name, SIEVE_VALUE_MAX);
	ret = sieve_expand(r, &c->arg[0]->strings[0], &name) == -1 ? -1 :
	    sieve_folder(r, buf_str(&name), name.len, at->name);
	buf_free(&name);
	if (ret == 1 && at->name[0] == '\0')
		strlcpy(at->name, "INBOX", sizeof(at->name));
	return ret;
}

/* An annotation's value against the keys. */
static int
compare(struct sieve_run *r, const struct sieve_call *c,
    const struct place *at, size_t entry)
{
	struct sieve_matching m;
	struct buf name, value;
	int ret, end;

	buf_init(&name, SIEVE_VALUE_MAX);
	buf_init(&value, METADATA_VALUE_MAX);
	ret = sieve_expand(r, &c->arg[entry]->strings[0], &name);
	if (ret == 0)
		ret = annotation(r, at, buf_str(&name), &value);
	if (ret == 1) {
		sieve_match_begin(&m, r, c, c->arg[entry + 1]);
		m.what = c->word->name;
		ret = sieve_match_value(&m, buf_str(&value), value.len);
		end = sieve_match_end(&m);
		ret = ret == -1 ? -1 : end;
	} else if (ret == 0)
		sieve_say(r, "%s: no: there is no such annotation",
		    c->word->name);
	buf_free(&name);
	buf_free(&value);
	return ret;
}

static int
run_metadata(struct sieve_run *r, const struct sieve_call *c)
{
	struct place at;
	int ret = get_place(r, c, &at);

	return ret != 1 ? ret : compare(r, c, &at, 1);
}

static int
run_servermetadata(struct sieve_run *r, const struct sieve_call *c)
{
	static const struct place tree = { "" };

	return compare(r, c, &tree, 0);
}

static int
annotation_exists(struct sieve_run *r, const char *entry, size_t n, void *arg)
{
	struct buf value;
	int ret;

	if (strlen(entry) != n)
		return 0;
	buf_init(&value, METADATA_VALUE_MAX);
	ret = annotation(r, arg, entry, &value);
	buf_free(&value);
	return ret;
}

static int
run_metadataexists(struct sieve_run *r, const struct sieve_call *c)
{
	struct place at;
	int ret = get_place(r, c, &at);

	return ret != 1 ? ret :
	    for_all(r, c, c->arg[1], annotation_exists, &at);
}

static int
run_servermetadataexists(struct sieve_run *r, const struct sieve_call *c)
{
	struct place tree = { "" };

	return for_all(r, c, c->arg[0], annotation_exists, &tree);
}

static int
check_keys_1(struct sieve_call *c, const char **why)
{
	return sieve_match_check(c, 1, why);
}

static int
check_keys_2(struct sieve_call *c, const char **why)
{
	return sieve_match_check(c, 2, why);
}

/* ---- the environment ---- */

/* RFC 5183, section 4.1; NULL: there is no such item. */
static const char *
item(const struct sieve_run *r, const char *name)
{
	const struct settings *s = r->user->settings;

	if (strcasecmp(name, "name") == 0)
		return "stdmail";
	if (strcasecmp(name, "version") == 0)
		return STDMAIL_VERSION;
	if (strcasecmp(name, "location") == 0)
		return "MDA";
	if (strcasecmp(name, "phase") == 0)
		return "during";
	if (strcasecmp(name, "host") == 0)
		return s->hostname;
	if (strcasecmp(name, "domain") == 0)
		return s->domains.n > 0 ? s->domains.v[0] : s->hostname;
	/* Who brought it is not known here. */
	return strcasecmp(name, "remote-host") == 0 ||
	    strcasecmp(name, "remote-ip") == 0 ? "" : NULL;
}

static int
run_environment(struct sieve_run *r, const struct sieve_call *c)
{
	struct sieve_matching m;
	const char *value;
	struct buf name;
	int ret, end;

	buf_init(&name, SIEVE_VALUE_MAX);
	ret = sieve_expand(r, &c->arg[0]->strings[0], &name);
	value = ret == -1 ? NULL : item(r, buf_str(&name));
	buf_free(&name);
	if (value == NULL) {
		if (ret == 0)
			sieve_say(r, "environment: no: there is no such item");
		return ret;
	}
	sieve_match_begin(&m, r, c, c->arg[1]);
	m.what = "environment";
	/* Section 4: of an empty one there are none. */
	if (m.how.kind != SIEVE_COUNT || *value != '\0')
		ret = sieve_match_value(&m, value, strlen(value));
	end = sieve_match_end(&m);
	return ret == -1 ? -1 : end;
}

/* ---- ihave ---- */

/* RFC 5463, section 4: the names are constants. */
static int
check_ihave(struct sieve_call *c, const char **why)
{
	size_t i;

	for (i = 0; i < c->arg[0]->n; i++)
		if (!sieve_vars_constant(c, &c->arg[0]->strings[i])) {
			*why = "there can be no variables in it";
			return -1;
		}
	return 0;
}

/* What changes how a script is read must have been there from the start. */
static bool
may_have(const struct sieve_run *r, const char *name)
{
	if (sieve_enabled(r, name))
		return true;
	return sieve_available(name) && strcmp(name, "variables") != 0 &&
	    strcmp(name, "encoded-character") != 0;
}

static int
run_ihave(struct sieve_run *r, const struct sieve_call *c)
{
	const struct sieve_arg *a = c->arg[0];
	size_t i;

	for (i = 0; i < a->n; i++)
		if (!may_have(r, a->strings[i].text)) {
			sieve_say(r, "ihave: no: there is no \"%.60s\"",
			    a->strings[i].text);
			return 0;
		}
	for (i = 0; i < a->n; i++)
		sieve_enable(r, a->strings[i].text);
	sieve_say(r, "ihave: yes");
	return 1;
}

static int
run_error(struct sieve_run *r, const struct sieve_call *c)
{
	struct buf text;
	size_t i;

	buf_init(&text, SIEVE_VALUE_MAX);
	if (sieve_expand(r, &c->arg[0]->strings[0], &text) == 0) {
		for (i = 0; i < text.len; i++)
			if ((unsigned char)text.data[i] < ' ')
				text.data[i] = ' ';
		(void)sieve_fail(r, "error: %s", buf_str(&text));
	}
	buf_free(&text);
	return -1;
}

const struct sieve_word sieve_world_words[] = {
	{ "mailboxexists", "mailbox", SIEVE_TEST, "S", { NULL }, NULL,
	    run_mailboxexists },
	{ "mailboxidexists", "mailboxid", SIEVE_TEST, "S", { NULL }, NULL,
	    run_mailboxidexists },
	{ "specialuse_exists", "special-use", SIEVE_TEST, "S[S", { NULL },
	    check_specialuse_exists, run_specialuse_exists },
	{ "metadata", "mboxmetadata", SIEVE_TEST, "ssS",
	    { &sieve_match_tags }, check_keys_2, run_metadata },
	{ "metadataexists", "mboxmetadata", SIEVE_TEST, "sS", { NULL }, NULL,
	    run_metadataexists },
	{ "servermetadata", "servermetadata", SIEVE_TEST, "sS",
	    { &sieve_match_tags }, check_keys_1, run_servermetadata },
	{ "servermetadataexists", "servermetadata", SIEVE_TEST, "S",
	    { NULL }, NULL, run_servermetadataexists },
	{ "environment", "environment", SIEVE_TEST, "sS",
	    { &sieve_match_tags }, check_keys_1, run_environment },
	{ "ihave", "ihave", SIEVE_TEST, "S", { NULL }, check_ihave,
	    run_ihave },
	{ "error", "ihave", SIEVE_CONTROL, "s", { NULL }, NULL, run_error },
	{ NULL }
};
