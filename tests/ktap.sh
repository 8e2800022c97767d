# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# KTAP output of the guest's tests: plan, the checks, finish.

planned=0 ran=0 failures=0

plan() {
	planned=$1
	printf 'KTAP version 1\n1..%d\n' "$planned"
}

# check NAME CMD...: one test, ok when CMD succeeds; its output is shown when not.
check() {
	local name=$1 output
	shift
	ran=$((ran + 1))
	if output=$("$@" 2>&1); then
		echo "ok $ran $name"
	else
		failures=$((failures + 1))
		echo "not ok $ran $name"
		printf '%s said: %s\n' "$*" "$output" | sed 's/^/# /'
	fi
}

finish() {
	if ((ran != planned)); then
		echo "# planned $planned tests, ran $ran"
		exit 1
	fi
	exit $((failures > 0))
}
