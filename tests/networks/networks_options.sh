#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# TCP without timestamps, without SACK, without window scaling, and with windows scaled by 14, the
# most there is.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

both() {
	local ns
	for ns in client server; do
		on "$ns" sysctl -qw "$@"
	done
}

agreed=
agreed() { connections_with "$agreed"; }

setup 5
tls_server server
both net.ipv4.tcp_timestamps=0
agreed="timestamps=0 sack=1" through "no timestamps" once agreed 4 "$server4"
both net.ipv4.tcp_timestamps=1 net.ipv4.tcp_sack=0
agreed="timestamps=1 sack=0" through "no SACK" once agreed 4 "$server4"
both net.ipv4.tcp_sack=1 net.ipv4.tcp_window_scaling=0
agreed="scales=0,0" through "no window scaling" once agreed 4 "$server4"
both net.ipv4.tcp_window_scaling=1 net.ipv4.tcp_rmem="4096 131072 1073741824"
agreed="scales=14,14" through "windows scaled by 14" once agreed 4 "$server4"
both net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0 net.ipv4.tcp_window_scaling=0
agreed="timestamps=0 sack=0 scales=0,0" through "none of these options" once agreed 4 "$server4"
finish
