// SPDX-License-Identifier: GPL-2.0

//! Out-of-order segments after a gap that could hide a header.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction::{
            self,
            Original,
            Reply, //
        },
        Reason,
        Segment, //
    },
    wire::{
        at_byte,
        data,
        established,
        established_at,
        heartbeat,
        lines,
        signed,
        with_ahead,
        Fate::*,
        Wire,
        ISN,
        NEW, //
    },
};

/// The longest record (RFC 5246 6.2.3).
const MAX_CIPHERTEXT: u16 = (1 << 14) + 2048;

/// A client's connection of TLS 1.3, of whose last record only the first 1000 bytes have passed.
fn within_a_record(case: &str) -> (Wire, u32) {
    let (mut wire, [base, _]) = established(case);
    assert_eq!(wire.client(base, &data(3000)[..1000]), NEW);
    (wire, base)
}

#[test]
fn segments_without_a_header_run_ahead_but_for_the_first() {
    for case in ["honest_full_handshake_12", "honest_full_handshake_13"] {
        let (mut wire, base) = within_a_record(case);
        let stream = [data(3000), data(6000), data(9000)].concat();
        let mut send =
            |from: u32, to: u32| wire.passes(base + from, &stream[from as usize..to as usize]);
        assert!(
            !send(4000, 5000),
            "the end of a header may be its first byte"
        );
        assert!(send(5000, 6000));
        assert!(send(6000, 7000));
        assert!(!send(6000, 7000), "the edge has moved on");
        assert!(!send(5500, 7000));
        assert!(send(7000, 9500), "a header of application data");
        assert!(send(9500, 11000), "after a header");
        assert!(send(1000, 4000), "what fills the gap");
        assert!(send(4000, 5000), "what was dropped");
        assert!(send(11000, 18015), "the framing is kept");
        assert!(wire.passes(base + 18015, &data(1)));
        assert!(!wire.connection.in_record(Original));
    }
}

/// A segment may be as short as a header, and no shorter.
#[test]
fn what_runs_ahead_is_as_long_as_a_header() {
    for (length, ahead) in [(4, false), (5, true)] {
        let (mut wire, base) = within_a_record("honest_full_handshake_12");
        assert!(!wire.passes(base + 4000, &[0xaa; 1000]), "the first");
        assert_eq!(wire.passes(base + 5000, &vec![0xaa; length]), ahead);
    }
}

/// The search end stays known while the gap is filled, piece by piece, and beyond 64 KiB.
#[test]
fn the_edge_stays_while_the_hole_is_filled() {
    let (mut wire, base) = within_a_record("honest_full_handshake_12");
    let stream = [data(3000), data(6000), data(16000).repeat(12)].concat();
    let mut send =
        |from: u32, to: u32| wire.passes(base + from, &stream[from as usize..to as usize]);
    assert!(!send(4000, 5000), "the first");
    assert!(send(5000, 6000));
    for (from, to) in [(1000, 2000), (2000, 4000), (4000, 5000)] {
        assert!(send(from, to), "what fills the gap");
    }
    assert!(send(6000, 7000), "a gap in a body");
    assert!(!send(9500, 10500), "the first after the next gap");
    assert!(send(10500, 24015));
    for header in 1..11 {
        let at = 9010 + header * 16005;
        assert!(send(at - 1000, at + 1000), "a header");
        // Two chains have room for four records of 16 KB each, and one lies between them.
        assert_eq!(send(at + 1000, at + 15005), header < 10, "{header}");
    }
    assert!(send(7000, 9500), "what fills the gap");
    assert!(send(9500, 10500), "what was dropped");
    let at = 9010 + 10 * 16005;
    assert!(send(at + 1000, at + 15005), "what was dropped");
    let end = stream.len() as u32;
    assert!(send(at + 15005, end));
    assert!(wire.passes(base + end, &data(1)));
    assert!(!wire.connection.in_record(Original));
}

/// A sender of small records learns what was lost: of all segments after the gap only the first
/// is dropped.
#[test]
fn small_records_run_ahead_but_for_the_first() {
    for case in ["honest_full_handshake_12", "honest_full_handshake_13"] {
        let (mut wire, [base, _]) = established(case);
        let stream = data(1400).repeat(40);
        let segments: Vec<_> = stream.chunks(1448).collect();
        let mut send = |n: usize| wire.passes(base + 1448 * n as u32, segments[n]);
        assert!(send(0));
        let dropped: Vec<_> = (2..segments.len()).filter(|&n| !send(n)).collect();
        assert_eq!(dropped, [2], "{case}");
        assert!(send(1), "what fills the gap");
        assert!(send(2), "what was dropped");
        assert!(wire.passes(base + stream.len() as u32, &data(1)));
        assert!(!wire.connection.in_record(Original));
    }
}

/// A record whose end is at `end`, if the stream stands at byte 1500.
fn up_to(end: u16) -> Vec<u8> {
    data(end - 1505)
}

/// The stream goes on after the chain, wherever in its last record, and whichever gaps are
/// within.
#[test]
fn a_chain_is_read_to_its_end() {
    let records = [data(700), data(0), data(800), data(2000)].concat();
    for end in [1505, 1510, 1515, 2315, 2320, 4319, 4320] {
        // The last segment after a gap, which hides no header.
        for gap in [0, 100] {
            let case = "honest_full_handshake_12";
            let ahead = &records[..if end == 4320 { 2500 } else { 1600 }];
            let (mut wire, [base, _]) = with_ahead(case, ahead);
            let behind = 3000 + ahead.len() as u32;
            assert!(!wire.passes(base + behind + gap, &[&[0xaa; 9][..], &[24, 3]].concat()));
            assert!(wire.passes(base + 500, &data(1495)[500..]));
            assert!(wire.passes(base + 1500, &up_to(3000)));
            assert!(wire.passes(base + behind, &records[ahead.len()..]));
            assert_eq!(wire.verdict, Ok(()));
            let last = base + 3000 + records.len() as u32;
            assert!(!wire.connection.in_record(Original), "{end} {gap}");
            wire.client(last, &[24, 3, 3, 0, 40]);
            assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
        }
    }
}

/// Bytes in a body that look like a header are not one, and what follows them is read.
#[test]
fn a_chain_that_no_record_begins_is_forgotten() {
    let mut body = vec![0xaa; 1000];
    body[200..205].copy_from_slice(&[23, 3, 3, 16, 0]);
    for end in [3100, 3201, 3204, 3205, 3300, 4000, 4001] {
        let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &body);
        let end = end as u16;
        assert!(wire.passes(base + 500, &data(1495)[500..]));
        let header = &up_to(end)[..5];
        let filler = vec![0xaa; 1495];
        let fills = wire.passes(base + 1500, &[header, &filler].concat());
        if end >= 4000 {
            assert!(fills);
            let rest = vec![0xaa; usize::from(end) - 4000];
            let heartbeat = [&rest[..], &[24, 3, 3, 0, 40]].concat();
            wire.client(base + 4000, &heartbeat);
            assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated), "{end}");
        } else {
            // A record ends where no header can be: the receiver notices that, and nothing more is
            // read here.
            assert_eq!(wire.client(base + 4000, &[24, 3, 3, 0, 40]), OutOfOrder);
        }
    }
}

/// Where a record ends within the chain, and not at its first header, or in a header that goes on
/// there, nothing more is read, and nothing passes: its receiver has other bytes there.
#[test]
fn nothing_is_read_over_a_chain_that_no_record_begins() {
    let mut body = vec![0xaa; 1000];
    body[200..205].copy_from_slice(&[23, 3, 3, 16, 0]);
    let heartbeat = [24, 3, 3, 0, 40];
    for end in [3196, 3197, 3199, 3201, 3400, 3900, 3999] {
        let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &body);
        assert!(wire.passes(base + 500, &data(1495)[500..]));
        let stream = [&up_to(end)[..], &heartbeat, &data(100), &data(5000)].concat();
        assert_eq!(wire.client(base + 1500, &stream), OutOfOrder, "{end}");
        for at in [1700, 2000, 2500, 2505, 3000] {
            let rest = &stream[at as usize..];
            assert_eq!(
                wire.client(base + 1500 + at, rest),
                OutOfOrder,
                "{end} {at}"
            );
        }
    }
}

/// The rest of the chain's last record is searched for runs, as usual.
#[test]
fn the_rest_behind_a_chain_is_searched() {
    let chain = data(1000);
    let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &chain[..500]);
    assert!(wire.passes(base + 500, &data(1495)[500..]));
    assert!(wire.passes(base + 1500, &up_to(3000)));
    assert!(wire.passes(base + 3500, &chain[500..600]));
    assert!(wire.connection.in_record(Original));
    wire.client(base + 3600, &[0x41; 200]);
    assert_eq!(wire.verdict, Err(Reason::SuspiciousSequence));
}

/// The search end of the other side is not taken for a chain, wherever it lies.
#[test]
fn the_other_side_s_edge_is_no_chain() {
    let (_, [base, _]) = established("honest_full_handshake_12");
    // The upper half of the server's sequence numbers is the lower half of what the client sends
    // next.
    let isn = 0x5000_5000 - 1 - base;
    let (mut wire, next) = established_at("honest_full_handshake_12", isn);
    let [client, server] = next.map(|at| isn + 1 + at);
    let ahead = |wire: &mut Wire, direction: Direction, seq: u32, ack: u32| {
        let header = Segment {
            seq,
            ack: Some(ack),
            ..Segment::default()
        };
        wire.passes_unread(direction, header, &[0xaa; 1000])
    };
    assert!(!ahead(&mut wire, Reply, server + 1000, client));
    for with_edge in [false, true] {
        let mut wire = wire.clone();
        if with_edge {
            assert!(!ahead(&mut wire, Original, client + 1000, server));
        }
        let header = Segment {
            seq: client,
            ..Segment::default()
        };
        wire.send(Original, header, &[24, 3, 3, 0, 40]);
        assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
    }
}

/// The receiver has what passed out of order, and may keep it: other bytes there, read now, could
/// only mislead.
#[test]
fn what_ran_ahead_is_not_read_again() {
    let ahead = [data(700), data(800)].concat();
    let other = [data(1500), vec![0xaa; 5]].concat();
    let heartbeat = [24, 3, 3, 0, 40];
    for length in [1, 4, 5, 6, 1505, 1510] {
        let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &ahead);
        assert!(wire.passes(base + 500, &data(1495)[500..]));
        let fill = [&up_to(3000)[..], &other[..length]].concat();
        assert!(wire.passes(base + 1500, &fill));
        wire.client(base + 4510, &heartbeat);
        assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
    }
    // And what follows it is next.
    let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &ahead);
    let fill = [&data(1495)[500..], &up_to(3000), &other, &heartbeat].concat();
    wire.client(base + 500, &fill);
    assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
    // After a gap in a body, too.
    let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &ahead);
    let fill = [&data(1495)[600..], &up_to(3000), &other, &heartbeat].concat();
    wire.client(base + 600, &fill);
    assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
}

/// No other header passes out of order, nor one of application data that does not lie where the
/// last record ends.
#[test]
fn only_a_chain_of_application_data_runs_ahead() {
    let header = |content_type, minor| [&[content_type, 3, minor, 0, 40][..], &[0xaa; 40]].concat();
    let chains = [
        (vec![data(40), data(40)], true),
        (vec![data(40), header(23, 3), data(40)], true),
        (vec![data(40), header(23, 1)], false),
        (vec![header(23, 1)], false),
        (vec![data(40), header(20, 3)], false),
        (vec![data(40), header(21, 3)], false),
        (vec![data(40), header(22, 3)], false),
        (vec![data(40), header(24, 3)], false),
        (vec![header(24, 3), data(40)], false),
        (vec![data(40), vec![0xaa], data(40)], false),
        (vec![data(40), data(40)[..44].to_vec(), data(40)], false),
        (vec![data(40), vec![0xaa]], false),
        (vec![data(40), vec![0xaa; 5]], false),
        (vec![data(40), data(40)[..5].to_vec()], true),
        (vec![data(40), data(40)[..4].to_vec()], false),
    ];
    for (chain, ahead) in chains {
        let chain = chain.concat();
        for split in [0, 45] {
            let (mut wire, [base, _]) = established("honest_full_handshake_12");
            let before = [vec![0xaa; 1000], chain[..split].to_vec()].concat();
            assert!(!wire.passes(base + 1000, &[0xaa; 1000]));
            // One more, so that a chain may have begun in an earlier segment.
            let begun = wire.passes(base + 2000, &before);
            let at = base + 2000 + before.len() as u32;
            let rest = &chain[split..];
            if rest.len() >= 5 {
                assert_eq!(begun && wire.passes(at, rest), ahead, "{chain:?} {split}");
            }
        }
    }
}

/// A chain begins less than 64 KiB after what was read, and is shorter than that, or is kept as two
/// such chains.
#[test]
fn a_chain_has_its_limits() {
    for (at, ahead) in [(65_535, true), (65_536, false), (131_072, false)] {
        let (mut wire, [base, _]) = established("honest_full_handshake_13");
        assert!(!wire.passes(base + at - 1000, &[0xaa; 1000]));
        assert_eq!(wire.passes(base + at, &data(40)), ahead, "{at}");
    }
    for (last, ahead) in [(1510, true), (1511, false)] {
        let (mut wire, [base, _]) = with_ahead("honest_full_handshake_13", &data(16_000));
        for record in 1..8 {
            assert!(wire.passes(base + 3000 + record * 16_005, &data(16_000)));
        }
        assert_eq!(wire.passes(base + 3000 + 128_040, &data(last)), ahead);
    }
}

/// The longest record that a chain may have, and where its next header then lies.
#[test]
fn a_chain_has_records_of_any_length() {
    for length in [0, 1, MAX_CIPHERTEXT] {
        let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &data(0));
        assert!(wire.passes(base + 3005, &data(length)[..5]));
        assert!(wire.passes(base + 500, &data(1495)[500..]));
        assert!(wire.passes(base + 1500, &up_to(3000)));
        let rest = [&data(length)[5..], &[24, 3, 3, 0, 40]].concat();
        wire.client(base + 3010, &rest);
        assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
    }
    let longer = MAX_CIPHERTEXT + 1;
    let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &data(0));
    assert!(!wire.passes(base + 3005, &data(longer)[..5]));
}

/// The small records of a download, cut into segments of 1448 bytes.
fn small_records() -> Vec<u8> {
    data(1400).repeat(50)
}

/// Sends all segments but those `lost`; returns which of the others are dropped.
fn dropped(wire: &mut Wire, base: u32, stream: &[u8], lost: &[usize]) -> Vec<usize> {
    let segments = stream.chunks(1448).enumerate();
    segments
        .filter(|(n, segment)| !lost.contains(n) && !wire.passes(base + 1448 * *n as u32, segment))
        .map(|(n, _)| n)
        .collect()
}

/// After each of two gaps only the first segment is dropped, and all after a third one.
#[test]
fn small_records_run_ahead_after_two_gaps() {
    for case in ["honest_full_handshake_12", "honest_full_handshake_13"] {
        let stream = small_records();
        let segments: Vec<_> = stream.chunks(1448).collect();
        let last = segments.len();
        for (lost, expected) in [
            (vec![1, 9], vec![2, 10]),
            (vec![1, 3, 4], vec![2, 5]),
            (vec![1, 3], vec![2, 4]),
            (vec![1, 9, 20], [vec![2, 10], (21..last).collect()].concat()),
        ] {
            let (mut wire, [base, _]) = established(case);
            assert_eq!(dropped(&mut wire, base, &stream, &lost), expected, "{case}");
            // What is missing comes in order, and with it what was dropped.
            let mut missing = [lost, expected].concat();
            missing.sort_unstable();
            for n in missing {
                let segment = segments[n];
                assert!(wire.passes(base + 1448 * n as u32, segment), "{case} {n}");
            }
            let end = base + stream.len() as u32;
            assert!(wire.passes(end, &data(1)), "{case}");
            assert!(!wire.connection.in_record(Original), "{case}");
        }
    }
}

/// Once the first gap is filled, the second is the first one, and there is room for another.
#[test]
fn a_filled_gap_makes_room() {
    let stream = small_records();
    let segments: Vec<_> = stream.chunks(1448).collect();
    let (mut wire, [base, _]) = established("honest_full_handshake_13");
    let mut send = |n: usize| wire.passes(base + 1448 * n as u32, segments[n]);
    assert!(send(0));
    for (n, passes) in [
        (2, false),
        (3, true),
        (5, false),
        (6, true),
        (8, false),
        (9, false),
    ] {
        assert_eq!(send(n), passes, "{n}");
    }
    assert!(send(1) && send(2), "the first gap");
    for (n, passes) in [(8, false), (9, true), (10, true)] {
        assert_eq!(send(n), passes, "{n}");
    }
    assert!(send(4) && send(5), "the second gap");
    assert!(send(7) && send(8), "the third gap");
    assert!(send(11));
}

/// What breaks the chain after the second gap as after the first.
#[test]
fn a_second_chain_is_one_of_application_data() {
    let heartbeat = heartbeat();
    let stray = [&data(100)[..], &[0xaa]].concat();
    for (payload, passes) in [
        (data(2000)[..1000].to_vec(), true),
        (heartbeat, false),
        ([&stray[..], &data(894)].concat(), false),
    ] {
        let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &data(2000)[..1000]);
        assert!(
            !wire.passes(base + 5010, &[0xaa; 1000]),
            "the first after the gap"
        );
        assert!(wire.passes(base + 6010, &[0xaa; 1000]), "no header");
        assert_eq!(wire.passes(base + 7010, &payload), passes);
        let next = base + 7010 + payload.len() as u32;
        assert_eq!(wire.passes(next, &[0xaa; 1000]), passes);
    }
}

/// Each side has room for a chain, and for what follows a second gap if the other side keeps
/// nothing.
#[test]
fn each_side_has_a_chain() {
    let (mut wire, [base, answers]) = established("honest_full_handshake_12");
    let send = |wire: &mut Wire, direction: Direction, at: u32, payload: &[u8]| {
        let (own, other) = match direction {
            Original => (base, answers),
            Reply => (answers, base),
        };
        let header = Segment {
            ack: Some(ISN + 1 + other),
            ..at_byte(own + at)
        };
        wire.passes_unread(direction, header, payload)
    };
    let body = [0xaa; 1000];
    assert!(!send(&mut wire, Original, 1000, &body));
    assert!(!send(&mut wire, Reply, 1000, &body));
    for direction in [Original, Reply] {
        assert!(send(&mut wire, direction, 2000, &data(1995)));
        // The other side keeps a chain of its own.
        for at in [6000, 7000] {
            assert!(!send(&mut wire, direction, at, &body));
        }
        assert!(send(&mut wire, direction, 4000, &data(995)));
    }
    // The client's gap is filled, and its chain is read to its end.
    assert_eq!(wire.client(base, &data(1995)), NEW);
    assert_eq!(wire.client(base + 5000, &data(995)), NEW);
    assert!(!send(&mut wire, Reply, 6000, &body));
    assert!(send(&mut wire, Reply, 7000, &body));
    // What the server keeps there is in the client's way.
    for at in [7000, 8000] {
        assert!(!send(&mut wire, Original, at, &body));
    }
}

/// A lost direction loses its chain, and that of the other side, if it keeps a part of it.
#[test]
fn a_chain_is_lost_with_what_keeps_it() {
    for second in [false, true] {
        for direction in [Original, Reply] {
            let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &data(995));
            if second {
                assert!(!wire.passes(base + 5000, &[0xaa; 1000]));
            }
            wire.connection.lose(direction);
            let kept = direction == Reply && !second;
            let fate = wire.client(base + 500, &data(1495)[500..]);
            assert_eq!(fate, if kept { NEW } else { Unsynced }, "{direction:?}");
            let heartbeat = heartbeat();
            let (_, [_, answers]) = established("honest_full_handshake_12");
            assert_eq!(wire.server(answers, &heartbeat), NEW);
            assert_eq!(
                wire.verdict,
                Ok(()),
                "what was negotiated is not known any more"
            );
        }
    }
}

/// Once `next` has reached the search end, or passed it, nothing is known of what follows.
#[test]
fn an_edge_that_was_passed_is_none() {
    let stream = [data(3000), data(6000)].concat();
    let send = |wire: &mut Wire, base: u32, from: u32, to: u32| {
        wire.passes(base + from, &stream[from as usize..to as usize])
    };
    for to in [5000, 6000] {
        let (mut wire, base) = within_a_record("honest_full_handshake_12");
        let mut straight = wire.clone();
        assert!(!send(&mut wire, base, 4000, 5000));
        assert_ne!(wire, straight);
        assert!(send(&mut wire, base, 1000, to));
        assert!(send(&mut straight, base, 1000, to));
        assert_eq!(wire, straight);
    }
}

/// A search end is not taken for heartbeat credit: heartbeats are judged as if nothing had passed
/// out of order.
#[test]
fn heartbeats_are_judged_alike_with_an_edge() {
    let heartbeats = [heartbeat(), vec![24, 3, 3, 0, 3, 1, 0x40, 0]];
    for case in ["honest_full_handshake_12", "honest_full_handshake_13"] {
        for direction in [Original, Reply] {
            for heartbeat in &heartbeats {
                let verdicts = [false, true].map(|ahead| {
                    let (mut wire, next) = established(case);
                    if ahead {
                        for (at, payload) in [(10_000, vec![0xaa; 1000]), (11_000, data(995))] {
                            wire.passes(next[0] + at, &payload);
                        }
                    }
                    let at = next[usize::from(direction == Reply)];
                    wire.send(direction, at_byte(at), heartbeat);
                    wire.verdict
                });
                assert!(verdicts[0].is_err());
                assert_eq!(verdicts[0], verdicts[1], "{case} {direction:?}");
            }
        }
    }
}

/// A search end outlives a record of the other side: no credit is cleared by it.
#[test]
fn an_edge_stays_when_the_other_side_sends() {
    // Sequence numbers with the high bit set, which in the credit marks an open request.
    let isn = 0xf000_0000;
    let (mut wire, next) = established_at("honest_full_handshake_12", isn);
    let next = next.map(|at| isn + 1 + at);
    let ahead = |wire: &mut Wire, at: u32| {
        let segment = Segment {
            seq: next[0] + at,
            ack: Some(next[1]),
            ..Segment::default()
        };
        wire.passes_unread(Original, segment, &[0xaa; 1000])
    };
    assert!(!ahead(&mut wire, 1000));
    let answer = Segment {
        seq: next[1],
        ..Segment::default()
    };
    assert_eq!(wire.send(Reply, answer, &data(100)), NEW);
    assert!(ahead(&mut wire, 2000));
}

/// A request for a heartbeat whose header is dropped, and sent again with other bytes, passes
/// unread. If the header of the answer is lost as well, nothing of the answer passes out of order.
#[test]
fn no_answer_runs_ahead_to_what_was_not_read() {
    let (mut wire, [base, answers]) = established("honest_full_handshake_12");
    let answer = |wire: &mut Wire, at: u32, ack: u32| {
        let header = Segment {
            ack: Some(ISN + 1 + base + ack),
            ..at_byte(answers + at)
        };
        wire.passes_unread(Reply, header, &[0xaa; 1000])
    };
    assert!(!wire.passes(base + 500, &[0xaa; 1000]));
    assert!(wire.passes(base + 1500, &[[0, 40].as_slice(), &[0xaa; 40]].concat()));
    let hidden = [data(1492), vec![24, 3, 3]].concat();
    assert!(wire.passes(base, &hidden));
    assert!(!answer(&mut wire, 1000, 1500), "the first sets the edge");
    for (at, ack, ahead) in [(2000, 1500, true), (3000, 1542, false), (3000, 1500, true)] {
        assert_eq!(answer(&mut wire, at, ack), ahead, "{at} {ack}");
    }
}

/// As far as a receiver's window usually reaches.
#[test]
fn nothing_runs_ahead_too_far() {
    for (end, ahead) in [(1 << 26, true), ((1 << 26) + 1, false)] {
        let (mut wire, [base, _]) = established("honest_full_handshake_12");
        assert!(!wire.passes(base + end - 2000, &[0xaa; 1000]));
        assert_eq!(wire.passes(base + end - 1000, &[0xaa; 1000]), ahead);
    }
}

/// The sequence number that begins a connection so that byte `at` after its handshake has the
/// number `seq`.
fn isn_for(case: &str, at: u32, seq: u32) -> u32 {
    let (_, [base, _]) = established(case);
    seq.wrapping_sub(at + 1 + base)
}

/// In TLS 1.3 no handshake record in the clear follows the handshake: a search end or a chain is
/// not taken for a message that has begun.
#[test]
fn an_edge_is_no_handshake_message() {
    let case = "honest_full_handshake_13";
    // Numbers that would be steps of a message: SKIP, and HEARTBEAT_MODE; of the edge, or in the
    // other side's chain.
    let cases = [
        (false, 4000, 0x0100_8000),
        (false, 4000, 0x3900_8000),
        (true, 2000, 0x0100),
        (true, 2000, 0x3900),
    ];
    for (chain, at, seq) in cases {
        let isn = isn_for(case, at, seq);
        let (mut wire, [client, server]) = established_at(case, isn);
        let mut ahead = |at: u32, payload: &[u8]| {
            let header = Segment {
                seq: isn.wrapping_add(1 + client + at),
                ack: Some(isn.wrapping_add(1 + server)),
                ..Segment::default()
            };
            wire.passes_unread(Original, header, payload)
        };
        let (direction, next) = if chain {
            assert!(!ahead(1000, &[0xaa; 1000]));
            assert!(ahead(2000, &data(995)));
            (Reply, server)
        } else {
            assert!(!ahead(3000, &[0xaa; 1000]));
            (Original, client)
        };
        let header = Segment {
            seq: isn.wrapping_add(1 + next),
            ..Segment::default()
        };
        wire.send(direction, header, &[22, 3, 3, 0, 1, 16]);
        assert_eq!(wire.verdict, Err(Reason::HandshakeDirection), "{seq:x}");
    }
}

/// A heartbeat in the clear that has begun keeps its bytes where the search end would be.
#[test]
fn nothing_runs_ahead_of_a_heartbeat_that_has_begun() {
    let case = "honest_full_handshake_13";
    let isn = isn_for(case, 4000, 0x7fff_0000);
    let (mut wire, [client, server]) = established_at(case, isn);
    let at = |at: u32| Segment {
        seq: isn.wrapping_add(1 + client + at),
        ack: Some(isn.wrapping_add(1 + server)),
        ..Segment::default()
    };
    let heartbeat = [&[24, 3, 3, 0, 40, 1, 0, 5][..], &[0xaa; 37]].concat();
    wire.send(Original, at(0), &heartbeat[..5]);
    for segment in [3000, 4000] {
        assert!(!wire.passes_unread(Original, at(segment), &[0xaa; 1000]));
    }
    wire.send(Original, at(5), &heartbeat[5..]);
    assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
}

/// Once a chain has been read up to, the other side does not wait for it.
#[test]
fn a_chain_that_was_reached_blocks_nobody() {
    let (mut wire, [base, answers]) = established("honest_full_handshake_13");
    let stream = [data(1995), data(995), data(995)].concat();
    let mut send =
        |from: u32, to: u32| wire.passes(base + from, &stream[from as usize..to as usize]);
    assert!(!send(1000, 2000), "the first");
    assert!(send(2000, 4000));
    assert!(send(0, 2000), "what fills the gap");
    let answer = data(1400).repeat(10);
    for (n, segment) in answer.chunks(1448).enumerate().skip(2) {
        let header = Segment {
            ack: Some(ISN + 1 + base + 4000),
            ..at_byte(answers + 1448 * n as u32)
        };
        assert_eq!(wire.passes_unread(Reply, header, segment), n > 2, "{n}");
    }
}

/// A residual risk: a length that was sent again hides a request in a supposed body. The answer is
/// refused, except for what passes out of order if its header is lost.
#[test]
fn a_length_that_is_sent_again_misleads() {
    let (mut wire, [base, answers]) = established("honest_full_handshake_12");
    assert!(!wire.passes(base + 1000, &[0xaa; 1000]));
    assert!(wire.passes(base + 2000, &[&[0, 5][..], &[0xaa; 5]].concat()));
    let begun = [&data(1992)[..], &[23, 3, 3]].concat();
    assert!(wire.passes(base, &begun));
    assert!(wire.passes(base + 2000, &[&[64, 0][..], &[0xaa; 5]].concat()));
    let request = heartbeat();
    assert!(wire.passes(base + 2007, &request));
    let answer = |at: u32| Segment {
        ack: Some(ISN + 1 + base + 2052),
        ..at_byte(answers + at)
    };
    assert!(!wire.passes_unread(Reply, answer(1000), &[0xaa; 1000]));
    assert!(wire.passes_unread(Reply, answer(2000), &[0xaa; 1000]));
    wire.send(Reply, answer(0), &[24, 3, 3, 64, 0]);
    assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
}

/// A receiver acknowledges what passed out of order before it is skipped, and a FIN.
#[test]
fn answers_run_ahead_to_what_lies_in_a_body() {
    for (ack, ahead) in [(0, true), (1000, true), (3006, true), (3007, false)] {
        let (mut wire, [base, answers]) = established("honest_full_handshake_12");
        wire.client(base, &data(3000)[..1000]);
        let header = |at| Segment {
            ack: Some(ISN + 1 + base + ack - 1),
            ..at_byte(answers + at)
        };
        let payload = [0xaa; 1000];
        assert_eq!(wire.send(Reply, header(1000), &payload), OutOfOrder);
        assert_eq!(
            wire.passes_unread(Reply, header(2000), &payload),
            ahead,
            "{ack}"
        );
    }
    let (mut wire, [base, answers]) = established("honest_full_handshake_12");
    let payload = [0xaa; 1000];
    for (at, acked, ahead) in [(1000, 0, false), (2000, 1, true), (3000, 2, false)] {
        let header = Segment {
            ack: Some(ISN + 1 + base + acked),
            ..at_byte(answers + at)
        };
        assert_eq!(
            wire.passes_unread(Reply, header, &payload),
            ahead,
            "{acked}"
        );
    }
}

/// No receiver reads a segment without an acknowledgment.
#[test]
fn nothing_without_an_acknowledgment_runs_ahead() {
    let (mut wire, base) = within_a_record("honest_full_handshake_13");
    assert!(!wire.passes(base + 4000, &[0xaa; 1000]));
    assert_eq!(wire.client(base + 5000, &[0xaa; 1000]), OutOfOrder);
}

#[test]
fn a_header_does_not_run_ahead() {
    let ends = [
        &[24, 3, 3, 0, 40][..],
        &[24, 3, 3, 0x48],
        &[24, 3, 3, 0],
        &[24, 3, 3],
        &[24, 3],
        &[24],
    ];
    for end in ends {
        let (mut wire, base) = within_a_record("honest_full_handshake_13");
        let payload = [&[0xaa; 500], end].concat();
        assert!(!wire.passes(base + 4000, &[0xaa; 1000]));
        assert!(!wire.passes(base + 5000, &payload), "{end:?}");
    }
}

/// Of a chain a segment may end in what could be a content type: no more of it than that, and what
/// follows is no header.
#[test]
fn a_chain_goes_on_after_what_may_be_a_type() {
    for (end, ahead) in [
        (&[20][..], true),
        (&[24], true),
        (&[24, 3], false),
        (&[24, 3, 3], false),
        (&[24, 3, 3, 0], false),
        (&[3], true),
        (&[23, 3, 3, 23], false),
    ] {
        let chain = [&data(5000)[..1000], end].concat();
        let next = 3000 + chain.len() as u32;
        for (rest, header) in [
            ([0xaa; 5], false),
            ([3, 3, 0, 40, 0xaa], true),
            ([3, 3, 0xaa, 0, 0], false),
        ] {
            let (mut wire, [base, _]) = established("honest_full_handshake_12");
            assert_eq!(wire.client(base, &data(1495)[..500]), NEW);
            assert!(!wire.passes(base + 2000, &[0xaa; 1000]));
            assert_eq!(wire.passes(base + 3000, &chain), ahead, "{end:?}");
            if ahead {
                assert_eq!(wire.passes(base + next, &rest), !header, "{end:?} {rest:?}");
            }
        }
    }
}

/// What passed is not read again: a byte that was a heartbeat's type when it passed, and is sent
/// again as another one, hides nothing.
#[test]
fn a_type_that_is_sent_again_is_not_read() {
    let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &data(995));
    // The record begins where the chain's first one seems to, and its length is sent again.
    assert!(wire.passes(base + 4000, &[&data(5000)[..500], &[24]].concat()));
    assert!(wire.passes(base + 500, &data(1495)[500..]));
    // A record that ends before the last byte of what passed.
    assert_eq!(
        wire.client(base + 1500, &[&up_to(4500)[..], &[23]].concat()),
        OutOfOrder
    );
    let rest = [&[23][..], &[3, 3, 0, 40], &[0xaa; 40]].concat();
    assert_eq!(wire.client(base + 4500, &rest), OutOfOrder);
    assert_eq!(wire.client(base + 4501, &rest[1..]), OutOfOrder);
}

/// A header may be cut by the end of a segment that passes, after its type and version at most.
#[test]
fn a_header_is_cut_by_the_end_of_a_segment() {
    let stream = [data(695), data(800), data(2000)].concat();
    for cut in 1..5_u32 {
        // Within the second header, and within the third.
        for header in [700, 1505] {
            let at = (header + cut) as usize;
            let (mut wire, [base, _]) = established("honest_full_handshake_12");
            assert_eq!(wire.client(base, &data(1495)[..500]), NEW);
            assert!(!wire.passes(base + 2000, &[0xaa; 1000]));
            assert_eq!(wire.passes(base + 3000, &stream[..at]), cut < 4, "{cut}");
            if cut == 4 {
                continue;
            }
            // The rest of it passes, is read after the gap is filled, or is wrong.
            for (bytes, passes) in [
                (stream[at..at + 200].to_vec(), true),
                (vec![0xaa; 200], false),
                (
                    [&stream[at..at + 5 - cut as usize - 2], &[0xff; 100]].concat(),
                    false,
                ),
            ] {
                let mut wire = wire.clone();
                assert_eq!(
                    wire.passes(base + 3000 + at as u32, &bytes),
                    passes,
                    "{cut} {header}"
                );
                assert!(wire.passes(base + 500, &data(1495)[500..]));
                assert!(wire.passes(base + 1500, &up_to(3000)));
                let from = if passes { at + 200 } else { at };
                let rest = [&stream[from..], &[24, 3, 3, 0, 40]].concat();
                wire.client(base + 3000 + from as u32, &rest);
                assert_eq!(
                    wire.verdict,
                    Err(Reason::HeartbeatNotNegotiated),
                    "{cut} {header}"
                );
            }
            // A second gap begins within the header.
            let mut gap = wire.clone();
            let next = base + 3000 + at as u32;
            assert!(!gap.passes(next + 500, &[0xaa; 100]));
            assert!(gap.passes(base + 500, &data(1495)[500..]));
            assert!(gap.passes(base + 1500, &up_to(3000)));
            gap.client(
                next,
                &[&[3, 3, 0xff, 0xff][cut as usize - 1..], &[0xaa; 40]].concat(),
            );
            assert_eq!(gap.verdict, Err(Reason::RecordLength), "{cut}");
        }
    }
}

/// The part of a header that comes before a cut is that of application data.
#[test]
fn only_a_header_is_cut() {
    let stream = data(695);
    for end in [
        &[22][..],
        &[24],
        &[0xaa],
        &[23, 2],
        &[22, 3],
        &[23, 3, 2],
        &[23, 2, 3],
    ] {
        let (mut wire, [base, _]) = established("honest_full_handshake_12");
        assert!(!wire.passes(base + 2000, &[0xaa; 1000]));
        let cut = [&stream[..], end].concat();
        assert!(!wire.passes(base + 3000, &cut), "{end:?}");
    }
}

/// The version of a header that is cut after it is judged when it passes: in TLS 1.1 it is not
/// that of TLS 1.2.
#[test]
fn a_version_is_judged_before_a_cut() {
    for minor in [2, 3] {
        let (mut wire, [base, _]) = established("honest_full_handshake_11");
        let record = |length: u8| [&[23, 3, 2, 0, length][..], &vec![0xaa; length.into()]].concat();
        assert!(!wire.passes(base + 1000, &[0xaa; 1000]));
        let cut = [&record(100)[..], &[23, 3, minor]].concat();
        assert!(!wire.passes(base + 2000, &cut), "{minor}");
        assert!(!wire.passes(base + 2108, &record(100)));
    }
}

/// While a chain is ahead, each segment is searched for runs by itself.
#[test]
fn runs_are_searched_while_a_chain_is_ahead() {
    let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &data(995));
    let mut cleared = wire.clone();
    for at in 0..10 {
        assert!(wire.passes(base + 500 + 100 * at, &[0x41; 100]) || at == 9);
    }
    cleared.client(base + 500, &[0x41; 200]);
    assert_eq!(cleared.verdict, Err(Reason::SuspiciousSequence));
}

#[test]
fn nothing_runs_ahead_of_what_may_be_the_first_part_of_a_header() {
    let (mut wire, base) = within_a_record("honest_full_handshake_13");
    assert!(!wire.passes(base + 4000, &[[0xaa; 1000].as_slice(), &[24, 3]].concat()));
    assert!(!wire.passes(base + 5002, &[0xaa; 1000]));
    assert!(
        wire.passes(base + 6002, &[0xaa; 1000]),
        "but after the next"
    );
}

#[test]
fn a_segment_behind_a_further_hole_does_not_run_ahead() {
    let (mut wire, base) = within_a_record("honest_full_handshake_13");
    assert!(!wire.passes(base + 4000, &[0xaa; 1000]));
    assert!(!wire.passes(base + 5001, &[0xaa; 1000]));
}

#[test]
fn what_a_receiver_does_not_heed_does_not_run_ahead() {
    let stale = |segment| Segment {
        ack_lag: 1,
        ..segment
    };
    let changes: [fn(Segment) -> Segment; 2] = [stale, signed];
    for change in changes {
        let (mut wire, base) = within_a_record("honest_full_handshake_13");
        // The first after the gap sets the search end.
        assert!(!wire.passes(base + 4000, &[0xaa; 1000]));
        let segment = change(at_byte(base + 5000));
        assert!(!wire.passes_unread(Original, segment, &[0xaa; 1000]));
        assert!(wire.passes(base + 5000, &[0xaa; 1000]));
    }
}

#[test]
fn nothing_runs_ahead_where_heartbeats_may_be_sent_or_bodies_are_read() {
    let (mut wire, base) = within_a_record("honest_heartbeats");
    let mut fresh = Wire::greeted(ISN);
    fresh.client(0, &data(3000)[..1000]);
    for at in [4000, 5000, 6000] {
        assert!(!wire.passes(base + at, &[0xaa; 1000]));
        assert!(!fresh.passes(at, &[0xaa; 1000]));
    }
}

/// A client that does not wait for the server's Finished (RFC 7918): until that has come, the
/// server's part of the handshake is not over.
#[test]
fn nothing_runs_ahead_before_the_handshake_is_over() {
    let lines = lines("honest_full_handshake_12");
    for (count, ahead) in [(3, false), (4, true)] {
        let (mut wire, mut next) = (Wire::open(ISN), [0; 2]);
        for line in &lines[..count] {
            let at = &mut next[usize::from(line.direction == Reply)];
            assert_eq!(wire.send(line.direction, at_byte(*at), &line.bytes), NEW);
            *at += line.bytes.len() as u32;
        }
        let [base, _] = next;
        assert_eq!(wire.client(base, &data(3000)[..1000]), NEW);
        assert!(!wire.passes(base + 4000, &[0xaa; 1000]), "the first");
        assert_eq!(wire.passes(base + 5000, &[0xaa; 1000]), ahead, "{count}");
    }
}

/// A chain stays known while the stream stands within a header before it.
#[test]
fn a_chain_stays_while_a_header_comes_in_parts() {
    let (mut wire, [base, _]) = with_ahead("honest_full_handshake_12", &data(2000));
    let stream = [&data(1495)[500..], &data(1495)].concat();
    // Up to the third byte of the second record's header, byte by byte from the first one on.
    assert!(wire.passes(base + 500, &stream[..1000]));
    for at in 1000..1003 {
        assert!(
            wire.passes(base + 500 + at, &stream[at as usize..][..1]),
            "{at}"
        );
    }
    assert!(wire.passes(base + 1503, &stream[1003..]));
    // What follows the chain is read, and does not pass unread.
    assert_eq!(wire.client(base + 5005, &data(1)), NEW);
    assert_eq!(wire.verdict, Ok(()));
    assert!(!wire.connection.in_record(Original));
}

/// The server's stream goes on after its chain as it was before: not signed, and the server's.
#[test]
fn a_chain_of_the_server_is_read_to_its_end() {
    for case in ["honest_full_handshake_12", "honest_full_handshake_13"] {
        let (mut wire, [_, base]) = established(case);
        assert_eq!(wire.server(base, &data(1495)[..500]), NEW);
        assert!(!wire.passes_unread(Reply, at_byte(base + 2000), &[0xaa; 1000]));
        assert!(wire.passes_unread(Reply, at_byte(base + 3000), &data(2000)));
        let stream = [&data(1495)[500..], &data(1495)].concat();
        assert_eq!(wire.server(base + 500, &stream), NEW);
        assert_eq!(wire.server(base + 5005, &data(100)[..50]), NEW);
        assert_eq!(wire.server(base + 5055, &data(100)[50..]), NEW);
        assert_eq!(wire.verdict, Ok(()));
    }
}
