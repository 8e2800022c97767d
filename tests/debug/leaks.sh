#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# leaks.sh SCRIPT ARGS...: runs a script in a guest whose kernel has kmemleak. Fails if the script
# fails, or if memory of the module or of conntrack leaked meanwhile. Other leaks are shown.

set -euo pipefail

leaks=/sys/kernel/debug/kmemleak

mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
[[ -w $leaks ]] || { echo "this kernel has no kmemleak" && exit 1; }
echo clear >$leaks
status=0
"$@" || status=$?
# A young object may not be linked yet: kmemleak waits for 5 seconds, and may miss a pointer once.
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
