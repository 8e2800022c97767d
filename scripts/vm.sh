#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots the stock kernel $KVER under QEMU, and runs a script of the clone in it: scripts/vm.sh
# SCRIPT ARGS... A kernel for arm64 (ARCH=arm64 takes the newest) is emulated: see scripts/arm64.sh.
# Without a script: a shell. Its output streams out, its exit status comes back. A guest fails if it
# does not report its end, or if its kernel log holds a splat; its kernel log stays in
# build/$KVER/guest.log. VM_CPUS, VM_MEMORY and VM_TIMEOUT (seconds) change its size; VM_KVM=0 or 1
# says whether to use /dev/kvm, else a probe finds out. VM_QEMU holds more options for QEMU.
# VM_ROOT= boots another root, in which the module is installed. VM_SPLAT is a complaint of the
# kernel (a pattern) that has to come.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
if [ -n "${VM_ROOT:-}" ]; then
	root=$VM_ROOT version=${KVER:?the kernel in VM_ROOT}
	mkdir -p "$clone/build/$version"
else
	find_kernel
fi
timeout=${VM_TIMEOUT:-7200}
out=build/$version
kernel=/usr/lib/modules/$version/vmlinuz
# shellcheck source=scripts/guest.sh
source "$(dirname "${BASH_SOURCE[0]}")/guest.sh"

# The device can be there and of no use (nested guests): only a booting kernel tells. Once per boot
# of this machine.
probe_kvm() {
	local boots
	[ -w /dev/kvm ] || return
	read -r boots </proc/sys/kernel/random/boot_id
	if [ "$(cut -d ' ' -f 1 "$cache/kvm" 2>/dev/null)" != "$boots" ]; then
		step "probing /dev/kvm" try_kvm "$boots"
	fi
	[ "$(cut -d ' ' -f 2 "$cache/kvm")" = works ]
}

# try_kvm BOOT: a kernel with no root panics, if it gets that far.
# shellcheck disable=SC2317
try_kvm() {
	local result=fails
	in_root "$root" timeout 15 qemu-system-x86_64 -accel kvm -m 256 -nodefaults -display none \
		-no-reboot \
		-serial stdio -kernel "$kernel" -append 'console=ttyS0 panic=-1' |
		grep -m 1 'Kernel panic' && result=works
	printf '%s %s\n' "$1" "$result" >"$cache/kvm"
}

# The watchdogs have long timeouts, since an emulated guest on a busy machine is slow.
boot() {
	in_root "$root" timeout --foreground --kill-after=20 "$timeout" \
		vng --run "$kernel" "${acceleration[@]}" --force-9p --force-initramfs --user root \
		--cpus "${VM_CPUS:-2}" --memory "${VM_MEMORY:-1G}" --cwd "$guest_clone" \
		${VM_QEMU:+"--qemu-opts=$VM_QEMU"} \
		--append "oops=panic watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120" \
		--append "sysctl.kernel.hung_task_timeout_secs=1200" "$@"
}

boot_into() { boot --verbose --append "loglevel=7" --exec "$1"; }

if [ "$(kernel_arch "$version")" = arm64 ]; then
	[ $# -gt 0 ] || die "an interactive shell in the guest is for amd64 only"
	# shellcheck source=scripts/arm64.sh
	source "$(dirname "${BASH_SOURCE[0]}")/arm64.sh"
	VM_KVM=0
fi
[ "${1:-}" != -- ] || shift
[ -n "${VM_ROOT:-}" ] || [ -e "$clone/$out/nf_conntrack_tls.ko" ] ||
	die "the module is not built for kernel $version: run scripts/build.sh"
acceleration=(--disable-kvm)
case ${VM_KVM:-probe} in
probe) ! probe_kvm || acceleration=() ;;
1) acceleration=() ;;
0) ;;
*) die "VM_KVM=$VM_KVM is neither 0 nor 1" ;;
esac
if [ $# = 0 ]; then
	boot --exec "$environment; exec bash --rcfile $guest_clone/scripts/guest.bashrc -i"
	exit
fi
run "$@"
