#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the helper costs in a kernel: instructions, counted by QEMU, in a guest of one CPU; then
# throughput on two CPUs. Prints tables; leaves the first, its plot and, in figures.tsv, each figure
# of each run (measure, variant, run, quantity, value) in build/bench-guest. No figure fails the
# run.

# shellcheck source=scripts/bench-lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/bench-lib.sh"

bench=tests/bench-guest

build() {
	mkdir -p "$clone/$out/naive"
	kernel_make "$version" M="$guest_clone/$bench/naive" MO="$guest_clone/$out/naive"
	build_tools
}

step "building the benchmark" build
: >"$tsv"
VM_CPUS=1 VM_MEMORY=2G VM_KVM=0 VM_QEMU=$counting guest "$bench/count.sh"
VM_CPUS=2 VM_KVM=0 guest "$bench/cpus.sh"
table "$bench/table.py"
