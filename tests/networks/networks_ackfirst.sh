#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An uplink that sends pure ACKs first, as many home routers do (wondershaper, pf's queues): ACKs
# overtake data that was sent before them, so that the data's ACK number is an old one. TLS carries
# data both ways at once.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The packets are as the queue counts them: not yet cut, nor put together.
no_offloads() {
	local end feature
	for end in "client eth0" "router c0" "router s0" "server eth0"; do
		ip -n "${end% *}" link set "${end#* }" gso_max_segs 1
		for feature in tso gso gro; do
			on "${end% *}" ethtool -K "${end#* }" "$feature" off
		done
	done
}

# No queue is so short that it drops. The client queues a quarter of a second of data, in which the
# server sends less than a window: a receiver drops data whose ACK is older (RFC 5961 5.2).
uplink() {
	tc -n client qdisc add dev eth0 root handle 1: tbf rate 2mbit burst 3000 limit 1500000
	tc -n client qdisc add dev eth0 parent 1:1 handle 10: prio bands 2 priomap 1 1 1 1 1 1 1 1 \
		1 1 1 1 1 1 1 1
	# An IPv4 header of 20 bytes, a TCP header of 32 with timestamps, no payload, and no flag
	# but ACK. By its length alone, a FIN or the few last bytes of a write would overtake data.
	tc -n client filter add dev eth0 parent 10: protocol ip prio 1 u32 \
		match ip protocol 6 0xff match u8 0x05 0x0f at 0 match u16 52 0xffff at 2 \
		match u8 0x10 0xff at 33 flowid 10:1
	tc -n server qdisc add dev eth0 root handle 1: tbf rate 1mbit burst 6000 limit 1500000
}

acks_first() { tc -n client -s qdisc show dev eth0 parent 10:1 | awk '$1 == "Sent" { print $4 }'; }

# At most a tenth of the client's 550 segments: without a way for old acknowledgments most are.
few_dropped() {
	awk '$1 == "ooo_dropped" { print; few = $2 <= 55 } END { exit !few }' "$scratch/counters"
}

checktool tc ethtool
modprobe -a sch_prio sch_tbf cls_u32
setup 1 1
no_offloads
uplink
# The first band has a queue that counts.
tc -n client qdisc add dev eth0 parent 10:1 handle 20: pfifo limit 10000
tls_server server
# How much the server has sent is known to a power of four only: some data seems older than it is.
reorders=yes
through "ACKs first" some acks_first 20 "$server4" --connections 2 --duplex --bytes 400000 \
	--sndbuf 32768
check "ACKs first: hardly a segment is dropped" few_dropped
finish
