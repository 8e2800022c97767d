#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# CONNECT to tinyproxy, SOCKS 5 to microsocks, SOCKS 4, 4a and 5 to ssh; all connect to nginx.

# shellcheck source=tests/upgrades/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

setup starttls 3128 1080 1081 1082
origin
cat >"$scratch/tinyproxy.conf" <<-CONF
	Port 3128
	Listen 10.0.2.2
	Timeout $patience
	MaxClients 10
	LogLevel Info
	Allow 10.0.0.0/8
	ConnectPort 443
	ConnectPort 80
CONF
serve 3128 tinyproxy -d -c "$scratch/tinyproxy.conf"
serve 1080 microsocks -i 10.0.2.2 -p 1080
serve 1081 microsocks -i 10.0.2.2 -p 1081 -u test -P secret
# ssh's own: to an sshd that is nobody else's.
mkdir -p /run/sshd "$scratch/ssh"
cp "$made"/ssh "$made"/ssh.pub "$scratch/ssh/"
cat >"$scratch/sshd.conf" <<-CONF
	ListenAddress 127.0.0.1:2222
	HostKey $scratch/ssh/ssh
	AuthorizedKeysFile $scratch/ssh/ssh.pub
	StrictModes no
	UsePAM yes
	UseDNS no
	PidFile none
	LoginGraceTime 0
CONF
serve 2222 /usr/sbin/sshd -D -e -f "$scratch/sshd.conf"
serve 1082 ssh -F none -N -D 10.0.2.2:1082 -p 2222 -i "$scratch/ssh/ssh" \
	-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1
rows connect socks socks_password socks4
