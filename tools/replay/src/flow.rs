// SPDX-License-Identifier: GPL-2.0

//! A connection of the capture.

use crate::{
    counts::Counts,
    driver,
    hello::Hellos,
    packet::{
        Packet,
        Time, //
    },
    tls_parser::{
        Connection,
        Direction,
        Policy,
        Reason,
        Segment, //
    },
    waiting::{
        is_after,
        Budget,
        Order, //
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
    /// The largest window that it has offered, and by how much its windows are scaled.
    max_window: u32,
    scale: Option<u8>,
    fin: bool,
}

/// The verdict on a connection, in a word.
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
    /// The order of both.
    orders: [Order; 2],
    /// Whether its beginning was seen.
    pub(crate) syn: bool,
    /// Whether it sent anything.
    payload: bool,
    reset: bool,
    /// Whether an ACK covers bytes that the capture lacks.
    acked_unseen: bool,
    /// Whether the side that opened it has answered the SYN-ACK.
    established: bool,
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
            orders: Default::default(),
            syn: false,
            payload: false,
            reset: false,
            acked_unseen: false,
            established: false,
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

    /// Whether the capture lacks bytes that must have been on the wire.
    pub(crate) fn is_lossy(&self) -> bool {
        let counts = &self.counts;
        self.acked_unseen || counts.gaps_skipped + counts.ooo_passed + counts.ooo_dropped > 0
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
    pub(crate) fn follow(
        &mut self,
        policy: &Policy,
        place: Place,
        packet: &Packet<'_>,
        budget: &mut Budget,
    ) -> Change {
        let (direction, other) = if packet.from == self.client {
            (Direction::Original, Direction::Reply)
        } else {
            (Direction::Reply, Direction::Original)
        };
        let (was_condemned, was_closed) = (self.broken.is_some(), self.is_closed());
        let segment = self.in_connection(direction, packet);
        self.note(place, direction, packet);
        if segment
            .ack
            .is_some_and(|ack| self.orders[other as usize].waits_in_vain(ack))
        {
            self.release(policy, other, true, budget);
        }
        let acked = self.sides[other as usize].acked;
        let order = &mut self.orders[direction as usize];
        if !order.keep((place, packet), segment, acked, budget) {
            self.pass(
                policy,
                direction,
                (place, packet.time),
                (&segment, packet.payload),
            );
            self.release(policy, direction, false, budget);
        }
        if self.is_closed() {
            self.finish(policy, budget);
        }
        match (self.broken.is_some(), self.is_closed()) {
            (true, _) if !was_condemned => Change::Condemned,
            (_, true) if !was_closed => Change::Closed,
            _ => Change::None,
        }
    }

    /// Follows all segments that still wait; true if one condemns the connection.
    pub(crate) fn finish(&mut self, policy: &Policy, budget: &mut Budget) -> bool {
        let was_condemned = self.broken.is_some();
        for direction in [Direction::Original, Direction::Reply] {
            self.release(policy, direction, true, budget);
        }
        self.broken.is_some() && !was_condemned
    }

    /// Follows segments that need not wait any more, or all that wait.
    fn release(&mut self, policy: &Policy, direction: Direction, all: bool, budget: &mut Budget) {
        if !self.orders[direction as usize].waits() {
            return;
        }
        while let Some(it) = self.orders[direction as usize].release(all, budget) {
            self.pass(
                policy,
                direction,
                (it.place, it.time),
                (&it.segment, &it.payload),
            );
        }
    }

    /// Follows a segment whose turn it is.
    fn pass(
        &mut self,
        policy: &Policy,
        direction: Direction,
        (place, time): (Place, Time),
        (segment, payload): (&Segment, &[u8]),
    ) {
        self.orders[direction as usize].pass(segment);
        let mut policy = *policy;
        if self.is_lossy() {
            // A record may come from before the version was chosen.
            policy.off.insert(Reason::VersionMismatch);
        }
        let broken = driver::follow(
            &mut self.state,
            &policy,
            direction,
            (segment, payload),
            &mut self.hellos,
            &mut self.counts,
        );
        if let Some(reason) = broken {
            self.broken = Some(Broken {
                reason,
                packet: place.number,
                direction,
                file: place.file,
                serial: place.serial,
                time,
            });
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
        self.payload |= segment.len > 0;
        self.reset |= segment.rst;
        self.counts.cut_short += u64::from(packet.is_cut());
        let [client, server] = &mut self.sides;
        let (own, peer) = match direction {
            Direction::Original => (client, server),
            Direction::Reply => (server, client),
        };
        let answers = direction == Direction::Original && !segment.syn && segment.ack.is_some();
        self.established |= answers && peer.end.is_some();
        own.note(packet);
        if let (Some(ack), Some(end), false) = (segment.ack, peer.end, segment.rst) {
            self.acked_unseen |= is_after(ack, end);
        }
    }

    /// The segment with what is known of its connection, as conntrack would know it.
    fn in_connection(&self, direction: Direction, packet: &Packet<'_>) -> Segment {
        let own = &self.sides[direction as usize];
        let segment = packet.segment;
        let lag = match (own.acked, segment.ack) {
            (Some(acked), Some(ack)) if is_after(acked, ack) => acked.wrapping_sub(ack),
            _ => 0,
        };
        Segment {
            ack_lag: lag,
            max_window: own.max_window.max(own.window(packet)),
            begins: segment.syn && segment.ack.is_some() && !self.established && own.is_new(packet),
            // The capture may lack its bytes, so that no ACK shows where a stream begins. Without
            // all ACKs it is unknown what overruns a window.
            established: None,
            overruns: false,
            ..segment
        }
    }
}

impl Side {
    /// Notes what a packet of this side says.
    fn note(&mut self, packet: &Packet<'_>) {
        let segment = &packet.segment;
        self.packets += 1;
        self.bytes += u64::from(segment.len);
        self.fin |= segment.fin;
        self.scale = packet.scale.or(self.scale);
        self.max_window = self.max_window.max(self.window(packet));
        if segment.rst {
            return;
        }
        self.end = Some(later(self.end, end(segment)));
        if let Some(ack) = segment.ack {
            self.acked = Some(later(self.acked, ack));
        }
    }

    /// The window that a packet of this side offers; the largest possible if its scale is unknown.
    fn window(&self, packet: &Packet<'_>) -> u32 {
        let scale = if packet.segment.syn {
            0
        } else {
            self.scale.unwrap_or(14)
        };
        u32::from(packet.window) << scale
    }

    /// Whether nothing of this side was seen that lies after a packet.
    fn is_new(&self, packet: &Packet<'_>) -> bool {
        self.end
            .is_none_or(|seen| !is_after(seen, end(&packet.segment)))
    }
}

/// The sequence number after a segment.
fn end(segment: &Segment) -> u32 {
    let flags = u32::from(segment.syn) + u32::from(segment.fin);
    segment.seq.wrapping_add(segment.len).wrapping_add(flags)
}
