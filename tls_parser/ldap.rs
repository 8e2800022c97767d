// SPDX-License-Identifier: GPL-2.0

//! LDAP before TLS (RFC 4511 4.14): the extended request StartTLS, and its response.
//!
//! ```text
//!   30 length  02 length number  77 length  80 length 1.3.6.1.4.1.1466.20037
//!   30 length  02 length number  78 length  0a length result
//! ```
//!
//! Lengths may have any form that is definite. What follows a message begins where its own length
//! says; the lengths inside tell nothing more.

use super::{
    commands::begins_record,
    prelude::{
        skip_field,
        Found,
        Ldap,
        Message,
        Next,
        Prelude, //
    },
};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const ENUMERATED: u8 = 0x0a;
const UNBIND: u8 = 0x42;
const ABANDON: u8 = 0x50;
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
const OID: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// The most bytes that a length's long form may have.
const MAX_LENGTH: u8 = 8;

/// What the first byte of a length says: the length itself, or how many bytes it has.
enum Length {
    Short(u8),
    Long(u8),
    Unknown,
}

fn length(byte: u8) -> Length {
    match byte {
        0..=0x7f => Length::Short(byte),
        0x81.. if byte & 0x7f <= MAX_LENGTH => Length::Long(byte & 0x7f),
        _ => Length::Unknown,
    }
}

impl Ldap {
    /// Skips bytes that mean nothing; returns how many.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> usize {
        match self.at {
            Message::Rest { .. } => skip_field(&mut self.left, bytes),
            _ => 0,
        }
    }

    /// Reads a byte of the client.
    pub(super) fn take_client(&mut self, byte: u8) -> Found {
        let at_start = matches!(self.at, Message::Start { .. });
        let asked = matches!(self.at, Message::Start { asked: Some(_) });
        // Whatever the server has answered: it was taken for an acceptance.
        let injects = asked || (at_start && begins_record(byte));
        let mut said = false;
        let next = self.take(byte, &mut said, |ldap, byte, said| match ldap {
            Message::Operation { id } => match byte {
                EXTENDED_REQUEST => Message::OperationLength { more: 0, id },
                UNBIND | ABANDON => Message::Rest { asks: false, id },
                _ => {
                    *said = true;
                    Message::Rest { asks: false, id }
                }
            },
            // Not every server looks at the tag.
            Message::Field { id } => Message::FieldLength { more: 0, id },
            Message::Value { at, id } if OID.get(usize::from(at)) == Some(&byte) => {
                if usize::from(at).saturating_add(1) == OID.len() {
                    Message::Rest { asks: true, id }
                } else {
                    Message::Value {
                        at: at.saturating_add(1),
                        id,
                    }
                }
            }
            Message::Value { id, .. } => {
                *said = true;
                Message::Rest { asks: false, id }
            }
            other => other,
        });
        self.said |= said;
        let found = match next {
            Next::Stay => Found::saying(said),
            _ => Found::CLEARTEXT,
        };
        found.injecting(injects)
    }

    /// Reads a byte of the server.
    pub(super) fn take_server(&mut self, client: &mut Prelude, byte: u8) -> Found {
        let Prelude::Ldap(client) = client else {
            return Found::OUT_OF_TURN;
        };
        let Message::Start { asked: Some(asked) } = client.at else {
            // Nobody waits for what comes.
            return self.take_answer(client, None, byte);
        };
        self.take_answer(client, Some(asked), byte)
    }

    fn take_answer(&mut self, client: &mut Ldap, asked: Option<u16>, byte: u8) -> Found {
        let mut refuses = false;
        let next = self.take(byte, &mut refuses, |ldap, byte, refuses| match ldap {
            Message::Operation { id } if byte == EXTENDED_RESPONSE && asked == Some(id) => {
                Message::OperationLength { more: 0, id }
            }
            Message::Field { id } if byte == ENUMERATED => Message::FieldLength { more: 0, id },
            Message::Value { id, .. } => {
                *refuses = byte != 0;
                Message::Rest {
                    asks: byte == 0,
                    id,
                }
            }
            Message::Operation { id } | Message::Field { id } => Message::Rest { asks: false, id },
            other => other,
        });
        if refuses {
            client.at = Message::Start { asked: None };
        }
        match next {
            Next::Stay if matches!(self.at, Message::Start { asked: Some(_) }) => Found::UPGRADE,
            Next::Stay => Found::STAY,
            _ => Found::CLEARTEXT,
        }
    }

    /// Reads a byte; `inside` takes those of the operation, and returns what follows them.
    fn take(
        &mut self,
        byte: u8,
        flag: &mut bool,
        inside: impl FnOnce(Message, u8, &mut bool) -> Message,
    ) -> Next {
        let in_message = !matches!(self.at, Message::Start { .. } | Message::Length { .. });
        self.at = match self.at {
            Message::Start { .. } if byte == SEQUENCE => {
                self.left = 0;
                Message::Length { more: 0 }
            }
            Message::Start { .. } => return Next::Cleartext,
            Message::Length { more } => match self.take_length(more, byte) {
                Some(message) => message,
                None => return Next::Cleartext,
            },
            Message::IdTag | Message::IdLength { .. } | Message::Id { .. } => {
                match take_number(self.at, byte) {
                    Some(message) => message,
                    None => return Next::Cleartext,
                }
            }
            Message::OperationLength { more, id } => match after_length(more, byte) {
                Some(0) => Message::Field { id },
                Some(more) => Message::OperationLength { more, id },
                None => return Next::Cleartext,
            },
            Message::FieldLength { more, id } => match after_length(more, byte) {
                Some(0) => Message::Value { at: 0, id },
                Some(more) => Message::FieldLength { more, id },
                None => return Next::Cleartext,
            },
            inner => inside(inner, byte, flag),
        };
        if in_message {
            self.left = self.left.saturating_sub(1);
        }
        if self.left == 0 && !matches!(self.at, Message::Length { .. }) {
            self.at = Message::Start {
                asked: match self.at {
                    Message::Rest { asks: true, id } => Some(id),
                    _ => None,
                },
            };
        }
        Next::Stay
    }

    /// Takes a byte of a message's length, of which `more` were to follow; `None` if it cannot
    /// stand there.
    fn take_length(&mut self, more: u8, byte: u8) -> Option<Message> {
        if more == 0 {
            return match length(byte) {
                Length::Short(length) => {
                    self.left = length.into();
                    Some(Message::IdTag)
                }
                Length::Long(more) => Some(Message::Length { more }),
                Length::Unknown => None,
            };
        }
        if self.left >> 24 != 0 {
            return None;
        }
        self.left = (self.left << 8) | u32::from(byte);
        Some(match more.saturating_sub(1) {
            0 => Message::IdTag,
            more => Message::Length { more },
        })
    }
}

/// Takes a byte of a message's number; `None` if it cannot stand there.
fn take_number(at: Message, byte: u8) -> Option<Message> {
    Some(match at {
        Message::IdTag if byte == INTEGER => Message::IdLength { more: 0 },
        Message::IdLength { more: 0 } => match length(byte) {
            Length::Short(left @ 1..=8) => Message::Id { left, id: 0 },
            Length::Long(more) => Message::IdLength { more },
            _ => return None,
        },
        Message::IdLength { more } => match (more.saturating_sub(1), byte) {
            (0, left @ 1..=8) => Message::Id { left, id: 0 },
            (more @ 1.., 0) => Message::IdLength { more },
            _ => return None,
        },
        Message::Id { left, id } => {
            let id = (id << 8) | u16::from(byte);
            match left.saturating_sub(1) {
                0 => Message::Operation { id },
                left => Message::Id { left, id },
            }
        }
        _ => return None,
    })
}

/// How many bytes of a length follow one, of which `more` were to follow; `None` if that cannot be
/// said.
fn after_length(more: u8, byte: u8) -> Option<u8> {
    match (more, length(byte)) {
        (0, Length::Short(_)) => Some(0),
        (0, Length::Long(more)) => Some(more),
        (0, Length::Unknown) => None,
        (more, _) => Some(more.saturating_sub(1)),
    }
}
