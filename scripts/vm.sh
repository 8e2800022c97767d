#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots the stock kernel $KVER under QEMU, and runs a script of the clone in it: scripts/vm.sh SCRIPT ARGS...
# Without a script: a shell. Its output streams out, its exit status comes back. A guest that does not end
# by saying that it did, or whose kernel log holds a splat, has failed; its kernel log stays in
# build/$KVER/guest.log.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
version=$(kernel_version)
timeout=${VM_TIMEOUT:-1800}
out=$clone/build/$version
splats='------------\[ cut here|BUG:|Oops|Call Trace|WARNING:|KASAN|UBSAN|[Kk]ernel panic|INFO: (task|rcu)|general protection'

boot() {
	in_root "$root" timeout --foreground --kill-after=20 "$timeout" \
		vng --run "/usr/lib/modules/$version/vmlinuz" --disable-kvm --force-9p --user root \
		--cpus "${VM_CPUS:-2}" --memory "${VM_MEMORY:-1G}" --cwd "$guest_clone" "$@"
}

environment="export NF_CT_TLS_DIR=$guest_clone NF_CT_TLS_KVER=$version"
environment+=" NF_CT_TLS_KO=$guest_clone/build/$version/nf_conntrack_tls.ko"

# Behind the script's output come the kernel log and the exit status; a guest that dies sends neither.
run() {
	local command
	printf -v command '%q ' "$@"
	boot --exec "$environment; $command; s=\$?; echo; echo @@log; dmesg; echo @@status \$s"
}

# Shows the script's output, and puts the rest aside.
divide() {
	awk -v log_file="$out/guest.log" -v status_file="$out/guest.status" '
		{ sub(/\r$/, "") }
		/^@@log$/ { behind = 1; next }
		/^@@status [0-9]+$/ && behind { print $2 > status_file; next }
		behind { print > log_file; next }
		{ print; fflush() }'
}

mkdir -p "$out"
rm -f "$out"/guest.{log,status}
if [ $# = 0 ]; then
	boot --exec "$environment; exec bash --rcfile $guest_clone/scripts/guest.bashrc -i"
	exit
fi
start=$SECONDS
run "$@" </dev/null 2>&1 | divide || say "the guest's boot failed"
say "guest: $((SECONDS - start)) s"
[ -e "$out/guest.status" ] ||
	die "the guest died, or took over $timeout s, before it could say how it went"
if grep -nE -e "$splats" "$out/guest.log" >&2; then
	die "the guest's kernel complained: see $out/guest.log"
fi
exit "$(cat "$out/guest.status")"
