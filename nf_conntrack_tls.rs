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
pub mod tls_parser;

use conntrack::{
    Packet,
    Parameters,
    Payload,
    Registration,
    Verdict, //
};
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
    _registration: Registration,
}

impl kernel::Module for NfConntrackTls {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let _registration = Registration::new()
            .inspect_err(|err| pr_err!("cannot register the helper: {err:?}\n"))?;
        Ok(NfConntrackTls { _registration })
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
    if segment.len == 0 && !segment.syn && !segment.fin {
        return Verdict::Accept;
    }
    let parameters = Parameters::get();
    let fate = {
        let Some(mut connection) = packet.lock() else {
            return Verdict::Accept;
        };
        let fate = follow(&mut connection, &parameters.policy, packet, &segment, payload);
        if parameters.log_only && matches!(fate, Fate::OutOfOrder) {
            connection.lose(packet.direction());
        }
        fate
    };
    // The lock is free again: what follows logs, and notifies.
    if let Fate::Breaks(reason) = fate {
        packet.report(reason);
        if parameters.mark != 0 {
            packet.set_mark(parameters.mark);
        }
    }
    match fate {
        Fate::Passed => Verdict::Accept,
        _ if parameters.log_only => Verdict::Accept,
        Fate::Breaks(_) | Fate::Condemned | Fate::OutOfOrder => Verdict::Drop,
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
    let skip = match connection.place(direction, segment) {
        Placement::Next { skip } => skip,
        Placement::BehindHole => 0,
        Placement::Empty | Placement::Retransmission | Placement::MidStream => {
            return Fate::Passed;
        }
        Placement::OutOfOrder => return Fate::OutOfOrder,
        Placement::Condemned(_) if condemned => return Fate::Condemned,
        Placement::Condemned(reason) => return Fate::Breaks(reason),
    };
    match packet.read(payload, skip, |chunk| connection.feed(policy, direction, chunk)) {
        Ok(read) => {
            if read < payload.behind(skip) {
                connection.lose(direction);
            }
            Fate::Passed
        }
        Err(reason) => Fate::Breaks(reason),
    }
}
