#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Attacks on the handshake of a real server (OpenSSL): an injected
# ChangeCipherSpec (CVE-2014-0224) is dropped; a downgrade between the module and the server is
# dropped, since the server's random shows it; the module cannot see a downgrade between the client
# and itself, which the client refuses; min_version refuses what is too old, and lets the rest
# through.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

any=443 only12=8443	# the server's ports: TLS 1.2 and 1.3, and 1.2 alone

# nginx, since the server of a dropped connection waits, and must serve others meanwhile.
tls_server() {
	make_certificate
	start_nginx $any <<-CONF
		server {
			listen $any ssl;
			listen [::]:$any ssl;
			ssl_protocols TLSv1.2 TLSv1.3;
		}
		server {
			listen $only12 ssl;
			ssl_protocols TLSv1.2;
		}
	CONF
}

# attack NAME SERVER PORT OUTCOME REASON: the attack has that outcome, and the log names the reason,
# if any.
attack() {
	local cursor outcome
	cursor=$(log_cursor)
	outcome=$($python "$here/attacks.py" "$1" "$2" "$3")
	[[ $outcome =~ ^($4)$ ]] || { echo "came to $outcome, not $4" && return 1; }
	if [[ -n $5 ]]; then
		busywait logged "$cursor" "nf_conntrack_tls: $5: connection condemned"
	else
		not_logged "$cursor" condemned
	fi
}

checktool openssl nginx iptables ip6tables
plan 10
setup_net
tls_server
load reset=0 "ports=$any,$only12,9443"
for server in $server4 $server6; do
	check "attack_none_$server" attack handshake "$server" $any TLSv1.3 ''
	check "attack_ccs_injection_$server" attack ccs_injection "$server" $any silence \
		ccs_out_of_order
	check "attack_downgrade_before_$server" attack downgrade_before "$server" $any \
		'refused: .*' ''
	check "attack_downgrade_behind_$server" attack downgrade_behind "$server" $any silence \
		version_downgrade
done
reload reset=0 "ports=$any,$only12" min_version=1.3
check attack_min_version_keeps_tls13 attack handshake $server4 $any TLSv1.3 ''
check attack_min_version_refuses_tls12 attack handshake $server4 $only12 silence version_refused
finish
