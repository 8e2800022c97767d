#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the Debian packages (DKMS, common files, tls-replay, tls-status) into build/deb, and lets
# lintian and mandoc look at them. DEBFULLNAME and DEBEMAIL, if set, replace the maintainer.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

placeholder='nf_conntrack_tls contributors <maintainers@nf-conntrack-tls.example>'
out=build/deb
upstream=$(sed -n 's/^#define NF_CT_TLS_VERSION\s*"\(.*\)"$/\1/p' "$clone/helpers.h")

# same_version: the module, which modinfo asks, and the package have one version; and one
# maintainer.
same_version() {
	local changelog
	changelog=$(sed -n '1s/^[^(]*(\(.*\)-[^-]*).*/\1/p' "$clone/debian/changelog")
	[ "$changelog" = "$upstream" ] ||
		die "helpers.h says $upstream, debian/changelog $changelog"
	grep -qxF "Maintainer: $placeholder" "$clone/debian/control" ||
		die "debian/control has not the maintainer that scripts/deb.sh expects: $placeholder"
}

# copy_source: of all files that git tracks or does not ignore.
copy_source() {
	rm -rf "${clone:?}/$out"
	mkdir -p "$clone/$out/source"
	(cd "$clone" && git ls-files -z --cached --others --exclude-standard |
		xargs -0 cp --parents -t "$out/source")
	[ -z "${DEBEMAIL:-}" ] || sed \
		-i "s/$placeholder/${DEBFULLNAME:?with DEBEMAIL} <$DEBEMAIL>/" \
		"$clone/$out/source/debian"/{control,changelog}
}

# The upstream source is all but debian/; the crates of tls-replay are a tarball of their own.
# shellcheck disable=SC2016
build_package() {
	copy_source
	in_root "$root" sh -euc 'out=$1 version=$2
		cp -a "$out/source" /tmp/source
		cd /tmp/source
		# To vendor takes a lock on the whole cache, which every build with it holds.
		CARGO_HOME=/tmp/cargo cargo vendor --quiet --locked \
			--manifest-path tools/replay/Cargo.toml vendor >/dev/null
		# Of no use to Linux, and not in the form of source.
		find vendor -name "*.a" -o -name "*.lib" -o -name "*.dll" | xargs -r rm
		XZ_OPT=-2 tar -cJf "../nf-conntrack-tls_$version.orig-vendor.tar.xz" vendor
		tar -cJf "../nf-conntrack-tls_$version.orig.tar.xz" --exclude=./debian \
			--exclude=./vendor .
		dpkg-buildpackage -us -uc
		cp ../*nf-conntrack-tls* ../tls-replay* ../tls-status* "$out"' \
		build "$guest_clone/$out" "$upstream"
	rm -rf "${clone:?}/$out/source"
}

# There is no bug in Debian that requests the package, so the changelog closes none. The page that
# tls-replay makes of its options is checked less strictly.
# shellcheck disable=SC2016
check_package() {
	in_root "$root" mandoc -T lint -W warning docs/nf_conntrack_tls.4 tools/status/tls-status.1
	in_root "$root" sh -euc 'dpkg-deb --fsys-tarfile "$1"/tls-replay_*.deb |
		tar -xO ./usr/share/man/man1/tls-replay.1.gz | zcat |
		mandoc -T lint -W error' page "$out"
	in_root "$root" sh -c "lintian --allow-root --info --pedantic \
		--suppress-tags initial-upload-closes-no-bugs \
		--fail-on error,warning,info,pedantic $out/*.changes"
}

need_root
same_version
into_root deb "Debian's packaging tools (about a minute)"
step "Debian packages" build_package
step "lintian, mandoc" check_package
ls "$clone/$out"/*.deb
