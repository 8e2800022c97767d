// SPDX-License-Identifier: GPL-2.0

//! Ways past the module, and lawful traffic that it stopped, as a review of the parser found them.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction::{
            Original, //
        },
        Segment, //
    },
    wire::{
        at_byte,
        data,
        established,
        Fate::*,
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
