// SPDX-License-Identifier: GPL-2.0

//! ChangeCipherSpec (RFC 5246 7.1, RFC 8446 5) in the clear, and `ccs_out_of_order`.
//!
//! CVE-2014-0224: a ChangeCipherSpec injected before the key exchange made OpenSSL derive keys from an
//! empty secret. It is also how a forged early one would hide what follows in the clear from anyone
//! who takes it at its word; so only a lawful one protects a direction.

use super::{
    record::position,
    Reason,
    Side,
    Stream,
    Version, //
};

/// Judges a ChangeCipherSpec by its header; the direction is in the clear.
pub(super) fn begin(side: &mut Side<'_>) -> Result<(), Reason> {
    if side.own.left != 1 || !in_order(side) {
        return Err(Reason::CcsOutOfOrder);
    }
    side.own.set_position(position::FIRST_OF_BODY);
    Ok(())
}

/// Whether this side may send a ChangeCipherSpec now.
fn in_order(side: &mut Side<'_>) -> bool {
    match side.negotiated() {
        Some(Version::Tls13) => side.client().has(Stream::HELLO),
        Some(_) if side.is_client() => {
            // A server that sent its own first resumes a session (RFC 5246 7.3).
            side.own.has(Stream::KEY_EXCHANGE) || side.peer.has(Stream::PROTECTED)
        }
        // In a full handshake the client's comes first.
        Some(_) => !side.own.has(Stream::FULL_HANDSHAKE) || side.peer.has(Stream::PROTECTED),
        // The server was taken up in the middle.
        None if side.peer.has(Stream::PROTECTED) => true,
        None => early(side),
    }
}

/// Before any ServerHello only a client that offered TLS 1.3 may send one (RFC 8446 D.4).
///
/// What the server negotiates later decides whether it was right: see [`betrayed`].
fn early(side: &mut Side<'_>) -> bool {
    // While there is no ServerHello, who sent a hello is the client.
    let offered = side.own.has(Stream::HELLO) && side.own.version() == Version::Tls13;
    side.own.put(Stream::EARLY_CCS, offered);
    offered
}

/// Whether the ServerHello makes the client's early ChangeCipherSpec one before its ClientKeyExchange.
pub(super) fn betrayed(side: &Side<'_>) -> bool {
    side.client().has(Stream::EARLY_CCS) && side.server().version() != Version::Tls13
}

/// Reads the body: the one byte 1.
pub(super) fn feed(side: &mut Side<'_>, part: &[u8]) -> Result<(), Reason> {
    if part != [1] {
        return Err(Reason::CcsOutOfOrder);
    }
    // In TLS 1.3 it means nothing: a ClientHello or ServerHello may follow in the clear.
    let protects = match side.negotiated() {
        Some(version) => version != Version::Tls13,
        None => side.peer.has(Stream::PROTECTED),
    };
    if protects {
        side.own.set(Stream::PROTECTED);
    }
    Ok(())
}
