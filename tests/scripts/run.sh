#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests of the tools that other tests use. KTAP. Runs in the build root, and needs no guest.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PYTHONPATH=$here/../netns PYTHONDONTWRITEBYTECODE=1
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

# --- KTAP -------------------------------------------------------------------

count() { awk -f "$here/../../scripts/ktap.awk"; }

# counted PASSED FAILED COMMAND...: the counts of its whole output.
counted() {
	local wanted="$1 $2" got
	shift 2
	got=$({ "$@" || :; } 2>&1 | count)
	echo "wanted $wanted, got $got"
	[[ $got == "$wanted" ]]
}

# fails COMMAND...: it fails, and so do its counted results.
fails() { ! "$@" >/dev/null 2>&1; }

noisy_shell() { bash "$here/noisy.sh"; }
# shellcheck disable=SC2016
noisy_python() { bash -c 'source "$0/../ktap.sh" && python3 "$0/noisy.py"' "$here"; }

# stream LINE...: a stream of one test that passes, and these lines.
stream() { printf '%s\n' "KTAP version 1" 1..1 "ok 1 a" "$@"; }

nested() {
	printf '%s\n' "KTAP version 1" 1..1 "    KTAP version 1" "    1..2" "    ok 1 a" \
		"    not ok 2 b" "not ok 1 c"
}

# No test at all, a plan that is not met.
plans_nothing() { bash -c 'source "$0/../ktap.sh" && plan 0 && finish' "$here"; }
runs_less() { bash -c 'source "$0/../ktap.sh" && plan 2 && check one true && finish' "$here"; }

plan 16
check splats_match splats_match
check ordinary_lines_do_not_match ordinary_lines_do_not_match
check shell_counts_its_own_results counted 1 2 noisy_shell
check shell_fails fails noisy_shell
check python_counts_its_own_results counted 1 2 noisy_python
check python_fails fails noisy_python
check no_test_fails fails plans_nothing
check less_than_planned_fails fails runs_less
check less_than_planned_is_counted counted 1 1 runs_less
check counts_a_stream counted 1 0 stream
check counts_no_comment counted 1 0 stream "# ok 2 b" "#   not ok 3 c"
check counts_a_nested_stream counted 1 1 nested
check counts_a_skip_as_failure counted 0 1 printf '%s\n' "KTAP version 1" 1..1 "ok 1 a # SKIP"
check counts_nothing_as_failure counted 0 1 echo nothing
check layers python3 "$here/test_layers.py"
check documents python3 "$here/test_documents.py"
finish
