#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the module for $KVER in the test ground, into build/$KVER of the clone. Arguments go to make.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
version=$(kernel_version)
upstream=${version%%[+-]*}
mkdir -p "$clone/build/$version"
in_root "$root" make --no-print-directory -C "$(source_tree "$version")" \
	M="$guest_clone" MO="$guest_clone/build/$version" CC=gcc-14 \
	LOCALVERSION="${version#"$upstream"}" "$@"
say "built: build/$version/nf_conntrack_tls.ko"
