#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs in the guest what the documents show: run.sh [DOCUMENT...]. KTAP.
# A make target is not run in the guest. `make module` and `make replay` were run before it booted.
# The others are dry runs, which fail if a target does not exist.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/bin"
cat >"$scratch/bin/make" <<-'SH'
	#!/bin/sh
	PATH=${PATH#*:} exec make --dry-run "$@" >/dev/null
SH
chmod +x "$scratch/bin/make"
export NF_CT_TLS_SCENE=$scratch/scene PATH=$scratch/bin:$PATH
export PYTHONPATH=$here:$here/../netns PYTHONDONTWRITEBYTECODE=1
python3 "$here/run.py" "$@"
