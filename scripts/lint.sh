#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own lints: rustfmt and clippy by its configuration, checkpatch, and shellcheck. Prints a line
# a check; fails when one does.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
version=$(kernel_version)
tree=$(source_tree "$version")
passed=0 failed=0

# check NAME COMMAND...: one lint; its output is shown when it fails.
check() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		printf 'ok %s\n' "$name"
		passed=$((passed + 1))
	else
		printf 'not ok %s\n%s\n' "$name" "$output"
		failed=$((failed + 1))
	fi
}

inside() { in_root "$root" "$@"; }

kernel_clippy() {
	# An object is only made anew when its command changes: another folder for another compiler.
	inside make --no-print-directory -C "$tree" M="$guest_clone" \
		MO="$guest_clone/build/lint/$version" CC=gcc-14 CLIPPY=1 \
		LOCALVERSION="${version#"${version%%[+-]*}"}" KRUSTFLAGS=-Dwarnings clean modules
}

mkdir -p "$clone/build/lint/$version"
mapfile -t scripts < <(git -C "$clone" ls-files --cached --others --exclude-standard '*.sh' '*.bashrc' .ci/run)
mapfile -t pythons < <(git -C "$clone" ls-files --cached --others --exclude-standard '*.py')

check rustfmt inside rustfmt --check --edition 2021 --config-path "$tree/.rustfmt.toml" nf_conntrack_tls.rs
check clippy_kernel kernel_clippy
check rustfmt_tests inside sh -c 'cd tests/parser && cargo fmt --check'
check clippy_tests inside sh -c 'cd tests/parser && cargo clippy --quiet --all-targets -- -D warnings'
# We are out of tree, so kernel versions are compared; BUILD_BUG_ON() is no BUG().
check checkpatch inside "$tree/scripts/checkpatch.pl" --no-tree --no-summary --terse --strict \
	--max-line-length=100 --file helpers.c helpers.h \
	--ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON,AVOID_BUG
check shellcheck inside shellcheck --external-sources --severity=warning "${scripts[@]}"
check python inside python3 -m py_compile "${pythons[@]}"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
