#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# TCP Fast Open: the ClientHello comes in the SYN, and the server takes it; or it does not, and the
# client sends it again.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

taken() { nstat_of client TcpExtTCPFastOpenActive; }
refused() { nstat_of client TcpExtTCPFastOpenActiveFail; }

# The first connection of all only gets the cookie.
get_cookie() { run_client 127.0.0.1 --connections 1 --bytes 1; }

setup 2
for ns in client server; do
	on "$ns" sysctl -qw net.ipv4.tcp_fastopen=3 net.ipv4.tcp_fastopen_blackhole_timeout_sec=0
done
tls_server server --fastopen
start on client "$python" "$networks/fastopen.py" "$server4"
busywait serves client 443
start_client
get_cookie
through "TCP Fast Open, taken" once taken 4 127.0.0.1
# A server that has forgotten its key.
prepare() { on server sysctl -qw net.ipv4.tcp_fastopen=1; }
through "TCP Fast Open, refused" some refused 1 127.0.0.1
finish
