# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shared by the tests of networks: ordinary TLS through a network as it is found, without the module
# and with it. Each setup has five tests:
#
#   1. without the module all bytes arrive, or the setup itself is wrong;
#   2. with the module all bytes arrive;
#   3. the setup took effect in both runs: its own counter rose, by as much as it must;
#   4. nothing was condemned, dropped or reported;
#   5. the helper was called as the manual page says: see helper_*().
#
# The time that a run takes is printed, and not judged.

networks=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/netns/lib.sh
source "$networks/../netns/lib.sh"

module_options=()	# for insmod
# yes where segments come out of order, so that some are dropped to be sent again
reorders=no

# A test file may override this. It is called before each run.
prepare() { :; }

# How many connections the network itself has let hang until now.
hangs() { echo 0; }

# --- both ends ----------------------------------------------------------------

# On one CPU, as are the devices between them: on several CPUs, packets sometimes overtake each
# other.
ends=(taskset --cpu-list 0 "$python" "$networks/ends.py")

make_data() {
	head -c 4M /dev/urandom >"$scratch/data"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=test \
		-keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>"$scratch/openssl.log"
}

# tls_server NAMESPACE OPTIONS...: on port 443 of all its addresses, or on another --port.
tls_server() {
	local port=443 option
	for option; do
		[[ $option != [0-9]* ]] || port=$option
	done
	start on "$1" "${ends[@]}" server "$scratch" :: "${@:2}" 2>>"$scratch/server.log"
	busywait serves "$1" "$port"
}

serves() { on "$1" ss -Hltn "sport = :$2" | grep -q .; }

client_in=client	# the namespace that the client runs in
asked=

# start_client: waits for what run_client asks it.
start_client() {
	mkfifo "$scratch/asked" "$scratch/told"
	start on "$client_in" "${ends[@]}" clients "$scratch" 1<>"$scratch/told"
	exec {asked}>"$scratch/asked" {told}<"$scratch/told"
}

# run_client OPTIONS...: of ends.py; prints what it tells.
run_client() {
	local line
	echo "$*" >&"$asked"
	while IFS= read -r line <&"$told"; do
		echo "$line"
		[[ $line != failed:* ]] || return 0
	done
	echo "the client has gone"
}

# --- evidence -----------------------------------------------------------------

# EVIDENCE is a command that prints a number, which rises when the setup takes effect.

# nstat_of NAMESPACE NAME...: the sum of the namespace's SNMP counters, which must exist.
nstat_of() {
	local ns=$1
	shift
	on "$ns" nstat -asz "$@" | awk -v names=$# 'NR > 1 { n += $2; found++ }
		END { if (found != names) exit 1; print n }'
}

# nft_counter NAME...: the packets that counters of the router's table "net" have counted.
nft_counter() {
	local name
	for name; do
		on router nft list counter inet net "$name"
	done | awk '$1 == "packets" { n += $2; found = 1 } END { if (!found) exit 1; print n }'
}

# watch_entries: keeps a line for each entry that the router's conntrack makes from now on.
watch_entries() {
	# To listen asks for the module, and does not wait for it.
	modprobe nf_conntrack_netlink
	start on router conntrack -E -e NEW -p tcp --orig-port-dst 443 >"$scratch/entries" \
		2>/dev/null
	busywait listener
}

# conntrack listens once a socket of netlink's netfilter family has joined a group there.
listener() { on router grep -qE ' 12 +[0-9]+ +0*[1-9a-f]' /proc/net/netlink; }

# Segments that the TCP stacks of all namespaces have sent again.
sent_again() {
	local ns sum=0
	for ns in client router server "${more_namespaces[@]}"; do
		sum=$((sum + $(nstat_of "$ns" TcpRetransSegs)))
	done
	echo "$sum"
}

# connections_with PATTERN: how many connections, as the client described them, have this.
connections_with() { grep -cE "^connection: .*$1" "$scratch/facts" || [[ $? == 1 ]]; }

# --- a setup ------------------------------------------------------------------

# through NAME HELPER EVIDENCE LEAST CLIENT...: the five tests; HELPER is one of helper_*(),
# EVIDENCE a command whose number rises by LEAST or more in each run, CLIENT the options of ends.py.
through() {
	name=$1 called=$2 evidence=$3 least=$4
	shift 4
	[[ -n $asked ]] || start_client
	unload
	check "$name: all arrives without the module" arrives without "$@"
	load "${module_options[@]}"
	cursor=$(log_cursor)
	check "$name: all arrives with the module" arrives with "$@"
	keep_counters
	check "$name: the setup took effect" took_effect
	check "$name: nothing was condemned, dropped or reported" untouched
	check "$name: the helper was called: $called" "helper_$called"
	tell
}

tests_of_setup=5

# arrives RUN CLIENT...
arrives() {
	local run=$1 before after retransmitted hung
	prepare
	before=$($evidence) || return
	retransmitted=$(sent_again) || return
	hung=$(hangs) || return
	run_client "${@:2}" >"$scratch/$run"
	echo "sent_again: $(($(sent_again) - retransmitted))" >>"$scratch/$run"
	cat "$scratch/$run" >>"$scratch/facts"
	after=$($evidence) || return
	echo $((after - before)) >"$scratch/$run.evidence"
	hung=$(($(hangs) - hung))
	(($(sed -n 's/^failed: //p' "$scratch/$run") <= hung)) && return
	grep -v ^connection: "$scratch/$run" | head -n 8
	tail -n 3 "$scratch/server.log"
	return 1
}

took_effect() {
	local run rose
	for run in without with; do
		rose=$(<"$scratch/$run.evidence")
		((rose >= least)) || { echo \
			"$evidence: $rose, at least $least expected, $run the module" && return 1; }
	done
}

# --- what the module did ------------------------------------------------------

# As the module counted until now.
keep_counters() { on router cat "/proc/net/$module" >"$scratch/counters"; }

untouched() {
	not_logged "$cursor" "^$module: " && nothing_condemned && { [[ $reorders == yes ]] ||
		nothing_dropped; }
}

# From "condemned" on, all counters are about broken rules.
nothing_condemned() {
	awk '$1 == "condemned" { since = 1 } since && $2 { print; bad = 1 } END { exit !since || bad }' "$scratch/counters"
}

# What comes out of order may be dropped, and sent again. Here it comes in order, unless the machine
# is so busy that segments are sent again without the module, too.
nothing_dropped() {
	awk '/^sent_again: / { again = $2; run = 1 }
		/^ooo_dropped / { seen = 1; if ($2 > again) { print; bad = 1 } }
		END { exit !run || !seen || bad }' "$scratch/without" "$scratch/counters"
}

# helper_saw CONDITION: of C connections and B bytes that the client made, of which the helper
# counted c and b, and of r retransmissions; the ends sent R segments again.
helper_saw() {
	awk "/^sum: / { C = \$2; B = \$3 } /^sent_again: / { R = \$2 } { count[\$1] = \$2 } END {
		c = count[\"connections\"]; b = count[\"bytes\"]; r = count[\"retransmissions\"]
		printf \"connections %d of %d, bytes %d of %d, retransmissions %d of %d\n\",
			c, C, b, B, r, R
		exit !($1) }" "$scratch/with" "$scratch/counters"
}

# Once per packet, and it read all of it.
helper_once() { helper_saw "c == C && b >= B && b > 0 && r <= R + 4 * C"; }
# The same, and for SYNs that NAT has no free port for: each begins a connection that is dropped.
helper_retried() { helper_saw "c >= C && b >= B && b > 0 && r <= R + 4 * C"; }
# More than once per packet: the second time a segment is a retransmission.
helper_twice() { helper_saw "c == C && b >= B && r > R + 4 * C"; }
# For each connection, and for each SYN that the network lost after it: that one begins another.
# How many gaps it skipped, and what was sent again, the network decides.
helper_some() { helper_saw "c >= C && b > B / 4"; }
# For all connections, of which it may have lost sight.
helper_partly() { helper_saw "c == C && b > 0"; }
# For no packet.
helper_never() { helper_saw "C > 0 && c == 0 && b == 0"; }
# It saw the connections begin, and could not read them.
helper_unread() { helper_saw "c >= C && c > 0 && b < B / 2"; }

# tell: what the helper saw, and a row for the table.
tell() {
	local saw seconds
	saw=$(helper_saw 1)$(awk '$2 && !/^(connections|bytes|records|retransmissions) / { printf ", %s %d", $1, $2 }' \
		"$scratch/counters")
	local without with
	without=$(<"$scratch/without.evidence") with=$(<"$scratch/with.evidence")
	note <<<"$name: helper called $called: $saw; evidence $without and $with"
	seconds=$(awk '/^sum: / { printf "%s%s", separator, $4; separator = " | " }' "$scratch/without" "$scratch/with")
	[[ -z ${NETWORKS_TABLE:-} ]] || echo "$name | $seconds | $called | $saw" >>"$NETWORKS_TABLE"
}

# --- setting up ---------------------------------------------------------------

more_namespaces=()

# add_namespace NAME: beside the three.
add_namespace() {
	ip netns add "$1"
	more_namespaces+=("$1")
	ip -n "$1" link set lo up
}

# add_link NAMESPACE DEVICE ADDRESSES NAMESPACE DEVICE ADDRESSES: a pair of devices.
add_link() {
	ip -n "$1" link add "$2" type veth peer name "$5" netns "$4"
	# shellcheck disable=SC2086
	add_address "$1" "$2" $3
	# shellcheck disable=SC2086
	add_address "$4" "$5" $6
}

# add_address NAMESPACE DEVICE ADDRESS...: IPv4 or IPv6, and the device up.
add_address() {
	local address
	for address in "${@:3}"; do
		if [[ $address == *:* ]]; then
			ip -n "$1" addr add "$address" dev "$2" nodad
		else
			ip -n "$1" addr add "$address" dev "$2"
		fi
	done
	ip -n "$1" link set "$2" up
}

remove_namespaces() {
	local ns
	for ns in "${more_namespaces[@]}"; do
		ip netns pids "$ns" | xargs -r kill
		ip netns del "$ns"
	done
}
trap 'remove_namespaces; cleanup' EXIT

# setup COUNT: the namespaces and the data, for so many setups.
setup() {
	checktool taskset insmod iptables ip6tables nft nstat ss openssl awk
	setup_net
	make_data
	: >"$scratch/facts"
	plan $(($1 * tests_of_setup + ${2:-0}))
}

# nft_router: a ruleset for the router, by the standard input.
nft_router() { on router nft -f -; }
