/* SPDX-License-Identifier: ISC
 *
 * Proves the sum against its published check value, whole and cut anywhere.
 */
#include "bytes/crc32.h"
#include "tap.h"

int
main(void)
{
	const char *text = "123456789";
	size_t i, k;
	int same = 1;

	is_int(crc32_add(0, "", 0), 0, "nothing");
	is_int(crc32_add(0, text, 9), 0xcbf43926, "the check value");
	is_int(crc32_add(0, "The quick brown fox jumps over the lazy dog", 43),
	    0x414fa339, "a longer one");
	is_int(crc32_add(0, "\0\0\0\0", 4), 0x2144df1c, "zeros count");
	for (i = 0; i <= 9; i++)
		for (k = i; k <= 9; k++)
			same &= crc32_add(crc32_add(crc32_add(0, text, i),
			    text + i, k - i), text + k, 9 - k) == 0xcbf43926;
	ok(same, "the same in any three pieces");
	return done();
}
