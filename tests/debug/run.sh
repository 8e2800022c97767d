#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What only a debug kernel can show: the module's KUnit cases; and memory that is refused, to the loading module
# (each allocation once) and to the connections that it attaches itself to. KTAP.

debug=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/netns/lib.sh
source "$debug/../netns/lib.sh"

failslab=/sys/kernel/debug/failslab
kunit=/sys/kernel/debug/kunit/$module/results
connections=200

set_failslab() {
	local setting
	for setting; do
		echo "${setting#*=}" >"$failslab/${setting%%=*}"
	done
}

# --- KUnit ------------------------------------------------------------------

# The suite's own lines, each named after the suite; they end with the suite's own line.
kunit_cases() {
	insmod "${NF_CT_TLS_KO%/*}/kunit/tls_kunit.ko"
	sed 's/^/# /' "$kunit"
	grep -q "^ok .* $module" "$kunit" && ! grep -E '^ *not ok|# SKIP' "$kunit"
}

# --- memory that is refused -------------------------------------------------

refused_to_insmod() {
	set_failslab verbose=0 ignore-gfp-wait=N
	"$python" "$debug/fail_nth.py"
}

# connect NUMBER: so many connections, each of which breaks the rules.
connect() {
	# shellcheck disable=SC2016
	on client bash -c 'for ((i = 0; i < $1; i++)); do
		{ printf "GET / HTTP/1.0\r\n\r\n" >&3; } 3<>/dev/tcp/$0/443; done' "$server4" "$1"
}

counter() { on router sed -n "s/^$1 //p" "/proc/net/$module"; }

# Every second allocation made by the module, in whatever context: a connection that gets no room goes unhelped.
refused_to_connections() {
	local cursor text status=0
	cursor=$(log_cursor)
	text=$(</sys/module/$module/sections/.text)
	set_failslab verbose=0 ignore-gfp-wait=Y task-filter=N stacktrace-depth=32 "require-start=$text" \
		"require-end=$(printf '0x%x' $((text + 0x100000)))" interval=1 times=-1 probability=50
	connect $connections || status=1
	set_failslab probability=0 require-start=0 require-end=0xffffffffffffffff
	logged "$cursor" "no memory, a connection goes unhelped" || { echo "none went unhelped" && return 1; }
	local helped
	helped=$(counter connections)
	echo "$helped of $connections helped"
	((status == 0 && helped > 0 && helped < connections))
}

all_are_helped() {
	local before
	before=$(counter connections)
	connect 10 && (($(counter connections) - before == 10))
}

checktool insmod iptables
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
setup_net
echo_server 443
plan 6
check "KUnit cases" kunit_cases
sed 's/^ */# /' "$kunit" || :
check "loading, each allocation failing once" refused_to_insmod
check "it loads afterwards" load
check "half of the module's allocations fail" refused_to_connections
check "none fails any more" all_are_helped
check "it can be removed" unload
finish
