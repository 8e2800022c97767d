// SPDX-License-Identifier: GPL-2.0

//! `tls-replay`, which judges the TLS connections of captures as the module `nf_conntrack_tls` would.

mod flows;
mod packet;
mod reader;
mod report;
#[path = "../../../tls_parser.rs"]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod tls_parser;

use clap::{
    ArgAction,
    Parser, //
};
use flows::{
    Ports,
    Settings,
    Table, //
};
use packet::{
    Contents,
    Frame, //
};
use reader::Capture;
use report::{
    Form,
    Report, //
};
use std::{
    io,
    num::NonZeroUsize,
    path::{
        Path,
        PathBuf, //
    },
    process::ExitCode, //
};
use tls_parser::Policy;

/// Judges the TLS connections of captures as the kernel module nf_conntrack_tls would.
///
/// Exit status: 0 if a connection was condemned, 1 if none was, 2 if a capture could not be read to its end.
#[derive(Parser)]
#[command(version = None, after_help = "The module's parameters of the same names are described in nf_conntrack_tls's README.")]
struct Options {
    /// Condemn at more than this many bytes below 128 in a row where ciphertext should be: 1 to 65535, 0 for off
    #[arg(long, value_name = "BYTES", default_value = "128", value_parser = seq_len)]
    seq_len: u16,
    /// TCP ports of the servers, separated by commas, or "all"
    #[arg(long, value_name = "PORTS", default_value = "443", value_parser = ports)]
    ports: Ports,
    /// Heartbeats: 1 by the rules of RFC 6520, 0 refused
    #[arg(long, value_name = "0|1", default_value = "1", action = ArgAction::Set, value_parser = switch)]
    heartbeat: bool,
    /// The lowest version that may be negotiated: 0x0300 (SSL 3.0) to 0x0304 (TLS 1.3), 0 for any
    #[arg(long, value_name = "VERSION", default_value = "0", value_parser = min_version)]
    min_version: u16,
    /// How many connections are followed at once; each takes up to 800 bytes of memory
    #[arg(long, value_name = "N", default_value = "262144")]
    max_connections: NonZeroUsize,
    /// Print a JSON object a line: one for each connection, and a summary
    #[arg(long)]
    json: bool,
    /// Print nothing but errors: the exit status tells
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    /// Captures, pcap or pcapng, also compressed by gzip; - is the standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Reads a number as the kernel's parameters do: decimal, or 0x and hexadecimal.
fn number(text: &str) -> Option<u16> {
    match text.strip_prefix("0x") {
        Some(hex) => u16::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn seq_len(text: &str) -> Result<u16, &'static str> {
    number(text).ok_or("allowed are 1 to 65535 bytes, and 0 for off")
}

fn switch(text: &str) -> Result<bool, &'static str> {
    match number(text) {
        Some(0) => Ok(false),
        Some(1) => Ok(true),
        _ => Err("allowed are 0 and 1"),
    }
}

fn min_version(text: &str) -> Result<u16, &'static str> {
    number(text)
        .filter(|version| matches!(version, 0 | 0x0300..=0x0304))
        .ok_or("allowed are 0 (any), 0x0300 (SSL 3.0) to 0x0304 (TLS 1.3)")
}

fn ports(text: &str) -> Result<Ports, &'static str> {
    if text == "all" {
        return Ok(Ports::All);
    }
    let port = |text| number(text).filter(|&port| port != 0);
    let ports: Option<_> = text.split(',').map(port).collect();
    ports
        .map(Ports::These)
        .ok_or("allowed are ports, 1 to 65535, separated by commas, or \"all\"")
}

impl Options {
    fn settings(&self) -> Settings {
        Settings {
            policy: Policy {
                seq_len: self.seq_len,
                heartbeat: self.heartbeat,
                min_version: self.min_version,
            },
            ports: self.ports.clone(),
            max_connections: self.max_connections.get(),
        }
    }

    fn form(&self) -> Form {
        match (self.json, self.quiet) {
            (true, _) => Form::Json,
            (_, true) => Form::Quiet,
            _ => Form::Text,
        }
    }
}

/// Why a file was not read to its end.
enum Stop {
    /// It cannot be.
    Capture(reader::Error),
    /// Nobody can be told any more.
    Output(io::Error),
}

impl From<reader::Error> for Stop {
    fn from(err: reader::Error) -> Self {
        Stop::Capture(err)
    }
}

impl From<io::Error> for Stop {
    fn from(err: io::Error) -> Self {
        Stop::Output(err)
    }
}

/// Judges the connections of a file; false if it could not be read, or not all of it.
fn replay(path: &Path, settings: &Settings, report: &mut Report) -> io::Result<bool> {
    report.begin(&path.to_string_lossy());
    let mut pass = Pass {
        table: Table::new(settings),
        report,
        packets: 0,
        unknown: None,
    };
    let end = Capture::open(path)
        .map_err(Stop::from)
        .and_then(|mut capture| pass.read(&mut capture));
    let (packets, unknown) = pass.finish()?;
    let all_read = match end {
        Err(Stop::Output(err)) => return Err(err),
        Err(Stop::Capture(err)) if packets > 0 => {
            report.fail(&format!("{err} (behind packet {packets})"))?;
            false
        }
        Err(Stop::Capture(err)) => {
            report.fail(&err.to_string())?;
            false
        }
        Ok(()) => true,
    };
    if let Some(link) = unknown {
        let links = packet::LINKS;
        report.fail(&format!(
            "has packets of link type {link}, which were not read: known are {links}"
        ))?;
    }
    Ok(all_read && unknown.is_none())
}

/// A capture's way past the table of connections.
struct Pass<'a> {
    table: Table<'a>,
    report: &'a mut Report,
    packets: u64,
    /// A link type that is not known.
    unknown: Option<i32>,
}

impl Pass<'_> {
    /// Ends all connections; returns how many packets there were, and the unknown link type.
    fn finish(self) -> io::Result<(u64, Option<i32>)> {
        self.report.totals.packets += self.packets;
        self.table.finish(self.report)?;
        Ok((self.packets, self.unknown))
    }

    fn read(&mut self, capture: &mut Capture) -> Result<(), Stop> {
        let extent = capture.extent.clone();
        capture.read(|frame| {
            self.packets += 1;
            self.report.progress(self.packets, &extent);
            self.take(&frame)
        })
    }

    fn take(&mut self, frame: &Frame<'_>) -> Result<(), Stop> {
        let totals = &mut self.report.totals;
        match frame.contents() {
            Contents::Tcp(packet) => {
                if !self.table.follow(self.packets, &packet, self.report)? {
                    self.report.totals.other_ports += 1;
                }
            }
            Contents::Fragment => totals.fragments += 1,
            Contents::Other => totals.not_tcp += 1,
            Contents::Unreadable => totals.unreadable += 1,
            Contents::UnknownLink => {
                totals.unknown_link += 1;
                self.unknown = Some(frame.link);
            }
        }
        Ok(())
    }
}

fn run(options: &Options) -> io::Result<ExitCode> {
    let settings = options.settings();
    let mut report = Report::new(options.form(), options.files.len() > 1);
    let mut all_read = true;
    for file in &options.files {
        all_read &= replay(file, &settings, &mut report)?;
    }
    report.finish()?;
    Ok(match (all_read, report.totals.condemned) {
        (false, _) => ExitCode::from(2),
        (true, 0) => ExitCode::from(1),
        (true, _) => ExitCode::SUCCESS,
    })
}

fn main() -> ExitCode {
    run(&Options::parse()).unwrap_or_else(|err| {
        // Nobody reads on behind `head`.
        if err.kind() != io::ErrorKind::BrokenPipe {
            eprintln!("tls-replay: cannot write: {err}");
        }
        ExitCode::from(2)
    })
}
