// SPDX-License-Identifier: GPL-2.0

//! What precedes an IP packet: link headers, tags and tunnels, each removed by one function.
//!
//! etherparse reads IP and what IP carries. It knows no tunnel, so their headers are read here:
//! each is a few bytes at fixed places. A layer that cannot be removed is [`Layer::Closed`] under
//! its name, so that it can be counted.

/// What begins with a byte of the frame.
pub(crate) enum Layer<'a> {
    /// An IP packet of either version.
    Ip(&'a [u8]),
    /// An Ethernet frame.
    Ethernet(&'a [u8]),
    /// What an EtherType announces.
    Typed(u16, &'a [u8]),
    /// A PPP frame, with or without HDLC's address and control.
    Ppp(&'a [u8]),
    /// A tunnel or link that holds packets which cannot be read.
    Closed(&'static str),
    /// What never leads to TCP.
    Other,
}

/// The name of a tunnel, if one was removed.
pub(crate) type Step<'a> = (Layer<'a>, Option<&'static str>);

/// No tunnel.
fn plain(layer: Layer<'_>) -> Step<'_> {
    (layer, None)
}

fn inside<'a>(name: &'static str, layer: Layer<'a>) -> Step<'a> {
    (layer, Some(name))
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*data.get(at..)?.first_chunk()?))
}

// --- link types --------------------------------------------------------------

/// The link types that are known here, for those whose is not.
pub(crate) const LINKS: &str =
    "Ethernet, raw IP, Linux cooked (v1, v2), null and loopback, PPP, PPPoE, Cisco HDLC, MPLS, \
    NFLOG, PFLOG";

/// What a frame of that link type begins with, by <https://www.tcpdump.org/linktypes.html>.
///
/// The outer `None` is a link type that is not known, the inner one a header that is cut off.
pub(crate) fn link(link: i32, data: &[u8]) -> Option<Option<Layer<'_>>> {
    Some(match link {
        1 => Some(Layer::Ethernet(data)),
        0 | 108 => data.get(4..).map(Layer::Ip),
        12 | 14 | 101 | 228 | 229 => Some(Layer::Ip(data)),
        9 | 50 => Some(Layer::Ppp(data)),
        51 => pppoe(data),
        104 => typed_at(data, 2, 4),
        113 => typed_at(data, 14, 16),
        276 => typed_at(data, 0, 20),
        117 => pflog(data),
        // Which side sent it.
        204 => data.get(1..).map(Layer::Ppp),
        219 => mpls(data),
        239 => nflog(data),
        _ => return None,
    })
}

fn typed_at(data: &[u8], at: usize, then: usize) -> Option<Layer<'_>> {
    Some(Layer::Typed(u16_at(data, at)?, data.get(then..)?))
}

/// OpenBSD's packet filter log: its header's length comes first, without padding.
fn pflog(data: &[u8]) -> Option<Layer<'_>> {
    let length = usize::from(*data.first()?).next_multiple_of(4);
    data.get(length..).map(Layer::Ip)
}

/// Linux's packet log: a family, and attributes in the byte order of the machine that captured
/// them.
fn nflog(data: &[u8]) -> Option<Layer<'_>> {
    const PAYLOAD: u16 = 9;
    const INET: u8 = 2;
    const INET6: u8 = 10;
    if !matches!(*data.first()?, INET | INET6) {
        return Some(Layer::Other);
    }
    let mut rest = data.get(4..)?;
    let little = |at: &[u8]| {
        let word = at.first_chunk().copied();
        word.map(u16::from_le_bytes)
    };
    // A length's high byte is 0 in the first attribute, which is short.
    let order = if little(rest)? < 0x100 {
        u16::from_le_bytes
    } else {
        u16::from_be_bytes
    };
    while let [a, b, c, d, ..] = *rest {
        let length = usize::from(order([a, b]));
        if order([c, d]) == PAYLOAD {
            return Some(Layer::Ip(rest.get(4..length).unwrap_or(&rest[4..])));
        }
        rest = rest.get(length.next_multiple_of(4).max(4)..)?;
    }
    Some(Layer::Other)
}

// --- layers ------------------------------------------------------------------

impl<'a> Layer<'a> {
    /// Takes one header off; `None` if it is cut off. IP packets are not ours.
    pub(crate) fn step(self) -> Option<Step<'a>> {
        Some(match self {
            Layer::Ethernet(data) => plain(typed_at(data, 12, 14)?),
            Layer::Typed(kind, data) => return typed(kind, data),
            Layer::Ppp(data) => plain(ppp(data)?),
            Layer::Ip(_) | Layer::Closed(_) | Layer::Other => plain(self),
        })
    }
}

/// What an EtherType announces.
fn typed(kind: u16, data: &[u8]) -> Option<Step<'_>> {
    Some(match kind {
        0x0800 | 0x86dd => plain(Layer::Ip(data)),
        // A tag, and the EtherType of what it tags.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 => inside("vlan", typed_at(data, 2, 4)?),
        0x8847 | 0x8848 => inside("mpls", mpls(data)?),
        0x8864 => inside("pppoe", pppoe(data)?),
        0x6558 => plain(Layer::Ethernet(data)),
        // Provider backbone bridging: a service's tag before the customer's frame.
        0x88e7 => inside("pbb", Layer::Ethernet(data.get(4..)?)),
        // Cisco's metadata: version, length, option, security group.
        0x8909 => inside("cisco_metadata", typed_at(data, 6, 8)?),
        0x894f => inside("nsh", nsh(data)?),
        0x88e5 => plain(Layer::Closed("macsec")),
        0x880b => plain(Layer::Ppp(data)),
        // A length: IEEE 802.2 follows.
        0..=0x05dc => plain(llc(data)),
        _ => plain(Layer::Other),
    })
}

/// IEEE 802.2: what SNAP announces, or IP.
fn llc(data: &[u8]) -> Layer<'_> {
    match data {
        [0xaa, 0xaa, 0x03, 0, 0, 0, a, b, rest @ ..] => {
            Layer::Typed(u16::from_be_bytes([*a, *b]), rest)
        }
        [0x06, 0x06, 0x03, rest @ ..] => Layer::Ip(rest),
        _ => Layer::Other,
    }
}

/// A PPPoE session's header (RFC 2516 4); what comes after its length is padding.
fn pppoe(data: &[u8]) -> Option<Layer<'_>> {
    let length = usize::from(u16_at(data, 4)?);
    let session = data.get(6..)?;
    Some(Layer::Ppp(session.get(..length).unwrap_or(session)))
}

/// PPP in HDLC-like framing (RFC 1662 3.1), whose address and control, and the protocol's high
/// byte, may be left out.
fn ppp(data: &[u8]) -> Option<Layer<'_>> {
    let data = data.strip_prefix(&[0xff, 0x03]).unwrap_or(data);
    let (protocol, rest) = match *data.first()? {
        short if short & 1 == 1 => (short.into(), &data[1..]),
        _ => (u16_at(data, 0)?, &data[2..]),
    };
    Some(match protocol {
        0x0021 | 0x0057 => Layer::Ip(rest),
        0x0281 => Layer::Typed(0x8847, rest),
        0x003d => Layer::Closed("ppp_multilink"),
        0x0053 => Layer::Closed("ppp_encrypted"),
        0x00fd => Layer::Closed("ppp_compressed"),
        _ => Layer::Other,
    })
}

/// A stack of MPLS labels (RFC 3032 2.1), which do not say what they hold: IP, or a pseudowire (RFC
/// 4385 3).
fn mpls(mut data: &[u8]) -> Option<Layer<'_>> {
    loop {
        let (label, rest) = data.split_first_chunk::<4>()?;
        data = rest;
        // The bottom of the stack.
        if label[2] & 1 == 1 {
            break;
        }
    }
    Some(match *data.first()? >> 4 {
        4 | 6 => Layer::Ip(data),
        0 => Layer::Ethernet(data.get(4..)?),
        _ => Layer::Ethernet(data),
    })
}

/// A network service header (RFC 8300 2.2): its length in words, and its next protocol.
fn nsh(data: &[u8]) -> Option<Layer<'_>> {
    let length = usize::from(u16_at(data, 0)? & 0x3f) * 4;
    let rest = data.get(length.max(8)..)?;
    Some(match *data.get(3)? {
        1 | 2 => Layer::Ip(rest),
        3 => Layer::Ethernet(rest),
        5 => Layer::Typed(0x8847, rest),
        _ => Layer::Other,
    })
}

// --- tunnels in IP -----------------------------------------------------------

/// What an IP packet carries that is not TCP.
pub(crate) fn in_ip(protocol: u8, data: &[u8]) -> Option<Step<'_>> {
    Some(match protocol {
        4 => inside("ipip", Layer::Ip(data)),
        41 => inside("6in4", Layer::Ip(data)),
        47 => return gre(data),
        // RFC 3378: a version before the frame.
        97 => inside("etherip", Layer::Ethernet(data.get(2..)?)),
        137 => inside("mpls", mpls(data)?),
        50 => plain(Layer::Closed("esp")),
        115 => plain(Layer::Closed("l2tp")),
        _ => plain(Layer::Other),
    })
}

/// What a UDP datagram to that port carries.
pub(crate) fn in_udp(port: u16, data: &[u8]) -> Option<Step<'_>> {
    Some(match port {
        4789 | 8472 => vxlan(data),
        4790 => vxlan_gpe(data),
        6081 => return geneve(data),
        2152 => return gtp(data),
        6635 => inside("mpls", mpls(data)?),
        443 => plain(Layer::Closed("quic")),
        500 | 4500 => plain(Layer::Closed("esp")),
        1194 => plain(Layer::Closed("openvpn")),
        1701 => plain(Layer::Closed("l2tp")),
        3544 => plain(Layer::Closed("teredo")),
        51820 => plain(Layer::Closed("wireguard")),
        _ => plain(Layer::Other),
    })
}

/// Generic routing encapsulation (RFC 2784 2, RFC 2890 2), and PPTP's variant (RFC 2637 4.1).
fn gre(data: &[u8]) -> Option<Step<'_>> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGMENT: u16 = 0x0080;
    let flags = u16_at(data, 0)?;
    let kind = u16_at(data, 2)?;
    let version = flags & 0x7;
    if flags & ROUTING != 0 || version > 1 {
        return Some(plain(Layer::Closed("gre")));
    }
    let mut fields = CHECKSUM | KEY | SEQUENCE;
    if version == 1 {
        fields |= ACKNOWLEDGMENT;
    }
    let fields = (flags & fields).count_ones() as usize;
    let rest = data.get(4 + 4 * fields..)?;
    Some(match kind {
        // Without a sequence number it is the first type, which has no header of its own.
        0x88be if flags & SEQUENCE == 0 => inside("erspan", Layer::Ethernet(rest)),
        0x88be => inside("erspan", Layer::Ethernet(rest.get(8..)?)),
        0x22eb => inside("erspan", erspan3(rest)?),
        // An acknowledgment alone.
        0x880b if rest.is_empty() => plain(Layer::Other),
        _ => inside("gre", Layer::Typed(kind, rest)),
    })
}

/// ERSPAN's third type: a header, the platform's header if its last bit says so, and a frame or an
/// IP packet.
fn erspan3(data: &[u8]) -> Option<Layer<'_>> {
    let (header, rest) = data.split_first_chunk::<12>()?;
    let rest = if header[11] & 1 == 1 {
        rest.get(8..)?
    } else {
        rest
    };
    Some(match (header[10] >> 2) & 0x1f {
        0 => Layer::Ethernet(rest),
        2 => Layer::Ip(rest),
        _ => Layer::Closed("erspan"),
    })
}

/// RFC 7348 5: a flag that there is a network identifier, and a frame.
fn vxlan(data: &[u8]) -> Step<'_> {
    match data {
        [flags, _, _, _, _, _, _, _, frame @ ..] if flags & 0x08 != 0 => {
            inside("vxlan", Layer::Ethernet(frame))
        }
        _ => plain(Layer::Other),
    }
}

/// draft-ietf-nvo3-vxlan-gpe: the same with a next protocol.
fn vxlan_gpe(data: &[u8]) -> Step<'_> {
    match data {
        [flags, _, _, next, _, _, _, _, rest @ ..] if flags & 0x0c == 0x0c => inside(
            "vxlan",
            match next {
                1 | 2 => Layer::Ip(rest),
                3 => Layer::Ethernet(rest),
                4 => Layer::Typed(0x894f, rest),
                _ => Layer::Other,
            },
        ),
        _ => vxlan(data),
    }
}

/// RFC 8926 3.4: a version of 0, the options' length in words, and an EtherType.
fn geneve(data: &[u8]) -> Option<Step<'_>> {
    let first = *data.first()?;
    if first >> 6 != 0 {
        return Some(plain(Layer::Other));
    }
    let options = usize::from(first & 0x3f) * 4;
    Some(inside("geneve", typed_at(data, 2, 8 + options)?))
}

/// 3GPP TS 29.281 5.1: version 1, a message that holds a user's packet, and extension headers.
fn gtp(data: &[u8]) -> Option<Step<'_>> {
    const USER_PACKET: u8 = 0xff;
    let [flags, kind, ..] = *data else {
        return None;
    };
    if flags >> 4 != 0x3 || kind != USER_PACKET {
        return Some(plain(Layer::Other));
    }
    let mut rest = data.get(8..)?;
    if flags & 0x7 != 0 {
        let mut next = *rest.get(3)?;
        rest = rest.get(4..)?;
        while flags & 0x4 != 0 && next != 0 {
            let length = usize::from(*rest.first()?) * 4;
            next = *rest.get(length.checked_sub(1)?)?;
            rest = rest.get(length..)?;
        }
    }
    Some(match *rest.first()? >> 4 {
        4 | 6 => inside("gtp", Layer::Ip(rest)),
        _ => inside("gtp", Layer::Ethernet(rest)),
    })
}
