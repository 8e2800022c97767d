// SPDX-License-Identifier: GPL-2.0

//! A segment's way through the state of its connection: the one driver of the parser.

use super::{
    policy::Policy,
    reason::{
        Reason,
        Reasons, //
    },
    search::HeaderSearch,
    segment::{
        Payload,
        Segment, //
    },
    side::{
        Side,
        Stop, //
    },
    state::{
        Connection,
        Direction,
        Link,
        Mode, //
    },
    tcp::{
        Beginning,
        Placement, //
    },
    upgrade,
};
use core::ops::ControlFlow;

/// What becomes of a segment.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It passes.
    #[default]
    Pass,
    /// It came out of order and is dropped; its sender will send it again.
    Drop,
    /// Its connection is condemned, or refused as its beginning was not seen.
    Condemned,
}

/// What a segment came to.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What becomes of it.
    pub verdict: Verdict,
    /// The rule for which it condemned the connection, if it did.
    pub broken: Option<Reason>,
    /// The rules that it broke, that are only reported, and were not reported just before.
    pub reported: Reasons,
    /// What is to be counted.
    pub counts: Counts,
}

/// What a segment adds to the counters.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Connections that began.
    pub connections: u32,
    /// Bytes read, or skipped by arithmetic.
    pub bytes: u32,
    /// Records that began.
    pub records: u32,
    /// Segments all of which was seen before.
    pub retransmissions: u32,
    /// Gaps in bodies that no rule looks into, skipped.
    pub gaps_skipped: u32,
    /// Out-of-order segments that passed unread.
    pub ooo_passed: u32,
    /// Out-of-order segments that were dropped, or after which a passive policy gave up the stream.
    pub ooo_dropped: u32,
    /// Streams taken up again after a part of them was missed.
    pub resynced: u32,
    /// Segments passed unread, or refused, of streams that are out of step.
    pub unsynced: u32,
    /// Segments a part of which could not be read.
    pub unreadable: u32,
    /// Streams that ended within a record.
    pub truncated: u32,
    /// Connections of Multipath TCP, which pass unread.
    pub mptcp: u32,
    /// Connections whose client has said, before an upgrade, what needs none.
    pub cleartext: u32,
    /// Connections in which TLS began after something else.
    pub upgraded: u32,
}

/// What a segment of application data adds to the counters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Data {
    /// [`Counts::bytes`].
    pub bytes: u32,
    /// [`Counts::records`].
    pub records: u32,
}

impl Connection {
    /// Follows a segment of `direction`.
    pub fn follow(
        &mut self,
        policy: &Policy,
        direction: Direction,
        segment: &Segment,
        payload: &mut impl Payload,
    ) -> Outcome {
        if segment.is_plain() && !policy.passive && is_readable(segment, payload) {
            let limit = policy.seq_len;
            if let Some(data) = self.follow_data(limit, direction, segment.seq, payload) {
                let counts = Counts {
                    bytes: data.bytes,
                    records: data.records,
                    ..Counts::default()
                };
                return Outcome {
                    counts,
                    ..Outcome::default()
                };
            }
        }
        self.follow_any(policy, direction, segment, payload)
    }

    /// Follows a segment as [`follow_any`](Connection::follow_any) does, if it is what most
    /// segments of a transfer are: the next bytes of application data, which break no rule. Returns
    /// `None` for any other segment, which is still to be followed.
    ///
    /// The segment has payload, and no flag of SYN, FIN, RST and URG; it is not signed, does not
    /// overrun its receiver's window, has the highest acknowledgment of its side, and will not be
    /// encrypted by a device. The policy is not a passive one, and `limit` is its
    /// [`seq_len`](Policy::seq_len).
    #[inline]
    pub fn follow_data(
        &mut self,
        limit: u16,
        direction: Direction,
        seq: u32,
        payload: &mut impl Payload,
    ) -> Option<Data> {
        let signed = self.is(Link::Signed);
        let (own, peer) = self.both(direction);
        let next = own.speaks_tls() && own.next_seq == seq && !own.has_gap();
        if signed || !next || peer.mode() == Mode::Fresh {
            return None;
        }
        let whole = payload.whole()?;
        let bytes = u32::try_from(whole.len()).ok()?;
        let records = self.pass_data(limit, direction, whole)?;
        self.both(direction).0.advance_to(seq.wrapping_add(bytes));
        Some(Data { bytes, records })
    }

    /// Follows a segment of `direction`, whatever it is.
    pub fn follow_any(
        &mut self,
        policy: &Policy,
        direction: Direction,
        segment: &Segment,
        payload: &mut impl Payload,
    ) -> Outcome {
        let handler = SegmentHandler {
            connection: self,
            policy,
            direction,
            segment,
            payload,
            outcome: Outcome::default(),
        };
        if !segment.opaque {
            return handler.run();
        }
        // What a device encrypts later is no cleartext leak.
        let unsearched = Policy {
            seq_len: 0,
            ..*policy
        };
        SegmentHandler {
            policy: &unsearched,
            ..handler
        }
        .run()
    }

    /// Follows `bytes`, the next ones of `direction`; returns how many records begin in them.
    ///
    /// # Errors
    ///
    /// The [`Reason`] for which the connection is condemned, now or earlier: nothing more of it is
    /// read.
    #[inline(always)]
    pub fn feed(
        &mut self,
        policy: &Policy,
        direction: Direction,
        bytes: &[u8],
    ) -> Result<u32, Reason> {
        match self.pass_data(policy.seq_len, direction, bytes) {
            Some(records) => Ok(records),
            None => self.feed_records(policy, direction, bytes),
        }
    }

    // Out of line, as the way around it is short.
    #[inline(never)]
    fn feed_records(
        &mut self,
        policy: &Policy,
        direction: Direction,
        bytes: &[u8],
    ) -> Result<u32, Reason> {
        if let Some(reason) = self.condemned() {
            return Err(reason);
        }
        let mut reported = Reasons::NONE;
        let mut side = self.side(policy, direction, &mut reported);
        let fed = match side.own.mode() {
            Mode::Unread => Ok(0),
            _ => upgrade::feed(&mut side, bytes),
        };
        match fed {
            Err(Stop::Broken(reason)) => {
                self.condemn(reason);
                Err(reason)
            }
            Err(Stop::Unread) => Ok(0),
            Ok(records) => Ok(records),
        }
    }
}

/// Whether all of a segment's payload can be read, and lies in one piece.
fn is_readable(segment: &Segment, payload: &mut impl Payload) -> bool {
    let whole = payload.whole();
    whole.is_some_and(|bytes| u32::try_from(bytes.len()) == Ok(segment.len))
}

/// Reads the next bytes of a side; returns how many records begin in them. Most segments of a
/// transfer lie wholly in the body of one record.
#[inline]
fn feed(side: &mut Side<'_>, bytes: &[u8]) -> Result<u32, Stop> {
    let limit = side.policy.seq_len;
    let within_body = side.own.has_data_left(bytes.len()) && !side.own.has_chain();
    if within_body && side.own.pass_body(limit, bytes).is_some() {
        return Ok(0);
    }
    upgrade::feed(side, bytes)
}

/// A segment, and the state that it passes through.
struct SegmentHandler<'a, P> {
    connection: &'a mut Connection,
    policy: &'a Policy,
    direction: Direction,
    segment: &'a Segment,
    payload: &'a mut P,
    outcome: Outcome,
}

impl<P: Payload> SegmentHandler<'_, P> {
    fn run(mut self) -> Outcome {
        self.outcome.verdict = self.handle();
        self.connection.forget_remains();
        self.outcome
    }

    fn handle(&mut self) -> Verdict {
        let begins = self.segment.syn && self.begin();
        if self.connection.condemned().is_some() {
            return self.on_condemned();
        }
        if self.segment.rst {
            return Verdict::Pass;
        }
        if self.policy.passive && !self.segment.syn {
            if let Some(ack) = self.segment.ack {
                self.connection.note_ack(self.direction, ack);
            }
        }
        if self.segment.urg && self.break_urgent() {
            return Verdict::Condemned;
        }
        if self.segment.len == 0 {
            return self.finish(Verdict::Pass);
        }
        let verdict = if self.segment.syn && !begins {
            let placement = self.connection.place_again(self.direction, self.segment);
            self.on_unread(placement)
        } else {
            self.follow_payload()
        };
        self.finish(verdict)
    }

    /// Begins what a SYN begins; returns whether payload on it is read.
    fn begin(&mut self) -> bool {
        let beginning = self.connection.synchronise(self.direction, self.segment);
        let counts = &mut self.outcome.counts;
        counts.connections = u32::from(beginning == Beginning::Connection);
        // Only a SYN-ACK of Multipath TCP begins what passes unread.
        let unread = self.connection.of(self.direction).mode() == Mode::Unread;
        counts.mptcp = u32::from(unread && beginning != Beginning::Nothing);
        let read = self.direction == Direction::Original && self.segment.ack.is_none();
        read && beginning != Beginning::Nothing
    }

    /// A condemned connection has nothing more to send, but another one may begin in its place.
    fn on_condemned(&self) -> Verdict {
        match self.segment {
            Segment { rst: true, .. } => Verdict::Pass,
            Segment {
                syn: true, len: 0, ..
            } => Verdict::Pass,
            Segment { syn: true, .. } => Verdict::Drop,
            _ => Verdict::Condemned,
        }
    }

    /// `urgent_data`; returns whether the connection is condemned.
    fn break_urgent(&mut self) -> bool {
        let mut side =
            self.connection
                .side(self.policy, self.direction, &mut self.outcome.reported);
        let broken = side.breaks(Reason::UrgentData).is_err();
        if broken {
            self.condemn(Reason::UrgentData);
        }
        broken
    }

    fn condemn(&mut self, reason: Reason) {
        self.connection.condemn(reason);
        self.outcome.broken = Some(reason);
    }

    /// Places the payload in its stream, and reads what is new of it.
    fn follow_payload(&mut self) -> Verdict {
        self.connection.begin_late(self.direction, self.segment);
        let before = (*self.connection, self.outcome.counts);
        let mut has_read = false;
        loop {
            let placement = self
                .connection
                .place(self.policy, self.direction, self.segment);
            let (from, end) = match placement {
                Placement::Next { skip, end } => (skip, end),
                Placement::AfterGap { end } => {
                    self.outcome.counts.gaps_skipped = 1;
                    (0, end)
                }
                Placement::Unsynced => return self.resync(),
                Placement::OutOfOrder if has_read => {
                    // What was read of the segment is dropped with the rest.
                    (*self.connection, self.outcome.counts) = before;
                    return self.on_out_of_order();
                }
                _ => return self.on_unread(placement),
            };
            let verdict = self.read(from, end);
            has_read = true;
            // What has passed unread lies after `end`. The next round goes on after it.
            if end >= self.segment.len || verdict != Verdict::Pass {
                return verdict;
            }
        }
    }

    /// What becomes of payload that is not read.
    fn on_unread(&mut self, placement: Placement) -> Verdict {
        let counts = &mut self.outcome.counts;
        match placement {
            Placement::Retransmission => counts.retransmissions = 1,
            Placement::Refused => {
                counts.unsynced = 1;
                return Verdict::Condemned;
            }
            Placement::OutOfOrder => return self.on_out_of_order(),
            _ => {}
        }
        Verdict::Pass
    }

    /// Lets an out-of-order segment pass unread, or drops it.
    fn on_out_of_order(&mut self) -> Verdict {
        let accepted = self
            .connection
            .receiver_accepts(self.direction, self.segment);
        if accepted && self.passes_unread() {
            self.outcome.counts.ooo_passed = 1;
            return Verdict::Pass;
        }
        self.outcome.counts.ooo_dropped = 1;
        if !self.policy.passive {
            return Verdict::Drop;
        }
        if accepted && !self.segment.syn {
            self.connection.lose(self.direction);
        }
        Verdict::Pass
    }

    fn passes_unread(&mut self) -> bool {
        let (payload, len) = (&mut *self.payload, self.segment.len);
        let search = |mut search: HeaderSearch| {
            let read = payload.read(0, len, &mut |chunk| {
                search.feed(chunk);
                ControlFlow::Continue(())
            });
            (read == len).then_some(search)
        };
        self.connection
            .may_pass_unread(self.policy, self.direction, self.segment, search)
    }

    /// Takes the stream up again, or lets the segment pass unread.
    fn resync(&mut self) -> Verdict {
        let payload = &mut *self.payload;
        let header_at = |at| payload.header_at(at);
        if !self
            .connection
            .resync(self.direction, self.segment, header_at)
        {
            self.outcome.counts.unsynced = 1;
            return Verdict::Pass;
        }
        self.outcome.counts.resynced = 1;
        self.read(0, self.segment.len)
    }

    /// Reads the payload from byte `from` to byte `end`.
    fn read(&mut self, from: u32, end: u32) -> Verdict {
        let mut stop = None;
        let mut records = 0_u32;
        let mut side =
            self.connection
                .side(self.policy, self.direction, &mut self.outcome.reported);
        let read = self
            .payload
            .read(from, end, &mut |chunk| match feed(&mut side, chunk) {
                Ok(begun) => {
                    records = begun.saturating_add(records);
                    ControlFlow::Continue(())
                }
                Err(why) => {
                    stop = Some(why);
                    ControlFlow::Break(())
                }
            });
        let news = (side.cleartext, side.upgraded);
        if news != (false, false) {
            self.count_opening(news);
        }
        if let Some(Stop::Broken(reason)) = stop {
            self.condemn(reason);
            return Verdict::Condemned;
        }
        let counts = &mut self.outcome.counts;
        counts.bytes = counts.bytes.saturating_add(read);
        counts.records = counts.records.saturating_add(records);
        if stop.is_none() && read < end.saturating_sub(from) {
            counts.unreadable = 1;
            self.connection.lose(self.direction);
        }
        Verdict::Pass
    }

    /// Counts what came before TLS.
    #[cold]
    fn count_opening(&mut self, (cleartext, upgraded): (bool, bool)) {
        let counts = &mut self.outcome.counts;
        counts.cleartext = counts.cleartext.saturating_add(cleartext.into());
        counts.upgraded = counts.upgraded.saturating_add(upgraded.into());
    }

    /// Counts a stream that ends within a record.
    fn finish(&mut self, verdict: Verdict) -> Verdict {
        let ends = self.segment.fin && verdict == Verdict::Pass;
        if ends && self.connection.in_record(self.direction) {
            self.outcome.counts.truncated = 1;
        }
        verdict
    }
}
