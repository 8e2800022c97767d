// SPDX-License-Identifier: GPL-2.0

//! KUnit cases of the module's parts that know nothing of C: the parser, by all of `tests/vectors`,
//! and the counters' names. They run in the kernel, compiled as the module is, when this loads.

use kernel::prelude::*;

#[allow(dead_code)]
#[path = "../../../counters.rs"]
mod counters;
#[path = "../../../tls_parser.rs"]
pub mod tls_parser;

use tls_parser::{
    Connection,
    Direction,
    Opening,
    Policy,
    Reasons, //
};

module! {
    type: Cases,
    name: "tls_kunit",
    authors: ["nf_conntrack_tls contributors"],
    description: "KUnit cases of nf_conntrack_tls",
    license: "GPL",
}

struct Cases;

impl kernel::Module for Cases {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Cases)
    }
}

/// One case of `tests/vectors`.
struct Case {
    name: &'static str,
    policy: Policy,
    lines: &'static [(Direction, &'static [u8])],
    expect: &'static str,
}

const DEFAULT: Policy = Policy {
    seq_len: 128,
    heartbeat: true,
    min_version: 0,
    midstream_drop: false,
    report: Reasons::NONE,
    off: Reasons::NONE,
    opening: Opening::Tls,
    passive: false,
};

include!(env!("NF_CT_TLS_CASES"));

/// The verdict on a case whose lines are fed in pieces of that length.
fn verdict(case: &Case, length: usize) -> &'static str {
    let mut connection = Connection::begun();
    for (direction, bytes) in case.lines {
        for piece in bytes.chunks(length) {
            if let Err(reason) = connection.feed(&case.policy, *direction, piece) {
                return reason.name();
            }
        }
    }
    "pass"
}

/// How many cases, fed so, get another verdict than expected; each is named in the log.
fn failures(length: usize) -> usize {
    let wrong = |case: &&Case| {
        let verdict = verdict(case, length);
        if verdict != case.expect {
            pr_err!("{}: expected {}, got {verdict}\n", case.name, case.expect);
        }
        verdict != case.expect
    };
    CASES.iter().filter(wrong).count()
}

#[kunit_tests(nf_conntrack_tls)]
mod tests {
    use super::{
        counters::{
            Counter,
            GENERAL, //
        },
        failures,
        tls_parser::{
            Connection,
            Reason, //
        },
        CASES, //
    };

    #[test]
    fn there_are_vectors() {
        assert!(CASES.len() > 600);
    }

    #[test]
    fn vectors_whole() {
        assert_eq!(failures(usize::MAX), 0);
    }

    #[test]
    fn vectors_in_segments() {
        assert_eq!(failures(1448), 0);
    }

    #[test]
    fn vectors_in_sevens() {
        assert_eq!(failures(7), 0);
    }

    #[test]
    fn vectors_in_bytes() {
        assert_eq!(failures(1), 0);
    }

    #[test]
    fn state_fits() {
        assert!(size_of::<Connection>() <= 32);
    }

    #[test]
    fn reasons_have_counters() {
        for reason in Reason::ALL {
            assert_eq!(
                Counter::name(Counter::Broken(reason).index()),
                Some(reason.name())
            );
        }
    }

    #[test]
    fn counters_end() {
        let count = GENERAL.len() + Reason::ALL.len();
        assert_eq!(Counter::name(count as u32), None);
    }
}
