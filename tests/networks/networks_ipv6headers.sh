#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# IPv6 extension headers before TCP: hop-by-hop and destination options, from both ends.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

count() {
	nft_router <<-NFT
		table inet net {
			counter hop {}
			counter destination {}
			chain forward {
				type filter hook forward priority 0;
				exthdr hbh exists tcp dport { 443, 8443 } counter name hop
				exthdr dst exists tcp sport { 443, 8443 } counter name destination
			}
		}
	NFT
}

by_client() { nft_counter hop; }
by_server() { nft_counter destination; }

setup 2
count
# An accepted connection has segments that leave no room for the headers.
ip -n server route replace default via 2001:db8:2::1 mtu 1400
tls_server server
tls_server server --port 8443 --headers hop destination
through "IPv6 hop-by-hop options" once by_client 40 "$server6" --headers hop
module_options=(ports=8443)
through "IPv6 options of both kinds and ends" once by_server 40 "$server6" --headers hop \
	destination --port 8443
finish
