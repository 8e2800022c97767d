# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# KTAP output of tests in shell: plan, check, note, counts, finish. Python's is Ktap in
# tests/netns/tlsnet.py.
#
# Only these functions write to the results. Whatever else the script prints, or a tool that it
# runs, becomes a comment on its way: "ok 1" or "1..3" of a tool is not a result. Standard error,
# too, where it is the same file.

planned=0 ran=0 failures=0

exec {KTAP_FD}>&1
export KTAP_FD
[[ /dev/fd/1 -ef /dev/fd/2 ]] && ktap_both=1 || ktap_both=
exec > >(trap '' INT TERM && exec sed -u '/^#/!s/^/# /' >&"$KTAP_FD")
ktap_commenter=$!
[[ -z $ktap_both ]] || exec 2>&1

# plain_output: for a script whose output is not KTAP: ends the commenting, and waits a while for
# pending output.
plain_output() {
	local tries
	exec >&"$KTAP_FD"
	[[ -z $ktap_both ]] || exec 2>&1
	for ((tries = 0; tries < 100; tries++)); do
		kill -0 "$ktap_commenter" 2>/dev/null || return 0
		sleep 0.05
	done
}

ktap() { printf "$@" >&"${KTAP_FD:-1}"; }

plan() {
	planned=$1
	ktap 'KTAP version 1\n1..%d\n' "$planned"
}

# note: its standard input as comments.
note() { sed '/^#/!s/^/# /' >&"${KTAP_FD:-1}"; }

# result NAME STATUS: of the next test.
result() {
	ran=$((ran + 1))
	if (($2 == 0)); then
		ktap 'ok %d %s\n' "$ran" "$1"
	else
		failures=$((failures + 1))
		ktap 'not ok %d %s\n' "$ran" "$1"
	fi
}

# check NAME CMD...: one test, ok when CMD succeeds; its output is shown when not.
check() {
	local name=$1 output status=0
	shift
	output=$(unset KTAP_FD && "$@" 2>&1) || status=$?
	result "$name" "$status"
	((status == 0)) || note <<<"$* said: $output"
}

# bail_out WHY: ends the script as a whole.
bail_out() {
	ktap 'Bail out! %s\n' "$1"
	exit 1
}

# counts: the line that a whole run ends with.
counts() { ktap '%d passed, %d failed\n' "$((ran - failures))" "$failures"; }

finish() {
	if ((ran != planned || ran == 0)); then
		note <<<"planned $planned tests, ran $ran"
		exit 1
	fi
	exit $((failures > 0))
}
