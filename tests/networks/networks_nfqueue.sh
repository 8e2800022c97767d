#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Packets go through a queue to userspace and back, as for an intrusion detection system; and
# through one that changes their order.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

queue() {
	nft_router <<-NFT
		table inet net {
			chain forward {
				type filter hook forward priority 10;
				tcp dport 443 queue to $1
				tcp sport 443 queue to $1
			}
		}
	NFT
	start on router "$python" "$networks/nfqueue.py" "$1" "$scratch/overtaken" "${@:2}"
	busywait queues "$1"
}

queues() { on router grep -E "^ *$1 " /proc/net/netfilter/nfnetlink_queue; }

# The last packet's number.
queued() { queues 1 | awk '{ print $8 }'; }
overtaken() { cat "$scratch/overtaken"; }

modprobe -a nfnetlink_queue nft_queue
setup 2
tls_server server
# A queue that is full drops, and the program need not run on the CPU that sends.
reorders=yes
queue 1
through "NFQUEUE" some queued 100 "$server4"
on router nft delete table inet net
echo 0 >"$scratch/overtaken"
queue 2 3
through "NFQUEUE that reorders" some overtaken 20 "$server4"
finish
