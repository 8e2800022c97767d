#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a second CPU adds: segments of a made-up client on one CPU, of a made-up server on the other,
# alone and at the same time; in the two directions of one connection, whose lock they share, or on
# different ones. In wall time of an emulated machine, whose CPUs are threads: only the ratios mean
# something, and they are noisy.

# shellcheck source=tests/bench-guest/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

runs=5
packets=10000 length=1400
declare -A next cpu=([client]=0 [server]=1)

# flood SIDE PORT: in one connection, on the side's CPU; the time is written to a file of the
# side's.
flood() {
	local from=${next[$1 $2]:-0}
	next[$1 $2]=$((from + packets))
	ip netns exec "$1" taskset -c "${cpu[$1]}" \
		"$tools/blast" "$1" "$2" 1 1 "$from" "$packets" "$length" >"$scratch/$1" &
	flooding+=($!)
}

# floods WHICH MEASURE VARIANT RUN SIDE PORT...: at the same time.
floods() {
	local which=$1 measure=$2 variant=$3 run=$4 sides=() flooding=() side pid
	shift 4
	while (($#)); do
		sides+=("$1")
		flood "$1" "$2"
		shift 2
	done
	for pid in "${flooding[@]}"; do wait "$pid" || broken "$measure $variant"; done
	for side in "${sides[@]}"; do
		record "$measure" "$variant" "$run" "$which $side" "$(<"$scratch/$side")"
	done
}

# pair MEASURE VARIANT RUN PORT PORT
pair() {
	floods alone "$1" "$2" "$3" client "$4"
	floods alone "$1" "$2" "$3" server "$5"
	floods together "$1" "$2" "$3" client "$4" server "$5"
}

main() {
	local run variant before
	checktool conntrack iptables taskset
	(($(nproc) == 2)) || broken "$(nproc) CPUs instead of 2"
	setup_bench
	setup_made_up
	for variant in none tls; do
		for port in "${ports[$variant]}" $((ports[$variant] + 1)); do
			on client "$tools/blast" client "$port" 1 1 0 1 "$length" >/dev/null
			on server "$tools/blast" server "$port" 1 1 0 1 "$length" >/dev/null
			next[client $port]=1 next[server $port]=1
		done
	done
	say "two CPUs, one connection and different ones"
	before=$(counter bytes)
	for ((run = 1; run <= runs; run++)); do
		for variant in none tls; do
			pair one_connection "$variant" "$run" "${ports[$variant]}" \
				"${ports[$variant]}"
			pair two_connections "$variant" "$run" "${ports[$variant]}" \
				$((ports[$variant] + 1))
		done
	done
	expect "bytes read" $(($(counter bytes) - before)) $((runs * 2 * 4 * packets * length))
	expect "segments dropped" "$(counter ooo_dropped)" 0
	say "done"
}

main
