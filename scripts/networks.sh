#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs tests/networks in the guest: scripts/networks.sh [NETWORK...]. The tools that only these
# tests need go into the root first.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_ground
into_root networks "tools of tests/networks (some seconds)"
"$clone/scripts/vm.sh" tests/networks/run.sh "$@"
