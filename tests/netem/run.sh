#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Honest TLS gets through bad networks untouched: loss, reordering, duplication,
# delay and corruption before and behind the router, every MTU, with and without
# offloads, TLS 1.2 and 1.3, downloads and uploads. Nothing is condemned, and
# what arrives is what was sent. Then the throughput with the helper (ports 443
# to 445) against that without (8443 to 8445) at 1 % loss, printed only: where
# a segment with a record's header is lost before the router, some of those behind
# it are dropped by the helper, and sent again.
#
#   client <---> router (module) <---> server: nginx
#        [netem]  [netem] [netem]  [netem]
#
# run.sh [PART...]: of clean_100, impaired, sized, throughput.
# NETEM_SECONDS is how long a transfer may take, roughly; NETEM_PAIRS how many runs the medians are of: a single timer
# that runs out makes a run half as fast, so few tell nothing.
# All is IPv4: IPv6 has no MTU below 1280, and TCP knows no difference.

netem=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/netns/lib.sh
source "$netem/../netns/lib.sh"

seconds=${NETEM_SECONDS:-4}
pairs=${NETEM_PAIRS:-15}
full=100 least=5 # megabytes
megabyte=1000000
store=$scratch/www
shown=(gaps_skipped ooo_passed ooo_dropped retransmissions truncated)

# --- the servers ------------------------------------------------------------

make_files() {
	mkdir -p "$store" "$scratch/received"
	head -c $((full * megabyte)) /dev/urandom >"$store/data"
	chmod 755 "$scratch" "$store"
	chmod 777 "$scratch/received"
	make_certificate
}

# An upload is kept as a file by the proxy, which then asks the port 8080.
start_server() {
	start_nginx 443 <<-CONF
		ssl_protocols TLSv1.2 TLSv1.3;
		client_max_body_size 0;
		client_body_temp_path $scratch/received;
		root $store;
		$(tls_server 443 16k)
		$(tls_server 444 4k)
		$(tls_server 445 1400)
		server {
			listen 127.0.0.1:8080;
			location / { return 200 \$http_file; }
		}
	CONF
}

# tls_server PORT RECORD: on the port, which gets the helper, and on that 8000 above; with records so long.
tls_server() {
	cat <<-CONF
		server {
			listen $1 ssl;
			listen $((8000 + $1)) ssl;
			ssl_buffer_size $2;
			location /upload {
				client_body_in_file_only on;
				proxy_pass_request_body off;
				proxy_set_header Content-Length "";
				proxy_set_header File \$request_body_file;
				proxy_pass http://127.0.0.1:8080;
			}
		}
	CONF
}

# --- transfers --------------------------------------------------------------

# same SUM BYTES: whether it is that of so many bytes of what was to be sent.
same() {
	[[ $1 == "$(head -c "$2" "$store/data" | sha256sum)" ]] && return
	echo "other bytes arrived than were sent" >&2
	return 1
}

fetch() {
	on client curl -sSk --fail --max-time "$patience" --tlsv1."$1" --tls-max 1."$1" "${@:3}" \
		"https://$server4:$2"
}

# download TLS PORT BYTES: prints bytes a second.
download() {
	local sum speed
	speed=$(fetch "$1" "$2/data" -r "0-$(($3 - 1))" -o "$scratch/got" -w '%{speed_download}') ||
		return 1
	sum=$(sha256sum <"$scratch/got")
	same "$sum" "$3" || return 1
	echo "${speed%.*}"
}

# upload TLS PORT BYTES: prints bytes a second.
upload() {
	local answer file sum
	head -c "$3" "$store/data" >"$scratch/put"
	answer=$(fetch "$1" "$2/upload" -H 'Expect:' -T "$scratch/put" -w ' %{speed_upload}') || return 1
	file=${answer% *} answer=${answer##* }
	sum=$(sha256sum <"$file")
	rm -f "$file"
	same "$sum" "$3" || return 1
	echo "${answer%.*}"
}

# --- networks ---------------------------------------------------------------

ends=("client eth0" "router c0" "router s0" "server eth0")

# shape WHERE NETEM...: before (the hosts' ends) or behind (the router's), or nowhere.
shape() {
	local where=$1 end
	shift
	clear_shape
	for end in "${ends[@]}"; do
		[[ $where == before && $end == router* ]] && continue
		[[ $where == behind && $end != router* ]] && continue
		# shellcheck disable=SC2086
		qdisc replace $end netem limit 10000 "$@"
	done
}

clear_shape() {
	local end
	for end in "${ends[@]}"; do
		# shellcheck disable=SC2086
		qdisc delete $end 2>/dev/null || :
	done
}

# qdisc VERB NAMESPACE DEVICE REST...
qdisc() { tc -n "$2" qdisc "$1" dev "$3" root "${@:4}"; }

# offloads on|off: of all ends; the kernel calls what a device lacks an error. TCP hands many segments down
# at once even so, which netem would lose at once, unless the device takes but one.
offloads() {
	local end feature most=1
	if [[ $1 == on ]]; then most=65535; fi
	for end in "${ends[@]}"; do
		ip -n "${end% *}" link set "${end#* }" gso_max_segs "$most"
		for feature in tso gso gro tx; do
			[[ $feature == tx && $1 == off ]] && continue
			# shellcheck disable=SC2086
			on ${end% *} ethtool -K "${end#* }" $feature "$1" >/dev/null 2>&1 || :
		done
	done
}

mtu() {
	local end
	for end in "${ends[@]}"; do
		ip -n "${end% *}" link set "${end#* }" mtu "$1"
	done
}

# --- cases ------------------------------------------------------------------

counts() {
	local name
	for name in "${shown[@]}"; do
		printf '%s %s\n' "$name" "$(counter "$name")"
	done
}

# difference BEFORE AFTER: of two outputs of counts.
difference() { paste <(echo "$1") <(echo "$2") | awk '{ printf " %s=%d", $1, $4 - $2 }'; }

# transfer WAY TLS MOST: as many megabytes as fit into the time, up to MOST.
transfer() {
	local way=$1 tls=$2 most=$3 speed size before condemned
	condemned=$(counter condemned) before=$(counts)
	speed=$($way "$tls" 443 $((least * megabyte))) || return 1
	size=$((speed * seconds / megabyte))
	size=$((size > most ? most : size))
	if ((most == full)); then size=$full; fi
	if ((size > least)); then
		speed=$($way "$tls" 443 $((size * megabyte))) || return 1
	else
		size=$least
	fi
	printf '# %s: TLS 1.%s %s: %d MB, %d kB/s,%s\n' "$current" "$tls" "$way" "$size" \
		$((speed / 1000)) "$(difference "$before" "$(counts)")" >>"$scratch/told"
	if [[ $(counter condemned) != "$condemned" ]]; then
		echo "condemned:"
		log_since "$cursor" | grep "$module"
		return 1
	fi
}

# transfers MOST: both ways, both versions.
transfers() {
	local tls way
	for tls in 2 3; do
		for way in download upload; do
			transfer "$way" "$tls" "$1" || return 1
		done
	done
}

# network NAME MOST: all transfers over what was set up; one test.
network() {
	current=$1
	: >"$scratch/told"
	cursor=$(log_cursor)
	check "netem_$1" transfers "$2"
	note <"$scratch/told"
}

# NAME WHERE NETEM...: behind the router only losses differ, as segments that were seen and come again.
impairments=(
	"loss1 before loss 1%" "loss1 behind loss 1%" "loss5 before loss 5%" "loss5 behind loss 5%"
	"reorder25 before delay 2ms reorder 75% 50%" "duplicate5 before duplicate 5%"
	"delay20 before delay 20ms" "corrupt01 before corrupt 0.1%" "corrupt1 before corrupt 1%"
)
mtus=(576 1500 9000 65535)

impaired() {
	local impairment name where rest
	offloads off
	for impairment in "${impairments[@]}"; do
		read -r name where rest <<<"$impairment"
		# shellcheck disable=SC2086
		shape "$where" $rest
		network "${name}_$where" 50
	done
	clear_shape
}

sized() {
	local mtu switch
	for switch in on off; do
		offloads "$switch"
		for mtu in "${mtus[@]}"; do
			mtu "$mtu"
			network "mtu${mtu}_offloads_$switch" 50
		done
	done
	mtu 1500
}

# --- with against without ---------------------------------------------------

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# resent: what TCP has sent again so far, and how often only after its timer ran out.
resent() {
	local ns
	for ns in client server; do
		on "$ns" nstat -asz TcpRetransSegs TcpExtTCPTimeouts TcpExtTCPLossProbes
	done | awk '/^Tcp/ { n[$1] += $2 } END { print n["TcpRetransSegs"], n["TcpExtTCPTimeouts"], n["TcpExtTCPLossProbes"] }'
}

# timed FILE WAY PORT BYTES: one run, its speed and what was sent again.
timed() {
	local before speed
	before=$(resent)
	speed=$($2 3 "$3" "$4") || return 1
	echo "$speed" "$before" "$(resent)" | awk '{ print $1, $5 - $2, $6 - $3, $7 - $4 }' >>"$1"
}

# ratio PORT WAY WHERE NETEM...: medians of alternating runs, with the helper and without; the dice of both
# runs of a pair fall alike.
ratio() {
	local port=$1 other=$((8000 + $1)) way=$2 speed size most=$((full * megabyte)) n before
	shape "${@:3}"
	speed=$($way 3 "$other" $((least * megabyte))) || return 1
	size=$((speed * seconds))
	size=$((size > most ? most : size < least * megabyte ? least * megabyte : size))
	: >"$scratch/with"
	: >"$scratch/without"
	before=$(counts)
	for ((n = 1; n <= pairs; n++)); do
		shape "${@:3}" seed "$n"
		timed "$scratch/with" "$way" "$port" "$size" || return 1
		shape "${@:3}" seed "$n"
		timed "$scratch/without" "$way" "$other" "$size" || return 1
	done
	told_ratio "$size" "$(difference "$before" "$(counts)")" >>"$scratch/told"
	clear_shape
}

told_ratio() {
	local with without arm
	with=$(median <"$scratch/with") without=$(median <"$scratch/without")
	awk -v w="$with" -v o="$without" -v n="$pairs" -v size="$(($1 / megabyte))" -v what="$current" '
		BEGIN { printf "# %s: with %d kB/s, without %d kB/s, ratio %.2f (medians of %d runs of %d MB)\n",
			what, w / 1000, o / 1000, w / o, n, size }'
	echo "# helper:$2"
	for arm in with without; do
		awk -v arm="$arm" '
			{ speeds = speeds " " int($1 / 1000); s += $2; t += $3; p += $4 }
			END { printf "# %s:%s kB/s; sent again %d, timers run out %d, probes %d\n", arm, speeds, s, t, p }
		' "$scratch/$arm"
	done
}

# NAME PORT WAY WHERE NETEM...: curl sends records of 16 KiB, nginx of what the port says. The ends' delays
# add up to the round trip.
comparisons=(
	"download_without_loss 443 download before loss 0%"
	"download 443 download before loss 1%" "download_rtt20ms 443 download before loss 1% delay 10ms"
	"download_40mbit 443 download before loss 1% rate 40mbit"
	"download_40mbit_records_4k 444 download before loss 1% rate 40mbit"
	"upload_40mbit 443 upload before loss 1% rate 40mbit"
	"download_40mbit_records_1400 445 download before loss 1% rate 40mbit"
	"download_rtt20ms_records_1400 445 download before loss 1% delay 10ms"
	"download_records_4k 444 download before loss 1%" "upload 443 upload before loss 1%"
	"download_lost_behind 443 download behind loss 1%"
)

throughput() {
	local comparison name rest
	offloads off
	for comparison in "${comparisons[@]}"; do
		read -r name rest <<<"$comparison"
		current=throughput_$name
		: >"$scratch/told"
		# shellcheck disable=SC2086
		check "$current" ratio $rest
		note <"$scratch/told"
	done
}

clean_100() {
	offloads on
	network clean_100mb "$full"
}

checktool insmod ip tc ethtool nginx curl openssl
modprobe sch_netem
setup_net
# A run is not to begin with what TCP learnt in the one before it.
for ns in client server; do
	on "$ns" sysctl -qw net.ipv4.tcp_no_metrics_save=1
done
make_files
start_server
load ports=443,444,445
declare -A tests=([clean_100]=1 [impaired]=${#impairments[@]} [sized]=$((2 * ${#mtus[@]})) [throughput]=${#comparisons[@]})
parts=("$@")
[[ ${#parts[@]} != 0 ]] || parts=(clean_100 impaired sized throughput)
total=0
for part in "${parts[@]}"; do
	total=$((total + tests[$part]))
done
plan "$total"
for part in "${parts[@]}"; do
	$part
done
counts
finish
