#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes the Rust metadata that Debian's headers packages lack: scripts/metadata.sh HEADERS SOURCE
# TREE GOAL... unpacks a kernel's SOURCE (linux-source-X.Y.tar.xz) into TREE, and makes the GOALs
# there as the kernel of HEADERS was built. An error is one line on stderr. The exit status is 77 if
# something is missing, 1 if the build failed.

set -euo pipefail
headers=$1 source=$2 tree=$3 goals=("${@:4}")

missing() {
	printf '%s\n' "$*" >&2
	exit 77
}

fail() {
	printf '%s\n' "$*" >&2
	exit 1
}

# setting NAME: its value in the kernel's configuration
setting() { sed -n "s/^CONFIG_$1=//p" "$headers/.config" | tr -d '"'; }

# same_tool TOOL VERSION: metadata holds for one compiler only.
same_tool() {
	local here
	here=$("$1" --version 2>/dev/null) || missing "$1 is missing; the kernel was built by $2"
	[ "$here" = "$2" ] || missing \
		"$here is installed, but the kernel was built by $2: install that version of $1"
}

# settings FOLDER: what the kernel is made of, without what names the tools and counts their
# versions, and without arm64's vDSO for 32-bit programs. The vDSO needs a second compiler, and no
# Rust code uses it.
settings() { grep '^CONFIG_' "$1/.config" |
	grep -vE '^CONFIG_([A-Z_]*VERSION(_TEXT)?|(THUMB2_)?COMPAT_VDSO)='; }

prepare() {
	make --no-print-directory -C "$tree" -j"$(nproc)" CC="$compiler" HOSTCC="$compiler" \
		LOCALVERSION="${release#"${release%%[+-]*}"}" olddefconfig "${goals[@]}" 2>&1
}

# The symbols of the crates carry hashes: the metadata is the kernel's if they are in its list.
same_symbols() {
	cat "$tree"/rust/exports_*_generated.h |
		awk 'NR == FNR { known[$2]; next }
			{ gsub(/^.*\(|\).*$/, ""); seen++ }
			!($0 in known) { print "unknown: " $0; unknown++ }
			END {
				print seen - unknown " of " seen " symbols are the kernel'\''s"
				exit unknown > 0 || !seen
			}' \
			"$headers/Module.symvers" -
}

[ -e "$source" ] || missing "$source is missing"
same_tool rustc "$(setting RUSTC_VERSION_TEXT)"
same_tool bindgen "$(setting BINDGEN_VERSION_TEXT)"
compiler=$(setting CC_VERSION_TEXT)
compiler=${compiler%% *}
command -v "$compiler" >/dev/null || missing "$compiler is missing, which the kernel was built by"
release=$(cat "$headers/include/config/kernel.release")

rm -rf "$tree"
mkdir -p "$tree"
# What is left out is not compiled here.
tar -xf "$source" -C "$tree" --strip-components=1 \
	--exclude='*/drivers/*.c' --exclude='*/sound/*.c' \
	--exclude='*/drivers/gpu/drm/amd/include' || fail "$source cannot be unpacked"
cp "$headers/.config" "$headers/Module.symvers" "$tree/"
prepare || fail "the kernel's own build of the metadata failed"
diff <(settings "$headers") <(settings "$tree") ||
	fail "the tools here do not make the kernel's configuration: see the lines above"
same_symbols || fail "the metadata is not the kernel's: see the lines above"
