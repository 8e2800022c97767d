// SPDX-License-Identifier: GPL-2.0

//! The SSL/TLS record protocol, followed from outside, byte by byte, in 32 bytes a connection.
//!
//! A [`Connection`] is fed the bytes of both directions of a TCP connection as they pass, in order
//! and cut anywhere, and answers with the first rule that they break, a [`Reason`]. It buffers
//! nothing, allocates nothing, holds no pointer, and cannot panic; the all-zero value is a fresh
//! connection. Where the bytes were cut never changes the answer.
//!
//! # What is followed
//!
//! ```text
//!             bytes, in order            records                messages
//!  segment --> [stream] ------> [record] -----+--> [handshake] --> [hello] --> [version]
//!               TCP order        5-byte header +--> [ccs]         ChangeCipherSpec
//!               holes, [ahead]   type, length  +--> [heartbeat]   RFC 6520, heartbleed
//!                                              +--> [runs]        low bytes in ciphertext
//!                                [ssl2] <------+                  SSL2 records and messages
//! ```
//!
//! A direction lives through these states; only its own, lawful ChangeCipherSpec protects it:
//!
//! ```text
//!              first byte 20..24                     own CCS (up to TLS 1.2)
//!   [fresh] --------------------> [TLS, in the clear] ----------------> [TLS, protected]
//!      |                               ^                                   | first protected
//!      | 80.. and message 1 or 4       | the server answers in TLS         v handshake record
//!      +------------------------> [SSL2, in the clear]              [handshake over]
//!                                      | CLIENT-MASTER-KEY, or session-id-hit
//!                                      v
//!                                 [SSL2, opaque]
//! ```
//!
//! In TLS 1.3 ChangeCipherSpec means nothing and no direction is ever protected in this sense: after
//! the ServerHello everything but alerts comes as application data, and the handshake counts as over
//! when both sides have sent some.
//!
//! # What is not followed
//!
//! Certificates, signatures, the contents of anything encrypted, and DTLS.
//!
//! # Cost
//!
//! Bodies that no rule looks into are skipped by arithmetic; ciphertext is looked at in about 8 bytes
//! out of `seq_len` (see [`runs`]); only cleartext hellos are read byte by byte. `make bench` measures it.

#[path = "tls_parser/ahead.rs"]
mod ahead;
#[path = "tls_parser/ccs.rs"]
mod ccs;
#[path = "tls_parser/handshake.rs"]
mod handshake;
#[path = "tls_parser/heartbeat.rs"]
mod heartbeat;
#[path = "tls_parser/hello.rs"]
mod hello;
#[path = "tls_parser/options.rs"]
mod options;
#[path = "tls_parser/reason.rs"]
mod reason;
#[path = "tls_parser/record.rs"]
mod record;
#[path = "tls_parser/runs.rs"]
pub mod runs;
#[path = "tls_parser/ssl2.rs"]
mod ssl2;
#[path = "tls_parser/stream.rs"]
mod stream;
#[path = "tls_parser/version.rs"]
mod version;

pub use ahead::HeaderSearch;
pub use options::is_signed;
pub use reason::Reason;
pub use stream::{
    Placement,
    Segment, //
};
pub use version::Version;

/// The direction in which bytes travel, in conntrack's terms.
///
/// The client is the side that opened the TCP connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the client to the server.
    Original,
    /// From the server to the client.
    Reply,
}

/// What the operator chose; the same for all connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// More than this many bytes below 128 in a row are a `suspicious_sequence`; 0 switches the rule off.
    pub seq_len: u16,
    /// Whether heartbeats are judged by their rules (`true`) or all refused.
    pub heartbeat: bool,
    /// The lowest version that may be negotiated, in the wire's form (0x0303 is TLS 1.2); 0 for any.
    pub min_version: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            seq_len: 128,
            heartbeat: true,
            min_version: 0,
        }
    }
}

/// What is known of one direction, in 16 bytes.
///
/// Not everything is alive at once, so two fields serve many masters:
///
/// - `scratch` is the handshake message in progress ([`handshake`]) while the direction is in the
///   clear, the SSL2 message in progress ([`ssl2`]), and once the handshake is over the ledger of unanswered
///   heartbeats ([`heartbeat`]) or, where none may be sent, how far was seen behind a hole, or what of
///   the other direction ran ahead ([`ahead`]).
///   Between messages it is zero.
/// - `work` is what is left of the current field while a hello is read ([`hello`]), and otherwise the count
///   of low bytes in a row ([`runs`]).
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Stream {
    /// The sequence number of the next byte expected; valid with [`Stream::SYNCED`].
    next: u32,
    scratch: u32,
    /// Bytes of the current record's body still to come.
    left: u16,
    work: u16,
    /// The version in the low bits, and the flags below.
    flags: u16,
    /// The place in the record: position, kind, and a version mismatch still to be told ([`record`]).
    place: u8,
    /// The [`Reason`] for which this direction condemned the connection, or 0.
    broken: u8,
}

impl Stream {
    /// The version: of a client the highest one offered, of a server the one negotiated.
    const VERSION: u16 = 0x7;
    /// What follows in this direction is protected by its own ChangeCipherSpec, or opaque SSL2.
    const PROTECTED: u16 = 1 << 3;
    /// This side has no handshake message left to send, as far as can be seen from outside.
    const FINISHED: u16 = 1 << 4;
    /// A whole ClientHello, or ServerHello, has passed.
    const HELLO: u16 = 1 << 5;
    /// The last hello carried the heartbeat extension.
    const HEARTBEAT: u16 = 1 << 6;
    /// The direction speaks TLS.
    const TLS: u16 = 1 << 7;
    /// The direction speaks SSL2.
    const SSL2: u16 = 1 << 8;
    /// `next` is valid.
    const SYNCED: u16 = 1 << 9;
    /// Of a client: ClientKeyExchange has begun.
    const KEY_EXCHANGE: u16 = 1 << 10;
    /// Of a server: its last hello was a HelloRetryRequest.
    const RETRY: u16 = 1 << 10;
    /// Of a client: it sent a ChangeCipherSpec before any ServerHello, as 0-RTT does.
    const EARLY_CCS: u16 = 1 << 11;
    /// Of a server: it showed a Certificate or was done with its hello, as in a full handshake.
    const FULL_HANDSHAKE: u16 = 1 << 11;
    /// Of a server: its random has so far been that of a HelloRetryRequest.
    const RETRY_RANDOM: u16 = 1 << 12;
    /// Of a side that has finished, and so has no hello to come: `scratch` is the edge behind a hole.
    const EDGE: u16 = 1 << 12;
    /// Of a server: its random has so far ended in the downgrade sentinel.
    const SENTINEL: u16 = 1 << 13;
    /// Of a server: the sentinel is the one against TLS 1.1 and below.
    const SENTINEL_TLS11: u16 = 1 << 14;
    /// Its SYN was signed, as every segment is then.
    const SIGNED: u16 = 1 << 15;

    fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    fn set(&mut self, flag: u16) {
        self.flags |= flag;
    }

    fn clear(&mut self, flag: u16) {
        self.flags &= !flag;
    }

    fn put(&mut self, flag: u16, on: bool) {
        if on {
            self.set(flag);
        } else {
            self.clear(flag);
        }
    }

    fn version(&self) -> Version {
        Version::from_bits(self.flags & Self::VERSION)
    }

    fn set_version(&mut self, version: Version) {
        self.flags = (self.flags & !Self::VERSION) | version.bits();
    }
}

/// All that is kept of a connection: plain integers, every value of which is valid, all zero at first.
#[repr(C, align(8))]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Connection {
    client: Stream,
    server: Stream,
}

// What conntrack gives a helper: `data` of `struct nf_conn_help`, nf_conntrack_helper.h.
const _: () = assert!(size_of::<Connection>() == 32 && align_of::<Connection>() == 8);

impl Connection {
    /// Follows `bytes`, the next ones of `direction`; returns how many records begin in them.
    ///
    /// # Errors
    ///
    /// The [`Reason`] for which the connection is condemned, now or earlier: nothing more of it is read.
    #[inline]
    pub fn feed(
        &mut self,
        policy: &Policy,
        direction: Direction,
        bytes: &[u8],
    ) -> Result<u32, Reason> {
        // Most segments of a transfer lie wholly in the body of one record.
        let lawful = self.client.broken | self.server.broken == 0;
        let own = self.stream(direction);
        if lawful && own.take_data(bytes.len()) {
            let found = own.search(policy, bytes);
            if let Err(reason) = found {
                own.broken = reason as u8;
            }
            return found.map(|()| 0);
        }
        self.feed_records(policy, direction, bytes)
    }

    // Out of line, as the way around it is short.
    #[inline(never)]
    fn feed_records(
        &mut self,
        policy: &Policy,
        direction: Direction,
        bytes: &[u8],
    ) -> Result<u32, Reason> {
        if let Some(reason) = self.condemned() {
            return Err(reason);
        }
        let fed = record::feed(&mut self.side(policy, direction), bytes);
        if let Err(reason) = fed {
            self.condemn(direction, reason);
        }
        fed
    }

    /// The rule that the connection broke, if it did.
    pub fn condemned(&self) -> Option<Reason> {
        Reason::from_code(self.client.broken | self.server.broken)
    }

    /// Condemns the connection for what `direction` did.
    fn condemn(&mut self, direction: Direction, reason: Reason) {
        self.stream(direction).broken = reason as u8;
    }

    fn stream(&mut self, direction: Direction) -> &mut Stream {
        self.both(direction).0
    }

    /// The stream of `direction`, and the other one.
    fn both(&mut self, direction: Direction) -> (&mut Stream, &mut Stream) {
        match direction {
            Direction::Original => (&mut self.client, &mut self.server),
            Direction::Reply => (&mut self.server, &mut self.client),
        }
    }

    fn side<'a>(&'a mut self, policy: &'a Policy, direction: Direction) -> Side<'a> {
        let (own, peer) = self.both(direction);
        Side {
            own,
            peer,
            direction,
            policy,
        }
    }
}

/// A connection as seen from the side whose bytes are read.
struct Side<'a> {
    own: &'a mut Stream,
    peer: &'a mut Stream,
    direction: Direction,
    policy: &'a Policy,
}

impl Side<'_> {
    fn is_client(&self) -> bool {
        self.direction == Direction::Original
    }

    fn server(&self) -> &Stream {
        match self.direction {
            Direction::Original => self.peer,
            Direction::Reply => self.own,
        }
    }

    fn client(&self) -> &Stream {
        match self.direction {
            Direction::Original => self.own,
            Direction::Reply => self.peer,
        }
    }

    /// The version that the ServerHello chose, once one has passed.
    fn negotiated(&self) -> Option<Version> {
        let server = self.server();
        server.has(Stream::HELLO).then(|| server.version())
    }

    /// Whether TLS 1.3 was negotiated, by a ServerHello or a HelloRetryRequest.
    fn is_tls13(&self) -> bool {
        self.negotiated() == Some(Version::Tls13)
    }

    /// Whether neither side has handshake messages left to send, as far as can be seen.
    fn handshake_over(&self) -> bool {
        self.own.has(Stream::FINISHED) && self.peer.has(Stream::FINISHED)
    }
}
