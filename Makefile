# SPDX-License-Identifier: GPL-2.0
#
# The kernel's build reads Kbuild; this file has the targets for people.

KDIR ?= /lib/modules/$(shell uname -r)/build
# What a native build needs, and Debian's headers packages lack: Rust metadata.
native := $(wildcard $(KDIR)/rust/libkernel.rmeta)
asked := $(filter command% environment%,$(origin KDIR))

export KVER ARCH

.PHONY: all module ground vectors demo replay deb deb-modules bench bench-guest bench-peers \
	bench-uml profile fuzz coverage mutants check check-scripts check-parser check-endian \
	check-replay check-build check-docs check-guest check-evasion check-networks check-netem \
	check-interop check-upgrades check-stress check-debug check-deb check-suite check-secure \
	lint session shell clean distclean help

all: ## Build the module: in KDIR, or for the stock kernel KVER in the build root
ifneq ($(native),)
all:
	$(MAKE) -C $(KDIR) M=$(CURDIR)
else ifneq ($(asked),)
all:
	@echo "error: $(KDIR) is no kernel build folder with Rust metadata (rust/libkernel.rmeta);" \
		"without KDIR= the build root makes one" >&2; false
else
all: tell module

.PHONY: tell
tell:
	@echo "== $(KDIR) has no Rust metadata: building in the build root" >&2
endif

ground: ## Set up the build root: toolchain, stock kernel, Rust metadata
	@scripts/ground.sh

module: ground
	@scripts/build.sh

vectors: ground
	@scripts/vectors.sh

demo: module ## Attack a server in the guest, without and with the module
	@VM_MEMORY=2G scripts/vm.sh tests/demo/run.sh

replay: ## Build tls-replay, which judges captures as the module would
	@scripts/replay.sh

bench: ground ## Measure the parser in userspace, beside a byte loop and memcpy (4 minutes)
	@scripts/bench.sh

bench-guest: module ## Count what the module costs in a kernel (8 minutes)
	@scripts/bench-guest.sh

bench-peers: module ## Count what Suricata and the module cost, and compare (10 minutes)
	@scripts/bench-peers.sh

bench-uml: ground ## Measure transfers in user-mode Linux (10 minutes)
	@scripts/uml.sh tests/bench-uml/run.sh

profile: module ## Count the instructions of a packet in each function (a minute)
	@scripts/profile.sh

check: ## Run all tests that take less than an hour together: see docs/TESTING.md
	@scripts/check.sh

check-scripts: ground ## Test what the tests stand on (seconds)
	@scripts/in-root.sh tests/scripts/run.sh

check-parser: ground ## Run the parser's tests in userspace, or those whose names hold T=
	@scripts/parser.sh $(T)

check-endian: ground ## Run the parser's tests on a big-endian machine: s390x, emulated (10 minutes)
	@scripts/endian.sh

check-replay: ground ## Run the tests of tls-replay, or those whose names hold T=
	@scripts/replay.sh --test $(T)

check-build: module ## Check what the build makes, and what it refuses
	@tests/build/run.sh

check-docs: module replay ## Run what the documents show, in the guest; T="README.md" chooses
	@scripts/vm.sh tests/docs/run.sh $(T)

session: module replay ## Record the README's session again, into docs/session.svg
	@scripts/session.sh

check-guest: module vectors ## Run the selftests in the guest, or those of T="attach load"
	@scripts/vm.sh tests/netns/run.sh $(T)

check-evasion: module ## Send crafted packets through the module in the guest, or the cases of T=
	@scripts/vm.sh tests/evasion/run.sh $(T)

check-networks: module ## Send TLS through NAT, SYNPROXY, MPTCP or what T= names (10 minutes)
	@scripts/networks.sh $(T)

check-netem: module ## Send TLS through bad networks, and measure throughput (25 minutes)
	@VM_MEMORY=2G scripts/vm.sh env NETEM_SECONDS=$${NETEM_SECONDS:-4} \
		tests/netem/run.sh clean_100 impaired sized
	@scripts/uml.sh env NETEM_SECONDS=$${NETEM_SECONDS:-2} NETEM_PAIRS=$${NETEM_PAIRS:-15} \
		tests/netem/run.sh throughput

check-interop: module ## Send real TLS stacks through the module (15 minutes)
	@scripts/interop.sh
	@VM_MEMORY=2G scripts/vm.sh tests/interop/run.sh

check-upgrades: module ## Upgrade to TLS with real servers, or those of T= (20 minutes)
	@scripts/upgrades.sh $(T)

check-stress: module vectors ## 20000 connections, 100 loads, in the guest (10 minutes)
	@VM_MEMORY=2G scripts/vm.sh tests/stress/run.sh

check-debug: ground ## Run the guest's tests in a debug kernel: KASAN, lockdep (an hour or two)
	@scripts/debug.sh

deb: ground ## Build the Debian packages (DKMS, tls-replay, tls-status) into build/deb
	@scripts/deb.sh

deb-modules: ground ## Build modules for Debian's kernels, and an apt archive, into build/deb
	@scripts/deb-modules.sh

check-suite: ground ## Build and test for another suite, SUITE= (forky) (20 minutes)
	@scripts/suite.sh

check-secure: module ## Boot with secure boot: which modules a locked-down kernel takes
	@scripts/secure-boot.sh

check-deb: ground ## Install the Debian packages in a fresh root, and boot that (30 minutes)
	@scripts/check-deb.sh

fuzz: ground ## Fuzz the parser, TCP order, the search and the reader, SECONDS= (60) each
	@SECONDS_EACH=$(or $(SECONDS),60) scripts/fuzz.sh

coverage: ground ## Tell which lines of the parser the userspace tests run (2 minutes)
	@scripts/coverage.sh

mutants: ground ## Tell which changes of the parser no test notices (an hour)
	@scripts/mutants.sh

lint: ground ## Run the lints of code and prose (scripts/lint.sh)
	@scripts/lint.sh

shell: module ## A shell in a guest with the module loaded
	@scripts/vm.sh

clean: ## Remove what was built in the clone (the caches stay)
	rm -rf build tools/replay/target
	find . -path ./.git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' \
		-o -name '*.mod.c' -o -name '.*.cmd' -o -name helpers_generated.rs \
		-o -name modules.order -o -name Module.symvers \) -type f -exec rm -f {} +

distclean: clean ## Remove the caches too: root, kernels, metadata
	@scripts/ground.sh --remove

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' \
		$(MAKEFILE_LIST)
	@echo "Variables:"
	@echo "  T=        which tests to run, for check-guest, check-parser, check-evasion, check-docs,"
	@echo "            check-networks, check-upgrades"
	@echo "  KDIR=     the kernel's build folder, for a native build"
	@echo "  KVER=     a stock kernel of the archive, such as 7.2.12+deb13-amd64, or a series"
	@echo "  ARCH=     arm64: the newest kernel for it, cross-built, and an emulated guest"
	@echo "  SECONDS=  how long to fuzz each target"
	@echo "  VM_CPUS= VM_MEMORY= VM_TIMEOUT= VM_KVM= VM_QEMU=  the guest: see scripts/vm.sh"
	@echo "  XDG_CACHE_HOME=  where the build root and kernels lie"
