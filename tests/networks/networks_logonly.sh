#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A trial with log_only=1 on a network that loses segments: the first one of each ClientHello; and
# some of all. Nothing may be reported that would not be without log_only.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Segments pass the router one by one, each to be lost by itself.
no_offloads() {
	local end feature
	for end in "client eth0" "router c0" "router s0" "server eth0"; do
		ip -n "${end% *}" link set "${end#* }" gso_max_segs 1
		for feature in tso gso gro; do
			on "${end% *}" ethtool -K "${end#* }" $feature off
		done
	done
}

lose_first() {
	on router nft -f - <<-NFT
		table netdev lose {
			counter lost {}
			set known { type inet_service; size 65535; flags dynamic; }
			chain ingress {
				type filter hook ingress device "c0" priority 0;
				tcp dport 443 ip length > 1400 tcp sport != @known \
					add @known { tcp sport } counter name lost drop
			}
		}
	NFT
}

lost_first() { on router nft list counter netdev lose lost | awk '$1 == "packets" { print $2 }'; }

lost() { tc -n client -s qdisc show dev eth0 root | sed -n 's/.*(dropped \([0-9]*\),.*/\1/p'; }

checktool nft tc ethtool
modprobe sch_netem
setup 3
no_offloads
lose_first
tls_server server
reorders=yes
module_options=(log_only=1)
through "log_only, first segment lost" partly lost_first 4 "$server4" --at-once 4
module_options=()
through "first segment lost" some lost_first 4 "$server4" --at-once 4
on router nft delete table netdev lose
tc -n client qdisc replace dev eth0 root netem limit 10000 loss 5%
module_options=(log_only=1)
through "log_only, 5 % lost" partly lost 4 "$server4" --connections 24 --at-once 12 --bytes 20000
finish
