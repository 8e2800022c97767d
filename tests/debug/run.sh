#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What only a debug kernel can show: the module's KUnit cases; and failing allocations: each one of
# the loading module once, and those for the connections that it attaches to. KTAP.

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
	grep -q "^ok .* $module" "$kunit" && ! grep -E '^ *not ok|# SKIP' "$kunit"
}

# --- memory that is refused -------------------------------------------------

# code START END: an allocation fails if its stack has a kernel address between the two.
code() { set_failslab stacktrace-depth=32 "require-start=$1" "require-end=$2"; }

any_code() { code 0 0xffffffffffffffff; }

# function_range NAME: where a function of the kernel begins and ends.
function_range() {
	sort /proc/kallsyms | awk -v name="$1" '
		start && $1 != start { print "0x" start, "0x" $1; exit }
		$3 == name { start = $1 }'
}

# Only in the module's own init: how the kernel's loader handles failing allocations is not tested
# here.
refused_to_insmod() {
	local start end status=0
	read -r start end < <(function_range do_one_initcall)
	set_failslab verbose=0 ignore-gfp-wait=N
	code "$start" "$end"
	"$python" "$debug/fail_nth.py" >"$scratch/told" || status=1
	any_code
	return $status
}

# connect NUMBER: so many connections, each of which breaks the rules.
connect() {
	# shellcheck disable=SC2016
	on client bash -c 'for ((i = 0; i < $1; i++)); do
		{ printf "GET / HTTP/1.0\r\n\r\n" >&3; } 3<>/dev/tcp/$0/443; done' "$server4" "$1"
}

# Every second allocation by the module, in any context: a connection without room goes on without
# the helper.
refused_to_connections() {
	local cursor text status=0
	cursor=$(log_cursor)
	text=$(</sys/module/$module/sections/.text)
	code "$text" "$(printf '0x%x' $((text + 0x100000)))"
	set_failslab verbose=0 ignore-gfp-wait=Y task-filter=N interval=1 times=-1 probability=50
	connect $connections || status=1
	set_failslab probability=0
	any_code
	logged "$cursor" "no memory, a connection goes unhelped" || { echo "none went unhelped" &&
		return 1; }
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
{ grep -E '^ *(not )?ok' "$kunit" || :; } | note
: >"$scratch/told"
check "loading, each allocation failing once" refused_to_insmod
note <"$scratch/told"
check "it loads afterwards" load
check "half of the module's allocations fail" refused_to_connections
check "none fails any more" all_are_helped
check "it can be removed" unload
finish
