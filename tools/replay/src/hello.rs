// SPDX-License-Identifier: GPL-2.0

//! What the hellos say: the name of the server that the client asks for, and the version that the
//! server chooses.
//!
//! The parser keeps neither. Hellos are collected here from the first bytes of both streams, and
//! only until they are whole; most are whole with the first segment, and are never copied.

use crate::{
    driver::Tap,
    tls_parser::Direction, //
};
use std::fmt;

/// The longest hello that is collected.
const MAX_HELLO: usize = 1 << 14;

/// A version as the wire has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Version(u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x0002 => write!(f, "SSL 2.0"),
            0x0300 => write!(f, "SSL 3.0"),
            version @ 0x0301..=0x0304 => write!(f, "TLS 1.{}", version - 0x0301),
            draft @ 0x7f00..=0x7fff => write!(f, "TLS 1.3 draft {}", draft & 0xff),
            version => write!(f, "0x{version:04x}"),
        }
    }
}

/// What is known of a connection's hellos.
#[derive(Default)]
pub(crate) struct Hellos {
    /// The name that the client asks for, fit to be printed.
    pub(crate) name: Option<Box<str>>,
    /// The version that the server chose.
    pub(crate) version: Option<Version>,
    /// Of the client and the server: whether its hello may yet come to its end.
    done: [bool; 2],
    /// The starts of hellos that are not whole yet.
    starts: Option<Box<[Vec<u8>; 2]>>,
}

impl Tap for Hellos {
    #[inline]
    fn read(&mut self, direction: Direction, bytes: &[u8]) {
        if !self.done[direction as usize] {
            self.collect(direction, bytes);
        }
    }

    fn lose(&mut self, direction: Direction) {
        self.end(direction);
    }

    fn upgrade(&mut self) {
        if self.name.is_none() && self.version.is_none() {
            *self = Hellos::default();
        }
    }
}

impl Hellos {
    fn collect(&mut self, direction: Direction, bytes: &[u8]) {
        let start = self.starts.as_ref().map(|it| &it[direction as usize]);
        let whole = match start {
            Some(start) if !start.is_empty() => &[start, bytes].concat(),
            _ => bytes,
        };
        match message(whole) {
            Message::Whole(kind, body) => {
                self.take(direction, kind, &body);
                self.end(direction);
            }
            Message::Start if whole.len() <= MAX_HELLO => {
                let whole = whole.to_vec();
                self.starts.get_or_insert_default()[direction as usize] = whole;
            }
            Message::Start | Message::None => self.end(direction),
        }
    }

    fn end(&mut self, direction: Direction) {
        self.done[direction as usize] = true;
        if self.done == [true; 2] {
            self.starts = None;
        }
    }

    fn take(&mut self, direction: Direction, kind: u8, body: &[u8]) {
        match (direction, kind) {
            (Direction::Original, 1) => self.name = client_hello(body).flatten(),
            (Direction::Reply, 2) => self.version = server_hello(body),
            _ => {}
        }
    }
}

/// The first handshake message of a stream.
enum Message {
    /// It is whole: its type and its body.
    Whole(u8, Vec<u8>),
    /// There is more to come.
    Start,
    /// The stream begins otherwise.
    None,
}

/// Puts the first handshake message together from records (RFC 8446 5.1).
fn message(stream: &[u8]) -> Message {
    const HANDSHAKE: u8 = 22;
    let mut stream = after_proxy_header(stream);
    let mut bytes = Vec::new();
    loop {
        match *stream {
            [HANDSHAKE, 3, _, a, b, ref rest @ ..] => {
                let length = usize::from(u16::from_be_bytes([a, b]));
                let (body, rest) = rest.split_at(rest.len().min(length));
                bytes.extend(body);
                stream = rest;
            }
            [HANDSHAKE, ..] | [] if stream.len() < 5 => return Message::Start,
            _ => return Message::None,
        }
        if let [kind, a, b, c, ref body @ ..] = bytes[..] {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if let Some(body) = body.get(..length) {
                return Message::Whole(kind, body.to_vec());
            }
        }
    }
}

/// What follows a PROXY header, where a whole one lies there.
fn after_proxy_header(stream: &[u8]) -> &[u8] {
    const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
    let length = if stream.starts_with(b"PROXY ") {
        stream
            .iter()
            .position(|&byte| byte == b'\n')
            .map(|it| it + 1)
    } else if stream.starts_with(SIGNATURE) {
        let length = stream.get(14..16).and_then(|it| it.first_chunk());
        length.map(|&it| 16 + usize::from(u16::from_be_bytes(it)))
    } else {
        None
    };
    length.and_then(|it| stream.get(it..)).unwrap_or(stream)
}

/// What is left of a message.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn u16(&mut self) -> Option<u16> {
        let [a, b] = *self.take(2)?.first_chunk()?;
        Some(u16::from_be_bytes([a, b]))
    }

    /// A vector with a length of one byte.
    fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// A vector with a length of two bytes.
    fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }

    /// The extension of that type, in the vector of extensions that comes next.
    fn extension(mut self, wanted: u16) -> Option<&'a [u8]> {
        let mut extensions = Rest(self.vector16()?);
        loop {
            let (kind, body) = (extensions.u16()?, extensions.vector16()?);
            if kind == wanted {
                return Some(body);
            }
        }
    }
}

/// The name in a ClientHello (RFC 8446 4.1.2, RFC 6066 3); the outer `None` is a message that makes
/// no sense.
fn client_hello(body: &[u8]) -> Option<Option<Box<str>>> {
    const SERVER_NAME: u16 = 0;
    let mut rest = Rest(body);
    rest.take(2 + 32)?;
    rest.vector8()?;
    rest.vector16()?;
    rest.vector8()?;
    let Some(extension) = rest.extension(SERVER_NAME) else {
        return Some(None);
    };
    let mut names = Rest(Rest(extension).vector16()?);
    // A host name's type is 0.
    Some(
        (names.u8()? == 0)
            .then_some(())
            .and_then(|()| names.vector16().map(printable)),
    )
}

/// The version in a ServerHello (RFC 8446 4.1.3).
fn server_hello(body: &[u8]) -> Option<Version> {
    const SUPPORTED_VERSIONS: u16 = 43;
    let mut rest = Rest(body);
    let legacy = rest.u16()?;
    rest.take(32)?;
    rest.vector8()?;
    rest.take(2 + 1)?;
    let chosen = rest.extension(SUPPORTED_VERSIONS);
    let chosen = chosen.and_then(|extension| Rest(extension).u16());
    Some(Version(chosen.unwrap_or(legacy)))
}

/// A name without characters that a terminal interprets.
fn printable(name: &[u8]) -> Box<str> {
    name.escape_ascii().to_string().into()
}
