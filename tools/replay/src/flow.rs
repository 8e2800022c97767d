// SPDX-License-Identifier: GPL-2.0

//! A connection of the capture.

use crate::{
    counts::Counts,
    driver::Driver,
    hello::Hellos,
    packet::{
        Packet,
        Time, //
    },
    tls_parser::{
        Connection,
        Direction,
        Policy,
        Reason, //
    },
};
use std::{
    net::SocketAddr,
    ops::RangeInclusive, //
};

/// The rule that a connection broke, and where.
#[derive(Clone, Copy)]
pub(crate) struct Broken {
    pub(crate) reason: Reason,
    pub(crate) packet: u64,
    pub(crate) direction: Direction,
    /// The file that has the packet: see [`Flow::file`].
    pub(crate) file: u32,
    /// Its number among the packets of all files.
    pub(crate) serial: u64,
    pub(crate) time: Time,
}

/// What one side has sent, as far as the capture has it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Side {
    pub(crate) packets: u64,
    /// Bytes of payload, by what its packets say.
    pub(crate) bytes: u64,
    /// The sequence number after its last byte.
    end: Option<u32>,
    /// The highest acknowledgment.
    acked: Option<u32>,
    fin: bool,
}

/// What there is to say of a connection in a word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Condemned(Reason),
    /// It broke no rule.
    Clean,
    /// It sent something, none of which could be followed.
    Unread,
    /// It sent nothing.
    Empty,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verdict::Condemned(_) => "condemned",
            Verdict::Clean => "clean",
            Verdict::Unread => "unread",
            Verdict::Empty => "empty",
        }
    }
}

/// A connection of the capture.
pub(crate) struct Flow {
    state: Connection,
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
    /// The numbers of its first packet and of the latest, in their files.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The file, of those that are judged together, that has its first packet.
    pub(crate) file: u32,
    /// Its first packet and the latest, among those of all files.
    pub(crate) serials: RangeInclusive<u64>,
    pub(crate) began: Time,
    pub(crate) ended: Time,
    /// What the client, and the server, sent.
    pub(crate) sides: [Side; 2],
    /// Whether its beginning was seen.
    pub(crate) syn: bool,
    /// Whether it sent anything.
    payload: bool,
    reset: bool,
    /// Whether an ACK covers bytes that the capture lacks.
    acked_unseen: bool,
    pub(crate) tunnel: Option<&'static str>,
    pub(crate) hellos: Hellos,
    pub(crate) broken: Option<Broken>,
    pub(crate) counts: Counts,
}

/// Where a packet stands.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) file: u32,
    /// Its number in that file.
    pub(crate) number: u64,
    /// Its number among the packets of all files.
    pub(crate) serial: u64,
}

/// What a packet changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    /// The connection was condemned.
    Condemned,
    /// The connection came to its end.
    Closed,
}

/// Whether sequence number `a` comes after `b`: half of their space lies before `b`, half after it (RFC 9293 3.4).
fn is_after(a: u32, b: u32) -> bool {
    b.wrapping_sub(a) > u32::MAX >> 1
}

/// The later one of two sequence numbers.
fn later(a: Option<u32>, b: u32) -> u32 {
    a.filter(|&a| is_after(a, b)).unwrap_or(b)
}

impl Flow {
    pub(crate) fn new(
        place: Place,
        packet: &Packet<'_>,
        client: SocketAddr,
        server: SocketAddr,
    ) -> Self {
        Flow {
            state: Connection::default(),
            client,
            server,
            first: place.number,
            last: place.number,
            file: place.file,
            serials: place.serial..=place.serial,
            began: packet.time,
            ended: packet.time,
            sides: [Side::default(); 2],
            syn: false,
            payload: false,
            reset: false,
            acked_unseen: false,
            tunnel: packet.tunnel,
            hellos: Hellos::default(),
            broken: None,
            counts: Counts::default(),
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match self.broken {
            Some(broken) => Verdict::Condemned(broken.reason),
            None if !self.payload => Verdict::Empty,
            None if self.counts.bytes == 0 => Verdict::Unread,
            None => Verdict::Clean,
        }
    }

    /// All bytes of payload.
    pub(crate) fn bytes(&self) -> u64 {
        let [client, server] = self.sides;
        client.bytes + server.bytes
    }

    /// Whether only one side's packets are in the capture.
    pub(crate) fn is_one_sided(&self) -> bool {
        let [client, server] = self.sides;
        client.packets == 0 || server.packets == 0
    }

    /// Whether bytes are not in the capture that must have been on the wire.
    pub(crate) fn is_lossy(&self) -> bool {
        let counts = &self.counts;
        self.acked_unseen || counts.gaps_skipped + counts.ooo_passed > 0
    }

    /// Whether it came to its end.
    pub(crate) fn is_closed(&self) -> bool {
        let [client, server] = &self.sides;
        self.reset || (client.fin && server.fin)
    }

    /// Whether a FIN or RST was seen.
    pub(crate) fn is_ending(&self) -> bool {
        self.reset || self.sides.iter().any(|side| side.fin)
    }

    /// Whether a SYN begins another connection between the same ports.
    pub(crate) fn is_over(&self) -> bool {
        self.is_ending() || (self.payload && !self.syn)
    }

    /// Follows a packet of the connection.
    pub(crate) fn follow(&mut self, policy: &Policy, place: Place, packet: &Packet<'_>) -> Change {
        let direction = if packet.from == self.client {
            Direction::Original
        } else {
            Direction::Reply
        };
        let was_closed = self.is_closed();
        self.note(place, direction, packet);
        let mut segment = packet.segment;
        segment.stale = self.acknowledge(direction, packet);
        let broken = Driver {
            connection: &mut self.state,
            counts: &mut self.counts,
            policy,
            packet,
            direction,
            tap: &mut self.hellos,
        }
        .follow(&segment);
        if let Some(reason) = broken {
            self.broken = Some(Broken {
                reason,
                packet: place.number,
                direction,
                file: place.file,
                serial: place.serial,
                time: packet.time,
            });
            return Change::Condemned;
        }
        if !was_closed && self.is_closed() {
            Change::Closed
        } else {
            Change::None
        }
    }

    fn note(&mut self, place: Place, direction: Direction, packet: &Packet<'_>) {
        let segment = &packet.segment;
        self.last = place.number;
        self.serials = *self.serials.start()..=place.serial;
        self.ended = self.ended.max(packet.time);
        if self.began == Time::default() {
            self.began = packet.time;
        }
        self.tunnel = packet.tunnel.or(self.tunnel);
        self.syn |= segment.syn && segment.ack.is_none();
        self.payload |= segment.len > 0 || packet.cut;
        self.reset |= segment.rst;
        self.counts.cut_short += u64::from(packet.cut);
        let side = &mut self.sides[direction as usize];
        side.packets += 1;
        side.bytes += u64::from(packet.length);
        side.fin |= segment.fin;
        if !segment.rst {
            let flags = u32::from(segment.syn) + u32::from(segment.fin);
            let end = segment.seq.wrapping_add(packet.length).wrapping_add(flags);
            side.end = Some(later(side.end, end));
        }
    }

    /// Notes what the segment acknowledges, and tells whether its side has acknowledged more before.
    fn acknowledge(&mut self, direction: Direction, packet: &Packet<'_>) -> bool {
        let segment = &packet.segment;
        let Some(ack) = segment.ack.filter(|_| !segment.rst) else {
            return false;
        };
        let [client, server] = &mut self.sides;
        let (own, peer) = match direction {
            Direction::Original => (client, server),
            Direction::Reply => (server, client),
        };
        let stale = own.acked.is_some_and(|acked| is_after(acked, ack));
        if !stale {
            own.acked = Some(ack);
        }
        self.acked_unseen |= peer.end.is_some_and(|end| is_after(ack, end));
        stale
    }
}
