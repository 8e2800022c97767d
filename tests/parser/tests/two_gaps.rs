// SPDX-License-Identifier: GPL-2.0

//! What passes after two gaps, and what is kept of it: nothing hides there, and nothing remains.

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
        data,
        established,
        heartbeat,
        record_of,
        with_ahead,
        Fate::*,
        Wire,
        ISN,
        NEW, //
    },
};

const CASE: &str = "honest_full_handshake_12";

/// The first bytes of a heartbeat: a header, and a part of the body.
fn begun_heartbeat() -> Vec<u8> {
    record_of(24, &[0xaa; 1 << 14])[..1000].to_vec()
}

/// Fills the gap, so that a record begins at the chain.
fn fill(wire: &mut Wire, base: u32) {
    assert!(wire.passes(base + 500, &data(1495)[500..]));
    assert!(wire.passes(base + 1500, &data(1495)));
}

/// No part of a body passes at these places.
fn nothing_passes(wire: &mut Wire, base: u32, places: impl IntoIterator<Item = u32>) {
    for at in places {
        assert!(!wire.passes(base + at, &[0xaa; 1000]), "{at}");
    }
}

/// A segment that is dropped as its second part is stuck was not read: sent again with other bytes
/// it is judged.
#[test]
fn what_is_dropped_at_a_chain_was_not_read() {
    for gap in [0, 100] {
        let (mut wire, [base, _]) = with_ahead(CASE, &data(995));
        assert!(wire.passes(base + 500, &data(1495)[500..1500 - gap]));
        // A record that ends in the chain.
        let after = gap / 2;
        let at = base + 1500 - after as u32;
        let decoy = [vec![0xaa; after], data(1500)].concat();
        assert_eq!(wire.client(at, &decoy), OutOfOrder);
        // The receiver has none of it.
        let fate = wire.client(base + 1500, &heartbeat());
        assert_eq!(
            wire.verdict,
            Err(Reason::HeartbeatNotNegotiated),
            "{fate:?}"
        );
    }
}

/// The second chain is kept if the first one lies in a body, wherever the second is.
#[test]
fn a_second_chain_outlives_a_first_one_in_a_body() {
    let (mut wire, [base, _]) = established(CASE);
    assert!(!wire.passes(base + 1000, &[0xaa; 1000]));
    assert!(wire.passes(base + 2000, &data(995)));
    assert!(!wire.passes(base + 66_500, &[0xaa; 1000]));
    assert!(wire.passes(base + 67_500, &data(995)));
    // The first record goes on past the first chain.
    let stream = [
        data(18_000),
        data(16_000),
        data(16_000),
        data(16_000),
        data(1475),
    ]
    .concat();
    assert_eq!(stream.len(), 67_500);
    assert!(wire.passes(base, &stream[..5]));
    let mut at = 5;
    while at < stream.len() {
        let end = stream.len().min(at + 1000);
        assert!(wire.passes(base + at as u32, &stream[at..end]), "{at}");
        at = end;
    }
    // A longer record in the place of the one that passed. Its receiver keeps that.
    wire.client(base + 67_500, &data(5000)[..5]);
    let fate = wire.client(base + 68_500, &heartbeat());
    assert_eq!(
        wire.verdict,
        Err(Reason::HeartbeatNotNegotiated),
        "{fate:?}"
    );
}

/// What follows a heartbeat's header does not pass while that header is missing: after the second
/// gap.
#[test]
fn a_closed_second_gap_stays_closed() {
    let (mut wire, [base, _]) = with_ahead(CASE, &data(995));
    assert!(!wire.passes(base + 6000, &begun_heartbeat()));
    fill(&mut wire, base);
    nothing_passes(&mut wire, base, [7000, 8000, 9000]);
}

/// Right after the first chain, with one gap only.
#[test]
fn a_search_that_was_closed_after_a_chain_stays_closed() {
    let (mut wire, [base, _]) = with_ahead(CASE, &data(995));
    assert!(!wire.passes(base + 4000, &begun_heartbeat()));
    nothing_passes(&mut wire, base, [5000, 6000]);
    fill(&mut wire, base);
    nothing_passes(&mut wire, base, [6000, 7000, 8000]);
}

/// Where the other side has no room for it.
#[test]
fn a_closed_second_gap_stays_closed_without_room() {
    let (mut wire, [base, answers]) = with_ahead(CASE, &data(995));
    let header = Segment {
        ack: Some(ISN),
        ..at_byte(answers + 1000)
    };
    assert!(!wire.passes_unread(Reply, header, &[0xaa; 1000]));
    assert!(!wire.passes(base + 6000, &begun_heartbeat()));
    fill(&mut wire, base);
    nothing_passes(&mut wire, base, [7000, 8000, 9000]);
}

/// After the third gap.
#[test]
fn a_closed_third_gap_stays_closed() {
    let (mut wire, [base, _]) = with_ahead(CASE, &data(995));
    assert!(!wire.passes(base + 5000, &[0xaa; 1000]));
    assert!(wire.passes(base + 6000, &data(995)));
    assert!(!wire.passes(base + 8000, &begun_heartbeat()));
    fill(&mut wire, base);
    nothing_passes(&mut wire, base, [9000, 10_000, 11_000]);
}

/// Whole records that are read before a chain leave it as it is.
#[test]
fn records_before_a_chain_change_nothing_in_it() {
    let (mut wire, [base, _]) = with_ahead(CASE, &data(2000)[..1500]);
    assert!(wire.passes(base + 500, &data(1495)[500..]));
    assert!(wire.passes(base + 1500, &data(145).repeat(10)));
    assert!(wire.passes(base + 4500, &data(2000)[1500..]));
    wire.client(base + 5005, &heartbeat());
    assert_eq!(wire.verdict, Err(Reason::HeartbeatNotNegotiated));
}

/// After an alert nothing more passes, until it is read.
#[test]
fn a_closed_second_gap_is_opened_by_what_fills_it() {
    let (mut wire, [base, _]) = with_ahead(CASE, &data(995));
    let alert = record_of(21, &[0xaa; 40]);
    let stream = [&data(1995)[..], &alert, &data(2955)].concat();
    assert!(!wire.passes(base + 6000, &stream[2000..3000]), "the alert");
    assert!(!wire.passes(base + 7000, &stream[3000..4000]));
    fill(&mut wire, base);
    for at in [4000, 5000, 6000, 7000, 8000] {
        let from = at - 4000;
        assert!(
            wire.passes(base + at as u32, &stream[from..from + 1000]),
            "{at}"
        );
    }
    assert!(
        !wire.passes(base + 10_000, &[0xaa; 1000]),
        "the first after a gap"
    );
    assert!(wire.passes(base + 11_000, &data(995)));
}

/// Where no header was found after the second gap, the search goes on after a third one.
#[test]
fn a_search_without_a_header_goes_on_after_a_third_gap() {
    for header in [false, true] {
        let (mut wire, [base, _]) = with_ahead(CASE, &data(995));
        assert!(!wire.passes(base + 5000, &[0xaa; 1000]));
        if header {
            assert!(wire.passes(base + 6000, &data(995)));
        } else {
            assert!(wire.passes(base + 6000, &[0xaa; 1000]));
        }
        assert!(
            !wire.passes(base + 8000, &[0xaa; 1000]),
            "the first after the gap"
        );
        assert_eq!(wire.passes(base + 9000, &[0xaa; 1000]), !header);
    }
}

/// The version of each header that passes is judged, not only that of one that is cut.
#[test]
fn a_cut_header_hides_no_version() {
    let (mut wire, [base, _]) = established(CASE);
    assert!(!wire.passes(base + 2000, &[0xaa; 1000]));
    let chain = [&[23, 3, 1, 0, 40][..], &[0xaa; 40], &[23, 3, 3]].concat();
    assert!(!wire.passes(base + 3000, &chain));
}

/// What the other side keeps of a chain is forgotten when the framing is lost.
#[test]
fn nothing_is_left_of_a_chain_when_the_framing_is_lost() {
    for second in [false, true] {
        let (mut wire, [base, answers]) = with_ahead(CASE, &data(995));
        wire.policy.report.insert(Reason::RecordType);
        if second {
            assert!(!wire.passes(base + 5000, &[0xaa; 1000]));
        }
        assert!(wire.passes(base + 500, &data(1495)[500..]));
        wire.client(base + 1500, &[0x20; 10]);
        assert_eq!(wire.verdict, Ok(()));
        let mut lost = wire.clone();
        lost.connection.lose(Reply);
        assert_ne!(lost.client(base + 9000, &[0x20; 10]), Unsynced, "{second}");
        assert_eq!(wire.server(answers, &data(3000)[..5]), NEW);
        for at in 0..10 {
            wire.server(answers + 5 + 100 * at, &[0x41; 100]);
        }
        assert_eq!(wire.verdict, Err(Reason::SuspiciousSequence), "{second}");
    }
}

/// Runs are counted while the search is closed, up to 64 MiB ahead.
#[test]
fn runs_are_counted_while_the_search_is_closed() {
    let (mut wire, [base, _]) = established(CASE);
    assert!(!wire.passes(base + 1_000_000, &heartbeat()));
    assert_eq!(wire.client(base, &data(3000)[..5]), NEW);
    for at in 0..10 {
        wire.client(base + 5 + 100 * at, &[0x41; 100]);
    }
    assert_eq!(wire.verdict, Err(Reason::SuspiciousSequence));
}

/// A mismatch that was reported is that of its own record, not of the one whose header is cut.
#[test]
fn a_mismatch_ends_with_its_record() {
    let (mut wire, [base, _]) = established(CASE);
    wire.policy.report.insert(Reason::VersionMismatch);
    wire.policy.report.insert(Reason::UrgentData);
    let mut record = data(2995);
    record[2] = 1;
    assert!(!wire.passes(base + 2000, &[0xaa; 1000]));
    assert!(wire.passes(base + 3000, &[&data(100)[..], &[23, 3]].concat()));
    assert!(wire.passes(base, &record[..500]));
    assert!(wire.last.reported.contains(Reason::VersionMismatch));
    let urgent = Segment {
        urg: true,
        ..at_byte(base)
    };
    wire.send(Original, urgent, &[]);
    assert!(wire.last.reported.contains(Reason::UrgentData));
    wire.client(base + 3107, &data(100)[2..]);
    assert!(!wire.last.reported.contains(Reason::VersionMismatch));
}
