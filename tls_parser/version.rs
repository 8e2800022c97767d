// SPDX-License-Identifier: GPL-2.0

//! Protocol versions: what was offered, what was negotiated, and the rules about them.

use super::{
    Reason,
    Side,
    Stream, //
};

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
    /// TLS 1.3 (RFC 8446) and its drafts.
    Tls13 = 6,
}

impl Version {
    pub(super) fn from_bits(bits: u16) -> Version {
        match bits {
            1 => Version::Ssl2,
            2 => Version::Ssl3,
            3 => Version::Tls10,
            4 => Version::Tls11,
            5 => Version::Tls12,
            6 => Version::Tls13,
            _ => Version::Unknown,
        }
    }

    pub(super) const fn bits(self) -> u16 {
        self as u16
    }

    /// The version that a `legacy_version` field names; above TLS 1.2 it stands for TLS 1.2 (RFC 8446 4.1.2).
    pub(super) fn from_legacy(major: u8, minor: u8) -> Version {
        match (major, minor) {
            (3, 0) => Version::Ssl3,
            (3, 1) => Version::Tls10,
            (3, 2) => Version::Tls11,
            (3, _) => Version::Tls12,
            (0, 2) => Version::Ssl2,
            (DRAFT | DRAFT_FACEBOOK, _) => Version::Tls13,
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

    /// The wire's form, 0x0303 for TLS 1.2.
    fn wire(self) -> u16 {
        match self {
            Version::Unknown => 0,
            Version::Ssl2 => 0x0002,
            Version::Ssl3 => 0x0300,
            Version::Tls10 => 0x0301,
            Version::Tls11 => 0x0302,
            Version::Tls12 => 0x0303,
            Version::Tls13 => 0x0304,
        }
    }
}

/// The major version byte under which drafts of TLS 1.3 went (0x7f12 was draft 18).
pub(super) const DRAFT: u8 = 0x7f;
/// The same, of one large deployment's drafts.
pub(super) const DRAFT_FACEBOOK: u8 = 0xfb;

/// `version_mismatch`: up to TLS 1.2 a record carries the negotiated version (RFC 5246 6.2.1).
///
/// TLS 1.3 says to ignore the field (RFC 8446 5.1). The caller excepts alerts.
pub(super) fn mismatches(side: &Side<'_>, minor: u8) -> bool {
    match side.negotiated() {
        None | Some(Version::Unknown | Version::Ssl2 | Version::Tls13) => false,
        Some(version) => version.wire() != 0x0300 | u16::from(minor),
    }
}

/// `version_downgrade`: the server could do better than what it was made to choose (RFC 8446 4.1.3).
///
/// The end of its random says which version it would have preferred to be asked for; if the client did
/// ask, something in between changed the ClientHello.
pub(super) fn downgraded(side: &Side<'_>) -> bool {
    let (offered, server) = (side.client().version(), side.server());
    if !side.client().has(Stream::HELLO) || !server.has(Stream::SENTINEL) {
        return false;
    }
    if server.has(Stream::SENTINEL_TLS11) {
        offered >= Version::Tls12 && server.version() <= Version::Tls11
    } else {
        offered >= Version::Tls13 && server.version() <= Version::Tls12
    }
}

/// `version_refused`: the operator's minimum (RFC 8996, RFC 9325 3.1.1; DROWN, CVE-2016-0800).
pub(super) fn accept(side: &Side<'_>) -> Result<(), Reason> {
    let version = side.server().version();
    if version != Version::Unknown && version.wire() < side.policy.min_version {
        return Err(Reason::VersionRefused);
    }
    Ok(())
}
