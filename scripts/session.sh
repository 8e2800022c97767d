#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Records the session that the README shows: runs its commands in the guest, as make check-docs
# does, and draws what they printed into docs/session.svg.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_ground
transcript=$(mktemp)
trap 'rm -f "$transcript"' EXIT
"$clone/scripts/vm.sh" tests/docs/run.sh --transcript README.md >"$transcript"
in_root "$root" scripts/session.py <"$transcript" >"$clone/docs/session.svg"
say "docs/session.svg"
