#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own lints: rustfmt and clippy by its configuration, checkpatch. Then shellcheck,
# black and pyflakes. Of prose: codespell, proselint and scripts/words.txt. At most 100 columns.
# Prints KTAP; fails when one does.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/ktap.sh
source "$clone/tests/ktap.sh"

need_root
find_kernel
tree=$(source_tree "$version")

inside() { in_root "$root" "$@"; }

# files NAME...: those of the clone, by the patterns of find's -name
files() {
	local pattern names=()
	for pattern; do names+=(-o -name "$pattern"); done
	(cd "$clone" && find . \( -path ./.git -o -path ./build -o -name target \) -prune -o \
		-type f \( "${names[@]:1}" \) -print | sed 's|^\./||' | sort)
}

kernel_clippy() {
	local out=build/lint/$version
	# What was built is not looked at again: start over.
	rm -rf "${clone:?}/$out"
	mkdir -p "$clone/$out"
	kernel_make "$version" M="$guest_clone" MO="$guest_clone/$out" CLIPPY=1 \
		KRUSTFLAGS=-Dwarnings
}

make_lint_venv() {
	in_root "$root" python3 -m venv --clear /opt/lint
	in_root "$root" /opt/lint/bin/pip install --quiet -r scripts/requirements-lint.txt
}
linters=$(packages "$clone/scripts/requirements-lint.txt")
once "lint-$(key "$linters")" "lints of Python and of prose" make_lint_venv

# Of a crate of ours, by its folder.
crate_rustfmt() { inside env -C "$1" cargo fmt --check; }
crate_clippy() { inside env -C "$1" cargo clippy --locked --quiet --all-targets -- -D warnings; }

same_settings() {
	diff <(grep -v '^# SPDX' "$clone/$1" | sed '/./,$!d') \
		<(grep -v '^# SPDX' "$root$tree/$1" | sed '/./,$!d')
}

mapfile -t scripts < <(files '*.sh' '*.bashrc' run)
mapfile -t pythons < <(files '*.py' tls-status)
mapfile -t c_files < <(files '*.[ch]' | grep '^helpers')
mapfile -t texts < <(files '*.md' '*.[ch478]' '*.rs' '*.sh' '*.py' '*.nft' '*.rules' '*.toml' \
	'*.txt' Makefile Kbuild tls-status run)

plan 24
check rustfmt inside rustfmt --check --edition 2021 --config-path "$tree/.rustfmt.toml" \
	nf_conntrack_tls.rs \
	tests/debug/oob/tls_oob.rs tests/debug/kunit/tls_kunit.rs
check clippy_kernel kernel_clippy
for crate in tests/parser tests/bench tests/fuzz tools/replay; do
	check "rustfmt_$crate" crate_rustfmt "$crate"
	check "clippy_$crate" crate_clippy "$crate"
done
# We are out of tree, so kernel versions are compared; BUILD_BUG_ON() is no BUG(); a namespace has
# its own ctl_table.
check checkpatch inside "$tree/scripts/checkpatch.pl" --no-tree --no-summary --terse --strict \
	--max-line-length=100 \
	--ignore LINUX_VERSION_CODE,CONSTANT_COMPARISON,AVOID_BUG,CONST_STRUCT \
	--file "${c_files[@]}" \
	tests/bench-guest/naive/naive2014.c
check shellcheck inside shellcheck --external-sources --severity=warning "${scripts[@]}"
check black inside /opt/lint/bin/black --quiet --check --line-length 100 \
	"${pythons[@]}"
check pyflakes inside python3 -m pyflakes "${pythons[@]}"
check rustfmt_as_the_kernels same_settings .rustfmt.toml
check clippy_as_the_kernels same_settings .clippy.toml
check layers inside scripts/layers.py
check documents inside scripts/docs.py
check commands_of_documents inside tests/docs/commands.py
check layout inside scripts/map.py --check
check codespell inside /opt/lint/bin/codespell --ignore-words scripts/codespell.txt "${texts[@]}"
check proselint inside env PATH="/opt/lint/bin:/usr/bin:/bin" scripts/prose.py --proselint
check words inside scripts/prose.py
check columns inside scripts/columns.py
finish
