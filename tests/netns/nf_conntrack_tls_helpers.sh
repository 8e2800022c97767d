#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The helper tls-report reports each broken rule, and drops nothing, whatever the
# policy; a rule gives it to some sources, and tls to the others.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# says ADDRESS: sends other bytes than TLS to port 8443 from an address of the client; prints what
# comes back.
says() {
	on client timeout "$timeout" "$python" - "$1" <<-'PYTHON'
		import socket
		import sys
		source = (sys.argv[1], 0)
		client = socket.create_connection(("10.0.2.2", 8443), source_address=source)
		client.sendall(b"GET / HTTP/1.0\r\n")
		try:
		    print(client.recv(100).decode())
		except OSError as error:
		    print(type(error).__name__)
	PYTHON
}

# reported ADDRESS: it passes, and there is a line about it.
reported() {
	local cursor
	cursor=$(log_cursor)
	[[ $(says "$1") == GET* ]] &&
		logged "$cursor" "record_type: reported, original direction, $1:" &&
		tracked router 8443 helper=tls-report
}

dropped() {
	local cursor
	cursor=$(log_cursor)
	[[ $(says "$1") == ConnectionResetError ]] &&
		logged "$cursor" "record_type: connection condemned, reset, original direction, $1:"
}

by_iptables() {
	on router iptables -t raw -A PREROUTING -s 10.0.1.2 -p tcp --dport 8443 -j CT \
		--helper tls-report
	on router iptables -t raw -A PREROUTING -s 10.0.1.3 -p tcp --dport 8443 -j CT --helper tls
}

by_nft() {
	on router iptables -t raw -F
	on router nft -f - <<-'NFT'
		table inet tls {
			set trusted { type ipv4_addr; elements = { 10.0.1.2 } }
			ct helper report { type "tls-report" protocol tcp; }
			ct helper tls { type "tls" protocol tcp; }
			chain prerouting {
				type filter hook prerouting priority filter;
				tcp dport 8443 ip saddr @trusted ct helper set "report"
				tcp dport 8443 ip saddr != @trusted ct helper set "tls"
			}
		}
	NFT
}

checktool iptables nft conntrack
setup_net
ip -n client addr add 10.0.1.3/24 dev eth0
echo_server 8443
load ports=0
plan 6
check "iptables names both helpers" by_iptables
check "tls-report reports, and passes" reported 10.0.1.2
check "tls drops, beside it" dropped 10.0.1.3
check "nft names both helpers" by_nft
check "tls-report reports by nft" reported 10.0.1.2
check "tls drops by nft" dropped 10.0.1.3
finish
