// SPDX-License-Identifier: GPL-2.0

//! Evasions, and valid traffic that was condemned, as a review of the parser found them.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction::{
            Original,
            Reply, //
        },
        Policy,
        Reason,
        Reasons,
        Segment, //
    },
    vectors,
    wire::{
        at_byte,
        client_hello,
        data,
        established,
        message,
        record_of,
        syn,
        syn_ack,
        Fate::*,
        Wire,
        ISN,
        NEW, //
    },
};

fn set(reasons: &[Reason]) -> Reasons {
    let mut set = Reasons::NONE;
    for &reason in reasons {
        set.insert(reason);
    }
    set
}

/// What the server has sent is not yet acknowledged, so its first byte is the oldest that may be
/// (`bytes_acked` in Linux's `tcp_ack()`), however much has passed.
#[test]
fn an_ack_before_the_first_byte_is_not_read_although_much_was_sent() {
    let (mut wire, [client, mut server]) = established("honest_full_handshake_12");
    for _ in 0..20 {
        assert_eq!(wire.server(server, &data(4096)), NEW);
        server += 4101;
    }
    let decoy = Segment {
        ack: Some(ISN + 1 - 1000),
        ack_lag: 1001,
        max_window: 1 << 16,
        ..at_byte(client)
    };
    assert_eq!(wire.send(Original, decoy, &data(40)), OutOfOrder);
    let overtaken = Segment {
        ack: Some(ISN + 1 + server - 1000),
        ack_lag: 1000,
        ..decoy
    };
    assert_eq!(wire.send(Original, overtaken, &data(40)), NEW);
}

/// A client that did not ask for Multipath TCP ignores the answer's option, and speaks TCP.
#[test]
fn a_server_alone_cannot_choose_multipath_tcp() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    let answer = Segment {
        mptcp: true,
        ..syn_ack(ISN, ISN + 1)
    };
    wire.send(Reply, answer, &[]);
    assert_eq!(wire.last.counts.mptcp, 0);
    assert_eq!(wire.client(0, &client_hello()), NEW);
    let heartbleed = [24, 3, 3, 0, 3, 1, 0x40, 0];
    assert_eq!(wire.server(0, &heartbleed), Condemned(Reason::Heartbleed));
}

/// In SYN-SENT a client reads no data from a SYN without ACK.
#[test]
fn data_on_the_server_s_syn_is_not_read() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    assert_eq!(wire.send(Reply, syn(ISN), &message(40)), OutOfOrder);
    assert_eq!(wire.last.counts.connections, 0);
    assert_eq!(wire.send(Reply, syn(ISN), &[]), Empty);
    wire.send(Original, syn_ack(ISN, ISN + 1), &[]);
    assert_eq!(wire.client(0, &client_hello()), NEW);
    let heartbleed = [24, 3, 3, 0, 3, 1, 0x40, 0];
    assert_eq!(wire.server(0, &heartbleed), Condemned(Reason::Heartbleed));
}

/// The server took the data on the SYN: where it ends no record begins.
#[test]
fn a_syn_ack_sent_again_does_not_clear_condemned() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &message(40)[..20]);
    wire.send(Reply, syn_ack(ISN, ISN + 21), &[]);
    let urgent = Segment {
        urg: true,
        ..syn(ISN)
    };
    wire.send(Original, urgent, &[]);
    let condemned = Some(Reason::UrgentData);
    assert_eq!(wire.connection.condemned(), condemned);
    wire.send(Reply, syn_ack(ISN, ISN + 21), &[]);
    assert_eq!(wire.connection.condemned(), condemned);
}

/// A ChangeCipherSpec of many bytes, where the operator ignores that, is judged alike however cut.
#[test]
fn an_ignored_ccs_is_judged_alike_however_it_is_cut() {
    let long = record_of(20, &[1; 300]);
    let mut verdicts = Vec::new();
    for cut in [300, 5, 6, 7] {
        let mut wire = Wire::greeted(ISN);
        wire.connection.lose(Reply);
        wire.policy.off = set(&[Reason::CcsOutOfOrder]);
        wire.client(0, &long[..cut]);
        wire.client(cut as u32, &long[cut..]);
        verdicts.push(wire.verdict);
    }
    assert!(verdicts.iter().all(|v| *v == verdicts[0]), "{verdicts:?}");
}

/// Other rules apply, whichever is ignored.
#[test]
fn a_heartbeat_that_is_too_short_is_refused_all_the_same() {
    let short = record_of(24, &[1]);
    for (case, reason) in [
        ("honest_full_handshake_12", Reason::HeartbeatNotNegotiated),
        ("", Reason::HeartbeatInHandshake),
    ] {
        let (mut wire, at) = match case {
            "" => (Wire::greeted(ISN), 0),
            _ => {
                let (wire, [at, _]) = established(case);
                (wire, at)
            }
        };
        wire.policy.off = set(&[Reason::HeartbeatMalformed]);
        assert_eq!(wire.client(at, &short), Condemned(reason));
    }
}

/// An answer without a request changes nothing in a hello of the other side.
#[test]
fn a_reported_response_does_not_disturb_the_other_side_s_hello() {
    let mut wire = Wire::open(ISN);
    wire.policy.report = set(&[Reason::HeartbeatMismatch, Reason::HeartbeatInHandshake]);
    let hello = client_hello();
    assert_eq!(wire.client(0, &hello[..40]), NEW);
    let response = record_of(24, &[&[2, 0, 5], [0xaa; 30].as_slice()].concat());
    assert_eq!(wire.server(0, &response), NEW);
    assert_eq!(wire.client(40, &hello[40..]), NEW);
    assert_eq!(wire.verdict, Ok(()));
    assert!(!wire.connection.in_record(Original));
}

fn passive(case: &str) -> (Wire, [u32; 2]) {
    let (mut wire, at) = established(case);
    wire.policy = Policy::default().reporting();
    (wire, at)
}

/// What was lost before the module lies in a body: the records stay in step.
#[test]
fn an_acknowledged_gap_in_a_body_loses_nothing() {
    let (mut wire, [at, answer]) = passive("honest_full_handshake_12");
    assert_eq!(wire.client(at, &data(3000)[..1000]), NEW);
    let ack = |end| Segment {
        ack: Some(ISN + 1 + at + end),
        ..at_byte(answer)
    };
    wire.send(Reply, ack(1500), &[]);
    assert_eq!(wire.client(at + 1500, &data(3000)[1500..]), AfterGap);
    wire.send(Reply, ack(3100), &[]);
    assert_eq!(wire.client(at + 3100, &data(10)[3..]), Unsynced);
}

/// The receiver acknowledges the filled gap and what passed unread after it, at once.
#[test]
fn what_passed_unread_may_be_acknowledged_once_the_gap_is_filled() {
    let (mut wire, [base, answer]) = established("honest_full_handshake_12");
    assert_eq!(wire.client(base, &data(1495)[..500]), NEW);
    assert!(!wire.passes(base + 2000, &[0xaa; 1000]));
    assert!(wire.passes(base + 3000, &data(995)));
    wire.policy = Policy::default().reporting();
    assert!(wire.passes(base + 500, &data(1495)[500..]));
    assert!(wire.passes(base + 1500, &data(1495)));
    let ack = Segment {
        ack: Some(ISN + 1 + base + 4000),
        ..at_byte(answer)
    };
    wire.send(Reply, ack, &[]);
    assert_eq!(wire.client(base + 4000, &data(10)[..3]), NEW);
}

/// A chain is kept in the other direction, and stays there when that one passes unread.
#[test]
fn a_chain_outlives_a_reported_break_of_the_other_side() {
    let (mut wire, [base, answer]) = established("honest_full_handshake_12");
    wire.policy.report = set(&[Reason::RecordType]);
    assert_eq!(wire.client(base, &data(1495)[..500]), NEW);
    assert!(!wire.passes(base + 2000, &[0xaa; 1000]));
    assert!(wire.passes(base + 3000, &data(995)));
    wire.server(answer, b"GET");
    assert_eq!(wire.last.reported, set(&[Reason::RecordType]));
    assert!(wire.passes(base + 500, &data(1495)[500..]));
    assert!(wire.passes(base + 1500, &data(1495)));
    assert!(wire.passes(base + 4000, &data(10)));
    assert!(!wire.connection.in_record(Original));
}

/// A stream that was lost may be resynchronised at a ClientHello that is sent again.
#[test]
fn a_hello_sent_again_to_a_lost_stream_is_no_false_alarm() {
    let (mut wire, [at, _]) = passive("honest_full_handshake_12");
    wire.client(at + 100, &[0xaa; 50]);
    assert_eq!(wire.last.counts.ooo_dropped, 1);
    wire.client(0, &client_hello());
    assert_eq!(wire.last.counts.resynced, 1);
    assert_eq!(wire.last.reported, Reasons::NONE);
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }
}

/// Sends what both sides of a vector send, each line cut into pieces of up to `most` bytes.
fn play(lines: &[vectors::Line], policy: Policy, most: u64, random: &mut Random) -> (Wire, u32) {
    let mut wire = Wire::open(ISN);
    wire.policy = policy;
    let (mut next, mut reported) = ([0; 2], 0);
    for line in lines {
        let mut rest = &line.bytes[..];
        while !rest.is_empty() {
            let cut = rest.len().min(1 + random.below(most) as usize);
            let at = &mut next[usize::from(line.direction == Reply)];
            wire.send(line.direction, at_byte(*at), &rest[..cut]);
            *at += cut as u32;
            reported |= wire.last.reported.bits();
            rest = &rest[cut..];
        }
    }
    (wire, reported)
}

/// Whatever is ignored or reported, and whatever is sent, the verdict does not depend on the cuts.
#[test]
fn verdicts_do_not_depend_on_cuts_under_any_policy() {
    let mut random = Random(7);
    for case in vectors::load_all().unwrap() {
        for _ in 0..10 {
            let mut lines = case.lines.clone();
            for _ in 0..random.below(4) {
                let n = random.below(lines.len() as u64) as usize;
                let bytes = &mut lines[n].bytes;
                if !bytes.is_empty() {
                    let at = random.below((bytes.len() as u64).min(60)) as usize;
                    bytes[at] = [0, 1, 2, 20, 21, 22, 23, 24, 128, 255][random.below(10) as usize];
                }
            }
            let policy = Policy {
                off: Reasons::from_bits(random.below(1 << 31) as u32),
                report: Reasons::from_bits(random.below(1 << 31) as u32),
                heartbeat: random.below(2) == 0,
                ..case.policy
            };
            let (whole, whole_reported) = play(&lines, policy, 1 << 20, &mut random);
            for most in [1, 3, 40] {
                let (cut, reported) = play(&lines, policy, most, &mut random);
                let name = &case.name;
                assert_eq!(
                    cut.verdict, whole.verdict,
                    "{name} {most} {policy:?} {lines:?}"
                );
                assert_eq!(
                    reported, whole_reported,
                    "{name} {most} {policy:?} {lines:?}"
                );
            }
        }
    }
}
