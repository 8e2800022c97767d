// SPDX-License-Identifier: GPL-2.0

//! `suspicious_sequence`: more than `limit` bytes below 128 in a row.
//!
//! Ciphertext has a high byte (128 or above) every second byte on average; cleartext has hardly
//! any.
//!
//! # The search
//!
//! More than `limit` low bytes in a row hold a *window*: `limit + 1` bytes, all of them low. So for
//! each place where a window could begin one high byte in it is looked for, from its end, a *word*
//! of eight bytes at once:
//!
//! ```text
//! start = 0                                     # no window begins before it
//! while [start, start + limit] lies in the slice:
//!     word = the last 8 bytes of [start, start + limit]
//!     if there is a high byte in word:
//!         start = the word's first place + 1    # that is start + limit - 6
//!     else:
//!         high = the last high byte of [start, start + limit]
//!         if there is none: this is a window
//!         start = high + 1
//! ```
//!
//! A run may begin before the slice and end after it. The count carried over is added to the low
//! bytes at the slice's beginning. The low bytes at its end are carried over in turn.
//!
//! # Why it is right
//!
//! `start` passes over no window. Whatever begins between `start` and the word's first place holds
//! the whole word, and so the high byte, wherever in the word that is. Likewise, whatever begins
//! between `start` and `high` holds `high`.
//!
//! # Why it is fast
//!
//! 1. On ciphertext 255 of 256 words have a high byte. So eight bytes in `limit - 6` are
//!    looked at, for some eight instructions.
//! 2. The search does not ask which of the word's bytes is the high one, although that would gain
//!    four bytes per step. So the next place does not depend on what was read, and the processor
//!    has many reads under way at once. (A search that goes on from the high byte itself waits for
//!    each read. To make up for that, it needs several lanes over parts of the slice.)
//! 3. The branch goes the same way 255 times in 256.
//!
//! # At worst
//!
//! No two walks to the last high byte share a byte. After the high byte that a walk found, all
//! bytes are low up to the window's end. So the next walk ends at a high byte after that end, or at
//! none, and then the search is over. Each byte is in one walk at most, and in one word, if `limit`
//! is 14 or more: then no two words overlap. The slice's ends are walked once more. All walks go
//! eight bytes at a time. So an adversary who places high bytes at will makes it cost about one
//! instruction per byte.
//!
//! A window too short for a word, or a slice, is read byte by byte. Limits that small give a false
//! alarm in every other kilobyte of ciphertext, and are of no use.

/// How many bytes are looked at at once.
const WORD: usize = 8;

/// The high bits of a word.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Looks for more than `limit` low bytes in a row, of which `run` were seen before `bytes`.
///
/// Returns the count to carry over, or `None` if the run is too long. A `limit` of 0 switches the
/// rule off.
#[inline]
pub fn scan(run: u16, limit: u16, bytes: &[u8]) -> Option<u16> {
    if limit == 0 {
        return Some(0);
    }
    if bytes.len() < WORD {
        return byte_by_byte(run, limit, bytes);
    }
    word_by_word(run, limit, bytes)
}

/// The same, for as many bytes as a word has, and more.
fn word_by_word(run: u16, limit: u16, bytes: &[u8]) -> Option<u16> {
    let window = usize::from(limit).saturating_add(1);
    if window < WORD {
        return byte_by_byte(run, limit, bytes);
    }
    let low = low_at_start(bytes);
    let run = usize::from(run).saturating_add(low);
    // If the operator has lowered the limit below a run already seen, the next low byte breaks the
    // rule.
    if low != 0 && run >= window {
        return None;
    }
    if low == bytes.len() {
        return u16::try_from(run).ok();
    }
    if has_window(window, bytes) {
        return None;
    }
    u16::try_from(low_at_end(bytes)).ok()
}

/// The rule as it is written.
fn byte_by_byte(mut run: u16, limit: u16, bytes: &[u8]) -> Option<u16> {
    for &byte in bytes {
        run = if byte >= 0x80 {
            0
        } else if run < limit {
            run.saturating_add(1)
        } else {
            return None;
        };
    }
    Some(run)
}

/// Whether `window` low bytes in a row lie in `bytes`; it is as long as a word at least.
fn has_window(window: usize, mut bytes: &[u8]) -> bool {
    // From a window's start to the byte after the first byte of the word at its end.
    let stride = window.saturating_sub(WORD - 1);
    while let Some(candidate) = bytes.get(..window) {
        let step = match candidate.last_chunk() {
            Some(word) if high_bits(word) != 0 => stride,
            _ => match window.saturating_sub(low_at_end(candidate)) {
                0 => return true,
                behind_high => behind_high,
            },
        };
        let Some(rest) = bytes.get(step..) else {
            return false;
        };
        bytes = rest;
    }
    false
}

/// The bits that make bytes of the word high ones; the first byte's is the lowest.
fn high_bits(word: &[u8; WORD]) -> u64 {
    u64::from_le_bytes(*word) & HIGH_BITS
}

/// How many low bytes `bytes` begin with.
fn low_at_start(bytes: &[u8]) -> usize {
    let mut low = 0_usize;
    let mut rest = bytes;
    while let Some((word, behind)) = rest.split_first_chunk() {
        match high_bits(word) {
            0 => low = low.saturating_add(WORD),
            high => return low.saturating_add(high.trailing_zeros() as usize / 8),
        }
        rest = behind;
    }
    low.saturating_add(rest.iter().take_while(|&&byte| byte < 0x80).count())
}

/// How many low bytes `bytes` end with.
fn low_at_end(bytes: &[u8]) -> usize {
    let mut low = 0_usize;
    let mut rest = bytes;
    while let Some((before, word)) = rest.split_last_chunk() {
        match high_bits(word) {
            0 => low = low.saturating_add(WORD),
            high => return low.saturating_add(high.leading_zeros() as usize / 8),
        }
        rest = before;
    }
    low.saturating_add(rest.iter().rev().take_while(|&&byte| byte < 0x80).count())
}
