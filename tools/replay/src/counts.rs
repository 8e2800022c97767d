// SPDX-License-Identifier: GPL-2.0

//! What became of segments, by the names of the module's counters.

use crate::tls_parser;
use serde::Serialize;
use std::ops::AddAssign;

/// Declares the counters, and functions over all of them.
macro_rules! counts {
    ($($name:ident,)*) => {
        /// What became of segments, by the names of the module's counters, which `tls_parser`
        /// describes.
        #[derive(Clone, Copy, Default, Serialize)]
        pub(crate) struct Counts {
            $(pub(crate) $name: u64,)*
            /// Packets with less payload in the capture than on the wire.
            pub(crate) cut_short: u64,
        }

        impl Counts {
            /// The counts by their names.
            pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                let named = [$((stringify!($name), self.$name),)*];
                named.into_iter().chain([("cut_short", self.cut_short)])
            }
        }

        impl AddAssign<&Counts> for Counts {
            fn add_assign(&mut self, other: &Counts) {
                $(self.$name += other.$name;)*
                self.cut_short += other.cut_short;
            }
        }

        impl AddAssign<&tls_parser::Counts> for Counts {
            #[inline]
            fn add_assign(&mut self, other: &tls_parser::Counts) {
                $(self.$name += u64::from(other.$name);)*
            }
        }
    };
}

counts! {
    bytes,
    records,
    retransmissions,
    gaps_skipped,
    ooo_passed,
    ooo_dropped,
    resynced,
    unsynced,
    unreadable,
    truncated,
    mptcp,
    cleartext,
    upgraded,
}
