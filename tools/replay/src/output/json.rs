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
pub(crate) struct Json;

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

fn line(out: &mut dyn Write, object: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, object)?;
    writeln!(out)
}

impl Form for Json {
    fn connection(&mut self, out: &mut dyn Write, record: &Record<'_>) -> io::Result<()> {
        line(out, record)
    }

    fn file(&mut self, out: &mut dyn Write, ended: &Ended<'_>) -> io::Result<()> {
        let object = File {
            event_type: "file",
            pcap_filename: ended.file,
            error: ended.error,
            totals: ended.totals,
            lacking: ended.totals.lacking(),
        };
        line(out, &object)
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
        line(out, &object)
    }
}
