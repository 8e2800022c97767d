#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# XMPP: Prosody.

# shellcheck source=tests/upgrades/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

setup starttls 5222
owned prosody "$scratch/prosody/server%2eexample/accounts"
chown -R prosody "$scratch/prosody"
readable_key prosody
cat >"$scratch/prosody/server%2eexample/accounts/test.dat" <<-LUA
	return { ["password"] = "secret" };
LUA
cat >"$scratch/prosody.cfg.lua" <<-LUA
	pidfile = "$scratch/prosody/prosody.pid"
	data_path = "$scratch/prosody"
	daemonize = false
	log = { info = "*console" }
	interfaces = { "10.0.2.2" }
	c2s_ports = { 5222 }
	s2s_ports = {}
	modules_enabled = { "tls", "saslauth", "roster", "ping", "posix" }
	modules_disabled = { "s2s", "offline" }
	authentication = "internal_plain"
	c2s_require_encryption = false
	allow_unencrypted_plain_auth = true
	ssl = { key = "$scratch/key.pem", certificate = "$scratch/cert.pem" }
	VirtualHost "server.example"
LUA
serve 5222 setpriv --reuid prosody --regid prosody --clear-groups \
	prosody --config "$scratch/prosody.cfg.lua" -F
rows xmpp
