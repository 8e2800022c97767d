# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shared by the guest's selftests and the demo: three network namespaces, the
# module, the kernel log, and KTAP output.
#
#   client                    router                     server
#   10.0.1.2        10.0.1.1 <------> 10.0.2.1           10.0.2.2, 10.0.2.3
#   2001:db8:1::2   2001:db8:1::1     2001:db8:2::1      2001:db8:2::2, ::3
#
# The router tracks connections, so that is where the module works. Client and
# server hold no rule and so no conntrack.

set -euo pipefail
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/ktap.sh
source "$here/../ktap.sh"
: "${NF_CT_TLS_KO:?the module to test}"
# Read by the scripts that source this file.
# shellcheck disable=SC2034
{
	module=nf_conntrack_tls
	params=/sys/module/$module/parameters
	server4=10.0.2.2
	server6=2001:db8:2::2
	# Seconds, upper bounds that hold on a machine ten times slower, never a measure of speed:
	# for events, and for whole transfers.
	timeout=300
	patience=3600
	python=python3
}
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1

scratch=$(mktemp -d)
background=()

# A missing tool is a failure: a skip would look like success.
checktool() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null && continue
		bail_out "$tool is not installed"
	done
}

# --- waiting ----------------------------------------------------------------

# busywait CMD...: until CMD succeeds; fails after $timeout seconds.
busywait() {
	local end=$((SECONDS + timeout))
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS >= end)); then
			echo "timed out waiting for: $*"
			return 1
		fi
		sleep 0.05
	done
}

# --- namespaces -------------------------------------------------------------

on() { ip netns exec "$@"; }

setup_net() {
	local ns
	load_needs
	for ns in client router server; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	link_to_router client c0 1
	link_to_router server s0 2
	ip -n server addr add 10.0.2.3/24 dev eth0
	ip -n server addr add 2001:db8:2::3/64 dev eth0 nodad
	on router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	# The router is not the initial namespace, but its lines must be in the log.
	sysctl -qw net.netfilter.nf_log_all_netns=1
	# A rule on the state turns conntrack on. No helper sees INVALID packets.
	local iptables
	for iptables in iptables ip6tables; do
		on router $iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP
	done
}

link_to_router() {
	local ns=$1 port=$2 net=$3
	ip -n "$ns" link add eth0 type veth peer name "$port" netns router
	ip -n "$ns" addr add "10.0.$net.2/24" dev eth0
	ip -n "$ns" addr add "2001:db8:$net::2/64" dev eth0 nodad
	ip -n router addr add "10.0.$net.1/24" dev "$port"
	ip -n router addr add "2001:db8:$net::1/64" dev "$port" nodad
	ip -n "$ns" link set eth0 up
	ip -n router link set "$port" up
	ip -n "$ns" route add default via "10.0.$net.1"
	ip -n "$ns" route add default via "2001:db8:$net::1"
}

# start on NAMESPACE CMD...: in the background, ended by the cleanup. With on(), a signal would end
# only the shell in between.
start() {
	shift
	ip netns exec "$@" &
	background+=($!)
}

cleanup() {
	local pid ns
	for pid in "${background[@]}"; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	for ns in client router server; do
		# What they have started themselves.
		ip netns pids "$ns" 2>/dev/null | xargs -r kill 2>/dev/null || :
		# The namespace may live on for a while, and its rules hold the module.
		on "$ns" nft flush ruleset 2>/dev/null || :
		ip netns del "$ns" 2>/dev/null || :
	done
	busywait unload || :
	rm -rf "$scratch"
	plain_output
}
trap cleanup EXIT

# echo_server PORT...: in the server namespace, returns what it reads.
echo_server() {
	start on server "$python" "$here/echo.py" "$@"
	local port
	for port; do
		busywait listening "$port"
	done
}

# make_certificate: for the servers, key.pem and cert.pem in the scratch folder.
make_certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test \
		-keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>"$scratch/openssl.log"
}

# start_nginx PORT: in the server namespace, with that certificate; its servers come by the standard
# input.
start_nginx() {
	cat >"$scratch/nginx.conf" <<-CONF
		daemon off;
		pid $scratch/nginx.pid;
		error_log stderr;
		events {}
		http {
			access_log off;
			client_header_timeout $patience;
			client_body_timeout $patience;
			send_timeout $patience;
			proxy_read_timeout $patience;
			ssl_certificate $scratch/cert.pem;
			ssl_certificate_key $scratch/key.pem;
			$(cat)
		}
	CONF
	start on server nginx -c "$scratch/nginx.conf" -e stderr 2>"$scratch/nginx.log"
	busywait listening "$1" || { cat "$scratch/nginx.log" && return 1; }
}

listening() { on server ss -Hltn "sport = :$1" | grep -q .; }

# --- the module -------------------------------------------------------------

loaded() { [[ -d /sys/module/$module ]]; }

# load PARAMETER=VALUE...: every broken rule is logged, however many there are.
load() { insmod "$NF_CT_TLS_KO" log_limit=0 "$@"; }

# What insmod, unlike modprobe, does not load.
load_needs() {
	local needs
	needs=$(modinfo -F depends "$NF_CT_TLS_KO" | tr , ' ')
	# shellcheck disable=SC2086
	modprobe -a nf_conntrack $needs
}

unload() { ! loaded || rmmod $module; }

reload() { unload && load "$@"; }

# install_module: so that modprobe finds the module by its alias, as after depmod. All that the
# module needs is loaded already. Without KVM depmod takes minutes over the distribution's modules,
# so this folder has no other module.
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

# counter NAME: of the router.
counter() { on router sed -n "s/^$1 //p" "/proc/net/$module"; }

# tracked NAMESPACE PORT WORDS: conntrack has a connection to the port, with these words in its
# line.
tracked() {
	local family
	for family in ipv4 ipv6; do
		on "$1" conntrack -L -f "$family" -p tcp --orig-port-dst "$2" 2>/dev/null
	done | grep -e "$3"
}

# --- the kernel log ---------------------------------------------------------

# A mark in the log: where log_since starts.
log_cursor() {
	local mark="mark $BASHPID.$RANDOM.$RANDOM"
	echo "$mark" >/dev/kmsg
	echo "$mark"
}

log_since() { dmesg --syslog --notime | sed "1,/$1\$/d"; }

# grep reads to the end: if it stopped at the first line, SIGPIPE would fail the pipeline.
logged() { log_since "$1" | grep -E -- "$2" >/dev/null; }

not_logged() {
	! log_since "$1" | grep -E -- "$2"
}
