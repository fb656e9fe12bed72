#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Proves the POP3 (pop3d) conversations in chat/pop3, each a file that reads like
# a textbook's transcript and says what it proves.
cd "$(dirname "$0")/.." && exec perl t/chat/run t/chat/pop3
