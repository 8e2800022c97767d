#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sets the build root up: a trixie root with the toolchain that built Debian's kernels, a stock
# kernel of trixie-backports in it, and the Rust metadata that its headers package lacks. Each step
# is skipped when its result is there; KVER= chooses another kernel of the archive, ARCH=arm64 the
# newest for arm64, cross-built. With --remove: removes all of it.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/bootstrap.sh
source "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh"

install_host_tools() {
	command -v mmdebstrap >/dev/null && return
	command -v apt-get >/dev/null ||
		die "mmdebstrap is missing: install it (Debian and Ubuntu: apt install mmdebstrap)"
	step "installing mmdebstrap on this machine" \
		sh -c 'apt-get update && apt-get install -y --no-install-recommends mmdebstrap'
}

make_root() {
	if [ -d "$root" ]; then
		say "trixie root: there ($root)"
		return
	fi
	install_host_tools
	need_space 8 "$cache"
	step "trixie root with toolchain and test tools (about 2 minutes)" bootstrap_root "$root" \
		"$packages"
}

# A new root has no package list.
get_cross_tools() {
	compgen -G "$root/var/lib/apt/lists/*_Packages*" >/dev/null || arch=amd64 refresh_list
	into_root "$arch" "what builds for $arch and boots it"
}

make_venv() {
	in_root "$root" python3 -m venv --clear --system-site-packages /opt/venv
	in_root "$root" /opt/venv/bin/pip install --quiet -r scripts/requirements.txt
}

# --- which kernel -----------------------------------------------------------

listed() { grep -qxF -- "$1" < <(versions); }

# archive_versions PACKAGE: the newest first
archive_versions() { archive apt-cache madison "$1" | awk -F'|' '{ gsub(/ /, "", $2); print $2 }'; }

# find_source VERSION: the source package of exactly that kernel; Debian's is named after the
# upstream series.
find_source() {
	local package version
	package=linux-source-$(cut -d. -f1,2 <<<"${1%%[+-]*}")
	version=$(archive_versions "linux-headers-$1" | sed -n 1p)
	archive_versions "$package" | grep -xF -- "$version" >/dev/null || return
	printf '%s=%s\n' "$package" "$version"
}

refresh_list() {
	say "refreshing the package list"
	archive apt-get -o APT::Update::Error-Mode=any update >"$log" 2>&1 </dev/null ||
		say "warning: the package list could not be refreshed (see $log); going on with the old one"
}

# choose_newest [SERIES]: of the series, or of any that is supported. Once a day. While the archive
# moves, a kernel can be there before its source.
choose_newest() {
	local version series newest
	newest=$(newest_file "${1:-}")
	[ -z "$(find "$newest" -mmin -1440 2>/dev/null)" ] || return 0
	refresh_list
	for series in ${1:-"${supported[@]}"}; do
		for version in $(versions | grep "^${series//./\\.}[.~+-]"); do
			find_source "$version" >/dev/null || continue
			printf '%s\n' "$version" >"$newest.part"
			mv "$newest.part" "$newest"
			return
		done
	done
	die "the archive lists no kernel ${1:-${supported[*]}} that has its source: see $log"
}

choose_kernel() {
	if [ -z "${KVER:-}" ] || is_series "$KVER"; then
		choose_newest "${KVER:-}"
		KVER=$(cat "$(newest_file "${KVER:-}")")
	elif ! is_prepared "$KVER"; then
		refresh_list
		listed "$KVER" || die \
			"KVER=$KVER is not in the archive, which has: $(versions | tr '\n' ' ')"
	fi
	say "kernel: $KVER"
}

# --- the kernel, and its metadata -------------------------------------------

# unpack PACKAGE...: downloads packages, and unpacks them into the root. An interrupted download
# goes on.
unpack() {
	local debs
	debs=/var/cache/nf_conntrack_tls/$(key "$@")
	# shellcheck disable=SC2016
	archive sh -euc 'debs=$1; shift; mkdir -p "$debs"; cd "$debs"; apt-get download "$@"
		for deb in *.deb; do dpkg -x "$deb" /; done; rm -rf "$debs"' unpack "$debs" "$@"
}

headers() { printf '%s/usr/src/linux-headers-%s\n' "$root" "$KVER"; }

unpack_kernel() {
	unpack "linux-binary-$KVER=$1" "linux-modules-$KVER=$1" "linux-base-$KVER=$1"
	in_root "$root" depmod "$KVER"
}

# twin: the kernel of the other architecture that has the same source, if it is there.
twin() {
	local other=amd64
	[ "$arch" != amd64 ] || other=arm64
	printf '%s-%s\n' "${KVER%-*}" "$other"
}

unpack_source() {
	local tree archive=/usr/src/${1%%=*}.tar.xz
	tree=$(source_tree "$KVER")
	if is_prepared "$(twin)"; then
		link_tree "$(source_tree "$(twin)")" "$tree"
	else
		rm -rf "$root$tree"
		mkdir -p "$root$tree"
		unpack "$1"
		in_root "$root" tar -xf "$archive" -C "$tree" --strip-components=1
		rm "$root$archive"
	fi
	cp "$(headers)/.config" "$(headers)/Module.symvers" "$root$tree/"
}

prepare_metadata() {
	kernel_make "$KVER" -j"$(nproc)" olddefconfig prepare modules_prepare
	test -s "$root$(source_tree "$KVER")/rust/libkernel.rmeta"
}

make_kernel() {
	local source
	if is_prepared "$KVER"; then
		say "kernel and Rust metadata: there"
		return
	fi
	need_space 4 "$cache"
	source=$(find_source "$KVER") ||
		die "the archive lacks the source package of exactly the version of kernel $KVER: choose another with KVER="
	once "headers-$KVER" "headers of $KVER" unpack "linux-headers-$KVER=${source#*=}"
	grep -qx CONFIG_RUST=y "$(headers)/.config" ||
		die "kernel $KVER was built without CONFIG_RUST=y, so no Rust module loads into it: choose a newer one with KVER="
	once "binary-$KVER" "stock kernel $KVER" unpack_kernel "${source#*=}"
	# Without stamps of their own: a build cut short starts over from the source.
	step "its source, $source" unpack_source "$source"
	step "its Rust metadata (about a minute and a half)" prepare_metadata
	touch "$state/kernel-$KVER"
}

need_root
mkdir -p "$cache"
one_at_a_time "" "this build root"
if [ "${1:-}" = --remove ]; then
	rm -rf --one-file-system "$cache"
	say "removed $cache"
	exit
fi
make_root
[ "$arch" = amd64 ] || get_cross_tools
once "venv-$(key "$(packages "$clone/scripts/requirements.txt")")" "Python packages" make_venv
choose_kernel
make_kernel
