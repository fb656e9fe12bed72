# SPDX-License-Identifier: ISC
# stdmail: build, test, install.  GNU make; no configure.

V      ?= plain
B      := build/$(if $(filter plain,$V),,$V/)
CC     ?= cc
PROGS  := smtpd smtp-send mda-deliver pop3d imapd mxlookup

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
          -Wwrite-strings -Wpointer-arith -Wvla -Wformat=2 -Wno-missing-field-initializers
HARD   := -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fstack-clash-protection
CFLAGS ?= -O2 -g
ALL_CPPFLAGS := -Ilib -D_GNU_SOURCE -DLIBBSD_OVERLAY -isystem /usr/include/bsd $(CPPFLAGS)
ALL_CFLAGS   := -std=c11 $(WARN) $(HARD) $(CFLAGS)
ALL_LDFLAGS  := -pie -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)
LIBS   := -lldns -lssl -lcrypto -lcrypt -largon2 -lbsd

LIBOBJ := $(patsubst %.c,$Bobj/%.o,$(wildcard lib/*/*.c))
TESTS  := $(patsubst t/unit/%.c,$Bt/unit/%,$(wildcard t/unit/*.c))

all: $(foreach p,$(PROGS),$(if $(wildcard $p/*.c),$Bbin/$p))

$Bobj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$Bobj/stdmail.a: $(LIBOBJ)
	@rm -f $@
	ar rcs $@ $^

define program
$Bbin/$1: $(patsubst %.c,$Bobj/%.o,$(wildcard $1/*.c)) $Bobj/stdmail.a
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LIBS)
endef
$(foreach p,$(PROGS),$(eval $(call program,$p)))

$Bt/unit/%: $Bobj/t/unit/%.o $Bobj/stdmail.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

unit: $(TESTS)
	prove -e '' $(TESTS)

clean:
	rm -rf build

.PHONY: all unit clean
.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
