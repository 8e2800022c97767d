// SPDX-License-Identifier: GPL-2.0

//! A connection as it is printed, by the names of Suricata's EVE where it has one.
//!
//! `schema.json` beside the sources describes it.

use crate::{
    counts::Counts,
    flow::Flow,
    packet::Time,
    tls_parser::Direction, //
};
use jiff::Timestamp;
use serde::{
    Serialize,
    Serializer, //
};
use std::net::IpAddr;

/// A time as RFC 3339 has it, in UTC.
pub(crate) fn timestamp(time: Time) -> Option<String> {
    let time = Timestamp::from_nanosecond(time.known()?.into()).ok()?;
    Some(format!("{time:.6}"))
}

/// A time that is formatted only where it is printed: that takes as long as to judge a packet.
#[derive(Clone, Copy)]
pub(crate) struct Stamp(Time);

impl Stamp {
    /// Whether there is one.
    pub(crate) fn is_known(self) -> bool {
        self.0.known().is_some()
    }

    /// The time in UTC, as RFC 3339 has it, if there is one.
    pub(crate) fn text(self) -> Option<String> {
        timestamp(self.0)
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}

/// A connection as it is printed.
#[derive(Serialize)]
pub(crate) struct Record<'a> {
    /// When it was condemned, or else when it began.
    pub(crate) timestamp: Stamp,
    event_type: &'static str,
    pub(crate) pcap_filename: &'a str,
    /// The number of the packet that condemned it, from 1, in that file.
    pub(crate) pcap_cnt: Option<u64>,
    pub(crate) src_ip: IpAddr,
    pub(crate) src_port: u16,
    pub(crate) dest_ip: IpAddr,
    pub(crate) dest_port: u16,
    proto: &'static str,
    pub(crate) verdict: &'static str,
    pub(crate) reason: Option<&'static str>,
    pub(crate) direction: Option<&'static str>,
    pub(crate) tls: Tls<'a>,
    pub(crate) flow: Times,
    pub(crate) tunnel: Option<&'static str>,
    /// What the capture lacks of it.
    pub(crate) lacking: Vec<&'static str>,
    pub(crate) counters: Counts,
}

/// What the hellos say.
#[derive(Serialize)]
pub(crate) struct Tls<'a> {
    pub(crate) sni: Option<&'a str>,
    pub(crate) version: Option<String>,
}

/// When a connection existed, and what was sent.
#[derive(Serialize)]
pub(crate) struct Times {
    pub(crate) start: Stamp,
    pub(crate) end: Stamp,
    /// Seconds.
    pub(crate) age: f64,
    pub(crate) first_packet: u64,
    pub(crate) last_packet: u64,
    pkts_toserver: u64,
    pkts_toclient: u64,
    pub(crate) bytes_toserver: u64,
    pub(crate) bytes_toclient: u64,
}

impl<'a> Record<'a> {
    /// What is told of a connection of those files.
    pub(crate) fn new(flow: &'a Flow, files: &'a [String]) -> Self {
        let broken = flow.broken.as_ref();
        let file = broken.map_or(flow.file, |broken| broken.file);
        let times = Times::new(flow);
        Record {
            timestamp: broken.map_or(times.start, |broken| Stamp(broken.time)),
            event_type: "connection",
            pcap_filename: files.get(file as usize).map_or("", String::as_str),
            pcap_cnt: broken.map(|broken| broken.packet),
            src_ip: flow.client.ip(),
            src_port: flow.client.port(),
            dest_ip: flow.server.ip(),
            dest_port: flow.server.port(),
            proto: "TCP",
            verdict: flow.verdict().name(),
            reason: broken.map(|broken| broken.reason.name()),
            direction: broken.map(|broken| name(broken.direction)),
            tls: Tls {
                sni: flow.hellos.name.as_deref(),
                version: flow.hellos.version.map(|version| version.to_string()),
            },
            flow: times,
            tunnel: flow.tunnel,
            lacking: lacking(flow),
            counters: flow.counts,
        }
    }
}

impl Times {
    fn new(flow: &Flow) -> Self {
        let [client, server] = &flow.sides;
        Times {
            start: Stamp(flow.began),
            end: Stamp(flow.ended),
            age: flow.ended.0.saturating_sub(flow.began.0).max(0) as f64 / 1e9,
            first_packet: flow.first,
            last_packet: flow.last,
            pkts_toserver: client.packets,
            pkts_toclient: server.packets,
            bytes_toserver: client.bytes,
            bytes_toclient: server.bytes,
        }
    }
}

fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::Original => "to_server",
        Direction::Reply => "to_client",
    }
}

/// What limits the verdict.
fn lacking(flow: &Flow) -> Vec<&'static str> {
    let table = [
        (!flow.syn, "no_syn"),
        (flow.is_one_sided(), "one_sided"),
        (flow.is_lossy(), "lossy"),
        (flow.counts.cut_short > 0, "cut"),
    ];
    let lacking = table.into_iter().filter(|(is_so, _)| *is_so);
    lacking.map(|(_, what)| what).collect()
}
