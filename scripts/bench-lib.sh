# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shared by bench-guest.sh and bench-peers.sh: what their guests run, where figures go, and how
# instructions are counted.

# shellcheck source=scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_root
find_kernel
out=build/$version/bench-guest
results=build/$(basename "$0" .sh)
tsv=$clone/$results/figures.tsv
mkdir -p "$clone/$out" "$clone/$results"

# A CPU whose copies are plain loops: QEMU counts each byte of `rep movsb` as an instruction. Copies
# would look far too expensive, and the module cheap in comparison.
# Read by the scripts that source this file.
# shellcheck disable=SC2034
counting="-icount shift=0,sleep=off -cpu max,-erms,-fsrm"

build_tools() {
	local source=tests/bench-guest
	in_root "$root" sh -euc "
		gcc -O2 -Wall -Werror -o $out/meter $source/meter.c
		gcc -O2 -Wall -Werror -o $out/blast $source/blast.c
		gcc -O2 -Wall -Werror -static -o $out/load $source/load.c -lssl -lcrypto -lzstd -lz"
}

# guest SCRIPT: runs it; its lines of five columns are figures, the others are for the reader.
guest() {
	local line
	# Line by line, as they come: mawk reads a pipe in blocks.
	"$clone/scripts/vm.sh" "$1" "$out" | while IFS= read -r line; do
		if [[ $line == *$'\t'*$'\t'*$'\t'*$'\t'* ]]; then
			echo "$line" >>"$tsv"
		else
			echo "$line"
		fi
	done
}

# table SCRIPT: shows the figures.
table() {
	in_root "$root" env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests/bench-guest \
		python3 "$1" "$results/figures.tsv" "$results"
}
