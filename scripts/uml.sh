#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs a script of the clone in user-mode Linux, a kernel that is a process: at native speed,
# without KVM. scripts/uml.sh SCRIPT ARGS... The kernel is of the stock kernel's version, built once
# for each set of fragments (scripts/kconfig) from the stock kernel's own source; the module for it
# is in build/$KVER/um. The guest sees the root and the clone, and writes to memory only. How a run
# is judged: as by scripts/vm.sh. UML_MEMORY and UML_TIMEOUT (seconds) change its size. It has one
# CPU, and stays on one of the machine's. UML_DEBUG=1: a kernel with KASAN, UBSAN and the like,
# built by clang; the module, its KUnit cases and the deliberate mistake (tests/debug) for it are in
# build/$KVER/um-debug.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -gt 0 ] || die "usage: scripts/uml.sh SCRIPT ARGS..."
need_root
find_kernel
timeout=${UML_TIMEOUT:-7200}
debug=${UML_DEBUG:-0}
case $debug in
0) flavour=um compiler=CC=gcc-14 build_time="4 minutes" ;;
1) flavour=um-debug compiler=LLVM=-19 build_time="10 minutes" ;;
*) die "UML_DEBUG=$debug: allowed are 0 and 1" ;;
esac
out=build/$version/$flavour
# shellcheck source=scripts/guest.sh
source "$(dirname "${BASH_SOURCE[0]}")/guest.sh"
fragments=$(cd "$clone" && cat scripts/kconfig/{base,netfilter,um}.config)
# Of debug.config it has all but these. Lockdep first complains of user-mode Linux itself, and then
# switches itself off.
lacking='^CONFIG_(UNWINDER_FRAME_POINTER|VMAP_STACK|FAULT_INJECTION_STACKTRACE_FILTER|PROVE_LOCKING|PROVE_RCU|PROVE_RCU_LIST)='
[ "$debug" = 0 ] || fragments+=$'\n'$(grep -vE "$lacking" "$clone/scripts/kconfig/debug.config")
place=/usr/src/nf_conntrack_tls_um/$version
source=$place/source
kernel=$place/$(key "$fragments")

# --- the kernel, and the module for it --------------------------------------

uml_make() {
	in_root "$root" make --no-print-directory -C "$source" O="$kernel" ARCH=um "$compiler" \
		"LOCALVERSION=-$flavour" "$@"
}

build_kernel() {
	need_space 1 "$cache"
	mkdir -p "$root$kernel"
	printf '%s\n' "$fragments" >"$root$kernel/fragments"
	uml_make KCONFIG_ALLCONFIG="$kernel/fragments" allnoconfig
	check_config user-mode "$kernel" "$fragments"
	uml_make -j"$(nproc)" linux modules
	uml_make INSTALL_MOD_PATH="$kernel/root" modules_install
}

# build_module FOLDER OUT. There rustc makes position-independent code by default, which the module
# loader does not support.
build_module() {
	mkdir -p "$clone/$2"
	uml_make M="$guest_clone$1" MO="$guest_clone/$2" \
		RUSTFLAGS_MODULE="-Crelocation-model=static -Ccode-model=large"
}

build() {
	one_at_a_time .um "user-mode Linux"
	[ "$debug" = 0 ] || into_root debug "clang (a minute)"
	once "um-source-$version" "a clean tree of the kernel's source" link_tree \
		"$(source_tree "$version")" "$source"
	once "$flavour-$version-${kernel##*/}" "user-mode Linux $version ($build_time)" build_kernel
	step "the module for it" build_module "" "$out"
	if [ "$debug" = 1 ]; then
		step "KUnit cases for it" build_module /tests/debug/kunit "$out/kunit"
		step "a deliberate mistake for it" build_module /tests/debug/oob "$out/oob"
	fi
	exec 9>&-
}

# --- the guest --------------------------------------------------------------

last_cpu() { sed -n 's/^Cpus_allowed_list:.*[^0-9]\([0-9]*\)$/\1/p' /proc/self/status; }

boot_into() {
	printf '%s\n' "$1" >"$clone/$out/guest.command"
	in_root "$root" timeout --foreground --kill-after=20 "$timeout" taskset -c "$(last_cpu)" \
		"$kernel/linux" mem="${UML_MEMORY:-2G}" con=null con0=null,fd:2 con1=null,fd:1 \
		loglevel=7 \
		root=/dev/root rootfstype=hostfs rootflags=/ ro \
		init="$guest_clone/scripts/uml-init.sh" \
		UML_COMMAND="$guest_clone/$out/guest.command" UML_MODULES="$kernel/root/lib/modules"
}

build
run "$@"
