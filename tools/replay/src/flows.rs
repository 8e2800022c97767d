// SPDX-License-Identifier: GPL-2.0

//! The connections of a capture, each followed as the module follows it: `nf_conntrack_tls.rs` is the model.
//!
//! The table is bounded. When it is full, the connections that ended leave it, and then those that have
//! been silent for longest.

use crate::{
    packet::Packet,
    tls_parser::{
        Connection,
        Direction,
        Placement,
        Policy,
        Reason,
        Segment, //
    },
};
use serde::Serialize;
use std::{
    cmp::Ordering,
    collections::HashMap,
    io,
    net::SocketAddr,
    ops::AddAssign, //
};

/// The TCP ports of the servers to look at.
#[derive(Clone, Debug)]
pub(crate) enum Ports {
    All,
    These(Vec<u16>),
}

impl Ports {
    fn has(&self, port: u16) -> bool {
        match self {
            Ports::All => true,
            Ports::These(ports) => ports.contains(&port),
        }
    }
}

/// What the operator chose.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) policy: Policy,
    pub(crate) ports: Ports,
    /// How many connections are followed at once.
    pub(crate) max_connections: usize,
}

/// What became of segments, by the names of the module's counters.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct Counts {
    /// Bytes of payload read, or skipped by arithmetic.
    pub(crate) bytes: u64,
    /// Records that began, but for those in the segment that broke a rule.
    pub(crate) records: u64,
    pub(crate) retransmissions: u64,
    pub(crate) holes_skipped: u64,
    pub(crate) out_of_order: u64,
    pub(crate) picked_up: u64,
    pub(crate) mid_stream: u64,
    pub(crate) truncated: u64,
    /// Packets with less payload in the capture than on the wire.
    pub(crate) cut_short: u64,
}

impl Counts {
    /// The counts by their names.
    pub(crate) fn named(&self) -> [(&'static str, u64); 9] {
        [
            ("bytes", self.bytes),
            ("records", self.records),
            ("retransmissions", self.retransmissions),
            ("holes_skipped", self.holes_skipped),
            ("out_of_order", self.out_of_order),
            ("picked_up", self.picked_up),
            ("mid_stream", self.mid_stream),
            ("truncated", self.truncated),
            ("cut_short", self.cut_short),
        ]
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.bytes += other.bytes;
        self.records += other.records;
        self.retransmissions += other.retransmissions;
        self.holes_skipped += other.holes_skipped;
        self.out_of_order += other.out_of_order;
        self.picked_up += other.picked_up;
        self.mid_stream += other.mid_stream;
        self.truncated += other.truncated;
        self.cut_short += other.cut_short;
    }
}

/// The rule that a connection broke, and where.
#[derive(Clone, Copy)]
pub(crate) struct Broken {
    pub(crate) reason: Reason,
    pub(crate) packet: u64,
    pub(crate) direction: Direction,
}

/// A connection of the capture.
#[derive(Clone, Copy)]
pub(crate) struct Flow {
    state: Connection,
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
    /// The numbers of its first packet and of the latest.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Whether its beginning was seen.
    pub(crate) syn: bool,
    /// Whether it sent anything.
    payload: bool,
    /// Whether a FIN or RST was seen.
    ended: bool,
    /// What the client, and the server, has acknowledged.
    acked: [Option<u32>; 2],
    pub(crate) broken: Option<Broken>,
    pub(crate) counts: Counts,
}

impl Flow {
    fn new(number: u64, client: SocketAddr, server: SocketAddr) -> Self {
        Flow {
            state: Connection::default(),
            client,
            server,
            first: number,
            last: number,
            syn: false,
            payload: false,
            ended: false,
            acked: [None; 2],
            broken: None,
            counts: Counts::default(),
        }
    }

    /// Whether it sent something, none of which could be read.
    pub(crate) fn is_unread(&self) -> bool {
        self.payload && self.counts.bytes == 0 && self.broken.is_none()
    }

    /// Whether a SYN begins another connection between the same ports.
    fn is_over(&self) -> bool {
        self.ended || (self.payload && !self.syn)
    }

    /// Follows a packet of the connection; true if that condemned it.
    fn follow(&mut self, policy: &Policy, number: u64, packet: &Packet<'_>) -> bool {
        self.last = number;
        let direction = if packet.from == self.client {
            Direction::Original
        } else {
            Direction::Reply
        };
        self.note(packet);
        let mut segment = packet.segment;
        segment.stale = self.acknowledge(direction, &segment);
        match self.pass(policy, direction, packet, &segment) {
            Fate::Passed | Fate::Condemned => false,
            Fate::OutOfOrder => {
                self.counts.out_of_order += 1;
                // The module drops it, and sees it again. Here it has passed, as under `log_only`.
                self.state.lose(direction);
                false
            }
            Fate::Breaks(reason) => {
                self.broken = Some(Broken {
                    reason,
                    packet: number,
                    direction,
                });
                true
            }
        }
    }

    fn note(&mut self, packet: &Packet<'_>) {
        let segment = &packet.segment;
        self.syn |= segment.syn && segment.ack.is_none();
        self.payload |= segment.len > 0 || packet.cut;
        self.ended |= segment.fin || segment.rst;
        self.counts.cut_short += u64::from(packet.cut);
    }

    /// Notes what the segment acknowledges, and tells whether its side has acknowledged more before.
    fn acknowledge(&mut self, direction: Direction, segment: &Segment) -> bool {
        let [client, server] = &mut self.acked;
        let acked = match direction {
            Direction::Original => client,
            Direction::Reply => server,
        };
        let Some(ack) = segment.ack.filter(|_| !segment.rst) else {
            return false;
        };
        // Half of the sequence space lies before, half behind (RFC 9293 3.4).
        let stale = acked.is_some_and(|acked| ack.wrapping_sub(acked) > u32::MAX >> 1);
        if !stale {
            *acked = Some(ack);
        }
        stale
    }

    fn pass(
        &mut self,
        policy: &Policy,
        direction: Direction,
        packet: &Packet<'_>,
        segment: &Segment,
    ) -> Fate {
        // As the module does with bare ACKs.
        if segment.len == 0 && !segment.syn && !segment.fin && !segment.urg {
            return Fate::Passed;
        }
        Passage {
            connection: &mut self.state,
            counts: &mut self.counts,
            policy,
            packet,
            direction,
        }
        .follow(segment)
    }
}

/// What a segment came to.
enum Fate {
    Passed,
    Breaks(Reason),
    Condemned,
    OutOfOrder,
}

/// A segment's way through its connection's state, as in the module.
struct Passage<'a> {
    connection: &'a mut Connection,
    counts: &'a mut Counts,
    policy: &'a Policy,
    packet: &'a Packet<'a>,
    direction: Direction,
}

impl Passage<'_> {
    /// Places the segment in its stream, and reads what is new of it.
    fn follow(&mut self, segment: &Segment) -> Fate {
        let condemned = self.connection.condemned().is_some();
        let fate = match self.connection.place(self.direction, segment) {
            Placement::Empty => Fate::Passed,
            // Here nothing runs ahead, so that `end` is the segment's.
            Placement::Next { skip, .. } => self.read(skip),
            Placement::BehindHole { .. } => {
                self.counts.holes_skipped += 1;
                self.read(0)
            }
            Placement::Retransmission => {
                self.counts.retransmissions += 1;
                Fate::Passed
            }
            Placement::OutOfOrder => Fate::OutOfOrder,
            Placement::MidStream => self.pick_up(segment),
            Placement::Condemned(_) if condemned => Fate::Condemned,
            Placement::Condemned(reason) => Fate::Breaks(reason),
        };
        if segment.fin && matches!(fate, Fate::Passed) && self.connection.in_record(self.direction)
        {
            self.counts.truncated += 1;
        }
        fate
    }

    /// Takes the stream up in the middle, or lets the segment pass unread.
    fn pick_up(&mut self, segment: &Segment) -> Fate {
        let payload = self.packet.payload;
        let header_at = |at: u32| payload.get(at as usize..)?.first_chunk().copied();
        if self.connection.pick_up(self.direction, segment, header_at) {
            self.counts.picked_up += 1;
            self.read(0)
        } else {
            self.counts.mid_stream += 1;
            Fate::Passed
        }
    }

    /// Feeds the payload from byte `skip` on to the parser.
    fn read(&mut self, skip: u32) -> Fate {
        let new = self.packet.payload.get(skip as usize..).unwrap_or_default();
        match self.connection.feed(self.policy, self.direction, new) {
            Ok(records) => {
                self.counts.bytes += new.len() as u64;
                self.counts.records += u64::from(records);
                Fate::Passed
            }
            Err(reason) => Fate::Breaks(reason),
        }
    }
}

/// What there is to tell of a connection.
pub(crate) enum News<'a> {
    /// It was condemned just now.
    Condemned(&'a Flow),
    /// It is over, or the capture is.
    Ended(&'a Flow),
    /// It was given up for others.
    Forgotten(&'a Flow),
}

/// Whom to tell.
pub(crate) trait Listener {
    fn tell(&mut self, news: News<'_>) -> io::Result<()>;
}

type Key = (SocketAddr, SocketAddr);

/// The connections that are being followed.
pub(crate) struct Table<'a> {
    flows: HashMap<Key, Flow>,
    settings: &'a Settings,
}

impl<'a> Table<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Table {
            flows: HashMap::new(),
            settings,
        }
    }

    /// Follows a packet; false if it is of no connection to our ports.
    pub(crate) fn follow(
        &mut self,
        number: u64,
        packet: &Packet<'_>,
        listener: &mut impl Listener,
    ) -> io::Result<bool> {
        let ports = &self.settings.ports;
        if !ports.has(packet.from.port()) && !ports.has(packet.to.port()) {
            return Ok(false);
        }
        let key = key(packet);
        let begins = packet.segment.syn && packet.segment.ack.is_none();
        if begins {
            self.begin(key, packet, listener)?;
        }
        if !self.flows.contains_key(&key) && !self.open(key, number, packet, listener)? {
            return Ok(false);
        }
        if let Some(flow) = self.flows.get_mut(&key) {
            if flow.follow(&self.settings.policy, number, packet) {
                listener.tell(News::Condemned(flow))?;
            }
        }
        Ok(true)
    }

    /// Takes a connection in that was not known; false if it is not to our ports.
    fn open(
        &mut self,
        key: Key,
        number: u64,
        packet: &Packet<'_>,
        listener: &mut impl Listener,
    ) -> io::Result<bool> {
        let (client, server) = self.sides(packet);
        if !self.settings.ports.has(server.port()) {
            return Ok(false);
        }
        self.make_room(listener)?;
        self.flows.insert(key, Flow::new(number, client, server));
        Ok(true)
    }

    /// Ends what was between the ports before a SYN begins a connection there.
    fn begin(
        &mut self,
        key: Key,
        packet: &Packet<'_>,
        listener: &mut impl Listener,
    ) -> io::Result<()> {
        match self.flows.get(&key) {
            Some(flow) if flow.is_over() => {
                listener.tell(News::Ended(flow))?;
                self.flows.remove(&key);
            }
            // Nothing but ACKs of it was seen, which did not tell who is the client.
            Some(flow) if !flow.syn && flow.client != packet.from => {
                self.flows.remove(&key);
            }
            _ => {}
        }
        Ok(())
    }

    /// The client and the server of a connection that begins, or is first seen, with this packet.
    fn sides(&self, packet: &Packet<'_>) -> Key {
        let (from, to) = (packet.from, packet.to);
        let to_server = if packet.segment.syn {
            packet.segment.ack.is_none()
        } else {
            match &self.settings.ports {
                // The lower port is the likelier server's.
                Ports::All => to.port() < from.port(),
                ports => ports.has(to.port()),
            }
        };
        if to_server {
            (from, to)
        } else {
            (to, from)
        }
    }

    /// Makes room for one more connection.
    fn make_room(&mut self, listener: &mut impl Listener) -> io::Result<()> {
        let max = self.settings.max_connections;
        if self.flows.len() < max {
            return Ok(());
        }
        for flow in self.remove(|flow| flow.ended) {
            listener.tell(News::Ended(&flow))?;
        }
        // To look through the table for each new connection would take long.
        let spare = max.div_ceil(8);
        let Some(surplus) = (self.flows.len() + spare).checked_sub(max + 1) else {
            return Ok(());
        };
        let mut seen: Vec<_> = self.flows.values().map(|flow| flow.last).collect();
        let (_, &mut silent_since, _) = seen.select_nth_unstable(surplus);
        for flow in self.remove(|flow| flow.last <= silent_since) {
            listener.tell(News::Forgotten(&flow))?;
        }
        Ok(())
    }

    /// Ends all connections, for the capture is over.
    pub(crate) fn finish(mut self, listener: &mut impl Listener) -> io::Result<()> {
        for flow in self.remove(|_| true) {
            listener.tell(News::Ended(&flow))?;
        }
        Ok(())
    }

    /// Takes connections out of the table, in the order of their first packets.
    fn remove(&mut self, which: impl Fn(&Flow) -> bool) -> Vec<Flow> {
        let mut removed = Vec::new();
        self.flows.retain(|_, flow| {
            let goes = which(flow);
            if goes {
                removed.push(*flow);
            }
            !goes
        });
        removed.sort_unstable_by_key(|flow| flow.first);
        removed
    }
}

/// The same for both directions.
fn key(packet: &Packet<'_>) -> Key {
    match packet.from.cmp(&packet.to) {
        Ordering::Greater => (packet.to, packet.from),
        _ => (packet.from, packet.to),
    }
}
