#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs the parser's tests on a big-endian machine: s390x, emulated by qemu-user. Arguments go to
# cargo test. A test takes about ten times as long as natively.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

target=s390x-unknown-linux-gnu
prefix=s390x-linux-gnu

# Rust's standard library for the target, of the compiler's version. If the package list cannot be
# refreshed, the old one may do: else the download fails.
# shellcheck disable=SC2016
unpack_library() {
	local version
	version=$(in_root "$root" dpkg-query -W -f '${Version}' rustc)
	arch=s390x archive sh -euc 'apt-get update || :
		cd /tmp; apt-get download "libstd-rust-dev=$1"; dpkg -x ./*.deb /' unpack "$version"
}

need_ground
into_root s390x "a compiler and an emulator for s390x"
once "libstd-s390x" "Rust's library for s390x" unpack_library
in_root "$root" env -C tests/parser CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_LINKER="$prefix-gcc-14" \
	CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_RUNNER="qemu-s390x -L /usr/$prefix" \
	cargo test --release --locked --no-fail-fast --target "$target" "$@"
