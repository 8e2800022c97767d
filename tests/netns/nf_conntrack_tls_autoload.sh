#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A user without any privilege can load the module, by a rule in a namespace of its
# own that names the helper. The module attaches nothing by itself then: not to the
# ports of the initial namespace, nor of others. Loaded by root it does.

# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rule='add table inet t; add ct helper inet t h { type "NAME" protocol tcp; }'

# All that the module needs is loaded already: depmod takes minutes over the distribution's modules.
install_module() {
	local folder
	folder=/lib/modules/$(uname -r)
	mkdir -p "$scratch/root$folder"
	cp "$NF_CT_TLS_KO" "$scratch/root$folder/"
	touch "$scratch/root$folder/modules."{order,builtin,builtin.modinfo}
	depmod -b "$scratch/root"
	mount --bind "$scratch/root$folder" "$folder"
}

uninstall_module() { umount --lazy "/lib/modules/$(uname -r)"; }

# A service that speaks first, and no TLS, on port 443 of the initial namespace.
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
	setpriv --reuid=65534 --regid=65534 --clear-groups unshare -Urn nft "${rule/NAME/$1}" && busywait loaded
}

attaches_nothing() {
	[[ $(<"$params/ports") == 0 && $(</proc/sys/net/netfilter/${module}_ports) == 0 ]] && plain_service
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
