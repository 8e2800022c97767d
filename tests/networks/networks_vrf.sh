#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The router's ports belong to a VRF: its packets pass the hooks once for the port, and again for
# the VRF's own device.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

vrf() {
	ip -n router link add red type vrf table 10
	ip -n router link set red up
	ip -n router link set c0 master red
	ip -n router link set s0 master red
	# A port that joins loses its IPv6 addresses.
	add_address router c0 2001:db8:1::1/64
	add_address router s0 2001:db8:2::1/64
}

# Packets that passed the hooks for the VRF's device.
count() {
	nft_router <<-NFT
		table inet net {
			counter red {}
			chain prerouting {
				type filter hook prerouting priority 0;
				iifname "red" tcp dport 443 counter name red
			}
		}
	NFT
}

red() { nft_counter red; }

modprobe vrf
setup 2
vrf
count
tls_server server
through "VRF, IPv4" once red 40 "$server4"
through "VRF, IPv6" once red 40 "$server6"
finish
