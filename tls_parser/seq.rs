// SPDX-License-Identifier: GPL-2.0

//! Arithmetic on TCP sequence numbers (RFC 9293 3.4).

/// Whether sequence number `a` comes after `b`.
///
/// Half of the number space lies before `b`, the other half after it.
pub(super) const fn is_after(a: u32, b: u32) -> bool {
    b.wrapping_sub(a) > u32::MAX >> 1
}
