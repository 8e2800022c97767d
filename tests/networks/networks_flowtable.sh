#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Flow offload in the same ruleset: connections of a flowtable bypass the hooks, and so the helper.
# A connection that has a helper is not offloaded, and one without is.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

offload() {
	nft_router <<-NFT
		table inet net {
			counter added {}
			counter hooked {}
			flowtable f {
				hook ingress priority 0;
				devices = { c0, s0 };
			}
			chain forward {
				type filter hook forward priority 0;
				tcp dport { 443, 8443 } counter name hooked
				tcp dport { 443, 8443 } ct state established \
					counter name added flow add @f
			}
		}
		table netdev net {
			counter came {}
			chain ingress {
				type filter hook ingress device c0 priority -500;
				tcp dport { 443, 8443 } counter name came
			}
		}
	NFT
}

came() { on router nft list counter netdev net came | awk '$1 == "packets" { print $2 }'; }

# Of the packets to the server, those that bypassed the hooks.
bypassed() { echo $(($(came) - $(nft_counter hooked))); }
added() { nft_counter added; }

# With the helper all pass the hooks: what bypassed them did so without the module.
none_bypassed() {
	local before
	before=$(bypassed)
	arrives with "$server4"
	(($(bypassed) == before)) || { echo \
		"$(bypassed) packets bypassed the hooks, $before before" && return 1; }
}

modprobe -a nft_flow_offload nf_flow_table_inet
setup 2 1
offload
tls_server server
tls_server server --port 8443
through "flow offload, a port without the helper" never bypassed 40 "$server4" --port 8443
through "flow offload, a port with the helper" once added 4 "$server4"
check "flow offload: connections with the helper pass the hooks" none_bypassed
finish
