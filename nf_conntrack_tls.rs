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
//! [`tls_parser`] knows the protocol and nothing of the kernel; [`conntrack`] is the border to C; this
//! file joins the two.

use kernel::prelude::*;

mod conntrack;
mod counters;
pub mod tls_parser;

use conntrack::{
    count,
    Helper,
    Packet,
    Parameters,
    Payload,
    Verdict, //
};
use counters::Counter;
use tls_parser::{
    Connection,
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
    alias: ["nfct-helper-tls"],
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
    Condemned,
    /// It came out of order, and the stream cannot be followed past it.
    OutOfOrder,
}

/// Judges a packet.
fn judge(packet: &Packet<'_>) -> Verdict {
    let Some((segment, payload)) = packet.segment() else {
        return Verdict::Accept;
    };
    // Bare ACKs are half of all packets.
    if segment.len == 0 && !segment.syn && !segment.fin && !segment.urg {
        return Verdict::Accept;
    }
    let parameters = Parameters::get();
    let fate = {
        let Some(mut connection) = packet.lock() else {
            return Verdict::Accept;
        };
        let fate = follow(
            &mut connection,
            &parameters.policy,
            packet,
            &segment,
            payload,
        );
        if parameters.log_only && matches!(fate, Fate::OutOfOrder) {
            connection.lose(packet.direction());
        }
        fate
    };
    // The lock is free again: what follows logs, and notifies.
    match fate {
        Fate::Passed => return Verdict::Accept,
        Fate::Breaks(reason) => condemn(packet, &parameters, reason),
        Fate::Condemned => {}
        Fate::OutOfOrder => count(Counter::OutOfOrder, 1),
    }
    if parameters.log_only {
        return Verdict::Accept;
    }
    if !matches!(fate, Fate::OutOfOrder) {
        count(Counter::Dropped, 1);
    }
    Verdict::Drop
}

/// Tells that a packet's connection was condemned by it.
fn condemn(packet: &Packet<'_>, parameters: &Parameters, reason: Reason) {
    count(Counter::Condemned, 1);
    count(Counter::Broken(reason), 1);
    packet.report(reason);
    if parameters.mark != 0 {
        packet.set_mark(parameters.mark);
    }
}

/// Follows a segment through the connection's state.
fn follow(
    connection: &mut Connection,
    policy: &Policy,
    packet: &Packet<'_>,
    segment: &Segment,
    payload: Payload,
) -> Fate {
    let direction = packet.direction();
    let condemned = connection.condemned().is_some();
    if segment.syn && *connection == Connection::default() {
        count(Counter::Connections, 1);
    }
    let fate = match connection.place(direction, segment) {
        Placement::Empty => Fate::Passed,
        Placement::Next { skip } => read(connection, policy, packet, payload, skip),
        Placement::BehindHole => {
            count(Counter::HolesSkipped, 1);
            read(connection, policy, packet, payload, 0)
        }
        Placement::Retransmission => {
            count(Counter::Retransmissions, 1);
            Fate::Passed
        }
        Placement::OutOfOrder => Fate::OutOfOrder,
        Placement::MidStream => pick_up(connection, policy, packet, segment, payload),
        Placement::Condemned(_) if condemned => Fate::Condemned,
        Placement::Condemned(reason) => Fate::Breaks(reason),
    };
    if segment.fin && matches!(fate, Fate::Passed) && connection.in_record(direction) {
        count(Counter::Truncated, 1);
    }
    fate
}

/// Takes a stream up in the middle, or lets the segment pass unread.
fn pick_up(
    connection: &mut Connection,
    policy: &Policy,
    packet: &Packet<'_>,
    segment: &Segment,
    payload: Payload,
) -> Fate {
    let header_at = |at| packet.peek(payload, at);
    if connection.pick_up(packet.direction(), segment, header_at) {
        count(Counter::PickedUp, 1);
        read(connection, policy, packet, payload, 0)
    } else {
        count(Counter::MidStream, 1);
        Fate::Passed
    }
}

/// Feeds the payload from byte `skip` on to the parser.
fn read(
    connection: &mut Connection,
    policy: &Policy,
    packet: &Packet<'_>,
    payload: Payload,
    skip: u32,
) -> Fate {
    let direction = packet.direction();
    let fed = packet.read(payload, skip, |chunk| {
        connection.feed(policy, direction, chunk)
    });
    match fed {
        Ok(read) => {
            count(Counter::Bytes, u64::from(read));
            if read < payload.behind(skip) {
                count(Counter::Unreadable, 1);
                connection.lose(direction);
            }
            Fate::Passed
        }
        Err(reason) => Fate::Breaks(reason),
    }
}
