#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Real servers that begin in the clear, in the guest; `run.sh SERVER...` runs the ones named. KTAP,
# then a table of what was seen, then a line of counts. What the servers need was made beforehand by
# scripts/upgrades.sh.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/behaviours.sh
source ../behaviours.sh

UPGRADES_TABLE=$(mktemp)
export UPGRADES_TABLE
trap 'rm -f "$output" "$wrong" "$UPGRADES_TABLE"' EXIT

run_behaviours upgrades_ "$@"
note <<<"protocol | server | clients | with upgrade | without | required | probe | injection | other"
note <"$UPGRADES_TABLE"
finish_behaviours
