#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Measures the parser in userspace (tests/bench): criterion times it, callgrind counts its
# instructions. Prints the table; leaves it, the figures and the plot in build/bench. No time fails
# the run.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

out=$guest_clone/build/bench

need_root
into_root bench "valgrind (half a minute)"
mkdir -p "$clone/build/bench"
# Other inputs than the last run's may be there.
rm -rf "$clone/build/cargo/criterion"
step "times, in turn (about two minutes)" in_root "$root" env -C tests/bench \
	cargo bench --locked --bench throughput
in_root "$root" env -C tests/bench cargo run --release --locked --quiet -- report \
	"$guest_clone/build/cargo/criterion" "$out"
