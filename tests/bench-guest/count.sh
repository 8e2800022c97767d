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
bulk_bytes=$((32 << 20))
requests=2000
handshakes=60
many=200000 few=1000 packets=40000 length=1400

meter() { on client "$tools/meter" "$@"; }

# --- real TLS ---------------------------------------------------------------

start_server() {
	local body
	make_certificate
	head -c "$bulk_bytes" /dev/urandom >"$scratch/bulk"
	body=$(head -c 768 /dev/urandom | base64 -w 0)
	chmod 755 "$scratch"
	start_nginx 443 <<-CONF
		server {
			listen 443 ssl;
			listen 8443 ssl;
			listen 9443 ssl;
			ssl_protocols TLSv1.3;
			ssl_session_tickets off;
			keepalive_requests 1000000;
			location = / { return 200 "$body"; }
			location = /bulk { root $scratch; }
		}
	CONF
}

# What the router has taken in.
router_packets() { on router awk '/^ *[cs]0:/ { n += $3 } END { print n }' /proc/net/dev; }

# through MEASURE VARIANT RUN COMMAND...: one load through the router.
through() {
	local measure=$1 variant=$2 run=$3 before after instructions
	shift 3
	before=$(router_packets)
	instructions=$(meter "$@") || broken "$measure $variant: $*"
	after=$(router_packets)
	((after > before)) || broken "$measure $variant: no packet came through the router"
	record "$measure" "$variant" "$run" instructions "$instructions"
	record "$measure" "$variant" "$run" packets $((after - before))
}

bulk() {
	through "$1" "$2" "$3" curl -sSk --fail -o /dev/null "https://$server4:${ports[$2]}/bulk"
	record "$1" "$2" "$3" bytes "$bulk_bytes"
}

kept() {
	through "$1" "$2" "$3" "$tools/load" "$server4" "${ports[$2]}" "$requests" kept
	record "$1" "$2" "$3" requests "$requests"
}

new() {
	through "$1" "$2" "$3" "$tools/load" "$server4" "${ports[$2]}" "$handshakes" new
	record "$1" "$2" "$3" requests "$handshakes"
}

segmentation() {
	on client ethtool -K eth0 tso "$1" gso "$1"
	on server ethtool -K eth0 tso "$1" gso "$1"
}

# alternate LOAD MEASURE: all variants in turn, once unmeasured.
alternate() {
	local run variant before after
	say "$2"
	for variant in none tls naive2014; do "$1" "$2" "$variant" 0 >/dev/null; done
	for ((run = 1; run <= runs; run++)); do
		for variant in none tls naive2014; do
			before=$(looked_at)
			"$1" "$2" "$variant" "$run"
			after=$(looked_at)
			looked_as_it_should "$variant" "$before" "$after"
		done
	done
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

measure_nothing() {
	local run
	for ((run = 1; run <= runs; run++)); do
		record nothing none "$run" instructions "$(meter sleep 0.5)"
	done
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

# Bytes in slabs, as objects in use.
slabs() { awk 'NR > 2 { n += $2 * $4 } END { printf "%d\n", n }' /proc/slabinfo; }

# memory VARIANT: of many connections.
memory() {
	local before
	forget
	sleep 1
	before=$(slabs)
	make_connections "$1" "$many" "$length"
	sleep 1
	record memory "$1" 1 bytes $(($(slabs) - before))
	record memory "$1" 1 connections "$many"
}

main() {
	checktool nginx curl openssl conntrack ethtool iptables
	setup_bench
	start_server
	say "nothing"
	measure_nothing
	alternate bulk bulk
	segmentation off
	alternate bulk bulk_mtu
	segmentation on
	alternate kept kept
	alternate new new

	setup_made_up
	forget
	for variant in none tls naive2014; do make_connections "$variant" "$few" "$length"; done
	segments segments_1000 "$few" "$length" none tls naive2014
	segments acks_1000 "$few" 0 none tls naive2014
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
