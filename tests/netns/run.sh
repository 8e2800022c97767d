#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# All selftests, in the guest; `run.sh BEHAVIOUR...` runs the ones named. KTAP,
# each behaviour's own tests nested in it. A behaviour fails when one of its tests
# does, when it does not run all that it planned, or when the kernel complains
# meanwhile. Ends with a line of counts, all tests of all behaviours.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
prefix=nf_conntrack_tls_
# shellcheck source=scripts/splats.sh
source ../../scripts/splats.sh
behaviours=("$@")
(($#)) || for script in "$prefix"*.sh; do
	script=${script#"$prefix"}
	behaviours+=("${script%.sh}")
done

output=$(mktemp)
trap 'rm -f "$output"' EXIT
passed=0 failed=0 number=0

splat_count() { dmesg --syslog | grep -cE -e "$splats" || :; }

# The tests that were planned, that passed and that failed, in a behaviour's output.
count() {
	awk '
		/^1\.\.[0-9]+$/ { planned = substr($0, 4) }
		/^ok [0-9]/ { passed++ }
		/^not ok [0-9]/ { failed++ }
		END { print planned + 0, passed + 0, failed + 0 }' "$output"
}

# What is wrong with a behaviour's run, if anything: STATUS SPLATS PLANNED PASSED FAILED.
complaint() {
	if (($3 == 0)); then
		echo "it had no plan"
	elif (($4 + $5 != $3)); then
		echo "it planned $3 tests and ran $(($4 + $5))"
	elif (($5)); then
		echo "$5 of $3 tests failed"
	elif (($1)); then
		echo "it ended with status $1"
	elif (($2)); then
		echo "the kernel complained"
	fi
}

run() {
	local status=0 splats_before start=$SECONDS numbers wrong
	splats_before=$(splat_count)
	"./$prefix$1.sh" 2>&1 </dev/null | tee "$output" | sed -u 's/^/    /' || status=$?
	read -r -a numbers < <(count)
	wrong=$(complaint "$status" "$(($(splat_count) - splats_before))" "${numbers[@]}")
	passed=$((passed + numbers[1])) failed=$((failed + numbers[2]))
	echo "# $1: ${numbers[1]} passed, ${numbers[2]} failed, $((SECONDS - start)) s"
	number=$((number + 1))
	if [[ -z $wrong ]]; then
		echo "ok $number $1"
		return
	fi
	echo "# $wrong"
	echo "not ok $number $1"
	((numbers[2])) || failed=$((failed + 1))
}

echo "KTAP version 1"
echo "1..${#behaviours[@]}"
for behaviour in "${behaviours[@]}"; do
	run "$behaviour"
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
