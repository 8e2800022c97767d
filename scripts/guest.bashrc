# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The shell of "make shell": the module is loaded, to play in.

ip link set lo up
modprobe nf_conntrack
insmod "$NF_CT_TLS_KO" seq_len=128
PS1='guest# '
cat <<'BANNER'

The module nf_conntrack_tls is loaded in this guest. Things to try:
  cat /proc/net/nf_conntrack_tls                   counters
  grep . /sys/module/nf_conntrack_tls/parameters/*
  tests/netns/run.sh                               the selftests (rmmod nf_conntrack_tls first)
  dmesg | grep nf_conntrack_tls
  exit                                             end the guest
BANNER
