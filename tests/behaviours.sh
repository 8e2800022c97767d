# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs files of tests in the guest, one file per behaviour: KTAP, each behaviour's own tests nested
# in it, which scripts/ktap.awk counts. A behaviour fails when one of its tests does, when it does
# not run all that it planned, or when the kernel complains meanwhile.

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/ktap.sh
source "$tests/ktap.sh"
# shellcheck source=scripts/splats.sh
source "$tests/../scripts/splats.sh"

output=$(mktemp) wrong=$(mktemp)
trap 'rm -f "$output" "$wrong"' EXIT
all_passed=0 all_failed=0

splat_count() { dmesg --syslog | grep -cE -e "$splats" || :; }

# nested BEHAVIOUR: shows its output indented, and keeps it.
nested() {
	"./$prefix$1.sh" 2>&1 </dev/null | tee "$output" | sed -u 's/^/    /' >&"$KTAP_FD"
}

# What else is wrong, besides failed tests: STATUS SPLATS FAILED.
complain() {
	if (($2)); then echo "the kernel complained"; fi
	if (($1 && !$3)); then echo "it ended with status $1"; fi
}

# run_behaviour BEHAVIOUR: fails if anything is wrong, and adds to the counts.
run_behaviour() {
	local status=0 splats_before start=$SECONDS passed failed
	splats_before=$(splat_count)
	nested "$1" || status=$?
	read -r passed failed < <(awk -f "$tests/../scripts/ktap.awk" "$output" 2>"$wrong")
	complain "$status" "$(($(splat_count) - splats_before))" "$failed" >>"$wrong"
	((failed)) || [[ ! -s $wrong ]] || failed=1
	all_passed=$((all_passed + passed)) all_failed=$((all_failed + failed))
	note <<<"$1: $passed passed, $failed failed, $((SECONDS - start)) s"
	note <"$wrong"
	((!failed)) && [[ ! -s $wrong ]]
}

# run_behaviours PREFIX BEHAVIOUR...: those named, else all in the current folder.
run_behaviours() {
	local script status behaviours=("${@:2}")
	prefix=$1
	((${#behaviours[@]})) || for script in "$prefix"*.sh; do
		script=${script#"$prefix"}
		behaviours+=("${script%.sh}")
	done
	plan "${#behaviours[@]}"
	for behaviour in "${behaviours[@]}"; do
		run_behaviour "$behaviour" && status=0 || status=$?
		result "$behaviour" "$status"
	done
}

# finish_behaviours: a line of counts, all tests of all behaviours.
finish_behaviours() {
	ktap '%d passed, %d failed\n' "$all_passed" "$all_failed"
	finish
}
