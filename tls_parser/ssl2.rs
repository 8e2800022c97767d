// SPDX-License-Identifier: GPL-2.0

//! SSL2 (the SSL 2 draft of 1995): records, and messages while they are in the clear.
//!
//! ```text
//!   two-byte header             three-byte header
//!   +-+-------------+------+    +-+-+-----------+------+---------+------+---------+
//!   |1| length, 15  | data |    |0|E| length, 14       | padding | data | padding |
//!   +-+-------------+------+    +-+-+-----------+------+---------+------+---------+
//! ```
//!
//! The length counts the padding too, and not the header. E is the security escape flag.
//!
//! A session is in the clear up to CLIENT-MASTER-KEY, or to a SERVER-HELLO that hits the session's id;
//! behind that a record begins with a MAC or ciphertext, and its first byte is no message type.
//!
//! Enforces `ssl2_direction`, `ssl2_malformed` and `ssl2_after_tls`.

use super::{
    record::{
        self,
        position,
        Kind, //
    },
    version,
    Reason,
    Side,
    Stream,
    Version, //
};

/// Message types (SSL 2 draft 2.2, 2.5).
mod message {
    pub(super) const CLIENT_HELLO: u8 = 1;
    pub(super) const CLIENT_MASTER_KEY: u8 = 2;
    pub(super) const CLIENT_FINISHED: u8 = 3;
    pub(super) const SERVER_HELLO: u8 = 4;
    pub(super) const REQUEST_CERTIFICATE: u8 = 7;
    pub(super) const CLIENT_CERTIFICATE: u8 = 8;
}

/// The fields at the head of a message: how long they are with the type, and from where they are
/// lengths, two bytes each, of the fields behind.
struct Head {
    length: u8,
    lengths_at: u8,
}

impl Head {
    /// The head of the messages that are in the clear on the wire.
    fn of(message: u8) -> Option<Head> {
        let (length, lengths_at) = match message {
            message::CLIENT_HELLO => (9, 3),
            message::SERVER_HELLO => (11, 5),
            message::CLIENT_MASTER_KEY => (10, 4),
            _ => return None,
        };
        Some(Head { length, lengths_at })
    }
}

/// The bits of `scratch`: the message's type, the next byte's place in its head, the first byte of a
/// version, and that the session is opaque from this record's end on.
mod bits {
    pub(super) const AT_SHIFT: u32 = 8;
    pub(super) const MAJOR_SHIFT: u32 = 16;
    pub(super) const THEN_OPAQUE: u32 = 1 << 31;
}

/// Lets a client that opened with an SSL2 CLIENT-HELLO speak what the server chose (RFC 5246 E.2).
///
/// Before the server has chosen, what follows a hello that offers SSL 3.0 or better is taken for TLS.
pub(super) fn settle(side: &mut Side<'_>) {
    let own = &side.own;
    if !side.is_client() || !own.has(Stream::SSL2) || !own.has(Stream::HELLO) {
        return;
    }
    let tls = side.peer.has(Stream::TLS) || own.version() != Version::Ssl2;
    if tls && !side.peer.has(Stream::SSL2) {
        side.own.clear(Stream::SSL2);
        side.own.set(Stream::TLS);
    }
}

/// Takes the first byte of a record, its high bit set, in a direction that does not speak SSL2 (yet).
pub(super) fn candidate(side: &mut Side<'_>, byte: u8) -> Result<(), Reason> {
    start_with(side, Kind::Ssl2Candidate, byte)
}

/// Takes the first byte of a record in a direction that speaks SSL2.
pub(super) fn start(side: &mut Side<'_>, byte: u8) -> Result<(), Reason> {
    start_with(side, Kind::Ssl2, byte)
}

fn start_with(side: &mut Side<'_>, kind: Kind, byte: u8) -> Result<(), Reason> {
    let (length, position) = if byte & 0x80 != 0 {
        (byte & 0x7f, position::SECOND)
    } else {
        (byte & 0x3f, position::THIRD)
    };
    side.own.left = u16::from(length) << 8;
    side.own.set_kind(kind);
    side.own.set_position(position);
    Ok(())
}

/// Reads one byte of a header behind its first; of a candidate, the first byte of its message too.
pub(super) fn header(side: &mut Side<'_>, byte: u8) -> Result<(), Reason> {
    match side.own.position() {
        position::SECOND | position::THIRD => {
            side.own.left |= u16::from(byte);
            length(side)
        }
        position::FOURTH if u16::from(byte) >= side.own.left => Err(Reason::Ssl2Malformed),
        position::FOURTH => {
            begin_body(side, byte);
            Ok(())
        }
        _ => recognise(side, byte),
    }
}

/// Takes a record's length: none is empty.
fn length(side: &mut Side<'_>) -> Result<(), Reason> {
    if side.own.left == 0 {
        return Err(if side.own.has(Stream::TLS) {
            Reason::RecordType
        } else {
            Reason::Ssl2Malformed
        });
    }
    match (side.own.position(), side.own.kind()) {
        (position::THIRD, _) => side.own.set_position(position::FOURTH),
        (_, Kind::Ssl2Candidate) => side.own.set_position(position::FIFTH),
        _ => begin_body(side, 0),
    }
    Ok(())
}

fn begin_body(side: &mut Side<'_>, padding: u8) {
    if side.own.has(Stream::PROTECTED) {
        side.own.set_position(position::BODY);
    } else {
        side.own.work = side.own.left.saturating_sub(u16::from(padding));
        side.own.set_position(position::FIRST_OF_BODY);
    }
}

/// Decides by the first byte of its message whether a candidate is an SSL2 record, and allowed.
///
/// Only a CLIENT-HELLO, or a SERVER-HELLO, opens SSL2, and only as a direction's first record.
fn recognise(side: &mut Side<'_>, message: u8) -> Result<(), Reason> {
    let known = (message::CLIENT_HELLO..=message::CLIENT_CERTIFICATE).contains(&message);
    if known && side.own.has(Stream::TLS) {
        return Err(Reason::Ssl2AfterTls);
    }
    if known && !may_send(side, message) {
        return Err(Reason::Ssl2Direction);
    }
    let opening = if side.is_client() {
        message::CLIENT_HELLO
    } else {
        message::SERVER_HELLO
    };
    if message != opening || side.own.has(Stream::TLS) {
        return Err(Reason::RecordType);
    }
    side.own.set(Stream::SSL2);
    side.own.set_kind(Kind::Ssl2);
    begin_body(side, 0);
    side.own.left = side.own.left.saturating_sub(1);
    begin_message(side, message)
}

/// `ssl2_direction`: who sends which message (SSL 2 draft 2.2, 2.5); both may send ERROR, 0.
fn may_send(side: &Side<'_>, message: u8) -> bool {
    match message {
        message::CLIENT_HELLO..=message::CLIENT_FINISHED | message::CLIENT_CERTIFICATE => {
            side.is_client()
        }
        message::SERVER_HELLO..=message::REQUEST_CERTIFICATE => !side.is_client(),
        _ => true,
    }
}

/// Takes the type of a message in the clear, with its data's length in `work`.
fn begin_message(side: &mut Side<'_>, message: u8) -> Result<(), Reason> {
    if !may_send(side, message) {
        return Err(Reason::Ssl2Direction);
    }
    let Some(head) = Head::of(message) else {
        // Nothing that is sent in the clear: it is searched for runs, like ciphertext.
        side.own.work = 0;
        side.own.set_position(position::BODY);
        return Ok(());
    };
    let Some(behind) = side.own.work.checked_sub(u16::from(head.length)) else {
        return Err(Reason::Ssl2Malformed);
    };
    side.own.work = behind;
    side.own.scratch = u32::from(message) | (1 << bits::AT_SHIFT);
    if message == message::CLIENT_MASTER_KEY {
        side.own.scratch |= bits::THEN_OPAQUE;
    }
    side.own.set_position(position::SECOND_OF_BODY);
    Ok(())
}

/// Reads `part`, which lies in the body of a record.
pub(super) fn feed(side: &mut Side<'_>, mut part: &[u8]) -> Result<(), Reason> {
    while let Some((&byte, rest)) = part.split_first() {
        match side.own.position() {
            position::FIRST_OF_BODY => begin_message(side, byte)?,
            position::SECOND_OF_BODY => head(side, byte)?,
            // The rest of a message in the clear.
            _ if side.own.scratch != 0 => return Ok(()),
            _ => return record::suspicious(side, part),
        }
        part = rest;
    }
    Ok(())
}

/// Reads one byte of a message's head.
fn head(side: &mut Side<'_>, byte: u8) -> Result<(), Reason> {
    // Both masked to 8 bits by the cast.
    let message = side.own.scratch as u8;
    let at = (side.own.scratch >> bits::AT_SHIFT) as u8;
    let Some(head) = Head::of(message) else {
        return Ok(());
    };
    field(side, &head, message, at, byte)?;
    let next = at.saturating_add(1);
    side.own.scratch &= !(0xff << bits::AT_SHIFT);
    side.own.scratch |= u32::from(next) << bits::AT_SHIFT;
    if next < head.length {
        return Ok(());
    }
    side.own.set_position(position::BODY);
    end_head(side, message)
}

/// Takes a byte of a head for what it is: a length, the version, or whether the session is known.
fn field(side: &mut Side<'_>, head: &Head, message: u8, at: u8, byte: u8) -> Result<(), Reason> {
    if let Some(index) = at.checked_sub(head.lengths_at) {
        let length = u16::from(byte) << if index & 1 == 0 { 8 } else { 0 };
        side.own.work = side
            .own
            .work
            .checked_sub(length)
            .ok_or(Reason::Ssl2Malformed)?;
        return Ok(());
    }
    match (message, at) {
        (message::CLIENT_HELLO, 1) => side.own.scratch |= u32::from(byte) << bits::MAJOR_SHIFT,
        (message::CLIENT_HELLO, _) => {
            // Masked to 8 bits by the cast.
            let major = (side.own.scratch >> bits::MAJOR_SHIFT) as u8;
            side.own.set_version(Version::from_legacy(major, byte));
        }
        (message::SERVER_HELLO, 1) if byte != 0 => side.own.scratch |= bits::THEN_OPAQUE,
        _ => {}
    }
    Ok(())
}

/// Ends a message's head: what it announced fills the record, and a SERVER-HELLO settles the version.
fn end_head(side: &mut Side<'_>, message: u8) -> Result<(), Reason> {
    if side.own.work != 0 {
        return Err(Reason::Ssl2Malformed);
    }
    match message {
        message::CLIENT_HELLO => side.own.set(Stream::HELLO),
        message::SERVER_HELLO => {
            side.own.set(Stream::HELLO);
            side.own.set_version(Version::Ssl2);
            return version::accept(side);
        }
        _ => {}
    }
    Ok(())
}

/// Ends a record; the session may be opaque from here on.
pub(super) fn end(side: &mut Side<'_>) {
    if side.own.scratch & bits::THEN_OPAQUE != 0 {
        side.own.set(Stream::PROTECTED);
        if side.peer.has(Stream::SSL2) {
            side.peer.set(Stream::PROTECTED);
        }
    }
    if side.own.scratch != 0 {
        side.own.scratch = 0;
        side.own.work = 0;
    }
}
