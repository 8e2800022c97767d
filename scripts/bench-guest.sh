#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the helper costs in a kernel: instructions, counted by QEMU, in a guest of one CPU; then
# throughput on two CPUs. Prints tables; leaves the first, its plot and, in figures.tsv, each figure
# of each run (measure, variant, run, quantity, value) in build/bench-guest. No figure fails the
# run.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
find_kernel
bench=tests/bench-guest
out=build/$version/bench-guest
results=build/bench-guest
tsv=$clone/$results/figures.tsv

# A CPU whose copies are plain loops: QEMU counts each byte of `rep movsb` as an instruction. Copies
# would look far too expensive, and the module cheap in comparison.
counting="-icount shift=0,sleep=off -cpu max,-erms,-fsrm"

build() {
	mkdir -p "$clone/$out/naive" "$clone/$results"
	kernel_make "$version" M="$guest_clone/$bench/naive" MO="$guest_clone/$out/naive"
	in_root "$root" sh -euc "
		gcc -O2 -Wall -Werror -o $out/meter $bench/meter.c
		gcc -O2 -Wall -Werror -o $out/blast $bench/blast.c
		gcc -O2 -Wall -Werror -o $out/load $bench/load.c -lssl -lcrypto"
}

# guest SCRIPT: runs it; its lines of five columns are figures, the others are for the reader.
guest() {
	local line
	# Line by line, as they come: mawk reads a pipe in blocks.
	"$clone/scripts/vm.sh" "$bench/$1" "$out" | while IFS= read -r line; do
		if [[ $line == *$'\t'*$'\t'*$'\t'*$'\t'* ]]; then
			echo "$line" >>"$tsv"
		else
			echo "$line"
		fi
	done
}

step "building the benchmark" build
: >"$tsv"
VM_CPUS=1 VM_MEMORY=2G VM_KVM=0 VM_QEMU=$counting guest count.sh
VM_CPUS=2 VM_KVM=0 guest cpus.sh
in_root "$root" env PYTHONDONTWRITEBYTECODE=1 python3 "$bench/table.py" "$results/figures.tsv" \
	"$results"
