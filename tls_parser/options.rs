// SPDX-License-Identifier: GPL-2.0

//! The options of a TCP header (RFC 9293 3.2), of which one thing matters: whether they sign the segment.

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const TIMESTAMP: u8 = 8;
/// The MD5 signature (RFC 2385).
const MD5: u8 = 19;
/// The authentication option (RFC 5925).
const AUTHENTICATION: u8 = 29;

/// Whether a header's options hold a signature, or cannot be read.
///
/// A receiver that knows no key drops a segment that is signed, and Linux, which looks for signatures in
/// all of them, one whose options have a wrong length (`tcp_do_parse_auth_options()`, net/ipv4/tcp_input.c).
pub fn is_signed(mut options: &[u8]) -> bool {
    // Nearly all segments have a timestamp, laid out as RFC 7323 appendix A says, and nothing else.
    if let [NO_OPERATION, NO_OPERATION, TIMESTAMP, 10, ..] = options {
        if options.len() == 12 {
            return false;
        }
    }
    while let Some((&kind, rest)) = options.split_first() {
        options = match (kind, rest.first()) {
            (END, _) => return false,
            (NO_OPERATION, _) => rest,
            (MD5 | AUTHENTICATION, _) => return true,
            // The length counts the kind and itself.
            (_, Some(&length)) if length >= 2 => match options.get(usize::from(length)..) {
                Some(behind) => behind,
                None => return true,
            },
            _ => return true,
        };
    }
    false
}
