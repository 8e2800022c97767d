// SPDX-License-Identifier: GPL-2.0

//! What the client of a text protocol says before TLS, up to the request for it.
//!
//! | protocol | request |
//! |---|---|
//! | SMTP, LMTP (RFC 3207), NNTP (RFC 4642) | `STARTTLS` |
//! | ManageSieve (RFC 5804), IRC (IRCv3 `tls`) | `STARTTLS` |
//! | POP3 (RFC 2595) | `STLS` |
//! | FTP (RFC 4217) | `AUTH TLS`, `AUTH SSL` |
//! | IMAP (RFC 9051 6.2.1) | a tag, `STARTTLS` |
//! | HTTP proxies (RFC 9110 9.3.6) | `CONNECT`, and headers up to an empty line |
//!
//! A request counts in its place only: not in a mail after `DATA` (RFC 5321 4.5.2), in what follows
//! `BDAT` (RFC 3030), in a literal (RFC 9051 4.3), or in an article (RFC 3977 3.1.1). If a client
//! leads the parser to take commands for one of these, the server's reply tells: see
//! [`replies`](super::replies).
//!
//! A line ends at LF, with or without CR, since servers take both. Spaces before a word, and a
//! parameter after it, change nothing: the server decides whether it takes that.

use super::{
    prelude::{
        skip_field,
        Ask,
        Commands,
        Family,
        Found,
        Line,
        Way, //
    },
    words::Word,
};

/// The words that a line may begin with before an upgrade, and those that mean something; sorted.
const WORDS: [&[u8]; 23] = [
    b"AUTH",
    b"BDAT",
    b"CAP",
    b"CAPA",
    b"CAPABILITIES",
    b"CAPABILITY",
    b"CONNECT",
    b"DATA",
    b"EHLO",
    b"FEAT",
    b"HELO",
    b"HELP",
    b"HOST",
    b"ID",
    b"LHLO",
    b"LOGOUT",
    b"MODE",
    b"NOOP",
    b"QUIT",
    b"RSET",
    b"STARTTLS",
    b"STLS",
    b"XCLIENT",
];

/// What `AUTH` asks for, if it asks for TLS; sorted.
const MECHANISMS: [&[u8]; 4] = [b"SSL", b"TLS", b"TLS-C", b"TLS-P"];

/// What a line's first word means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// Nothing that stands before an upgrade.
    Other,
    /// It may stand before one.
    Allowed,
    Auth,
    Bdat,
    Connect,
    Data,
    Greeting,
    Starttls,
    /// The server greets once more (Postfix).
    Xclient,
}

fn meaning(word: Word) -> Meaning {
    let Some(word) = word.index(&WORDS).and_then(|index| WORDS.get(index)) else {
        return Meaning::Other;
    };
    match *word {
        b"AUTH" => Meaning::Auth,
        b"BDAT" => Meaning::Bdat,
        b"CONNECT" => Meaning::Connect,
        b"DATA" => Meaning::Data,
        b"EHLO" | b"HELO" | b"LHLO" => Meaning::Greeting,
        b"STARTTLS" | b"STLS" => Meaning::Starttls,
        b"XCLIENT" => Meaning::Xclient,
        _ => Meaning::Allowed,
    }
}

/// Whether a byte ends a word: white space, or what no word has.
const fn ends_word(byte: u8) -> bool {
    byte <= b' '
}

/// Whether a record of TLS, or a ClientHello of SSL2, may begin with that byte. No command, no
/// reply and no message of LDAP does.
pub(super) const fn begins_record(byte: u8) -> bool {
    matches!(byte, 0x14..=0x18 | 0x80..=0x90)
}

/// A number for a tag; two tags have the same only if somebody wants them to.
pub(super) const fn add_to_tag(tag: u16, byte: u8) -> u16 {
    tag.wrapping_mul(31).wrapping_add(byte as u16)
}

/// A size, and one digit more; at most 2^32 - 1.
const fn add_digit(size: u32, digit: u8) -> u32 {
    size.saturating_mul(10)
        .saturating_add(digit.wrapping_sub(b'0') as u32)
}

impl Commands {
    /// Skips bytes that mean nothing; returns how many.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> usize {
        match &mut self.line {
            Line::Skip { left, .. } => skip_field(left, bytes),
            Line::Rest | Line::BodyRest => bytes
                .iter()
                .position(|&byte| byte == b'\n' || byte == b'{')
                .unwrap_or(bytes.len()),
            _ => 0,
        }
    }

    /// Reads a byte; `server` is what its server was recognised by.
    pub(super) fn take(&mut self, server: Family, byte: u8) -> Found {
        let injects = self.ask == Ask::Open || matches!(self.line, Line::Wait { .. });
        // Whatever the server has answered: it was taken for an acceptance.
        // Articles may be sent without a reply (RFC 4644 2.5), and hold any byte.
        let has_commands = matches!(
            server,
            Family::Codes | Family::Pop3 | Family::Imap | Family::Sieve
        );
        let at_start = matches!(self.line, Line::Start { .. });
        let injects = injects || (has_commands && at_start && begins_record(byte));
        self.ask = match self.ask {
            Ask::Open => Ask::Passed,
            // A refusal is one for certain only where replies are counted.
            Ask::Answered if matches!(server, Family::Pop3 | Family::Sieve) => Ask::None,
            Ask::Answered => Ask::Passed,
            ask => ask,
        };
        let said = self.read(server, byte);
        // A proxy's answers to other requests have bodies, which could hide the one that counts.
        let mixes = self.ask == Ask::Open && self.way == Way::Connect && self.said;
        self.said |= said;
        Found::saying(said).injecting(injects || mixes)
    }

    /// The same; returns whether that says something that needs no upgrade.
    fn read(&mut self, server: Family, byte: u8) -> bool {
        match self.line {
            Line::Start { .. } if byte == b'\n' => self.end_line(),
            Line::Start { .. } if ends_word(byte) => {}
            Line::Start { .. } => {
                self.line = Line::First {
                    word: Word::begin(&WORDS, byte),
                    tag: add_to_tag(0, byte),
                };
            }
            Line::First { word, tag } if ends_word(byte) => {
                return self.end_first(server, word, tag, byte);
            }
            Line::First { mut word, tag } => {
                word.take(&WORDS, byte);
                let tag = add_to_tag(tag, byte);
                self.line = Line::First { word, tag };
            }
            Line::Gap { allowed, .. } if byte == b'\n' => {
                self.end_line();
                return !allowed;
            }
            Line::Gap { .. } if ends_word(byte) => {}
            Line::Gap { allowed, tag } => {
                let word = Word::begin(&WORDS, byte);
                self.line = Line::Second { word, allowed, tag };
            }
            Line::Second { word, allowed, tag } if ends_word(byte) => {
                return self.end_second(server, word, allowed, tag, byte);
            }
            Line::Second {
                mut word,
                allowed,
                tag,
            } => {
                word.take(&WORDS, byte);
                self.line = Line::Second { word, allowed, tag };
            }
            Line::AuthGap | Line::Auth { .. } => return self.read_auth(byte),
            Line::Head { empty } => self.read_head(empty, byte),
            Line::Skip { left, goes_on } => self.read_skipped(left, goes_on),
            Line::Wait { size } => self.read_skipped(size, true),
            Line::Body | Line::BodyDot | Line::BodyRest => self.read_body(byte),
            _ => self.read_rest(server, byte),
        }
        false
    }

    /// Takes a line's first word, which `byte` ends.
    fn end_first(&mut self, server: Family, word: Word, tag: u16, byte: u8) -> bool {
        let meaning = if server == Family::Imap {
            Meaning::Other
        } else {
            meaning(word)
        };
        // HTTP has no other words, and before the server has spoken any protocol's may come.
        let unknown = server == Family::Unknown;
        let web = unknown || matches!(server, Family::Other | Family::Http);
        let codes = unknown || server == Family::Codes;
        match meaning {
            Meaning::Starttls if server != Family::Http => {
                self.way = Way::Starttls;
                self.line = Line::Asking { tag: 0 };
            }
            Meaning::Connect if web => {
                self.line = Line::Head { empty: false };
            }
            Meaning::Auth if codes => self.line = Line::AuthGap,
            Meaning::Bdat if server == Family::Codes => {
                self.smtp = true;
                self.line = Line::Size { size: 0 };
                return self.end_word(byte, true);
            }
            _ => {
                let allowed = matches!(
                    meaning,
                    Meaning::Allowed | Meaning::Greeting | Meaning::Xclient
                );
                match meaning {
                    Meaning::Data | Meaning::Greeting => self.smtp = true,
                    Meaning::Xclient => self.smtp = false,
                    _ => {}
                }
                if unknown || server == Family::Imap {
                    self.line = Line::Gap { allowed, tag };
                    return byte == b'\n' && self.read(server, byte);
                }
                self.line = Line::Rest;
                return self.end_word(byte, !allowed);
            }
        }
        self.end_word(byte, false)
    }

    /// Takes a line's second word, where the first one may be a tag.
    fn end_second(
        &mut self,
        server: Family,
        word: Word,
        allowed: bool,
        tag: u16,
        byte: u8,
    ) -> bool {
        let second = meaning(word);
        if second == Meaning::Starttls && server == Family::Unknown {
            // Whether the first word was a tag only the server's protocol tells.
            self.early = true;
        } else if second == Meaning::Starttls {
            self.way = Way::Tagged;
            self.line = Line::Asking { tag };
            return self.end_word(byte, false);
        }
        self.line = Line::Rest;
        self.end_word(byte, !allowed && second != Meaning::Allowed)
    }

    /// Reads what `AUTH` asks for.
    fn read_auth(&mut self, byte: u8) -> bool {
        let word = match self.line {
            Line::AuthGap if byte == b'\n' => {
                self.end_line();
                return true;
            }
            Line::AuthGap if ends_word(byte) => return false,
            Line::Auth { word } if ends_word(byte) => return self.end_auth(word, byte),
            Line::Auth { mut word } => {
                word.take(&MECHANISMS, byte);
                word
            }
            _ => Word::begin(&MECHANISMS, byte),
        };
        self.line = Line::Auth { word };
        false
    }

    fn end_auth(&mut self, word: Word, byte: u8) -> bool {
        let asks = word.index(&MECHANISMS).is_some();
        if asks {
            self.way = Way::Auth;
            self.line = Line::Asking { tag: 0 };
        } else {
            self.line = Line::Rest;
        }
        self.end_word(byte, !asks)
    }

    /// Takes the byte after a word, which may be the line's last.
    fn end_word(&mut self, byte: u8, said: bool) -> bool {
        if byte == b'\n' {
            self.end_line();
        }
        said
    }

    /// Reads on where no word is looked for.
    fn read_rest(&mut self, server: Family, byte: u8) {
        let has_literals = matches!(server, Family::Unknown | Family::Imap | Family::Sieve);
        self.line = match (self.line, byte) {
            (Line::Size { .. } | Line::SizeEnd { .. }, b'\n') => return self.end_line(),
            (Line::Size { size }, b'0'..=b'9') => Line::Size {
                size: add_digit(size, byte),
            },
            (Line::Size { size: 0 }, b' ' | b'\t') => Line::Size { size: 0 },
            (Line::Size { size } | Line::SizeEnd { size }, _) => Line::SizeEnd { size },
            (Line::BraceEnd { size, waits }, b'\n') => {
                return self.begin_literal(server, size, waits)
            }
            (Line::BraceEnd { size, waits }, b'\r') => Line::BraceEnd { size, waits },
            (_, b'\n') => return self.end_line(),
            (Line::Asking { tag }, _) => Line::Asking { tag },
            (_, b'{') if has_literals => Line::Brace { size: 0 },
            (Line::Brace { size }, b'0'..=b'9') => Line::Brace {
                size: add_digit(size, byte),
            },
            (Line::Brace { size }, b'+' | b'-') => Line::BracePlus { size },
            (Line::Brace { size }, b'}') => Line::BraceEnd { size, waits: true },
            (Line::BracePlus { size }, b'}') => Line::BraceEnd { size, waits: false },
            _ => Line::Rest,
        };
    }

    /// Begins a literal, or goes on with the line if it is empty.
    fn begin_literal(&mut self, server: Family, size: u32, waits: bool) {
        // Which of its bytes are commands only the server's protocol tells.
        self.early |= server == Family::Unknown;
        self.line = match server {
            Family::Unknown => return self.end_line(),
            // Clients of ManageSieve do not wait (RFC 5804 4).
            _ if waits && server != Family::Sieve => Line::Wait { size },
            _ => Line::Skip {
                left: size,
                goes_on: true,
            },
        };
        self.settle_skip();
    }

    /// Ends a skip of no bytes.
    pub(super) fn settle_skip(&mut self) {
        match self.line {
            Line::Skip {
                left: 0,
                goes_on: true,
            } => self.line = Line::Rest,
            Line::Skip {
                left: 0,
                goes_on: false,
            } => self.line = Line::Start { tag: 0 },
            _ => {}
        }
    }

    fn read_skipped(&mut self, left: u32, goes_on: bool) {
        self.line = Line::Skip {
            left: left.saturating_sub(1),
            goes_on,
        };
        self.settle_skip();
    }

    /// Reads the headers after `CONNECT`, which an empty line ends.
    fn read_head(&mut self, empty: bool, byte: u8) {
        match byte {
            b'\n' if empty => {
                self.way = Way::Connect;
                self.line = Line::Asking { tag: 0 };
                self.end_line();
            }
            b'\n' => self.line = Line::Head { empty: true },
            b'\r' => {}
            _ => self.line = Line::Head { empty: false },
        }
    }

    /// Reads a mail or an article, which a dot on a line of its own ends.
    fn read_body(&mut self, byte: u8) {
        self.line = match (self.line, byte) {
            (Line::BodyDot, b'\n') => Line::Start { tag: 0 },
            (_, b'\n') => Line::Body,
            (Line::Body, b'.') => Line::BodyDot,
            (Line::BodyDot, b'\r') => Line::BodyDot,
            _ => Line::BodyRest,
        };
    }

    fn end_line(&mut self) {
        self.pending = self.pending.saturating_add(1).min(Self::MAX_PENDING);
        self.line = match self.line {
            Line::Asking { tag } => {
                self.ask = Ask::Open;
                Line::Start { tag }
            }
            Line::Size { size } | Line::SizeEnd { size } => Line::Skip {
                left: size,
                goes_on: false,
            },
            _ => Line::Start { tag: 0 },
        };
        self.settle_skip();
    }

    /// Whether its last line ended a request for a tunnel.
    pub(super) fn is_connecting(&self) -> bool {
        self.ask == Ask::Open && self.way == Way::Connect
    }

    /// The tag of the line that asks.
    pub(super) fn tag(&self) -> Option<u16> {
        match self.line {
            Line::Start { tag } if self.ask != Ask::None && self.way == Way::Tagged => Some(tag),
            _ => None,
        }
    }
}
