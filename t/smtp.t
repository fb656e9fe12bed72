#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Proves the SMTP (smtpd) conversations in chat/smtp, each a file that reads like
# a textbook's transcript and says what it proves.
cd "$(dirname "$0")/.." && exec perl t/chat/run t/chat/smtp
