// SPDX-License-Identifier: GPL-2.0

//! Random numbers for tests that choose each step by what the ones before came to.

use std::env;

/// The same numbers for the same seed (xorshift64*).
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number below `limit`, or 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit.max(1) as u64) as usize
    }

    /// Whether what happens that often does happen.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// The seeds of a test that has so many cases: `CASES` and `SEED` in the environment choose others.
pub fn seeds(cases: u64) -> std::ops::Range<u64> {
    let from_env = |name| env::var(name).ok().and_then(|text| text.parse().ok());
    let first = from_env("SEED").unwrap_or(1);
    first..first + from_env("CASES").unwrap_or(cases)
}
