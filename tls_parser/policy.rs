// SPDX-License-Identifier: GPL-2.0

//! What the operator chose.

use super::reason::Reasons;

/// What comes before TLS.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Opening {
    /// Nothing.
    #[default]
    Tls,
    /// Whatever one of the followed protocols says up to the upgrade that it knows. Without one the
    /// connection passes.
    Starttls,
    /// The same, and nothing else but that.
    StarttlsRequired,
    /// A PROXY header of the client.
    Proxy,
}

/// The operator's choices, which hold for all connections of a network namespace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// More than this many bytes below 128 in a row are a `suspicious_sequence`; 0 switches the
    /// rule off.
    pub seq_len: u16,
    /// Whether heartbeats are judged by their rules (`true`) or all refused.
    pub heartbeat: bool,
    /// The lowest version that may be negotiated, in the wire's form (0x0303 is TLS 1.2); 0 for
    /// any.
    pub min_version: u16,
    /// Whether a connection whose beginning was not seen is refused.
    pub midstream_drop: bool,
    /// The reasons that are reported, and drop nothing.
    pub report: Reasons,
    /// The reasons that are ignored.
    pub off: Reasons,
    /// What comes before TLS.
    pub opening: Opening,
    /// Whether nothing is dropped, not even for its order: what cannot be followed passes unread.
    pub passive: bool,
}

impl Policy {
    /// The policy, but every reason is only reported, and nothing is dropped.
    #[must_use]
    pub const fn reporting(self) -> Policy {
        Policy {
            report: Reasons::ALL,
            passive: true,
            ..self
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            seq_len: 128,
            heartbeat: false,
            min_version: 0,
            midstream_drop: false,
            report: Reasons::NONE,
            off: Reasons::NONE,
            opening: Opening::Tls,
            passive: false,
        }
    }
}
