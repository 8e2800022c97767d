#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [CONNECTIONS [LOADS]]: the module under many connections (20000), and through many loads
# (100). Half of the connections are made while nothing else happens, and each has to be counted for
# what it is. The others are made while
#
#   the module is loaded and removed, by itself and under rules
#   conntrack's table is flushed, and is full
#   network namespaces are made and destroyed, with connections
#   clients die in mid-record
#
# Afterwards nothing is left of them. If the kernel complains, scripts/vm.sh fails the run.

stress=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/netns/lib.sh
source "$stress/../netns/lib.sh"
export PYTHONPATH=$here:$stress

connections=${1:-20000}
loads=${2:-100}
over=$scratch/over	# there when the storm is
caches=/sys/kernel/slab

setup() {
	local ns
	checktool conntrack iptables ip6tables nft ip sysctl
	setup_net
	# Log lines are limited: one per connection would stress the console.
	sysctl -qw net.core.message_cost=5
	# No TIME-WAIT sockets: those of a minute take memory, too.
	on client sysctl -qw net.ipv4.tcp_max_tw_buckets=0
	on client sysctl -qw "net.ipv4.ip_local_port_range=1024 65535"
	on router sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_{close,time_wait}=1
	table_size=$(sysctl -n net.netfilter.nf_conntrack_max)
	# Connections that the storm cut off give up soon.
	for ns in client server; do
		on $ns sysctl -qw net.ipv4.tcp_{fin_timeout,orphan_retries,synack_retries}=1
	done
	for _ in $(seq "$(nproc)"); do
		start on server "$python" "$stress/sink.py" 443 8443
	done
	busywait listening 443
	busywait listening 8443
}

load_here() { load ports=443,8444; }

calls() { "$python" "$stress/calls.py" "$@" | tee "$scratch/told"; }

# tell: what the calls said about their number and speed.
tell() { note <"$scratch/told"; }

# No connection sends any more: the sink would wait for ever.
settled() {
	{
		on client ss -Htn state connected
		on server ss -Htn state fin-wait-1 state last-ack state closing
	} >"$scratch/talking"
	[[ ! -s $scratch/talking ]]
}

settle() { busywait settled || { cat "$scratch/talking" && return 1; }; }

# --- what is left -----------------------------------------------------------

account() { "$python" "$stress/account.py" "$@"; }

flush() { on router conntrack -F; }

tracks_nothing() {
	flush && [[ $(on router cat /proc/sys/net/netfilter/nf_conntrack_count) == 0 ]] &&
		[[ -z $(on router cat /proc/net/nf_conntrack) ]]
}

no_reference() { [[ $(</sys/module/$module/refcnt) == 0 ]]; }

leaves_nothing() { ! loaded && [[ ! -e /proc/net/$module ]] &&
	! grep -q "\[$module\]" /proc/kallsyms; }

# objects CACHE: how many are in use; after caches have been shrunk.
objects() {
	echo 1 >"$caches/$1/shrink"
	cut -d ' ' -f 1 "$caches/$1/objects"
}

# The namespaces are gone, with what they tracked; conntrack frees by RCU.
no_conntrack_left() { (($(objects nf_conntrack) <= conntracks)); }

memory_is_back() { account given-back "$scratch/memory" >"$scratch/told"; }

# Clients died in the storm, and the sink was not told.
stop_sink() {
	kill "${background[@]}"
	wait "${background[@]}" 2>/dev/null || :
	background=()
}

# --- the storm --------------------------------------------------------------

calm() { [[ -e $over ]]; }

# repeat PAUSE COMMAND...: until the storm is over. It may fail, but has to succeed once.
repeat() {
	local pause=$1 times=0 said=$scratch/$2.said
	shift
	until calm; do
		if "$@" &>"$said"; then
			times=$((times + 1))
		fi
		sleep "$pause"
	done
	{
		echo "$times times: $*"
		((times)) || cat "$said"
	} >>"$scratch/actors"
	((times))
}

raw_rule() { on router "$1" -t raw -"$2" PREROUTING -p tcp --dport 8443 -j CT --helper tls; }

# A rule holds the module.
loads_under_rule() {
	load_here && raw_rule "$1" A && ! rmmod $module 2>/dev/null && raw_rule "$1" D &&
		busywait unload
}

loads_alone() { load_here && sleep 0.2 && unload; }

load_and_unload() {
	local round
	for ((round = 0; round < loads; round++)); do
		case $((round % 4)) in
		1) loads_under_rule iptables ;;
		3) loads_under_rule ip6tables ;;
		*) loads_alone ;;
		esac || { echo "round $round failed" && return 1; }
	done
}

# A namespace that tracks connections to itself, and goes while one is in mid-record.
namespace_comes_and_goes() {
	local ns=storm tracked
	ip netns add $ns
	ip -n $ns link set lo up
	on $ns iptables -A INPUT -m conntrack --ctstate INVALID -j DROP
	# shellcheck disable=SC2016
	on $ns timeout "$timeout" bash \
		-c 'ncat -l 443 & until exec 3<>/dev/tcp/127.0.0.1/443; do sleep 0.1; done
		printf "\x16\x03\x01\x01" >&3; kill $!'
	tracked=$(on $ns cat /proc/sys/net/netfilter/nf_conntrack_count)
	ip netns del $ns && ((tracked))
}

table_runs_full() {
	sysctl -qw net.netfilter.nf_conntrack_max=4
	sleep 0.5
	sysctl -qw "net.netfilter.nf_conntrack_max=$table_size"
}

clients_die() {
	local client
	"$python" "$stress/calls.py" hold 5 >"$scratch/held" &
	client=$!
	busywait grep -q held "$scratch/held"
	kill -KILL $client
	! wait $client && cat "$scratch/held" && grep -q '^[1-9]' "$scratch/held"
}

storm() {
	local actors=() actor status=0
	repeat 0.3 flush &
	actors+=($!)
	repeat 0.1 namespace_comes_and_goes &
	actors+=($!)
	repeat 2 table_runs_full &
	actors+=($!)
	repeat 0.1 clients_die &
	actors+=($!)
	calls storm $((connections / 2)) "$over" &
	actors+=($!)
	load_and_unload || status=1
	touch "$over"
	for actor in "${actors[@]}"; do
		wait "$actor" || { echo "an actor failed" && status=1; }
	done
	cat "$scratch/actors" >>"$scratch/told"
	return $status
}

holds() { (($(on router cat /proc/sys/net/netfilter/nf_conntrack_count) >= $1)); }

# A table filled by connections that are alive: others are dropped, and later ones are followed as
# usual.
full_table() {
	local cursor client status=0
	"$python" "$stress/calls.py" hold 8 &
	client=$!
	busywait holds 8 || status=1
	cursor=$(log_cursor)
	sysctl -qw net.netfilter.nf_conntrack_max=4
	calls storm 8 "$scratch"
	sysctl -qw "net.netfilter.nf_conntrack_max=$table_size"
	kill -KILL $client
	logged "$cursor" "table full.* dropping packet" || { echo "the table was not full" &&
		return 1; }
	((status == 0)) && settle && flush && calls exact $((connections / 100))
}

after_the_storm() { load_here && settle && flush && calls exact $((connections / 100)); }

gone() {
	local ns
	for ns in client router server; do
		ip netns del $ns
	done
	[[ -z $(ip netns list) ]]
}

setup
plan 19
conntracks=$(objects nf_conntrack)
check "loads and unloads" loads_alone
load_here
check "each of $((connections / 2)) connections is counted for what it is" calls exact \
	$((connections / 2))
tell
check "the table is full" full_table
check "both CPUs on one connection, by the rules" \
	"$python" "$stress/cpus.py" stream $((connections / 20))
check "both CPUs break a rule of one connection" "$python" "$stress/cpus.py" race \
	$((connections / 100))
check "the counters add up" account reasons
check "nothing is tracked" tracks_nothing
check "nothing holds the module" no_reference
check "the module can be removed" unload
account memory "$scratch/memory"
check "$loads loads and unloads, and $((connections / 2)) connections, in a storm" storm
tell
check "what comes after the storm is counted for what it is" after_the_storm
check "the counters add up after the storm" account reasons
check "nothing is tracked after the storm" tracks_nothing
check "nothing holds the module after the storm" no_reference
check "the module can be removed after the storm" unload
check "it leaves nothing" leaves_nothing
stop_sink
check "the memory is given back" busywait memory_is_back
tell
check "the network namespaces go" gone
check "no conntrack is left" busywait no_conntrack_left
finish
