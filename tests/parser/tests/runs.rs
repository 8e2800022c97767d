// SPDX-License-Identifier: GPL-2.0

//! The search for runs of low bytes finds what a plain loop finds, for any limit, content and cut.

use nf_conntrack_tls_tests::{
    tls_parser::{
        runs,
        Connection,
        Direction,
        Policy,
        Reason, //
    },
    wire,
};
use proptest::{
    collection,
    prelude::*,
    sample::Index, //
};

/// The rule by definition: one byte after the other.
fn oracle(run: u16, limit: u16, bytes: &[u8]) -> Option<u16> {
    if limit == 0 {
        return Some(0);
    }
    let mut run = u32::from(run);
    for &byte in bytes {
        run = if byte < 0x80 { run + 1 } else { 0 };
        if run > u32::from(limit) {
            return None;
        }
    }
    u16::try_from(run).ok()
}

/// Scans in pieces, each of which begins where the one before it ended.
fn scan_pieces(mut run: u16, limit: u16, pieces: &[&[u8]]) -> Option<u16> {
    for piece in pieces {
        run = runs::scan(run, limit, piece)?;
    }
    Some(run)
}

/// `bytes`, cut at those places of them that are inside.
fn cut<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &length in lengths {
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

/// Runs of low bytes about as long as the limit, between a few high ones.
fn content(limit: u16) -> impl Strategy<Value = Vec<u8>> {
    let longest = usize::from(limit.min(2000)) + 2;
    let low = prop_oneof![
        4 => 0..longest,
        1 => longest.saturating_sub(4)..longest,
    ];
    let run = (collection::vec(0x80..=0xff_u8, 0..4), low, 0..0x80_u8);
    collection::vec(run, 0..12).prop_map(|runs| {
        let mut bytes = Vec::new();
        for (high, low, byte) in runs {
            bytes.extend(high);
            bytes.extend(vec![byte; low]);
        }
        bytes
    })
}

/// A limit, content that comes close to it, and what was carried over from before.
fn search() -> impl Strategy<Value = (u16, Vec<u8>, u16)> {
    prop_oneof![
        1 => Just(0_u16),
        8 => 1..=300_u16,
        1 => 300..=u16::MAX,
    ]
    .prop_flat_map(|limit| (Just(limit), content(limit), 0..=limit))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn finds_what_a_plain_loop_finds((limit, bytes, run) in search()) {
        prop_assert_eq!(runs::scan(run, limit, &bytes), oracle(run, limit, &bytes));
    }

    #[test]
    fn finds_it_in_pieces(
        (limit, bytes, run) in search(),
        lengths in collection::vec(0..200_usize, 0..12),
    ) {
        let pieces = cut(&bytes, &lengths);
        prop_assert_eq!(scan_pieces(run, limit, &pieces), oracle(run, limit, &bytes));
    }

    /// A whole record of random bytes, with low ones put in its middle, in segments.
    #[test]
    fn finds_it_in_ciphertext(
        mut bytes in collection::vec(any::<u8>(), 16_000..=16_384),
        limit in prop_oneof![Just(128_u16), 64..=300_u16],
        lows in collection::vec((any::<Index>(), 0..310_usize), 0..6),
        lengths in prop_oneof![
            2 => Just(Vec::new()),
            1 => collection::vec(1..4000_usize, 0..12),
            1 => Just(vec![1448; 12]),
        ],
    ) {
        for (at, length) in lows {
            let at = at.index(bytes.len());
            let rest = bytes.split_at_mut(at).1;
            rest.iter_mut().take(length).for_each(|byte| *byte &= 0x7f);
        }
        prop_assert_eq!(scan_pieces(0, limit, &cut(&bytes, &lengths)), oracle(0, limit, &bytes));
    }

    #[test]
    fn finds_it_in_random_bytes(
        bytes in collection::vec(any::<u8>(), 0..3000),
        limit in 0..24_u16,
    ) {
        prop_assert_eq!(runs::scan(0, limit, &bytes), oracle(0, limit, &bytes));
    }

    /// Records, and segments that are cut elsewhere, change nothing.
    #[test]
    fn finds_it_in_records(
        (limit, bytes, _) in search(),
        records in collection::vec(0..200_usize, 0..12),
        segments in collection::vec(1..300_usize, 0..12),
    ) {
        let stream: Vec<u8> = cut(&bytes, &records)
            .iter()
            .flat_map(|body| body.chunks(1 << 14))
            .flat_map(|body| {
                let [high, low] = (body.len() as u16).to_be_bytes();
                [&[23, 3, 3, high, low], body].concat()
            })
            .collect();
        let policy = Policy { seq_len: limit, ..Policy::default() };
        let mut connection = Connection::begun();
        connection.feed(&policy, Direction::Original, &wire::client_hello()).unwrap();
        let mut feed = |bytes: &[u8]| connection.feed(&policy, Direction::Original, bytes);
        let verdict = cut(&stream, &segments)
            .iter()
            .try_for_each(|segment| feed(segment).map(|_| ()));
        let expected = oracle(0, limit, &bytes).map(|_| ()).ok_or(Reason::SuspiciousSequence);
        prop_assert_eq!(verdict, expected);
    }
}

/// One run at every place and alignment, as long as the limit and one longer, cut at every byte.
#[test]
fn finds_one_run_wherever_it_lies() {
    for limit in [1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 128] {
        for before in 0..18 {
            for length in [limit, limit + 1] {
                let low = usize::from(length);
                let bytes = [vec![0x80; before], vec![0x7f; low], vec![0xff; 9]].concat();
                let found = runs::scan(0, limit, &bytes).is_none();
                assert_eq!(
                    found,
                    length > limit,
                    "limit {limit}, {before} bytes before"
                );
                for at in 0..=bytes.len() {
                    let (first, second) = bytes.split_at(at);
                    let found = scan_pieces(0, limit, &[first, second]).is_none();
                    assert_eq!(
                        found,
                        length > limit,
                        "limit {limit}, {before} before, cut at {at}"
                    );
                }
            }
        }
    }
}

/// All places that two high bytes can have around where a word is looked at, for all short limits.
#[test]
fn finds_a_window_between_any_two_high_bytes() {
    for limit in 1..=40_u16 {
        let window = usize::from(limit) + 1;
        for length in window..window + 20 {
            for first in 0..=length {
                for second in first..=length {
                    let mut bytes = vec![0x7f; length];
                    for at in [first, second] {
                        if let Some(byte) = bytes.get_mut(at) {
                            *byte = 0x80;
                        }
                    }
                    assert_eq!(
                        runs::scan(0, limit, &bytes),
                        oracle(0, limit, &bytes),
                        "limit {limit}, {length} bytes, high ones at {first} and {second}"
                    );
                }
            }
        }
    }
}

/// A run as long as the limit, and one longer, at every place of a body with every count carried
/// in.
#[test]
fn finds_the_run_that_was_carried_over() {
    for limit in [7, 8, 20, 128, 300] {
        for run in 0..=limit {
            for length in [limit - run, limit - run + 1] {
                let low = usize::from(length);
                let bytes = [vec![0x7f; low], vec![0x80; 9], vec![0; 5]].concat();
                assert_eq!(
                    runs::scan(run, limit, &bytes).is_none(),
                    run + length > limit,
                    "limit {limit}, {run} before, {length} more"
                );
            }
        }
    }
}

/// With a limit below the count carried over, only a further low byte breaks the rule.
#[test]
fn a_lowered_limit_is_told_by_the_next_low_byte() {
    for limit in [5, 128] {
        for rest in [0, 20] {
            let behind = vec![0xff; rest];
            let bytes = |first: u8| [&[first], behind.as_slice()].concat();
            assert_eq!(runs::scan(limit + 9, limit, &[]), Some(limit + 9));
            assert_eq!(runs::scan(limit + 9, limit, &bytes(0x80)), Some(0));
            assert_eq!(runs::scan(limit + 9, limit, &bytes(0x7f)), None);
        }
    }
}

/// The run that is carried over is the number of low bytes at the end.
#[test]
fn carries_over_the_low_bytes_at_the_end() {
    for before in 0..40 {
        for low in 0..=20 {
            let bytes = [vec![0x80; before], vec![0; low]].concat();
            let carried = if before == 0 { 5 + low } else { low };
            assert_eq!(runs::scan(5, 128, &bytes), u16::try_from(carried).ok());
        }
    }
}

#[test]
fn nothing_is_carried_over_while_switched_off() {
    assert_eq!(runs::scan(0, 0, &[0; 70_000]), Some(0));
}

#[test]
fn the_greatest_limit_is_kept() {
    let run = runs::scan(0, u16::MAX, &[0; 65_535]);
    assert_eq!(run, Some(u16::MAX));
    assert_eq!(runs::scan(u16::MAX, u16::MAX, &[0x80]), Some(0));
    assert_eq!(runs::scan(u16::MAX, u16::MAX, &[0]), None);
}
