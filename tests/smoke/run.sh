#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module in a guest, in short: it loads, condemns a heartbleed probe, lets a file over TLS
# through, serves a rule, and leaves again. `run.sh FOLDER` takes the module that is installed, and
# that has to be in this folder of /lib/modules/VERSION; without FOLDER, the one that was built.
# KTAP; ends with a line of counts.

set -uo pipefail
module=nf_conntrack_tls
folder=${1:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
timeout=120 # seconds: an upper bound for events, never a measure of speed
# shellcheck source=tests/ktap.sh
source "$here/../ktap.sh"

# --- the module ---------------------------------------------------------------

# The parameters are named, so that a changed default changes nothing here.
parameters=(ports=443 heartbeat=1 seq_len=96)

load_built() {
	local needs
	needs=$(modinfo -F depends "$NF_CT_TLS_KO" | tr , ' ')
	# shellcheck disable=SC2086
	modprobe -a nf_conntrack $needs && insmod "$NF_CT_TLS_KO" "${parameters[@]}"
}

load() {
	if [ -n "$folder" ]; then modprobe $module "${parameters[@]}"; else load_built; fi
}

# The module that modprobe takes is the one that was installed for this kernel.
is_the_installed_one() {
	local path
	path=$(modinfo -F filename $module)
	echo "$path"
	[[ $path == */"$(uname -r)/$folder"/* ]]
}

shows_seq_len() { [ "$(cat /sys/module/$module/parameters/seq_len)" = 96 ]; }
gone() { rmmod $module && [ ! -e /sys/module/$module ]; }

# --- connections --------------------------------------------------------------

listening() {
	until ss -Hltn "sport = $2" | grep -q .; do kill -0 "$1" || return; done
}

request='\x18\x03\x02\x00\x03\x01\x40\x00' # a heartbeat that asks for 16384 bytes and brings none

# probe PORT SECONDS: sends it to an echo server; prints how many bytes came back within that time.
# shellcheck disable=SC2016
probe() {
	local server
	ncat -4 -l 127.0.0.1 "$1" --exec /bin/cat &
	server=$!
	listening $server "$1" || return
	timeout "$2" bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0"; printf "$1" >&3; head -c 8 <&3' \
		"$1" "$request" | wc -c
	kill $server 2>/dev/null
}

stopped() { [ "$(probe 443 5)" = 0 ]; }
# It is the module that stops it: where there is no helper, the server answers.
echoed() { [ "$(probe 8443 "$timeout")" = 8 ]; }

condemned() { dmesg | grep -F "$module: heartbleed: connection condemned"; }
helped() { conntrack -L | grep helper=tls; }

make_files() {
	head -c 2M /dev/urandom >"$scratch/file" &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=test \
			-keyout "$scratch/key.pem" -out "$scratch/cert.pem"
}

# transfer PORT: a file comes whole over TLS.
transfer() {
	local server status=0
	env -C "$scratch" openssl s_server -HTTP -accept "127.0.0.1:$1" -cert cert.pem \
		-key key.pem -quiet &
	server=$!
	listening $server "$1" || return
	printf 'GET /file HTTP/1.0\r\n\r\n' |
		timeout "$timeout" openssl s_client -connect "127.0.0.1:$1" \
		-quiet -ign_eof 2>/dev/null |
		cmp - "$scratch/file" || status=1
	kill $server
	return $status
}

# --- a rule -------------------------------------------------------------------

rule() {
	nft -f - <<-RULES
		table inet smoke {
			ct helper tls { type "tls" protocol tcp; }
			chain output {
				type filter hook output priority filter;
				tcp dport 8443 ct helper set "tls"
			}
		}
	RULES
}

rule_helps() { transfer 8443 && conntrack -L -p tcp --orig-port-dst 8443 | grep helper=tls; }
rule_holds() { ! rmmod $module; }

# A rule of any user's loads the installed module: it serves that rule, and no port of the machine.
rule_arms_nothing_else() { rule && [ "$(probe 443 "$timeout")" = 8 ] &&
	nft delete table inet smoke; }

if [ -n "$folder" ]; then plan 16; else plan 13; fi
ip link set lo up
check load load
[ -z "$folder" ] || check "installed_in_$folder" is_the_installed_one
check parameter shows_seq_len
check heartbleed_stopped stopped
check heartbleed_condemned condemned
check others_are_left_alone echoed
check conntrack_shows_helper helped
check certificate make_files
check transfer transfer 443
check rule rule
check rule_helps rule_helps
check rule_holds_the_module rule_holds
check rule_goes nft delete table inet smoke
check unload gone
if [ -n "$folder" ]; then
	check rule_loads_and_arms_nothing_else rule_arms_nothing_else
	check unload_again gone
fi
rm -rf "$scratch"
counts
finish
