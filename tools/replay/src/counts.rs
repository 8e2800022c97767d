// SPDX-License-Identifier: GPL-2.0

//! What became of segments, by the names of the module's counters.

use serde::Serialize;
use std::ops::AddAssign;

/// Declares the counters, and what goes through all of them.
macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What became of segments, by the names of the module's counters.
        #[derive(Clone, Copy, Default, Serialize)]
        pub(crate) struct Counts {
            $($(#[$doc])* pub(crate) $name: u64,)*
        }

        impl Counts {
            /// The counts by their names.
            pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }

        impl AddAssign for Counts {
            fn add_assign(&mut self, other: Counts) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

counts! {
    /// Bytes of payload read, or skipped by arithmetic.
    bytes,
    /// Records that began, but for those in the segment that broke a rule.
    records,
    retransmissions,
    gaps_skipped,
    ooo_passed,
    resynced,
    unsynced,
    truncated,
    /// Packets with less payload in the capture than on the wire.
    cut_short,
}
