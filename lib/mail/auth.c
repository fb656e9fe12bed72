/* SPDX-License-Identifier: ISC
 *
 * May this login with this password be let in.  The work is the same whether
 * the user exists or not, and the answer never says which half was wrong.
 */
#include <shadow.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mail/auth.h"
#include "mail/password.h"

/* allow_nets=192.0.2.0/24,2001:db8::/32,local */
bool
auth_from_allowed(const struct user *u, const char *ip)
{
	const char *nets = u->allow_nets;
	struct conf_net net;
	struct conf_nets one = { &net, 1 };
	char word[64];
	size_t n;

	if (*nets == '\0')
		return true;
	for (; *nets != '\0'; nets += n + (nets[n] == ',')) {
		n = strcspn(nets, ",");
		if (n >= sizeof(word))
			continue;
		memcpy(word, nets, n);
		word[n] = '\0';
		if (*ip == '\0') {
			if (strcmp(word, "local") == 0)
				return true;
		} else if (conf_net_parse(&net, word) == 0 &&
		    conf_nets_match_ip(&one, ip))
			return true;
	}
	return false;
}

/* The hash of a system's account; "" it has none, NULL it cannot be asked. */
static const char *
shadow_hash(const char *name, bool *expired)
{
	static char hash[USERS_HASH_MAX];
	struct spwd *sp = getspnam(name);
	long today = (long)(time(NULL) / 86400);

	*expired = false;
	if (sp == NULL)
		return NULL;
	*expired = sp->sp_expire > 0 && today >= sp->sp_expire;
	if (strlcpy(hash, sp->sp_pwdp, sizeof(hash)) >= sizeof(hash))
		return NULL;
	/* "*", "!..." and the empty password let nobody in. */
	if (hash[0] == '*' || hash[0] == '!')
		hash[0] = '\0';
	return hash;
}

/* Why a stored password cannot be checked; NULL when it can. */
static const char *
fault_of(enum password_result r)
{
	switch (r) {
	case PASSWORD_UNKNOWN:
		return "the scheme of the password is unknown";
	case PASSWORD_MALFORMED:
		return "the stored password is malformed";
	case PASSWORD_FAILED:
		return "out of memory for the password";
	case PASSWORD_RIGHT:
	case PASSWORD_WRONG:
		break;
	}
	return NULL;
}

static enum auth_result
judge(const struct users *us, const struct user *u, const char *password,
    size_t n, char *error)
{
	enum password_result r;
	const char *hash = u->hash, *why;
	bool expired = false;

	if (u->system && (hash = shadow_hash(u->name, &expired)) == NULL) {
		snprintf(error, CONF_ERROR_MAX,
		    "account %.64s: its password cannot be read", u->name);
		return AUTH_TEMPORARY;
	}
	if (u->nopassword)
		return AUTH_OK;
	if (*hash == '\0') {
		password_waste("", password, n);
		return AUTH_WRONG;
	}
	r = password_check(hash, password, n);
	if ((why = fault_of(r)) != NULL) {
		snprintf(error, CONF_ERROR_MAX, "%s:%u: %s", users_file(us),
		    u->line, why);
		return AUTH_TEMPORARY;
	}
	if (r == PASSWORD_WRONG)
		return AUTH_WRONG;
	return expired ? AUTH_DISABLED : AUTH_OK;
}

enum auth_result
auth_check(struct users *us, const char *login, const char *password,
    size_t n, const char *ip, struct user *u, char *error)
{
	enum auth_result r;

	switch (users_login(us, login, u, error)) {
	case USERS_FOUND:
		break;
	case USERS_NONE:
		password_waste(users_sample(us), password, n);
		return AUTH_WRONG;
	case USERS_TEMPORARY:
		return AUTH_TEMPORARY;
	}
	r = judge(us, u, password, n, error);
	if (r == AUTH_OK && !auth_from_allowed(u, ip))
		r = AUTH_DISABLED;
	explicit_bzero(u->hash, sizeof(u->hash));
	return r;
}

struct checking {
	const struct users	*us;
	char			*error;
};

static int
check_one(const struct user *u, void *arg)
{
	struct checking *c = arg;
	const char *why;

	if (u->hash[0] == '\0' || u->nopassword)
		return 0;
	if ((why = fault_of(password_known(u->hash))) == NULL)
		return 0;
	snprintf(c->error, CONF_ERROR_MAX, "%s:%u: %s", users_file(c->us),
	    u->line, why);
	return -1;
}

int
auth_check_users(const struct settings *s, char *error)
{
	struct checking c = { .error = error };
	struct users *us;
	int r;

	if (users_open(&us, s, error) == -1)
		return -1;
	c.us = us;
	r = users_each(us, check_one, &c, error);
	users_close(us);
	return r;
}
