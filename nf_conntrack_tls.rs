// SPDX-License-Identifier: GPL-2.0

//! `tls`, a connection-tracking helper that follows SSL/TLS record streams and drops connections
//! that break the protocol's rules.
//!
//! ```text
//!  nf_confirm() --> nf_ct_tls_help() --> judge(): header --> Connection::follow(), under the lock
//!                                           |                        |
//!       NF_ACCEPT or NF_DROP <--------------+<-- count, report, <----+
//!                                                mark, reset
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
    Header,
    Helper,
    Packet,
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
fn judge(packet: &mut Packet<'_>) -> bool {
    let Some(header) = packet.header() else {
        return true;
    };
    // Bare ACKs are half of all packets: they cost a look at whether the connection is condemned.
    if header.is_bare() {
        let condemned = packet.condemned().is_some() && !header.is_reset();
        return !condemned || end(packet, &packet.wanted(), true);
    }
    let wanted = packet.wanted();
    let is_empty = header.is_empty();
    let outcome = follow(packet, header, &wanted);
    // The lock is free again: what follows notifies, logs and sends.
    count(packet, &outcome.counts);
    if outcome.counts.connections != 0 {
        packet.release(wanted.mark);
    }
    report(packet, &outcome, &wanted);
    match outcome.verdict {
        _ if wanted.policy.passive => true,
        Verdict::Pass => true,
        Verdict::Drop => false,
        Verdict::Condemned => end(packet, &wanted, is_empty && outcome.broken.is_none()),
    }
}

/// Follows a segment through its connection's state.
fn follow(packet: &Packet<'_>, header: Header, wanted: &Wanted) -> Outcome {
    let mut payload = packet.payload(&header);
    let Some(mut connection) = packet.lock() else {
        return Outcome::default();
    };
    let segment = connection.look(packet, header);
    connection.follow(&wanted.policy, packet.direction(), &segment, &mut payload)
}

/// Counts what a segment came to.
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
fn report(packet: &Packet<'_>, outcome: &Outcome, wanted: &Wanted) {
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
    // Of several reasons the first is the one that names the breach best.
    if let Some(reason) = outcome.broken.or_else(|| outcome.reported.iter().next()) {
        packet.set_mark(wanted.mark, reason);
    }
}

fn tell(packet: &Packet<'_>, reason: Reason, broken: Broken) {
    packet.count(Counter::Broken(reason), 1);
    packet.report(reason, broken);
}

/// Ends the connection of a packet at both ends, if so wanted; returns whether the packet passes.
///
/// Where nothing is reset, a `harmless` packet passes, so that both ends can close.
fn end(packet: &mut Packet<'_>, wanted: &Wanted, harmless: bool) -> bool {
    if wanted.policy.passive {
        return true;
    }
    // One that is refused because its beginning was not seen broke no rule.
    if let Some(reason) = packet.condemned() {
        packet.hold();
        // A SYN took it away, so that it can pass.
        packet.set_mark(wanted.mark, reason);
    }
    if !wanted.reset && harmless {
        return true;
    }
    packet.count(Counter::Dropped, 1);
    if !wanted.reset {
        return false;
    }
    let (resets, passes) = packet.reset();
    packet.count(Counter::Resets, resets);
    passes
}
