// SPDX-License-Identifier: GPL-2.0

//! Bytes of both directions, by any policy, cut anywhere: the verdict, the records and the state
//! are those of the whole; once condemned, always condemned, for the same reason.
//!
//! Input: a byte of policy, `seq_len` and the pieces' length, then lines: a byte that tells the
//! direction and the length.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nf_conntrack_tls_tests::tls_parser::{
    Connection,
    Direction,
    Opening,
    Policy,
    Reason, //
};

const OPENINGS: [Opening; 4] = [
    Opening::Tls,
    Opening::Starttls,
    Opening::StarttlsRequired,
    Opening::Proxy,
];
const VERSIONS: [u16; 4] = [0, 0x0301, 0x0303, 0x0304];

type Line<'a> = (Direction, &'a [u8]);

fn feed(policy: &Policy, lines: &[Line<'_>], piece: usize) -> (Result<u32, Reason>, Connection) {
    let mut connection = Connection::begun();
    let mut verdict = Ok(0);
    for &(direction, bytes) in lines {
        for bytes in bytes.chunks(piece) {
            let fed = connection.feed(policy, direction, bytes);
            if let (Err(reason), Err(later)) = (verdict, fed) {
                assert_eq!(reason, later);
            }
            assert!(verdict.is_ok() || fed.is_err(), "acquitted");
            verdict = fed.and_then(|begun| verdict.map(|before| before + begun));
            // No record is shorter than two bytes.
            assert!(fed.is_err() || fed.unwrap_or(0) as usize <= bytes.len());
        }
    }
    assert_eq!(connection.condemned(), verdict.err());
    (verdict, connection)
}

fuzz_target!(|input: &[u8]| {
    let Some((&[settings, seq_len, piece], mut rest)) = input.split_first_chunk() else {
        return;
    };
    let policy = Policy {
        seq_len: u16::from(seq_len),
        heartbeat: settings & 1 != 0,
        min_version: VERSIONS[usize::from((settings >> 1) & 3)],
        opening: OPENINGS[usize::from((settings >> 3) & 3)],
        ..Policy::default()
    };
    let policy = match settings >> 6 {
        0 => policy.reporting(),
        _ => policy,
    };
    let mut lines = Vec::new();
    while let Some((&[head, low], behind)) = rest.split_first_chunk() {
        let direction = if head & 0x80 == 0 {
            Direction::Original
        } else {
            Direction::Reply
        };
        let length = usize::from(u16::from_be_bytes([head & 0x7f, low])).min(behind.len());
        let (bytes, behind) = behind.split_at(length);
        lines.push((direction, bytes));
        rest = behind;
    }
    let (verdict, whole) = feed(&policy, &lines, usize::MAX);
    for piece in [1, usize::from(piece).max(2)] {
        let (in_pieces, state) = feed(&policy, &lines, piece);
        if policy.passive {
            // Where the framing is lost, the records of that piece are not counted.
            assert_eq!(in_pieces.err(), verdict.err());
            continue;
        }
        assert_eq!(in_pieces, verdict);
        assert!(verdict.is_err() || state == whole);
    }
});
