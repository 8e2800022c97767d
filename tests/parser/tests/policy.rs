// SPDX-License-Identifier: GPL-2.0

//! What the operator chose: reasons that are reported or ignored, and policies that drop nothing.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction::{
            Original,
            Reply, //
        },
        Outcome,
        Policy,
        Reason,
        Reasons,
        Segment,
        Verdict, //
    },
    vectors::{
        self,
        Case, //
    },
    wire::{
        at_byte,
        client_hello,
        data,
        established,
        lines,
        record_of,
        syn,
        syn_ack,
        Fate::*,
        Wire,
        ISN,
        NEW, //
    },
};

/// Sends what both sides of a vector send under a policy; returns what was reported, and the
/// verdict.
fn play(case: &Case, policy: Policy) -> (Reasons, Option<Reason>) {
    let mut wire = Wire::open(ISN);
    wire.policy = policy;
    let (mut next, mut reported) = ([0; 2], Reasons::NONE);
    for line in &case.lines {
        let at = &mut next[usize::from(line.direction == Reply)];
        wire.send(line.direction, at_byte(*at), &line.bytes);
        *at += line.bytes.len() as u32;
        reported = Reasons::from_bits(reported.bits() | wire.last.reported.bits());
    }
    (reported, wire.connection.condemned())
}

fn only(reason: Reason) -> Reasons {
    let mut reasons = Reasons::NONE;
    reasons.insert(reason);
    reasons
}

/// The vectors that break a rule at their end.
fn breaking() -> Vec<(Case, Reason)> {
    let cases = vectors::load_all().unwrap().into_iter();
    cases
        .filter_map(|case| {
            let reason = case.expect?;
            Some((case, reason))
        })
        .collect()
}

#[test]
fn a_reason_may_be_reported_only() {
    for (case, reason) in breaking() {
        let policy = Policy {
            report: only(reason),
            ..case.policy
        };
        let (reported, condemned) = play(&case, policy);
        assert_eq!(reported, only(reason), "{}", case.name);
        assert_ne!(condemned, Some(reason), "{}", case.name);
    }
}

#[test]
fn a_reason_may_be_ignored() {
    for (case, reason) in breaking() {
        let policy = Policy {
            off: only(reason),
            ..case.policy
        };
        let (reported, condemned) = play(&case, policy);
        assert_eq!(reported, Reasons::NONE, "{}", case.name);
        assert_ne!(condemned, Some(reason), "{}", case.name);
    }
}

#[test]
fn a_reporting_policy_condemns_nothing() {
    for (case, reason) in breaking() {
        let (reported, condemned) = play(&case, case.policy.reporting());
        assert!(reported.contains(reason), "{}: {reported:?}", case.name);
        assert_eq!(condemned, None, "{}", case.name);
    }
}

/// A connection after a handshake, and where its client's next byte lies.
fn after_handshake(report: Reasons) -> (Wire, u32) {
    let (mut wire, [at, _]) = established("honest_full_handshake_12");
    wire.policy.report = report;
    (wire, at)
}

#[test]
fn a_reported_break_does_not_blind() {
    let (mut wire, at) = after_handshake(only(Reason::SuspiciousSequence));
    assert_eq!(wire.client(at, &record_of(23, &[0x41; 300])), NEW);
    assert_eq!(wire.last.reported, only(Reason::SuspiciousSequence));
    let heartbeat = record_of(24, &[0xaa; 40]);
    let condemned = Condemned(Reason::HeartbeatNotNegotiated);
    assert_eq!(wire.client(at + 305, &heartbeat), condemned);
}

#[test]
fn a_reason_is_reported_once() {
    let (mut wire, mut at) = after_handshake(Reasons::ALL);
    for reported in [only(Reason::SuspiciousSequence), Reasons::NONE] {
        assert_eq!(wire.client(at, &record_of(23, &[0x41; 300])), NEW);
        assert_eq!(wire.last.reported, reported);
        at += 305;
    }
    assert_eq!(wire.client(at, &record_of(24, &[0xaa; 40])), NEW);
    assert!(wire.last.reported.contains(Reason::HeartbeatNotNegotiated));
}

#[test]
fn what_loses_the_framing_passes_unread_when_reported() {
    for first in [
        &b"GET / HTTP/1.1\r\n"[..],
        &[22, 2, 3, 0, 1],
        &[22, 3, 3, 0x48, 1],
    ] {
        let mut wire = Wire::open(ISN);
        wire.policy = wire.policy.reporting();
        wire.client(0, first);
        assert!(!wire.last.reported.is_empty());
        let heartbleed = [24, 3, 3, 0, 3, 1, 0x40, 0];
        assert_eq!(wire.client(first.len() as u32, &heartbleed), Empty);
        assert_eq!(wire.last.reported, Reasons::NONE);
        // The other direction is read on.
        wire.server(0, &heartbleed);
        assert!(wire.last.reported.contains(Reason::Heartbleed));
    }
}

#[test]
fn urgent_data_may_be_reported() {
    let urgent = Segment {
        urg: true,
        ..at_byte(0)
    };
    let mut wire = Wire::greeted(ISN);
    wire.policy.report = only(Reason::UrgentData);
    assert_eq!(wire.send(Original, urgent, &data(40)), NEW);
    assert_eq!(wire.last.reported, only(Reason::UrgentData));
    assert_eq!(wire.client(45, &data(40)), NEW);
}

// --- a passive policy
// -------------------------------------------------------------------------------------

fn passive() -> Wire {
    let mut wire = Wire::open(ISN);
    wire.policy = wire.policy.reporting();
    wire
}

/// Plays the server's part of a vector; nothing may be reported.
fn serve(wire: &mut Wire, case: &str, ack: u32) {
    let mut at = 0;
    for line in lines(case) {
        if line.direction == Reply {
            let header = Segment {
                ack: Some(ack),
                ..at_byte(at)
            };
            wire.send(Reply, header, &line.bytes);
            assert_eq!(wire.last.reported, Reasons::NONE, "{case}");
            assert_eq!(wire.last.verdict, Verdict::Pass, "{case}");
            at += line.bytes.len() as u32;
        }
    }
}

const HANDSHAKES: [&str; 3] = [
    "honest_full_handshake_12",
    "honest_full_handshake_13",
    "honest_resumed_10",
];

/// The first of two segments of a ClientHello is lost, and sent again.
#[test]
fn a_lost_segment_is_no_false_alarm() {
    for case in HANDSHAKES {
        let mut wire = passive();
        let bytes = nf_conntrack_tls_tests::wire::client_bytes(case);
        assert_eq!(wire.client(40, &bytes[40..]), Empty, "{case}");
        assert_eq!(wire.last.counts.ooo_dropped, 1);
        wire.client(0, &bytes[..40]);
        serve(&mut wire, case, ISN + 1);
        assert_eq!(wire.connection.condemned(), None);
    }
}

/// The same, where the acknowledgment comes with the next part of a body.
#[test]
fn an_acknowledgment_within_a_body_tells_of_a_loss() {
    let (mut wire, [client, server]) = established("honest_full_handshake_12");
    wire.policy = wire.policy.reporting();
    assert_eq!(wire.server(server, &data(100)[..50]), NEW);
    let header = Segment {
        ack: Some(ISN + 1 + client + 2000),
        ..at_byte(server + 50)
    };
    assert_eq!(wire.send(Reply, header, &[0xaa; 10]), NEW);
    // The client is out of step now, until a record begins with a segment.
    assert_eq!(wire.client(client, &data(100)[..50]), Unsynced);
}

/// What the server acknowledges has never come here.
#[test]
fn an_acknowledgment_tells_of_a_loss() {
    for case in HANDSHAKES {
        let mut wire = passive();
        serve(&mut wire, case, ISN + 200);
    }
}

/// Only one direction comes here.
#[test]
fn half_a_connection_is_no_false_alarm() {
    for case in HANDSHAKES {
        for own in [Original, Reply] {
            let mut wire = Wire::fresh();
            wire.policy = wire.policy.reporting();
            let begins = match own {
                Original => syn(ISN),
                Reply => syn_ack(ISN, ISN + 1),
            };
            wire.send(own, begins, &[]);
            let mut at = 0;
            for line in lines(case) {
                if line.direction == own {
                    let header = Segment {
                        ack: Some(ISN + 5000),
                        ..at_byte(at)
                    };
                    wire.send(own, header, &line.bytes);
                    assert_eq!(wire.last.reported, Reasons::NONE, "{case} {own:?}");
                    at += line.bytes.len() as u32;
                }
            }
        }
    }
}

#[test]
fn a_fin_is_acknowledged_too() {
    let hello = client_hello();
    let end = hello.len() as u32;
    for (more, fate) in [(0, NEW), (1, NEW), (2, Unsynced)] {
        let mut wire = passive();
        wire.client(0, &hello);
        let header = Segment {
            ack: Some(ISN + 1 + end + more),
            ..at_byte(0)
        };
        wire.send(Reply, header, &[]);
        assert_eq!(wire.client(end, &data(1)[..3]), fate, "{more}");
    }
}

// --- mid-stream, Multipath TCP, devices
// -----------------------------------------------------------------------

#[test]
fn a_connection_without_a_beginning_may_be_refused() {
    let mut wire = Wire::fresh();
    wire.policy.midstream_drop = true;
    for _ in 0..2 {
        assert_eq!(wire.client(0, &data(40)), Refused);
        assert_eq!(wire.last.counts.unsynced, 1);
        assert_eq!(wire.client(0, &[]), Empty);
    }
    wire.reopen([ISN, ISN]);
    assert_eq!(wire.client(0, &client_hello()), NEW);
}

#[test]
fn multipath_tcp_passes_unread() {
    let mut wire = Wire::fresh();
    let multipath = |segment| Segment {
        mptcp: true,
        ..segment
    };
    wire.send(Original, multipath(syn(ISN)), &[]);
    assert_eq!(wire.last.counts.mptcp, 0);
    wire.send(Reply, multipath(syn_ack(ISN, ISN + 1)), &[]);
    assert_eq!(wire.last.counts.mptcp, 1);
    for at in [0, 5000, 100] {
        assert_eq!(wire.client(at, b"the middle of a record"), Empty);
        assert_eq!(wire.server(at, b"the middle of a record"), Empty);
    }
}

/// An offer of Multipath TCP that the server turns down makes it a connection like any other.
#[test]
fn multipath_tcp_that_is_turned_down_is_read() {
    let mut wire = Wire::fresh();
    let offer = Segment {
        mptcp: true,
        ..syn(ISN)
    };
    wire.send(Original, offer, &[]);
    wire.send(Reply, syn_ack(ISN, ISN + 1), &[]);
    assert_eq!(wire.client(0, b"GET"), Condemned(Reason::RecordType));
}

/// What a device will encrypt is not searched for runs, but followed.
#[test]
fn payload_that_a_device_encrypts_is_not_searched() {
    let (mut wire, [at, _]) = established("honest_full_handshake_12");
    let header = Segment {
        opaque: true,
        ..at_byte(at)
    };
    let clear = record_of(23, &[0x41; 300]);
    assert_eq!(wire.send(Original, header, &clear), NEW);
    assert_eq!(
        wire.client(at + 305, &clear),
        Condemned(Reason::SuspiciousSequence)
    );
}

#[test]
fn what_reaches_beyond_the_window_is_not_read() {
    let (mut wire, [at, _]) = established("honest_full_handshake_12");
    let header = Segment {
        overruns: true,
        ..at_byte(at)
    };
    assert_eq!(wire.send(Original, header, &data(40)), OutOfOrder);
    assert_eq!(wire.client(at, &data(40)), NEW);
}

// --- where the SYN-ACK does not come here
// ---------------------------------------------------------------------

/// SYNPROXY: the client's SYN, and then an established connection.
#[test]
fn an_established_connection_begins_where_it_was_acknowledged() {
    let established = |header: Segment, ack| Segment {
        established: Some(ISN + 1),
        ack: Some(ack),
        ..header
    };
    for server_first in [false, true] {
        let mut wire = Wire::fresh();
        wire.send(Original, syn(ISN), &[]);
        if server_first {
            let early = established(at_byte(0), ISN + 1);
            assert_eq!(wire.send(Reply, early, &[22, 3, 3]), NEW);
            assert_eq!(wire.client(0, &client_hello()), NEW);
        } else {
            let hello = established(at_byte(0), ISN + 1);
            assert_eq!(wire.send(Original, hello, &client_hello()), NEW);
            assert_eq!(wire.server(0, &[22, 3, 3]), NEW);
        }
        // A gap before the server's next byte is noticed.
        assert_eq!(wire.server(4, &[0]), OutOfOrder);
    }
}

/// The server's stream begins where the client has acknowledged it, though the client's next bytes
/// lie within a body.
#[test]
fn an_established_connection_begins_within_a_body() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    let hello = client_hello();
    let at = hello.len() as u32;
    assert_eq!(wire.client(0, &hello), NEW);
    assert_eq!(wire.client(at, &data(100)[..50]), NEW);
    let header = Segment {
        established: Some(ISN + 1),
        ack: Some(ISN + 1),
        ..at_byte(at + 50)
    };
    assert_eq!(wire.send(Original, header, &[0xaa; 10]), NEW);
    // A gap before the server's first byte is noticed.
    assert_eq!(wire.server(4, &[0]), OutOfOrder);
}

/// The first bytes acknowledge less than the client has acknowledged before: the server's stream
/// begins where that was, and a receiver does not read what acknowledges bytes before it.
#[test]
fn an_established_connection_begins_at_the_highest_acknowledgment() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    let header = Segment {
        established: Some(ISN + 1),
        ack: Some(ISN + 1 - 1000),
        ack_lag: 1000,
        max_window: 64_000,
        ..at_byte(0)
    };
    assert_eq!(wire.send(Original, header, &client_hello()), OutOfOrder);
    assert_eq!(wire.server(0, &[22, 3, 3]), NEW);
}

#[test]
fn nothing_is_counted_twice() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    assert_eq!(wire.last.counts.connections, 1);
    wire.send(Reply, syn_ack(ISN, ISN + 1), &[]);
    assert_eq!(wire.last, Outcome::default());
    // Another connection in its place.
    wire.client(0, &client_hello());
    wire.send(Original, syn(ISN + 9000), &[]);
    assert_eq!(wire.last.counts.connections, 0);
    wire.send(Reply, syn_ack(ISN + 9000, ISN + 9001), &[]);
    assert_eq!(wire.last.counts.connections, 1);
}

fn reporting(reason: Reason) -> Wire {
    let mut wire = Wire::open(ISN);
    wire.policy.report = only(reason);
    wire
}

/// What the wrong side says is not believed.
#[test]
fn a_reported_hello_of_the_wrong_side_negotiates_nothing() {
    let mut wire = reporting(Reason::HandshakeDirection);
    let hello = client_hello();
    wire.client(0, &hello);
    assert_eq!(wire.server(0, &hello), NEW);
    assert_eq!(wire.last.reported, only(Reason::HandshakeDirection));
    let supplemental = [22, 3, 1, 0, 5, 23, 0, 0, 1, 0xaa];
    assert_eq!(wire.server(hello.len() as u32, &supplemental), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_reported_retry_of_a_client_is_no_hello() {
    let mut wire = reporting(Reason::HandshakeDirection);
    assert_eq!(wire.client(0, &record_of(22, &[6, 0, 0, 2, 0x7f, 18])), NEW);
    assert_eq!(wire.last.reported, only(Reason::HandshakeDirection));
    wire.client(11, &data(40));
    assert_eq!(wire.verdict, Err(Reason::RecordType));
}

/// A heartbeat within a ClientHello: the rest of that is not read as another message.
#[test]
fn a_reported_heartbeat_within_a_message_gives_up_the_handshake() {
    for off in [false, true] {
        let mut wire = reporting(Reason::HeartbeatInHandshake);
        if off {
            wire.policy.off = only(Reason::HeartbeatInHandshake);
            wire.policy.report = Reasons::NONE;
        }
        let hello = &client_hello()[5..];
        let (first, rest) = hello.split_at(hello.len() / 2);
        let beat = [&[1, 0, 0][..], &[0xaa; 16]].concat();
        let stream = [
            record_of(22, first),
            record_of(24, &beat),
            record_of(22, rest),
        ]
        .concat();
        assert_eq!(wire.client(0, &stream), NEW, "off: {off}");
        assert_eq!(wire.verdict, Ok(()));
    }
}

/// A request that is ignored is remembered, however long its answer.
#[test]
fn an_ignored_heartbleed_and_its_answer_have_the_same_length() {
    let cases = vectors::load("heartbeat_mismatch").unwrap();
    let clear = |case: &&Case| case.name == "heartbeat_mismatch_clear_asked_pass";
    let handshake = &cases.iter().find(clear).unwrap().lines[..3];
    for length in [0x7ffe_u16, 0x7fff, 0x8000, 0xffff] {
        let [high, low] = length.to_be_bytes();
        let (mut wire, mut next) = (Wire::open(ISN), [0; 2]);
        wire.policy.off = only(Reason::Heartbleed);
        let beats = [(Original, 1), (Reply, 2), (Original, 1)];
        let beats = beats.map(|(direction, kind)| vectors::Line {
            direction,
            bytes: record_of(24, &[kind, high, low]),
        });
        for line in handshake.iter().chain(&beats) {
            let at = &mut next[usize::from(line.direction == Reply)];
            let fate = wire.send(line.direction, at_byte(*at), &line.bytes);
            assert_eq!(fate, NEW, "{length:x}");
            *at += line.bytes.len() as u32;
        }
        // The second request was not answered yet.
        let [at, _] = next;
        let fate = wire.client(at, &record_of(24, &[1, high, low]));
        assert_eq!(fate, Condemned(Reason::HeartbeatInFlight), "{length:x}");
    }
}

/// The rest of a ChangeCipherSpec that is too long is searched like any body, wherever it is cut.
#[test]
fn an_ignored_length_of_a_change_cipher_spec_hides_no_run() {
    let [client, server] = [0, 1].map(|line| lines("honest_full_handshake_13")[line].bytes.clone());
    for (run, fate) in [(128, NEW), (129, Condemned(Reason::SuspiciousSequence))] {
        let mut wire = Wire::open(ISN);
        wire.policy.off = only(Reason::CcsOutOfOrder);
        assert_eq!(wire.client(0, &client), NEW);
        assert_eq!(wire.server(0, &server), NEW);
        let (at, body) = (client.len() as u32, [vec![1], vec![0; run]].concat());
        let record = record_of(20, &body);
        let (first, rest) = record.split_at(6);
        assert_eq!(wire.client(at, first), NEW);
        assert_eq!(wire.client(at + 6, rest), fate);
    }
}

/// A passive policy does not give up a stream for a segment that no receiver reads.
#[test]
fn what_no_receiver_reads_loses_no_stream() {
    let (mut wire, [at, _]) = established("honest_full_handshake_12");
    wire.policy = wire.policy.reporting();
    let beyond = Segment {
        overruns: true,
        ..at_byte(at + 90_000)
    };
    wire.send(Original, beyond, &[0xaa; 100]);
    assert_eq!(wire.last.verdict, Verdict::Pass);
    assert_eq!(wire.client(at, &data(100)[..50]), NEW);
    assert_eq!(wire.client(at + 50, &data(100)[50..]), NEW);
}
