// SPDX-License-Identifier: GPL-2.0

//! What is kept of a connection: 32 bytes of plain integers, every value of which is valid.

use super::{
    header::Kind,
    prelude::Prelude,
    reason::Reason,
    runs,
    scratch::{
        tag,
        Packed,
        Scratch, //
    },
    version::Version, //
};

/// The direction in which bytes travel, in conntrack's terms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the side that opened the TCP connection.
    Original,
    /// To the side that opened the TCP connection.
    Reply,
}

impl Direction {
    /// The other direction.
    #[inline]
    pub(super) fn opposite(self) -> Self {
        match self {
            Direction::Original => Direction::Reply,
            Direction::Reply => Direction::Original,
        }
    }
}

/// All that is kept of a connection. The all-zero value is one of which nothing was seen.
#[repr(C, align(8))]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Connection {
    pub(super) original: DirState,
    pub(super) reply: DirState,
}

// What conntrack gives a helper: `data` of `struct nf_conn_help`, nf_conntrack_helper.h.
const _: () = assert!(size_of::<Connection>() == 32 && align_of::<Connection>() == 8);

impl Connection {
    /// A connection whose two streams begin with the next byte of each direction.
    pub fn begun() -> Self {
        let mut connection = Connection::default();
        connection.original.begin_at(0);
        connection.reply.begin_at(0);
        connection
    }

    /// The rule for which the connection is condemned, if it is.
    #[inline]
    pub fn condemned(&self) -> Option<Reason> {
        Reason::from_code(self.condemned_code())
    }

    /// The number of the rule for which the connection is condemned, or 0.
    ///
    /// Each direction has a place for a reason. A reason that was only reported is in one of them,
    /// the reason that condemned the connection is in both.
    #[inline]
    pub(super) fn condemned_code(&self) -> u8 {
        let (one, other) = (self.original.reason_code(), self.reply.reason_code());
        if one == other {
            one
        } else {
            0
        }
    }

    /// Condemns the connection. No body is read on: see [`DirState::has_data_left`].
    pub(super) fn condemn(&mut self, reason: Reason) {
        for direction in [&mut self.original, &mut self.reply] {
            direction.set_reason(reason);
            direction.end_record();
        }
    }

    /// The state of `direction`, and that of the other one.
    #[inline]
    pub(super) fn both(&mut self, direction: Direction) -> (&mut DirState, &mut DirState) {
        match direction {
            Direction::Original => (&mut self.original, &mut self.reply),
            Direction::Reply => (&mut self.reply, &mut self.original),
        }
    }

    #[inline]
    pub(super) fn of(&self, direction: Direction) -> &DirState {
        match direction {
            Direction::Original => &self.original,
            Direction::Reply => &self.reply,
        }
    }
}

/// How a direction is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// Nothing was seen of it.
    Fresh,
    /// Its beginning was seen, and nothing after it.
    Begun,
    /// The same, and its SYN offered Multipath TCP.
    Offering,
    /// It speaks TLS, and was seen from its beginning.
    Tls,
    /// It speaks SSL2.
    Ssl2,
    /// It speaks TLS; what it sent before is not known.
    Midstream,
    /// It is out of step, until a segment that seems to begin with a record resynchronises it.
    Lost,
    /// It passes unread.
    Unread,
}

impl Mode {
    const fn from_bits(bits: u16) -> Mode {
        match bits {
            0 => Mode::Fresh,
            1 => Mode::Begun,
            2 => Mode::Offering,
            3 => Mode::Tls,
            4 => Mode::Ssl2,
            5 => Mode::Midstream,
            6 => Mode::Lost,
            _ => Mode::Unread,
        }
    }
}

/// Something that is known of a direction, or is not.
#[derive(Clone, Copy)]
#[repr(u16)]
pub(super) enum Fact {
    /// What follows is protected by the direction's own ChangeCipherSpec, or opaque SSL2.
    Protected = 1 << 6,
    /// It has no handshake message left to send, as far as can be seen from outside.
    Finished = 1 << 7,
    /// A whole ClientHello, or ServerHello, has passed.
    Hello = 1 << 8,
    /// The last hello carried the heartbeat extension.
    Heartbeat = 1 << 9,
}

/// Something that is known of the TLS client alone.
#[derive(Clone, Copy)]
#[repr(u16)]
pub(super) enum ClientFact {
    /// It sent a ChangeCipherSpec before any ServerHello, as with 0-RTT.
    EarlyCcs = 1 << 10,
    /// Its ClientKeyExchange has begun.
    KeyExchange = 1 << 11,
    /// Its hello named a session to resume: by an id or by a ticket.
    OffersSession = 1 << 12,
}

/// Something that is known of the TLS server alone.
#[derive(Clone, Copy)]
#[repr(u16)]
pub(super) enum ServerFact {
    /// Its last hello was a HelloRetryRequest.
    Retry = 1 << 10,
    /// It sent a message that no resumed handshake has.
    FullHandshake = 1 << 11,
    /// It chose a compression method other than null.
    Compression = 1 << 12,
}

/// Something that is known of the connection, and kept with one of its directions.
#[derive(Clone, Copy)]
pub(super) enum Link {
    /// Of the original direction: the side that opened the TCP connection is the TLS server.
    CallHome,
    /// Of the reply direction: segments are signed.
    Signed,
}

/// What is known of one direction, in 16 bytes.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct DirState {
    /// The sequence number of the next byte expected, if the mode is neither fresh nor lost.
    pub(super) next_seq: u32,
    /// The bits of a [`Scratch`]; before TLS a part of the [`Prelude`].
    scratch: u32,
    /// Bytes of the current record's body still to come; before TLS a part of the [`Prelude`].
    pub(super) body_left: u16,
    /// How many low bytes in a row were seen last; in a hello and an SSL2 message a part of the
    /// [`Scratch`], and before TLS one of the [`Prelude`].
    count: u16,
    /// The version, the mode, the facts, and the volume, from the low bits up.
    flags: u16,
    /// The place in the current record ([`position`] and kind), a version mismatch to report, and
    /// the link.
    place: u8,
    /// A reason in the low bits, and the tag of the [`Scratch`].
    reason_and_tag: u8,
}

/// Where in a record a stream is: four bits, and what each kind does in its body.
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
    /// In the body; the positions after this one are in the body too.
    pub(in super::super) const BODY: u8 = 5;
    /// Before the body's first byte, where that one is looked at.
    pub(in super::super) const FIRST_OF_BODY: u8 = 6;
    /// Heartbeat: before the first byte of `payload_length`.
    pub(in super::super) const SECOND_OF_BODY: u8 = 7;
    /// Heartbeat: before the second byte of `payload_length`.
    pub(in super::super) const THIRD_OF_BODY: u8 = 8;
}

const VERSION: u16 = 0x7;
const MODE_SHIFT: u32 = 3;
const MODE: u16 = 0x7 << MODE_SHIFT;
const VOLUME_SHIFT: u32 = 13;

/// The position times the number of kinds, plus the kind.
const PLACE: u8 = 0x3f;
const KINDS: u8 = 7;
const MISMATCH: u8 = 0x40;
const LINK: u8 = 0x80;
/// Before TLS: no position and kind.
const PRELUDE: u8 = PLACE;
/// Before the first record, after a prelude. Where a record follows another, the kind is zero.
const UPGRADED: u8 = position::START * KINDS + Kind::Ssl2Candidate as u8;
const _: () = assert!(position::THIRD_OF_BODY * KINDS + KINDS - 1 < PRELUDE && UPGRADED != 0);
/// In the body of application data.
const DATA: u8 = position::BODY * KINDS + Kind::ApplicationData as u8;

const REASON: u8 = 0x1f;
const TAG_SHIFT: u32 = 5;

/// Beginnings, and ends.
impl DirState {
    /// Begins with the byte of that sequence number; nothing is left of what was before but the
    /// reason and the link.
    pub(super) fn begin_at(&mut self, next_seq: u32) {
        *self = DirState {
            next_seq,
            place: self.place & LINK,
            reason_and_tag: self.reason_and_tag & REASON,
            ..DirState::default()
        };
        self.set_mode(Mode::Begun);
    }

    /// Goes on in step or out of step with the records; what was sent before is unknown.
    pub(super) fn resume_as(&mut self, mode: Mode, next_seq: u32) {
        self.begin_at(next_seq);
        self.forget_past(mode);
    }

    /// Keeps the place in the records; what was sent before counts as unknown.
    ///
    /// What is kept of the other direction's chains stays: it is needed to skip what has passed.
    pub(super) fn forget_past(&mut self, mode: Mode) {
        if self.has_prelude() {
            self.begin_tls();
        }
        self.flags = 0;
        if self.tag() != tag::PEER_AHEAD {
            self.set_scratch(Scratch::Idle);
        }
        self.set(Fact::Protected);
        self.set(Fact::Finished);
        self.set_mode(mode);
    }
}

/// The version, the mode, and the facts.
impl DirState {
    /// The version: of a client the highest one offered, of a server the one negotiated.
    #[inline]
    pub(super) fn version(&self) -> Version {
        Version::from_bits(self.flags & VERSION)
    }

    pub(super) fn set_version(&mut self, version: Version) {
        self.flags = (self.flags & !VERSION) | version.bits();
    }

    #[inline]
    pub(super) fn mode(&self) -> Mode {
        Mode::from_bits((self.flags & MODE) >> MODE_SHIFT)
    }

    pub(super) fn set_mode(&mut self, mode: Mode) {
        self.flags = (self.flags & !MODE) | ((mode as u16) << MODE_SHIFT);
    }

    /// Whether its bytes are read in order.
    #[inline]
    pub(super) fn is_synced(&self) -> bool {
        matches!(
            self.mode(),
            Mode::Begun | Mode::Offering | Mode::Tls | Mode::Ssl2 | Mode::Midstream
        )
    }

    /// Whether it speaks TLS.
    #[inline]
    pub(super) fn speaks_tls(&self) -> bool {
        matches!(self.mode(), Mode::Tls | Mode::Midstream)
    }

    /// Whether it was seen from its beginning, without a part missing.
    #[inline]
    pub(super) fn is_known(&self) -> bool {
        matches!(
            self.mode(),
            Mode::Begun | Mode::Offering | Mode::Tls | Mode::Ssl2
        )
    }

    /// Whether its beginning was seen, and nothing after it.
    #[inline]
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.mode(), Mode::Begun | Mode::Offering) && self.place & PLACE == 0
    }

    #[inline]
    pub(super) fn has(&self, fact: Fact) -> bool {
        self.flags & fact as u16 != 0
    }

    pub(super) fn set(&mut self, fact: Fact) {
        self.flags |= fact as u16;
    }

    pub(super) fn clear(&mut self, fact: Fact) {
        self.flags &= !(fact as u16);
    }

    /// Use [`Side::client_has`](super::side::Side::client_has), which knows who is the client.
    #[inline]
    pub(super) fn has_client_fact(&self, fact: ClientFact) -> bool {
        self.flags & fact as u16 != 0
    }

    pub(super) fn put_client_fact(&mut self, fact: ClientFact, on: bool) {
        self.flags = (self.flags & !(fact as u16)) | if on { fact as u16 } else { 0 };
    }

    /// Use [`Side::server_has`](super::side::Side::server_has), which knows who is the server.
    #[inline]
    pub(super) fn has_server_fact(&self, fact: ServerFact) -> bool {
        self.flags & fact as u16 != 0
    }

    pub(super) fn put_server_fact(&mut self, fact: ServerFact, on: bool) {
        self.flags = (self.flags & !(fact as u16)) | if on { fact as u16 } else { 0 };
    }

    fn has_link(&self) -> bool {
        self.place & LINK != 0
    }

    pub(super) fn put_link(&mut self, on: bool) {
        self.place = (self.place & !LINK) | if on { LINK } else { 0 };
    }
}

impl Connection {
    #[inline]
    pub(super) fn is(&self, link: Link) -> bool {
        match link {
            Link::CallHome => self.original.has_link(),
            Link::Signed => self.reply.has_link(),
        }
    }

    pub(super) fn put(&mut self, link: Link, on: bool) {
        match link {
            Link::CallHome => self.original.put_link(on),
            Link::Signed => self.reply.put_link(on),
        }
    }
}

/// How many bytes a direction has carried at least: see [`DirState::advance_to`].
impl DirState {
    /// For each volume: an exponent, and how many bytes were carried at least. To reach the next
    /// multiple of that power of two raises the volume.
    const VOLUMES: [(u32, u32); 8] = [
        (10, 0),
        (12, 0),
        (14, 1 << 10),
        (16, 1 << 12),
        (18, 1 << 14),
        (20, 1 << 16),
        (20, 1 << 18),
        (32, 1 << 20),
    ];

    #[inline]
    fn volume(&self) -> (u32, u32) {
        let volume = usize::from(self.flags >> VOLUME_SHIFT);
        Self::VOLUMES.get(volume).copied().unwrap_or((32, 0))
    }

    /// How many bytes were carried at least.
    #[inline]
    pub(super) fn carried(&self) -> u32 {
        self.volume().1
    }

    /// Expects the byte of that sequence number next.
    ///
    /// Two multiples of a power of two lie at least that power apart. So the volume needs no memory
    /// of where the stream began.
    #[inline]
    pub(super) fn advance_to(&mut self, next_seq: u32) {
        let (exponent, _) = self.volume();
        let reached = (self.next_seq ^ next_seq)
            .checked_shr(exponent)
            .unwrap_or(0)
            != 0;
        self.next_seq = next_seq;
        if reached {
            // Three bits, and not yet the highest of their values.
            self.flags = self.flags.wrapping_add(1 << VOLUME_SHIFT);
        }
    }
}

/// The place in the current record.
impl DirState {
    #[inline]
    pub(super) fn position(&self) -> u8 {
        (self.place & PLACE) / KINDS
    }

    pub(super) fn set_position(&mut self, position: u8) {
        self.set_place(position, self.kind());
    }

    #[inline]
    pub(super) fn kind(&self) -> Kind {
        Kind::from_bits((self.place & PLACE) % KINDS)
    }

    /// Goes to a position in a record of that kind.
    #[inline]
    pub(super) fn set_place(&mut self, position: u8, kind: Kind) {
        // Of each there are so few that this is below 64.
        let place = position.wrapping_mul(KINDS).wrapping_add(kind as u8);
        self.place = (self.place & !PLACE) | (place & PLACE);
    }

    /// Whether the current record's version is not the one negotiated.
    pub(super) fn is_mismatched(&self) -> bool {
        self.place & MISMATCH != 0
    }

    pub(super) fn set_mismatched(&mut self) {
        self.place |= MISMATCH;
    }

    /// Whether the next byte belongs to a record's body.
    #[inline]
    pub(super) fn in_body(&self) -> bool {
        self.position() >= position::BODY
    }

    /// Whether the next byte is a record's first.
    #[inline]
    pub(super) fn at_record_start(&self) -> bool {
        self.position() == position::START
    }

    /// Whether no rule but the search for runs looks into the rest of the current body.
    pub(super) fn is_opaque(&self) -> bool {
        self.position() == position::BODY
            && match self.kind() {
                Kind::Alert | Kind::ApplicationData | Kind::Heartbeat => true,
                Kind::ChangeCipherSpec | Kind::Handshake | Kind::Ssl2 => self.has(Fact::Protected),
                Kind::Ssl2Candidate => false,
            }
    }

    /// Whether it has spoken, and not TLS yet.
    #[inline]
    pub(super) fn has_prelude(&self) -> bool {
        self.place & PLACE == PRELUDE
    }

    /// What is kept of it before TLS.
    pub(super) fn prelude(&self) -> Prelude {
        if !self.has_prelude() {
            return Prelude::Start;
        }
        let high = (u64::from(self.count) << 16) | u64::from(self.body_left);
        Prelude::unpack((high << 32) | u64::from(self.scratch))
    }

    /// Keeps that, in place of what records need. Nothing else is kept meanwhile.
    pub(super) fn set_prelude(&mut self, prelude: Prelude) {
        let bits = prelude.pack();
        self.set_scratch(Scratch::Idle);
        // The parts of 64 bits.
        self.scratch = bits as u32;
        self.body_left = (bits >> 32) as u16;
        self.count = (bits >> 48) as u16;
        self.place = (self.place & LINK) | PRELUDE;
    }

    /// Goes on with the first byte of TLS.
    pub(super) fn begin_tls(&mut self) {
        self.set_scratch(Scratch::Idle);
        self.body_left = 0;
        self.count = 0;
        self.place = (self.place & LINK) | UPGRADED;
    }

    /// Ends the current record.
    pub(super) fn end_record(&mut self) {
        self.place &= LINK;
    }

    /// Goes on in a body of application data of which `left` bytes are still to come, or after it.
    pub(super) fn resume_data(&mut self, left: u16) {
        self.body_left = left;
        self.place = (self.place & LINK) | if left == 0 { 0 } else { DATA };
    }

    /// Whether the next byte belongs to the body of application data.
    #[inline]
    pub(super) fn in_data(&self) -> bool {
        self.place & PLACE == DATA
    }

    /// Whether more than `length` bytes of a body of application data are still to come.
    #[inline]
    pub(super) fn has_data_left(&self, length: usize) -> bool {
        self.in_data() && length < usize::from(self.body_left)
    }

    /// How many bytes of a body of application data are still to come: 0 between two records, and
    /// `None` elsewhere.
    #[inline]
    pub(super) fn data_left(&self) -> Option<u16> {
        match self.place & PLACE {
            DATA => Some(self.body_left),
            0 => Some(0),
            _ => None,
        }
    }
}

/// What is kept for a while, and the reason.
impl DirState {
    #[inline]
    fn tag(&self) -> u8 {
        self.reason_and_tag >> TAG_SHIFT
    }

    /// Whether nothing is kept.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.tag() == tag::IDLE
    }

    /// Whether the [`Scratch`] has a part in `count`, so that no low bytes are counted.
    #[inline]
    fn owns_count(&self) -> bool {
        self.tag() & tag::OWNS_COUNT != 0
    }

    #[inline]
    fn in_hello(&self) -> bool {
        matches!(self.tag(), tag::HELLO | tag::SSL2)
    }

    /// Whether something of a gap is kept, of this direction or the other one.
    #[inline]
    pub(super) fn has_gap(&self) -> bool {
        self.reason_and_tag >= tag::SEARCH << TAG_SHIFT
    }

    /// Whether a chain is kept, or a part of the other direction's.
    #[inline]
    pub(super) fn has_chain(&self) -> bool {
        self.reason_and_tag >= tag::CHAIN << TAG_SHIFT
    }

    #[inline]
    pub(super) fn scratch(&self) -> Scratch {
        Scratch::unpack(Packed {
            tag: self.tag(),
            bits: self.scratch,
            count: self.count,
        })
    }

    #[inline]
    pub(super) fn set_scratch(&mut self, scratch: Scratch) {
        let owned = self.owns_count();
        let packed = scratch.pack();
        self.scratch = packed.bits;
        self.reason_and_tag = (self.reason_and_tag & REASON) | (packed.tag << TAG_SHIFT);
        if owned || self.owns_count() {
            self.count = packed.count;
        }
    }

    /// Forgets the low bytes seen last.
    pub(super) fn reset_run(&mut self) {
        if !self.owns_count() {
            self.count = 0;
        }
    }

    /// Searches `part`, of a body of application data, for more than `limit` low bytes in a row;
    /// returns whether there are not so many. The low bytes before it are counted.
    #[inline]
    pub(super) fn search_data(&mut self, limit: u16, part: &[u8]) -> bool {
        match runs::scan(self.count, limit, part) {
            Some(run) => {
                self.count = run;
                true
            }
            None => false,
        }
    }

    /// Takes `part` off a body of application data that is longer, unless it has more than `limit`
    /// low bytes in a row up to there: then it changes nothing.
    #[inline]
    pub(super) fn pass_body(&mut self, limit: u16, part: &[u8]) -> Option<()> {
        self.count = runs::scan(self.count, limit, part)?;
        // Shorter than `body_left`.
        self.body_left = self.body_left.wrapping_sub(part.len() as u16);
        Some(())
    }

    /// As [`search_data`](DirState::search_data), for a body of any kind, and whatever is kept.
    ///
    /// Within a hello nothing is searched: only an alert of two bytes can stand there.
    pub(super) fn search_body(&mut self, limit: u16, part: &[u8]) -> bool {
        if !self.owns_count() {
            return self.search_data(limit, part);
        }
        self.in_hello() || runs::scan(0, limit, part).is_some()
    }

    #[inline]
    pub(super) fn reason_code(&self) -> u8 {
        self.reason_and_tag & REASON
    }

    /// Remembers a reason, in place of the one remembered before.
    pub(super) fn set_reason(&mut self, reason: Reason) {
        self.reason_and_tag = (self.reason_and_tag & !REASON) | reason as u8;
    }
}
