#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every case of tests/vectors gets the verdict it expects over real TCP through
# the router: on IPv4, on IPv6, and cut into segments of one byte.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

checktool insmod ip iptables ip6tables
setup_net
"$python" "$here/vectors.py" "$@"
