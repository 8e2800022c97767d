#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds tls-replay, its manual page and completions, by the machine's cargo or else by the build
# root's, and prints its path. With --test: runs its tests in the build root, with the kernel's
# own compiler, lets a browser look at the page, and captures by tcpdump; further
# arguments go to cargo test.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=tools/replay

in_ground() {
	need_ground
	in_root "$root" env -C "$folder" "$@"
}

if [ "${1:-}" = --test ]; then
	need_ground
	into_root browser "a browser (about a minute)"
	in_ground env NF_CT_TLS_BROWSER=/usr/bin/chromium-headless-shell NF_CT_TLS_TCPDUMP=yes \
		cargo test --profile checked --locked --no-fail-fast "${@:2}"
	exit
fi
build=(cargo build --release --locked --target-dir target)
tool=target/release/tls-replay

# with COMMAND...: by the machine's cargo, or else in the build root.
if command -v cargo >/dev/null; then
	with() { (cd "$clone/$folder" && "$@"); }
else
	with() { in_ground "$@"; }
fi

with "${build[@]}"
share=$clone/$folder/target/share
mkdir -p "$share"
with "$tool" --generate man >"$share/tls-replay.1"
for shell in bash fish zsh; do
	with "$tool" --generate "$shell" >"$share/tls-replay.$shell"
done
ls "$clone/$folder/$tool"
