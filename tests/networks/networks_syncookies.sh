#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The server answers by SYN cookies; and a SYN-ACK that comes again with another number, since the
# server has forgotten the first one.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cookies() { nstat_of server TcpExtSyncookiesRecv; }

# After the router, SYN-ACKs with the first number of each connection are lost.
lose_first() {
	on client nft -f - <<-NFT
		table netdev lose {
			set known { type inet_service; size 65535; flags dynamic; }
			set first { typeof tcp dport . tcp sequence; size 65535; flags dynamic; }
			chain ingress {
				type filter hook ingress device eth0 priority 0;
				tcp sport 443 tcp flags & (syn | ack) == syn | ack jump answers
			}
			chain answers {
				tcp dport != @known add @known { tcp dport } \
					add @first { tcp dport . tcp sequence }
				tcp dport . tcp sequence @first drop
			}
		}
	NFT
}

keep_numbers() {
	on router nft -f - <<-NFT
		table netdev net {
			set numbers { typeof tcp dport . tcp sequence; size 65535; flags dynamic; }
			chain ingress {
				type filter hook ingress device s0 priority 0;
				tcp sport 443 tcp flags & (syn | ack) == syn | ack \
					add @numbers { tcp dport . tcp sequence }
			}
		}
	NFT
}

# Connections whose SYN-ACKs, as the router saw them, had more than one number.
numbers() {
	on router nft list set netdev net numbers | { grep -oE "[0-9]+ \. [0-9]+" ||
		[[ $? == 1 ]]; } |
		awk '++seen[$1] == 2 { n++ } END { print n + 0 }'
}

setup 2
tls_server server
on server sysctl -qw net.ipv4.tcp_syncookies=2
through "SYN cookies" once cookies 4 "$server4"
on server sysctl -qw net.ipv4.tcp_syncookies=0
# The server forgets what is not answered after three seconds; the client tries again later, too.
on server sysctl -qw net.ipv4.tcp_synack_retries=1
keep_numbers
lose_first
through "a SYN-ACK again, with another number" once numbers 4 "$server4" --at-once 4
finish
