#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The same loads through the router without a helper, with ours, and with Suricata in NFQUEUE mode,
# in turn; counted as tests/bench-guest does. Suricata runs twice: as packaged, and told to follow
# sessions to their end (suricata_full). Only the process that is measured runs, the others are
# stopped. Prints figures as lines of five columns, and sets no limit on them. A measurement that
# went wrong is an error.

# shellcheck source=tests/bench-guest/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../bench-guest/lib.sh"

runs=3
variants=(none tls suricata suricata_full)
suricatas=(suricata suricata_full)
# Each packet through Suricata takes long to emulate.
bulk_bytes=$((8 << 20))
requests=400
handshakes=20
many=20000
# Connections that are open before memory is measured, and those that are measured.
first=50 held=200
peers=$NF_CT_TLS_DIR/tests/bench-peers
demo=$NF_CT_TLS_DIR/tests/demo
venv_python=${NF_CT_TLS_PYTHON:-/opt/venv/bin/python3}
attacks=(leak-in-handshake leak-encrypted smuggle ssl2)

declare -A queues=([suricata]=0 [suricata_full]=1) pids
# To the end: all of the stream is reassembled, and read on after the handshake.
declare -A settings=([suricata]=""
	[suricata_full]="app-layer.protocols.tls.encryption-handling=full stream.reassembly.depth=0")

# --- Suricata ---------------------------------------------------------------

# The packaged rules for TLS, which drop instead of warn.
make_rules() {
	sed 's/^alert /drop /' /etc/suricata/rules/tls-events.rules >"$scratch/tls.rules"
	say "$(suricata -V), $(grep -c ^drop "$scratch/tls.rules") rules"
}

# start_suricata VARIANT SETTING...: the packaged settings, and these. Its threads of the kind
# "workers" do all the work of a packet.
start_suricata() {
	local variant=$1 folder setting options=()
	shift
	folder=$scratch/$variant
	rm -rf "$folder"
	mkdir "$folder"
	# Words are meant to be split.
	# shellcheck disable=SC2086
	for setting in ${settings[$variant]} "$@"; do options+=("--set=$setting"); done
	start on router suricata -c /etc/suricata/suricata.yaml -S "$scratch/tls.rules" \
		--runmode workers -q "${queues[$variant]}" -l "$folder" "${options[@]}" \
		>"$folder/output" 2>&1
	pids[$variant]=$!
	busywait grep -q "Engine started" "$folder/suricata.log" || {
		cat "$folder"/{output,suricata.log}
		broken "$variant does not start"
	}
	say "$variant: started"
}

stop_suricata() {
	kill -CONT "${pids[$1]}"
	kill -INT "${pids[$1]}"
	wait "${pids[$1]}" || broken "$1 ended with status $?"
}

# queue VARIANT: its packets go to its process.
queue() {
	local side
	for side in d s; do
		on router iptables -A FORWARD -p tcp "--${side}port" "${2:-${ports[$1]}}" \
			-j NFQUEUE --queue-num "${queues[$1]}"
	done
}

# queue_column VARIANT COLUMN: of the kernel's table.
queue_column() {
	on router awk -v queue="${queues[$1]}" -v column="$2" '$1 == queue { print $column }' \
		/proc/net/netfilter/nfnetlink_queue
}

queued() { queue_column "$1" 8; }

# seen VARIANT COUNTER: of its newest statistics.
seen() { "$python" "$peers/seen.py" "$scratch/$1/eve.json" "$2"; }

# It read all packets that the kernel handed it, as TLS, and dropped none.
worked() {
	local lost packets
	lost=$(($(queue_column "$1" 6) + $(queue_column "$1" 7)))
	expect "$1: packets lost in the queue" "$lost" 0
	packets=$(queued "$1")
	kill -CONT "${pids[$1]}"
	# Its statistics are written each 8 seconds.
	busywait has_seen "$1" "$packets" || broken \
		"$1 read $(seen "$1" decoder.pkts) packets of $packets"
	expect "$1: packets passed" "$(seen "$1" ips.accepted)" "$packets"
	expect "$1: errors of its TLS parser" "$(seen "$1" app_layer.error.tls.parser)" 0
	expect "$1: TLS connections" "$(seen "$1" app_layer.flow.tls)" "$2"
	say "$1: $packets packets, $2 TLS connections"
}

has_seen() { (($(seen "$1" decoder.pkts) == $2)); }

# By a client that reads no file: meanwhile the guest's clock runs ahead, and so does what Suricata
# does by the clock.
bulk() {
	through "$1" "$2" "$3" "$tools/load" "$server4" "${ports[$2]}" "$bulk_bytes" bulk
	record "$1" "$2" "$3" bytes "$bulk_bytes"
}

# Only the process that is measured runs.
turn_to() {
	local variant
	for variant in "${suricatas[@]}"; do
		if [[ $variant == "$1" ]]; then
			kill -CONT "${pids[$variant]}"
		else
			kill -STOP "${pids[$variant]}"
		fi
	done
	# What it missed meanwhile. Costs nothing: an idle guest's time passes at once.
	sleep 3
}

# Bytes that our helper read, and packets that each Suricata was given.
looked_at() { echo "$(counter bytes) $(queued suricata) $(queued suricata_full)"; }

# looked_as_it_should VARIANT BEFORE AFTER
looked_as_it_should() {
	local before after position grown=()
	read -r -a before <<<"$2"
	read -r -a after <<<"$3"
	for position in 0 1 2; do grown+=($((after[position] > before[position]))); done
	case "$1: ${grown[*]}" in
	"none: 0 0 0" | "tls: 1 0 0" | "suricata: 0 1 0" | "suricata_full: 0 0 1") ;;
	*) broken "$1: from $2 to $3" ;;
	esac
}

# --- what is not instructions -----------------------------------------------

# The guest's time of each request, in ns: its median. The guest has nothing else to do.
latency() {
	local times
	times=$(on client "$tools/load" "$server4" "${ports[$2]}" "$requests" timed) ||
		broken "$1 $2"
	record "$1" "$2" "$3" ns "$(sort -n <<<"$times" | sed -n "$((requests / 2))p")"
}

# anonymous VARIANT: bytes that the process has for itself.
anonymous() { awk '/^Anonymous:/ { print $2 * 1024 }' "/proc/${pids[$1]}/smaps_rollup"; }

# hold VARIANT N: connections that stay open.
hold() {
	local out
	out=$(mktemp -p "$scratch")
	start on client "$tools/load" "$server4" "${ports[$1]}" "$2" held >"$out"
	busywait grep -q held "$out" || broken "$1: $2 connections"
	holding+=($!)
	# So long that it has done all that it does later on.
	sleep 20
}

follows() { (($(seen "$1" flow.active) == $2)); }

# process_memory VARIANT: of a Suricata that allocates nothing in advance, else a connection's
# memory was there before it.
process_memory() {
	local holding=() before
	say "memory, $1"
	# Else it grows by 2 MiB at a time.
	echo never >/sys/kernel/mm/transparent_hugepage/enabled
	start_suricata "$1" flow.prealloc=1 stream.prealloc-sessions=1 \
		stream.reassembly.segment-prealloc=1
	record footprint "$1" 1 bytes "$(anonymous "$1")"
	kept "$1" "$1" 0 >/dev/null
	hold "$1" "$first"
	before=$(anonymous "$1")
	hold "$1" "$held"
	record memory "$1" 1 bytes $(($(anonymous "$1") - before))
	record memory "$1" 1 connections "$held"
	worked "$1" $((1 + first + held))
	busywait follows "$1" $((first + held)) || broken \
		"$1 follows $(seen "$1" flow.active) connections, not $((first + held))"
	kill "${holding[@]}"
	stop_suricata "$1"
}

# --- what is stopped --------------------------------------------------------

# Attacks on the demo's flawed server, on port 443, whoever looks at that.
start_flawed_server() {
	secret="the-password-is-$RANDOM$RANDOM$RANDOM"
	mkdir "$scratch/tap"
	start on server "$venv_python" "$demo/leaky_server.py" --cert "$scratch/cert.pem" \
		--key "$scratch/key.pem" --tap "$scratch/tap" --secret "$secret" 10.0.2.3 \
		2>"$scratch/flawed.log"
	busywait listening_on 10.0.2.3
}

listening_on() { on server ss -Hltn src "$1" | grep -q :443; }

# attack VARIANT
attack() {
	local named outcome
	say "attacks, $1"
	on client "$venv_python" "$demo/probe.py" --tap "$scratch/tap" --secret "$secret" \
		"${attacks[@]/%/@10.0.2.3}" |
		while read -r named outcome; do
			say "  $named: $outcome"
			case $outcome in
			leaked* | delivered) outcome=1 ;;
			# The server never saw the end of the connection, which the client reset.
			*"timed out waiting for the server's end"*) outcome=0 ;;
			"the probe failed"*) broken "$1: $named: $outcome" ;;
			*) outcome=0 ;;
			esac
			record "attack ${named%@*}" "$1" 1 worked "$outcome"
		done
}

# Of Suricata, only as packaged: an attack that is stopped takes five minutes to give up.
attack_all() {
	start_flawed_server
	attack tls
	unload
	attack none
	start_suricata suricata
	queue suricata 443
	attack suricata
	sleep 10
	say "suricata: $(seen suricata ips.drop_reason.applayer_error) errors of its parsers," \
		"$(seen suricata ips.drop_reason.rules) drops by rules"
	stop_suricata suricata
}

# ----------------------------------------------------------------------------

main() {
	local variant connections
	checktool nginx openssl conntrack ethtool iptables suricata
	setup_bench
	start_server
	say "set up"
	cp "$tools"/{meter,blast,load} "$scratch"
	tools=$scratch
	export OPENSSL_CONF=/dev/null
	record footprint tls 1 bytes "$(<"/sys/module/$module/coresize")"
	make_rules
	for variant in "${suricatas[@]}"; do
		start_suricata "$variant"
		queue "$variant"
	done
	say "nothing"
	for variant in none "${suricatas[@]}"; do
		turn_to "$variant"
		measure_nothing "$variant"
	done
	real_tls
	alternate latency latency
	connections=$(((runs + 1) * (4 + handshakes)))
	for variant in "${suricatas[@]}"; do
		worked "$variant" "$connections"
		stop_suricata "$variant"
	done
	for variant in "${suricatas[@]}"; do process_memory "$variant"; done
	setup_made_up
	for variant in none tls; do
		say "memory, $variant"
		memory "$variant"
	done
	forget
	for variant in client server; do on "$variant" iptables -t raw -F; done
	attack_all
	say "done"
}

main
