#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The client's link is a VLAN, tagged.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

tag() {
	ip -n "$1" link add link "$2" name "$2.10" type vlan id 10
	ip -n "$1" addr flush dev "$2"
	add_address "$1" "$2.10" "${@:3}"
}

received() { ip -n router -s -j link show c0.10 |
	sed 's/.*"rx":{"bytes":[0-9]*,"packets":\([0-9]*\).*/\1/'; }

modprobe 8021q
setup 2
tag client eth0 10.0.1.2/24 2001:db8:1::2/64
tag router c0 10.0.1.1/24 2001:db8:1::1/64
ip -n client route replace default via 10.0.1.1
ip -n client route replace default via 2001:db8:1::1
tls_server server
through "VLAN, IPv4" once received 40 "$server4"
through "VLAN, IPv6" once received 40 "$server6"
finish
