/* SPDX-License-Identifier: ISC
 *
 * The faces that programs know: sendmail(8) and mailq(1).
 */
#ifndef SMTP_SEND_SENDMAIL_H
#define SMTP_SEND_SENDMAIL_H

/* Was the program called by one of these names? */
int	 sendmail_is_name(const char *argv0);

/* Do what it is asked by the letters of sendmail(8).  Returns the exit
 * code. */
int	 sendmail_main(int argc, char **argv);

#endif
