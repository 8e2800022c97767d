#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Headless Chromium against nginx, captured into build/interop/browser.pcap. Run in the root, in a
# network namespace of its own, at native speed: in the guest, without KVM, a browser takes minutes
# to start. tls-replay judges the capture then, by the module's own sources.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(cd "$here/../.." && pwd)/build/interop
capture=$out/browser.pcap
work=$(mktemp -d)
# On stderr, Chromium complains of what a machine without a desktop lacks.
noise=$work/chromium.log

finish() {
	local pid
	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null || :
	done
	wait
	rm -rf "$work"
}
trap finish EXIT

make_site() {
	local i
	mkdir "$work/www"
	for i in {1..12}; do
		head -c 100000 /dev/urandom >"$work/www/$i.bin"
	done
	cat >"$work/www/index.html" <<-'HTML'
		<!DOCTYPE html><title>loading</title><script>
		(async () => {
			const names = [...Array(12).keys()].map(i => `${i + 1}.bin`);
			const files = names.map(name => fetch(name).then(r => r.arrayBuffer()));
			const lengths = (await Promise.all(files)).map(file => file.byteLength);
			const got = lengths.reduce((n, length) => n + length, 0);
			const body = new Uint8Array(1000000).map((_, i) => i);
			const upload = { method: "PUT", body };
			const sent = await fetch("/upload", upload);
			document.title = `got ${got}, upload ${sent.status}`;
		})();
		</script>
	HTML
}

# site PORT PROTOCOL [LISTEN-WORD [LINE]]
site() {
	cat <<-CONF
		server {
			listen 127.0.0.1:$1 ssl;
			${3:+http2 $3;}
			ssl_protocols $2;
			${4:-}
			root $work/www;
			location /upload {
				dav_methods PUT;
				client_max_body_size 2m;
				root $work/up;
			}
		}
	CONF
}

serve() {
	mkdir "$work/up"
	cat >"$work/nginx.conf" <<-CONF
		daemon off;
		user root;
		pid $work/nginx.pid;
		error_log $work/nginx.log;
		events {}
		http {
			access_log off;
			client_body_temp_path $work/body;
			ssl_certificate $out/store/server.pem;
			ssl_certificate_key $out/store/server.key;
			ssl_session_cache shared:s:1m;
			$(site 4431 TLSv1.3 on)
			$(site 4432 TLSv1.2 on)
			$(site 4433 TLSv1.3)
			$(site 14434 TLSv1.2)
			$(site 4435 TLSv1.3 on 'ssl_ecdh_curve secp384r1;')
		}
	CONF
	nginx -c "$work/nginx.conf" &
	until [ -e "$work/nginx.pid" ]; do
		kill -0 $! || { cat "$work/nginx.log" && exit 1; }
		sleep 0.1
	done
	PYTHONPATH=$here/../netns "$here/distance.py" 4434 14434 0.02 &
	until (: <>/dev/tcp/127.0.0.1/4434) 2>/dev/null; do sleep 0.1; done
}

record() {
	tcpdump -i lo -s 0 -w "$capture" -B 65536 -U tcp 2>"$work/tcpdump.log" &
	tcpdump=$!
	until grep -qs listening "$work/tcpdump.log"; do sleep 0.1; done
}

# visit PORT: the page comes with all its parts.
visit() {
	local page
	page=$(timeout 1800 chromium-headless-shell --no-sandbox --disable-gpu --disable-quic \
		--no-first-run --disable-background-networking --disable-component-update \
		--disable-sync --ignore-certificate-errors \
		--user-data-dir="$work/profile" --timeout=1200000 --virtual-time-budget=60000 \
		--dump-dom "https://127.0.0.1:$1/" 2>>"$noise") || { cat "$noise" && exit 1; }
	if [[ $page != *"got 1200000, upload 201"* && $page != *"got 1200000, upload 204"* ]]; then
		printf 'port %s: not the page: %s\n' "$1" "${page:0:300}" >&2
		exit 1
	fi
}

ip link set lo up
make_site
serve
record
for port in 4431 4432 4433 4434 4435; do
	visit $port
	echo "# browser: port $port, $(chromium-headless-shell --version 2>/dev/null | head -n 1)"
done
sleep 1
kill -INT $tcpdump
wait $tcpdump || :
