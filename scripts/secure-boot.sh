#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Boots the stock kernel with secure boot: OVMF's firmware trusts only our key, so we sign the
# kernel. The kernel is then locked down, and loads signed modules only. Debian's kernel looks for a
# module's key among those of the firmware (db) and of shim (MOK). The module is signed as DKMS does
# it.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_ground
find_kernel
out=build/$version/secure
firmware=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd
into_root secure "firmware with secure boot"

# make_key NAME: as DKMS makes its own
make_key() {
	in_root "$root" openssl req -new -x509 -nodes -days 36500 -newkey rsa:2048 \
		-subj "/CN=$1 of nf_conntrack_tls's tests" \
		-keyout "$out/$1.key" -out "$out/$1.pem"
	in_root "$root" openssl x509 -in "$out/$1.pem" -outform DER -out "$out/$1.der"
}

# The machine trusts the owner's key, and no other.
# shellcheck disable=SC2016
make_machine() {
	in_root "$root" sh -euc 'cd "$1"; kernel=$2 guid=5f6a2d1e-0000-4000-8000-6e66746c7300
		virt-fw-vars --input /usr/share/OVMF/OVMF_VARS_4M.fd --output vars.fd \
			--secure-boot --set-pk "$guid" owner.pem --add-kek "$guid" owner.pem \
			--add-db "$guid" owner.pem
		sbsign --key owner.key --cert owner.pem --output vmlinuz "$kernel"' make_machine \
			"$out" "/usr/lib/modules/$version/vmlinuz"
}

# sign NAME: the module, by that key
sign() {
	cp "$clone/build/$version/nf_conntrack_tls.ko" "$clone/$out/initial/tls/$1.ko"
	in_root "$root" "$(source_tree "$version")/scripts/sign-file" sha256 "$out/$1.key" \
		"$out/$1.der" "$out/initial/tls/$1.ko"
}

# shellcheck disable=SC2016
make_initial() {
	mkdir -p "$clone/$out"/initial/{bin,modules,tls,proc,sys,dev}
	cp "$clone/scripts/secure-init.sh" "$clone/$out/initial/init"
	cp "$clone/build/$version/nf_conntrack_tls.ko" "$clone/$out/initial/tls/unsigned.ko"
	sign owner
	sign stranger
	in_root "$root" sh -euc 'cd "$1"
		cp /usr/bin/busybox bin/
		needs=$(modinfo -F depends tls/unsigned.ko | tr , " ")
		modprobe --set-version "$2" --show-depends -a nf_conntrack $needs |
		awk "/^insmod/ && !seen[\$2]++ { print \$2 }" |
		while read -r module; do
			number=$((${number:-10} + 1))
			xz -dc "$module" >"modules/$number-$(basename "$module" .xz)"
		done
		find . | cpio -o -H newc --quiet >../initial.cpio' make_initial "$out/initial" \
			"$version"
}

make_parts() {
	rm -rf "${clone:?}/$out"
	mkdir -p "$clone/$out"
	make_key owner
	make_key stranger
	make_machine
	make_initial
}

boot() {
	in_root "$root" timeout --foreground --kill-after=20 "${VM_TIMEOUT:-1800}" \
		qemu-system-x86_64 -machine q35,smm=on -cpu max -m 1G -nodefaults -display none \
		-no-reboot -serial stdio \
		-global driver=cfi.pflash01,property=secure,value=on \
		-drive if=pflash,format=raw,unit=0,readonly=on,file="$firmware" \
		-drive "if=pflash,format=raw,unit=1,file=$out/vars.fd" \
		-kernel "$out/vmlinuz" -initrd "$out/initial.cpio" \
		-append "console=ttyS0 panic=-1 loglevel=6"
}

step "keys, a signed kernel, firmware" make_parts
boot </dev/null | tr -d '\r' | tee "$clone/$out/guest.log" |
	grep -E '^(KTAP|1\.\.|ok|not ok)|[Ll]ockdown|ecure boot|X.509'
grep -qx '@@ done' "$clone/$out/guest.log" || die "the guest did not come to its end: see $clone/$out/guest.log"
! grep -q '^not ok' "$clone/$out/guest.log"
