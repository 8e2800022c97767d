// SPDX-License-Identifier: GPL-2.0

//! Heartbeats (RFC 6520), and all rules about them.
//!
//! ```text
//!      0      1        2        3                 3 + payload_length
//!   +------+--------+--------+-------------------+-------------+
//!   | type | payload_length  |      payload      | padding>=16 |
//!   +------+--------+--------+-------------------+-------------+
//! ```
//!
//! In the clear (before the direction's own ChangeCipherSpec, and in TLS 1.3) the message is judged at
//! its third byte: an answer needs the rest of the record, so a vulnerable peer never gets what it
//! needs. Protected ones show only how long they are, which is judged at the header.
//!
//! # The ledger
//!
//! Once the handshake is over, a side's `scratch` is the account of its own unanswered request (or, as long
//! as no heartbeat comes and none may, an [edge](super::ahead)): in the clear the request's
//! `payload_length` plus one, protected the bytes that answers may still use up.
//! An honest answer is one record, no longer than the request's (shorter, if that was padded more). A
//! heartbleed answer comes as up to five records in a row; if the request was 16 KiB long, no single
//! one of them is longer, so they are added up. An answer below [`SMALLEST_FRAGMENT_LIMIT`] ends the
//! account, since no stack cuts its records that short; a longer one may be the first of several, so
//! what is left of the account stays open until the answering side sends anything else. Two requests
//! that cross each other are told apart only if they are equally long.

use super::{
    ahead,
    record::{
        self,
        position, //
    },
    Reason,
    Side,
    Stream, //
};

/// The padding that must follow a payload (RFC 6520 4).
const MIN_PADDING: u16 = 16;
/// The type and the payload's length.
const MESSAGE_HEADER: u16 = 3;
/// The shortest protected record: 19 bytes of message, and 16 of the smallest MAC, or tag and nonce.
const MIN_PROTECTED: u16 = 35;
/// The smallest limit to which records can be agreed to be cut (RFC 6066 4).
const SMALLEST_FRAGMENT_LIMIT: u16 = 512;

const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;

/// The bits of `scratch`: the account, the message's type and the first byte of its length, and that
/// the account is open for a further part of an answer.
mod ledger {
    pub(super) const ACCOUNT: u32 = 0xffff;
    pub(super) const TYPE_SHIFT: u32 = 16;
    pub(super) const LENGTH_SHIFT: u32 = 20;
    pub(super) const PARTLY_ANSWERED: u32 = 1 << 31;
}

impl Stream {
    /// What answers to this side's request may still use up.
    fn account(&self) -> u16 {
        // Masked to 16 bits.
        (self.scratch & ledger::ACCOUNT) as u16
    }

    fn set_account(&mut self, account: u16) {
        self.scratch = u32::from(account);
    }

    /// Whether this side's request awaits an answer, or the rest of one.
    fn awaits_answer(&self) -> bool {
        self.scratch & (ledger::ACCOUNT | ledger::PARTLY_ANSWERED) != 0
    }
}

/// Judges a heartbeat by its record's header.
pub(super) fn begin(side: &mut Side<'_>) -> Result<(), Reason> {
    ahead::forget(side);
    if !side.own.has(Stream::PROTECTED) {
        if !side.handshake_over() {
            // The handshake message in progress is lost, but no heartbeat passes from here.
            side.own.scratch = 0;
        }
        if side.own.left < MESSAGE_HEADER {
            return Err(Reason::HeartbeatMalformed);
        }
        side.own.set_position(position::FIRST_OF_BODY);
        return Ok(());
    }
    if side.own.left < MIN_PROTECTED {
        return Err(Reason::HeartbeatMalformed);
    }
    in_place(side)?;
    balance(side)?;
    refuse(side)
}

/// Reads the body of a heartbeat: the first three bytes of one in the clear.
pub(super) fn feed(side: &mut Side<'_>, mut part: &[u8]) -> Result<(), Reason> {
    while let Some((&byte, rest)) = part.split_first() {
        let behind = side.own.left.saturating_add(rest.len() as u16);
        match side.own.position() {
            position::FIRST_OF_BODY => {
                side.own.scratch |= u32::from(byte.min(RESPONSE + 1)) << ledger::TYPE_SHIFT;
                side.own.set_position(position::SECOND_OF_BODY);
            }
            position::SECOND_OF_BODY => {
                side.own.scratch |= u32::from(byte) << ledger::LENGTH_SHIFT;
                side.own.set_position(position::THIRD_OF_BODY);
            }
            position::THIRD_OF_BODY => {
                side.own.set_position(position::BODY);
                clear(side, byte, behind)?;
                record::tell_mismatch(side)?;
            }
            _ => break,
        }
        part = rest;
    }
    Ok(())
}

/// Judges a heartbeat in the clear; `low` is the second byte of its `payload_length`, and `behind`
/// bytes of the record follow it.
fn clear(side: &mut Side<'_>, low: u8, behind: u16) -> Result<(), Reason> {
    // Both masked to 8 bits.
    let message = (side.own.scratch >> ledger::TYPE_SHIFT) as u8 & 3;
    let high = (side.own.scratch >> ledger::LENGTH_SHIFT) as u8;
    let payload = u16::from_be_bytes([high, low]);
    side.own.set_account(side.own.account());

    if message != REQUEST && message != RESPONSE {
        return Err(Reason::HeartbeatMalformed);
    }
    match payload.checked_add(MIN_PADDING) {
        Some(needed) if needed <= behind => {}
        _ => return Err(Reason::Heartbleed),
    }
    in_place(side)?;
    // `payload` is below 2^14 here.
    pair(side, message, payload.saturating_add(1))?;
    refuse(side)
}

/// `heartbeat_not_negotiated` and `heartbeat_in_handshake`.
fn in_place(side: &Side<'_>) -> Result<(), Reason> {
    if not_negotiated(side) {
        return Err(Reason::HeartbeatNotNegotiated);
    }
    if !side.handshake_over() {
        return Err(Reason::HeartbeatInHandshake);
    }
    Ok(())
}

/// Whether both hellos were seen, and did not agree upon heartbeats.
pub(super) fn not_negotiated(side: &Side<'_>) -> bool {
    let (client, server) = (side.client(), side.server());
    // TLS 1.3 has the server's extension in EncryptedExtensions, out of sight.
    let agreed =
        client.has(Stream::HEARTBEAT) && (server.has(Stream::HEARTBEAT) || side.is_tls13());
    client.has(Stream::HELLO) && server.has(Stream::HELLO) && !agreed
}

/// `heartbeat_in_flight` and `heartbeat_mismatch`, in the clear: `account` tells payloads apart.
fn pair(side: &mut Side<'_>, message: u8, account: u16) -> Result<(), Reason> {
    if message == RESPONSE {
        if side.peer.account() != account {
            return Err(Reason::HeartbeatMismatch);
        }
        side.peer.set_account(0);
        return Ok(());
    }
    if side.own.awaits_answer() {
        return Err(Reason::HeartbeatInFlight);
    }
    side.own.set_account(account);
    Ok(())
}

/// `heartbeat_in_flight` and `heartbeat_mismatch`, protected: only lengths are seen.
fn balance(side: &mut Side<'_>) -> Result<(), Reason> {
    let length = side.own.left;
    if side.peer.awaits_answer() {
        let Some(rest) = side.peer.account().checked_sub(length) else {
            return Err(Reason::HeartbeatMismatch);
        };
        side.peer.scratch = if length < SMALLEST_FRAGMENT_LIMIT {
            0
        } else {
            u32::from(rest) | ledger::PARTLY_ANSWERED
        };
        return Ok(());
    }
    if side.own.awaits_answer() {
        return Err(Reason::HeartbeatInFlight);
    }
    side.own.set_account(length);
    Ok(())
}

/// Closes the account of which a part was answered: `side` sends something else now.
pub(super) fn other_record(side: &mut Side<'_>) {
    let ledgers = side.handshake_over() && !side.own.has_edge() && !side.peer.has_edge();
    if ledgers && side.peer.scratch & ledger::PARTLY_ANSWERED != 0 {
        side.peer.scratch = 0;
    }
}

/// `heartbeat_refused`: the operator wants none.
fn refuse(side: &Side<'_>) -> Result<(), Reason> {
    if side.policy.heartbeat {
        Ok(())
    } else {
        Err(Reason::HeartbeatRefused)
    }
}
