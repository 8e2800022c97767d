#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Segments that overlap, are repeated or come out of order are followed as the receiver follows
# them. They are crafted, and received by a real TCP.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

checktool conntrack iptables ip6tables
setup_net
"$python" "$here/segments.py"
