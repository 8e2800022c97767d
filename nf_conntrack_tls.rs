// SPDX-License-Identifier: GPL-2.0

//! `tls`, a connection-tracking helper that follows SSL/TLS record streams and drops connections that
//! break the protocol's rules.
//!
//! ```text
//!  nf_confirm() --> nf_ct_tls_help() --> judge(): segment -> place in the stream -> feed the parser
//!                                           |                                          |
//!       NF_ACCEPT or NF_DROP <--------------+<-- report, mark <-- a reason, or none <--+
//! ```
//!
//! [`tls_parser`] knows the protocol and nothing of the kernel; [`ffi`] is the border to C; this
//! file joins the two.

use kernel::prelude::*;

mod counters;
mod ffi;
pub mod tls_parser;

use counters::Counter;
use ffi::{
    Header,
    Helper,
    Packet,
    Payload,
    Verdict,
    Wanted, //
};
use tls_parser::{
    Connection,
    Direction,
    HeaderSearch,
    Placement,
    Policy,
    Reason,
    Segment, //
};

module! {
    type: NfConntrackTls,
    name: "nf_conntrack_tls",
    authors: ["nf_conntrack_tls contributors"],
    description: "SSL/TLS connection tracking helper",
    license: "GPL",
}

struct NfConntrackTls {
    _helper: Helper,
}

impl kernel::Module for NfConntrackTls {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let _helper =
            Helper::new().inspect_err(|err| pr_err!("cannot register the helper: {err:?}\n"))?;
        Ok(NfConntrackTls { _helper })
    }
}

/// What a segment came to.
enum Fate {
    /// It may pass.
    Passed,
    /// It breaks a rule, and condemns the connection.
    Breaks(Reason),
    /// Its connection was condemned before.
    Condemned(Reason),
    /// It came out of order, and the stream cannot be followed past it.
    OutOfOrder,
}

/// Judges a packet.
fn judge(packet: &mut Packet<'_>) -> Verdict {
    let Some(header) = packet.header() else {
        return Verdict::Accept;
    };
    // Bare ACKs are half of all packets: they cost a look at whether the connection is condemned.
    if header.is_bare() {
        return match packet.condemned() {
            Some(reason) if !header.is_reset() => end(packet, reason, Verdict::Accept),
            _ => Verdict::Accept,
        };
    }
    let wanted = packet.wanted();
    let opens = header.is_syn() && header.payload().is_empty();
    let fate = follow(packet, header, &wanted);
    // The lock is free again: what follows logs, notifies and sends.
    match fate {
        Fate::Passed => Verdict::Accept,
        Fate::OutOfOrder => {
            packet.count(Counter::OooDropped, 1);
            wanted.unless_passive(Verdict::Drop)
        }
        Fate::Breaks(reason) => {
            condemn(packet, &wanted, reason);
            end(packet, reason, Verdict::Drop)
        }
        // It may begin another connection in the same entry: conntrack will tell.
        Fate::Condemned(_) if opens => Verdict::Accept,
        Fate::Condemned(reason) => end(packet, reason, Verdict::Drop),
    }
}

/// Follows a segment through its connection's state.
fn follow(packet: &Packet<'_>, header: Header, wanted: &Wanted) -> Fate {
    let (payload, direction) = (header.payload(), packet.direction());
    let Some(mut connection) = packet.lock() else {
        return Fate::Passed;
    };
    let segment = connection.look(packet, header);
    let fate = Passage {
        connection: &mut connection,
        policy: &wanted.policy,
        packet,
        payload,
        direction,
    }
    .follow(&segment);
    if wanted.passive && matches!(fate, Fate::OutOfOrder) {
        connection.lose(direction);
    }
    fate
}

/// Tells that a packet's connection was condemned by it.
fn condemn(packet: &Packet<'_>, wanted: &Wanted, reason: Reason) {
    packet.count(Counter::Condemned, 1);
    packet.count(Counter::Broken(reason), 1);
    packet.report(reason, wanted.outcome());
    packet.set_mark(wanted.mark, reason);
}

/// Ends the condemned connection of a packet; where that is to be silent, the packet becomes of `silent`.
fn end(packet: &mut Packet<'_>, reason: Reason, silent: Verdict) -> Verdict {
    let wanted = packet.wanted();
    if wanted.passive {
        return Verdict::Accept;
    }
    packet.hold();
    // A SYN took it away, so that it can pass.
    packet.set_mark(wanted.mark, reason);
    let verdict = if wanted.reset {
        let (resets, verdict) = packet.reset();
        packet.count(Counter::Resets, u64::from(resets));
        verdict
    } else {
        silent
    };
    if wanted.reset || verdict == Verdict::Drop {
        packet.count(Counter::Dropped, 1);
    }
    verdict
}

/// A segment's way through its connection's state, which is locked.
struct Passage<'a> {
    connection: &'a mut Connection,
    policy: &'a Policy,
    packet: &'a Packet<'a>,
    payload: Payload,
    direction: Direction,
}

impl Passage<'_> {
    /// Places the segment in its stream, and reads what is new of it.
    fn follow(&mut self, segment: &Segment) -> Fate {
        let condemned = self.connection.condemned().is_some();
        if segment.syn && *self.connection == Connection::default() {
            self.packet.count(Counter::Connections, 1);
        }
        let fate = loop {
            let (fate, end) = match self.connection.place(self.direction, segment) {
                Placement::Empty => break Fate::Passed,
                Placement::Next { skip, end } => (self.read(skip, end), end),
                Placement::BehindHole { end } => {
                    self.packet.count(Counter::GapsSkipped, 1);
                    (self.read(0, end), end)
                }
                Placement::Retransmission => {
                    self.packet.count(Counter::Retransmissions, 1);
                    break Fate::Passed;
                }
                Placement::OutOfOrder => break self.run_ahead(segment),
                Placement::MidStream => break self.pick_up(segment),
                Placement::Condemned(reason) if condemned => break Fate::Condemned(reason),
                Placement::Condemned(reason) => break Fate::Breaks(reason),
            };
            // Behind `end` is what ran ahead; the next round settles that, and so is the last.
            if end >= segment.len || !matches!(fate, Fate::Passed) {
                break fate;
            }
        };
        if segment.fin && matches!(fate, Fate::Passed) && self.connection.in_record(self.direction)
        {
            self.packet.count(Counter::Truncated, 1);
        }
        fate
    }

    /// Takes the stream up in the middle, or lets the segment pass unread.
    fn pick_up(&mut self, segment: &Segment) -> Fate {
        let header_at = |at| self.packet.peek(self.payload, at);
        if self.connection.pick_up(self.direction, segment, header_at) {
            self.packet.count(Counter::Resynced, 1);
            self.read(0, segment.len)
        } else {
            self.packet.count(Counter::Unsynced, 1);
            Fate::Passed
        }
    }

    /// Lets a segment behind a hole pass unread, or not.
    fn run_ahead(&mut self, segment: &Segment) -> Fate {
        let (packet, payload) = (self.packet, self.payload);
        let search = |mut search: HeaderSearch| {
            let read = packet.read(payload, 0, |chunk| {
                search.feed(chunk);
                Ok(())
            });
            (read == Ok(payload.behind(0))).then_some(search)
        };
        if self
            .connection
            .run_ahead(self.policy, self.direction, segment, search)
        {
            self.packet.count(Counter::OooPassed, 1);
            Fate::Passed
        } else {
            Fate::OutOfOrder
        }
    }

    /// Feeds the payload from byte `skip` to byte `end` to the parser.
    fn read(&mut self, skip: u32, end: u32) -> Fate {
        let mut records = 0_u32;
        let payload = self.payload.up_to(end);
        let fed = self.packet.read(payload, skip, |chunk| {
            let begun = self.connection.feed(self.policy, self.direction, chunk)?;
            records = records.saturating_add(begun);
            Ok(())
        });
        match fed {
            Ok(read) => {
                self.packet.count(Counter::Bytes, u64::from(read));
                if records != 0 {
                    self.packet.count(Counter::Records, u64::from(records));
                }
                if read < payload.behind(skip) {
                    self.packet.count(Counter::Unreadable, 1);
                    self.connection.lose(self.direction);
                }
                Fate::Passed
            }
            Err(reason) => Fate::Breaks(reason),
        }
    }
}
