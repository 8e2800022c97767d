// SPDX-License-Identifier: GPL-2.0

//! Which segments go the quick way. That it comes to the same as the long one is compared for each
//! segment of each test, in [`Wire::send`].

use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction::{
            Original,
            Reply, //
        },
        Policy,
        Segment, //
    },
    wire::{
        at_byte,
        client_hello,
        data,
        established,
        record,
        record_of,
        Fate,
        Wire,
        NEW, //
    },
};

/// Full handshakes, and the minor version that records have after each.
const CASES: [(&str, u8); 5] = [
    ("honest_full_handshake_ssl3", 0),
    ("honest_full_handshake_10", 1),
    ("honest_full_handshake_11", 2),
    ("honest_full_handshake_12", 3),
    ("honest_full_handshake_13", 3),
];

/// The length of a record's header.
const HEADER: usize = 5;

/// A record of application data with another minor version.
fn data_of(minor: u8, length: u16) -> Vec<u8> {
    let mut record = data(length);
    record[2] = minor;
    record
}

/// How many records begin in `payload`, the client's, if it goes the quick way; it may have changed
/// nothing otherwise.
fn quick(wire: &mut Wire, at: u32, payload: &[u8]) -> Option<u32> {
    let (before, limit) = (wire.connection, wire.policy.seq_len);
    let seq = at_byte(at).seq;
    let passed = wire
        .connection
        .follow_data(limit, Original, seq, &mut &*payload);
    match passed {
        Some(passed) => assert_eq!(passed.bytes as usize, payload.len()),
        None => assert_eq!(wire.connection, before, "{at} {payload:02x?}"),
    }
    passed.map(|passed| passed.records)
}

/// The same; `wire` goes on the long way.
fn would_be_quick(wire: &Wire, at: u32, payload: &[u8]) -> Option<u32> {
    quick(&mut wire.clone(), at, payload)
}

/// A connection on which the client has sent its first application data.
fn after_data(case: &str, minor: u8) -> (Wire, u32) {
    let (mut wire, [at, _]) = established(case);
    let sent = data_of(minor, 20);
    assert_eq!(wire.client(at, &sent), NEW);
    (wire, at + sent.len() as u32)
}

/// A connection on which the client has begun a body of 100 bytes, with 40 of them, after its first
/// application data.
fn in_body(case: &str, minor: u8) -> (Wire, u32) {
    let (mut wire, [at, _]) = established(case);
    let sent = [
        data_of(minor, 30),
        data_of(minor, 100)[..HEADER + 40].to_vec(),
    ]
    .concat();
    assert_eq!(wire.client(at, &sent), NEW);
    (wire, at + sent.len() as u32)
}

#[test]
fn application_data_is_quick_wherever_it_was_cut() {
    for (case, minor) in CASES {
        let (wire, at) = in_body(case, minor);
        // The length of the last one has two bytes that are not 0.
        let rest = [vec![0xaa; 60], data_of(minor, 0), data_of(minor, 0x109)].concat();
        for cut in 1..rest.len() {
            let mut wire = wire.clone();
            let (first, second) = rest.split_at(cut);
            let begun = usize::from(cut > 60) + usize::from(cut > 60 + HEADER);
            assert_eq!(quick(&mut wire, at, first), Some(begun as u32), "{cut}");
            // A header that has begun goes the long way.
            let in_header = cut > 60 && (cut - 60) % HEADER != 0 && cut < 60 + 2 * HEADER;
            let at = at + cut as u32;
            let passed = would_be_quick(&wire, at, second);
            // So does what is shorter than a header, if it ends a body.
            let is_quick = !in_header && second.len() >= HEADER;
            assert_eq!(passed, is_quick.then_some(2 - begun as u32), "{cut}");
            assert_eq!(wire.client(at, second), NEW);
        }
    }
}

#[test]
fn a_whole_record_is_quick_and_one_that_begins_too() {
    for (case, minor) in CASES {
        let (wire, at) = after_data(case, minor);
        for length in 1..=0x4800 {
            let payload = data_of(minor, length);
            assert_eq!(would_be_quick(&wire, at, &payload), Some(1), "{length}");
        }
        for cut in HEADER..=100 {
            let payload = &data_of(minor, 0x4800)[..cut];
            assert_eq!(would_be_quick(&wire, at, payload), Some(1), "{cut}");
        }
        assert_eq!(would_be_quick(&wire, at, &data_of(minor, 1)[..4]), None);
    }
}

#[test]
fn what_says_something_new_is_not_quick() {
    for (case, minor) in CASES {
        let (wire, at) = after_data(case, minor);
        let mut other_major = data_of(minor, 20);
        other_major[1] = 2;
        let mut too_long = data_of(minor, 0x4801);
        let mut others = vec![other_major, too_long.clone(), data_of(minor ^ 1, 20)];
        too_long.truncate(100);
        others.push(too_long);
        for kind in [20, 21, 22, 24, 128] {
            let mut other = record_of(kind, &[0xaa; 20]);
            other[2] = minor;
            others.push(other);
        }
        for other in others {
            assert_eq!(
                would_be_quick(&wire, at, &other),
                None,
                "{case} {other:02x?}"
            );
            // As the second one, whole or not.
            for cut in 1..other.len().min(100) {
                let both = [&data_of(minor, 20), &other[..cut]].concat();
                let like = other[..cut.min(3)] == data_of(minor, 0)[..cut.min(3)];
                let passed = would_be_quick(&wire, at, &both);
                if !like || cut >= HEADER {
                    assert_eq!(passed, None, "{case} {cut} {other:02x?}");
                }
            }
        }
    }
}

#[test]
fn a_run_is_not_quick() {
    let (mut wire, at) = in_body("honest_full_handshake_12", 3);
    wire.policy = Policy {
        seq_len: 20,
        ..wire.policy
    };
    let low = |n: usize| vec![b'a'; n];
    // In the rest of the body, in the next record, across both, and in a record that only begins.
    assert_eq!(would_be_quick(&wire, at, &low(20)), Some(0));
    assert_eq!(would_be_quick(&wire, at, &low(21)), None);
    let rest = |tail: usize| [vec![0xaa; 60 - tail], low(tail)].concat();
    let with = |tail: usize, next: usize| [rest(tail), record(&low(next))].concat();
    assert_eq!(would_be_quick(&wire, at, &with(0, 20)), Some(1));
    assert_eq!(would_be_quick(&wire, at, &with(0, 21)), None);
    assert_eq!(would_be_quick(&wire, at, &with(10, 10)), Some(1));
    assert_eq!(would_be_quick(&wire, at, &with(10, 11)), None);
    let begun = |next: usize| [rest(10), record(&low(100))[..HEADER + next].to_vec()].concat();
    assert_eq!(would_be_quick(&wire, at, &begun(10)), Some(1));
    assert_eq!(would_be_quick(&wire, at, &begun(11)), None);
}

#[test]
fn what_is_not_next_is_not_quick() {
    let (wire, at) = in_body("honest_full_handshake_12", 3);
    assert_eq!(would_be_quick(&wire, at, &[0xaa; 20]), Some(0));
    assert_eq!(would_be_quick(&wire, at + 1, &[0xaa; 20]), None);
    assert_eq!(would_be_quick(&wire, at - 1, &[0xaa; 20]), None);
}

#[test]
fn nothing_of_a_condemned_connection_is_quick() {
    let (mut wire, [at, _]) = established("honest_full_handshake_12");
    wire.client(at, b"GET / HTTP/1.1\r\n");
    assert!(wire.connection.condemned().is_some());
    let next = wire.connection;
    for at in at..at + 20 {
        assert_eq!(would_be_quick(&wire, at, &data(20)), None);
        assert_eq!(would_be_quick(&wire, at, &data(20)[..8]), None);
    }
    assert_eq!(wire.connection, next);
}

#[test]
fn the_first_application_data_of_tls_13_says_that_the_handshake_is_over() {
    let (mut wire, [at, _]) = established("honest_full_handshake_12");
    assert_eq!(would_be_quick(&wire, at, &data(20)), Some(1));
    assert_eq!(wire.client(at, &data(20)), NEW);

    let mut wire = Wire::greeted(1000);
    assert_eq!(would_be_quick(&wire, 0, &data(20)), None, "early data");
    assert_eq!(wire.client(0, &data(20)), NEW);
    assert_eq!(would_be_quick(&wire, 25, &data(20)), None, "no ServerHello");
}

/// What is kept of a heartbeat ends with its answer.
#[test]
fn application_data_is_quick_again_once_a_heartbeat_is_answered() {
    let (mut wire, [at, next]) = established("honest_heartbeats");
    let heartbeat = record_of(24, &[0xaa; 60]);
    assert_eq!(would_be_quick(&wire, at, &data(20)), Some(1));
    assert_eq!(wire.client(at, &heartbeat), NEW);
    let at = at + heartbeat.len() as u32;
    assert_eq!(would_be_quick(&wire, at, &data(20)), None);
    assert_eq!(wire.server(next, &heartbeat), NEW);
    assert_eq!(would_be_quick(&wire, at, &data(20)), Some(1));
}

#[test]
fn a_client_hello_is_not_quick() {
    let wire = Wire::open(1000);
    assert_eq!(would_be_quick(&wire, 0, &client_hello()), None);
    assert_eq!(would_be_quick(&Wire::fresh(), 0, &client_hello()), None);
}

#[test]
fn a_server_without_a_hello_is_not_known_to_have_a_version() {
    let (mut wire, [at, next]) = established("honest_full_handshake_10");
    wire.connection.lose(Reply);
    assert_eq!(would_be_quick(&wire, at, &data_of(1, 20)), None);
    // A server that is resynchronised may use any version.
    let two = [data(20), data(20)].concat();
    assert_eq!(wire.server(next + 1000, &two), NEW);
    let (limit, seq) = (wire.policy.seq_len, at_byte(next + 1050).seq);
    for (minor, quick) in [(1, false), (3, true)] {
        let payload = data_of(minor, 20);
        let mut connection = wire.connection;
        let passed = connection.follow_data(limit, Reply, seq, &mut &*payload);
        assert_eq!(passed.is_some(), quick);
    }
}

/// A body of 100 bytes has begun, and its first 40 end in a run of low bytes.
fn in_run() -> (Wire, u32) {
    let (mut wire, [at, _]) = established("honest_full_handshake_12");
    let begun = [&record(&[0xaa; 100])[..HEADER + 30], &[1; 10]].concat();
    assert_eq!(wire.client(at, &begun), NEW);
    (wire, at + begun.len() as u32)
}

/// It has nothing to be searched, though the policy has changed to one without a search.
#[test]
fn an_empty_segment_leaves_a_run_as_it_is() {
    let (mut wire, at) = in_run();
    wire.policy.seq_len = 0;
    let before = wire.connection;
    assert_eq!(wire.client(at, &[]), Fate::Empty);
    assert_eq!(wire.connection, before);
}

#[test]
fn a_header_leaves_a_run_as_it_is() {
    let (mut wire, at) = in_run();
    assert_eq!(wire.client(at, &[1; 60]), NEW);
    wire.policy.seq_len = 0;
    // [`Wire::send`] compares.
    assert_eq!(wire.client(at + 60, &data(50)[..HEADER]), NEW);
    wire.policy.seq_len = 128;
    assert_eq!(wire.client(at + 65, &[1; 50]), NEW);
    assert_eq!(would_be_quick(&wire, at + 115, &record(&[1; 8])), Some(1));
    assert_eq!(would_be_quick(&wire, at + 115, &record(&[1; 9])), None);
}

#[test]
fn a_payload_the_end_of_which_cannot_be_read_is_not_quick() {
    let (wire, at) = in_run();
    let segment = Segment {
        len: 60,
        ..at_byte(at)
    };
    for readable in 1..60 {
        let (mut quick, mut any) = (wire.connection, wire.connection);
        let part = &[0xaa; 60][..readable];
        let outcome = quick.follow(&wire.policy, Original, &segment, &mut &*part);
        assert_eq!(outcome.counts.unreadable, 1);
        let other = any.follow_any(&wire.policy, Original, &segment, &mut &*part);
        assert_eq!((outcome, quick), (other, any));
    }
}
