#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds tls-replay, by the machine's cargo or else by the test ground's, and prints its path. With --test: runs its
# tests in the test ground, with the kernel's own compiler; further arguments go to cargo test.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=tools/replay

in_ground() {
	need_ground
	in_root "$root" env -C "$folder" "$@"
}

if [ "${1:-}" = --test ]; then
	in_ground cargo test --release --locked --no-fail-fast "${@:2}"
	exit
fi
build=(cargo build --release --locked --target-dir target)
if command -v cargo >/dev/null; then
	(cd "$clone/$folder" && "${build[@]}")
else
	in_ground "${build[@]}"
fi
ls "$clone/$folder/target/release/tls-replay"
