#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Counts the instructions of a packet in each function of the module: callgrind runs the module's
# object, linked into a userspace program that hands it packets (tests/profile). Prints a table per
# load, and leaves them in build/profile.txt. profile.sh OBJECT takes another build's
# nf_conntrack_tls.o, by its path in the clone.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
find_kernel
out=build/$version/profile
object=${1:-build/$version/nf_conntrack_tls.o}
loads="body record ack"

build() {
	mkdir -p "$clone/$out"
	kernel_make "$version" M="$guest_clone/tests/profile" MO="$guest_clone/$out" packets.o
	# What the module needs of the kernel at other times than a packet's is not there.
	in_root "$root" gcc -O1 -w -fno-builtin -static -no-pie -o "$out/profile" \
		tests/profile/main.c "$out/packets.o" "$object" \
		-Wl,--unresolved-symbols=ignore-all -Wl,-z,noexecstack -Wl,-z,muldefs
}

into_root bench "valgrind (half a minute)"
step "building the profiler" build
counted=()
for load in $loads; do
	in_root "$root" valgrind --tool=callgrind --callgrind-out-file="$out/$load" --dump-line=no \
		--toggle-collect=measured "$out/profile" "$load" >"$clone/$out/$load.log" 2>&1 ||
		die "$load: see $out/$load.log"
	counted+=("$load=$out/$load")
done
in_root "$root" env PYTHONDONTWRITEBYTECODE=1 python3 tests/profile/table.py 9 "${counted[@]}" |
	tee "$clone/build/profile.txt"
