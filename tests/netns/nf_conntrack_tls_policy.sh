#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What an operator decides, for each reason: drop, report or off. After a reported break, the module
# goes on following. The mark holds the reason's number, for rules. Many changes at once, under
# traffic: none is lost, none is seen in part.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

checktool conntrack nft iptables ip6tables
setup_net
"$python" "$here/policy.py"
