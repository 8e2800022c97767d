# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shared by the guests of make bench-guest and make bench-peers: the network of the selftests, ports
# with and without a helper, real TLS, and made-up connections. A script that sources this file says
# which variants it measures, and how many runs of each.
# shellcheck disable=SC2154

# shellcheck source=tests/netns/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../netns/lib.sh"
plain_output

tools=$NF_CT_TLS_DIR/${1:?the folder of what was built for the benchmark}

# record MEASURE VARIANT RUN QUANTITY VALUE: a figure.
record() { printf '%s\t%s\t%s\t%s\t%s\n' "$@"; }

say() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }

broken() {
	echo "error: broken measurement: $*"
	exit 1
}

# The helper by its own hook on ports 443 and 444.
setup_bench() {
	setup_net
	load ports=443,444
	sysctl -qw net.netfilter.nf_conntrack_max=1000000
	echo 262144 >/sys/module/nf_conntrack/parameters/hashsize
}

# A port for each variant. What follows are the loads; a script may have others.
declare -A ports=([none]=8443 [tls]=443 [naive2014]=9443 [ftp]=2121
	[suricata]=9444 [suricata_full]=9445)
bulk_bytes=$((32 << 20))
requests=2000
handshakes=60
many=200000 length=1400

# expect WHAT IS SHOULD
expect() { (($2 == $3)) || broken "$1: $2 instead of $3"; }

# --- real TLS ---------------------------------------------------------------

meter() { on client "$tools/meter" "$@"; }

start_server() {
	local body variant
	make_certificate
	head -c "$bulk_bytes" /dev/urandom >"$scratch/bulk"
	body=$(head -c 768 /dev/urandom | base64 -w 0)
	chmod 755 "$scratch"
	start_nginx "${ports[tls]}" <<-CONF
		server {
			$(for variant in "${variants[@]}"; do
				echo "listen $server4:${ports[$variant]} ssl;"
			done)
			ssl_protocols TLSv1.3;
			ssl_session_tickets off;
			keepalive_requests 1000000;
			keepalive_timeout $patience;
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

# turn_to VARIANT: before each load. A script may have more to do.
turn_to() { :; }

# alternate LOAD MEASURE: all variants in turn, once unmeasured.
alternate() {
	local run variant before after
	say "$2"
	for variant in "${variants[@]}"; do
		turn_to "$variant"
		"$1" "$2" "$variant" 0 >/dev/null
	done
	for ((run = 1; run <= runs; run++)); do
		for variant in "${variants[@]}"; do
			turn_to "$variant"
			before=$(looked_at)
			"$1" "$2" "$variant" "$run"
			after=$(looked_at)
			looked_as_it_should "$variant" "$before" "$after"
		done
	done
}

# All of it, in turn.
real_tls() {
	alternate bulk bulk
	segmentation off
	alternate bulk bulk_mtu
	segmentation on
	alternate kept kept
	alternate new new
}

# measure_nothing VARIANT
measure_nothing() {
	local run
	for ((run = 1; run <= runs; run++)); do
		record nothing "$1" "$run" instructions "$(meter sleep 0.5)"
	done
}

# --- made-up connections ----------------------------------------------------

# Their hosts do not answer, and only the router has conntrack. Checksums are not filled in.
setup_made_up() {
	ip -n router route add 10.9.0.0/16 via 10.0.1.2
	on router sysctl -qw net.netfilter.nf_conntrack_checksum=0
	on client iptables -t raw -A PREROUTING -j DROP
	on server iptables -t raw -A PREROUTING -j DROP
}

# blast client|server VARIANT N LENGTH: one segment for each of N connections.
blast() { on "$1" "$tools/blast" "$1" "${ports[$2]}" "$3" 1 0 1 "$4"; }

count_is() { (($(on router conntrack -C) == $1)); }

# The router tracks nothing any more.
forget() {
	on router conntrack -F 2>/dev/null
	busywait count_is 0 || broken "connections stay in conntrack"
}

# make_connections VARIANT N LENGTH: round 0, from both sides.
make_connections() {
	local before
	before=$(on router conntrack -C)
	blast client "$@" >/dev/null
	blast server "$@" >/dev/null
	expect "connections made" $(($(on router conntrack -C) - before)) "$2"
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
