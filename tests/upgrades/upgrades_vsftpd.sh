#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# FTP: vsftpd.

# shellcheck source=tests/upgrades/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

setup starttls 21
mkdir "$scratch/ftp" "$scratch/empty"
head -c 100000 /dev/urandom >"$scratch/ftp/file"
cat >"$scratch/vsftpd.conf" <<-CONF
	listen=YES
	background=NO
	seccomp_sandbox=NO
	anonymous_enable=YES
	no_anon_password=NO
	anon_root=$scratch/ftp
	secure_chroot_dir=$scratch/empty
	xferlog_enable=NO
	ssl_enable=YES
	allow_anon_ssl=YES
	force_local_logins_ssl=NO
	force_local_data_ssl=NO
	require_ssl_reuse=NO
	rsa_cert_file=$scratch/both.pem
	ssl_sslv2=NO
	ssl_sslv3=NO
CONF
serve 21 vsftpd "$scratch/vsftpd.conf"
rows ftp
