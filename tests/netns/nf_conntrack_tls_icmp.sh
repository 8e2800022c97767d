#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An ICMP error about a connection is not a segment of it, even if its bytes look like a TCP header:
# the connection goes on, nothing is logged or counted.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

checktool iptables ip6tables
setup_net
"$python" "$here/icmp.py"
