#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# OpenSSL's handshakes and some megabytes of data pass: TLS 1.2 and 1.3, several
# ciphers, resumption, over IPv4 and IPv6, and over loopback, where the helper
# sees each packet twice.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=transfer.sh
source "$here/transfer.sh"

ciphers12=(ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-SHA AES128-SHA256
	ECDHE-RSA-CHACHA20-POLY1305)

# s_client connects six times in a row, the last five with the first's session.
resumes() {
	local cursor
	cursor=$(log_cursor)
	on client timeout "$patience" openssl s_client -connect "$server4:443" -tls1_2 -reconnect \
		</dev/null >"$scratch/reconnect.log" 2>&1
	[[ $(grep -c '^Reused, TLSv1.2' "$scratch/reconnect.log") == 5 ]] &&
		not_logged "$cursor" condemned
}

# TLS 1.3: the session ticket comes after the handshake, and the next connection uses it.
resumes13() {
	fetch client "$server4" -tls1_3 -sess_out "$scratch/session" &&
		fetch client "$server4" -tls1_3 -sess_in "$scratch/session"
}

# The server rejects the key share that the client offers first: a HelloRetryRequest, and a second
# hello.
retries() { fetch client "$server4" -tls1_3 -groups X448:P-256; }

counts_traffic() { on router awk '$1 == "bytes" && $2 > 1000000 { found = 1 } END { exit !found }' \
	"/proc/net/$module"; }

checktool openssl cmp
setup_net
make_file 4
plan $((4 + ${#ciphers12[@]} + 3 + 4 + 1))
load
serve server "$server4"
serve server "[$server6]"
for version in tls1_2 tls1_3; do
	check "$version, IPv4" fetch client "$server4" -$version
	check "$version, IPv6" fetch client "[$server6]" -$version
done
for cipher in "${ciphers12[@]}"; do
	check "TLS 1.2, $cipher" fetch client "$server4" -tls1_2 -cipher "$cipher"
done
check "TLS 1.2, resumption" resumes
check "TLS 1.3, resumption" resumes13
check "TLS 1.3, a second ClientHello" retries
serve router 127.0.0.1
serve router "[::1]"
# Locally made connections are tracked only where a rule asks for it.
on router iptables -A INPUT -m conntrack --ctstate INVALID -j DROP
on router ip6tables -A INPUT -m conntrack --ctstate INVALID -j DROP
for version in tls1_2 tls1_3; do
	check "$version, loopback, IPv4" fetch router 127.0.0.1 -$version
	check "$version, loopback, IPv6" fetch router "[::1]" -$version
done
check "the helper saw it all" counts_traffic
finish
