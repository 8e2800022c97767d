#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The demo, run in the guest: real tools attack a server with the heartbleed
# flaw through a router, first without the module, then with it, while ordinary downloads run beside
# the attacks. Prints one table; fails when a row is not as it should be.

demo=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../netns/lib.sh
source "$demo/../netns/lib.sh"
plain_output

leaky4=10.0.2.2 leaky6=2001:db8:2::2 nginx4=10.0.2.3
python=${NF_CT_TLS_PYTHON:-/opt/venv/bin/python3}
megabytes=50
# Different in each run: who knows it has got it by the leak.
secret="the-password-is-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')"
tap=$scratch/tap
phase=
attacks=(
	"leak-in-handshake@$leaky4" "leak-in-handshake@$leaky6"
	"leak-encrypted@$leaky4" "smuggle@$leaky4" "ssl2@$leaky4"
)

say() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }

# --- the servers ------------------------------------------------------------

make_download() {
	mkdir "$scratch/www"
	head -c "${megabytes}M" /dev/urandom >"$scratch/www/download"
	download_sum=$(sha256sum <"$scratch/www/download")
	chmod 755 "$scratch" "$scratch/www"
}

start_honest_server() {
	start_nginx 443 <<-CONF
		server {
			listen $nginx4:443 ssl;
			ssl_protocols TLSv1.2 TLSv1.3;
			root $scratch/www;
		}
	CONF
}

start_leaky_server() {
	mkdir "$tap"
	start on server "$python" "$demo/leaky_server.py" --cert "$scratch/cert.pem" \
		--key "$scratch/key.pem" --tap "$tap" --secret "$secret" \
		"$leaky4" "$leaky6" 2>"$scratch/leaky.log"
}

answers() { on client curl -sko "$scratch/answer" --max-time "$timeout" "https://$1/"; }

await() {
	busywait answers "$1" && return
	cat "$scratch"/*.log
	return 1
}

# --- what is measured: each prints a few words ------------------------------

# nmap's own script, with a longer wait for the answer: after 5 seconds it would report the server
# as safe.
patient_script() {
	sed "s/set_timeout(5000)/set_timeout(${timeout}000)/" \
		/usr/share/nmap/scripts/ssl-heartbleed.nse \
		>"$scratch/ssl-heartbleed.nse"
	grep -q "set_timeout(${timeout}000)" "$scratch/ssl-heartbleed.nse"
}

nmap_heartbleed() {
	local out
	out=$(on client nmap "$@" -Pn -n -p 443 \
		--initial-rtt-timeout 10s --min-rtt-timeout 10s --max-rtt-timeout 60s \
		--script "$scratch/ssl-heartbleed.nse" --script-args vulns.showall)
	printf '%s\n' "$out" >"$scratch/$phase.nmap$1.log"
	case $out in
	*'State: NOT VULNERABLE'*) echo "NOT VULNERABLE" ;;
	*'State: VULNERABLE'*) echo "VULNERABLE" ;;
	*'443/tcp open'*) echo "no flaw reported" ;;
	*) echo "no answer" ;;
	esac
}

# sslscan sends its ClientHello and its heartbeat at once. If the server's flight and its answer lie
# in the socket together, sslscan reads both as the flight, waits for another answer, and finds no
# flaw. The server's delay makes that rare. A scan that misses the flaw is repeated.
sslscan_heartbleed() {
	local tries outcome
	for ((tries = 0; tries < 10; tries++)); do
		outcome=$(sslscan_once)
		[[ $phase == before && $outcome == "not vulnerable" ]] || break
	done
	echo "$outcome"
}

sslscan_once() {
	local out
	out=$(on client sslscan --no-colour --no-ciphersuites --no-groups --no-fallback \
		--no-renegotiation --no-compression --no-check-certificate --sni-name=demo.example \
		--timeout=60 --connect-timeout="$timeout" "$leaky4:443")
	printf '%s\n' "$out" >"$scratch/$phase.sslscan.log"
	case $out in
	*' vulnerable to heartbleed'*) summarise_sslscan "$out" ;;
	*) echo "no answer" ;;
	esac
}

summarise_sslscan() {
	if grep -v 'not vulnerable' <<<"$1" | grep -q 'vulnerable to heartbleed'; then
		echo "vulnerable"
	else
		echo "not vulnerable"
	fi
}

# One process for all attacks: Python takes long to start without KVM.
probe_all() {
	local attack outcome
	on client "$python" "$demo/probe.py" --tap "$tap" --secret "$secret" "${attacks[@]}" |
		while read -r attack outcome; do
			row "$attack" echo "$outcome"
		done
}

fetch() {
	local sum
	sum=$(on client curl -sk --max-time "$patience" --tlsv1.2 --tls-max "$1" \
		"https://$nginx4/download" | sha256sum) || :
	if [[ $sum == "$download_sum" ]]; then
		echo "checksum right"
	else
		echo "WRONG"
	fi
}

log_lines() { log_since "$cursor" | grep -cE "$module: $1" || :; }

# --- the run ----------------------------------------------------------------

# row KEY WORDS...: keeps the words of this phase's measurement.
row() {
	local key=$1
	shift
	"$@" >"$scratch/$phase.$key"
	say "  $key: $(<"$scratch/$phase.$key")"
}

fetches() {
	row fetch12 fetch 1.2
	row fetch13 fetch 1.3
}

attack_all() {
	phase=$1
	cursor=$(log_cursor)
	fetches &
	local fetching=$!
	row nmap4 nmap_heartbleed "-4" "$leaky4"
	row nmap6 nmap_heartbleed "-6" "$leaky6"
	row sslscan sslscan_heartbleed
	probe_all
	wait "$fetching"
	row log log_lines 'heartbleed: connection condemned, '
	row honest log_lines ".* -> $nginx4:443\$"
}

failed=0
line() { printf '%-44s  %-22s  %-24s  %s\n' "$@"; }

# expect TITLE KEY WITHOUT WITH: one row of the table.
expect() {
	local before after verdict=ok
	before=$(<"$scratch/before.$2") after=$(<"$scratch/after.$2")
	# The right sides are patterns.
	# shellcheck disable=SC2053
	if [[ $before != $3 || $after != $4 ]]; then
		verdict=NOT
		failed=1
	fi
	line "$1" "$before" "$after" "$verdict"
}


table() {
	line "" "without the module" "with it" ""
	expect "nmap ssl-heartbleed, IPv4" nmap4 VULNERABLE "NOT VULNERABLE"
	expect "nmap ssl-heartbleed, IPv6" nmap6 VULNERABLE "NOT VULNERABLE"
	expect "sslscan, heartbleed" sslscan vulnerable "not vulnerable"
	expect "secret, heartbeat in the handshake, IPv4" "${attacks[0]}" leaked heartbleed
	expect "secret, heartbeat in the handshake, IPv6" "${attacks[1]}" leaked heartbleed
	expect "secret, heartbeat inside the session" "${attacks[2]}" leaked heartbeat_refused
	expect "cleartext as application data" "${attacks[3]}" delivered suspicious_sequence
	expect "SSL2 SERVER-HELLO from the client" "${attacks[4]}" delivered ssl2_direction
	expect "$megabytes MB meanwhile, curl, TLS 1.2" fetch12 "checksum right" "checksum right"
	expect "$megabytes MB meanwhile, curl, TLS 1.3" fetch13 "checksum right" "checksum right"
	expect "nginx's connections condemned" honest 0 0
	expect "log lines that name heartbleed" log 0 "[1-9]*"
	expect "a new connection after rmmod" unloaded - "checksum right"
	expect "a download that rmmod happened in" across - "checksum right"
}

prepare() {
	checktool nmap sslscan nginx openssl curl iptables ip6tables
	setup_net
	make_certificate
	make_download
	patient_script
	start_honest_server
	start_leaky_server
	await "$nginx4"
	await "$leaky4"
}

downloading() { on router conntrack -L -p tcp -d "$nginx4" 2>/dev/null | grep -q ESTABLISHED; }

remove_module() {
	row across fetch 1.3 &
	local fetching=$!
	busywait downloading
	unload
	wait "$fetching"
	row unloaded fetch 1.2
	echo - >"$scratch/before.unloaded"
	echo - >"$scratch/before.across"
}

main() {
	say "three namespaces, nginx, and a server with the heartbleed flaw"
	prepare
	say "attacks and downloads without the module"
	attack_all before
	say "insmod nf_conntrack_tls.ko seq_len=128, and the same again"
	load seq_len=128
	attack_all after
	say "rmmod nf_conntrack_tls in the middle of a download"
	remove_module
	printf '\nWhat the kernel log says, one line each of:\n'
	log_since "$cursor" | { grep ': connection condemned, ' || echo "(nothing)"; } |
		sort -u -t: -k2,2
	echo
	table
	return "$failed"
}

main
