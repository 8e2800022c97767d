// SPDX-License-Identifier: GPL-2.0

//! Evasions that outsiders found, and valid traffic that was condemned.

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
        established,
        lines,
        record_of,
        syn,
        syn_ack,
        Fate::{
            self,
            *, //
        },
        Wire,
        ISN,
        NEW, //
    },
};

/// What both sides of a vector send, line by line.
type Lines = Vec<(Direction, Vec<u8>)>;

fn exchange(case: &str) -> Lines {
    let lines = lines(case).into_iter();
    lines.map(|line| (line.direction, line.bytes)).collect()
}

/// A segment's numbers.
fn seg(seq: u32, ack: u32) -> Segment {
    Segment {
        seq,
        ack: Some(ack),
        ..Segment::default()
    }
}

/// Sends lines in order, from those initial numbers; returns where each side's next byte lies.
fn converse(wire: &mut Wire, isn: [u32; 2], lines: &Lines) -> ([u32; 2], Vec<Fate>) {
    let mut next = isn.map(|isn| isn.wrapping_add(1));
    let mut fates = Vec::new();
    for (direction, bytes) in lines {
        let own = usize::from(*direction == Reply);
        fates.push(wire.send(*direction, seg(next[own], next[1 - own]), bytes));
        next[own] = next[own].wrapping_add(bytes.len() as u32);
    }
    (next, fates)
}

/// A connection after a handshake, and where each side's next byte lies.
fn opened(case: &str) -> (Wire, [u32; 2]) {
    let (wire, next) = established(case);
    (wire, next.map(|at| ISN + 1 + at))
}

/// Conntrack resynchronises at a SYN-ACK that answers a SYN it ignored
/// (nf_conntrack_proto_tcp.c, case b), and keeps the entry, and the helper's 32 bytes. A client
/// that comes again from the same port then hangs.
#[test]
fn a_reopened_entry_lets_valid_traffic_through() {
    let (mut wire, _) = opened("honest_full_handshake_12");
    // The server's RST ended it; the client comes again, both ISNs have moved on (RFC 6528: a clock
    // of 4 us).
    let isn = [ISN + 5_000_000, ISN + 5_000_000];
    wire.reopen(isn);
    let (_, fates) = converse(&mut wire, isn, &exchange("honest_full_handshake_12"));
    assert!(fates.iter().all(|f| *f == NEW), "{fates:?}");
}

/// With numbers after those of the previous connection, everything passes unread.
#[test]
fn a_reopened_entry_is_read() {
    let (mut wire, _) = opened("honest_full_handshake_12");
    let isn = [ISN.wrapping_sub(1 << 30), ISN.wrapping_sub(1 << 30)];
    wire.reopen(isn);
    let next = isn.map(|n| n.wrapping_add(1));
    let probe = [24, 3, 2, 0, 3, 1, 0x40, 0];
    let fate = wire.send(Original, seg(next[0], next[1]), &probe);
    let answer = record_of(24, &[&[2, 0x40, 0][..], &[0x41; 16381]].concat());
    let back = wire.send(Reply, seg(next[1], next[0] + 8), &answer);
    assert_eq!(
        (fate, back),
        (Condemned(Reason::Heartbleed), Condemned(Reason::Heartbleed))
    );
}

/// The same before any data: a server with SYN cookies answers two SYNs, and keeps neither.
#[test]
fn a_second_syn_that_is_answered_begins_the_stream() {
    let mut wire = Wire::fresh();
    wire.reopen([ISN, ISN]);
    let isn = [ISN.wrapping_sub(1 << 30), ISN.wrapping_sub(1 << 30)];
    wire.reopen(isn);
    let next = isn.map(|n| n.wrapping_add(1));
    let probe = [24, 3, 2, 0, 3, 1, 0x40, 0];
    assert_eq!(
        wire.send(Original, seg(next[0], next[1]), &probe),
        Condemned(Reason::Heartbleed)
    );
}

/// A server with SYN cookies that answers a SYN sent again a minute later: another ISN, no state.
#[test]
fn a_syn_ack_sent_again_with_another_number_counts() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    wire.send(Reply, syn_ack(ISN, ISN + 1), &[]); // lost behind the module
    wire.send(Original, syn(ISN), &[]);
    let isn = [ISN, ISN + (1 << 24) + 77];
    wire.send(Reply, syn_ack(isn[1], ISN + 1), &[]);
    let (_, fates) = converse(&mut wire, isn, &exchange("honest_full_handshake_12"));
    assert!(fates.iter().all(|f| *f == NEW), "{fates:?}");
}

/// README: "One [answer] of up to 16 KiB passes as a request of the answering side; a second one is
/// heartbeat_in_flight." Not if the attacker's next request passes as the answer to it.
#[test]
fn one_hidden_request_gives_one_answer_at_most() {
    let mut wire = Wire::fresh();
    wire.reopen([ISN, ISN]);
    let hb = exchange("honest_heartbeats");
    let (mut next, _) = converse(&mut wire, [ISN, ISN], &hb[..4].to_vec());
    let mut leaked = 0;
    // The first request was hidden in some way: the module saw none.
    for _ in 0..100 {
        let answer = record_of(24, &[0xaa; 16384 + 40]);
        match wire.send(Reply, seg(next[1], next[0]), &answer) {
            NEW => leaked += 16384,
            other => {
                assert!(leaked <= 16384, "{leaked} bytes leaked before {other:?}");
                return;
            }
        }
        next[1] += answer.len() as u32;
        // A request that claims 16 KiB, and reads as the "answer" to the server's "request".
        let request = record_of(24, &[0xaa; 60]);
        assert_eq!(wire.send(Original, seg(next[0], next[1]), &request), NEW);
        next[0] += request.len() as u32;
    }
    panic!("{leaked} bytes leaked, and no end");
}

/// Valid heartbeats of 600 bytes, each answered before the next, by one side (RFC 6520 4).
#[test]
fn large_heartbeats_one_after_the_other_pass() {
    let mut wire = Wire::fresh();
    wire.reopen([ISN, ISN]);
    let hb = exchange("honest_heartbeats");
    let (mut next, _) = converse(&mut wire, [ISN, ISN], &hb[..4].to_vec());
    for n in 0..3 {
        for direction in [Original, Reply] {
            let own = usize::from(direction == Reply);
            let beat = record_of(24, &[0xaa; 600]);
            let fate = wire.send(direction, seg(next[own], next[1 - own]), &beat);
            assert_eq!(fate, NEW, "round {n}, {direction:?}");
            next[own] += beat.len() as u32;
        }
    }
}

/// TLS compression (RFC 3749): a request of 3 bytes may fill a record (empty stored blocks), so
/// that the credit lets answers of 16 KiB back, any number of times. The ServerHello shows the
/// method; a credit of lengths means nothing then.
#[test]
fn heartbeats_in_compressed_sessions_are_not_balanced_by_length() {
    let hello = |kind: u8, choice: &[u8]| {
        let body = [
            &[3, 3][..],
            &[0xaa; 32],
            &[0],
            choice,
            &[0, 5, 0, 15, 0, 1, 1],
        ]
        .concat();
        let message = [&[kind, 0, 0, body.len() as u8][..], &body].concat();
        record_of(22, &message)
    };
    let mut wire = Wire::fresh();
    wire.reopen([ISN, ISN]);
    let honest = exchange("honest_heartbeats");
    let conversation = vec![
        // Compression methods: DEFLATE, null.
        (Original, hello(1, &[0, 2, 0, 0x2f, 2, 1, 0])),
        // ServerHello: DEFLATE; ServerHelloDone.
        (
            Reply,
            [hello(2, &[0, 0x2f, 1]), record_of(22, &[14, 0, 0, 0])].concat(),
        ),
        honest[2].clone(),
        honest[3].clone(),
    ];
    let (mut next, fates) = converse(&mut wire, [ISN, ISN], &conversation);
    assert!(fates.iter().all(|f| *f == NEW), "{fates:?}");
    for _ in 0..10 {
        let request = record_of(24, &[0xaa; 17000]);
        let fate = wire.send(Original, seg(next[0], next[1]), &request);
        next[0] += request.len() as u32;
        let answer = record_of(24, &[0xaa; 16500]);
        let back = wire.send(Reply, seg(next[1], next[0]), &answer);
        next[1] += answer.len() as u32;
        // Something else, as an HTTP answer.
        let other = record_of(23, &[0xaa; 100]);
        wire.send(Reply, seg(next[1], next[0]), &other);
        next[1] += other.len() as u32;
        assert!(fate != NEW || back != NEW, "16 KiB a request");
    }
}

/// CVE-2014-0224 toward a client that has no session to resume: no session id, no ticket in its
/// hello.
#[test]
fn a_server_s_ccs_without_a_session_to_resume_is_out_of_order() {
    let mut wire = Wire::fresh();
    wire.reopen([ISN, ISN]);
    let (mut next, _) = converse(
        &mut wire,
        [ISN, ISN],
        &exchange("honest_full_handshake_10")[..1].to_vec(),
    );
    // ServerHello alone, then ChangeCipherSpec.
    let flight = &exchange("honest_resumed_10")[1].1;
    let hello_end = 5 + usize::from(u16::from_be_bytes([flight[3], flight[4]]));
    let injected = [&flight[..hello_end], &[20, 3, 1, 0, 1, 1]].concat();
    let fate = wire.send(Reply, seg(next[1], next[0]), &injected);
    next[1] += injected.len() as u32;
    // And the client's own, for which the server's is taken as the reason.
    let own = wire.send(Original, seg(next[0], next[1]), &[20, 3, 1, 0, 1, 1]);
    assert_eq!(
        (fate, own),
        (
            Condemned(Reason::CcsOutOfOrder),
            Condemned(Reason::CcsOutOfOrder)
        )
    );
}

/// README: residual risks "only inside an encrypted session (in the clear the server's answer is
/// dropped for what it is)". That does not hold for rules whose break has no answer: a decoy that
/// the server never gets hides an early ChangeCipherSpec.
#[test]
fn a_decoy_in_the_clear_hides_nothing_but_heartbeats() {
    let mut wire = Wire::fresh();
    wire.reopen([ISN, ISN]);
    let hello = exchange("honest_full_handshake_12")[0].1.clone();
    let stream = [
        &hello[..],
        &[20, 3, 3, 0, 1, 1],
        &[22, 3, 3, 0, 4, 20, 0, 0, 12],
    ]
    .concat();
    let decoy = [&[23, 3, 3, 0x40, 0][..], &vec![0xaa; stream.len() - 5]].concat();
    let fate = wire.send(Original, seg(ISN + 1, ISN + 1), &decoy);
    assert!(
        matches!(fate, Condemned(_)),
        "application data before any hello: {fate:?}"
    );
    assert!(matches!(
        wire.send(Original, seg(ISN + 1, ISN + 1), &stream),
        Condemned(_)
    ));
}

/// README: "if the one with the answer's header was lost between the endpoint and the module, parts
/// of the rest may pass." It need not be that segment: any segment before it is enough. The header
/// then arrives, is seen, and is dropped.
#[test]
fn an_answer_whose_header_was_seen_does_not_pass() {
    let (mut wire, next) = opened("honest_full_handshake_12");
    // The client's request was hidden in the body of a record (any of README's residual risks).
    let mut stream = Vec::new();
    for _ in 0..3 {
        stream.extend(record_of(23, &[0xaa; 1443]));
    }
    stream.extend(record_of(24, &[0xaa; 16000]));
    let segments: Vec<_> = stream.chunks(1448).collect();
    let mut passed = 0;
    for (n, segment) in segments.iter().enumerate() {
        if n == 1 {
            // Lost between server and module. So the header, in segment 3, comes after a gap.
            continue;
        }
        let fate = wire.send(Reply, seg(next[1] + 1448 * n as u32, next[0]), segment);
        if n > 3 && fate == PassedUnread {
            passed += segment.len();
        }
    }
    assert_eq!(
        passed, 0,
        "bytes of the answer passed, though its header was seen"
    );
}

/// A client that knows a draft of TLS 1.3 only, and a server of the final one: TLS 1.2 is the best
/// that both have, and the server has to say so by the sentinel (RFC 8446 4.1.3).
#[test]
fn a_draft_s_client_was_not_downgraded() {
    let random_13 = |bytes: &mut Vec<u8>| {
        // record 5, message 4, version 2: the random
        bytes[11 + 24..11 + 32].copy_from_slice(b"DOWNGRD\x01");
    };
    let mut wire = Wire::fresh();
    wire.reopen([ISN, ISN]);
    let hello = exchange("honest_draft_18_retry")[0].1.clone();
    let mut flight = exchange("honest_full_handshake_12")[1].1.clone();
    random_13(&mut flight);
    let (_, fates) = converse(
        &mut wire,
        [ISN, ISN],
        &vec![(Original, hello), (Reply, flight)],
    );
    assert!(fates.iter().all(|f| *f == NEW), "{fates:?}");
}

/// Many routers send pure ACKs before data: then data in order has an older ACK. A receiver takes
/// it down to its window before the highest one (RFC 5961 5.2), but not one before its first byte.
#[test]
fn data_that_an_ack_has_overtaken_is_read() {
    let (mut wire, mut next) = opened("honest_full_handshake_12");
    let overtaken = |next: [u32; 2], ack_lag, max_window| Segment {
        ack_lag,
        max_window,
        ..seg(next[0], next[1] - ack_lag)
    };
    let data = record_of(23, &[0xaa; 100]);
    let before_its_first_byte = overtaken(next, 5000, 1 << 16);
    assert_eq!(
        wire.send(Original, before_its_first_byte, &data),
        OutOfOrder
    );
    for _ in 0..20 {
        let answer = record_of(23, &[0xaa; 4096]);
        assert_eq!(wire.send(Reply, seg(next[1], next[0]), &answer), NEW);
        next[1] += answer.len() as u32;
    }
    assert_eq!(
        wire.send(Original, overtaken(next, 4000, 7998), &data),
        OutOfOrder
    );
    assert_eq!(
        wire.send(Original, overtaken(next, 5000, 1 << 16), &data),
        NEW
    );
}

/// What a server sends before its SYN-ACK no client reads (RFC 9293 3.10.7.3), and conntrack
/// ignores it (SYN_SENT, ACK in reply: sIG), but lets it pass with its connection. The module
/// follows the server's stream from there.
#[test]
fn data_before_the_syn_ack_begins_no_stream() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    let forged = record_of(23, &[0xaa; 100]);
    wire.send(Reply, seg(ISN.wrapping_add(1 << 30), ISN + 1), &forged);
    wire.send(Reply, syn_ack(ISN, ISN + 1), &[]);
    let mut next = [ISN + 1, ISN + 1];
    let hello = &exchange("honest_full_handshake_12")[0].1;
    assert_eq!(wire.send(Original, seg(next[0], next[1]), hello), NEW);
    next[0] += hello.len() as u32;
    // All that the server sends then passes: other bytes than TLS, SSL2, a heartbleed request.
    let fate = wire.send(Reply, seg(next[1], next[0]), &[24, 3, 3, 0, 3, 1, 0x40, 0]);
    assert_eq!(fate, Condemned(Reason::Heartbleed));
}

/// The same with min_version: an SSL 3.0 ServerHello is not even read.
#[test]
fn data_before_the_syn_ack_does_not_hide_the_version() {
    let mut wire = Wire::fresh();
    wire.policy.min_version = 0x0303;
    wire.send(Original, syn(ISN), &[]);
    wire.send(
        Reply,
        seg(ISN.wrapping_add(1 << 30), ISN + 1),
        &record_of(23, &[0xaa; 100]),
    );
    wire.send(Reply, syn_ack(ISN, ISN + 1), &[]);
    let (_, fates) = converse(
        &mut wire,
        [ISN, ISN],
        &exchange("honest_full_handshake_ssl3"),
    );
    assert!(
        fates.contains(&Condemned(Reason::VersionRefused)),
        "{fates:?}"
    );
}

/// A SYN-ACK that the client does not take (signed, an option's discard, too few hops), then the
/// one that it takes.
#[test]
fn the_syn_ack_that_the_client_takes_counts() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    let decoy = Segment {
        signed: true,
        ..syn_ack(ISN.wrapping_add(1 << 30), ISN + 1)
    };
    wire.send(Reply, decoy, &[]);
    wire.send(Reply, syn_ack(ISN, ISN + 1), &[]);
    // The client says which one it took.
    let hello = &exchange("honest_full_handshake_12")[0].1;
    assert_eq!(wire.send(Original, seg(ISN + 1, ISN + 1), hello), NEW);
    let fate = wire.send(
        Reply,
        seg(ISN + 1, ISN + 1 + hello.len() as u32),
        &[24, 3, 3, 0, 3, 1, 0x40, 0],
    );
    assert_eq!(fate, Condemned(Reason::Heartbleed));
}

/// RFC 8071 (NETCONF and RESTCONF Call Home, port 4336): the side that opens the TCP connection is
/// the TLS server.
#[test]
fn a_call_home_passes() {
    let mut wire = Wire::fresh();
    wire.reopen([ISN, ISN]);
    let swapped: Vec<_> = exchange("honest_full_handshake_12")
        .into_iter()
        .map(|(d, b)| (if d == Original { Reply } else { Original }, b))
        .collect();
    let (_, fates) = converse(&mut wire, [ISN, ISN], &swapped);
    assert!(fates.iter().all(|f| *f == NEW), "{fates:?}");
}

/// RFC 6091: a Certificate of an OpenPGP key begins with its descriptor's type, and is not a list.
#[test]
fn an_openpgp_certificate_passes() {
    let mut wire = Wire::fresh();
    wire.reopen([ISN, ISN]);
    let hello = exchange("honest_full_handshake_12");
    let flight = &hello[1].1;
    let end = 5 + 4 + usize::from(u16::from_be_bytes([flight[7], flight[8]]));
    // ServerHello alone in its record, then Certificate: subkey_cert (2), key id, the key.
    let mut server = flight[..end].to_vec();
    let body = (end - 5) as u16;
    server[3..5].copy_from_slice(&body.to_be_bytes());
    let certificate = [
        &[11, 0, 0, 36, 2, 8][..],
        &[0xaa; 8],
        &[0, 0, 23],
        &[0xaa; 23],
    ]
    .concat();
    let certificate = (Reply, record_of(22, &certificate));
    let (_, fates) = converse(
        &mut wire,
        [ISN, ISN],
        &vec![hello[0].clone(), (Reply, server), certificate],
    );
    assert!(fates.iter().all(|f| *f == NEW), "{fates:?}");
}

/// RFC 8446 4.2.10: 0-RTT data goes on until the client has seen the ServerHello, here of TLS 1.1
/// (the attempt fails, but there is no attack: the logged reason is wrong).
#[test]
fn early_data_to_an_old_server_is_no_mismatch() {
    let mut wire = Wire::fresh();
    wire.reopen([ISN, ISN]);
    let early = exchange("honest_early_data_no_ccs")[0].1.clone();
    let flight = exchange("honest_full_handshake_11")[1].1.clone();
    let (_, fates) = converse(
        &mut wire,
        [ISN, ISN],
        &vec![
            (Original, early),
            (Reply, flight),
            (Original, record_of(23, &[0xaa; 100])),
        ],
    );
    assert!(fates.iter().all(|f| *f == NEW), "{fates:?}");
}

/// How many answers may be a little shorter than their requests: up to there each may be padded
/// less. After that one more counts as a request, too, and then a longer request breaks the rule.
#[test]
fn many_short_answers_are_counted() {
    let heartbeats = exchange("honest_heartbeats");
    // Answers that use up their request do not count, however many there were.
    for equal in [0, 40] {
        let mut wire = Wire::fresh();
        wire.reopen([ISN, ISN]);
        let (mut next, _) = converse(&mut wire, [ISN, ISN], &heartbeats[..4].to_vec());
        let mut beat = |direction: Direction, length: usize| {
            let own = usize::from(direction == Reply);
            let bytes = record_of(24, &vec![0xaa; length]);
            let fate = wire.send(direction, seg(next[own], next[1 - own]), &bytes);
            next[own] += bytes.len() as u32;
            fate
        };
        for _ in 0..equal {
            assert_eq!([beat(Original, 16384), beat(Reply, 16384)], [NEW; 2]);
        }
        for n in 0..32 {
            assert_eq!([beat(Original, 100), beat(Reply, 60)], [NEW; 2], "{n}");
        }
        let fate = beat(Original, 100);
        assert_eq!(fate, Condemned(Reason::HeartbeatMismatch), "{equal}");
    }
}
