// SPDX-License-Identifier: GPL-2.0

//! Out-of-order segments after a gap that could hide a record header: some may pass unread.
//!
//! If all of them were dropped, the receiver could not tell the sender what was lost (RFC 2018).
//! The sender would wait for its retransmission timer, and send a whole window again (RFC 8985, RFC
//! 6675).
//!
//! ```text
//!       next_seq        search end              first                          end        next
//!  -- read --|..... gap, header? ...|- dropped -|- h -- passed --|-- passed, h --|.... gap ...|
//!                                               |<----------- the chain ------------------->|
//! ```
//!
//! The bytes of a segment are searched for whatever could be a record header. A segment may pass if
//! it holds no header, and no part of one. Whole headers of a chain of application data are
//! excepted. Such a segment is a part of a body, or of what no receiver reads. Once the stream is
//! read up to it, it is skipped like any opaque gap.
//!
//! So a segment must begin at the search end: the bytes before it were searched too. The search end
//! is the end of the last segment searched, whether that passed or not.
//!
//! Once a header of anything but application data was found, nothing more passes until the gap is
//! filled: what follows such a header may be the rest of a heartbeat.
//!
//! # The chain
//!
//! Headers of application data are harmless as long as each lies where the record of the one before
//! it ends. Three numbers of this chain are kept: where its first header lies, where what passed
//! ends, and where the next header has to lie. The stream is read up to the first header. If a
//! record begins there, all records of the chain are known, and the stream goes on where what
//! passed ends.
//!
//! If the record before does not end there, the bytes only looked like headers. If it goes on past
//! the end of what passed, that is a part of its body, and the stream goes on there. Else a record
//! begins where its receiver finds no header. Nothing more is read then: the connection stalls.
//! (By chance that happens to a valid stream about once in 2^34 bytes searched: bytes in a body
//! look like a header, and another one lies, or begins, where such a record would end.)
//!
//! What has passed of a chain is not read again. A segment that fills a gap, and goes on after the
//! first header with other bytes, changes nothing in the chain. Only its receiver knows which of
//! the two it keeps.
//!
//! # Where segments end
//!
//! One segment in fifty ends in a byte that could be a content type, one in 300 within a header of
//! a record of 1400 bytes. Before a chain has begun, neither passes: the byte may be sent again as
//! another one, and be read then. Of a chain such bytes are not read again, so that segments may
//! end so. If that header was expected there, its length follows in the next segment, or is read
//! once the stream has come there.
//!
//! # A second gap
//!
//! A window often loses two segments. What passes after the second gap is kept alike, in the other
//! direction's scratch. If that is in use, or a third segment is lost, nothing more passes until
//! the first gap is filled. Then the second chain is the first one. A chain that grows too long is
//! kept as two.
//!
//! # What could get past
//!
//! - Low bytes, as in any gap. While a chain is ahead, no run is carried from one segment to the
//!   next, in the direction that keeps it.
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
    header::{
        self,
        Kind, //
    },
    negotiation,
    policy::Policy,
    reason::Reasons,
    scratch::{
        self,
        Ahead,
        Next,
        Scratch,
        Search, //
    },
    search::{
        HeaderSearch,
        MINOR, //
    },
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

/// Headers that passed, each where the record of the one before it ends.
#[derive(Clone, Copy)]
struct Chain {
    /// The sequence number of the first one.
    first: u32,
    /// That of the byte after what passed.
    end: u32,
    /// Where the next header lies from there.
    next: Next,
    /// Whether nothing more passes before a gap is filled.
    closed: bool,
}

impl Chain {
    /// The chain that is kept as `kept`. Its first header lies less than 64 KiB after `before`.
    fn unpack(kept: scratch::Chain, before: u32) -> Self {
        // The low 16 bits of a sequence number.
        let ahead = kept.first.wrapping_sub(before as u16);
        let first = before.wrapping_add(u32::from(ahead));
        Chain {
            first,
            end: first.wrapping_add(u32::from(kept.length)),
            next: kept.next,
            closed: kept.closed,
        }
    }

    /// How it is kept, if it is neither too far after `before` nor too long.
    fn pack(self, before: u32) -> Option<scratch::Chain> {
        u16::try_from(self.first.wrapping_sub(before)).ok()?;
        Some(scratch::Chain {
            // The low 16 bits of a sequence number.
            first: self.first as u16,
            length: u16::try_from(self.end.wrapping_sub(self.first)).ok()?,
            next: self.next,
            closed: self.closed,
        })
    }

    /// The sequence number of the next header.
    fn next_header(self) -> u32 {
        self.next.header(self.end)
    }
}

/// How far a direction was searched.
#[derive(Clone, Copy)]
struct Edge {
    /// The sequence number after the last byte searched.
    end: u32,
    /// The chain that ends there, if one does.
    chain: Option<Chain>,
    /// The chain before the second gap, if there is one.
    before: Option<Chain>,
    /// Whether nothing more passes.
    closed: bool,
}

/// Where a search after another gap is kept.
enum Room {
    /// In its own direction.
    Own,
    /// In the other direction, since its own keeps a chain.
    Peer,
    /// Nowhere.
    None,
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
        let edge = match self.own.scratch() {
            Scratch::Idle => None,
            Scratch::Search(search) => Some(Edge {
                end: self.own.end_of(search),
                chain: None,
                before: None,
                closed: search.closed,
            }),
            Scratch::Chain(kept) => Some(edge_after(
                Chain::unpack(kept, self.own.next_seq),
                self.peer.scratch(),
            )),
            // What the other direction keeps here, or heartbeats.
            _ => return false,
        };
        let known = edge.is_some_and(|edge| edge.closed || !is_after(end, edge.end));
        if known || segment.len < MIN_LENGTH || end.wrapping_sub(self.own.next_seq) > MAX_AHEAD {
            return false;
        }
        // The bytes before the segment were searched, too.
        let joined = edge.filter(|edge| edge.end == segment.seq);
        let chain = joined.and_then(|edge| edge.chain);
        let begin = chain.map_or_else(HeaderSearch::default, |chain| {
            HeaderSearch::resumed(chain.next_header().wrapping_sub(segment.seq))
        });
        let Some(found) = search(begin) else {
            return false;
        };
        if found.other {
            self.close(edge, end);
            return false;
        }
        let Some(edge) = joined else {
            if !found.ends_in_partial_header() {
                self.begin_search(edge, end);
            }
            return false;
        };
        match (self.link(segment, chain, &found), chain) {
            (Some(Some(longer)), Some(chain)) if edge.before.is_none() => {
                self.keep_chain(None, longer) || self.divide(chain, longer, &found)
            }
            (Some(Some(chain)), _) => self.keep_chain(edge.before, chain),
            (Some(None), _) => self.keep_search(edge.before.is_some(), end),
            (None, _) => false,
        }
    }

    /// The chain that the segment is a part of: `chain` with the headers found in the segment, if
    /// there are any. `None` if the segment may not pass.
    fn link(
        &self,
        segment: &Segment,
        chain: Option<Chain>,
        found: &HeaderSearch,
    ) -> Option<Option<Chain>> {
        let begun = found.begun()?;
        let cut = (begun == Next::MAX_BEGUN).then_some(MINOR);
        let minors = [found.found.map(|headers| headers.minor), cut];
        let mut minors = minors.into_iter().flatten();
        if found.stray || minors.any(|minor| self.is_mismatched(minor)) {
            return None;
        }
        let found_first = found
            .found
            .map(|headers| segment.seq.wrapping_add(headers.first));
        let first = chain.map(|chain| chain.first).or(found_first);
        let (Some(first), Some(expected)) = (first, found.expected) else {
            // What may be read again holds no part of a header.
            return (!found.ends_in_partial_header()).then_some(None);
        };
        if found
            .partial_headers()
            .any(|length| length != 1 && length != begun)
        {
            return None;
        }
        let end = segment.seq.wrapping_add(segment.len);
        Some(Some(Chain {
            first,
            end,
            next: Next::between(end, segment.seq.wrapping_add(expected))?,
            closed: false,
        }))
    }

    fn is_mismatched(&self, minor: u8) -> bool {
        negotiation::is_mismatched(self, Kind::ApplicationData, minor)
    }

    fn room_after(&self, edge: Option<Edge>) -> Room {
        let (before, chain) = edge.map_or((false, false), |edge| {
            (edge.before.is_some(), edge.chain.is_some())
        });
        match (before, chain) {
            (false, false) => Room::Own,
            (true, false) => Room::Peer,
            (false, true) if self.peer.is_idle() => Room::Peer,
            // There is none after a third gap.
            _ => Room::None,
        }
    }

    /// Lets nothing more pass before the stream has come to `end`, or at least a gap is filled.
    fn close(&mut self, edge: Option<Edge>, end: u32) {
        match (self.room_after(edge), self.own.scratch()) {
            (Room::Own, _) => self.own.keep_search(end, true),
            (Room::Peer, _) => self
                .peer
                .set_scratch(Scratch::PeerAhead(Ahead::Closed(end))),
            (Room::None, Scratch::Chain(kept)) => {
                let closed = true;
                self.own
                    .set_scratch(Scratch::Chain(scratch::Chain { closed, ..kept }));
            }
            (Room::None, _) => {}
        }
    }

    /// Begins the search again, at the end of a segment after another gap.
    fn begin_search(&mut self, edge: Option<Edge>, end: u32) {
        match self.room_after(edge) {
            Room::Own => self.keep_search(false, end),
            Room::Peer => self.keep_search(true, end),
            Room::None => false,
        };
    }

    /// Keeps how far was searched, after the second gap or the first one.
    fn keep_search(&mut self, second: bool, end: u32) -> bool {
        if second {
            let searched = Ahead::Searched(end);
            self.peer.set_scratch(Scratch::PeerAhead(searched));
        } else {
            self.own.keep_search(end, false);
        }
        true
    }

    /// Keeps a chain that is too long in two parts: `chain`, and the rest of the `longer` one, as
    /// though after a second gap. Returns whether there is room.
    fn divide(&mut self, chain: Chain, longer: Chain, found: &HeaderSearch) -> bool {
        if !self.peer.is_idle() {
            return false;
        }
        let first = chain.next_header();
        if is_after(longer.end, first) {
            return self.keep_chain(Some(chain), Chain { first, ..longer });
        }
        !found.ends_in_partial_header() && self.keep_search(true, longer.end)
    }

    /// Keeps a chain, after the one `before` or as the first one; returns whether there is room.
    fn keep_chain(&mut self, before: Option<Chain>, chain: Chain) -> bool {
        let kept = chain.pack(before.map_or(self.own.next_seq, |before| before.end));
        match (kept, before) {
            (Some(kept), Some(_)) => {
                let second = Ahead::Chain(kept);
                self.peer.set_scratch(Scratch::PeerAhead(second));
            }
            (Some(kept), None) => self.own.set_scratch(Scratch::Chain(kept)),
            (None, _) => {}
        }
        kept.is_some()
    }
}

/// How far a direction was searched whose first chain that is; the other direction keeps `other`.
fn edge_after(first: Chain, other: Scratch) -> Edge {
    let Scratch::PeerAhead(ahead) = other else {
        return Edge {
            end: first.end,
            chain: Some(first),
            before: None,
            closed: first.closed,
        };
    };
    let (end, chain, closed) = match ahead {
        Ahead::Closed(end) => (end, None, true),
        Ahead::Searched(end) => (end, None, first.closed),
        Ahead::Chain(kept) => {
            let second = Chain::unpack(kept, first.end);
            (second.end, Some(second), first.closed)
        }
    };
    Edge {
        end,
        chain,
        before: Some(first),
        closed,
    }
}

/// Goes on at the end of a chain if the stream has been read up to its first header, or to a record
/// that goes on past the chain. Returns where the first header lies if the chain is still ahead: it
/// must not be read beyond that.
pub(super) fn resolve_chain(own: &mut DirState, peer: &mut DirState) -> Option<u32> {
    while let Scratch::Chain(kept) = own.scratch() {
        let chain = Chain::unpack(kept, own.next_seq);
        let ahead = chain.first.wrapping_sub(own.next_seq);
        let record_end = if own.at_record_start() {
            Some(0)
        } else {
            own.is_opaque().then_some(u32::from(own.body_left))
        };
        let length = chain.end.wrapping_sub(own.next_seq);
        match record_end {
            Some(record_end) if record_end == ahead => own.go_to_end(chain),
            // The bytes only looked like headers.
            Some(record_end) if record_end >= length => {
                own.skip_gap(length);
                own.advance_to(chain.end);
            }
            _ => return Some(chain.first),
        }
        next_chain(chain, own, peer);
    }
    None
}

/// Forgets `own`'s chain, at the end of which the stream stands. What follows the second gap takes
/// its place.
fn next_chain(before: Chain, own: &mut DirState, peer: &mut DirState) {
    own.set_scratch(Scratch::Idle);
    let ahead = match peer.scratch() {
        Scratch::PeerAhead(ahead) => {
            peer.set_scratch(Scratch::Idle);
            Some(ahead)
        }
        _ => None,
    };
    match ahead {
        Some(Ahead::Chain(kept)) => {
            let closed = before.closed;
            own.set_scratch(Scratch::Chain(scratch::Chain { closed, ..kept }));
        }
        Some(Ahead::Closed(end)) => own.keep_search(end, true),
        // Where the other header was found is not known, but that it was not farther away.
        _ if before.closed => own.keep_search(before.end.wrapping_add(MAX_AHEAD), true),
        Some(Ahead::Searched(end)) => own.keep_search(end, false),
        None => {}
    }
    own.pass_search_end();
}

/// Forgets the chains of both directions: `own` is out of step. The other direction is out of step,
/// too, if a part of its chain was kept in `own`; returns whether it was.
pub(super) fn forget_chains(own: &mut DirState, peer: &mut DirState) -> bool {
    if let Scratch::PeerAhead(_) = peer.scratch() {
        peer.set_scratch(Scratch::Idle);
    }
    matches!(
        (own.scratch(), peer.scratch()),
        (Scratch::PeerAhead(_), Scratch::Chain(_))
    )
}

impl Connection {
    /// Forgets what is kept of a chain that is gone.
    pub(super) fn forget_remains(&mut self) {
        for direction in [Direction::Original, Direction::Reply] {
            let (own, peer) = self.both(direction);
            let remains = matches!(peer.scratch(), Scratch::PeerAhead(_));
            if remains && !matches!(own.scratch(), Scratch::Chain(_)) {
                peer.set_scratch(Scratch::Idle);
            }
        }
    }
}

impl DirState {
    fn keep_search(&mut self, end: u32, closed: bool) {
        // The low 31 bits.
        let end = end & Search::END;
        self.set_scratch(Scratch::Search(Search { end, closed }));
    }

    /// The sequence number that `search` ends at: no more than 2^30 from `next_seq`.
    fn end_of(&self, search: Search) -> u32 {
        const HALF: u32 = 1 << 30;
        let ahead = search.end.wrapping_sub(self.next_seq).wrapping_add(HALF) & Search::END;
        self.next_seq.wrapping_add(ahead).wrapping_sub(HALF)
    }

    /// Goes on where what passed of the chain ends: in a body, or in the next header.
    fn go_to_end(&mut self, chain: Chain) {
        let left = chain.next_header().wrapping_sub(chain.end);
        self.advance_to(chain.end);
        self.reset_run();
        // No longer than a record's body, or a part of a header.
        match u16::try_from(left) {
            Ok(left) => self.resume_data(left),
            Err(_) => {
                self.end_record();
                self.set_place(left.wrapping_neg() as u8, Kind::ApplicationData);
            }
        }
    }

    /// Whether no header lies between `next_seq` and what the receiver acknowledges.
    pub(super) fn is_framed_to(&self, ack: u32) -> bool {
        let unread = ack.wrapping_sub(self.next_seq);
        let in_body = self.is_opaque() && unread <= u32::from(self.body_left);
        // FIN counts as one (RFC 9293 3.4), and no request is so short.
        self.is_synced() && (in_body || unread <= 1 || !is_after(ack, self.next_seq))
    }

    /// Forgets the search end if `next_seq` has come there.
    #[inline]
    pub(super) fn pass_search_end(&mut self) {
        // Few segments follow a gap: the others need not know what else is kept.
        if !self.has_gap() {
            return;
        }
        if let Scratch::Search(search) = self.scratch() {
            if !is_after(self.end_of(search), self.next_seq) {
                self.set_scratch(Scratch::Idle);
            }
        }
    }
}
