#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
#
# The first process of the guest with secure boot (scripts/secure-boot.sh): tries the module
# unsigned, signed by an unknown key, and signed by the machine owner's key. KTAP.

export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t securityfs securityfs /sys/kernel/security
for module in /modules/*; do busybox insmod "$module"; done

number=0
# check NAME COMMAND...
check() {
	local name=$1 result=ok
	shift
	number=$((number + 1))
	"$@" || result='not ok'
	echo "$result $number $name"
}

has_lockdown() {
	busybox cat /sys/kernel/security/lockdown
	busybox grep -q '\[integrity\]' /sys/kernel/security/lockdown
}
loads() { busybox insmod "/tls/$1.ko" ports=443; }
refuses() { ! loads "$1" && [ ! -e /sys/module/nf_conntrack_tls ]; }
unloads() { busybox rmmod nf_conntrack_tls; }

echo "KTAP version 1"
echo "1..5"
check secure_boot_locks_down has_lockdown
check unsigned_is_refused refuses unsigned
check a_strangers_key_is_refused refuses stranger
check the_owners_key_loads loads owner
check unloads unloads
echo "@@ done"
busybox poweroff -f
