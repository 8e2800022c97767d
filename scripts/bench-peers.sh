#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the module costs beside Suricata: instructions, latency and memory, in one run of one guest.
# Prints a table; leaves it, its plot and, in figures.tsv, each figure of each run in
# build/bench-peers. No figure fails the run.

# shellcheck source=scripts/bench-lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/bench-lib.sh"

need_ground
servers_into_root peers "Suricata (some seconds)"
step "building the benchmark" build_tools
: >"$tsv"
VM_CPUS=1 VM_MEMORY=2G VM_KVM=0 VM_QEMU=$counting guest tests/bench-peers/count.sh
table tests/bench-peers/peers.py
