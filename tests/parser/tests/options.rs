// SPDX-License-Identifier: GPL-2.0

//! Which TCP options make a segment a signed one.

use nf_conntrack_tls_tests::tls_parser::Options;
use proptest::prelude::*;

fn is_signed(options: &[u8]) -> bool {
    Options::parse(options).signed
}

const TIMESTAMP: [u8; 10] = [8, 10, 1, 2, 3, 4, 5, 6, 7, 8];
const MD5: [u8; 18] = [19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const AUTHENTICATION: [u8; 16] = [29, 16, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn usual_options_are_no_signature() {
    let usual: [&[u8]; 5] = [
        &[],
        &[1, 1],
        &[&[1, 1], &TIMESTAMP[..]].concat(),
        &[2, 4, 5, 0xb4, 4, 2, 3, 3, 7, 0],
        &[254, 4, 19, 29],
    ];
    for options in usual {
        assert!(!is_signed(options), "{options:?}");
    }
}

#[test]
fn both_signatures_are_seen_wherever_they_stand() {
    for signature in [&MD5[..], &AUTHENTICATION[..]] {
        assert!(is_signed(signature));
        assert!(is_signed(&[&TIMESTAMP[..], signature].concat()));
        assert!(is_signed(&[&[1, 1], signature, &[0]].concat()));
    }
}

#[test]
fn nothing_counts_behind_the_end() {
    assert!(!is_signed(&[&[0], &MD5[..]].concat()));
}

#[test]
fn options_that_cannot_be_read_count_as_signed() {
    let unreadable: [&[u8]; 5] = [&[8], &[8, 0], &[8, 1], &[8, 3], &[1, 1, 8, 10, 1, 2, 3]];
    for options in unreadable {
        assert!(is_signed(options), "{options:?}");
    }
}

/// Wherever it stands; what follows it counts, too.
#[test]
fn multipath_tcp_is_seen() {
    let capable = [30, 4, 0x01, 0x81];
    for options in [
        &capable[..],
        &[&TIMESTAMP[..], &capable].concat(),
        &[&capable[..], &[1, 1]].concat(),
    ] {
        assert!(Options::parse(options).mptcp, "{options:?}");
        assert!(!Options::parse(options).signed, "{options:?}");
    }
    for options in [&[][..], &[1, 1], &TIMESTAMP, &[2, 4, 5, 0xb4]] {
        assert!(!Options::parse(options).mptcp, "{options:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_have_an_answer(options in prop::collection::vec(any::<u8>(), 0..=40)) {
        is_signed(&options);
    }
}
