/* SPDX-License-Identifier: ISC
 *
 * CRC-32, polynomial 0x04c11db7, reflected, eight octets at a step ("slicing").
 * The tables are computed at the first call.
 */
#include "bytes/crc32.h"

static uint32_t table[8][256];

static void
make_tables(void)
{
	uint32_t c;
	unsigned i, k;

	for (i = 0; i < 256; i++) {
		for (c = i, k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
		table[0][i] = c;
	}
	for (k = 1; k < 8; k++)
		for (i = 0; i < 256; i++) {
			c = table[k - 1][i];
			table[k][i] = c >> 8 ^ table[0][c & 0xff];
		}
}

static uint32_t
word(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

uint32_t
crc32_add(uint32_t sum, const void *data, size_t n)
{
	const unsigned char *p = data;
	uint32_t next;

	if (table[0][1] == 0)
		make_tables();
	sum = ~sum;
	for (; n >= 8; n -= 8, p += 8) {
		sum ^= word(p);
		next = word(p + 4);
		sum = table[7][sum & 0xff] ^ table[6][sum >> 8 & 0xff] ^
		    table[5][sum >> 16 & 0xff] ^ table[4][sum >> 24] ^
		    table[3][next & 0xff] ^ table[2][next >> 8 & 0xff] ^
		    table[1][next >> 16 & 0xff] ^ table[0][next >> 24];
	}
	for (; n > 0; n--)
		sum = sum >> 8 ^ table[0][(sum ^ *p++) & 0xff];
	return ~sum;
}
