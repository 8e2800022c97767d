#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mark= marks condemned connections so that rules can act on them; log_only=1
# reports and drops nothing; both can be changed at run time.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

checktool conntrack iptables ip6tables
setup_net
"$python" "$here/mark.py"
