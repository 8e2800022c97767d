// SPDX-License-Identifier: GPL-2.0

//! What is told of connections and captures: text, JSON, or nothing.

use crate::{
    flows::{
        Counts,
        Flow,
        Listener,
        News, //
    },
    reader::Extent,
    tls_parser::{
        Direction,
        Reason, //
    },
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{
        self,
        BufWriter,
        IsTerminal,
        StdoutLock,
        Write, //
    },
    net::IpAddr,
    time::{
        Duration,
        Instant, //
    },
};

/// The form in which verdicts are told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
    Quiet,
}

/// The sum of all that was read.
#[derive(Default, Serialize)]
pub(crate) struct Totals {
    pub(crate) packets: u64,
    connections: u64,
    clean: u64,
    unread: u64,
    pub(crate) condemned: u64,
    reasons: BTreeMap<&'static str, u64>,
    #[serde(flatten)]
    counts: Counts,
    no_syn: u64,
    forgotten: u64,
    /// TCP packets of connections to ports that were not asked for.
    pub(crate) other_ports: u64,
    pub(crate) not_tcp: u64,
    pub(crate) fragments: u64,
    pub(crate) unreadable: u64,
    pub(crate) unknown_link: u64,
}

impl Totals {
    fn add(&mut self, flow: &Flow) {
        self.connections += 1;
        self.no_syn += u64::from(!flow.syn);
        self.counts += flow.counts;
        match flow.broken {
            Some(broken) => {
                self.condemned += 1;
                *self.reasons.entry(broken.reason.name()).or_default() += 1;
            }
            None if flow.is_unread() => self.unread += 1,
            None => self.clean += 1,
        }
    }

    /// A sentence for each thing that the captures lack, or that was passed over.
    fn lacking(&self) -> Vec<String> {
        let table = [
            (self.no_syn, "connections without a SYN: judged only from the first segment on that is seen to begin with a record"),
            (self.counts.cut_short, "packets shorter than they say: the capture cut them (tcpdump -s 0 does not), or they were padded"),
            (self.counts.out_of_order, "segments out of order or behind a gap: their direction is not judged until a segment begins with a record"),
            (self.fragments, "IP fragments: not put together, not judged"),
            (self.unreadable, "packets with headers cut off or senseless: not judged"),
            (self.forgotten, "connections given up, for the table was full: see --max-connections"),
        ];
        let mut lacking: Vec<_> = table
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if self.connections == 0 && self.other_ports > 0 {
            lacking.push(format!(
                "{} packets, all of connections to other ports: see --ports",
                self.other_ports
            ));
        }
        lacking
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let always = [
            ("packets", self.packets),
            ("connections", self.connections),
            ("clean", self.clean),
            ("condemned", self.condemned),
        ];
        let behind = [
            ("unread", self.unread),
            ("no_syn", self.no_syn),
            ("forgotten", self.forgotten),
            ("other_ports", self.other_ports),
            ("not_tcp", self.not_tcp),
            ("fragments", self.fragments),
            ("unreadable", self.unreadable),
            ("unknown_link", self.unknown_link),
        ];
        let reasons = Reason::ALL.map(|reason| {
            let name = reason.name();
            (name, self.reasons.get(name).copied().unwrap_or(0))
        });
        for (name, value) in always {
            writeln!(out, "{name} {value}")?;
        }
        for (name, value) in reasons.into_iter().chain(self.counts.named()).chain(behind) {
            if value > 0 {
                writeln!(out, "{name} {value}")?;
            }
        }
        for line in self.lacking() {
            writeln!(out, "lacking: {line}")?;
        }
        Ok(())
    }
}

/// A connection, in JSON.
#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    file: &'a str,
    verdict: &'static str,
    reason: Option<&'static str>,
    packet: Option<u64>,
    direction: Option<&'static str>,
    client: IpAddr,
    client_port: u16,
    server: IpAddr,
    server_port: u16,
    first_packet: u64,
    last_packet: u64,
    syn: bool,
    #[serde(flatten)]
    counts: Counts,
}

/// All captures, in JSON.
#[derive(Serialize)]
struct Summary<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    totals: &'a Totals,
    lacking: Vec<String>,
}

/// Tells verdicts, sums them up, and shows how far it is.
pub(crate) struct Report {
    out: BufWriter<StdoutLock<'static>>,
    form: Form,
    /// Whether lines must say of which file they are.
    several: bool,
    file: String,
    pub(crate) totals: Totals,
    progress: Progress,
}

impl Report {
    pub(crate) fn new(form: Form, several: bool) -> Self {
        Report {
            out: BufWriter::new(io::stdout().lock()),
            form,
            several,
            file: String::new(),
            totals: Totals::default(),
            progress: Progress::new(),
        }
    }

    /// Begins a file.
    pub(crate) fn begin(&mut self, file: &str) {
        self.file = file.to_owned();
    }

    /// Shows how far it is, now and then.
    pub(crate) fn progress(&mut self, packets: u64, extent: &Extent) {
        if packets % 1024 == 0 {
            self.progress.show(&self.file, packets, extent);
        }
    }

    /// Tells what is wrong with the file, behind what was told of it.
    pub(crate) fn fail(&mut self, what: &str) -> io::Result<()> {
        self.out.flush()?;
        self.progress.clear();
        eprintln!("tls-replay: {}: {what}", self.file);
        Ok(())
    }

    /// Sums up.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.progress.clear();
        match self.form {
            Form::Text => self.totals.write(&mut self.out)?,
            Form::Json => {
                let summary = Summary {
                    r#type: "summary",
                    totals: &self.totals,
                    lacking: self.totals.lacking(),
                };
                serde_json::to_writer(&mut self.out, &summary)?;
                writeln!(self.out)?;
            }
            Form::Quiet => {}
        }
        self.out.flush()
    }

    fn verdict(&mut self, flow: &Flow) -> io::Result<()> {
        match self.form {
            Form::Text => self.text(flow),
            Form::Json => self.json(flow),
            Form::Quiet => Ok(()),
        }
    }

    fn text(&mut self, flow: &Flow) -> io::Result<()> {
        if self.several {
            write!(self.out, "{}: ", self.file)?;
        }
        match flow.broken {
            Some(broken) => write!(
                self.out,
                "{}: condemned at packet {}, {} direction, ",
                broken.reason.name(),
                broken.packet,
                name(broken.direction)
            )?,
            None => write!(self.out, "{}: ", verdict(flow))?,
        }
        write!(self.out, "{} -> {}", flow.client, flow.server)?;
        let notes = notes(flow);
        if !notes.is_empty() {
            write!(self.out, " ({})", notes.join(", "))?;
        }
        writeln!(self.out)
    }

    fn json(&mut self, flow: &Flow) -> io::Result<()> {
        let line = Line {
            r#type: "connection",
            file: &self.file,
            verdict: verdict(flow),
            reason: flow.broken.map(|broken| broken.reason.name()),
            packet: flow.broken.map(|broken| broken.packet),
            direction: flow.broken.map(|broken| name(broken.direction)),
            client: flow.client.ip(),
            client_port: flow.client.port(),
            server: flow.server.ip(),
            server_port: flow.server.port(),
            first_packet: flow.first,
            last_packet: flow.last,
            syn: flow.syn,
            counts: flow.counts,
        };
        serde_json::to_writer(&mut self.out, &line)?;
        writeln!(self.out)
    }
}

impl Listener for Report {
    fn tell(&mut self, news: News<'_>) -> io::Result<()> {
        match news {
            News::Condemned(flow) => {
                self.progress.clear();
                self.verdict(flow)?;
                // Whoever watches a live capture wants it now.
                return self.out.flush();
            }
            News::Ended(flow) => self.totals.add(flow),
            News::Forgotten(flow) => {
                self.totals.add(flow);
                self.totals.forgotten += 1;
            }
        }
        let (News::Ended(flow) | News::Forgotten(flow) | News::Condemned(flow)) = news;
        if flow.broken.is_some() {
            return Ok(());
        }
        self.progress.clear();
        self.verdict(flow)
    }
}

fn verdict(flow: &Flow) -> &'static str {
    match flow.broken {
        Some(_) => "condemned",
        None if flow.is_unread() => "unread",
        None => "clean",
    }
}

fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::Original => "original",
        Direction::Reply => "reply",
    }
}

/// What limits the verdict.
fn notes(flow: &Flow) -> Vec<String> {
    let mut notes = Vec::new();
    if !flow.syn {
        notes.push("no SYN".to_owned());
    }
    let counts = [
        (flow.counts.cut_short, "cut short"),
        (flow.counts.out_of_order, "out of order"),
        (flow.counts.mid_stream, "not read"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    notes.extend(counts.map(|(count, what)| format!("{count} {what}")));
    notes
}

/// A line on the terminal that says how far a long capture has been read.
struct Progress {
    terminal: bool,
    shown: bool,
    next: Instant,
}

impl Progress {
    const FIRST: Duration = Duration::from_secs(1);
    const THEN: Duration = Duration::from_millis(250);

    fn new() -> Self {
        Progress {
            terminal: io::stderr().is_terminal(),
            shown: false,
            next: Instant::now() + Self::FIRST,
        }
    }

    fn show(&mut self, file: &str, packets: u64, extent: &Extent) {
        let now = Instant::now();
        if !self.terminal || now < self.next {
            return;
        }
        let read = extent.read.get();
        let share = extent.size.map_or(String::new(), |size| {
            format!(", {} %", read.saturating_mul(100) / size.max(1))
        });
        eprint!(
            "\r\x1b[K{file}: {packets} packets, {} MB{share}",
            read >> 20
        );
        self.shown = true;
        self.next = now + Self::THEN;
    }

    fn clear(&mut self) {
        if self.shown {
            eprint!("\r\x1b[K");
            self.shown = false;
        }
    }
}
