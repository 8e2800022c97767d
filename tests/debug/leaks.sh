#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# leaks.sh SCRIPT ARGS...: runs a script in a guest whose kernel has kmemleak, and fails as it does,
# or if anything was lost meanwhile that the module or conntrack had allocated. What others lost is
# shown.

set -euo pipefail

leaks=/sys/kernel/debug/kmemleak

mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
[[ -w $leaks ]] || { echo "this kernel has no kmemleak" && exit 1; }
echo clear >$leaks
status=0
"$@" || status=$?
# What is young may be on its way: kmemleak waits for 5 seconds, and a pointer may be missed once.
sleep 6
echo scan >$leaks
sleep 6
echo scan >$leaks
sed 's/^/# /' $leaks
if grep -E 'nf_ct_|nf_conntrack' $leaks; then
	echo "# memory was lost"
	exit 1
fi
echo "# kmemleak: $(grep -c '^unreferenced' $leaks || :) objects lost, none of them ours"
exit $status
