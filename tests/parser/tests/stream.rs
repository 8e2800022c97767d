// SPDX-License-Identifier: GPL-2.0

//! TCP's order (DESIGN.md 4): what of a segment is read, what is dropped, and that neither loss nor
//! repetition changes a verdict.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Connection,
        Direction::{
            self,
            Original,
            Reply, //
        },
        HeaderSearch,
        Placement,
        Policy,
        Reason,
        Segment, //
    },
    vectors,
};
use proptest::{
    collection,
    prelude::*,
    sample::{
        self,
        Index, //
    }, //
};
use std::sync::LazyLock;

/// The sequence number of both sides' SYN.
const ISN: u32 = 1000;

/// What became of a segment, or of its first part.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fate {
    Empty,
    Next { skip: u32 },
    BehindHole,
    Retransmission,
    OutOfOrder,
    MidStream,
    Condemned(Reason),
}

use Fate::*;

/// What is next, with nothing of it seen before.
const NEW: Fate = Next { skip: 0 };

/// A connection, followed as the module follows it: placed, and read as the placement says.
#[derive(Clone, PartialEq, Debug)]
struct Wire {
    connection: Connection,
    verdict: Result<(), Reason>,
}

impl Wire {
    /// A connection that nothing was seen of.
    fn fresh() -> Self {
        Wire {
            connection: Connection::default(),
            verdict: Ok(()),
        }
    }

    /// A connection opened by SYN and SYN-ACK.
    fn open(isn: u32) -> Self {
        let mut wire = Self::fresh();
        assert_eq!(wire.send(Original, syn(isn), &[]), Empty);
        let answer = Segment {
            ack: Some(isn.wrapping_add(1)),
            ..syn(isn)
        };
        assert_eq!(wire.send(Reply, answer, &[]), Empty);
        wire
    }

    fn send(&mut self, direction: Direction, header: Segment, payload: &[u8]) -> Fate {
        let segment = Segment {
            len: payload.len() as u32,
            ..header
        };
        let (fate, read) = match self.connection.place(direction, &segment) {
            Placement::Empty => return Empty,
            Placement::Next { skip, end } => (Next { skip }, skip..end),
            Placement::BehindHole { end } => (BehindHole, 0..end),
            Placement::Retransmission => return Retransmission,
            Placement::OutOfOrder => return OutOfOrder,
            Placement::MidStream => return MidStream,
            Placement::Condemned(reason) => {
                self.verdict = Err(reason);
                return Condemned(reason);
            }
        };
        let end = read.end;
        let part = &payload[read.start as usize..end as usize];
        let fed = self.connection.feed(&Policy::default(), direction, part);
        self.verdict = fed.map(|_| ());
        if end < segment.len && self.verdict.is_ok() {
            self.send(direction, header, payload);
        }
        fate
    }

    /// Sends payload at `at` bytes behind the client's SYN.
    fn client(&mut self, at: u32, payload: &[u8]) -> Fate {
        self.send(Original, at_byte(at), payload)
    }

    fn server(&mut self, at: u32, payload: &[u8]) -> Fate {
        self.send(Reply, at_byte(at), payload)
    }
}

fn syn(seq: u32) -> Segment {
    Segment {
        seq,
        syn: true,
        ..Segment::default()
    }
}

/// The header of a segment that begins `at` bytes behind the SYN.
fn at_byte(at: u32) -> Segment {
    Segment {
        seq: ISN.wrapping_add(1).wrapping_add(at),
        ..Segment::default()
    }
}

/// What the client of a vector sends.
fn client_bytes(case: &str) -> Vec<u8> {
    let cases = vectors::load("honest").unwrap();
    let case = cases.iter().find(|c| c.name == case).unwrap();
    let lines = case.lines.iter().filter(|line| line.direction == Original);
    lines.flat_map(|line| line.bytes.clone()).collect()
}

/// A record of application data whose body has no low bytes.
fn data(length: u16) -> Vec<u8> {
    record(&vec![0xaa; usize::from(length)])
}

fn record(body: &[u8]) -> Vec<u8> {
    let [high, low] = (body.len() as u16).to_be_bytes();
    [&[23, 3, 3, high, low], body].concat()
}

// --- in order -------------------------------------------------------------------------------------------

#[test]
fn a_syn_begins_the_stream() {
    let mut wire = Wire::open(ISN);
    assert_eq!(wire.client(0, &data(40)), NEW);
    assert_eq!(wire.server(0, &data(40)), NEW);
}

#[test]
fn what_follows_is_next() {
    let mut wire = Wire::open(ISN);
    assert_eq!(wire.client(0, &data(40)), NEW);
    assert_eq!(wire.client(45, &data(40)), NEW);
    assert_eq!(wire.client(90, &[0]), NEW);
    assert_eq!(wire.verdict, Err(Reason::RecordType));
}

#[test]
fn a_bare_ack_is_empty() {
    let mut wire = Wire::open(ISN);
    let before = wire.clone();
    assert_eq!(wire.client(0, &[]), Empty);
    assert_eq!(wire.client(5000, &[]), Empty);
    assert_eq!(wire, before);
}

#[test]
fn the_last_segment_may_carry_fin() {
    let mut wire = Wire::open(ISN);
    let fin = Segment {
        fin: true,
        ..at_byte(0)
    };
    assert_eq!(wire.send(Original, fin, &data(40)), NEW);
    assert!(!wire.connection.in_record(Original));
}

#[test]
fn an_end_within_a_record_is_seen() {
    let mut wire = Wire::open(ISN);
    assert!(!wire.connection.in_record(Original));
    for (at, byte) in data(40).into_iter().enumerate() {
        wire.client(at as u32, &[byte]);
        assert_eq!(wire.connection.in_record(Original), at != 44, "byte {at}");
    }
    assert!(!wire.connection.in_record(Reply));
}

// --- seen before ----------------------------------------------------------------------------------------

#[test]
fn a_retransmission_is_not_read_again() {
    let mut wire = Wire::open(ISN);
    wire.client(0, &data(40));
    let before = wire.clone();
    assert_eq!(wire.client(0, &data(40)), Retransmission);
    assert_eq!(wire.client(44, &[0]), Retransmission, "its last byte");
    assert_eq!(wire.client(0, &[0; 45]), Retransmission, "with other bytes");
    assert_eq!(wire, before);
}

#[test]
fn a_keep_alive_below_next_is_a_retransmission() {
    let mut wire = Wire::open(ISN);
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
    let mut wire = Wire::open(ISN);
    for (at, payload) in [(0, data(40)), (45, data(7)), (57, data(300))] {
        assert_eq!(wire.client(at, &payload), NEW);
        let before = wire.clone();
        assert_eq!(wire.client(at, &payload), Retransmission);
        assert_eq!(wire, before);
    }
}

#[test]
fn only_what_is_new_is_read() {
    let mut wire = Wire::open(ISN);
    wire.client(0, &data(40)[..20]);
    let overlap = [vec![0; 10], data(40)[20..].to_vec()].concat();
    assert_eq!(wire.client(10, &overlap), Next { skip: 10 });
    assert_eq!(wire.client(45, &data(1)), NEW, "the framing is kept");
    assert_eq!(wire.verdict, Ok(()));
}

/// Only a client's SYN may come anew before it is answered; that which answers came first here.
#[test]
fn a_second_syn_of_the_server_begins_nothing() {
    let mut wire = Wire::fresh();
    assert_eq!(wire.send(Reply, syn(ISN), &[]), Empty);
    assert_eq!(wire.send(Reply, syn(ISN + 77), &[]), Empty);
    assert_eq!(wire.server(0, &data(40)), NEW);
}

#[test]
fn a_retransmitted_syn_changes_nothing() {
    let mut wire = Wire::open(ISN);
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
    let mut wire = Wire::open(ISN);
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

// --- holes ----------------------------------------------------------------------------------------------

#[test]
fn a_hole_in_an_opaque_body_is_skipped() {
    let mut wire = Wire::open(ISN);
    wire.client(0, &data(3000)[..1000]);
    assert_eq!(wire.client(2000, &[0xaa; 1005]), BehindHole);
    assert_eq!(
        wire.client(1000, &[0xaa; 1000]),
        Retransmission,
        "what fills it"
    );
    assert_eq!(wire.client(3005, &data(1)), NEW);
    assert_eq!(wire.client(3011, &[0]), NEW);
    assert_eq!(wire.verdict, Err(Reason::RecordType), "the framing is kept");
}

#[test]
fn a_hole_up_to_the_body_s_end_is_skipped() {
    let mut wire = Wire::open(ISN);
    wire.client(0, &data(3000)[..1000]);
    assert_eq!(wire.client(3005, &data(1)), BehindHole);
    assert_eq!(wire.client(3011, &data(1)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_hole_that_could_hold_a_header_is_not() {
    let mut wire = Wire::open(ISN);
    wire.client(0, &data(3000)[..1000]);
    let before = wire.clone();
    assert_eq!(wire.client(3006, &data(1)), OutOfOrder);
    assert_eq!(wire, before, "nobody is condemned, and nothing is lost");
    assert_eq!(wire.client(1000, &data(3000)[1000..]), NEW);
}

#[test]
fn a_hole_in_a_header_is_not_skipped() {
    let mut wire = Wire::open(ISN);
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
    let mut wire = Wire::open(ISN);
    assert_eq!(wire.client(1, &data(40)), OutOfOrder);
    assert_eq!(wire.client(0, &data(40)), NEW);
}

#[test]
fn a_run_begins_anew_behind_a_hole() {
    let mut body = vec![0x41; 300];
    body[120] = 0x80;
    body[280] = 0x80;
    let record = record(&body);
    let mut wire = Wire::open(ISN);
    // 100 low bytes before it, and 100 behind it: together more than 128.
    wire.client(0, &record[..105]);
    assert_eq!(wire.client(205, &record[205..]), BehindHole);
    assert_eq!(wire.verdict, Ok(()));
}

// --- segments run ahead of a hole that could hold a header ------------------------------------------------

/// A connection whose handshake is over, and where each side's next byte lies.
fn established(case: &str) -> (Wire, [u32; 2]) {
    established_at(case, ISN)
}

/// The same, whose sequence numbers begin at `isn`.
fn established_at(case: &str, isn: u32) -> (Wire, [u32; 2]) {
    let cases = vectors::load("honest").unwrap();
    let case = cases.iter().find(|c| c.name == case).unwrap();
    let mut wire = Wire::open(isn);
    let mut next = [0, 0];
    for line in &case.lines {
        let at = &mut next[usize::from(line.direction == Reply)];
        let segment = Segment {
            seq: isn.wrapping_add(1).wrapping_add(*at),
            ..Segment::default()
        };
        assert_eq!(wire.send(line.direction, segment, &line.bytes), NEW);
        *at += line.bytes.len() as u32;
    }
    (wire, next)
}

/// A client's connection of TLS 1.3, of whose last record only the first 1000 bytes have passed.
fn within_a_record(case: &str) -> (Wire, u32) {
    let (mut wire, [base, _]) = established(case);
    assert_eq!(wire.client(base, &data(3000)[..1000]), NEW);
    (wire, base)
}

impl Wire {
    /// Sends as the module does: what is out of order may run ahead. Whether it passes.
    fn passes(&mut self, at: u32, payload: &[u8]) -> bool {
        if self.client(at, payload) != OutOfOrder {
            return self.verdict.is_ok();
        }
        self.runs_ahead(Original, at_byte(at), payload)
    }

    /// Whether a segment that is out of order runs ahead.
    fn runs_ahead(&mut self, direction: Direction, segment: Segment, payload: &[u8]) -> bool {
        let segment = Segment {
            len: payload.len() as u32,
            ack: segment.ack.or(Some(ISN)),
            ..segment
        };
        let search = |mut search: HeaderSearch| {
            search.feed(payload);
            Some(search)
        };
        self.connection
            .run_ahead(&Policy::default(), direction, &segment, search)
    }
}

#[test]
fn segments_without_a_header_run_ahead_but_for_the_first() {
    for case in ["honest_full_handshake_12", "honest_full_handshake_13"] {
        let (mut wire, base) = within_a_record(case);
        let stream = [data(3000), data(6000), data(9000)].concat();
        let mut send =
            |from: u32, to: u32| wire.passes(base + from, &stream[from as usize..to as usize]);
        assert!(
            !send(4000, 5000),
            "the end of a header may be its first byte"
        );
        assert!(send(5000, 6000));
        assert!(send(6000, 7000));
        assert!(!send(6000, 7000), "the edge has moved on");
        assert!(!send(5500, 7000));
        assert!(send(7000, 9500), "a header of application data");
        assert!(send(9500, 11000), "behind a header");
        assert!(send(1000, 4000), "what fills the hole");
        assert!(send(4000, 5000), "what was dropped");
        assert!(send(11000, 18015), "the framing is kept");
        assert!(wire.passes(base + 18015, &data(1)));
        assert!(!wire.connection.in_record(Original));
    }
}

/// As short as a header it may be, and no shorter.
#[test]
fn what_runs_ahead_is_as_long_as_a_header() {
    for (length, ahead) in [(4, false), (5, true)] {
        let (mut wire, base) = within_a_record("honest_full_handshake_12");
        assert!(!wire.passes(base + 4000, &[0xaa; 1000]), "the first");
        assert_eq!(wire.passes(base + 5000, &vec![0xaa; length]), ahead);
    }
}

/// What was searched stays known while the hole is filled, piece by piece, and beyond 64 KiB.
#[test]
fn the_edge_stays_while_the_hole_is_filled() {
    let (mut wire, base) = within_a_record("honest_full_handshake_12");
    let stream = [data(3000), data(6000), data(16000).repeat(8)].concat();
    let mut send =
        |from: u32, to: u32| wire.passes(base + from, &stream[from as usize..to as usize]);
    assert!(!send(4000, 5000), "the first");
    assert!(send(5000, 6000));
    for (from, to) in [(1000, 2000), (2000, 4000), (4000, 5000)] {
        assert!(send(from, to), "what fills the hole");
    }
    assert!(send(6000, 7000), "a hole in a body");
    assert!(!send(9500, 10500), "the first behind the next hole");
    assert!(send(10500, 24015));
    for header in 1..6 {
        let at = 9010 + header * 16005;
        // A chain has room for four records of 16 KB.
        assert_eq!(send(at - 1000, at + 1000), header < 5, "a header");
        assert!(send(at + 1000, at + 15005), "{header}");
    }
    assert!(send(7000, 9500), "what fills the hole");
    assert!(send(9500, 10500), "what was dropped");
    let at = 9010 + 5 * 16005;
    assert!(send(at - 1000, at + 1000), "what was dropped");
    let end = stream.len() as u32;
    assert!(send(at + 15005, end));
    assert!(wire.passes(base + end, &data(1)));
    assert!(!wire.connection.in_record(Original));
}

/// A sender of small records hears of what was lost: of all that is behind the hole only the first is dropped.
#[test]
fn small_records_run_ahead_but_for_the_first() {
    for case in ["honest_full_handshake_12", "honest_full_handshake_13"] {
        let (mut wire, [base, _]) = established(case);
        let stream = data(1400).repeat(40);
        let segments: Vec<_> = stream.chunks(1448).collect();
        let mut send = |n: usize| wire.passes(base + 1448 * n as u32, segments[n]);
        assert!(send(0));
        let dropped: Vec<_> = (2..segments.len()).filter(|&n| !send(n)).collect();
        assert_eq!(dropped, [2], "{case}");
        assert!(send(1), "what fills the hole");
        assert!(send(2), "what was dropped");
        assert!(wire.passes(base + stream.len() as u32, &data(1)));
        assert!(!wire.connection.in_record(Original));
    }
}

/// 500 bytes of a record, a hole up to byte 2000, and the edge at byte 3000: `ahead` runs ahead there.
fn with_ahead(case: &str, ahead: &[u8]) -> (Wire, u32) {
    let (mut wire, [base, _]) = established(case);
    assert_eq!(wire.client(base, &data(1495)[..500]), NEW);
    assert!(!wire.passes(base + 2000, &[0xaa; 1000]));
    assert!(wire.passes(base + 3000, ahead), "it runs ahead");
    (wire, base)
}

/// A record whose end is at `end`, if the stream stands at byte 1500.
fn up_to(end: u16) -> Vec<u8> {
    data(end - 1505)
}

/// The stream goes on behind the chain, wherever in its last record, and whichever holes are within.
#[test]
fn a_chain_is_read_to_its_end() {
    let records = [data(700), data(0), data(800), data(2000)].concat();
    for end in [1505, 1510, 1515, 2315, 2320, 4319, 4320] {
        // The last segment behind a hole, which hides no header.
        for gap in [0, 100] {
            let case = "honest_full_handshake_12";
            let ahead = &records[..if end == 4320 { 2500 } else { 1600 }];
            let (mut wire, base) = with_ahead(case, ahead);
            let behind = 3000 + ahead.len() as u32;
            assert!(!wire.passes(base + behind + gap, &[&[0xaa; 9][..], &[24]].concat()));
            assert!(wire.passes(base + 500, &data(1495)[500..]));
            assert!(wire.passes(base + 1500, &up_to(3000)));
            assert!(wire.passes(base + behind, &records[ahead.len()..]));
            assert_eq!(wire.verdict, Ok(()));
            let last = base + 3000 + records.len() as u32;
            assert!(!wire.connection.in_record(Original), "{end} {gap}");
            assert_eq!(wire.client(last, &[24, 3, 3, 0, 40]), NEW);
            assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
        }
    }
}

/// What looks like a header and lies in a body is none, and what lies behind it is read.
#[test]
fn a_chain_that_no_record_begins_is_forgotten() {
    let mut body = vec![0xaa; 1000];
    body[200..205].copy_from_slice(&[23, 3, 3, 16, 0]);
    for end in [3100, 3201, 3204, 3205, 3300, 4000, 4001] {
        let (mut wire, base) = with_ahead("honest_full_handshake_12", &body);
        let end = end as u16;
        assert!(wire.passes(base + 500, &data(1495)[500..]));
        let header = &up_to(end)[..5];
        let filler = vec![0xaa; 1495];
        let fills = wire.passes(base + 1500, &[header, &filler].concat());
        if end >= 4000 {
            assert!(fills);
            let rest = vec![0xaa; usize::from(end) - 4000];
            let heartbeat = [&rest[..], &[24, 3, 3, 0, 40]].concat();
            assert_eq!(wire.client(base + 4000, &heartbeat), BehindHole);
            assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated), "{end}");
        } else {
            // A record ends where no header can be: its receiver finds that, and here nothing more is read.
            assert_eq!(wire.client(base + 4000, &[24, 3, 3, 0, 40]), OutOfOrder);
        }
    }
}

/// What fills a hole may go on where the chain was, in a body or in a header's middle; and is read.
#[test]
fn a_segment_goes_on_over_a_chain_that_is_none() {
    let mut body = vec![0xaa; 1000];
    body[200..205].copy_from_slice(&[23, 3, 3, 16, 0]);
    let heartbeat = [24, 3, 3, 0, 40];
    for end in [3196, 3197, 3199, 3201, 3400, 3900] {
        let (mut wire, base) = with_ahead("honest_full_handshake_12", &body);
        assert!(wire.passes(base + 500, &data(1495)[500..]));
        assert_eq!(
            wire.client(base + 1500, &[&up_to(end)[..], &heartbeat].concat()),
            NEW
        );
        assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated), "{end}");
    }
}

/// Of the chain's last record what is still to come is searched, as ever.
#[test]
fn the_rest_behind_a_chain_is_searched() {
    let chain = data(1000);
    let (mut wire, base) = with_ahead("honest_full_handshake_12", &chain[..500]);
    assert!(wire.passes(base + 500, &data(1495)[500..]));
    assert!(wire.passes(base + 1500, &up_to(3000)));
    assert!(wire.passes(base + 3500, &chain[500..600]));
    assert!(wire.connection.in_record(Original));
    assert_eq!(wire.client(base + 3600, &[0x41; 200]), NEW);
    assert_eq!(wire.verdict, Err(Reason::SuspiciousSequence));
}

/// The edge of the other side is no chain, wherever it lies.
#[test]
fn the_other_side_s_edge_is_no_chain() {
    let (_, [base, _]) = established("honest_full_handshake_12");
    // The upper half of the server's sequence numbers is the lower half of what the client sends next.
    let isn = 0x5000_5000 - 1 - base;
    let (mut wire, next) = established_at("honest_full_handshake_12", isn);
    let [client, server] = next.map(|at| isn + 1 + at);
    let ahead = |wire: &mut Wire, direction: Direction, seq: u32, ack: u32| {
        let header = Segment {
            seq,
            ack: Some(ack),
            ..Segment::default()
        };
        wire.runs_ahead(direction, header, &[0xaa; 1000])
    };
    assert!(!ahead(&mut wire, Reply, server + 1000, client));
    for with_edge in [false, true] {
        let mut wire = wire.clone();
        if with_edge {
            assert!(!ahead(&mut wire, Original, client + 1000, server));
        }
        let header = Segment {
            seq: client,
            ..Segment::default()
        };
        assert_eq!(wire.send(Original, header, &[24, 3, 3, 0, 40]), NEW);
        assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
    }
}

/// The receiver has what ran ahead, and maybe keeps it: other bytes there, read now, could only mislead.
#[test]
fn what_ran_ahead_is_not_read_again() {
    let ahead = [data(700), data(800)].concat();
    let other = [data(1500), vec![0xaa; 5]].concat();
    let heartbeat = [24, 3, 3, 0, 40];
    for length in [1, 4, 5, 6, 1505, 1510] {
        let (mut wire, base) = with_ahead("honest_full_handshake_12", &ahead);
        assert!(wire.passes(base + 500, &data(1495)[500..]));
        let fill = [&up_to(3000)[..], &other[..length]].concat();
        assert!(wire.passes(base + 1500, &fill));
        assert_eq!(wire.client(base + 4510, &heartbeat), NEW, "{length}");
        assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
    }
    // And what goes on behind it is next.
    let (mut wire, base) = with_ahead("honest_full_handshake_12", &ahead);
    let fill = [&data(1495)[500..], &up_to(3000), &other, &heartbeat].concat();
    wire.client(base + 500, &fill);
    assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
    // Behind a hole in a body, too.
    let (mut wire, base) = with_ahead("honest_full_handshake_12", &ahead);
    let fill = [&data(1495)[600..], &up_to(3000), &other, &heartbeat].concat();
    assert_eq!(wire.client(base + 600, &fill), BehindHole);
    assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
}

/// No other header runs ahead, nor one of application data that does not lie where the last record ends.
#[test]
fn only_a_chain_of_application_data_runs_ahead() {
    let header = |content_type, minor| [&[content_type, 3, minor, 0, 40][..], &[0xaa; 40]].concat();
    let chains = [
        (vec![data(40), data(40)], true),
        (vec![data(40), header(23, 3), data(40)], true),
        (vec![data(40), header(23, 1)], false),
        (vec![header(23, 1)], false),
        (vec![data(40), header(20, 3)], false),
        (vec![data(40), header(21, 3)], false),
        (vec![data(40), header(22, 3)], false),
        (vec![data(40), header(24, 3)], false),
        (vec![header(24, 3), data(40)], false),
        (vec![data(40), vec![0xaa], data(40)], false),
        (vec![data(40), data(40)[..44].to_vec(), data(40)], false),
        (vec![data(40), vec![0xaa]], false),
        (vec![data(40), vec![0xaa; 5]], false),
        (vec![data(40), data(40)[..5].to_vec()], true),
        (vec![data(40), data(40)[..4].to_vec()], false),
    ];
    for (chain, ahead) in chains {
        let chain = chain.concat();
        for split in [0, 45] {
            let (mut wire, [base, _]) = established("honest_full_handshake_12");
            let before = [vec![0xaa; 1000], chain[..split].to_vec()].concat();
            assert!(!wire.passes(base + 1000, &[0xaa; 1000]));
            // One more, so that a chain may have begun in an earlier segment.
            let begun = wire.passes(base + 2000, &before);
            let at = base + 2000 + before.len() as u32;
            let rest = &chain[split..];
            if rest.len() >= 5 {
                assert_eq!(begun && wire.passes(at, rest), ahead, "{chain:?} {split}");
            }
        }
    }
}

/// A chain is at most 64 KiB long, and no farther away.
#[test]
fn a_chain_has_its_limits() {
    for (at, ahead) in [(65_535, true), (65_536, false), (131_072, false)] {
        let (mut wire, [base, _]) = established("honest_full_handshake_13");
        assert!(!wire.passes(base + at - 1000, &[0xaa; 1000]));
        assert_eq!(wire.passes(base + at, &data(40)), ahead, "{at}");
    }
    for (last, ahead) in [(1510, true), (1511, false)] {
        let (mut wire, base) = with_ahead("honest_full_handshake_13", &data(16_000));
        for record in 1..4 {
            assert!(wire.passes(base + 3000 + record * 16_005, &data(16_000)));
        }
        assert_eq!(wire.passes(base + 3000 + 64_020, &data(last)), ahead);
    }
}

/// Only one side has room for a chain, and none is made while the other one has an edge.
#[test]
fn one_side_at_a_time_has_a_chain() {
    let (mut wire, [base, answers]) = established("honest_full_handshake_12");
    let send = |wire: &mut Wire, direction: Direction, at: u32, payload: &[u8]| {
        let (own, other) = match direction {
            Original => (base, answers),
            Reply => (answers, base),
        };
        let header = Segment {
            ack: Some(ISN + 1 + other),
            ..at_byte(own + at)
        };
        wire.runs_ahead(direction, header, payload)
    };
    let body = [0xaa; 1000];
    assert!(!send(&mut wire, Original, 1000, &body));
    assert!(!send(&mut wire, Reply, 1000, &body));
    for direction in [Original, Reply] {
        assert!(
            !send(&mut wire, direction, 2000, &data(995)),
            "both have an edge"
        );
        assert!(send(&mut wire, direction, 3000, &body));
    }
    // The client's hole is filled, and its edge forgotten.
    assert_eq!(wire.client(base, &data(3995)), NEW);
    assert!(send(&mut wire, Reply, 4000, &data(995)));
    assert!(
        !send(&mut wire, Original, 5000, &body),
        "it would set an edge"
    );
    assert!(!send(&mut wire, Original, 6000, &body));
    assert!(send(&mut wire, Reply, 5000, &data(995)));
}

/// What is lost takes along what was kept in it.
#[test]
fn a_chain_is_lost_with_either_side() {
    for direction in [Original, Reply] {
        let (mut wire, base) = with_ahead("honest_full_handshake_12", &data(995));
        wire.connection.lose(direction);
        assert_eq!(wire.client(base + 500, &data(995)[5..]), MidStream);
        let heartbeat = [&[24, 3, 3, 0, 40][..], &[0xaa; 40]].concat();
        let (_, [_, answers]) = established("honest_full_handshake_12");
        let fate = wire.server(answers, &heartbeat);
        assert_eq!(fate, if direction == Reply { MidStream } else { NEW });
        assert_eq!(
            wire.verdict,
            Ok(()),
            "what was negotiated is not known any more"
        );
    }
}

/// Once `next` has come to the edge, or behind it, nothing is known of what lies there.
#[test]
fn an_edge_that_was_passed_is_none() {
    let stream = [data(3000), data(6000)].concat();
    let send = |wire: &mut Wire, base: u32, from: u32, to: u32| {
        wire.passes(base + from, &stream[from as usize..to as usize])
    };
    for to in [5000, 6000] {
        let (mut wire, base) = within_a_record("honest_full_handshake_12");
        let mut straight = wire.clone();
        assert!(!send(&mut wire, base, 4000, 5000));
        assert_ne!(wire, straight);
        assert!(send(&mut wire, base, 1000, to));
        assert!(send(&mut straight, base, 1000, to));
        assert_eq!(wire, straight);
    }
}

/// An edge is not taken for the ledger of heartbeats: they are judged as if nothing had run ahead.
#[test]
fn heartbeats_are_judged_alike_with_an_edge() {
    let heartbeats = [
        [&[24, 3, 3, 0, 40][..], &[0xaa; 40]].concat(),
        vec![24, 3, 3, 0, 3, 1, 0x40, 0],
    ];
    for case in ["honest_full_handshake_12", "honest_full_handshake_13"] {
        for direction in [Original, Reply] {
            for heartbeat in &heartbeats {
                let verdicts = [false, true].map(|ahead| {
                    let (mut wire, next) = established(case);
                    if ahead {
                        for (at, payload) in [(10_000, vec![0xaa; 1000]), (11_000, data(995))] {
                            wire.passes(next[0] + at, &payload);
                        }
                    }
                    let at = next[usize::from(direction == Reply)];
                    wire.send(direction, at_byte(at), heartbeat);
                    wire.verdict
                });
                assert!(verdicts[0].is_err());
                assert_eq!(verdicts[0], verdicts[1], "{case} {direction:?}");
            }
        }
    }
}

/// An edge outlives a record of the other side: no ledger is closed by it.
#[test]
fn an_edge_stays_when_the_other_side_sends() {
    // Sequence numbers with the high bit set, which in the ledger marks an open account.
    let isn = 0xf000_0000;
    let (mut wire, next) = established_at("honest_full_handshake_12", isn);
    let next = next.map(|at| isn + 1 + at);
    let ahead = |wire: &mut Wire, at: u32| {
        let segment = Segment {
            seq: next[0] + at,
            ack: Some(next[1]),
            ..Segment::default()
        };
        wire.runs_ahead(Original, segment, &[0xaa; 1000])
    };
    assert!(!ahead(&mut wire, 1000));
    let answer = Segment {
        seq: next[1],
        ..Segment::default()
    };
    assert_eq!(wire.send(Reply, answer, &data(100)), NEW);
    assert!(ahead(&mut wire, 2000));
}

/// A request for a heartbeat whose header is dropped, and sent again with other bytes, passes unread. If
/// the header of the answer is lost as well, nothing of the answer runs ahead.
#[test]
fn no_answer_runs_ahead_to_what_was_not_read() {
    let (mut wire, [base, answers]) = established("honest_full_handshake_12");
    let answer = |wire: &mut Wire, at: u32, ack: u32| {
        let header = Segment {
            ack: Some(ISN + 1 + base + ack),
            ..at_byte(answers + at)
        };
        let payload = [0xaa; 1000];
        assert_eq!(wire.send(Reply, header, &payload), OutOfOrder);
        wire.runs_ahead(Reply, header, &payload)
    };
    assert!(!wire.passes(base + 500, &[0xaa; 1000]));
    assert!(wire.passes(base + 1500, &[[0, 40].as_slice(), &[0xaa; 40]].concat()));
    let hidden = [data(1492), vec![24, 3, 3]].concat();
    assert!(wire.passes(base, &hidden));
    assert!(!answer(&mut wire, 1000, 1500), "the first sets the edge");
    for (at, ack, ahead) in [(2000, 1500, true), (3000, 1542, false), (3000, 1500, true)] {
        assert_eq!(answer(&mut wire, at, ack), ahead, "{at} {ack}");
    }
}

/// As far as a receiver's window reaches, but for exotic ones.
#[test]
fn nothing_runs_ahead_too_far() {
    for (end, ahead) in [(1 << 26, true), ((1 << 26) + 1, false)] {
        let (mut wire, [base, _]) = established("honest_full_handshake_12");
        assert!(!wire.passes(base + end - 2000, &[0xaa; 1000]));
        assert_eq!(wire.passes(base + end - 1000, &[0xaa; 1000]), ahead);
    }
}

/// The sequence number that begins a connection so that byte `at` behind its handshake has the number `seq`.
fn isn_for(case: &str, at: u32, seq: u32) -> u32 {
    let (_, [base, _]) = established(case);
    seq.wrapping_sub(at + 1 + base)
}

/// In TLS 1.3 no handshake record in the clear follows the handshake: an edge or a chain is not taken for a message that
/// has begun.
#[test]
fn an_edge_is_no_handshake_message() {
    let case = "honest_full_handshake_13";
    // Numbers that would be steps of a message: SKIP, and HEARTBEAT_MODE; of the edge, or in the other side's chain.
    let cases = [
        (false, 4000, 0x0100_8000),
        (false, 4000, 0x3900_8000),
        (true, 2000, 0x0100),
        (true, 2000, 0x3900),
    ];
    for (chain, at, seq) in cases {
        let isn = isn_for(case, at, seq);
        let (mut wire, [client, server]) = established_at(case, isn);
        let mut ahead = |at: u32, payload: &[u8]| {
            let header = Segment {
                seq: isn.wrapping_add(1 + client + at),
                ack: Some(isn.wrapping_add(1 + server)),
                ..Segment::default()
            };
            wire.runs_ahead(Original, header, payload)
        };
        let (direction, next) = if chain {
            assert!(!ahead(1000, &[0xaa; 1000]));
            assert!(ahead(2000, &data(995)));
            (Reply, server)
        } else {
            assert!(!ahead(3000, &[0xaa; 1000]));
            (Original, client)
        };
        let header = Segment {
            seq: isn.wrapping_add(1 + next),
            ..Segment::default()
        };
        wire.send(direction, header, &[22, 3, 3, 0, 1, 16]);
        assert_eq!(wire.verdict, Err(Reason::HandshakeDirection), "{seq:x}");
    }
}

/// A heartbeat in the clear that has begun keeps its bytes where the edge would be.
#[test]
fn nothing_runs_ahead_of_a_heartbeat_that_has_begun() {
    let case = "honest_full_handshake_13";
    let isn = isn_for(case, 4000, 0x7fff_0000);
    let (mut wire, [client, server]) = established_at(case, isn);
    let at = |at: u32| Segment {
        seq: isn.wrapping_add(1 + client + at),
        ack: Some(isn.wrapping_add(1 + server)),
        ..Segment::default()
    };
    let heartbeat = [&[24, 3, 3, 0, 40, 1, 0, 5][..], &[0xaa; 37]].concat();
    wire.send(Original, at(0), &heartbeat[..5]);
    for segment in [3000, 4000] {
        assert!(!wire.runs_ahead(Original, at(segment), &[0xaa; 1000]));
    }
    wire.send(Original, at(5), &heartbeat[5..]);
    assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
}

/// Of a chain that was read up to nothing is left for the other side to wait for.
#[test]
fn a_chain_that_was_reached_blocks_nobody() {
    let (mut wire, [base, answers]) = established("honest_full_handshake_13");
    let stream = [data(1995), data(995), data(995)].concat();
    let mut send =
        |from: u32, to: u32| wire.passes(base + from, &stream[from as usize..to as usize]);
    assert!(!send(1000, 2000), "the first");
    assert!(send(2000, 4000));
    assert!(send(0, 2000), "what fills the hole");
    let answer = data(1400).repeat(10);
    for (n, segment) in answer.chunks(1448).enumerate().skip(2) {
        let header = Segment {
            ack: Some(ISN + 1 + base + 4000),
            ..at_byte(answers + 1448 * n as u32)
        };
        assert_eq!(wire.runs_ahead(Reply, header, segment), n > 2, "{n}");
    }
}

/// A residual risk: a length that was sent again hides a request in what is taken for a body. The answer is refused,
/// but for what runs ahead if its header is lost.
#[test]
fn a_length_that_is_sent_again_misleads() {
    let (mut wire, [base, answers]) = established("honest_full_handshake_12");
    assert!(!wire.passes(base + 1000, &[0xaa; 1000]));
    assert!(wire.passes(base + 2000, &[&[0, 5][..], &[0xaa; 5]].concat()));
    let begun = [&data(1992)[..], &[23, 3, 3]].concat();
    assert!(wire.passes(base, &begun));
    assert!(wire.passes(base + 2000, &[&[64, 0][..], &[0xaa; 5]].concat()));
    let request = [&[24, 3, 3, 0, 40][..], &[0xaa; 40]].concat();
    assert!(wire.passes(base + 2007, &request));
    let answer = |at: u32| Segment {
        ack: Some(ISN + 1 + base + 2052),
        ..at_byte(answers + at)
    };
    assert!(!wire.runs_ahead(Reply, answer(1000), &[0xaa; 1000]));
    assert!(wire.runs_ahead(Reply, answer(2000), &[0xaa; 1000]));
    wire.send(Reply, answer(0), &[24, 3, 3, 64, 0]);
    assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
}

/// A receiver acknowledges what ran ahead before it is skipped, and a FIN.
#[test]
fn answers_run_ahead_to_what_lies_in_a_body() {
    for (ack, ahead) in [(0, true), (1000, true), (3006, true), (3007, false)] {
        let (mut wire, [base, answers]) = established("honest_full_handshake_12");
        wire.client(base, &data(3000)[..1000]);
        let header = |at| Segment {
            ack: Some(ISN + 1 + base + ack - 1),
            ..at_byte(answers + at)
        };
        let payload = [0xaa; 1000];
        wire.send(Reply, header(1000), &payload);
        wire.runs_ahead(Reply, header(1000), &payload);
        assert_eq!(
            wire.runs_ahead(Reply, header(2000), &payload),
            ahead,
            "{ack}"
        );
    }
    let (mut wire, [base, answers]) = established("honest_full_handshake_12");
    let payload = [0xaa; 1000];
    for (at, acked, ahead) in [(1000, 0, false), (2000, 1, true), (3000, 2, false)] {
        let header = Segment {
            ack: Some(ISN + 1 + base + acked),
            ..at_byte(answers + at)
        };
        assert_eq!(wire.runs_ahead(Reply, header, &payload), ahead, "{acked}");
    }
}

/// A segment without an acknowledgment is read by nobody.
#[test]
fn nothing_without_an_acknowledgment_runs_ahead() {
    let (mut wire, base) = within_a_record("honest_full_handshake_13");
    assert!(!wire.passes(base + 4000, &[0xaa; 1000]));
    let segment = Segment {
        len: 1000,
        ..at_byte(base + 5000)
    };
    let searched = |search| Some(search);
    let policy = Policy::default();
    assert!(!wire
        .connection
        .run_ahead(&policy, Original, &segment, searched));
}

#[test]
fn a_header_does_not_run_ahead() {
    let ends = [
        &[24, 3, 3, 0, 40][..],
        &[24, 3, 3, 0x48],
        &[24, 3, 3, 0],
        &[24, 3, 3],
        &[24, 3],
        &[24],
    ];
    for end in ends {
        let (mut wire, base) = within_a_record("honest_full_handshake_13");
        let payload = [&[0xaa; 500], end].concat();
        assert!(!wire.passes(base + 4000, &[0xaa; 1000]));
        assert!(!wire.passes(base + 5000, &payload), "{end:?}");
    }
}

#[test]
fn nothing_runs_ahead_of_what_may_be_the_first_part_of_a_header() {
    let (mut wire, base) = within_a_record("honest_full_handshake_13");
    assert!(!wire.passes(base + 4000, &[[0xaa; 1000].as_slice(), &[24, 3]].concat()));
    assert!(!wire.passes(base + 5002, &[0xaa; 1000]));
    assert!(
        wire.passes(base + 6002, &[0xaa; 1000]),
        "but behind the next"
    );
}

#[test]
fn a_segment_behind_a_further_hole_does_not_run_ahead() {
    let (mut wire, base) = within_a_record("honest_full_handshake_13");
    assert!(!wire.passes(base + 4000, &[0xaa; 1000]));
    assert!(!wire.passes(base + 5001, &[0xaa; 1000]));
}

#[test]
fn what_a_receiver_does_not_heed_does_not_run_ahead() {
    let stale = |segment| Segment {
        stale: true,
        ..segment
    };
    let signed = |segment| Segment {
        signed: true,
        ..segment
    };
    let changes: [fn(Segment) -> Segment; 2] = [stale, signed];
    for change in changes {
        let (mut wire, base) = within_a_record("honest_full_handshake_13");
        // The first behind the hole sets the edge.
        assert!(!wire.passes(base + 4000, &[0xaa; 1000]));
        let segment = change(at_byte(base + 5000));
        assert!(!wire.runs_ahead(Original, segment, &[0xaa; 1000]));
        assert!(wire.passes(base + 5000, &[0xaa; 1000]));
    }
}

#[test]
fn nothing_runs_ahead_where_heartbeats_may_be_sent_or_bodies_are_read() {
    let (mut wire, base) = within_a_record("honest_heartbeats");
    let mut fresh = Wire::open(ISN);
    fresh.client(0, &data(3000)[..1000]);
    for at in [4000, 5000, 6000] {
        assert!(!wire.passes(base + at, &[0xaa; 1000]));
        assert!(!fresh.passes(at, &[0xaa; 1000]));
    }
}

// --- sequence numbers wrap around -----------------------------------------------------------------------

#[test]
fn sequence_numbers_wrap_around() {
    for isn in [
        u32::MAX,
        u32::MAX - 1,
        u32::MAX - 20,
        u32::MAX - 1500,
        i32::MAX as u32,
    ] {
        let mut wire = Wire::open(isn);
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
            BehindHole,
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

// --- flags ----------------------------------------------------------------------------------------------

#[test]
fn urgent_data_breaks_the_rules() {
    let urgent = Segment {
        urg: true,
        ..at_byte(0)
    };
    let mut wire = Wire::open(ISN);
    assert_eq!(
        wire.send(Original, urgent, &data(40)),
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
    assert_eq!(wire.client(0, &data(40)), NEW);
    assert_eq!(wire.connection.condemned(), None);
}

#[test]
fn data_on_a_syn_ack_is_not_read() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &[]);
    let answer = Segment {
        ack: Some(ISN + 1),
        ..syn(ISN)
    };
    assert_eq!(wire.send(Reply, answer, &data(40)), OutOfOrder);
    assert_eq!(wire.send(Reply, answer, &[]), Empty);
    assert_eq!(wire.server(0, &data(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_bare_syn_behind_data_on_one_does_not_forget_it() {
    let mut wire = Wire::fresh();
    let (first, rest) = (&data(40)[..6], &data(40)[6..]);
    wire.send(Original, syn(ISN), first);
    assert_eq!(wire.send(Original, syn(ISN), &[]), Empty);
    assert_eq!(
        wire.send(Original, syn(ISN), first),
        Retransmission,
        "on loopback it is seen twice"
    );
    let answer = Segment {
        ack: Some(ISN + 7),
        ..syn(ISN)
    };
    wire.send(Reply, answer, &[]);
    assert_eq!(wire.client(6, rest), NEW);
    assert_eq!(wire.verdict, Ok(()));
    assert!(!wire.connection.in_record(Original));
}

#[test]
fn a_segment_that_acknowledges_less_than_before_is_not_read() {
    let mut wire = Wire::open(ISN);
    let stale = |at| Segment {
        stale: true,
        ..at_byte(at)
    };
    let before = wire.clone();
    assert_eq!(wire.send(Original, stale(0), &data(40)), OutOfOrder);
    assert_eq!(wire, before);
    assert_eq!(wire.client(0, &data(40)), NEW);
    assert_eq!(
        wire.send(Original, stale(0), &data(40)),
        Retransmission,
        "it may fill a hole"
    );
    wire.client(45, &data(100)[..5]);
    let before = wire.clone();
    assert_eq!(wire.send(Original, stale(80), &[0xaa; 70]), OutOfOrder);
    assert_eq!(wire, before, "behind a hole");
}

#[test]
fn a_signature_that_the_syn_lacked_is_not_read() {
    let mut wire = Wire::open(ISN);
    let signed = Segment {
        signed: true,
        ..at_byte(0)
    };
    let before = wire.clone();
    assert_eq!(wire.send(Original, signed, &data(40)), OutOfOrder);
    assert_eq!(wire, before);
    assert_eq!(wire.client(0, &data(40)), NEW);
}

#[test]
fn a_connection_may_be_signed() {
    let mut wire = Wire::fresh();
    let signed = |segment| Segment {
        signed: true,
        ..segment
    };
    wire.send(Original, signed(syn(ISN)), &[]);
    let answer = Segment {
        ack: Some(ISN + 1),
        ..syn(ISN)
    };
    wire.send(Reply, signed(answer), &[]);
    assert_eq!(wire.client(0, &data(40)), OutOfOrder, "not signed");
    assert_eq!(wire.send(Original, signed(at_byte(0)), &data(40)), NEW);
    assert_eq!(wire.send(Reply, signed(at_byte(0)), &data(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn the_last_syn_tells_whether_segments_are_signed() {
    let mut wire = Wire::fresh();
    let signed = Segment {
        signed: true,
        ..syn(ISN)
    };
    wire.send(Original, signed, &[]);
    wire.send(Original, syn(ISN), &[]);
    assert_eq!(wire.client(0, &data(40)), NEW);
}

#[test]
fn data_on_a_signed_syn_that_is_turned_down_comes_again_signed() {
    let mut wire = Wire::fresh();
    let signed = |segment| Segment {
        signed: true,
        ..segment
    };
    wire.send(Original, signed(syn(ISN)), &data(40));
    let answer = Segment {
        ack: Some(ISN + 1),
        ..syn(ISN)
    };
    wire.send(Reply, signed(answer), &[]);
    assert_eq!(wire.send(Original, signed(at_byte(0)), &data(40)), NEW);
}

#[test]
fn what_a_reset_carries_is_not_read() {
    let mut wire = Wire::open(ISN);
    let reset = Segment {
        rst: true,
        ..at_byte(0)
    };
    assert_eq!(wire.send(Reply, reset, b"connection refused"), Empty);
    assert_eq!(wire.server(0, &data(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn data_on_a_later_syn_is_dropped() {
    let mut wire = Wire::open(ISN);
    wire.client(0, &data(40));
    let before = wire.clone();
    assert_eq!(wire.send(Original, syn(ISN + 45), &data(40)), OutOfOrder);
    assert_eq!(wire, before);
}

// --- data on the SYN (RFC 7413) -------------------------------------------------------------------------

#[test]
fn data_on_the_syn_is_read() {
    let mut wire = Wire::fresh();
    assert_eq!(wire.send(Original, syn(ISN), &data(40)), NEW);
    let answer = Segment {
        ack: Some(ISN + 46),
        ..syn(ISN)
    };
    assert_eq!(wire.send(Reply, answer, &[]), Empty);
    assert_eq!(wire.client(45, &data(40)), NEW);
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
    wire.send(Original, syn(ISN), &data(40));
    let answer = Segment {
        ack: Some(ISN + 1),
        ..syn(ISN)
    };
    assert_eq!(wire.send(Reply, answer, &[]), Empty);
    assert_eq!(wire.client(0, &data(60)), NEW, "it may even be other data");
    assert_eq!(wire.client(65, &data(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_syn_that_is_sent_again_without_its_data_begins_anew() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &data(40));
    assert_eq!(wire.send(Original, syn(ISN), &[]), Empty);
    let answer = Segment {
        ack: Some(ISN + 1),
        ..syn(ISN)
    };
    wire.send(Reply, answer, &[]);
    assert_eq!(wire.client(0, &data(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn an_unanswered_syn_gives_way_to_the_next() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), &data(40));
    assert_eq!(wire.send(Original, syn(ISN + 5000), &[]), Empty);
    let answer = Segment {
        ack: Some(ISN + 5001),
        ..syn(ISN)
    };
    wire.send(Reply, answer, &[]);
    assert_eq!(wire.client(5000, &data(40)), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

// --- condemned ------------------------------------------------------------------------------------------

#[test]
fn a_condemned_connection_s_payload_is_dropped_both_ways() {
    let mut wire = Wire::open(ISN);
    assert_eq!(wire.client(0, b"GET / HTTP/1.1\r\n"), NEW);
    let condemned = Condemned(Reason::RecordType);
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

#[test]
fn a_condemned_connection_can_be_closed() {
    let mut wire = Wire::open(ISN);
    wire.client(0, b"GET / HTTP/1.1\r\n");
    for direction in [Original, Reply] {
        let header = at_byte(16);
        assert_eq!(wire.send(direction, header, &[]), Empty);
        assert_eq!(
            wire.send(
                direction,
                Segment {
                    fin: true,
                    ..header
                },
                &[]
            ),
            Empty
        );
        assert_eq!(
            wire.send(
                direction,
                Segment {
                    rst: true,
                    ..header
                },
                &[]
            ),
            Empty
        );
    }
}

#[test]
fn a_syn_does_not_absolve() {
    let mut wire = Wire::fresh();
    wire.send(Original, syn(ISN), b"GET / HTTP/1.1\r\n");
    wire.send(Original, syn(ISN), &[]);
    let answer = Segment {
        ack: Some(ISN + 1),
        ..syn(ISN)
    };
    wire.send(Reply, answer, &[]);
    assert_eq!(wire.client(0, &data(40)), Condemned(Reason::RecordType));
}

// --- mid-stream -----------------------------------------------------------------------------------------

/// Tries to pick a stream up at a segment.
fn pick_up(wire: &mut Wire, payload: &[u8]) -> bool {
    let segment = Segment {
        len: payload.len() as u32,
        ..at_byte(0)
    };
    assert_eq!(wire.client(0, payload), MidStream);
    wire.connection.pick_up(Original, &segment, |at| {
        let (_, rest) = payload.split_at_checked(at as usize)?;
        rest.first_chunk().copied()
    })
}

#[test]
fn a_stream_is_picked_up_at_a_record_that_ends_with_its_segment() {
    let mut wire = Wire::fresh();
    assert!(pick_up(&mut wire, &data(40)));
    assert_eq!(wire.client(45, &data(40)), NEW);
    assert_eq!(wire.client(0, &data(40)), Retransmission);
    assert_eq!(wire.client(90, &[0]), NEW);
    assert_eq!(wire.verdict, Err(Reason::RecordType));
}

#[test]
fn a_stream_is_picked_up_at_a_record_before_another_header() {
    let mut wire = Wire::fresh();
    assert!(pick_up(&mut wire, &[data(40), data(50)].concat()));
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
        assert!(!pick_up(&mut wire, payload), "{payload:?}");
        assert_eq!(wire, Wire::fresh(), "{payload:?}");
    }
}

#[test]
fn a_picked_up_stream_is_taken_for_protected() {
    // Its handshake was not seen: a handshake record may hold anything, and be of any version.
    let mut wire = Wire::fresh();
    assert!(pick_up(&mut wire, &data(40)));
    assert_eq!(wire.client(45, &[22, 3, 1, 0, 2, 99, 99]), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_stream_that_was_lost_is_picked_up_again() {
    let mut wire = Wire::open(ISN);
    wire.client(0, &data(40));
    wire.connection.lose(Original);
    assert_eq!(wire.client(500, &data(40)[3..]), MidStream);
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
    let mut wire = Wire::open(ISN);
    wire.connection.lose(Reply);
    let bytes = client_bytes("honest_full_handshake_12");
    assert_eq!(wire.client(0, &bytes), NEW);
    assert_eq!(wire.verdict, Ok(()));
}

#[test]
fn a_condemned_connection_is_not_picked_up() {
    let mut wire = Wire::open(ISN);
    wire.client(0, b"GET / HTTP/1.1\r\n");
    wire.connection.lose(Original);
    assert_eq!(wire.client(0, &data(40)), Condemned(Reason::RecordType));
}

// --- any order ------------------------------------------------------------------------------------------

/// A ClientHello, early data, and at last a body without low bytes: no run is open at the end.
static HONEST_STREAM: LazyLock<Vec<u8>> = LazyLock::new(|| {
    [
        client_bytes("honest_early_data_no_ccs"),
        data(2000),
        data(1),
    ]
    .concat()
});

/// Segments from anywhere in a stream, in any order.
fn chaos() -> impl Strategy<Value = Vec<(Index, usize)>> {
    collection::vec((any::<Index>(), 1..1500_usize), 0..60)
}

/// Sends parts of a stream, as they come, and then all of it in order.
fn send_all(stream: &[u8], parts: &[(Index, usize)], size: usize) -> Wire {
    let mut wire = Wire::open(ISN);
    for (start, length) in parts {
        let start = start.index(stream.len());
        let end = stream.len().min(start + length);
        wire.client(start as u32, &stream[start..end]);
    }
    for (index, segment) in stream.chunks(size).enumerate() {
        wire.client((index * size) as u32, segment);
    }
    wire
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// An honest stream comes to the same state, whatever is lost, repeated or cut on its way.
    #[test]
    fn any_order_passes_an_honest_stream(parts in chaos(), size in 1..1500_usize) {
        let stream = &HONEST_STREAM;
        prop_assert_eq!(send_all(stream, &parts, size), send_all(stream, &[], 1460));
    }

    /// What breaks a rule breaks it, whatever is lost, repeated or cut on its way.
    #[test]
    fn any_order_condemns_a_breach(parts in chaos(), size in 1..1500_usize) {
        let stream = [HONEST_STREAM.clone(), vec![24, 3, 3, 0, 3, 1, 0x40, 0], data(500)].concat();
        let wire = send_all(&stream, &parts, size);
        prop_assert_eq!(wire.connection.condemned(), Some(Reason::Heartbleed));
    }
}

/// A side that was not seen may have finished its handshake: heartbeats of the other pass.
#[test]
fn a_heartbeat_passes_when_only_its_side_was_picked_up() {
    let mut wire = Wire::fresh();
    assert!(pick_up(&mut wire, &data(40)));
    wire.client(45, &[&[24, 3, 3, 0, 40], [0xaa; 40].as_slice()].concat());
    assert_eq!(wire.verdict, Ok(()));
}

/// The shortest segment; headers are cut only by its bounds.
const CELL: usize = 15;

/// Headers of application data and heartbeats, and bodies.
fn tokens() -> impl Strategy<Value = Vec<u8>> {
    let length = sample::select(vec![0, 5, 10, 20, 25, 40, 55]);
    let token = prop_oneof![
        4 => length.prop_map(|length| vec![23, 3, 3, 0, length]),
        1 => Just(vec![24, 3, 3, 0, 40]),
        3 => (1..20_usize).prop_map(|length| vec![0xaa; length]),
    ];
    collection::vec(token, 1..12).prop_map(|mut tokens| {
        tokens.push(vec![0xaa; CELL]);
        tokens.concat()
    })
}

/// Whether the stream of records has a heartbeat whose header lies in one cell.
fn has_whole_heartbeat(stream: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&[content_type, 3, 3, 0, length]) = stream[at..].first_chunk() {
        match content_type {
            23 => at += 5 + usize::from(length),
            _ => return at / CELL == (at + 4) / CELL,
        }
        if at > stream.len() {
            break;
        }
    }
    false
}

/// Whether a header lies in a body, and another one, there or not, where that one's record would end: a chain that is
/// none would be believed. Of random bytes one in 2^36 begins one.
fn has_chain_by_chance(stream: &[u8]) -> bool {
    let length_at = |at: usize| match stream.get(at..)?.first_chunk()? {
        [23, 3, 3, high, low] => Some(5 + usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    };
    let mut begins = vec![false; stream.len()];
    let mut next = 0;
    while let Some(length) = length_at(next) {
        begins[next] = true;
        next += length;
    }
    (0..stream.len()).filter(|&at| !begins[at]).any(|at| {
        let end = length_at(at).map(|length| at + length);
        end.is_some_and(|end| length_at(end).is_some())
    })
}

/// Bodies with much that looks like headers, or the parts of some.
fn records() -> impl Strategy<Value = Vec<u8>> {
    let byte = sample::select(vec![3, 3, 3, 23, 24, 0, 0x40, 0xaa, 0xff]);
    let body = prop_oneof![
        collection::vec(byte.clone(), 0..40),
        collection::vec(byte, 1000..3000),
    ];
    collection::vec(body, 1..12)
        .prop_map(|bodies| -> Vec<u8> { bodies.iter().flat_map(|body| record(body)).collect() })
        .prop_filter("a chain by chance", |records| !has_chain_by_chance(records))
}

/// Sends a stream until all segments have passed: first with losses, then all that is missing, in order.
///
/// What has passed is not sent again. `losses` has what is lost, and what is overtaken.
fn send_with_losses(wire: &mut Wire, base: u32, stream: &[u8], size: usize, losses: &[u8]) {
    let mut missing: Vec<_> = stream.chunks(size).enumerate().collect();
    let mut losses = losses.iter();
    for lossless in [false, false, false, true] {
        if !lossless {
            let overtaken = losses.len() % missing.len().min(3);
            missing.rotate_left(overtaken);
        }
        missing.retain(|(index, segment)| {
            let lost = !lossless && losses.next().is_some_and(|&loss| loss < 64);
            lost || !wire.passes(base + (index * size) as u32, segment)
        });
        missing.sort();
        if missing.is_empty() {
            break;
        }
    }
    assert!(missing.is_empty() || wire.verdict.is_err(), "it hangs");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// An honest stream gets through, though nothing that has passed is ever sent again.
    #[test]
    fn what_has_passed_need_not_come_again(
        stream in records(),
        size in 1..1500_usize,
        losses in collection::vec(any::<u8>(), 0..200),
    ) {
        let (mut wire, [base, _]) = established("honest_full_handshake_13");
        send_with_losses(&mut wire, base, &stream, size, &losses);
        prop_assert!(wire.passes(base + stream.len() as u32, &data(1)));
        prop_assert_eq!(wire.verdict, Ok(()));
        prop_assert!(!wire.connection.in_record(Original));
    }

    /// Whoever sends what he likes, in any order and again with other bytes: a receiver that keeps of each
    /// byte what came first finds no heartbeat in it, but for one whose header was cut.
    #[test]
    fn nothing_that_is_sent_again_hides_a_heartbeat(
        sent in collection::vec((0..24_u32, 1..6_usize, tokens()), 1..60),
    ) {
        let (mut wire, [base, _]) = established("honest_full_handshake_12");
        let mut received = [None; 400];
        for (cell, cells, bytes) in &sent {
            let payload = &bytes[..(cells * CELL).min(bytes.len())];
            let at = cell * CELL as u32;
            if !wire.passes(base + at, payload) {
                continue;
            }
            for (place, &byte) in received[at as usize..].iter_mut().zip(payload) {
                place.get_or_insert(byte);
            }
        }
        let stream: Vec<u8> = received.iter().map_while(|&byte| byte).collect();
        if wire.verdict.is_ok() {
            prop_assert!(!has_whole_heartbeat(&stream), "{:?}", stream);
        }
    }

    /// No header that breaks a rule runs ahead.
    #[test]
    fn what_runs_ahead_hides_no_heartbeat(
        before in records(),
        after in records(),
        size in 1..1500_usize,
        losses in collection::vec(any::<u8>(), 0..200),
    ) {
        let (mut wire, [base, _]) = established("honest_full_handshake_12");
        let stream = [before, vec![24, 3, 3, 0, 40], vec![0xaa; 40], after].concat();
        send_with_losses(&mut wire, base, &stream, size, &losses);
        prop_assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
    }
}
