#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The router is a bridge: packets pass iptables by br_netfilter; or nft's bridge family, which
# tracks connections by itself.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

bridge() {
	local port
	ip -n router link add br0 type bridge
	for port in c0 s0; do
		ip -n router addr flush dev $port
		ip -n router link set $port master br0
	done
	ip -n router link set br0 up
	for ns in client server; do
		ip -n "$ns" addr flush dev eth0
	done
	add_address client eth0 10.0.9.1/24 2001:db8:9::1/64
	add_address server eth0 10.0.9.2/24 2001:db8:9::2/64
}

by_br_netfilter() { on router sysctl -qw net.bridge.bridge-nf-call-iptables="$1" \
	net.bridge.bridge-nf-call-ip6tables="$1"; }

count_in_inet() {
	nft_router <<-NFT
		table inet net {
			counter bridged {}
			chain forward {
				type filter hook forward priority 0;
				meta protocol { ip, ip6 } tcp dport 443 ct state established \
					counter name bridged
			}
		}
	NFT
}

track_in_bridge() {
	nft_router <<-NFT
		table bridge net {
			counter bridged {}
			chain forward {
				type filter hook forward priority 0;
				ct state invalid drop
				tcp dport 443 ct state established counter name bridged
			}
		}
	NFT
}

bridged() { nft_counter bridged; }
bridged_by_family() { on router nft list counter bridge net bridged |
	awk '$1 == "packets" { print $2 }'; }

modprobe -a bridge br_netfilter nf_conntrack_bridge
setup 4
bridge
by_br_netfilter 1
count_in_inet
tls_server server
through "bridge, br_netfilter, IPv4" once bridged 40 10.0.9.2
through "bridge, br_netfilter, IPv6" once bridged 40 2001:db8:9::2
by_br_netfilter 0
track_in_bridge
through "bridge, nft's bridge family, IPv4" never bridged_by_family 40 10.0.9.2
through "bridge, nft's bridge family, IPv6" never bridged_by_family 40 2001:db8:9::2
finish
