// SPDX-License-Identifier: GPL-2.0

//! Sums of what was read, of one file or of all.

use crate::{
    counts::Counts,
    flow::{
        Flow,
        Verdict, //
    },
    tls_parser::Reason,
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{
        self,
        Write, //
    },
    ops::AddAssign,
};

/// Counts by name.
pub(crate) type Tally = BTreeMap<&'static str, u64>;

/// The sum of what was read.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Totals {
    pub(crate) packets: u64,
    pub(crate) connections: u64,
    clean: u64,
    unread: u64,
    empty: u64,
    pub(crate) condemned: u64,
    /// Condemned connections by the rule that they broke.
    pub(crate) reasons: Tally,
    #[serde(flatten)]
    pub(crate) counts: Counts,
    /// Connections of which the capture lacks something.
    no_syn: u64,
    one_sided: u64,
    lossy: u64,
    cut: u64,
    pub(crate) forgotten: u64,
    /// TCP packets of connections to ports that were not asked for.
    pub(crate) other_ports: u64,
    /// Packets that a filter left out.
    pub(crate) filtered: u64,
    pub(crate) not_tcp: u64,
    pub(crate) fragments: u64,
    pub(crate) bad_headers: u64,
    pub(crate) unknown_link: u64,
    /// Packets that may hold TCP, and cannot be unwrapped, by what they are.
    pub(crate) not_unwrapped: Tally,
    /// Connections by the innermost tunnel that they were in.
    pub(crate) tunnels: Tally,
    /// Files that could not be read to their end.
    pub(crate) bad_files: u64,
}

fn add(tally: &mut Tally, more: &Tally) {
    for (name, count) in more {
        *tally.entry(name).or_default() += count;
    }
}

impl AddAssign<&Totals> for Totals {
    fn add_assign(&mut self, other: &Totals) {
        self.packets += other.packets;
        self.connections += other.connections;
        self.clean += other.clean;
        self.unread += other.unread;
        self.empty += other.empty;
        self.condemned += other.condemned;
        self.counts += &other.counts;
        self.no_syn += other.no_syn;
        self.one_sided += other.one_sided;
        self.lossy += other.lossy;
        self.cut += other.cut;
        self.forgotten += other.forgotten;
        self.other_ports += other.other_ports;
        self.filtered += other.filtered;
        self.not_tcp += other.not_tcp;
        self.fragments += other.fragments;
        self.bad_headers += other.bad_headers;
        self.unknown_link += other.unknown_link;
        self.bad_files += other.bad_files;
        add(&mut self.reasons, &other.reasons);
        add(&mut self.not_unwrapped, &other.not_unwrapped);
        add(&mut self.tunnels, &other.tunnels);
    }
}

impl Totals {
    /// Adds a connection that is over.
    pub(crate) fn add(&mut self, flow: &Flow) {
        self.connections += 1;
        self.no_syn += u64::from(!flow.syn);
        self.one_sided += u64::from(flow.is_one_sided());
        self.lossy += u64::from(flow.is_lossy());
        self.cut += u64::from(flow.counts.cut_short > 0);
        self.counts += &flow.counts;
        if let Some(tunnel) = flow.tunnel {
            *self.tunnels.entry(tunnel).or_default() += 1;
        }
        match flow.verdict() {
            Verdict::Condemned(reason) => {
                self.condemned += 1;
                *self.reasons.entry(reason.name()).or_default() += 1;
            }
            Verdict::Clean => self.clean += 1,
            Verdict::Unread => self.unread += 1,
            Verdict::Empty => self.empty += 1,
        }
    }

    /// A sentence for each thing that the captures lack, or that was skipped.
    pub(crate) fn lacking(&self) -> Vec<String> {
        let table = [
            (
                self.no_syn,
                "connections without a SYN: judged only from the first segment on that is seen \
                to begin with a record",
            ),
            (
                self.one_sided,
                "connections of which only one side is there: not judged by what the other \
                side said",
            ),
            (
                self.lossy,
                "connections with gaps: their directions are not judged until a segment begins \
                with a record",
            ),
            (
                self.counts.cut_short,
                "packets shorter than they say: the capture cut them (tcpdump -s 0 does not), \
                or they were padded",
            ),
            (self.fragments, "IP fragments: not put together, not judged"),
            (
                self.bad_headers,
                "packets with headers cut off or senseless: not judged",
            ),
            (
                self.forgotten,
                "connections given up, for the table was full: see --max-connections",
            ),
        ];
        let mut lacking: Vec<_> = table
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let closed = self.not_unwrapped.iter();
        lacking.extend(closed.map(|(name, count)| {
            format!("{count} packets of {name}: what they hold cannot be read, and is not judged")
        }));
        if self.connections == 0 && self.other_ports > 0 {
            lacking.push(format!(
                "{} packets, all of connections to other ports: see --ports",
                self.other_ports
            ));
        }
        lacking
    }

    /// The rules that were broken, in the order of the module's counters.
    fn reasons(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Reason::ALL.iter().map(|reason| {
            let name = reason.name();
            (name, self.reasons.get(name).copied().unwrap_or(0))
        })
    }

    /// Writes a line for each count, by its name; of most only if it is not 0.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let always = [
            ("packets", self.packets),
            ("connections", self.connections),
            ("clean", self.clean),
            ("condemned", self.condemned),
        ];
        let last = [
            ("empty", self.empty),
            ("unread", self.unread),
            ("no_syn", self.no_syn),
            ("one_sided", self.one_sided),
            ("lossy", self.lossy),
            ("cut", self.cut),
            ("forgotten", self.forgotten),
            ("other_ports", self.other_ports),
            ("filtered", self.filtered),
            ("not_tcp", self.not_tcp),
            ("fragments", self.fragments),
            ("bad_headers", self.bad_headers),
            ("unknown_link", self.unknown_link),
            ("bad_files", self.bad_files),
        ];
        for (name, value) in always {
            writeln!(out, "{name} {value}")?;
        }
        for (name, value) in self.reasons().chain(self.counts.named()).chain(last) {
            if value > 0 {
                writeln!(out, "{name} {value}")?;
            }
        }
        for (name, value) in &self.tunnels {
            writeln!(out, "in_{name} {value}")?;
        }
        for line in self.lacking() {
            writeln!(out, "lacking: {line}")?;
        }
        Ok(())
    }
}
