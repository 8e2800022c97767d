#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# No trick below TLS gets a heartbleed answer past the module: packets made by
# hand, from the client's link, against a victim on the kernel's TCP behind one
# hop more, which drops what has a short TTL:
#
#   client              router (module)             server             far
#   10.0.1.3  10.0.1.1 <---------------> 10.0.2.1  10.0.2.2  10.0.4.1  10.0.4.2, .3, .4
#   2001:db8:1::3                                            2001:db8:4::2

evasion=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/netns/lib.sh
source "$evasion/../netns/lib.sh"
export PYTHONPATH=$here:$evasion

add_hop() {
	ip netns add far
	ip -n far link set lo up
	ip -n far link add eth0 type veth peer name f0 netns server
	ip -n far addr add 10.0.4.2/24 dev eth0
	ip -n far addr add 10.0.4.3/24 dev eth0
	ip -n far addr add 10.0.4.4/24 dev eth0
	ip -n far addr add 2001:db8:4::2/64 dev eth0 nodad
	ip -n server addr add 10.0.4.1/24 dev f0
	ip -n server addr add 2001:db8:4::1/64 dev f0 nodad
	ip -n far link set eth0 up
	ip -n server link set f0 up
	ip -n far route add default via 10.0.4.1
	ip -n far route add default via 2001:db8:4::1
	ip -n router route add 10.0.4.0/24 via 10.0.2.2
	ip -n router route add 2001:db8:4::/64 via 2001:db8:2::2
	on server sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# The attacker's addresses belong to no socket: the kernel there answers nothing.
add_attacker() {
	ip -n client addr add 10.0.1.3/24 dev eth0
	ip -n client addr add 2001:db8:1::3/64 dev eth0 nodad preferred_lft 0 # no source of our own
	on client iptables -A INPUT -d 10.0.1.3 -p tcp -j DROP
	on client ip6tables -A INPUT -d 2001:db8:1::3 -p tcp -j DROP
}

setup_evasion() {
	setup_net
	add_hop
	add_attacker
	# Fast Open for listeners that ask for it, without cookies.
	on far sysctl -qw net.ipv4.tcp_fastopen=0x203
	# A round trip takes some time, so that packets can be sent within one.
	on server tc qdisc add dev eth0 root netem delay 10ms limit 100000
	on router sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_close=2
	warm_up
}

# Neighbours that are not known yet would hold packets back, and reorder them.
warm_up() {
	local mac address
	mac=$(ip -n client -j link show eth0 | sed -E 's/.*"address":"([^"]*)".*/\1/')
	ip -n router neigh replace 10.0.1.3 lladdr "$mac" dev c0 nud permanent
	ip -n router neigh replace 2001:db8:1::3 lladdr "$mac" dev c0 nud permanent
	for address in 10.0.4.2 10.0.4.3 10.0.4.4 2001:db8:4::2; do
		busywait refused "$address"
	done
}

# Whether the address answers at all.
refused() { [[ $(on client bash -c "</dev/tcp/$1/9" 2>&1) == *refused* ]]; }

leave_far() {
	ip netns del far 2>/dev/null || :
	cleanup
}
trap leave_far EXIT

checktool insmod ip iptables ip6tables tc
setup_evasion
$python "$evasion/evasion.py" "$@"
