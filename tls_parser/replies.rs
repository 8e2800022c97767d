// SPDX-License-Identifier: GPL-2.0

//! What the server of a text protocol says before TLS, up to the reply with which that begins.
//!
//! | protocol | reply | it answers |
//! |---|---|---|
//! | SMTP, LMTP (RFC 3207) | `220` after the greeting | no command but `STARTTLS` |
//! | FTP (RFC 4217) | `234` | no command but `AUTH` |
//! | NNTP (RFC 4642) | `382` | `STARTTLS` |
//! | POP3 (RFC 2595) | `+OK` | the last of the commands, which are counted |
//! | ManageSieve (RFC 5804) | `OK` | the last of the commands, which are counted |
//! | IMAP (RFC 9051) | the request's tag, `OK` | the command of that tag |
//! | IRC (IRCv3 `tls`) | `670` | no command but `STARTTLS` |
//! | HTTP (RFC 9110 9.3.6) | `HTTP/1.x 2xx`, and headers up to an empty line | `CONNECT` |
//!
//! A reply of several lines is told from one of a single line by what follows the code (RFC 5321
//! 4.2.1, RFC 959 4.2).
//!
//! Where a code means one thing only, it counts although no request was recognised. So nobody gains
//! by leading the parser to take a command for a part of a mail.

use super::{
    commands::{
        add_to_tag,
        begins_record, //
    },
    prelude::{
        Ask,
        Commands,
        Family,
        Found,
        Line,
        Prelude,
        Replies,
        Reply,
        Says,
        Way, //
    },
    words::Word,
};

const HTTP: [&[u8]; 1] = [b"HTTP/"];

/// Whether text can begin with that byte.
pub(super) const fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t')
}

impl Replies {
    /// The server whose first byte this is; the byte is still to be read.
    pub(super) fn begin(first: u8) -> Self {
        let family = match first {
            b'0'..=b'9' => Family::Codes,
            b'+' | b'-' => Family::Pop3,
            b'*' => Family::Imap,
            b'"' => Family::Sieve,
            _ => Family::Other,
        };
        Replies {
            family,
            greeted: false,
            multi: 0,
            line: Reply::Start,
            says: Says::Nothing,
        }
    }

    /// Whether a client that has spoken first has said what means something else to this server.
    pub(super) fn is_misled(&self, client: &Prelude) -> bool {
        let Prelude::Commands(client) = client else {
            return false;
        };
        let tunnel = matches!(client.line, Line::Head { .. })
            || (client.ask != Ask::None && client.way == Way::Connect);
        let literals = matches!(self.family, Family::Imap | Family::Sieve);
        (tunnel && self.family != Family::Other) || (literals && client.early)
    }

    /// Expects a reply: a body that went before need not end its line.
    pub(super) fn begin_anew(&mut self) {
        self.line = Reply::Start;
    }

    /// Skips bytes that mean nothing; returns how many.
    pub(super) fn skip(&self, bytes: &[u8]) -> usize {
        if self.line != Reply::Rest {
            return 0;
        }
        bytes
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(bytes.len())
    }

    /// Reads a byte, and tells the client what it means.
    pub(super) fn take(&mut self, client: &mut Prelude, byte: u8) -> Found {
        if byte == b'\n' {
            return self.end_line(client);
        }
        // The others send texts and literals, in which a line may begin with any byte.
        let has_replies_only = matches!(self.family, Family::Codes | Family::Sieve);
        if self.line == Reply::Start && has_replies_only && begins_record(byte) {
            return Found::OUT_OF_TURN;
        }
        self.line = match self.line {
            Reply::Start => self.begin_line(byte),
            Reply::Code { digits, code } if digits < 3 => add_digit(digits, code, byte),
            Reply::Code { code, .. } => self.end_code(client, code, byte),
            Reply::Prefix if byte == b' ' => Reply::Code { digits: 0, code: 0 },
            Reply::Version if byte == b' ' => Reply::Code { digits: 0, code: 0 },
            Reply::Tag { tag } if byte == b' ' => Reply::Status {
                mine: matches!(client, Prelude::Commands(client) if client.tag() == Some(tag)),
            },
            Reply::Tag { tag } => Reply::Tag {
                tag: add_to_tag(tag, byte),
            },
            Reply::Untagged if byte == b' ' => Reply::Untagged,
            Reply::Dot if byte == b'\r' => Reply::Dot,
            Reply::Dot => Reply::Rest,
            Reply::Status { .. } | Reply::Untagged | Reply::Plus => {
                self.says = self.status(byte);
                Reply::Rest
            }
            Reply::Name { mut word } => {
                word.take(&HTTP, byte);
                if word.index(&HTTP).is_some() {
                    self.family = Family::Http;
                    Reply::Version
                } else {
                    Reply::Name { word }
                }
            }
            Reply::Head { .. } => Reply::Head {
                empty: byte == b'\r' && self.line == Reply::Head { empty: true },
            },
            line => line,
        };
        Found::STAY
    }

    /// What the first byte of a status says.
    fn status(&self, byte: u8) -> Says {
        match (self.line, byte.to_ascii_uppercase()) {
            (Reply::Status { mine: true } | Reply::Plus, b'O') => Says::Accepts,
            (Reply::Status { mine: true }, _) => Says::Refuses,
            (Reply::Status { mine: false } | Reply::Untagged, b'B') => Says::Misread,
            (Reply::Untagged, _) => Says::Nothing,
            _ => Says::Other,
        }
    }

    /// Takes a line's first byte.
    fn begin_line(&mut self, byte: u8) -> Reply {
        self.says = Says::Nothing;
        match (self.family, byte) {
            (Family::News, b'.') if self.multi != 0 => Reply::Dot,
            (Family::News, _) if self.multi != 0 => Reply::Rest,
            (Family::Codes | Family::News, b'0'..=b'9') => Reply::Code {
                digits: 1,
                code: byte.wrapping_sub(b'0').into(),
            },
            (Family::Pop3, b'+') => Reply::Plus,
            (Family::Pop3, b'-') => {
                self.says = Says::Other;
                Reply::Rest
            }
            (Family::Imap, b'*') => Reply::Untagged,
            (Family::Imap, b'+') => {
                self.says = Says::WantsMore;
                Reply::Rest
            }
            (Family::Imap, _) => Reply::Tag {
                tag: add_to_tag(0, byte),
            },
            (Family::Sieve, b'O' | b'o') => {
                self.says = Says::Accepts;
                Reply::Rest
            }
            (Family::Sieve, b'N' | b'n' | b'B' | b'b') => {
                self.says = Says::Other;
                Reply::Rest
            }
            (Family::Other, b':') => Reply::Prefix,
            (Family::Other | Family::Http, b'H' | b'h') => {
                let word = Word::begin(&HTTP, byte);
                Reply::Name { word }
            }
            _ => Reply::Rest,
        }
    }

    /// Whether a code after which `byte` stands is that of a whole reply; notes what goes on over
    /// more lines.
    fn is_reply(&mut self, code: u16, byte: u8) -> bool {
        match self.family {
            Family::Codes if byte == b'-' => {
                if self.multi == 0 {
                    self.multi = code;
                }
                false
            }
            // A number in a list, and not a code.
            Family::Codes | Family::News if byte > b' ' => false,
            Family::News => {
                // Text follows, up to a dot (RFC 3977 3.2.1).
                let text = matches!(
                    code,
                    100 | 101 | 215 | 220..=222 | 224 | 225 | 230 | 231 | 282
                );
                if self.greeted && text {
                    self.multi = code;
                }
                true
            }
            Family::Codes if self.multi != 0 && self.multi != code => false,
            Family::Codes => {
                self.multi = 0;
                true
            }
            _ => true,
        }
    }

    /// Takes a code of three digits, after which `byte` stands.
    fn end_code(&mut self, client: &Prelude, code: u16, byte: u8) -> Reply {
        let ask = match client {
            // An empty line for the proxy may be none for us.
            Prelude::Commands(Commands {
                line: Line::Head { .. },
                ..
            }) => Some(Way::Connect),
            Prelude::Commands(client) => (client.ask != Ask::None).then_some(client.way),
            _ => None,
        };
        let smtp = matches!(client, Prelude::Commands(client) if client.smtp);
        if !self.is_reply(code, byte) {
            return Reply::Rest;
        }
        if !self.greeted && matches!(code, 200 | 201) && self.family == Family::Codes {
            self.family = Family::News;
        }
        self.says = match (self.family, code) {
            (Family::Codes, _) if !self.greeted => Says::Other,
            (Family::Codes, 220) if smtp || ask == Some(Way::Starttls) => Says::Accepts,
            (Family::Codes, 234) => Says::Accepts,
            (Family::News, 382) if ask == Some(Way::Starttls) => Says::Accepts,
            (Family::Codes, 354) => Says::WantsBody,
            // In a list of numbers none is followed by a space.
            (Family::News, 335 | 340) if byte == b' ' => Says::WantsBody,
            (Family::Codes | Family::News, _) => Says::Other,
            (Family::Http, 200..=299) if ask == Some(Way::Connect) => Says::Accepts,
            (Family::Http, 100..=199) => Says::Nothing,
            (Family::Http, _) => Says::Refuses,
            (_, 670) => Says::Accepts,
            // No such command, not registered, and a refusal.
            (_, 421 | 451 | 691) => Says::Refuses,
            _ => Says::Nothing,
        };
        Reply::Rest
    }

    fn end_line(&mut self, client: &mut Prelude) -> Found {
        if let Reply::Code { digits: 3, code } = self.line {
            self.end_code(client, code, b'\n');
        }
        match self.line {
            Reply::Head { empty: true } => {
                return match client {
                    Prelude::Commands(commands) => accept(commands),
                    _ => Found::STAY,
                };
            }
            Reply::Head { empty: false } => {
                self.line = Reply::Head { empty: true };
                return Found::STAY;
            }
            _ => {}
        }
        if self.line == Reply::Dot {
            self.multi = 0;
        }
        self.line = Reply::Start;
        let says = core::mem::take(&mut self.says);
        if says == Says::Nothing {
            return Found::STAY;
        }
        if self.family == Family::Http && says == Says::Accepts {
            self.line = Reply::Head { empty: true };
            return Found::STAY;
        }
        let greeting = !self.greeted;
        self.greeted = true;
        match client {
            Prelude::Commands(commands) => self.tell(commands, says, greeting),
            _ => Found::STAY,
        }
    }

    /// Tells the client what a whole reply says.
    fn tell(&self, client: &mut Commands, says: Says, greeting: bool) -> Found {
        let accepts = match self.family {
            Family::Pop3 | Family::Sieve => !greeting && count(client, says),
            _ => says == Says::Accepts,
        };
        if accepts {
            return accept(client);
        }
        let in_literal = matches!(client.line, Line::Skip { goes_on: true, .. });
        match self.family {
            // That was no literal for the server.
            Family::Imap if in_literal && says == Says::Misread => {
                client.line = Line::Start { tag: 0 };
                return Found::STAY.injecting(true);
            }
            Family::Sieve if in_literal => client.line = Line::Start { tag: 0 },
            Family::Http => {
                client.ask = Ask::None;
                // After its answer to a request the next one begins.
                if !matches!(client.line, Line::Head { .. }) {
                    client.line = Line::Start { tag: 0 };
                }
            }
            Family::Imap => tell_imap(client, says),
            Family::Codes | Family::News => tell_codes(client, says),
            _ if says == Says::Refuses => client.ask = Ask::None,
            _ => {}
        }
        Found::STAY
    }
}

/// Takes a reply of a protocol in which all commands are answered in their order; returns whether
/// it accepts an upgrade.
fn count(client: &mut Commands, says: Says) -> bool {
    let last = client.pending <= 1;
    let accepts = says == Says::Accepts && last && client.ask != Ask::None;
    // What nobody asked for was counted wrongly.
    client.pending = client.pending.saturating_sub(1);
    if last && client.ask == Ask::Open {
        client.ask = Ask::Answered;
    }
    accepts
}

fn tell_imap(client: &mut Commands, says: Says) {
    match (says, client.line) {
        (Says::WantsMore, Line::Wait { size }) => {
            client.line = Line::Skip {
                left: size,
                goes_on: true,
            };
            client.settle_skip();
        }
        (Says::Refuses, _) => client.ask = Ask::None,
        (Says::Other | Says::Misread, Line::Wait { .. }) => client.line = Line::Start { tag: 0 },
        _ => {}
    }
}

fn tell_codes(client: &mut Commands, says: Says) {
    let in_body = matches!(client.line, Line::Body | Line::BodyDot | Line::BodyRest);
    match says {
        Says::WantsBody => client.line = Line::Body,
        // A server does not answer within a mail: that is over, or was none.
        Says::Other if in_body => client.line = Line::Start { tag: 0 },
        _ => {}
    }
    if client.ask == Ask::Open {
        client.ask = Ask::Answered;
    }
}

/// Begins TLS, unless the client has said something else since it asked for it.
fn accept(client: &Commands) -> Found {
    Found::UPGRADE.injecting(client.ask == Ask::Passed)
}

/// Takes a digit of a code.
fn add_digit(digits: u8, code: u16, byte: u8) -> Reply {
    match byte {
        b'0'..=b'9' => Reply::Code {
            digits: digits.saturating_add(1),
            code: code
                .saturating_mul(10)
                .saturating_add(u16::from(byte.wrapping_sub(b'0'))),
        },
        _ => Reply::Rest,
    }
}
