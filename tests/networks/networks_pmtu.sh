#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Path-MTU discovery: a link of MTU 1400 on the client's side of the router, between links of 1500.
# The server's large segments come back as ICMP errors, through the router, in the direction that
# the connection began in.
#
#   home 10.0.5.x --- gate 10.0.4.2 === (1400) === client 10.0.1.2 --- router --- server

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

homes=100	# addresses of the client: each is a path of its own

network() {
	local n
	add_namespace home
	add_namespace gate
	add_link gate m0 "10.0.4.2/24 2001:db8:4::2/64" client m0 "10.0.4.1/24 2001:db8:4::1/64"
	add_link home eth0 "10.0.5.2/24 2001:db8:5::2/64" gate h0 "10.0.5.1/24 2001:db8:5::1/64"
	for ((n = 100; n < 100 + homes; n++)); do
		add_address home eth0 10.0.5.$n/24 2001:db8:5::$n/64
	done
	ip -n client link set m0 mtu 1400
	ip -n gate link set m0 mtu 1400
	routes
	for ns in client gate; do
		on "$ns" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	done
}

routes() {
	# The home's own knowledge of the path must not spare its server the discovery.
	ip -n home route add default via 10.0.5.1 advmss 1460
	ip -n home route add default via 2001:db8:5::1 advmss 1440
	ip -n gate route add default via 10.0.4.1
	ip -n gate route add default via 2001:db8:4::1
	ip -n client route add 10.0.5.0/24 via 10.0.4.2
	ip -n client route add 2001:db8:5::/64 via 2001:db8:4::2
	ip -n router route add 10.0.5.0/24 via 10.0.1.2
	ip -n router route add 2001:db8:5::/64 via 2001:db8:1::2
}

# count_errors NAMESPACE HOOK: where they come in.
count_errors() {
	on "$1" nft -f - <<-NFT
		table inet net {
			counter errors {}
			chain count {
				type filter hook $2 priority -300;
				icmp type destination-unreachable icmp code frag-needed \
					counter name errors
				icmpv6 type packet-too-big counter name errors
			}
		}
	NFT
}

errors_at() { on "$1" nft list counter inet net errors | awk '$1 == "packets" { print $2 }'; }

at_server() { errors_at server; }

# Each run has to discover it again.
prepare() {
	for ns in home server; do
		ip -n "$ns" -4 route flush cache
		ip -n "$ns" -6 route flush cache
	done
}

# The helper must let each pass: as many arrive at the server as at the router.
all_errors_arrive() {
	local came went
	came=$(errors_at router) went=$(errors_at server)
	echo "$came at the router, $went at the server"
	((came > 0 && came == went))
}

client_in=home
setup 2 1
network
count_errors router prerouting
count_errors server input
tls_server server
through "path-MTU discovery, IPv4" once at_server 50 "$server4" --source 10.0.5.{} --first 100 \
	--connections 60 --at-once 10 --bytes 20000
# What the server has cut for the path's earlier MTU it drops itself (ip6_xmit): a loss before the
# router.
reorders=yes
through "path-MTU discovery, IPv6" once at_server 50 "$server6" --source 2001:db8:5::{} \
	--first 100 --connections 60 --at-once 10 --bytes 20000
check "path-MTU discovery: no error was dropped" all_errors_arrive
finish
