#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the module for a kernel of another suite of Debian's by that suite's toolchain, in a root
# of its own, and runs the selftests in a guest with that kernel: scripts/suite.sh [KERNEL
# [TEST...]]. SUITE= is forky unless set otherwise; KERNEL is its newest, or any of forky, sid and
# experimental. The guest's userland is trixie's.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

suite=${SUITE:-forky}
mapfile -t toolchain < <(packages "$clone/scripts/packages-suite.txt")
other=$cache/$suite-$(key "${toolchain[@]}")
folder=/usr/src/nf_conntrack_tls	# of a kernel: what the module is built in

inside() { in_root "$other" "$@"; }

# A mirror can be older than the validity of a testing suite's lists.
make_root() {
	local archive=http://deb.debian.org/debian
	rm -rf --one-file-system "$other.part"
	contained mmdebstrap --variant=apt --mode=root \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--include="$(IFS=,; echo "${toolchain[*]}")" "$suite" "$other.part"
	printf 'deb %s %s main\n' "$archive" sid "$archive" experimental \
		>"$other.part/etc/apt/sources.list.d/newer.list"
	in_root "$other.part" apt-get update
	mv "$other.part" "$other"
}

newest_kernel() {
	inside apt-cache search --names-only '^linux-headers-[0-9].*-amd64$' |
		sed 's/^linux-headers-\([^ ]*\) .*/\1/' | grep -vE -- '-(rt|cloud)-' | sort -rV |
		while read -r version; do
		if inside apt-cache madison "linux-headers-$version" | grep -q " $suite/main "; then
			echo "$version"
			break
		fi
	done
}

# release KERNEL: of the packages it came by
release() { inside apt-cache madison "linux-headers-$1" |
	awk -F'|' '{ gsub(/ /, "", $2); print $2; exit }'; }

# The headers are installed, with what they depend on: the very compiler, and Kbuild's tools. The
# rest is unpacked.
# shellcheck disable=SC2016
get_kernel() {
	local of source
	of=$(release "$1")
	source=linux-source-$(cut -d . -f 1,2 <<<"${1%%[+-]*}")
	inside apt-get install -y --no-install-recommends "linux-headers-$1=$of"
	inside sh \
		-euc 'cd /tmp; apt-get download "$@"; for deb in *.deb; do dpkg -x "$deb" /; done' \
		get \
		"linux-binary-$1=$of" "linux-modules-$1=$of" "linux-base-$1=$of" "$source=$of"
	inside depmod "$1"
}

# As scripts/dkms.sh does it.
# shellcheck disable=SC2016
make_folder() {
	local source
	source=/usr/src/linux-source-$(cut -d . -f 1,2 <<<"${1%%[+-]*}").tar.xz
	inside scripts/metadata.sh "/usr/src/linux-headers-$1" "$source" "$folder/tree" \
		prepare CONFIG_OBJTOOL= CONFIG_DEBUG_INFO_BTF= CONFIG_MODULE_SIG_FORMAT=
	inside sh -euc 'headers=/usr/src/linux-headers-$1 into=$2/$1 tree=$2/tree
		rm -rf "$into"
		mkdir -p "$into/rust" "$into/scripts"
		find "$headers/" -mindepth 1 -maxdepth 1 ! -name Makefile ! -name scripts \
			-exec ln -s -t "$into" {} +
		ln -s -t "$into/scripts" "$headers"/scripts/*
		sed "s|$headers\$|$into|" "$headers/Makefile" >"$into/Makefile"
		mv "$tree"/rust/*.rmeta "$tree"/rust/*.so "$into/rust/"
		mv "$tree/scripts/target.json" "$into/scripts/"
		rm -rf "$tree"' make_folder "$1" "$folder"
}

build_module() {
	mkdir -p "$clone/build/$1"
	inside make --no-print-directory -C "$folder/$1" M="$guest_clone" MO="$guest_clone/build/$1"
}

# The guest is booted from the build root, which has what boots it.
lend_kernel() {
	cp -a "$other/usr/lib/modules/$1" "$root/usr/lib/modules/"
	touch "$state/kernel-$1"
}

# once_for KERNEL WHAT COMMAND: a step in the other root, done unless its stamp says so
once_for() {
	local stamp=$other/var/lib/nf_conntrack_tls-$3-$1
	[ ! -e "$stamp" ] || return 0
	step "$2" "$3" "$1"
	touch "$stamp"
}

need_ground
one_at_a_time ".$suite" "$suite"
need_space 6 "$cache"
[ -d "$other" ] || step "root of $suite with its toolchain (about 2 minutes)" make_root
kernel=${1:-$(newest_kernel)}
[ $# = 0 ] || shift
[ $# -gt 0 ] || set -- tests/netns/run.sh
say "kernel: $kernel, $(release "$kernel")"
once_for "$kernel" "kernel $kernel and its source" get_kernel
once_for "$kernel" "its Rust metadata (3 minutes)" make_folder
once_for "$kernel" "the kernel for the guest" lend_kernel
step "the module for $kernel" build_module "$kernel"
inside sh -c '. /etc/os-release; echo "$PRETTY_NAME"; rustc --version; bindgen --version' >&2
KVER=$kernel "$clone/scripts/vm.sh" "$@"
