#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds a debug kernel (scripts/kconfig) from the source of the stock kernel $KVER, once for each
# set of fragments, and prints its version: that of the stock kernel, followed by -debug. With
# KVER= set to that, scripts/build.sh and scripts/vm.sh take it like any other. 15 to 40 minutes, 2
# GB.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
find_kernel
stock=${version%-debug}
version=$stock-debug
tree=$(source_tree "$version")
fragments=$(cd "$clone" && cat scripts/kconfig/{base,netfilter,x86,debug}.config)
mapfile -t tools < <(packages "$clone/scripts/packages-debug.txt")
stamp=debug-$version-$(key "$fragments" "${tools[*]}")

# RUST depends on !KASAN || CC_IS_CLANG.
clang_make() { in_root "$root" make --no-print-directory -C "$tree" LLVM=-19 \
	LOCALVERSION="${version#"${version%%[+-]*}"}" "$@"; }

configure() {
	link_tree "$(source_tree "$stock")" "$tree"
	printf '%s\n' "$fragments" >"$root$tree/fragments"
	clang_make KCONFIG_ALLCONFIG=fragments allnoconfig
	check_config debug "$tree" "$fragments"
}

compile() {
	clang_make -j"$(nproc)" bzImage modules
	clang_make modules_install
	cp "$root$tree/arch/x86/boot/bzImage" "$root/usr/lib/modules/$version/vmlinuz"
}

one_at_a_time .debug "the debug kernel"
into_root debug "clang (a minute)"
if [ -e "$state/$stamp" ]; then
	say "debug kernel $version: there"
else
	need_space 4 "$cache"
	rm -f "$state/debug-$version-"* "$state/kernel-$version"
	step "configuration of the debug kernel $version" configure
	step "debug kernel $version (15 to 40 minutes)" compile
	touch "$state/$stamp" "$state/kernel-$version"
fi
printf '%s\n' "$version"
