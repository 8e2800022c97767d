# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shared by the benchmark's two guests: the network of the selftests, ports with and without a
# helper, and made-up connections.

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

# The helper by its own hook on ports 443 and 444; the others, which have none, by a rule.
setup_bench() {
	setup_net
	load ports=443,444
	modprobe nf_conntrack_ftp
	insmod "$tools/naive/naive2014.ko"
	on router iptables -t raw -A PREROUTING -p tcp --dport "${ports[naive2014]}" -j CT \
		--helper naive2014
	on router iptables -t raw -A PREROUTING -p tcp --dport "${ports[ftp]}" -j CT --helper ftp
	sysctl -qw net.netfilter.nf_conntrack_max=1000000
	echo 262144 >/sys/module/nf_conntrack/parameters/hashsize
}

# Read by the scripts that source this file.
# shellcheck disable=SC2034
declare -A ports=([none]=8443 [tls]=443 [naive2014]=9443 [ftp]=2121)

# expect WHAT IS SHOULD
expect() { (($2 == $3)) || broken "$1: $2 instead of $3"; }

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
