// SPDX-License-Identifier: GPL-2.0

//! From a captured frame to its TCP segment: what precedes IP by `tunnels`, IP and TCP by
//! etherparse.

use crate::{
    tls_parser::{
        Options,
        Segment, //
    },
    tunnels::{
        self,
        Layer, //
    },
};
use etherparse::{
    IpNumber,
    LaxIpPayloadSlice,
    LaxIpSlice,
    LenSource,
    TcpOptionElement,
    TcpSlice,
    UdpSlice, //
};
use std::net::SocketAddr;

/// A time in nanoseconds since 1970 (UTC); 0 is none, as of a block without one.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Time(pub(crate) i64);

impl Time {
    /// The time, if there is one.
    pub(crate) fn known(self) -> Option<i64> {
        (self.0 != 0).then_some(self.0)
    }
}

/// A frame as the capture holds it.
pub(crate) struct Frame<'a> {
    /// The link type, of <https://www.tcpdump.org/linktypes.html>.
    pub(crate) link: i32,
    /// What was captured of it.
    pub(crate) data: &'a [u8],
    /// Its length on the wire.
    pub(crate) length: u32,
    /// When it was captured.
    pub(crate) time: Time,
}

/// A TCP segment, with its addresses.
pub(crate) struct Packet<'a> {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    /// By itself: what is known of its connection is not in it.
    pub(crate) segment: Segment,
    /// The payload, of which the capture may lack the end.
    pub(crate) payload: &'a [u8],
    /// The window that it offers, and by how much a SYN says that it is scaled.
    pub(crate) window: u16,
    pub(crate) scale: Option<u8>,
    /// The innermost tunnel that it was in.
    pub(crate) tunnel: Option<&'static str>,
    pub(crate) time: Time,
}

/// What a frame turned out to be.
pub(crate) enum Contents<'a> {
    /// A TCP segment.
    Tcp(Packet<'a>),
    /// Part of a packet that IP fragmented, which may hold TCP.
    Fragment,
    /// What may hold TCP, in a tunnel of that name, and cannot be read.
    Closed(&'static str),
    /// Something that is not TCP.
    Other,
    /// Headers that are cut off, or make no sense.
    Unreadable,
    /// A frame of a link type that is not known here.
    UnknownLink,
}

/// So many headers before a packet are believed.
const MAX_LAYERS: usize = 16;

impl<'a> Frame<'a> {
    /// Finds the frame's TCP segment.
    pub(crate) fn contents(&self) -> Contents<'a> {
        match tunnels::link(self.link, self.data) {
            None => Contents::UnknownLink,
            Some(None) => Contents::Unreadable,
            Some(Some(layer)) => self.unwrap(layer).unwrap_or(Contents::Unreadable),
        }
    }

    /// Removes one header after the other; `None` if one of them cannot be read.
    fn unwrap(&self, mut layer: Layer<'a>) -> Option<Contents<'a>> {
        let mut tunnel = None;
        for _ in 0..MAX_LAYERS {
            let (next, left) = match layer {
                Layer::Other => return Some(Contents::Other),
                Layer::Closed(name) => return Some(Contents::Closed(name)),
                Layer::Ip(ip) => match self.in_ip(ip, tunnel)? {
                    Carried::Layer(step) => step,
                    Carried::End(contents) => return Some(contents),
                },
                layer => layer.step()?,
            };
            layer = next;
            tunnel = left.or(tunnel);
        }
        Some(Contents::Closed("too_many_headers"))
    }

    /// What an IP packet carries; `None` if its headers cannot be read.
    fn in_ip(&self, bytes: &'a [u8], tunnel: Option<&'static str>) -> Option<Carried<'a>> {
        let (ip, unread) = LaxIpSlice::from_slice(bytes).ok()?;
        let payload = ip.payload();
        if payload.fragmented {
            return Some(Carried::End(Contents::Fragment));
        }
        match payload.ip_number {
            IpNumber::TCP if unread.is_some() => None,
            IpNumber::TCP => {
                let tcp = TcpSlice::from_slice(payload.payload).ok()?;
                let missing = self.missing(bytes, payload);
                Some(Carried::End(Contents::Tcp(Packet {
                    from: SocketAddr::new(ip.source_addr(), tcp.source_port()),
                    to: SocketAddr::new(ip.destination_addr(), tcp.destination_port()),
                    // The length has no more than 32 bits.
                    segment: segment(&tcp, (tcp.payload().len() as u32).saturating_add(missing)),
                    payload: tcp.payload(),
                    window: tcp.window_size(),
                    scale: scale(&tcp),
                    tunnel,
                    time: self.time,
                })))
            }
            number => {
                let udp = (number == IpNumber::UDP && unread.is_none())
                    .then(|| UdpSlice::from_slice_lax(payload.payload));
                match udp {
                    Some(Ok(udp)) => tunnels::in_udp(udp.destination_port(), udp.payload()),
                    _ => tunnels::in_ip(number.0, payload.payload),
                }
                .map(Carried::Layer)
            }
        }
    }

    /// How many bytes of an IP packet the capture lacks.
    fn missing(&self, ip: &[u8], payload: &LaxIpPayloadSlice<'_>) -> u32 {
        // A segment that its sender's hardware cuts up, or of over 64 KiB, has no length of its
        // own.
        if payload.len_source == LenSource::Slice {
            return self.length.saturating_sub(self.data.len() as u32);
        }
        if !payload.incomplete {
            return 0;
        }
        let length = match *ip {
            [first, _, a, b, ..] if first >> 4 == 4 => u16::from_be_bytes([a, b]).into(),
            [_, _, _, _, a, b, ..] => 40 + u32::from(u16::from_be_bytes([a, b])),
            _ => 0,
        };
        length.saturating_sub(ip.len() as u32)
    }
}

/// What an IP packet carries.
enum Carried<'a> {
    /// Another header.
    Layer(tunnels::Step<'a>),
    /// What was looked for, or nothing like it.
    End(Contents<'a>),
}

fn segment(tcp: &TcpSlice<'_>, len: u32) -> Segment {
    let options = Options::parse(tcp.options());
    Segment {
        seq: tcp.sequence_number(),
        ack: tcp.ack().then(|| tcp.acknowledgment_number()),
        len,
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        urg: tcp.urg(),
        signed: options.signed,
        mptcp: options.mptcp,
        // The rest comes from its connection.
        ..Segment::default()
    }
}

/// By how many bits the windows of a SYN's side are scaled (RFC 7323 2.2).
fn scale(tcp: &TcpSlice<'_>) -> Option<u8> {
    if !tcp.syn() {
        return None;
    }
    let scale = tcp.options_iterator().find_map(|option| match option {
        Ok(TcpOptionElement::WindowScale(scale)) => Some(scale.min(14)),
        _ => None,
    });
    scale.or(Some(0))
}

impl Packet<'_> {
    /// Whether the capture lacks the end of the payload.
    pub(crate) fn is_cut(&self) -> bool {
        self.payload.len() < self.segment.len as usize
    }
}
