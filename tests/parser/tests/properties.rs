// SPDX-License-Identifier: GPL-2.0

//! Any bytes, in any pieces: no panic, the same verdict, and 32 bytes of state.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Connection,
        Direction,
        Opening,
        Policy,
        Reason, //
    },
    vectors::{
        self,
        Case,
        Line, //
    },
    wire,
};
use proptest::{
    collection,
    prelude::*,
    sample::Index, //
};
use std::sync::LazyLock;

// What conntrack gives a helper.
const _: () = assert!(size_of::<Connection>() == 32 && align_of::<Connection>() == 8);

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| vectors::load_all().unwrap());

#[test]
fn a_fresh_connection_has_broken_nothing() {
    assert_eq!(Connection::default().condemned(), None);
}

/// Also where it lies whole after another of its kind, as in a segment of 64 KiB.
#[test]
fn a_record_that_is_too_long_is_noticed_behind_another() {
    for (length, verdict) in [(0x4800_u16, Ok(2)), (0x4801, Err(Reason::RecordLength))] {
        let [high, low] = length.to_be_bytes();
        let mut bytes = vec![23, 3, 3, 0, 1, 0xff, 23, 3, 3, high, low];
        bytes.resize(bytes.len() + usize::from(length), 0xff);
        let mut connection = Connection::begun();
        let hello = wire::client_hello();
        assert_eq!(
            connection.feed(&Policy::default(), Direction::Original, &hello),
            Ok(1)
        );
        let fed = connection.feed(&Policy::default(), Direction::Original, &bytes);
        assert_eq!(fed, verdict);
    }
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Original), Just(Direction::Reply)]
}

fn policy() -> impl Strategy<Value = Policy> {
    let seq_len = prop_oneof![Just(128), Just(0), Just(1), any::<u16>()];
    let min_version = prop_oneof![4 => Just(0), 1 => 0x0300..=0x0304_u16];
    let opening = prop_oneof![
        3 => Just(Opening::Tls),
        2 => Just(Opening::Starttls),
        1 => Just(Opening::StarttlsRequired),
        1 => Just(Opening::Proxy),
    ];
    (seq_len, any::<bool>(), min_version, opening).prop_map(
        |(seq_len, heartbeat, min_version, opening)| Policy {
            seq_len,
            heartbeat,
            min_version,
            opening,
            ..Policy::default()
        },
    )
}

/// Lines of bytes that mean nothing.
fn noise() -> impl Strategy<Value = Vec<Line>> {
    let bytes = collection::vec(any::<u8>(), 0..200);
    let line = (direction(), bytes).prop_map(|(direction, bytes)| Line { direction, bytes });
    collection::vec(line, 0..8)
}

/// Records with valid headers and any content, a few per line; application data most often.
fn records() -> impl Strategy<Value = Vec<Line>> {
    let body = prop_oneof![
        4 => collection::vec(any::<u8>(), 0..60),
        4 => collection::vec(0..3_u8, 0..60),
        4 => collection::vec(0x80..=0xff_u8, 30..60),
        1 => Just(Vec::new()),
        1 => (0..=18_433_usize).prop_map(|length| vec![0xff; length]),
    ];
    let kind = prop_oneof![20..=24_u8, Just(23)];
    let minor = prop_oneof![1 => 0..=4_u8, 2 => Just(3)];
    let record = (kind, minor, body).prop_map(|(kind, minor, body)| {
        let [high, low] = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[kind, 3, minor, high, low], body.as_slice()].concat()
    });
    let bytes = collection::vec(record, 1..6).prop_map(|records| records.concat());
    let line = (direction(), bytes).prop_map(|(direction, bytes)| Line { direction, bytes });
    collection::vec(line, 0..6)
}

/// A vector in which some bytes are changed, or left out, or sent twice.
fn mutants() -> impl Strategy<Value = Vec<Line>> {
    let mutation = (any::<Index>(), any::<Index>(), any::<u8>(), 0..4_u8);
    let vector = any::<Index>().prop_map(|index| index.get(&CASES).lines.clone());
    (vector, collection::vec(mutation, 0..4)).prop_map(|(mut lines, mutations)| {
        for (line, at, byte, kind) in mutations {
            vectors::mutate(
                &mut line.get_mut(&mut lines).bytes,
                |length| at.index(length),
                byte,
                kind,
            );
        }
        lines
    })
}

fn anything() -> impl Strategy<Value = Vec<Line>> {
    prop_oneof![1 => noise(), 3 => records(), 6 => mutants()]
}

/// Feeds all lines, each in pieces of the next of `lengths`, over and over. The verdict has the
/// records.
fn feed(policy: &Policy, lines: &[Line], lengths: &[usize]) -> (Result<u32, Reason>, Connection) {
    let mut connection = Connection::begun();
    let mut lengths = lengths.iter().copied().cycle();
    let mut verdict = Ok(0);
    for line in lines {
        let mut bytes = line.bytes.as_slice();
        while !bytes.is_empty() {
            let length = lengths.next().unwrap_or(usize::MAX).min(bytes.len());
            let (piece, rest) = bytes.split_at(length);
            let fed = connection.feed(policy, line.direction, piece);
            verdict = fed.and_then(|begun| verdict.map(|before| before + begun));
            bytes = rest;
        }
    }
    (verdict, connection)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Pieces give the same verdict as the whole, and the same state if no rule is broken.
    #[test]
    fn pieces_change_nothing(
        policy in policy(),
        lines in anything(),
        lengths in collection::vec(1..40_usize, 1..20),
    ) {
        let (verdict, whole) = feed(&policy, &lines, &[]);
        let (in_pieces, pieces) = feed(&policy, &lines, &lengths);
        prop_assert_eq!(in_pieces, verdict);
        prop_assert_eq!(pieces.condemned(), whole.condemned());
        if verdict.is_ok() {
            prop_assert_eq!(pieces, whole);
        }
    }

    #[test]
    fn single_bytes_change_nothing(policy in policy(), lines in anything()) {
        let (verdict, _) = feed(&policy, &lines, &[]);
        prop_assert_eq!(feed(&policy, &lines, &[1]).0, verdict);
    }

    /// Once condemned, always condemned, for the same reason.
    #[test]
    fn a_verdict_stays(policy in policy(), lines in anything(), more in anything()) {
        let (verdict, mut connection) = feed(&policy, &lines, &[]);
        prop_assert_eq!(connection.condemned(), verdict.err());
        if let Err(reason) = verdict {
            for line in &more {
                let later = connection.feed(&policy, line.direction, &line.bytes);
                prop_assert_eq!(later, Err(reason));
            }
        }
    }

    /// An empty feed changes nothing, at any point between the lines of both directions.
    #[test]
    fn nothing_is_nothing(policy in policy(), lines in anything(), direction in direction()) {
        let (verdict, before) = feed(&policy, &lines, &[]);
        let mut after = before;
        prop_assert_eq!(after.feed(&policy, direction, &[]), verdict.map(|_| 0));
        prop_assert_eq!(after, before);
    }
}
