// SPDX-License-Identifier: GPL-2.0

//! A page for a browser, in one file that needs no network: counts, connections over time, a table
//! to sort.
//!
//! `page.html` draws it, from the data that is put into it here.

use crate::{
    flow::Flow,
    output::{
        timestamp,
        Record, //
    },
    packet::Time,
    totals::Totals, //
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{
        Path,
        PathBuf, //
    },
    time::SystemTime,
};

const TEMPLATE: &str = include_str!("page.html");
/// Stands in the template where the data goes.
const MARK: &str = "\"DATA\"";
/// How many connections have a row: condemned ones, and others.
const MAX_ROWS: usize = 10_000;
/// The time over which connections are counted together until the page is written.
const MINUTE: i64 = 60_000_000_000;
/// How many bars show them.
const MAX_BARS: i64 = 60;

/// Connections, and how many of them are condemned.
#[derive(Clone, Copy, Default, Serialize)]
struct Share {
    connections: u64,
    condemned: u64,
}

impl Share {
    fn add(&mut self, other: Share) {
        self.connections += other.connections;
        self.condemned += other.condemned;
    }
}

/// A row of the table.
#[derive(Serialize)]
struct Row {
    time: Option<String>,
    age: f64,
    verdict: &'static str,
    reason: Option<&'static str>,
    file: String,
    packet: Option<u64>,
    client: String,
    server: String,
    version: Option<String>,
    sni: Option<String>,
    bytes: u64,
    lacking: String,
}

/// A bar of the connections over time.
#[derive(Serialize)]
struct Bar {
    from: Option<String>,
    #[serde(flatten)]
    share: Share,
}

/// What the page is drawn from.
#[derive(Serialize)]
struct Data<'a> {
    made: Option<String>,
    version: &'static str,
    totals: &'a Totals,
    lacking: Vec<String>,
    by_version: &'a BTreeMap<String, Share>,
    over_time: Vec<Bar>,
    /// How many minutes a bar stands for.
    minutes: i64,
    rows: Vec<&'a Row>,
    /// How many connections have no row.
    rowless: u64,
}

/// The page, as its data is collected.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    by_version: BTreeMap<String, Share>,
    /// By the minute in which they began.
    over_time: BTreeMap<i64, Share>,
    condemned: Vec<Row>,
    others: Vec<Row>,
}

impl Page {
    pub(crate) fn new(path: &Path) -> Self {
        Page {
            path: path.to_owned(),
            by_version: BTreeMap::new(),
            over_time: BTreeMap::new(),
            condemned: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Adds a connection that is over.
    pub(crate) fn add(&mut self, record: &Record<'_>, flow: &Flow) {
        let share = Share {
            connections: 1,
            condemned: flow.broken.is_some().into(),
        };
        let version = record.tls.version.clone().unwrap_or("not known".to_owned());
        self.by_version.entry(version).or_default().add(share);
        if let Some(began) = flow.began.known() {
            let minute = began.div_euclid(MINUTE);
            self.over_time.entry(minute).or_default().add(share);
        }
        let rows = match flow.broken {
            Some(_) => &mut self.condemned,
            None => &mut self.others,
        };
        if rows.len() < MAX_ROWS {
            rows.push(Row::new(record, flow));
        }
    }

    /// Puts minutes together until there are few enough of them.
    fn bars(&self) -> (i64, Vec<Bar>) {
        let first = self.over_time.keys().next();
        let last = self.over_time.keys().next_back();
        let (Some(first), Some(last)) = (first, last) else {
            return (1, Vec::new());
        };
        let minutes = (last - first) / MAX_BARS + 1;
        let count = (last - first) / minutes + 1;
        let bar = |at| {
            let from = first + at * minutes;
            let mut share = Share::default();
            let within = self.over_time.range(from..from + minutes);
            within.for_each(|(_, more)| share.add(*more));
            Bar {
                from: timestamp(Time(from * MINUTE)),
                share,
            }
        };
        (minutes, (0..count).map(bar).collect())
    }

    /// Writes the page.
    pub(crate) fn write(self, totals: &Totals) -> io::Result<()> {
        let rows: Vec<_> = self.condemned.iter().chain(&self.others).collect();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_nanos() as i64);
        let (minutes, over_time) = self.bars();
        let data = Data {
            made: timestamp(Time(now)),
            version: env!("CARGO_PKG_VERSION"),
            totals,
            lacking: totals.lacking(),
            by_version: &self.by_version,
            over_time,
            minutes,
            rowless: totals.connections - rows.len() as u64,
            rows,
        };
        // Nothing in it may end the script that it stands in.
        let data = serde_json::to_string(&data)?.replace('<', "\\u003c");
        fs::write(&self.path, TEMPLATE.replacen(MARK, &data, 1))
    }
}

impl Row {
    fn new(record: &Record<'_>, flow: &Flow) -> Self {
        Row {
            time: record.timestamp.text(),
            age: record.flow.age,
            verdict: record.verdict,
            reason: record.reason,
            file: record.pcap_filename.to_owned(),
            packet: record.pcap_cnt,
            client: flow.client.to_string(),
            server: flow.server.to_string(),
            version: record.tls.version.clone(),
            sni: record.tls.sni.map(str::to_owned),
            bytes: flow.bytes(),
            lacking: record.lacking.join(", "),
        }
    }
}
