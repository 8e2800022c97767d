#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An unprivileged user can load the module, by a rule in its own namespace that names the helper.
# Loaded so, the module attaches to no port of any namespace by itself. Loaded by root, it does.
#
# The module of commit 9b13c7e attached to port 443: it condemned what the plain service there said
# as record_type.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rule='add table inet t; add ct helper inet t h { type "NAME" protocol tcp; }'

# A service on port 443 of the initial namespace that sends first, and no TLS.
plain_service() {
	timeout "$timeout" "$python" - <<-'PYTHON'
		import socket
		server = socket.create_server(("127.0.0.1", 443))
		client = socket.create_connection(("127.0.0.1", 443))
		peer, _ = server.accept()
		peer.sendall(b"220 ready\r\n")
		assert client.recv(100) == b"220 ready\r\n"
	PYTHON
}

# loads_by_rule NAME: the rule goes with its namespace, the module stays.
loads_by_rule() {
	setpriv --reuid=65534 --regid=65534 --clear-groups unshare -Urn nft "${rule/NAME/$1}" &&
		busywait loaded
}

attaches_nothing() {
	[[ $(<"$params/ports") == 0 && $(</proc/sys/net/netfilter/${module}_ports) == 0 ]] &&
		plain_service
}

options_do_not_help() {
	mkdir -p /run/modprobe.d
	echo "options $module ports=443" >/run/modprobe.d/tls.conf
	local status=0
	loads_by_rule tls && attaches_nothing || status=1
	rm /run/modprobe.d/tls.conf
	busywait unload
	return "$status"
}

root_attaches() {
	modprobe "$module" && [[ $(<"$params/ports") == 443 ]] && ! plain_service 2>/dev/null
}

checktool nft depmod setpriv unshare
load_needs
ip link set lo up
modprobe -a nf_tables nft_ct
install_module
plan 10
for name in tls tls-report starttls tls-proxy; do
	check "a user's rule that names $name loads the module" loads_by_rule "$name"
	check "and takes no port of the initial namespace ($name)" attaches_nothing
	busywait unload
done
check "options for the module do not change that" options_do_not_help
check "root's modprobe attaches" root_attaches
unload
uninstall_module
finish
