// SPDX-License-Identifier: GPL-2.0

//! What the parser costs, compared with its predecessor and with a copy of the same bytes.

pub mod baseline;
pub mod input;
pub mod plot;
pub mod report;
#[path = "../../../tls_parser.rs"]
pub mod tls_parser;
#[path = "../../parser/src/vectors.rs"]
pub mod vectors;

use baseline::Baseline;
use input::Input;
use std::hint::black_box;
use tls_parser::{
    HeaderSearch,
    Policy, //
};

/// What reads the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Contender {
    /// The module's parser.
    Parser,
    /// A loop over the bytes, as the 2014 module's.
    Baseline,
    /// memcpy, the C library's: it uses vector registers, which kernel code does not.
    Copy,
}

impl Contender {
    /// All of them.
    pub const ALL: [Contender; 3] = [Self::Parser, Self::Baseline, Self::Copy];

    /// The name in files and arguments.
    pub fn name(self) -> &'static str {
        match self {
            Contender::Parser => "parser",
            Contender::Baseline => "baseline",
            Contender::Copy => "memcpy",
        }
    }

    /// Whether it can read `input`: the baseline follows records in order only.
    pub fn reads(self, input: &Input) -> bool {
        self != Contender::Baseline || !input.out_of_order
    }

    /// Whether its time is measured on `input`: the baseline's does not depend on the caches, and
    /// is long.
    pub fn is_timed_on(self, input: &Input) -> bool {
        self.reads(input) && (self != Contender::Baseline || input.set <= 1 << 20)
    }
}

/// Lets `contender` read all of `input` once; `copy` is as long as the input.
///
/// # Panics
///
/// If a rule is found broken: the inputs break none.
#[inline(never)]
pub fn pass(contender: Contender, input: &Input, copy: &mut [u8]) {
    match contender {
        Contender::Parser if input.out_of_order => search(input),
        Contender::Parser => parse(input),
        Contender::Baseline => loop_over(input),
        Contender::Copy => copy_over(input, copy),
    }
}

fn parse(input: &Input) {
    let policy = Policy::default();
    let mut connection = input.connection;
    for line in input.lines() {
        if line.opens {
            connection = input.connection;
        }
        for segment in line.bytes.chunks(input.segment) {
            let fed = connection.feed(&policy, line.direction, segment);
            assert!(fed.is_ok(), "{}", input.name);
        }
    }
    black_box(connection);
}

fn search(input: &Input) {
    for line in input.lines() {
        for segment in line.bytes.chunks(input.segment) {
            let mut search = HeaderSearch::default();
            search.feed(segment);
            black_box(search);
        }
    }
}

fn loop_over(input: &Input) {
    let limit = u32::from(Policy::default().seq_len);
    let mut baseline = Baseline::default();
    for line in input.lines() {
        if line.opens {
            baseline = Baseline::default();
        }
        for segment in line.bytes.chunks(input.segment) {
            let lawful = baseline.feed(limit, line.direction, segment);
            assert!(lawful, "{}", input.name);
        }
    }
    black_box(baseline);
}

fn copy_over(input: &Input, copy: &mut [u8]) {
    let mut rest = &mut *copy;
    for line in input.lines() {
        for segment in line.bytes.chunks(input.segment) {
            let (to, behind) = rest.split_at_mut(segment.len());
            to.copy_from_slice(segment);
            rest = behind;
        }
    }
    black_box(copy);
}
