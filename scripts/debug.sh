#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module in a debug kernel (scripts/debug-kernel.sh): its KUnit cases, failing allocations, all
# guest tests, a short stress test, and leaks. Any complaint of the kernel is a failure. Then a
# deliberate mistake, of which the kernel has to complain. Slow: an hour or more without KVM.
# Before, the selftests and evasions in user-mode Linux with KASAN, which knows less but is quick.
# scripts/debug.sh PART... runs the parts named.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# A debug kernel takes several times as long for everything.
export VM_MEMORY=${VM_MEMORY:-3G} VM_TIMEOUT=${VM_TIMEOUT:-7200}
parts=("$@")
[ $# -gt 0 ] || parts=(uml debug netns evasion stress oob)

# module FOLDER NAME: another module for the debug kernel, beside ours.
module() {
	mkdir -p "$clone/build/$KVER/$2"
	kernel_make "$KVER" M="$guest_clone/$1" MO="$guest_clone/build/$KVER/$2"
}

guest() { "$clone/scripts/vm.sh" "$@"; }

# The quick one: at native speed, in user-mode Linux with KASAN.
uml() { KVER=${stock%-debug} UML_DEBUG=1 "$clone/scripts/uml.sh" "$@"; }

# The kernel's complaint about the deliberate mistake.
caught='BUG: KASAN: slab-out-of-bounds in .*tls_oob'

part() {
	case $1 in
	debug) guest tests/debug/leaks.sh tests/debug/run.sh ;;
	netns) guest tests/debug/leaks.sh tests/netns/run.sh ;;
	evasion) guest tests/debug/leaks.sh tests/evasion/run.sh ;;
	stress) guest tests/debug/leaks.sh tests/stress/run.sh 1000 20 ;;
	oob) VM_SPLAT=$caught guest tests/debug/oob.sh ;;
	uml) uml tests/netns/run.sh && uml tests/evasion/run.sh &&
		VM_SPLAT=$caught uml tests/debug/oob.sh ;;
	*) die "there is no part $1: uml, debug, netns, evasion, stress, oob" ;;
	esac
}

# need_kernel PART: the debug kernel, and what is built for it, unless the part is the one without
# it.
need_kernel() {
	[[ $1 != uml && -z $built ]] || return 0
	KVER=$("$clone/scripts/debug-kernel.sh")
	export KVER
	"$clone/scripts/build.sh"
	step "KUnit cases for it" module tests/debug/kunit kunit
	step "a deliberate mistake for it" module tests/debug/oob oob
	built=1
}

"$clone/scripts/vectors.sh"
built=''
stock=${KVER-}
passed=0 failed=0
for name in "${parts[@]}"; do
	need_kernel "$name"
	say "$name ..."
	if part "$name" 2>&1 </dev/null; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		say "$name: failed"
	fi
done
printf '%d parts passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
