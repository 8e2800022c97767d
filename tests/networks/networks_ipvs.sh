#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# IPVS balances connections to a virtual address on the router, by NAT: with conntrack, and by
# default without.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

virtual=10.0.1.100

balance() {
	ip -n router addr add $virtual/32 dev c0
	on router ipvsadm -A -t $virtual:443 -s rr
	on router ipvsadm -a -t $virtual:443 -r 10.0.2.2:443 -m
	on router ipvsadm -a -t $virtual:443 -r 10.0.2.3:8443 -m
}

# Connections per CPU, in hexadecimal; the sums that ipvsadm prints are up to two seconds old.
balanced() {
	local cpu connections sum=0
	while read -r cpu connections _; do
		[[ $cpu != "~" ]] || break
		[[ ! $cpu =~ ^[0-9A-F]+$ ]] || sum=$((sum + 16#$connections))
	done < <(on router cat /proc/net/ip_vs_stats_percpu)
	echo "$sum"
}

checktool ipvsadm
modprobe -a ip_vs ip_vs_rr
setup 2
balance
tls_server server
tls_server server --port 8443
on router sysctl -qw net.ipv4.vs.conntrack=1
through "IPVS with conntrack" once balanced 4 $virtual
on router sysctl -qw net.ipv4.vs.conntrack=0
# Without its connections conntrack calls the answers INVALID.
on router iptables -D FORWARD -m conntrack --ctstate INVALID -j DROP
through "IPVS without conntrack" never balanced 4 $virtual
on router ipvsadm -C
finish
