#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs tests/upgrades in the guest: scripts/upgrades.sh [SERVER...]. Before that, the servers go
# into the root, and what they would take long to make in an emulated guest into build/upgrades.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_ground
servers_into_root upgrades "servers of tests/upgrades (about two minutes)"
step "certificates and databases of tests/upgrades" in_root "$root" tests/upgrades/setup.sh
VM_MEMORY=${VM_MEMORY:-2G} "$clone/scripts/vm.sh" tests/upgrades/run.sh "$@"
