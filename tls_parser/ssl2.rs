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
//! A session is in the clear up to CLIENT-MASTER-KEY, or to a SERVER-HELLO that hits the session's
//! id. After that a record begins with a MAC or ciphertext, and its first byte is no message type.
//!
//! Enforces `ssl2_direction`, `ssl2_malformed` and `ssl2_after_tls`.

use super::{
    header::Kind,
    negotiation,
    reason::Reason,
    scratch::{
        Scratch,
        Ssl2Message, //
    },
    side::{
        Side,
        Stop, //
    },
    state::{
        position,
        ClientFact,
        Fact,
        Mode, //
    },
    version::Version, //
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

/// Which bytes among the lengths in a CLIENT-HELLO are those of the session id's length.
const SESSION_ID_LENGTH: core::ops::Range<u8> = 2..4;

/// The fields at the head of a message: how long they are with the type, and from where they are
/// lengths, two bytes each, of the fields after the head.
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

/// Lets a client that opened with an SSL2 CLIENT-HELLO speak what the server chose (RFC 5246 E.2).
///
/// Before the server has chosen, what follows a hello that offers SSL 3.0 or better is taken for
/// TLS.
pub(super) fn resolve_protocol(side: &mut Side<'_>) {
    // Its first record was a whole CLIENT-HELLO.
    if !side.is_client() || side.own.mode() != Mode::Ssl2 {
        return;
    }
    let tls = side.peer.speaks_tls() || side.own.version() != Version::Ssl2;
    if tls && side.peer.mode() != Mode::Ssl2 {
        side.own.set_mode(Mode::Tls);
    }
}

/// Takes the first byte of a record: of an SSL2 record, or of a candidate, whose high bit is set.
pub(super) fn start(side: &mut Side<'_>, kind: Kind, byte: u8) {
    let (length, position) = if byte & 0x80 != 0 {
        (byte & 0x7f, position::SECOND)
    } else {
        (byte & 0x3f, position::THIRD)
    };
    side.own.body_left = u16::from(length) << 8;
    side.own.set_place(position, kind);
}

/// Reads one byte of a header after its first; of a candidate, the first byte of its message too.
pub(super) fn header(side: &mut Side<'_>, byte: u8) -> Result<(), Stop> {
    match side.own.position() {
        position::SECOND | position::THIRD => {
            side.own.body_left |= u16::from(byte);
            length(side)
        }
        position::FOURTH if u16::from(byte) >= side.own.body_left => {
            side.breaks_framing(Reason::Ssl2Malformed)
        }
        position::FOURTH => {
            begin_body(side, byte);
            Ok(())
        }
        _ => recognise(side, byte),
    }
}

/// Takes a record's length: no record is empty.
fn length(side: &mut Side<'_>) -> Result<(), Stop> {
    if side.own.body_left == 0 {
        return side.breaks_framing(if side.own.speaks_tls() {
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
    if side.own.has(Fact::Protected) {
        side.own.set_position(position::BODY);
        return;
    }
    side.own.set_scratch(Scratch::Ssl2(Ssl2Message {
        unclaimed: side.own.body_left.saturating_sub(u16::from(padding)),
        ..Ssl2Message::default()
    }));
    side.own.set_position(position::FIRST_OF_BODY);
}

/// Decides by the first byte of its message whether a candidate is an SSL2 record, and allowed.
///
/// Only a CLIENT-HELLO, or a SERVER-HELLO, opens SSL2, and only as a direction's first record.
fn recognise(side: &mut Side<'_>, message: u8) -> Result<(), Stop> {
    let known = (message::CLIENT_HELLO..=message::CLIENT_CERTIFICATE).contains(&message);
    let opening = if side.is_client() {
        message::CLIENT_HELLO
    } else {
        message::SERVER_HELLO
    };
    if known && side.own.speaks_tls() {
        return side.breaks_framing(Reason::Ssl2AfterTls);
    }
    if known && !may_send(side, message) {
        return side.breaks_framing(Reason::Ssl2Direction);
    }
    if message != opening || side.own.speaks_tls() {
        return side.breaks_framing(Reason::RecordType);
    }
    side.own.set_mode(Mode::Ssl2);
    side.own.set_place(position::FIRST_OF_BODY, Kind::Ssl2);
    begin_body(side, 0);
    side.own.body_left = side.own.body_left.saturating_sub(1);
    let begun = pending(side);
    begin_message(side, begun, message)
}

/// The message in progress.
fn pending(side: &Side<'_>) -> Ssl2Message {
    match side.own.scratch() {
        Scratch::Ssl2(message) => message,
        _ => Ssl2Message::default(),
    }
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

/// Takes the type of a message in the clear.
fn begin_message(side: &mut Side<'_>, begun: Ssl2Message, message: u8) -> Result<(), Stop> {
    if !may_send(side, message) {
        side.breaks(Reason::Ssl2Direction)?;
    }
    let Some(head) = Head::of(message) else {
        // No message that is sent in the clear: it is searched for runs, like ciphertext.
        side.own.set_scratch(Scratch::Idle);
        side.own.set_position(position::BODY);
        return Ok(());
    };
    let Some(unclaimed) = begun.unclaimed.checked_sub(u16::from(head.length)) else {
        return side.breaks_framing(Reason::Ssl2Malformed);
    };
    side.own.set_scratch(Scratch::Ssl2(Ssl2Message {
        kind: message,
        at: 1,
        major: 0,
        then_opaque: message == message::CLIENT_MASTER_KEY,
        unclaimed,
    }));
    side.own.set_position(position::SECOND_OF_BODY);
    Ok(())
}

/// Reads `part`, which lies in the body of a record.
pub(super) fn feed(side: &mut Side<'_>, mut part: &[u8]) -> Result<(), Stop> {
    while let Some((&byte, rest)) = part.split_first() {
        match (side.own.position(), side.own.scratch()) {
            (position::FIRST_OF_BODY, Scratch::Ssl2(begun)) => begin_message(side, begun, byte)?,
            (position::SECOND_OF_BODY, Scratch::Ssl2(message)) => read_head(side, message, byte)?,
            // The rest of a message in the clear is not searched.
            _ => return side.search_runs(part),
        }
        part = rest;
    }
    Ok(())
}

/// Reads one byte of a message's head.
fn read_head(side: &mut Side<'_>, mut message: Ssl2Message, byte: u8) -> Result<(), Stop> {
    let Some(head) = Head::of(message.kind) else {
        return Ok(());
    };
    if !field(side, &head, &mut message, byte) {
        return side.breaks_framing(Reason::Ssl2Malformed);
    }
    message.at = message.at.saturating_add(1);
    side.own.set_scratch(Scratch::Ssl2(message));
    if message.at < head.length {
        return Ok(());
    }
    side.own.set_position(position::BODY);
    end_head(side, message)
}

/// Takes a byte of a head for what it is: a length, the version, or whether the session is known.
/// Returns whether the lengths fit the record so far.
fn field(side: &mut Side<'_>, head: &Head, message: &mut Ssl2Message, byte: u8) -> bool {
    if let Some(index) = message.at.checked_sub(head.lengths_at) {
        let length = u16::from(byte) << if index & 1 == 0 { 8 } else { 0 };
        if message.kind == message::CLIENT_HELLO && SESSION_ID_LENGTH.contains(&index) {
            let named = side.client_has(ClientFact::OffersSession) || length != 0;
            side.put_client(ClientFact::OffersSession, named);
        }
        let unclaimed = message.unclaimed.checked_sub(length);
        message.unclaimed = unclaimed.unwrap_or_default();
        return unclaimed.is_some();
    }
    match (message.kind, message.at) {
        (message::CLIENT_HELLO, 1) => message.major = byte,
        (message::CLIENT_HELLO, _) => {
            side.own
                .set_version(Version::from_legacy(message.major, byte));
        }
        (message::SERVER_HELLO, 1) => message.then_opaque |= byte != 0,
        _ => {}
    }
    true
}

/// Ends a message's head: what it announced fills the record, and a SERVER-HELLO settles the
/// version.
fn end_head(side: &mut Side<'_>, message: Ssl2Message) -> Result<(), Stop> {
    if message.unclaimed != 0 {
        return side.breaks_framing(Reason::Ssl2Malformed);
    }
    match message.kind {
        message::CLIENT_HELLO => side.own.set(Fact::Hello),
        message::SERVER_HELLO => {
            side.own.set(Fact::Hello);
            side.own.set_version(Version::Ssl2);
            return negotiation::check_min_version(side);
        }
        _ => {}
    }
    Ok(())
}

/// Ends a record; the session may be opaque from here on.
pub(super) fn end(side: &mut Side<'_>) {
    let Scratch::Ssl2(message) = side.own.scratch() else {
        return;
    };
    if message.then_opaque {
        side.own.set(Fact::Protected);
        if side.peer.mode() == Mode::Ssl2 {
            side.peer.set(Fact::Protected);
        }
    }
    side.own.set_scratch(Scratch::Idle);
}
