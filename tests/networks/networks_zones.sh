#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Conntrack zones: one zone per direction; and a zone for the original direction only.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

zone() {
	nft_router <<-NFT
		table inet net {
			chain prerouting {
				type filter hook prerouting priority raw;
				$1
			}
		}
	NFT
}

# Entries made so far: how long one is kept depends on how the connection ended.
words=
entries() { grep -c "$words" "$scratch/entries" || [[ $? == 1 ]]; }

checktool conntrack
setup 2
tls_server server
watch_entries
zone 'iifname { "c0", "s0" } ct zone set 7'
words=" zone=7\\b" through "a zone" once entries 4 "$server4"
on router nft delete table inet net
zone 'iifname "c0" ct original zone set 8'
words=" zone-orig=8\\b" through "a zone for the original direction" once entries 4 "$server4"
finish
