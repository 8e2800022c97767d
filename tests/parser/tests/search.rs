// SPDX-License-Identifier: GPL-2.0

//! The search for headers finds the same, however its bytes are cut.

use nf_conntrack_tls_tests::tls_parser::HeaderSearch;

fn search<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> HeaderSearch {
    let mut search = HeaderSearch::default();
    for part in parts {
        search.feed(part);
    }
    search
}

/// One byte at a time no place is skipped.
#[test]
fn cuts_change_nothing() {
    let headers: [&[u8]; 7] = [
        &[23, 3, 3, 0, 40],
        &[24, 3, 3, 0, 40],
        &[22, 3, 1, 2, 0],
        &[23, 3, 3],
        &[23, 3],
        &[0x1f, 3, 7, 0, 40],
        &[23, 3, 3, 0, 40, 23, 3, 3, 0, 40],
    ];
    for header in headers {
        for at in 0..24 {
            let bytes = [&vec![0xaa; at][..], header, &[0xaa; 24]].concat();
            let expected = search(bytes.chunks(1));
            assert_eq!(search([&bytes[..]]), expected, "{header:?} at {at}");
            for cut in 1..bytes.len() {
                let (first, rest) = bytes.split_at(cut);
                assert_eq!(search([first, rest]), expected, "{header:?} at {at}, {cut}");
            }
            for length in 2..8 {
                assert_eq!(search(bytes.chunks(length)), expected, "{header:?} at {at}");
            }
        }
    }
    assert_ne!(search([&[23, 3, 3, 0, 40][..]]), search([&[0xaa; 5][..]]));
}

/// A header counts wherever it lies.
#[test]
fn no_place_is_left_out() {
    for at in 0..24_usize {
        for length in [1, 3, 64] {
            let mut bytes = [0xaa; 40];
            let nothing = search(bytes.chunks(length));
            bytes[at..at + 5].copy_from_slice(&[24, 3, 3, 0, 40]);
            assert_ne!(search(bytes.chunks(length)), nothing, "{at}, {length}");
        }
    }
}
