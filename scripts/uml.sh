#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs a script of the clone in user-mode Linux, a kernel that is a process: at native speed, without KVM.
# scripts/uml.sh SCRIPT ARGS... The kernel is of the stock kernel's version, built once for each set of
# fragments (scripts/kconfig) from the stock kernel's own source; the module for it is in build/$KVER/um. The
# guest sees the root and the clone, and writes to memory only. How a run is judged: as by scripts/vm.sh.
# UML_MEMORY and UML_TIMEOUT (seconds) change its size. It has one CPU, and stays on one of the machine's.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -gt 0 ] || die "usage: scripts/uml.sh SCRIPT ARGS..."
need_root
find_kernel
timeout=${UML_TIMEOUT:-1800}
out=build/$version/um
# shellcheck source=scripts/guest.sh
source "$(dirname "${BASH_SOURCE[0]}")/guest.sh"
fragments=$(cd "$clone" && cat scripts/kconfig/{base,netfilter,um}.config)
place=/usr/src/nf_conntrack_tls_um/$version
source=$place/source
kernel=$place/$(key "$fragments")

# --- the kernel, and the module for it --------------------------------------

uml_make() {
	in_root "$root" make --no-print-directory -C "$source" O="$kernel" ARCH=um CC=gcc-14 LOCALVERSION=-um "$@"
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

# Rust is position-independent there, which the loader of modules knows nothing of.
build_module() {
	mkdir -p "$clone/$out"
	uml_make M="$guest_clone" MO="$guest_clone/$out" RUSTFLAGS_MODULE="-Crelocation-model=static -Ccode-model=large"
}

build() {
	one_at_a_time .um "user-mode Linux"
	once "um-source-$version" "a clean tree of the kernel's source" link_tree "$(source_tree "$version")" "$source"
	once "um-$version-${kernel##*/}" "user-mode Linux $version (4 minutes)" build_kernel
	step "the module for it" build_module
	exec 9>&-
}

# --- the guest --------------------------------------------------------------

last_cpu() { sed -n 's/^Cpus_allowed_list:.*[^0-9]\([0-9]*\)$/\1/p' /proc/self/status; }

boot_into() {
	printf '%s\n' "$1" >"$clone/$out/guest.command"
	in_root "$root" timeout --foreground --kill-after=20 "$timeout" taskset -c "$(last_cpu)" \
		"$kernel/linux" mem="${UML_MEMORY:-2G}" con=null con0=null,fd:2 con1=null,fd:1 loglevel=7 \
		root=/dev/root rootfstype=hostfs rootflags=/ ro init="$guest_clone/scripts/uml-init.sh" \
		UML_COMMAND="$guest_clone/$out/guest.command" UML_MODULES="$kernel/root/lib/modules"
}

build
run "$@"
