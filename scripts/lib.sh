# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shared by the scripts: where things are, and steps that tell what they do.

set -euo pipefail

clone=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/nf_conntrack_tls
guest_clone=/nf_conntrack_tls	# where the clone stands in the root, and in the guest
log=$cache/log

say() { printf '== %s\n' "$*" >&2; }

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# step WHAT COMMAND...: says what is done, and how long it took. The command's output goes to a log,
# the end of which is shown if it fails.
step() {
	local what=$1 start=$SECONDS
	shift
	say "$what ..."
	# In the background, since bash ignores set -e in whatever a condition calls.
	"$@" >"$log" 2>&1 </dev/null &
	if ! wait $!; then
		tail -n 20 "$log" >&2
		die "$what: failed after $((SECONDS - start)) s; the whole log is in $log"
	fi
	say "$what: done in $((SECONDS - start)) s"
}

need_root() {
	[ "$(id -u)" = 0 ] ||
		die "the test ground needs root (chroot and mounts): run 'sudo make ...'"
}

# need_space GB DIR
need_space() {
	local free
	free=$(df --output=avail -BG "$2" | tail -n 1 | tr -dc 0-9)
	[ "$free" -ge "$1" ] ||
		die "$2 has $free GB free, the test ground needs $1; XDG_CACHE_HOME chooses another place"
}

packages() { sed 's/#.*//' "$@" | tr -s '[:space:]' ' '; }

# The root is made anew when what is in it changes.
root_key() {
	cat "$clone/scripts/packages-build.txt" "$clone/scripts/packages-guest.txt" \
		"$clone/scripts/requirements.txt" | sha256sum | cut -c1-12
}
root=$cache/root-$(root_key)
state=$root/var/lib/nf_conntrack_tls

# in_root ROOT COMMAND...: runs a command in the root, with the clone in it. The mounts live in a mount
# namespace of their own, so nothing stays mounted, whatever happens.
in_root() {
	local into=$1
	shift
	mkdir -p "$into$guest_clone"
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -euc '
		root=$1 clone=$2 into=$3; shift 3
		mount --bind "$clone" "$root$into"
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/tmp"
		mount -t tmpfs tmpfs "$root/run"
		# The machine may reach the registries through an authority of its own.
		authorities=/etc/ssl/certs/ca-certificates.crt
		if [ -e "$authorities" ] && [ -e "$root$authorities" ]; then
			mount --bind "$(readlink -f "$authorities")" "$root$authorities"
		fi
		cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || rm -f "$root/etc/resolv.conf"
		exec chroot "$root" env -C "$into" "$@"
	' in_root "$into" "$clone" "$guest_clone" \
		-i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" \
		DEBIAN_FRONTEND=noninteractive CARGO_HOME=/var/cache/cargo \
		CARGO_TARGET_DIR=/var/cache/cargo-target "$@"
}

# The kernel version that make, or the user, chose; else the one that was the newest lately.
kernel_version() {
	local version=${KVER:-}
	[ -n "$version" ] || version=$(cat "$state/newest" 2>/dev/null) ||
		die "no kernel is chosen yet: run scripts/ground.sh first"
	printf '%s\n' "$version"
}

source_tree() { printf '/usr/src/nf_conntrack_tls/%s\n' "$1"; }
