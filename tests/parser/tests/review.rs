// SPDX-License-Identifier: GPL-2.0

//! Ways past the module, and lawful traffic that it stopped, as a review of the parser found them.

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
        established,
        message,
        syn,
        syn_ack,
        Fate::*,
        Wire,
        ISN,
        NEW, //
    },
};

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
