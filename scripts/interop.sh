#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Readies the interop matrix, which then runs in the guest (tests/interop/run.sh): the stacks of
# Debian in the root, the peers built on them, certificates and files in build/interop. A browser is
# too slow for the guest: it is captured here, and the capture judged by tls-replay.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
into_root interop "TLS stacks (about a minute)"
step "peers, certificates and files (the first time about two minutes)" in_root "$root" \
	tests/interop/setup.sh
step "Chromium against nginx, captured" in_root "$root" unshare --net tests/interop/browser.sh
step "tls-replay" in_root "$root" env -C tools/replay cargo build --release --locked
in_root "$root" python3 tests/interop/browser.py build/cargo/release/tls-replay \
	build/interop/browser.pcap
