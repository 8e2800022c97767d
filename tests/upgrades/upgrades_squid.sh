#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# CONNECT to Squid, which first asks for a password, on the same connection. It connects to nginx.

# shellcheck source=tests/upgrades/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

setup starttls 3129
origin
mkdir "$scratch/squid"
printf 'test:%s\n' "$(openssl passwd -apr1 secret)" >"$scratch/users"
cat >"$scratch/squid.conf" <<-CONF
	http_port 10.0.2.2:3129
	visible_hostname server.example
	pid_filename $scratch/squid/pid
	cache_log $scratch/squid/log
	access_log none
	netdb_filename none
	cache deny all
	cache_mem 1 MB
	pinger_enable off
	unlinkd_program /bin/true
	auth_param basic program /usr/lib/squid/basic_ncsa_auth $scratch/users
	auth_param basic children 1 startup=1 idle=1
	auth_param basic realm test
	acl known proxy_auth REQUIRED
	http_access allow known
	http_access deny all
CONF
chown -R proxy "$scratch/squid"
serve 3129 squid -N -n upgrades -f "$scratch/squid.conf"
rows connect_auth
