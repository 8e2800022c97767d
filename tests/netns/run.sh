#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# All selftests, in the guest; `run.sh BEHAVIOUR...` runs the ones named. KTAP. Ends with a line of
# counts.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/behaviours.sh
source ../behaviours.sh

run_behaviours nf_conntrack_tls_ "$@"
finish_behaviours
