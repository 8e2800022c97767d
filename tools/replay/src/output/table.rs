// SPDX-License-Identifier: GPL-2.0

//! A table for people: a line per connection, as wide as the terminal, and then the sums.

use super::{
    Form,
    Record, //
};
use crate::{
    top::Top,
    totals::Totals, //
};
use std::{
    io::{
        self,
        Write, //
    },
    iter,
    net::SocketAddr,
};

/// How the table looks.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) colour: bool,
    /// How many columns of characters there are; without a terminal nothing is left out.
    pub(crate) width: Option<usize>,
    /// Whether lines must say of which file they are.
    pub(crate) several: bool,
}

/// A column of the table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Verdict,
    Packet,
    Time,
    Lasts,
    Client,
    Server,
    Version,
    Name,
    Bytes,
    Lacking,
    File,
}

use Column::*;

/// The columns from left to right, with their titles and widths.
const COLUMNS: [(Column, &str, usize); 11] = [
    (Verdict, "VERDICT", 19),
    (Packet, "PACKET", 7),
    (Time, "TIME", 27),
    (Lasts, "LASTS", 8),
    (Client, "CLIENT", 21),
    (Server, "SERVER", 21),
    (Version, "VERSION", 7),
    (Name, "NAME", 24),
    (Bytes, "BYTES", 7),
    (Lacking, "LACKING", 9),
    (File, "FILE", 12),
];

/// Room for a line, in bytes; a longer one only costs more.
const LINE: usize = 256;

/// On a terminal these columns have at least this width, and share what is left over.
const NARROW: [(Column, usize); 4] = [(Time, 20), (Bytes, 6), (Name, 11), (File, 12)];

/// The columns that a narrow terminal omits, in this order.
const SPARED: [Column; 7] = [Lasts, Bytes, Version, Time, Name, File, Lacking];

/// A table for people.
pub(crate) struct Table {
    style: Style,
    columns: Vec<(Column, &'static str, usize)>,
    begun: bool,
}

impl Table {
    pub(crate) fn new(style: Style) -> Self {
        let mut columns = COLUMNS.to_vec();
        columns.retain(|(column, ..)| *column != File || style.several);
        if let Some(width) = style.width {
            fit(&mut columns, width);
        }
        Table {
            style,
            columns,
            begun: false,
        }
    }

    fn head(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let titles = self.columns.iter();
        let titles = titles.map(|(column, title, width)| self.cell(*column, title, *width));
        let titles = titles.collect::<Vec<_>>().join("  ");
        let titles = titles.trim_end();
        if self.style.colour {
            writeln!(out, "\x1b[1m{titles}\x1b[0m")
        } else {
            writeln!(out, "{titles}")
        }
    }

    /// A value as wide as its column; on a terminal also not wider, but for addresses.
    fn cell(&self, column: Column, value: &str, width: usize) -> String {
        let cut = self.style.width.is_some() && matches!(column, Name | Lacking | File);
        let length = value.chars().count();
        if cut && length > width {
            // A path is cut at its beginning.
            let skipped = if column == File {
                length - width + 1
            } else {
                0
            };
            let kept: String = value.chars().skip(skipped).take(width - 1).collect();
            return if column == File {
                format!("…{kept}")
            } else {
                format!("{kept}…")
            };
        }
        let missing = width.saturating_sub(length);
        let mut cell = String::with_capacity(value.len() + missing);
        if matches!(column, Packet | Lasts | Bytes) {
            cell.extend(iter::repeat_n(' ', missing));
            cell.push_str(value);
        } else {
            cell.push_str(value);
            cell.extend(iter::repeat_n(' ', missing));
        }
        cell
    }
}

/// The columns as they fit into a terminal.
fn fit(columns: &mut Vec<(Column, &'static str, usize)>, width: usize) {
    for (column, _, wide) in &mut *columns {
        let narrow = NARROW.iter().find(|(it, _)| it == column);
        *wide = narrow.map_or(*wide, |(_, narrow)| *narrow);
    }
    for spared in SPARED {
        if total(columns) > width {
            columns.retain(|(column, ..)| *column != spared);
        }
    }
    let left = width.saturating_sub(total(columns));
    let last = |it: &&mut (Column, &str, usize)| matches!(it.0, Name | File);
    if let Some((.., wide)) = columns.iter_mut().rev().find(last) {
        *wide += left;
    }
}

fn total(columns: &[(Column, &str, usize)]) -> usize {
    let widths = columns.iter().map(|(.., width)| width + 2);
    widths.sum::<usize>().saturating_sub(2)
}

/// Red, green or yellow, by the verdict.
fn colour(verdict: &str) -> &'static str {
    match verdict {
        "condemned" => "\x1b[1;31m",
        "clean" => "\x1b[32m",
        _ => "\x1b[33m",
    }
}

/// A number of bytes with a unit.
fn human(bytes: u64) -> String {
    let mut rest = bytes as f64;
    for unit in ["", "K", "M", "G"] {
        if rest < 1000.0 && unit.is_empty() {
            return bytes.to_string();
        }
        if rest < 1000.0 {
            return format!("{rest:.1}{unit}");
        }
        rest /= 1000.0;
    }
    format!("{rest:.1}T")
}

/// A time without its fraction.
fn short(time: &str) -> String {
    let seconds = time.split('.').next().unwrap_or(time);
    format!("{}Z", seconds.replace('T', " "))
}

fn value(column: Column, record: &Record<'_>) -> String {
    let flow = &record.flow;
    match column {
        Verdict => record.reason.unwrap_or(record.verdict).to_owned(),
        Packet => record
            .pcap_cnt
            .map_or("-".to_owned(), |packet| packet.to_string()),
        Time => record.timestamp.text().unwrap_or("-".to_owned()),
        Lasts if !flow.start.is_known() => "-".to_owned(),
        Lasts => format!("{:.3}s", flow.age),
        Client => SocketAddr::new(record.src_ip, record.src_port).to_string(),
        Server => SocketAddr::new(record.dest_ip, record.dest_port).to_string(),
        Version => record.tls.version.clone().unwrap_or("-".to_owned()),
        Name => record.tls.sni.unwrap_or("no-sni").to_owned(),
        Bytes => human(flow.bytes_toserver + flow.bytes_toclient),
        Lacking if record.lacking.is_empty() => "-".to_owned(),
        Lacking => record.lacking.join(","),
        File => record.pcap_filename.to_owned(),
    }
}

impl Form for Table {
    fn connection(&mut self, out: &mut dyn Write, record: &Record<'_>) -> io::Result<()> {
        self.head(out)?;
        let mut line = String::with_capacity(LINE);
        for (column, _, width) in &self.columns {
            let mut value = value(*column, record);
            if *column == Time && *width < value.len() {
                value = short(&value);
            }
            let cell = self.cell(*column, &value, *width);
            if self.style.colour && *column == Verdict {
                line.push_str(&format!("{}{cell}\x1b[0m", colour(record.verdict)));
            } else {
                line.push_str(&cell);
            }
            line.push_str("  ");
        }
        writeln!(out, "{}", line.trim_end())
    }

    fn summary(
        &mut self,
        out: &mut dyn Write,
        totals: &Totals,
        top: Option<&Top>,
    ) -> io::Result<()> {
        if self.begun {
            writeln!(out)?;
        }
        totals.write(out)?;
        top.map_or(Ok(()), |top| top.write(out))
    }
}
