#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What an operator decides, for each reason: drop, report or off. A reported break
# does not blind the module. The reason's number in the mark, for rules. And many
# changes at once, under traffic: none is lost, none is seen by halves.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

checktool conntrack nft iptables ip6tables
setup_net
"$python" "$here/policy.py"
