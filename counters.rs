// SPDX-License-Identifier: GPL-2.0

//! What is counted: what became of segments and connections, and each reason.
//!
//! The counters are per CPU and per network namespace, and read as `/proc/net/nf_conntrack_tls`,
//! one `name value` pair per line.

use crate::tls_parser::Reason;

/// Makes [`Counter`], its numbers and its names from one table.
macro_rules! counters {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A counter.
        #[derive(Clone, Copy)]
        pub(crate) enum Counter {
            $($(#[$doc])* $variant,)*
            /// Connections that broke this rule.
            Broken(Reason),
        }

        /// The names of the counters before those of the reasons, in their order.
        pub(crate) const GENERAL: &[&str] = &[$($name),*];

        /// Numbers the counters before those of the reasons, in their order.
        #[allow(dead_code)]
        enum Number {
            $($variant,)*
        }

        impl Counter {
            /// The counter's number.
            pub(crate) fn index(self) -> u32 {
                match self {
                    $(Counter::$variant => Number::$variant as u32,)*
                    Counter::Broken(reason) => GENERAL.len() as u32 + reason as u32 - 1,
                }
            }
        }
    };
}

counters! {
    /// Connections whose beginning was seen.
    Connections = "connections",
    /// Bytes of payload read, or skipped by arithmetic.
    Bytes = "bytes",
    /// Records that began, except those in the segment that broke a rule.
    Records = "records",
    /// Segments all of which was seen before.
    Retransmissions = "retransmissions",
    /// Gaps in record bodies that no rule looks into, skipped.
    GapsSkipped = "gaps_skipped",
    /// Out-of-order segments passed unread: no rule could need what lies in them.
    OooPassed = "ooo_passed",
    /// Out-of-order segments dropped, to be sent again; passed unread where nothing is dropped.
    OooDropped = "ooo_dropped",
    /// Streams resynchronised in the middle.
    Resynced = "resynced",
    /// Segments passed unread, of streams that were not seen from their beginning.
    Unsynced = "unsynced",
    /// Packets of which a part could not be read.
    Unreadable = "unreadable",
    /// Streams that ended within a record.
    Truncated = "truncated",
    /// Connections of Multipath TCP, which pass unread.
    Mptcp = "mptcp",
    /// Connections whose client said, before an upgrade, what needs none.
    Cleartext = "cleartext",
    /// Connections in which TLS began after something else.
    Upgraded = "upgraded",
    /// Connections that broke a rule.
    Condemned = "condemned",
    /// Packets dropped because their connection is condemned, or condemned by this packet.
    Dropped = "dropped",
    /// Broken rules that were only reported.
    Reported = "reported",
    /// RST sent to either end of a condemned connection.
    Resets = "resets",
}

impl Counter {
    /// The stable name of the counter of that number.
    pub(crate) fn name(index: u32) -> Option<&'static str> {
        let index = index as usize;
        match index.checked_sub(GENERAL.len()) {
            None => GENERAL.get(index).copied(),
            Some(reason) => Reason::ALL.get(reason).map(|reason| reason.name()),
        }
    }
}
