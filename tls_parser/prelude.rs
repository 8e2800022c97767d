// SPDX-License-Identifier: GPL-2.0

//! What is kept of a direction before it speaks TLS: 64 bits, in place of what a record needs.
//!
//! Each protocol has its own [`Prelude`]. What one side has to know of the other it reads there:
//! the server's reply looks up what the client has asked for.

use super::words::Word;

/// What is kept of a direction before it speaks TLS.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Prelude {
    /// Nothing came yet.
    #[default]
    Start,
    /// The server's first byte: the second one tells whether the protocol is text.
    First(u8),
    /// The client of a text protocol ([`commands`](super::commands)).
    Commands(Commands),
    /// The server of a text protocol ([`replies`](super::replies)).
    Replies(Replies),
    /// Either side of XMPP ([`xmpp`](super::xmpp)).
    Xmpp(Xmpp),
    /// Either side of LDAP ([`ldap`](super::ldap)).
    Ldap(Ldap),
    /// The client of PostgreSQL ([`postgres`](super::postgres)).
    Postgres(Postgres),
    /// Either side of MySQL ([`mysql`](super::mysql)).
    Mysql(Mysql),
    /// Either side of RDP ([`rdp`](super::rdp)).
    Rdp(Rdp),
    /// Either side of SOCKS ([`socks`](super::socks)).
    Socks(Socks),
    /// A PROXY header ([`proxy`](super::proxy)).
    Proxy(Proxy),
    /// A client that speaks first, and nothing that leads to TLS. The server may know better.
    Aside,
}

/// What a server of a text protocol was recognised by.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Family {
    /// It has not spoken yet.
    #[default]
    Unknown,
    /// Codes of three digits: SMTP, LMTP, FTP.
    Codes,
    /// The same, as NNTP has them.
    News,
    /// `+OK` and `-ERR`: POP3.
    Pop3,
    /// Tags: IMAP.
    Imap,
    /// Quoted words, and `OK`: ManageSieve.
    Sieve,
    /// Prefixes and numerics: IRC. Whatever else is text, too.
    Other,
    /// HTTP.
    Http,
}

/// What became of the client's request for an upgrade.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Ask {
    /// There was none, or it was refused.
    #[default]
    None,
    /// It was the last that the client sent, and nothing was answered since.
    Open,
    /// Something was answered since, and the client has sent nothing more.
    Answered,
    /// The client went on after that.
    Passed,
}

/// How the client of a text protocol asks.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// `STARTTLS` or `STLS`.
    #[default]
    Starttls,
    /// `AUTH TLS` or `AUTH SSL`.
    Auth,
    /// A tag, and `STARTTLS`.
    Tagged,
    /// `CONNECT`, and headers.
    Connect,
}

/// Where in a line the client of a text protocol is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// Before its first word. The tag is that of the line before.
    Start { tag: u16 },
    /// In its first word, which may be a tag.
    First { word: Word, tag: u16 },
    /// After its first word, which may stand before an upgrade or not.
    Gap { allowed: bool, tag: u16 },
    /// In its second word.
    Second { word: Word, allowed: bool, tag: u16 },
    /// After `AUTH`.
    AuthGap,
    /// In the word after `AUTH`.
    Auth { word: Word },
    /// After `BDAT`, in the size.
    Size { size: u32 },
    /// After the size.
    SizeEnd { size: u32 },
    /// In the rest of it.
    Rest,
    /// In the rest of a line that asks.
    Asking { tag: u16 },
    /// In the size of a literal.
    Brace { size: u32 },
    /// After that size, where it says that nobody waits for the server.
    BracePlus { size: u32 },
    /// After the literal's closing brace.
    BraceEnd { size: u32, waits: bool },
    /// Before a literal for which the server has to ask.
    Wait { size: u32 },
    /// In a literal, with a line that goes on after it; or in what follows `BDAT`, without.
    Skip { left: u32, goes_on: bool },
    /// In the headers after `CONNECT`; whether the line is empty so far.
    Head { empty: bool },
    /// In a mail or an article, at the beginning of a line.
    Body,
    /// The same, after a dot there.
    BodyDot,
    /// The same, further on.
    BodyRest,
}

/// The client of a text protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Commands {
    pub(super) line: Line,
    pub(super) ask: Ask,
    pub(super) way: Way,
    /// It greeted as SMTP and LMTP do, or sent a mail: a server's 220 means one thing only.
    pub(super) smtp: bool,
    /// It said something that needs no upgrade.
    pub(super) said: bool,
    /// Before the server had spoken it sent what only some servers take for a request or a literal.
    pub(super) early: bool,
    /// How many lines were not answered yet, at most [`Commands::MAX_PENDING`].
    pub(super) pending: u8,
}

/// Where in a line the server of a text protocol is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reply {
    /// Before its first byte.
    Start,
    /// In a code of three digits.
    Code { digits: u8, code: u16 },
    /// In the prefix before a numeric.
    Prefix,
    /// In a tag.
    Tag { tag: u16 },
    /// After the tag, whether that is the request's.
    Status { mine: bool },
    /// After `+`.
    Plus,
    /// After `*`.
    Untagged,
    /// After a dot that may end a text.
    Dot,
    /// In a word that may be `HTTP/`.
    Name { word: Word },
    /// After that word.
    Version,
    /// In the rest of it.
    Rest,
    /// In the headers after a status; whether the line is empty so far.
    Head { empty: bool },
}

/// What a reply says, once its line is whole.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Says {
    /// Nothing, or nothing yet.
    #[default]
    Nothing,
    /// That the upgrade may begin, if it answers a request for one.
    Accepts,
    /// That a request was refused.
    Refuses,
    /// Something else.
    Other,
    /// That a mail or an article may be sent.
    WantsBody,
    /// That a literal may be sent.
    WantsMore,
    /// That a line was none of the protocol.
    Misread,
}

/// The server of a text protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Replies {
    pub(super) family: Family,
    /// Whether the greeting is over.
    pub(super) greeted: bool,
    /// The code of a reply that has more lines, or 0.
    pub(super) multi: u16,
    pub(super) line: Reply,
    pub(super) says: Says,
}

/// Where in the markup a side of XMPP is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Markup {
    /// In text.
    #[default]
    Text,
    /// After `<`.
    Open,
    /// In an element's name.
    Name,
    /// After the name.
    Attributes,
    /// In a quoted value.
    Quoted,
    /// In a quoted value, with the other quotes.
    DoublyQuoted,
    /// After a slash in the tag.
    Slash,
    /// In a declaration or an instruction.
    Other,
}

/// Either side of XMPP.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Xmpp {
    pub(super) at: Markup,
    /// The element's name, less its prefix.
    pub(super) word: Word,
    /// Whether the tag ends an element.
    pub(super) closes: bool,
    /// How many elements are open, the stream counted.
    pub(super) depth: u8,
    pub(super) asked: bool,
    /// It said something that needs no upgrade.
    pub(super) said: bool,
}

/// Where in a message a side of LDAP is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Message {
    /// Before it. `asked` is the number of the request for an upgrade.
    Start { asked: Option<u16> },
    /// In its length.
    Length { more: u8 },
    /// Before its number.
    IdTag,
    /// In the length of its number.
    IdLength { more: u8 },
    /// In its number.
    Id { left: u8, id: u16 },
    /// Before the operation.
    Operation { id: u16 },
    /// In the operation's length.
    OperationLength { more: u8, id: u16 },
    /// Before the operation's first field.
    Field { id: u16 },
    /// In that field's length.
    FieldLength { more: u8, id: u16 },
    /// In that field.
    Value { at: u8, id: u16 },
    /// In the rest of it.
    Rest { asks: bool, id: u16 },
}

/// Either side of LDAP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ldap {
    pub(super) at: Message,
    /// Bytes of the message still to come; of its length, what was read.
    pub(super) left: u32,
    /// It said something that needs no upgrade.
    pub(super) said: bool,
}

/// The client of PostgreSQL.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Postgres {
    /// How many bytes of the packet's head have come, at most 8.
    pub(super) at: u8,
    /// The packet's length; after the head, how much of it is still to come.
    pub(super) left: u32,
    /// Whether the packet asks for TLS, not for GSSAPI.
    pub(super) tls: bool,
    /// Whether the packet is whole.
    pub(super) asked: bool,
}

/// Either side of MySQL.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Mysql {
    /// How many bytes of the packet have come, at most 6.
    pub(super) at: u8,
    /// The packet's length, 24 bits; after the header, how much of it is still to come.
    pub(super) left: u32,
    /// Whether the packet is whole.
    pub(super) done: bool,
}

/// Either side of RDP.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Rdp {
    /// How many bytes of the packet have come, at most 31.
    pub(super) at: u8,
    /// The packet's length; after the header, how much of it is still to come.
    pub(super) left: u16,
    /// Of the server: whether its packet confirms a negotiation.
    pub(super) confirms: bool,
    /// Of the server: whether it chose a protocol that begins with TLS.
    pub(super) tls: bool,
    /// Whether the packet is whole.
    pub(super) asked: bool,
}

/// Where in its messages a side of SOCKS is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Before the version.
    #[default]
    Version,
    /// SOCKS 4: in the command, port and address; how many bytes came.
    Head4(u8),
    /// SOCKS 4: in the user's name.
    User,
    /// SOCKS 4a: in the host's name.
    Host,
    /// Before the number of methods.
    Methods,
    /// Before the method chosen.
    Method,
    /// Before a message's version: that of a request, or of a password.
    Next,
    /// Before the length of the user's name.
    UserLength,
    /// In the user's name.
    UserName,
    /// Before the length of the password.
    PasswordLength,
    /// Before the answer to a password.
    Status(u8),
    /// In the head of a request, or of its answer; how many bytes came.
    Head5(u8),
    /// Before the length of a host's name.
    HostLength,
    /// In a password, after which the next message follows.
    Password,
    /// In the methods, after which the next message follows.
    MethodList,
    /// In the address and port.
    Address,
    /// The request is whole.
    Asked,
}

/// Either side of SOCKS.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Socks {
    pub(super) step: Step,
    /// Bytes of the field still to come.
    pub(super) left: u16,
    /// SOCKS 4: whether the address says that a name follows. The address so far is zero.
    pub(super) named: bool,
    /// Whether it is SOCKS 4.
    pub(super) four: bool,
}

/// Where in a PROXY header the stream is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Header {
    /// In the first bytes of either version; how many came.
    #[default]
    Start,
    /// Version 1: in `PROXY` and the protocol.
    Protocol,
    /// Version 1: in addresses and ports, with so many fields begun.
    Fields(u8),
    /// Version 1: in what follows `UNKNOWN`.
    Unknown,
    /// Version 1: after CR.
    End,
    /// Version 2: in the signature.
    Signature,
    /// Version 2: before the command.
    Command,
    /// Version 2: before the family.
    Family { local: bool },
    /// Version 2: in the length; the addresses take so much of it at least.
    LengthHigh { least: u8 },
    /// Version 2: in the length.
    LengthLow { least: u8 },
    /// Version 2: in the rest.
    Rest,
}

/// A PROXY header.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Proxy {
    pub(super) at: Header,
    /// How many bytes came, at most 127.
    pub(super) length: u8,
    /// Version 1: the word.
    pub(super) word: Word,
    /// Version 2: bytes still to come; of the length, what was read.
    pub(super) left: u32,
}

/// What a byte of a prelude comes to.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// It stands between the request for an upgrade and its answer.
    pub(super) injects: bool,
    /// It says something that needs no upgrade.
    pub(super) said: bool,
    pub(super) next: Next,
}

/// How a side goes on after a byte.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// As before.
    #[default]
    Stay,
    /// With TLS, from the next byte on.
    Upgrade,
    /// In the clear for good, or in what nobody here can follow.
    Cleartext,
    /// It is no PROXY header.
    Malformed,
}

impl Found {
    pub(super) const STAY: Found = Found {
        injects: false,
        said: false,
        next: Next::Stay,
    };
    pub(super) const UPGRADE: Found = Found {
        next: Next::Upgrade,
        ..Found::STAY
    };
    /// Nothing here leads to TLS.
    pub(super) const CLEARTEXT: Found = Found {
        said: true,
        next: Next::Cleartext,
        ..Found::STAY
    };
    pub(super) const MALFORMED: Found = Found {
        next: Next::Malformed,
        ..Found::STAY
    };
    /// The two sides speak different protocols, or not in turns.
    pub(super) const OUT_OF_TURN: Found = Found {
        injects: true,
        said: true,
        next: Next::Cleartext,
    };

    pub(super) const fn saying(said: bool) -> Found {
        Found {
            said,
            ..Found::STAY
        }
    }

    pub(super) const fn injecting(self, injects: bool) -> Found {
        Found {
            injects: self.injects || injects,
            ..self
        }
    }
}

impl Commands {
    pub(super) const MAX_PENDING: u8 = 0x1f;
}

impl Default for Commands {
    fn default() -> Self {
        Commands {
            line: Line::Start { tag: 0 },
            ask: Ask::None,
            way: Way::Starttls,
            smtp: false,
            said: false,
            early: false,
            pending: 0,
        }
    }
}

impl Default for Ldap {
    fn default() -> Self {
        Ldap {
            at: Message::Start { asked: None },
            left: 0,
            said: false,
        }
    }
}

/// Skips bytes of a field of which `left` are still to come, but not its last one, with which
/// something begins; returns how many.
pub(super) fn skip_field(left: &mut u32, bytes: &[u8]) -> usize {
    let length = bytes.len().min(left.saturating_sub(1) as usize);
    // Less than `left`.
    *left = left.saturating_sub(length as u32);
    length
}

/// Writes fields one after the other, from the low bits up.
struct Writer {
    bits: u64,
    at: u32,
}

impl Writer {
    fn new(tag: u8) -> Self {
        Writer { bits: 0, at: 0 }.put(tag.into(), TAG_BITS)
    }

    fn put(mut self, value: u32, width: u32) -> Self {
        let mask = u64::MAX.wrapping_shr(64_u32.wrapping_sub(width));
        self.bits |= (u64::from(value) & mask).wrapping_shl(self.at);
        self.at = self.at.wrapping_add(width);
        self
    }

    fn flag(self, value: bool) -> Self {
        self.put(value.into(), 1)
    }

    fn word(self, word: Word) -> Self {
        self.put(word.candidate.into(), Word::CANDIDATE_BITS)
            .put(word.length.into(), Word::LENGTH_BITS)
    }

    fn bits(self) -> u64 {
        debug_assert!(self.at <= 64);
        self.bits
    }
}

/// Reads them in the same order.
struct Reader {
    bits: u64,
}

// Casts keep the low bits, and are meant to: no field is wider than its type.
impl Reader {
    fn take(&mut self, width: u32) -> u32 {
        let mask = u64::MAX.wrapping_shr(64_u32.wrapping_sub(width));
        let value = self.bits & mask;
        self.bits = self.bits.checked_shr(width).unwrap_or(0);
        value as u32
    }

    fn u8(&mut self, width: u32) -> u8 {
        self.take(width) as u8
    }

    fn u16(&mut self, width: u32) -> u16 {
        self.take(width) as u16
    }

    fn flag(&mut self) -> bool {
        self.take(1) != 0
    }

    fn word(&mut self) -> Word {
        Word {
            candidate: self.u8(Word::CANDIDATE_BITS),
            length: self.u8(Word::LENGTH_BITS),
        }
    }
}

const TAG_BITS: u32 = 4;
const CODE_BITS: u32 = 10;

impl Prelude {
    /// The value that these bits stand for; every value of them stands for one.
    pub(super) fn unpack(bits: u64) -> Self {
        let mut reader = Reader { bits };
        let reader = &mut reader;
        match reader.u8(TAG_BITS) {
            1 => Prelude::First(reader.u8(8)),
            2 => Prelude::Commands(Commands::unpack(reader)),
            3 => Prelude::Replies(Replies::unpack(reader)),
            4 => Prelude::Xmpp(Xmpp::unpack(reader)),
            5 => Prelude::Ldap(Ldap::unpack(reader)),
            6 => Prelude::Postgres(Postgres {
                at: reader.u8(4),
                left: reader.take(32),
                tls: reader.flag(),
                asked: reader.flag(),
            }),
            7 => Prelude::Mysql(Mysql {
                at: reader.u8(3),
                left: reader.take(24),
                done: reader.flag(),
            }),
            8 => Prelude::Rdp(Rdp {
                at: reader.u8(5),
                left: reader.u16(16),
                confirms: reader.flag(),
                tls: reader.flag(),
                asked: reader.flag(),
            }),
            9 => Prelude::Socks(Socks::unpack(reader)),
            10 => Prelude::Proxy(Proxy::unpack(reader)),
            11 => Prelude::Aside,
            _ => Prelude::Start,
        }
    }

    pub(super) fn pack(self) -> u64 {
        let bits = self.write().bits();
        debug_assert_eq!(Prelude::unpack(bits), self);
        bits
    }

    fn write(self) -> Writer {
        match self {
            Prelude::Start => Writer::new(0),
            Prelude::First(byte) => Writer::new(1).put(byte.into(), 8),
            Prelude::Commands(commands) => commands.pack(Writer::new(2)),
            Prelude::Replies(replies) => replies.pack(Writer::new(3)),
            Prelude::Xmpp(xmpp) => xmpp.pack(Writer::new(4)),
            Prelude::Ldap(ldap) => ldap.pack(Writer::new(5)),
            Prelude::Postgres(it) => Writer::new(6)
                .put(it.at.into(), 4)
                .put(it.left, 32)
                .flag(it.tls)
                .flag(it.asked),
            Prelude::Mysql(it) => Writer::new(7)
                .put(it.at.into(), 3)
                .put(it.left, 24)
                .flag(it.done),
            Prelude::Rdp(it) => Writer::new(8)
                .put(it.at.into(), 5)
                .put(it.left.into(), 16)
                .flag(it.confirms)
                .flag(it.tls)
                .flag(it.asked),
            Prelude::Socks(socks) => socks.pack(Writer::new(9)),
            Prelude::Proxy(proxy) => proxy.pack(Writer::new(10)),
            Prelude::Aside => Writer::new(11),
        }
    }

    /// Whether that side said something that needs no upgrade.
    pub(super) fn has_said(&self) -> bool {
        match self {
            Prelude::Commands(it) => it.said,
            Prelude::Xmpp(it) => it.said,
            Prelude::Ldap(it) => it.said,
            Prelude::Aside => true,
            _ => false,
        }
    }

    /// Whether that is a server whose protocol is known.
    pub(super) fn is_known(&self) -> bool {
        !matches!(self, Prelude::Start | Prelude::First(_))
    }
}

impl Family {
    fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Family::Unknown,
            1 => Family::Codes,
            2 => Family::News,
            3 => Family::Pop3,
            4 => Family::Imap,
            5 => Family::Sieve,
            6 => Family::Other,
            _ => Family::Http,
        }
    }
}

impl Ask {
    fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Ask::None,
            1 => Ask::Open,
            2 => Ask::Answered,
            _ => Ask::Passed,
        }
    }
}

impl Way {
    fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Way::Starttls,
            1 => Way::Auth,
            2 => Way::Tagged,
            _ => Way::Connect,
        }
    }
}

impl Says {
    fn from_bits(bits: u8) -> Self {
        match bits {
            1 => Says::Accepts,
            2 => Says::Refuses,
            3 => Says::Other,
            4 => Says::WantsBody,
            5 => Says::WantsMore,
            6 => Says::Misread,
            _ => Says::Nothing,
        }
    }
}

impl Line {
    fn unpack(from: &mut Reader) -> Self {
        match from.u8(5) {
            1 => Line::First {
                word: from.word(),
                tag: from.u16(16),
            },
            2 => Line::Gap {
                allowed: from.flag(),
                tag: from.u16(16),
            },
            3 => Line::Second {
                word: from.word(),
                allowed: from.flag(),
                tag: from.u16(16),
            },
            4 => Line::AuthGap,
            5 => Line::Auth { word: from.word() },
            6 => Line::Size {
                size: from.take(32),
            },
            7 => Line::SizeEnd {
                size: from.take(32),
            },
            8 => Line::Rest,
            9 => Line::Asking { tag: from.u16(16) },
            10 => Line::Brace {
                size: from.take(32),
            },
            11 => Line::BracePlus {
                size: from.take(32),
            },
            12 => Line::BraceEnd {
                size: from.take(32),
                waits: from.flag(),
            },
            13 => Line::Wait {
                size: from.take(32),
            },
            14 => Line::Skip {
                left: from.take(32),
                goes_on: from.flag(),
            },
            15 => Line::Head { empty: from.flag() },
            16 => Line::Body,
            17 => Line::BodyDot,
            18 => Line::BodyRest,
            _ => Line::Start { tag: from.u16(16) },
        }
    }

    fn pack(self, to: Writer) -> Writer {
        match self {
            Line::Start { tag } => to.put(0, 5).put(tag.into(), 16),
            Line::First { word, tag } => to.put(1, 5).word(word).put(tag.into(), 16),
            Line::Gap { allowed, tag } => to.put(2, 5).flag(allowed).put(tag.into(), 16),
            Line::Second { word, allowed, tag } => {
                to.put(3, 5).word(word).flag(allowed).put(tag.into(), 16)
            }
            Line::AuthGap => to.put(4, 5),
            Line::Auth { word } => to.put(5, 5).word(word),
            Line::Size { size } => to.put(6, 5).put(size, 32),
            Line::SizeEnd { size } => to.put(7, 5).put(size, 32),
            Line::Rest => to.put(8, 5),
            Line::Asking { tag } => to.put(9, 5).put(tag.into(), 16),
            Line::Brace { size } => to.put(10, 5).put(size, 32),
            Line::BracePlus { size } => to.put(11, 5).put(size, 32),
            Line::BraceEnd { size, waits } => to.put(12, 5).put(size, 32).flag(waits),
            Line::Wait { size } => to.put(13, 5).put(size, 32),
            Line::Skip { left, goes_on } => to.put(14, 5).put(left, 32).flag(goes_on),
            Line::Head { empty } => to.put(15, 5).flag(empty),
            Line::Body => to.put(16, 5),
            Line::BodyDot => to.put(17, 5),
            Line::BodyRest => to.put(18, 5),
        }
    }
}

impl Commands {
    fn unpack(from: &mut Reader) -> Self {
        Commands {
            ask: Ask::from_bits(from.u8(2)),
            way: Way::from_bits(from.u8(2)),
            smtp: from.flag(),
            said: from.flag(),
            early: from.flag(),
            pending: from.u8(5),
            line: Line::unpack(from),
        }
    }

    fn pack(self, to: Writer) -> Writer {
        let common = to
            .put(self.ask as u32, 2)
            .put(self.way as u32, 2)
            .flag(self.smtp)
            .flag(self.said)
            .flag(self.early)
            .put(self.pending.into(), 5);
        self.line.pack(common)
    }
}

impl Reply {
    fn unpack(from: &mut Reader) -> Self {
        match from.u8(4) {
            1 => Reply::Code {
                digits: from.u8(2),
                code: from.u16(CODE_BITS),
            },
            2 => Reply::Prefix,
            3 => Reply::Tag { tag: from.u16(16) },
            4 => Reply::Status { mine: from.flag() },
            5 => Reply::Plus,
            6 => Reply::Name { word: from.word() },
            7 => Reply::Version,
            8 => Reply::Rest,
            9 => Reply::Head { empty: from.flag() },
            10 => Reply::Untagged,
            11 => Reply::Dot,
            _ => Reply::Start,
        }
    }

    fn pack(self, to: Writer) -> Writer {
        match self {
            Reply::Start => to.put(0, 4),
            Reply::Code { digits, code } => to
                .put(1, 4)
                .put(digits.into(), 2)
                .put(code.into(), CODE_BITS),
            Reply::Prefix => to.put(2, 4),
            Reply::Tag { tag } => to.put(3, 4).put(tag.into(), 16),
            Reply::Status { mine } => to.put(4, 4).flag(mine),
            Reply::Plus => to.put(5, 4),
            Reply::Name { word } => to.put(6, 4).word(word),
            Reply::Version => to.put(7, 4),
            Reply::Rest => to.put(8, 4),
            Reply::Head { empty } => to.put(9, 4).flag(empty),
            Reply::Untagged => to.put(10, 4),
            Reply::Dot => to.put(11, 4),
        }
    }
}

impl Replies {
    fn unpack(from: &mut Reader) -> Self {
        Replies {
            family: Family::from_bits(from.u8(3)),
            greeted: from.flag(),
            multi: from.u16(CODE_BITS),
            says: Says::from_bits(from.u8(3)),
            line: Reply::unpack(from),
        }
    }

    fn pack(self, to: Writer) -> Writer {
        let common = to
            .put(self.family as u32, 3)
            .flag(self.greeted)
            .put(self.multi.into(), CODE_BITS)
            .put(self.says as u32, 3);
        self.line.pack(common)
    }
}

impl Markup {
    fn from_bits(bits: u8) -> Self {
        match bits {
            0 => Markup::Text,
            1 => Markup::Open,
            2 => Markup::Name,
            3 => Markup::Attributes,
            4 => Markup::Quoted,
            5 => Markup::DoublyQuoted,
            6 => Markup::Slash,
            _ => Markup::Other,
        }
    }
}

impl Xmpp {
    fn unpack(from: &mut Reader) -> Self {
        Xmpp {
            at: Markup::from_bits(from.u8(3)),
            word: from.word(),
            closes: from.flag(),
            depth: from.u8(8),
            asked: from.flag(),
            said: from.flag(),
        }
    }

    fn pack(self, to: Writer) -> Writer {
        to.put(self.at as u32, 3)
            .word(self.word)
            .flag(self.closes)
            .put(self.depth.into(), 8)
            .flag(self.asked)
            .flag(self.said)
    }
}

impl Message {
    fn unpack(from: &mut Reader) -> Self {
        match from.u8(4) {
            1 => Message::Length { more: from.u8(4) },
            2 => Message::IdTag,
            3 => Message::IdLength { more: from.u8(4) },
            4 => Message::Id {
                left: from.u8(4),
                id: from.u16(16),
            },
            5 => Message::Operation { id: from.u16(16) },
            6 => Message::OperationLength {
                more: from.u8(4),
                id: from.u16(16),
            },
            7 => Message::Field { id: from.u16(16) },
            8 => Message::FieldLength {
                more: from.u8(4),
                id: from.u16(16),
            },
            9 => Message::Value {
                at: from.u8(5),
                id: from.u16(16),
            },
            10 => Message::Rest {
                asks: from.flag(),
                id: from.u16(16),
            },
            _ => {
                let asked = from.flag();
                let id = from.u16(16);
                Message::Start {
                    asked: asked.then_some(id),
                }
            }
        }
    }

    fn pack(self, to: Writer) -> Writer {
        match self {
            Message::Start { asked } => to
                .put(0, 4)
                .flag(asked.is_some())
                .put(asked.unwrap_or(0).into(), 16),
            Message::Length { more } => to.put(1, 4).put(more.into(), 4),
            Message::IdTag => to.put(2, 4),
            Message::IdLength { more } => to.put(3, 4).put(more.into(), 4),
            Message::Id { left, id } => to.put(4, 4).put(left.into(), 4).put(id.into(), 16),
            Message::Operation { id } => to.put(5, 4).put(id.into(), 16),
            Message::OperationLength { more, id } => {
                to.put(6, 4).put(more.into(), 4).put(id.into(), 16)
            }
            Message::Field { id } => to.put(7, 4).put(id.into(), 16),
            Message::FieldLength { more, id } => {
                to.put(8, 4).put(more.into(), 4).put(id.into(), 16)
            }
            Message::Value { at, id } => to.put(9, 4).put(at.into(), 5).put(id.into(), 16),
            Message::Rest { asks, id } => to.put(10, 4).flag(asks).put(id.into(), 16),
        }
    }
}

impl Ldap {
    fn unpack(from: &mut Reader) -> Self {
        Ldap {
            left: from.take(32),
            said: from.flag(),
            at: Message::unpack(from),
        }
    }

    fn pack(self, to: Writer) -> Writer {
        self.at.pack(to.put(self.left, 32).flag(self.said))
    }
}

impl Socks {
    fn unpack(from: &mut Reader) -> Self {
        let (step, came) = (from.u8(5), from.u8(4));
        Socks {
            left: from.u16(16),
            named: from.flag(),
            four: from.flag(),
            step: match step {
                1 => Step::Head4(came),
                2 => Step::User,
                3 => Step::Host,
                4 => Step::Methods,
                5 => Step::Method,
                6 => Step::Next,
                7 => Step::UserLength,
                8 => Step::UserName,
                9 => Step::PasswordLength,
                10 => Step::Status(came),
                11 => Step::Head5(came),
                12 => Step::HostLength,
                13 => Step::Password,
                14 => Step::MethodList,
                15 => Step::Address,
                16 => Step::Asked,
                _ => Step::Version,
            },
        }
    }

    fn pack(self, to: Writer) -> Writer {
        let (step, came) = match self.step {
            Step::Version => (0, 0),
            Step::Head4(came) => (1, came),
            Step::User => (2, 0),
            Step::Host => (3, 0),
            Step::Methods => (4, 0),
            Step::Method => (5, 0),
            Step::Next => (6, 0),
            Step::UserLength => (7, 0),
            Step::UserName => (8, 0),
            Step::PasswordLength => (9, 0),
            Step::Status(came) => (10, came),
            Step::Head5(came) => (11, came),
            Step::HostLength => (12, 0),
            Step::Password => (13, 0),
            Step::MethodList => (14, 0),
            Step::Address => (15, 0),
            Step::Asked => (16, 0),
        };
        to.put(step, 5)
            .put(came.into(), 4)
            .put(self.left.into(), 16)
            .flag(self.named)
            .flag(self.four)
    }
}

impl Proxy {
    fn unpack(from: &mut Reader) -> Self {
        let (at, detail) = (from.u8(4), from.u8(8));
        Proxy {
            length: from.u8(7),
            word: from.word(),
            left: from.take(16),
            at: match at {
                1 => Header::Protocol,
                2 => Header::Fields(detail),
                3 => Header::Unknown,
                4 => Header::End,
                5 => Header::Signature,
                6 => Header::Command,
                7 => Header::Family { local: detail != 0 },
                8 => Header::LengthHigh { least: detail },
                9 => Header::LengthLow { least: detail },
                10 => Header::Rest,
                _ => Header::Start,
            },
        }
    }

    fn pack(self, to: Writer) -> Writer {
        let (at, detail) = match self.at {
            Header::Start => (0, 0),
            Header::Protocol => (1, 0),
            Header::Fields(fields) => (2, fields),
            Header::Unknown => (3, 0),
            Header::End => (4, 0),
            Header::Signature => (5, 0),
            Header::Command => (6, 0),
            Header::Family { local } => (7, local.into()),
            Header::LengthHigh { least } => (8, least),
            Header::LengthLow { least } => (9, least),
            Header::Rest => (10, 0),
        };
        to.put(at, 4)
            .put(detail.into(), 8)
            .put(self.length.into(), 7)
            .word(self.word)
            .put(self.left, 16)
    }
}
