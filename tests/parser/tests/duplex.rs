// SPDX-License-Identifier: GPL-2.0

//! Both ways at once, with losses before and after the module: no connection stalls, and none is
//! condemned.

use nf_conntrack_tls_tests::{
    tls_parser::{
        Direction::{
            self,
            Original,
            Reply, //
        },
        Segment,
        Verdict, //
    },
    vectors,
    wire::{
        lines,
        record_of,
        syn,
        syn_ack,
        Wire, //
    },
};
use proptest::{
    collection,
    prelude::*,
    sample, //
};

const ISN: [u32; 2] = [1000, 77_000];

#[derive(Clone, Copy, PartialEq, Debug)]
enum Fate {
    Passed,
    Dropped,
}

struct Module(Wire);

impl Module {
    fn see(
        &mut self,
        direction: Direction,
        segment: &Segment,
        payload: &[u8],
    ) -> Result<Fate, String> {
        let what = self.0.send(direction, *segment, payload);
        match self.0.last.verdict {
            Verdict::Pass if self.0.last.counts.unsynced == 0 => Ok(Fate::Passed),
            Verdict::Drop => Ok(Fate::Dropped),
            _ => Err(format!("{what:?}")),
        }
    }
}

struct Half {
    base: u32,
    stream: Vec<u8>,
    received: Vec<bool>,
}

impl Half {
    fn contiguous(&self) -> usize {
        self.received
            .iter()
            .position(|r| !r)
            .unwrap_or(self.stream.len())
    }
}

/// Records of all kinds that a protected session has, with bodies that look like headers at times.
fn stream(tls12: bool) -> impl Strategy<Value = Vec<u8>> {
    let byte = sample::select(vec![
        3, 3, 3, 23, 24, 21, 0x16, 0, 1, 0x40, 0xaa, 0xff, 0xcc, 0x80,
    ]);
    let body = prop_oneof![
        2 => collection::vec(byte.clone(), 1..40),
        3 => collection::vec(byte.clone(), 1000..3000),
        1 => (4000..16000usize).prop_map(|n| vec![0xaa; n]),
    ];
    let kind = if tls12 {
        sample::select(vec![23, 23, 23, 23, 23, 23, 21, 22])
    } else {
        sample::select(vec![23u8])
    };
    collection::vec((kind, body), 1..14)
        .prop_map(|records| records.iter().flat_map(|(k, b)| record_of(*k, b)).collect())
}

fn run(
    tls12: bool,
    streams: [Vec<u8>; 2],
    sizes: [usize; 2],
    dice: &[u8],
    quiet_ack: bool,
) -> Result<(), String> {
    let mut module = Module(Wire::fresh());
    module.see(Original, &syn(ISN[0]), &[])?;
    module.see(Reply, &syn_ack(ISN[1], ISN[0] + 1), &[])?;
    let mut next = ISN.map(|n| n + 1);
    for vectors::Line { direction, bytes } in lines(if tls12 {
        "honest_full_handshake_12"
    } else {
        "honest_full_handshake_13"
    }) {
        let own = usize::from(direction == Reply);
        let segment = Segment {
            seq: next[own],
            ack: Some(next[1 - own]),
            len: bytes.len() as u32,
            ..Segment::default()
        };
        module.see(direction, &segment, &bytes)?;
        next[own] += bytes.len() as u32;
    }
    let mut halves: Vec<Half> = streams
        .into_iter()
        .zip(next)
        .map(|(stream, base)| Half {
            base,
            received: vec![false; stream.len()],
            stream,
        })
        .collect();
    let mut dice = dice.iter().copied();
    for round in 0..60 {
        if halves.iter().all(|h| h.received.iter().all(|r| *r)) {
            // One more record each: the framing was kept.
            for (own, direction) in [(0, Original), (1, Reply)] {
                let h = &halves[own];
                let last = record_of(23, &[0xaa; 10]);
                let segment = Segment {
                    seq: h.base + h.stream.len() as u32,
                    ack: Some(halves[1 - own].base),
                    len: 15,
                    ..Segment::default()
                };
                if module.see(direction, &segment, &last)? != Fate::Passed
                    || module.0.connection.in_record(direction)
                {
                    return Err("the framing was lost".into());
                }
            }
            return Ok(());
        }
        // Each side sends what the other one lacks, in its own segmentation, interleaved.
        let mut queue: Vec<(usize, usize, usize)> = Vec::new();
        for own in 0..2 {
            let h = &halves[own];
            let mut at = 0;
            while at < h.stream.len() {
                let end = (at + sizes[own]).min(h.stream.len());
                if h.received[at..end].iter().any(|r| !r) {
                    queue.push((own, at, end));
                }
                at = end;
            }
        }
        // Interleave: sorted by place in stream, with some overtaking.
        queue.sort_by_key(|&(own, at, _)| (at, own));
        let n = queue.len();
        for i in 0..n {
            let roll = dice.next().unwrap_or(255);
            if roll < 24 && i + 2 < n && round < 30 {
                queue.swap(i, i + 2);
            }
        }
        for (own, at, end) in queue {
            let lossless = round >= 30;
            let before = !lossless && dice.next().is_some_and(|d| d < 40);
            if before {
                continue;
            }
            let peer = &halves[1 - own];
            let ack = if quiet_ack {
                peer.base
            } else {
                peer.base + peer.contiguous() as u32
            };
            let direction = if own == 0 { Original } else { Reply };
            let h = &halves[own];
            let segment = Segment {
                seq: h.base + at as u32,
                ack: Some(ack),
                len: (end - at) as u32,
                ..Segment::default()
            };
            let payload = h.stream[at..end].to_vec();
            let fate = module.see(direction, &segment, &payload)?;
            let behind = !lossless && dice.next().is_some_and(|d| d < 20);
            if fate != Fate::Dropped && !behind {
                halves[own].received[at..end].fill(true);
            }
        }
    }
    Err(format!(
        "it hangs: {:?}",
        halves
            .iter()
            .map(|h| (h.contiguous(), h.stream.len()))
            .collect::<Vec<_>>()
    ))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 6000,
        failure_persistence: None,
        max_shrink_iters: 3000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn both_ways_12(
        a in stream(true),
        b in stream(true),
        x in 5..1500usize,
        y in 5..1500usize,
        dice in collection::vec(any::<u8>(), 0..600),
        q in any::<bool>(),
    ) {
        let result = run(true, [a, b], [x, y], &dice, q);
        prop_assert!(result.is_ok(), "{:?}", result);
    }

    #[test]
    fn both_ways_13(
        a in stream(false),
        b in stream(false),
        x in 5..1500usize,
        y in 5..1500usize,
        dice in collection::vec(any::<u8>(), 0..600),
        q in any::<bool>(),
    ) {
        let result = run(false, [a, b], [x, y], &dice, q);
        prop_assert!(result.is_ok(), "{:?}", result);
    }
}
