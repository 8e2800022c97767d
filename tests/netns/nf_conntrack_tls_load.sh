#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module loads with every valid parameter and shows it in sysfs. Each parameter out of range is
# refused with EINVAL and a log line that says what is allowed. A refused load leaves nothing.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Each: PARAMETER=VALUE, and what sysfs shows.
good=(
	"seq_len=0 0" "seq_len=1 1" "seq_len=128 128" "seq_len=65535 65535"
	"ports=443 443" "ports=1,2,3,4,5,6,7,65535 1,2,3,4,5,6,7,65535" "ports=0 0" "ports=none 0"
	"heartbeat=0 0" "heartbeat=1 1" "heartbeat=off 0" "heartbeat=on 1"
	"log_only=0 0" "log_only=1 1" "log_only=Y 1" "log_only=N 0"
	"reset=0 0" "reset=1 1"
	"starttls=allow allow" "starttls=require require"
	"midstream=pass pass" "midstream=drop drop"
	"report=none none" "report=all all" "report=heartbleed heartbleed"
	"report=suspicious_sequence,urgent_data suspicious_sequence,urgent_data"
	"off=version_mismatch version_mismatch"
	"log=0 0" "log=3 3" "log=kernel 1" "log=packet 2"
	"log_limit=0 0" "log_limit=65535 65535"
	"mark=0 0x0" "mark=0x10 0x10" "mark=0xffffffff 0xffffffff"
	"min_version=0 0x0000" "min_version=0x0300 0x0300" "min_version=0x0304 0x0304"
	"min_version=1.2 0x0303" "min_version=tls1.2 0x0303"
	"min_version=TLS1.3 0x0304" "min_version=ssl3 0x0300"
)
bad=(
	seq_len=65536 seq_len=-1 seq_len=x seq_len=
	"ports=1,2,3,4,5,6,7,8,9" ports=70000 ports=-1 ports=x ports= "ports=443,443" "ports=443,0"
	heartbeat=2 heartbeat=x heartbeat=
	log_only=2 log_only=maybe log_only=
	reset=2 midstream=1 midstream= starttls=2 starttls=
	report=heartblead "report=heartbleed,," report= "off=heartbleed,no"
	log=4 log_limit=65536
	mark=0x100000000 mark=x mark=
	min_version=0x9999 min_version=0x02ff min_version=0x0305
	min_version=tls min_version=1.4 min_version=
)
bad_at_runtime=(log_only=2 log_only=maybe mark=0x100000000 mark=x report=x "ports=443,443")
# Lists, and the element that the log names as wrong.
culprits=("ports=80,443,443 443" "ports=443,70000 70000" "report=heartbleed,heartblead heartblead")
defaults="seq_len=128 heartbeat=0 ports=443 min_version=0x0000 log_only=0 mark=0x0 report=none off=none"
defaults+=" reset=1 starttls=allow log=3 log_limit=10"

shows() { [[ $(<"$params/$1") == "$2" ]] || { grep . "$params/$1" && false; }; }

# The log names the wrong element.
names_culprit() {
	local cursor
	cursor=$(log_cursor)
	! load "$1" 2>/dev/null && logged "$cursor" "$module: ${1%%=*}=.*: not \"$2\": allowed are"
}

# One line says what is in force, and which version this is.
says_what_is_in_force() {
	local cursor version
	cursor=$(log_cursor)
	version=$(modinfo -F version "$NF_CT_TLS_KO")
	[[ $version == "$(sed -n '1s/.*(\([^)-]*\).*/\1/p' "$here/../../debian/changelog")" ]] ||
		return
	load report=urgent_data ports=443,8443 &&
		logged "$cursor" "$module: $version: .* report=urgent_data .* ports=443,8443\$" &&
		unload
}

accepts() {
	local name=${1%%=*}
	load "$1" && shows "$name" "$2" && unload
}

shows_defaults() {
	local default
	# Not by load(), which sets log_limit itself.
	insmod "$NF_CT_TLS_KO" || return
	for default in $defaults; do
		shows "${default%%=*}" "${default#*=}" || return
	done
	unload
}

# "allowed" after the parameter's name: the line is the module's, not the kernel's.
says_what_is_allowed() { logged "$1" "$module: $2=.*: allowed are .*"; }

# A namespace made while the module is loaded, which goes before the module does.
counts_in_namespace() {
	load && ip netns add later && on later grep -qx "connections 0" "/proc/net/$module" &&
		ip netns del later && unload
}

leaves_nothing() { ! loaded && [[ ! -e /proc/net/$module ]] &&
	! grep -q "\[$module\]" /proc/kallsyms; }

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
plan $((1 + ${#good[@]} + ${#bad[@]} + ${#bad_at_runtime[@]} + ${#culprits[@]} + 4))
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
unload
for pair in "${culprits[@]}"; do
	check "names the culprit of ${pair% *}" names_culprit "${pair% *}" "${pair#* }"
done
check "says what is in force" says_what_is_in_force
check "an unknown parameter is warned of" warns_of_unknown
check "counts in a network namespace that comes later" counts_in_namespace
check "loads and unloads ten times" loads_again_and_again
finish
