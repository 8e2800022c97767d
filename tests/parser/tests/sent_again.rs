// SPDX-License-Identifier: GPL-2.0

//! An attacker who knows how segments pass ahead of gaps: chains of records after two gaps, headers
//! cut by the ends of segments, and all of it sent again with other bytes. A receiver that keeps
//! the first copy of each byte finds no heartbeat, except one whose header begins in what was read
//! and ends in what passed unread: see `tls_parser/ahead.rs`.

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
        at_byte,
        established,
        record_of,
        Fate,
        Wire,
        ISN, //
    },
};
use std::sync::LazyLock;

/// How many bytes of the stream are used.
const SPACE: usize = 700;

static ESTABLISHED: LazyLock<(Wire, [u32; 2])> =
    LazyLock::new(|| established("honest_full_handshake_12"));

/// A byte that the receiver has, and whether it passed unread.
#[derive(Clone, Copy)]
struct Received {
    byte: u8,
    unread: bool,
}

/// The connection, and what its receiver has.
struct Run {
    wire: Wire,
    base: u32,
    answers: u32,
    received: Vec<Option<Received>>,
    /// Segments that passed unread after a second gap.
    second: u64,
}

fn body(length: usize) -> Vec<u8> {
    vec![0xaa; length]
}

fn record(kind: u8, length: usize) -> Vec<u8> {
    record_of(kind, &body(length))
}

impl Run {
    fn new() -> Self {
        let (wire, [base, answers]) = &*ESTABLISHED;
        Run {
            wire: wire.clone(),
            base: *base,
            answers: *answers,
            received: vec![None; 2 * SPACE],
            second: 0,
        }
    }

    fn send(&mut self, at: usize, payload: &[u8]) -> Fate {
        let header = Segment {
            ack: Some(ISN),
            ..at_byte(self.base + at as u32)
        };
        let fate = self.wire.send(Original, header, payload);
        if fate == Fate::OutOfOrder || self.wire.verdict.is_err() {
            return fate;
        }
        let unread = fate == Fate::PassedUnread;
        let before = self.received.get(self.contiguous()..at).unwrap_or_default();
        let islands = before
            .windows(2)
            .filter(|pair| pair[0].is_some() && pair[1].is_none());
        self.second += u64::from(unread && islands.count() != 0);
        for (place, &byte) in self.received[at..].iter_mut().zip(payload) {
            place.get_or_insert(Received { byte, unread });
        }
        fate
    }

    /// The other side sends its next record, or some bytes ahead.
    fn answer(&mut self, random: &mut Random) {
        let segment = |at| Segment {
            ack: Some(ISN + 1 + self.base),
            ..at_byte(at)
        };
        let ahead = random.below(8) as u32;
        let payload = random.one(&[body(20), record(23, 15)].each_ref()).clone();
        if random.chance(50) && ahead != 0 {
            let segment = segment(self.answers + 20 * ahead);
            self.wire.send(Reply, segment, &payload);
        } else if self
            .wire
            .send(Reply, segment(self.answers), &record(23, 15))
            != Fate::OutOfOrder
        {
            self.answers += 20;
        }
    }

    fn contiguous(&self) -> usize {
        self.received
            .iter()
            .take_while(|byte| byte.is_some())
            .count()
    }

    /// The records that the receiver has: where each begins, and what of its header it has.
    fn headers(&self) -> Vec<(usize, Vec<Received>)> {
        let stream: Vec<_> = self.received.iter().map_while(|&byte| byte).collect();
        let mut headers = Vec::new();
        let mut at = 0;
        while at < stream.len() {
            let header = stream[at..stream.len().min(at + 5)].to_vec();
            let length = match header[..] {
                [_, _, _, high, low] => u16::from_be_bytes([high.byte, low.byte]),
                _ => 0,
            };
            headers.push((at, header));
            at += 5 + usize::from(length);
        }
        headers
    }

    /// Whether the receiver has a heartbeat that it may take for one.
    fn has_heartbeat(&self) -> bool {
        for (_, header) in self.headers() {
            let begun = header
                .windows(2)
                .any(|pair| !pair[0].unread && pair[1].unread);
            let bytes: Vec<_> = header.iter().map(|received| received.byte).collect();
            match bytes[..] {
                _ if begun => return false,
                [24, 3, 3, _, length] => return length != 0,
                [20..=23, 3, 3, _, _] => {}
                _ => return false,
            }
        }
        false
    }

    /// What is left of the body in which the receiver stands.
    fn body_left(&self) -> usize {
        let contiguous = self.contiguous();
        match self.headers().last() {
            Some((at, header)) if header.len() == 5 => {
                let length = u16::from_be_bytes([header[3].byte, header[4].byte]);
                (at + 5 + usize::from(length))
                    .saturating_sub(contiguous)
                    .min(300)
            }
            _ => 0,
        }
    }
}

/// What the attacker keeps in mind.
struct Attacker {
    random: Random,
    run: Run,
    /// Where the module's search may have come to.
    edge: usize,
    /// Headers that passed unread.
    heads: Vec<usize>,
    /// Where the next header of the chain should lie.
    expected: Option<usize>,
}

impl Attacker {
    /// Bytes without a header.
    fn noise(&mut self) -> Vec<u8> {
        body(5 + self.random.below(20))
    }

    /// Records, the last one cut anywhere.
    fn records(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let kind = if self.random.chance(98) { 23 } else { 24 };
            bytes.extend(record(kind, self.random.below(45)));
        }
        if self.random.chance(55) {
            let cut = self.random.below(bytes.len()).max(5);
            bytes.truncate(cut);
        }
        bytes
    }

    /// The end of a segment: a part of a header, or nothing.
    fn tail(&mut self) -> Vec<u8> {
        let header = [self.random.one(&[22, 23, 23, 24, 24]), 3, 3, 0];
        let length = [0, 0, 1, 1, 2, 3, 4][self.random.below(7)];
        header[..length].to_vec()
    }

    /// The chain goes on, or begins.
    fn chain(&mut self) -> (usize, Vec<u8>) {
        let mut payload = match self.expected {
            Some(next) if next >= self.edge => body(next - self.edge),
            None if self.random.chance(50) => body(self.random.below(10)),
            _ => Vec::new(),
        };
        if payload.is_empty() || self.random.chance(85) {
            payload.extend(self.records());
        } else {
            payload.truncate(self.random.below(payload.len() + 1));
        }
        if let Some(next) = self.expected.filter(|&next| next < self.edge) {
            // Its header was cut.
            payload.drain(..(self.edge - next).min(payload.len()));
            if self.random.chance(10) {
                payload = self.noise();
            }
        }
        payload.extend(self.tail());
        (self.edge, payload)
    }

    /// What comes next: records up to a header that passed, or about there, and more.
    fn next(&mut self) -> (usize, Vec<u8>) {
        let filled = self.run.contiguous();
        let left = self.run.body_left();
        let ahead: Vec<_> = self
            .heads
            .iter()
            .copied()
            .filter(|&head| head > filled + 5)
            .collect();
        let mut payload = self.records();
        if !ahead.is_empty() && self.random.chance(75) {
            let head = ahead[self.random.below(ahead.len().min(2))];
            let left = left.min(head - filled);
            let miss = match self.random.below(10) {
                0 => 1 + self.random.below(60) as isize,
                1 => -1 - self.random.below(6) as isize,
                _ => 0,
            };
            payload = body(left);
            let length = (head - filled - left) as isize - 5 + miss;
            if (0..250).contains(&length) {
                payload.extend(record(23, length as usize));
            }
            match self.random.below(9) {
                0 => payload.extend(self.records()),
                1 => payload.extend(record(23, 60 + self.random.below(60))),
                2 => payload.truncate(self.random.below(payload.len()).max(1)),
                _ => {}
            }
        } else if self.random.chance(95) {
            let head = ahead.first().copied().unwrap_or(filled + left);
            payload = body(left);
            if (filled + left + 6..filled + left + 200).contains(&head) {
                payload.extend(record(23, head - filled - left - 5));
            }
            payload.extend(self.records());
            if self.random.chance(40) {
                payload.truncate(self.random.below(payload.len()).max(1));
            }
        }
        let back = if self.random.chance(15) {
            self.random.below(20)
        } else {
            0
        };
        let at = filled.saturating_sub(back);
        (at, [body(filled - at), payload].concat())
    }

    /// The next segment.
    fn segment(&mut self, choice: usize) -> (usize, Vec<u8>) {
        match choice {
            0..12 => {
                // After a gap.
                self.expected = None;
                (self.edge + self.random.below(40), self.noise())
            }
            12..60 => self.chain(),
            60..92 => self.next(),
            92..96 => (self.random.below(self.edge), self.records()),
            _ => {
                let any = self.random.below(self.edge);
                let at = self.random.one(&[self.run.contiguous(), self.edge, any]);
                (at, record(24, 40))
            }
        }
    }

    /// Learns from what became of a segment.
    fn learn(&mut self, at: usize, payload: &[u8], fate: Fate) {
        let end = at + payload.len();
        if end <= self.edge {
            return;
        }
        if fate != Fate::PassedUnread {
            if at != self.edge || self.expected.is_none() {
                self.edge = end;
            }
            if at != self.edge {
                self.expected = None;
            }
            return;
        }
        let first = payload.windows(3).position(|bytes| bytes == [23, 3, 3]);
        let mut next = self.expected.or(first.map(|place| at + place));
        if self.expected.is_none() {
            self.heads.extend(next);
        }
        while let Some(head) = next.filter(|head| head + 5 <= end) {
            let byte = |at: usize| self.run.received[at].map_or(0, |received| received.byte);
            let length = u16::from_be_bytes([byte(head + 3), byte(head + 4)]);
            next = Some(head + 5 + usize::from(length));
        }
        self.expected = next;
        self.edge = end;
    }
}

/// Sends segments; returns how many passed unread after a second gap, or the log if the receiver
/// has a heartbeat.
fn attack(seed: u64) -> Result<u64, String> {
    let mut random = Random::new(seed);
    let edge = 20 + random.below(60);
    let (planned, both_ways) = (random.chance(75), random.chance(25));
    let mut attacker = Attacker {
        random,
        run: Run::new(),
        edge,
        heads: Vec::new(),
        expected: None,
    };
    let mut log = format!("seed {seed}");
    for step in 0..6 + attacker.random.below(34) {
        if both_ways && attacker.random.chance(15) {
            attacker.run.answer(&mut attacker.random);
        }
        let choice = match step {
            0 | 2 if planned => 0,
            1 | 3 if planned => 20,
            _ => attacker.random.below(100),
        };
        let (at, payload) = attacker.segment(choice);
        if at + payload.len() > SPACE || payload.is_empty() {
            continue;
        }
        let fate = attacker.run.send(at, &payload);
        log += &format!("\n{at} +{}: {fate:?} {payload:?}", payload.len());
        if attacker.run.wire.verdict.is_err() {
            break;
        }
        if attacker.run.has_heartbeat() {
            return Err(log);
        }
        attacker.learn(at, &payload, fate);
    }
    Ok(attacker.run.second)
}

#[test]
fn no_heartbeat_hides_after_two_gaps() {
    let results: Result<Vec<u64>, String> = seeds(40_000).map(attack).collect();
    let second: u64 = results.unwrap_or_else(|log| panic!("{log}")).iter().sum();
    assert!(second > 1000, "{second}");
}
