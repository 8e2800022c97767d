# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# How vm.sh boots a kernel for arm64: emulated. The guest's userland is Debian's packages for arm64,
# unpacked. The packages' own scripts were not run: that would need an emulator here, too. Sourced
# after guest.sh by vm.sh.
# shellcheck disable=SC2154

# shellcheck disable=SC2016
unpack_userland() {
	rm -rf "$root$userland"
	archive sh -euc 'userland=$1; shift
		debs=/var/lib/nf_conntrack_tls/apt-arm64/archives
		apt-get install -y --download-only --no-install-recommends "~E" "$@"
		mkdir -p "$userland"
		dpkg -x "$debs"/base-files_*.deb "$userland"
		for deb in "$debs"/*.deb; do dpkg -x "$deb" "$userland"; done
		rm "$debs"/*.deb' unpack "$userland" "${tools[@]}"
	configure_userland "$root$userland"
	# Bytecode is the same for all architectures, and slow to make in the guest.
	in_root "$root" sh -c 'python3 -m compileall -q -s "$1" "$1"/usr/lib/python3*' \
		compile "$userland"
}

# What the packages' own scripts would do, as far as the tests need it.
configure_userland() {
	local name
	for name in passwd group; do cp "$1/usr/share/base-passwd/$name.master" "$1/etc/$name"; done
	for name in iptables ip6tables; do
		ln -sf xtables-nft-multi "$1/usr/sbin/$name"
		ln -sf xtables-nft-multi "$1/usr/sbin/$name-restore"
	done
	ln -sf mawk "$1/usr/bin/awk"
	in_root "$root" systemd-sysusers --root="$userland"
	cp -a "$root/opt/venv" "$1/opt/"
	mkdir -p "$1$guest_clone" "$1/usr/lib/modules"
}

# make_initial FOLDER COMMAND: the initial file system, which mounts the root; FOLDER.cpio holds it.
# shellcheck disable=SC2016
make_initial() {
	rm -rf "${clone:?}/$1"
	mkdir -p "$clone/$1"/{bin,dev,modules}
	cp "$root$userland/usr/bin/busybox" "$clone/$1/bin/"
	cp "$clone/scripts/arm64-init.sh" "$clone/$1/init"
	printf '%s\n' "$2" >"$clone/$1/command"
	in_root "$root" sh -euc 'cd "$1"
		modprobe --set-version "$2" --show-depends -a 9pnet_virtio 9p overlay |
		awk "/^insmod/ && !seen[\$2]++ { print \$2 }" |
		while read -r module; do
			number=$((${number:-10} + 1))
			xz -dc "$module" >"modules/$number-$(basename "$module" .xz)"
		done
		find . | cpio -o -H newc --quiet >"../$(basename "$1").cpio"' make_initial \
			"$guest_clone/$1" "$version"
}

# boot_into COMMAND: its output goes to the console hvc0, which is descriptor 1, and the kernel's
# log to the serial console, which is descriptor 2.
boot_into() {
	local share=security_model=none,readonly=on append='console=ttyAMA0 loglevel=7 panic=-1'
	# The watchdogs are slow, since an emulated machine on a busy one is.
	append+=' oops=panic watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120'
	make_initial "$out/initial" "$1"
	in_root "$root" timeout --foreground --kill-after=20 "$timeout" \
		qemu-system-aarch64 -M virt -cpu cortex-a72 -smp "${VM_CPUS:-2}" \
		-m "${VM_MEMORY:-1G}" \
		-nodefaults -display none -no-reboot \
		-kernel "$kernel" -initrd "$out/initial.cpio" -append "$append" \
		-chardev file,id=log,path=/dev/stderr -serial chardev:log \
		-chardev stdio,id=output,signal=off \
		-device virtio-serial-pci -device virtconsole,chardev=output \
		-virtfs "local,mount_tag=userland,path=$userland,$share" \
		-virtfs "local,mount_tag=modules,path=/usr/lib/modules,$share" \
		-virtfs "local,mount_tag=clone,path=$guest_clone,$share"
}

mapfile -t tools < <(packages "$clone/scripts/packages-arm64-guest.txt")
how=$(declare -f unpack_userland configure_userland)
userland=/srv/nf_conntrack_tls-arm64-$(key "${tools[@]}" "$how")
once "userland-${userland##*-}" "userland of arm64 (20 s)" unpack_userland
