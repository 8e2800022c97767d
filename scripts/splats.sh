# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the kernel logs when something is wrong in the kernel, as one extended regular expression.
# Used by the host on the whole log (guest.sh), and by the guest during a test (tests/netns/run.sh).
# tests/scripts/splats.sh says what has to match, and what must not.
# shellcheck disable=SC2034

splats='------------\[ cut here|\bBUG[: ]|Oops|Call Trace|[Kk]ernel panic|panicked at|KASAN|UBSAN|KFENCE|KCSAN'
splats+='|WARNING: (possible|suspicious|inconsistent|bad|.* at )|INFO: (task|rcu|trying)|rcu: INFO|rcu_.*[ -]detected'
splats+='|LOCKUP|general protection|double fault|stack segment|refcount_t:|list_(add|del) corruption'
splats+='|unregister_netdevice: waiting|[Uu]nable to handle|: nobody cared'
