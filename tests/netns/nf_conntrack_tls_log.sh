#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What is logged of broken rules: only of the initial namespace, unless
# nf_log_all_netns says otherwise, and then with the namespace's name; so many
# lines in so much time, with a count of those left out; what became of the packet.
#
# The attack on it, as measured with the module of commit 9b13c7e: an unprivileged user's own
# namespace, nf_log_all_netns=0, 20 connections; 14 lines in the host's log, with the addresses of
# the user's choice, and no word of a namespace.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

sysctls=/proc/sys/net/netfilter/${module}_

# breaches NAMESPACE COUNT: connections over its loopback that break a rule, each until it ends.
# shellcheck disable=SC2317
breaches() {
	on "$1" timeout "$timeout" "$python" - "$2" <<-'PYTHON'
		import socket
		import sys
		server = socket.create_server(("127.0.0.1", 443))
		for _ in range(int(sys.argv[1])):
		    client = socket.create_connection(("127.0.0.1", 443))
		    peer, _ = server.accept()
		    client.sendall(b"GET / HTTP/1.0")
		    peer.settimeout(0.3)
		    try:
		        peer.recv(1)
		    except OSError:
		        pass
	PYTHON
}

lines() { log_since "$1" | grep -c "record_type: " || :; }

set_all_netns() { sysctl -qw "net.netfilter.nf_log_all_netns=$1"; }

# What breaks rules in another namespace is none of the host's log.
is_silent() {
	local cursor
	set_all_netns 0
	cursor=$(log_cursor)
	breaches router 3
	set_all_netns 1
	[[ $(counter record_type) -ge 3 && $(lines "$cursor") == 0 ]] && not_logged "$cursor" "suppressed|left out"
}

names_namespace() {
	local cursor inode
	inode=$(on router readlink /proc/self/ns/net)
	cursor=$(log_cursor)
	breaches router 1
	log_since "$cursor" | grep -F "127.0.0.1:443 in $inode" >/dev/null
}

# outcome WORDS SYSCTL=VALUE...: the line says so.
outcome() {
	local words=$1 cursor setting status=0
	shift
	for setting; do on router bash -c "echo ${setting#*=} >$sysctls${setting%%=*}"; done
	cursor=$(log_cursor)
	breaches router 1
	logged "$cursor" "$module: record_type: $words, original direction, 127.0.0.1:[0-9]+ -> " || status=1
	for setting; do on router bash -c "cat $params/${setting%%=*} >$sysctls${setting%%=*}"; done
	return "$status"
}

switches_off() {
	local cursor before
	before=$(counter record_type) cursor=$(log_cursor)
	on router bash -c "echo 0 >${sysctls}log"
	breaches router 1
	on router bash -c "echo 3 >${sysctls}log"
	[[ $(counter record_type) -gt $before && $(lines "$cursor") == 0 ]]
}

# A packet logger is bound, which writes into the kernel log: its lines count, too.
is_limited() {
	local cursor
	on router bash -c "echo 5 >${sysctls}log_limit"
	# So long is a burst.
	sleep 5
	cursor=$(log_cursor)
	breaches router 20
	[[ $(lines "$cursor") -le 10 ]] || { echo "$(lines "$cursor") lines" && return 1; }
	sleep 5
	breaches router 1
	on router bash -c "echo 0 >${sysctls}log_limit"
	logged "$cursor" "$module: [0-9]+ lines left out in net:"
}

packet_log() {
	local cursor
	modprobe nf_log_syslog
	on router sysctl -qw net.netfilter.nf_log.2=nf_log_ipv4
	cursor=$(log_cursor)
	breaches router 1
	logged "$cursor" "helper tls: record_type, connection condemned, reset IN=.*DPT=443" &&
		not_logged "$cursor" "dropping packet"
}

setup_net
on router iptables -A INPUT -m conntrack --ctstate INVALID -j DROP
load
plan 9
check "another namespace logs nothing" is_silent
check "with nf_log_all_netns=1 its lines name it" names_namespace
check "a reset is called one" outcome "connection condemned, reset"
check "a drop is called one" outcome "connection condemned, dropped" reset=0
check "what is only reported is called so" outcome "reported" log_only=1
check "report=all is called so" outcome "reported" report=all
check "log=0 logs nothing" switches_off
check "packet loggers hear the same words" packet_log
check "lines are limited, and those left out counted" is_limited
finish
