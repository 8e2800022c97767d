#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A condemned connection is reset at both ends, through NAT and on the router
# itself; an end that missed the RST is reset again when it next sends; conntrack keeps the entry
# meanwhile; and the same ports can be used again at once.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

checktool conntrack nft iptables ip6tables
setup_net
"$python" "$here/reset.py"
