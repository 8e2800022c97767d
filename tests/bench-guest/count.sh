#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Counts instructions: the whole guest's, endpoints included, with QEMU's -icount on one CPU
# (meter.c says how). The same load goes through the router without a helper, with ours, and with
# one that works as the 2014 module did, in turn. Prints figures as lines of five columns. It sets
# no limit on the figures. A measurement that went wrong is an error.

# shellcheck source=tests/bench-guest/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

runs=5
variants=(none tls naive2014)
few=1000 packets=40000

# Helpers that have no hook of their own: by a rule.
setup_others() {
	modprobe nf_conntrack_ftp
	insmod "$tools/naive/naive2014.ko"
	on router iptables -t raw -A PREROUTING -p tcp --dport "${ports[naive2014]}" -j CT \
		--helper naive2014
	on router iptables -t raw -A PREROUTING -p tcp --dport "${ports[ftp]}" -j CT --helper ftp
}

# Bytes that our helper and the other one read.
looked_at() { echo "$(counter bytes) $(</sys/module/naive2014/parameters/bytes)"; }

# looked_as_it_should VARIANT BEFORE AFTER
looked_as_it_should() {
	local before after ours other
	read -r -a before <<<"$2"
	read -r -a after <<<"$3"
	ours=$((after[0] > before[0])) other=$((after[1] > before[1]))
	case $1 in
	none) ((!ours && !other)) ;;
	tls) ((ours && !other)) ;;
	naive2014) ((!ours && other)) ;;
	esac || broken "$1: our helper read $((after[0] - before[0])) bytes, the other $((after[1] - before[1]))"
}

# --- made-up connections ----------------------------------------------------

# made_up MEASURE VARIANT RUN CONNECTIONS LENGTH: the same number of segments for any number of
# connections.
made_up() {
	local rounds=1 step=$(($4 / packets)) instructions
	((step)) || step=1 rounds=$((packets / $4))
	instructions=$(meter "$tools/blast" client "${ports[$2]}" "$4" "$step" \
		$((1 + $3 * rounds)) "$rounds" "$5") || broken "$1 $2"
	record "$1" "$2" "$3" instructions "$instructions"
	record "$1" "$2" "$3" packets "$packets"
}

# segments MEASURE CONNECTIONS LENGTH VARIANT...: the variants in turn.
segments() {
	local measure=$1 connections=$2 length=$3 run variant before
	shift 3
	say "$measure"
	before=$(counter bytes)
	for ((run = 0; run <= runs; run++)); do
		for variant; do
			made_up "$measure" "$variant" "$run" "$connections" "$length"
		done
	done | grep -vP '\t0\t(instructions|packets)\t'
	expect "$measure: bytes read" $(($(counter bytes) - before)) \
		$(((runs + 1) * packets * length))
}

main() {
	checktool nginx curl openssl conntrack ethtool iptables
	setup_bench
	setup_others
	start_server
	say "nothing"
	measure_nothing none
	real_tls

	setup_made_up
	forget
	for variant in "${variants[@]}"; do make_connections "$variant" "$few" "$length"; done
	segments segments_1000 "$few" "$length" "${variants[@]}"
	segments acks_1000 "$few" 0 "${variants[@]}"
	for variant in none ftp tls; do
		say "memory, $variant"
		memory "$variant"
	done
	make_connections none "$many" "$length"
	segments segments_200000 "$many" "$length" none tls
	expect "connections condemned" "$(counter condemned)" 0
	expect "segments dropped" "$(counter ooo_dropped)" 0
	say "done"
}

main
