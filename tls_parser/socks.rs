// SPDX-License-Identifier: GPL-2.0

//! SOCKS 4, 4a and 5 (RFC 1928, RFC 1929) before what is tunnelled, which is to be TLS.
//!
//! ```text
//!   04 command port (2) address (4) user 00 [host 00]        00 5a port address
//!   05 n methods (n)                                         05 method
//!   01 length user length password                           01 00
//!   05 command 00 type address port                          05 00 00 type address port
//! ```
//!
//! Followed is CONNECT, without authentication or with a password. GSSAPI, BIND and UDP are not.

use super::prelude::{
    Found,
    Prelude,
    Socks,
    Step, //
};

const CONNECT: u8 = 1;
const GRANTED: u8 = 0x5a;

/// How long an address and its port are; `None` if the address begins with its length.
fn address_length(kind: u8) -> Option<u16> {
    match kind {
        1 => Some(4 + 2),
        4 => Some(16 + 2),
        _ => None,
    }
}

impl Socks {
    /// Reads a byte of the client.
    pub(super) fn take_client(&mut self, byte: u8) -> Found {
        self.step = match self.step {
            Step::Asked => return Found::OUT_OF_TURN,
            Step::Version => {
                self.four = byte == 4;
                if self.four {
                    Step::Head4(1)
                } else {
                    Step::Methods
                }
            }
            Step::Head4(1) if byte != CONNECT => return Found::CLEARTEXT,
            Step::Head4(came) => {
                // 0.0.0.x, and not all zero.
                self.named = match came {
                    4 => byte == 0,
                    5 | 6 => self.named && byte == 0,
                    7 => self.named && byte != 0,
                    _ => self.named,
                };
                if came < 7 {
                    Step::Head4(came.saturating_add(1))
                } else {
                    Step::User
                }
            }
            Step::User if byte == 0 && self.named => Step::Host,
            Step::User | Step::Host if byte == 0 => Step::Asked,
            Step::Methods if byte == 0 => Step::Next,
            Step::Methods => self.field(byte.into(), Step::MethodList),
            Step::Next => match byte {
                5 => Step::Head5(1),
                1 => Step::UserLength,
                _ => return Found::OUT_OF_TURN,
            },
            Step::UserLength if byte == 0 => Step::PasswordLength,
            Step::UserLength => self.field(byte.into(), Step::UserName),
            Step::PasswordLength if byte == 0 => Step::Next,
            Step::PasswordLength => self.field(byte.into(), Step::Password),
            Step::Head5(1) if byte != CONNECT => return Found::CLEARTEXT,
            step => return self.take_field(step, byte),
        };
        Found::STAY
    }

    /// Reads a byte of the server.
    pub(super) fn take_server(&mut self, client: &Prelude, byte: u8) -> Found {
        let Prelude::Socks(client) = client else {
            return Found::OUT_OF_TURN;
        };
        self.step = match self.step {
            Step::Version => {
                self.four = client.four;
                match (client.four, byte) {
                    (true, 0) => Step::Head4(1),
                    (false, 5) => Step::Method,
                    _ => return Found::OUT_OF_TURN,
                }
            }
            Step::Head4(1) if byte != GRANTED => return Found::CLEARTEXT,
            Step::Head4(came @ 1..=6) => Step::Head4(came.saturating_add(1)),
            Step::Head4(_) if client.step == Step::Asked => return Found::UPGRADE,
            Step::Method => match byte {
                0 => Step::Head5(0),
                2 => Step::Status(0),
                _ => return Found::CLEARTEXT,
            },
            Step::Status(0) => Step::Status(1),
            Step::Status(_) if byte == 0 => Step::Head5(0),
            Step::Head5(0) => Step::Head5(1),
            Step::Head5(1) if byte != 0 => return Found::CLEARTEXT,
            step => {
                let found = self.take_field(step, byte);
                return match self.step {
                    Step::Asked if client.step == Step::Asked => Found::UPGRADE,
                    Step::Asked => Found::OUT_OF_TURN,
                    _ => found,
                };
            }
        };
        Found::STAY
    }

    /// Takes what a request and its answer have alike, and fields.
    fn take_field(&mut self, step: Step, byte: u8) -> Found {
        self.step = match step {
            Step::User | Step::Host => step,
            Step::Head5(came @ 1..=2) => Step::Head5(came.saturating_add(1)),
            Step::Head5(_) => match (address_length(byte), byte) {
                (Some(length), _) => self.field(length, Step::Address),
                (None, 3) => Step::HostLength,
                _ => return Found::CLEARTEXT,
            },
            Step::HostLength => self.field(u16::from(byte).saturating_add(2), Step::Address),
            Step::MethodList | Step::UserName | Step::Password | Step::Address => {
                self.left = self.left.saturating_sub(1);
                match (step, self.left) {
                    (_, 1..) => step,
                    (Step::Address, 0) => Step::Asked,
                    (Step::UserName, 0) => Step::PasswordLength,
                    _ => Step::Next,
                }
            }
            _ => return Found::CLEARTEXT,
        };
        Found::STAY
    }

    /// Begins a field of `length` bytes.
    fn field(&mut self, length: u16, step: Step) -> Step {
        self.left = length;
        step
    }
}
