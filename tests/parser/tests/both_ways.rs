// SPDX-License-Identifier: GPL-2.0

//! The quick way and the long one come to the same, whatever came before: after conversations that
//! are whole or changed, of which segments are lost, late or sent again, by policies that change
//! meanwhile. [`Wire::send`] follows each segment both ways, and compares.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Connection,
        Direction::{
            self,
            Original,
            Reply, //
        },
        Opening,
        Policy,
        Reasons,
        Segment,
        Verdict, //
    },
    vectors::{
        self,
        Line, //
    },
    wire::{
        syn,
        syn_ack,
        Wire, //
    },
};
use proptest::{
    collection,
    prelude::*,
    sample::{
        self,
        Index, //
    }, //
};

/// What both sides say, and how the connection may begin TLS.
#[derive(Clone, Debug)]
struct Talk {
    opening: Opening,
    lines: Vec<Line>,
}

/// A segment of it.
#[derive(Clone, Debug)]
struct Piece {
    direction: Direction,
    at: u32,
    ack: u32,
    bytes: Vec<u8>,
    special: Special,
}

/// What is special about a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Special {
    Nothing,
    Syn,
    SynAck,
    Fin,
    Rst,
    Urgent,
    Signature,
    Overrun,
    Opaque,
    Late,
    Established,
    /// The stream is lost before it.
    Lost,
}

/// What happens to a segment.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// It is overtaken by that many.
    Delay(usize),
    /// It is sent again after that many.
    Repeat(usize),
    Loss,
    /// That many of its first bytes are missing.
    Cut(usize),
    Mark(Special),
}

/// How a connection begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Beginning {
    Open,
    Signed,
    Multipath,
    /// The SYN-ACK does not come here.
    Unanswered,
    Unseen,
}

/// A policy, but for what comes before TLS.
fn policy() -> impl Strategy<Value = Policy> {
    let reasons = prop_oneof![
        2 => Just(Reasons::NONE),
        3 => Just(Reasons::ALL),
        1 => any::<u32>().prop_map(Reasons::from_bits),
    ];
    let seq_len = prop_oneof![2 => Just(128), 1 => Just(0), 2 => 1..40_u16];
    let off = prop_oneof![2 => Just(Reasons::NONE), 1 => reasons.clone()];
    (
        seq_len,
        any::<bool>(),
        reasons,
        off,
        prop::bool::weighted(0.1),
    )
        .prop_map(|(seq_len, heartbeat, report, off, passive)| Policy {
            seq_len,
            heartbeat,
            report,
            off,
            passive,
            ..Policy::default()
        })
}

/// A record, application data most often, whose header may lie about its length. The version is
/// left out if it is the conversation's.
fn record() -> impl Strategy<Value = (u8, Option<u8>, i8, Vec<u8>)> {
    let kind = prop_oneof![10 => Just(23), 3 => 20..=24_u8, 2 => Just(24), 1 => any::<u8>()];
    let minor = prop_oneof![8 => Just(None), 2 => Just(Some(3)), 1 => (0..=4_u8).prop_map(Some)];
    let lie = prop_oneof![20 => Just(0), 1 => any::<i8>()];
    let body = prop_oneof![
        4 => Just(Vec::new()),
        12 => collection::vec(0x80..=0xff_u8, 1..60),
        4 => collection::vec(0..4_u8, 1..60),
        4 => collection::vec(any::<u8>(), 1..60),
        1 => (0x3ff0..0x4810_usize).prop_map(|length| vec![0xff; length]),
    ];
    (kind, minor, lie, body)
}

/// The minor version of the last line that has one, else 3.
fn minor(lines: &[Line]) -> u8 {
    let versions = lines.iter().rev().map(|line| line.bytes.as_slice());
    let mut minors = versions.filter_map(|bytes| match bytes {
        [_, 3, minor, ..] => Some(*minor),
        _ => None,
    });
    minors.next().unwrap_or(3)
}

/// A vector, most often one that breaks no rule, as it is, cut short or changed.
fn vector() -> impl Strategy<Value = Talk> {
    let all = vectors::load_all().unwrap();
    let valid: Vec<_> = all
        .iter()
        .filter(|case| case.expect.is_none())
        .cloned()
        .collect();
    let case = prop_oneof![3 => sample::select(valid), 1 => sample::select(all)];
    let mutation = (any::<Index>(), any::<Index>(), any::<u8>(), 0..4_u8);
    let mutations = prop_oneof![3 => Just(Vec::new()), 1 => collection::vec(mutation, 1..4)];
    let end = prop_oneof![3 => Just(None), 1 => any::<Index>().prop_map(Some)];
    (case, mutations, end).prop_map(|(case, mutations, end)| {
        let mut lines = case.lines;
        if let Some(end) = end {
            lines.truncate(end.index(lines.len()) + 1);
        }
        for (line, at, byte, kind) in mutations {
            vectors::mutate(
                &mut line.get_mut(&mut lines).bytes,
                |length| at.index(length),
                byte,
                kind,
            );
        }
        let opening = case.policy.opening;
        Talk { opening, lines }
    })
}

/// A vector, and records after it.
fn talk() -> impl Strategy<Value = Talk> {
    let direction = prop_oneof![Just(Original), Just(Reply)];
    let line = (direction, collection::vec(record(), 1..5));
    (vector(), collection::vec(line, 0..30)).prop_map(|(mut talk, tail)| {
        let own = minor(&talk.lines);
        for (direction, records) in tail {
            let mut bytes = Vec::new();
            for (kind, minor, lie, body) in records {
                let length = (body.len() as u16).wrapping_add_signed(i16::from(lie));
                let [high, low] = length.to_be_bytes();
                bytes.extend([kind, 3, minor.unwrap_or(own), high, low]);
                bytes.extend(body);
            }
            talk.lines.push(Line { direction, bytes });
        }
        talk
    })
}

fn event() -> impl Strategy<Value = Event> {
    let special = sample::select(vec![
        Special::Syn,
        Special::SynAck,
        Special::Fin,
        Special::Rst,
        Special::Urgent,
        Special::Signature,
        Special::Overrun,
        Special::Opaque,
        Special::Late,
        Special::Established,
        Special::Lost,
    ]);
    prop_oneof![
        4 => (0..8_usize).prop_map(Event::Delay),
        1 => (0..8_usize).prop_map(Event::Repeat),
        1 => Just(Event::Loss),
        1 => (0..256_usize).prop_map(Event::Cut),
        2 => special.prop_map(Event::Mark),
    ]
}

fn beginning() -> impl Strategy<Value = Beginning> {
    prop_oneof![
        8 => Just(Beginning::Open),
        1 => Just(Beginning::Signed),
        1 => Just(Beginning::Multipath),
        1 => Just(Beginning::Unanswered),
        1 => Just(Beginning::Unseen),
    ]
}

/// Cuts the lines into segments.
fn pieces(lines: &[Line], lengths: &[usize]) -> Vec<Piece> {
    let mut lengths = lengths.iter().copied().cycle();
    let mut next = [0_u32; 2];
    let mut pieces = Vec::new();
    for line in lines {
        let own = usize::from(line.direction == Reply);
        let mut bytes = line.bytes.as_slice();
        while !bytes.is_empty() {
            let length = lengths.next().unwrap_or(usize::MAX).min(bytes.len());
            let (piece, rest) = bytes.split_at(length);
            pieces.push(Piece {
                direction: line.direction,
                at: next[own],
                ack: next[1 - own],
                bytes: piece.to_vec(),
                special: Special::Nothing,
            });
            next[own] += length as u32;
            bytes = rest;
        }
    }
    pieces
}

fn disturb(pieces: &mut Vec<Piece>, event: Event, at: Index) {
    if pieces.is_empty() {
        return;
    }
    let at = at.index(pieces.len());
    match event {
        Event::Delay(by) => {
            let piece = pieces.remove(at);
            pieces.insert(pieces.len().min(at + by), piece);
        }
        Event::Repeat(by) => pieces.insert(pieces.len().min(at + by), pieces[at].clone()),
        Event::Loss => {
            pieces.remove(at);
        }
        Event::Cut(by) => {
            let piece = &mut pieces[at];
            let by = piece.bytes.len().min(by);
            piece.bytes.drain(..by);
            piece.at += by as u32;
        }
        Event::Mark(special) => pieces[at].special = special,
    }
}

/// Begins a connection.
fn begin(beginning: Beginning, isn: u32) -> Wire {
    let mut wire = Wire::fresh();
    let mark = |segment| Segment {
        signed: beginning == Beginning::Signed,
        mptcp: beginning == Beginning::Multipath,
        ..segment
    };
    if beginning != Beginning::Unseen {
        wire.send(Original, mark(syn(isn)), &[]);
    }
    if !matches!(beginning, Beginning::Unseen | Beginning::Unanswered) {
        wire.send(Reply, mark(syn_ack(isn, isn.wrapping_add(1))), &[]);
    }
    wire
}

/// The header of a segment, whose side's first byte comes after `isn`.
fn header(piece: &Piece, beginning: Beginning, isn: u32) -> Segment {
    let number = |at: u32| isn.wrapping_add(1).wrapping_add(at);
    let is = |special| piece.special == special;
    Segment {
        seq: number(piece.at),
        ack: (!is(Special::Syn)).then(|| number(piece.ack)),
        syn: is(Special::Syn) || is(Special::SynAck),
        fin: is(Special::Fin),
        rst: is(Special::Rst),
        urg: is(Special::Urgent),
        signed: is(Special::Signature) != (beginning == Beginning::Signed),
        overruns: is(Special::Overrun),
        begins: is(Special::SynAck),
        opaque: is(Special::Opaque),
        ack_lag: u32::from(is(Special::Late)),
        max_window: 1000,
        established: (is(Special::Established) || beginning == Beginning::Unanswered)
            .then(|| number(0)),
        ..Segment::default()
    }
}

/// Feeds the lines, whole, and sends them, whole and the long way: both come to the same.
fn feed(talk: &Talk, policies: &[Policy]) -> Result<(), TestCaseError> {
    let (mut fed, mut sent) = (Connection::begun(), Connection::begun());
    let mut next = [0_u32; 2];
    for (line, policy) in talk.lines.iter().zip(policies.iter().cycle()) {
        let policy = Policy {
            opening: talk.opening,
            passive: false,
            ..*policy
        };
        let next = &mut next[usize::from(line.direction == Reply)];
        let segment = Segment {
            seq: *next,
            len: line.bytes.len() as u32,
            ..Segment::default()
        };
        *next += segment.len;
        let records = fed.feed(&policy, line.direction, &line.bytes);
        let outcome = sent.follow_any(
            &policy,
            line.direction,
            &segment,
            &mut line.bytes.as_slice(),
        );
        prop_assert_eq!(fed.condemned(), sent.condemned());
        match outcome.verdict {
            Verdict::Condemned => prop_assert_eq!(records.err(), sent.condemned()),
            _ => prop_assert_eq!(records, Ok(outcome.counts.records)),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_segment_comes_to_the_same(
        talk in talk(),
        lengths in collection::vec(
            prop_oneof![3 => 1..40_usize, 1 => 1..1500_usize, 2 => Just(usize::MAX)],
            1..20,
        ),
        events in collection::vec((event(), any::<Index>()), 0..8),
        policies in collection::vec((policy(), 1..200_usize), 1..6),
        beginning in beginning(),
        isn in any::<u32>(),
    ) {
        let mut pieces = pieces(&talk.lines, &lengths);
        for (event, at) in events {
            disturb(&mut pieces, event, at);
        }
        let mut wire = begin(beginning, isn);
        let times = policies.iter().flat_map(|&(policy, times)| vec![policy; times]);
        for (piece, policy) in pieces.iter().zip(times.cycle()) {
            wire.policy = Policy {
                opening: talk.opening,
                ..policy
            };
            if piece.special == Special::Lost {
                wire.connection.lose(piece.direction);
            }
            wire.send(piece.direction, header(piece, beginning, isn), &piece.bytes);
        }
    }

    #[test]
    fn what_is_fed_comes_to_the_same(
        talk in talk(),
        policies in collection::vec(policy(), 1..20),
    ) {
        feed(&talk, &policies)?;
    }
}
