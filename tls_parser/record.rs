// SPDX-License-Identifier: GPL-2.0

//! The record layer (RFC 8446 5.1, RFC 5246 6.2): headers, and who reads what is in the bodies.
//!
//! ```text
//!      0      1       2       3       4      5              5 + length
//!   +------+-------+-------+-------+------+--------------------+
//!   | type | major | minor |    length    |      fragment      |
//!   +------+-------+-------+-------+------+--------------------+
//! ```
//!
//! Enforces `record_type`, `record_version` and `record_length`.

use super::{
    ccs,
    handshake,
    heartbeat,
    runs,
    ssl2,
    version,
    Policy,
    Reason,
    Side,
    Stream, //
};

/// The most that a record in the clear may hold (RFC 8446 5.1).
const MAX_PLAINTEXT: u16 = 1 << 14;
/// The most that a protected record may hold (RFC 5246 6.2.3; TLS 1.3 says 2^14 + 256).
const MAX_CIPHERTEXT: u16 = MAX_PLAINTEXT + 2048;

/// A TLS record's header, in bytes.
pub(super) const HEADER_LENGTH: usize = 5;

/// A TLS record's header.
type Header = [u8; HEADER_LENGTH];

/// The length of the record, with its header, that `header` could begin.
pub(super) fn plausible(header: Header) -> Option<u32> {
    let [content_type, major, minor, high, low] = header;
    let kind = Kind::from_content_type(content_type)?;
    let length = u16::from_be_bytes([high, low]);
    let lawful = major == 3
        && minor <= 4
        && length <= MAX_CIPHERTEXT
        && (length != 0 || kind == Kind::ApplicationData);
    // A constant 5, and 16 bits.
    lawful.then(|| u32::from(length).saturating_add(HEADER_LENGTH as u32))
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
    /// What may be the header of an SSL2 record, its third byte will tell.
    Ssl2Candidate,
}

impl Kind {
    /// The content type of application data.
    pub(super) const APPLICATION_DATA: u8 = 23;

    /// The kind that a content type names (RFC 8446 5.1, RFC 6520 3).
    fn from_content_type(byte: u8) -> Option<Kind> {
        match byte {
            20 => Some(Kind::ChangeCipherSpec),
            21 => Some(Kind::Alert),
            22 => Some(Kind::Handshake),
            Self::APPLICATION_DATA => Some(Kind::ApplicationData),
            24 => Some(Kind::Heartbeat),
            _ => None,
        }
    }

    fn from_bits(bits: u8) -> Kind {
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

/// Where in a record a stream is: four bits of [`Stream::place`], and what each kind does in its body.
pub(super) mod position {
    /// Before a record's first byte.
    pub(in super::super) const START: u8 = 0;
    /// TLS: before the major version. SSL2, two-byte header: before the length's second byte.
    pub(in super::super) const SECOND: u8 = 1;
    /// TLS: before the minor version. SSL2, three-byte header: before the length's second byte.
    pub(in super::super) const THIRD: u8 = 2;
    /// Before the length's first byte. SSL2, three-byte header: before the padding's length.
    pub(in super::super) const FOURTH: u8 = 3;
    /// Before the length's second byte.
    pub(in super::super) const FIFTH: u8 = 4;
    /// In the body; the positions behind it are in the body too.
    pub(in super::super) const BODY: u8 = 5;
    /// Before the body's first byte, where that one is looked at.
    pub(in super::super) const FIRST_OF_BODY: u8 = 6;
    /// Heartbeat: before the first byte of `payload_length`.
    pub(in super::super) const SECOND_OF_BODY: u8 = 7;
    /// Heartbeat: before the second byte of `payload_length`.
    pub(in super::super) const THIRD_OF_BODY: u8 = 8;
}

/// The bits of [`Stream::place`]: the position, the kind, and a version mismatch that is told later.
const POSITION: u8 = 0x0f;
const KIND_SHIFT: u32 = 4;
const KIND: u8 = 0x70;
const MISMATCH: u8 = 0x80;
/// In the body of application data.
const DATA: u8 = position::BODY | ((Kind::ApplicationData as u8) << KIND_SHIFT);

impl Stream {
    pub(super) fn position(&self) -> u8 {
        self.place & POSITION
    }

    pub(super) fn set_position(&mut self, position: u8) {
        self.place = (self.place & !POSITION) | position;
    }

    pub(super) fn kind(&self) -> Kind {
        Kind::from_bits((self.place & KIND) >> KIND_SHIFT)
    }

    pub(super) fn set_kind(&mut self, kind: Kind) {
        self.place = (self.place & !KIND) | ((kind as u8) << KIND_SHIFT);
    }

    fn mismatched(&self) -> bool {
        self.place & MISMATCH != 0
    }

    /// Whether the next byte belongs to a record's body.
    pub(super) fn in_body(&self) -> bool {
        self.position() >= position::BODY
    }

    /// Whether the next byte is a record's first.
    pub(super) fn at_record_start(&self) -> bool {
        self.position() == position::START
    }

    /// Whether no rule but the search for runs looks into the rest of the current body.
    pub(super) fn is_opaque(&self) -> bool {
        self.position() == position::BODY
            && match self.kind() {
                Kind::Alert | Kind::ApplicationData | Kind::Heartbeat => true,
                Kind::ChangeCipherSpec | Kind::Handshake | Kind::Ssl2 => {
                    self.has(Stream::PROTECTED)
                }
                Kind::Ssl2Candidate => false,
            }
    }

    /// Goes on within the body of application data of which `left` bytes are still to come, or behind it.
    pub(super) fn go_on_with_data(&mut self, left: u16) {
        self.left = left;
        self.place = if left == 0 { position::START } else { DATA };
    }

    /// Takes `length` bytes off the current body, if that is application data and longer.
    pub(super) fn take_data(&mut self, length: usize) -> bool {
        if self.place != DATA || length >= usize::from(self.left) {
            return false;
        }
        // Fewer than `left`.
        self.left = self.left.saturating_sub(length as u16);
        true
    }

    /// Searches `part` for runs of low bytes, where `work` is their count.
    pub(super) fn search(&mut self, policy: &Policy, part: &[u8]) -> Result<(), Reason> {
        let run = runs::scan(self.work, policy.seq_len, part);
        self.work = run.ok_or(Reason::SuspiciousSequence)?;
        Ok(())
    }

    /// Ends the current record.
    pub(super) fn end_record(&mut self) {
        self.place = position::START;
    }
}

/// Follows `bytes` through the records of `side`; returns how many begin in them.
// Out of line: the way around it, for what lies inside one body, is short then.
#[inline(never)]
pub(super) fn feed(side: &mut Side<'_>, mut bytes: &[u8]) -> Result<u32, Reason> {
    let mut records = 0_u32;
    // How the last record opened, if it held application data.
    let mut data = None;
    while let Some((&byte, rest)) = bytes.split_first() {
        if side.own.at_record_start() {
            records = records.saturating_add(1);
        }
        bytes = if side.own.in_body() {
            let take = bytes.len().min(usize::from(side.own.left));
            let (part, rest) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
            body(side, part)?;
            rest
        } else if let Some((header, rest)) = whole_header(side, bytes) {
            data = begin(side, header)?;
            rest
        } else {
            header(side, byte)?;
            rest
        };
        match data {
            Some(opening) if side.own.at_record_start() => {
                bytes = more_data(side, opening, bytes, &mut records)?;
            }
            _ => {}
        }
    }
    Ok(records)
}

/// Splits off the header of a TLS record, if `bytes` hold all of it.
fn whole_header<'a>(side: &Side<'_>, bytes: &'a [u8]) -> Option<(Header, &'a [u8])> {
    let (&header, rest) = bytes.split_first_chunk()?;
    let [content_type, _, _, _, _]: Header = header;
    let tls = side.own.at_record_start() && !side.own.has(Stream::SSL2);
    (tls && Kind::from_content_type(content_type).is_some()).then_some((header, rest))
}

/// Reads a header at once, as [`header`] does byte by byte; tells how application data opened.
fn begin(side: &mut Side<'_>, header: Header) -> Result<Option<[u8; 3]>, Reason> {
    let [content_type, major_version, minor_version, high, low] = header;
    start(side, content_type)?;
    major(side, major_version)?;
    minor(side, minor_version)?;
    let opening = [content_type, major_version, minor_version];
    let data = (side.own.kind() == Kind::ApplicationData).then_some(opening);
    side.own.left = u16::from_be_bytes([high, low]);
    begin_body(side)?;
    Ok(data)
}

/// Follows whole records of application data that open like the one before them; returns what is behind.
///
/// What a header means beyond its length was judged and noted for that one, and as only one direction is
/// read, nothing happened since that could change it. So these cost their length and their search.
fn more_data<'a>(
    side: &mut Side<'_>,
    like: [u8; 3],
    mut bytes: &'a [u8],
    records: &mut u32,
) -> Result<&'a [u8], Reason> {
    while let Some((&[content_type, major, minor, high, low], rest)) = bytes.split_first_chunk() {
        if [content_type, major, minor] != like {
            break;
        }
        let length = u16::from_be_bytes([high, low]);
        if length == 0 {
            *records = records.saturating_add(1);
            bytes = rest;
            continue;
        }
        let Some((part, rest)) = rest.split_at_checked(usize::from(length)) else {
            break;
        };
        if length > MAX_CIPHERTEXT {
            break;
        }
        side.own.search(side.policy, part)?;
        *records = records.saturating_add(1);
        bytes = rest;
    }
    Ok(bytes)
}

/// Reads one byte of a record's header.
fn header(side: &mut Side<'_>, byte: u8) -> Result<(), Reason> {
    match (side.own.position(), side.own.kind()) {
        (position::START, _) => start(side, byte),
        (_, Kind::Ssl2 | Kind::Ssl2Candidate) => ssl2::header(side, byte),
        (position::SECOND, _) => major(side, byte),
        (position::THIRD, _) => minor(side, byte),
        (position::FOURTH, _) => {
            side.own.left = u16::from(byte) << 8;
            side.own.set_position(position::FIFTH);
            Ok(())
        }
        _ => {
            side.own.left |= u16::from(byte);
            begin_body(side)
        }
    }
}

/// `record_type`: the first byte of a record tells its content type, or opens an SSL2 record.
fn start(side: &mut Side<'_>, byte: u8) -> Result<(), Reason> {
    ssl2::settle(side);
    if side.own.has(Stream::SSL2) {
        return ssl2::start(side, byte);
    }
    match Kind::from_content_type(byte) {
        Some(kind) => {
            side.own.set(Stream::TLS);
            side.own.set_kind(kind);
            side.own.set_position(position::SECOND);
            Ok(())
        }
        None if byte >= 0x80 => ssl2::candidate(side, byte),
        None => Err(Reason::RecordType),
    }
}

/// `record_version`.
fn major(side: &mut Side<'_>, byte: u8) -> Result<(), Reason> {
    if byte != 3 {
        return Err(Reason::RecordVersion);
    }
    side.own.set_position(position::THIRD);
    Ok(())
}

/// Notes a `version_mismatch`; other rules, which go before it, may be broken by what follows.
fn minor(side: &mut Side<'_>, byte: u8) -> Result<(), Reason> {
    if side.own.kind() != Kind::Alert && version::mismatches(side, byte) {
        side.own.place |= MISMATCH;
    }
    side.own.set_position(position::FOURTH);
    Ok(())
}

/// `record_length`, and then what the header alone tells about each content type.
fn begin_body(side: &mut Side<'_>) -> Result<(), Reason> {
    let (kind, length) = (side.own.kind(), side.own.left);
    let protected = side.own.has(Stream::PROTECTED);
    let limit = match kind {
        Kind::ApplicationData => MAX_CIPHERTEXT,
        _ if protected => MAX_CIPHERTEXT,
        _ => MAX_PLAINTEXT,
    };
    if length > limit || (length == 0 && kind != Kind::ApplicationData) {
        return Err(Reason::RecordLength);
    }
    side.own.set_position(position::BODY);
    match kind {
        Kind::Heartbeat => heartbeat::begin(side)?,
        Kind::ChangeCipherSpec if !protected => ccs::begin(side)?,
        _ => {}
    }
    handshake::begin_record(side, kind)?;
    if kind != Kind::Heartbeat || side.own.is_opaque() {
        tell_mismatch(side)?;
    }
    if length == 0 {
        side.own.end_record();
    }
    Ok(())
}

/// `version_mismatch`: tells what [`minor`] noted.
pub(super) fn tell_mismatch(side: &Side<'_>) -> Result<(), Reason> {
    if side.own.mismatched() {
        return Err(Reason::VersionMismatch);
    }
    Ok(())
}

/// Reads `part`, which lies wholly in the body of the current record.
fn body(side: &mut Side<'_>, part: &[u8]) -> Result<(), Reason> {
    // `part` was cut to at most `left` bytes.
    let taken = u16::try_from(part.len()).unwrap_or(u16::MAX);
    side.own.left = side.own.left.saturating_sub(taken);
    let protected = side.own.has(Stream::PROTECTED);
    match side.own.kind() {
        Kind::Handshake if protected => {}
        Kind::Handshake => handshake::feed(side, part)?,
        Kind::Heartbeat => heartbeat::feed(side, part)?,
        Kind::ChangeCipherSpec if !protected => ccs::feed(side, part)?,
        Kind::Ssl2 => ssl2::feed(side, part)?,
        _ => suspicious(side, part)?,
    }
    if side.own.left == 0 {
        if side.own.kind() == Kind::Ssl2 {
            ssl2::end(side);
        }
        side.own.end_record();
    }
    Ok(())
}

/// `suspicious_sequence`, in whatever should be ciphertext. The run goes on from record to record.
pub(super) fn suspicious(side: &mut Side<'_>, part: &[u8]) -> Result<(), Reason> {
    if handshake::in_hello(side.own) {
        // `work` belongs to the hello; only an alert of two bytes gets here.
        return Ok(());
    }
    side.own.search(side.policy, part)
}
