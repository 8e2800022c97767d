# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A test whose tools print what looks like results: one passes, two fail.

set -euo pipefail

# shellcheck source=tests/ktap.sh
source "$(dirname "${BASH_SOURCE[0]}")/../ktap.sh"

noise() { printf \
	'ok 1 of a tool\n1..7\nKTAP version 1\n    not ok 9 of a tool\nok 2 # SKIP\nBail out!\n'; }
fails_noisily() { noise && noise >&2 && return 1; }

noise
noise >&2
plan 3
check passes noise
check fails fails_noisily
noise
check fails_too fails_noisily
noise | note
finish
