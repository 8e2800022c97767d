#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# LDAP: OpenLDAP's slapd, whose TLS is GnuTLS.

# shellcheck source=tests/upgrades/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

setup starttls 389
mkdir "$scratch/ldap"
cat >"$scratch/slapd.conf" <<-CONF
	include /etc/ldap/schema/core.schema
	modulepath /usr/lib/ldap
	moduleload back_mdb
	pidfile $scratch/slapd.pid
	argsfile $scratch/slapd.args
	TLSCertificateFile $scratch/cert.pem
	TLSCertificateKeyFile $scratch/key.pem
	database mdb
	maxsize 16777216
	suffix dc=example,dc=org
	rootdn cn=admin,dc=example,dc=org
	rootpw secret
	directory $scratch/ldap
CONF
slapadd -f "$scratch/slapd.conf" <<-LDIF
	dn: dc=example,dc=org
	objectClass: organization
	objectClass: dcObject
	o: example
	dc: example
LDIF
serve 389 slapd -d 0 -f "$scratch/slapd.conf" -h ldap://10.0.2.2:389
rows ldap
