/* SPDX-License-Identifier: ISC
 *
 * SCRAM-SHA-256 over the users file: what a client is told of a name, and
 * whether its proof is right.  A name that nobody has gets the same answers,
 * the same each time, as one that somebody has: RFC 5802, section 9, on fake
 * salts.  It hashes, so it belongs in a helper; no key is ever in the door.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail/auth_scram.h"
#include "mail/password.h"

/* What makes salts: known to no client, and the same after a restart. */
static size_t
read_key(const struct users *us, char key[USERS_HASH_MAX])
{
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, key, 64);

	if (fd != -1)
		close(fd);
	if (n >= 32)
		return (size_t)n;
	return strlcpy(key, users_sample(us), USERS_HASH_MAX);
}

static int
seed_of(const struct users *us, const char *name,
    unsigned char seed[PASSWORD_SCRAM])
{
	char key[USERS_HASH_MAX], text[USERS_NAME_MAX + 16];
	size_t n = read_key(us, key);
	int r;

	snprintf(text, sizeof(text), "stdmail scram %s", name);
	r = password_seed(key, n, text, seed);
	explicit_bzero(key, sizeof(key));
	return r;
}

/* The keys of a login; nobody's for a name that cannot log in so.  nobody
 * tells which. */
static enum auth_result
keys_of(struct users *us, const char *login, bool keys, struct user *u,
    struct password_scram *s, bool *nobody, char *error)
{
	unsigned char seed[PASSWORD_SCRAM];
	enum password_result r = PASSWORD_UNKNOWN;

	*nobody = false;
	switch (users_login(us, login, u, error)) {
	case USERS_FOUND:
		break;
	case USERS_NONE:
		*nobody = true;
		break;
	case USERS_TEMPORARY:
		return AUTH_TEMPORARY;
	}
	if (seed_of(us, *nobody ? login : u->name, seed) == 0) {
		*nobody = *nobody || u->nopassword || u->hash[0] == '\0';
		r = *nobody ? password_scram_nobody(users_sample(us), seed,
		    keys, s) : password_scram(u->hash, seed, keys, s);
	}
	if (r == PASSWORD_RIGHT)
		return AUTH_OK;
	snprintf(error, CONF_ERROR_MAX, "%s:%u: %s", users_file(us), u->line,
	    r == PASSWORD_FAILED ? "out of memory for the password" :
	    "the password has no keys for SCRAM-SHA-256");
	return AUTH_TEMPORARY;
}

enum auth_result
auth_scram_first(struct users *us, const char *login,
    struct password_scram *s, char *error)
{
	static struct user user;
	enum auth_result r;
	bool nobody;

	r = keys_of(us, login, false, &user, s, &nobody, error);
	explicit_bzero(user.hash, sizeof(user.hash));
	return r;
}

enum auth_result
auth_scram_final(struct users *us, const struct auth_proof *proof,
    const char *ip, struct user *u,
    unsigned char signature[PASSWORD_SCRAM], char *error)
{
	struct password_scram s;
	enum auth_result r;
	bool nobody;

	r = keys_of(us, proof->login, true, u, &s, &nobody, error);
	if (r == AUTH_OK) {
		switch (password_scram_check(&s, proof->message,
		    proof->proof, signature)) {
		case PASSWORD_RIGHT:
			r = nobody ? AUTH_WRONG : AUTH_OK;
			break;
		case PASSWORD_WRONG:
			r = AUTH_WRONG;
			break;
		case PASSWORD_UNKNOWN:
		case PASSWORD_MALFORMED:
		case PASSWORD_FAILED:
			strlcpy(error, "out of memory for the password",
			    CONF_ERROR_MAX);
			r = AUTH_TEMPORARY;
		}
	}
	if (r == AUTH_OK && !auth_from_allowed(u, ip))
		r = AUTH_DISABLED;
	if (r != AUTH_OK)
		explicit_bzero(signature, PASSWORD_SCRAM);
	explicit_bzero(u->hash, sizeof(u->hash));
	explicit_bzero(&s, sizeof(s));
	return r;
}

/*
 * Is it to be offered?
 */

struct checking {
	const struct users	*us;
	char			*error;
};

static int
check_one(const struct user *u, void *arg)
{
	static const unsigned char seed[PASSWORD_SCRAM];
	struct checking *c = arg;
	struct password_scram s;
	enum password_result r;

	if (u->hash[0] == '\0' && !u->nopassword)
		return 0;	/* nobody logs in with it */
	r = u->nopassword ? PASSWORD_UNKNOWN :
	    password_scram(u->hash, seed, false, &s);
	explicit_bzero(&s, sizeof(s));
	if (r == PASSWORD_RIGHT)
		return 0;
	snprintf(c->error, CONF_ERROR_MAX, "%s:%u: %.64s cannot log in with "
	    "SCRAM-SHA-256: the password is %s", users_file(c->us), u->line,
	    u->name, r == PASSWORD_MALFORMED ? "malformed" :
	    "neither {SCRAM-SHA-256} nor {PLAIN}");
	return -1;
}

int
auth_scram_ready(struct users *us, char *error)
{
	struct checking c = { us, error };

	if (users_blocking(us)) {
		strlcpy(error, "the system's accounts cannot log in with "
		    "SCRAM-SHA-256", CONF_ERROR_MAX);
		return -1;
	}
	return users_each(us, check_one, &c, error);
}

int
auth_check_scram(const struct settings *s, char *error)
{
	struct users *us;
	int r;

	if (!conf_list_has(&s->auth_mechanisms, "SCRAM-SHA-256"))
		return 0;
	if (users_open(&us, s, error) == -1)
		return -1;
	r = auth_scram_ready(us, error);
	users_close(us);
	return r;
}
