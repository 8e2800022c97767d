#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# libFuzzer, by cargo-fuzz, with the kernel's own compiler: each target of tests/fuzz for SECONDS
# (60), from the seeds and what earlier runs found; fuzz.sh TARGET... runs some. Prints executions
# and coverage; an input that breaks a property is kept in build/fuzz, and fails the run. The corpus
# lies in the cache. KTAP; the last line counts.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/ktap.sh
source "$clone/tests/ktap.sh"

seconds=${SECONDS_EACH:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "SECONDS=$seconds: allowed are whole seconds from 1 on"
targets=("$@")
[ $# -gt 0 ] || targets=(parser stream runs reader frame)
crate=tests/fuzz
found=build/fuzz

need_ground
inside() { in_root "$root" env RUSTC_BOOTSTRAP=1 PATH="/usr/local/bin:$PATH" "$@"; }

build() { inside env -C "$crate/.." cargo fuzz build --fuzz-dir fuzz --sanitizer none \
	--release --target-dir "$guest_clone/$found/target"; }

# Seeds for the reader: pcap and pcapng of one packet.
seed_reader() {
	local folder=$clone/$found/seeds/reader
	mkdir -p "$folder"
	printf '\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x0e\0\0\0\x0e\0\0\0aaaaaabbbbbb\x08\0' \
		>"$folder/pcap"
	printf '\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0' >"$folder/pcapng"
}

# A link type, how much is cut off, and a frame: tunnels around the start of an IPv4 packet.
seed_frame() {
	local folder=$clone/$found/seeds/frame
	local ethernet='aaaaaabbbbbb' addresses='\0\0\x0a\0\0\x01\x0a\0\0\x02'
	local tcp='\0\x01\x01\xbb\0\0\0\0\0\0\0\0\x50\x10\0\0\0\0\0\0'
	local packet="\x45\0\0\x28\0\0\0\0\x40\x06$addresses$tcp"
	local udp="$ethernet\x08\0\x45\0\0\x7f\0\0\0\0\x40\x11$addresses\0\x01"
	local gre="$ethernet\x08\0\x45\0\0\x7f\0\0\0\0\x40\x2f$addresses"
	seed() { printf '%b' "$2" >"$folder/$1"; }
	mkdir -p "$folder"
	seed vxlan "\x01\0$udp\x12\xb5\0\x7f\0\0\x08\0\0\0\0\0\x01\0$ethernet\x08\0$packet"
	seed gtp "\x01\0$udp\x08\x68\0\x7f\0\0\x30\xff\0\x28\0\0\0\x01$packet"
	seed gre "\x01\0$gre\0\0\x08\0$packet"
	seed mpls "\x01\0$ethernet\x88\x47\0\x02\x01\x40$packet"
	seed nflog "\x10\0\x02\0\0\x05\x2c\0\x09\0$packet"
}

seeds() {
	rm -rf "${clone:?}/$found/seeds"
	in_root "$root" env -C tests/parser cargo run --quiet --release --locked --example seeds \
		"$guest_clone/$found/seeds/parser"
	mkdir -p "$clone/$found/seeds"/{stream,runs}
	seed_reader
	seed_frame
}

# fuzz TARGET: its output ends with libFuzzer's own statistics.
fuzz() {
	mkdir -p "$clone/$found/$1/corpus"
	inside "$found/target/x86_64-unknown-linux-gnu/release/$1" -max_total_time="$seconds" \
		-timeout=20 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$found/$1/" "$found/$1/corpus" \
		"$found/seeds/$1"
}

# told TARGET: what its log says of executions and coverage.
told() {
	awk -v target="$1" '
		/ cov: / {
			for (i = 1; i < NF; i++) {
				if ($i == "cov:") cov = $(i + 1)
				if ($i == "ft:") ft = $(i + 1)
				if ($i == "corp:") corp = $(i + 1)
			}
		}
		/number_of_executed_units/ { n = $2 }
		END {
			printf "%s: %d executions, %d edges, %d features, corpus %s\n",
				target, n, cov, ft, corp
		}' "$clone/$found/$1.log"
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
