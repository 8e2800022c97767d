// SPDX-License-Identifier: GPL-2.0

//! ChangeCipherSpec (RFC 5246 7.1, RFC 8446 5) in the clear, and `ccs_out_of_order`.
//!
//! CVE-2014-0224: a ChangeCipherSpec injected before the key exchange made OpenSSL derive keys from
//! an empty secret, in servers and in clients. A forged early one would also hide what follows in
//! the clear from a parser that trusts it. So a direction counts as protected only after a
//! ChangeCipherSpec in its place, or after one that the operator chose to report only.

use super::{
    reason::Reason,
    side::{
        Side,
        Stop, //
    },
    state::{
        position,
        ClientFact,
        Fact,
        ServerFact, //
    },
    version::Version, //
};

/// Judges a ChangeCipherSpec by its header; the direction is in the clear.
pub(super) fn begin(side: &mut Side<'_>) -> Result<(), Stop> {
    if side.own.body_left != 1 || !in_order(side) {
        side.breaks(Reason::CcsOutOfOrder)?;
    }
    if side.own.body_left != 0 {
        side.own.set_position(position::FIRST_OF_BODY);
    }
    Ok(())
}

/// Whether this side may send a ChangeCipherSpec now.
fn in_order(side: &mut Side<'_>) -> bool {
    if !side.peer.is_known() {
        return true;
    }
    match side.negotiated() {
        Some(Version::Tls13) => side.client().has(Fact::Hello),
        // A server that sent its own first resumes a session (RFC 5246 7.3).
        Some(_) if side.is_client() => {
            side.client_has(ClientFact::KeyExchange) || side.peer.has(Fact::Protected)
        }
        // In a full handshake the client's ChangeCipherSpec comes first.
        Some(_) => side.peer.has(Fact::Protected) || may_resume(side),
        None => may_be_early(side),
    }
}

/// Whether the server may resume a session: the client named one, and the server has not sent what
/// only a full handshake has.
fn may_resume(side: &Side<'_>) -> bool {
    let offered = side.client_has(ClientFact::OffersSession) || !side.client().has(Fact::Hello);
    offered && !side.server_has(ServerFact::FullHandshake)
}

/// Before any ServerHello only a client that offered TLS 1.3 may send one (RFC 8446 D.4).
///
/// The version that the server negotiates later decides whether that was allowed: see
/// [`judge_early`].
fn may_be_early(side: &mut Side<'_>) -> bool {
    let offered =
        side.is_client() && side.own.has(Fact::Hello) && side.own.version() >= Version::Tls13Draft;
    side.put_client(ClientFact::EarlyCcs, offered);
    offered
}

/// Judges a client's early ChangeCipherSpec once the ServerHello has passed: unless TLS 1.3 was
/// negotiated, it came before the ClientKeyExchange.
pub(super) fn judge_early(side: &mut Side<'_>) -> Result<(), Stop> {
    if side.client_has(ClientFact::EarlyCcs) && side.server().version() != Version::Tls13 {
        side.breaks(Reason::CcsOutOfOrder)?;
    }
    Ok(())
}

/// Judges a ClientKeyExchange: in a resumed handshake there is none, so if the server has already
/// sent its ChangeCipherSpec, that was too early.
pub(super) fn judge_key_exchange(side: &mut Side<'_>) -> Result<(), Stop> {
    if side.peer.is_known() && side.peer.has(Fact::Protected) {
        side.breaks(Reason::CcsOutOfOrder)?;
    }
    Ok(())
}

/// Reads the body's first byte, which is 1. If more bytes follow, [`begin`] has judged their
/// number.
pub(super) fn feed(side: &mut Side<'_>, part: &[u8]) -> Result<(), Stop> {
    let Some((&byte, rest)) = part.split_first() else {
        return Ok(());
    };
    if byte != 1 {
        side.breaks(Reason::CcsOutOfOrder)?;
    }
    side.own.set_position(position::BODY);
    // In TLS 1.3 it has no meaning: a ClientHello or ServerHello may follow in the clear.
    let protects = match side.negotiated() {
        Some(version) => version != Version::Tls13,
        None => !side.peer.is_known(),
    };
    if protects {
        side.own.set(Fact::Protected);
    }
    side.search_runs(rest)
}
