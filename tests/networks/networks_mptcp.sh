#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# MPTCP on both ends, with a second subflow that joins by another address of the client, and by one
# that the server announces; and on one end only, where it falls back to plain TCP.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

second=10.0.1.9
announced=10.0.2.3

joins() { nstat_of server MPTcpExtMPJoinAckRx; }
asked_in_vain() {
	local asked answered
	asked=$(nstat_of client MPTcpExtMPCapableSYNTX)
	answered=$(nstat_of client MPTcpExtMPCapableSYNACKRX)
	echo $((asked - answered))
}
refused() { echo \
	$(($(nstat_of client TcpActiveOpens) - $(nstat_of client MPTcpExtMPCapableSYNTX))); }

# Bytes by the subflows that joined.
joined_bytes() { on router nft list counter inet net joined | awk '$1 == "packets" { print $4 }'; }

count_joined() {
	nft_router <<-NFT
		table inet net {
			counter joined {}
			chain forward {
				type filter hook forward priority 0;
				ip saddr { $second, $announced } counter name joined
				ip daddr { $second, $announced } counter name joined
			}
		}
	NFT
}

setup 4 1
ip -n client addr add $second/24 dev eth0
for ns in client server; do
	on "$ns" sysctl -qw net.mptcp.enabled=1
	ip -n "$ns" mptcp limits set subflow 4 add_addr_accepted 4
done
count_joined
tls_server server --mptcp
tls_server server --port 8443
through "MPTCP asked for by neither" once refused 4 "$server4"
ip -n client mptcp endpoint add $second dev eth0 subflow
through "MPTCP, the client's second address joins" unread joins 4 "$server4" --mptcp --subflows 1 \
	--bytes 2000000
ip -n client mptcp endpoint flush
ip -n server mptcp endpoint add $announced dev eth0 signal
through "MPTCP, an address of the server is announced" unread joins 4 "$server4" \
	--mptcp --subflows 1 --bytes 2000000
ip -n server mptcp endpoint flush
module_options=(ports=8443)
through "MPTCP on the client only" once asked_in_vain 4 "$server4" --port 8443 --mptcp
check "the subflows that joined carried data" test "$(joined_bytes)" -gt 1000000
finish
