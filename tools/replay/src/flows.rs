// SPDX-License-Identifier: GPL-2.0

//! The connections of a capture.
//!
//! The table is bounded. When it is full, the connections that ended leave it, and then those that
//! have been silent for longest.

use crate::{
    flow::{
        Change,
        Flow,
        Place, //
    },
    packet::Packet,
    ports::Ports,
    tls_parser::Policy,
    waiting::Budget, //
};
use foldhash::fast::RandomState;
use std::{
    collections::HashMap,
    io,
    net::{
        IpAddr,
        SocketAddr, //
    },
};

/// What the operator chose.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) policy: Policy,
    pub(crate) ports: Ports,
    /// How many connections are followed at once.
    pub(crate) max_connections: usize,
}

/// What there is to tell of a connection.
#[derive(Clone, Copy)]
pub(crate) enum News<'a> {
    /// It was condemned just now.
    Condemned(&'a Flow),
    /// It came to its end; more packets of it may follow.
    Closed(&'a Flow),
    /// It left the table. If it was forgotten, that was before its end, to make room for others.
    Gone(&'a Flow, Forgotten),
}

/// Whether a connection left the table before its end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forgotten {
    Yes,
    No,
}

/// The receiver of events.
pub(crate) trait Listener {
    fn tell(&mut self, news: News<'_>) -> io::Result<()>;
}

/// The ends of a connection, the same for both directions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    lower: End,
    higher: End,
}

/// An end, with IPv4 addresses as IPv6 has them: that is hashed in two steps.
type End = (u128, u16);

fn end(address: SocketAddr) -> End {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    (ip.to_bits(), address.port())
}

impl Key {
    /// The ends of a connection, in their order.
    pub(crate) fn new(a: SocketAddr, b: SocketAddr) -> Self {
        let (a, b) = (end(a), end(b));
        Key {
            lower: a.min(b),
            higher: a.max(b),
        }
    }

    /// The ends of a packet's connection.
    pub(crate) fn of(packet: &Packet<'_>) -> Self {
        Self::new(packet.from, packet.to)
    }
}

/// The connections that are being followed.
pub(crate) struct Table<'a> {
    flows: HashMap<Key, Box<Flow>, RandomState>,
    settings: &'a Settings,
    budget: Budget,
}

impl<'a> Table<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        Table {
            flows: HashMap::default(),
            settings,
            budget: Budget::default(),
        }
    }

    /// Follows a packet; false if it is of no connection to our ports.
    pub(crate) fn follow(
        &mut self,
        place: Place,
        packet: &Packet<'_>,
        listener: &mut impl Listener,
    ) -> io::Result<bool> {
        let ports = &self.settings.ports;
        if !ports.has(packet.from.port()) && !ports.has(packet.to.port()) {
            return Ok(false);
        }
        let key = Key::of(packet);
        let begins = packet.segment.syn && packet.segment.ack.is_none();
        if begins {
            self.begin(key, packet, listener)?;
        }
        let policy = &self.settings.policy;
        if let Some(flow) = self.flows.get_mut(&key) {
            let change = flow.follow(policy, place, packet, &mut self.budget);
            return tell(change, flow, listener).map(|()| true);
        }
        let (client, server) = self.sides(packet);
        if !self.settings.ports.has(server.port()) {
            return Ok(false);
        }
        self.make_room(listener)?;
        let mut flow = Box::new(Flow::new(place, packet, client, server));
        let change = flow.follow(policy, place, packet, &mut self.budget);
        tell(change, &flow, listener)?;
        self.flows.insert(key, flow);
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
            Some(flow) if flow.is_over() => self.end(&key, Forgotten::No, listener),
            // Only ACKs of it were seen, which did not show which side is the client.
            Some(flow) if !flow.syn && flow.client != packet.from => {
                self.flows.remove(&key);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes a connection out of the table.
    fn end(
        &mut self,
        key: &Key,
        forgotten: Forgotten,
        listener: &mut impl Listener,
    ) -> io::Result<()> {
        let Some(mut flow) = self.flows.remove(key) else {
            return Ok(());
        };
        if flow.finish(&self.settings.policy, &mut self.budget) {
            listener.tell(News::Condemned(&flow))?;
        }
        listener.tell(News::Gone(&flow, forgotten))
    }

    /// The client and the server of a connection that begins, or is first seen, with this packet.
    fn sides(&self, packet: &Packet<'_>) -> (SocketAddr, SocketAddr) {
        let (from, to) = (packet.from, packet.to);
        let ports = &self.settings.ports;
        let to_server = if packet.segment.syn {
            packet.segment.ack.is_none()
        } else if ports.all {
            // The lower port is more likely the server's.
            to.port() < from.port()
        } else {
            ports.has(to.port())
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
        self.remove(Flow::is_ending, Forgotten::No, listener)?;
        // Several at once, since a search of the table for each new connection would take long.
        let spare = max.div_ceil(8);
        let Some(surplus) = (self.flows.len() + spare).checked_sub(max + 1) else {
            return Ok(());
        };
        let mut seen: Vec<_> = self
            .flows
            .values()
            .map(|flow| *flow.serials.end())
            .collect();
        let (_, &mut silent_since, _) = seen.select_nth_unstable(surplus);
        let silent = |flow: &Flow| *flow.serials.end() <= silent_since;
        self.remove(silent, Forgotten::Yes, listener)
    }

    /// Ends all connections, for the capture is over.
    pub(crate) fn finish(mut self, listener: &mut impl Listener) -> io::Result<()> {
        self.remove(|_| true, Forgotten::No, listener)
    }

    /// Takes connections out of the table, in the order of their first packets.
    fn remove(
        &mut self,
        which: impl Fn(&Flow) -> bool,
        forgotten: Forgotten,
        listener: &mut impl Listener,
    ) -> io::Result<()> {
        let which = self.flows.iter().filter(|(_, flow)| which(flow));
        let mut keys: Vec<_> = which
            .map(|(key, flow)| (*flow.serials.start(), *key))
            .collect();
        keys.sort_unstable();
        keys.iter()
            .try_for_each(|(_, key)| self.end(key, forgotten, listener))
    }
}

/// Tells what a packet changed.
fn tell(change: Change, flow: &Flow, listener: &mut impl Listener) -> io::Result<()> {
    match change {
        Change::None => Ok(()),
        Change::Condemned => listener.tell(News::Condemned(flow)),
        Change::Closed => listener.tell(News::Closed(flow)),
    }
}
