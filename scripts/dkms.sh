#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DKMS's PRE_BUILD: scripts/dkms.sh KERNEL readies the folder that the module is built in, which is
# the kernel's headers and the Rust metadata that they lack. It is kept, so that the next build for
# the kernel is quick. Headers that have the metadata are taken as they are. Exit status 77 means
# "not for this kernel" to DKMS: something is missing, and one line says what. Any other status is
# an error.

set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
kernel=$1
cache=/var/cache/nf-conntrack-tls
headers=$(readlink -f "/lib/modules/$kernel/build")
series=$(cut -d . -f 1,2 <<<"${kernel%%[+~-]*}")
folder=$cache/$kernel
supported=$(sed -n 's/^supported := //p' "$here/../Kbuild")
tree=$cache/source
needed=2	# GB, while it is made
# The tools for compiled code come with the headers. To build them, libelf-dev and libssl-dev are
# needed. apt cannot install these where the kernel came with a newer libelf of backports.
goals=(prepare CONFIG_OBJTOOL= CONFIG_DEBUG_INFO_BTF= CONFIG_MODULE_SIG_FORMAT=)

# refuse STATUS WHY: prints the line for DKMS's log, and again on the output of the first ancestor
# that writes elsewhere: DKMS itself, and so apt.
refuse() {
	local line pid=$PPID
	line="nf_conntrack_tls: not built for kernel $kernel: $2"
	while [ "$pid" -gt 1 ] && [ "/proc/$pid/fd/1" -ef /proc/self/fd/1 ]; do
		pid=$(sed -n 's/^PPid:\s*//p' "/proc/$pid/status")
	done
	printf '%s\n' "$line"
	[ "$pid" = "$PPID" ] || printf '\n%s\n' "$line" 2>/dev/null >>"/proc/$pid/fd/1" || :
	exit "$1"
}

# version PACKAGE: of the source that it was built from, if it is installed
# shellcheck disable=SC2016
version() { dpkg-query -W -f '${source:Version}' "$1" 2>/dev/null || :; }

check_kernel() {
	grep -qx CONFIG_RUST=y "$headers/.config" ||
		refuse 77 "the kernel was built without CONFIG_RUST=y; Debian's from 7.2 on (trixie-backports) have it"
	[[ " $supported " == *" $series "* ]] || refuse 77 "it is not supported: $supported are"
}

# take_headers: they have the metadata, which holds for one compiler only.
take_headers() {
	local wanted here
	wanted=$(sed -n 's/^CONFIG_RUSTC_VERSION_TEXT="\(.*\)"$/\1/p' "$headers/.config")
	here=$(rustc --version 2>/dev/null) || here="no rustc"
	[ "$here" = "$wanted" ] ||
		refuse 77 "$here is installed, but the kernel was built by $wanted: install that version of rustc"
	rm -rf "$folder"
	ln -s "$headers" "$folder"
}

# The archive of exactly the version that the kernel was built from
find_source() {
	local package=linux-source-$series wanted
	source=/usr/src/$package.tar.xz
	wanted=$(version "linux-headers-$kernel")
	[ -n "$wanted" ] || refuse 77 \
		"it is not one of Debian's: there is no package linux-headers-$kernel"
	[ "$(version "$package")" = "$wanted" ] ||
		refuse 77 "its source is missing: 'apt install $package=$wanted' brings it, and builds the module"
}

# What the metadata depends on
key() { sha256sum "$headers"/{.config,Module.symvers} "$source" |
	cut -d ' ' -f 1; rustc --version; }

# The headers by links, and the metadata.
make_folder() {
	local part=$folder.part
	rm -rf "$part"
	mkdir -p "$part"/{rust,scripts}
	find "$headers/" -mindepth 1 -maxdepth 1 ! -name Makefile ! -name scripts -exec ln \
		-s -t "$part" {} +
	ln -s -t "$part/scripts" "$headers"/scripts/*
	sed "s|$headers\$|$folder|" "$headers/Makefile" >"$part/Makefile"
	mv "$tree"/rust/*.{rmeta,so} "$part/rust/"
	# Only x86 has one.
	[ ! -e "$tree/scripts/target.json" ] || mv "$tree/scripts/target.json" "$part/scripts/"
	key >"$part/key"
	rm -rf "$folder"
	mv "$part" "$folder"
}

# Those of kernels that are gone
prune() {
	local folder
	for folder in "$cache"/*; do
		[ -e "/lib/modules/${folder##*/}/build" ] || rm -rf "$folder"
	done
}

mkdir -p "$cache"
# One at a time: there is one tree.
exec 9>"$cache/.lock"
flock 9
prune
check_kernel
if [ -e "$headers/rust/libkernel.rmeta" ]; then
	take_headers
	echo "Rust metadata of $kernel: in its headers"
	exit
fi
find_source
if [ -e "$folder/key" ] && [ "$(key)" = "$(cat "$folder/key")" ]; then
	echo "Rust metadata of $kernel: there"
	exit
fi
trap 'rm -rf "$tree" "$folder.part"' EXIT
free=$(($(df --output=avail -B1M "$cache" | tail -n 1) / 1024))
[ "$free" -ge "$needed" ] || refuse 1 "$cache has $free GB free, and needs $needed"
exec 3>&1
why=$("$here/metadata.sh" "$headers" "$source" "$tree" "${goals[@]}" 2>&1 >&3) || refuse $? "$why"
make_folder
