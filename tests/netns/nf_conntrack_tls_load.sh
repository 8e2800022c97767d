#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module loads with every lawful parameter and shows it in sysfs. Each
# parameter out of range is refused with EINVAL and a log line that says what is
# allowed, and leaves nothing behind.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Each: PARAMETER=VALUE, and what sysfs shows.
good=(
	"seq_len=0 0" "seq_len=1 1" "seq_len=128 128" "seq_len=65535 65535"
	"ports=443 443" "ports=1,2,3,4,5,6,7,65535 1,2,3,4,5,6,7,65535" "ports=0 0"
	"heartbeat=0 0" "heartbeat=1 1"
	"log_only=0 0" "log_only=1 1"
	"mark=0 0x0" "mark=0x10 0x10" "mark=0xffffffff 0xffffffff"
	"min_version=0 0x0000" "min_version=0x0300 0x0300" "min_version=0x0304 0x0304"
)
bad=(
	seq_len=65536 seq_len=-1 seq_len=x seq_len=
	"ports=1,2,3,4,5,6,7,8,9" ports=70000 ports=-1 ports=x ports=
	heartbeat=2 heartbeat=x heartbeat=
	log_only=2 log_only=maybe log_only=
	mark=0x100000000 mark=x mark=
	min_version=0x9999 min_version=0x02ff min_version=0x0305 min_version=tls min_version=
)
bad_at_runtime=(log_only=2 log_only=maybe mark=0x100000000 mark=x)
defaults="seq_len=128 heartbeat=1 ports=443 min_version=0x0000 log_only=0 mark=0x0"

shows() { [[ $(<"$params/$1") == "$2" ]] || { grep . "$params/$1" && false; }; }

accepts() {
	local name=${1%%=*}
	load "$1" && shows "$name" "$2" && unload
}

shows_defaults() {
	local default
	load || return
	for default in $defaults; do
		shows "${default%%=*}" "${default#*=}" || return
	done
	unload
}

# "allowed" behind the parameter's name: the line is the module's, not the kernel's.
says_what_is_allowed() { logged "$1" "$module: $2=.*: allowed are .*[0-9]"; }

# A namespace made while the module is loaded, which goes before the module does.
counts_in_namespace() {
	load && ip netns add later && on later grep -qx "connections 0" "/proc/net/$module" &&
		ip netns del later && unload
}

leaves_nothing() { ! loaded && [[ ! -e /proc/net/$module ]] && ! grep -q "\[$module\]" /proc/kallsyms; }

refuses() {
	local cursor said
	cursor=$(log_cursor)
	if said=$(load "$1" 2>&1); then
		echo "it was accepted"
		unload
		return 1
	fi
	grep -q "Invalid parameters" <<<"$said" || { echo "insmod said: $said" && return 1; }
	says_what_is_allowed "$cursor" "${1%%=*}" || { log_since "$cursor" && return 1; }
	leaves_nothing
}

refuses_at_runtime() {
	local name=${1%%=*} before cursor
	before=$(<"$params/$name") cursor=$(log_cursor)
	if echo "${1#*=}" 2>/dev/null >"$params/$name"; then
		echo "it was accepted"
		return 1
	fi
	says_what_is_allowed "$cursor" "$name" && shows "$name" "$before"
}

read_only() { [[ $(stat -c %a "$params/$1") == 444 ]]; }

# Modules with unknown parameters load; the kernel, not the module, warns.
warns_of_unknown() {
	local cursor
	cursor=$(log_cursor)
	load sequence=128 && logged "$cursor" "unknown parameter 'sequence'" && unload
}

loads_again_and_again() {
	for _ in {1..10}; do
		load && unload || return
	done
	leaves_nothing
}

load_needs
plan $((1 + ${#good[@]} + ${#bad[@]} + ${#bad_at_runtime[@]} + 7))
check "the defaults" shows_defaults
for pair in "${good[@]}"; do
	check "accepts ${pair% *}" accepts "${pair% *}" "${pair#* }"
done
for parameter in "${bad[@]}"; do
	check "refuses $parameter" refuses "$parameter"
done
load
for parameter in "${bad_at_runtime[@]}"; do
	check "refuses $parameter at run time" refuses_at_runtime "$parameter"
done
for parameter in seq_len heartbeat ports min_version; do
	check "$parameter is read-only" read_only "$parameter"
done
unload
check "an unknown parameter is warned of" warns_of_unknown
check "counts in a network namespace that comes later" counts_in_namespace
check "loads and unloads ten times" loads_again_and_again
finish
