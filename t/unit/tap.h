/* SPDX-License-Identifier: ISC
 *
 * The few words of TAP that the unit tests in C speak: ok() a fact, is_*()
 * two values, done() at the end prints the plan.
 */
#ifndef T_TAP_H
#define T_TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failures;

static int __attribute__((format(printf, 2, 3), unused))
ok(int good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!good)
		tap_failures++;
	return good;
}

static int __attribute__((unused))
is_int(long long got, long long want, const char *what)
{
	if (!ok(got == want, "%s", what))
		printf("# got %lld, want %lld\n", got, want);
	return got == want;
}

static int __attribute__((unused))
is_mem(const void *got, size_t ngot, const void *want, size_t nwant,
    const char *what)
{
	int same = ngot == nwant && (ngot == 0 ||
	    (got != NULL && memcmp(got, want, ngot) == 0));

	if (!ok(same, "%s", what))
		printf("# got %zu bytes '%.*s', want %zu bytes '%.*s'\n", ngot,
		    (int)ngot, got == NULL ? "" : (const char *)got, nwant,
		    (int)nwant, (const char *)want);
	return same;
}

static int __attribute__((unused))
is_str(const char *got, const char *want, const char *what)
{
	if (got == NULL || want == NULL) {
		ok(got == want, "%s", what);
		return got == want;
	}
	return is_mem(got, strlen(got), want, strlen(want), what);
}

static int __attribute__((unused))
done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures != 0;
}

#endif
