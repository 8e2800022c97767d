// SPDX-License-Identifier: GPL-2.0

//! The search for runs of low bytes finds the same as a plain loop, cut anywhere.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nf_conntrack_tls_tests::tls_parser::runs::scan;

fn oracle(mut run: u32, limit: u16, bytes: &[u8]) -> Option<u16> {
    for byte in bytes {
        run = if *byte < 0x80 { run + 1 } else { 0 };
        if limit != 0 && run > u32::from(limit) {
            return None;
        }
    }
    if limit == 0 {
        return Some(0);
    }
    u16::try_from(run).ok()
}

fuzz_target!(|input: (u16, u16, u16, Vec<u8>)| {
    let (run, limit, at, bytes) = input;
    // The run seen before is not over the limit, or it would have been reported.
    let run = if limit == 0 { 0 } else { run.min(limit) };
    let expected = oracle(u32::from(run), limit, &bytes);
    assert_eq!(scan(run, limit, &bytes), expected);
    let (first, second) = bytes.split_at(usize::from(at).min(bytes.len()));
    let cut = scan(run, limit, first).and_then(|run| scan(run, limit, second));
    assert_eq!(cut, expected);
});
