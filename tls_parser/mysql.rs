// SPDX-License-Identifier: GPL-2.0

//! MySQL and MariaDB before TLS: the server's greeting, and the client's SSLRequest.
//!
//! ```text
//!   length (3)  00  0a ...                           the greeting, of protocol 10
//!   length (3)  01  capabilities (2, or 4) ...       the answer
//! ```
//!
//! The server answers nothing to an SSLRequest: if the capabilities hold 0x0800, the client's next
//! byte is the first of TLS, and the server's next one, too.

use super::prelude::{
    Found,
    Mysql,
    Next,
    Prelude, //
};

/// The capability CLIENT_SSL, in the second byte.
const SSL: u8 = 0x08;
/// An error in place of a greeting.
const ERROR: u8 = 0xff;

impl Mysql {
    /// Reads a byte of the server, the first one included; `client` has not spoken yet.
    pub(super) fn take_server(&mut self, client: &Prelude, byte: u8) -> Found {
        if self.done {
            return Found::CLEARTEXT;
        }
        let is_wrong = match self.at {
            3 => byte != 0 || self.left == 0,
            4 => !matches!(byte, 9 | 10 | ERROR),
            _ => false,
        };
        if is_wrong {
            return Found::CLEARTEXT;
        }
        if self.at == 4 && matches!(client, Prelude::Commands(_) | Prelude::Aside) {
            return Found::OUT_OF_TURN;
        }
        self.advance(byte);
        Found::STAY
    }

    /// Reads a byte of the client.
    pub(super) fn take_client(&mut self, server: &Prelude, byte: u8) -> Found {
        if !matches!(server, Prelude::Mysql(server) if server.done) {
            return Found::OUT_OF_TURN;
        }
        // The login itself, in the clear.
        if (self.at == 3 && self.left < 2) || (self.at == 5 && byte & SSL == 0) {
            return Found::CLEARTEXT;
        }
        self.advance(byte);
        Found {
            next: if self.done { Next::Upgrade } else { Next::Stay },
            ..Found::STAY
        }
    }

    fn advance(&mut self, byte: u8) {
        match self.at {
            0 => self.left = byte.into(),
            1 => self.left |= u32::from(byte) << 8,
            2 => self.left |= u32::from(byte) << 16,
            3 => {}
            _ => self.left = self.left.saturating_sub(1),
        }
        self.at = self.at.saturating_add(1).min(6);
        self.done = self.at > 4 && self.left == 0;
    }
}
