#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the build makes, and what it refuses: kernels of which it does not know the API, in one line
# that says which it does; and the object, which holds no call into Rust's panic machinery. KTAP.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
# shellcheck source=tests/ktap.sh
source "$clone/tests/ktap.sh"

need_root
find_kernel

# refuses WORDS VARIABLE=VALUE: the build fails, and says so before it compiles anything.
refuses() {
	local said
	if said=$(kernel_make "$version" M="$guest_clone" MO="$guest_clone/build/refused" "$2" \
		2>&1); then
		echo "it was built"
		return 1
	fi
	grep -F -- "$1" <<<"$said" && ! grep -E 'RUSTC|CC \[M\]' <<<"$said"
}

undefined() { in_root "$root" nm --undefined-only "$guest_clone/build/$version/$1"; }

# What a panic, an index out of range, an overflow or an unwrap would call.
has_no_panic() {
	local names
	names=$(undefined main.o) || return
	! grep -E 'panic|unwrap_failed|expect_failed|slice_(start|end)_index|bounds_check|overflow' <<<"$names"
}

# The pattern above finds something where there is something to be found.
names_are_seen() { undefined main.o | grep nf_ct_tls_register >/dev/null; }

mkdir -p "$clone/build/refused"
plan 5
check refuses_7.4 refuses "this kernel is 7.4.0; supported are 7.2 7.3" KERNELVERSION=7.4.0
check refuses_6.12 refuses "this kernel is 6.12.117; supported are 7.2 7.3" KERNELVERSION=6.12.117
check refuses_without_rust refuses "without CONFIG_RUST=y" CONFIG_RUST=
check object_is_read names_are_seen
check object_has_no_panic has_no_panic
finish
