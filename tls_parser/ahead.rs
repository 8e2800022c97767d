// SPDX-License-Identifier: GPL-2.0

//! Out-of-order segments after a gap that could hide a record header: some may pass unread.
//!
//! If all of them were dropped, the receiver could not tell the sender what was lost (RFC 2018).
//! The sender would wait for its retransmission timer, and send a whole window again (RFC 8985, RFC
//! 6675).
//!
//! ```text
//!       next_seq        search end              first                      chain end
//!  -- read --|..... gap, header? ...|- dropped -|- h -- passed --|-- passed, h --|-- passed ----|
//!                                               |<------- the chain: span ------->|
//! ```
//!
//! The bytes of a segment are searched for whatever could be a record header. A segment may pass if
//! it holds no header, and no part of one. Whole headers of a chain of application data are
//! excepted. Such a segment is a part of a body, or of what no receiver reads. Once the stream is
//! read up to it, it is skipped like any opaque gap.
//!
//! So a segment must begin at the search end: the bytes before it were searched too, and do not end
//! in the first part of a header. The search end is the end of the last segment searched, whether
//! that passed or not. (One segment in fifty ends in a byte that could be a content type. Within a
//! chain that byte lies in a body. It is still treated as one: the chain may be forged, and the
//! byte sent again as another type.)
//!
//! Once a header of anything but application data was found, nothing more passes until the gap is
//! filled: what follows such a header may be the rest of a heartbeat.
//!
//! # The chain
//!
//! Headers of application data are harmless as long as each lies where the record of the one before
//! it ends. Two numbers of this chain are kept: where its first header lies, and how far from there
//! the next header has to lie. The other direction's scratch holds them, as long as that direction
//! has no search of its own. Once the stream is read up to the first header, and a record begins
//! there, all records of the chain are known: the stream goes on at the chain's end. If no record
//! begins there, the bytes only looked like headers, and the chain is forgotten. (If bytes that
//! look like a header happen to lie where such a record would end, the connection stalls. That
//! happens once in 2^36 bytes searched.)
//!
//! What has passed is not read again. A segment that fills a gap, and goes on after the first
//! header with other bytes, changes nothing in the chain. Only its receiver knows which of the two
//! it keeps.
//!
//! # What could get past
//!
//! - Low bytes, as in any gap.
//! - Records whose header breaks a rule by itself. A receiver that accepts one can be sent up to
//!   [`MAX_AHEAD`] after it.
//! - A heartbeat request that is sent again with other bytes, where a header begins in what was
//!   dropped and ends in what passed. The answer is read, and refused, where both hellos were seen
//!   and did not agree upon heartbeats. If the header of the answer is lost before the module, the
//!   rest of the answer could pass. So nothing passes if its side acknowledges bytes that were not
//!   read yet, unless they lie in a body. That does not help if the parser was misled about a
//!   length: see docs/EVASION.md.
//!
//! Nothing passes if heartbeats were negotiated, if the hellos were not seen, or before the
//! handshake is over.

use super::{
    header, negotiation,
    policy::Policy,
    reason::Reasons,
    scratch::{
        Links,
        Scratch,
        Search, //
    },
    search::HeaderSearch,
    segment::Segment,
    seq::is_after,
    side::Side,
    state::{
        position,
        Connection,
        DirState,
        Direction,
        Fact, //
    },
};

/// The shortest segment that is searched: in a shorter one a header may neither begin nor end.
const MIN_LENGTH: u32 = header::LENGTH as u32;

/// How far after `next_seq` a segment may end: more than the window that Linux's `tcp_rmem` allows.
const MAX_AHEAD: u32 = 1 << 26;

/// Headers that passed.
#[derive(Clone, Copy)]
pub(super) struct Chain {
    /// The sequence number of the first one.
    pub(super) first: u32,
    /// From there to where the next header has to lie.
    span: u16,
}

impl Chain {
    fn end(self) -> u32 {
        self.first.wrapping_add(u32::from(self.span))
    }

    /// The chain that is kept as `links`; its first header lies less than 64 KiB after `next_seq`.
    fn of(links: Links, next_seq: u32) -> Option<Self> {
        // The low 16 bits of a sequence number.
        let ahead = links.first.wrapping_sub(next_seq as u16);
        (links.span != 0).then_some(Chain {
            first: next_seq.wrapping_add(u32::from(ahead)),
            span: links.span,
        })
    }

    /// How a chain is kept, if it is not too far ahead or too long.
    fn links(first: u32, end: u32, next_seq: u32) -> Option<Links> {
        u16::try_from(first.wrapping_sub(next_seq)).ok()?;
        Some(Links {
            // The low 16 bits of a sequence number.
            first: first as u16,
            span: u16::try_from(end.wrapping_sub(first)).ok()?,
        })
    }
}

impl Connection {
    /// Whether an out-of-order segment may pass unread.
    ///
    /// `search` feeds its payload to the search that it is given, and gives it back if all could be
    /// read.
    pub(super) fn may_pass_unread(
        &mut self,
        policy: &Policy,
        direction: Direction,
        segment: &Segment,
        search: impl FnOnce(HeaderSearch) -> Option<HeaderSearch>,
    ) -> bool {
        let mut reported = Reasons::NONE;
        let mut side = self.side(policy, direction, &mut reported);
        // A segment that only acknowledges what passed is not placed again.
        resolve_chain(side.peer, side.own);
        !segment.syn && side.is_harmless(segment) && side.search_segment(segment, search)
    }
}

impl Side<'_> {
    /// Whether all bodies to come are opaque, and the segment is no part of a heartbeat's answer.
    fn is_harmless(&self, segment: &Segment) -> bool {
        self.handshake_over()
            && (self.own.has(Fact::Protected) || self.is_tls13())
            && self.heartbeat_not_negotiated()
            // A heartbeat that has begun keeps its first bytes in the scratch.
            && self.own.position() <= position::BODY
            && self.peer.position() <= position::BODY
            && segment.ack.is_some_and(|ack| self.peer.is_framed_to(ack))
    }

    fn search_segment(
        &mut self,
        segment: &Segment,
        search: impl FnOnce(HeaderSearch) -> Option<HeaderSearch>,
    ) -> bool {
        let end = segment.seq.wrapping_add(segment.len);
        let before = match self.own.scratch() {
            Scratch::Idle => None,
            Scratch::Search(before) => Some(before),
            // The other direction's chain, or heartbeats.
            _ => return false,
        };
        let known = before.is_some_and(|before| before.closed || !is_after(end, before.end));
        if known || segment.len < MIN_LENGTH || end.wrapping_sub(self.own.next_seq) > MAX_AHEAD {
            return false;
        }
        let chain = chain(self.own, self.peer);
        let expected = chain.map(|chain| chain.end().wrapping_sub(segment.seq));
        let Some(found) = search(HeaderSearch::expecting(expected)) else {
            return false;
        };
        if found.other {
            self.own
                .set_scratch(Scratch::Search(Search { end, closed: true }));
            return false;
        }
        if found.ends_in_partial_header() {
            return false;
        }
        self.own
            .set_scratch(Scratch::Search(Search { end, closed: false }));
        before.is_some_and(|before| before.end == segment.seq)
            && !found.stray
            && !found.misses_expected_header()
            && self.link(segment, chain, &found)
    }

    /// Adds the headers found in the segment to the chain; returns whether there is room for them.
    fn link(&mut self, segment: &Segment, chain: Option<Chain>, search: &HeaderSearch) -> bool {
        let (Some(found), Some(expected)) = (search.found, search.expected) else {
            return true;
        };
        let free = matches!(self.peer.scratch(), Scratch::Idle | Scratch::PeerChain(_));
        if !free || negotiation::is_mismatched(self, header::Kind::ApplicationData, found.minor) {
            return false;
        }
        let first = match chain {
            Some(chain) => chain.first,
            None => segment.seq.wrapping_add(found.first),
        };
        let end = segment.seq.wrapping_add(expected);
        let links = Chain::links(first, end, self.own.next_seq);
        if let Some(links) = links {
            self.peer.set_scratch(Scratch::PeerChain(links));
        }
        links.is_some()
    }
}

/// The chain of headers that passed in `own`'s direction, if there is one.
pub(super) fn chain(own: &DirState, peer: &DirState) -> Option<Chain> {
    match (own.scratch(), peer.scratch()) {
        (Scratch::Search(_), Scratch::PeerChain(links)) => Chain::of(links, own.next_seq),
        _ => None,
    }
}

/// Goes on at the end of the chain if the stream has been read up to its first header. Forgets the
/// chain if no record begins there. Returns the chain if it still lies ahead.
pub(super) fn resolve_chain(own: &mut DirState, peer: &mut DirState) -> Option<Chain> {
    let chain = chain(own, peer)?;
    let ahead = chain.first.wrapping_sub(own.next_seq);
    let record_end = if own.at_record_start() {
        Some(0)
    } else {
        own.is_opaque().then_some(u32::from(own.body_left))
    };
    match record_end {
        Some(record_end) if record_end == ahead => own.go_to_header(chain.end()),
        Some(record_end) if record_end < ahead => return Some(chain),
        None if ahead != 0 => return Some(chain),
        _ => {}
    }
    peer.set_scratch(Scratch::Idle);
    None
}

/// Forgets the chains of both directions: `own` is out of step. The other direction is out of step,
/// too, if its chain was kept in `own`; returns whether it was.
pub(super) fn forget_chains(own: &mut DirState, peer: &mut DirState) -> bool {
    if chain(own, peer).is_some() {
        peer.set_scratch(Scratch::Idle);
    }
    chain(peer, own).is_some()
}

impl DirState {
    /// Goes on to where a header has to lie, or to the search end before it.
    fn go_to_header(&mut self, header: u32) {
        let reached = match self.search_end() {
            Some(end) if is_after(header, end) => end,
            _ => header,
        };
        self.advance_to(reached);
        self.reset_run();
        // No longer than a record's body.
        self.resume_data(header.wrapping_sub(reached) as u16);
        self.pass_search_end();
    }

    /// Whether no header lies between `next_seq` and what the receiver acknowledges.
    pub(super) fn is_framed_to(&self, ack: u32) -> bool {
        let unread = ack.wrapping_sub(self.next_seq);
        let in_body = self.is_opaque() && unread <= u32::from(self.body_left);
        // FIN counts as one (RFC 9293 3.4), and no request is so short.
        self.is_synced() && (in_body || unread <= 1 || !is_after(ack, self.next_seq))
    }

    /// The end of what was searched after `next_seq`.
    #[inline]
    pub(super) fn search_end(&self) -> Option<u32> {
        // Few segments follow a gap: the others need not know what else is kept.
        if !self.is_searching() {
            return None;
        }
        match self.scratch() {
            Scratch::Search(search) => Some(search.end),
            _ => None,
        }
    }

    /// Forgets the search end if `next_seq` has come there.
    #[inline]
    pub(super) fn pass_search_end(&mut self) {
        if self
            .search_end()
            .is_some_and(|end| !is_after(end, self.next_seq))
        {
            self.set_scratch(Scratch::Idle);
        }
    }
}
