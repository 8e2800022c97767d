# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shared by vm.sh and uml.sh: running a script in a guest, and judging how it went. Sourced after
# lib.sh by a script that has set $version, $out and $timeout, and has a function boot_into COMMAND:
# boots, gives the command's output by descriptor 1, and the kernel's log by 2.
# shellcheck disable=SC2154

# shellcheck source=scripts/splats.sh
source "$clone/scripts/splats.sh"

# What the script in the guest knows.
environment="export PATH=/opt/venv/bin:\$PATH NF_CT_TLS_DIR=$guest_clone NF_CT_TLS_KVER=$version"
environment+=" NF_CT_TLS_KO=$guest_clone/$out/nf_conntrack_tls.ko"

# guest_command COMMAND...: its last line has its exit status, and shows that it came to its end.
guest_command() {
	printf '%s; %q ' "$environment" "$1"
	[ $# = 1 ] || printf '%q ' "${@:2}"
	printf '%s' "2>&1; printf '\\n%s %d\\n' $word \$?"
}

# divide: shows the script's output, except for the last line, which it keeps.
divide() {
	local line
	while IFS= read -r line || [ -n "$line" ]; do
		line=${line%$'\r'}
		case $line in
		"$word "*) printf '%s\n' "${line#* }" >"$clone/$out/guest.status" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
}

# run_once COMMAND...: the log is there, too, if the kernel dies: it is written as it comes.
run_once() {
	local word shown logged
	word=@@$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
	rm -f "$clone/$out"/guest.{log,status}
	exec 3> >(divide)
	shown=$!
	exec 4> >(tr -d '\r' >"$clone/$out/guest.log")
	logged=$!
	boot_into "$(guest_command "$@")" </dev/null >&3 2>&4 || true
	exec 3>&- 4>&-
	wait "$shown" "$logged"
}

# udev waits two minutes for its devices, which a busy machine exceeds. virtme-init then powers the
# guest off, before any command.
never_began() { grep -q '^virtme-init: cannot find script I/O ports' "$clone/$out/guest.log"; }

# run COMMAND...: in a guest, and judges how it went.
run() {
	local start=$SECONDS
	run_once "$@"
	if never_began; then
		say "the machine is too busy for the guest's udev: booting again"
		run_once "$@"
	fi
	say "guest: $((SECONDS - start)) s"
	judge
}

judge() {
	local guest_log=$clone/$out/guest.log
	[ -s "$guest_log" ] || die "the guest did not boot"
	if [ -n "${VM_SPLAT:-}" ]; then
		grep -E -e "$VM_SPLAT" "$guest_log" >&2 ||
			die "the guest's kernel did not complain of '$VM_SPLAT': see $guest_log"
	elif grep -nE -e "$splats" "$guest_log" >&2; then
		die "the guest's kernel complained: see $guest_log"
	fi
	[ -e "$clone/$out/guest.status" ] ||
		die "the guest died, or took over $timeout s, before it could say how it went: see $guest_log"
	exit "$(cat "$clone/$out/guest.status")"
}
