// SPDX-License-Identifier: GPL-2.0

//! Takes packets, or their ends, out of a capture.

#![allow(unreachable_pub)]

use super::capture::pcap_of;
use etherparse::{
    LaxSlicedPacket,
    TransportSlice, //
};
use pcap_parser::{
    create_reader,
    Block,
    PcapBlockOwned,
    PcapError, //
};
use std::{
    collections::BTreeMap,
    fmt,
    io::Cursor, //
};

/// A way to mangle a capture. Segments are those with payload, counted per connection and direction
/// from 0.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// Only packets that one side sent: the one with the higher port, or the other.
    OneSide { higher_port: bool },
    /// No SYN of a client.
    NoSyn,
    /// No SYN-ACK.
    NoSynAck,
    /// Not that segment of one side.
    NoSegment { higher_port: bool, number: u32 },
    /// Some packets are lost, at random.
    Loss { percent: u32, seed: u64 },
    /// Packets are cut at that many bytes.
    Cut(usize),
    /// The first segment of the server stands before the first one of the client.
    ReplyFirst,
    /// Some packets come a little later, at random.
    Late { percent: u32, seed: u64 },
}

impl Way {
    /// All ways that are tried.
    pub fn all() -> impl Iterator<Item = Way> {
        let sides = [true, false];
        let one_side = sides.map(|higher_port| Way::OneSide { higher_port });
        let segments = sides.into_iter().flat_map(|higher_port| {
            (0..3).map(move |number| Way::NoSegment {
                higher_port,
                number,
            })
        });
        let random = |percents: [u32; 2]| {
            let seeds = move |percent| (1..=6).map(move |seed| (percent, seed));
            percents.into_iter().flat_map(seeds)
        };
        let losses = random([1, 5]).chain([(20, 1), (50, 1)]);
        let losses = losses.map(|(percent, seed)| Way::Loss { percent, seed });
        let delays = random([2, 10]).map(|(percent, seed)| Way::Late { percent, seed });
        one_side
            .into_iter()
            .chain([Way::NoSyn, Way::NoSynAck])
            .chain(segments)
            .chain(losses)
            .chain([96, 200, 256, 512].map(Way::Cut))
            .chain([Way::ReplyFirst])
            .chain(delays)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |higher_port| if higher_port { "client" } else { "server" };
        match *self {
            Way::OneSide { higher_port } => write!(f, "only the {}", side(higher_port)),
            Way::NoSyn => write!(f, "no SYN"),
            Way::NoSynAck => write!(f, "no SYN-ACK"),
            Way::NoSegment {
                higher_port,
                number,
            } => write!(f, "no segment {number} of the {}", side(higher_port)),
            Way::Loss { percent, seed } => write!(f, "{percent} % lost, seed {seed}"),
            Way::Cut(snaplen) => write!(f, "cut at {snaplen} bytes"),
            Way::ReplyFirst => write!(f, "the server's segment first"),
            Way::Late { percent, seed } => write!(f, "{percent} % late, seed {seed}"),
        }
    }
}

/// A packet of the capture, and what is to be known of its segment.
struct Packet {
    data: Vec<u8>,
    length: u32,
    tcp: Option<Tcp>,
}

struct Tcp {
    /// Both ports, the lower one first, and the rest of the addresses.
    connection: (u16, u16),
    from_higher_port: bool,
    syn: bool,
    ack: bool,
    /// Its place among the segments with payload of its side.
    number: Option<u32>,
}

/// A capture to mangle.
pub struct Mangled {
    link: i32,
    packets: Vec<Packet>,
}

impl Mangled {
    pub fn new(file: &[u8]) -> Self {
        let mut mangled = Mangled {
            link: 0,
            packets: Vec::new(),
        };
        let mut numbers = BTreeMap::new();
        let mut reader = create_reader(1 << 18, Cursor::new(file.to_vec())).unwrap();
        loop {
            match reader.next() {
                Ok((length, block)) => {
                    mangled.take(&block, &mut numbers);
                    reader.consume(length);
                }
                Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
                // Some captures end in the middle of a packet.
                Err(_) => return mangled,
            }
        }
    }

    fn take(&mut self, block: &PcapBlockOwned<'_>, numbers: &mut Numbers) {
        match block {
            PcapBlockOwned::LegacyHeader(header) => self.link = header.network.0 & 0xffff,
            PcapBlockOwned::Legacy(frame) => {
                self.push(&frame.data[..frame.caplen as usize], frame.origlen, numbers);
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(it)) => self.link = it.linktype.0,
            PcapBlockOwned::NG(Block::EnhancedPacket(frame)) => {
                self.push(&frame.data[..frame.caplen as usize], frame.origlen, numbers);
            }
            PcapBlockOwned::NG(_) => {}
        }
    }

    fn push(&mut self, data: &[u8], length: u32, numbers: &mut Numbers) {
        self.packets.push(Packet {
            data: data.to_vec(),
            length,
            tcp: tcp(ip(self.link, data), numbers),
        });
    }

    /// The capture, mangled.
    pub fn by(&self, way: Way) -> Vec<u8> {
        let mut random = match way {
            Way::Loss { seed, .. } | Way::Late { seed, .. } => {
                let size = self.packets.len() as u64;
                (seed + size).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            }
            _ => 1,
        };
        let kept = self
            .packets
            .iter()
            .filter(|packet| !is_lost(way, packet, &mut random));
        let mut kept: Vec<_> = kept.collect();
        match way {
            Way::ReplyFirst => put_replies_first(&mut kept),
            Way::Late { percent, .. } => delay(&mut kept, percent, &mut random),
            _ => {}
        }
        let snaplen = match way {
            Way::Cut(snaplen) => snaplen,
            _ => usize::MAX,
        };
        let frames = kept.into_iter().map(|packet| {
            let captured = packet.data.len().min(snaplen);
            (&packet.data[..captured], packet.length)
        });
        pcap_of(self.link as u32, frames)
    }
}

fn is_lost(way: Way, packet: &Packet, random: &mut u64) -> bool {
    if let Way::Loss { percent, .. } = way {
        return next(random) % 100 < u64::from(percent);
    }
    let Some(tcp) = &packet.tcp else {
        return false;
    };
    match way {
        Way::OneSide { higher_port } => tcp.from_higher_port != higher_port,
        Way::NoSyn => tcp.syn && !tcp.ack,
        Way::NoSynAck => tcp.syn && tcp.ack,
        Way::NoSegment {
            higher_port,
            number,
        } => tcp.from_higher_port == higher_port && tcp.number == Some(number),
        _ => false,
    }
}

/// Swaps the first segments of both sides.
fn put_replies_first(packets: &mut [&Packet]) {
    let mut firsts = BTreeMap::<_, usize>::new();
    for at in 0..packets.len() {
        let Some(tcp) = packets[at].tcp.as_ref().filter(|it| it.number == Some(0)) else {
            continue;
        };
        if let Some(before) = firsts.remove(&tcp.connection) {
            packets[before..=at].rotate_right(1);
        } else {
            firsts.insert(tcp.connection, at);
        }
    }
}

/// Moves some packets up to four places back.
fn delay(packets: &mut [&Packet], percent: u32, random: &mut u64) {
    for at in 0..packets.len() {
        if next(random) % 100 < u64::from(percent) {
            let to = (at + 1 + next(random) as usize % 4).min(packets.len() - 1);
            packets[at..=to].rotate_left(1);
        }
    }
}

/// Xorshift: the same losses in each run.
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random >> 20
}

/// How many segments with payload came of a connection's side.
type Numbers = BTreeMap<((u16, u16), bool), u32>;

/// The IP packet of a frame, with as much of a tunnel as the captures have.
fn ip(link: i32, frame: &[u8]) -> Option<&[u8]> {
    let mut at = match link {
        0 => return frame.get(4..),
        1 => 12,
        113 => 14,
        _ => return Some(frame),
    };
    loop {
        let kind = u16::from_be_bytes(*frame.get(at..)?.first_chunk()?);
        at += match kind {
            0x0800 | 0x86dd => return frame.get(at + 2..),
            0x8100 | 0x88a8 | 0x9100 => 4,
            0x8864 => return frame.get(at + 10..),
            _ => return None,
        };
    }
}

fn tcp(ip: Option<&[u8]>, numbers: &mut Numbers) -> Option<Tcp> {
    let packet = LaxSlicedPacket::from_ip(ip?).ok()?;
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else {
        return None;
    };
    let (from, to) = (tcp.source_port(), tcp.destination_port());
    let connection = (from.min(to), from.max(to));
    let number = (!tcp.payload().is_empty()).then(|| {
        let number = numbers.entry((connection, from > to)).or_default();
        *number += 1;
        *number - 1
    });
    Some(Tcp {
        connection,
        from_higher_port: from > to,
        syn: tcp.syn(),
        ack: tcp.ack(),
        number,
    })
}
