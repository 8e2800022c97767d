// SPDX-License-Identifier: GPL-2.0

//! A PROXY header before TLS (HAProxy's "The PROXY protocol", versions 1 and 2).
//!
//! ```text
//!   PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 CR LF             at most 107 bytes
//!   PROXY UNKNOWN ... CR LF
//!   0d0a0d0a000d0a515549540a  command (1)  family (1)  length (2)  addresses, and more
//! ```
//!
//! The client's next byte is the first of TLS. A second header is a broken `record_type`.

use super::{
    prelude::{
        skip_field,
        Found,
        Header,
        Proxy, //
    },
    words::Word,
};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const PREFIX: &[u8; 6] = b"PROXY ";
/// The longest header of version 1.
const MAX_LENGTH: u8 = 107;
const PROTOCOLS: [&[u8]; 3] = [b"TCP4", b"TCP6", b"UNKNOWN"];
/// Both addresses, and both ports.
const FIELDS: u8 = 4;

impl Proxy {
    /// Skips bytes that mean nothing; returns how many.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> usize {
        match self.at {
            Header::Rest => skip_field(&mut self.left, bytes),
            _ => 0,
        }
    }

    /// Reads a byte.
    pub(super) fn take(&mut self, byte: u8) -> Found {
        let came = self.length;
        self.length = came.saturating_add(1).min(0x7f);
        let next = match self.at {
            // All bytes but the last one were skipped.
            Header::Rest => return Found::UPGRADE,
            Header::Start if byte == b'\r' => Some(Header::Signature),
            Header::Start if byte == b'P' => Some(Header::Protocol),
            Header::Signature | Header::Command | Header::Family { .. } => {
                self.take_second(came, byte)
            }
            Header::LengthHigh { least } => {
                self.left = u32::from(byte) << 8;
                Some(Header::LengthLow { least })
            }
            Header::LengthLow { least } => {
                self.left |= u32::from(byte);
                if self.left == 0 && least == 0 {
                    return Found::UPGRADE;
                }
                (self.left >= least.into()).then_some(Header::Rest)
            }
            Header::End if byte == b'\n' => return Found::UPGRADE,
            _ if came >= MAX_LENGTH.wrapping_sub(1) => None,
            _ => self.take_first(came, byte),
        };
        match next {
            Some(at) => {
                self.at = at;
                Found::STAY
            }
            None => Found::MALFORMED,
        }
    }

    /// Takes a byte of version 1.
    fn take_first(&mut self, came: u8, byte: u8) -> Option<Header> {
        match self.at {
            Header::Protocol => match PREFIX.get(usize::from(came)) {
                Some(&expected) => (byte == expected).then_some(Header::Protocol),
                None if byte == b' ' || byte == b'\r' => {
                    match (self.word.index(&PROTOCOLS)?, byte) {
                        (2, b'\r') => Some(Header::End),
                        (2, _) => Some(Header::Unknown),
                        (_, b' ') => Some(Header::Fields(1)),
                        _ => None,
                    }
                }
                None if byte.is_ascii_uppercase() || byte.is_ascii_digit() => {
                    self.word.take(&PROTOCOLS, byte);
                    Some(Header::Protocol)
                }
                None => None,
            },
            Header::Fields(fields) => match byte {
                b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'.' | b':' => Some(self.at),
                b' ' if fields < FIELDS => Some(Header::Fields(fields.saturating_add(1))),
                b'\r' if fields == FIELDS => Some(Header::End),
                _ => None,
            },
            Header::Unknown if byte == b'\r' => Some(Header::End),
            Header::Unknown if byte != b'\n' => Some(Header::Unknown),
            _ => None,
        }
    }

    /// Takes a byte of version 2, up to the length.
    fn take_second(&mut self, came: u8, byte: u8) -> Option<Header> {
        match self.at {
            Header::Signature => {
                let expected = SIGNATURE.get(usize::from(came))?;
                let whole = usize::from(came).saturating_add(1) == SIGNATURE.len();
                let next = if whole {
                    Header::Command
                } else {
                    Header::Signature
                };
                (byte == *expected).then_some(next)
            }
            // The version is in the high bits: LOCAL, and PROXY.
            Header::Command => match byte {
                0x20 => Some(Header::Family { local: true }),
                0x21 => Some(Header::Family { local: false }),
                _ => None,
            },
            Header::Family { local } => {
                let least = match byte {
                    // TCP, or a stream, over IPv4, IPv6 and Unix sockets; or not said.
                    0x11 => 12,
                    0x21 => 36,
                    0x31 => 216,
                    0x00 => 0,
                    _ if local => 0,
                    _ => return None,
                };
                let least = if local { 0 } else { least };
                Some(Header::LengthHigh { least })
            }
            _ => None,
        }
    }
}

/// Whether a word of version 1 is one.
const _: () = assert!(PROTOCOLS.len() < 1 << Word::CANDIDATE_BITS);
