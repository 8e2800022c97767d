// SPDX-License-Identifier: GPL-2.0

//! A condemned connection, and one whose beginning was not seen.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Connection,
        Direction::{
            Original,
            Reply, //
        },
        Policy,
        Reason,
        Segment, //
    },
    wire::{
        at_byte,
        client_bytes,
        client_hello,
        data,
        established,
        record,
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
fn a_condemned_connection_s_payload_is_dropped_both_ways() {
    let mut wire = Wire::greeted(ISN);
    let condemned = Condemned(Reason::RecordType);
    assert_eq!(wire.client(0, b"GET / HTTP/1.1\r\n"), condemned);
    assert_eq!(wire.client(16, &data(40)), condemned);
    assert_eq!(
        wire.client(0, b"GET / HTTP/1.1\r\n"),
        condemned,
        "its retransmission too"
    );
    assert_eq!(wire.server(0, &data(40)), condemned);
    let fin = Segment {
        fin: true,
        ..at_byte(16)
    };
    assert_eq!(wire.send(Original, fin, &data(40)), condemned);
}

/// An acknowledgment or a FIN shows that an end still has the connection, and is answered by a
/// reset.
#[test]
fn only_resets_and_syns_pass_a_condemned_connection() {
    let mut wire = Wire::greeted(ISN);
    wire.client(0, b"GET / HTTP/1.1\r\n");
    let fin = Segment {
        fin: true,
        ..at_byte(16)
    };
    let reset = Segment {
        rst: true,
        ..at_byte(16)
    };
    for direction in [Original, Reply] {
        let condemned = Condemned(Reason::RecordType);
        assert_eq!(wire.send(direction, at_byte(16), &[]), condemned);
        assert_eq!(wire.send(direction, fin, &[]), condemned);
        assert_eq!(wire.send(direction, reset, &[]), Empty);
        assert_eq!(wire.send(direction, syn(5), &[]), Empty);
    }
}

#[test]
fn a_syn_does_not_clear_condemned() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), b"GET / HTTP/1.1\r\n");
    wire.send(Original, syn(ISN), &[]);
    let answer = syn_ack(ISN, ISN + 1);
    wire.send(Reply, answer, &[]);
    assert_eq!(wire.client(0, &data(40)), Condemned(Reason::RecordType));
}

/// Whether a stream is taken up again at a segment.
fn resyncs(wire: &mut Wire, payload: &[u8]) -> bool {
    wire.client(0, payload) != Unsynced
}

#[test]
fn a_stream_is_picked_up_at_a_record_that_ends_with_its_segment() {
    let mut wire = Wire::fresh();
    assert!(resyncs(&mut wire, &data(40)));
    assert_eq!(wire.client(45, &data(40)), NEW);
    assert_eq!(wire.client(0, &data(40)), Retransmission);
    wire.client(90, &[0]);
    assert_eq!(wire.verdict, Err(Reason::RecordType));
}

#[test]
fn a_stream_is_picked_up_at_a_record_before_another_header() {
    let mut wire = Wire::fresh();
    assert!(resyncs(&mut wire, &[data(40), data(50)].concat()));
    assert_eq!(wire.client(100, &data(40)), NEW);
}

#[test]
fn a_stream_is_not_picked_up_elsewhere() {
    let cut = data(40);
    let garbage_behind = [data(40), vec![0; 5]].concat();
    let half_a_header_behind = [data(40), vec![23, 3, 3, 0]].concat();
    for payload in [
        &cut[..44],
        &garbage_behind,
        &half_a_header_behind,
        &[0; 45],
        &[23, 3, 3],
        &[23, 2, 3, 0, 1, 0],
        &[23, 3, 9, 0, 1, 0],
        &[22, 3, 3, 0, 0],
        &[23, 3, 3, 0x48, 1],
        b"GET / HTTP/1.1\r\n",
    ] {
        let mut wire = Wire::fresh();
        assert!(!resyncs(&mut wire, payload), "{payload:?}");
        assert_eq!(wire, Wire::fresh(), "{payload:?}");
    }
}

#[test]
fn a_picked_up_stream_is_taken_for_protected() {
    // Its handshake was not seen: a handshake record may hold anything, and be of any version.
    let mut wire = Wire::fresh();
    assert!(resyncs(&mut wire, &data(40)));
    assert_eq!(wire.client(45, &[22, 3, 1, 0, 2, 99, 99]), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_stream_that_was_lost_is_picked_up_again() {
    let mut wire = Wire::greeted(ISN);
    wire.client(0, &data(40));
    wire.connection.lose(Original);
    assert_eq!(wire.client(500, &data(40)[3..]), Unsynced);
    assert!(!wire.connection.in_record(Original));
    assert_eq!(
        wire.server(0, &data(40)),
        NEW,
        "the other direction goes on"
    );
}

/// What the server chose is not known then: its client may send its ChangeCipherSpec.
#[test]
fn a_client_finishes_though_its_server_was_lost() {
    let mut wire = Wire::greeted(ISN);
    wire.connection.lose(Reply);
    let bytes = client_bytes("honest_full_handshake_12");
    assert_eq!(wire.client(0, &bytes), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_condemned_connection_is_not_picked_up() {
    let mut wire = Wire::greeted(ISN);
    wire.client(0, b"GET / HTTP/1.1\r\n");
    wire.connection.lose(Original);
    assert_eq!(wire.client(0, &data(40)), Condemned(Reason::RecordType));
}

/// What one side lost the other one did not.
#[test]
fn a_stream_goes_on_when_the_other_was_lost() {
    let (mut wire, [_, at]) = established("honest_full_handshake_12");
    wire.connection.lose(Original);
    assert_eq!(wire.server(at, &data(100)[..50]), NEW);
    assert_eq!(wire.server(at + 50, &data(100)[50..]), NEW);
}

/// A run that is only reported ends a part of a body, and takes no more of it than that.
#[test]
fn a_reported_run_takes_its_bytes_once() {
    let policy = Policy::default().reporting();
    let stream = [record(&[0x41; 1000]), data(40)].concat();
    let mut connections = [Connection::begun(); 2];
    for (connection, length) in connections.iter_mut().zip([stream.len(), 300]) {
        connection.feed(&policy, Original, &client_hello()).unwrap();
        for part in stream.chunks(length) {
            connection.feed(&policy, Original, part).unwrap();
        }
        assert!(!connection.in_record(Original), "{length}");
    }
    let [whole, parts] = connections;
    assert_eq!(whole, parts);
}

/// Conntrack has seen the connection established, of which nothing came here before.
#[test]
fn an_established_connection_is_picked_up_like_any_other() {
    let mut wire = Wire::fresh();
    let header = Segment {
        established: Some(ISN + 1),
        ack: Some(ISN + 1),
        ..at_byte(0)
    };
    assert_eq!(wire.send(Original, header, b"a part of a body"), Unsynced);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_stream_that_is_taken_up_again_leaves_the_other_as_it_is() {
    let (mut wire, [client, server]) = established("honest_full_handshake_12");
    wire.connection.lose(Original);
    assert!(resyncs(&mut wire, &data(40)), "{client}");
    assert_eq!(wire.server(server, &data(100)[..50]), NEW);
}

/// A stream that is resynchronised is signed if its first segment is.
#[test]
fn a_picked_up_stream_may_be_signed() {
    let mut wire = Wire::fresh();
    wire.send(Original, signed(at_byte(0)), &data(40));
    assert_eq!(wire.last.counts.resynced, 1);
    assert_eq!(wire.client(45, &data(40)), OutOfOrder);
    assert_eq!(wire.send(Original, signed(at_byte(45)), &data(40)), NEW);
}

/// If one side was followed from its beginning, that is known.
#[test]
fn a_stream_taken_up_again_is_signed_as_before() {
    let mut wire = Wire::fresh();
    wire.send(Original, signed(syn(ISN)), &[]);
    wire.send(Reply, signed(syn_ack(ISN, ISN + 1)), &[]);
    wire.send(Original, signed(at_byte(0)), &client_hello());
    wire.connection.lose(Original);
    wire.client(5000, &data(40));
    assert_eq!(wire.last.counts.resynced, 1);
    let alert = [21, 3, 3, 0, 2, 1, 90];
    assert_eq!(wire.send(Reply, signed(at_byte(0)), &alert), NEW);
}
