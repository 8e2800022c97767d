#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# SMTP: Postfix. Mails are taken, and thrown away.

# shellcheck source=tests/upgrades/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

setup starttls 25
mkdir "$scratch/postfix" "$scratch/spool"
owned postfix "$scratch/data"
cat >"$scratch/postfix/main.cf" <<-CONF
	compatibility_level = 3.9
	queue_directory = $scratch/spool
	data_directory = $scratch/data
	maillog_file = $scratch/server.mail.log
	maillog_file_prefixes = $scratch
	myhostname = server.example
	mydestination =
	mynetworks = 10.0.0.0/8
	inet_protocols = ipv4
	alias_maps =
	alias_database =
	default_transport = discard
	smtpd_peername_lookup = no
	smtputf8_enable = no
	smtpd_tls_security_level = may
	smtpd_tls_chain_files = $scratch/both.pem
CONF
cat >"$scratch/postfix/master.cf" <<-CONF
	25 inet n - n - - smtpd
	pickup unix n - n 3600 1 pickup
	cleanup unix n - n - 0 cleanup
	qmgr unix n - n 300 1 qmgr
	tlsmgr unix - - n 1000? 1 tlsmgr
	rewrite unix - - n - - trivial-rewrite
	bounce unix - - n - 0 bounce
	defer unix - - n - 0 bounce
	trace unix - - n - 0 bounce
	discard unix - - n - - discard
	retry unix - - n - - error
	error unix - - n - - error
	anvil unix - - n - 1 anvil
	proxymap unix - - n - - proxymap
	postlog unix-dgram n - n - 1 postlogd
CONF
serve 25 postfix -c "$scratch/postfix" start-fg
rows smtp
