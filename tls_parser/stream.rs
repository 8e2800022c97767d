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
//! A dropped segment condemns nobody: its sender sends it again, behind what fills the hole. That it
//! soon knows of the hole, one segment may pass nevertheless: see [`ahead`](super::ahead).
//!
//! # What a receiver would not read
//!
//! Bytes that are read here and ignored by the receiver would let others take their place unread. So
//! payload is taken only where a receiver takes it: not from RST, not from a SYN-ACK, and from the
//! client's SYN only once, before it is answered. A server that turns down data on a SYN (RFC 7413)
//! says so in its SYN-ACK, and the client's stream then begins anew. An urgent pointer breaks the rules
//! on a segment without payload too: it may point into what follows. FIN takes no place in the count of
//! bytes: nothing may follow it, and nothing is gained by believing one.
//!
//! Nor does a receiver read what acknowledges too little (RFC 5961 5.2), or what is signed while it knows
//! no key, or not signed while it knows one (RFC 2385 2.0, RFC 5925 7.3). How little is too little only
//! the receiver knows; so a segment is read here only if its side has acknowledged no more before.
//! Reordering makes honest ones of those: they are sent again, and then with the latest ACK. Whether
//! segments of a direction are signed its SYN tells.

use super::{
    ahead,
    record,
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
    /// The acknowledgment number, if there is one.
    pub ack: Option<u32>,
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
    /// Whether its side has acknowledged more before.
    pub stale: bool,
    /// Whether it carries a signature: TCP-MD5's or TCP-AO's option.
    pub signed: bool,
}

/// What is to be done with a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// It holds nothing that a receiver would read.
    Empty,
    /// Its payload is next, from byte `skip` to byte `end`: to be fed to [`Connection::feed`]. If there is
    /// more behind `end`, the segment is to be placed again then.
    Next {
        /// How many bytes of the payload were seen before.
        skip: u32,
        /// How many bytes of the payload lie before what [ran ahead](Connection::run_ahead).
        end: u32,
    },
    /// The same from its first byte on, behind a hole in a body that nobody looks into.
    BehindHole {
        /// As of what is next.
        end: u32,
    },
    /// All of its payload was seen before.
    Retransmission,
    /// It lies where a receiver would not read it yet, or not at all: to be dropped, unless it may
    /// [run ahead](Connection::run_ahead).
    OutOfOrder,
    /// The stream was not seen from its beginning: see [`Connection::pick_up`].
    MidStream,
    /// The connection is condemned, now or earlier: to be dropped.
    Condemned(Reason),
}

impl Connection {
    /// Places a segment in its direction's stream, and expects what comes behind it from now on.
    pub fn place(&mut self, direction: Direction, segment: &Segment) -> Placement {
        let begins = segment.syn && self.synchronise(direction, segment);
        let urgent = segment.urg && !segment.rst;
        if segment.len == 0 && !urgent {
            return Placement::Empty;
        }
        if let Some(reason) = self.condemned() {
            return Placement::Condemned(reason);
        }
        if segment.rst {
            return Placement::Empty;
        }
        if segment.syn && !(begins && direction == Direction::Original) {
            return self.place_again(direction, segment);
        }
        if urgent {
            self.condemn(direction, Reason::UrgentData);
            return Placement::Condemned(Reason::UrgentData);
        }
        if !self.stream(direction).has(Stream::SYNCED) {
            return Placement::MidStream;
        }
        self.place_payload(direction, segment)
    }

    fn place_payload(&mut self, direction: Direction, segment: &Segment) -> Placement {
        let (own, peer) = self.both(direction);
        let start = segment.seq.wrapping_add(u32::from(segment.syn));
        let chain = own.has_edge().then(|| ahead::settle(own, peer)).flatten();
        let seen = own.next.wrapping_sub(start);
        let behind_hole = is_behind(start, own.next);
        if !behind_hole && seen >= segment.len {
            return Placement::Retransmission;
        }
        if !own.is_heeded(segment) {
            return Placement::OutOfOrder;
        }
        if behind_hole && !own.skip_hole(start.wrapping_sub(own.next)) {
            return Placement::OutOfOrder;
        }
        // What ran ahead lies behind `next`, and behind all holes that are skipped.
        let end = chain.map_or(segment.len, |chain| {
            segment.len.min(chain.first.wrapping_sub(start))
        });
        own.next = start.wrapping_add(end);
        own.pass_edge();
        if behind_hole {
            Placement::BehindHole { end }
        } else {
            Placement::Next { skip: seen, end }
        }
    }

    /// Places payload on a SYN that begins nothing: a receiver reads none of it, but may have before.
    fn place_again(&mut self, direction: Direction, segment: &Segment) -> Placement {
        let end = segment.seq.wrapping_add(1).wrapping_add(segment.len);
        if direction == Direction::Original && self.client.next == end {
            Placement::Retransmission
        } else {
            Placement::OutOfOrder
        }
    }

    /// Begins a stream at a SYN, unless the other side has answered it already.
    ///
    /// From then on a SYN changes nothing at its receiver either (RFC 9293 3.10.7.4).
    fn synchronise(&mut self, direction: Direction, segment: &Segment) -> bool {
        let (own, peer) = self.both(direction);
        let resent = direction == Direction::Original
            && own.has(Stream::SYNCED)
            && !peer.has(Stream::SYNCED);
        // What was read of an earlier SYN may have been taken.
        if own.has(Stream::TLS | Stream::SSL2) || (own.has(Stream::SYNCED) && !resent) {
            return false;
        }
        own.begin_at(segment.seq.wrapping_add(1));
        own.put(Stream::SIGNED, segment.signed);
        match segment.ack {
            // The other side's SYN, or data on it, was turned down.
            Some(ack) if peer.has(Stream::SYNCED) && peer.next != ack => peer.begin_at(ack),
            _ => {}
        }
        true
    }

    /// Takes up a stream in the middle, at a segment that seems to begin with a record.
    ///
    /// `header_at` reads five bytes of the segment's payload, if there are so many. A header alone may
    /// be chance; so its record must end with the segment, or at another header. What came before is
    /// not known, so the direction is taken for protected and its version for any.
    pub fn pick_up(
        &mut self,
        direction: Direction,
        segment: &Segment,
        mut header_at: impl FnMut(u32) -> Option<[u8; record::HEADER_LENGTH]>,
    ) -> bool {
        let mut end_of_record = |at| {
            let length = record::plausible(header_at(at)?)?;
            // Both are far below 2^32.
            Some(length.saturating_add(at))
        };
        let fits = match end_of_record(0) {
            Some(end) if end < segment.len => end_of_record(end).is_some(),
            Some(end) => end == segment.len,
            None => false,
        };
        if fits {
            let (own, peer) = self.both(direction);
            own.begin_at(segment.seq.wrapping_add(segment.len));
            own.set(Stream::MIDWAY);
            own.put(Stream::SIGNED, segment.signed);
            if !peer.has(Stream::SYNCED) {
                // What the other side has done is not known any better.
                peer.set(Stream::MIDWAY);
            }
        }
        fits
    }

    /// Gives up following `direction`, a part of which passed unread, until it can be picked up.
    pub fn lose(&mut self, direction: Direction) {
        let (own, peer) = self.both(direction);
        if ahead::chain(own, peer).is_some() {
            peer.scratch = 0;
        }
        if ahead::chain(peer, own).is_some() {
            // It is kept in what is lost.
            peer.lose();
        }
        own.lose();
    }

    /// Whether `direction` stands within a record, so that its end here cuts the record short.
    pub fn in_record(&self, direction: Direction) -> bool {
        let stream = match direction {
            Direction::Original => &self.client,
            Direction::Reply => &self.server,
        };
        stream.has(Stream::SYNCED) && !stream.at_record_start()
    }
}

impl Stream {
    /// What is taken to be so of a direction whose beginning was not seen.
    const MIDWAY: u16 = Stream::TLS | Stream::PROTECTED | Stream::FINISHED;

    /// Begins anew, with the byte of that sequence number; what condemned it stays, and its signatures.
    fn begin_at(&mut self, next: u32) {
        *self = Stream {
            next,
            flags: Stream::SYNCED | (self.flags & Stream::SIGNED),
            broken: self.broken,
            ..Stream::default()
        };
    }

    fn lose(&mut self) {
        self.begin_at(0);
        self.clear(Stream::SYNCED);
        self.set(Stream::MIDWAY);
    }

    /// Whether a receiver reads the segment, wherever it lies.
    pub(super) fn is_heeded(&self, segment: &Segment) -> bool {
        !segment.stale && segment.signed == self.has(Stream::SIGNED)
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

/// Whether sequence number `a` comes behind `b`: half of their space lies before `b`, half behind it (RFC 9293 3.4).
pub(super) fn is_behind(a: u32, b: u32) -> bool {
    b.wrapping_sub(a) > u32::MAX >> 1
}
