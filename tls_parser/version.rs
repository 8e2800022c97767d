// SPDX-License-Identifier: GPL-2.0

//! Protocol versions, as hellos and records name them.

/// A protocol version, as far as the rules tell versions apart.
#[repr(u16)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Version {
    /// Not known (yet).
    Unknown = 0,
    /// SSL 2.0.
    Ssl2 = 1,
    /// SSL 3.0 (RFC 6101).
    Ssl3 = 2,
    /// TLS 1.0 (RFC 2246).
    Tls10 = 3,
    /// TLS 1.1 (RFC 4346).
    Tls11 = 4,
    /// TLS 1.2 (RFC 5246).
    Tls12 = 5,
    /// Of a client: TLS 1.3, but only in the form of a draft.
    Tls13Draft = 6,
    /// TLS 1.3 (RFC 8446). Of a server, its drafts too.
    Tls13 = 7,
}

impl Version {
    pub(super) fn from_bits(bits: u16) -> Version {
        match bits {
            1 => Version::Ssl2,
            2 => Version::Ssl3,
            3 => Version::Tls10,
            4 => Version::Tls11,
            5 => Version::Tls12,
            6 => Version::Tls13Draft,
            7 => Version::Tls13,
            _ => Version::Unknown,
        }
    }

    pub(super) const fn bits(self) -> u16 {
        self as u16
    }

    /// The version that a `legacy_version` field names; above TLS 1.2 it stands for TLS 1.2 (RFC
    /// 8446 4.1.2).
    pub(super) fn from_legacy(major: u8, minor: u8) -> Version {
        match (major, minor) {
            (3, 0) => Version::Ssl3,
            (3, 1) => Version::Tls10,
            (3, 2) => Version::Tls11,
            (3, _) => Version::Tls12,
            (0, 2) => Version::Ssl2,
            (DRAFT | DRAFT_FACEBOOK, _) => Version::Tls13Draft,
            _ => Version::Unknown,
        }
    }

    /// The version that an entry of `supported_versions` names; GREASE (RFC 8701) is unknown.
    pub(super) fn from_supported(major: u8, minor: u8) -> Version {
        match (major, minor) {
            (3, 4) => Version::Tls13,
            (3, 5..) => Version::Unknown,
            _ => Self::from_legacy(major, minor),
        }
    }

    /// The same for a server, to which a draft of TLS 1.3 is TLS 1.3.
    pub(super) fn chosen(major: u8, minor: u8) -> Version {
        match Self::from_supported(major, minor) {
            Version::Tls13Draft => Version::Tls13,
            version => version,
        }
    }

    /// The minor version that records of a session have (RFC 5246 6.2.1, RFC 8446 5.1).
    pub(super) const fn record_minor(self) -> Option<u8> {
        match self {
            Version::Unknown | Version::Ssl2 => None,
            Version::Ssl3 => Some(0),
            Version::Tls10 => Some(1),
            Version::Tls11 => Some(2),
            Version::Tls12 | Version::Tls13Draft | Version::Tls13 => Some(3),
        }
    }

    /// The wire's form, 0x0303 for TLS 1.2.
    pub(super) const fn wire(self) -> u16 {
        match self {
            Version::Unknown => 0,
            Version::Ssl2 => 0x0002,
            Version::Ssl3 => 0x0300,
            Version::Tls10 => 0x0301,
            Version::Tls11 => 0x0302,
            Version::Tls12 => 0x0303,
            Version::Tls13Draft | Version::Tls13 => 0x0304,
        }
    }
}

/// The major version byte under which drafts of TLS 1.3 went (0x7f12 was draft 18).
pub(super) const DRAFT: u8 = 0x7f;
/// The same, of one large deployment's drafts.
pub(super) const DRAFT_FACEBOOK: u8 = 0xfb;
