#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Installs the Debian packages in a fresh trixie root with the newest kernel of trixie-backports, as
# an operator would. First the ready-made module, from an apt archive. Then, in another copy of the
# root, the one of DKMS: what can be missing, a second kernel, and the removal. Each module is tried
# in guests booted from its root. KTAP; the last line counts the tests, and build/deb/sizes says
# what each way installs.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/ktap.sh
source "$clone/tests/ktap.sh"
# shellcheck source=scripts/bootstrap.sh
source "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh"

# The packages of the machine before the installation, and those that boot a guest from its root and
# test there, which come after it. Neither list has openssl or a compiler.
machine=(systemd-sysv udev kmod initramfs-tools)
guest=(qemu-system-x86 virtme-ng busybox-static iproute2 nftables conntrack ncat procps openssl)

need_root
one_at_a_time .deb "this copy of the root"
newest=$(cat "$(newest_file)")
rustless=7.2.0-amd64
fresh=$cache/deb-$(key image "$newest" "${machine[@]}" "$(cat "$clone/scripts/bootstrap.sh")")
root=$fresh.try
said=$clone/build/deb/said
sizes=$clone/build/deb/sizes
planned=32

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
	local new=$fresh.new
	rm -rf --one-file-system "$new"
	bootstrap_root "$new" "$(printf '%s\n' "${machine[@]}")"
	in_root "$new" apt-get update
	in_root "$new" apt-get install -y --no-install-recommends -t trixie-backports \
		linux-image-amd64 "linux-image-$newest"
	mv "$new" "$fresh"
}

# A copy of it
make_try() {
	rm -rf --one-file-system "$root"
	cp -a --reflink=auto "$fresh" "$root"
	inside apt-get update
}

# With the kernel's headers; and with a kernel without Rust, of which only the headers'
# configuration matters.
make_dkms_try() {
	make_try
	install -t trixie-backports "linux-headers-$newest"
	mkdir -p "$root/lib/modules/$rustless/build/include"
	echo '# CONFIG_RUST is not set' >"$root/lib/modules/$rustless/build/.config"
}

# Our own archive, which is unsigned here.
make_modules_try() {
	make_try
	echo "deb [trusted=yes] file:$guest_clone/build/deb/apt trixie main" \
		>"$root/etc/apt/sources.list.d/tls.list"
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

# measure WAY PACKAGE...: what apt would bring
measure() {
	inside apt-get install --assume-no --no-install-recommends "${@:2}" >"$said" 2>&1 || :
	sed -nE "s/^ *(Upgrading:.*Installing.*|Download size:.*|Space needed:.*|[0-9]+ upgraded.*|Need to get.*|After this.*)/$1: \\1/p" \
		"$said" | sed 's| / .*||' >>"$sizes"
	grep -q "^$1: " "$sizes"
}

show() { cat "$said" && false; }
installs() { install "$@" >"$said" 2>&1 || show; }
# says KERNEL WHY: the last output holds our line.
says() { grep -F "nf_conntrack_tls: not built for kernel $1: $2" "$said" || show; }
apt_is_well() { inside apt-get check && [ -z "$(inside dpkg --audit | tee "$said")" ] || show; }

# built KERNEL...: for these kernels, and for no other
built() {
	diff <(printf '%s\n' "$@" | sort) \
		<(inside dkms status nf_conntrack_tls |
			sed -n 's/^[^,]*, \([^,]*\), [^:]*: installed$/\1/p' | sort)
}

# logged WHAT FILE: below DKMS's folder of the module
logged() { grep -E "$1" "$root/var/lib/dkms/nf_conntrack_tls/"*"/$2"; }

# Through a pipe: our line and DKMS's come by two descriptors, and in a file one would overwrite the
# other.
logs_what_is_missing() {
	local status=0
	inside sh -c "dkms build nf_conntrack_tls/$upstream -k $older" 2>&1 | cat >"$said" ||
		status=$?
	[ "$status" = 77 ] && says "$older" "" &&
		logged "^nf_conntrack_tls: not built .*its source is missing" build/make.log
}

# What DKMS itself prints for BUILD_EXCLUSIVE_CONFIG
refuses_rustless() {
	local status=0
	inside dkms build "nf_conntrack_tls/$upstream" -k "$rustless" >"$said" 2>&1 || status=$?
	[ "$status" = 77 ] && grep BUILD_EXCLUSIVE "$said" || show
}

# Another rustc than the kernel's, and first in PATH.
refuses_other_rustc() {
	local status=0
	printf '#!/bin/sh\necho "rustc 1.96.1 (another)"\n' >"$root/usr/local/bin/rustc"
	chmod +x "$root/usr/local/bin/rustc"
	inside env PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		sh -c "/usr/src/nf_conntrack_tls-*/scripts/dkms.sh $newest" >"$said" 2>&1 ||
		status=$?
	rm "$root/usr/local/bin/rustc"
	[ "$status" = 77 ] && says "$newest" \
		"rustc 1.96.1 (another) is installed, but the kernel was built by rustc 1."
}

rebuilds_from_cache() {
	installs --reinstall "$deb" && built "$newest" "$older" &&
		logged '^Rust metadata of .*: there$' "$newest/x86_64/log/make.log"
}

# fails_and_heals COMMAND WHAT: with COMMAND in effect, the installation ends with an error that
# says WHAT. Afterwards dpkg --configure -a completes it.
fails_and_heals() {
	local status=0
	: >"$said"
	inside sh -euc "$1; apt-get install -y --reinstall $deb" >>"$said" 2>&1 || status=$?
	[ "$status" = 100 ] && grep -F "$2" "$said" || show || return
	inside dpkg --configure -a >"$said" 2>&1 && built "$newest" "$older" || show
}

# Headers with the metadata are used as they are. Here the metadata comes from what DKMS made, which
# later tests need.
takes_headers() {
	local made=$root/var/cache/nf-conntrack-tls/$newest kept=$root/var/tmp/metadata \
		headers=$root/usr/src/linux-headers-$newest status=0
	cp -a "$made" "$kept"
	cp -r "$made/rust" "$headers/"
	cp "$made/scripts/target.json" "$headers/scripts/"
	inside dkms build --force "nf_conntrack_tls/$upstream" -k "$newest" >"$said" 2>&1 &&
		logged '^Rust metadata of .*: in its headers$' "$newest/x86_64/log/make.log" &&
		[ -L "$made" ] || status=1
	rm -r "$headers/rust" "$headers/scripts/target.json" "$made"
	mv "$kept" "$made"
	[ "$status" = 0 ] || show
}

full_disk() {
	fails_and_heals "mount -t tmpfs -o size=64m tmpfs /var/cache/nf-conntrack-tls" \
		"/var/cache/nf-conntrack-tls has 0 GB free, and needs"
}

# A mount, too, so that it ends with the command.
failed_build() {
	fails_and_heals "mount --bind /usr/bin/false /usr/bin/gcc-14" \
		"Bad return status for module build on kernel: "
}

is_documented() {
	inside sh -euc 'ls /usr/share/man/man4/nf_conntrack_tls.4.gz
		ls /usr/share/doc/nf-conntrack-tls-common/README.Debian*
		ls /usr/share/doc/nf-conntrack-tls-common/examples/modprobe.d.conf
		ls /usr/share/doc/nf-conntrack-tls-common/examples/modules-load.d.conf
		! grep -rs nf_conntrack_tls /etc/modprobe.d /etc/modules-load.d /etc/modules'
}

replay_runs() { installs "$replay" && inside tls-replay --help &&
	inside ls /usr/share/man/man1/tls-replay.1.gz; }

# No module is loaded there.
status_runs() {
	local status=0
	installs "$tls_status" || return
	inside tls-status >"$said" 2>&1 || status=$?
	[ "$status" = 1 ] && grep -x 'tls-status: nf_conntrack_tls is not loaded' "$said" &&
		inside ls /usr/share/man/man1/tls-status.1.gz || show
}

had_no_openssl() {
	[ ! -e "$fresh/usr/bin/openssl" ] && [ ! -e "$fresh/usr/share/ca-certificates" ]
}
has_no_compiler() { ! inside sh -c 'command -v rustc || command -v gcc || command -v cc || command -v make || command -v dkms'; }

# arm64_package: holds a module for that kernel and machine.
arm64_package() {
	# shellcheck disable=SC2016
	inside sh -euc 'for deb in build/deb/modules/nf-conntrack-tls-modules-[0-9]*_arm64.deb; do
		rm -rf /tmp/arm64; dpkg -x "$deb" /tmp/arm64
		modinfo /tmp/arm64/usr/lib/modules/*-arm64/updates/nf_conntrack_tls.ko.xz |
			grep "^vermagic:.*-arm64 .*aarch64"
	done'
}

# smoke KERNEL FOLDER
smoke() { VM_ROOT=$root KVER=$1 "$clone/scripts/vm.sh" tests/smoke/run.sh "$2"; }

purge() {
	inside apt-get purge -y nf-conntrack-tls-dkms nf-conntrack-tls-common tls-replay tls-status
}
purge_modules() { inside apt-get purge -y 'nf-conntrack-tls-*'; }

# Not the package's: the clone, mounted there, our archive, and what bootstrap.sh noted.
nothing_left() {
	local left
	left=$(find "$root" -xdev -iname '*nf[-_]conntrack[-_]tls*' ! -path "$root$guest_clone" \
		! -path "$root/var/lib/nf_conntrack_tls" ! -path "$root/var/lib/apt/lists/*")
	echo "$left"
	[ -z "$left" ]
}

# The ready-made module: the archive, apt, a guest, the removal.
try_modules() {
	say "apt install nf-conntrack-tls-modules-amd64, from our own archive"
	check modules_measured measure "ready-made module" nf-conntrack-tls-modules-amd64
	check modules_install installs nf-conntrack-tls-modules-amd64
	check modules_apt_is_well apt_is_well
	check modules_bring_no_compiler has_no_compiler
	check modules_arm64_package arm64_package
	step "guest tools in the root" install "${guest[@]}"
	check "modules_guest_$newest" smoke "$newest" updates
	check modules_purge purge_modules
	check modules_nothing_left nothing_left
}

try_dkms() {
	say "apt install $deb: the toolchain, the metadata, the module (about 4 minutes)"
	check measured measure "DKMS, beside the kernel's headers" "$deb" "$common"
	check had_neither_openssl_nor_ca_certificates had_no_openssl
	check install installs "$deb" "$common"
	check built_for_the_kernel_with_rust built "$newest"
	check metadata_is_the_kernels logged '^([1-9][0-9]*) of \1 symbols are the kernel' \
		"$newest/x86_64/log/make.log"
	check refuses_a_kernel_without_rust refuses_rustless
	check refuses_another_rustc refuses_other_rustc
	check takes_headers_with_metadata takes_headers
	check apt_is_well apt_is_well
	check is_documented is_documented
	check replay_runs replay_runs
	check status_runs status_runs
	say "kernel $older, first without its source (about 5 minutes)"
	check second_kernel installs "linux-image-$older" "linux-headers-$older"
	check says_that_its_source_is_missing says "$older" \
		"its source is missing: 'apt install linux-source-"
	check logs_what_is_missing logs_what_is_missing
	check source_comes_later installs "linux-source-$(cut -d . -f 1,2 <<<"$older")"
	check built_for_both built "$newest" "$older"
	check rebuilds_from_cache rebuilds_from_cache
	check full_disk full_disk
	check failed_build failed_build
	step "guest tools in the root" install "${guest[@]}"
	check "guest_$newest" smoke "$newest" updates/dkms
	check "guest_$older" smoke "$older" updates/dkms
	check purge purge
	check nothing_left nothing_left
}

trap finish EXIT
"$clone/scripts/deb.sh" >&2
"$clone/scripts/deb-modules.sh" >&2
deb=$(cd "$clone" && ls ./build/deb/nf-conntrack-tls-dkms_*.deb)
common=$(cd "$clone" && ls ./build/deb/nf-conntrack-tls-common_*.deb)
replay=$(cd "$clone" && ls ./build/deb/tls-replay_*.deb)
tls_status=$(cd "$clone" && ls ./build/deb/tls-status_*.deb)
upstream=$(sed -n 's/^#define NF_CT_TLS_VERSION\s*"\(.*\)"$/\1/p' "$clone/helpers.h")
: >"$sizes"
need_space 8 "$cache"
[ -d "$fresh" ] || step "trixie root with kernel $newest (about a minute)" make_fresh

plan "$planned"
step "a copy of it, for the ready-made module" make_modules_try
try_modules
step "a copy of it, for DKMS" make_dkms_try
older=$(find_older)
try_dkms
note <"$sizes"
