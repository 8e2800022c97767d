// SPDX-License-Identifier: GPL-2.0

//! The command line.

use crate::{
    filter::{
        Expression,
        Filter, //
    },
    flows::Settings,
    output::{
        Csv,
        Form,
        Json,
        Quiet,
        Style,
        Table, //
    },
    packet::Time,
    ports::Ports,
    source::{
        self,
        Source, //
    },
    tls_parser::{
        Opening,
        Policy,
        Reason,
        Reasons, //
    },
};
use clap::{
    ArgAction,
    Parser,
    ValueEnum, //
};
use jiff::{
    civil::DateTime,
    tz::TimeZone,
    Timestamp, //
};
use std::{
    env,
    io::{
        self,
        IsTerminal, //
    },
    num::NonZeroUsize,
    path::{
        Path,
        PathBuf, //
    },
};

/// What can be made instead of judging.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Generate {
    Man,
    Bash,
    Elvish,
    Fish,
    Zsh,
}

/// Whether an upgrade is required.
#[derive(Clone, Copy, ValueEnum)]
enum Upgrade {
    Allow,
    Require,
}

/// When there is colour.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

/// Judges the TLS connections of captures as the kernel module nf_conntrack_tls would.
///
/// Captures are pcap or pcapng files, also compressed by gzip, zstd, xz or lz4. What tunnels and
/// tags hold is judged, too.
#[derive(Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 if a connection was condemned; 1 if none was; \
        2 if none was, and a file could not be read to its end.\n\
        The module's parameters of the same names are described in nf_conntrack_tls(4), \
        all else in tls-replay(1)."
)]
pub(crate) struct Options {
    /// Captures; of a folder, the captures in it; - is the standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["interface", "generate"])]
    files: Vec<PathBuf>,
    /// Capture from this interface, by tcpdump, until Ctrl-C
    #[arg(
        short,
        long,
        value_name = "INTERFACE",
        conflicts_with = "files",
        help_heading = "Input"
    )]
    interface: Option<String>,
    /// What tcpdump is to filter by (see pcap-filter(7)); it does not look into tunnels
    #[arg(
        long,
        value_name = "FILTER",
        requires = "interface",
        help_heading = "Input"
    )]
    capture_filter: Option<String>,
    /// Go on reading as the file grows, and when a rotation replaces it, until Ctrl-C
    #[arg(long, help_heading = "Input")]
    follow: bool,
    /// Judge all files as parts of one capture, in the order of their first packets, as tcpdump -C
    /// and -G leave them
    #[arg(long, help_heading = "Input")]
    join: bool,
    /// TCP ports of the servers: numbers, ranges and names, separated by commas, or "all"
    #[arg(
        long, value_name = "PORTS", default_value = "443", value_parser = ports,
        help_heading = "Which connections"
    )]
    ports: Ports,
    /// Look only at packets that match: host, net, port, portrange, src, dst, ip, ip6, and, or,
    /// not, parentheses
    #[arg(
        long, value_name = "EXPRESSION", value_parser = Expression::parse,
        help_heading = "Which connections"
    )]
    filter: Option<Expression>,
    /// Look only at packets from this time on, such as 2026-11-27T16:00:00Z; UTC without a zone
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Which connections")]
    since: Option<Time>,
    /// Look only at packets up to this time
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Which connections")]
    until: Option<Time>,
    /// How many connections are followed at once; each takes up to 1.5 KB of memory
    #[arg(
        long,
        value_name = "N",
        default_value = "262144",
        help_heading = "Which connections"
    )]
    max_connections: NonZeroUsize,
    /// Condemn at more than this many bytes below 128 in a row where ciphertext should be: 1 to
    /// 65535, 0 for off
    #[arg(
        long, value_name = "BYTES", default_value = "128", value_parser = seq_len,
        help_heading = "Rules"
    )]
    seq_len: u16,
    /// Heartbeats: 1 by the rules of RFC 6520, 0 refused
    #[arg(
        long, value_name = "0|1", default_value = "0", action = ArgAction::Set,
        value_parser = switch, help_heading = "Rules"
    )]
    heartbeat: bool,
    /// The lowest version that may be negotiated: 0x0300 (ssl3), 0x0301 to 0x0304 (1.0 to 1.3), 0
    /// for any
    #[arg(
        long, value_name = "VERSION", default_value = "0", value_parser = min_version,
        help_heading = "Rules"
    )]
    min_version: u16,
    /// Follow what begins in the clear up to its upgrade, as the helper starttls does: SMTP, IMAP,
    /// POP3, FTP and others; "require" refuses connections without one
    #[arg(
        long, value_name = "WHAT", num_args = 0..=1, require_equals = true,
        default_missing_value = "allow", help_heading = "Rules"
    )]
    starttls: Option<Upgrade>,
    /// Expect a PROXY header before TLS, as the helper tls-proxy does
    #[arg(long, conflicts_with = "starttls", help_heading = "Rules")]
    proxy_protocol: bool,
    /// Rules that are ignored, by their names, separated by commas
    #[arg(
        long, value_name = "RULES", value_parser = reason, value_delimiter = ',',
        help_heading = "Rules"
    )]
    off: Vec<Reason>,
    /// Print one JSON object per line: connections, files, and a summary
    #[arg(long, group = "form", help_heading = "Output")]
    json: bool,
    /// Print comma-separated values, one line per connection
    #[arg(long, group = "form", help_heading = "Output")]
    csv: bool,
    /// Print nothing but errors: the exit status tells
    #[arg(short, long, group = "form", help_heading = "Output")]
    quiet: bool,
    /// Tell only of condemned connections; all are counted
    #[arg(long, help_heading = "Output")]
    only_condemned: bool,
    /// Also sum up by rule and by server, and show the first N of each
    #[arg(
        long, value_name = "N", num_args = 0..=1, require_equals = true,
        default_missing_value = "10", help_heading = "Output"
    )]
    top: Option<NonZeroUsize>,
    /// Whether there is colour
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    color: When,
    /// No colour, as with NO_COLOR in the environment
    #[arg(long, conflicts_with = "color", help_heading = "Output")]
    no_color: bool,
    /// How many characters wide the table may be, instead of the terminal's width
    #[arg(long, value_name = "N", help_heading = "Output")]
    width: Option<NonZeroUsize>,
    /// Write the packets of condemned connections to a pcapng file, with a comment where a rule was
    /// broken
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) write: Option<PathBuf>,
    /// Write a page for a browser, with charts and a table to sort
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) report: Option<PathBuf>,
    /// Print the manual page, or a shell's completions
    #[arg(
        long, value_name = "WHAT", help_heading = "Output",
        conflicts_with_all = ["files", "interface"]
    )]
    pub(crate) generate: Option<Generate>,
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
    let lower = text.to_lowercase();
    let named = match lower.strip_prefix("tls").unwrap_or(&lower) {
        "any" => Some(0),
        "ssl3" | "ssl3.0" => Some(0x0300),
        "1.0" => Some(0x0301),
        "1.1" => Some(0x0302),
        "1.2" => Some(0x0303),
        "1.3" => Some(0x0304),
        other => number(other),
    };
    named
        .filter(|version| matches!(version, 0 | 0x0300..=0x0304))
        .ok_or("allowed are 0 (any), 0x0300 (ssl3), and 0x0301 to 0x0304 (1.0 to 1.3)")
}

fn reason(text: &str) -> Result<Reason, String> {
    let known = Reason::ALL.into_iter().find(|reason| reason.name() == text);
    let names = || Reason::ALL.map(Reason::name).join(", ");
    known.ok_or_else(|| format!("allowed are {}", names()))
}

fn ports(text: &str) -> Result<Ports, &'static str> {
    Ports::parse(text).ok_or(
        "allowed are ports, 1 to 65535, ranges such as 8443-8450, and services' names, \
        separated by commas, or \"all\"",
    )
}

fn time(text: &str) -> Result<Time, &'static str> {
    let zoned = text.parse::<Timestamp>().ok();
    let utc = || {
        let civil: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    };
    zoned
        .or_else(utc)
        .and_then(|time| i64::try_from(time.as_nanosecond()).ok())
        .map(Time)
        .ok_or("allowed are times such as 2026-11-27T16:00:00Z or 2026-11-27T17:00:00+01:00")
}

impl Options {
    pub(crate) fn settings(&self) -> Settings {
        let mut off = Reasons::NONE;
        self.off.iter().for_each(|&reason| off.insert(reason));
        Settings {
            policy: Policy {
                seq_len: self.seq_len,
                heartbeat: self.heartbeat,
                min_version: self.min_version,
                off,
                opening: self.opening(),
                passive: true,
                ..Policy::default()
            },
            ports: self.ports.clone(),
            max_connections: self.max_connections.get(),
        }
    }

    /// What comes before TLS.
    fn opening(&self) -> Opening {
        match self.starttls {
            Some(Upgrade::Allow) => Opening::Starttls,
            Some(Upgrade::Require) => Opening::StarttlsRequired,
            None if self.proxy_protocol => Opening::Proxy,
            None => Opening::Tls,
        }
    }

    pub(crate) fn filter(&self) -> Filter {
        Filter {
            expression: self.filter.clone(),
            since: self.since,
            until: self.until,
        }
    }

    /// Whether all files are parts of one capture.
    pub(crate) fn is_joined(&self) -> bool {
        self.join
    }

    pub(crate) fn only_condemned(&self) -> bool {
        self.only_condemned
    }

    pub(crate) fn top(&self) -> Option<usize> {
        self.top.map(NonZeroUsize::get)
    }

    pub(crate) fn form(&self, several: bool) -> Box<dyn Form> {
        match (self.json, self.csv, self.quiet) {
            (true, ..) => Box::new(Json::default()),
            (_, true, _) => Box::new(Csv::default()),
            (_, _, true) => Box::new(Quiet),
            _ => Box::new(Table::new(self.style(several))),
        }
    }

    fn style(&self, several: bool) -> Style {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let wanted = env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()) && !self.no_color;
        let width = || {
            let size = rustix::termios::tcgetwinsize(&stdout).ok()?;
            (size.ws_col > 0).then_some(size.ws_col.into())
        };
        Style {
            colour: match self.color {
                When::Auto => terminal && wanted,
                When::Always => true,
                When::Never => false,
            },
            width: self.width.map(NonZeroUsize::get).or_else(width),
            several,
        }
    }

    /// What is read, and errors about what is not.
    pub(crate) fn sources(&self) -> (Vec<Source>, Vec<(String, String)>) {
        if let Some(interface) = &self.interface {
            let source = Source::Interface(interface.clone(), self.capture_filter.clone());
            return (vec![source], Vec::new());
        }
        let (mut sources, mut notes) = (Vec::new(), Vec::new());
        for path in &self.files {
            self.add(path, &mut sources, &mut notes);
        }
        if self.join {
            sources.sort_by_key(Source::first_time);
        }
        (sources, notes)
    }

    fn add(&self, path: &Path, sources: &mut Vec<Source>, notes: &mut Vec<(String, String)>) {
        if path == Path::new("-") {
            sources.push(Source::Stdin);
        } else if self.follow {
            sources.push(Source::Growing(path.to_owned()));
        } else if path.is_dir() {
            let name = path.to_string_lossy().into_owned();
            match source::in_folder(path) {
                Ok((captures, others)) => {
                    sources.extend(captures.into_iter().map(Source::File));
                    if others > 0 {
                        notes.push((name, format!("{others} files in it are no captures")));
                    }
                }
                Err(_) => sources.push(Source::File(path.to_owned())),
            }
        } else {
            sources.push(Source::File(path.to_owned()));
        }
    }
}
