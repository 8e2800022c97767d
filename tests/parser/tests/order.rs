// SPDX-License-Identifier: GPL-2.0

//! TCP's order: what of a segment is read, and what is skipped or dropped.

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
        client_bytes,
        data,
        record,
        syn,
        Fate::*,
        Wire,
        ISN,
        NEW, //
    },
};

#[test]
fn a_syn_begins_the_stream() {
    let mut wire = Wire::greeted(ISN);
    assert_eq!(wire.client(0, &data(40)), NEW);
    assert_eq!(wire.server(0, &data(40)), NEW);
}

#[test]
fn what_follows_is_next() {
    let mut wire = Wire::greeted(ISN);
    assert_eq!(wire.client(0, &data(40)), NEW);
    assert_eq!(wire.client(45, &data(40)), NEW);
    wire.client(90, &[0]);
    assert_eq!(wire.verdict, Err(Reason::RecordType));
}

#[test]
fn a_bare_ack_is_empty() {
    let mut wire = Wire::greeted(ISN);
    let before = wire.clone();
    assert_eq!(wire.client(0, &[]), Empty);
    assert_eq!(wire.client(5000, &[]), Empty);
    assert_eq!(wire, before);
}

#[test]
fn the_last_segment_may_carry_fin() {
    let mut wire = Wire::greeted(ISN);
    let fin = Segment {
        fin: true,
        ..at_byte(0)
    };
    assert_eq!(wire.send(Original, fin, &data(40)), NEW);
    assert!(!wire.connection.in_record(Original));
}

#[test]
fn an_end_within_a_record_is_seen() {
    let mut wire = Wire::greeted(ISN);
    assert!(!wire.connection.in_record(Original));
    for (at, byte) in data(40).into_iter().enumerate() {
        wire.client(at as u32, &[byte]);
        assert_eq!(wire.connection.in_record(Original), at != 44, "byte {at}");
    }
    assert!(!wire.connection.in_record(Reply));
}

#[test]
fn a_retransmission_is_not_read_again() {
    let mut wire = Wire::greeted(ISN);
    wire.client(0, &data(40));
    let before = wire.clone();
    assert_eq!(wire.client(0, &data(40)), Retransmission);
    assert_eq!(wire.client(44, &[0]), Retransmission, "its last byte");
    assert_eq!(wire.client(0, &[0; 45]), Retransmission, "with other bytes");
    assert_eq!(wire, before);
}

#[test]
fn a_keep_alive_below_next_is_a_retransmission() {
    let mut wire = Wire::greeted(ISN);
    assert_eq!(
        wire.send(
            Original,
            Segment {
                seq: ISN,
                ..Segment::default()
            },
            &[0]
        ),
        Retransmission
    );
    assert_eq!(wire.client(0, &data(40)), NEW);
}

#[test]
fn the_second_sight_on_loopback_changes_nothing() {
    let mut wire = Wire::greeted(ISN);
    for (at, payload) in [(0, data(40)), (45, data(7)), (57, data(300))] {
        assert_eq!(wire.client(at, &payload), NEW);
        let before = wire.clone();
        assert_eq!(wire.client(at, &payload), Retransmission);
        assert_eq!(wire, before);
    }
}

#[test]
fn only_what_is_new_is_read() {
    let mut wire = Wire::greeted(ISN);
    wire.client(0, &data(40)[..20]);
    let overlap = [vec![0; 10], data(40)[20..].to_vec()].concat();
    assert_eq!(wire.client(10, &overlap), Next { skip: 10 });
    assert_eq!(wire.client(45, &data(1)), NEW, "the framing is kept");
    assert_eq!(wire.verdict, Ok(()));
}

/// Only a client's SYN may come again before it is answered; here the answer came first.
#[test]
fn a_second_syn_of_the_server_begins_nothing() {
    let mut wire = Wire::fresh();
    assert_eq!(wire.send(Reply, syn(ISN), &[]), Empty);
    assert_eq!(wire.send(Reply, syn(ISN + 77), &[]), Empty);
    assert_eq!(wire.server(0, &data(40)), NEW);
}

#[test]
fn a_retransmitted_syn_changes_nothing() {
    let mut wire = Wire::greeted(ISN);
    wire.client(0, &data(40));
    let before = wire.clone();
    assert_eq!(wire.send(Original, syn(ISN), &[]), Empty);
    assert_eq!(
        wire.send(Original, syn(ISN + 77), &[]),
        Empty,
        "nor does a forged one"
    );
    assert_eq!(wire, before);
}

#[test]
fn half_of_the_sequence_space_lies_before_next() {
    let mut wire = Wire::greeted(ISN);
    assert_eq!(wire.client(0, &data(40)), NEW);
    for behind in [1_u32 << 30, (1 << 31) - 1] {
        assert_eq!(
            wire.client(45_u32.wrapping_sub(behind), &[0]),
            Retransmission
        );
        assert_eq!(wire.client(45_u32.wrapping_add(behind), &[0]), OutOfOrder);
    }
    assert_eq!(wire.client(45 + (1 << 31), &[0]), OutOfOrder, "the middle");
    assert_eq!(wire.client(45, &data(40)), NEW);
}

#[test]
fn a_hole_in_an_opaque_body_is_skipped() {
    let mut wire = Wire::greeted(ISN);
    wire.client(0, &data(3000)[..1000]);
    assert_eq!(wire.client(2000, &[0xaa; 1005]), AfterGap);
    assert_eq!(
        wire.client(1000, &[0xaa; 1000]),
        Retransmission,
        "what fills it"
    );
    assert_eq!(wire.client(3005, &data(1)), NEW);
    wire.client(3011, &[0]);
    assert_eq!(wire.verdict, Err(Reason::RecordType), "the framing is kept");
}

#[test]
fn a_hole_up_to_the_body_s_end_is_skipped() {
    let mut wire = Wire::greeted(ISN);
    wire.client(0, &data(3000)[..1000]);
    assert_eq!(wire.client(3005, &data(1)), AfterGap);
    assert_eq!(wire.client(3011, &data(1)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_hole_that_could_hold_a_header_is_not() {
    let mut wire = Wire::greeted(ISN);
    wire.client(0, &data(3000)[..1000]);
    let before = wire.clone();
    assert_eq!(wire.client(3006, &data(1)), OutOfOrder);
    assert_eq!(wire, before, "nobody is condemned, and nothing is lost");
    assert_eq!(wire.client(1000, &data(3000)[1000..]), NEW);
}

#[test]
fn a_hole_in_a_header_is_not_skipped() {
    let mut wire = Wire::greeted(ISN);
    wire.client(0, &data(3000)[..3]);
    assert_eq!(wire.client(4, &data(3000)[4..]), OutOfOrder);
    assert_eq!(wire.client(3, &data(3000)[3..]), NEW);
}

#[test]
fn a_hole_in_a_cleartext_message_is_not_skipped() {
    let hello = client_bytes("honest_full_handshake_13");
    let mut wire = Wire::open(ISN);
    wire.client(0, &hello[..60]);
    assert_eq!(wire.client(70, &hello[70..90]), OutOfOrder);
    assert_eq!(wire.client(60, &hello[60..90]), NEW);
}

#[test]
fn a_hole_before_the_first_byte_is_not_skipped() {
    let mut wire = Wire::greeted(ISN);
    assert_eq!(wire.client(1, &data(40)), OutOfOrder);
    assert_eq!(wire.client(0, &data(40)), NEW);
}

#[test]
fn a_run_begins_anew_behind_a_hole() {
    let mut body = vec![0x41; 300];
    body[120] = 0x80;
    body[280] = 0x80;
    let record = record(&body);
    let mut wire = Wire::greeted(ISN);
    // 100 low bytes before it, and 100 after it: together more than 128.
    wire.client(0, &record[..105]);
    assert_eq!(wire.client(205, &record[205..]), AfterGap);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn sequence_numbers_wrap_around() {
    for isn in [
        u32::MAX,
        u32::MAX - 1,
        u32::MAX - 20,
        u32::MAX - 1500,
        i32::MAX as u32,
    ] {
        let mut wire = Wire::greeted(isn);
        let at = |offset: u32| Segment {
            seq: isn.wrapping_add(1).wrapping_add(offset),
            ..Segment::default()
        };
        let bytes = data(3000);
        assert_eq!(wire.send(Original, at(0), &bytes[..1000]), NEW, "{isn}");
        assert_eq!(
            wire.send(Original, at(0), &bytes[..1000]),
            Retransmission,
            "{isn}"
        );
        assert_eq!(
            wire.send(Original, at(990), &bytes[990..1010]),
            Next { skip: 10 },
            "{isn}"
        );
        assert_eq!(
            wire.send(Original, at(2000), &bytes[2000..]),
            AfterGap,
            "{isn}"
        );
        assert_eq!(
            wire.send(Original, at(1010), &bytes[1010..2000]),
            Retransmission,
            "{isn}"
        );
        assert_eq!(wire.send(Original, at(3005), &data(1)), NEW, "{isn}");
        assert_eq!(wire.send(Original, at(4000), &data(1)), OutOfOrder, "{isn}");
        assert_eq!(wire.verdict, Ok(()), "{isn}");
    }
}

/// Within a body, too, a segment is not plain payload if anything is said of it: `send` compares
/// the quick way with the other.
#[test]
fn what_is_said_of_a_segment_counts_within_a_body() {
    let plain = at_byte(50);
    let said = [
        plain,
        Segment { syn: true, ..plain },
        Segment { fin: true, ..plain },
        Segment { rst: true, ..plain },
        Segment { urg: true, ..plain },
        Segment {
            opaque: true,
            ..plain
        },
        Segment {
            signed: true,
            ..plain
        },
        Segment {
            overruns: true,
            ..plain
        },
        Segment {
            ack: Some(0),
            ack_lag: 1 << 20,
            ..plain
        },
    ];
    // It ends in a run that the quick way remembers, and what is not searched does not.
    let payload = [&[0xaa; 180][..], &[0x41; 20]].concat();
    let mut fates = Vec::new();
    for segment in said {
        let mut wire = Wire::greeted(ISN);
        assert_eq!(wire.client(0, &data(1000)[..50]), NEW);
        fates.push(wire.send(Original, segment, &payload));
    }
    let urgent = Condemned(Reason::UrgentData);
    let read = [NEW, OutOfOrder, NEW, Empty, urgent, NEW];
    assert_eq!(fates, [&read[..], &[OutOfOrder; 3]].concat());
}
