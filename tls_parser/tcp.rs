// SPDX-License-Identifier: GPL-2.0

//! TCP's order, without a buffer (RFC 9293 3.4): which bytes of a segment are new, and whether they
//! can be read now.
//!
//! ```text
//!   seq               next_seq                        a segment is
//!    |--- old ---|                                      wholly old: passed, not read again
//!    |------- old -------|--- new ---|                  partly old: the new part is read
//!                        |--- new ---|                  next: read
//!                        |.. gap ...|--- new ---|       after a gap: read if no rule looks into
//!                                                       the body that has the gap, else dropped
//! ```
//!
//! A dropped segment condemns nobody. Its sender sends it again, after what fills the gap. So that
//! the sender learns of the loss quickly, some segments pass unread: see [`ahead`](super::ahead).
//!
//! # Where a stream begins
//!
//! A stream begins where its receiver begins it. A SYN says where the client's stream begins, until
//! it is answered. The SYN-ACK that conntrack takes says where both begin: it may answer another
//! SYN than the first, and turn down data on a SYN (RFC 7413). Nothing is left then of a connection
//! that had the same addresses and ports before. Where the SYN-ACK does not come here (SYNPROXY),
//! the first acknowledgment of the client says where the server's stream begins.
//!
//! # What a receiver would not read
//!
//! If bytes were read here and ignored by the receiver, others could take their place unread. So
//! payload is read only where a receiver reads it: not from RST, not from a SYN-ACK or the server's
//! SYN, and from the client's SYN only once, before it is answered. An urgent pointer breaks the
//! rules on a segment without payload too: it may point into what follows. FIN takes no place in
//! the count of bytes: nothing may follow it, and nothing is gained by believing one.
//!
//! Nor does a receiver read what acknowledges too little, or what is signed while it knows no key,
//! or not signed while it knows one (RFC 2385 2.0, RFC 5925 7.3). A receiver takes an
//! acknowledgment down to SND.UNA - MAX.SND.WND (RFC 5961 5.2), and none before its first byte. Of
//! these three numbers bounds are known. Conntrack keeps the highest acknowledgment and the largest
//! window. The first byte lies at least [`carried`](super::state::DirState::carried) bytes before
//! `next_seq`. A segment that was overtaken by younger acknowledgments is within these bounds.
//! (Conntrack's window may be twice the one offered, since it adds what is selectively
//! acknowledged.)

use super::{
    ahead,
    header::{
        self,
        Header, //
    },
    policy::Policy,
    segment::Segment,
    seq::is_after,
    state::{
        Connection,
        DirState,
        Direction,
        Link,
        Mode, //
    },
};

/// What is to be done with a segment that has payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Placement {
    /// Its payload is next, from byte `skip` to byte `end`. If there is more after `end`, the
    /// segment is to be placed again then.
    Next {
        /// How many bytes of the payload were seen before.
        skip: u32,
        /// How many bytes of the payload lie before what passed ahead of it.
        end: u32,
    },
    /// The same from its first byte on, after a gap in a body that no rule looks into.
    AfterGap {
        /// As in [`Placement::Next`].
        end: u32,
    },
    /// All of its payload was seen before.
    Retransmission,
    /// A receiver would not read it yet, or not at all.
    OutOfOrder,
    /// The stream is out of step: see [`Connection::resync`].
    Unsynced,
    /// The connection's beginning was not seen, and the policy refuses that.
    Refused,
    /// The direction passes unread.
    Unread,
}

/// What a SYN begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Beginning {
    /// Nothing.
    Nothing,
    /// A connection, or another one in the place of the one before.
    Connection,
    /// The other half of a connection.
    Answer,
}

impl Connection {
    /// Follows a SYN, or a SYN-ACK.
    pub(super) fn synchronise(&mut self, direction: Direction, segment: &Segment) -> Beginning {
        match segment.ack {
            None => self.on_syn(direction, segment),
            Some(ack) if segment.begins => self.on_syn_ack(direction, segment, ack),
            Some(_) => Beginning::Nothing,
        }
    }

    /// Begins a stream at a SYN, unless the SYN was answered, or a part of the stream has been
    /// read.
    ///
    /// From then on a SYN changes nothing at its receiver either (RFC 9293 3.10.7.4), until it
    /// answers.
    fn on_syn(&mut self, direction: Direction, segment: &Segment) -> Beginning {
        let (own, peer) = self.both(direction);
        let sent_again =
            own.is_silent() && peer.mode() == Mode::Fresh && direction == Direction::Original;
        if own.mode() != Mode::Fresh && !sent_again {
            return Beginning::Nothing;
        }
        own.begin_at(segment.seq.wrapping_add(1));
        if segment.mptcp {
            own.set_mode(Mode::Offering);
        }
        if direction == Direction::Original {
            self.put(Link::Signed, segment.signed);
        }
        match direction {
            Direction::Original if !sent_again => Beginning::Connection,
            _ => Beginning::Answer,
        }
    }

    fn on_syn_ack(&mut self, direction: Direction, segment: &Segment, ack: u32) -> Beginning {
        let condemned = self.condemned().is_some();
        let signed = self.is(Link::Signed);
        let first = segment.seq.wrapping_add(1);
        let (own, peer) = self.both(direction);
        if peer.is_known() && own.mode() == Mode::Fresh && signed != segment.signed {
            // The client sent a SYN of the other sort, and ignores this answer.
            return Beginning::Nothing;
        }
        // A client that did not ask for it goes on without it (RFC 8684 3.1).
        let multipath = segment.mptcp && peer.mode() != Mode::Begun;
        if own.mode() == Mode::Fresh && peer.is_known() {
            own.begin_at(first);
            if peer.next_seq != ack {
                // The data on the SYN was turned down.
                peer.begin_at(ack);
            }
            return self.choose_multipath(multipath, Beginning::Answer);
        }
        let silent = own.is_silent();
        if silent && own.next_seq == first && (!condemned || peer.next_seq == ack) {
            // It is sent again.
            return Beginning::Nothing;
        }
        if silent && peer.is_known() && peer.next_seq == ack && !condemned {
            own.begin_at(first);
            return self.choose_multipath(multipath, Beginning::Answer);
        }
        *self = Connection::default();
        let (own, peer) = self.both(direction);
        own.begin_at(first);
        peer.begin_at(ack);
        self.put(Link::Signed, segment.signed);
        self.choose_multipath(segment.mptcp, Beginning::Connection)
    }

    /// Lets a connection of Multipath TCP pass unread: each of its paths carries parts of the
    /// stream only.
    fn choose_multipath(&mut self, multipath: bool, beginning: Beginning) -> Beginning {
        if multipath {
            self.original.forget_past(Mode::Unread);
            self.reply.forget_past(Mode::Unread);
        }
        beginning
    }

    /// Begins the stream of which no SYN came here, although conntrack has seen the connection
    /// established.
    pub(super) fn begin_late(&mut self, direction: Direction, segment: &Segment) {
        let Some(acknowledged) = segment.established else {
            return;
        };
        let (own, peer) = self.both(direction);
        match (own.mode(), peer.mode(), segment.ack) {
            (Mode::Fresh, _, _) if peer.is_known() => own.begin_at(acknowledged),
            // What has acknowledged more overtook this segment.
            (_, Mode::Fresh, Some(ack)) if own.is_known() => {
                peer.begin_at(ack.wrapping_add(segment.ack_lag));
            }
            _ => {}
        }
    }

    /// Places payload in its direction's stream, and expects what comes after it from now on.
    pub(super) fn place(
        &mut self,
        policy: &Policy,
        direction: Direction,
        segment: &Segment,
    ) -> Placement {
        let (own, peer) = self.both(direction);
        match own.mode() {
            Mode::Unread => Placement::Unread,
            Mode::Lost => Placement::Unsynced,
            // Before its SYN has come no receiver reads it.
            Mode::Fresh if peer.is_known() => Placement::OutOfOrder,
            Mode::Fresh if policy.midstream_drop => Placement::Refused,
            Mode::Fresh => Placement::Unsynced,
            _ => self.place_in_stream(direction, segment),
        }
    }

    fn place_in_stream(&mut self, direction: Direction, segment: &Segment) -> Placement {
        let accepted = self.receiver_accepts(direction, segment);
        let (own, peer) = self.both(direction);
        let start = segment.seq.wrapping_add(u32::from(segment.syn));
        let chain = if own.has_gap() {
            ahead::resolve_chain(own, peer)
        } else {
            None
        };
        let seen = own.next_seq.wrapping_sub(start);
        let after_gap = is_after(start, own.next_seq);
        if !after_gap && seen >= segment.len {
            return Placement::Retransmission;
        }
        // What passed is not read again.
        let from = if after_gap { start } else { own.next_seq };
        let passed = chain.is_some_and(|first| !is_after(first, from));
        let gap = from.wrapping_sub(own.next_seq);
        if !accepted || passed || (after_gap && !own.skip_gap(gap)) {
            return Placement::OutOfOrder;
        }
        let end = chain.map_or(segment.len, |first| {
            segment.len.min(first.wrapping_sub(start))
        });
        own.advance_to(start.wrapping_add(end));
        own.pass_search_end();
        if after_gap {
            Placement::AfterGap { end }
        } else {
            Placement::Next { skip: seen, end }
        }
    }

    /// Whether a receiver reads the segment, wherever it lies.
    pub(super) fn receiver_accepts(&self, direction: Direction, segment: &Segment) -> bool {
        let in_time = segment.ack_lag == 0 || is_recent(segment, self.of(direction.opposite()));
        in_time && !segment.overruns && segment.signed == self.is(Link::Signed)
    }

    /// Places payload on a SYN that begins nothing: a receiver reads none of it, but may have
    /// before.
    pub(super) fn place_again(&self, direction: Direction, segment: &Segment) -> Placement {
        let end = segment.seq.wrapping_add(1).wrapping_add(segment.len);
        if direction == Direction::Original && self.original.next_seq == end {
            Placement::Retransmission
        } else {
            Placement::OutOfOrder
        }
    }

    /// Takes up a stream that is out of step, at a segment that seems to begin with a record.
    ///
    /// `header_at` reads five bytes of the segment's payload, if there are so many. A header alone
    /// may be chance. So its record must end with the segment, or at another header. What came
    /// before is not known, so the direction is taken for protected, and its version for any.
    pub(super) fn resync(
        &mut self,
        direction: Direction,
        segment: &Segment,
        mut header_at: impl FnMut(u32) -> Option<Header>,
    ) -> bool {
        let mut end_of_record = |at| {
            let length = header::plausible(header_at(at)?)?;
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
            own.resume_as(Mode::Midstream, segment.seq.wrapping_add(segment.len));
            if peer.mode() == Mode::Fresh {
                // What the other side has done is not known any better.
                peer.resume_as(Mode::Lost, 0);
            }
            if !self.original.is_known() && !self.reply.is_known() {
                self.put(Link::Signed, segment.signed);
            }
        }
        fits
    }

    /// Gives up following `direction`, a part of which passed unread, until it can be taken up
    /// again.
    pub fn lose(&mut self, direction: Direction) {
        let (own, peer) = self.both(direction);
        if ahead::forget_chains(own, peer) {
            // It is kept in what is lost.
            peer.resume_as(Mode::Lost, 0);
        }
        own.resume_as(Mode::Lost, 0);
    }

    /// Gives up following the other direction if `ack` covers bytes of it that never came here, or
    /// passed unread, and that may hold a header.
    pub(super) fn note_ack(&mut self, direction: Direction, ack: u32) {
        let (own, peer) = self.both(direction);
        ahead::resolve_chain(peer, own);
        if peer.is_synced() && !peer.is_framed_to(ack) {
            self.lose(direction.opposite());
        }
    }

    /// Whether `direction` stands within a record, so that its end here cuts the record short.
    pub fn in_record(&self, direction: Direction) -> bool {
        let own: &DirState = self.of(direction);
        own.is_synced() && !own.at_record_start() && !own.has_prelude()
    }
}

/// Whether the receiver, whose stream is `peer`, takes an acknowledgment that is not the highest
/// one.
fn is_recent(segment: &Segment, peer: &DirState) -> bool {
    let oldest = peer.next_seq.wrapping_sub(peer.carried());
    peer.is_synced()
        && segment.ack_lag <= segment.max_window / 2
        && segment.ack.is_some_and(|ack| !is_after(oldest, ack))
}
