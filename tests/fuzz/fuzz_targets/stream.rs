// SPDX-License-Identifier: GPL-2.0

//! Segments of both directions in any order, after a real handshake or from the beginning, as the
//! module places them: a segment that was read is a retransmission when it comes again, and changes
//! nothing; a verdict stays; what is empty or out of order moves nothing; what passes unread begins
//! no record.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction,
        Segment,
        Verdict, //
    },
    vectors::{
        self,
        Line, //
    },
    wire::Wire,
};
use std::sync::LazyLock;

#[derive(Arbitrary, Debug)]
struct Input {
    handshake: Option<u8>,
    isn: u32,
    passive: bool,
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

/// Sends a segment, and again: whatever was read is a retransmission then, and changes nothing.
fn send(wire: &mut Wire, direction: Direction, segment: &Segment, payload: &[u8]) {
    let before = wire.connection;
    wire.send(direction, *segment, payload);
    let outcome = wire.last;
    let condemned = before.condemned();
    if condemned.is_some() && outcome.counts.connections == 0 {
        assert_eq!(wire.connection.condemned(), condemned, "acquitted");
    }
    assert!(outcome.broken.is_none() || !wire.policy.passive, "it drops");
    assert!(outcome.verdict == Verdict::Pass || !wire.policy.passive);
    assert!(outcome.counts.bytes as usize <= payload.len());
    let read = outcome.verdict == Verdict::Pass && outcome.counts.bytes != 0;
    if !read || segment.syn || outcome.counts.unreadable != 0 || !outcome.reported.is_empty() {
        return;
    }
    // What passed out of order is resolved, at the latest now.
    wire.send(direction, *segment, payload);
    let state = wire.connection;
    wire.send(direction, *segment, payload);
    assert_eq!(wire.last.counts.bytes, 0, "it is read again");
    assert_eq!(wire.connection, state);
}

fuzz_target!(|input: Input| {
    let mut wire = Wire::open(input.isn);
    if input.passive {
        wire.policy = wire.policy.reporting();
    }
    let mut next = [input.isn.wrapping_add(1); 2];
    let handshake = input
        .handshake
        .map(usize::from)
        .and_then(|case| HANDSHAKES.get(case % HANDSHAKES.len()));
    for line in handshake.into_iter().flatten() {
        let next = &mut next[usize::from(line.direction == Direction::Reply)];
        let segment = Segment {
            seq: *next,
            len: line.bytes.len() as u32,
            ..Segment::default()
        };
        *next = next.wrapping_add(segment.len);
        send(&mut wire, line.direction, &segment, &line.bytes);
    }
    for piece in &input.segments {
        let (direction, own) = if piece.reply {
            (Direction::Reply, 1)
        } else {
            (Direction::Original, 0)
        };
        let from = |side: usize, at: i16| next[side].wrapping_add_signed(i32::from(at));
        let segment = Segment {
            seq: from(own, piece.at),
            ack: piece.acknowledged.map(|at| from(1 - own, at)),
            len: piece.payload.len() as u32,
            syn: piece.flags & 0x1f == 1,
            fin: piece.flags & 0x1f == 2,
            rst: piece.flags & 0x1f == 3,
            urg: piece.flags & 0x1f == 4,
            signed: piece.flags & 0xe0 == 0x40,
            overruns: piece.flags & 0xe0 == 0x60,
            begins: piece.flags & 0xe0 == 0x80,
            mptcp: piece.flags & 0xe0 == 0xa0,
            ack_lag: u32::from(piece.flags & 0xe0 == 0x20),
            established: (piece.flags & 0xe0 == 0xc0).then(|| from(own, 0)),
            ..Segment::default()
        };
        send(&mut wire, direction, &segment, &piece.payload);
    }
});
