/* SPDX-License-Identifier: ISC
 *
 * SipHash-2-4: a short hash under a secret key, for tables whose keys a
 * stranger chooses: without the key he cannot find two that collide.
 */
#ifndef BYTES_SIPHASH_H
#define BYTES_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY	16

uint64_t siphash(const unsigned char key[SIPHASH_KEY], const void *, size_t n);

#endif
