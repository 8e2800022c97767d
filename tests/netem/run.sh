#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Ordinary TLS gets through bad networks unchanged: loss, reordering, duplication,
# delay and corruption before and after the router, every MTU, with and without
# offloads, TLS 1.2 and 1.3, downloads and uploads. Nothing is condemned, and
# what arrives is what was sent. Then the throughput with the helper (ports 443
# to 445) against that without (8443 to 8445) at 1 % loss, printed only: where a segment with a
# record's header is lost before the router, the helper drops some segments after it, which are sent
# again.
#
#   client <---> router (module) <---> server: nginx
#        [netem]  [netem] [netem]  [netem]
#
# run.sh [PART...]: of clean_100, impaired, sized, throughput. NETEM_SECONDS is how long a transfer
# may take, roughly. NETEM_PAIRS is how many runs the medians are of: a single timeout halves the
# speed of a run, so a few runs show nothing. All is IPv4: IPv6 has no MTU below 1280, and for TCP
# both are the same.

netem=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/netns/lib.sh
source "$netem/../netns/lib.sh"
# shellcheck source=tests/netem/shape.sh
source "$netem/shape.sh"

export NETEM_SECONDS=${NETEM_SECONDS:-4} NETEM_PAIRS=${NETEM_PAIRS:-15}
export NETEM_FOLDER=$scratch NETEM_TOLD=$scratch/told
full=100 # megabytes
store=$scratch/www

# --- the servers ------------------------------------------------------------

make_files() {
	mkdir -p "$store" "$scratch/received"
	head -c "${full}MB" /dev/urandom >"$store/data"
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

# tls_server PORT RECORD: on the port, which gets the helper, and on that 8000 above; with records
# so long.
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

# --- networks ---------------------------------------------------------------

# offloads on|off: of all ends; a feature that a device lacks is an error. Even without them TCP
# hands several segments down as one packet, which netem would lose as a whole, unless the device
# accepts only one.
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

# measured NAME HOW WORDS...: one test, by transfers.py.
measured() {
	: >"$scratch/told"
	check "netem_$1" "$python" "$netem/transfers.py" "$2" "$1" "${@:3}"
	note <"$scratch/told"
}

# network NAME MOST: all transfers over what was set up.
network() { measured "$1" each "$2"; }

# NAME WHERE NETEM...: after the router only losses differ, as segments that were seen and come
# again.
impairments=(
	"loss1 before loss 1%" "loss1 after loss 1%" "loss5 before loss 5%" "loss5 after loss 5%"
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

# NAME PORT WAY WHERE NETEM...: curl sends records of 16 KiB, nginx of what the port says. The ends'
# delays add up to the round trip.
comparisons=(
	"download_without_loss 443 download before loss 0%"
	"download 443 download before loss 1%" "download_rtt20ms 443 download before loss 1% delay 10ms"
	"download_40mbit 443 download before loss 1% rate 40mbit"
	"download_40mbit_records_4k 444 download before loss 1% rate 40mbit"
	"upload_40mbit 443 upload before loss 1% rate 40mbit"
	"download_40mbit_records_1400 445 download before loss 1% rate 40mbit"
	"download_rtt20ms_records_1400 445 download before loss 1% delay 10ms"
	"download_records_4k 444 download before loss 1%" "upload 443 upload before loss 1%"
	"download_lost_after 443 download after loss 1%"
)

throughput() {
	local comparison name rest
	offloads off
	for comparison in "${comparisons[@]}"; do
		read -r name rest <<<"$comparison"
		# shellcheck disable=SC2086
		measured "throughput_$name" ratio $rest
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
declare -A tests=([clean_100]=1 [impaired]=${#impairments[@]} [sized]=$((2 * ${#mtus[@]}))
	[throughput]=${#comparisons[@]})
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
