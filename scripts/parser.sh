#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the parser's tests in userspace, with the kernel's own compiler. Arguments go to cargo test:
# parser.sh NAME runs the tests whose names hold it. A run of no test at all fails.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
in_root "$root" env -C tests/parser cargo test --release --locked --no-fail-fast "$@" |
	awk '{ print; fflush() } /^test result: / { ran += $4 + $6 + $8 } END { exit !ran }' ||
	die "a test failed, or there is none${1:+ named $1}"
