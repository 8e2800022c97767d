// SPDX-License-Identifier: GPL-2.0

//! The forms in which connections, files and sums are told.

mod csv;
mod json;
mod record;
mod table;

pub(crate) use csv::Csv;
pub(crate) use json::Json;
pub(crate) use record::{
    timestamp,
    Record, //
};
pub(crate) use table::{
    Style,
    Table, //
};

use crate::{
    top::Top,
    totals::Totals, //
};
use std::io::{
    self,
    Write, //
};

/// How it went with a file.
pub(crate) struct Ended<'a> {
    pub(crate) file: &'a str,
    /// Why it could not be read to its end.
    pub(crate) error: Option<&'a str>,
    pub(crate) totals: &'a Totals,
}

/// A form of output.
pub(crate) trait Form {
    /// Whether it tells of connections.
    fn tells(&self) -> bool {
        true
    }

    /// Tells of a connection.
    fn connection(&mut self, out: &mut dyn Write, record: &Record<'_>) -> io::Result<()>;

    /// Tells of a file that was read.
    fn file(&mut self, _out: &mut dyn Write, _ended: &Ended<'_>) -> io::Result<()> {
        Ok(())
    }

    /// Sums up.
    fn summary(
        &mut self,
        _out: &mut dyn Write,
        _totals: &Totals,
        _top: Option<&Top>,
    ) -> io::Result<()> {
        Ok(())
    }
}

/// No output: the exit status tells.
pub(crate) struct Quiet;

impl Form for Quiet {
    fn tells(&self) -> bool {
        false
    }

    fn connection(&mut self, _out: &mut dyn Write, _record: &Record<'_>) -> io::Result<()> {
        Ok(())
    }
}
