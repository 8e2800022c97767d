#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Readies the interop matrix, which then runs in the guest (tests/interop/run.sh): the stacks of Debian in the
# root, the peers built on them, certificates and files in build/interop.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

list=$clone/scripts/packages-interop.txt

install_stacks() {
	local stamp names
	stamp=$state/interop-$(sha256sum <"$list" | cut -c1-12)
	if [ -e "$stamp" ]; then
		say "TLS stacks: there"
		return
	fi
	mapfile -t names < <(packages "$list")
	step "TLS stacks (about a minute)" in_root "$root" \
		apt-get install -y --no-install-recommends "${names[@]}"
	touch "$stamp"
}

need_root
install_stacks
step "peers, certificates and files (the first time about two minutes)" in_root "$root" tests/interop/setup.sh
