// SPDX-License-Identifier: GPL-2.0

//! The header of a TLS record (RFC 8446 5.1, RFC 5246 6.2).
//!
//! ```text
//!      0      1       2       3       4      5              5 + length
//!   +------+-------+-------+-------+------+--------------------+
//!   | type | major | minor |    length    |      fragment      |
//!   +------+-------+-------+-------+------+--------------------+
//! ```

/// The most that a record in the clear may hold (RFC 8446 5.1).
pub(super) const MAX_PLAINTEXT: u16 = 1 << 14;
/// The most that a protected record may hold (RFC 5246 6.2.3; TLS 1.3 says 2^14 + 256).
pub(super) const MAX_CIPHERTEXT: u16 = MAX_PLAINTEXT + 2048;
/// The major version of SSL 3.0 and of every version of TLS.
pub(super) const MAJOR: u8 = 3;
/// The highest minor version that a header may show.
const MAX_MINOR: u8 = 4;

/// The length of a header, in bytes.
pub(super) const LENGTH: usize = 5;

/// A header.
pub(super) type Header = [u8; LENGTH];

/// What stands before a header's length: the content type and the version.
pub(super) type TypeAndVersion = [u8; 3];

/// Takes a header apart, into what stands before its length, and the length.
pub(super) const fn split(header: Header) -> (TypeAndVersion, u16) {
    let [content_type, major, minor, high, low] = header;
    (
        [content_type, major, minor],
        u16::from_be_bytes([high, low]),
    )
}

/// What a record holds; kept in three bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    ChangeCipherSpec,
    Alert,
    Handshake,
    ApplicationData,
    Heartbeat,
    /// An SSL2 record.
    Ssl2,
    /// What may be an SSL2 record: the first byte of its message decides.
    Ssl2Candidate,
}

impl Kind {
    /// The content type of application data.
    pub(super) const APPLICATION_DATA: u8 = 23;

    /// The kind that a content type names (RFC 8446 5.1, RFC 6520 3).
    pub(super) const fn from_content_type(byte: u8) -> Option<Kind> {
        match byte {
            20 => Some(Kind::ChangeCipherSpec),
            21 => Some(Kind::Alert),
            22 => Some(Kind::Handshake),
            Self::APPLICATION_DATA => Some(Kind::ApplicationData),
            24 => Some(Kind::Heartbeat),
            _ => None,
        }
    }

    pub(super) const fn from_bits(bits: u8) -> Kind {
        match bits {
            0 => Kind::ChangeCipherSpec,
            1 => Kind::Alert,
            2 => Kind::Handshake,
            3 => Kind::ApplicationData,
            4 => Kind::Heartbeat,
            5 => Kind::Ssl2,
            _ => Kind::Ssl2Candidate,
        }
    }
}

/// The length of the record, header included, that `header` could begin; `None` if none can.
pub(super) fn plausible(header: Header) -> Option<u32> {
    let [content_type, major, minor, high, low] = header;
    let kind = Kind::from_content_type(content_type)?;
    let length = u16::from_be_bytes([high, low]);
    let possible = major == MAJOR
        && minor <= MAX_MINOR
        && length <= MAX_CIPHERTEXT
        && (length != 0 || kind == Kind::ApplicationData);
    // A constant 5, and 16 bits.
    possible.then(|| u32::from(length).saturating_add(LENGTH as u32))
}
