#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Installs the Debian package in a fresh trixie root with the newest kernel of trixie-backports and its headers, as
# an operator would; then what can be missing, a second kernel, guests booted from that root, and the removal. KTAP;
# the last line counts the tests.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/ktap.sh
source "$clone/tests/ktap.sh"
# shellcheck source=scripts/bootstrap.sh
source "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh"

# What a machine has before, and what boots a guest from its root and tests there, which comes after.
machine=(ca-certificates systemd-sysv udev kmod initramfs-tools)
guest=(qemu-system-x86 virtme-ng busybox-static iproute2 nftables conntrack ncat procps openssl)

need_root
one_at_a_time .deb "this copy of the root"
newest=$(cat "$(newest_file)")
rustless=6.12.0-amd64
fresh=$cache/deb-$(key "$newest" "${machine[@]}" "$(cat "$clone/scripts/bootstrap.sh")")
root=$fresh.try
said=$clone/build/deb/said
planned=19

# A test that did not run has failed.
finish() {
	failures=$((failures + planned - ran)) ran=$planned
	counts
	((failures == 0)) || exit 1
	rm -rf --one-file-system "$root"
}

inside() { in_root "$root" "$@"; }

# Only what the package itself asks for.
install() { inside apt-get install -y --no-install-recommends "$@"; }

# --- the machine --------------------------------------------------------------

make_fresh() {
	bootstrap_root "$fresh" "$(printf '%s\n' "${machine[@]}")"
	in_root "$fresh" apt-get install -y --no-install-recommends -t trixie-backports \
		"linux-image-$newest" "linux-headers-$newest"
}

# A copy of it, with a kernel without Rust, too; of that only the headers' configuration matters.
make_try() {
	rm -rf --one-file-system "$root"
	cp -a --reflink=auto "$fresh" "$root"
	mkdir -p "$root/lib/modules/$rustless/build/include"
	echo '# CONFIG_RUST is not set' >"$root/lib/modules/$rustless/build/.config"
	inside apt-get update
}

# The newest kernel of the other series that the module supports.
find_older() {
	local series
	for series in "${supported[@]}"; do
		[ "$series" = "$(cut -d . -f 1,2 <<<"$newest")" ] ||
			versions | grep "^${series//./\\.}\." || :
	done | sed -n 1p
}

# --- tests --------------------------------------------------------------------

show() { cat "$said" && false; }
installs() { install "$@" >"$said" 2>&1 || show; }
# says KERNEL WHY: what was said last holds our line.
says() { grep -F "nf_conntrack_tls: not built for kernel $1: $2" "$said" || show; }
apt_is_well() { inside apt-get check && [ -z "$(inside dpkg --audit | tee "$said")" ] || show; }

# built KERNEL...: for these kernels, and for no other
built() {
	diff <(printf '%s\n' "$@" | sort) \
		<(inside dkms status nf_conntrack_tls | sed -n 's/^[^,]*, \([^,]*\), [^:]*: installed$/\1/p' | sort)
}

# logged WHAT FILE: below DKMS's folder of the module
logged() { grep -E "$1" "$root/var/lib/dkms/nf_conntrack_tls/"*"/$2"; }

# Through a pipe: our own line and DKMS's reach a file by two ways, and one overwrites the other.
logs_what_is_missing() {
	local status=0
	inside sh -c "dkms build nf_conntrack_tls/\$(dpkg-query -W -f '\${Version}' nf-conntrack-tls-dkms) -k $rustless" \
		2>&1 | cat >"$said" || status=$?
	[ "$status" = 77 ] && says "$rustless" "" && logged "^nf_conntrack_tls: not built .*CONFIG_RUST=y" build/make.log
}

# Another rustc than the kernel's, and first in PATH.
refuses_other_rustc() {
	local status=0
	printf '#!/bin/sh\necho "rustc 1.96.1 (another)"\n' >"$root/usr/local/bin/rustc"
	chmod +x "$root/usr/local/bin/rustc"
	inside env PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		sh -c "/usr/src/nf_conntrack_tls-*/scripts/dkms.sh $newest" >"$said" 2>&1 || status=$?
	rm "$root/usr/local/bin/rustc"
	[ "$status" = 77 ] && says "$newest" "rustc 1.96.1 (another) is installed, but the kernel was built by rustc 1."
}

rebuilds_from_cache() {
	installs --reinstall "./$deb" && built "$newest" "$older" &&
		logged '^Rust metadata of .*: there$' "$newest/x86_64/log/make.log"
}

# fails_and_heals COMMAND WHAT: an installation that COMMAND spoils ends with an error that says WHAT; afterwards
# dpkg --configure -a is all that it takes.
fails_and_heals() {
	local status=0
	: >"$said"
	inside sh -euc "$1; apt-get install -y --reinstall ./$deb" >>"$said" 2>&1 || status=$?
	[ "$status" = 100 ] && grep -F "$2" "$said" || show || return
	inside dpkg --configure -a >"$said" 2>&1 && built "$newest" "$older" || show
}

full_disk() {
	fails_and_heals "mount -t tmpfs -o size=64m tmpfs /var/cache/nf-conntrack-tls" \
		"/var/cache/nf-conntrack-tls has 0 GB free, and needs"
}

# A mount, too, so that it ends with the command.
failed_build() {
	fails_and_heals "mount --bind /usr/bin/false /usr/bin/gcc-14" "Bad return status for module build on kernel: "
}

is_documented() {
	inside sh -euc 'ls /usr/share/man/man4/nf_conntrack_tls.4.gz
		ls /usr/share/doc/nf-conntrack-tls-dkms/README.Debian*
		ls /usr/share/doc/nf-conntrack-tls-dkms/examples/modprobe.d.conf
		ls /usr/share/doc/nf-conntrack-tls-dkms/examples/modules-load.d.conf
		! grep -rs nf_conntrack_tls /etc/modprobe.d /etc/modules-load.d /etc/modules'
}

smoke() { VM_ROOT=$root KVER=$1 "$clone/scripts/vm.sh" tests/smoke/run.sh updates/dkms; }

purge() { inside apt-get purge -y nf-conntrack-tls-dkms; }

# Not the package's: the clone, mounted there, and what bootstrap.sh noted.
nothing_left() {
	local left
	left=$(find "$root" -xdev -iname '*nf[-_]conntrack[-_]tls*' ! -path "$root$guest_clone" ! -path "$root/var/lib/nf_conntrack_tls")
	echo "$left"
	[ -z "$left" ]
}

trap finish EXIT
"$clone/scripts/deb.sh" >&2
deb=$(cd "$clone" && ls build/deb/*.deb)
need_space 8 "$cache"
[ -d "$fresh" ] || step "trixie root with kernel $newest (about a minute)" make_fresh
step "a copy of it" make_try
older=$(find_older)

plan "$planned"
say "apt install ./$deb: the toolchain, the metadata, the module (about 4 minutes)"
check install installs "./$deb"
check built_for_the_kernel_with_rust built "$newest"
check says_that_a_kernel_has_no_rust says "$rustless" "the kernel was built without CONFIG_RUST=y"
check metadata_is_the_kernels logged '^([1-9][0-9]*) of \1 symbols are the kernel' "$newest/x86_64/log/make.log"
check logs_what_is_missing logs_what_is_missing
check refuses_another_rustc refuses_other_rustc
check apt_is_well apt_is_well
check is_documented is_documented
say "kernel $older, first without its source (about 5 minutes)"
check second_kernel installs "linux-image-$older" "linux-headers-$older"
check says_that_its_source_is_missing says "$older" "its source is missing: 'apt install linux-source-"
check source_comes_later installs "linux-source-$(cut -d . -f 1,2 <<<"$older")"
check built_for_both built "$newest" "$older"
check rebuilds_from_cache rebuilds_from_cache
check full_disk full_disk
check failed_build failed_build
step "guest tools in the root" install "${guest[@]}"
check "guest_$newest" smoke "$newest"
check "guest_$older" smoke "$older"
check purge purge
check nothing_left nothing_left
