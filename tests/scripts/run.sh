#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of what the tests stand on. KTAP. Needs neither the test ground nor a guest.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/ktap.sh
source "$here/../ktap.sh"
# shellcheck source=scripts/splats.sh
source "$here/../../scripts/splats.sh"

# --- splats -----------------------------------------------------------------

# none GREP_ARGUMENT...: no line is selected; shows those that are.
none() {
	local status=0
	grep -nE "$@" || status=$?
	((status == 1))
}

splats_match() { none -v -e "$splats" "$here/splats.log"; }
ordinary_lines_do_not_match() { none -e "$splats" "$here/ordinary.log"; }

plan 2
check splats_match splats_match
check ordinary_lines_do_not_match ordinary_lines_do_not_match
finish
