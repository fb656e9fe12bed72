/* SPDX-License-Identifier: ISC
 *
 * Proves that a buffer keeps its bytes, its maximum and its failure.
 */
#include "bytes/buf.h"
#include "tap.h"

int
main(void)
{
	struct buf b;
	size_t i;

	buf_init(&b, 10);
	is_str(buf_str(&b), "", "an empty buffer is an empty string");
	is_int(buf_add(&b, "a\0b", 3), 0, "NUL is a byte like any other");
	is_mem(b.data, b.len, "a\0b", 3, "and is kept");
	is_int(buf_addf(&b, "%d", 1234567), 0, "up to the maximum it grows");
	is_int(buf_addc(&b, 'x'), -1, "one byte more is refused");
	is_mem(b.data, b.len, "a\0b1234567", 10, "the contents stay");
	ok(buf_failed(&b) && buf_str(&b) == NULL, "the failure sticks");
	buf_reset(&b);
	is_int(buf_adds(&b, "12345678901"), -1, "too long at once is refused");
	buf_reset(&b);
	for (i = 0; i < 10; i++)
		buf_addc(&b, (char)('0' + i));
	is_str(buf_str(&b), "0123456789", "byte by byte");
	buf_consume(&b, 4);
	is_str(buf_str(&b), "456789", "the front is dropped");
	buf_reset(&b);
	buf_addu(&b, 0);
	is_int(buf_addf(&b, "%s", "7654321"), 0, "behind what is there");
	is_str(buf_str(&b), "07654321", "and it is all there");
	is_int(buf_addf(&b, "%d", 321), -1, "what does not fit is refused");
	is_mem(b.data, b.len, "07654321", 8, "and nothing of it is there");
	buf_wipe(&b);
	buf_init(&b, 100);
	buf_addu(&b, UINT64_MAX);
	is_str(buf_str(&b), "18446744073709551615", "a number of 64 bits");
	buf_wipe(&b);
	is_int((long long)b.len, 0, "wiped is empty");
	return done();
}
