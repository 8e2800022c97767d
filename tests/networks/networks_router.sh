#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The plain router, IPv4 and IPv6, which all other setups differ from. And the tests of a setup fail
# when they must: for a broken rule, a setup without effect, other bytes, a port without the helper.

# shellcheck source=tests/networks/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

forwarded() { nft_counter forwarded; }

count_forwarded() {
	nft_router <<-NFT
		table inet net {
			counter forwarded {}
			chain forward {
				type filter hook forward priority 0;
				tcp dport 443 counter name forwarded
			}
		}
	NFT
}

# fails COMMAND...: it has to.
fails() { if "$@"; then return 1; fi; }

# What is not TLS condemns its connection, so the checks of a setup must fail after it.
break_a_rule() {
	# shellcheck disable=SC2016
	on client bash -c 'exec 3<>"/dev/tcp/$0/443" && echo "GET / HTTP/1.0" >&3' "$server4"
	busywait logged "$cursor" condemned
	keep_counters
}

# The last setup's counters are those of the module, which is still loaded.
untouched_fails() { break_a_rule && fails untouched && fails nothing_condemned; }

# A server whose file is another one.
serve_other_bytes() {
	mkdir "$scratch/other"
	cp "$scratch"/{key,cert}.pem "$scratch/other"
	head -c 4M /dev/zero >"$scratch/other/data"
	scratch=$scratch/other tls_server server --port 8443
}

other_bytes_fail() { fails arrives with "$server4" --port 8443 &&
	grep 'other bytes' "$scratch/with"; }

without_effect_fails() { (least=$((least + 1000000)) && fails took_effect); }

others_fail() { fails helper_never && fails helper_twice && fails helper_unread; }

setup 2 4
count_forwarded
tls_server server
through "router, IPv4" once forwarded 40 "$server4"
through "router, IPv6" once forwarded 40 "$server6"
check "a setup without effect fails" without_effect_fails
check "another way of calling the helper fails" others_fail
check "a condemned connection fails" untouched_fails
serve_other_bytes
check "other bytes fail" other_bytes_fail
finish
