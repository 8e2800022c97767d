// SPDX-License-Identifier: GPL-2.0

//! Both ways at once, over more than one window: records of all lengths, segments of all sizes,
//! losses in bursts before and after the module, retransmissions cut differently. Nothing hangs,
//! and nothing is condemned. What a receiver has is mostly not sent again.

use nf_conntrack_tls_tests::{
    random::{
        seeds,
        Random, //
    },
    tls_parser::{
        Direction::{
            Original,
            Reply, //
        },
        Segment, //
    },
    wire::{
        established_at,
        record,
        record_of,
        Fate,
        Wire, //
    },
};

/// As many bytes as may be on their way.
const WINDOW: usize = 150_000;

/// Records whose bodies hold no header, nor begin one at their end.
fn stream(random: &mut Random, total: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    let (lengths, bytes) = (random.below(5), random.below(3));
    while stream.len() < total {
        let length = match lengths {
            0 => random.below(60),
            1 => 1400,
            2 => random.below(3000),
            3 => 16_384 + 2048 - random.below(3),
            _ => random.one(&[0, 1, 5, 100, 1443, 9000, 16_400]),
        };
        let mut body: Vec<u8> = (0..length)
            .map(|_| match bytes {
                0 => random.number() as u8,
                1 => random.one(&[20, 21, 22, 23, 24, 0xaa, 0xff]),
                _ => random.one(&[23, 3, 0xaa, 0xff]),
            })
            .collect();
        for at in 1..length {
            if body[at] == 3 && (20..25).contains(&body[at - 1]) {
                body[at] = 0x90;
            }
        }
        for byte in body.iter_mut().rev().take(4) {
            *byte |= 0x80;
        }
        // In TLS 1.2 alerts may come in between.
        let alert = (40..2000).contains(&length) && random.chance(1);
        stream.extend(record_of(if alert { 21 } else { 23 }, &body));
    }
    stream
}

/// What one side sends.
struct Half {
    bytes: Vec<u8>,
    /// The sequence number of its first byte.
    base: u32,
    /// Which bytes the receiver has, and how many of them without a gap.
    got: Vec<bool>,
    contiguous: usize,
    /// The end of what was sent.
    sent: usize,
}

impl Half {
    fn new(bytes: Vec<u8>, base: u32) -> Self {
        Half {
            got: vec![false; bytes.len()],
            bytes,
            base,
            contiguous: 0,
            sent: 0,
        }
    }

    fn is_done(&self) -> bool {
        self.contiguous == self.bytes.len()
    }

    fn receive(&mut self, from: usize, to: usize) {
        self.got[from..to].fill(true);
        while self.got.get(self.contiguous) == Some(&true) {
            self.contiguous += 1;
        }
    }

    /// Where the next segment begins: new data, or something again.
    fn choose(&self, random: &mut Random, duplicates: usize, in_order: bool) -> usize {
        let flight = self.sent - self.contiguous;
        if self.is_done() {
            random.below(self.contiguous)
        } else if in_order {
            self.contiguous
        } else if random.chance(duplicates) {
            random.below(self.sent + 1)
        } else if self.sent < self.bytes.len()
            && flight < WINDOW
            && random.chance(if flight < 40_000 { 92 } else { 40 })
        {
            self.sent
        } else if random.chance(60) {
            self.contiguous
        } else {
            let start = self.contiguous + random.below(flight);
            let gap = (start..self.sent).find(|&at| !self.got[at]);
            gap.unwrap_or(self.contiguous)
        }
    }

    /// Where it ends. A retransmission mostly has only what is missing.
    fn end(&self, random: &mut Random, from: usize, length: usize) -> usize {
        let to = self.bytes.len().min(from + length);
        if from >= self.sent || random.chance(15) {
            return to;
        }
        let got = (from..to).find(|&at| self.got[at]);
        got.map_or(to, |at| at.max(from + 1))
    }
}

/// Sends all of both streams; returns how many segments passed unread.
fn transfer(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let case = random.one(&["honest_full_handshake_12", "honest_full_handshake_13"]);
    let isn = random.one(&[1000, 3000, 70_000, 0x8000_8000]);
    let isn = 0_u32.wrapping_sub(isn);
    let (mut wire, next) = established_at(case, isn);
    wire.policy.passive = random.chance(12);
    let both = random.chance(50);
    let mut halves = [0, 1].map(|own| {
        let length = random.below(250_000);
        let total = if own == 0 || both { 3000 + length } else { 50 };
        Half::new(stream(&mut random, total), isn.wrapping_add(1 + next[own]))
    });
    let mss = random.one(&[1448, 1448, 100, 7, 9000, 65_000]);
    let (loss, after, duplicates) = (random.below(25), random.below(8), random.below(6));
    let bursts = random.chance(50);
    // How many more segments come as they do, and whether they are lost.
    let (mut spell, mut bad) = (0, false);
    let mut unread = 0;
    let impaired = 200 + random.below(600);
    for step in 0_usize.. {
        if halves.iter().all(Half::is_done) {
            break;
        }
        let in_order = step > impaired;
        let own = random.below(2);
        let ack = halves[1 - own]
            .base
            .wrapping_add(halves[1 - own].contiguous as u32);
        let half = &mut halves[own];
        let from = half.choose(&mut random, duplicates, in_order);
        let length = if random.chance(80) {
            mss
        } else {
            1 + random.below(2 * mss)
        };
        let to = half.end(&mut random, from, length);
        half.sent = half.sent.max(to);
        if spell == 0 {
            bad = !bad;
            spell = if bad {
                1 + random.below(3)
            } else {
                random.below(60)
            };
        } else {
            spell -= 1;
        }
        if !in_order && if bursts { bad } else { random.chance(loss) } {
            continue;
        }
        let segment = Segment {
            seq: half.base.wrapping_add(from as u32),
            ack: Some(ack),
            fin: to == half.bytes.len(),
            ..Segment::default()
        };
        let direction = if own == 0 { Original } else { Reply };
        let fate = wire.send(direction, segment, &half.bytes[from..to]);
        assert_eq!(wire.verdict, Ok(()), "seed {seed}, step {step}: {fate:?}");
        unread += u64::from(fate == Fate::PassedUnread);
        if fate == Fate::OutOfOrder {
            let next = from <= half.contiguous && half.contiguous < to;
            assert!(
                !next && !wire.policy.passive,
                "seed {seed}, step {step}: {:?}",
                wire.connection
            );
        } else if in_order || !random.chance(after) {
            half.receive(from, to);
        }
    }
    if !wire.policy.passive {
        check_framing(&mut wire, &halves, seed);
    }
    unread
}

/// One more record each: the framing was kept.
fn check_framing(wire: &mut Wire, halves: &[Half; 2], seed: u64) {
    for (half, direction) in halves.iter().zip([Original, Reply]) {
        let segment = Segment {
            seq: half.base.wrapping_add(half.bytes.len() as u32),
            ..Segment::default()
        };
        let fate = wire.send(direction, segment, &record(&[0xaa]));
        assert!(
            matches!(fate, Fate::Next { skip: 0 } | Fate::AfterGap),
            "seed {seed}: {fate:?}"
        );
        assert!(!wire.connection.in_record(direction), "seed {seed}");
    }
}

#[test]
fn everything_gets_through() {
    let unread: u64 = seeds(400).map(transfer).sum();
    assert_ne!(unread, 0);
}
