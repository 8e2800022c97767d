// SPDX-License-Identifier: GPL-2.0

//! Segments that came out of order, kept until what they wait for has come.
//!
//! The module drops such a segment, and its sender sends it again, in order. A capture from
//! elsewhere shows it once. So it is kept here, and followed as if it had been sent again, until an
//! ACK shows that the capture lacks what it waits for.

use crate::{
    flow::Place,
    packet::{
        Packet,
        Time, //
    },
    tls_parser::Segment,
};

/// How many bytes of payload may wait in all connections together.
const MAX_BYTES: usize = 64 << 20;
/// How many segments of a side may wait.
const MAX_SEGMENTS: usize = 256;

/// Whether sequence number `a` comes after `b`: half of their space lies before `b`, half after it
/// (RFC 9293 3.4).
pub(crate) fn is_after(a: u32, b: u32) -> bool {
    b.wrapping_sub(a) > u32::MAX >> 1
}

/// A segment that waits.
pub(crate) struct Waiting {
    pub(crate) place: Place,
    pub(crate) time: Time,
    pub(crate) segment: Segment,
    pub(crate) payload: Box<[u8]>,
}

/// How many bytes wait in all connections together.
#[derive(Default)]
pub(crate) struct Budget(usize);

/// The order of one side's stream.
#[derive(Default)]
pub(crate) struct Order {
    /// The sequence number after all that came in order.
    next: Option<u32>,
    waiting: Vec<Waiting>,
}

impl Order {
    /// Whether something waits.
    pub(crate) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether the capture lacks what is waited for, as an ACK of the other side covers it.
    pub(crate) fn waits_in_vain(&self, ack: u32) -> bool {
        self.waits() && self.next.is_some_and(|next| is_after(ack, next))
    }

    /// Keeps a segment if it came too early. `acked` is what the other side has acknowledged.
    pub(crate) fn keep(
        &mut self,
        (place, packet): (Place, &Packet<'_>),
        segment: Segment,
        acked: Option<u32>,
        budget: &mut Budget,
    ) -> bool {
        let early = match self.next {
            Some(next) => {
                is_after(segment.seq, next) && !acked.is_some_and(|it| is_after(it, next))
            }
            None => false,
        };
        let fits =
            self.waiting.len() < MAX_SEGMENTS && budget.0 + packet.payload.len() <= MAX_BYTES;
        if segment.len == 0 || segment.syn || segment.rst || !early || !fits {
            return false;
        }
        budget.0 += packet.payload.len();
        self.waiting.push(Waiting {
            place,
            time: packet.time,
            // Sent again, it would have the latest ACK.
            segment: Segment {
                ack_lag: 0,
                ..segment
            },
            payload: packet.payload.into(),
        });
        true
    }

    /// Notes a segment that is followed.
    pub(crate) fn pass(&mut self, segment: &Segment) {
        if segment.rst {
            return;
        }
        let end = segment
            .seq
            .wrapping_add(segment.len)
            .wrapping_add(segment.syn.into());
        if self.next.is_none_or(|next| is_after(end, next)) {
            self.next = Some(end);
        }
    }

    /// Takes the earliest segment out that waits no more, or if `all` is set the earliest one.
    pub(crate) fn release(&mut self, all: bool, budget: &mut Budget) -> Option<Waiting> {
        let next = self.next?;
        let distance = |it: &Waiting| it.segment.seq.wrapping_sub(next) as i32;
        let earliest = (0..self.waiting.len()).min_by_key(|&at| distance(&self.waiting[at]))?;
        if !all && distance(&self.waiting[earliest]) > 0 {
            return None;
        }
        let released = self.waiting.swap_remove(earliest);
        budget.0 -= released.payload.len();
        Some(released)
    }
}
