#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tc's act_ct tracks connections before netfilter does, as Open vSwitch's offload has it: it only
# looks; it commits, so that netfilter finds a connection that is confirmed already; it attaches the
# helper itself. Of a confirmed connection it calls the helper (tcf_ct_act), and netfilter calls it
# again.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ports="c0 s0"

# track ACTION...: on both ports, what comes in.
track() {
	local port
	for port in $ports; do
		tc -n router qdisc add dev "$port" clsact
		tc -n router filter add dev "$port" ingress protocol ip prio 1 matchall action "$@"
	done
}

untrack() {
	local port
	for port in $ports; do
		tc -n router qdisc delete dev "$port" clsact
	done
}

# Packets that the actions have seen.
tracked_packets() {
	local port
	for port in $ports; do
		tc -n router -s filter show dev "$port" ingress
	done | awk '$1 == "action" { ours = / ct / } ours && $1 == "Sent" { n += $4; ours = 0 } END { print n + 0 }'
}

checktool tc
modprobe -a act_ct cls_matchall
setup 3
tls_server server
track ct
through "act_ct" twice tracked_packets 100 "$server4"
untrack
track ct commit
through "act_ct commit" never tracked_packets 100 "$server4"
untrack
# The rule holds the module, and is there only with it.
prepare() {
	if loaded; then
		untrack
		track ct commit helper ipv4-tcp-tls
	fi
}
track ct commit
through "act_ct commit helper" twice tracked_packets 100 "$server4"
untrack
finish
