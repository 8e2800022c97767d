// SPDX-License-Identifier: GPL-2.0

//! One JSON object per line: connections, files, and a summary.

use super::{
    Ended,
    Form,
    Record, //
};
use crate::{
    top::Top,
    totals::Totals, //
};
use serde::Serialize;
use std::io::{
    self,
    Write, //
};

/// One JSON object per line.
#[derive(Default)]
pub(crate) struct Json {
    /// The line that is being made. serde_json writes its hundred parts one by one, which takes
    /// long where the writer is known at run time only.
    line: Vec<u8>,
}

/// A file that was read.
#[derive(Serialize)]
struct File<'a> {
    event_type: &'static str,
    pcap_filename: &'a str,
    error: Option<&'a str>,
    #[serde(flatten)]
    totals: &'a Totals,
    lacking: Vec<String>,
}

/// All files.
#[derive(Serialize)]
struct Summary<'a> {
    event_type: &'static str,
    #[serde(flatten)]
    totals: &'a Totals,
    lacking: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top: Option<&'a Top>,
}

impl Json {
    fn line(&mut self, out: &mut dyn Write, object: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, object)?;
        self.line.push(b'\n');
        out.write_all(&self.line)
    }
}

impl Form for Json {
    fn connection(&mut self, out: &mut dyn Write, record: &Record<'_>) -> io::Result<()> {
        self.line(out, record)
    }

    fn file(&mut self, out: &mut dyn Write, ended: &Ended<'_>) -> io::Result<()> {
        let object = File {
            event_type: "file",
            pcap_filename: ended.file,
            error: ended.error,
            totals: ended.totals,
            lacking: ended.totals.lacking(),
        };
        self.line(out, &object)
    }

    fn summary(
        &mut self,
        out: &mut dyn Write,
        totals: &Totals,
        top: Option<&Top>,
    ) -> io::Result<()> {
        let object = Summary {
            event_type: "summary",
            totals,
            lacking: totals.lacking(),
            top,
        };
        self.line(out, &object)
    }
}
