// SPDX-License-Identifier: GPL-2.0

//! A line on the terminal that says how far a long capture has been read.

use crate::reader::Extent;
use std::{
    io::{
        self,
        IsTerminal, //
    },
    time::{
        Duration,
        Instant, //
    },
};

/// The line, as long as it is there.
pub(crate) struct Progress {
    terminal: bool,
    shown: bool,
    next: Instant,
}

impl Progress {
    const FIRST: Duration = Duration::from_secs(1);
    const THEN: Duration = Duration::from_millis(250);

    pub(crate) fn new() -> Self {
        Progress {
            terminal: io::stderr().is_terminal(),
            shown: false,
            next: Instant::now() + Self::FIRST,
        }
    }

    pub(crate) fn show(&mut self, file: &str, packets: u64, extent: &Extent) {
        let now = Instant::now();
        if !self.terminal || now < self.next {
            return;
        }
        let read = extent.read.get();
        let share = extent.size.map_or(String::new(), |size| {
            format!(", {} %", read.saturating_mul(100) / size.max(1))
        });
        eprint!(
            "\r\x1b[K{file}: {packets} packets, {} MB{share}",
            read >> 20
        );
        self.shown = true;
        self.next = now + Self::THEN;
    }

    pub(crate) fn clear(&mut self) {
        if self.shown {
            eprint!("\r\x1b[K");
            self.shown = false;
        }
    }
}
