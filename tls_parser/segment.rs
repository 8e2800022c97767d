// SPDX-License-Identifier: GPL-2.0

//! A TCP segment, and its payload.

use super::header::Header;
use core::ops::ControlFlow;

/// A TCP segment, without its payload, and what conntrack knows about it.
///
/// `seq` is the sender's own number, and `ack` the receiver's own: where something on the way
/// adjusts sequence numbers, the caller undoes it for `ack`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The sequence number.
    pub seq: u32,
    /// The acknowledgment number, if there is one.
    pub ack: Option<u32>,
    /// The payload's length in bytes.
    pub len: u32,
    /// Whether SYN is set.
    pub syn: bool,
    /// Whether FIN is set.
    pub fin: bool,
    /// Whether RST is set.
    pub rst: bool,
    /// Whether URG is set.
    pub urg: bool,
    /// Whether it carries a signature: the option of TCP-MD5 or of TCP-AO.
    pub signed: bool,
    /// Whether it carries an option of Multipath TCP; looked at on SYN and SYN-ACK only.
    pub mptcp: bool,
    /// Whether the payload will be encrypted after it has passed, by a device (kTLS).
    pub opaque: bool,
    /// By how many bytes `ack` lies before the highest one of its side; 0 if it does not.
    pub ack_lag: u32,
    /// The largest window that its side has offered, in bytes.
    pub max_window: u32,
    /// Whether it reaches beyond the window that the other side has offered.
    pub overruns: bool,
    /// Whether it is a SYN-ACK that conntrack takes for the beginning of the connection.
    pub begins: bool,
    /// If conntrack has seen the connection established: up to where the other side has
    /// acknowledged this side's stream.
    pub established: Option<u32>,
}

impl Segment {
    /// Whether it has payload and nothing else, and a receiver reads that if it lies where it
    /// should: see [`Connection::follow_data`](super::Connection::follow_data).
    pub(super) fn is_plain(&self) -> bool {
        let flagged = self.syn || self.fin || self.rst || self.urg || self.opaque;
        self.len != 0 && !flagged && !self.signed && !self.overruns && self.ack_lag == 0
    }
}

/// The payload of a segment.
pub trait Payload {
    /// Hands the bytes from `from` to `to` (exclusive) to `each`, in order, in pieces of any
    /// length.
    ///
    /// Returns how many bytes were handed over: fewer than asked for if `each` breaks off, or if a
    /// part cannot be read.
    fn read(&mut self, from: u32, to: u32, each: &mut impl FnMut(&[u8]) -> ControlFlow<()>) -> u32;

    /// The five bytes at `at`; `None` if there are not so many, or they cannot be read.
    fn header_at(&mut self, at: u32) -> Option<Header>;

    /// All bytes, if they lie in one piece; at times `None` though they do.
    fn whole(&mut self) -> Option<&[u8]> {
        None
    }
}

impl Payload for &[u8] {
    #[inline]
    fn read(&mut self, from: u32, to: u32, each: &mut impl FnMut(&[u8]) -> ControlFlow<()>) -> u32 {
        let available = self.get(from as usize..).unwrap_or_default();
        let wanted = to.saturating_sub(from) as usize;
        let part = available.get(..wanted).unwrap_or(available);
        // The caller handles a payload that breaks off.
        let _ = each(part);
        // No more than `wanted`.
        part.len() as u32
    }

    fn header_at(&mut self, at: u32) -> Option<Header> {
        self.get(at as usize..)?.first_chunk().copied()
    }

    fn whole(&mut self) -> Option<&[u8]> {
        Some(self)
    }
}
