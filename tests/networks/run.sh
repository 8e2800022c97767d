#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Ordinary TLS through networks as they are, in the guest; `run.sh NETWORK...` runs the ones named.
# KTAP, then a table of what each setup cost and did, then a line of counts. The times are of one
# run each, in a guest that is emulated: they tell of timeouts, not of throughput.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/behaviours.sh
source ../behaviours.sh

NETWORKS_TABLE=$(mktemp)
export NETWORKS_TABLE
trap 'rm -f "$output" "$wrong" "$NETWORKS_TABLE"' EXIT

run_behaviours networks_ "$@"
note <<<"setup | seconds without | seconds with | helper called | what it saw"
note <"$NETWORKS_TABLE"
finish_behaviours
