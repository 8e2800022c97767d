#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A condemned connection stays dead when its client ignores resets, conntrack's
# entry runs out, and the client's TCP sends the attack again: the server's
# memory never arrives, its socket is gone, and the port is served again at once.
# Once with a rule that rejects what is marked, and once without it. Such a rule
# closes conntrack's entry.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

python=${NF_CT_TLS_PYTHON:-/opt/venv/bin/python3}
secret="the-password-is-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')"

start_leaky_server() {
	mkdir "$scratch/tap"
	start on server "$python" "$here/../demo/leaky_server.py" --cert "$scratch/cert.pem" \
		--key "$scratch/key.pem" --tap "$scratch/tap" --secret "$secret" \
		"$server4" "$server6" 2>"$scratch/leaky.log"
	busywait listening 443
}

# Conntrack forgets in the gaps between two retransmissions, as it does in minutes otherwise.
forget_soon() {
	local setting
	for setting in close max_retrans unacknowledged; do
		on router sysctl -qw "net.netfilter.nf_conntrack_tcp_timeout_$setting=1"
	done
}

checktool conntrack iptables ip6tables openssl ss
setup_net
make_certificate
start_leaky_server
forget_soon
load mark=0x10
"$python" "$here/revived.py" "$secret"
