#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Packets of up to 64 KiB, as segmentation offloads and GRO make them, pass the
# helper like small ones: ten megabytes arrive whole with the offloads on and off.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=transfer.sh
source "$here/transfer.sh"

offloads() {
	on client ethtool -K eth0 tso "$1" gso "$1" gro "$1"
	on server ethtool -K eth0 tso "$1" gso "$1" gro "$1"
	on router ethtool -K c0 tso "$1" gso "$1" gro "$1"
	on router ethtool -K s0 tso "$1" gso "$1" gro "$1"
}

# Counts the packets longer than the link's MTU, which no wire carries.
count_large() {
	on router "$1" -I FORWARD -m length --length 1501:65535
}

large() { on router "$1" -nvxL FORWARD | awk '/length 1501:65535/ { print $1 }'; }

# fetch_counting OPERATOR IPTABLES SERVER: the file arrives whole, and the count of large packets
# compares by OPERATOR with the count before.
fetch_counting() {
	local before after
	before=$(large "$2")
	fetch client "$3" -tls1_3 || return
	after=$(large "$2")
	echo "large packets: $((after - before))"
	(("after $1 before"))
}

checktool openssl cmp ethtool iptables ip6tables
setup_net
count_large iptables
count_large ip6tables
make_file 10
plan 4
load
serve server "$server4"
serve server "[$server6]"
offloads on >/dev/null
check "offloads on, IPv4" fetch_counting '>' iptables "$server4"
check "offloads on, IPv6" fetch_counting '>' ip6tables "[$server6]"
offloads off >/dev/null
check "offloads off, IPv4" fetch_counting '==' iptables "$server4"
check "offloads off, IPv6" fetch_counting '==' ip6tables "[$server6]"
finish
