// SPDX-License-Identifier: GPL-2.0

//! TCP's order, without a buffer (RFC 9293 3.4): which bytes of a segment are new, and whether they
//! can be read now.
//!
//! ```text
//!   seq                 next                          a segment is
//!    |--- old ---|                                      wholly old: passed, not read again
//!    |------- old -------|--- new ---|                  partly old: the new part is read
//!                        |--- new ---|                  next: read
//!                        |.. hole ..|--- new ---|       behind a hole: read if the hole lies in a body
//!                                                       that nobody looks into, else dropped
//! ```
//!
//! A dropped segment condemns nobody: its sender sends it again, behind what fills the hole.

use super::{
    Connection,
    Direction,
    Reason,
    Stream, //
};

/// A TCP segment, without its payload.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The sequence number.
    pub seq: u32,
    /// The payload's length in bytes.
    pub len: u32,
    /// Whether SYN is set.
    pub syn: bool,
    /// Whether FIN is set.
    pub fin: bool,
    /// Whether RST is set.
    pub rst: bool,
    /// Whether URG is set.
    pub urg: bool,
}

/// What is to be done with a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// It holds nothing to read.
    Empty,
    /// Its payload is next from byte `skip` on: to be fed to [`Connection::feed`].
    Next {
        /// How many bytes of the payload were seen before.
        skip: u32,
    },
    /// The same, behind a hole in a body that nobody looks into.
    BehindHole,
    /// All of its payload was seen before.
    Retransmission,
    /// It lies behind a hole that could hide anything: to be dropped.
    OutOfOrder,
    /// The stream was not seen from its beginning, and is passed without being read.
    MidStream,
    /// The connection is condemned, now or earlier: to be dropped.
    Condemned(Reason),
}

impl Connection {
    /// Places a segment in its direction's stream, and expects what comes behind it from now on.
    pub fn place(&mut self, direction: Direction, segment: &Segment) -> Placement {
        if segment.syn {
            self.synchronise(direction, segment.seq);
        }
        if let (Some(reason), true) = (self.condemned(), segment.len != 0) {
            return Placement::Condemned(reason);
        }
        if segment.len == 0 && !segment.fin {
            return Placement::Empty;
        }
        if !self.stream(direction).has(Stream::SYNCED) {
            return Placement::MidStream;
        }
        if segment.urg && segment.len != 0 {
            self.condemn(direction, Reason::UrgentData);
            return Placement::Condemned(Reason::UrgentData);
        }
        self.stream(direction).place_segment(segment)
    }

    /// Takes a SYN's sequence number, unless the stream has begun: a SYN in a running connection
    /// changes nothing at its receiver either (RFC 9293 3.10.7.4).
    fn synchronise(&mut self, direction: Direction, seq: u32) {
        let stream = self.stream(direction);
        if !stream.has(Stream::TLS | Stream::SSL2) {
            stream.next = seq.wrapping_add(1);
            stream.set(Stream::SYNCED);
        }
    }

    /// Gives up following `direction`, a part of which passed unread.
    pub fn lose(&mut self, direction: Direction) {
        self.stream(direction).clear(Stream::SYNCED);
    }

    /// Whether `direction` stands within a record, so that its end here cuts the record short.
    pub fn in_record(&self, direction: Direction) -> bool {
        let stream = match direction {
            Direction::Original => &self.client,
            Direction::Reply => &self.server,
        };
        !stream.at_record_start()
    }
}

impl Stream {
    fn place_segment(&mut self, segment: &Segment) -> Placement {
        let start = segment.seq.wrapping_add(u32::from(segment.syn));
        let end = start.wrapping_add(segment.len);
        let seen = self.next.wrapping_sub(start);
        // Half of the sequence space lies before `next`, half behind it (RFC 9293 3.4).
        let behind_hole = seen > u32::MAX >> 1;
        if behind_hole && !self.skip_hole(start.wrapping_sub(self.next)) {
            return Placement::OutOfOrder;
        }
        if !behind_hole && seen > segment.len {
            return Placement::Retransmission;
        }
        let old_fin = !behind_hole && seen == segment.len && segment.len != 0;
        self.next = end.wrapping_add(u32::from(segment.fin));
        match (behind_hole, segment.len) {
            (_, 0) => Placement::Empty,
            (true, _) => Placement::BehindHole,
            _ if old_fin => Placement::Retransmission,
            _ => Placement::Next { skip: seen },
        }
    }

    /// Skips a hole of `length` bytes that lies wholly inside a body that nobody looks into.
    ///
    /// The bytes that fill it later pass as a retransmission; the run begins anew behind it.
    fn skip_hole(&mut self, length: u32) -> bool {
        match u16::try_from(length) {
            Ok(length) if self.is_opaque() && length <= self.left => {
                self.left = self.left.saturating_sub(length);
                self.work = 0;
                if self.left == 0 {
                    self.end_record();
                }
                true
            }
            _ => false,
        }
    }
}
