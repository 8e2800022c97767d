// SPDX-License-Identifier: GPL-2.0

//! What is counted: what became of segments and connections, and each reason.
//!
//! The numbers are kept a CPU and a network namespace, and read as `/proc/net/nf_conntrack_tls`, a `name
//! value` line each.

use crate::tls_parser::Reason;

/// A counter.
#[derive(Clone, Copy)]
pub(crate) enum Counter {
    /// Connections whose beginning was seen.
    Connections,
    /// Bytes of payload read, or skipped by arithmetic.
    Bytes,
    /// Records that began, but for those in the segment that broke a rule.
    Records,
    /// Segments all of which was seen before.
    Retransmissions,
    /// Holes in bodies that nobody looks into, skipped.
    HolesSkipped,
    /// Segments behind a hole that could hide a header, passed unread: no header lies in them.
    RanAhead,
    /// Segments dropped, or under `log_only` passed unread, for they were out of order.
    OutOfOrder,
    /// Streams taken up in the middle.
    PickedUp,
    /// Segments passed unread, of streams that were not seen from their beginning.
    MidStream,
    /// Packets a part of which could not be read.
    Unreadable,
    /// Streams that ended within a record.
    Truncated,
    /// Connections that broke a rule.
    Condemned,
    /// Packets dropped for their connection is condemned, or just being so.
    Dropped,
    /// Connections that broke this rule.
    Broken(Reason),
}

/// The counters before those of the reasons, in their order.
pub(crate) const FATES: [&str; 13] = [
    "connections",
    "bytes",
    "records",
    "retransmissions",
    "holes_skipped",
    "ran_ahead",
    "out_of_order",
    "picked_up",
    "mid_stream",
    "unreadable",
    "truncated",
    "condemned",
    "dropped",
];

impl Counter {
    /// The counter's number.
    pub(crate) fn index(self) -> u32 {
        match self {
            Counter::Connections => 0,
            Counter::Bytes => 1,
            Counter::Records => 2,
            Counter::Retransmissions => 3,
            Counter::HolesSkipped => 4,
            Counter::RanAhead => 5,
            Counter::OutOfOrder => 6,
            Counter::PickedUp => 7,
            Counter::MidStream => 8,
            Counter::Unreadable => 9,
            Counter::Truncated => 10,
            Counter::Condemned => 11,
            Counter::Dropped => 12,
            Counter::Broken(reason) => FATES.len() as u32 + reason as u32 - 1,
        }
    }

    /// The stable name of the counter of that number.
    pub(crate) fn name(index: u32) -> Option<&'static str> {
        let index = index as usize;
        match index.checked_sub(FATES.len()) {
            None => FATES.get(index).copied(),
            Some(reason) => Reason::ALL.get(reason).map(|reason| reason.name()),
        }
    }
}
