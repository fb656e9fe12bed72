/* SPDX-License-Identifier: ISC
 *
 * The tests of addresses: rows of the table in sieve_tests.c.
 */
#ifndef MDA_DELIVER_SIEVE_ADDRESS_H
#define MDA_DELIVER_SIEVE_ADDRESS_H

#include "sieve_local.h"

/* As struct sieve_word's check and run. */
int	 sieve_address_check(struct sieve_call *, const char **why);
int	 sieve_address_run(struct sieve_run *, const struct sieve_call *);
int	 sieve_envelope_check(struct sieve_call *, const char **why);
int	 sieve_envelope_run(struct sieve_run *, const struct sieve_call *);

#endif
