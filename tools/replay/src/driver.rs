// SPDX-License-Identifier: GPL-2.0

//! A segment's way through the parser: its payload, and an observer of the bytes that are read.

use crate::{
    counts::Counts,
    tls_parser::{
        Connection,
        Direction,
        Outcome,
        Payload,
        Policy,
        Reason,
        Segment, //
    },
};
use std::ops::ControlFlow;

/// Gets the bytes that are read, in their order.
pub(crate) trait Tap {
    /// The next bytes of that direction.
    fn read(&mut self, direction: Direction, bytes: &[u8]);
    /// The next bytes in that direction do not follow those that were read.
    fn lose(&mut self, direction: Direction);
    /// Both directions begin to speak TLS after this segment, or within it.
    fn upgrade(&mut self);
}

/// A payload, of which the capture may lack the end.
struct Tapped<'a, T> {
    bytes: &'a [u8],
    direction: Direction,
    tap: &'a mut T,
}

impl<T: Tap> Payload for Tapped<'_, T> {
    fn read(&mut self, from: u32, to: u32, each: &mut impl FnMut(&[u8]) -> ControlFlow<()>) -> u32 {
        let from = self.bytes.get(from as usize..).map_or(to, |_| from);
        let end = self.bytes.len().min(to as usize);
        let part = self.bytes.get(from as usize..end).unwrap_or_default();
        self.tap.read(self.direction, part);
        // The parser handles a payload that breaks off.
        let _ = each(part);
        // No more than was asked for.
        part.len() as u32
    }

    fn header_at(&mut self, at: u32) -> Option<[u8; 5]> {
        self.bytes.get(at as usize..)?.first_chunk().copied()
    }
}

/// Follows a segment; the rule that condemns the connection by it, if one does.
pub(crate) fn follow<T: Tap>(
    connection: &mut Connection,
    policy: &Policy,
    direction: Direction,
    (segment, bytes): (&Segment, &[u8]),
    tap: &mut T,
    counts: &mut Counts,
) -> Option<Reason> {
    let mut payload = Tapped {
        bytes,
        direction,
        tap,
    };
    let outcome = connection.follow(policy, direction, segment, &mut payload);
    if is_torn(&outcome) {
        tap.lose(direction);
    }
    if outcome.counts.upgraded > 0 {
        tap.upgrade();
    }
    *counts += &outcome.counts;
    outcome.broken
}

/// Whether something is missing in what was read.
fn is_torn(outcome: &Outcome) -> bool {
    let counts = &outcome.counts;
    counts.gaps_skipped
        + counts.ooo_passed
        + counts.ooo_dropped
        + counts.unsynced
        + counts.unreadable
        > 0
}
