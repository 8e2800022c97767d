// SPDX-License-Identifier: GPL-2.0

//! `tls`, a connection-tracking helper that follows SSL/TLS record streams and drops connections
//! that break the protocol's rules.
//!
//! ```text
//!  nf_confirm() --> nf_ct_tls_help() --> judge() --> Connection::follow_data() or follow_any(),
//!                      |                    |        under the lock
//!           a bare ACK |                    |               |
//!       NF_ACCEPT <----+<-------------------+<-- count, ----+
//!       or NF_DROP                               report, mark, reset
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
    Broken,
    Helper,
    Packet,
    StateGuard,
    View,
    Wanted, //
};
use tls_parser::{
    Counts,
    Outcome,
    Reason,
    Verdict, //
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

/// Judges a packet; returns whether it passes.
///
/// Bare ACKs are half of all packets, and come here only if their connection is condemned: see
/// [`ffi::nf_ct_tls_help`].
#[inline]
fn judge(packet: &mut Packet<'_>) -> bool {
    let wanted = packet.wanted();
    if packet.is_bare() {
        let condemned = packet.condemned().is_some() && !packet.is_reset();
        return !condemned || end(packet, &wanted, true);
    }
    let mut payload = packet.payload();
    let (mut connection, view) = packet.lock();
    if packet.is_plain(&view) && !wanted.passive {
        let (limit, direction, seq) = (wanted.seq_len(), packet.direction(), packet.seq());
        if let Some(data) = connection.follow_data(limit, direction, seq, &mut payload) {
            drop(connection);
            packet.count(Counter::Bytes, data.bytes);
            if data.records != 0 {
                packet.count(Counter::Records, data.records);
            }
            return true;
        }
    }
    let outcome = follow(packet, &wanted, connection, &view);
    conclude(packet, &wanted, &outcome)
}

/// Follows a segment through its connection's state.
#[inline(never)]
fn follow(
    packet: &Packet<'_>,
    wanted: &Wanted<'_>,
    mut connection: StateGuard<'_>,
    view: &View,
) -> Outcome {
    let segment = packet.segment(view);
    let mut payload = packet.payload();
    connection.follow_any(&wanted.policy(), packet.direction(), &segment, &mut payload)
}

/// Does what a segment came to; returns whether it passes.
///
/// The lock is free again: what happens here notifies, logs and sends.
fn conclude(packet: &mut Packet<'_>, wanted: &Wanted<'_>, outcome: &Outcome) -> bool {
    count(packet, &outcome.counts);
    if outcome.counts.connections != 0 {
        packet.release(wanted.mark());
    }
    report(packet, outcome, wanted);
    match outcome.verdict {
        _ if wanted.passive => true,
        Verdict::Pass => true,
        Verdict::Drop => false,
        Verdict::Condemned => {
            let harmless = packet.is_empty() && outcome.broken.is_none();
            end(packet, wanted, harmless)
        }
    }
}

/// Counts the outcome of a segment.
fn count(packet: &Packet<'_>, counts: &Counts) {
    let all = [
        (Counter::Connections, counts.connections),
        (Counter::Bytes, counts.bytes),
        (Counter::Records, counts.records),
        (Counter::Retransmissions, counts.retransmissions),
        (Counter::GapsSkipped, counts.gaps_skipped),
        (Counter::OooPassed, counts.ooo_passed),
        (Counter::OooDropped, counts.ooo_dropped),
        (Counter::Resynced, counts.resynced),
        (Counter::Unsynced, counts.unsynced),
        (Counter::Unreadable, counts.unreadable),
        (Counter::Truncated, counts.truncated),
        (Counter::Mptcp, counts.mptcp),
        (Counter::Cleartext, counts.cleartext),
        (Counter::Upgraded, counts.upgraded),
    ];
    for (counter, n) in all {
        if n != 0 {
            packet.count(counter, n);
        }
    }
}

/// Tells which rules a packet broke.
fn report(packet: &Packet<'_>, outcome: &Outcome, wanted: &Wanted<'_>) {
    if !outcome.reported.is_empty() {
        for reason in outcome.reported.iter() {
            packet.count(Counter::Reported, 1);
            tell(packet, reason, Broken::Reported);
        }
    }
    if let Some(reason) = outcome.broken {
        packet.count(Counter::Condemned, 1);
        tell(packet, reason, wanted.outcome());
    }
    // If there are several reasons, the first describes what happened best.
    if let Some(reason) = outcome.broken.or_else(|| outcome.reported.iter().next()) {
        packet.set_mark(wanted.mark(), reason);
    }
}

fn tell(packet: &Packet<'_>, reason: Reason, broken: Broken) {
    packet.count(Counter::Broken(reason), 1);
    packet.report(reason, broken);
}

/// Ends the connection of a packet at both ends, if so wanted; returns whether the packet passes.
///
/// Where nothing is reset, a `harmless` packet passes, so that both ends can close.
fn end(packet: &mut Packet<'_>, wanted: &Wanted<'_>, harmless: bool) -> bool {
    if wanted.passive {
        return true;
    }
    // A connection that is refused because its beginning was not seen broke no rule.
    if let Some(reason) = packet.condemned() {
        packet.hold();
        // A SYN took it away, so that it can pass.
        packet.set_mark(wanted.mark(), reason);
    }
    if !wanted.reset() && harmless {
        return true;
    }
    packet.count(Counter::Dropped, 1);
    if !wanted.reset() {
        return false;
    }
    let (resets, passes) = packet.reset();
    packet.count(Counter::Resets, resets);
    passes
}
