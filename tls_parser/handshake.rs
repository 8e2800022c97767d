// SPDX-License-Identifier: GPL-2.0

//! Handshake messages in the clear (RFC 5246 7.4, RFC 8446 4), across records and segments.
//!
//! ```text
//!      0      1        2       3      4               4 + length
//!   +------+-----------------------+--------------------+
//!   | type |         length        |        body        |
//!   +------+-----------------------+--------------------+
//! ```
//!
//! Enforces `handshake_direction` and `handshake_malformed`. A message's body is skipped by
//! arithmetic, except for hellos ([`hello`]) and the first length in a Certificate.

use super::{
    ccs,
    header::Kind,
    hello,
    reason::Reason,
    scratch::{
        Hello,
        Message,
        Scratch, //
    },
    side::{
        Side,
        Stop, //
    },
    state::{
        ClientFact,
        Fact,
        ServerFact, //
    },
    version::Version, //
};

/// Where in a message a stream is.
mod step {
    /// In a body that no rule looks into.
    pub(super) const SKIP: u8 = 0x01;
    /// Before the bytes of a message's length, three steps for each class of messages.
    pub(super) const LENGTH_OTHER: u8 = 0x04;
    pub(super) const LENGTH_HELLO: u8 = 0x08;
    pub(super) const LENGTH_EMPTY: u8 = 0x0c;
    pub(super) const LENGTH_CERTIFICATE: u8 = 0x10;
    /// Before the bytes of the list's length in a Certificate, a class too.
    pub(super) const LIST: u8 = 0x14;
    /// The bits that count the steps of a class, and the last of them.
    pub(super) const IN_CLASS: u8 = 0x03;
    pub(super) const LAST: u8 = 0x02;
}

/// The length of the length of a Certificate's list.
const LIST_LENGTH: u32 = 3;

/// Message types (RFC 5246 7.4, RFC 8446 4, RFC 6066, RFC 4680).
mod message {
    pub(super) const HELLO_REQUEST: u8 = 0;
    pub(super) const CLIENT_HELLO: u8 = 1;
    pub(super) const SERVER_HELLO: u8 = 2;
    pub(super) const NEW_SESSION_TICKET: u8 = 4;
    /// A message of its own only in drafts of TLS 1.3.
    pub(super) const HELLO_RETRY_REQUEST: u8 = 6;
    pub(super) const CERTIFICATE: u8 = 11;
    pub(super) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(super) const CERTIFICATE_REQUEST: u8 = 13;
    pub(super) const SERVER_HELLO_DONE: u8 = 14;
    pub(super) const CERTIFICATE_VERIFY: u8 = 15;
    pub(super) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(super) const CERTIFICATE_URL: u8 = 21;
    pub(super) const CERTIFICATE_STATUS: u8 = 22;
    pub(super) const SUPPLEMENTAL_DATA: u8 = 23;
}

/// Judges a record by where in the handshake it stands: `handshake_malformed` by interruption.
///
/// Up to TLS 1.2 other records may stand between those of one message, in TLS 1.3 none may (RFC
/// 8446 5.1). In no version may a ChangeCipherSpec stand within a message, and only an alert may
/// stand inside a hello.
pub(super) fn begin_record(side: &mut Side<'_>, kind: Kind) -> Result<(), Stop> {
    let clear = !side.own.has(Fact::Protected);
    if clear && side.own.has(Fact::Finished) && kind == Kind::Handshake {
        // TLS 1.3: every handshake message is encrypted by now.
        side.breaks_handshake(Reason::HandshakeDirection)?;
        return Ok(());
    }
    if clear && kind != Kind::Handshake && !side.own.is_idle() && interrupts(side, kind) {
        side.breaks_handshake(Reason::HandshakeMalformed)?;
        return Ok(());
    }
    finish(side, kind, clear);
    Ok(())
}

/// Whether a record of another kind may not stand where it does, in a message.
fn interrupts(side: &Side<'_>, kind: Kind) -> bool {
    match side.own.scratch() {
        Scratch::Message(_) => side.is_tls13() || kind == Kind::ChangeCipherSpec,
        Scratch::Hello(_) => {
            let alert = kind == Kind::Alert && side.own.body_left <= 2;
            side.is_tls13() || !alert
        }
        _ => false,
    }
}

/// Notes that this side's part of the handshake is over: its Finished, which is the first handshake
/// record after its ChangeCipherSpec, or in TLS 1.3 its first application data.
fn finish(side: &mut Side<'_>, kind: Kind, clear: bool) {
    let over = match kind {
        Kind::Handshake => !clear,
        Kind::ApplicationData => side.is_tls13() && !side.server_has(ServerFact::Retry),
        _ => false,
    };
    if over {
        side.own.set(Fact::Finished);
    }
}

/// Reads `part`, which lies in the body of a handshake record in the clear.
pub(super) fn feed(side: &mut Side<'_>, mut part: &[u8]) -> Result<(), Stop> {
    while let Some((&byte, rest)) = part.split_first() {
        part = match side.own.scratch() {
            Scratch::Hello(hello) => hello::feed(side, hello, part)?,
            Scratch::Message(message) if message.step == step::SKIP => skip(side, message, part),
            Scratch::Message(message) if message.step >= step::LIST => {
                list_length(side, message, byte)?;
                rest
            }
            Scratch::Message(message) => {
                length(side, message, byte)?;
                rest
            }
            _ => {
                begin(side, byte)?;
                rest
            }
        };
        if side.own.has(Fact::Protected) {
            // A broken rule was reported, and the messages are no longer followed.
            return Ok(());
        }
    }
    Ok(())
}

/// `handshake_direction`, by the message's type; and what a type alone tells.
fn begin(side: &mut Side<'_>, message: u8) -> Result<(), Stop> {
    if message == message::CLIENT_HELLO && !side.is_client() {
        side.accept_call_home();
    }
    let expected = may_send(side, message);
    if !expected {
        side.breaks(Reason::HandshakeDirection)?;
    }
    let step = match message {
        message::CLIENT_HELLO | message::SERVER_HELLO if expected => step::LENGTH_HELLO,
        message::HELLO_REQUEST | message::SERVER_HELLO_DONE => step::LENGTH_EMPTY,
        message::CERTIFICATE => step::LENGTH_CERTIFICATE,
        _ => step::LENGTH_OTHER,
    };
    side.own
        .set_scratch(Scratch::Message(Message { step, left: 0 }));
    note(side, message)
}

/// Notes what a message's type tells of the handshake.
fn note(side: &mut Side<'_>, message: u8) -> Result<(), Stop> {
    match message {
        message::CLIENT_KEY_EXCHANGE => {
            side.put_client(ClientFact::KeyExchange, true);
            return ccs::judge_key_exchange(side);
        }
        message::CERTIFICATE
        | message::SERVER_KEY_EXCHANGE
        | message::CERTIFICATE_REQUEST
        | message::SERVER_HELLO_DONE => side.put_server(ServerFact::FullHandshake, true),
        message::HELLO_RETRY_REQUEST if !side.is_client() => {
            side.own.set_version(Version::Tls13);
            side.own.set(Fact::Hello);
            side.put_server(ServerFact::Retry, true);
        }
        _ => {}
    }
    Ok(())
}

/// Whether this side may send that message in the clear now.
fn may_send(side: &Side<'_>, message: u8) -> bool {
    if side.is_tls13() {
        // All but what a HelloRetryRequest asks for is encrypted now (RFC 8446 4.1.4).
        let hello = if side.is_client() {
            message::CLIENT_HELLO
        } else {
            message::SERVER_HELLO
        };
        return side.server_has(ServerFact::Retry) && message == hello;
    }
    if side.is_client() {
        matches!(
            message,
            message::CLIENT_HELLO
                | message::CERTIFICATE
                | message::CERTIFICATE_VERIFY
                | message::CLIENT_KEY_EXCHANGE
                | message::CERTIFICATE_URL
                | message::SUPPLEMENTAL_DATA
        )
    } else {
        matches!(
            message,
            message::HELLO_REQUEST
                | message::SERVER_HELLO
                | message::NEW_SESSION_TICKET
                | message::HELLO_RETRY_REQUEST
                | message::CERTIFICATE
                | message::SERVER_KEY_EXCHANGE
                | message::CERTIFICATE_REQUEST
                | message::SERVER_HELLO_DONE
                | message::CERTIFICATE_STATUS
                | message::SUPPLEMENTAL_DATA
        )
    }
}

/// Reads one byte of a message's length.
fn length(side: &mut Side<'_>, message: Message, byte: u8) -> Result<(), Stop> {
    let length = (message.left << 8) | u32::from(byte);
    if message.step & step::IN_CLASS != step::LAST {
        side.own.set_scratch(Scratch::Message(Message {
            step: message.step.saturating_add(1),
            left: length,
        }));
        return Ok(());
    }
    match message.step & !step::IN_CLASS {
        step::LENGTH_HELLO => hello::begin(
            side,
            Hello {
                left: length,
                ..Hello::default()
            },
        ),
        step::LENGTH_EMPTY if length != 0 => side.breaks_handshake(Reason::HandshakeMalformed),
        step::LENGTH_CERTIFICATE if length < LIST_LENGTH => {
            side.breaks_handshake(Reason::HandshakeMalformed)
        }
        step::LENGTH_CERTIFICATE => {
            side.own.set_scratch(Scratch::Message(Message {
                step: step::LIST,
                left: length,
            }));
            Ok(())
        }
        _ => {
            set_left(side, length);
            Ok(())
        }
    }
}

/// Reads one byte of the length of a Certificate's list, which fills the message (RFC 5246 7.4.2).
///
/// Certificates that are not a list begin with a type or with a short length (RFC 6091 3.3, RFC
/// 7924 4.1). The first byte of a list's length almost never equals one of these. Where it does not
/// fit, nothing is read.
fn list_length(side: &mut Side<'_>, message: Message, byte: u8) -> Result<(), Stop> {
    let index = message.step & step::IN_CLASS;
    let left = message.left.saturating_sub(1);
    // The length counts what follows its third byte.
    let expected = match index {
        0 => left.saturating_sub(2) >> 16,
        1 => left.saturating_sub(1) >> 8,
        _ => left,
    } & 0xff;
    let fits = u32::from(byte) == expected;
    if !fits && index != 0 {
        return side.breaks_handshake(Reason::HandshakeMalformed);
    }
    if !fits || index == step::LAST {
        set_left(side, left);
        return Ok(());
    }
    side.own.set_scratch(Scratch::Message(Message {
        step: message.step.saturating_add(1),
        left,
    }));
    Ok(())
}

/// Skips what `part` holds of the message, and returns what follows it.
fn skip<'a>(side: &mut Side<'_>, message: Message, part: &'a [u8]) -> &'a [u8] {
    let left = usize::try_from(message.left).unwrap_or(usize::MAX);
    let (skipped, rest) = part.split_at_checked(left).unwrap_or((part, &[]));
    // At most the 24 bits of `left`.
    set_left(side, message.left.saturating_sub(skipped.len() as u32));
    rest
}

/// Goes on in a body of which `left` bytes are still to come, or after it.
fn set_left(side: &mut Side<'_>, left: u32) {
    side.own.set_scratch(match left {
        0 => Scratch::Idle,
        _ => Scratch::Message(Message {
            step: step::SKIP,
            left,
        }),
    });
}
