#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the parser's tests in userspace, with the kernel's own compiler. Arguments go to cargo test.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
in_root "$root" env -C tests/parser cargo test --release --locked --no-fail-fast "$@"
