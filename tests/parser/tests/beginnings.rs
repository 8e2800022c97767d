// SPDX-License-Identifier: GPL-2.0

//! Where a stream begins, and what a receiver would not read.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction::{
            Original,
            Reply, //
        },
        Reason,
        Segment, //
    },
    wire::{
        at_byte,
        client_hello,
        data,
        message,
        signed,
        syn,
        syn_ack,
        Fate::*,
        Wire,
        ISN,
        NEW, //
    },
};

#[test]
fn urgent_data_breaks_the_rules() {
    let urgent = Segment {
        urg: true,
        ..at_byte(0)
    };
    let mut wire = Wire::open(ISN);
    assert_eq!(
        wire.send(Original, urgent, &message(40)),
        Condemned(Reason::UrgentData)
    );
    assert_eq!(wire.connection.condemned(), Some(Reason::UrgentData));
}

#[test]
fn the_urgent_flag_without_data_breaks_the_rules_too() {
    let urgent = Segment {
        urg: true,
        ..at_byte(0)
    };
    let mut wire = Wire::open(ISN);
    assert_eq!(
        wire.send(Original, urgent, &[]),
        Condemned(Reason::UrgentData),
        "it may point into what follows"
    );
}

#[test]
fn the_urgent_flag_of_a_reset_does_not() {
    let urgent = Segment {
        urg: true,
        rst: true,
        ..at_byte(0)
    };
    let mut wire = Wire::open(ISN);
    assert_eq!(wire.send(Original, urgent, &[]), Empty);
    assert_eq!(wire.client(0, &message(40)), NEW);
    assert_eq!(wire.connection.condemned(), None);
}

#[test]
fn data_on_a_syn_ack_is_not_read() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    let answer = syn_ack(ISN, ISN + 1);
    assert_eq!(wire.send(Reply, answer, &message(40)), OutOfOrder);
    assert_eq!(wire.send(Reply, answer, &[]), Empty);
    assert_eq!(wire.server(0, &message(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_bare_syn_behind_data_on_one_does_not_forget_it() {
    let mut wire = Wire::fresh();
    let (first, rest) = (&message(40)[..6], &message(40)[6..]);
    wire.send(Original, syn(ISN), first);
    assert_eq!(wire.send(Original, syn(ISN), &[]), Empty);
    assert_eq!(
        wire.send(Original, syn(ISN), first),
        Retransmission,
        "on loopback it is seen twice"
    );
    let answer = syn_ack(ISN, ISN + 7);
    wire.send(Reply, answer, &[]);
    assert_eq!(wire.client(6, rest), NEW);
    assert_eq!(wire.verdict, Ok(()));
    assert!(!wire.connection.in_record(Original));
}

#[test]
fn a_segment_that_acknowledges_less_than_before_is_not_read() {
    let mut wire = Wire::open(ISN);
    let stale = |at| Segment {
        ack_lag: 1,
        ..at_byte(at)
    };
    let before = wire.clone();
    assert_eq!(wire.send(Original, stale(0), &message(40)), OutOfOrder);
    assert_eq!(wire, before);
    assert_eq!(wire.client(0, &message(40)), NEW);
    assert_eq!(
        wire.send(Original, stale(0), &message(40)),
        Retransmission,
        "it may fill a gap"
    );
    wire.client(45, &message(100)[..5]);
    let before = wire.clone();
    assert_eq!(wire.send(Original, stale(80), &[0xaa; 70]), OutOfOrder);
    assert_eq!(wire, before, "after a gap");
}

#[test]
fn a_signature_that_the_syn_lacked_is_not_read() {
    let mut wire = Wire::open(ISN);
    let before = wire.clone();
    assert_eq!(
        wire.send(Original, signed(at_byte(0)), &message(40)),
        OutOfOrder
    );
    assert_eq!(wire, before);
    assert_eq!(wire.client(0, &message(40)), NEW);
}

#[test]
fn a_connection_may_be_signed() {
    let mut wire = Wire::fresh();
    wire.send(Original, signed(syn(ISN)), &[]);
    let answer = syn_ack(ISN, ISN + 1);
    wire.send(Reply, signed(answer), &[]);
    assert_eq!(wire.client(0, &message(40)), OutOfOrder, "not signed");
    assert_eq!(wire.send(Original, signed(at_byte(0)), &message(40)), NEW);
    assert_eq!(wire.send(Reply, signed(at_byte(0)), &message(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

/// Nor is an unsigned segment read that is the next part of a body.
#[test]
fn a_signed_body_goes_on_signed() {
    let mut wire = Wire::fresh();
    wire.send(Original, signed(syn(ISN)), &[]);
    wire.send(Reply, signed(syn_ack(ISN, ISN + 1)), &[]);
    let hello = client_hello();
    let at = hello.len() as u32;
    assert_eq!(wire.send(Original, signed(at_byte(0)), &hello), NEW);
    let part = &data(100)[..50];
    assert_eq!(wire.send(Original, signed(at_byte(at)), part), NEW);
    let plain = wire.client(at + 50, &[0xaa; 10]);
    assert_eq!(plain, OutOfOrder);
    let part = [0xaa; 10];
    assert_eq!(wire.send(Original, signed(at_byte(at + 50)), &part), NEW);
}

#[test]
fn the_last_syn_tells_whether_segments_are_signed() {
    let mut wire = Wire::fresh();
    wire.send(Original, signed(syn(ISN)), &[]);
    wire.send(Original, syn(ISN), &[]);
    assert_eq!(wire.client(0, &message(40)), NEW);
}

#[test]
fn data_on_a_signed_syn_that_is_turned_down_comes_again_signed() {
    let mut wire = Wire::fresh();
    wire.send(Original, signed(syn(ISN)), &message(40));
    let answer = syn_ack(ISN, ISN + 1);
    wire.send(Reply, signed(answer), &[]);
    assert_eq!(wire.send(Original, signed(at_byte(0)), &message(40)), NEW);
}

#[test]
fn what_a_reset_carries_is_not_read() {
    let mut wire = Wire::open(ISN);
    let reset = Segment {
        rst: true,
        ..at_byte(0)
    };
    assert_eq!(wire.send(Reply, reset, b"connection refused"), Empty);
    assert_eq!(wire.server(0, &message(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn data_on_a_later_syn_is_dropped() {
    let mut wire = Wire::open(ISN);
    wire.client(0, &message(40));
    let before = wire.clone();
    assert_eq!(wire.send(Original, syn(ISN + 45), &message(40)), OutOfOrder);
    assert_eq!(wire, before);
}

#[test]
fn data_on_the_syn_is_read() {
    let mut wire = Wire::fresh();
    assert_eq!(wire.send(Original, syn(ISN), &message(40)), NEW);
    let answer = syn_ack(ISN, ISN + 46);
    assert_eq!(wire.send(Reply, answer, &[]), Empty);
    assert_eq!(wire.client(45, &message(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn an_attack_on_the_syn_is_seen() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[24, 3, 1, 0, 3, 1, 0x40, 0]);
    assert_eq!(wire.verdict, Err(Reason::Heartbleed));
}

#[test]
fn data_on_the_syn_that_is_turned_down_comes_again() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &message(40));
    let answer = syn_ack(ISN, ISN + 1);
    assert_eq!(wire.send(Reply, answer, &[]), Empty);
    assert_eq!(
        wire.client(0, &message(60)),
        NEW,
        "it may even be other data"
    );
    assert_eq!(wire.client(65, &message(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_syn_that_is_sent_again_without_its_data_begins_anew() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &message(40));
    assert_eq!(wire.send(Original, syn(ISN), &[]), Empty);
    let answer = syn_ack(ISN, ISN + 1);
    wire.send(Reply, answer, &[]);
    assert_eq!(wire.client(0, &message(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn an_unanswered_syn_gives_way_to_the_next() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &message(40));
    assert_eq!(wire.send(Original, syn(ISN + 5000), &[]), Empty);
    let answer = syn_ack(ISN, ISN + 5001);
    wire.send(Reply, answer, &[]);
    assert_eq!(wire.client(5000, &message(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

/// How much a side has sent is known by powers of two, wherever its numbers lie. An acknowledgment
/// of less is one of bytes before its first.
#[test]
fn an_acknowledgment_of_bytes_before_the_first_is_none() {
    for isn in [0, ISN, 0x0fff_ff00, 0x7fff_0000, 0xffff_fff0] {
        let mut wire = Wire::open_at([ISN, isn]);
        let mut next = isn.wrapping_add(1);
        for _ in 0..12 {
            let header = Segment {
                seq: next,
                ..Segment::default()
            };
            assert_eq!(wire.send(Reply, header, &message(60)), NEW);
            next = next.wrapping_add(65);
        }
        let segment = |lag| Segment {
            ack: Some(next.wrapping_sub(lag)),
            ack_lag: lag,
            max_window: 64_000,
            ..at_byte(0)
        };
        let late = wire.send(Original, segment(1500), &message(40));
        assert_eq!(late, OutOfOrder, "{isn:x}");
        assert_eq!(
            wire.send(Original, segment(0), &message(40)),
            NEW,
            "{isn:x}"
        );
    }
}

/// A SYN-ACK that is sent again, after the client's first bytes, begins nothing.
#[test]
fn a_syn_ack_sent_again_after_data_begins_nothing() {
    let mut wire = Wire::open(ISN);
    assert_eq!(wire.client(0, &message(40)), NEW);
    let before = wire.clone();
    wire.send(Reply, syn_ack(ISN, ISN + 1), &[]);
    assert_eq!(wire.last.counts.connections, 0);
    assert_eq!(wire, before);
}

/// One with another number, of a server that keeps none, is the answer to the same SYN.
#[test]
fn a_syn_ack_with_another_number_is_the_same_connection() {
    let mut wire = Wire::open(ISN);
    wire.send(Reply, syn_ack(ISN + 77, ISN + 1), &[]);
    assert_eq!(wire.last.counts.connections, 0);
    assert_eq!(wire.server(77, &message(40)), NEW);
    // From here on the server has spoken, so that the next one is another connection's.
    wire.send(Reply, syn_ack(ISN + 9000, ISN + 1), &[]);
    assert_eq!(wire.last.counts.connections, 1);
}

#[test]
fn data_before_the_syn_ack_is_not_read() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    assert_eq!(wire.server(0, b"no record"), OutOfOrder);
}

/// A client ignores a SYN-ACK that is signed if its SYN was not, and waits for another one.
#[test]
fn a_signed_answer_to_an_unsigned_syn_begins_nothing() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    wire.send(Reply, signed(syn_ack(ISN + 77, ISN + 1)), &[]);
    wire.send(Reply, syn_ack(ISN, ISN + 1), &[]);
    assert_eq!(wire.server(0, &message(40)), NEW);
    // In the place of a connection that has spoken, one of the other sort may begin.
    assert_eq!(wire.client(0, &message(40)), NEW);
    wire.send(Reply, signed(syn_ack(ISN + 9000, ISN + 9001)), &[]);
    assert_eq!(wire.last.counts.connections, 1);
    let next = Segment {
        seq: ISN + 9001,
        ..Segment::default()
    };
    assert_eq!(wire.send(Reply, signed(next), &message(40)), NEW);
}
