#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The helper gets its connections: those to the ports of ports=, by itself; and
# those of a rule, on any port, by iptables and by nft. A rule loads the module and holds it.
# Without a rule it can be unloaded while connections live.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Not TLS: a connection with the helper is condemned by the first byte.
not_tls='GET / HTTP/1.0'

# speak NAMESPACE SERVER PORT: sends it, and prints the first line that comes back. It replaces the
# subshell, so that a signal to the subshell ends it.
speak() {
	# shellcheck disable=SC2016
	exec ip netns exec "$1" timeout "$timeout" bash -c '
		exec 3<>"/dev/tcp/$1/$2"
		echo "$0" >&3
		IFS= read -r answer <&3
		printf "%s\n" "$answer"
	' "$not_tls" "$2" "$3" 2>/dev/null
}

# protected NAMESPACE SERVER PORT: a connection gets the helper, and the helper works.
protected() {
	local cursor port=$3 speaker status=0
	cursor=$(log_cursor)
	speak "$1" "$2" "$port" >/dev/null &
	speaker=$!
	busywait logged "$cursor" "record_type: .*original.*:$port in net:" || status=1
	kill "$speaker"
	wait "$speaker" 2>/dev/null || :
	((status == 0)) && tracked "${conntrack_in:-router}" "$port" helper=tls
}

# unprotected SERVER PORT: a connection to an echo server passes, whatever is sent.
unprotected() {
	local cursor
	cursor=$(log_cursor)
	on router conntrack -F 2>/dev/null
	[[ $(speak client "$1" "$2") == "$not_tls" ]] || { echo "no echo" && return 1; }
	not_logged "$cursor" condemned && tracked router "$2" "dport=$2" &&
		! tracked router "$2" helper=tls
}

with_ports() { reload "ports=$1"; }

# --- rules ------------------------------------------------------------------

raw_rule() { on "$1" "$2" -t raw -"$3" "$4" -p tcp --dport "$5" -j CT --helper tls; }

raw_prerouting() {
	raw_rule router "$1" A PREROUTING 4433 && protected client "$2" 4433 &&
		raw_rule router "$1" D PREROUTING 4433
}

# The router itself is the client here: its packets begin in OUTPUT.
raw_output() {
	raw_rule router "$1" A OUTPUT 4434 && protected router "$2" 4434 &&
		raw_rule router "$1" D OUTPUT 4434
}

nft_rule() {
	on router nft -f - <<-NFT
		table inet tls {
			ct helper tls { type "tls" protocol tcp; l3proto $1; }
			chain prerouting {
				type filter hook prerouting priority filter;
				tcp dport 4435 ct helper set "tls"
			}
		}
	NFT
}

nft_object() {
	nft_rule "$1" && protected client "$2" 4435 && on router nft delete table inet tls
}

# --- the rule that asks for the module --------------------------------------

rule_loads_module() {
	unload && raw_rule router iptables A PREROUTING 4433 && loaded &&
		protected client "$server4" 4433
}

rule_holds_module() {
	! rmmod "$module" 2>/dev/null && loaded
}

goes_without_rule() {
	raw_rule router iptables D PREROUTING 4433 && busywait unload && ! loaded
}

# --- the rule that matches nothing ------------------------------------------

users_rule_loads() {
	on server iptables -A INPUT -m conntrack --ctstate ESTABLISHED \
		-m helper --helper tls -p TCP --dport 443 -j ACCEPT
}

# On the server, conntrack is on now, and so is the helper.
users_rule_matches_nothing() {
	conntrack_in=server protected client "$server4" 443 || return
	local packets
	packets=$(on server iptables -nvxL INPUT | awk '/helper match/ { print $1 }')
	[[ $packets == 0 ]] || { echo "packets: $packets" && return 1; }
}

# --- unloading with connections alive ---------------------------------------

# A TLS handshake that goes on: a plausible record each way, before and after.
flows_across_rmmod() { reload ports=8444 && "$python" "$here/across_rmmod.py"; }

checktool iptables ip6tables nft conntrack depmod
setup_net
echo_server 443 8443 9443 4433 4434 4435
plan 23
load seq_len=128
check "seq_len=128 alone protects port 443, IPv4" protected client "$server4" 443
check "seq_len=128 alone protects port 443, IPv6" protected client "$server6" 443
check "and not port 8443" unprotected "$server4" 8443
with_ports 8443,9443
check "ports=8443,9443 protects 8443" protected client "$server4" 8443
check "ports=8443,9443 protects 9443, IPv6" protected client "$server6" 9443
check "ports=8443,9443 leaves 443 alone" unprotected "$server4" 443
with_ports 0
check "ports=0 leaves 443 alone" unprotected "$server4" 443
check "a connection injected by userspace is followed" "$python" "$here/injected.py"
check "iptables, PREROUTING" raw_prerouting iptables "$server4"
check "ip6tables, PREROUTING" raw_prerouting ip6tables "$server6"
check "iptables, OUTPUT" raw_output iptables "$server4"
check "ip6tables, OUTPUT" raw_output ip6tables "$server6"
check "nft ct helper, IPv4" nft_object ip "$server4"
check "nft ct helper, IPv6" nft_object ip6 "$server6"
check "without a rule, other ports are left alone" unprotected "$server4" 4433
install_module
check "a rule loads the module by its alias" rule_loads_module
uninstall_module
check "a rule holds the module" rule_holds_module
check "without the rule it can be unloaded" goes_without_rule
load
check "the rule -m helper --helper tls loads" users_rule_loads
check "it matches no packet of the connection itself" users_rule_matches_nothing
check "connections flow on across rmmod" flows_across_rmmod
check "rmmod took the helper with it" unprotected "$server4" 443
load
check "a new load protects new connections" protected client "$server4" 443
finish
