# make            build every role           make check    the tests, gcc and clang+sanitizers
# make demo       the main job in a lab      make bench    ratios against peers
# make fuzz       build the fuzzers          make soak     long seeded runs, fuzzers included
# make install    DESTDIR= PREFIX=           make clean
# V=1 shows commands. SAN=1 builds with ASan+UBSan. Nothing is configured.

OUT      ?= out
CC       ?= gcc
PREFIX   ?= /usr/local
DESTDIR  ?=
Q        := $(if $(V),,@)

ROOMS    := base netguard vhdcrypt policy hypervisor-glue
# role, binary and libraries come from the role table: the same lines that the tests hold us to.
row       = $(shell awk -F'\t' '$$1=="$(1)"{print $$$(2)}' roles/roles.tsv)
ROLES    := $(shell awk -F'\t' '!/^\#/ && $$1!="block" && $$2 !~ "^/"{print $$1}' roles/roles.tsv)
BIN       = $(OUT)/$(call row,$(1),2)
# libfoo-1.so.2 is linked as -lfoo-1; libyaml's link name differs from its soname
libs_of   = $(subst -lyaml-0,-lyaml,$(patsubst lib%,-l%,$(foreach l,$(filter-out -,$(call row,$(1),8)),$(firstword $(subst .so, ,$(l))))))

CPPFLAGS += -D_GNU_SOURCE -I. -DBULKHEAD_VERSION='"0.1"'
WARN     := -Wall -Wextra -Wshadow -Wvla -Wundef -Wwrite-strings -Wcast-qual -Wstrict-prototypes \
            -Wmissing-prototypes -Wpointer-arith -Wformat=2 -Wconversion -Wimplicit-fallthrough \
            -Wswitch-enum
WERROR   ?= -Werror
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIC \
            -ftrivial-auto-var-init=pattern
CFLAGS   := -std=gnu11 -O2 -g $(WARN) $(WERROR) $(HARDEN) $(CFLAGS)
LDFLAGS  := -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(LDFLAGS)
PIE      := -pie
ifdef SAN
CPPFLAGS += -DSANITIZED
CFLAGS   += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS  += -fsanitize=address,undefined
else ifdef FUZZING
CFLAGS   += -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS  += -fsanitize=address,undefined
else
CPPFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif

all: $(foreach r,$(ROLES),$(call BIN,$(r))) $(if $(wildcard vhdcrypt/nbd_plugin.c),$(OUT)/bulkhead-block.so)

# One static archive per room; the plugin's entry file is no part of its room's archive.
define room
$(OUT)/lib$(1).a: $(patsubst %.c,$(OUT)/%.o,$(filter-out %/nbd_plugin.c,$(wildcard $(1)/*.c)))
	@rm -f $$@; echo "  AR   $$@"
	$(Q)ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

# Objects of a role: its own files ROLE.c and ROLE_*.c, the start that all share, its rooms.
# The notifier shows what the command shows.
own_objs  = $(patsubst %.c,$(OUT)/%.o,$(wildcard roles/$(1).c roles/$(1)_*.c) \
	$(if $(filter-out cli beacon notify,$(1)),roles/role.c) \
	$(if $(filter notify,$(1)),roles/cli_connect.c roles/cli_view.c))
room_libs = $(foreach d,$(filter-out base,$(call row,$(1),7)) base,$(OUT)/lib$(d).a)
define role
$(call BIN,$(1)): $(call own_objs,$(1)) $(call room_libs,$(1))
	@echo "  LD   $$@"
	$(Q)$$(CC) $$(CFLAGS) $(PIE) $$(LDFLAGS) -o $$@ $(call own_objs,$(1)) $(call room_libs,$(1)) $(call libs_of,$(1))
endef
$(foreach r,$(ROLES),$(eval $(call role,$(r))))

$(OUT)/bulkhead-block.so: $(OUT)/vhdcrypt/nbd_plugin.o $(call room_libs,block)
	@echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) -shared $(LDFLAGS) -o $@ $< $(call room_libs,block) $(call libs_of,block)

$(OUT)/%.o: %.c Makefile
	@mkdir -p $(@D); echo "  CC   $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# libnotify's headers are GLib's.
$(OUT)/roles/notify.o: CPPFLAGS += $(shell pkg-config --cflags libnotify 2>/dev/null)

# --- tests -------------------------------------------------------------------------------------
TEST_LIBS := $(foreach d,netguard vhdcrypt policy hypervisor-glue base,$(OUT)/lib$(d).a)
TEST_LINK := $(sort $(foreach r,config sniff decide nft prove key block xen cli,$(call libs_of,$(r)))) -lcmocka
UNIT      := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ      := $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

# Units of a role that are tested by themselves: they need nothing of their role.
TEST_OBJS := $(patsubst %,$(OUT)/roles/%.o,audit_log cli_changes cli_disk_copy cli_new_file cli_progress cli_stop cli_view decide_blocked decide_number decide_plan notify_text supervisor_tamper supervisor_watch)

$(OUT)/unit/%: $(OUT)/tests/unit/%.o $(TEST_OBJS) $(TEST_LIBS)
	@mkdir -p $(@D); echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) $(PIE) $(LDFLAGS) -o $@ $< $(TEST_OBJS) $(TEST_LIBS) $(TEST_LINK)

# libFuzzer's header is C++; what a fuzz target must define has no prototype in C.
$(OUT)/tests/fuzz/%.o: CFLAGS += -Wno-missing-prototypes

# A fuzzer is libFuzzer's; `make corpus` runs the same file over its corpus with any compiler.
$(OUT)/corpus/%: $(OUT)/tests/fuzz/%.o $(OUT)/tests/fuzz/replay.o $(TEST_LIBS)
	@mkdir -p $(@D); echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) $(PIE) $(LDFLAGS) -o $@ $(filter %.o,$^) $(TEST_LIBS) $(TEST_LINK)

# Helpers of system tests: one file, one program.
$(OUT)/tests/%: $(OUT)/tests/%.o $(TEST_LIBS)
	@echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) $(PIE) $(LDFLAGS) -o $@ $(filter %.o,$^) $(TEST_LIBS) $(TEST_LINK)
$(OUT)/tests/system/dhcp_run: $(patsubst %,$(OUT)/roles/%.o,supervisor_dhcp supervisor_confine supervisor_wait_up)
$(OUT)/tests/system/ports_run: $(patsubst %,$(OUT)/roles/%.o,supervisor_ports supervisor_confine role)
$(OUT)/tests/system/confine_run: $(OUT)/roles/supervisor_confine.o
$(OUT)/tests/lab/notifications.o: CPPFLAGS += $(shell pkg-config --cflags gio-2.0 2>/dev/null)
$(OUT)/tests/lab/notifications: TEST_LINK += -lgio-2.0 -lgobject-2.0 -lglib-2.0

# `make fuzz` builds these in a folder of their own, from instrumented rooms.
$(OUT)/fuzz/%: $(OUT)/tests/fuzz/%.o $(TEST_LIBS)
	@mkdir -p $(@D); echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(TEST_LIBS) $(TEST_LINK)

units: $(UNIT)
corpus: $(patsubst tests/fuzz/%.c,$(OUT)/corpus/%,$(wildcard tests/fuzz/fuzz_*.c))
fuzzers: $(FUZZ)
helpers: $(patsubst %.c,$(OUT)/%,$(wildcard tests/lab/*.c tests/system/*.c tests/evil/*.c tests/bench/*.c))

# What the machine lacks, from debian/control; then everything in two builds, and the tests.
# T='lldp beacon' runs the tests whose names hold one of these words.
JOBS ?= $(shell nproc)
check: root deps peers vm
	$(Q)$(MAKE) -j$(JOBS) all units corpus helpers
	$(Q)$(MAKE) -j$(JOBS) OUT=$(OUT)/san CC=clang SAN=1 units corpus
	$(Q)$(MAKE) stage
	$(Q)OUT=$(OUT) SAN_OUT=$(OUT)/san tests/run $(T)

# The demo runs what `make install` installs. XEN=0 leaves the hypervisor out, KEEP=1 the lab up.
demo: root deps peers
	$(Q)$(MAKE) -j$(JOBS) all helpers
	$(Q)$(MAKE) stage
	$(Q)[ "$(XEN)" = 0 ] || tests/vm/image.sh >/dev/null
	$(Q)OUT=$(OUT) tests/demo.sh

# The installation that the lab lays over /usr.
stage:
	$(Q)rm -rf $(OUT)/demo-root
	$(Q)$(MAKE) install DESTDIR=$(OUT)/demo-root PREFIX=/usr

bench: deps
	$(Q)$(MAKE) -j$(JOBS) all helpers
	$(Q)set -e; for b in tests/bench/*.sh; do OUT=$(OUT) $$b; done

fuzz: deps
	$(Q)$(MAKE) -j$(JOBS) OUT=$(OUT)/fuzzing CC=clang FUZZING=1 fuzzers

# CRASH_STATES after power cuts, kills of conversions and of a server, FIO_S seconds of fio; packages; all tests of the emulated
# machine, and its systemd; SOAK_TRANSITIONS of the whole daemon; each line and each condition of the firewall left out once;
# then SOAK_S seconds for each fuzzer: a finding stays in out/soak. SHORT=1: each part as short as it goes, to see that all runs.
SOAK_S ?= $(if $(SHORT),1,600)
SOAK_TRANSITIONS ?= $(if $(SHORT),5,1000)
CRASH_STATES ?= $(if $(SHORT),50,20000)
CHAIN_SEEDS ?= $(if $(SHORT),5,1000)
CONVERSION_KILLS ?= $(if $(SHORT),12,300)
FAULTS ?= $(if $(SHORT),2,all)
SERVER_KILLS ?= $(if $(SHORT),5,200)
LEAF_SEEDS ?= $(if $(SHORT),1,30)
FIO_S ?= $(if $(SHORT),4,600)
soak: root deps peers fuzz
	$(Q)$(MAKE) -j$(JOBS) all helpers units
	$(Q)$(MAKE) stage
	$(Q)CRASH_STATES=$(CRASH_STATES) CRASH_SEED=1000 $(OUT)/unit/test_image_crash
	$(Q)CRASH_STATES=$(CRASH_STATES) CRASH_SEED=1000 $(OUT)/unit/test_image_chain_crash
	$(Q)CRASH_STATES=$(CRASH_STATES) CRASH_SEED=1000 $(OUT)/unit/test_convert_crash
	$(Q)KILLS=$(CONVERSION_KILLS) OUT=$(OUT) tests/system/disk-a-conversion-in-place-survives-every-kill.sh
	$(Q)FAULTS=$(FAULTS) OUT=$(OUT) tests/system/vhd-commands-survive-every-fault.sh
	$(Q)FAULTS=$(FAULTS) OUT=$(OUT) tests/system/disk-a-rekey-survives-every-fault.sh
	$(Q)FAULTS=$(FAULTS) CRASH_STATES=$(CRASH_STATES) OUT=$(OUT) tests/system/disk-a-snapshot-or-merge-survives-every-fault.sh
	$(Q)CHAIN_SEEDS=$(CHAIN_SEEDS) CHAIN_SEED=1000 $(OUT)/unit/test_image_chain
	$(Q)OUT=$(OUT) KILLS=$(SERVER_KILLS) tests/system/vhd-a-killed-server-has-a-successor-without-loss.sh
	$(Q)OUT=$(OUT) SEEDS=$(LEAF_SEEDS) tests/evil/a-leaf-is-exported-only-as-its-mac-says.sh
	$(Q)OUT=$(OUT) FIO_S=$(FIO_S) tests/system/vhd-fio-reads-back-what-it-wrote.sh
	$(Q)OUT=$(OUT) PACKAGES=all tests/system/packages-install-whole-and-start-nothing.sh
	-$(Q)tests/vm/image.sh >/dev/null
	$(Q)for t in tests/system/vm-*.sh; do OUT=$(OUT) EMULATED=$(if $(SHORT),,all) LIMIT=1800 $$t || [ $$? = 77 ] || exit 1; done
	$(Q)OUT=$(OUT) EMULATED=$(if $(SHORT),,all) LIMIT=1800 tests/vm/systemd.sh || [ $$? = 77 ]
	$(Q)OUT=$(OUT) TRANSITIONS=$(SOAK_TRANSITIONS) tests/system/random-transitions.sh
	$(Q)OUT=$(OUT) ROUNDS=$(if $(SHORT),3,100) tests/system/a-change-is-recorded-whoever-is-killed.sh
	$(if $(SHORT),-)$(Q)OUT=$(OUT) JOBS=$(JOBS) $(if $(SHORT),TESTS=tests/system/net/41-*.sh) tests/mutants.sh $(if $(SHORT),lines headers,all)
	$(Q)mkdir -p $(OUT)/soak; set -e; for f in $(OUT)/fuzzing/fuzz/fuzz_*; do \
		n=$$(basename $$f); mkdir -p $(OUT)/soak/$$n; echo "  SOAK $$n $(SOAK_S) s"; \
		$$f -max_total_time=$(SOAK_S) -print_final_stats=1 -artifact_prefix=$(OUT)/soak/ \
			$(OUT)/soak/$$n tests/fuzz/corpus/$${n#fuzz_} 2>$(OUT)/soak/$$n.log || \
			{ tail -n 30 $(OUT)/soak/$$n.log; exit 1; }; \
		sed -n 's/^stat::number_of_executed_units: */    executions /p' $(OUT)/soak/$$n.log; done

root:
	@[ "$$(id -u)" = 0 ] || { echo "needs root (network namespaces, nftables): sudo make $(MAKECMDGOALS)" >&2; exit 1; }
deps:
	$(Q)tests/deps.sh
peers: deps
	$(Q)tests/peers.sh
# The emulated machines; without them their tests are skipped.
vm: deps
	-$(Q)tests/vm/image.sh >/dev/null

# --- installation ------------------------------------------------------------------------------
# bulkheadd finds its roles beside itself, so all of them live in one folder.
LIBEXEC   = $(DESTDIR)$(PREFIX)/libexec/bulkhead
SHARE     = $(DESTDIR)$(PREFIX)/share
# Xen, systemd and udev look below /etc and /usr/lib only, wherever the rest is.
SYSTEM    = $(DESTDIR)/usr/lib
install: all
	$(Q)install -d $(LIBEXEC) $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin
	$(Q)install $(foreach r,$(filter-out cli beacon notify,$(ROLES)),$(call BIN,$(r))) $(LIBEXEC)
	$(Q)install -m 644 $(OUT)/bulkhead-block.so $(LIBEXEC)
	$(Q)install $(wildcard roles/bulkhead-netns) $(LIBEXEC)
	$(Q)ln -sf ../libexec/bulkhead/bulkheadd $(DESTDIR)$(PREFIX)/sbin/bulkheadd
	$(Q)install $(OUT)/bulkhead $(OUT)/bulkhead-notify $(DESTDIR)$(PREFIX)/bin
	$(Q)install $(OUT)/bulkhead-beacon $(DESTDIR)$(PREFIX)/sbin
	$(Q)for p in $(wildcard roles/*.[158]); do \
		install -D -m 644 $$p $(SHARE)/man/man$${p##*.}/$${p##*/}; done
	$(Q)install -d $(SYSTEM)/systemd/system $(SYSTEM)/udev/rules.d $(SYSTEM)/modprobe.d $(DESTDIR)/etc/xen/scripts
	$(Q)install -d $(DESTDIR)/etc/xdg/autostart
	$(Q)sed 's|@PREFIX@|$(PREFIX)|g' roles/bulkhead-notify.desktop >$(DESTDIR)/etc/xdg/autostart/bulkhead-notify.desktop
	$(Q)for u in $(wildcard roles/*.service roles/*.path roles/*.timer); do \
		sed 's|@PREFIX@|$(PREFIX)|g' $$u >$(SYSTEM)/systemd/system/$${u##*/}; done
	$(Q)install -m 644 $(wildcard hypervisor-glue/*.rules) $(SYSTEM)/udev/rules.d
	$(Q)install -m 644 $(wildcard hypervisor-glue/*.conf) $(SYSTEM)/modprobe.d
	$(Q)install $(wildcard hypervisor-glue/*-bulkhead) $(DESTDIR)/etc/xen/scripts
	$(Q)install -D -m 644 roles/bulkhead.bash-completion $(SHARE)/bash-completion/completions/bulkhead
	$(Q)install -D -m 644 roles/bulkhead.sysusers $(DESTDIR)/usr/lib/sysusers.d/bulkhead.conf
	$(Q)install -D -m 644 roles/80-bulkhead-bh0.network $(SYSTEM)/systemd/network/80-bulkhead-bh0.network
	$(Q)install -D -m 644 roles/bulkhead.interfaces $(SHARE)/doc/bulkhead/examples/bulkhead.interfaces
	$(Q)install -D -m 644 roles/90-bulkhead-nm.conf $(SYSTEM)/NetworkManager/conf.d/90-bulkhead.conf
	# (NetworkManager reads no connection that others may)
	$(Q)install -D -m 600 roles/bulkhead-bh0.nmconnection $(SYSTEM)/NetworkManager/system-connections/bulkhead-bh0.nmconnection

# .clang-format decides; nobody argues.
format:
	$(Q)clang-format -i $(wildcard $(patsubst %,%/*.[ch],$(ROOMS) roles tests/*))

clean:
	$(Q)rm -rf out


.PHONY: root format all units corpus fuzzers helpers stage check demo bench fuzz soak deps peers vm install clean
.SECONDARY:
-include $(wildcard $(patsubst %,$(OUT)/%/*.d,$(ROOMS) roles tests/unit tests/fuzz tests/lab tests/system))
