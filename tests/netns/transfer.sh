# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Files fetched over real TLS by OpenSSL's own tools, for the tests that show
# that ordinary traffic passes whole. Sourced after lib.sh.

: "${scratch:?lib.sh first}" "${patience:?lib.sh first}"

# make_file MEGABYTES: what is fetched, and the server's certificate.
make_file() {
	head -c "$1M" /dev/urandom >"$scratch/file"
	make_certificate
}

# serve NAMESPACE ADDRESS: files from the scratch folder, on port 443.
serve() {
	start on "$1" env -C "$scratch" openssl s_server -HTTP -accept "$2:443" \
		-cert cert.pem -key key.pem -quiet >"$scratch/s_server.log" 2>&1
	busywait on "$1" bash -c "ss -Hltn src '$2' | grep -q ':443 '"
}

# fetch NAMESPACE ADDRESS OPTIONS...: one handshake, one file, whole.
fetch() {
	local ns=$1 address=$2 cursor
	shift 2
	cursor=$(log_cursor)
	printf 'GET /file HTTP/1.0\r\n\r\n' |
		on "$ns" timeout "$patience" openssl s_client -connect "$address:443" \
		-quiet -ign_eof "$@" \
			2>"$scratch/s_client.log" | cmp - "$scratch/file" &&
		not_logged "$cursor" condemned && return
	cat "$scratch/s_client.log"
	return 1
}
