#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# PROXY headers, versions 1 and 2: HAProxy in the client namespace, before nginx.

# shellcheck source=tests/upgrades/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

setup tls-proxy 8443
start_nginx 8443 <<-CONF
	server {
		listen 10.0.2.2:8443 ssl proxy_protocol;
		location / { return 200 "\$proxy_protocol_addr by nginx"; }
	}
CONF
cat >"$scratch/haproxy.cfg" <<-CONF
	defaults
		mode tcp
		timeout connect ${patience}s
		timeout client ${patience}s
		timeout server ${patience}s
	listen first
		bind 10.0.1.2:8001
		server nginx 10.0.2.2:8443 send-proxy
	listen second
		bind 10.0.1.2:8002
		server nginx 10.0.2.2:8443 send-proxy-v2
	listen more
		bind 10.0.1.2:8003
		server nginx 10.0.2.2:8443 send-proxy-v2 proxy-v2-options crc32c,unique-id
	listen without
		bind 10.0.1.2:8004
		server nginx 10.0.2.2:8443
CONF
start on client haproxy -db -f "$scratch/haproxy.cfg" >"$scratch/server.haproxy.log" 2>&1
busywait on client ncat -z 10.0.1.2 8004
rows proxy_v1 proxy_v2 proxy_v2_more
