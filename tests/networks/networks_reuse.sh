#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A port is used again at once, through SNAT: after the server's reset, when conntrack keeps the
# entry of the connection before; after the server's FIN; and after either FIN by another port,
# which NAT makes the same.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

nat() {
	nft_router <<-NFT
		table ip nat {
			chain postrouting {
				type nat hook postrouting priority srcnat;
				tcp dport 443 snat to 10.0.2.1:$1
			}
		}
	NFT
}

# Connections that the server saw come from the port; and those of them without an entry of their
# own.
same_port() { connections_with "client=10\.0\.2\.1:$port "; }
kept_entries() { echo $(($(same_port) - $(grep -c . "$scratch/entries"))); }

# Each run begins without an entry.
prepare() { on router conntrack -F 2>/dev/null; }

checktool conntrack
setup 4
nat 40000-40010
watch_entries
tls_server server
port=40001
through "port reuse after RST" once kept_entries 3 "$server4" --source 10.0.1.2 \
	--source-port 40001 --end reset
port=40002
through "port reuse after the server's FIN" once same_port 4 "$server4" --source 10.0.1.2 \
	--source-port 40002 --end close
on router nft flush ruleset ip
nat 40009
port=40009
# The client's own port is in TIME-WAIT for a minute after its FIN, so NAT maps another one to it.
through "NAT to one port, after the client's FIN" retried same_port 4 "$server4"
through "NAT to one port, after the server's FIN" retried same_port 4 "$server4" --end close
finish
