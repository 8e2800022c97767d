#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# With reset=0, after a connection has broken a rule, no payload passes in either direction. FIN and
# RST pass. The log has one line, and other connections go on.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

checktool conntrack iptables ip6tables
setup_net
"$python" "$here/condemned.py"
