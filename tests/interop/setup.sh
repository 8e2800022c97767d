#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run in the root, before the guest: builds the peers, and makes what the cases need, into
# build/interop. Nothing of it needs the module, and without KVM it would take long in the guest.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(cd "$here/../.." && pwd)/build/interop
store=$out/store

build_peers() {
	CARGO_TARGET_DIR=$out/cargo cargo build \
		--locked --release --manifest-path "$here/rustls/Cargo.toml"
	cp "$out/cargo/release/rustls_peer" "$out/rustls"
	build_c mbedtls -lmbedtls -lmbedx509 -lmbedcrypto
	build_c wolfssl -lwolfssl
	gcc-14 -O2 -Wall -Wextra -Werror -shared -fPIC -o "$out/patient.so" "$here/peers/patient.c"
	GOCACHE=/var/cache/go-build go build -o "$out/go" "$here/peers/peer.go"
	javac -d "$out" "$here/peers/Peer.java"
}

build_c() {
	local stack=$1
	shift
	gcc-14 -O2 -Wall -Wextra -Werror -o "$out/$stack" "$here/peers/peer.c" \
		"$here/peers/$stack.c" "$@"
}

# sign NAME EXTENSIONS: a certificate by our authority, for the key NAME.key.
sign() {
	openssl req -new -key "$1.key" -subj "/CN=$1" |
		openssl x509 -req -days 3650 -CA ca.pem -CAkey ca.key -out "$1.pem" \
		-extfile <(echo "$2")
}

make_certificates() {
	local name names="subjectAltName=DNS:server.example,IP:10.0.2.2"
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key
	openssl req -x509 -new -key ca.key -days 3650 -subj /CN=interop -out ca.pem \
		-addext keyUsage=critical,keyCertSign
	for name in server client; do
		openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out $name.key
	done
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key
	sign server "$names"
	sign ec "$names"
	sign client "extendedKeyUsage=clientAuth"
	for name in server client; do
		openssl pkcs12 -export -in $name.pem -inkey $name.key -name $name -certfile ca.pem \
			-passout pass:interop -out $name.p12
	done
}

# A chain just below the 100 KB that OpenSSL takes: certificates with long comments.
make_long_chain() {
	local comment
	cp server.pem long.pem
	cp server.key long.key
	cp server.key padding.key
	for _ in 1 2 3 4 5 6 7 8; do
		# Another each time, so that certificate compression does not undo it.
		comment=$(head -c 8400 /dev/urandom | base64 -w0)
		sign padding "nsComment=$comment"
		cat padding.pem >>long.pem
	done
}

make_nss_store() {
	certutil -N -d "sql:$store/nss" --empty-password
	pk12util -i server.p12 -d "sql:$store/nss" -W interop -K ""
	pk12util -i client.p12 -d "sql:$store/nss" -W interop -K ""
	certutil -A -d "sql:$store/nss" -n ca -t CT,C,C -i ca.pem
}

make_data() {
	head -c 75000 /dev/urandom | base64 >body
	printf 'HTTP/1.0 200 ok\r\nContent-Type: text/plain\r\n\r\n' | cat - body >data
	printf 'GET /data HTTP/1.0\r\nX-Upload: %s\r\n\r\n' \
		"$(head -c 3000 /dev/urandom | base64 -w0)" >request
	head -c 600 /dev/urandom | base64 >early
}

mkdir -p "$out"
build_peers
rm -rf "$store"
mkdir -p "$store/nss"
cd "$store"
make_certificates
make_long_chain
make_nss_store
make_data
