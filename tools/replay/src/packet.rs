// SPDX-License-Identifier: GPL-2.0

//! From a captured frame to its TCP segment: link headers here, IP and TCP by etherparse.

use crate::tls_parser::{
    is_signed,
    Segment, //
};
use etherparse::{
    IpNumber,
    LaxNetSlice,
    LaxSlicedPacket,
    LenSource,
    TcpSlice,
    TransportSlice, //
};
use std::net::{
    IpAddr,
    SocketAddr, //
};

/// A frame as the capture holds it.
pub(crate) struct Frame<'a> {
    /// The link type, of <https://www.tcpdump.org/linktypes.html>.
    pub(crate) link: i32,
    /// What was captured of it.
    pub(crate) data: &'a [u8],
    /// Whether there was more of it on the wire.
    pub(crate) cut: bool,
}

/// A TCP segment, with its addresses.
pub(crate) struct Packet<'a> {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    /// Its length is that of `payload`: what was cut off is a hole in the stream.
    pub(crate) segment: Segment,
    pub(crate) payload: &'a [u8],
    /// Whether the capture lacks the end of the payload.
    pub(crate) cut: bool,
}

/// What a frame turned out to be.
pub(crate) enum Contents<'a> {
    /// A TCP segment.
    Tcp(Packet<'a>),
    /// Part of a TCP segment that IP fragmented.
    Fragment,
    /// Something that is not TCP.
    Other,
    /// Headers that are cut off, or make no sense.
    Unreadable,
    /// A frame of a link type that is not known here.
    UnknownLink,
}

const NULL: i32 = 0;
const ETHERNET: i32 = 1;
const RAW: [i32; 5] = [12, 14, 101, 228, 229];
const LOOP: i32 = 108;
const LINUX_SLL: i32 = 113;
const LINUX_SLL2: i32 = 276;

/// The link types that are known here, for those whose is not.
pub(crate) const LINKS: &str = "Ethernet, raw IP, Linux cooked (v1, v2), null and loopback";

impl<'a> Frame<'a> {
    /// Finds the frame's TCP segment.
    pub(crate) fn contents(&self) -> Contents<'a> {
        let ip = match self.link {
            ETHERNET => at(self.data, 12, 14),
            LINUX_SLL => at(self.data, 14, 16),
            LINUX_SLL2 => at(self.data, 0, 20),
            NULL | LOOP => self.data.get(4..).map(Layer::Ip),
            link if RAW.contains(&link) => Some(Layer::Ip(self.data)),
            _ => return Contents::UnknownLink,
        };
        match ip {
            Some(Layer::Ip(ip)) => self.segment(ip).unwrap_or(Contents::Unreadable),
            Some(Layer::Other) => Contents::Other,
            None => Contents::Unreadable,
        }
    }

    /// Finds the TCP segment of an IP packet; `None` if its headers cannot be read.
    fn segment(&self, ip: &'a [u8]) -> Option<Contents<'a>> {
        let packet = LaxSlicedPacket::from_ip(ip).ok()?;
        let (from, to): (IpAddr, IpAddr) = match packet.net.as_ref()? {
            LaxNetSlice::Ipv4(ip) => {
                let header = ip.header();
                (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                )
            }
            LaxNetSlice::Ipv6(ip) => {
                let header = ip.header();
                (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                )
            }
            LaxNetSlice::Arp(_) => return Some(Contents::Other),
        };
        let payload = packet.ip_payload()?;
        if payload.ip_number != IpNumber::TCP {
            return Some(Contents::Other);
        }
        if payload.fragmented {
            return Some(Contents::Fragment);
        }
        let Some(TransportSlice::Tcp(tcp)) = &packet.transport else {
            return None;
        };
        // A segment that its sender's hardware cuts up, or of over 64 KiB, has no length of its own.
        let lengthless = payload.len_source == LenSource::Slice;
        Some(Contents::Tcp(Packet {
            from: SocketAddr::new(from, tcp.source_port()),
            to: SocketAddr::new(to, tcp.destination_port()),
            segment: segment(tcp),
            payload: tcp.payload(),
            cut: payload.incomplete || (lengthless && self.cut),
        }))
    }
}

/// What follows a link header.
enum Layer<'a> {
    Ip(&'a [u8]),
    Other,
}

/// Reads an EtherType at byte `at`, and what it announces from byte `then` on: VLAN tags, a PPPoE session, IP.
fn at(data: &[u8], mut at: usize, mut then: usize) -> Option<Layer<'_>> {
    loop {
        let ether_type = data.get(at..)?.first_chunk()?;
        let rest = data.get(then..)?;
        match u16::from_be_bytes(*ether_type) {
            0x0800 | 0x86dd => return Some(Layer::Ip(rest)),
            // A tag, and the EtherType of what it tags.
            0x8100 | 0x88a8 | 0x9100 => (at, then) = (then + 2, then + 4),
            0x8864 => return pppoe(rest),
            _ => return Some(Layer::Other),
        }
    }
}

/// Reads a PPPoE session's header and PPP's protocol (RFC 2516 4); what lies behind its length is padding.
fn pppoe(data: &[u8]) -> Option<Layer<'_>> {
    let length = usize::from(u16::from_be_bytes(*data.get(4..)?.first_chunk()?));
    let session = data.get(6..)?;
    match session.get(..length).unwrap_or(session) {
        [0x00, 0x21 | 0x57, ip @ ..] => Some(Layer::Ip(ip)),
        _ => Some(Layer::Other),
    }
}

fn segment(tcp: &TcpSlice<'_>) -> Segment {
    Segment {
        seq: tcp.sequence_number(),
        ack: tcp.ack().then(|| tcp.acknowledgment_number()),
        // IP gives it 32 bits at most.
        len: tcp.payload().len() as u32,
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        urg: tcp.urg(),
        signed: is_signed(tcp.options()),
        // Its connection tells.
        stale: false,
    }
}
