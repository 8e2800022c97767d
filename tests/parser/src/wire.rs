// SPDX-License-Identifier: GPL-2.0

//! A connection, followed as the module follows it, and the segments that tests send over it.

use crate::{
    tls_parser::{
        Connection,
        Direction::{
            self,
            Original,
            Reply, //
        },
        Outcome,
        Policy,
        Reason,
        Segment,
        Verdict, //
    },
    vectors,
};

/// The number before the first byte of both sides, unless a test chooses another.
pub const ISN: u32 = 1000;

/// What became of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It passed, with nothing to read.
    Empty,
    /// It was read from byte `skip` on.
    Next {
        /// How many bytes of it were seen before.
        skip: u32,
    },
    /// It was read after a gap that was skipped.
    AfterGap,
    /// It was seen before.
    Retransmission,
    /// It passed unread, out of order.
    PassedUnread,
    /// It was dropped, out of order.
    OutOfOrder,
    /// It passed unread, of a stream that is out of step.
    Unsynced,
    /// It was dropped, as the beginning of its connection was not seen.
    Refused,
    /// It was dropped, as its connection is condemned.
    Condemned(Reason),
}

/// Read from its first byte on, none of it seen before.
pub const NEW: Fate = Fate::Next { skip: 0 };

/// A connection, and the verdict on it.
#[derive(Clone, Debug)]
pub struct Wire {
    /// The connection.
    pub connection: Connection,
    /// The rules that apply; heartbeats are judged by theirs.
    pub policy: Policy,
    /// The rule that was broken, if one was.
    pub verdict: Result<(), Reason>,
    /// The outcome of the last segment.
    pub last: Outcome,
}

/// The outcome of the last segment is not part of the state.
impl PartialEq for Wire {
    fn eq(&self, other: &Self) -> bool {
        (self.connection, self.verdict) == (other.connection, other.verdict)
    }
}

impl Wire {
    /// A connection of which nothing was seen.
    pub fn fresh() -> Self {
        Wire {
            connection: Connection::default(),
            policy: Policy {
                heartbeat: true,
                ..Policy::default()
            },
            verdict: Ok(()),
            last: Outcome::default(),
        }
    }

    /// A connection opened by SYN and SYN-ACK.
    pub fn open(isn: u32) -> Self {
        Self::open_at([isn, isn])
    }

    /// The same, each side with a number of its own.
    pub fn open_at([client, server]: [u32; 2]) -> Self {
        let mut wire = Self::fresh();
        wire.reopen([client, server]);
        wire
    }

    /// Opens a connection, in the place of one before it if there was one.
    pub fn reopen(&mut self, [client, server]: [u32; 2]) {
        assert_eq!(self.send(Original, syn(client), &[]), Fate::Empty);
        let answer = syn_ack(server, client.wrapping_add(1));
        assert_eq!(self.send(Reply, answer, &[]), Fate::Empty);
    }

    /// The same, and a ClientHello has passed; the client's next byte has the number `isn + 1` too.
    pub fn greeted(isn: u32) -> Self {
        let hello = client_hello();
        let before = isn.wrapping_sub(hello.len() as u32);
        let mut wire = Self::open_at([before, isn]);
        let header = Segment {
            seq: before.wrapping_add(1),
            ..Segment::default()
        };
        assert_eq!(wire.send(Original, header, &hello), NEW);
        wire
    }

    /// Sends a segment.
    pub fn send(&mut self, direction: Direction, header: Segment, payload: &[u8]) -> Fate {
        let segment = Segment {
            len: payload.len() as u32,
            ..header
        };
        let policy = self.policy;
        // What is followed the quick way comes to the same as any other segment.
        let mut other = self.connection;
        let any = other.follow_any(&policy, direction, &segment, &mut &*payload);
        let outcome = self
            .connection
            .follow(&policy, direction, &segment, &mut &*payload);
        assert_eq!((outcome, self.connection), (any, other), "{segment:?}");
        self.verdict = self.connection.condemned().map_or(Ok(()), Err);
        self.last = outcome;
        self.fate(segment.len)
    }

    /// What became of the last segment, as its outcome says.
    fn fate(&self, len: u32) -> Fate {
        let counts = self.last.counts;
        match (self.last.verdict, self.connection.condemned()) {
            (Verdict::Condemned, Some(reason)) => Fate::Condemned(reason),
            (Verdict::Condemned, None) => Fate::Refused,
            (Verdict::Drop, _) => Fate::OutOfOrder,
            _ if counts.ooo_passed != 0 => Fate::PassedUnread,
            _ if counts.unsynced != 0 => Fate::Unsynced,
            _ if counts.gaps_skipped != 0 => Fate::AfterGap,
            _ if counts.bytes != 0 => Fate::Next {
                skip: len - counts.bytes,
            },
            _ if counts.retransmissions != 0 => Fate::Retransmission,
            _ => Fate::Empty,
        }
    }

    /// Sends payload of the client, `at` bytes after its first byte, that acknowledges nothing.
    pub fn client(&mut self, at: u32, payload: &[u8]) -> Fate {
        self.send(Original, at_byte(at), payload)
    }

    /// Sends payload of the server, likewise.
    pub fn server(&mut self, at: u32, payload: &[u8]) -> Fate {
        self.send(Reply, at_byte(at), payload)
    }

    /// Sends payload of the client that acknowledges what the server began with; returns whether it
    /// passes.
    pub fn passes(&mut self, at: u32, payload: &[u8]) -> bool {
        let header = Segment {
            ack: Some(ISN),
            ..at_byte(at)
        };
        let fate = self.send(Original, header, payload);
        fate != Fate::OutOfOrder && self.verdict.is_ok()
    }

    /// Whether a segment passes unread, out of order.
    pub fn passes_unread(&mut self, direction: Direction, header: Segment, payload: &[u8]) -> bool {
        let header = Segment {
            ack: header.ack.or(Some(ISN)),
            ..header
        };
        self.send(direction, header, payload) == Fate::PassedUnread
    }
}

/// A SYN.
pub fn syn(seq: u32) -> Segment {
    Segment {
        seq,
        syn: true,
        ..Segment::default()
    }
}

/// A SYN-ACK by which conntrack sees the connection begin.
pub fn syn_ack(seq: u32, ack: u32) -> Segment {
    Segment {
        ack: Some(ack),
        begins: true,
        ..syn(seq)
    }
}

/// The header of a segment that begins `at` bytes after its side's first byte.
pub fn at_byte(at: u32) -> Segment {
    Segment {
        seq: ISN.wrapping_add(1).wrapping_add(at),
        ..Segment::default()
    }
}

/// A segment with a signature: the option of TCP-MD5 or of TCP-AO.
pub fn signed(segment: Segment) -> Segment {
    Segment {
        signed: true,
        ..segment
    }
}

/// The lines of a vector in `honest.vec`.
pub fn lines(case: &str) -> Vec<vectors::Line> {
    let cases = vectors::load("honest").expect("tests/vectors/honest.vec");
    let case = cases.into_iter().find(|c| c.name == case);
    case.expect("the case is there").lines
}

/// What the client of a vector sends.
pub fn client_bytes(case: &str) -> Vec<u8> {
    let lines = lines(case);
    let client = lines.iter().filter(|line| line.direction == Original);
    client.flat_map(|line| line.bytes.clone()).collect()
}

/// A ClientHello.
pub fn client_hello() -> Vec<u8> {
    lines("honest_full_handshake_12").swap_remove(0).bytes
}

/// A record of application data whose body has no low bytes.
pub fn data(length: u16) -> Vec<u8> {
    record(&vec![0xaa; usize::from(length)])
}

/// A heartbeat that nobody negotiated.
pub fn heartbeat() -> Vec<u8> {
    record_of(24, &[0xaa; 40])
}

/// A record of that length that either side may send at any time in the clear: SupplementalData.
pub fn message(length: u16) -> Vec<u8> {
    let body = usize::from(length) - 4;
    let [high, low] = (body as u16).to_be_bytes();
    record_of(
        22,
        &[&[23, 0, high, low], vec![0xaa; body].as_slice()].concat(),
    )
}

/// A record of application data.
pub fn record(body: &[u8]) -> Vec<u8> {
    record_of(23, body)
}

/// A record of any kind.
pub fn record_of(kind: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = (body.len() as u16).to_be_bytes();
    [&[kind, 3, 3, high, low], body].concat()
}

/// A connection whose handshake is over, and where each side's next byte lies.
pub fn established(case: &str) -> (Wire, [u32; 2]) {
    established_at(case, ISN)
}

/// The same, whose sequence numbers begin at `isn`.
pub fn established_at(case: &str, isn: u32) -> (Wire, [u32; 2]) {
    let mut wire = Wire::open(isn);
    let mut next = [0, 0];
    for line in lines(case) {
        let at = &mut next[usize::from(line.direction == Reply)];
        let segment = Segment {
            seq: isn.wrapping_add(1).wrapping_add(*at),
            ..Segment::default()
        };
        assert_eq!(wire.send(line.direction, segment, &line.bytes), NEW);
        *at += line.bytes.len() as u32;
    }
    (wire, next)
}

/// A connection after a handshake: the client has sent 500 bytes of a record of 1495, then what
/// begins at byte 2000, so that the search ends at byte 3000. `ahead` passes out of order there.
pub fn with_ahead(case: &str, ahead: &[u8]) -> (Wire, [u32; 2]) {
    let (mut wire, next) = established(case);
    let [base, _] = next;
    assert_eq!(wire.client(base, &data(1495)[..500]), NEW);
    assert!(!wire.passes(base + 2000, &[0xaa; 1000]));
    assert!(wire.passes(base + 3000, ahead), "it runs ahead");
    (wire, next)
}
