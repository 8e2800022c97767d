#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# PostgreSQL.

# shellcheck source=tests/upgrades/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

setup starttls 5432
tar -C "$scratch" -xf "$made/postgres.tar"
chown -R postgres "$scratch/postgres"
readable_key postgres
cat >>"$scratch/postgres/postgresql.conf" <<-CONF
	listen_addresses = '10.0.2.2'
	unix_socket_directories = ''
	shared_buffers = 16MB
	fsync = off
	autovacuum = off
	ssl = on
	ssl_cert_file = '$scratch/cert.pem'
	ssl_key_file = '$scratch/key.pem'
CONF
echo "host all all 10.0.0.0/8 trust" >>"$scratch/postgres/pg_hba.conf"
tools=(/usr/lib/postgresql/*/bin)
serve 5432 setpriv --reuid postgres --regid postgres --clear-groups \
	"${tools[0]}/postgres" -D "$scratch/postgres"
rows postgres
