// SPDX-License-Identifier: GPL-2.0

//! PostgreSQL before TLS (its manual, 54.2.10 and 54.7): SSLRequest, and one byte.
//!
//! ```text
//!   00 00 00 08  04 d2 16 2f  SSLRequest: answered by S, or by N and whatever the client says then
//!   00 00 00 08  04 d2 16 30  GSSENCRequest: answered by G, or by N
//! ```
//!
//! Anything else begins a session in the clear. Servers look at a request's code only, and read as
//! much as its length says.

use super::prelude::{
    Found,
    Postgres,
    Prelude, //
};

const HEAD: u8 = 8;
/// The code of SSLRequest. That of GSSENCRequest is greater by one.
const CODE: [u8; 3] = [0x04, 0xd2, 0x16];
const SSL: u8 = 0x2f;
const GSS: u8 = 0x30;

impl Postgres {
    /// Reads a byte of the client.
    pub(super) fn take_client(&mut self, byte: u8) -> Found {
        if self.asked {
            *self = Postgres::default();
            return self.read(byte).injecting(true);
        }
        self.read(byte)
    }

    fn read(&mut self, byte: u8) -> Found {
        match self.at {
            0..=3 => self.left = (self.left << 8) | u32::from(byte),
            4..=6 if CODE.get(usize::from(self.at.wrapping_sub(4))) != Some(&byte) => {
                return Found::CLEARTEXT;
            }
            4..=6 => {}
            7 if self.left < HEAD.into() || !matches!(byte, SSL | GSS) => return Found::CLEARTEXT,
            7 => {
                self.tls = byte == SSL;
                self.left = self.left.saturating_sub(HEAD.into());
            }
            _ => self.left = self.left.saturating_sub(1),
        }
        self.at = self.at.saturating_add(1).min(HEAD);
        self.asked = self.at == HEAD && self.left == 0;
        Found::STAY
    }

    /// Reads a byte of the server.
    pub(super) fn take_server(client: &mut Prelude, byte: u8) -> Found {
        match client {
            Prelude::Postgres(it) if it.asked && byte == b'S' && it.tls => Found::UPGRADE,
            Prelude::Postgres(it) if it.asked && byte == b'N' => {
                *it = Postgres::default();
                Found::STAY
            }
            // An error, or GSSAPI.
            Prelude::Postgres(it) if it.asked && matches!(byte, b'E' | b'G') => Found::CLEARTEXT,
            _ => Found::OUT_OF_TURN,
        }
    }
}
