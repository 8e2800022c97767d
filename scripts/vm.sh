#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots the stock kernel $KVER under QEMU, and runs a script of the clone in it: scripts/vm.sh SCRIPT ARGS...
# Without a script: a shell. Its output streams out, its exit status comes back. A guest that does not end
# by saying that it did, or whose kernel log holds a splat, has failed; its kernel log stays in
# build/$KVER/guest.log.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
version=$(kernel_version)
timeout=${VM_TIMEOUT:-1800}
exchange=build/$version/guest
splats='------------\[ cut here|BUG:|Oops|Call Trace|WARNING:|KASAN|UBSAN|kernel panic|Kernel panic|INFO: (task|rcu)|general protection'

boot() {
	in_root "$root" NF_CT_TLS_KVER="$version" timeout --foreground --kill-after=20 "$timeout" \
		vng --run "/usr/lib/modules/$version/vmlinuz" --disable-kvm --force-9p --user root \
		--cpus "${VM_CPUS:-2}" --memory "${VM_MEMORY:-1G}" --cwd "$guest_clone" \
		--rwdir "$guest_clone/$exchange" "$@"
}

environment="export NF_CT_TLS_DIR=$guest_clone NF_CT_TLS_KVER=$version"
environment+=" NF_CT_TLS_KO=$guest_clone/build/$version/nf_conntrack_tls.ko"

# The status and the kernel log come back as files: a guest that dies leaves neither.
run() {
	local command
	printf -v command '%q ' "$@"
	boot --exec "$environment; $command; echo \$? >$exchange/status; dmesg >$exchange/log; sync"
}

mkdir -p "$clone/$exchange"
rm -f "$clone/$exchange"/{status,log}
if [ $# = 0 ]; then
	boot --exec "$environment; exec bash --rcfile $guest_clone/scripts/guest.bashrc -i"
	exit
fi
start=$SECONDS
run "$@" </dev/null || say "the guest's boot ended with status $?"
say "guest: $((SECONDS - start)) s"
mv "$clone/$exchange/log" "$clone/build/$version/guest.log" 2>/dev/null ||
	die "the guest died, or took over $timeout s, before it could say how it went"
if grep -nE "$splats" "$clone/build/$version/guest.log" >&2; then
	die "the guest's kernel complained: see build/$version/guest.log"
fi
exit "$(cat "$clone/$exchange/status")"
