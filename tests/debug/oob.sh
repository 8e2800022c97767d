#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Loads a module that reads out of bounds, to show that KASAN sees it; scripts/debug.sh expects its
# complaint.

set -euo pipefail

# shellcheck source=tests/ktap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../ktap.sh"

complained() { dmesg | grep "BUG: KASAN: slab-out-of-bounds in .*tls_oob" >/dev/null; }

plan 1
insmod "${NF_CT_TLS_KO%/*}/oob/tls_oob.ko" || :
check "KASAN sees a read out of bounds in a Rust module" complained
finish
