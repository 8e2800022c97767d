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
//! Checks that the lengths fill the message (`handshake_malformed`). Learns the version (from
//! `supported_versions` if that is present), whether the heartbeat extension is present, whether
//! the client named a session to resume, which compression the server chose, whether the server's
//! random is that of a HelloRetryRequest, and whether it ends in a downgrade sentinel.

use super::{
    ccs,
    header::MAJOR,
    negotiation,
    reason::Reason,
    scratch::{
        Hello,
        Scratch,
        ServerRandom, //
    },
    side::{
        Side,
        Stop, //
    },
    state::{
        ClientFact,
        DirState,
        Fact,
        ServerFact, //
    },
    version::{
        self,
        Version, //
    },
};

/// The random that makes a ServerHello a HelloRetryRequest (RFC 8446 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
/// How the last 8 bytes of a random begin if the server could do a better version (RFC 8446 4.1.3).
const SENTINEL: &[u8; 7] = b"DOWNGRD";
const SENTINEL_AT: usize = 24;
const RANDOM_LENGTH: u16 = 32;
const MAX_SESSION_ID: u8 = 32;

/// The steps through a hello. Spans are skipped or read as a whole; all others are of one byte.
mod step {
    pub(super) const VERSION_MAJOR: u8 = 0;
    pub(super) const VERSION_MINOR_TLS: u8 = 1;
    pub(super) const VERSION_MINOR_SSL2: u8 = 2;
    pub(super) const VERSION_MINOR_DRAFT: u8 = 3;
    pub(super) const VERSION_MINOR_OTHER: u8 = 4;
    /// A span.
    pub(super) const RANDOM: u8 = 5;
    pub(super) const SESSION_ID_LENGTH: u8 = 6;
    /// A span.
    pub(super) const SESSION_ID: u8 = 7;
    pub(super) const SUITES_LENGTH_HIGH: u8 = 8;
    pub(super) const SUITES_LENGTH_LOW: u8 = 9;
    /// A span.
    pub(super) const SUITES: u8 = 10;
    pub(super) const COMPRESSION_LENGTH: u8 = 11;
    /// A span: a client's compression methods, or a server's choice of suite and compression.
    pub(super) const COMPRESSION: u8 = 12;
    pub(super) const EXTENSIONS_LENGTH_HIGH: u8 = 13;
    pub(super) const EXTENSIONS_LENGTH_LOW: u8 = 14;
    pub(super) const TYPE_HIGH: u8 = 15;
    pub(super) const TYPE_LOW: u8 = 16;
    pub(super) const TYPE_LOW_OTHER: u8 = 17;
    pub(super) const LENGTH_HIGH_OTHER: u8 = 18;
    pub(super) const LENGTH_LOW_OTHER: u8 = 19;
    pub(super) const LENGTH_HIGH_HEARTBEAT: u8 = 20;
    pub(super) const LENGTH_LOW_HEARTBEAT: u8 = 21;
    pub(super) const LENGTH_HIGH_VERSIONS: u8 = 22;
    pub(super) const LENGTH_LOW_VERSIONS: u8 = 23;
    pub(super) const LENGTH_HIGH_TICKET: u8 = 24;
    pub(super) const LENGTH_LOW_TICKET: u8 = 25;
    /// A span.
    pub(super) const BODY: u8 = 26;
    pub(super) const HEARTBEAT_MODE: u8 = 27;
    pub(super) const VERSIONS_LENGTH: u8 = 28;
    pub(super) const SUPPORTED_MAJOR: u8 = 29;
    pub(super) const SUPPORTED_MINOR_TLS: u8 = 30;
    pub(super) const SUPPORTED_MINOR_DRAFT: u8 = 31;
    pub(super) const SUPPORTED_MINOR_OTHER: u8 = 32;
}

/// The extensions that are looked at; all types are below 256.
const HEARTBEAT: u8 = 15;
const SESSION_TICKET: u8 = 35;
const SUPPORTED_VERSIONS: u8 = 43;

/// Why a hello cannot be read on: it is malformed.
struct Malformed;

type Result<T = ()> = core::result::Result<T, Malformed>;

/// Begins a hello, whose length is known.
pub(super) fn begin(side: &mut Side<'_>, mut hello: Hello) -> core::result::Result<(), Stop> {
    side.own.clear(Fact::Heartbeat);
    hello.step = step::VERSION_MAJOR;
    hello.random = ServerRandom::Retry;
    if hello.left == 0 {
        return side.breaks_handshake(Reason::HandshakeMalformed);
    }
    side.own.set_scratch(Scratch::Hello(hello));
    Ok(())
}

/// Reads what `part` holds of the hello, and returns what follows it.
pub(super) fn feed<'a>(
    side: &mut Side<'_>,
    mut hello: Hello,
    mut part: &'a [u8],
) -> core::result::Result<&'a [u8], Stop> {
    while !part.is_empty() {
        match read_field(side, &mut hello, part) {
            Ok((rest, false)) => part = rest,
            Ok((rest, true)) => {
                end(side, hello.random)?;
                return Ok(rest);
            }
            Err(Malformed) => {
                side.breaks_handshake(Reason::HandshakeMalformed)?;
                return Ok(&[]);
            }
        }
    }
    side.own.set_scratch(Scratch::Hello(hello));
    Ok(part)
}

/// Reads one field, or what `part` holds of it; returns what follows, and whether the hello is
/// over.
fn read_field<'a>(
    side: &mut Side<'_>,
    hello: &mut Hello,
    part: &'a [u8],
) -> Result<(&'a [u8], bool)> {
    let taken = if is_span(hello.step) {
        part.len().min(usize::from(hello.field_left))
    } else {
        1
    };
    let (field, rest) = part.split_at_checked(taken).unwrap_or((part, &[]));
    // At most 16 bits, as `field_left` has.
    hello.left = hello.left.saturating_sub(field.len() as u32);
    if is_span(hello.step) {
        read_span(side, hello, field);
    } else if let Some(&byte) = field.first() {
        read_byte(side, hello, byte)?;
    }
    Ok((rest, finish_fields(side, hello)?))
}

fn is_span(step: u8) -> bool {
    matches!(
        step,
        step::RANDOM | step::SESSION_ID | step::SUITES | step::COMPRESSION | step::BODY
    )
}

/// Ends spans of which nothing is left; returns whether the hello is over, which must be at a
/// field's end.
fn finish_fields(side: &Side<'_>, hello: &mut Hello) -> Result<bool> {
    while is_span(hello.step) && hello.field_left == 0 {
        end_span(side, hello)?;
    }
    if hello.left != 0 {
        return Ok(false);
    }
    match hello.step {
        step::EXTENSIONS_LENGTH_HIGH | step::TYPE_HIGH => Ok(true),
        _ => Err(Malformed),
    }
}

impl Hello {
    /// Begins a span of `length` bytes.
    fn begin_span(&mut self, step: u8, length: u16) -> Result {
        if u32::from(length) > self.left {
            return Err(Malformed);
        }
        self.field_left = length;
        self.step = step;
        Ok(())
    }

    /// Goes on to the step after the current one.
    fn next_step(&mut self) {
        self.step = self.step.saturating_add(1);
    }

    /// The two bytes of a length, the second of which is `low`.
    fn length(&self, low: u8) -> u16 {
        self.field_left | u16::from(low)
    }
}

/// Reads a part of a span.
fn read_span(side: &mut Side<'_>, hello: &mut Hello, field: &[u8]) {
    let server = !side.is_client();
    if hello.step == step::RANDOM && server {
        let read = usize::from(RANDOM_LENGTH.saturating_sub(hello.field_left));
        for (index, &byte) in (read..).zip(field) {
            hello.random = compare_random(hello.random, index, byte);
        }
    }
    // At most 16 bits, as `field_left` has.
    hello.field_left = hello.field_left.saturating_sub(field.len() as u16);
    if hello.step == step::COMPRESSION && server && hello.field_left == 0 {
        note_compression(side, field);
    }
}

/// Notes a server's compression method, the last byte of its choice, if it is not null.
fn note_compression(side: &mut Side<'_>, choice: &[u8]) {
    let tls13 = side.own.version() == Version::Tls13;
    let null = choice.last().is_none_or(|&method| method == 0);
    side.put_server(ServerFact::Compression, !tls13 && !null);
}

/// Goes from the end of a span to what follows it.
fn end_span(side: &Side<'_>, hello: &mut Hello) -> Result {
    match (hello.step, side.is_client()) {
        // A draft of TLS 1.3, which its version tells: cipher suite and extensions follow at once.
        (step::RANDOM, false) if side.own.version() == Version::Tls13 => {
            return hello.begin_span(step::COMPRESSION, 2);
        }
        (step::RANDOM, _) => hello.step = step::SESSION_ID_LENGTH,
        (step::SESSION_ID, false) => return hello.begin_span(step::COMPRESSION, 3),
        (step::SESSION_ID, true) => hello.step = step::SUITES_LENGTH_HIGH,
        (step::SUITES, _) => hello.step = step::COMPRESSION_LENGTH,
        (step::COMPRESSION, _) => hello.step = step::EXTENSIONS_LENGTH_HIGH,
        _ => hello.step = step::TYPE_HIGH,
    }
    Ok(())
}

/// Reads a field, or a part of one, that is one byte long.
fn read_byte(side: &mut Side<'_>, hello: &mut Hello, byte: u8) -> Result {
    match hello.step {
        step::VERSION_MAJOR..=step::VERSION_MINOR_OTHER => legacy_version(side, hello, byte),
        step::SESSION_ID_LENGTH if byte <= MAX_SESSION_ID => {
            side.put_client(ClientFact::OffersSession, byte != 0);
            hello.begin_span(step::SESSION_ID, u16::from(byte))
        }
        step::COMPRESSION_LENGTH if byte != 0 => {
            hello.begin_span(step::COMPRESSION, u16::from(byte))
        }
        step::SUITES_LENGTH_HIGH
        | step::EXTENSIONS_LENGTH_HIGH
        | step::LENGTH_HIGH_OTHER
        | step::LENGTH_HIGH_HEARTBEAT
        | step::LENGTH_HIGH_VERSIONS
        | step::LENGTH_HIGH_TICKET => {
            hello.field_left = u16::from(byte) << 8;
            hello.next_step();
            Ok(())
        }
        step::SUITES_LENGTH_LOW => cipher_suites(hello, byte),
        step::EXTENSIONS_LENGTH_LOW => extensions(hello, byte),
        step::TYPE_HIGH..=step::TYPE_LOW_OTHER => {
            hello.step = extension_type(hello.step, byte);
            Ok(())
        }
        step::LENGTH_LOW_OTHER
        | step::LENGTH_LOW_HEARTBEAT
        | step::LENGTH_LOW_VERSIONS
        | step::LENGTH_LOW_TICKET => extension_length(side, hello, byte),
        _ => read_extension(side, hello, byte),
    }
}

/// Reads a byte of an extension that is looked at.
fn read_extension(side: &mut Side<'_>, hello: &mut Hello, byte: u8) -> Result {
    match hello.step {
        step::HEARTBEAT_MODE => {
            side.own.set(Fact::Heartbeat);
            hello.step = step::TYPE_HIGH;
            Ok(())
        }
        step::VERSIONS_LENGTH => versions_length(side.own, hello, byte),
        step::SUPPORTED_MAJOR..=step::SUPPORTED_MINOR_OTHER => {
            supported_version(side, hello, byte);
            Ok(())
        }
        _ => Err(Malformed),
    }
}

/// Reads the version field, which counts unless `supported_versions` is present.
fn legacy_version(side: &mut Side<'_>, hello: &mut Hello, byte: u8) -> Result {
    let major = match hello.step {
        step::VERSION_MAJOR => {
            hello.step = match byte {
                MAJOR => step::VERSION_MINOR_TLS,
                0 => step::VERSION_MINOR_SSL2,
                version::DRAFT => step::VERSION_MINOR_DRAFT,
                _ => step::VERSION_MINOR_OTHER,
            };
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
        Version::chosen(major, byte)
    });
    hello.begin_span(step::RANDOM, RANDOM_LENGTH)
}

/// Compares a byte of a server's random with the randoms that mean something.
fn compare_random(so_far: ServerRandom, index: usize, byte: u8) -> ServerRandom {
    let retry = so_far == ServerRandom::Retry && RETRY_RANDOM.get(index) == Some(&byte);
    if retry {
        return ServerRandom::Retry;
    }
    let Some(at) = index.checked_sub(SENTINEL_AT) else {
        return ServerRandom::Other;
    };
    let sentinel = at == 0 || so_far == ServerRandom::DowngradeTls12;
    match (SENTINEL.get(at), byte) {
        (Some(expected), byte) if sentinel && byte == *expected => ServerRandom::DowngradeTls12,
        (None, 1) if sentinel => ServerRandom::DowngradeTls12,
        (None, 0) if sentinel => ServerRandom::DowngradeTls11,
        _ => ServerRandom::Other,
    }
}

/// A client's cipher suites: pairs, at least one.
fn cipher_suites(hello: &mut Hello, low: u8) -> Result {
    let length = hello.length(low);
    if length == 0 || length & 1 != 0 {
        return Err(Malformed);
    }
    hello.begin_span(step::SUITES, length)
}

/// All extensions together fill the rest of the message.
fn extensions(hello: &mut Hello, low: u8) -> Result {
    if u32::from(hello.length(low)) != hello.left {
        return Err(Malformed);
    }
    hello.field_left = 0;
    hello.step = step::TYPE_HIGH;
    Ok(())
}

/// The step after a byte of an extension's type.
fn extension_type(step: u8, byte: u8) -> u8 {
    match (step, byte) {
        (step::TYPE_HIGH, 0) => step::TYPE_LOW,
        (step::TYPE_HIGH, _) => step::TYPE_LOW_OTHER,
        (step::TYPE_LOW, HEARTBEAT) => step::LENGTH_HIGH_HEARTBEAT,
        (step::TYPE_LOW, SUPPORTED_VERSIONS) => step::LENGTH_HIGH_VERSIONS,
        (step::TYPE_LOW, SESSION_TICKET) => step::LENGTH_HIGH_TICKET,
        _ => step::LENGTH_HIGH_OTHER,
    }
}

fn extension_length(side: &mut Side<'_>, hello: &mut Hello, low: u8) -> Result {
    let length = hello.length(low);
    let (body, fits) = match (hello.step, side.is_client()) {
        (step::LENGTH_LOW_HEARTBEAT, _) => (step::HEARTBEAT_MODE, length == 1),
        (step::LENGTH_LOW_VERSIONS, true) => (step::VERSIONS_LENGTH, length >= 3),
        (step::LENGTH_LOW_VERSIONS, false) => (step::SUPPORTED_MAJOR, length == 2),
        (step::LENGTH_LOW_TICKET, true) if length != 0 => {
            side.put_client(ClientFact::OffersSession, true);
            (step::BODY, true)
        }
        _ => (step::BODY, true),
    };
    if !fits {
        return Err(Malformed);
    }
    hello.begin_span(body, length)
}

/// The length of a client's list of versions: it fills the extension with pairs (RFC 8446 4.2.1).
fn versions_length(own: &mut DirState, hello: &mut Hello, byte: u8) -> Result {
    let length = u16::from(byte);
    if length & 1 != 0 || Some(length) != hello.field_left.checked_sub(1) {
        return Err(Malformed);
    }
    hello.field_left = length;
    // The list counts, and the version field does not.
    own.set_version(Version::Unknown);
    hello.step = step::SUPPORTED_MAJOR;
    Ok(())
}

/// Reads an entry of `supported_versions`: a client's highest counts, a server has one.
fn supported_version(side: &mut Side<'_>, hello: &mut Hello, byte: u8) {
    let major = match hello.step {
        step::SUPPORTED_MAJOR => {
            hello.step = match byte {
                MAJOR => step::SUPPORTED_MINOR_TLS,
                version::DRAFT | version::DRAFT_FACEBOOK => step::SUPPORTED_MINOR_DRAFT,
                _ => step::SUPPORTED_MINOR_OTHER,
            };
            return;
        }
        step::SUPPORTED_MINOR_TLS => MAJOR,
        step::SUPPORTED_MINOR_DRAFT => version::DRAFT,
        _ => u8::MAX,
    };
    if side.is_client() {
        let version = Version::from_supported(major, byte).max(side.own.version());
        side.own.set_version(version);
    } else {
        side.own.set_version(Version::chosen(major, byte));
    }
    hello.field_left = hello.field_left.saturating_sub(2);
    hello.step = match hello.field_left {
        0 => step::TYPE_HIGH,
        _ => step::SUPPORTED_MAJOR,
    };
}

/// Ends the hello: a ServerHello settles the version, and is judged by it.
fn end(side: &mut Side<'_>, random: ServerRandom) -> core::result::Result<(), Stop> {
    side.own.set_scratch(Scratch::Idle);
    side.own.set(Fact::Hello);
    if side.is_client() {
        return Ok(());
    }
    let tls13 = side.own.version() == Version::Tls13;
    side.put_server(ServerFact::Retry, random == ServerRandom::Retry && tls13);
    ccs::judge_early(side)?;
    negotiation::judge(side, random)
}
