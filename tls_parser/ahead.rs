// SPDX-License-Identifier: GPL-2.0

//! Segments behind a hole that could hide a record's header: some may run ahead of the stream, unread.
//!
//! If all of them were dropped, the sender would hear nothing of what was lost, wait for its
//! retransmission timer, and send a window again (RFC 8985, RFC 6675).
//!
//! ```text
//!          next                                      edge
//!  -- read --|.... hole, header? ...|- dropped -|- ahead -|- ahead -|- header: dropped -|- ahead ...
//! ```
//!
//! One passes if no header begins, lies or ends in it: then it is a part of a body, and once the
//! stream is read up to it, a hole of which that is known. So its bytes are searched for whatever could
//! be a header, and they must begin at the edge: behind bytes that were searched too, and do not end in
//! the first part of one. The edge is the end of the last segment searched, passed or not.
//!
//! # What could get past so
//!
//! Low bytes, as they do in any hole. A request for a heartbeat, if the first part of its header is
//! dropped and sent again with other bytes; its answer is read, and refused, where both hellos were seen
//! and did not agree upon heartbeats. If the header of the answer is lost on the way here, the rest of
//! it could run ahead: so nothing does if its side acknowledges what the other side's stream has
//! not been read up to, unless that lies in a body. Where heartbeats were agreed upon, or the hellos not
//! seen, nothing runs ahead; nor before the handshake is over, as long as bodies are looked into.

use super::{
    heartbeat,
    record,
    stream::is_behind,
    Connection,
    Direction,
    Policy,
    Segment,
    Side,
    Stream, //
};

/// The shortest segment that is searched: in a shorter one a header may neither begin nor end.
const MIN_LENGTH: u32 = record::HEADER_LENGTH as u32;

/// Bytes that are searched at once, and the major version in each of them.
const WORD: usize = size_of::<u64>();
const MAJORS: u64 = u64::from_le_bytes([MAJOR; WORD]);
const MAJOR: u8 = 3;

/// A search for record headers, in bytes of which is not known where in a record they are.
#[derive(Default)]
pub struct HeaderSearch {
    last: [u8; record::HEADER_LENGTH],
    found: bool,
}

impl HeaderSearch {
    /// Goes on with the next bytes: a word at once, if no major version lies where a header in it has it.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((word, rest)) = bytes.split_first_chunk::<WORD>() {
            let [_, _, c, d, e] = self.last;
            if [c, d, e].contains(&MAJOR) || has_major(word) {
                self.feed_bytes(word);
            } else {
                let [.., a, b, c, d, e] = *word;
                self.last = [a, b, c, d, e];
            }
            bytes = rest;
        }
        self.feed_bytes(bytes);
    }

    fn feed_bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let [_, b, c, d, e] = self.last;
            self.last = [b, c, d, e, byte];
            self.found |= record::plausible(self.last).is_some();
        }
    }

    /// Whether a header may begin in the last bytes, and end behind them.
    fn may_go_on(&self) -> bool {
        let [_, b, c, d, e] = self.last;
        [
            [b, c, d, e, 0],
            [b, c, d, e, 1],
            [c, d, e, 0, 1],
            [d, e, 3, 0, 1],
            [e, 3, 3, 0, 1],
        ]
        .into_iter()
        .any(|header| record::plausible(header).is_some())
    }
}

impl Connection {
    /// Whether a segment that is out of order may run ahead of its stream, unread.
    ///
    /// `search` looks through its payload, if that can be read.
    pub fn run_ahead(
        &mut self,
        policy: &Policy,
        direction: Direction,
        segment: &Segment,
        search: impl FnOnce() -> Option<HeaderSearch>,
    ) -> bool {
        !segment.syn
            && self.side(policy, direction).is_harmless(segment)
            && self.stream(direction).run_ahead(segment, search)
    }
}

impl Side<'_> {
    /// Whether all bodies to come are opaque, and the segment is no part of a heartbeat's answer.
    fn is_harmless(&self, segment: &Segment) -> bool {
        self.handshake_over()
            && (self.own.has(Stream::PROTECTED) || self.is_tls13())
            && heartbeat::not_negotiated(self)
            && segment.ack.is_some_and(|ack| self.peer.is_framed_to(ack))
    }
}

impl Stream {
    /// Whether no header lies between `next` and what the receiver acknowledges.
    fn is_framed_to(&self, ack: u32) -> bool {
        let unread = ack.wrapping_sub(self.next);
        let in_body = self.is_opaque() && unread <= u32::from(self.left);
        // FIN counts as one (RFC 9293 3.4), and no request is so short.
        self.has(Stream::SYNCED) && (in_body || unread <= 1 || !is_behind(ack, self.next))
    }

    fn run_ahead(
        &mut self,
        segment: &Segment,
        search: impl FnOnce() -> Option<HeaderSearch>,
    ) -> bool {
        if segment.len < MIN_LENGTH || !self.is_heeded(segment) {
            return false;
        }
        let end = segment.seq.wrapping_add(segment.len);
        let edge = self.edge();
        if edge.is_some_and(|edge| !is_behind(end, edge)) {
            return false;
        }
        let Some(search) = search().filter(|search| !search.may_go_on()) else {
            return false;
        };
        self.set(Stream::EDGE);
        self.scratch = end;
        edge == Some(segment.seq) && !search.found
    }

    /// Whether `scratch` is the edge.
    pub(super) fn has_edge(&self) -> bool {
        self.edge().is_some()
    }

    /// The end of what was searched behind `next`. Before the side has finished, the flag is another.
    fn edge(&self) -> Option<u32> {
        (self.has(Stream::FINISHED) && self.has(Stream::EDGE)).then_some(self.scratch)
    }

    /// Forgets the edge if `next` has come there.
    pub(super) fn pass_edge(&mut self) {
        if self.edge().is_some_and(|edge| !is_behind(edge, self.next)) {
            self.forget_edge();
        }
    }

    /// Forgets the edge; `scratch` is the ledger again.
    pub(super) fn forget_edge(&mut self) {
        if self.has_edge() {
            self.clear(Stream::EDGE);
            self.scratch = 0;
        }
    }
}

/// Whether a byte of the word may be a header's major version; at times true though none is.
fn has_major(word: &[u8; WORD]) -> bool {
    // Zero where the version was; a zero borrows from the byte above it (Mycroft's test).
    let zeroes = u64::from_le_bytes(*word) ^ MAJORS;
    let low = u64::from_le_bytes([0x01; WORD]);
    let high = u64::from_le_bytes([0x80; WORD]);
    zeroes.wrapping_sub(low) & !zeroes & high != 0
}
