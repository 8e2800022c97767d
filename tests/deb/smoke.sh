#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The installed module, in a guest: modprobe finds it, it condemns a heartbleed probe, and leaves again. KTAP.

set -uo pipefail
module=nf_conntrack_tls
# shellcheck source=tests/ktap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../ktap.sh"

# The module that modprobe takes is the one that DKMS built for this kernel.
by_dkms() {
	local path
	path=$(modinfo -F filename $module)
	echo "$path"
	[[ $path == */"$(uname -r)"/updates/dkms/* ]]
}
shows_seq_len() { [ "$(cat /sys/module/$module/parameters/seq_len)" = 96 ]; }

# A heartbeat request that asks for 16384 bytes and brings none; the server echoes what reaches it.
probe() {
	local answer
	ncat -4 -l 127.0.0.1 443 --exec /bin/cat &
	until ss -Hltn 'sport = 443' | grep -q .; do kill -0 $! || return; done
	answer=$(printf '\x18\x03\x02\x00\x03\x01\x40\x00' | timeout 120 ncat 127.0.0.1 443 | wc -c)
	kill $!
	[ "$answer" = 0 ]
}

condemned() { dmesg | grep -F "$module: heartbleed: connection condemned"; }
helped() { conntrack -L | grep helper=tls; }
gone() { modprobe -r $module && [ ! -e /sys/module/$module ]; }

plan 7
ip link set lo up
check modprobe modprobe $module seq_len=96
check built_by_dkms by_dkms
check parameter shows_seq_len
check heartbleed_stopped probe
check heartbleed_condemned condemned
check conntrack_shows_helper helped
check removed gone
finish
