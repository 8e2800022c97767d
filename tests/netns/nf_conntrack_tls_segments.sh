#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Segments that overlap, come twice, or come out of order are followed like the
# receiver follows them; made by hand, received by a real TCP.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

checktool conntrack iptables ip6tables
setup_net
"$python" "$here/segments.py"
