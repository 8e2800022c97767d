#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the module for $KVER in the build root, into build/$KVER of the clone, and prints the
# module's path. Arguments go to make.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
find_kernel
out=build/$version
mkdir -p "$clone/$out"
kernel_make "$version" M="$guest_clone" MO="$guest_clone/$out" "$@" >&2
ls "$clone/$out/nf_conntrack_tls.ko"
