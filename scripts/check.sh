#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# All tests: the lints, the parser in userspace, the module in the guest. Ends with one line of counts; fails
# unless every part ran, and every test passed.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

passed=0 failed=0

# count OUTPUT: adds up cargo's lines, and those of the lints and of the guest's suite.
count() {
	local p f
	read -r p f < <(awk '
		/^test result: / { p += $4; f += $6 }
		/^[0-9]+ passed, [0-9]+ failed$/ { p += $1; f += $3 }
		END { print p + 0, f + 0 }' "$1")
	passed=$((passed + p)) failed=$((failed + f))
	[ $((p + f)) -gt 0 ]
}

# part NAME COMMAND...: one part of the whole; one that counts nothing has failed.
part() {
	local name=$1 output start=$SECONDS status=0
	shift
	output=$(mktemp)
	say "$name ..."
	"$@" 2>&1 | tee "$output" | sed -E 's/^([0-9]+ passed, [0-9]+ failed)$/# \1/' || status=1
	if ! count "$output" || [ "$status" != 0 ]; then
		printf 'not ok %s\n' "$name"
		failed=$((failed + 1))
	fi
	rm -f "$output"
	say "$name: $((SECONDS - start)) s"
}

part "lint" "$clone/scripts/lint.sh"
part "parser, in userspace" "$clone/scripts/in-root.sh" sh -c 'cd tests/parser && cargo test --release'
part "module, in the guest" "$clone/scripts/vm.sh" tests/netns/run.sh
say "all of it: $SECONDS s"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
