// SPDX-License-Identifier: GPL-2.0

//! Segments behind a hole that could hide a record's header: some may run ahead of the stream, unread.
//!
//! If all of them were dropped, the sender would hear nothing of what was lost, wait for its
//! retransmission timer, and send a window again (RFC 8985, RFC 6675).
//!
//! ```text
//!          next            edge                 first                      end
//!  -- read --|.... hole, header? ...|- dropped -|- h -- ahead --|-- ahead, h --|-- ahead ----|
//!                                               |<------- the chain: span ------->|
//! ```
//!
//! Its bytes are searched for whatever could be a lawful header. One passes if none that is not harmless
//! begins, lies or ends in it: then it is a part of a body, or of what no receiver reads, and once the stream
//! is read up to it, a hole of which that is known. So it must begin at the edge: behind bytes that were
//! searched too, and do not end in the first part of a header. The edge is the end of the last segment
//! searched, passed or not. (One segment of fifty ends in what could be a content type. In a chain that byte
//! lies in a body; but a chain may be forged, and the byte read again as another type.)
//!
//! # The chain
//!
//! Harmless are headers of lawful application data, as long as each lies where the record of the one before it
//! ends. Of this chain are kept the place of its first header and its span to where the next one has to lie,
//! in the other side's `scratch`, which is free as long as that side has no edge of its own. Once the stream
//! is read up to the first header, and a record begins there, all records of the chain are known: it is
//! read up to the chain's end. If none begins there, it was chance, and the chain is forgotten. (If another
//! header lies just where the record of that one would end, a connection hangs: one in 2^36 of the bytes searched.)
//!
//! What has passed is not read again: a segment that fills a hole, and goes on behind the first header with
//! other bytes, changes nothing in the chain. Which of the two its receiver keeps only that one knows.
//!
//! # What could get past so
//!
//! Low bytes, as they do in any hole. Records whose header breaks a rule by itself: a receiver that bears with
//! one is sent up to [`MAX_AHEAD`] behind it. A request for a heartbeat that is sent again with other bytes:
//! where a header begins in what was dropped and ends in what ran ahead, its own, or one before to mislead
//! about the length; or over a chain, if the receiver prefers what fills a hole. The answer is read, and
//! refused, where both hellos were seen and did not agree upon heartbeats. If the header of the answer is lost
//! on the way here, the rest of it could run ahead: so nothing does if its side acknowledges what the other
//! side's stream has not been read up to, unless that lies in a body. That does not help if the stream was
//! misled: then a part of an answer passes whose first segment was lost, see README's residual risks. Where
//! heartbeats were agreed upon, or the hellos not seen, nothing runs ahead; nor before the handshake is over,
//! as long as bodies are looked into.

use super::{
    heartbeat,
    record::{
        self,
        position,
        Kind, //
    },
    stream::is_behind,
    version,
    Connection,
    Direction,
    Policy,
    Segment,
    Side,
    Stream, //
};

/// The shortest segment that is searched: in a shorter one a header may neither begin nor end.
const MIN_LENGTH: u32 = record::HEADER_LENGTH as u32;

/// How far ahead of the stream a segment may end: more than the window that Linux's `tcp_rmem` allows.
const MAX_AHEAD: u32 = 1 << 26;

/// Bytes that are searched at once, and the major version in each of them.
const WORD: usize = size_of::<u64>();
const MAJORS: u64 = u64::from_le_bytes([MAJOR; WORD]);
const MAJOR: u8 = 3;

/// A search for record headers, in a segment of which is not known where in a record it begins.
#[derive(Default)]
pub struct HeaderSearch {
    last: [u8; record::HEADER_LENGTH],
    /// How many bytes were searched.
    searched: u32,
    /// Where in the segment the next header has to lie, if that is known.
    expected: Option<u32>,
    /// Headers of application data, each where it has to lie.
    links: Option<Links>,
    /// Whether there is any other header.
    stray: bool,
}

/// Headers that follow one another.
#[derive(Clone, Copy)]
struct Links {
    /// Where in the segment the first one lies.
    first: u32,
    /// The minor version of all of them.
    minor: u8,
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
                self.searched = self.searched.saturating_add(WORD as u32);
            }
            bytes = rest;
        }
        self.feed_bytes(bytes);
    }

    fn feed_bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let [_, b, c, d, e] = self.last;
            self.last = [b, c, d, e, byte];
            self.searched = self.searched.saturating_add(1);
            if let Some(length) = record::plausible(self.last) {
                self.meet(length);
            }
        }
    }

    /// Meets the header of what could be a record of that length, which is the last that was searched.
    fn meet(&mut self, length: u32) {
        let [content_type, _, minor, _, _] = self.last;
        let place = self.searched.saturating_sub(MIN_LENGTH);
        let links = self.links.unwrap_or(Links {
            first: place,
            minor,
        });
        if content_type != Kind::APPLICATION_DATA
            || minor != links.minor
            || self.expected.is_some_and(|expected| expected != place)
        {
            self.stray = true;
            return;
        }
        self.links = Some(links);
        self.expected = Some(place.saturating_add(length));
    }

    /// Whether a header is missing that has to lie in the segment.
    fn lacks(&self) -> bool {
        self.expected
            .is_some_and(|expected| expected < self.searched)
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

/// Headers that ran ahead: 16 bits of the first one's sequence number, and 16 bits of length.
#[derive(Clone, Copy)]
pub(super) struct Chain {
    /// Where the first header lies.
    pub(super) first: u32,
    /// From there to where the next header has to lie.
    span: u16,
}

impl Chain {
    const FIRST_SHIFT: u32 = 16;

    fn end(self) -> u32 {
        self.first.wrapping_add(u32::from(self.span))
    }

    /// The chain that `bits` stand for; its first header lies less than 64 KiB behind `next`.
    fn from_bits(bits: u32, next: u32) -> Option<Self> {
        // The upper and the lower 16 bits.
        let (first, span) = ((bits >> Self::FIRST_SHIFT) as u16, bits as u16);
        let ahead = first.wrapping_sub(next as u16);
        (span != 0).then_some(Chain {
            first: next.wrapping_add(u32::from(ahead)),
            span,
        })
    }

    /// The bits that stand for it, if it is not too far or too long.
    fn bits(first: u32, end: u32, next: u32) -> Option<u32> {
        u16::try_from(first.wrapping_sub(next)).ok()?;
        let span = u16::try_from(end.wrapping_sub(first)).ok()?;
        Some((first << Self::FIRST_SHIFT) | u32::from(span))
    }
}

impl Connection {
    /// Whether a segment that is out of order may run ahead of its stream, unread.
    ///
    /// `search` feeds its payload to the search that it is given, and gives it back if all could be read.
    pub fn run_ahead(
        &mut self,
        policy: &Policy,
        direction: Direction,
        segment: &Segment,
        search: impl FnOnce(HeaderSearch) -> Option<HeaderSearch>,
    ) -> bool {
        let mut side = self.side(policy, direction);
        // Whoever only acknowledges what ran ahead is placed no more.
        settle(side.peer, side.own);
        !segment.syn && side.is_harmless(segment) && side.run_ahead(segment, search)
    }
}

impl Side<'_> {
    /// Whether all bodies to come are opaque, and the segment is no part of a heartbeat's answer.
    fn is_harmless(&self, segment: &Segment) -> bool {
        self.handshake_over()
            && (self.own.has(Stream::PROTECTED) || self.is_tls13())
            && heartbeat::not_negotiated(self)
            // A heartbeat that has begun keeps its first bytes in `scratch`.
            && [&*self.own, &*self.peer].iter().all(|stream| stream.position() <= position::BODY)
            && segment.ack.is_some_and(|ack| self.peer.is_framed_to(ack))
    }

    fn run_ahead(
        &mut self,
        segment: &Segment,
        search: impl FnOnce(HeaderSearch) -> Option<HeaderSearch>,
    ) -> bool {
        if segment.len < MIN_LENGTH || !self.own.is_heeded(segment) || self.lends_scratch() {
            return false;
        }
        let end = segment.seq.wrapping_add(segment.len);
        if end.wrapping_sub(self.own.next) > MAX_AHEAD {
            return false;
        }
        let edge = self.own.edge();
        if edge.is_some_and(|edge| !is_behind(end, edge)) {
            return false;
        }
        let chain = chain(self.own, self.peer);
        let begun = HeaderSearch {
            // What lies before the segment is far behind its end.
            expected: chain.map(|chain| chain.end().wrapping_sub(segment.seq)),
            ..HeaderSearch::default()
        };
        let Some(found) = search(begun).filter(|found| !found.may_go_on()) else {
            return false;
        };
        let follows = edge == Some(segment.seq);
        self.own.set(Stream::EDGE);
        self.own.scratch = end;
        follows && !found.stray && !found.lacks() && self.link(segment, chain, &found)
    }

    /// Whether `scratch` is in use, but not for an edge: as the other side's chain.
    fn lends_scratch(&self) -> bool {
        !self.own.has_edge() && self.own.scratch != 0
    }

    /// Adds the headers found in the segment to the chain; whether there is room for them.
    fn link(&mut self, segment: &Segment, chain: Option<Chain>, found: &HeaderSearch) -> bool {
        let (Some(links), Some(expected)) = (found.links, found.expected) else {
            return true;
        };
        if self.peer.has_edge() || version::mismatches(self, links.minor) {
            return false;
        }
        let first = match chain {
            Some(chain) => chain.first,
            None => segment.seq.wrapping_add(links.first),
        };
        let end = segment.seq.wrapping_add(expected);
        let bits = Chain::bits(first, end, self.own.next);
        if let Some(bits) = bits {
            self.peer.scratch = bits;
        }
        bits.is_some()
    }
}

/// The chain of headers that ran ahead in `own`'s direction, if there is one.
pub(super) fn chain(own: &Stream, peer: &Stream) -> Option<Chain> {
    if !own.has_edge() || peer.has_edge() {
        return None;
    }
    Chain::from_bits(peer.scratch, own.next)
}

/// Goes on to the end of the chain if the stream has been read up to its first header, and forgets it if that is none.
pub(super) fn settle(own: &mut Stream, peer: &mut Stream) -> Option<Chain> {
    let chain = chain(own, peer)?;
    let ahead = chain.first.wrapping_sub(own.next);
    let record_end = if own.at_record_start() {
        Some(0)
    } else {
        own.is_opaque().then_some(u32::from(own.left))
    };
    match record_end {
        Some(record_end) if record_end == ahead => own.go_to(chain.end()),
        Some(record_end) if record_end < ahead => return Some(chain),
        None if ahead != 0 => return Some(chain),
        _ => {}
    }
    peer.scratch = 0;
    None
}

/// Forgets what ran ahead, in both directions; `scratch` is the ledger again.
pub(super) fn forget(side: &mut Side<'_>) {
    if side.own.has_edge() || side.peer.has_edge() {
        for stream in [&mut *side.own, &mut *side.peer] {
            stream.clear(Stream::EDGE);
            stream.scratch = 0;
        }
    }
}

impl Stream {
    /// Goes on to where a header has to lie, or to the edge before it.
    fn go_to(&mut self, header: u32) {
        let reached = match self.edge() {
            Some(edge) if is_behind(header, edge) => edge,
            _ => header,
        };
        self.next = reached;
        self.work = 0;
        // No longer than a record's body.
        self.go_on_with_data(header.wrapping_sub(reached) as u16);
        self.pass_edge();
    }

    /// Whether no header lies between `next` and what the receiver acknowledges.
    fn is_framed_to(&self, ack: u32) -> bool {
        let unread = ack.wrapping_sub(self.next);
        let in_body = self.is_opaque() && unread <= u32::from(self.left);
        // FIN counts as one (RFC 9293 3.4), and no request is so short.
        self.has(Stream::SYNCED) && (in_body || unread <= 1 || !is_behind(ack, self.next))
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

    /// Forgets the edge; `scratch` is free again.
    fn forget_edge(&mut self) {
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
