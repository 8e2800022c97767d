# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# How the trixie root is made: its own file, for a change here means another root.

# The archive's mirror is the one that mmdebstrap chose.
add_backports() {
	local lists=$1/etc/apt/sources.list
	sed -n '/ trixie main/{s/ trixie / trixie-backports /;p;q}' "$lists" >"$lists.d/backports.list"
}

# bootstrap_root ROOT PACKAGES: makes the root beside its place, and moves it there when it is whole.
bootstrap_root() {
	local part=$1.part
	rm -rf --one-file-system "$part"
	contained mmdebstrap --variant=apt --mode=root --include="$(tr '\n' , <<<"$2" | sed 's/,*$//')" trixie "$part"
	add_backports "$part"
	mkdir -p "$part/var/lib/nf_conntrack_tls"
	mv "$part" "$1"
}
