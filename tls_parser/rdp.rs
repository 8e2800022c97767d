// SPDX-License-Identifier: GPL-2.0

//! RDP before TLS (MS-RDPBCGR 2.2.1.1 and 2.2.1.2): an X.224 request, and its confirmation.
//!
//! ```text
//!   03 00 length (2)  0e  e0 ...                                        the request
//!   03 00 length (2)  0e  d0 0000 1234 00  02 flags 0800 protocol (4)   the confirmation
//! ```
//!
//! A request that names no protocol gets a confirmation without one.

use super::prelude::{
    Found,
    Next,
    Prelude,
    Rdp, //
};

/// How many bytes of a packet tell something.
const HEAD: u8 = 19;
const NEGOTIATION_RESPONSE: u8 = 2;
/// TLS, CredSSP, RDSTLS, and CredSSP with early authorization: all of them begin with TLS.
const BEGINS_WITH_TLS: u8 = 1 | 2 | 4 | 8;

impl Rdp {
    /// Reads a byte of the client.
    pub(super) fn take_client(&mut self, byte: u8) -> Found {
        if self.asked {
            return Found::OUT_OF_TURN;
        }
        self.advance(byte)
    }

    /// Reads a byte of the server.
    pub(super) fn take_server(&mut self, client: &Prelude, byte: u8) -> Found {
        if !matches!(client, Prelude::Rdp(client) if client.asked) {
            return Found::OUT_OF_TURN;
        }
        match self.at {
            11 => self.confirms = byte == NEGOTIATION_RESPONSE,
            15 => self.tls = byte & BEGINS_WITH_TLS != 0,
            _ => {}
        }
        let found = self.advance(byte);
        match found.next {
            Next::Stay if !self.asked => found,
            Next::Stay if self.confirms && self.tls && self.at == HEAD => Found::UPGRADE,
            _ => Found::CLEARTEXT,
        }
    }

    fn advance(&mut self, byte: u8) -> Found {
        match self.at {
            0 | 1 => {}
            2 => self.left = u16::from(byte) << 8,
            3 => {
                // The length counts the header.
                let length = self.left | u16::from(byte);
                if length <= 4 {
                    return Found::CLEARTEXT;
                }
                self.left = length.saturating_sub(4);
            }
            _ => self.left = self.left.saturating_sub(1),
        }
        self.at = self.at.saturating_add(1).min(HEAD);
        self.asked = self.at > 4 && self.left == 0;
        Found::STAY
    }
}
