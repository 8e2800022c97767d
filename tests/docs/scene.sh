#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scene.sh up|down: the machine that a document begins on. A TLS server answers on port 443. The
# module can be loaded by its name, and is not yet. Two networks can be reached, which are those of
# the examples. FILE.pcap is a capture of a TLS session. The folder has links to all of the source.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
clone=$(cd "$here/../.." && pwd)
scene=${NF_CT_TLS_SCENE:?the folder that the commands run in}
module=nf_conntrack_tls
timeout=120	# seconds: an upper bound for events

await() {
	local end=$((SECONDS + timeout))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || { echo "timed out waiting for: $*" && return 1; }
		sleep 0.1
	done
}

# modprobe finds it by the name of a helper, too, as depmod would have it.
install_module() {
	mkdir -p /run/modprobe.d
	{
		modinfo -F alias "$NF_CT_TLS_KO" | sed "s/.*/alias & $module/"
		echo "install $module insmod $NF_CT_TLS_KO \$CMDLINE_OPTS"
	} >/run/modprobe.d/$module.conf
}

networks() {
	ip link set lo up
	ip link add dummy0 type dummy
	ip addr add 10.0.2.1/24 dev dummy0
	ip addr add 2001:db8:2::1/64 dev dummy0 nodad
	ip link set dummy0 up
	ip route add 10.0.4.0/24 via 10.0.2.2
	ip -6 route add 2001:db8:4::/64 via 2001:db8:2::2
}

server() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=test -keyout "$scene/key.pem" -out "$scene/cert.pem" 2>/dev/null
	setsid openssl s_server -www -accept 443 -cert "$scene/cert.pem" -key "$scene/key.pem" \
		-quiet \
		</dev/null >/dev/null 2>&1 &
	await answers
}

answers() { curl -sk https://127.0.0.1/ -o "$scene/page"; }

# --immediate-mode and -U: what was captured is in the file at once.
capture() {
	tcpdump --immediate-mode -U -i lo -w "$scene/FILE.pcap" tcp port 443 \
		2>"$scene/tcpdump.log" &
	await grep listening "$scene/tcpdump.log"
	answers
	kill $!
	wait $! || :
	test -s "$scene/FILE.pcap"
}

first() {
	local needs
	mkdir -p "$scene" /var/lib/prometheus/node-exporter
	ln -s "$clone"/* "$scene/"
	rm "$scene/build"
	# Only the build for this kernel, as on a machine that built for itself.
	mkdir -p "$scene/build"
	ln -s "$clone/build/$NF_CT_TLS_KVER" "$scene/build/"
	# insmod does not load what the module depends on: an installed package has modprobe do so.
	needs=$(modinfo -F depends "$NF_CT_TLS_KO" | tr , ' ')
	# shellcheck disable=SC2086
	modprobe -a nf_conntrack $needs
	install_module
	networks
	server
	capture
}

up() {
	[[ -d $scene/tests ]] || first
	dmesg --clear
}

# A rule that is gone may hold the module for a while.
down() {
	local iptables table
	for iptables in iptables ip6tables; do
		for table in raw mangle filter; do
			$iptables -t $table -F
			$iptables -t $table -X
		done
	done
	nft flush ruleset
	conntrack -F 2>/dev/null || :
	[[ ! -d /sys/module/$module ]] || await rmmod $module
}

"$1"
