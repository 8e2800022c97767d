// SPDX-License-Identifier: GPL-2.0

//! XMPP before TLS (RFC 6120 5): `<starttls/>`, and `<proceed/>`.
//!
//! Both are children of the stream, so elements are counted. In what users write, `<` is escaped,
//! and XMPP has no comments and no CDATA sections (RFC 6120 11.1).

use super::{
    prelude::{
        Found,
        Markup,
        Prelude,
        Xmpp, //
    },
    words::Word,
};

/// The elements that mean something; sorted.
const ELEMENTS: [&[u8]; 4] = [b"FAILURE", b"PROCEED", b"STARTTLS", b"STREAM"];

/// The children of the stream stand at this depth.
const CHILD: u8 = 1;

/// What an element is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Failure,
    Proceed,
    Starttls,
    Stream,
    Other,
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

impl Xmpp {
    /// Reads a byte of the client.
    pub(super) fn take_client(&mut self, byte: u8) -> Found {
        // Some clients end their request with a new line.
        let injects = self.asked && !is_space(byte);
        self.asked &= !injects;
        let Some((element, level)) = self.take(byte) else {
            return Found::STAY.injecting(injects);
        };
        if level <= CHILD && element == Element::Starttls {
            self.asked |= self.is_complete(level);
        }
        let said = level <= CHILD && element == Element::Other;
        self.said |= said;
        Found::saying(said).injecting(injects)
    }

    /// Reads a byte of the server.
    pub(super) fn take_server(&mut self, client: &mut Prelude, byte: u8) -> Found {
        match self.take(byte) {
            Some((Element::Proceed, level)) if level <= CHILD && self.is_complete(level) => {
                Found::UPGRADE
            }
            Some((Element::Failure, level)) if level <= CHILD => {
                if let Prelude::Xmpp(client) = client {
                    client.asked = false;
                }
                Found::STAY
            }
            _ => Found::STAY,
        }
    }

    /// Whether the element whose tag has just ended is whole.
    fn is_complete(&self, level: u8) -> bool {
        self.depth <= level
    }

    /// Reads a byte; returns the element whose tag it ends, and at which depth that stands.
    fn take(&mut self, byte: u8) -> Option<(Element, u8)> {
        self.at = match (self.at, byte) {
            (Markup::Text, b'<') => {
                self.word = Word::default();
                self.closes = false;
                Markup::Open
            }
            (Markup::Text, _) => Markup::Text,
            (Markup::Open, b'/') => {
                self.closes = true;
                Markup::Name
            }
            (Markup::Open, b'?' | b'!') => Markup::Other,
            (Markup::Other, b'>') => Markup::Text,
            (Markup::Other, _) => Markup::Other,
            (Markup::Quoted, b'\'') | (Markup::DoublyQuoted, b'"') => Markup::Attributes,
            (Markup::Quoted | Markup::DoublyQuoted, _) => self.at,
            (Markup::Slash, b'>') => return Some(self.end_tag(true)),
            (_, b'>') => return Some(self.end_tag(false)),
            (Markup::Open | Markup::Name, b':') => {
                // That was the prefix.
                self.word = Word::default();
                Markup::Name
            }
            (Markup::Name | Markup::Attributes | Markup::Slash, b'/') => Markup::Slash,
            (Markup::Open | Markup::Name, _) if !is_space(byte) => {
                self.word.take(&ELEMENTS, byte);
                Markup::Name
            }
            (_, b'\'') => Markup::Quoted,
            (_, b'"') => Markup::DoublyQuoted,
            _ => Markup::Attributes,
        };
        None
    }

    fn end_tag(&mut self, empty: bool) -> (Element, u8) {
        self.at = Markup::Text;
        let element = match self.word.index(&ELEMENTS) {
            Some(0) => Element::Failure,
            Some(1) => Element::Proceed,
            Some(2) => Element::Starttls,
            Some(_) => Element::Stream,
            None => Element::Other,
        };
        let level = if self.closes {
            self.depth = self.depth.saturating_sub(1);
            self.depth
        } else {
            self.depth
        };
        if element == Element::Stream {
            // It may begin again without an end.
            self.depth = u8::from(!self.closes);
        } else if !self.closes && !empty {
            self.depth = self.depth.saturating_add(1);
        }
        (element, level)
    }
}
