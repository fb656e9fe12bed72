/* SPDX-License-Identifier: ISC
 *
 * What a person can do about a refusal, in plain words.
 */
#ifndef MAIL_ADVICE_H
#define MAIL_ADVICE_H

/*
 * By the words of the host that refused, where they are known, else by the
 * status ("5.1.1").  host is who spoke, "" nobody; reply what was said, never
 * NULL.  One paragraph, static.
 */
const char *advice(const char *status, const char *host, const char *reply);

#endif
