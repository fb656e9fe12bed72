/* SPDX-License-Identifier: ISC
 *
 * Proves that a sender is rewritten as libsrs2 and postsrsd do it, comes back
 * whatever letter case others make of it, and that what we did not sign, or
 * signed long ago, is nobody's.  The hashes and the day are what Mail::SRS
 * 0.31, the reference, makes of the same.
 */
#include "mail/srs.h"
#include "tap.h"

#define NOW	1398772288	/* day Z5 */
#define DAY	86400

static struct srs srs;

static const struct row {
	const char *from;
	const char *want;	/* NULL: left as it is */
} rows[] = {
	{ "user@example.com", "SRS0=HKxp=Z5=example.com=user@us.test" },
	{ "User@Example.COM", "SRS0=HKxp=Z5=Example.COM=User@us.test" },
	{ "SRS0=abcd=Z5=o.test=al@host.test",
	    "SRS1=3seb=host.test==abcd=Z5=o.test=al@us.test" },
	{ "srs0+abcd=Z5=o.test=al@host.test",
	    "SRS1=OpTl=host.test=+abcd=Z5=o.test=al@us.test" },
	{ "SRS1=xxxx=host.test==abcd=Z5=o.test=al@third.test",
	    "SRS1=3seb=host.test==abcd=Z5=o.test=al@us.test" },
	{ "\"john doe\"@o.test", "\"SRS0=gG67=Z5=o.test=john doe\"@us.test" },
	{ "<>", NULL },
	{ "bob", NULL },
};

static const struct bad {
	const char *addr;
	int want;
} bad[] = {
	{ "bob@us.test", 0 },
	{ "SRS0@us.test", 0 },
	{ "SRS0x=a@us.test", 0 },
	{ "SRS2=aaaa=Z5=o.test=al@us.test", 0 },
	{ "SRS0=@us.test", -1 },
	{ "SRS0=aaaa@us.test", -1 },
	{ "SRS0=aaaa=Z5=o.test@us.test", -1 },
	{ "SRS0=aaaa=Z5=example.com=user@us.test", -1 },
	{ "SRS0=HKx=Z5=example.com=user@us.test", -1 },
	{ "SRS0=HKxp=Z4=example.com=user@us.test", -1 },
	{ "SRS0=HKxp=Z5=example.com=usex@us.test", -1 },
	{ "SRS0==Z5=example.com=user@us.test", -1 },
	{ "SRS1=aaaa=host.test==abcd=Z5=o.test=al@us.test", -1 },
	{ "SRS1=aaaa@us.test", -1 },
};

static void
parse(struct address *a, const char *text)
{
	address_parse(a, text, strlen(text), NULL);
}

static void
test_rows(void)
{
	char text[ADDRESS_TEXT_MAX];
	struct address from, to, back;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(&from, rows[i].from);
		if (srs_forward(&srs, &from, "us.test", NOW, &to) == 0) {
			ok(rows[i].want == NULL, "%s stays", rows[i].from);
			continue;
		}
		is_str(address_text(&to, text), rows[i].want, rows[i].from);
		is_int(srs_reverse(&srs, &to, NOW, &back), 1, "... comes back");
		if (strncasecmp(rows[i].from, "SRS", 3) != 0)
			ok(address_equal(&back, &from), "... as it was");
	}
}

static void
test_bad(void)
{
	struct address a, back;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		parse(&a, bad[i].addr);
		is_int(srs_reverse(&srs, &a, NOW, &back), bad[i].want,
		    bad[i].addr);
	}
	parse(&a, "SRS0=HKxp=Z5=example.com=user@us.test");
	is_int(srs_reverse(&srs, &a, NOW + SRS_DAYS * DAY, &back), 1,
	    "after three weeks");
	is_int(srs_reverse(&srs, &a, NOW + (SRS_DAYS + 1) * DAY, &back), -1,
	    "a day later");
	is_int(srs_reverse(&srs, &a, NOW - DAY, &back), -1,
	    "of tomorrow");
	parse(&a, "srs0=HKXP=z5=EXAMPLE.com=USER@us.test");
	is_int(srs_reverse(&srs, &a, NOW, &back), 1, "in another letter case");
	memset(&a, 'x', ADDRESS_LOCAL_MAX);
	a.local[ADDRESS_LOCAL_MAX] = '\0';
	strlcpy(a.domain, "o.test", sizeof(a.domain));
	is_int(srs_forward(&srs, &a, "us.test", NOW, &back), 0,
	    "what has no room stays");
}

static void
test_secrets(void)
{
	struct address from, to, back;
	const char *why;
	struct srs other;

	parse(&from, "user@example.com");
	srs_forward(&srs, &from, "us.test", NOW, &to);
	is_int(srs_init(&other, "another secret\n\ntop secret", 26, &why), 0,
	    "two secrets");
	is_int(srs_reverse(&other, &to, NOW, &back), 1,
	    "what the second signed");
	srs_forward(&other, &from, "us.test", NOW, &to);
	is_int(srs_reverse(&srs, &to, NOW, &back), -1, "the first signs");
	srs_free(&other);
	is_int(srs_init(&other, "\n\n", 2, &why), -1, "no secret");
	is_int(srs_init(&other, "short\n", 6, &why), -1, "a short secret");
	is_int(srs_init(&other, "long enough\0", 12, &why), -1, "a NUL");
}

int
main(void)
{
	const char *why;

	if (!ok(srs_init(&srs, "top secret\r\n", 12, &why) == 0, "a secret"))
		return done();
	test_rows();
	test_bad();
	test_secrets();
	srs_free(&srs);
	return done();
}
