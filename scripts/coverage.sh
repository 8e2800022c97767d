#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Which lines of the parser the userspace tests run: prints a table, file by file; fails below 98 %
# of lines. The lines that none runs are in build/coverage/uncovered.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

goal=98
out=build/coverage

need_ground
# The tools must be of the LLVM that the compiler was built with.
llvm=$(in_root "$root" rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
once "llvm-$llvm" "llvm-$llvm's tools (half a minute)" in_root "$root" \
	apt-get install -y --no-install-recommends "llvm-$llvm"

# shellcheck disable=SC2016
measure() {
	rm -rf "${clone:?}/$out/profiles"
	in_root "$root" bash -euc '
		out=$1 llvm=/usr/lib/llvm-$2/bin
		export RUSTFLAGS="-C instrument-coverage"
		export LLVM_PROFILE_FILE="$out/profiles/%p-%m.profraw"
		cargo=(cargo test --locked --manifest-path tests/parser/Cargo.toml
			--target-dir "$out/target" --tests)
		"${cargo[@]}"
		mapfile -t tests < <("${cargo[@]}" --no-run --message-format=json 2>/dev/null |
			sed -n "s/.*\"executable\":\"\([^\"]*\)\".*/\1/p")
		"$llvm/llvm-profdata" merge -sparse "$out"/profiles/*.profraw -o "$out/all.profdata"
		objects=("${tests[0]}" "${tests[@]/#/--object=}")
		"$llvm/llvm-cov" export --format=lcov "${objects[@]}" \
			--instr-profile="$out/all.profdata" >"$out/lcov"
	' coverage "$guest_clone/$out" "$llvm"
}

# A file has two paths, one where a generic function is defined, and one where it is used: a line's
# runs are added up.
# shellcheck disable=SC2317
told() {
	awk -F '[:,]' -v uncovered="$clone/$out/uncovered" '
		/^SF:/ {
			name = match($2, /tls_parser(\/[a-z0-9]+)?\.rs$/) ? substr($2, RSTART) : ""
		}
		/^DA:/ && name {
			line = name ":" $2
			if (!(line in runs)) { order[++n] = line; of[line] = name }
			runs[line] += $3
		}
		END {
			for (i = 1; i <= n; i++) {
				line = order[i]; file = of[line]; all[file]++; total++
				if (runs[line]) { run[file]++; covered++ }
				else { print line >uncovered }
			}
			for (file in all) {
				printf "%-28s %4d of %4d lines  %6.2f %%\n", file, run[file],
					all[file], 100 * run[file] / all[file] | "sort"
			}
			close("sort")
			printf "%-28s %4d of %4d lines  %6.2f %%\n", "all", covered, total,
				100 * covered / total
			exit total == 0 || 100 * covered / total < goal
		}' goal="$goal" "$clone/$out/lcov"
}

step "coverage of the userspace tests (two minutes)" measure
: >"$clone/$out/uncovered"
told || die "fewer than $goal % of the parser's lines are run: $out/uncovered lists the others"
say "not run: $(wc -l <"$clone/$out/uncovered") lines, see $out/uncovered"
