#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sets the test ground up: a trixie root with the toolchain that built Debian's kernels, a stock kernel of
# trixie-backports in it, and the Rust metadata that its headers package lacks. Each step is skipped when
# its result is there; KVER= chooses another kernel of the archive.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

install_host_tools() {
	command -v mmdebstrap >/dev/null && return
	command -v apt-get >/dev/null ||
		die "mmdebstrap is missing: install it (Debian and Ubuntu: apt install mmdebstrap)"
	step "installing mmdebstrap on this machine" \
		sh -c 'apt-get update && apt-get install -y --no-install-recommends mmdebstrap'
}

# The archive's mirror is the one that mmdebstrap chose.
add_backports() {
	local lists=$1/etc/apt/sources.list
	sed -n '/ trixie main/{s/ trixie / trixie-backports /;p;q}' "$lists" >"$lists.d/backports.list"
}

bootstrap_root() {
	local part=$root.part include
	rm -rf --one-file-system "$part"
	include=$(packages "$clone"/scripts/packages-{build,guest}.txt | tr -s ' ' ,)
	mmdebstrap --variant=apt --mode=root --include="${include#,}" trixie "$part"
	add_backports "$part"
	in_root "$part" python3 -m venv --system-site-packages /opt/venv
	in_root "$part" /opt/venv/bin/pip install --quiet -r "$guest_clone/scripts/requirements.txt"
	in_root "$part" apt-get update
	mkdir -p "$part/var/lib/nf_conntrack_tls"
	mv "$part" "$root"
}

make_root() {
	if [ -d "$root" ]; then
		say "trixie root: there ($root)"
		return
	fi
	need_space 8 "$cache"
	step "trixie root with toolchain and test tools (about 2 minutes)" bootstrap_root
}

# versions: the kernels that the archive has headers for, the oldest first.
versions() {
	in_root "$root" apt-cache search --names-only '^linux-headers-[0-9].*-amd64$' |
		sed 's/^linux-headers-\([^ ]*\) .*/\1/' | grep -vE -- '-(rt|cloud)-' | sort -V
}

refresh_list() {
	in_root "$root" apt-get update >"$log" 2>&1 </dev/null ||
		say "warning: the package list could not be refreshed; going on with the old one"
}

choose_kernel() {
	local list=$root/var/cache/apt/pkgcache.bin version
	if [ -z "${KVER:-}" ]; then
		if [ -z "$(find "$state/newest" -mmin -1440 2>/dev/null)" ]; then
			[ -z "$(find "$list" -mmin +1440 2>/dev/null)" ] || refresh_list
			versions | tail -n 1 >"$state/newest.part"
			[ -s "$state/newest.part" ] || die "the archive lists no kernel headers"
			mv "$state/newest.part" "$state/newest"
		fi
		version=$(cat "$state/newest")
	else
		version=$KVER
		[ -e "$state/kernel-$version" ] || versions | grep -qxF -- "$version" || {
			refresh_list
			versions | grep -qxF -- "$version" ||
				die "KVER=$version is not in the archive, which has: $(versions | tr '\n' ' ')"
		}
	fi
	KVER=$version
	say "kernel: $KVER"
}

# unpack PACKAGE[=VERSION]...: downloads packages, and unpacks them into the root.
unpack() {
	local debs=/var/cache/nf_conntrack_tls-debs
	in_root "$root" sh -euc 'rm -rf "$1"; mkdir -p "$1"; cd "$1"; shift; apt-get download "$@"
		for deb in *.deb; do dpkg -x "$deb" /; done; rm -f -- *.deb' unpack "$debs" "$@"
}

# archive_version PACKAGE
archive_version() {
	in_root "$root" apt-cache madison "$1" | awk -F'|' '{ gsub(/ /, "", $2); print $2; exit }'
}

unpack_headers() {
	unpack "linux-headers-$KVER=$(archive_version "linux-headers-$KVER")"
}

config() { printf '%s/usr/src/linux-headers-%s/.config\n' "$root" "$KVER"; }

check_rust() {
	grep -qx CONFIG_RUST=y "$(config)" ||
		die "kernel $KVER was built without CONFIG_RUST=y, so no Rust module can be loaded into it: choose a newer one with KVER="
}

# Debian's source package is named after the upstream series, and must be of the very same version.
find_source() {
	local version series
	version=$(archive_version "linux-headers-$KVER")
	series=${KVER%%[+-]*}
	series=linux-source-$(cut -d. -f1,2 <<<"$series")
	in_root "$root" apt-cache madison "$series" | grep -qF -- " $version " ||
		die "the archive has no $series of version $version, the exact source of kernel $KVER: choose another with KVER="
	printf '%s=%s\n' "$series" "$version"
}

unpack_kernel() {
	local version=$1
	unpack "linux-binary-$KVER=$version" "linux-modules-$KVER=$version" "linux-base-$KVER=$version"
	in_root "$root" depmod "$KVER"
}

unpack_source() {
	local source=$1 tree
	tree=$(source_tree "$KVER")
	unpack "$source"
	rm -rf "${root:?}$tree"
	mkdir -p "$root$tree"
	in_root "$root" tar -xf "/usr/src/${source%%=*}.tar.xz" -C "$tree" --strip-components=1
	rm "$root/usr/src/${source%%=*}.tar.xz"
	cp "$(config)" "$(dirname "$(config)")/Module.symvers" "$root$tree/"
}

prepare_metadata() {
	local upstream=${KVER%%[+-]*}
	in_root "$root" make -C "$(source_tree "$KVER")" -j"$(nproc)" CC=gcc-14 \
		LOCALVERSION="${KVER#"$upstream"}" olddefconfig prepare modules_prepare
}

make_kernel() {
	local stamp=$state/kernel-$KVER source
	if [ -e "$stamp" ]; then
		say "kernel and Rust metadata: there"
		return
	fi
	need_space 4 "$cache"
	step "headers of $KVER" unpack_headers
	check_rust
	source=$(find_source)
	step "stock kernel $KVER" unpack_kernel "${source#*=}"
	step "its source, $source" unpack_source "$source"
	step "its Rust metadata (about a minute and a half)" prepare_metadata
	touch "$stamp"
}

need_root
mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || {
	say "waiting for another run on this test ground"
	flock 9
}
install_host_tools
make_root
choose_kernel
make_kernel
