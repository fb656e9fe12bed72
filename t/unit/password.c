/* SPDX-License-Identifier: ISC
 *
 * Proves that each scheme lets the right password in and no other, that what
 * cannot be read is never called wrong, and that a form is known without
 * work.  The stored forms were made by openssl passwd, crypt(3), argon2(1) and
 * hashlib from the password "secret".
 */
#include "mail/password.h"
#include "tap.h"

static const char *const good[] = {
	"{SHA512-CRYPT}$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8"
	    "PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.",
	"$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
	"{MD5-CRYPT}$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
	"{CRYPT}$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
	"{BLF-CRYPT}$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WI"
	    "rW",
	"{DES-CRYPT}abNANd1rDfiNc",
	"{crypt}$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9",
	"{PLAIN}secret", "{CLEARTEXT}secret", "{CLEAR}secret",
	"{PLAIN.b64}c2VjcmV0", "{PLAIN.hex}736563726574",
	"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
	"{SHA1}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
	"{SHA.hex}E5E9FA1BA31ECD1AE84F75CAAA474F3A663F05F4",
	"{SHA256.base64}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
	"{SHA512}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD"
	    "2cmW192CF5bDufKRpayrW/isg==",
	"{SSHA}Wcm1xEisNjqp921ALcHfuQ7avFdzYWx0MTIzNA==",
	"{SSHA256}lXT7qF+fT7OVoVlwD0tMd02E1ak2dLDbk993wZxIM65zYWx0MTIzNA==",
	"{SSHA512}Enu6C74BUnsH3FJ5DbcJeTfPKMqMpMZOm66wJaf/iZqtrDfdcDyFhEmcwbcWy"
	    "Y5CUEDqbpdskEI2yPdeCZGVPXNhbHQxMjM0",
	"{PBKDF2}$1$abcdsalt$5000$93a632a906bd238fbcfb48478acb1352a28694dc",
	"{SCRAM-SHA-1}4096,c2FsdDEyMzQ=,1IalXYECv3TRtPxaj5HKKf6Rxxw=,d3/aRu/KVS"
	    "LtXhYW/eUcvb1ywkU=",
	"{SCRAM-SHA-256}4096,c2FsdDEyMzQ=,vI136OHl2XEHIKNrAF1HUgs0EwWRDc6Umu/Rq"
	    "bygAj8=,rHFVn0YUuMmbn1upViSwboZLiiV/Jr8SIX7XMAiG5mA=",
	"{ARGON2I}$argon2i$v=19$m=256,t=1,p=1$c2FsdHNhbHQ$ns/h+yNBKLcUed1NTWxGY"
	    "sr3gYq/M0x+1qOyt47rlqE",
	"{ARGON2ID}$argon2id$v=19$m=256,t=1,p=1$c2FsdHNhbHQ$lMZ3qepwpR/DVeTzcMS"
	    "Eh3OjqCJg8oOzHPIw8cZ1uXY",
};

static const struct bad {
	const char		*stored;
	enum password_result	 want;
} bad[] = {
	{ "{MD4}abc", PASSWORD_UNKNOWN },
	{ "{SHA.rot13}abc", PASSWORD_UNKNOWN },
	{ "{ARGON2ID.hex}00", PASSWORD_UNKNOWN },
	{ "{SHA", PASSWORD_UNKNOWN },
	{ "{SHA}abc", PASSWORD_MALFORMED },
	{ "{SHA}c2VjcmV0", PASSWORD_MALFORMED },
	{ "{SSHA}c2VjcmV0", PASSWORD_MALFORMED },
	{ "{SHA.hex}zz", PASSWORD_MALFORMED },
	{ "{CRYPT}*", PASSWORD_MALFORMED },
	{ "{CRYPT}$9$what", PASSWORD_MALFORMED },
	{ "{PBKDF2}$1$salt$0$93a6", PASSWORD_MALFORMED },
	{ "{PBKDF2}$1$salt$5000$93a6", PASSWORD_MALFORMED },
	{ "{PBKDF2}$1$salt", PASSWORD_MALFORMED },
	{ "{SCRAM-SHA-256}4096,c2FsdDEyMzQ=", PASSWORD_MALFORMED },
	{ "{SCRAM-SHA-256}4096,c2FsdDEyMzQ=,AAAA,AAAA", PASSWORD_MALFORMED },
	{ "{ARGON2ID}$argon2i$v=19$m=256,t=1,p=1$c2FsdHNhbHQ$x",
	    PASSWORD_MALFORMED },
};

int
main(void)
{
	char longer[PASSWORD_MAX + 2];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		is_int(password_check(good[i], "secret", 6), PASSWORD_RIGHT,
		    good[i]);
		is_int(password_check(good[i], "Secret", 6), PASSWORD_WRONG,
		    "another password");
		is_int(password_check(good[i], "secret", 5), PASSWORD_WRONG,
		    "a shorter one");
		is_int(password_check(good[i], "secret\0", 7),
		    PASSWORD_WRONG, "a NUL behind it");
		is_int(password_check(good[i], "", 0), PASSWORD_WRONG,
		    "an empty one");
		is_int(password_known(good[i]), PASSWORD_RIGHT, "is known");
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		is_int(password_check(bad[i].stored, "secret", 6),
		    bad[i].want, bad[i].stored);
		is_int(password_known(bad[i].stored), bad[i].want,
		    "the same without work");
	}
	memset(longer, 'x', sizeof(longer));
	is_int(password_check("{PLAIN}x", longer, sizeof(longer)),
	    PASSWORD_WRONG, "a password without end is wrong");
	password_waste("", "secret", 6);
	password_waste(good[0], "secret", 6);
	ok(1, "wasted work has no result");
	return done();
}
