// SPDX-License-Identifier: GPL-2.0

//! ClientHello and ServerHello (RFC 8446 4.1.2, 4.1.3, RFC 5246 7.4.1), without a buffer.
//!
//! ```text
//!  ClientHello                             ServerHello, HelloRetryRequest
//!    version          2                      version          2
//!    random          32                      random          32
//!    session id       1 + 0..32              session id       1 + 0..32   (not in drafts up to 21)
//!    cipher suites    2 + 2n                 cipher suite     2
//!    compression      1 + n                  compression      1           (not in drafts up to 21)
//!    extensions       2 + n, or absent       extensions       2 + n, or absent
//! ```
//!
//! Checks that the lengths fill the message (`handshake_malformed`), and learns the version
//! (`supported_versions` where it is there), whether the heartbeat extension is, whether the server's
//! random is that of a HelloRetryRequest, and whether it ends in a downgrade sentinel.

use super::{
    ccs,
    handshake,
    version,
    Reason,
    Side,
    Stream,
    Version, //
};

/// The random that makes a ServerHello a HelloRetryRequest (RFC 8446 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
/// What a random begins its last 8 bytes with if a better version was to be had (RFC 8446 4.1.3).
const SENTINEL: &[u8; 7] = b"DOWNGRD";
const SENTINEL_AT: usize = 24;
const RANDOM_LENGTH: u16 = 32;
const MAX_SESSION_ID: u8 = 32;

/// The steps through a hello. Spans are skipped or read as a whole; all others are of one byte.
mod step {
    use super::handshake::step::HELLO;

    pub(super) const VERSION_MAJOR: u8 = HELLO;
    pub(super) const VERSION_MINOR_TLS: u8 = HELLO + 1;
    pub(super) const VERSION_MINOR_SSL2: u8 = HELLO + 2;
    pub(super) const VERSION_MINOR_DRAFT: u8 = HELLO + 3;
    pub(super) const VERSION_MINOR_OTHER: u8 = HELLO + 4;
    /// A span.
    pub(super) const RANDOM: u8 = HELLO + 5;
    pub(super) const SESSION_ID_LENGTH: u8 = HELLO + 6;
    /// A span.
    pub(super) const SESSION_ID: u8 = HELLO + 7;
    pub(super) const SUITES_LENGTH_HIGH: u8 = HELLO + 8;
    pub(super) const SUITES_LENGTH_LOW: u8 = HELLO + 9;
    /// A span.
    pub(super) const SUITES: u8 = HELLO + 10;
    pub(super) const COMPRESSION_LENGTH: u8 = HELLO + 11;
    /// A span: a client's compression methods, or a server's choice of suite and compression.
    pub(super) const COMPRESSION: u8 = HELLO + 12;
    pub(super) const EXTENSIONS_LENGTH_HIGH: u8 = HELLO + 13;
    pub(super) const EXTENSIONS_LENGTH_LOW: u8 = HELLO + 14;
    pub(super) const TYPE_HIGH: u8 = HELLO + 15;
    pub(super) const TYPE_LOW: u8 = HELLO + 16;
    pub(super) const TYPE_LOW_OTHER: u8 = HELLO + 17;
    pub(super) const LENGTH_HIGH_OTHER: u8 = HELLO + 18;
    pub(super) const LENGTH_LOW_OTHER: u8 = HELLO + 19;
    pub(super) const LENGTH_HIGH_HEARTBEAT: u8 = HELLO + 20;
    pub(super) const LENGTH_LOW_HEARTBEAT: u8 = HELLO + 21;
    pub(super) const LENGTH_HIGH_VERSIONS: u8 = HELLO + 22;
    pub(super) const LENGTH_LOW_VERSIONS: u8 = HELLO + 23;
    /// A span.
    pub(super) const BODY: u8 = HELLO + 24;
    pub(super) const HEARTBEAT_MODE: u8 = HELLO + 25;
    pub(super) const VERSIONS_LENGTH: u8 = HELLO + 26;
    pub(super) const SUPPORTED_MAJOR: u8 = HELLO + 27;
    pub(super) const SUPPORTED_MINOR_TLS: u8 = HELLO + 28;
    pub(super) const SUPPORTED_MINOR_DRAFT: u8 = HELLO + 29;
    pub(super) const SUPPORTED_MINOR_OTHER: u8 = HELLO + 30;
}

/// The extensions that are looked at; both types are below 256.
const HEARTBEAT: u8 = 15;
const SUPPORTED_VERSIONS: u8 = 43;

/// The major version byte of SSL 3.0 and TLS.
const MAJOR: u8 = 3;

/// Begins a hello, whose length is known.
pub(super) fn begin(side: &mut Side<'_>) -> Result<(), Reason> {
    side.own.work = 0;
    side.own.clear(Stream::HEARTBEAT);
    if !side.is_client() {
        side.own.set(Stream::RETRY_RANDOM);
    }
    side.own.set_step(step::VERSION_MAJOR);
    go_on(side)
}

/// Reads one field, or what `part` holds of it, and returns what follows.
pub(super) fn feed<'a>(side: &mut Side<'_>, part: &'a [u8]) -> Result<&'a [u8], Reason> {
    let step = side.own.step();
    let taken = if is_span(step) {
        part.len().min(usize::from(side.own.work))
    } else {
        1
    };
    let (field, rest) = part.split_at_checked(taken).unwrap_or((part, &[]));
    // At most 16 bits, as `work` has.
    side.own.take_message(field.len() as u32);
    if is_span(step) {
        span(side, step, field);
    } else if let Some(&byte) = field.first() {
        one(side, step, byte)?;
    }
    go_on(side)?;
    Ok(rest)
}

fn is_span(step: u8) -> bool {
    matches!(
        step,
        step::RANDOM | step::SESSION_ID | step::SUITES | step::COMPRESSION | step::BODY
    )
}

/// Ends spans of which nothing is left, and the hello; nothing may be left to read but the message is.
fn go_on(side: &mut Side<'_>) -> Result<(), Reason> {
    while is_span(side.own.step()) && side.own.work == 0 {
        end_span(side)?;
    }
    if side.own.message_left() != 0 {
        return Ok(());
    }
    match side.own.step() {
        step::EXTENSIONS_LENGTH_HIGH | step::TYPE_HIGH => end(side),
        _ => Err(Reason::HandshakeMalformed),
    }
}

/// Begins a span of `length` bytes.
fn begin_span(side: &mut Side<'_>, step: u8, length: u16) -> Result<(), Reason> {
    if u32::from(length) > side.own.message_left() {
        return Err(Reason::HandshakeMalformed);
    }
    side.own.work = length;
    side.own.set_step(step);
    Ok(())
}

/// Reads a part of a span.
fn span(side: &mut Side<'_>, step: u8, field: &[u8]) {
    if step == step::RANDOM && !side.is_client() {
        for (index, &byte) in
            (usize::from(RANDOM_LENGTH.saturating_sub(side.own.work))..).zip(field)
        {
            server_random(side.own, index, byte);
        }
    }
    // At most 16 bits, as `work` has.
    side.own.work = side.own.work.saturating_sub(field.len() as u16);
}

/// Goes from the end of a span to what follows it.
fn end_span(side: &mut Side<'_>) -> Result<(), Reason> {
    match (side.own.step(), side.is_client()) {
        // A draft of TLS 1.3, told by its version: cipher suite and extensions follow at once.
        (step::RANDOM, false) if side.own.version() == Version::Tls13 => {
            return begin_span(side, step::COMPRESSION, 2);
        }
        (step::RANDOM, _) => side.own.set_step(step::SESSION_ID_LENGTH),
        (step::SESSION_ID, false) => return begin_span(side, step::COMPRESSION, 3),
        (step::SESSION_ID, true) => side.own.set_step(step::SUITES_LENGTH_HIGH),
        (step::SUITES, _) => side.own.set_step(step::COMPRESSION_LENGTH),
        (step::COMPRESSION, _) => side.own.set_step(step::EXTENSIONS_LENGTH_HIGH),
        _ => side.own.set_step(step::TYPE_HIGH),
    }
    Ok(())
}

/// Reads a field, or a part of one, that is one byte long.
fn one(side: &mut Side<'_>, step: u8, byte: u8) -> Result<(), Reason> {
    match step {
        step::VERSION_MAJOR..=step::VERSION_MINOR_OTHER => legacy_version(side, step, byte),
        step::SESSION_ID_LENGTH if byte <= MAX_SESSION_ID => {
            begin_span(side, step::SESSION_ID, u16::from(byte))
        }
        step::COMPRESSION_LENGTH if byte != 0 => {
            begin_span(side, step::COMPRESSION, u16::from(byte))
        }
        step::SUITES_LENGTH_HIGH
        | step::EXTENSIONS_LENGTH_HIGH
        | step::LENGTH_HIGH_OTHER
        | step::LENGTH_HIGH_HEARTBEAT
        | step::LENGTH_HIGH_VERSIONS => {
            side.own.work = u16::from(byte) << 8;
            side.own.next_step();
            Ok(())
        }
        step::SUITES_LENGTH_LOW => cipher_suites(side, byte),
        step::EXTENSIONS_LENGTH_LOW => extensions(side, byte),
        step::TYPE_HIGH..=step::TYPE_LOW_OTHER => {
            extension_type(side, step, byte);
            Ok(())
        }
        step::LENGTH_LOW_OTHER | step::LENGTH_LOW_HEARTBEAT | step::LENGTH_LOW_VERSIONS => {
            extension_length(side, step, byte)
        }
        step::HEARTBEAT_MODE => {
            side.own.set(Stream::HEARTBEAT);
            side.own.set_step(step::TYPE_HIGH);
            Ok(())
        }
        step::VERSIONS_LENGTH => versions_length(side, byte),
        step::SUPPORTED_MAJOR..=step::SUPPORTED_MINOR_OTHER => {
            supported_version(side, step, byte);
            Ok(())
        }
        _ => Err(Reason::HandshakeMalformed),
    }
}

/// Reads the version field; what it says holds unless `supported_versions` says better.
fn legacy_version(side: &mut Side<'_>, step: u8, byte: u8) -> Result<(), Reason> {
    let major = match step {
        step::VERSION_MAJOR => {
            side.own.set_step(match byte {
                MAJOR => step::VERSION_MINOR_TLS,
                0 => step::VERSION_MINOR_SSL2,
                version::DRAFT => step::VERSION_MINOR_DRAFT,
                _ => step::VERSION_MINOR_OTHER,
            });
            return Ok(());
        }
        step::VERSION_MINOR_TLS => MAJOR,
        step::VERSION_MINOR_SSL2 => 0,
        step::VERSION_MINOR_DRAFT => version::DRAFT,
        _ => u8::MAX,
    };
    side.own.set_version(if side.is_client() {
        Version::from_legacy(major, byte)
    } else {
        // Only drafts of TLS 1.3 have a server name it here.
        Version::from_supported(major, byte)
    });
    begin_span(side, step::RANDOM, RANDOM_LENGTH)
}

/// Compares a byte of a server's random with the two randoms that mean something.
fn server_random(own: &mut Stream, index: usize, byte: u8) {
    if RETRY_RANDOM.get(index) != Some(&byte) {
        own.clear(Stream::RETRY_RANDOM);
    }
    let Some(at) = index.checked_sub(SENTINEL_AT) else {
        return;
    };
    let so_far = at == 0 || own.has(Stream::SENTINEL);
    let fits = match SENTINEL.get(at) {
        Some(expected) => byte == *expected,
        None => byte <= 1,
    };
    own.put(Stream::SENTINEL, so_far && fits);
    own.put(Stream::SENTINEL_TLS11, byte == 0);
}

/// A client's cipher suites: pairs, at least one.
fn cipher_suites(side: &mut Side<'_>, low: u8) -> Result<(), Reason> {
    let length = side.own.work | u16::from(low);
    if length == 0 || length & 1 != 0 {
        return Err(Reason::HandshakeMalformed);
    }
    begin_span(side, step::SUITES, length)
}

/// All extensions together fill the rest of the message.
fn extensions(side: &mut Side<'_>, low: u8) -> Result<(), Reason> {
    let length = side.own.work | u16::from(low);
    if u32::from(length) != side.own.message_left() {
        return Err(Reason::HandshakeMalformed);
    }
    side.own.work = 0;
    side.own.set_step(step::TYPE_HIGH);
    Ok(())
}

fn extension_type(side: &mut Side<'_>, step: u8, byte: u8) {
    side.own.set_step(match (step, byte) {
        (step::TYPE_HIGH, 0) => step::TYPE_LOW,
        (step::TYPE_HIGH, _) => step::TYPE_LOW_OTHER,
        (step::TYPE_LOW, HEARTBEAT) => step::LENGTH_HIGH_HEARTBEAT,
        (step::TYPE_LOW, SUPPORTED_VERSIONS) => step::LENGTH_HIGH_VERSIONS,
        _ => step::LENGTH_HIGH_OTHER,
    });
}

fn extension_length(side: &mut Side<'_>, step: u8, low: u8) -> Result<(), Reason> {
    let length = side.own.work | u16::from(low);
    let (body, fits) = match (step, side.is_client()) {
        (step::LENGTH_LOW_HEARTBEAT, _) => (step::HEARTBEAT_MODE, length == 1),
        (step::LENGTH_LOW_VERSIONS, true) => (step::VERSIONS_LENGTH, length >= 3),
        (step::LENGTH_LOW_VERSIONS, false) => (step::SUPPORTED_MAJOR, length == 2),
        _ => (step::BODY, true),
    };
    if !fits {
        return Err(Reason::HandshakeMalformed);
    }
    begin_span(side, body, length)
}

/// The length of a client's list of versions: it fills the extension with pairs (RFC 8446 4.2.1).
fn versions_length(side: &mut Side<'_>, byte: u8) -> Result<(), Reason> {
    let length = u16::from(byte);
    if length & 1 != 0 || Some(length) != side.own.work.checked_sub(1) {
        return Err(Reason::HandshakeMalformed);
    }
    side.own.work = length;
    // The list goes before the version field.
    side.own.set_version(Version::Unknown);
    side.own.set_step(step::SUPPORTED_MAJOR);
    Ok(())
}

/// Reads an entry of `supported_versions`: a client's highest counts, a server has one.
fn supported_version(side: &mut Side<'_>, step: u8, byte: u8) {
    let major = match step {
        step::SUPPORTED_MAJOR => {
            side.own.set_step(match byte {
                MAJOR => step::SUPPORTED_MINOR_TLS,
                version::DRAFT | version::DRAFT_FACEBOOK => step::SUPPORTED_MINOR_DRAFT,
                _ => step::SUPPORTED_MINOR_OTHER,
            });
            return;
        }
        step::SUPPORTED_MINOR_TLS => MAJOR,
        step::SUPPORTED_MINOR_DRAFT => version::DRAFT,
        _ => u8::MAX,
    };
    let version = Version::from_supported(major, byte);
    if !side.is_client() || version > side.own.version() {
        side.own.set_version(version);
    }
    side.own.work = side.own.work.saturating_sub(2);
    side.own.set_step(match side.own.work {
        0 => step::TYPE_HIGH,
        _ => step::SUPPORTED_MAJOR,
    });
}

/// Ends the hello: a ServerHello settles the version, and is judged by it.
fn end(side: &mut Side<'_>) -> Result<(), Reason> {
    side.own.scratch = 0;
    side.own.work = 0;
    side.own.set(Stream::HELLO);
    if side.is_client() {
        return Ok(());
    }
    let retry = side.own.has(Stream::RETRY_RANDOM) && side.own.version() == Version::Tls13;
    side.own.put(Stream::RETRY, retry);
    side.own.clear(Stream::RETRY_RANDOM);
    if ccs::betrayed(side) {
        return Err(Reason::CcsOutOfOrder);
    }
    if version::downgraded(side) {
        return Err(Reason::VersionDowngrade);
    }
    version::accept(side)
}
