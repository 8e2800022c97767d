#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Writes build/vectors.json: the cases of tests/vectors, as the parser's tests read them. The
# guest's tests play these.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_ground
out=$clone/build/vectors.json

emit() {
	in_root "$root" env -C tests/parser cargo build --release --locked --example cases
	in_root "$root" env -C tests/parser "$guest_clone/build/cargo/release/examples/cases" \
		>"$out.part"
	mv "$out.part" "$out"
}

mkdir -p "$clone/build"
step "the vectors, for the guest" emit
