#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# shape.sh before|after NETEM...: netem on the ends of the links: the hosts' ends, before the
# router, or the router's own. shape.sh clear: on none. Or sourced, for its functions.

set -euo pipefail

ends=("client eth0" "router c0" "router s0" "server eth0")

# qdisc VERB NAMESPACE DEVICE REST...
qdisc() { tc -n "$2" qdisc "$1" dev "$3" root "${@:4}"; }

clear_shape() {
	local end
	for end in "${ends[@]}"; do
		# shellcheck disable=SC2086
		qdisc delete $end 2>/dev/null || :
	done
}

# shape WHERE NETEM...
shape() {
	local where=$1 end
	shift
	clear_shape
	for end in "${ends[@]}"; do
		[[ $where == before && $end == router* ]] && continue
		[[ $where == after && $end != router* ]] && continue
		# shellcheck disable=SC2086
		qdisc replace $end netem limit 10000 "$@"
	done
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
	if [[ $1 == clear ]]; then clear_shape; else shape "$@"; fi
fi
