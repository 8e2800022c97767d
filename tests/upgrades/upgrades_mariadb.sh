#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# MySQL's protocol: MariaDB.

# shellcheck source=tests/upgrades/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

setup starttls 3306
tar -C "$scratch" -xf "$made/mariadb.tar"
cat >"$scratch/init.sql" <<-SQL
	create user test@'%' identified by 'secret';
SQL
serve 3306 mariadbd --no-defaults --user=root --datadir="$scratch/mariadb" \
	--socket="$scratch/mariadb.socket" --pid-file="$scratch/mariadb.pid" \
	--bind-address=10.0.2.2 --skip-name-resolve --init-file="$scratch/init.sql" \
	--innodb-buffer-pool-size=16M --innodb-log-file-size=4M --innodb-flush-method=fsync \
	--ssl-cert="$scratch/cert.pem" --ssl-key="$scratch/key.pem"
rows mysql
