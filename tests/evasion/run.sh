#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# No trick below TLS gets a heartbleed answer past the module. Crafted packets come from the
# client's link. The victim uses the kernel's TCP. The hop before it drops packets with a short TTL,
# and the links after that hop are narrower:
#
#   client              router (module)             server             far
#   10.0.1.3  10.0.1.1 <---------------> 10.0.2.1  10.0.2.2  10.0.4.1  10.0.4.2 to .5
#   2001:db8:1::3                                            2001:db8:4::2
#                                                                      cookies
#                                                            10.0.5.1  10.0.5.2

evasion=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/netns/lib.sh
source "$evasion/../netns/lib.sh"
export PYTHONPATH=$here:$evasion

# add_hop NAMESPACE NET: a link of the least MTU that IPv6 has.
add_hop() {
	local ns=$1 net=$2
	ip netns add "$ns"
	ip -n "$ns" link set lo up
	ip -n "$ns" link add eth0 type veth peer name "to_$ns" netns server
	ip -n server link set "to_$ns" mtu 1280
	ip -n "$ns" addr add "10.0.$net.2/24" dev eth0
	ip -n "$ns" addr add "2001:db8:$net::2/64" dev eth0 nodad
	ip -n server addr add "10.0.$net.1/24" dev "to_$ns"
	ip -n server addr add "2001:db8:$net::1/64" dev "to_$ns" nodad
	ip -n "$ns" link set eth0 up
	ip -n server link set "to_$ns" up
	ip -n "$ns" route add default via "10.0.$net.1"
	ip -n "$ns" route add default via "2001:db8:$net::1"
	ip -n router route add "10.0.$net.0/24" via 10.0.2.2
	ip -n router route add "2001:db8:$net::/64" via 2001:db8:2::2
}

add_victims() {
	add_hop far 4
	add_hop cookies 5
	ip -n far addr add 10.0.4.3/24 dev eth0
	ip -n far addr add 10.0.4.4/24 dev eth0
	ip -n far addr add 10.0.4.5/24 dev eth0
	on server sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	# Fast Open for listeners that ask for it, without Fast Open's cookies.
	on far sysctl -qw net.ipv4.tcp_fastopen=0x203
	# Answers every SYN by a SYN cookie, as under a SYN flood.
	on cookies sysctl -qw net.ipv4.tcp_syncookies=2
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
	add_victims
	add_attacker
	# A round trip takes some time, so that packets can be sent within one.
	on server tc qdisc add dev eth0 root netem delay 10ms limit 100000
	# No reverse-path filter: what a ruleset does about forged sources is tested.
	on router sysctl -qw net.ipv4.conf.{all,c0,s0}.rp_filter=0
	warm_up
}

# Neighbours that are not known yet would hold packets back, and reorder them.
warm_up() {
	local mac address
	mac=$(ip -n client -j link show eth0 | sed -E 's/.*"address":"([^"]*)".*/\1/')
	ip -n router neigh replace 10.0.1.3 lladdr "$mac" dev c0 nud permanent
	ip -n router neigh replace 2001:db8:1::3 lladdr "$mac" dev c0 nud permanent
	for address in 10.0.4.{2,3,4,5} 10.0.5.2 2001:db8:4::2; do
		busywait refused "$address"
	done
}

# Whether the address answers at all.
refused() { [[ $(on client bash -c "</dev/tcp/$1/9" 2>&1) == *refused* ]]; }

leave_victims() {
	ip netns del far 2>/dev/null || :
	ip netns del cookies 2>/dev/null || :
	cleanup
}
trap leave_victims EXIT

checktool conntrack insmod ip iptables ip6tables nft sysctl tc
setup_evasion
$python "$evasion/evasion.py" "$@"
