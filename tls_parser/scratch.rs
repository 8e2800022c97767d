// SPDX-License-Identifier: GPL-2.0

//! What is kept only for a while, and never two such things at once.
//!
//! A direction stores one [`Scratch`] in 32 bits, with a tag of three bits elsewhere that says
//! which one it is. Some own 16 bits more ([`tag::OWNS_COUNT`]). Every value of these bits
//! decodes to some [`Scratch`], and all zero is [`Scratch::Idle`].

/// What a direction keeps for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scratch {
    /// Nothing.
    Idle,
    /// A handshake message in the clear that is no hello ([`handshake`](super::handshake)).
    Message(Message),
    /// A hello in the clear ([`hello`](super::hello)).
    Hello(Hello),
    /// The head of an SSL2 message ([`ssl2`](super::ssl2)).
    Ssl2(Ssl2Message),
    /// What is known of this direction's heartbeats ([`heartbeat`](super::heartbeat)).
    Credit(Credit),
    /// Where the search for headers after a gap has come to ([`ahead`](super::ahead)).
    Search(Search),
    /// Headers found after a gap ([`ahead`](super::ahead)).
    Chain(Chain),
    /// What follows a second gap in the *other* direction ([`ahead`](super::ahead)).
    PeerAhead(Ahead),
}

/// A handshake message: what is left of it, and the step in it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Message {
    /// One of the steps in [`handshake`](super::handshake).
    pub(super) step: u8,
    /// Bytes still to come, 24 bits; while the length is read, what was read of it.
    pub(super) left: u32,
}

/// A ClientHello or ServerHello.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Hello {
    /// One of the steps in [`hello`](super::hello).
    pub(super) step: u8,
    /// What the server's random has looked like so far.
    pub(super) random: ServerRandom,
    /// Bytes of the message still to come, 24 bits.
    pub(super) left: u32,
    /// Bytes of the current field still to come; while its length is read, what was read of it.
    pub(super) field_left: u16,
}

/// The randoms that mean something (RFC 8446 4.1.3).
#[repr(u8)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) enum ServerRandom {
    /// Any other.
    #[default]
    Other = 0,
    /// That of a HelloRetryRequest.
    Retry = 1,
    /// It ends in the sentinel against a downgrade to TLS 1.2.
    DowngradeTls12 = 2,
    /// It ends in the sentinel against a downgrade to TLS 1.1 or below.
    DowngradeTls11 = 3,
}

/// The head of an SSL2 message.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Ssl2Message {
    /// The message's type.
    pub(super) kind: u8,
    /// The next byte's place in the head.
    pub(super) at: u8,
    /// The first byte of the version.
    pub(super) major: u8,
    /// Whether the session is opaque from this record's end on.
    pub(super) then_opaque: bool,
    /// Bytes of the record that no length in the head has accounted for.
    pub(super) unclaimed: u16,
}

/// What is known of a direction's heartbeat requests, and of the heartbeat being read.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Credit {
    /// How many bytes answers to this direction's request may still use up: in the clear the
    /// request's `payload_length` plus one, protected the length of its record. 15 bits.
    pub(super) owed: u16,
    /// Whether an answer was seen that may go on in another record.
    pub(super) open: bool,
    /// How often an answer was shorter than its request, 5 bits.
    pub(super) short_answers: u8,
    /// Whether the request may rather have been an answer.
    pub(super) doubtful: bool,
    /// The type of the heartbeat being read, 2 bits.
    pub(super) kind: u8,
    /// The first byte of the `payload_length` being read.
    pub(super) high: u8,
}

/// How far a direction was searched for headers after a gap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Search {
    /// The low 31 bits of the sequence number after the last byte searched.
    pub(super) end: u32,
    /// Whether a header other than that of application data was found, so that nothing more passes
    /// before the stream has come to `end`.
    pub(super) closed: bool,
}

/// Headers that follow one another, each where the record of the one before it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Chain {
    /// The low 16 bits of the first header's sequence number.
    pub(super) first: u16,
    /// The bytes from there to the end of what passed.
    pub(super) length: u16,
    /// How far from that end the next header has to lie.
    pub(super) next: Next,
    /// Whether nothing more passes before a gap is filled.
    pub(super) closed: bool,
}

/// The distance from the end of what passed to the next header. Up to [`Next::MAX_BEGUN`] bytes of
/// that header may lie before that end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Next(u16);

impl Next {
    /// How many bytes of the next header may have passed: its type and version, which are known.
    pub(super) const MAX_BEGUN: u32 = 3;

    const MASK: u16 = 0x7fff;
    /// What is stored if no header was found.
    const SEARCHED: u16 = 0x7ffe;
    /// What is stored if nothing more passes.
    const CLOSED: u16 = 0x7fff;

    /// The distance from `end` to `header`, two sequence numbers, if it is not too long.
    pub(super) fn between(end: u32, header: u32) -> Option<Self> {
        let distance = header.wrapping_sub(end).wrapping_add(Self::MAX_BEGUN);
        u16::try_from(distance)
            .ok()
            .filter(|&distance| distance < Self::SEARCHED)
            .map(Next)
    }

    /// The next header's sequence number, if what passed ends at `end`.
    pub(super) fn header(self, end: u32) -> u32 {
        end.wrapping_add(u32::from(self.0))
            .wrapping_sub(Self::MAX_BEGUN)
    }
}

/// What follows the second gap in a direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ahead {
    /// As a closed [`Search`], with a whole sequence number.
    Closed(u32),
    /// No header was found in what was searched. This is the sequence number after it.
    Searched(u32),
    /// Headers were found.
    Chain(Chain),
}

/// The tags. Those of what a gap leaves are the highest.
pub(super) mod tag {
    pub(in super::super) const IDLE: u8 = 0;
    pub(in super::super) const MESSAGE: u8 = 1;
    pub(in super::super) const HELLO: u8 = 2;
    pub(in super::super) const SSL2: u8 = 3;
    pub(in super::super) const CREDIT: u8 = 4;
    pub(in super::super) const SEARCH: u8 = 5;
    pub(in super::super) const CHAIN: u8 = 6;
    pub(in super::super) const PEER_AHEAD: u8 = 7;
    /// The bit that is set in the tags of what owns 16 bits more.
    pub(in super::super) const OWNS_COUNT: u8 = HELLO & SSL2 & CHAIN & PEER_AHEAD;
    const _: () = assert!(OWNS_COUNT != 0 && (MESSAGE | CREDIT | SEARCH) & OWNS_COUNT == 0);
}

/// A [`Scratch`] as it is stored.
pub(super) struct Packed {
    pub(super) tag: u8,
    pub(super) bits: u32,
    /// What some own besides.
    pub(super) count: u16,
}

const STEP_SHIFT: u32 = 26;
const RANDOM_SHIFT: u32 = 24;
const LEFT: u32 = 0x00ff_ffff;

// Casts in the decoders below keep the low bits of a shifted word, and are meant to.
impl Message {
    const fn unpack(bits: u32) -> Self {
        Message {
            step: (bits >> STEP_SHIFT) as u8,
            left: bits & LEFT,
        }
    }

    const fn pack(self) -> u32 {
        ((self.step as u32) << STEP_SHIFT) | (self.left & LEFT)
    }
}

impl Hello {
    const fn unpack(bits: u32, count: u16) -> Self {
        Hello {
            step: (bits >> STEP_SHIFT) as u8,
            random: match (bits >> RANDOM_SHIFT) & 3 {
                0 => ServerRandom::Other,
                1 => ServerRandom::Retry,
                2 => ServerRandom::DowngradeTls12,
                _ => ServerRandom::DowngradeTls11,
            },
            left: bits & LEFT,
            field_left: count,
        }
    }

    const fn pack(self) -> u32 {
        ((self.step as u32) << STEP_SHIFT)
            | ((self.random as u32) << RANDOM_SHIFT)
            | (self.left & LEFT)
    }
}

impl Ssl2Message {
    const AT_SHIFT: u32 = 8;
    const MAJOR_SHIFT: u32 = 16;
    const THEN_OPAQUE_SHIFT: u32 = 24;

    const fn unpack(bits: u32, count: u16) -> Self {
        Ssl2Message {
            kind: bits as u8,
            at: (bits >> Self::AT_SHIFT) as u8,
            major: (bits >> Self::MAJOR_SHIFT) as u8,
            then_opaque: bits >> Self::THEN_OPAQUE_SHIFT != 0,
            unclaimed: count,
        }
    }

    const fn pack(self) -> u32 {
        self.kind as u32
            | ((self.at as u32) << Self::AT_SHIFT)
            | ((self.major as u32) << Self::MAJOR_SHIFT)
            | ((self.then_opaque as u32) << Self::THEN_OPAQUE_SHIFT)
    }
}

impl Credit {
    const OWED: u32 = Self::MAX_OWED as u32;
    const OPEN_SHIFT: u32 = 15;
    const SHORT_SHIFT: u32 = 16;
    const DOUBTFUL_SHIFT: u32 = 21;
    const KIND_SHIFT: u32 = 22;
    const HIGH_SHIFT: u32 = 24;
    /// The most that [`Credit::owed`] holds.
    pub(super) const MAX_OWED: u16 = 0x7fff;
    /// The most that [`Credit::short_answers`] counts to.
    pub(super) const MAX_SHORT: u8 = 0x1f;

    const fn unpack(bits: u32) -> Self {
        Credit {
            owed: (bits & Self::OWED) as u16,
            open: (bits >> Self::OPEN_SHIFT) & 1 != 0,
            short_answers: (bits >> Self::SHORT_SHIFT) as u8 & Self::MAX_SHORT,
            doubtful: (bits >> Self::DOUBTFUL_SHIFT) & 1 != 0,
            kind: (bits >> Self::KIND_SHIFT) as u8 & 3,
            high: (bits >> Self::HIGH_SHIFT) as u8,
        }
    }

    const fn pack(self) -> u32 {
        (self.owed as u32 & Self::OWED)
            | ((self.open as u32) << Self::OPEN_SHIFT)
            | (((self.short_answers & Self::MAX_SHORT) as u32) << Self::SHORT_SHIFT)
            | ((self.doubtful as u32) << Self::DOUBTFUL_SHIFT)
            | (((self.kind & 3) as u32) << Self::KIND_SHIFT)
            | ((self.high as u32) << Self::HIGH_SHIFT)
    }
}

impl Search {
    /// What is kept of a sequence number.
    pub(super) const END: u32 = 0x7fff_ffff;

    const fn unpack(bits: u32) -> Self {
        Search {
            end: bits & Self::END,
            closed: bits & !Self::END != 0,
        }
    }

    const fn pack(self) -> u32 {
        (self.end & Self::END) | if self.closed { !Self::END } else { 0 }
    }
}

impl Chain {
    const FIRST_SHIFT: u32 = 16;
    const CLOSED: u16 = !Next::MASK;

    const fn unpack(bits: u32, count: u16) -> Self {
        Chain {
            first: (bits >> Self::FIRST_SHIFT) as u16,
            length: bits as u16,
            next: Next(count & Next::MASK),
            closed: count & Self::CLOSED != 0,
        }
    }

    const fn pack(self) -> (u32, u16) {
        (
            ((self.first as u32) << Self::FIRST_SHIFT) | self.length as u32,
            (self.next.0 & Next::MASK) | if self.closed { Self::CLOSED } else { 0 },
        )
    }
}

impl Ahead {
    const fn unpack(bits: u32, count: u16) -> Self {
        match count & Next::MASK {
            Next::CLOSED => Ahead::Closed(bits),
            Next::SEARCHED => Ahead::Searched(bits),
            _ => Ahead::Chain(Chain::unpack(bits, count)),
        }
    }

    const fn pack(self) -> (u32, u16) {
        match self {
            Ahead::Closed(end) => (end, Next::CLOSED),
            Ahead::Searched(end) => (end, Next::SEARCHED),
            Ahead::Chain(chain) => chain.pack(),
        }
    }
}

impl Scratch {
    pub(super) const fn unpack(packed: Packed) -> Scratch {
        let Packed { tag, bits, count } = packed;
        match tag {
            tag::IDLE => Scratch::Idle,
            tag::MESSAGE => Scratch::Message(Message::unpack(bits)),
            tag::HELLO => Scratch::Hello(Hello::unpack(bits, count)),
            tag::SSL2 => Scratch::Ssl2(Ssl2Message::unpack(bits, count)),
            tag::CREDIT => Scratch::Credit(Credit::unpack(bits)),
            tag::SEARCH => Scratch::Search(Search::unpack(bits)),
            tag::CHAIN => Scratch::Chain(Chain::unpack(bits, count)),
            _ => Scratch::PeerAhead(Ahead::unpack(bits, count)),
        }
    }

    pub(super) const fn pack(self) -> Packed {
        let (tag, bits, count) = match self {
            Scratch::Idle => (tag::IDLE, 0, 0),
            Scratch::Message(message) => (tag::MESSAGE, message.pack(), 0),
            Scratch::Hello(hello) => (tag::HELLO, hello.pack(), hello.field_left),
            Scratch::Ssl2(message) => (tag::SSL2, message.pack(), message.unclaimed),
            Scratch::Credit(credit) => (tag::CREDIT, credit.pack(), 0),
            Scratch::Search(search) => (tag::SEARCH, search.pack(), 0),
            Scratch::Chain(chain) => {
                let (bits, count) = chain.pack();
                (tag::CHAIN, bits, count)
            }
            Scratch::PeerAhead(ahead) => {
                let (bits, count) = ahead.pack();
                (tag::PEER_AHEAD, bits, count)
            }
        };
        Packed { tag, bits, count }
    }
}
