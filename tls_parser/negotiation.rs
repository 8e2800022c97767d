// SPDX-License-Identifier: GPL-2.0

//! The rules about versions: `version_mismatch`, `version_downgrade` and `version_refused`.

use super::{
    header::Kind,
    reason::Reason,
    scratch::ServerRandom,
    side::{
        Side,
        Stop, //
    },
    state::Fact,
    version::Version, //
};

/// `version_mismatch`: up to TLS 1.2 a record carries the negotiated version (RFC 5246 6.2.1).
///
/// TLS 1.3 says to ignore the field (RFC 8446 5.1). Alerts are excepted, as they may be sent by an
/// endpoint that has not agreed to the version. So is a direction that was resynchronised: what is
/// sent again then may be older than the version.
pub(super) fn is_mismatched(side: &Side<'_>, kind: Kind, minor: u8) -> bool {
    if !side.own.is_known() {
        return false;
    }
    match side.negotiated() {
        None | Some(Version::Unknown | Version::Ssl2 | Version::Tls13Draft | Version::Tls13) => {
            false
        }
        Some(version) => {
            kind != Kind::Alert
                && version.wire() != 0x0300 | u16::from(minor)
                && !is_early_data(side, kind)
        }
    }
}

/// Whether a record may be 0-RTT data, on its way before the client saw a ServerHello of an older
/// version (RFC 8446 4.2.10).
fn is_early_data(side: &Side<'_>, kind: Kind) -> bool {
    kind == Kind::ApplicationData
        && side.is_client()
        && !side.own.has(Fact::Protected)
        && side.own.version() >= Version::Tls13Draft
}

/// Judges the version that a ServerHello chose.
pub(super) fn judge(side: &mut Side<'_>, random: ServerRandom) -> Result<(), Stop> {
    if is_downgraded(side, random) {
        side.breaks(Reason::VersionDowngrade)?;
    }
    check_min_version(side)
}

/// `version_downgrade`: the server supports a better version than the one it had to choose (RFC
/// 8446 4.1.3).
///
/// The end of its random names the best version that it supports, TLS 1.3 or 1.2. If the
/// client did ask, something in between changed the ClientHello. A client that knows only a draft
/// of TLS 1.3 did not ask for TLS 1.3.
fn is_downgraded(side: &Side<'_>, random: ServerRandom) -> bool {
    let (client, chosen) = (side.client(), side.server().version());
    if !client.has(Fact::Hello) {
        return false;
    }
    match random {
        ServerRandom::Other | ServerRandom::Retry => false,
        ServerRandom::DowngradeTls12 => {
            client.version() >= Version::Tls13 && chosen <= Version::Tls12
        }
        ServerRandom::DowngradeTls11 => {
            client.version() >= Version::Tls12 && chosen <= Version::Tls11
        }
    }
}

/// `version_refused`: the operator's minimum (RFC 8996, RFC 9325 3.1.1; DROWN, CVE-2016-0800).
pub(super) fn check_min_version(side: &mut Side<'_>) -> Result<(), Stop> {
    let version = side.server().version();
    if version != Version::Unknown && version.wire() < side.policy.min_version {
        side.breaks(Reason::VersionRefused)?;
    }
    Ok(())
}
