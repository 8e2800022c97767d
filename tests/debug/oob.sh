#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Loads a module that reads out of bounds, to show that KASAN sees it; scripts/debug.sh expects its complaint.

set -euo pipefail

echo "KTAP version 1"
echo "1..1"
insmod "${NF_CT_TLS_KO%/*}/oob/tls_oob.ko" || :
if dmesg | grep "BUG: KASAN: slab-out-of-bounds in .*tls_oob" >/dev/null; then
	echo "ok 1 KASAN sees a read out of bounds in a Rust module"
else
	echo "not ok 1 KASAN sees a read out of bounds in a Rust module"
	exit 1
fi
