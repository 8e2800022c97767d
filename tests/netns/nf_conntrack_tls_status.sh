#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tls-status shows policy, counters since the last look, and reasons; the example for node_exporter
# writes what a Prometheus parser accepts.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

status() { on router "$python" "$here/../../tools/status/tls-status"; }

export_to() { on router "$here/../../examples/node-exporter/nf-conntrack-tls.sh" "$1"; }

# A connection that is no TLS.
# shellcheck disable=SC2317
breach() {
	on client timeout "$timeout" "$python" - <<-'PYTHON'
		import socket
		client = socket.create_connection(("10.0.2.2", 443))
		client.settimeout(50)
		client.sendall(b"GET / HTTP/1.0\r\n")
		try:
		    client.recv(1)
		except ConnectionResetError:
		    pass
	PYTHON
}

needs_module() { ! status 2>"$scratch/error" && grep -q "not loaded" "$scratch/error"; }

shows_policy() { status | grep -Ex ' +seq_len +96'; }

shows_growth() {
	status >/dev/null
	breach
	status >"$scratch/status"
	grep -Ex ' +condemned +1 +\+1' "$scratch/status" &&
		grep -Ex ' +record_type +1 +\+1' "$scratch/status" &&
		grep -q 'since the last look' "$scratch/status"
}

starts_over_after_reload() {
	reload seq_len=96
	status >"$scratch/status"
	! grep -q 'since the last look' "$scratch/status" &&
		grep -q 'Reasons: none' "$scratch/status"
}

# Each metric has its type before it, and nothing else is in the file.
exports() {
	breach
	export_to "$scratch" || return
	cat "$scratch/nf_conntrack_tls.prom"
	grep -qx 'nf_conntrack_tls_condemned_total 1' "$scratch/nf_conntrack_tls.prom" &&
		grep -qx 'nf_conntrack_tls_broken_total{reason="record_type"} 1' \
		"$scratch/nf_conntrack_tls.prom" &&
		awk '
			/^# HELP nf_conntrack_tls_[a-z_]+_total .+\.$/ { next }
			/^# TYPE nf_conntrack_tls_[a-z_]+_total counter$/ { typed[$3] = 1; next }
			/^nf_conntrack_tls_[a-z_]+_total(\{reason="[a-z0-9_]+"\})? [0-9]+$/ {
				sub(/[{ ].*/, "")
				if ($0 in typed)
					next
			}
			{ print "not well: " $0; bad = 1 }
			END { exit bad }' "$scratch/nf_conntrack_tls.prom"
}

absent_without_module() { unload && export_to "$scratch" &&
	[[ ! -e $scratch/nf_conntrack_tls.prom ]]; }

setup_net
echo_server 443
plan 6
check "tls-status says that the module is not loaded" needs_module
load seq_len=96
check "it shows the policy" shows_policy
check "it shows what grew since the last look" shows_growth
check "it starts over when the module is reloaded" starts_over_after_reload
check "the exporter's file is well formed" exports
check "there is none without the module" absent_without_module
finish
