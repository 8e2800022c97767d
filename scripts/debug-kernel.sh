#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds a debug kernel (scripts/kconfig) from the source of the stock kernel $KVER, once for each set of fragments, and
# prints its version: that of the stock kernel with -debug behind it. With KVER= set to that, scripts/build.sh and
# scripts/vm.sh take it like any other. 15 to 40 minutes, 2 GB.

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
clang_make() { in_root "$root" make --no-print-directory -C "$tree" LLVM=-19 LOCALVERSION="${version#"${version%%[+-]*}"}" "$@"; }

# Links to the same files cost no space; mrproper and the build unlink what they replace.
link_source() {
	rm -rf "$root$tree"
	mkdir -p "$root$tree"
	cp -al "$root$(source_tree "$stock")/." "$root$tree"
	clang_make -s mrproper
}

# What the configuration's rules took away would be missed later, and less clearly.
check_config() {
	local lacking
	lacking=$(grep '^CONFIG' <<<"$fragments" | { grep -vxF -f "$root$tree/.config" || :; } | tr '\n' ' ')
	[ -z "$lacking" ] || die "scripts/kconfig asks for what a debug kernel $stock does not have: $lacking"
}

configure() {
	link_source
	printf '%s\n' "$fragments" >"$root$tree/fragments"
	clang_make KCONFIG_ALLCONFIG=fragments allnoconfig
	check_config
}

compile() {
	clang_make -j"$(nproc)" bzImage modules
	clang_make modules_install
	cp "$root$tree/arch/x86/boot/bzImage" "$root/usr/lib/modules/$version/vmlinuz"
}

exec 9>"$cache/lock.debug"
flock -n 9 || {
	say "waiting for another build of a debug kernel"
	flock 9
}
once "debug-tools-$(key "${tools[@]}")" "clang (a minute)" in_root "$root" \
	apt-get install -y --no-install-recommends "${tools[@]}"
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
