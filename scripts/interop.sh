#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Readies the interop matrix, which then runs in the guest (tests/interop/run.sh): the stacks of Debian in the
# root, the peers built on them, certificates and files in build/interop.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mapfile -t stacks < <(packages "$clone/scripts/packages-interop.txt")

need_root
once "interop-$(key "${stacks[@]}")" "TLS stacks (about a minute)" in_root "$root" \
	apt-get install -y --no-install-recommends "${stacks[@]}"
step "peers, certificates and files (the first time about two minutes)" in_root "$root" tests/interop/setup.sh
