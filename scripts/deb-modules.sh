#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds ready-made modules as Debian packages, and an apt archive of all packages in build/deb/apt
# (by reprepro): nf-conntrack-tls-modules-VERSION for the newest kernel of each supported series and
# architecture, and for each architecture one that follows its newest kernel. scripts/deb-modules.sh
# [VERSION...]: for these kernels instead. MODULE_SIGN_KEY= and MODULE_SIGN_CERT= name a key and a
# certificate (PEM, DER) that sign the modules.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

name=nf-conntrack-tls
out=build/deb/modules
apt=build/deb/apt
ours=$(sed -n '1s/^[^(]*(\(.*\)).*/\1/p' "$clone/debian/changelog")
maintainer=$(sed -n 's/^Maintainer: //p' "$clone/debian/control")
[ -z "${DEBEMAIL:-}" ] || maintainer="${DEBFULLNAME:?with DEBEMAIL} <$DEBEMAIL>"

# kernel_version VERSION: of the package that the kernel came by
kernel_version() {
	arch=$(kernel_arch "$1") archive apt-cache madison "linux-headers-$1" |
		awk -F'|' '{ gsub(/ /, "", $2); print $2; exit }'
}

strip_for() {
	if [ "$1" = arm64 ]; then echo aarch64-linux-gnu-strip; else echo strip; fi
}

# control PACKAGE ARCH VERSION DEPENDS FOR WHAT: what it says of itself
control() {
	cat <<-CONTROL
		Package: $1
		Source: $name ($ours)
		Version: $3
		Architecture: $2
		Maintainer: $maintainer
		Section: kernel
		Priority: optional
		Depends: $4
		Provides: $name-modules
		Description: SSL/TLS connection tracking helper for netfilter ($5)
		 A netfilter connection tracking helper, in Rust, that follows the SSL/TLS
		 record stream of a connection in the kernel, and drops connections that break
		 the protocol's rules.
		 .
		 $6
	CONTROL
}

# pack FOLDER: with what each package of Debian's has, made into build/deb/modules
# shellcheck disable=SC2016
pack() {
	local package
	package=$(sed -n 's/^Package: //p' "$clone/$1/DEBIAN/control")
	mkdir -p "$clone/$1/usr/share/doc/$package"
	cp "$clone/debian/copyright" "$clone/$1/usr/share/doc/$package/"
	gzip -9nc "$clone/debian/changelog" >"$clone/$1/usr/share/doc/$package/changelog.Debian.gz"
	in_root "$root" sh -euc 'cd "$1"
		find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums
		chmod -R u=rwX,go=rX .
		dpkg-deb --root-owner-group --build . "$2"' pack "$guest_clone/$1" \
		"$guest_clone/$out" >/dev/null
	rm -rf "${clone:?}/$1"
}

# sign MODULE VERSION
sign() {
	[ -n "${MODULE_SIGN_KEY:-}" ] || return 0
	cp "$MODULE_SIGN_KEY" "$clone/$out/key"
	cp "${MODULE_SIGN_CERT:?with MODULE_SIGN_KEY}" "$clone/$out/cert"
	in_root "$root" "$(source_tree "$2")/scripts/sign-file" sha256 "$out/key" "$out/cert" "$1"
	rm "$clone/$out"/{key,cert}
}

# module VERSION: its package
module() {
	local version=$1 arch folder of=$out/tree file
	arch=$(kernel_arch "$version")
	folder=usr/lib/modules/$version/updates
	file=$of/$folder/nf_conntrack_tls.ko
	mkdir -p "$clone/$of/DEBIAN" "$clone/$of/$folder"
	cp "$clone/build/$version/nf_conntrack_tls.ko" "$clone/$file"
	in_root "$root" "$(strip_for "$arch")" --strip-debug "$file"
	sign "$file" "$version"
	in_root "$root" xz --check=crc32 --lzma2=dict=1MiB "$file"
	control "$name-modules-$version" "$arch" "$ours+$(kernel_version "$version")" \
		"$name-common, linux-image-$version (= $(kernel_version "$version"))" \
		"kernel $version" \
		"This package holds the module for that kernel." >"$clone/$of/DEBIAN/control"
	printf '#!/bin/sh\nset -e\ndepmod %s\n' "$version" >"$clone/$of/DEBIAN/postinst"
	printf '#!/bin/sh\nset -e\n[ ! -d /lib/modules/%s/kernel ] || depmod %s\n' "$version" \
		"$version" \
		>"$clone/$of/DEBIAN/postrm"
	chmod +x "$clone/$of/DEBIAN"/post*
	pack "$of"
}

# meta VERSION: the package that follows linux-image-ARCH
meta() {
	local version=$1 arch of=$out/meta
	arch=$(kernel_arch "$version")
	mkdir -p "$clone/$of/DEBIAN"
	control "$name-modules-$arch" "$arch" "$ours+$(kernel_version "$version")" \
		"$name-modules-$version, linux-image-$arch (= $(kernel_version "$version"))" \
		"newest kernel" \
		"This metapackage brings the module for the kernel of linux-image-$arch." \
		>"$clone/$of/DEBIAN/control"
	pack "$of"
}

# shellcheck disable=SC2016
make_archive() {
	rm -rf "${clone:?}/$apt"
	mkdir -p "$clone/$apt/conf"
	printf '%s\n' "Origin: $name" "Label: $name" "Codename: trixie" \
		"Architectures: amd64 arm64" "Components: main" \
		"Description: $name for Debian's kernels" \
		${APT_SIGN_WITH:+"SignWith: $APT_SIGN_WITH"} >"$clone/$apt/conf/distributions"
	in_root "$root" sh -euc 'for deb in build/deb/*.deb build/deb/modules/*.deb; do
		case $deb in *dbgsym*) ;; *) reprepro -b "$1" includedeb trixie "$deb" ;; esac
	done' archive "$apt"
}

# Of a module's package the name is as long as its kernel's version.
check_packages() {
	in_root "$root" sh -c "lintian --allow-root --info --pedantic \
		--suppress-tags initial-upload-closes-no-bugs,package-has-long-file-name \
		--fail-on error,warning,info,pedantic $out/*.deb"
}

# prepare SERIES ARCH: sets the ground up for the series' newest kernel, builds the module, and
# prints the version.
prepare() {
	local built
	built=$(KVER=$1 ARCH=$2 "$clone/scripts/ground.sh" >&2 &&
		KVER=$1 ARCH=$2 "$clone/scripts/build.sh") || return
	basename "$(dirname "$built")"
}

need_root
versions=("$@") newest=()
if [ $# = 0 ]; then
	for of in amd64 arm64; do
		for series in "${supported[@]}"; do
			version=$(prepare "$series" "$of")
			versions+=("$version")
			[ "$series" != "${supported[0]}" ] || newest+=("$version")
		done
	done
fi
into_root deb "Debian's packaging tools (about a minute)"
[ -e "$(ls "$clone"/build/deb/nf-conntrack-tls-common_*.deb 2>/dev/null)" ] ||
	"$clone/scripts/deb.sh"
rm -rf "${clone:?}/$out"
mkdir -p "$clone/$out"
for version in "${versions[@]}"; do
	step "package of the module for $version" module "$version"
done
for version in "${newest[@]}"; do
	step "package that follows linux-image-$(kernel_arch "$version")" meta "$version"
done
step "lintian" check_packages
step "an archive of them" make_archive
ls "$clone/$out"/*.deb
