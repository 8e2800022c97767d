#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# IMAP, POP3, LMTP and ManageSieve: Dovecot.

# shellcheck source=tests/upgrades/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

setup starttls 24 110 143 4190
owned dovecot "$scratch/mail"
cat >"$scratch/dovecot.conf" <<-CONF
	dovecot_config_version = 2.4.1
	dovecot_storage_version = 2.4.1
	base_dir = $scratch/dovecot
	state_dir = $scratch/dovecot
	log_path = /dev/stderr
	protocols = imap pop3 lmtp sieve
	listen = 10.0.2.2
	auth_allow_cleartext = yes
	ssl = yes
	ssl_server_cert_file = $scratch/cert.pem
	ssl_server_key_file = $scratch/key.pem
	mail_driver = maildir
	mail_path = $scratch/mail
	mail_uid = dovecot
	mail_gid = dovecot
	first_valid_uid = 1
	passdb static {
		password = secret
	}
	userdb static {
		fields {
			home = $scratch/mail
		}
	}
	sieve_script personal {
		path = ~/sieve
		active_path = ~/.dovecot.sieve
	}
	service imap-login {
		chroot =
		inet_listener imap {
			port = 143
		}
	}
	service pop3-login {
		chroot =
		inet_listener pop3 {
			port = 110
		}
	}
	service managesieve-login {
		chroot =
		inet_listener sieve {
			port = 4190
		}
	}
	service lmtp {
		inet_listener lmtp {
			port = 24
		}
	}
CONF
serve 143 dovecot -F -c "$scratch/dovecot.conf"
rows imap pop3 lmtp sieve
