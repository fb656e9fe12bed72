/* SPDX-License-Identifier: ISC
 *
 * What a place is called: see place.h.  Who finds another user's name for one
 * of his own could keep mail from him: so it is a hash that nobody can turn
 * round, and no name that a plan gives its places.
 */
#include <sha2.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "carry.h"
#include "grammar/chars.h"
#include "place.h"

static void
add(SHA2_CTX *h, const void *data, size_t n)
{
	uint64_t len = n;

	SHA256Update(h, (const uint8_t *)&len, sizeof(len));
	if (n > 0)
		SHA256Update(h, data, n);
}

static void
add_text(SHA2_CTX *h, const char *s)
{
	add(h, s, s == NULL ? 0 : strlen(s));
}

static void
add_number(SHA2_CTX *h, uint64_t n)
{
	add(h, &n, sizeof(n));
}

static void
add_address(SHA2_CTX *h, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX], *p;

	for (p = address_text(a, text); *p != '\0'; p++)
		*p = (char)char_lower(*p);
	add_text(h, text);
}

/* The first bit is that of plan_key() turned round. */
static void
finish(SHA2_CTX *h, char key[ENVELOPE_KEY])
{
	uint8_t sum[SHA256_DIGEST_LENGTH];
	uint64_t n;

	SHA256Final(sum, h);
	memcpy(&n, sum, sizeof(n));
	snprintf(key, ENVELOPE_KEY, "%016" PRIx64, n | UINT64_C(1) << 63);
}

bool
place_is_key(const char *key)
{
	return *key >= '8';
}

void
place_address_key(const struct address *a, char key[ENVELOPE_KEY])
{
	SHA2_CTX h;

	SHA256Init(&h);
	add_text(&h, "address");
	add_address(&h, a);
	finish(&h, key);
}

static const struct user *
owner(const struct target *t, const struct dest *d)
{
	return t->local ? t->user : &t->specials[d - t->plan.v];
}

/* With a slash behind it or without. */
static void
add_path(SHA2_CTX *h, const struct user *u, const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	add_number(h, u->uid);
	add(h, path, n);
}

/* Where its name leads now. */
static bool
add_folder(SHA2_CTX *h, const struct work *w, size_t i, const struct dest *d)
{
	const struct user *u = w->targets[i].user;
	char path[PATH_MAX];
	struct spool_as as;
	bool found;

	if (spool_as(&as, u->uid, u->gid) == -1)
		return false;
	found = copy_folder(w, i, d, false, path);
	spool_as_end(&as);
	add_path(h, u, path);
	return found;
}

static bool
add_file(SHA2_CTX *h, const struct target *t, const struct dest *d)
{
	const struct user *u = owner(t, d);
	char path[PATH_MAX];

	if (copy_path(u, d->text, path) == -1)
		return false;
	add_path(h, u, path);
	return true;
}

/* It is told the address, and may go by it: another line or extension is
 * another place.  qmail's may end a list, and each list is followed. */
static bool
add_program(SHA2_CTX *h, const struct target *t, const struct dest *d)
{
	add_text(h, "program");
	add_number(h, owner(t, d)->uid);
	add_text(h, owner(t, d)->name);
	add_text(h, d->text);
	add_text(h, d->file);
	add_number(h, d->line);
	add_text(h, t->folder);
	return !d->qmail;
}

/* Its new envelope must be the same; who wants a report of it has his own. */
static bool
add_forward(SHA2_CTX *h, const struct work *w, size_t i, const struct dest *d)
{
	const struct envelope_rcpt *r = &w->m->env.rcpts[i];
	struct address to;

	if (w->targets[i].forward || envelope_wants(r, ENVELOPE_SUCCESS) ||
	    !carry_address(w, d, &to))
		return false;
	add_text(h, "forward");
	add_address(h, &to);
	add_address(h, &w->targets[i].plan.forwarder);
	add_number(h, r->notify);
	return true;
}

static bool
add_place(SHA2_CTX *h, const struct work *w, size_t i, const struct dest *d)
{
	switch (d == NULL ? DEST_KEEP : d->kind) {
	case DEST_KEEP:
	case DEST_FOLDER:
		return add_folder(h, w, i, d);
	case DEST_MAILBOX:
		return add_file(h, &w->targets[i], d);
	case DEST_PROGRAM:
		return add_program(h, &w->targets[i], d);
	case DEST_FORWARD:
		return add_forward(h, w, i, d);
	case DEST_DISCARD:
	case DEST_REJECT:
	case DEST_REPLY:
		break;
	}
	return false;
}

bool
place_key(const struct work *w, size_t i, const struct dest *d,
    char key[ENVELOPE_KEY])
{
	const struct buf *header;
	uint64_t start;
	SHA2_CTX h;

	SHA256Init(&h);
	if (!add_place(&h, w, i, d))
		return false;
	header = copy_header(w, i, d, &start);
	add_text(&h, d == NULL ? NULL : d->flags);
	add(&h, header == NULL ? NULL : header->data, header == NULL ? 0 :
	    header->len);
	finish(&h, key);
	return true;
}
