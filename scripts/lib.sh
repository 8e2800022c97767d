# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shared by the scripts: paths, steps that say what they do, and running commands in the root.

set -euo pipefail

clone=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/nf_conntrack_tls
guest_clone=/nf_conntrack_tls	# where the clone stands in the root, and in the guest
# real captures, where there are any: /run/pcaps in the root
captures=${NF_CT_TLS_PCAPS:-$clone/../shared/pcaps}
log=$cache/log
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '== %s\n' "$*" >&2; }

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] ||
		die "the build root needs root (chroot and mounts): run 'sudo make ...'"
	unshare --mount --pid --fork true 2>/dev/null ||
		die "the build root needs mounts and namespaces, which are not allowed here: give the container more privileges"
}

# need_space GB DIR
need_space() {
	local free
	free=$(df --output=avail -BG "$2" | tail -n 1 | tr -dc 0-9)
	[ "$free" -ge "$1" ] ||
		die "$2 has $free GB free, the build root needs $1; XDG_CACHE_HOME= chooses another place"
}

# step WHAT COMMAND...: says what is done, and how long it took. The command's output goes to a log,
# the end of which is shown if it fails. It runs in the background, so that a signal to this script
# ends it at once.
step() {
	local what=$1 start=$SECONDS job
	shift
	say "$what ..."
	(
		trap - INT TERM HUP
		"$@"
	) >"$log" 2>&1 </dev/null &
	job=$!
	# shellcheck disable=SC2064
	trap "kill $job 2>/dev/null; die '$what: interrupted; the next run starts it over'" INT \
		TERM HUP
	if ! wait "$job"; then
		tail -n 20 "$log" >&2
		die "$what: failed after $((SECONDS - start)) s; the whole log is in $log"
	fi
	trap - INT TERM HUP
	say "$what: done in $((SECONDS - start)) s"
}

packages() { sed 's/#.*//' "$@" | tr -s '[:space:]' '\n' | sed '/^$/d'; }

# key TEXT...: a short name for what a result depends on
key() { printf '%s\n' "$@" | sha256sum | cut -c1-12; }

# Another list of packages, or another way to install them, makes another root.
find_root() {
	packages=$(packages "$clone"/scripts/packages-{build,guest}.txt)
	root=$cache/root-$(key "$packages" "$(cat "$clone/scripts/bootstrap.sh")")
	state=$root/var/lib/nf_conntrack_tls
}
find_root

# contained COMMAND...: runs it with mounts and processes in namespaces of their own. They end when
# the script ends, for whatever reason.
contained() {
	setpriv --pdeathsig KILL \
		unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$@"
}

# in_root ROOT COMMAND...: runs a command in the root, with the clone in it.
in_root() {
	local into=$1
	shift
	mkdir -p "$into$guest_clone"
	# shellcheck disable=SC2016
	contained bash -euc '
		trap "exit 130" INT
		root=$1 clone=$2 into=$3 captures=$4; shift 4
		mount --bind "$clone" "$root$into"
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/tmp"
		mount -t tmpfs tmpfs "$root/run"
		if [ -d "$captures" ]; then
			mkdir "$root/run/pcaps"
			mount --bind -o ro "$captures" "$root/run/pcaps"
		fi
		# The machine may trust a certificate authority of its own, by which it reaches the
		# registries.
		authorities=/etc/ssl/certs/ca-certificates.crt
		if [ -e "$authorities" ] && [ -e "$root$authorities" ]; then
			mount --bind "$(readlink -f "$authorities")" "$root$authorities"
		fi
		cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null ||
			rm -f "$root/etc/resolv.conf"
		chroot "$root" env -C "$into" "$@"
	' in_root "$into" "$clone" "$guest_clone" "$captures" \
		-i HOME=/root PATH=/opt/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		TERM="${TERM:-dumb}" DEBIAN_FRONTEND=noninteractive CARGO_HOME=/var/cache/cargo \
		CARGO_TARGET_DIR="$guest_clone/build/cargo" NF_CT_TLS_PCAPS=/run/pcaps \
		"${proxies[@]}" "$@"
}

# Of the machine's environment, the root gets only how to reach the network.
proxies=()
for name in http_proxy https_proxy no_proxy; do
	[ -z "${!name:-}" ] || proxies+=("$name=${!name}")
done
unset name

# The series of kernels that the module can be built for, the newest first.
mapfile -t supported < <(sed -n 's/^supported := //p' "$clone/Kbuild" | tr ' ' '\n' | sort -rV)

is_prepared() { [ -e "$state/kernel-$1" ]; }

is_series() { [[ " ${supported[*]} " == *" $1 "* ]]; }

# kernel_arch VERSION: Debian's name of the architecture, the last word but for -debug
kernel_arch() {
	local version=${1%-debug}
	printf '%s\n' "${version##*-}"
}

# The kernel's architecture: KVER names it, else ARCH does.
case ${KVER:-} in
*-*) arch=$(kernel_arch "$KVER") ;;
*) arch=${ARCH:-amd64} ;;
esac
case $arch in
amd64 | arm64) ;;
x86 | x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
*) die "the architecture $arch is not supported: amd64 and arm64 are" ;;
esac

# newest_file [SERIES]: holds the version that ground.sh chose.
newest_file() { printf '%s/newest-%s%s\n' "$state" "$arch" "${1:+-$1}"; }

# The kernel version that the user chose; else, or of the series that the user chose, the one that
# ground.sh did. Sets $version.
find_kernel() {
	version=${KVER:-}
	if [ -z "$version" ] || is_series "$version"; then
		version=$(cat "$(newest_file "$version")" 2>/dev/null) || version=
	fi
	if [ -z "$version" ] || ! is_prepared "$version"; then
		die "the build root is not set up${version:+ for kernel $version}: run 'make ground${version:+ KVER=$version}'"
	fi
}

need_ground() {
	need_root
	[ -d "$root" ] || die "the build root is not set up: run 'make ground'"
}

# one_at_a_time NAME WHAT: waits for another run that does WHAT, until this script ends or closes
# descriptor 9.
one_at_a_time() {
	exec 9>"$cache/lock$1"
	flock -n 9 || {
		say "waiting for another run on $2"
		flock 9
	}
}

# once KEY WHAT COMMAND...: a step in the root, done unless its stamp says that it was.
once() {
	local stamp=$state/$1
	if [ -e "$stamp" ]; then
		say "$2: there"
		return
	fi
	step "${@:2}"
	touch "$stamp"
}

# into_root NAME WHAT: the packages of scripts/packages-NAME.txt, when first asked for.
into_root() {
	local tools
	mapfile -t tools < <(packages "$clone/scripts/packages-$1.txt")
	once "$1-$(key "${tools[@]}")" "$2" in_root "$root" apt-get install \
		-y --no-install-recommends "${tools[@]}"
}

# servers_into_root NAME WHAT: the same, of servers, which are not started.
servers_into_root() (
	policy=$root/usr/sbin/policy-rc.d
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	into_root "$@"
)

# cargo_tool NAME VERSION HOW_LONG: into the root's /usr/local, when first asked for.
cargo_tool() {
	once "$1-$2" "$1 $2 ($3)" in_root "$root" cargo install --quiet --locked --root /usr/local \
		--version "$2" "$1"
}

# archive COMMAND...: apt's, in the root. For another architecture apt has a folder and package
# lists of its own there, in which no package counts as installed.
archive() {
	local apt=/var/lib/nf_conntrack_tls/apt-$arch
	if [ "$arch" = amd64 ]; then
		in_root "$root" "$@"
		return
	fi
	if [ ! -e "$root$apt/conf" ]; then
		mkdir -p "$root$apt"/{lists,archives}/partial
		touch "$root$apt/status"
		printf '%s;\n' "APT::Architecture \"$arch\"" "APT::Architectures { \"$arch\"; }" \
			"Dir::State \"$apt\"" "Dir::State::status \"$apt/status\"" \
			"Dir::Cache \"$apt\"" >"$root$apt/conf"
	fi
	in_root "$root" env APT_CONFIG="$apt/conf" "$@"
}

# versions: the kernels that the archive has headers for, the newest first.
versions() {
	archive apt-cache search --names-only "^linux-headers-[0-9].*-$arch\$" |
		sed 's/^linux-headers-\([^ ]*\) .*/\1/' | grep -vE -- '-(rt|cloud)-' | sort -rV
}

source_tree() { printf '/usr/src/nf_conntrack_tls/%s\n' "$1"; }

# link_tree FROM TO: another tree of a kernel's source, in which nothing was built. Links to the
# same files cost no space; mrproper and the build unlink what they replace.
link_tree() {
	rm -rf "$root$2"
	mkdir -p "$root$2"
	cp -al "$root$1/." "$root$2"
	in_root "$root" make -s -C "$2" mrproper
}

# check_config WHICH FOLDER FRAGMENTS: an option that the configuration's rules removed would cause
# less clear errors later.
check_config() {
	local lacking
	lacking=$(grep '^CONFIG' <<<"$3" | { grep -vxF -f "$root$2/.config" || :; } | tr '\n' ' ')
	[ -z "$lacking" ] || die \
		"scripts/kconfig asks for what a $1 kernel $version does not have: $lacking"
}

# kernel_make VERSION ARGS...: the kernel's build, as that kernel was built: Debian's by gcc, one of
# our own by clang.
kernel_make() {
	local version=$1 tree with=(CC=gcc-14)
	shift
	tree=$(source_tree "$version")
	if grep -qsx CONFIG_CC_IS_CLANG=y "$root$tree/.config"; then
		with=(LLVM=-19)
	elif [ "$(kernel_arch "$version")" = arm64 ]; then
		with=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc-14
			HOSTCC=gcc-14)
	fi
	in_root "$root" make --no-print-directory -C "$tree" "${with[@]}" \
		LOCALVERSION="${version#"${version%%[+-]*}"}" "$@"
}
