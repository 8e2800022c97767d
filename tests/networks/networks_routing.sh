#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Policy routing: the two directions take two links of the router; then one direction does not pass
# the router at all, and conntrack calls what is left of the connection invalid.
#
#   client ---- router ==== server    out by one link, back by the other
#         \---- detour ----/          one direction only, by another router

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

two_links() {
	add_link router s1 10.0.4.1/24 server eth1 10.0.4.2/24
	ip -n router rule add iif c0 lookup 100
	ip -n router route add 10.0.2.0/24 via 10.0.4.2 dev s1 table 100
}

one_link() { ip -n router rule delete iif c0 lookup 100; }

detour() {
	add_namespace detour
	add_link client eth1 10.0.5.2/24 detour c0 10.0.5.1/24
	add_link server eth2 10.0.6.2/24 detour s0 10.0.6.1/24
	ip -n detour route add 10.0.1.0/24 via 10.0.5.2
	ip -n detour route add 10.0.2.0/24 via 10.0.6.2
	on detour sysctl -qw net.ipv4.ip_forward=1
}

# A router that sees one direction only cannot drop what is INVALID.
keep_invalid() { on router iptables -D FORWARD -m conntrack --ctstate INVALID -j DROP; }

count() {
	nft_router <<-NFT
		table inet net {
			counter out {}
			counter back {}
			chain forward {
				type filter hook forward priority 0;
				iifname "c0" oifname "s1" tcp dport 443 counter name out
			}
		}
	NFT
}

# sent NAMESPACE DEVICE: packets.
sent() { ip -n "$1" -s -j link show "$2" |
	sed 's/.*"tx":{"bytes":[0-9]*,"packets":\([0-9]*\).*/\1/'; }

by_second_link() { nft_counter out; }
back_by_detour() { sent detour c0; }
out_by_detour() { sent detour s0; }

setup 3
for ns in client router server; do
	on "$ns" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
done
count
two_links
detour
tls_server server
through "policy routing, two links" once by_second_link 40 "$server4"
one_link
keep_invalid
ip -n server route replace default via 10.0.6.1
# Of a connection whose SYN-ACK it does not see, conntrack calls all but the SYN invalid.
through "the server's packets pass elsewhere" never back_by_detour 40 "$server4"
ip -n server route replace default via 10.0.2.1
ip -n client route replace default via 10.0.5.1 src 10.0.1.2
through "the client's packets pass elsewhere" never out_by_detour 40 "$server4"
finish
