#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
#
# The first process of the arm64 guest (scripts/arm64.sh), in its initial file system. Makes a root
# of the machine's folders, read-only and with memory over them, runs the command in /command there,
# and ends the kernel. If it fails, the kernel panics.

set -e
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb
mount() { busybox mount "$@"; }
# share NAME FOLDER
share() { mount -t 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=262144 "$1" "$2"; }

command=$(busybox cat /command)
for module in /modules/*; do busybox insmod "$module"; done
busybox mkdir -p /userland /memory /root
share userland /userland
mount -t tmpfs tmpfs /memory
busybox mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/userland,upperdir=/memory/upper,workdir=/memory/work overlay /root
share modules /root/usr/lib/modules
share clone /root/nf_conntrack_tls
mount -t proc proc /root/proc
mount -t sysfs sysfs /root/sys
mount -t devtmpfs devtmpfs /root/dev
mount -t tmpfs tmpfs /root/run
mount -t tmpfs tmpfs /root/tmp
busybox ln -s /proc/self/fd /root/dev/fd
busybox stty -F /root/dev/hvc0 -opost
# shellcheck disable=SC2093
exec busybox switch_root -c /dev/hvc0 /root /usr/bin/bash -c \
	"cd /nf_conntrack_tls; { $command; } </dev/null; busybox poweroff -f"
