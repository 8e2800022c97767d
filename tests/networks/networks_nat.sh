#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The router changes addresses and ports: of the client, of the server, and of both when the server
# stands in the client's own network (hairpin).

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

nat() {
	on router nft flush ruleset ip
	on router iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP
	nft_router <<-NFT
		table ip nat {
			chain prerouting { type nat hook prerouting priority dstnat; $1; }
			chain postrouting { type nat hook postrouting priority srcnat; $2; }
		}
	NFT
}

snat='client=10\.0\.2\.1:'
translated=
translated() { connections_with "$translated"; }

setup 5
tls_server server
tls_server server --port 8443
tls_server client
nat "" 'ip saddr 10.0.1.2 snat to 10.0.2.1'
translated=$snat through "SNAT" once translated 4 "$server4"
nat "" 'ip saddr 10.0.1.2 tcp dport 443 masquerade to :50000-50100 fully-random'
translated="client=10\.0\.2\.1:50[01]" through "masquerading to other ports" once translated 4 \
	"$server4"
nat 'ip daddr 10.0.1.1 tcp dport 443 dnat to 10.0.2.2' ""
translated="client=10\.0\.1\.2:.* server=10\.0\.2\.2:443 " through "DNAT" once translated 4 10.0.1.1
nat 'ip daddr 10.0.1.1 tcp dport 443 dnat to 10.0.2.2:8443' ""
translated="server=10\.0\.2\.2:8443 " through "DNAT to another port" once translated 4 10.0.1.1
nat 'ip daddr 10.0.2.1 tcp dport 443 dnat to 10.0.1.2' \
	'ip saddr 10.0.1.0/24 ip daddr 10.0.1.0/24 masquerade'
translated="client=10\.0\.1\.1:.* server=10\.0\.1\.2:443 " through "hairpin NAT" once translated 4 \
	10.0.2.1
finish
