#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# All tests: the lints, the parser and tls-replay in userspace, fuzzed too, the module in the guest.
# The last line counts them; fails unless every part ran, and every test passed.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

passed=0 failed=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

ktap() { awk -f "$clone/scripts/ktap.awk" "$output"; }
cargo() { awk '/^test result: / { p += $4; f += $6; f += $8 } END { print p + 0, f + 0 }' \
	"$output"; }

# part NAME COUNTER COMMAND...: one part of the whole; its standard output is counted. A part that
# counts no test, or that fails although no test did, counts as one failure.
part() {
	local name=$1 counter=$2 start=$SECONDS status=0 p f
	shift 2
	say "$name ..."
	"$@" </dev/null | tee "$output" | sed -uE 's/^([0-9]+ passed, [0-9]+ failed)$/# \1/' ||
		status=1
	read -r p f < <("$counter")
	if [ $((p + f)) = 0 ] || { [ "$status" != 0 ] && [ "$f" = 0 ]; }; then
		f=$((f + 1))
	fi
	passed=$((passed + p)) failed=$((failed + f))
	say "$name: $p passed, $f failed, $((SECONDS - start)) s"
}

ground() { "$clone/scripts/ground.sh" && "$clone/scripts/build.sh" && "$clone/scripts/vectors.sh"; }

# in_guest SERIES SCRIPT: a script in a guest that runs a kernel of the series, set up and built for
# if need be.
in_guest() {
	export KVER=$1
	ground && "$clone/scripts/vm.sh" "${@:2}"
}

# in_arm64 SCRIPT: a script in an emulated guest for arm64, of the series that the user chose, if
# any.
in_arm64() {
	is_series "${KVER:-}" || unset KVER
	export ARCH=arm64
	ground && "$clone/scripts/vm.sh" "$1"
}

finish() {
	say "all of it: $SECONDS s"
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" = 0 ]
	exit
}

if ! ground; then
	failed=1
	finish
fi
part "test tools" ktap "$clone/scripts/in-root.sh" tests/scripts/run.sh
part "lints" ktap "$clone/scripts/lint.sh"
part "parser, in userspace" cargo "$clone/scripts/parser.sh"
# The property tests and the streams take ten minutes there: make check-endian runs them, too.
part "parser, on a big-endian machine" cargo "$clone/scripts/endian.sh" --test options --test runs \
	--test vectors
part "replay, in userspace" cargo "$clone/scripts/replay.sh" --test
part "fuzz, half a minute each" ktap env SECONDS_EACH=30 "$clone/scripts/fuzz.sh"
part "build" ktap "$clone/tests/build/run.sh"
if [ -n "${KVER:-}" ]; then kernels=("$KVER"); else kernels=("${supported[@]}"); fi
part "evasions, in a guest with kernel ${kernels[0]}" ktap in_guest "${kernels[0]}" \
	tests/evasion/run.sh
part "module, in a guest with kernel ${kernels[0]}" ktap in_guest "${kernels[0]}" \
	tests/netns/run.sh
# The parser is the same for each kernel: the others get each vector once, not three times.
for kernel in "${kernels[@]:1}"; do
	part "module, in a guest with kernel $kernel" ktap in_guest "$kernel" \
		env NF_CT_TLS_ROUNDS=ipv4 tests/netns/run.sh
done
part "module, in a guest for arm64" ktap in_arm64 tests/smoke/run.sh
finish
