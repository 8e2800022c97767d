#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each network namespace has a policy of its own, by sysctls. Only its own root may write them: a
# container cannot change the host's policy. Wrong values are EINVAL, and leave the old one. A new
# namespace begins with the module's parameters.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

sysctls=/proc/sys/net/netfilter/${module}_
fields="seq_len min_version heartbeat report off log_only midstream starttls reset mark log log_limit ports"

value() { on "$1" cat "$sysctls$2"; }
write() { on "$1" bash -c 'echo "$1" >"$2"' - "$3" "$sysctls$2"; }

is_there() {
	local field
	for field in $fields; do
		[[ $(value router "$field") == "$(<"$params/$field")" ]] || { echo \
			"$field: $(value router "$field")" && return 1; }
	done
}

# changes FIELD VALUE SHOWN: in the router alone, and not in the module's own.
changes() {
	local before other
	before=$(<"$params/$1") other=$(value client "$1")
	write router "$1" "$2" && [[ $(value router "$1") == "$3" ]] &&
		[[ $(<"$params/$1") == "$before" && $(value client "$1") == "$other" ]]
}

# refuses FIELD VALUE: with EINVAL, one line in the log, and the old value.
refuses() {
	local before cursor said
	before=$(value router "$1") cursor=$(log_cursor)
	said=$(LC_ALL=C write router "$1" "$2" 2>&1) && { echo "it was taken" && return 1; }
	[[ $said == *"Invalid argument"* ]] || { echo "$said" && return 1; }
	[[ $(value router "$1") == "$before" ]] || return
	[[ $(log_since "$cursor" | grep -c "$module: $1=.*: .*allowed are") == 1 ]]
}

# A namespace that may not print to the log has no lines in it.
refuses_in_silence() {
	local cursor status=0
	cursor=$(log_cursor)
	sysctl -qw net.netfilter.nf_log_all_netns=0
	! write router seq_len nonsense 2>/dev/null && not_logged "$cursor" "$module: " || status=1
	sysctl -qw net.netfilter.nf_log_all_netns=1
	return "$status"
}

# in_container CMD...: by a user without any privilege, root in namespaces of its own.
in_container() { setpriv --reuid=65534 --regid=65534 --clear-groups unshare -Urn "$@"; }

container_owns() {
	in_container bash -euc '
		[[ $(cat "$1ports") == 443 ]]
		echo 64 >"$1seq_len"
		[[ $(cat "$1seq_len") == 64 ]]' - "$sysctls"
	[[ $(cat "${sysctls}seq_len") == 128 ]]
}

container_log_limit() {
	# shellcheck disable=SC2016
	! in_container bash -c 'echo 0 >"$1log_limit"' - "$sysctls" 2>/dev/null
}

# In a container the file shows its own namespace's policy. The module's parameters are the host's.
container_not_host() {
	! in_container bash -c "echo 64 >$params/seq_len" 2>/dev/null &&
		[[ $(<"$params/seq_len") == 128 ]]
}

begins_with_parameters() {
	echo 96 >"$params/seq_len"
	ip netns add later
	local status=0
	[[ $(value later seq_len) == 96 && $(value client seq_len) == 128 ]] || status=1
	ip netns del later
	echo 128 >"$params/seq_len"
	return "$status"
}

# With no rule at all, writing ports turns conntrack on and attaches the helper.
attaches_by_sysctl() {
	local cursor
	ip netns add alone
	ip -n alone link set lo up
	write alone ports 4430
	cursor=$(log_cursor)
	on alone timeout "$timeout" "$python" - <<-'PYTHON'
		import socket
		server = socket.create_server(("127.0.0.1", 4430))
		client = socket.create_connection(("127.0.0.1", 4430))
		client.sendall(b"GET / HTTP/1.0")
		try:
		    client.recv(1)
		except ConnectionResetError:
		    pass
	PYTHON
	local status=0
	logged "$cursor" "record_type: .*:4430 in net:" || status=1
	write alone ports 0 || status=1
	ip netns del alone
	return "$status"
}

long() { printf '%2000s' '' | tr ' ' x; }

checktool setpriv unshare
setup_net
load log_limit=10
plan 25
check "each parameter has a sysctl" is_there
check "seq_len changes alone" changes seq_len 64 64
check "min_version by its name" changes min_version tls1.2 0x0303
check "heartbeat by a word" changes heartbeat on 1
check "report by names" changes report suspicious_sequence,urgent_data \
	suspicious_sequence,urgent_data
check "report=all" changes report all all
check "off by a name" changes off version_mismatch version_mismatch
check "midstream by its word" changes midstream drop drop
check "reset off" changes reset no 0
check "mark" changes mark 0x1f00 0x1f00
check "log by a word" changes log kernel 1
check "ports" changes ports 443,8443 443,8443
for bad in "seq_len 65536" "report heartblead" "ports 443,443" "min_version 1.4" "midstream maybe" \
	"log_only 2"; do
	# shellcheck disable=SC2086
	check "refuses $bad" refuses $bad
done
check "refuses what is too long" eval '! write router report "$(long)" 2>/dev/null'
check "refuses in silence where nf_log_all_netns=0" refuses_in_silence
check "a container's root writes its own policy" container_owns
check "but not how much it may log" container_log_limit
check "nor the module's parameters" container_not_host
check "a new namespace begins with the parameters" begins_with_parameters
check "ports alone turn conntrack on" attaches_by_sysctl
finish
