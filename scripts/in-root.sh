#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs a command in the build root, in the clone: scripts/in-root.sh COMMAND...

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_ground
[ $# -gt 0 ] || die "usage: scripts/in-root.sh COMMAND..."
in_root "$root" "$@"
