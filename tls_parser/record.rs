// SPDX-License-Identifier: GPL-2.0

//! The record layer (RFC 8446 5.1, RFC 5246 6.2): headers, and which part of the parser reads the
//! bodies.
//!
//! Enforces `record_type`, `record_version` and `record_length`.

use super::{
    ccs,
    handshake,
    header::{
        self,
        Header,
        Kind,
        TypeAndVersion,
        MAJOR,
        MAX_CIPHERTEXT,
        MAX_PLAINTEXT, //
    },
    heartbeat,
    negotiation,
    reason::Reason,
    side::{
        Side,
        Stop, //
    },
    ssl2,
    state::{
        position,
        DirState,
        Fact,
        Mode, //
    }, //
};

/// Follows `bytes` through the records of `side`; returns how many begin in them, which is at most
/// one per byte: their number cannot wrap.
// Out of line, so that the path around it stays short: most payload lies inside one body.
#[inline(never)]
pub(super) fn feed(side: &mut Side<'_>, mut bytes: &[u8]) -> Result<u32, Stop> {
    let mut records = 0_u32;
    // The type and the version of the last record, if it held application data that is like what
    // `pass_records` reads.
    let mut data = None;
    while let Some((&byte, rest)) = bytes.split_first() {
        if side.own.at_record_start() {
            records = records.wrapping_add(1);
        }
        bytes = if side.own.in_body() {
            let take = bytes.len().min(usize::from(side.own.body_left));
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
            Some(like) if side.own.at_record_start() => {
                let (more, rest) = side.own.pass_records(side.policy.seq_len, like, bytes);
                records = records.wrapping_add(more);
                bytes = rest;
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
    let tls = side.own.at_record_start() && side.own.mode() != Mode::Ssl2;
    (tls && Kind::from_content_type(content_type).is_some()).then_some((header, rest))
}

/// Reads a header at once, as [`header`] does byte by byte; returns the type and the version of
/// application data, if low bytes are counted in it.
fn begin(side: &mut Side<'_>, header: Header) -> Result<Option<TypeAndVersion>, Stop> {
    let (type_and_version, length) = header::split(header);
    let [content_type, major, minor] = type_and_version;
    start(side, content_type)?;
    let kind = side.own.kind();
    check_major(side, kind, major)?;
    note_minor(side, kind, minor);
    side.own.body_left = length;
    begin_body(side, kind)?;
    let counted = kind == Kind::ApplicationData && !side.own.has_chain();
    Ok(counted.then_some(type_and_version))
}

/// Reads one byte of a record's header.
fn header(side: &mut Side<'_>, byte: u8) -> Result<(), Stop> {
    let (position, kind) = (side.own.position(), side.own.kind());
    match (position, kind) {
        (position::START, _) => return start(side, byte),
        (_, Kind::Ssl2 | Kind::Ssl2Candidate) => return ssl2::header(side, byte),
        (position::SECOND, _) => check_major(side, kind, byte)?,
        (position::THIRD, _) => note_minor(side, kind, byte),
        (position::FOURTH, _) => side.own.body_left = u16::from(byte) << 8,
        _ => {
            side.own.body_left |= u16::from(byte);
            return begin_body(side, kind);
        }
    }
    side.own.set_place(position.saturating_add(1), kind);
    Ok(())
}

/// `record_type`: the first byte of a record is its content type, or opens an SSL2 record.
fn start(side: &mut Side<'_>, byte: u8) -> Result<(), Stop> {
    if side.own.mode() == Mode::Ssl2 {
        ssl2::resolve_protocol(side);
        if side.own.mode() == Mode::Ssl2 {
            ssl2::start(side, Kind::Ssl2, byte);
            return Ok(());
        }
    }
    match Kind::from_content_type(byte) {
        Some(kind) if may_begin(side, kind) => {
            if !side.own.speaks_tls() {
                side.own.set_mode(Mode::Tls);
            }
            side.own.set_place(position::SECOND, kind);
            Ok(())
        }
        None if byte >= 0x80 => {
            ssl2::start(side, Kind::Ssl2Candidate, byte);
            Ok(())
        }
        _ => side.breaks_framing(Reason::RecordType),
    }
}

/// Whether a record of that kind may stand here: no application data before the ClientHello.
fn may_begin(side: &Side<'_>, kind: Kind) -> bool {
    let client = side.client();
    kind != Kind::ApplicationData || client.has(Fact::Hello) || !client.is_known()
}

/// `record_version`. Before its side has sent a hello, an alert may have version 0: an endpoint
/// that gives up on an idle peer may not know any other.
fn check_major(side: &mut Side<'_>, kind: Kind, byte: u8) -> Result<(), Stop> {
    if byte == MAJOR || (byte == 0 && kind == Kind::Alert && !side.own.has(Fact::Hello)) {
        return Ok(());
    }
    side.breaks_framing(Reason::RecordVersion)
}

/// Records a `version_mismatch`: rules that go before it may be broken by what follows.
fn note_minor(side: &mut Side<'_>, kind: Kind, byte: u8) {
    if negotiation::is_mismatched(side, kind, byte) {
        side.own.set_mismatched();
    }
}

/// `record_length`, and then what the header alone tells about each content type.
fn begin_body(side: &mut Side<'_>, kind: Kind) -> Result<(), Stop> {
    let length = side.own.body_left;
    let protected = side.own.has(Fact::Protected);
    let limit = match kind {
        Kind::ApplicationData => MAX_CIPHERTEXT,
        _ if protected => MAX_CIPHERTEXT,
        _ => MAX_PLAINTEXT,
    };
    if length > limit || (length == 0 && kind != Kind::ApplicationData) {
        return side.breaks_framing(Reason::RecordLength);
    }
    side.own.set_place(position::BODY, kind);
    begin_kind(side, kind, protected)?;
    // A heartbeat in the clear is judged by its first bytes before that.
    if side.own.is_mismatched() && (kind != Kind::Heartbeat || side.own.is_opaque()) {
        side.breaks(Reason::VersionMismatch)?;
    }
    if length == 0 {
        side.own.end_record();
    }
    Ok(())
}

/// What the header tells about a content type.
fn begin_kind(side: &mut Side<'_>, kind: Kind, protected: bool) -> Result<(), Stop> {
    match kind {
        Kind::Heartbeat => return heartbeat::begin(side),
        Kind::ChangeCipherSpec if !protected => ccs::begin(side)?,
        _ => {}
    }
    heartbeat::end_answer(side);
    handshake::begin_record(side, kind)
}

/// Reads `part`, which lies wholly in the body of the current record.
fn body(side: &mut Side<'_>, part: &[u8]) -> Result<(), Stop> {
    // `part` was cut to at most `body_left` bytes.
    let taken = u16::try_from(part.len()).unwrap_or(u16::MAX);
    side.own.body_left = side.own.body_left.saturating_sub(taken);
    read_body(side, part)?;
    if side.own.body_left == 0 {
        if side.own.kind() == Kind::Ssl2 {
            ssl2::end(side);
        }
        side.own.end_record();
    }
    Ok(())
}

/// Hands `part` to what reads bodies of its kind.
fn read_body(side: &mut Side<'_>, part: &[u8]) -> Result<(), Stop> {
    let protected = side.own.has(Fact::Protected);
    match side.own.kind() {
        Kind::Handshake if protected => Ok(()),
        Kind::Handshake => handshake::feed(side, part),
        Kind::Heartbeat => heartbeat::feed(side, part),
        Kind::ChangeCipherSpec if !protected && side.own.position() == position::FIRST_OF_BODY => {
            ccs::feed(side, part)
        }
        Kind::Ssl2 => ssl2::feed(side, part),
        _ => side.search_runs(part),
    }
}

impl DirState {
    /// Skips a gap of `length` bytes that lies wholly inside a body that no rule looks into.
    ///
    /// The bytes that fill it later pass as a retransmission. The run starts over after it.
    pub(super) fn skip_gap(&mut self, length: u32) -> bool {
        match u16::try_from(length) {
            Ok(length) if self.is_opaque() && length <= self.body_left => {
                self.body_left = self.body_left.saturating_sub(length);
                self.reset_run();
                if self.body_left == 0 {
                    self.end_record();
                }
                true
            }
            _ => false,
        }
    }
}
