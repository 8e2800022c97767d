// SPDX-License-Identifier: GPL-2.0

//! The rules, by the stable names that the log, the counters and the tests use.

/// A rule that was broken. Where several are broken by the same byte, the first of this order
/// counts.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// A content type outside 20..24 (RFC 8446 5.1, RFC 6520). Against tunnels, and everything else
    /// that is not TLS.
    RecordType = 1,
    /// A major version other than 3 (RFC 8446 5.1). Against the same, after a byte that looks like
    /// a type.
    RecordVersion,
    /// A record over 2^14 bytes in the clear, over 2^14 + 2048 protected, or empty without being
    /// application data (RFC 5246 6.2, RFC 8446 5.1). Against overruns, and floods of empty
    /// records.
    RecordLength,
    /// A cleartext heartbeat whose payload and padding do not fit its record (RFC 6520 4). Against
    /// heartbleed, CVE-2014-0160.
    Heartbleed,
    /// A heartbeat of a wrong type, or too short to be one (RFC 6520 4). Against heartbleed
    /// probes that leave the payload out, protected ones too.
    HeartbeatMalformed,
    /// A heartbeat although the hellos did not both carry its extension (RFC 6520 2). Against
    /// probes of servers that answer without the extension.
    HeartbeatNotNegotiated,
    /// A heartbeat before the handshake was over (RFC 6520 3). Against heartbleed as most tools
    /// send it.
    HeartbeatInHandshake,
    /// A second request before the first was answered (RFC 6520 4). Against leaking in many small
    /// answers.
    HeartbeatInFlight,
    /// A response that is not the request's copy, or to which there was no request (RFC 6520 4).
    /// Against a heartbleed answer whose request was not recognised: inside a session only the
    /// answer's length shows it.
    HeartbeatMismatch,
    /// Any heartbeat, while the operator refuses them all.
    HeartbeatRefused,
    /// A ChangeCipherSpec where it has no place (RFC 5246 7.1, RFC 8446 5). Against keys that are
    /// derived before there is a secret, CVE-2014-0224.
    CcsOutOfOrder,
    /// Too many bytes below 128 in a row in what should be ciphertext. Against cleartext leaks: by
    /// NULL ciphers, or by an endpoint that is tricked into sending its memory.
    SuspiciousSequence,
    /// An SSL2 message from the side that may not send it (SSL 2 draft 2.2, 2.5). Against confusing
    /// servers that still have SSL2's state machine.
    Ssl2Direction,
    /// An SSL2 record that is empty, or whose lengths contradict each other (SSL 2 draft 1.1).
    /// Against overruns in the endpoints.
    Ssl2Malformed,
    /// An SSL2 record in a direction that speaks TLS (RFC 5246 E.2). Against desynchronising the
    /// parser.
    Ssl2AfterTls,
    /// A cleartext handshake message from the side that may not send it, or not now (RFC 5246 7.4,
    /// RFC 8446 4). Against skipping the key exchange, as by a cleartext Finished (SKIP-TLS,
    /// CVE-2014-6593).
    HandshakeDirection,
    /// A cleartext handshake message whose lengths contradict each other, or that another record
    /// interrupts where none may (RFC 8446 5.1). Against overruns in the endpoints.
    HandshakeMalformed,
    /// A record version other than the one negotiated, up to TLS 1.2 (RFC 5246 6.2.1). Against
    /// mixing the records of two sessions.
    VersionMismatch,
    /// A server random that warns of a downgrade from what the client offered (RFC 8446 4.1.3).
    /// Against something between module and server that rewrites the ClientHello.
    VersionDowngrade,
    /// A negotiated version below the operator's minimum (RFC 8996, RFC 9325). Against DROWN
    /// (CVE-2016-0800), POODLE (CVE-2014-3566), BEAST (CVE-2011-3389).
    VersionRefused,
    /// TCP's urgent flag, with payload or without (RFC 6093). Against making the endpoint read
    /// other bytes than the module: TLS does not know it.
    UrgentData,
    /// Bytes of the client between its request for an upgrade and the answer (RFC 3207 4.2), or
    /// before a protocol lets it speak. Against commands that the server takes for protected ones
    /// later, CVE-2011-0411, CVE-2021-23214.
    StarttlsInjection,
    /// A client that does not upgrade, where the operator requires that. Against stripping, and
    /// passwords in the clear.
    StarttlsRequired,
    /// A stream that does not begin with a PROXY header, or one whose parts contradict each other
    /// (The PROXY protocol 2). Against addresses that somebody else made up.
    ProxyHeader,
}

impl Reason {
    /// All reasons, in their order.
    pub const ALL: [Reason; 24] = [
        Reason::RecordType,
        Reason::RecordVersion,
        Reason::RecordLength,
        Reason::Heartbleed,
        Reason::HeartbeatMalformed,
        Reason::HeartbeatNotNegotiated,
        Reason::HeartbeatInHandshake,
        Reason::HeartbeatInFlight,
        Reason::HeartbeatMismatch,
        Reason::HeartbeatRefused,
        Reason::CcsOutOfOrder,
        Reason::SuspiciousSequence,
        Reason::Ssl2Direction,
        Reason::Ssl2Malformed,
        Reason::Ssl2AfterTls,
        Reason::HandshakeDirection,
        Reason::HandshakeMalformed,
        Reason::VersionMismatch,
        Reason::VersionDowngrade,
        Reason::VersionRefused,
        Reason::UrgentData,
        Reason::StarttlsInjection,
        Reason::StarttlsRequired,
        Reason::ProxyHeader,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::RecordType => "record_type",
            Reason::RecordVersion => "record_version",
            Reason::RecordLength => "record_length",
            Reason::Heartbleed => "heartbleed",
            Reason::HeartbeatMalformed => "heartbeat_malformed",
            Reason::HeartbeatNotNegotiated => "heartbeat_not_negotiated",
            Reason::HeartbeatInHandshake => "heartbeat_in_handshake",
            Reason::HeartbeatInFlight => "heartbeat_in_flight",
            Reason::HeartbeatMismatch => "heartbeat_mismatch",
            Reason::HeartbeatRefused => "heartbeat_refused",
            Reason::CcsOutOfOrder => "ccs_out_of_order",
            Reason::SuspiciousSequence => "suspicious_sequence",
            Reason::Ssl2Direction => "ssl2_direction",
            Reason::Ssl2Malformed => "ssl2_malformed",
            Reason::Ssl2AfterTls => "ssl2_after_tls",
            Reason::HandshakeDirection => "handshake_direction",
            Reason::HandshakeMalformed => "handshake_malformed",
            Reason::VersionMismatch => "version_mismatch",
            Reason::VersionDowngrade => "version_downgrade",
            Reason::VersionRefused => "version_refused",
            Reason::UrgentData => "urgent_data",
            Reason::StarttlsInjection => "starttls_injection",
            Reason::StarttlsRequired => "starttls_required",
            Reason::ProxyHeader => "proxy_header",
        }
    }

    /// The reason with that number; `None` for 0 and for numbers that no reason has.
    pub fn from_code(code: u8) -> Option<Reason> {
        let index = usize::from(code).checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    /// The reason's bit in a set.
    const fn bit(self) -> u32 {
        // Discriminants are 1 to 31.
        1 << (self as u32 & 31)
    }
}

/// A set of reasons.
#[repr(transparent)]
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Reasons(u32);

impl Reasons {
    /// No reason.
    pub const NONE: Reasons = Reasons(0);
    /// Every reason.
    pub const ALL: Reasons = Reasons::all();

    const fn all() -> Reasons {
        let mut bits = 0;
        let mut rest: &[Reason] = &Reason::ALL;
        while let Some((reason, others)) = rest.split_first() {
            bits |= reason.bit();
            rest = others;
        }
        Reasons(bits)
    }

    /// The set with those bits: bit `n` stands for the reason numbered `n`. Other bits are ignored.
    pub const fn from_bits(bits: u32) -> Reasons {
        Reasons(bits & Reasons::ALL.0)
    }

    /// The set's bits; see [`Reasons::from_bits`].
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether the set holds the reason.
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & reason.bit() != 0
    }

    /// Adds a reason.
    pub fn insert(&mut self, reason: Reason) {
        self.0 |= reason.bit();
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The reasons of the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL
            .into_iter()
            .filter(move |&reason| self.contains(reason))
    }
}
