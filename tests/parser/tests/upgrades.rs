// SPDX-License-Identifier: GPL-2.0

//! What comes before TLS: what is counted, and in which order TCP may bring it. What the protocols
//! say is in the vectors.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction::{
            Original,
            Reply, //
        },
        Opening,
        Policy,
        Reason,
        Segment, //
    },
    vectors::{
        self,
        Line, //
    },
    wire::{
        at_byte,
        client_hello,
        syn,
        syn_ack,
        Fate,
        Wire,
        ISN,
        NEW, //
    },
};

/// A connection by that helper.
fn open(opening: Opening) -> Wire {
    let mut wire = Wire::open(ISN);
    wire.policy.opening = opening;
    wire
}

/// What both sides of a case of `upgraded.vec` send.
fn lines(case: &str) -> Vec<Line> {
    let cases = vectors::load("upgraded").unwrap();
    cases.into_iter().find(|c| c.name == case).unwrap().lines
}

/// Every session of `upgraded.vec` upgrades, once.
#[test]
fn upgrades_are_counted() {
    for case in vectors::load("upgraded").unwrap() {
        let mut wire = open(case.policy.opening);
        let (mut next, mut upgraded) = ([0_u32; 2], 0);
        for line in &case.lines {
            let at = &mut next[usize::from(line.direction == Reply)];
            let fate = wire.send(line.direction, at_byte(*at), &line.bytes);
            assert_eq!(fate, NEW, "{}", case.name);
            *at += line.bytes.len() as u32;
            upgraded += wire.last.counts.upgraded;
        }
        assert_eq!(upgraded, 1, "{}", case.name);
    }
}

#[test]
fn cleartext_is_counted_once() {
    let mut wire = open(Opening::Starttls);
    assert_eq!(wire.server(0, b"220 mx\r\n"), NEW);
    assert_eq!(wire.client(0, b"EHLO c\r\n"), NEW);
    assert_eq!(wire.last.counts.cleartext, 0);
    assert_eq!(wire.client(8, b"MAIL FROM:<>\r\n"), NEW);
    assert_eq!(wire.last.counts.cleartext, 1);
    assert_eq!(wire.client(22, b"RCPT TO:<a>\r\n"), NEW);
    assert_eq!(wire.last.counts.cleartext, 0);
}

/// A gap before the upgrade could hide it.
#[test]
fn cleartext_out_of_order_is_dropped_until_the_gap_is_filled() {
    let mut wire = open(Opening::Starttls);
    assert_eq!(wire.server(0, b"220 mx\r\n"), NEW);
    assert_eq!(wire.client(8, b"STARTTLS\r\n"), Fate::OutOfOrder);
    assert_eq!(wire.client(0, b"EHLO c\r\n"), NEW);
    assert_eq!(wire.client(8, b"STARTTLS\r\n"), NEW);
    assert_eq!(wire.client(0, b"EHLO c\r\n"), Fate::Retransmission);
    assert_eq!(wire.server(15, b"220 ready\r\n"), Fate::OutOfOrder);
    assert_eq!(wire.server(8, b"250 mx\r\n220 ready\r\n"), NEW);
    assert_eq!(wire.last.counts.upgraded, 1);
}

/// Where nothing can lead to TLS any more, order does not matter.
#[test]
fn cleartext_for_good_passes_unread() {
    let mut wire = open(Opening::Starttls);
    assert_eq!(
        wire.client(0, &[0, 0, 0, 12, 0, 3, 0, 0, 97, 0, 98, 0]),
        NEW
    );
    assert_eq!(wire.last.counts.cleartext, 1);
    assert_eq!(wire.server(0, b"R\0\0\0\x08\0\0\0\0"), NEW);
    assert_eq!(wire.client(5000, b"a query"), Fate::Empty);
    assert_eq!(wire.server(5000, b"an answer"), Fate::Empty);
}

/// The end of a session in the clear cuts no record short.
#[test]
fn an_end_before_tls_is_no_truncation() {
    let mut wire = open(Opening::Starttls);
    assert_eq!(wire.server(0, b"220 m"), NEW);
    let end = Segment {
        fin: true,
        ..at_byte(5)
    };
    assert_eq!(wire.send(Reply, end, b"x"), NEW);
    assert_eq!(wire.last.counts.truncated, 0);
}

/// Once a part of it has been read, a SYN does not let a stream begin again.
#[test]
fn a_syn_does_not_begin_a_prelude_anew() {
    let mut wire = Wire::fresh();
    wire.policy.opening = Opening::Starttls;
    let request = b"\0\0\0\x08\x04\xd2\x16\x2f";
    // Data on a SYN (RFC 7413).
    assert_eq!(wire.send(Original, syn(ISN), request), NEW);
    assert_eq!(wire.send(Original, syn(ISN + 3), &[]), Fate::Empty);
    let answer = syn_ack(ISN, ISN + 1 + request.len() as u32);
    assert_eq!(wire.send(Reply, answer, &[]), Fate::Empty);
    assert_eq!(wire.server(0, b"S"), NEW);
    assert_eq!(wire.last.counts.upgraded, 1);
}

/// If the server turns down data on a SYN, the client says it again.
#[test]
fn data_on_a_syn_that_is_turned_down_is_read_again() {
    let mut wire = Wire::fresh();
    wire.policy.opening = Opening::Starttls;
    let request = b"\0\0\0\x08\x04\xd2\x16\x2f";
    assert_eq!(wire.send(Original, syn(ISN), request), NEW);
    let answer = syn_ack(ISN, ISN + 1);
    assert_eq!(wire.send(Reply, answer, &[]), Fate::Empty);
    assert_eq!(wire.client(0, request), NEW);
    assert_eq!(wire.server(0, b"S"), NEW);
    assert_eq!(wire.last.counts.upgraded, 1);
    assert_eq!(wire.client(8, &client_hello()), NEW);
    assert_eq!(wire.last.counts.records, 1);
}

/// A side that is out of step takes the other one along: it no longer knows what was accepted.
#[test]
fn both_sides_are_lost_together() {
    let mut wire = open(Opening::Starttls);
    wire.policy = wire.policy.reporting();
    assert_eq!(wire.server(0, b"220 mx\r\n"), NEW);
    assert_eq!(wire.client(0, b"STARTTLS\r\n"), NEW);
    // It acknowledges what never came here.
    let ahead = Segment {
        ack: Some(ISN + 1 + 19),
        ..at_byte(10)
    };
    wire.send(Original, ahead, &client_hello());
    assert_eq!(wire.last.counts.upgraded, 0);
    assert!(wire.last.reported.is_empty());
    assert_eq!(wire.verdict, Ok(()));
}

/// A reported injection does not keep the upgrade from being followed.
#[test]
fn a_reported_injection_is_followed_by_the_upgrade() {
    let mut wire = open(Opening::Starttls);
    wire.policy.report.insert(Reason::StarttlsInjection);
    assert_eq!(wire.server(0, b"220 mx\r\n"), NEW);
    assert_eq!(wire.client(0, b"STARTTLS\r\nRSET\r\n"), NEW);
    assert!(wire.last.reported.contains(Reason::StarttlsInjection));
    assert_eq!(wire.server(8, b"220 ready\r\n"), NEW);
    assert_eq!(wire.last.counts.upgraded, 1);
    let probe = [24, 3, 2, 0, 3, 1, 0x40, 0];
    let hello = client_hello();
    assert_eq!(wire.client(16, &hello), NEW);
    let at = 16 + hello.len() as u32;
    assert_eq!(wire.client(at, &probe), Fate::Condemned(Reason::Heartbleed));
}

/// A broken PROXY header that is only reported leaves nothing to follow.
#[test]
fn a_reported_proxy_header_passes_unread() {
    let mut wire = open(Opening::Proxy);
    wire.policy.report.insert(Reason::ProxyHeader);
    assert_eq!(wire.client(0, b"GET / HTTP/1.0\r\n\r\n"), NEW);
    assert!(wire.last.reported.contains(Reason::ProxyHeader));
    assert_eq!(wire.client(5000, b"more"), Fate::Empty);
}

/// A server that connects to its client speaks in the reply direction; in protocols that upgrade
/// the side that connects is the client.
#[test]
fn nobody_calls_home_after_an_upgrade() {
    let mut wire = open(Opening::Starttls);
    let mut next = [0_u32; 2];
    for line in &lines("upgraded_smtp")[..5] {
        let at = &mut next[usize::from(line.direction == Reply)];
        assert_eq!(wire.send(line.direction, at_byte(*at), &line.bytes), NEW);
        *at += line.bytes.len() as u32;
    }
    assert_eq!(
        wire.server(next[1], &client_hello()),
        Fate::Condemned(Reason::HandshakeDirection)
    );
}

/// The plain helper knows no upgrade.
#[test]
fn without_the_helper_cleartext_is_no_tls() {
    let mut wire = Wire::open(ISN);
    assert_eq!(wire.policy.opening, Policy::default().opening);
    assert_eq!(
        wire.server(0, b"220 mx\r\n"),
        Fate::Condemned(Reason::RecordType)
    );
}

#[test]
fn cleartext_of_any_protocol_is_counted_once() {
    let bind = [0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0];
    let talks: [&[u8]; 3] = [b"<stream:stream><a></a><b/>", &bind.repeat(2), &[1, 2, 3]];
    for talk in talks {
        let (mut wire, mut cleartext) = (open(Opening::Starttls), 0);
        for (at, &byte) in talk.iter().enumerate() {
            wire.client(at as u32, &[byte]);
            cleartext += wire.last.counts.cleartext;
        }
        assert_eq!(cleartext, 1, "{talk:?}");
    }
}

/// A greeting of 64 KiB is not cut at the low bytes of its length.
#[test]
fn a_long_greeting_of_mysql_is_read_to_its_end() {
    let mut wire = open(Opening::Starttls);
    let mut greeting = vec![0, 0, 1, 0, 10];
    greeting.resize(4 + 0x1_0000, b'x');
    assert_eq!(wire.server(0, &greeting), NEW);
    let request = [2, 0, 0, 1, 0x85, 0xae];
    assert_eq!(wire.client(0, &request), NEW);
    assert_eq!(wire.last.counts.upgraded, 1);
}

/// A PROXY header is the client's alone: what became of the server's stream does not matter.
#[test]
fn a_proxy_header_is_read_though_the_server_was_lost() {
    let mut wire = open(Opening::Proxy);
    wire.connection.lose(Reply);
    assert_eq!(wire.client(0, b"PROXY UNKNOWN\r\n"), NEW);
    assert_eq!(wire.last.counts.upgraded, 1);
}

/// A SYN-ACK that comes again changes nothing after a PROXY header either.
#[test]
fn a_syn_ack_sent_again_after_a_proxy_header_begins_nothing() {
    let mut wire = open(Opening::Proxy);
    let header = b"PROXY UNKNOWN\r\n";
    assert_eq!(wire.client(0, header), NEW);
    assert_eq!(wire.send(Reply, syn_ack(ISN, ISN + 1), &[]), Fate::Empty);
    assert_eq!(wire.last.counts.connections, 0);
    assert_eq!(wire.client(header.len() as u32, &client_hello()), NEW);
    assert_eq!(wire.last.counts.records, 1);
}

/// A server whose SYN-ACK did not come here answers a ClientHello in TLS.
#[test]
fn a_server_that_begins_late_answers_in_tls() {
    let mut wire = Wire::fresh();
    wire.policy.opening = Opening::Starttls;
    assert_eq!(wire.send(Original, syn(ISN), &[]), Fate::Empty);
    assert_eq!(wire.client(0, &client_hello()), NEW);
    let header = Segment {
        established: Some(ISN + 1),
        ack: Some(ISN + 1),
        ..at_byte(0)
    };
    assert_eq!(wire.send(Reply, header, &[22, 3]), NEW);
    assert_eq!(wire.server(2, &[3, 0, 5]), NEW);
    assert_eq!(wire.last.counts.cleartext, 0);
    assert_eq!(
        wire.server(5, &[1]),
        Fate::Condemned(Reason::HandshakeDirection)
    );
}

/// The server has not asked for the literal yet: its bytes are no commands for that.
#[test]
fn a_literal_that_is_sent_too_early_holds_no_commands() {
    let literal = b"\r\n\r\nb STARTTLS\r\n";
    for (size, upgraded) in [(literal.len(), 0), (2, 1)] {
        let mut wire = open(Opening::Starttls);
        wire.policy.off.insert(Reason::StarttlsInjection);
        let greeting = b"* OK ready\r\n";
        assert_eq!(wire.server(0, greeting), NEW);
        let login = format!("a LOGIN {{{size}}}\r\n");
        assert_eq!(wire.client(0, login.as_bytes()), NEW);
        assert_eq!(wire.client(login.len() as u32, literal), NEW);
        assert_eq!(wire.server(greeting.len() as u32, b"b OK begin\r\n"), NEW);
        assert_eq!(wire.last.counts.upgraded, upgraded, "{size}");
    }
}
