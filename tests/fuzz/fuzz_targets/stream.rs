// SPDX-License-Identifier: GPL-2.0

//! Segments of both directions in any order, after a real handshake or from the beginning, as the
//! module places them: a segment that was read is a retransmission when it comes again, and changes
//! nothing; a verdict stays; what is empty or out of order moves nothing; what passes unread begins
//! no record. The quick way and the long one come to the same: see [`Wire::send`].

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction,
        Policy,
        Reasons,
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
    /// For the handshake, and for what comes after it.
    rules: [Rules; 2],
    segments: Vec<Piece>,
}

#[derive(Arbitrary, Debug)]
struct Rules {
    seq_len: u8,
    heartbeat: bool,
    report: u32,
    off: u32,
}

#[derive(Arbitrary, Debug)]
struct Piece {
    reply: bool,
    /// From where the direction stood after the handshake; without it the segment is the next one.
    at: Option<i16>,
    /// The minor version of the header that stands before the payload, which it makes a record of
    /// application data.
    data: Option<u8>,
    acknowledged: Option<i16>,
    flags: u8,
    payload: Vec<u8>,
}

static HANDSHAKES: LazyLock<Vec<Vec<Line>>> = LazyLock::new(|| {
    let cases = vectors::load("honest").expect("tests/vectors/honest.vec");
    cases.into_iter().map(|case| case.lines).collect()
});

/// The policy of a connection, with those rules.
fn policy(rules: &Rules, passive: bool) -> Policy {
    let policy = Policy {
        seq_len: u16::from(rules.seq_len),
        heartbeat: rules.heartbeat,
        report: Reasons::from_bits(rules.report),
        off: Reasons::from_bits(rules.off),
        ..Policy::default()
    };
    if passive {
        policy.reporting()
    } else {
        policy
    }
}

/// The payload, as a record of application data if it is to be one.
fn payload(piece: &Piece) -> Vec<u8> {
    let Some(minor) = piece.data else {
        return piece.payload.clone();
    };
    let [high, low] = (piece.payload.len() as u16).to_be_bytes();
    [&[23, 3, minor & 3, high, low], piece.payload.as_slice()].concat()
}

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
    let [handshake_rules, rules] = &input.rules;
    wire.policy = policy(handshake_rules, input.passive);
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
    wire.policy = policy(rules, input.passive);
    let after = next;
    for piece in &input.segments {
        let (direction, own) = if piece.reply {
            (Direction::Reply, 1)
        } else {
            (Direction::Original, 0)
        };
        let from = |side: usize, at: i16| after[side].wrapping_add_signed(i32::from(at));
        let payload = payload(piece);
        let segment = Segment {
            seq: piece.at.map_or(next[own], |at| from(own, at)),
            ack: piece.acknowledged.map(|at| from(1 - own, at)),
            len: payload.len() as u32,
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
        if piece.at.is_none() {
            next[own] = next[own].wrapping_add(segment.len);
        }
        send(&mut wire, direction, &segment, &payload);
    }
});
