#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The first process of user-mode Linux (scripts/uml.sh). Its root is the machine's folder,
# read-only: puts memory over it, runs the command in the file $UML_COMMAND, and ends the kernel. If
# it fails, the kernel panics.

set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb

mount -t tmpfs tmpfs /run
mkdir /run/{upper,work,root}
mount -t overlay -o lowerdir=/,upperdir=/run/upper,workdir=/run/work overlay /run/root
cd /run/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
pivot_root . mnt
umount -l /mnt
mount --bind "$UML_MODULES" /usr/lib/modules
ln -s /proc/self/fd /dev/fd
ip link set lo up
cd "$(dirname "$0")/.."
stty -F /dev/tty1 -opost
bash -c "$(cat "$UML_COMMAND")" </dev/null >/dev/tty1
busybox poweroff -f
