// SPDX-License-Identifier: GPL-2.0

//! The options of a TCP header (RFC 9293 3.2): whether they sign the segment, and whether they are
//! those of Multipath TCP.

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const TIMESTAMP: u8 = 8;
/// The MD5 signature (RFC 2385).
const MD5: u8 = 19;
/// The authentication option (RFC 5925).
const AUTHENTICATION: u8 = 29;
/// Multipath TCP (RFC 8684).
const MULTIPATH: u8 = 30;

/// What the options of a TCP header tell.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Options {
    /// Whether one is a signature, or they cannot be read.
    ///
    /// A receiver that knows no key drops a signed segment. Linux looks for signatures in all
    /// options, and drops a segment with an option of a wrong length
    /// (`tcp_do_parse_auth_options()`, net/ipv4/tcp_input.c).
    pub signed: bool,
    /// Whether one is of Multipath TCP.
    pub mptcp: bool,
}

impl Options {
    /// Options that cannot be read.
    pub const UNREADABLE: Options = Options {
        signed: true,
        mptcp: false,
    };

    /// Reads the options of a header.
    pub fn parse(mut bytes: &[u8]) -> Options {
        let mut options = Options::default();
        // Nearly all segments have a timestamp, laid out as RFC 7323 appendix A says, and nothing
        // else.
        if let [NO_OPERATION, NO_OPERATION, TIMESTAMP, 10, ..] = bytes {
            if bytes.len() == 12 {
                return options;
            }
        }
        while let Some((&kind, rest)) = bytes.split_first() {
            options.mptcp |= kind == MULTIPATH;
            options.signed |= matches!(kind, MD5 | AUTHENTICATION);
            bytes = match (kind, rest.first()) {
                (END, _) => break,
                (NO_OPERATION, _) => rest,
                (_, length) => match length.and_then(|&length| after(bytes, length)) {
                    Some(next) => next,
                    None => return Self::UNREADABLE,
                },
            };
        }
        options
    }
}

/// What follows an option of that length, which counts the option's kind and the length itself.
fn after(bytes: &[u8], length: u8) -> Option<&[u8]> {
    bytes.get(usize::from(length)..).filter(|_| length >= 2)
}
