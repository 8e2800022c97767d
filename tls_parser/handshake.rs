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
//! Enforces `handshake_direction` and `handshake_malformed`. A message's body is skipped by arithmetic,
//! except for hellos ([`hello`]) and the first length in a Certificate.

use super::{
    heartbeat,
    hello,
    record::Kind,
    Reason,
    Side,
    Stream,
    Version, //
};

/// The bits of `scratch`: what is left of the message, and the step in it.
const LEFT: u32 = 0x00ff_ffff;
const STEP_SHIFT: u32 = 24;

/// Where in a message a stream is.
pub(super) mod step {
    /// Before a message's type.
    pub(super) const TYPE: u8 = 0x00;
    /// In a body that nobody looks into.
    pub(super) const SKIP: u8 = 0x01;
    /// Before the bytes of the list's length in a Certificate.
    pub(super) const LIST_HIGH: u8 = 0x02;
    pub(super) const LIST_MIDDLE: u8 = 0x03;
    pub(super) const LIST_LOW: u8 = 0x04;
    /// Before the bytes of a message's length, three steps for each class of messages.
    pub(super) const LENGTH_OTHER: u8 = 0x10;
    pub(super) const LENGTH_HELLO: u8 = 0x14;
    pub(super) const LENGTH_EMPTY: u8 = 0x18;
    pub(super) const LENGTH_CERTIFICATE: u8 = 0x1c;
    /// In a hello; its steps are in `hello.rs`.
    pub(in super::super) const HELLO: u8 = 0x20;
}

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

impl Stream {
    /// Bytes of the handshake message still to come.
    pub(super) fn message_left(&self) -> u32 {
        self.scratch & LEFT
    }

    pub(super) fn set_message_left(&mut self, left: u32) {
        self.scratch = (self.scratch & !LEFT) | (left & LEFT);
    }

    /// Counts `taken` bytes of the handshake message as read.
    pub(super) fn take_message(&mut self, taken: u32) {
        self.set_message_left(self.message_left().saturating_sub(taken));
    }

    pub(super) fn step(&self) -> u8 {
        // The top 8 of 32 bits.
        (self.scratch >> STEP_SHIFT) as u8
    }

    pub(super) fn set_step(&mut self, step: u8) {
        self.scratch = (self.scratch & LEFT) | (u32::from(step) << STEP_SHIFT);
    }

    /// Goes on to the step behind the current one.
    pub(super) fn next_step(&mut self) {
        self.set_step(self.step().wrapping_add(1));
    }
}

/// Whether a ClientHello or ServerHello is being read, and `work` therefore its own.
pub(super) fn in_hello(stream: &Stream) -> bool {
    stream.has(Stream::TLS)
        && !stream.has(Stream::PROTECTED)
        && !stream.has(Stream::FINISHED)
        && stream.step() >= step::HELLO
}

/// Judges a record by where in the handshake it stands: `handshake_malformed` by interruption.
///
/// Up to TLS 1.2 other records may stand between those of one message, in TLS 1.3 none may (RFC 8446
/// 5.1). Whichever is spoken, nobody changes ciphers in mid-message, and nothing honest but an alert
/// stands inside a hello.
pub(super) fn begin_record(side: &mut Side<'_>, kind: Kind) -> Result<(), Reason> {
    if kind == Kind::Heartbeat {
        return Ok(());
    }
    heartbeat::other_record(side);
    let clear = !side.own.has(Stream::PROTECTED);
    if clear && side.own.has(Stream::FINISHED) && kind == Kind::Handshake {
        // TLS 1.3: no message may be sent; `scratch` is no longer the handshake's.
        return Err(Reason::HandshakeDirection);
    }
    let in_message = clear && !side.own.has(Stream::FINISHED) && side.own.scratch != 0;
    if in_message && kind != Kind::Handshake {
        let alert = kind == Kind::Alert && side.own.left <= 2;
        if side.is_tls13() || kind == Kind::ChangeCipherSpec || (in_hello(side.own) && !alert) {
            return Err(Reason::HandshakeMalformed);
        }
    }
    finish(side, kind, clear);
    Ok(())
}

/// Notes that this side's part of the handshake is over: its Finished, the first handshake record
/// behind its ChangeCipherSpec, or in TLS 1.3 its first application data.
fn finish(side: &mut Side<'_>, kind: Kind, clear: bool) {
    let over = match kind {
        Kind::Handshake => !clear,
        Kind::ApplicationData => side.is_tls13() && !side.server().has(Stream::RETRY),
        _ => false,
    };
    if over {
        side.own.set(Stream::FINISHED);
    }
}

/// Reads `part`, which lies in the body of a handshake record in the clear.
pub(super) fn feed(side: &mut Side<'_>, mut part: &[u8]) -> Result<(), Reason> {
    while let Some((&byte, rest)) = part.split_first() {
        part = match side.own.step() {
            step::TYPE => {
                begin(side, byte)?;
                rest
            }
            step::SKIP => skip(side, part),
            step @ (step::LIST_HIGH | step::LIST_MIDDLE | step::LIST_LOW) => {
                list_length(side, byte, step)?;
                rest
            }
            step @ step::LENGTH_OTHER..step::HELLO => {
                length(side, byte, step)?;
                rest
            }
            _ => hello::feed(side, part)?,
        };
    }
    Ok(())
}

/// `handshake_direction`, by the message's type; and what a type alone tells.
fn begin(side: &mut Side<'_>, message: u8) -> Result<(), Reason> {
    if !may_send(side, message) {
        return Err(Reason::HandshakeDirection);
    }
    let step = match message {
        message::CLIENT_HELLO | message::SERVER_HELLO => step::LENGTH_HELLO,
        message::HELLO_REQUEST | message::SERVER_HELLO_DONE => step::LENGTH_EMPTY,
        message::CERTIFICATE => step::LENGTH_CERTIFICATE,
        _ => step::LENGTH_OTHER,
    };
    match message {
        message::CLIENT_KEY_EXCHANGE => side.own.set(Stream::KEY_EXCHANGE),
        message::CERTIFICATE | message::SERVER_HELLO_DONE if !side.is_client() => {
            side.own.set(Stream::FULL_HANDSHAKE);
        }
        message::HELLO_RETRY_REQUEST => {
            side.own.set_version(Version::Tls13);
            side.own.set(Stream::HELLO | Stream::RETRY);
        }
        _ => {}
    }
    side.own.set_step(step);
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
        return side.server().has(Stream::RETRY) && message == hello;
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
fn length(side: &mut Side<'_>, byte: u8, step: u8) -> Result<(), Reason> {
    let length = ((side.own.message_left() << 8) | u32::from(byte)) & LEFT;
    side.own.set_message_left(length);
    side.own.next_step();
    if step & 3 != 2 {
        return Ok(());
    }
    match step & !3 {
        step::LENGTH_HELLO => return hello::begin(side),
        step::LENGTH_EMPTY if length != 0 => return Err(Reason::HandshakeMalformed),
        step::LENGTH_CERTIFICATE if length < 3 => return Err(Reason::HandshakeMalformed),
        step::LENGTH_CERTIFICATE => side.own.set_step(step::LIST_HIGH),
        _ => side.own.set_step(step::SKIP),
    }
    end_if_read(side);
    Ok(())
}

/// Reads one byte of the length of a Certificate's list, which fills the message (RFC 5246 7.4.2).
fn list_length(side: &mut Side<'_>, byte: u8, step: u8) -> Result<(), Reason> {
    let behind = side.own.message_left().saturating_sub(1);
    let (expected, next) = match step {
        step::LIST_HIGH => (behind.saturating_sub(2) >> 16, step::LIST_MIDDLE),
        step::LIST_MIDDLE => (behind.saturating_sub(1) >> 8, step::LIST_LOW),
        _ => (behind, step::SKIP),
    };
    if u32::from(byte) != expected & 0xff {
        return Err(Reason::HandshakeMalformed);
    }
    side.own.take_message(1);
    side.own.set_step(next);
    end_if_read(side);
    Ok(())
}

/// Skips what `part` holds of the message, and returns what it holds behind it.
fn skip<'a>(side: &mut Side<'_>, part: &'a [u8]) -> &'a [u8] {
    let left = usize::try_from(side.own.message_left()).unwrap_or(usize::MAX);
    let (skipped, rest) = part.split_at_checked(left).unwrap_or((part, &[]));
    // At most the 24 bits of `left`.
    side.own.take_message(skipped.len() as u32);
    end_if_read(side);
    rest
}

/// Ends the message if all of it was read.
fn end_if_read(side: &mut Side<'_>) {
    if side.own.message_left() == 0 {
        side.own.scratch = 0;
    }
}
