// SPDX-License-Identifier: GPL-2.0

//! Neither loss nor repetition changes a verdict.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction::{
            Original, //
        },
        Reason, //
    },
    wire::{
        client_bytes,
        data,
        established,
        record,
        Wire,
        ISN,
        NEW, //
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
use std::sync::LazyLock;

/// A ClientHello, early data, and at last a body without low bytes: no run is open at the end.
static HONEST_STREAM: LazyLock<Vec<u8>> = LazyLock::new(|| {
    [
        client_bytes("honest_early_data_no_ccs"),
        data(2000),
        data(1),
    ]
    .concat()
});

/// Segments from anywhere in a stream, in any order.
fn chaos() -> impl Strategy<Value = Vec<(Index, usize)>> {
    collection::vec((any::<Index>(), 1..1500_usize), 0..60)
}

/// Sends parts of a stream in the order given, and then all of it in order.
fn send_all(stream: &[u8], parts: &[(Index, usize)], size: usize) -> Wire {
    let mut wire = Wire::open(ISN);
    for (start, length) in parts {
        let start = start.index(stream.len());
        let end = stream.len().min(start + length);
        wire.client(start as u32, &stream[start..end]);
    }
    for (index, segment) in stream.chunks(size).enumerate() {
        wire.client((index * size) as u32, segment);
    }
    wire
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// A valid stream leads to the same state, whatever is lost, repeated or cut on its way.
    #[test]
    fn any_order_passes_an_honest_stream(parts in chaos(), size in 1..1500_usize) {
        let stream = &HONEST_STREAM;
        prop_assert_eq!(send_all(stream, &parts, size), send_all(stream, &[], 1460));
    }

    /// A broken rule is found, whatever is lost, repeated or cut on its way.
    #[test]
    fn any_order_condemns_a_breach(parts in chaos(), size in 1..1500_usize) {
        let stream = [HONEST_STREAM.clone(), vec![24, 3, 3, 0, 3, 1, 0x40, 0], data(500)].concat();
        let wire = send_all(&stream, &parts, size);
        prop_assert_eq!(wire.connection.condemned(), Some(Reason::Heartbleed));
    }
}

/// A side that was not seen may have finished its handshake: heartbeats of the other pass.
#[test]
fn a_heartbeat_passes_when_only_its_side_was_picked_up() {
    let mut wire = Wire::fresh();
    assert!(wire.client(0, &data(40)) == NEW);
    wire.client(45, &[&[24, 3, 3, 0, 40], [0xaa; 40].as_slice()].concat());
    assert_eq!(wire.verdict, Ok(()));
}

/// The shortest segment; headers are cut only by its bounds.
const CELL: usize = 15;

/// Headers of application data and heartbeats, and bodies.
fn tokens() -> impl Strategy<Value = Vec<u8>> {
    let length = sample::select(vec![0, 5, 10, 20, 25, 40, 55]);
    let token = prop_oneof![
        4 => length.prop_map(|length| vec![23, 3, 3, 0, length]),
        1 => Just(vec![24, 3, 3, 0, 40]),
        3 => (1..20_usize).prop_map(|length| vec![0xaa; length]),
    ];
    collection::vec(token, 1..12).prop_map(|mut tokens| {
        tokens.push(vec![0xaa; CELL]);
        tokens.concat()
    })
}

/// Whether the stream of records has a heartbeat whose header lies in one cell.
fn has_whole_heartbeat(stream: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&[content_type, 3, 3, 0, length]) = stream[at..].first_chunk() {
        match content_type {
            23 => at += 5 + usize::from(length),
            _ => return at / CELL == (at + 4) / CELL,
        }
        if at > stream.len() {
            break;
        }
    }
    false
}

/// Whether a header lies in a body, and another one, there or not, where that one's record would
/// end: a false chain would be believed. Of random bytes one in 2^36 begins one.
fn has_chain_by_chance(stream: &[u8]) -> bool {
    let length_at = |at: usize| match stream.get(at..)?.first_chunk()? {
        [23, 3, 3, high, low] => Some(5 + usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    };
    let mut begins = vec![false; stream.len()];
    let mut next = 0;
    while let Some(length) = length_at(next) {
        begins[next] = true;
        next += length;
    }
    (0..stream.len()).filter(|&at| !begins[at]).any(|at| {
        let end = length_at(at).map(|length| at + length);
        end.is_some_and(|end| length_at(end).is_some())
    })
}

/// Bodies with much that looks like headers, or the parts of some.
fn records() -> impl Strategy<Value = Vec<u8>> {
    let byte = sample::select(vec![3, 3, 3, 23, 24, 0, 0x40, 0xaa, 0xff]);
    let body = prop_oneof![
        collection::vec(byte.clone(), 0..40),
        collection::vec(byte, 1000..3000),
    ];
    collection::vec(body, 1..12)
        .prop_map(|bodies| -> Vec<u8> { bodies.iter().flat_map(|body| record(body)).collect() })
        .prop_filter("a chain by chance", |records| !has_chain_by_chance(records))
}

/// Sends a stream until all segments have passed: first with losses, then all that is missing, in
/// order.
///
/// What has passed is not sent again. `losses` has what is lost, and what is overtaken.
fn send_with_losses(wire: &mut Wire, base: u32, stream: &[u8], size: usize, losses: &[u8]) {
    let mut missing: Vec<_> = stream.chunks(size).enumerate().collect();
    let mut losses = losses.iter();
    for lossless in [false, false, false, true] {
        if !lossless {
            let overtaken = losses.len() % missing.len().min(3);
            missing.rotate_left(overtaken);
        }
        missing.retain(|(index, segment)| {
            let lost = !lossless && losses.next().is_some_and(|&loss| loss < 64);
            lost || !wire.passes(base + (index * size) as u32, segment)
        });
        missing.sort();
        if missing.is_empty() {
            break;
        }
    }
    assert!(missing.is_empty() || wire.verdict.is_err(), "it hangs");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// A valid stream gets through, though nothing that has passed is ever sent again.
    #[test]
    fn what_has_passed_need_not_come_again(
        stream in records(),
        size in 1..1500_usize,
        losses in collection::vec(any::<u8>(), 0..200),
    ) {
        let (mut wire, [base, _]) = established("honest_full_handshake_13");
        send_with_losses(&mut wire, base, &stream, size, &losses);
        prop_assert!(wire.passes(base + stream.len() as u32, &data(1)));
        prop_assert_eq!(wire.verdict, Ok(()));
        prop_assert!(!wire.connection.in_record(Original));
    }

    /// An attacker sends any bytes, in any order, and again with other bytes. A receiver that keeps
    /// the first version of each byte finds no heartbeat in them, except one whose header was cut.
    #[test]
    fn nothing_that_is_sent_again_hides_a_heartbeat(
        sent in collection::vec((0..24_u32, 1..6_usize, tokens()), 1..60),
    ) {
        let (mut wire, [base, _]) = established("honest_full_handshake_12");
        let mut received = [None; 400];
        for (cell, cells, bytes) in &sent {
            let payload = &bytes[..(cells * CELL).min(bytes.len())];
            let at = cell * CELL as u32;
            if !wire.passes(base + at, payload) {
                continue;
            }
            for (place, &byte) in received[at as usize..].iter_mut().zip(payload) {
                place.get_or_insert(byte);
            }
        }
        let stream: Vec<u8> = received.iter().map_while(|&byte| byte).collect();
        if wire.verdict.is_ok() {
            prop_assert!(!has_whole_heartbeat(&stream), "{:?}", stream);
        }
    }

    /// No header that breaks a rule passes out of order.
    #[test]
    fn what_runs_ahead_hides_no_heartbeat(
        before in records(),
        after in records(),
        size in 1..1500_usize,
        losses in collection::vec(any::<u8>(), 0..200),
    ) {
        let (mut wire, [base, _]) = established("honest_full_handshake_12");
        let stream = [before, vec![24, 3, 3, 0, 40], vec![0xaa; 40], after].concat();
        send_with_losses(&mut wire, base, &stream, size, &losses);
        prop_assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
    }
}
