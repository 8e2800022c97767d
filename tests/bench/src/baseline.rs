// SPDX-License-Identifier: GPL-2.0

//! A loop over every byte, in the manner of the 2014 module: the records' framing, and runs of low
//! bytes.

use crate::tls_parser::Direction;

/// Where in a record a direction is.
#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Type,
    Major,
    Minor,
    LengthHigh,
    LengthLow,
    Body,
}

/// One direction.
#[derive(Clone, Copy, Default)]
struct Stream {
    state: State,
    content_type: u8,
    left: u32,
    run: u32,
}

/// A connection.
#[derive(Clone, Copy, Default)]
pub struct Baseline {
    streams: [Stream; 2],
}

impl Baseline {
    /// Follows `bytes`; tells whether they may pass.
    pub fn feed(&mut self, limit: u32, direction: Direction, bytes: &[u8]) -> bool {
        let [client, server] = &mut self.streams;
        let own = match direction {
            Direction::Original => client,
            Direction::Reply => server,
        };
        // A copy, so that the compiler may keep it in registers.
        let mut stream = *own;
        for &byte in bytes {
            if !stream.take(limit, byte) {
                return false;
            }
        }
        *own = stream;
        true
    }
}

impl Stream {
    #[inline(always)]
    fn take(&mut self, limit: u32, byte: u8) -> bool {
        match self.state {
            State::Type => {
                self.content_type = byte;
                self.state = State::Major;
                (20..=24).contains(&byte)
            }
            State::Major => {
                self.state = State::Minor;
                byte == 3
            }
            State::Minor => {
                self.state = State::LengthHigh;
                true
            }
            State::LengthHigh => {
                self.left = u32::from(byte) << 8;
                self.state = State::LengthLow;
                true
            }
            State::LengthLow => {
                self.left |= u32::from(byte);
                self.state = if self.left == 0 {
                    State::Type
                } else {
                    State::Body
                };
                true
            }
            State::Body => {
                // The C of 2014 checked no arithmetic.
                self.left = self.left.wrapping_sub(1);
                if self.left == 0 {
                    self.state = State::Type;
                }
                self.count(limit, byte)
            }
        }
    }

    #[inline(always)]
    fn count(&mut self, limit: u32, byte: u8) -> bool {
        if self.content_type == 22 || self.content_type == 24 {
            return true;
        }
        if byte < 128 {
            self.run = self.run.wrapping_add(1);
            return self.run <= limit;
        }
        self.run = 0;
        true
    }
}
