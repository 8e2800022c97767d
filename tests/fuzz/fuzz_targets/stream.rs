// SPDX-License-Identifier: GPL-2.0

//! Segments of both directions in any order, after a real handshake or from the beginning, as the module
//! places them: a segment that was read is a retransmission when it comes again, and changes nothing; nothing
//! acquits; what is empty or out of order moves nothing; what passes unread begins no record.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nf_conntrack_tls_tests::{
    tls_parser::{
        Connection,
        Direction,
        HeaderSearch,
        Placement,
        Policy,
        Segment, //
    },
    vectors::{
        self,
        Line, //
    },
};
use std::sync::LazyLock;

#[derive(Arbitrary, Debug)]
struct Input {
    handshake: Option<u8>,
    isn: u32,
    segments: Vec<Piece>,
}

#[derive(Arbitrary, Debug)]
struct Piece {
    reply: bool,
    /// From where the direction stood after the handshake.
    at: i16,
    acknowledged: Option<i16>,
    flags: u8,
    payload: Vec<u8>,
}

static HANDSHAKES: LazyLock<Vec<Vec<Line>>> = LazyLock::new(|| {
    let cases = vectors::load("honest").expect("tests/vectors/honest.vec");
    cases.into_iter().map(|case| case.lines).collect()
});

struct Wire {
    connection: Connection,
    /// The next sequence numbers of both sides.
    next: [u32; 2],
}

impl Wire {
    fn send(&mut self, direction: Direction, segment: &Segment, payload: &[u8]) -> Placement {
        self.send_part(direction, segment, payload, false)
    }

    /// Sends what of a segment is next; `again` if its first part has been read.
    fn send_part(
        &mut self,
        direction: Direction,
        segment: &Segment,
        payload: &[u8],
        again: bool,
    ) -> Placement {
        let policy = Policy::default();
        let condemned = self.connection.condemned();
        let placement = self.connection.place(direction, segment);
        let (skip, end) = match placement {
            Placement::Next { skip, end } => (skip, end),
            Placement::BehindHole { end } => (0, end),
            _ => (0, 0),
        };
        let read = payload
            .get(skip as usize..end as usize)
            .expect("more is read than there is");
        let fed = self.connection.feed(&policy, direction, read);
        if end != 0 && end < segment.len {
            assert!(end > skip, "nothing is read of it");
            assert!(!again, "it is cut once");
            if fed.is_ok() {
                self.send_part(direction, segment, payload, true);
            }
            return placement;
        }
        if placement == Placement::OutOfOrder {
            let search = |mut search: HeaderSearch| {
                search.feed(payload);
                Some(search)
            };
            self.connection
                .run_ahead(&policy, direction, segment, search);
        }
        if placement == Placement::MidStream {
            let header_at = |at: u32| payload.get(at as usize..)?.first_chunk().copied();
            self.connection.pick_up(direction, segment, header_at);
        }
        if condemned.is_some() {
            assert_eq!(self.connection.condemned(), condemned, "acquitted");
        }
        let read = !read.is_empty() || placement == Placement::Retransmission;
        if fed.is_ok() && read && !segment.syn {
            // What ran ahead is settled, at the latest now.
            self.connection.place(direction, segment);
            let state = self.connection;
            assert_eq!(
                self.connection.place(direction, segment),
                Placement::Retransmission
            );
            assert_eq!(self.connection, state);
        }
        placement
    }
}

fn open(isn: u32) -> Wire {
    let first = isn.wrapping_add(1);
    let mut wire = Wire {
        connection: Connection::default(),
        next: [first, first],
    };
    let syn = |ack| Segment {
        seq: isn,
        ack,
        syn: true,
        ..Segment::default()
    };
    wire.send(Direction::Original, &syn(None), &[]);
    wire.send(Direction::Reply, &syn(Some(first)), &[]);
    wire
}

fuzz_target!(|input: Input| {
    let mut wire = open(input.isn);
    let handshake = input
        .handshake
        .map(usize::from)
        .and_then(|case| HANDSHAKES.get(case % HANDSHAKES.len()));
    for line in handshake.into_iter().flatten() {
        let next = &mut wire.next[usize::from(line.direction == Direction::Reply)];
        let segment = Segment {
            seq: *next,
            len: line.bytes.len() as u32,
            ..Segment::default()
        };
        *next = next.wrapping_add(segment.len);
        wire.send(line.direction, &segment, &line.bytes);
    }
    for piece in &input.segments {
        let (direction, own) = if piece.reply {
            (Direction::Reply, 1)
        } else {
            (Direction::Original, 0)
        };
        let from = |side: usize, at: i16| wire.next[side].wrapping_add_signed(i32::from(at));
        let segment = Segment {
            seq: from(own, piece.at),
            ack: piece.acknowledged.map(|at| from(1 - own, at)),
            len: piece.payload.len() as u32,
            syn: piece.flags & 0x1f == 1,
            fin: piece.flags & 0x1f == 2,
            rst: piece.flags & 0x1f == 3,
            urg: piece.flags & 0x1f == 4,
            stale: piece.flags & 0xe0 == 0x20,
            signed: piece.flags & 0xe0 == 0x40,
        };
        wire.send(direction, &segment, &piece.payload);
    }
});
