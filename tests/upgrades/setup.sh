#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the servers of tests/upgrades need and an emulated guest would take long to make: a
# certificate, a key for ssh, and the databases of PostgreSQL and MariaDB. Into build/upgrades, in
# the root.

set -euo pipefail
out=build/upgrades

certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=server.example \
		-addext subjectAltName=DNS:server.example,DNS:localhost,IP:10.0.2.2 \
		-keyout "$out/key.pem" -out "$out/cert.pem"
}

# Its user and its tools are the package's; its files are its user's.
postgres() {
	local tools=(/usr/lib/postgresql/*/bin)
	setpriv --reuid postgres --regid postgres --clear-groups \
		"${tools[0]}/initdb" -D /tmp/postgres -U test --auth trust --no-sync
	tar -C /tmp -cf "$out/postgres.tar" postgres
}

mariadb() {
	mariadb-install-db --no-defaults --user=root --datadir=/tmp/mariadb \
		--auth-root-authentication-method=normal --skip-test-db --skip-name-resolve
	tar -C /tmp -cf "$out/mariadb.tar" mariadb
}

ssh_key() { ssh-keygen -q -t ed25519 -N '' -f "$out/ssh"; }

mkdir -p "$out"
[ -e "$out/cert.pem" ] || certificate
[ -e "$out/postgres.tar" ] || postgres
[ -e "$out/mariadb.tar" ] || mariadb
[ -e "$out/ssh" ] || ssh_key
