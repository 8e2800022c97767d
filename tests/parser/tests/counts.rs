// SPDX-License-Identifier: GPL-2.0

//! What a segment adds to the counters that no verdict shows.

use core::ops::ControlFlow;
use nf_conntrack_tls_tests::{
    tls_parser::{
        Counts,
        Direction::{
            Original,
            Reply, //
        },
        Payload,
        Segment,
        Verdict, //
    },
    wire::{
        at_byte,
        data,
        established,
        message,
        syn,
        syn_ack,
        Wire,
        ISN,
        NEW, //
    },
};

fn with_fin(segment: Segment) -> Segment {
    Segment {
        fin: true,
        ..segment
    }
}

#[test]
fn a_fin_within_a_record_truncates_it() {
    let (first, rest) = (&message(40)[..20], &message(40)[20..]);
    let mut wire = Wire::open(ISN);
    wire.client(0, first);
    assert_eq!(wire.last.counts.truncated, 0, "more may come");
    let mut cut = wire.clone();
    cut.send(Original, with_fin(at_byte(20)), &[]);
    assert_eq!(cut.last.counts.truncated, 1);
    wire.send(Original, with_fin(at_byte(20)), rest);
    assert_eq!(wire.last.counts.truncated, 0, "the record is whole");
}

#[test]
fn a_fin_that_is_dropped_truncates_nothing() {
    let mut wire = Wire::open(ISN);
    wire.client(0, &message(40)[..3]);
    wire.send(Original, with_fin(at_byte(30)), &message(40));
    assert_eq!(wire.last.verdict, Verdict::Drop);
    assert_eq!(wire.last.counts.truncated, 0);
}

#[test]
fn multipath_tcp_counts_once_where_its_data_goes_unread() {
    let multipath = |segment| Segment {
        mptcp: true,
        ..segment
    };
    let mut wire = Wire::fresh();
    wire.send(Original, multipath(syn(ISN)), &[]);
    assert_eq!(wire.last.counts.mptcp, 0, "it may be turned down");
    let mut plain = wire.clone();
    plain.send(Reply, syn_ack(ISN, ISN + 1), &[]);
    assert_eq!(plain.last.counts.mptcp, 0, "it was");
    assert_eq!(plain.client(0, &message(40)), NEW);
    let answer = multipath(syn_ack(ISN, ISN + 1));
    wire.send(Reply, answer, &[]);
    assert_eq!(wire.last.counts.mptcp, 1);
    let again = Segment {
        begins: false,
        ..answer
    };
    wire.send(Reply, again, &[]);
    assert_eq!(wire.last.counts.mptcp, 0, "it was sent again");
}

#[test]
fn payload_that_cannot_be_read_counts_and_loses_the_stream() {
    let segment = Segment {
        len: 45,
        ..at_byte(0)
    };
    let payload = message(40);
    for readable in [0, 10, 44, 45] {
        let mut wire = Wire::open(ISN);
        let policy = wire.policy;
        let mut part = &payload[..readable];
        let outcome = wire
            .connection
            .follow(&policy, Original, &segment, &mut part);
        let counts = Counts {
            bytes: readable as u32,
            records: u32::from(readable > 0),
            unreadable: u32::from(readable < 45),
            ..Counts::default()
        };
        assert_eq!((outcome.verdict, outcome.counts), (Verdict::Pass, counts));
    }
}

#[test]
fn data_on_a_syn_does_not_pass_a_condemned_connection() {
    let mut wire = Wire::greeted(ISN);
    wire.client(0, b"GET / HTTP/1.1\r\n");
    wire.send(Original, syn(ISN + 5000), &message(40));
    assert_eq!(wire.last.verdict, Verdict::Drop);
    assert_eq!(wire.last.broken, None);
}

#[test]
fn data_on_a_later_syn_loses_no_stream_that_is_only_reported() {
    let mut wire = Wire::open(ISN);
    wire.policy = wire.policy.reporting();
    wire.client(0, &message(40));
    wire.send(Original, syn(ISN + 45), &message(40));
    assert_eq!(wire.last.verdict, Verdict::Pass);
    assert_eq!(wire.client(45, &message(40)), NEW);
}

#[test]
fn a_fin_after_a_part_of_a_body_truncates_it() {
    let (mut wire, [at, _]) = established("honest_full_handshake_12");
    assert_eq!(wire.client(at, &data(100)[..50]), NEW);
    wire.send(Original, with_fin(at_byte(at + 50)), &[0xaa; 10]);
    assert_eq!(wire.last.counts.truncated, 1);
}

#[test]
fn a_syn_ack_of_multipath_tcp_that_begins_nothing_does_not_count() {
    let mut wire = Wire::open(ISN);
    let again = Segment {
        mptcp: true,
        begins: false,
        ..syn_ack(ISN, ISN + 1)
    };
    wire.send(Reply, again, &[]);
    assert_eq!(wire.last.counts.mptcp, 0);
}

/// A SYN that offers Multipath TCP in the place of a connection that goes unread.
#[test]
fn an_offer_of_multipath_tcp_does_not_count() {
    let multipath = |segment| Segment {
        mptcp: true,
        ..segment
    };
    let mut wire = Wire::fresh();
    wire.send(Original, multipath(syn(ISN)), &[]);
    wire.send(Reply, multipath(syn_ack(ISN, ISN + 1)), &[]);
    wire.send(Original, multipath(syn(ISN)), &[]);
    assert_eq!(wire.last.counts.mptcp, 0);
    // A SYN-ACK that begins a connection like any other.
    wire.send(Reply, syn_ack(ISN + 9, ISN + 7), &[]);
    assert_eq!(wire.last.counts.mptcp, 0);
    assert_eq!(wire.last.counts.connections, 1);
}

/// What passes unread has no records that could be cut.
#[test]
fn a_stream_that_passes_unread_is_not_truncated() {
    let mut wire = Wire::open(ISN);
    wire.policy = wire.policy.reporting();
    assert_eq!(wire.client(0, &[22, 4, 0]), NEW);
    wire.send(Original, with_fin(at_byte(3)), &[]);
    assert_eq!(wire.last.counts.truncated, 0);
}

#[test]
fn an_answered_offer_of_multipath_tcp_is_one_connection() {
    let mut wire = Wire::fresh();
    let offer = Segment {
        mptcp: true,
        ..syn(ISN)
    };
    wire.send(Original, offer, &[]);
    assert_eq!(wire.last.counts.connections, 1);
    wire.send(Reply, syn_ack(ISN, ISN + 1), &[]);
    assert_eq!(wire.last.counts.connections, 0);
}

/// A payload that is never in one piece is followed all the same.
#[test]
fn a_payload_in_pieces_is_read() {
    struct Pieces<'a>(&'a [u8]);
    impl Payload for Pieces<'_> {
        fn read(
            &mut self,
            from: u32,
            to: u32,
            each: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
        ) -> u32 {
            self.0.read(from, to, each)
        }

        fn header_at(&mut self, at: u32) -> Option<[u8; 5]> {
            self.0.header_at(at)
        }
    }
    let (wire, [at, _]) = established("honest_full_handshake_12");
    let mut connection = wire.connection;
    for (at, part) in [(at, &data(100)[..50]), (at + 50, &[0xaa; 10][..])] {
        let segment = Segment {
            len: part.len() as u32,
            ..at_byte(at)
        };
        let (limit, seq) = (wire.policy.seq_len, segment.seq);
        let passed = connection.follow_data(limit, Original, seq, &mut Pieces(part));
        assert_eq!(passed, None);
        let outcome = connection.follow(&wire.policy, Original, &segment, &mut Pieces(part));
        assert_eq!(outcome.counts.bytes, segment.len);
    }
}

#[test]
fn a_syn_that_is_sent_again_is_one_connection() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    assert_eq!(wire.last.counts.connections, 1);
    wire.send(Original, syn(ISN), &[]);
    assert_eq!(wire.last.counts.connections, 0);
}
