#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the helper costs a bulk transfer through the router, in wall time: on port 443 it is
# attached, on 8443 and 8444 it is not. Prints ratios, judges none; fails when the helper did not
# read what passed on 443, or read what passed elsewhere.
#
#   client <---> router (module) <---> server: nginx, or a sender of ready records

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/netns/lib.sh
source "$bench/../netns/lib.sh"
plain_output

listen() { printf "listen $server4:%s ssl;\n" "$@"; }

checktool nginx curl openssl
setup_net
make_certificate
head -c 64M /dev/urandom >"$scratch/file"
chmod 755 "$scratch"
start_nginx 443 <<-CONF
	server {
		$(listen 443 8443 8444)
		ssl_protocols TLSv1.3;
		root $scratch;
	}
CONF
load
"$python" "$bench/throughput.py" "$@"
