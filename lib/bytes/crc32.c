/* SPDX-License-Identifier: ISC
 *
 * CRC-32, polynomial 0x04c11db7, reflected, four octets at a step ("slicing").
 * The tables are computed at the first call.
 */
#include "bytes/crc32.h"

static uint32_t table[4][256];

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
	for (k = 1; k < 4; k++)
		for (i = 0; i < 256; i++) {
			c = table[k - 1][i];
			table[k][i] = c >> 8 ^ table[0][c & 0xff];
		}
}

uint32_t
crc32_add(uint32_t sum, const void *data, size_t n)
{
	const unsigned char *p = data;

	if (table[0][1] == 0)
		make_tables();
	sum = ~sum;
	for (; n >= 4; n -= 4, p += 4) {
		sum ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 |
		    (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		sum = table[3][sum & 0xff] ^ table[2][sum >> 8 & 0xff] ^
		    table[1][sum >> 16 & 0xff] ^ table[0][sum >> 24];
	}
	for (; n > 0; n--)
		sum = sum >> 8 ^ table[0][(sum ^ *p++) & 0xff];
	return ~sum;
}
