#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The rulesets in examples/, as they stand there: each attaches the helper,
# drops what is INVALID, lets real TLS through, and lets the module's reset of a
# condemned connection through. A listener gets an event for the mark. The staged roll-out reports,
# drops, or ignores, by source and server.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=transfer.sh
source "$here/transfer.sh"

examples=$here/../../examples
box=172.20.0.2

# --- what each ruleset must do ----------------------------------------------

# https NAMESPACE: serves the file there, on port 443.
https() {
	start on "$1" env -C "$scratch" openssl s_server -HTTP -accept 443 -cert cert.pem \
		-key key.pem -quiet \
		>"$scratch/s_server.$1.log" 2>&1
	busywait on "$1" bash -c "ss -Hltn 'sport = :443' | grep -q ."
}

# passes WHERE ADDRESS: a file arrives whole over TLS, on a connection with the helper.
passes() {
	local address=$2
	if [[ $address == *:* ]]; then address="[$address]"; fi
	fetch client "$address" -tls1_3 && tracked "$1" 443 helper=tls
}

# condemned WHERE ADDRESS: a heartbleed probe is condemned, and its sender is reset at once.
condemned() {
	local cursor came
	cursor=$(log_cursor)
	came=$(broken "$2" 8443 "$timeout")
	[[ $came == reset ]] || { echo "the client saw: $came" && return 1; }
	logged "$cursor" "heartbleed: .*:8443 in net:" && tracked "$1" 8443 mark=16
}

broken() { on client "$python" "$here/broken.py" "$@"; }

# invalid COUNTER ADDRESS: a segment with SYN and FIN, which no connection has, is dropped.
invalid() {
	local family=-4
	if [[ $2 == *:* ]]; then family=-6; fi
	on client nping "$family" --tcp --flags syn,fin -p 443 -c 1 "$2"
	busywait counted "$1"
}

counted() { (($($1) > 0)); }

# Without a ruleset, and with reset=0, the client is not reset.
hangs() {
	local came
	came=$(broken "$server4" 8443 3)
	[[ $came == silence ]] || { echo "the client saw: $came" && return 1; }
}

# --- loading and counting ---------------------------------------------------

# What iptables and nft have dropped as INVALID.
by_iptables() { on "$where" "$iptables" -nvxL "$chain" | awk '/INVALID/ { print $1; exit }'; }
by_nft() { on "$where" nft list table inet tls | awk '/invalid/ { print $6; exit }'; }

# shellcheck disable=SC2317
load_iptables() { cat "${@/#/$examples/}" | on "$where" "$iptables-restore" --noflush; }

flush() {
	local table
	for table in raw mangle filter; do
		on "$where" "$iptables" -t "$table" -F
		on "$where" "$iptables" -t "$table" -X
	done
}

# iptables_rules FILES WHERE CHAIN: both families; four tests each.
iptables_rules() {
	local files=$1 where=$2 chain=$3 iptables address
	for iptables in iptables ip6tables; do
		address=$server4
		if [[ $iptables == ip6tables ]]; then address=$server6; fi
		# shellcheck disable=SC2086
		check "$files, $iptables: loads" load_iptables $files
		check "$files, $iptables: real TLS passes" passes "$where" "$address"
		check "$files, $iptables: INVALID is dropped" invalid by_iptables "$address"
		check "$files, $iptables: a condemned connection is reset" condemned "$where" \
			"$address"
		flush
	done
}

# shellcheck disable=SC2317
load_nft() { cat "${@/#/$examples/}" | on "$where" nft -f -; }

# nft_rules FILES WHERE ADDRESS...: loads twice, as it may be; two tests, and three per address.
nft_rules() {
	local files=$1 where=$2 address
	# shellcheck disable=SC2086
	check "$files: loads" load_nft $files
	# shellcheck disable=SC2086
	check "$files: loads again" load_nft $files
	for address in "${@:3}"; do
		check "$files, $address: real TLS passes" passes "$where" "$address"
		check "$files, $address: INVALID is dropped" invalid by_nft "$address"
		check "$files, $address: a condemned connection is reset" condemned "$where" \
			"$address"
	done
	on "$where" nft flush ruleset inet
}

# --- the staged roll-out ----------------------------------------------------

trusted4=192.0.2.7 trusted6=2001:db8:c000::7

# Addresses of the client in the sets of trusted sources.
trust_client() {
	ip -n client addr add "$trusted4/32" dev eth0
	ip -n client addr add "$trusted6/128" dev eth0 nodad preferred_lft 0
	ip -n router route add "$trusted4" dev c0
	ip -n router route add "$trusted6" dev c0
}

# reported SERVER: what breaks a rule is logged, and passes.
reported() {
	local cursor
	cursor=$(log_cursor)
	[[ $(broken "$1" 8443 "$timeout") == answered ]] || return 1
	logged "$cursor" "heartbleed: reported, .*:8443 in net:" &&
		tracked router 8443 helper=tls-report
}

# not_followed SERVER SOURCE: a trusted source has neither the helper nor a line in the log.
not_followed() {
	local cursor
	cursor=$(log_cursor)
	[[ $(broken "$1" 8443 "$timeout" "$2") == answered ]] || return 1
	not_logged "$cursor" "heartbleed: .*:8443 in net:" && tracked router 8443 "src=$2 " |
		grep -v helper=
}

# rollout_rules NAME SERVER OTHER SOURCE: three tests.
rollout_rules() {
	check "$1, $2: a connection to an enforced server is reset" condemned router "$2"
	check "$1, $3: a connection to another server is reported" reported "$3"
	check "$1, $4: a trusted source is not followed" not_followed "$2" "$4"
}

rollout() {
	local where=router iptables other4=10.0.2.3 other6=2001:db8:2::3
	trust_client
	check "rollout.nft: loads" load_nft rollout.nft
	rollout_rules rollout.nft "$server4" "$other4" "$trusted4"
	rollout_rules rollout.nft "$server6" "$other6" "$trusted6"
	on router nft flush ruleset inet
	for iptables in iptables ip6tables; do
		check "iptables-rollout.rules, $iptables: loads" load_iptables \
			iptables-rollout.rules
	done
	rollout_rules iptables-rollout.rules "$server4" "$other4" "$trusted4"
	rollout_rules iptables-rollout.rules "$server6" "$other6" "$trusted6"
	for iptables in iptables ip6tables; do
		flush
	done
}

# --- containers -------------------------------------------------------------

# A container on a bridge of the router, its ports published by NAT.
make_box() {
	ip netns add box
	ip -n router link add br0 type bridge
	ip -n router addr add 172.20.0.1/24 dev br0
	ip -n router link set br0 up
	ip -n box link add eth0 type veth peer name b0 netns router
	ip -n router link set b0 master br0 up
	ip -n box addr add "$box/24" dev eth0
	ip -n box link set eth0 up
	ip -n box link set lo up
	ip -n box route add default via 172.20.0.1
	on router nft -f - <<-NFT
		table ip nat {
			chain prerouting {
				type nat hook prerouting priority dstnat;
				ip daddr 10.0.1.1 tcp dport { 443, 8443 } dnat to $box
			}
			chain postrouting {
				type nat hook postrouting priority srcnat;
				ip saddr 172.20.0.0/24 oifname != "br0" masquerade
			}
		}
	NFT
	start on box "$python" "$here/echo.py" 8443
	https box
}

# --- firewalld --------------------------------------------------------------

checked_by_firewalld() {
	mkdir -p "$scratch/firewalld"
	cp -r /etc/firewalld/firewalld.conf "$examples/firewalld/." "$scratch/firewalld/"
	firewall-offline-cmd --system-config "$scratch/firewalld" --check-config
}

start_firewalld() {
	mkdir -p /run/dbus
	start on server dbus-daemon --system --nofork >"$scratch/dbus.log" 2>&1
	busywait test -S /run/dbus/system_bus_socket || { cat "$scratch/dbus.log" && return 1; }
	start on server firewalld --nofork --nopid --system-config "$scratch/firewalld" \
		--log-file "$scratch/firewalld.log" >"$scratch/firewalld.out" 2>&1
	busywait on server firewall-cmd --state && return
	cat "$scratch/firewalld".{log,out}
	return 1
}

add_service() {
	on server firewall-cmd --zone=public --add-interface=eth0 &&
		on server firewall-cmd --zone=public --add-service=tls
}

# firewalld does not count: the reset and the log are all that shows.
stopped() {
	local cursor
	cursor=$(log_cursor)
	broken "$server4" 443 "$timeout" | grep -x reset &&
		logged "$cursor" 'heartbleed: .*:443 in net:'
}

# --- the mark's listener ----------------------------------------------------

# shellcheck disable=SC2317
event() {
	start on router conntrack -E -p tcp --buffer-size 1048576 >"$scratch/events" 2>/dev/null
	busywait listener
	broken "$server4" 8443 3 >/dev/null
	busywait grep -E '\[UPDATE\].* dport=8443 .* mark=16( |$)' "$scratch/events" ||
		{ cat "$scratch/events" && return 1; }
}

# conntrack has opened its socket: netlink's netfilter family then has one line.
listener() { grep -E ' 12 .* 0000000[1-9a-f] ' /proc/net/netlink || sleep 1; }

trap 'ip netns del box 2>/dev/null || :; cleanup' EXIT
checktool conntrack iptables ip6tables nft nping openssl firewalld firewall-offline-cmd dbus-daemon
setup_net
make_file 1
echo_server 8443
https server
plan 82
load reset=0 ports=8443 mark=0x10
check "without a ruleset a condemned connection hangs" hangs
check "conntrack -E shows the mark" event
reload ports=0 mark=0x10
# The rules under test bring their own.
on router iptables -F
on router ip6tables -F
iptables_rules iptables-router.rules router FORWARD
iptables_rules "iptables-scrub.rules iptables-router.rules" router FORWARD
iptables_rules "iptables-scrub.rules iptables-server.rules" server INPUT
nft_rules router.nft router "$server4" "$server6"
nft_rules "scrub.nft router.nft" router "$server4" "$server6"
nft_rules "scrub.nft server.nft" server "$server4" "$server6"
rollout
make_box
nft_rules containers.nft router 10.0.1.1
nft_rules "scrub.nft containers.nft" router 10.0.1.1
check "firewalld takes the helper and the service" checked_by_firewalld
check "firewalld starts with them" start_firewalld
check "firewalld adds the service to a zone" add_service
check "scrub.nft loads beside firewalld" on server nft -f "$examples/scrub.nft"
check "the settings load" on server sysctl -qp "$examples/sysctl.d/nf_conntrack_tls.conf"
check "firewalld: real TLS passes" passes server "$server4"
check "firewalld: a heartbleed probe is stopped" stopped
finish
