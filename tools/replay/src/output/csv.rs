// SPDX-License-Identifier: GPL-2.0

//! Comma-separated values (RFC 4180): a line with the columns' names, and one per connection.

use super::{
    Form,
    Record, //
};
use std::{
    borrow::Cow,
    io::{
        self,
        Write, //
    },
};

/// Comma-separated values.
#[derive(Default)]
pub(crate) struct Csv {
    begun: bool,
}

const COLUMNS: [&str; 20] = [
    "timestamp",
    "verdict",
    "reason",
    "pcap_filename",
    "pcap_cnt",
    "direction",
    "src_ip",
    "src_port",
    "dest_ip",
    "dest_port",
    "version",
    "sni",
    "start",
    "end",
    "age",
    "bytes_toserver",
    "bytes_toclient",
    "records",
    "tunnel",
    "lacking",
];

/// A value, in quotes if it must be.
fn quoted(value: &str) -> Cow<'_, str> {
    if value.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", value.replace('"', "\"\"")).into()
    } else {
        value.into()
    }
}

fn text(value: Option<impl ToString>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

impl Form for Csv {
    fn connection(&mut self, out: &mut dyn Write, record: &Record<'_>) -> io::Result<()> {
        if !self.begun {
            self.begun = true;
            write!(out, "{}\r\n", COLUMNS.join(","))?;
        }
        let flow = &record.flow;
        let values: [String; COLUMNS.len()] = [
            text(record.timestamp.text()),
            record.verdict.to_owned(),
            text(record.reason),
            record.pcap_filename.to_owned(),
            text(record.pcap_cnt),
            text(record.direction),
            record.src_ip.to_string(),
            record.src_port.to_string(),
            record.dest_ip.to_string(),
            record.dest_port.to_string(),
            text(record.tls.version.as_ref()),
            text(record.tls.sni),
            text(flow.start.text()),
            text(flow.end.text()),
            flow.age.to_string(),
            flow.bytes_toserver.to_string(),
            flow.bytes_toclient.to_string(),
            record.counters.records.to_string(),
            text(record.tunnel),
            record.lacking.join(" "),
        ];
        let values = values.each_ref().map(|value| quoted(value));
        write!(out, "{}\r\n", values.join(","))
    }
}
