# SPDX-License-Identifier: ISC
# stdmail: build, test, install.  GNU make; no configure.
#
# make		build/bin/*		make check	all tests (T=NAME: one)
# make demo	see it work		make bench	how fast (T=NAME: one)
# make install	(DESTDIR, PREFIX, SENDMAIL=yes)
#
# A variant (V=asan, cover, memcheck, fuzz) lives in build/VARIANT/ and never
# mixes with another; changed flags or a changed list of files rebuild.

MAKEFLAGS += --no-print-directory
V      ?= plain
B      := build/$(if $(filter plain,$V),,$V/)
CC     ?= cc
PROGS  := smtpd smtp-send mda-deliver pop3d imapd mxlookup

PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
BINDIR     := $(PREFIX)/bin
MANDIR     := $(PREFIX)/share/man
LIBDIR     := $(PREFIX)/lib
# SENDMAIL=yes: this is the sendmail, mailq and newaliases of the host, where
# its programs look for them with any usual prefix; or paths of your own.  Else
# no link.
USR        := $(if $(filter /usr%,$(PREFIX)),/usr,$(PREFIX))
SENDMAIL   ?= no
MAILQ      ?= $(filter yes,$(SENDMAIL))
sendmail   := $(patsubst yes,$(USR)/sbin/sendmail,$(filter-out no,$(SENDMAIL)))
mailq      := $(patsubst yes,$(USR)/bin/mailq,$(filter-out no,$(MAILQ)))
newaliases := $(if $(mailq),$(dir $(mailq))newaliases)

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wpointer-arith -Wvla -Wformat=2 \
	-Wno-missing-field-initializers
HARD   := -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
	-fstack-clash-protection
CFLAGS ?= -O2 -g
SAN    := -O1 -fno-omit-frame-pointer -DSANDBOX_WIDE
SANF   := -fsanitize=address,undefined -fno-sanitize-recover=undefined

# What each variant adds.
ADD.plain    := $(HARD)
ADD.asan     := -fPIE $(SAN) $(SANF)
ADD.memcheck := -fPIE $(SAN)
ADD.cover    := -fPIE -O0 --coverage -DSANDBOX_WIDE
ADD.fuzz     := -fPIE $(SAN) $(SANF) -fsanitize=fuzzer-no-link
ADD.lint     := $(HARD) -Werror

ALL_CPPFLAGS := -Ilib -D_GNU_SOURCE -DLIBBSD_OVERLAY \
	-isystem /usr/include/bsd $(CPPFLAGS)
ALL_CFLAGS   := -std=c11 $(WARN) $(CFLAGS) $(ADD.$V)
ALL_LDFLAGS  := -pie -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)
# The few functions of these two are linked in where their archives are there:
# loading both costs a program that is started for each message a fifth more.
# A fuzz target has a function of its own in the place of one of theirs.
BSD    := $(if $(filter-out fuzz,$(or $V,plain)),$(if $(filter /%,\
	$(shell $(CC) -print-file-name=libbsd.a)),-l:libbsd.a -l:libmd.a))
BSD    := $(or $(strip $(BSD)),-lbsd -lmd)
LIBS   := -lldns -lssl -lcrypto -lcrypt -largon2 -lidn2 -lz $(BSD)

SRC    := $(wildcard lib/*/*.c $(PROGS:%=%/*.c) t/*/*.c)
OBJ    := $(SRC:%.c=$Bobj/%.o)
LIBOBJ := $(filter $Bobj/lib/%,$(OBJ))
BINS   := $(foreach p,$(PROGS),$(if $(wildcard $p/*.c),$Bbin/$p))
TESTS  := $(patsubst t/unit/%.c,$Bt/unit/%,$(wildcard t/unit/*.c))
FAULT  := $(patsubst t/%.c,$Bt/%,$(wildcard t/fault/*.c t/model/*.c \
	t/dns/*.c))
PERF   := $(patsubst t/%.c,$Bt/%,$(filter-out t/perf/imap_%.c,\
	$(wildcard t/perf/*.c)))
FUZZ   := $(patsubst t/fuzz/%.c,$Bt/fuzz/%,$(wildcard t/fuzz/fuzz_*.c))

all: $(BINS)

# What runs is shown short; with S= in full, with -s not at all.
S   := @
say  = @$(if $(filter @,$S),$(if $(findstring s,$(firstword -$(MAKEFLAGS))),:, \
	echo '  $1  $@'),:)

# A stamp changes only when what it says does.
define stamp
$(shell mkdir -p $B && echo '$(subst ','\'',$2)' | cmp -s - $B$1 || \
	echo '$(subst ','\'',$2)' >$B$1)
endef
ifeq ($(filter flags clean distclean deps world uninstall,$(MAKECMDGOALS)),)
$(call stamp,flags,$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIBS))
$(call stamp,files,$(SRC))
endif
$Bflags $Bfiles: ;

$Bobj/%.o: %.c $Bflags
	@mkdir -p $(@D)
	$(call say,CC)
	$S$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$Bobj/stdmail.a: $(LIBOBJ) $Bfiles
	@rm -f $@
	$(call say,AR)
	$Sar rcs $@ $(LIBOBJ)

define program
$Bbin/$1: $(patsubst %.c,$Bobj/%.o,$(wildcard $1/*.c)) $Bobj/stdmail.a $Bfiles
	@mkdir -p $$(@D)
	$$(call say,LD)
	$S$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) \
	    $$(LIBS)
endef
$(foreach p,$(PROGS),$(eval $(call program,$p)))

$Bt/%: $Bobj/t/%.o $Bobj/stdmail.a
	@mkdir -p $(@D)
	$(call say,LD)
	$S$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) \
	    $(filter %.a,$^) $(LIBS)

$Bt/perf/imapclient: $(patsubst %.c,$Bobj/%.o,$(wildcard t/perf/imap_*.c))

$Bt/unit/signer: $(patsubst %.c,$Bobj/%.o,\
	$(wildcard smtp-send/signer*.c))

$Bt/fuzz/%: $Bobj/t/fuzz/%.o $Bobj/stdmail.a
	@mkdir -p $(@D)
	$(call say,LD)
	$S$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ \
	    $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

# Of a program, what can be tested by itself.
$Bt/unit/policy: $Bobj/smtp-send/policy.o
$Bt/unit/seen: $Bobj/mda-deliver/seen.o
$Bt/unit/sieve_act $Bt/unit/sieve_answer $Bt/unit/sieve_memory: \
	$(patsubst %.c,$Bobj/%.o,$(filter-out %/sieve_try.c,\
	$(wildcard mda-deliver/sieve*.c)) mda-deliver/plan.c \
	mda-deliver/seen.c mda-deliver/folder.c)
$Bt/unit/plan: $Bobj/mda-deliver/plan.o $Bobj/mda-deliver/plan_pack.o
$Bt/unit/program: $(patsubst %,$Bobj/mda-deliver/%.o,\
	program program_env deliver flags warning seen)
$Bt/unit/dotfile: $(patsubst %,$Bobj/mda-deliver/%.o,\
	dotfile dotfile_find plan)
$Bt/unit/launch: $(patsubst %.c,$Bobj/%.o,$(filter-out %/main.c %/errand.c,\
	$(wildcard mda-deliver/*.c)))
$Bt/unit/caller: $Bobj/mda-deliver/caller.o
$Bt/unit/keeper: $(patsubst %,$Bobj/smtp-send/%.o,\
	news sts sts_cache tls_log tls_report)

# A whole session: the program without its main.
$Bt/fuzz/fuzz_imap_session: $(patsubst %.c,$Bobj/%.o,\
	$(filter-out imapd/main.c,$(wildcard imapd/*.c)))
$Bt/fuzz/fuzz_smtp_session: $(patsubst %.c,$Bobj/%.o,\
	$(filter-out smtpd/main.c,$(wildcard smtpd/*.c)))
$Bt/fuzz/fuzz_smtp_client: $(patsubst %.c,$Bobj/%.o,\
	$(filter-out smtp-send/main.c,$(wildcard smtp-send/*.c)))
$Bt/fuzz/fuzz_sieve: $(patsubst %.c,$Bobj/%.o,\
	$(filter-out mda-deliver/main.c,$(wildcard mda-deliver/*.c)))
$Bt/fuzz/fuzz_plan: $Bobj/mda-deliver/plan.o $Bobj/mda-deliver/plan_pack.o
$Bt/fuzz/fuzz_mx_input: $Bobj/mxlookup/input.o
$Bt/fuzz/fuzz_tls_files: $(patsubst %,$Bobj/smtp-send/%.o,\
	news sts sts_cache tls_log tls_report)
# Its own functions come before those of the server.
$Bt/fuzz/fuzz_smtp_session: ALL_LDFLAGS += -Wl,-z,muldefs

-include $(OBJ:.o=.d)

# --- tests -----------------------------------------------------------------

WORLD  ?= build/world
world_ := $(filter-out no,$(WORLD))
export STDMAIL_BIN     := $(abspath $Bbin)
export STDMAIL_UNIT    := $(abspath $Bt/unit)
export STDMAIL_PERF    := $(abspath $Bt/perf)
export STDMAIL_VARIANT := $V
export STDMAIL_WORLD   := $(if $(world_),$(abspath $(world_)))
export STDMAIL_SHARED  ?= $(abspath ../shared)
FUZZTIME ?= 10

tests: $(TESTS) $(FAULT) $(PERF)

flags:
	@echo $(ALL_CPPFLAGS) $(ALL_CFLAGS)

unit: $(TESTS)
	prove -e '' $(TESTS)

# One test: T=t/units.t, T=units or T=buf.
check: deps world
	$(MAKE) -s all tests
	t/check $T

demo: deps all
	t/demo.sh

deps:
	@t/deps.sh

world:
	$(if $(world_),@t/world.sh $(world_) || [ $$? = 77 ])

# With Thunderbird, which the world gets for it.
clients: deps
	$(if $(world_),@t/world.sh $(world_) heavy || [ $$? = 77 ])
	$(MAKE) -s all tests
	t/check clients heavy

lint: deps world
	$(MAKE) -s all
	t/check t/lint

asan:
	$(MAKE) V=asan check

memcheck:
	$(MAKE) V=memcheck check T=unit

cover:
	@find build/cover -name '*.gcda' -delete 2>/dev/null || :
	-$(MAKE) V=cover check
	t/cover.sh build/cover

fuzz: deps
	FUZZTIME=$(FUZZTIME) t/check fuzz

targets: $(FUZZ)

# The mailbox and its sessions against their models for long: SOAK seconds in
# all, any seeds.  And mbsync of 10,000 messages, with 50 sessions killed.
SOAK ?= 600
soak: deps world
	$(MAKE) -s all tests
	SOAK=$(SOAK) t/check model mbsync-kill

# How fast: T=NAME one of t/perf, else all but T=million, which takes minutes;
# ARGS are its own (each says at its top what it takes).
bench: all world $(PERF)
	@for t in $(or $T,way smtpd send mda pop3 imap mx); do \
	    if [ -e t/perf/$$t.sh ]; then t=$$t.sh; fi; \
	    t/perf/$$t $(ARGS) || exit; done

# --- install ---------------------------------------------------------------

# On a systemd host what is installed is also made known; nothing starts.
UNITS   := $(foreach p,$(PROGS),$(foreach e,service socket path timer,\
	$(wildcard $p/*.$e)))
PAGES   := $(wildcard man/*.[1578])
UNITDIR := $(PREFIX)/lib/systemd/system
SHARE   := $(PREFIX)/share/stdmail
D       := $(DESTDIR)
mandir   = $D$(MANDIR)/man$(patsubst .%,%,$(suffix $1))

# $(call link,PATH): make PATH our sendmail, never over a foreign file.
link = @f='$D$1'; t='$(BINDIR)/smtp-send'; mkdir -p "$${f%/*}"; \
	if [ "$$(readlink "$$f")" = "$$t" ] || ! { [ -e "$$f" ] || \
	[ -L "$$f" ]; }; then ln -sf "$$t" "$$f"; \
	else echo "$1 is not ours: left as it is"; fi

install: all
	install -d $D$(BINDIR) $D$(UNITDIR) $D$(SHARE) $D$(SYSCONFDIR)/stdmail
	install $(BINS) $D$(BINDIR)
	for m in $(PAGES); do install -D -m 644 $$m \
	    $D$(MANDIR)/man$${m##*.}/$${m##*/} || exit 1; done
	for u in $(UNITS); do sed 's,/usr/local/bin/,$(BINDIR)/,' $$u \
	    >$D$(UNITDIR)/$${u##*/} || exit 1; done
	for f in sysusers tmpfiles; do install -D -m 644 smtpd/$$f.conf \
	    $D$(PREFIX)/lib/$$f.d/stdmail.conf || exit 1; done
	install -m 644 man/examples/system-users.conf $D$(SHARE)
	[ -e $D$(SYSCONFDIR)/stdmail/stdmail.conf ] || \
	    install -m 644 man/examples/stdmail.conf $D$(SYSCONFDIR)/stdmail
	[ -e $D$(SYSCONFDIR)/stdmail/users ] || \
	    install -m 600 man/examples/users $D$(SYSCONFDIR)/stdmail
	$(if $(sendmail),$(call link,$(sendmail)))
	$(if $(mailq),$(call link,$(mailq)))
	$(if $(newaliases),$(call link,$(newaliases)))
	[ -n '$D' ] || [ ! -d /run/systemd/system ] || { systemd-sysusers && \
	    systemd-tmpfiles --create && systemctl daemon-reload; }

# Configuration, accounts and mail stay.
uninstall:
	rm -f $(BINS:$Bbin/%=$D$(BINDIR)/%) $(foreach m,$(PAGES),\
	    $(call mandir,$m)/$(notdir $m)) \
	    $(foreach u,$(UNITS),$D$(UNITDIR)/$(notdir $u)) \
	    $D$(PREFIX)/lib/sysusers.d/stdmail.conf \
	    $D$(PREFIX)/lib/tmpfiles.d/stdmail.conf $D$(SHARE)/system-users.conf
	-rmdir $D$(SHARE)
	for f in $(sendmail:%=$D%) $(mailq:%=$D%) $(newaliases:%=$D%) \
	    $D$(USR)/sbin/sendmail $D$(USR)/bin/mailq \
	    $D$(USR)/bin/newaliases; do \
	    [ "$$(readlink $$f)" != $(BINDIR)/smtp-send ] || rm $$f; done

dist:
	@mkdir -p build
	v=$$(sed -n 's/.*STDMAIL_VERSION.*"\(.*\)"/\1/p' lib/mail/start.h) && \
	    git archive --format=tar.gz --prefix=stdmail-$$v/ \
	    -o build/stdmail-$$v.tar.gz HEAD && echo build/stdmail-$$v.tar.gz

# The world stays: distclean takes it too, and never through a mount.
clean:
	[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name world \
	    -exec rm -rf --one-file-system {} +

distclean: clean
	! grep -q ' $(abspath build)/' /proc/self/mountinfo
	rm -rf --one-file-system build

.PHONY: all tests flags unit check demo deps world clients lint asan memcheck \
	cover fuzz targets bench soak install uninstall dist clean distclean
.SECONDARY:
.DELETE_ON_ERROR:
