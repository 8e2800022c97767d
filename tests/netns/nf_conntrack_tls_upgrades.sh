#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Connections that begin in the clear (starttls) or with a PROXY header (tls-proxy): openssl's
# client, and servers of each protocol.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

checktool insmod ip iptables openssl
setup_net
make_certificate
load ports=0
on router iptables -t raw -A PREROUTING -p tcp -m multiport \
	--dports 21,24,25,110,119,143,389,3128,3306,4190,5222,5432,6667 -j CT --helper starttls
on router iptables -t raw -A PREROUTING -p tcp --dport 8443 -j CT --helper tls-proxy
"$python" "$here/upgrades.py" "$scratch/cert.pem" "$scratch/key.pem"
