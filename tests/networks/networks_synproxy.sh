#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# SYNPROXY answers for the server, and changes the numbers of one direction from then on. No helper
# sees its SYN-ACK.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# counted COLUMN: what SYNPROXY has counted there, on all CPUs.
counted() {
	local row sum=0
	while read -r -a row; do
		[[ ${row[0]} == entries ]] || sum=$((sum + 16#${row[$1]}))
	done < <(on router cat /proc/net/stat/synproxy)
	echo "$sum"
}

# Those that came back.
cookies() { counted 3; }

# A client whose first acknowledgment is lost hangs, with the module or without: the window is still
# closed, and the sequence number of its probes is one lower than the cookie allows. It sends at
# least five of them.
hangs() { echo $(($(counted 2) / 5)); }

proxy() {
	on router "$1" -t raw -A PREROUTING -i c0 -p tcp --dport 443 --syn -j CT --notrack
	on router "$1" -I FORWARD -i c0 -p tcp --dport 443 -m conntrack \
		--ctstate INVALID,UNTRACKED \
		-j SYNPROXY --sack-perm --timestamp --wscale 7 --mss "$2"
}

setup 3
on router sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0 net.ipv4.tcp_syncookies=1 \
	net.ipv4.tcp_timestamps=1
proxy iptables 1460
proxy ip6tables 1440
tls_server server
through "SYNPROXY, 40 connections" once cookies 30 "$server4" --connections 40 --at-once 10 \
	--bytes 20000
# What was not a cookie, and what came again.
on router cat /proc/net/stat/synproxy | note
through "SYNPROXY, IPv6" once cookies 3 "$server6"
# Without timestamps the numbers are all that changes.
on client sysctl -qw net.ipv4.tcp_timestamps=0
through "SYNPROXY, no timestamps" once cookies 3 "$server4"
finish
