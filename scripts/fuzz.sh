#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libFuzzer, by cargo-fuzz, with the kernel's own compiler: each target of tests/fuzz for SECONDS (60), from the seeds and what earlier
# runs found; fuzz.sh TARGET... runs some. Prints executions and coverage; what breaks a property is kept in
# build/fuzz, and fails. The corpus lies in the cache. KTAP; the last line counts.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/ktap.sh
source "$clone/tests/ktap.sh"

seconds=${SECONDS_EACH:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "SECONDS=$seconds: allowed are whole seconds from 1 on"
targets=("$@")
[ $# -gt 0 ] || targets=(parser stream runs reader)
crate=tests/fuzz
found=build/fuzz

need_ground
inside() { in_root "$root" env RUSTC_BOOTSTRAP=1 PATH="/usr/local/bin:$PATH" "$@"; }

build() { inside env -C "$crate/.." cargo fuzz build --fuzz-dir fuzz --sanitizer none --release --target-dir "$guest_clone/$found/target"; }

# What is no capture, but in front of one: pcap and pcapng of one packet.
seed_reader() {
	local folder=$clone/$found/seeds/reader
	mkdir -p "$folder"
	printf '\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x0e\0\0\0\x0e\0\0\0aaaaaabbbbbb\x08\0' \
		>"$folder/pcap"
	printf '\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0' >"$folder/pcapng"
}

seeds() {
	rm -rf "${clone:?}/$found/seeds"
	in_root "$root" env -C tests/parser cargo run --quiet --release --locked --example seeds "$guest_clone/$found/seeds/parser"
	mkdir -p "$clone/$found/seeds"/{stream,runs}
	seed_reader
}

# fuzz TARGET: its output ends with libFuzzer's own statistics.
fuzz() {
	mkdir -p "$clone/$found/$1/corpus"
	inside "$found/target/x86_64-unknown-linux-gnu/release/$1" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$found/$1/" "$found/$1/corpus" "$found/seeds/$1"
}

# told TARGET: what its log says of executions and coverage.
told() {
	awk -v target="$1" '
		/ cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1); if ($i == "corp:") corp = $(i + 1) } }
		/number_of_executed_units/ { n = $2 }
		END { printf "%s: %d executions, %d edges, %d features, corpus %s\n", target, n, cov, ft, corp }' "$clone/$found/$1.log"
}

cargo_tool cargo-fuzz 0.13.1 "a minute"
mkdir -p "$clone/$found"
step "fuzz targets" build
step "seeds" seeds
plan "${#targets[@]}"
for target in "${targets[@]}"; do
	fuzz "$target" >"$clone/$found/$target.log" 2>&1 && status=0 || status=$?
	told "$target" | note
	check "fuzz_$target" test "$status" = 0
	[ "$status" = 0 ] || tail -n 40 "$clone/$found/$target.log" | note
done
counts
finish
