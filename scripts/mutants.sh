#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Changes the parser in all the ways that cargo-mutants knows, one at a time, and runs the userspace
# tests (tests/parser) against each. Prints the share that they notice, and each change that they do
# not; fails below 95 %, and where docs/mutants.md gives no reason for one of those. Arguments go to
# cargo-mutants: --re REGEX.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

goal=95
# Nearly all bit fields that the parser joins are disjoint, so that OR and XOR have the same result.
same='replace \|=? with \^=?'
out=build/mutants
reasons=docs/mutants.md

need_ground

# cargo-mutants changes only files within a workspace: this makes one that holds the parser's files.
make_workspace() {
	local crate=$clone/$out/source/crate
	rm -rf "${clone:?}/$out"/{source,tmp}
	mkdir -p "$crate" "$clone/$out/tmp"
	printf '[workspace]\nmembers = ["crate"]\nresolver = "3"\n' >"$clone/$out/source/Cargo.toml"
	cp -a "$clone/tests/vectors" "$clone/tests/parser/Cargo.lock" "$clone/$out/source/"
	cp -a "$clone"/tests/parser/{Cargo.toml,src,tests} "$crate/"
	# The vectors' tests notice most changes. They run first, since cargo sorts by name.
	mv "$crate/tests/vectors.rs" "$crate/tests/a_vectors.rs"
	cp -a "$clone/tls_parser.rs" "$clone/tls_parser" "$crate/src/"
	sed -i '/^#\[path = .*tls_parser\.rs"\]$/d' "$crate/src/lib.rs"
	sed -i 's/^name = "vectors"$/name = "a_vectors"/; /^resolver/d; /^\[profile/,/^$/d' \
		"$crate/Cargo.toml"
}

# 2: some were missed; 3: with some, the tests did not end. Some would take all memory, too.
mutate() {
	local status=0
	in_root "$root" env -C "$out/source" -u CARGO_TARGET_DIR PATH="/usr/local/bin:$PATH" \
		TMPDIR="$guest_clone/$out/tmp" \
		CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=false \
		PROPTEST_MAX_SHRINK_ITERS=0 \
		prlimit --as=8000000000 cargo mutants --jobs "$(nproc)" --gitignore false \
		--colors never --no-times --timeout 90 \
		--exclude-re "$same" --file 'crate/src/tls_parser*' \
		--file 'crate/src/tls_parser/*' --output "$guest_clone/$out" "$@" || status=$?
	[ "$status" = 0 ] || [ "$status" = 2 ] || [ "$status" = 3 ]
}

# The part of a mutant's name that does not depend on lines above it: file, column, and the change.
name() { sed -E 's|^crate/src/([^:]*):[0-9]+:|\1:|'; }

told() {
	local result=$clone/$out/mutants.out caught missed name status=0
	caught=$(cat "$result"/{caught,timeout}.txt | wc -l)
	missed=$(wc -l <"$result/missed.txt")
	while read -r name; do
		if grep -qF -- "\`$name\`" "$clone/$reasons"; then
			printf 'known: %s\n' "$name"
		else
			printf 'MISSED: %s\n' "$name"
			status=1
		fi
	done < <(name <"$result/missed.txt")
	printf '%d mutants: %d noticed, %d not; %d do not build\n' $((caught + missed)) "$caught" \
		"$missed" \
		"$(wc -l <"$result/unviable.txt")"
	awk -v c="$caught" -v m="$missed" -v goal="$goal" 'BEGIN {
		share = 100 * c / (c + m); printf "%.1f %% noticed\n", share; exit share < goal }' \
			|| status=1
	return "$status"
}

cargo_tool cargo-mutants 25.3.1 "3 minutes"
make_workspace
mutate "$@" >&2
told
