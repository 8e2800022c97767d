#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the Debian package nf-conntrack-tls-dkms into build/deb, and lets lintian and mandoc look at it.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# In a copy, beside which dpkg-buildpackage puts what it builds: of what git knows, or may come to know.
# shellcheck disable=SC2016
build_package() {
	rm -rf "$clone/build/deb"
	mkdir -p "$clone/build/deb/source"
	(cd "$clone" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t build/deb/source)
	in_root "$root" sh -euc 'cp -a build/deb/source /tmp/source; cd /tmp/source; dpkg-buildpackage -us -uc
		cd ..; cp nf-conntrack-tls* "$1"' build "$guest_clone/build/deb"
	rm -rf "$clone/build/deb/source"
}

check_package() {
	in_root "$root" mandoc -T lint -W warning docs/nf_conntrack_tls.4
	in_root "$root" sh -c 'lintian --allow-root --info --fail-on error,warning build/deb/*.changes'
}

need_root
into_root deb "Debian's packaging tools (about a minute)"
step "Debian package" build_package
step "lintian, mandoc" check_package
ls "$clone"/build/deb/*.deb
