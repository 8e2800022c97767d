#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: real TLS stacks as clients and servers, with the module in the router between them
# and all its rules on. What the stacks need was made beforehand by scripts/interop.sh. run.sh
# [PATTERN]: only the cases whose names it matches.

interop=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/netns/lib.sh
source "$interop/../netns/lib.sh"
plain_output

checktool insmod iptables iptables-restore tcpdump
modprobe tls
setup_net
load seq_len=128 heartbeat=1 min_version=0 log_only=0
on router iptables -t raw -A PREROUTING -p tcp --dport 4000:5999 -j CT --helper tls
"$python" "$interop/matrix.py" "$@"
