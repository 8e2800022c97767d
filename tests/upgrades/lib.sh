# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shared by the tests of upgrades: a real server in the server namespace, whose files lie in
# $scratch (a tmpfs), and the clients of tests/upgrades/rows.py in the client namespace. The router
# between them has the helper.

upgrades=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/netns/lib.sh
source "$upgrades/../netns/lib.sh"
export PYTHONPATH=$upgrades:$here

made=$NF_CT_TLS_DIR/build/upgrades	# by tests/upgrades/setup.sh

# setup HELPER PORT...: the namespaces, and the rule in the router.
setup() {
	local IFS=,
	checktool insmod ip iptables openssl nmap
	chmod 755 "$scratch"
	setup_net
	load ports=0
	on router iptables -t raw -A PREROUTING -p tcp -m multiport --dports "${*:2}" \
		-j CT --helper "$1"
	patient_nmap
	cp "$made"/{cert,key}.pem "$scratch/"
	cat "$scratch"/{key,cert}.pem >"$scratch/both.pem"
}

# nmap's own script and libraries, which wait longer for answers. The script sends its request
# although no server of today offers heartbeats. The library knows a name for XMPP's server.
patient_nmap() {
	mkdir "$scratch/nmap"
	cp -rs "$nmap/nselib" "$scratch/nmap/"
	altered scripts/ssl-heartbleed.nse "s/set_timeout(5000)/set_timeout(${timeout}000)/"
	altered scripts/ssl-heartbleed.nse "s/supported = false/supported = true/"
	altered nselib/sslcert.lua "s/set_timeout(5000)/set_timeout(${timeout}000)/"
	altered nselib/sslcert.lua "/<stream:stream/s/host.name/'server.example'/"
	altered nselib/stdnse.lua "s/max_timeout or 8000/max_timeout or ${timeout}000/"
}

nmap=/usr/share/nmap

# altered FILE EXPRESSION: a file of nmap's, which sed must change.
altered() {
	local file=$scratch/nmap/$1
	mkdir -p "${file%/*}"
	[[ -e $file ]] || cp "$nmap/$1" "$file"
	sed "$2" "$file" >"$scratch/altered"
	if cmp -s "$file" "$scratch/altered"; then bail_out "nmap's $1 is another"; fi
	rm "$file"
	mv "$scratch/altered" "$file"
}

# owned USER FOLDER...: makes folders that a user may write to.
owned() {
	mkdir -p "${@:2}"
	chown "$1" "${@:2}"
}

# readable_key USER: for servers that read the key as their user.
readable_key() { chown "$1" "$scratch"/{key,cert,both}.pem; }

# serve PORT CMD...: a server, until it listens. What it says is shown if it does not, or after the
# tests.
serve() {
	local port=$1
	shift
	echo "starting: $*"
	start on server "$@" >"$scratch/server.$port.log" 2>&1 </dev/null
	local server=$!
	busywait listening_or_gone "$port" "$server"
	listening "$port" || { cat "$scratch/server.$port.log" && bail_out "$1 does not listen"; }
}

# origin: what proxies connect to, with TLS and without.
origin() {
	start_nginx 443 <<-CONF
		server {
			listen 10.0.2.3:443 ssl;
			listen 10.0.2.3:80;
			location / { return 200 "by nginx"; }
		}
	CONF
}

listening_or_gone() { listening "$1" || ! kill -0 "$2" 2>/dev/null; }

# rows PROTOCOL...: the tests of these protocols. What the servers said is shown if one fails.
rows() {
	local status=0
	SCRATCH=$scratch "$python" "$upgrades/rows.py" "$@" || status=$?
	((!status)) || tail -n 30 "$scratch"/server.*.log
	return "$status"
}
