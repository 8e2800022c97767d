// SPDX-License-Identifier: GPL-2.0

//! `suspicious_sequence`: more than `limit` bytes below 128 in a row.
//!
//! Ciphertext has a high byte (128 or above) every second byte on average; cleartext has hardly any.
//!
//! # The search
//!
//! A run of more than `limit` low bytes that begins at `start` covers the byte at `start + limit`. So
//! that byte, the probe, is looked at first:
//!
//! ```text
//! start = -run                                  # the low bytes carried over lie before the slice
//! known = 0                                     # bytes [start, known) are low
//! loop:
//!     probe = start + limit
//!     if probe is past the end: the rest decides what is carried over
//!     high = the last high byte of [known, probe]
//!     if there is none: more than limit low bytes end at probe
//!     start = high + 1; known = probe + 1
//! ```
//!
//! No run that is too long is missed: one that begins before `high` would hold `high`, which it cannot,
//! and one that begins behind it is what the next round looks for. Bytes between the last high byte
//! and the probe were seen to be low and are not looked at again, so no byte is looked at twice.
//!
//! On ciphertext the last high byte is most often within the 8 bytes that end at the probe: one load of
//! 8 bytes and a count of leading zeros finds it without a branch that depends on the data. That
//! makes about 8 bytes in `limit + 2` looked at. In the worst case (a high byte every `limit` bytes)
//! each byte is looked at once, eight at a time.

/// The high bits of eight bytes.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Looks for more than `limit` low bytes in a row, of which `run` were seen before `bytes`.
///
/// Returns the count to carry over, or `None` if the run is too long. A `limit` of 0 switches the
/// rule off.
pub fn scan(run: u16, limit: u16, bytes: &[u8]) -> Option<u16> {
    if limit == 0 {
        return Some(0);
    }
    let limit = usize::from(limit);
    let mut known = 0;
    // The operator may have lowered the limit below a run already seen: then the next low byte tells.
    let mut probe = limit.saturating_sub(usize::from(run));
    while probe < bytes.len() {
        let high = last_high(bytes, known, probe)?;
        known = probe.saturating_add(1);
        probe = high.saturating_add(1).saturating_add(limit);
    }
    let carried = match bytes.len().checked_sub(1) {
        Some(last) => match last_high(bytes, known, last) {
            Some(high) => last.saturating_sub(high),
            None => bytes.len().saturating_add(limit).saturating_sub(probe),
        },
        None => usize::from(run),
    };
    u16::try_from(carried).ok()
}

/// The index of the last high byte of `bytes[known..=end]`.
fn last_high(bytes: &[u8], known: usize, end: usize) -> Option<usize> {
    let mut tail = bytes.get(known..=end)?;
    while let Some((rest, word)) = tail.split_last_chunk::<8>() {
        let high = u64::from_le_bytes(*word) & HIGH_BITS;
        if high != 0 {
            let after = usize::try_from(high.leading_zeros() >> 3).ok()?;
            return known
                .checked_add(tail.len())?
                .checked_sub(after.checked_add(1)?);
        }
        tail = rest;
    }
    let at = tail.iter().rposition(|&byte| byte >= 0x80)?;
    known.checked_add(at)
}
